//! TCP (RFC 9293).

use crate::decode::walk::{Next, be16, refuse};
use rules::view::{DecodeEvent, Packet, Tcp, TcpOption, Transport};

#[inline]
pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    if bytes.len() < Tcp::MIN_LEN {
        return refuse(packet, DecodeEvent::TcpPktTooSmall);
    }
    let header_len = usize::from(bytes[12] >> 4) * 4;
    if header_len < Tcp::MIN_LEN {
        return refuse(packet, DecodeEvent::TcpInvalidOptlen);
    }
    let Some((header, payload)) = bytes.split_at_checked(header_len) else {
        return refuse(packet, DecodeEvent::TcpHlenTooSmall);
    };
    let tcp = Tcp::new(header).expect("its length was checked");
    packet.transport = Transport::Tcp(tcp);
    packet.source_port = be16(header, 0);
    packet.destination_port = be16(header, 2);
    packet.payload = payload;
    if header_len > Tcp::MIN_LEN && !only_timestamps(tcp.options()) {
        check_options(packet, &tcp);
    }
    Next::End
}

/// Whether the options are those of nearly every segment after the handshake: timestamps, padded in front
/// (RFC 7323 appendix A). Nothing can be wrong with them.
#[inline]
fn only_timestamps(options: &[u8]) -> bool {
    options.len() == 12 && options[..4] == [1, 1, 8, 10]
}

/// Notes what is wrong with the options; none of it keeps the segment from being used.
fn check_options(packet: &mut Packet<'_>, tcp: &Tcp<'_>) {
    let mut seen = 0u8;
    let mut options = tcp.option_list();
    for option in options.by_ref() {
        let bit = match option {
            TcpOption::MaximumSegmentSize(_) => 1,
            TcpOption::WindowScale(_) => 2,
            TcpOption::SackPermitted => 4,
            TcpOption::Sack(_) => 8,
            TcpOption::Timestamps { .. } => 16,
            TcpOption::FastOpen(_) => 32,
            TcpOption::Other { kind, data } => {
                if other_is_wrong(kind, data.len()) {
                    packet.events.insert(DecodeEvent::TcpOptInvalidLen);
                }
                0
            }
        };
        if seen & bit != 0 {
            packet.events.insert(DecodeEvent::TcpOptDuplicate);
        }
        seen |= bit;
    }
    if options.malformed() {
        packet.events.insert(DecodeEvent::TcpOptInvalidLen);
    }
}

/// Whether an option that was not understood is one of known kind with a wrong length: those of RFC 9293 and 7323,
/// SACK, Fast Open, MD5 signatures (RFC 2385) and authentication (RFC 5925 §2.2).
fn other_is_wrong(kind: u8, data_len: usize) -> bool {
    match kind {
        2 | 3 | 4 | 5 | 8 | 34 => true,
        19 => data_len != 16,
        29 => data_len < 2,
        _ => false,
    }
}
