//! An IP packet of either version, told by its first nibble.

use crate::decode::walk::{Header, Next, refuse};
use rules::view::{DecodeEvent, Packet};

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    match bytes.first().map(|first| first >> 4) {
        Some(4) => Next::Header(Header::Ipv4, bytes),
        Some(6) => Next::Header(Header::Ipv6, bytes),
        _ => refuse(packet, DecodeEvent::IprawInvalidIpVersion),
    }
}
