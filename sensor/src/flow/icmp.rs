//! Which flow an ICMP message belongs to: its own, or the one of the packet it quotes.

use super::key::{Endpoints, protocol};
use crate::decode::{Quoted, icmp_quoted, quotes_v4, quotes_v6};
use rules::view::{Icmp, Packet};

/// Whom a message is about.
pub(super) enum Subject {
    /// Itself: what stands for its own port, and for the port of the answer.
    Itself(u16, u16),
    /// The packet it quotes.
    Quoted(Endpoints),
}

/// Whom the message is about; nothing when it is an error that quotes nothing intelligible.
///
/// Messages are keyed as Suricata does, by type and code, and by the type that answers: an echo request and its
/// reply are one flow, whatever their identifier. Messages without an answer make flows of one direction.
pub(super) fn subject(packet: &Packet<'_>, header: Icmp<'_>) -> Option<Subject> {
    let v6 = packet.protocol == protocol::ICMPV6;
    if if v6 { quotes_v6(header.kind()) } else { quotes_v4(header.kind()) } {
        return icmp_quoted(packet).map(|quoted| Subject::Quoted(endpoints(quoted)));
    }
    let (own, answer) = ports(v6, header.kind(), header.code());
    Some(Subject::Itself(own, answer))
}

fn endpoints(quoted: Quoted) -> Endpoints {
    let (source_port, destination_port) = match quoted.protocol {
        protocol::ICMP | protocol::ICMPV6 => {
            let [kind, code] = [quoted.ports.0, quoted.ports.1].map(|byte| byte as u8);
            ports(quoted.protocol == protocol::ICMPV6, kind, code)
        }
        _ => quoted.ports,
    };
    Endpoints {
        source: quoted.source,
        destination: quoted.destination,
        protocol: quoted.protocol,
        source_port,
        destination_port,
    }
}

/// What stands for the sender's and the receiver's port.
fn ports(v6: bool, kind: u8, code: u8) -> (u16, u16) {
    let answer = if v6 { answer_v6(kind) } else { answer_v4(kind) };
    (u16::from_be_bytes([kind, code]), u16::from_be_bytes([answer.unwrap_or(0), 0]))
}

/// The type that answers, or is answered by, this one (RFC 792, RFC 950, RFC 1256).
fn answer_v4(kind: u8) -> Option<u8> {
    Some(match kind {
        0 => 8,
        8 => 0,
        9 => 10,
        10 => 9,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => return None,
    })
}

/// The type that answers, or is answered by, this one (RFC 4443, 2710, 4861, 4620, 6275).
fn answer_v6(kind: u8) -> Option<u8> {
    Some(match kind {
        128 => 129,
        129 => 128,
        130 => 131,
        131 => 130,
        133 => 134,
        134 => 133,
        135 => 136,
        136 => 135,
        139 => 140,
        140 => 139,
        144 => 145,
        145 => 144,
        _ => return None,
    })
}
