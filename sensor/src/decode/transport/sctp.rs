//! SCTP (RFC 9260): the common header; chunks are left to the payload.

use crate::decode::walk::{Next, be16, refuse};
use rules::view::{DecodeEvent, Packet, Sctp, Transport};

pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let Some((header, payload)) = bytes.split_at_checked(Sctp::MIN_LEN) else {
        return refuse(packet, DecodeEvent::SctpPktTooSmall);
    };
    packet.transport = Sctp::new(header).map_or(Transport::None, Transport::Sctp);
    packet.source_port = be16(header, 0);
    packet.destination_port = be16(header, 2);
    packet.payload = payload;
    Next::End
}
