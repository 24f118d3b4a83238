//! HTTP of both versions: what their transactions have in common.

pub mod event;
pub mod fields;

use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Hook, Lexicon};

/// What HTTP lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Http, AppProtocol::Http1],
    fields: fields::FIELDS,
    keywords: fields::KEYWORDS,
    hooks: HOOKS,
    events: Some(&event::EVENTS),
    parsed: false,
};

/// States of a transaction of HTTP/1 (Suricata documentation: "Firewall Mode Design").
static HOOKS: &[Hook] = &[
    Hook::request("request_started", progress::STARTED),
    Hook::request("request_line", progress::LINE),
    Hook::request("request_headers", progress::HEADERS),
    Hook::request("request_body", progress::BODY),
    Hook::request("request_trailer", progress::TRAILER),
    Hook::request("request_complete", progress::COMPLETE),
    Hook::response("response_started", progress::STARTED),
    Hook::response("response_line", progress::LINE),
    Hook::response("response_headers", progress::HEADERS),
    Hook::response("response_body", progress::BODY),
    Hook::response("response_trailer", progress::TRAILER),
    Hook::response("response_complete", progress::COMPLETE),
];

/// How far a request or a response has come.
pub mod progress {
    /// Its first byte was seen.
    pub const STARTED: u8 = 0;
    /// Its first line is there.
    pub const LINE: u8 = 1;
    /// Its header fields are there.
    pub const HEADERS: u8 = 2;
    /// Its body is coming.
    pub const BODY: u8 = 3;
    /// Its trailer is there.
    pub const TRAILER: u8 = 4;
    /// All of it is there.
    pub const COMPLETE: u8 = 5;
}
