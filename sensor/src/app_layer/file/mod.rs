//! Files, whichever protocol carries them.

pub mod fields;
pub mod hash;
pub mod kept;
mod keywords;
pub mod magic;
mod store;
pub mod transfer;
mod wanted;
pub mod window;

pub use store::Store;
pub use wanted::Wanted;

use rules::vocabulary::Lexicon;

/// What files lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[],
    fields: fields::FIELDS,
    keywords: fields::KEYWORDS,
    hooks: &[],
    events: None,
    frames: &[],
};
