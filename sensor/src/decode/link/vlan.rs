//! VLAN tags (IEEE 802.1Q, 802.1ad, and the older 0x9100).

use super::ethertype;
use crate::decode::walk::{Next, be16, refuse};
use rules::view::{DecodeEvent, Packet};

#[inline]
pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let Some((tag, rest)) = bytes.split_at_checked(4) else {
        return refuse(packet, DecodeEvent::VlanHeaderTooSmall);
    };
    if !packet.vlans.push(be16(tag, 0)) {
        return refuse(packet, DecodeEvent::VlanTooManyLayers);
    }
    match ethertype::header(be16(tag, 2)) {
        Some(next) => Next::Header(next, rest),
        None => refuse(packet, DecodeEvent::VlanUnknownType),
    }
}
