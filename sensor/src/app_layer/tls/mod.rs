//! TLS and DTLS.

pub mod event;
pub mod fields;
mod keywords;

use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Hook, Lexicon};

/// What TLS lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Tls],
    fields: fields::FIELDS,
    keywords: fields::KEYWORDS,
    hooks: HOOKS,
    events: Some(&event::EVENTS),
    parsed: false,
};

/// States of a handshake (Suricata documentation: "Firewall Mode Design").
static HOOKS: &[Hook] = &[
    Hook::request("client_in_progress", progress::STARTED),
    Hook::request("client_hello_done", progress::HELLO),
    Hook::request("client_cert_done", progress::CERTIFICATES),
    Hook::request("client_handshake_done", progress::HANDSHAKE),
    Hook::request("client_finished", progress::FINISHED),
    Hook::response("server_in_progress", progress::STARTED),
    Hook::response("server_hello", progress::HELLO),
    Hook::response("server_cert_done", progress::CERTIFICATES),
    Hook::response("server_hello_done", progress::HELLO_DONE),
    Hook::response("server_handshake_done", progress::HANDSHAKE),
    Hook::response("server_finished", progress::FINISHED),
];

/// How far one side of a handshake has come.
pub mod progress {
    /// Its first record was seen.
    pub const STARTED: u8 = 0;
    /// Its hello is there.
    pub const HELLO: u8 = 1;
    /// Its certificates are there.
    pub const CERTIFICATES: u8 = 2;
    /// The server has said that its hello is done.
    pub const HELLO_DONE: u8 = 3;
    /// Its side of the handshake is done.
    pub const HANDSHAKE: u8 = 4;
    /// The connection is closed.
    pub const FINISHED: u8 = 5;
}
