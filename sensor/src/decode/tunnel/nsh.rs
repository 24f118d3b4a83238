//! Network service headers (RFC 8300).

use crate::decode::walk::{Header, Next, be16, refuse};
use rules::view::{DecodeEvent, Packet};

const LEN: usize = 8;
/// The base and service path headers with the context of metadata type 1, in words.
const TYPE1_WORDS: usize = 6;

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    match header(bytes) {
        Ok((next, rest)) => Next::Header(next, rest),
        Err(event) => refuse(packet, event),
    }
}

fn header(bytes: &[u8]) -> Result<(Header, &[u8]), DecodeEvent> {
    if bytes.len() < LEN {
        return Err(DecodeEvent::NshHeaderTooSmall);
    }
    if bytes[0] >> 6 != 0 {
        return Err(DecodeEvent::NshUnsupportedVersion);
    }
    let words = usize::from(be16(bytes, 0) & 0x3f);
    let rest = bytes.get(words * 4..).ok_or(DecodeEvent::NshBadHeaderLength)?;
    match bytes[2] & 0x0f {
        0 | 15 => return Err(DecodeEvent::NshReservedType),
        1 if words != TYPE1_WORDS => return Err(DecodeEvent::NshBadHeaderLength),
        2 if words < 2 => return Err(DecodeEvent::NshBadHeaderLength),
        1 | 2 => {}
        _ => return Err(DecodeEvent::NshUnsupportedType),
    }
    match bytes[3] {
        1 => Ok((Header::Ipv4, rest)),
        2 => Ok((Header::Ipv6, rest)),
        3 => Ok((Header::Ethernet, rest)),
        5 => Ok((Header::Mpls, rest)),
        _ => Err(DecodeEvent::NshUnknownPayload),
    }
}
