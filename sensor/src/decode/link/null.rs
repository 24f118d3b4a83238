//! BSD loopback: an address family, in the capturing host's byte order or in network order.

use crate::decode::walk::{Header, Next, refuse};
use rules::view::{DecodeEvent, Packet};

/// AF_INET is 2 everywhere; AF_INET6 differs (<https://www.tcpdump.org/linktypes/LINKTYPE_NULL.html>): 10 Linux,
/// 24 NetBSD and OpenBSD, 28 FreeBSD, 30 macOS.
fn header_of_family(family: u32) -> Option<Header> {
    match family {
        2 => Some(Header::Ipv4),
        10 | 24 | 28 | 30 => Some(Header::Ipv6),
        _ => None,
    }
}

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let Some((family, rest)) = bytes.split_first_chunk::<4>() else {
        return refuse(packet, DecodeEvent::LtnullPktTooSmall);
    };
    let little = header_of_family(u32::from_le_bytes(*family));
    match little.or_else(|| header_of_family(u32::from_be_bytes(*family))) {
        Some(next) => Next::Header(next, rest),
        None => refuse(packet, DecodeEvent::LtnullUnsupportedType),
    }
}
