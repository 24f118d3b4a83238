//! Tests of the whole table, and the packets they are made with.

mod key;
mod model;
mod table;

use super::*;
use crate::counter::Counters;
use crate::time::Timestamp;
use rules::view::{Icmp, Ipv4, Ipv6, Network, Packet, Sctp, Tcp, Transport, Udp};
use std::net::{IpAddr, SocketAddr};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

fn network(address: IpAddr) -> Network<'static> {
    match address {
        IpAddr::V4(_) => Network::V4(Ipv4::new(&[0; 20]).unwrap()),
        IpAddr::V6(_) => Network::V6(Ipv6::new(&[0; 40]).unwrap()),
    }
}

/// A packet between two endpoints, given as `address:port`.
fn packet(transport: Transport<'static>, source: &str, destination: &str) -> Packet<'static> {
    let (source, destination): (SocketAddr, SocketAddr) =
        (source.parse().unwrap(), destination.parse().unwrap());
    let protocol = match transport {
        Transport::None => 0,
        Transport::Tcp(_) => 6,
        Transport::Udp(_) => 17,
        Transport::Icmpv4(_) => 1,
        Transport::Icmpv6(_) => 58,
        Transport::Sctp(_) => 132,
    };
    Packet {
        network: network(source.ip()),
        source: source.ip(),
        destination: destination.ip(),
        protocol,
        transport,
        source_port: source.port(),
        destination_port: destination.port(),
        ..Packet::EMPTY
    }
}

fn tcp() -> Transport<'static> {
    Transport::Tcp(Tcp::new(&[0; 20]).unwrap())
}

fn udp() -> Transport<'static> {
    Transport::Udp(Udp::new(&[0; 8]).unwrap())
}

fn sctp() -> Transport<'static> {
    Transport::Sctp(Sctp::new(&[0; 12]).unwrap())
}

/// Eight bytes of ICMP header.
fn icmp(header: &'static [u8; 8]) -> Icmp<'static> {
    Icmp::new(header).unwrap()
}

fn seconds(s: u64) -> Timestamp {
    Timestamp::new(s, 0)
}

fn arrival(ordinal: u64, time: Timestamp, tcp_flags: Option<u8>) -> Arrival {
    Arrival { ordinal, time, wire_len: 100, mac: None, tcp_flags, vlan: None }
}

/// A table of at most `capacity` flows.
fn table_of<X: Default>(capacity: u64, hash_key: HashKey) -> FlowTable<X> {
    let memory_bytes = capacity * FlowTable::<X>::BYTES_PER_FLOW as u64;
    FlowTable::new(&FlowConfig::default(), &FlowLimits { memory_bytes }, 1, hash_key)
}
