//! Cisco FabricPath (also DCE, EtherType 0x8903): a forwarding tag before a whole Ethernet frame.

use crate::decode::walk::{Header, Next, refuse};
use rules::view::{DecodeEvent, Packet};

/// The forwarding tag's two bytes; the EtherType before it was read with the outer addresses.
const LEN: usize = 2;

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    match bytes.split_at_checked(LEN) {
        Some((_, frame)) if frame.len() >= 14 => Next::Header(Header::Ethernet, frame),
        _ => refuse(packet, DecodeEvent::DcePktTooSmall),
    }
}
