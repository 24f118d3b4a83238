//! IPv6 (RFC 8200).

use super::{ipv6_extension, protocol};
use crate::decode::walk::{Header, Next, be16, refuse};
use rules::view::{DecodeEvent, Ipv4, Ipv6, Network, Packet};
use std::net::{IpAddr, Ipv6Addr};

#[inline]
pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8], max_extensions: u8) -> Next<'a> {
    let datagram = match whole(bytes) {
        Ok(datagram) => datagram,
        Err(event) => return refuse(packet, event),
    };
    let (header, payload) = datagram.split_at(Ipv6::MIN_LEN);
    packet.network = Ipv6::new(header).map_or(Network::None, Network::V6);
    packet.source = address(header, 8);
    packet.destination = address(header, 24);
    packet.protocol = header[6];
    packet.payload = payload;
    match header[6] {
        protocol::TCP => Next::Header(Header::Tcp, payload),
        protocol::UDP => Next::Header(Header::Udp, payload),
        protocol::ICMPV6 => Next::Header(Header::Icmpv6, payload),
        number => ipv6_extension::walk(packet, datagram, number, max_extensions),
    }
}

fn address(header: &[u8], at: usize) -> IpAddr {
    let octets: [u8; 16] = header[at..at + 16].try_into().expect("the fixed header is whole");
    IpAddr::V6(Ipv6Addr::from(octets))
}

/// The datagram, as long as its header says.
#[inline]
fn whole(bytes: &[u8]) -> Result<&[u8], DecodeEvent> {
    if bytes.len() < Ipv6::MIN_LEN {
        return Err(DecodeEvent::Ipv6PktTooSmall);
    }
    if bytes[0] >> 4 != 6 {
        return Err(DecodeEvent::Ipv6WrongIpVersion);
    }
    let total_len = Ipv6::MIN_LEN + usize::from(be16(bytes, 4));
    bytes.get(..total_len).ok_or(DecodeEvent::Ipv6TruncPkt)
}

/// What follows the last extension header, which announces `number`.
pub(super) fn after<'a>(packet: &mut Packet<'a>, number: u8, payload: &'a [u8]) -> Next<'a> {
    match number {
        protocol::TCP => Next::Header(Header::Tcp, payload),
        protocol::UDP => Next::Header(Header::Udp, payload),
        protocol::ICMPV6 => Next::Header(Header::Icmpv6, payload),
        protocol::SCTP => Next::Header(Header::Sctp, payload),
        protocol::GRE => Next::Header(Header::Gre, payload),
        protocol::ESP => Next::Header(Header::Esp, payload),
        protocol::IPV4 => match payload.first() {
            _ if payload.len() < Ipv4::MIN_LEN => refuse(packet, DecodeEvent::Ipv6Ipv4InIpv6TooSmall),
            Some(first) if first >> 4 == 4 => Next::Tunnel(Header::Ipv4, payload),
            _ => refuse(packet, DecodeEvent::Ipv6Ipv4InIpv6WrongVersion),
        },
        protocol::IPV6 => match payload.first() {
            _ if payload.len() < Ipv6::MIN_LEN => refuse(packet, DecodeEvent::Ipv6Ipv6InIpv6TooSmall),
            Some(first) if first >> 4 == 6 => Next::Tunnel(Header::Ipv6, payload),
            _ => refuse(packet, DecodeEvent::Ipv6Ipv6InIpv6WrongVersion),
        },
        protocol::NONE => {
            if !payload.is_empty() {
                packet.events.insert(DecodeEvent::Ipv6DataAfterNoneHeader);
            }
            Next::End
        }
        protocol::ICMPV4 => {
            packet.events.insert(DecodeEvent::Ipv6Icmpv4);
            Next::End
        }
        _ => {
            packet.events.insert(DecodeEvent::Ipv6UnknownNextHeader);
            Next::End
        }
    }
}
