//! One packet, decoded.

use super::{DecodeEvent, DecodeEvents, Ethernet, Icmp, Ipv4, Ipv6, Sctp, Tcp, Udp, VlanTags};
use std::net::{IpAddr, Ipv4Addr};

/// The network header.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Network<'a> {
    /// Neither IPv4 nor IPv6, or too broken to tell.
    #[default]
    None,
    /// IPv4.
    V4(Ipv4<'a>),
    /// IPv6 with its extension headers.
    V6(Ipv6<'a>),
}

/// The transport header.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Transport<'a> {
    /// None that was understood: a fragment, a broken header, or a protocol without one.
    #[default]
    None,
    /// TCP.
    Tcp(Tcp<'a>),
    /// UDP.
    Udp(Udp<'a>),
    /// ICMP for IPv4.
    Icmpv4(Icmp<'a>),
    /// ICMP for IPv6.
    Icmpv6(Icmp<'a>),
    /// SCTP.
    Sctp(Sctp<'a>),
}

/// How a packet came to be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Origin {
    /// As captured.
    #[default]
    Wire,
    /// Carried inside a tunnel.
    Tunnel,
    /// Put together from fragments.
    Defrag,
    /// Made up at a flow's end, so that what is left of its streams gets inspected.
    FlowEnd,
}

/// One packet: facts by value, bytes by loan.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The outermost Ethernet header, of the outer frame for a packet from a tunnel.
    pub ethernet: Option<Ethernet<'a>>,
    /// VLAN tags of the frame, of an inner frame where the tunnel carries one.
    pub vlans: VlanTags,
    /// The network header.
    pub network: Network<'a>,
    /// Sender and receiver; unspecified (0.0.0.0) without a network header.
    pub source: IpAddr,
    /// See `source`.
    pub destination: IpAddr,
    /// The IP protocol number after all extension headers (and, in IPv4 too, after an authentication header);
    /// without a network header 0.
    pub protocol: u8,
    /// The transport header.
    pub transport: Transport<'a>,
    /// Ports of TCP, UDP and SCTP, otherwise 0.
    pub source_port: u16,
    /// See `source_port`.
    pub destination_port: u16,
    /// What follows the last header understood, as far as the headers' lengths and the capture reach: after 8 bytes
    /// of ICMP, the data of a fragment, the whole IP payload of a protocol without header here. Empty without IP.
    pub payload: &'a [u8],
    /// Whether it is ARP.
    pub arp: bool,
    /// Whether this is a fragment (any but a whole packet), which then has no transport header.
    pub fragment: bool,
    /// How many tunnels it was taken out of.
    pub depth: u8,
    /// How it came to be.
    pub origin: Origin,
    /// What was wrong with its headers.
    pub events: DecodeEvents,
    /// Whether a header was too broken to read on. What was read before it stands; the packet belongs to no flow.
    pub invalid: bool,
}

impl Packet<'_> {
    /// A packet of which nothing is known yet.
    pub const EMPTY: Self = Self {
        ethernet: None,
        vlans: VlanTags::NONE,
        network: Network::None,
        source: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        destination: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        protocol: 0,
        transport: Transport::None,
        source_port: 0,
        destination_port: 0,
        payload: &[],
        arp: false,
        fragment: false,
        depth: 0,
        origin: Origin::Wire,
        events: DecodeEvents::NONE,
        invalid: false,
    };

    /// Notes a fault after which no header can be read.
    #[cold]
    pub fn refuse(&mut self, event: DecodeEvent) {
        self.events.insert(event);
        self.invalid = true;
    }

    /// Whether there is an IP header.
    pub fn is_ip(&self) -> bool {
        self.network != Network::None
    }
}
