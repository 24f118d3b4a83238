//! Virtual NIC tags (Cisco VN-Tag, EtherType 0x8926).

use super::ethertype;
use crate::decode::walk::{Next, be16, refuse};
use rules::view::{DecodeEvent, Packet};

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let Some((tag, rest)) = bytes.split_at_checked(6) else {
        return refuse(packet, DecodeEvent::VntagHeaderTooSmall);
    };
    match ethertype::header(be16(tag, 4)) {
        Some(next) => Next::Header(next, rest),
        None => refuse(packet, DecodeEvent::VntagUnknownType),
    }
}
