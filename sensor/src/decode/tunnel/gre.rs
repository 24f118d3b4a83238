//! GRE version 0 (RFC 1701, 2784, 2890) and version 1, as PPTP uses it (RFC 2637 §4.1).

use crate::decode::link::ethertype;
use crate::decode::walk::{Header, Next, be16, refuse};
use rules::view::{DecodeEvent, Packet};

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const STRICT_SOURCE_ROUTE: u16 = 0x0800;
const RECURSION: u16 = 0x0700;
const ACKNOWLEDGEMENT: u16 = 0x0080;
const FLAGS_V0: u16 = 0x00f8;
const FLAGS_V1: u16 = 0x0078;
const VERSION: u16 = 0x0007;

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    if bytes.len() < 4 {
        return refuse(packet, DecodeEvent::GrePktTooSmall);
    }
    let (flags, protocol) = (be16(bytes, 0), be16(bytes, 2));
    let rest = match flags & VERSION {
        0 => version0(flags, bytes),
        1 => version1(flags, protocol, bytes),
        _ => Err(DecodeEvent::GreWrongVersion),
    };
    match rest {
        Ok(rest) => inner(packet, flags, protocol, rest),
        Err(event) => refuse(packet, event),
    }
}

fn version0(flags: u16, bytes: &[u8]) -> Result<&[u8], DecodeEvent> {
    if flags & RECURSION != 0 {
        return Err(DecodeEvent::GreVersion0Recur);
    }
    if flags & FLAGS_V0 != 0 {
        return Err(DecodeEvent::GreVersion0Flags);
    }
    let words = usize::from(flags & (CHECKSUM | ROUTING) != 0)
        + usize::from(flags & KEY != 0)
        + usize::from(flags & SEQUENCE != 0);
    let mut rest = bytes.get(4 + words * 4..).ok_or(DecodeEvent::GreVersion0HdrTooBig)?;
    if flags & ROUTING != 0 {
        // Source route entries of family, offset, length, up to an empty one (RFC 1701).
        loop {
            let (entry, after) = rest.split_at_checked(4).ok_or(DecodeEvent::GreVersion0HdrTooBig)?;
            rest = after;
            if be16(entry, 0) == 0 && entry[3] == 0 {
                break;
            }
            rest = rest.get(usize::from(entry[3])..).ok_or(DecodeEvent::GreVersion0HdrTooBig)?;
        }
    }
    Ok(rest)
}

fn version1(flags: u16, protocol: u16, bytes: &[u8]) -> Result<&[u8], DecodeEvent> {
    let faults = [
        (flags & CHECKSUM != 0, DecodeEvent::GreVersion1Chksum),
        (flags & ROUTING != 0, DecodeEvent::GreVersion1Route),
        (flags & STRICT_SOURCE_ROUTE != 0, DecodeEvent::GreVersion1Ssr),
        (flags & RECURSION != 0, DecodeEvent::GreVersion1Recur),
        (flags & FLAGS_V1 != 0, DecodeEvent::GreVersion1Flags),
        (protocol != ethertype::PPP, DecodeEvent::GreVersion1WrongProtocol),
        (flags & KEY == 0, DecodeEvent::GreVersion1NoKey),
    ];
    if let Some((_, event)) = faults.into_iter().find(|(is_wrong, _)| *is_wrong) {
        return Err(event);
    }
    let words = 1 + usize::from(flags & SEQUENCE != 0) + usize::from(flags & ACKNOWLEDGEMENT != 0);
    bytes.get(4 + words * 4..).ok_or(DecodeEvent::GreVersion1HdrTooBig)
}

fn inner<'a>(packet: &mut Packet<'a>, flags: u16, protocol: u16, rest: &'a [u8]) -> Next<'a> {
    packet.payload = rest;
    let header = match protocol {
        ethertype::IPV4 => Header::Ipv4,
        ethertype::IPV6 => Header::Ipv6,
        ethertype::VLAN | ethertype::SERVICE_VLAN => Header::Vlan,
        ethertype::TRANSPARENT_BRIDGING => Header::Ethernet,
        ethertype::ERSPAN3 => Header::Erspan3,
        // Type I has neither sequence number nor header of its own.
        ethertype::ERSPAN2 if flags & SEQUENCE == 0 => Header::Ethernet,
        ethertype::ERSPAN2 => Header::Erspan2,
        // PPTP acknowledges with packets that carry nothing.
        ethertype::PPP if rest.is_empty() => return Next::End,
        ethertype::PPP => Header::Ppp,
        _ => return Next::End,
    };
    Next::Tunnel(header, rest)
}
