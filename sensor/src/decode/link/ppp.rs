//! PPP (RFC 1661), with HDLC-like framing (RFC 1662) or without.

use crate::decode::walk::{Header, Next, refuse};
use rules::view::{DecodeEvent, Packet};

const HDLC_ADDRESS: u8 = 0xff;
const HDLC_CONTROL: u8 = 0x03;

/// Protocol numbers with a meaning that the decoder knows of but does not read: other networks, compression, and the
/// control protocols of links and networks (<https://www.iana.org/assignments/ppp-numbers>).
const KNOWN: [u16; 33] = [
    0x0023, 0x0025, 0x0027, 0x0029, 0x002b, 0x002d, 0x0031, 0x0033, 0x0035, 0x003d, 0x003f, 0x004b, 0x00fd,
    0x0201, 0x0203, 0x0231, 0x8021, 0x8023, 0x8025, 0x8027, 0x8029, 0x802b, 0x8031, 0x803f, 0x8057, 0x80fd,
    0xc021, 0xc023, 0xc025, 0xc027, 0xc223, 0x8281, 0x0283,
];

/// Reads address and control where they stand, then the protocol.
pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    match bytes {
        [HDLC_ADDRESS, HDLC_CONTROL, rest @ ..] => read_protocol(packet, rest),
        _ => read_protocol(packet, bytes),
    }
}

/// Reads the protocol number, one byte where it is compressed (RFC 1661 §6.5), and goes to what it announces.
pub(super) fn read_protocol<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let (protocol, rest) = match bytes {
        [odd, rest @ ..] if odd & 1 == 1 => (u16::from(*odd), rest),
        [high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
        _ => return refuse(packet, DecodeEvent::PppPktTooSmall),
    };
    match protocol {
        0x0021 if rest.len() < 20 => refuse(packet, DecodeEvent::PppIp4PktTooSmall),
        0x0021 => Next::Header(Header::Ipv4, rest),
        0x0057 if rest.len() < 40 => refuse(packet, DecodeEvent::PppIp6PktTooSmall),
        0x0057 => Next::Header(Header::Ipv6, rest),
        0x002f if rest.len() < 20 => refuse(packet, DecodeEvent::PppVjuPktTooSmall),
        // Van Jacobson's uncompressed TCP: an IPv4 packet whose protocol field holds a slot (RFC 1144 §3.2.3).
        0x002f => Next::Header(Header::Ipv4, rest),
        0x0281 => Next::Header(Header::Mpls, rest),
        known if KNOWN.contains(&known) => {
            packet.events.insert(DecodeEvent::PppUnsupProto);
            Next::End
        }
        _ => refuse(packet, DecodeEvent::PppWrongType),
    }
}
