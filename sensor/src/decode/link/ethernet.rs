//! Ethernet II and IEEE 802.3 frames.

use super::ethertype;
use crate::decode::walk::{Next, be16, refuse};
use rules::view::{DecodeEvent, Ethernet, Packet};

#[inline]
pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let Some((header, rest)) = bytes.split_at_checked(Ethernet::MIN_LEN) else {
        return refuse(packet, DecodeEvent::EthernetPktTooSmall);
    };
    if packet.ethernet.is_none() {
        packet.ethernet = Ethernet::new(header);
    }
    match ethertype::header(be16(header, 12)) {
        Some(next) => Next::Header(next, rest),
        None => {
            packet.events.insert(DecodeEvent::EthernetUnknownEthertype);
            Next::End
        }
    }
}
