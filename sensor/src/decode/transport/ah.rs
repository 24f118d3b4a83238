//! AH in IPv4 (RFC 4302): authenticates and hides nothing, so what it carries is read on. In IPv6 it is an extension
//! header.

use crate::decode::net::ipv4;
use crate::decode::walk::Next;
use rules::view::Packet;

/// The part before the integrity check value.
const FIXED_LEN: usize = 12;

/// A header that is cut or shorter than its fixed part ends the walk without an event: there is no name for it.
pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let [next, words, ..] = *bytes else { return Next::End };
    let len = (usize::from(words) + 2) * 4;
    match bytes.get(len..) {
        Some(payload) if len >= FIXED_LEN => {
            packet.protocol = next;
            packet.payload = payload;
            ipv4::after(packet, next, payload)
        }
        _ => Next::End,
    }
}
