//! PPP over Ethernet (RFC 2516): discovery messages with tags, and sessions that carry PPP.

use super::ppp;
use crate::decode::walk::{Next, be16, refuse};
use rules::view::{DecodeEvent, Packet};

/// Version and type (1), code (1), session (2), length (2).
const LEN: usize = 6;

/// PADO, PADI, PADR, PADS, PADT.
const DISCOVERY_CODES: [u8; 5] = [0x07, 0x09, 0x19, 0x65, 0xa7];
const SESSION_CODE: u8 = 0;

pub(in crate::decode) fn read_discovery<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let Some((header, rest)) = bytes.split_at_checked(LEN) else {
        return refuse(packet, DecodeEvent::PppoePktTooSmall);
    };
    if !DISCOVERY_CODES.contains(&header[1]) {
        return refuse(packet, DecodeEvent::PppoeWrongCode);
    }
    let Some(mut tags) = rest.get(..usize::from(be16(header, 4))) else {
        return refuse(packet, DecodeEvent::PppoeMalformedTags);
    };
    while let Some((tag, after)) = tags.split_at_checked(4) {
        let Some(next) = after.get(usize::from(be16(tag, 2))..) else {
            return refuse(packet, DecodeEvent::PppoeMalformedTags);
        };
        tags = next;
    }
    Next::End
}

pub(in crate::decode) fn read_session<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let Some((header, rest)) = bytes.split_at_checked(LEN) else {
        return refuse(packet, DecodeEvent::PppoePktTooSmall);
    };
    if rest.is_empty() {
        return refuse(packet, DecodeEvent::PppoePktTooSmall);
    }
    if header[1] != SESSION_CODE {
        return refuse(packet, DecodeEvent::PppoeWrongCode);
    }
    ppp::read_protocol(packet, rest)
}
