//! Packets that nobody sent: the end of a flow, so that what is left of it is inspected (Suricata documentation:
//! "Rule Types and Categorization", pseudo packets).

use rules::view::{Ipv4, Ipv6, Network, Origin, Packet, Tcp, Transport};
use std::net::IpAddr;

const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const TCP_HEADER: usize = 20;
const TCP: u8 = 6;
const ACK: u8 = 0x10;

/// The headers of a made-up packet.
#[derive(Debug)]
pub(super) struct MadeUp {
    source: (IpAddr, u16),
    destination: (IpAddr, u16),
    network: [u8; IPV6_HEADER],
    tcp: [u8; TCP_HEADER],
}

impl MadeUp {
    /// A TCP packet without payload.
    pub(super) fn new(source: (IpAddr, u16), destination: (IpAddr, u16)) -> Self {
        let mut network = [0; IPV6_HEADER];
        match (source.0, destination.0) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                network[0] = 0x45;
                network[3] = (IPV4_HEADER + TCP_HEADER) as u8;
                network[8] = 64;
                network[9] = TCP;
                network[12..16].copy_from_slice(&source.octets());
                network[16..20].copy_from_slice(&destination.octets());
            }
            (source, destination) => {
                let octets = |address| match address {
                    IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
                    IpAddr::V6(address) => address.octets(),
                };
                network[0] = 0x60;
                network[5] = TCP_HEADER as u8;
                network[6] = TCP;
                network[7] = 64;
                network[8..24].copy_from_slice(&octets(source));
                network[24..40].copy_from_slice(&octets(destination));
            }
        }
        let mut tcp = [0; TCP_HEADER];
        tcp[0..2].copy_from_slice(&source.1.to_be_bytes());
        tcp[2..4].copy_from_slice(&destination.1.to_be_bytes());
        tcp[12] = 0x50;
        tcp[13] = ACK;
        Self { source, destination, network, tcp }
    }

    /// The packet.
    pub(super) fn packet(&self) -> Packet<'_> {
        let network = match self.source.0 {
            IpAddr::V4(_) => Ipv4::new(&self.network[..IPV4_HEADER]).map(Network::V4),
            IpAddr::V6(_) => Ipv6::new(&self.network).map(Network::V6),
        };
        Packet {
            network: network.unwrap_or_default(),
            source: self.source.0,
            destination: self.destination.0,
            protocol: TCP,
            transport: Tcp::new(&self.tcp).map(Transport::Tcp).unwrap_or_default(),
            source_port: self.source.1,
            destination_port: self.destination.1,
            origin: Origin::FlowEnd,
            ..Packet::EMPTY
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_what_the_packet_says() {
        let made_up = MadeUp::new(("192.0.2.1".parse().unwrap(), 1025), ("192.0.2.2".parse().unwrap(), 80));
        let packet = made_up.packet();
        let (Network::V4(ip), Transport::Tcp(tcp)) = (packet.network, packet.transport) else { panic!() };
        assert_eq!((IpAddr::V4(ip.source()), tcp.source_port()), (packet.source, 1025));
        assert_eq!((IpAddr::V4(ip.destination()), tcp.destination_port()), (packet.destination, 80));
        let made_up = MadeUp::new(("2001:db8::1".parse().unwrap(), 1), ("2001:db8::2".parse().unwrap(), 2));
        assert!(
            matches!(made_up.packet().network, Network::V6(ip) if IpAddr::V6(ip.destination()) == made_up.destination.0)
        );
    }
}
