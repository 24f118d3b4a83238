//! ICMP for IPv4 (RFC 792, 950, 1256).

use crate::decode::walk::{Next, refuse};
use rules::view::{DecodeEvent, Icmp, Ipv4, Packet, Transport};

/// Type, code, checksum, and four bytes that every message has.
const LEN: usize = 8;

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let Some((header, payload)) = bytes.split_at_checked(LEN) else {
        return refuse(packet, DecodeEvent::Icmpv4PktTooSmall);
    };
    let message = &bytes[..header_len(header).min(bytes.len())];
    packet.transport = Icmp::new(message).map_or(Transport::None, Transport::Icmpv4);
    packet.payload = payload;
    if let Some(event) = fault(header[0], header[1], payload) {
        packet.events.insert(event);
    }
    Next::End
}

/// How long the header is with the fields that its type adds, which are payload too.
fn header_len(header: &[u8]) -> usize {
    let added = match header[0] {
        // Router advertisement: so many entries of so many words.
        9 => usize::from(header[4]) * usize::from(header[5]) * 4,
        13 | 14 => 12,
        17 | 18 => 4,
        _ => 0,
    };
    LEN + added
}

fn fault(kind: u8, code: u8, payload: &[u8]) -> Option<DecodeEvent> {
    let (max_code, quotes, shortest) = match kind {
        3 => (15, true, 0),
        4 => (0, true, 0),
        5 => (3, true, 0),
        11 => (1, true, 0),
        12 => (2, true, 0),
        0 | 8 | 10 | 15 | 16 => (0, false, 0),
        // Mobile agents say so in the code (RFC 5944 §2.1).
        9 => (16, false, 0),
        13 | 14 => (0, false, 12),
        17 | 18 => (0, false, 4),
        _ => return Some(DecodeEvent::Icmpv4UnknownType),
    };
    if code > max_code {
        return Some(DecodeEvent::Icmpv4UnknownCode);
    }
    if payload.len() < shortest {
        return Some(DecodeEvent::Icmpv4PktTooSmall);
    }
    if quotes { quote_fault(payload) } else { None }
}

fn quote_fault(quote: &[u8]) -> Option<DecodeEvent> {
    if quote.len() < Ipv4::MIN_LEN {
        return Some(DecodeEvent::Icmpv4Ipv4TruncPkt);
    }
    (quote[0] >> 4 != 4).then_some(DecodeEvent::Icmpv4Ipv4UnknownVer)
}
