//! IPv6 extension headers (RFC 8200 §4; AH RFC 4302, mobility RFC 6275, HIP RFC 7401, shim6 RFC 5533).

use super::{ipv6, protocol};
use crate::decode::walk::{Next, be16, refuse};
use rules::view::{DecodeEvent, Ipv6, Network, Packet};

/// The security parameters index and sequence number of ESP, which counts as an extension header when it is cut.
const ESP_LEN: usize = 8;

/// Which headers stood before, so that repetitions show.
#[derive(Default)]
struct Seen {
    hop_by_hop: bool,
    routing: bool,
    fragment: bool,
    /// May stand twice: for the routers on the way and for the destination.
    destination: u8,
    authentication: bool,
}

/// Walks the extension headers of `datagram` from the one announced as `number`, then goes to what they carry.
pub(super) fn walk<'a>(packet: &mut Packet<'a>, datagram: &'a [u8], mut number: u8, max: u8) -> Next<'a> {
    let mut seen = Seen::default();
    let mut at = Ipv6::MIN_LEN;
    let mut walked = 0;
    while let Some(header_len) = claimed_len(number, &datagram[at..]) {
        let Some(header) = datagram[at..].get(..header_len) else {
            return refuse(packet, DecodeEvent::Ipv6TruncExthdr);
        };
        if walked == max {
            return refuse(packet, DecodeEvent::TooManyLayers);
        }
        walked += 1;
        at += header_len;
        let is_fragment = check(packet, &mut seen, number, header, datagram.len() - at);
        number = header[0];
        extend(packet, datagram, at, number);
        if is_fragment {
            packet.fragment = true;
            return Next::End;
        }
        if packet.invalid {
            return Next::End;
        }
    }
    let rest = &datagram[at..];
    let shortest = match number {
        protocol::NONE => 0,
        protocol::ESP => ESP_LEN,
        // Whatever an extension header announces, Suricata reads its next header and length before it looks closer.
        _ if walked > 0 => 2,
        _ => 0,
    };
    if rest.len() < shortest {
        return refuse(packet, DecodeEvent::Ipv6TruncExthdr);
    }
    ipv6::after(packet, number, rest)
}

/// How long the extension header at the start of `bytes` claims to be, at least eight bytes so that a cut one shows;
/// nothing where `number` announces none.
fn claimed_len(number: u8, bytes: &[u8]) -> Option<usize> {
    let len = bytes.get(1).map_or(0, |&len| usize::from(len));
    match number {
        protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION => Some(8 + len * 8),
        protocol::MOBILITY | protocol::HIP | protocol::SHIM6 => Some(8 + len * 8),
        protocol::FRAGMENT => Some(8),
        // Counted in words of four bytes, less two; never shorter than its fixed part (RFC 4302 §2.2).
        protocol::AH => Some((8 + len * 4).max(12)),
        _ => None,
    }
}

/// Adds a checked header to the packet's facts.
fn extend<'a>(packet: &mut Packet<'a>, datagram: &'a [u8], end: usize, next: u8) {
    packet.network = Ipv6::new(&datagram[..end]).map_or(Network::None, Network::V6);
    packet.protocol = next;
    packet.payload = &datagram[end..];
}

/// Notes what is wrong with one header, and tells whether it makes the packet a fragment.
fn check(packet: &mut Packet<'_>, seen: &mut Seen, number: u8, header: &[u8], rest_len: usize) -> bool {
    match number {
        protocol::HOP_BY_HOP => {
            if std::mem::replace(&mut seen.hop_by_hop, true) {
                packet.events.insert(DecodeEvent::Ipv6ExthdrDuplHh);
            } else {
                options(packet, &HOP_BY_HOP_EVENTS, &header[2..]);
            }
        }
        protocol::DESTINATION => {
            if seen.destination == 2 {
                packet.events.insert(DecodeEvent::Ipv6ExthdrDuplDh);
            } else {
                seen.destination += 1;
                options(packet, &DESTINATION_EVENTS, &header[2..]);
            }
        }
        protocol::ROUTING => {
            if std::mem::replace(&mut seen.routing, true) {
                packet.events.insert(DecodeEvent::Ipv6ExthdrDuplRh);
            } else if header[2] == 0 {
                packet.events.insert(DecodeEvent::Ipv6RhType0);
            }
        }
        protocol::AH => {
            if std::mem::replace(&mut seen.authentication, true) {
                packet.events.insert(DecodeEvent::Ipv6ExthdrDuplAh);
            } else if be16(header, 2) != 0 {
                packet.events.insert(DecodeEvent::Ipv6ExthdrAhResNotNull);
            }
        }
        protocol::FRAGMENT => return fragment(packet, seen, header, rest_len),
        _ => {}
    }
    false
}

