//! SMB, versions 1 to 3.

pub mod event;
pub mod fields;

use crate::app_layer::progress::TWO_STATES;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::Lexicon;

/// What SMB lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Smb],
    fields: fields::FIELDS,
    keywords: &[],
    hooks: TWO_STATES,
    events: Some(&event::EVENTS),
};
