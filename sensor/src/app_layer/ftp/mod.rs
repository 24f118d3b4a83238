//! FTP, its control connection and its data connections.

pub mod event;
pub mod fields;

use crate::app_layer::progress::TWO_STATES;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::Lexicon;

/// What FTP's control connection lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Ftp],
    fields: fields::FIELDS,
    keywords: fields::KEYWORDS,
    hooks: TWO_STATES,
    events: Some(&event::EVENTS),
};

/// What FTP's data connections lend to rules.
pub static DATA: Lexicon = Lexicon {
    protocols: &[AppProtocol::FtpData],
    fields: &[],
    keywords: fields::DATA_KEYWORDS,
    hooks: TWO_STATES,
    events: None,
};
