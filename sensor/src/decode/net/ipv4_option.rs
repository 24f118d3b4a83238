//! IPv4 options, checked one by one. None of their faults keeps the packet from being read on.

use rules::view::{DecodeEvent, Packet};

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const RECORD_ROUTE: u8 = 7;
const QUICK_START: u8 = 25;
const TIMESTAMP: u8 = 68;
const SECURITY: u8 = 130;
const LOOSE_ROUTE: u8 = 131;
const EXTENDED_SECURITY: u8 = 133;
const CIPSO: u8 = 134;
const STREAM_ID: u8 = 136;
const STRICT_ROUTE: u8 = 137;
const ROUTER_ALERT: u8 = 148;

/// Every option that is understood; its place in the list is its bit in the set of those seen.
const KNOWN: [u8; 10] = [
    RECORD_ROUTE,
    QUICK_START,
    TIMESTAMP,
    SECURITY,
    LOOSE_ROUTE,
    EXTENDED_SECURITY,
    CIPSO,
    STREAM_ID,
    STRICT_ROUTE,
    ROUTER_ALERT,
];

/// Notes what is wrong with `options`, padding included.
#[cold]
pub(super) fn check(packet: &mut Packet<'_>, options: &[u8]) {
    if !options.len().is_multiple_of(8) {
        packet.events.insert(DecodeEvent::Ipv4OptPadRequired);
    }
    let mut seen = 0u16;
    let mut rest = options;
    loop {
        match *rest {
            [] | [END, ..] => return,
            [NO_OPERATION, ref after @ ..] => rest = after,
            [_] => {
                packet.events.insert(DecodeEvent::Ipv4OptEolRequired);
                return;
            }
            [kind, len, ..] => {
                let Some(data) = rest.get(2..usize::from(len)) else {
                    packet.events.insert(DecodeEvent::Ipv4OptInvalidLen);
                    return;
                };
                if let Some(event) = fault(kind, data, &mut seen) {
                    packet.events.insert(event);
                    if matches!(event, DecodeEvent::Ipv4OptInvalidLen | DecodeEvent::Ipv4OptMalformed) {
                        return;
                    }
                }
                rest = &rest[usize::from(len)..];
            }
        }
    }
}

fn fault(kind: u8, data: &[u8], seen: &mut u16) -> Option<DecodeEvent> {
    let Some(place) = KNOWN.iter().position(|&known| known == kind) else {
        return Some(match kind {
            // Class 1 and 3 are reserved (RFC 791 §3.1), so no such option can be valid.
            reserved if reserved & 0x20 != 0 => DecodeEvent::Ipv4OptInvalid,
            _ => DecodeEvent::Ipv4OptUnknown,
        });
    };
    if *seen & 1 << place != 0 {
        return Some(DecodeEvent::Ipv4OptDuplicate);
    }
    *seen |= 1 << place;
    match kind {
        RECORD_ROUTE | LOOSE_ROUTE | STRICT_ROUTE => route_fault(data),
        TIMESTAMP => timestamp_fault(data),
        CIPSO => cipso_fault(data),
        _ => {
            let len_is_right = match kind {
                QUICK_START => data.len() >= 6,        // RFC 4782 §3.1
                SECURITY => data.len() == 9,           // RFC 791 §3.1
                EXTENDED_SECURITY => !data.is_empty(), // RFC 1108 §2.2
                _ => data.len() == 2,                  // stream id (RFC 791 §3.1), router alert (RFC 2113)
            };
            (!len_is_right).then_some(DecodeEvent::Ipv4OptInvalidLen)
        }
    }
}

/// A pointer, then addresses (RFC 791 §3.1). The pointer counts from the option's type, from 1.
fn route_fault(data: &[u8]) -> Option<DecodeEvent> {
    let Some((&pointer, addresses)) = data.split_first() else { return Some(DecodeEvent::Ipv4OptInvalidLen) };
    if addresses.is_empty() {
        return Some(DecodeEvent::Ipv4OptInvalidLen);
    }
    let points_right = pointer >= 4 && pointer % 4 == 0 && usize::from(pointer) <= data.len() + 3;
    (!points_right).then_some(DecodeEvent::Ipv4OptMalformed)
}

/// A pointer, overflow count and form, then timestamps, with addresses in forms 1 and 3 (RFC 791 §3.1).
fn timestamp_fault(data: &[u8]) -> Option<DecodeEvent> {
    let [pointer, overflow_and_form, entries @ ..] = data else {
        return Some(DecodeEvent::Ipv4OptInvalidLen);
    };
    if entries.is_empty() {
        return Some(DecodeEvent::Ipv4OptInvalidLen);
    }
    let unit = match overflow_and_form & 0x0f {
        0 => 4,
        1 | 3 => 8,
        _ => return Some(DecodeEvent::Ipv4OptMalformed),
    };
    let at = usize::from(*pointer);
    let points_right = at >= 5 && (at - 5) % unit == 0 && at <= data.len() + 3;
    (!points_right).then_some(DecodeEvent::Ipv4OptMalformed)
}

/// A domain (4 bytes), then tags of type, length and data (draft-ietf-cipso-ipsecurity §3.3).
fn cipso_fault(data: &[u8]) -> Option<DecodeEvent> {
    let Some((domain, mut tags)) = data.split_at_checked(4) else {
        return Some(DecodeEvent::Ipv4OptInvalidLen);
    };
    if domain == [0; 4] {
        return Some(DecodeEvent::Ipv4OptMalformed);
    }
    while let Some(&kind) = tags.first() {
        let known = matches!(kind, 1 | 2 | 5 | 6 | 7) || kind > 127;
        let len = tags.get(1).map_or(0, |&len| usize::from(len));
        match tags.get(len..) {
            Some(after) if known && len >= 4 => tags = after,
            _ => return Some(DecodeEvent::Ipv4OptMalformed),
        }
    }
    None
}
