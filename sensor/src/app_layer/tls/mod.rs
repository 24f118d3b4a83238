//! TLS (RFC 8446, RFC 5246), SSL before it, and DTLS (RFC 6347): what is said in the clear before a connection is encrypted.
//!
//! As in Suricata, a connection is one transaction that goes both ways.

mod certificate;
mod datagram;
pub mod event;
pub(super) mod facts;
pub mod fields;
mod fingerprint;
pub mod frames;
mod handshake;
mod heartbeat;
mod hello;
mod keywords;
mod outline;
mod record;
mod session;
mod ssl2;
mod wire;

use super::conversation::{begin, field_rows};
use super::identify::{Carrier, Likeness, Probe, Speech};
use crate::event::Direction;
use datagram::Datagrams;
use record::Records;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Hook, Lexicon};
use wire::content;

/// What TLS lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Tls],
    fields: fields::FIELDS,
    keywords: fields::KEYWORDS,
    hooks: HOOKS,
    events: Some(&event::EVENTS),
    frames: &frames::FRAMES,
};

/// How flows of TLS are found and parsed.
pub static SPEECH: Speech = Speech {
    protocol: AppProtocol::Tls,
    probes: &[
        Probe { carrier: Carrier::Tcp, ports: &[], likeness: of_records },
        Probe { carrier: Carrier::Tcp, ports: &[443], likeness: of_ssl2 },
    ],
    first: None,
    bridges_gaps: false,
    unlimited_depth: false,
    begin: begin::<Records>,
    fields: field_rows::<Records>,
};

/// How flows of DTLS are found and parsed.
pub static DTLS_SPEECH: Speech = Speech {
    protocol: AppProtocol::Tls,
    probes: &[Probe { carrier: Carrier::Udp, ports: &[], likeness: datagram::of_datagram }],
    first: None,
    bridges_gaps: false,
    unlimited_depth: false,
    begin: begin::<Datagrams>,
    fields: field_rows::<Datagrams>,
};

/// Whether bytes begin like a record of SSL 3 to TLS 1.2, as which those of TLS 1.3 go too, or like a hello of SSL 2.
fn of_records(bytes: &[u8], direction: Direction) -> Likeness {
    use content::{ALERT, APPLICATION_DATA, HANDSHAKE};
    match (direction, bytes) {
        (Direction::ToServer, [HANDSHAKE | 1, 3, 0..=3, ..] | [_, _, 1, 0, 2, ..])
        | (Direction::ToClient, [ALERT..=APPLICATION_DATA, 3, 0..=3, ..]) => Likeness::Certain,
        (Direction::ToServer, [] | [_] | [_, _] | [_, _, 1] | [_, _, 1, 0])
        | (Direction::ToClient, [] | [ALERT..=APPLICATION_DATA] | [ALERT..=APPLICATION_DATA, 3]) => {
            Likeness::Possible
        }
        _ => Likeness::None,
    }
}

/// Whether bytes begin like a hello of SSL 2, whichever version it is for.
fn of_ssl2(bytes: &[u8], direction: Direction) -> Likeness {
    match (direction, bytes) {
        (Direction::ToServer, [first, _, 1, ..]) if ssl2::begins(*first) => Likeness::Certain,
        (Direction::ToServer, [] | [_] | [_, _]) => Likeness::Possible,
        _ => Likeness::None,
    }
}

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

#[cfg(test)]
mod tests;
