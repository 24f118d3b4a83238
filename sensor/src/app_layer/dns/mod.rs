//! DNS and multicast DNS.

pub mod event;
pub mod fields;
pub mod mdns;

use crate::app_layer::progress::TWO_STATES;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::Lexicon;

/// What DNS lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Dns, AppProtocol::Doh2],
    fields: fields::FIELDS,
    keywords: &[],
    hooks: TWO_STATES,
    events: Some(&event::EVENTS),
    parsed: false,
};

/// What multicast DNS lends to rules.
pub static MDNS: Lexicon = Lexicon {
    protocols: &[AppProtocol::Mdns],
    fields: mdns::FIELDS,
    keywords: &[],
    hooks: TWO_STATES,
    events: Some(&mdns::EVENTS),
    parsed: false,
};
