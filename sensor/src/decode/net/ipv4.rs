//! IPv4 (RFC 791).

use super::{ipv4_option, protocol};
use crate::decode::walk::{Header, Next, be16, be32, refuse};
use rules::view::{DecodeEvent, Ipv4, Network, Packet};
use std::net::{IpAddr, Ipv4Addr};

/// "More fragments", and the thirteen bits of the offset.
const FRAGMENT_BITS: u16 = 0x3fff;

#[inline]
pub(in crate::decode) fn read<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) -> Next<'a> {
    let (header, payload) = match split(bytes) {
        Ok(parts) => parts,
        Err(event) => return refuse(packet, event),
    };
    packet.network = Ipv4::new(header).map_or(Network::None, Network::V4);
    packet.source = IpAddr::V4(Ipv4Addr::from(be32(header, 12)));
    packet.destination = IpAddr::V4(Ipv4Addr::from(be32(header, 16)));
    packet.protocol = header[9];
    packet.payload = payload;
    if header.len() > Ipv4::MIN_LEN {
        ipv4_option::check(packet, &header[Ipv4::MIN_LEN..]);
    }
    if be16(header, 6) & FRAGMENT_BITS != 0 {
        packet.fragment = true;
        return Next::End;
    }
    after(packet, header[9], payload)
}

/// Header and payload, each as long as the header says.
#[inline]
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), DecodeEvent> {
    if bytes.len() < Ipv4::MIN_LEN {
        return Err(DecodeEvent::Ipv4PktTooSmall);
    }
    if bytes[0] >> 4 != 4 {
        return Err(DecodeEvent::Ipv4WrongIpVersion);
    }
    let header_len = usize::from(bytes[0] & 0x0f) * 4;
    let total_len = usize::from(be16(bytes, 2));
    if header_len < Ipv4::MIN_LEN {
        return Err(DecodeEvent::Ipv4HlenTooSmall);
    }
    if total_len < header_len {
        return Err(DecodeEvent::Ipv4IplenSmallerThanHlen);
    }
    match bytes.get(..total_len) {
        Some(datagram) => Ok(datagram.split_at(header_len)),
        None => Err(DecodeEvent::Ipv4TruncPkt),
    }
}

/// What follows an IPv4 header that announces `number`.
#[inline]
pub(in crate::decode) fn after<'a>(packet: &mut Packet<'a>, number: u8, payload: &'a [u8]) -> Next<'a> {
    match number {
        protocol::TCP => Next::Header(Header::Tcp, payload),
        protocol::UDP => Next::Header(Header::Udp, payload),
        protocol::ICMPV4 => Next::Header(Header::Icmpv4, payload),
        protocol::IPV4 => Next::Tunnel(Header::Ipv4, payload),
        protocol::IPV6 => Next::Tunnel(Header::Ipv6, payload),
        protocol::GRE => Next::Header(Header::Gre, payload),
        protocol::SCTP => Next::Header(Header::Sctp, payload),
        protocol::ESP => Next::Header(Header::Esp, payload),
        protocol::AH => Next::Header(Header::Ah, payload),
        protocol::ICMPV6 => refuse(packet, DecodeEvent::Ipv4Icmpv6),
        _ => Next::End,
    }
}
