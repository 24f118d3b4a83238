//! What makes packets one flow: addresses, ports, protocol, VLANs and how deep in tunnels.
//!
//! Knows which packets have a flow at all, and where the flow of an ICMP error is found. As Suricata has it (flow
//! documentation and observed behaviour): TCP, UDP, SCTP, ICMP, ICMPv6 and ESP make flows; fragments, broken
//! transport headers and other IP protocols don't. Knows nothing of tables and time.

use super::icmp;
use rules::view::{Packet, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IP protocol numbers that matter here (IANA, "Assigned Internet Protocol Numbers").
pub(super) mod protocol {
    pub(in crate::flow) const ICMP: u8 = 1;
    pub(in crate::flow) const TCP: u8 = 6;
    pub(in crate::flow) const UDP: u8 = 17;
    pub(in crate::flow) const ESP: u8 = 50;
    pub(in crate::flow) const ICMPV6: u8 = 58;
    pub(in crate::flow) const SCTP: u8 = 132;
}

/// What of a packet goes into its key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyConfig {
    /// Whether flows on different VLANs are different flows.
    pub vlan_use: bool,
}

/// One of a flow's two endpoints, by the order of their addresses and ports.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Side {
    /// The endpoint with the lower address and port.
    Low,
    /// The endpoint with the higher.
    High,
}

impl Side {
    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
}

/// How a packet relates to the flow of its key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Orientation {
    /// Who sent it; for an ICMP error, who the quoted packet was meant for.
    pub sender: Side,
    /// Whether it is an ICMP error about a packet of the flow. It counts as one of the flow's, but neither makes a
    /// flow nor proves its sender alive.
    pub quoting: bool,
}

/// The two addresses and ports of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Endpoints {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    /// Ports, or what stands for them.
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
}

/// A flow's identity, the same for both directions; compared as a whole, never by its hash alone.
///
/// Six words: the lower address (two), the higher (two); ports, protocol, tunnel depth and family; VLAN ids.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FlowKey([u64; 6]);

fn address_words(address: IpAddr) -> [u64; 2] {
    match address {
        IpAddr::V4(address) => [0, u64::from(address.to_bits())],
        IpAddr::V6(address) => [(address.to_bits() >> 64) as u64, address.to_bits() as u64],
    }
}

impl FlowKey {
    /// The key of a packet's flow and how the packet relates to it; nothing for packets without a flow.
    #[inline]
    pub fn of(packet: &Packet<'_>, config: &KeyConfig) -> Option<(Self, Orientation)> {
        if packet.invalid {
            return None;
        }
        let (endpoints, quoting) = match packet.transport {
            Transport::Tcp(_) | Transport::Udp(_) | Transport::Sctp(_) => {
                (with_ports(packet, packet.source_port, packet.destination_port), false)
            }
            Transport::Icmpv4(header) | Transport::Icmpv6(header) => match icmp::subject(packet, header)? {
                icmp::Subject::Itself(own, counterpart) => (with_ports(packet, own, counterpart), false),
                icmp::Subject::Quoted(endpoints) => (endpoints, true),
            },
            Transport::None => (security_association(packet)?, false),
        };
        let (key, sender) = Self::canonical(&endpoints, packet, config);
        let sender = if quoting { sender.opposite() } else { sender };
        Some((key, Orientation { sender, quoting }))
    }

    #[inline]
    fn canonical(endpoints: &Endpoints, packet: &Packet<'_>, config: &KeyConfig) -> (Self, Side) {
        let source = (address_words(endpoints.source), endpoints.source_port);
        let destination = (address_words(endpoints.destination), endpoints.destination_port);
        let (low, high, sender) = if source <= destination {
            (source, destination, Side::Low)
        } else {
            (destination, source, Side::High)
        };
        let family = if endpoints.source.is_ipv4() { 4 } else { 6 };
        let rest = u64::from(low.1)
            | u64::from(high.1) << 16
            | u64::from(endpoints.protocol) << 32
            | u64::from(packet.depth) << 40
            | family << 48;
        let vlans = if config.vlan_use { vlan_word(packet) } else { 0 };
        (Self([low.0[0], low.0[1], high.0[0], high.0[1], rest, vlans]), sender)
    }

    /// The words that are hashed.
    #[inline]
    pub(super) fn words(&self) -> &[u64; 6] {
        &self.0
    }

    /// The IP protocol number.
    #[inline]
    pub fn protocol(&self) -> u8 {
        (self.0[4] >> 32) as u8
    }

    /// How many tunnels its packets were taken out of.
    pub fn depth(&self) -> u8 {
        (self.0[4] >> 40) as u8
    }

    /// The address of an endpoint.
    pub fn address(&self, side: Side) -> IpAddr {
        let [first, second] = match side {
            Side::Low => [self.0[0], self.0[1]],
            Side::High => [self.0[2], self.0[3]],
        };
        if (self.0[4] >> 48) as u8 == 4 {
            IpAddr::V4(Ipv4Addr::from_bits(second as u32))
        } else {
            IpAddr::V6(Ipv6Addr::from_bits(u128::from(first) << 64 | u128::from(second)))
        }
    }

    /// The port of an endpoint, for protocols with ports.
    pub fn port(&self, side: Side) -> Option<u16> {
        matches!(self.protocol(), protocol::TCP | protocol::UDP | protocol::SCTP)
            .then(|| self.port_bits(side))
    }

    /// The key as bytes that begin with `first`'s endpoint, the same in every process: what a flow's number is
    /// derived from.
    pub fn bytes_from(&self, first: Side) -> [u8; 48] {
        let [a, b, c, d, rest, vlans] = self.0;
        let ports = u64::from(self.port_bits(first)) | u64::from(self.port_bits(first.opposite())) << 16;
        let rest = rest & !0xffff_ffff | ports;
        let words = match first {
            Side::Low => [a, b, c, d, rest, vlans],
            Side::High => [c, d, a, b, rest, vlans],
        };
        let mut bytes = [0; 48];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    fn port_bits(&self, side: Side) -> u16 {
        match side {
            Side::Low => self.0[4] as u16,
            Side::High => (self.0[4] >> 16) as u16,
        }
    }
}

/// Ids in 16 bits each, outermost first, and how many there are: VLAN 0 is not the absence of a tag.
#[inline]
fn vlan_word(packet: &Packet<'_>) -> u64 {
    let ids = packet.vlans.ids();
    ids.iter().rev().fold(ids.len() as u64, |word, &id| word << 16 | u64::from(id))
}

#[inline]
fn with_ports(packet: &Packet<'_>, source_port: u16, destination_port: u16) -> Endpoints {
    Endpoints {
        source: packet.source,
        destination: packet.destination,
        protocol: packet.protocol,
        source_port,
        destination_port,
    }
}

/// ESP: the Security Parameters Index (RFC 4303 §2.1) stands for the ports, the same way round in both directions.
fn security_association(packet: &Packet<'_>) -> Option<Endpoints> {
    if packet.protocol != protocol::ESP || packet.fragment || !packet.is_ip() {
        return None;
    }
    let spi = packet.payload.first_chunk::<4>()?;
    let (high, low) = (u16::from_be_bytes([spi[0], spi[1]]), u16::from_be_bytes([spi[2], spi[3]]));
    let turned = packet.source > packet.destination;
    let (source_port, destination_port) = if turned { (low, high) } else { (high, low) };
    Some(with_ports(packet, source_port, destination_port))
}
