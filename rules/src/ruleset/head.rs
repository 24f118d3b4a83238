//! What to check of a signature before anything else: cheap, and false for most candidates.

use crate::header::address::AddressSet;
use crate::header::port::PortSet;
use crate::header::protocol::PacketProtocol;
use crate::signature::{HeaderMatch, Kind, Signature, Way};
use crate::view::{Network, Origin, Packet, Transport};
use std::sync::Arc;

/// A signature's header and flow option, close together in memory.
#[derive(Debug)]
pub struct Head {
    protocol: PacketProtocol,
    source: Arc<AddressSet>,
    source_ports: Arc<PortSet>,
    destination: Arc<AddressSet>,
    destination_ports: Arc<PortSet>,
    bidirectional: bool,
    any_address: bool,
    any_port: bool,
    way: Way,
    established: Option<bool>,
    needs_flow: bool,
    fragment: Option<bool>,
    /// Whether it is looked at with transactions.
    pub of_transactions: bool,
}

/// What a head asks about the packet's flow.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FlowState {
    /// Whether the packet goes to the server.
    pub to_server: bool,
    /// Whether the flow was established when it came.
    pub established: bool,
}

impl Head {
    /// Of a signature.
    pub fn of(signature: &Signature) -> Self {
        let HeaderMatch { source, source_ports, destination, destination_ports, .. } = &signature.header;
        Self {
            protocol: signature.header.protocol,
            any_address: source.is_any() && destination.is_any(),
            any_port: source_ports.is_any() && destination_ports.is_any(),
            source: Arc::clone(source),
            source_ports: Arc::clone(source_ports),
            destination: Arc::clone(destination),
            destination_ports: Arc::clone(destination_ports),
            bidirectional: signature.header.bidirectional,
            way: signature.way,
            established: signature.flow.established,
            needs_flow: signature.flow.present || signature.way != Way::Both,
            fragment: signature.flow.fragment,
            of_transactions: signature.kind == Kind::Transaction,
        }
    }

    /// Whether the signature's header and flow option fit the packet.
    #[inline]
    pub fn fits(&self, packet: &Packet<'_>, flow: Option<FlowState>) -> bool {
        self.fits_flow(flow)
            && self.fits_protocol(packet)
            && self.fragment.is_none_or(|wanted| wanted == (packet.origin == Origin::Defrag))
            && self.fits_endpoints(packet)
    }

    fn fits_flow(&self, flow: Option<FlowState>) -> bool {
        let Some(flow) = flow else { return !self.needs_flow };
        let way = match self.way {
            Way::Both => true,
            Way::ToServer => flow.to_server,
            Way::ToClient => !flow.to_server,
        };
        way && self.established.is_none_or(|wanted| wanted == flow.established)
    }

    fn fits_protocol(&self, packet: &Packet<'_>) -> bool {
        use PacketProtocol as P;
        match self.protocol {
            P::Pkthdr => true,
            P::Ip => packet.is_ip(),
            P::Ipv4 => matches!(packet.network, Network::V4(_)),
            P::Ipv6 => matches!(packet.network, Network::V6(_)),
            P::Tcp | P::TcpPkt | P::TcpStream => packet.protocol == 6 && packet.is_ip(),
            P::Udp => packet.protocol == 17 && packet.is_ip(),
            P::Icmp => matches!(packet.protocol, 1 | 58) && packet.is_ip(),
            P::Icmpv4 => packet.protocol == 1 && packet.is_ip(),
            P::Icmpv6 => packet.protocol == 58 && packet.is_ip(),
            P::Sctp => packet.protocol == 132 && packet.is_ip(),
            P::Ether => packet.ethernet.is_some(),
            P::Arp => packet.arp,
        }
    }

    fn fits_endpoints(&self, packet: &Packet<'_>) -> bool {
        (self.any_address && self.any_port)
            || self.fits_one_way(packet, false)
            || (self.bidirectional && self.fits_one_way(packet, true))
    }

    fn fits_one_way(&self, packet: &Packet<'_>, swapped: bool) -> bool {
        let (mut from, mut to) = (packet.source, packet.destination);
        let (mut from_port, mut to_port) = (packet.source_port, packet.destination_port);
        if swapped {
            (from, to, from_port, to_port) = (to, from, to_port, from_port);
        }
        // Ports are asked of what has ports: not of fragments, ICMP and the like.
        let ports = self.any_port
            || (matches!(packet.transport, Transport::Tcp(_) | Transport::Udp(_) | Transport::Sctp(_))
                && self.destination_ports.contains(to_port)
                && self.source_ports.contains(from_port));
        ports && (self.any_address || (self.source.contains(from) && self.destination.contains(to)))
    }
}
