//! VXLAN (RFC 7348 §5).

use crate::decode::link::ethertype;
use crate::decode::walk::{Header, Next, be16};
use rules::view::{DecodeEvent, Packet};

const LEN: usize = 8;
const HAS_NETWORK_ID: u8 = 0x08;

/// Datagrams on the port that do not look like VXLAN are left alone.
pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let Some((header, frame)) = bytes.split_at_checked(LEN) else { return Next::End };
    if header[0] & HAS_NETWORK_ID == 0 || header[7] != 0 || frame.len() < 14 {
        return Next::End;
    }
    if ethertype::header(be16(frame, 12)).is_none() {
        packet.events.insert(DecodeEvent::VxlanUnknownPayloadType);
        return Next::End;
    }
    Next::Tunnel(Header::Ethernet, frame)
}
