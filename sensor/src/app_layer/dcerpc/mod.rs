//! DCE/RPC, over SMB, TCP and UDP.

pub mod fields;

use crate::app_layer::progress::TWO_STATES;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::Lexicon;

/// What DCE/RPC lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Dcerpc],
    fields: fields::FIELDS,
    keywords: fields::KEYWORDS,
    hooks: TWO_STATES,
    events: None,
};
