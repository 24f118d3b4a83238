//! MPLS label stacks (RFC 3032). What they carry is not said and must be guessed from its first nibble (RFC 4928 §3).

use crate::decode::walk::{Header, Next, be32, refuse};
use rules::view::{DecodeEvent, Packet};

const BOTTOM_OF_STACK: u32 = 1 << 8;
/// A pseudowire's control word, which begins with a zero nibble (RFC 4385 §3).
const CONTROL_WORD: usize = 4;

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let mut rest = bytes;
    let label = loop {
        let Some((entry, after)) = rest.split_at_checked(4) else {
            return refuse(packet, DecodeEvent::MplsHeaderTooSmall);
        };
        rest = after;
        let entry = be32(entry, 0);
        if entry & BOTTOM_OF_STACK != 0 {
            break entry >> 12;
        }
    };
    match label {
        0 => Next::Header(Header::Ipv4, rest),
        1 => {
            packet.events.insert(DecodeEvent::MplsBadLabelRouterAlert);
            guess(packet, rest)
        }
        2 => Next::Header(Header::Ipv6, rest),
        3 => {
            packet.events.insert(DecodeEvent::MplsBadLabelImplicitNull);
            guess(packet, rest)
        }
        4..=15 => {
            packet.events.insert(DecodeEvent::MplsBadLabelReserved);
            guess(packet, rest)
        }
        _ => guess(packet, rest),
    }
}

fn guess<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    match bytes.first() {
        None => refuse(packet, DecodeEvent::MplsPktTooSmall),
        Some(first) => match first >> 4 {
            4 => Next::Header(Header::Ipv4, bytes),
            6 => Next::Header(Header::Ipv6, bytes),
            0 => Next::Header(Header::Ethernet, bytes.get(CONTROL_WORD..).unwrap_or_default()),
            _ => refuse(packet, DecodeEvent::MplsUnknownPayloadType),
        },
    }
}
