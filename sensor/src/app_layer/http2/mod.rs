//! HTTP/2: what its frames have beyond HTTP.

pub mod event;
pub mod fields;

use crate::app_layer::progress::TWO_STATES;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::Lexicon;

/// What HTTP/2 lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Http2],
    fields: fields::FIELDS,
    keywords: fields::KEYWORDS,
    hooks: TWO_STATES,
    events: Some(&event::EVENTS),
};
