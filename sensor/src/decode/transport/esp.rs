//! ESP (RFC 4303): a security parameters index and a sequence number; the rest is encrypted.

use crate::decode::walk::{Next, refuse};
use rules::view::{DecodeEvent, Packet};

const LEN: usize = 8;

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    match bytes.get(LEN..) {
        Some(payload) => {
            packet.payload = payload;
            Next::End
        }
        None => refuse(packet, DecodeEvent::EspPktTooSmall),
    }
}
