//! A table full of flows, and packets of them at random.

use rules::view::{Ipv4, Network, Packet, Transport, Udp};
use sensor::counter::Counters;
use sensor::flow::{Arrival, Ended, FlowConfig, FlowLimits, FlowTable, HashKey, Sought};
use sensor::time::Timestamp;
use std::net::{IpAddr, Ipv4Addr};

/// Packets handled together.
pub(crate) const BURST: usize = 32;

/// What a sensor hangs on a flow: nothing, until it needs to.
type Extension = Option<Box<u64>>;

/// A burst of packets.
pub(crate) type Packets = [Packet<'static>; BURST];

/// Flows, and a source of packets that belong to them.
pub(crate) struct Traffic {
    table: FlowTable<Extension>,
    counters: Counters,
    ended: Vec<Ended<Extension>>,
    flows: u32,
    ordinal: u64,
    random: u64,
}

impl Traffic {
    /// That many flows, packets of which went in both directions.
    pub(crate) fn with_flows(flows: u32) -> Self {
        let limits = FlowLimits { memory_bytes: 2 << 30 };
        let hash_key = HashKey::random().expect("the system has randomness");
        let mut traffic = Self {
            table: FlowTable::new(&FlowConfig::default(), &limits, 1, hash_key),
            counters: Counters::default(),
            ended: Vec::new(),
            flows,
            ordinal: 0,
            random: 0x9e37_79b9_7f4a_7c15,
        };
        for to_server in [true, false] {
            for first in (0..flows).step_by(BURST) {
                let burst = std::array::from_fn(|n| packet((first + n as u32) % flows, to_server));
                traffic.observe(&burst);
            }
        }
        assert_eq!(traffic.table.len(), flows as usize);
        traffic
    }

    /// Packets of flows chosen at random.
    pub(crate) fn random_burst(&mut self) -> Packets {
        std::array::from_fn(|_| {
            // xorshift64 (Marsaglia, "Xorshift RNGs", 2003)
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            let flow = (u64::from(self.random as u32) * u64::from(self.flows)) >> 32;
            packet(flow as u32, self.random >> 63 == 0)
        })
    }

    /// Looks up and counts a burst, with memory loaded ahead.
    pub(crate) fn observe(&mut self, packets: &Packets) {
        let sought: [Option<Sought>; BURST] = std::array::from_fn(|n| self.table.seek(&packets[n]));
        for sought in sought.iter().flatten() {
            self.table.preload(sought);
        }
        for (sought, packet) in sought.iter().zip(packets) {
            self.observe_one(sought.as_ref(), packet);
        }
    }

    /// Looks up and counts a burst packet by packet.
    #[allow(dead_code, reason = "one of the two programs compares with this")]
    pub(crate) fn observe_singly(&mut self, packets: &Packets) {
        for packet in packets {
            let sought = self.table.seek(packet);
            self.observe_one(sought.as_ref(), packet);
        }
    }

    fn observe_one(&mut self, sought: Option<&Sought>, packet: &Packet<'_>) {
        let sought = sought.expect("UDP packets have a flow");
        let arrival = Arrival::new(packet, self.ordinal, Timestamp::new(1_700_000_000, 0), 100);
        self.ordinal += 1;
        let observed = self.table.observe(sought, &arrival, &mut self.counters, &mut self.ended);
        assert!(observed.is_some());
    }
}

/// A UDP packet of the flow with that number.
fn packet(flow: u32, to_server: bool) -> Packet<'static> {
    let client = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + flow / 50));
    let server = IpAddr::V4(Ipv4Addr::from_bits(0xc0a8_0000 + flow % 977));
    let client_port = 1024 + (flow % 50_000) as u16;
    let (source, destination) = if to_server { (client, server) } else { (server, client) };
    let (source_port, destination_port) = if to_server { (client_port, 53) } else { (53, client_port) };
    Packet {
        network: Network::V4(Ipv4::new(&[0; 20]).expect("20 bytes are a header")),
        source,
        destination,
        protocol: 17,
        transport: Transport::Udp(Udp::new(&[0; 8]).expect("8 bytes are a header")),
        source_port,
        destination_port,
        ..Packet::EMPTY
    }
}
