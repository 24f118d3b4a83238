//! SMTP and the mail it carries.

pub mod event;
pub mod fields;

use crate::app_layer::progress::TWO_STATES;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::Lexicon;

/// What SMTP lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Smtp],
    fields: fields::FIELDS,
    keywords: &[],
    hooks: TWO_STATES,
    events: Some(&event::EVENTS),
    parsed: false,
};
