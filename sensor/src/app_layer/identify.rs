//! What a flow speaks, told by its first bytes (Suricata documentation: "App-layer protocol detection").
//!
//! Both directions are looked at, each by itself. Protocols that begin with unmistakable bytes are looked for on any
//! port; those that only look plausible just on ports where they are expected.

use super::conversation::{Conversation, FieldRow};
use crate::event::Direction;
use rules::header::protocol::AppProtocol;

/// What bytes say about a protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Likeness {
    /// They are of this protocol.
    Certain,
    /// They may turn out to be, once there are more.
    Possible,
    /// They are not.
    None,
}

/// What bytes say that should begin with one of these words, in either case of letters.
pub(super) fn begins_with_word(bytes: &[u8], words: &[&[u8]]) -> Likeness {
    let begins = |word: &&&[u8]| {
        let len = bytes.len().min(word.len());
        bytes[..len].eq_ignore_ascii_case(&word[..len])
    };
    match words.iter().find(begins) {
        Some(word) if bytes.len() >= word.len() => Likeness::Certain,
        Some(_) => Likeness::Possible,
        None => Likeness::None,
    }
}

/// What a server's bytes say that should begin with a line of welcome, 220 (RFC 959 §4.2, RFC 5321 §4.2.3).
pub(super) fn begins_with_welcome(bytes: &[u8], direction: Direction) -> Likeness {
    let len = bytes.len().min(3);
    let welcome = bytes[..len] == b"220"[..len] && matches!(bytes.get(3), None | Some(b' ' | b'-'));
    match (direction, welcome) {
        (Direction::ToClient, true) if memchr::memchr(b'\n', bytes).is_some() => Likeness::Certain,
        (Direction::ToClient, true) => Likeness::Possible,
        _ => Likeness::None,
    }
}

/// Ways of a stream of which something was never seen, so that the next message has to be found again.
#[derive(Debug, Default)]
pub(super) struct Lost([bool; 2]);

impl Lost {
    /// Something of that way was never seen.
    pub(super) fn note(&mut self, direction: Direction) {
        self.0[direction.index()] = true;
    }

    /// How many bytes to pass over where a message was not found again yet; nothing once these begin with one, or where
    /// nothing was lost.
    pub(super) fn pass_over(
        &mut self,
        bytes: &[u8],
        direction: Direction,
        likeness: fn(&[u8]) -> Likeness,
    ) -> Option<usize> {
        let lost = &mut self.0[direction.index()];
        let found = if *lost { likeness(bytes) } else { Likeness::Certain };
        match found {
            Likeness::Certain => {
                *lost = false;
                None
            }
            Likeness::Possible => Some(0),
            Likeness::None => Some(bytes.len()),
        }
    }
}

/// Where a protocol is looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Carrier {
    /// TCP streams.
    Tcp,
    /// UDP datagrams.
    Udp,
}

/// How a protocol is told by its bytes.
#[derive(Debug)]
pub struct Probe {
    /// On what.
    pub carrier: Carrier,
    /// The server's ports; none means any.
    pub ports: &'static [u16],
    /// What the first bytes of a direction say; `bytes` is what came so far, from the start.
    pub likeness: fn(bytes: &[u8], direction: Direction) -> Likeness,
}

/// How flows of a protocol are found and parsed.
#[derive(Debug)]
pub struct Speech {
    /// What flows are then said to speak.
    pub protocol: AppProtocol,
    /// How it is told. Probes for any port are asked before those for expected ports, each in the order of
    /// [`super::SPEECHES`].
    pub probes: &'static [Probe],
    /// Who has to speak first, if it matters: when the other does, the flow is not parsed.
    pub first: Option<Direction>,
    /// Whether the parser goes on after data that were never seen.
    pub bridges_gaps: bool,
    /// Whether its streams are followed however long they get.
    pub unlimited_depth: bool,
    /// A parser for one flow.
    pub begin: fn() -> Box<dyn Conversation>,
    /// Its fields.
    pub fields: fn() -> Vec<FieldRow>,
}

/// What became of looking at a direction.
#[derive(Clone, Copy, Debug)]
pub enum Identified {
    /// It is this.
    As(&'static Speech),
    /// It may become clear with more bytes.
    NotYet,
    /// It is nothing known.
    Never,
}

/// The most bytes of a direction that are looked at before it is given up.
pub const MAX_PROBED: usize = 4096;

/// What bytes from the start of a direction are.
pub fn identify(
    speeches: &'static [&'static Speech],
    carrier: Carrier,
    server_port: u16,
    bytes: &[u8],
    direction: Direction,
) -> Identified {
    let looked_at = &bytes[..bytes.len().min(MAX_PROBED)];
    let mut possible = false;
    for expected in [false, true] {
        for speech in speeches {
            let probes = speech.probes.iter().filter(|probe| probe.carrier == carrier);
            for probe in probes.filter(|probe| probe.ports.is_empty() != expected) {
                if expected && !probe.ports.contains(&server_port) {
                    continue;
                }
                match (probe.likeness)(looked_at, direction) {
                    Likeness::Certain => return Identified::As(speech),
                    Likeness::Possible => possible = true,
                    Likeness::None => {}
                }
            }
        }
    }
    if possible && looked_at.len() < MAX_PROBED { Identified::NotYet } else { Identified::Never }
}