/// A fragment header that leaves the packet whole (RFC 6946) is noted and passed over.
fn fragment(packet: &mut Packet<'_>, seen: &mut Seen, header: &[u8], rest_len: usize) -> bool {
    if header[1] != 0 {
        packet.events.insert(DecodeEvent::Ipv6FhNonZeroReservedField);
    }
    if std::mem::replace(&mut seen.fragment, true) {
        packet.events.insert(DecodeEvent::Ipv6ExthdrDuplFh);
        return false;
    }
    let offset = be16(header, 2) & !7;
    let more = header[3] & 1 != 0;
    if more && !rest_len.is_multiple_of(8) {
        packet.refuse(DecodeEvent::Ipv6FragInvalidLength);
        return false;
    }
    if offset == 0 && !more {
        packet.events.insert(DecodeEvent::Ipv6ExthdrUselessFh);
        return false;
    }
    true
}

/// The names under which the two headers that hold options report the same faults.
struct OptionEvents {
    unknown: DecodeEvent,
    only_padding: DecodeEvent,
}

const HOP_BY_HOP_EVENTS: OptionEvents = OptionEvents {
    unknown: DecodeEvent::Ipv6HopoptsUnknownOpt,
    only_padding: DecodeEvent::Ipv6HopoptsOnlyPadding,
};
const DESTINATION_EVENTS: OptionEvents = OptionEvents {
    unknown: DecodeEvent::Ipv6DstoptsUnknownOpt,
    only_padding: DecodeEvent::Ipv6DstoptsOnlyPadding,
};

const PAD1: u8 = 0;
const PADN: u8 = 1;
const ROUTER_ALERT: u8 = 5;
const JUMBO_PAYLOAD: u8 = 0xc2;
const HOME_ADDRESS: u8 = 0xc9;

/// Checks the options of one header (RFC 8200 §4.2).
fn options(packet: &mut Packet<'_>, events: &OptionEvents, mut rest: &[u8]) {
    let (mut padding, mut other) = (false, false);
    loop {
        match *rest {
            [] => break,
            [PAD1, ref after @ ..] => {
                padding = true;
                rest = after;
            }
            [_] => {
                packet.events.insert(DecodeEvent::Ipv6ExthdrInvalidOptlen);
                break;
            }
            [kind, len, ref after @ ..] => {
                let len = usize::from(len);
                let shortest = match kind {
                    ROUTER_ALERT => 2,
                    JUMBO_PAYLOAD => 4,
                    HOME_ADDRESS => 16,
                    _ => 0,
                };
                let Some(next) = after.get(len..).filter(|_| len >= shortest) else {
                    packet.events.insert(DecodeEvent::Ipv6ExthdrInvalidOptlen);
                    break;
                };
                match kind {
                    PADN => padding = true,
                    ROUTER_ALERT | JUMBO_PAYLOAD | HOME_ADDRESS => other = true,
                    _ => {
                        other = true;
                        packet.events.insert(events.unknown);
                    }
                }
                if kind == PADN && len == 0 {
                    packet.events.insert(DecodeEvent::Ipv6ZeroLenPadn);
                }
                rest = next;
            }
        }
    }
    if padding && !other {
        packet.events.insert(events.only_padding);
    }
}
