//! Port extension tags (IEEE 802.1BR E-TAG, EtherType 0x893f).

use super::ethertype;
use crate::decode::walk::{Next, be16, refuse};
use rules::view::{DecodeEvent, Packet};

/// Priority and ingress id (2), E-CID (2), extensions (2), EtherType (2).
const LEN: usize = 8;

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let Some((tag, rest)) = bytes.split_at_checked(LEN) else {
        return refuse(packet, DecodeEvent::EtagHeaderTooSmall);
    };
    match ethertype::header(be16(tag, 6)) {
        Some(next) => Next::Header(next, rest),
        None => refuse(packet, DecodeEvent::EtagUnknownType),
    }
}
