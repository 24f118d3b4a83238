//! SSH.

pub mod event;
pub mod fields;

use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Hook, Lexicon};

/// What SSH lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Ssh],
    fields: fields::FIELDS,
    keywords: fields::KEYWORDS,
    hooks: HOOKS,
    events: Some(&event::EVENTS),
    parsed: false,
};

/// States of one side (Suricata documentation: "Firewall Mode Design").
static HOOKS: &[Hook] = &[
    Hook::request("request_in_progress", progress::STARTED),
    Hook::request("request_banner_wait_eol", progress::BANNER_BEGUN),
    Hook::request("request_banner_done", progress::BANNER),
    Hook::request("request_finished", progress::FINISHED),
    Hook::response("response_in_progress", progress::STARTED),
    Hook::response("response_banner_wait_eol", progress::BANNER_BEGUN),
    Hook::response("response_banner_done", progress::BANNER),
    Hook::response("response_finished", progress::FINISHED),
];

/// How far one side has come.
pub mod progress {
    /// Its first byte was seen.
    pub const STARTED: u8 = 0;
    /// Its banner has begun.
    pub const BANNER_BEGUN: u8 = 1;
    /// Its banner is there.
    pub const BANNER: u8 = 2;
    /// Its keys are exchanged: what follows is encrypted.
    pub const FINISHED: u8 = 3;
}
