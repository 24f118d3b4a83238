//! Cisco HDLC: address, control, then an EtherType.

use super::ethertype;
use crate::decode::walk::{Next, be16, refuse};
use rules::view::{DecodeEvent, Packet};

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let Some((header, rest)) = bytes.split_at_checked(4) else {
        return refuse(packet, DecodeEvent::ChdlcPktTooSmall);
    };
    match ethertype::header(be16(header, 2)) {
        Some(next) => Next::Header(next, rest),
        None => Next::End,
    }
}
