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
