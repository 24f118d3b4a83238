//! What an ICMP error quotes: the start of the packet that it is about.

use super::net::protocol;
use super::walk::be16;
use rules::view::{Ipv4, Ipv6, Packet, Transport};
use std::net::IpAddr;

/// The endpoints of a quoted packet. An ICMP error belongs to their flow.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Quoted {
    /// Who sent the quoted packet.
    pub source: IpAddr,
    /// Whom it was meant for.
    pub destination: IpAddr,
    /// Its IP protocol, after extension headers.
    pub protocol: u8,
    /// Its source and destination port for TCP, UDP and SCTP; type and code for ICMP and ICMPv6; zeros otherwise.
    pub ports: (u16, u16),
}

/// Extension headers passed over in a quote.
const MAX_EXTENSIONS: usize = 8;

/// What `packet` quotes, where it is an ICMP error (RFC 792: destination unreachable, source quench, redirect, time
/// exceeded, parameter problem; RFC 4443 §3: every type below 128) with a usable quote:
/// the start of a packet, or of its first fragment, as far as its ports.
pub fn icmp_quoted(packet: &Packet<'_>) -> Option<Quoted> {
    match packet.transport {
        Transport::Icmpv4(icmp) if quotes_v4(icmp.kind()) => quoted_v4(packet.payload),
        Transport::Icmpv6(icmp) if quotes_v6(icmp.kind()) => quoted_v6(packet.payload),
        _ => None,
    }
}

/// Whether an ICMP message of that type quotes a packet.
pub(crate) fn quotes_v4(kind: u8) -> bool {
    matches!(kind, 3 | 4 | 5 | 11 | 12)
}

/// Whether an ICMPv6 message of that type quotes a packet.
pub(crate) fn quotes_v6(kind: u8) -> bool {
    matches!(kind, 1..=4)
}

fn quoted_v4(quote: &[u8]) -> Option<Quoted> {
    let header_len = usize::from(quote.first()? & 0x0f) * 4;
    if quote[0] >> 4 != 4 || header_len < Ipv4::MIN_LEN {
        return None;
    }
    let header = Ipv4::new(quote.get(..header_len)?)?;
    if header.fragment_offset() != 0 {
        return None;
    }
    Some(Quoted {
        source: header.source().into(),
        destination: header.destination().into(),
        protocol: header.protocol(),
        ports: ports(header.protocol(), &quote[header_len..])?,
    })
}

fn quoted_v6(quote: &[u8]) -> Option<Quoted> {
    let header = Ipv6::new(quote.get(..Ipv6::MIN_LEN)?)?;
    if quote[0] >> 4 != 6 {
        return None;
    }
    let mut number = header.next_header();
    let mut rest = &quote[Ipv6::MIN_LEN..];
    for _ in 0..MAX_EXTENSIONS {
        let len = match number {
            protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION => {
                8 + usize::from(*rest.get(1)?) * 8
            }
            protocol::FRAGMENT if be16(rest.get(..4)?, 2) & !7 != 0 => return None,
            protocol::FRAGMENT => 8,
            protocol::AH => 8 + usize::from(*rest.get(1)?) * 4,
            _ => break,
        };
        number = *rest.first()?;
        rest = rest.get(len..)?;
    }
    Some(Quoted {
        source: header.source().into(),
        destination: header.destination().into(),
        protocol: number,
        ports: ports(number, rest)?,
    })
}

/// The ports at the start of a quoted transport header; nothing where the quote ends before them.
fn ports(number: u8, bytes: &[u8]) -> Option<(u16, u16)> {
    Some(match number {
        protocol::TCP | protocol::UDP | protocol::SCTP => {
            let ports = bytes.first_chunk::<4>()?;
            (be16(ports, 0), be16(ports, 2))
        }
        protocol::ICMPV4 | protocol::ICMPV6 => {
            let [kind, code] = bytes.first_chunk::<2>()?;
            (u16::from(*kind), u16::from(*code))
        }
        _ => (0, 0),
    })
}
