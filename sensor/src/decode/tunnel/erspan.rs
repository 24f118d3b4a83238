//! ERSPAN types II and III (draft-foschiano-erspan-03): a mirrored Ethernet frame with where it came from.

use crate::decode::walk::{Header, Next, be16, refuse};
use rules::view::{DecodeEvent, Packet};

const LEN_V2: usize = 8;
const LEN_V3: usize = 12;
const PLATFORM_LEN: usize = 8;
const VLAN: u16 = 0x0fff;

/// Type II, whose version field says 1.
pub(in crate::decode) fn read_v2<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    read(packet, bytes, 1, LEN_V2)
}

/// Type III, whose version field says 2, with a platform's own part where the last bit says so.
pub(in crate::decode) fn read_v3<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let has_platform_part = bytes.get(11).is_some_and(|flags| flags & 1 != 0);
    read(packet, bytes, 2, LEN_V3 + if has_platform_part { PLATFORM_LEN } else { 0 })
}

fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8], version: u8, len: usize) -> Next<'a> {
    let Some((header, frame)) = bytes.split_at_checked(len) else {
        return refuse(packet, DecodeEvent::ErspanHeaderTooSmall);
    };
    if header[0] >> 4 != version {
        return refuse(packet, DecodeEvent::ErspanUnsupportedVersion);
    }
    let vlan = be16(header, 0) & VLAN;
    if vlan != 0 && !packet.vlans.push(vlan) {
        return refuse(packet, DecodeEvent::ErspanTooManyVlanLayers);
    }
    Next::Header(Header::Ethernet, frame)
}
