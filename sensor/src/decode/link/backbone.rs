//! Provider backbone bridging (IEEE 802.1ah): a service tag, then the customer's Ethernet frame.

use super::ethertype;
use crate::decode::walk::{Next, be16, refuse};
use rules::view::{DecodeEvent, Packet};

/// Flags and service id (4), customer's addresses (12), EtherType (2).
const LEN: usize = 18;

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let Some((header, rest)) = bytes.split_at_checked(LEN) else {
        return refuse(packet, DecodeEvent::Ieee8021ahHeaderTooSmall);
    };
    match ethertype::header(be16(header, 16)) {
        Some(next) => Next::Header(next, rest),
        None => {
            packet.events.insert(DecodeEvent::EthernetUnknownEthertype);
            Next::End
        }
    }
}
