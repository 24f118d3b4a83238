//! Linux cooked captures, version 1 (<https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html>) and version 2
//! (<https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html>).

use super::ethertype;
use crate::decode::walk::{Next, be16, refuse};
use rules::view::{DecodeEvent, Packet};

const LEN: usize = 16;
const LEN_V2: usize = 20;

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    match bytes.split_at_checked(LEN) {
        Some((header, rest)) => after(be16(header, 14), rest),
        None => refuse(packet, DecodeEvent::SllPktTooSmall),
    }
}

pub(in crate::decode) fn read_v2<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    match bytes.split_at_checked(LEN_V2) {
        Some((header, rest)) => after(be16(header, 0), rest),
        None => refuse(packet, DecodeEvent::Sll2PktTooSmall),
    }
}

fn after(protocol: u16, rest: &[u8]) -> Next<'_> {
    match ethertype::header(protocol) {
        Some(next) => Next::Header(next, rest),
        None => Next::End,
    }
}
