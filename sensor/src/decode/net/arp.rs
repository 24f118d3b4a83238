//! ARP (RFC 826) for IPv4 over Ethernet, with its reverse (RFC 903) and inverse (RFC 2390) forms.

use crate::decode::link::ethertype;
use crate::decode::walk::{Next, be16};
use rules::view::{DecodeEvent, Packet};

/// Hardware and protocol types and sizes, and the operation.
const FIXED_LEN: usize = 8;
/// With two pairs of addresses.
const LEN: usize = 28;
const ETHERNET: u16 = 1;

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    if let Some(event) = fault(bytes) {
        packet.refuse(event);
    }
    Next::End
}

fn fault(bytes: &[u8]) -> Option<DecodeEvent> {
    if bytes.len() < FIXED_LEN {
        return Some(DecodeEvent::ArpPktTooSmall);
    }
    if be16(bytes, 0) != ETHERNET {
        return Some(DecodeEvent::ArpUnsupportedHardware);
    }
    if be16(bytes, 2) != ethertype::IPV4 {
        return Some(DecodeEvent::ArpUnsupportedProtocol);
    }
    if bytes[4] != 6 {
        return Some(DecodeEvent::ArpInvalidHardwareSize);
    }
    if bytes[5] != 4 {
        return Some(DecodeEvent::ArpInvalidProtocolSize);
    }
    if bytes.len() < LEN {
        return Some(DecodeEvent::ArpPktTooSmall);
    }
    let known = matches!(be16(bytes, 6), 1..=4 | 8 | 9);
    (!known).then_some(DecodeEvent::ArpUnsupportedOpcode)
}
