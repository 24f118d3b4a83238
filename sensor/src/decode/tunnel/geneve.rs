//! Geneve (RFC 8926 §3.4).

use crate::decode::link::ethertype;
use crate::decode::walk::{Next, be16};
use rules::view::{DecodeEvent, Packet};

const LEN: usize = 8;

/// Datagrams on the port that do not look like Geneve are left alone.
pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    if bytes.len() < LEN || bytes[0] >> 6 != 0 {
        return Next::End;
    }
    let options_len = usize::from(bytes[0] & 0x3f) * 4;
    let Some(rest) = bytes.get(LEN + options_len..) else { return Next::End };
    match ethertype::header(be16(bytes, 2)) {
        Some(header) => Next::Tunnel(header, rest),
        None => {
            packet.events.insert(DecodeEvent::GeneveUnknownPayloadType);
            Next::End
        }
    }
}
