//! ICMP for IPv6 (RFC 4443; neighbour discovery RFC 4861, listeners RFC 2710 and 3810, mobility RFC 6275).

use crate::decode::walk::{Next, refuse};
use rules::view::{DecodeEvent, Icmp, Ipv6, Network, Packet, Transport};

/// Type, code, checksum, and four bytes that every message has.
const LEN: usize = 8;

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let Some((header, payload)) = bytes.split_at_checked(LEN) else {
        return refuse(packet, DecodeEvent::Icmpv6PktTooSmall);
    };
    packet.transport = Icmp::new(header).map_or(Transport::None, Transport::Icmpv6);
    packet.payload = payload;
    let (kind, code) = (header[0], header[1]);
    if let Some(event) = fault(kind, code, payload) {
        packet.events.insert(event);
    }
    let is_listener_message = matches!(kind, 130 | 131 | 132 | 143);
    if is_listener_message && matches!(packet.network, Network::V6(ip) if ip.hop_limit() != 1) {
        packet.events.insert(DecodeEvent::Icmpv6MldMessageWithInvalidHl);
    }
    Next::End
}

fn fault(kind: u8, code: u8, payload: &[u8]) -> Option<DecodeEvent> {
    let max_code = match kind {
        1 => 8,
        2 => 0,
        3 => 1,
        4 => 10,
        128..=137 | 141..=149 | 151 | 152 => 0,
        138 if code == 255 => 255,
        138 => 1,
        139 | 140 => 2,
        150 | 153..=161 => 255,
        5..=99 | 102..=126 | 162..=199 => return Some(DecodeEvent::Icmpv6UnassignedType),
        100 | 101 | 200 | 201 => return Some(DecodeEvent::Icmpv6ExperimentationType),
        _ => return Some(DecodeEvent::Icmpv6UnknownType),
    };
    if code > max_code {
        return Some(DecodeEvent::Icmpv6UnknownCode);
    }
    if matches!(kind, 1..=4) { quote_fault(payload) } else { None }
}

fn quote_fault(quote: &[u8]) -> Option<DecodeEvent> {
    if quote.len() < Ipv6::MIN_LEN {
        return Some(DecodeEvent::Icmpv6Ipv6TruncPkt);
    }
    (quote[0] >> 4 != 6).then_some(DecodeEvent::Icmpv6Ipv6UnknownVersion)
}
