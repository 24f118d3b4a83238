//! Attacks on the sensor's memory, with an honest session in the middle that must alert all the same.

use super::memory;
use crate::live::{Folder, Sensor, Wire};
use fixtures::dhcp::{DISCOVER, Message};
use fixtures::packet::ethernet;
use fixtures::pcap_file::pcap;
use fixtures::tcp::Session;

/// An attack, and what it may cost.
struct Attack {
    /// A packet of it, from its number.
    packet: fn(u64) -> Vec<u8>,
    packets: u64,
    packets_per_second: u32,
    fills: Fills,
    /// The setting that bounds what it fills.
    limit: &'static str,
    /// The memory that it may cost.
    memory_mib: u64,
}

/// What an attack makes the sensor remember.
enum Fills {
    /// So many flows.
    Flows(u64),
    /// So many things in another table, which has room for so many of them; what counts those that went.
    Table { things: u64, room: u64, gone: &'static [&'static str] },
}

const RULE: &[u8] =
    b"alert tcp any any -> any 80 (msg:\"honest\"; flow:established,to_server; content:\"GET /honest\"; sid:1;)\n";

impl Attack {
    /// Half of its packets, one honest session, the other half.
    fn capture(&self) -> Vec<u8> {
        let honest = Session::v4("192.0.2.1:4242", "203.0.113.80:80")
            .handshake()
            .client(b"GET /honest HTTP/1.1\r\nHost: example.com\r\n\r\n")
            .server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let frames = (0..self.packets / 2)
            .map(self.packet)
            .chain(honest.close().frames().into_iter().map(|(_, frame)| frame))
            .chain((self.packets / 2..self.packets).map(self.packet));
        let timed = |(at, frame)| (1_700_000_000_000_000_000 + at * 1000, frame);
        pcap(&(0u64..).zip(frames).map(timed).collect::<Vec<_>>())
    }

    /// The honest session alerts, memory stays within its bounds, and all that had to go is counted.
    fn run(&self, test: &str) {
        let Some(wire) = Wire::lay(test) else { return };
        let folder = Folder::new();
        let rules = folder.write("honest.rules", RULE);
        let capture = folder.write("attack.pcap", &self.capture());
        let rules = rules.to_str().unwrap();
        let mut sensor = wire.sensor(&["-S", rules, "--workers", "2", "--set", self.limit]);
        let before = memory(&sensor);
        let sent = wire.send(&capture, self.packets_per_second);
        sensor.until_seen(sent);
        assert_eq!(sensor.count("packets_seen"), sent);
        assert_eq!(sensor.count("packets_dropped_kernel"), 0, "the rate is one that it can hold");
        let (gone, after) = (self.fills.gone(&sensor), memory(&sensor));
        eprintln!(
            "{test}: {sent} packets, memory {} MiB before, {} after, put out {gone}",
            before >> 20,
            after >> 20
        );
        assert!(gone > 0, "{}", sensor.ask("stats"));
        assert!(after.saturating_sub(before) < self.memory_mib << 20, "{}", sensor.log());
        assert_eq!(sensor.stop(), 0);
        let honest = sensor.events().iter().filter(|event| event["data"]["alert"]["sid"] == 1).count();
        assert_eq!(honest, 1, "the honest session alerts: {}", sensor.log());
    }
}

impl Fills {
    /// How much was put out or refused, having seen that nothing else went.
    fn gone(&self, sensor: &Sensor) -> u64 {
        match self {
            Self::Flows(flows) => {
                let ended = ["flows_timeout", "flows_closed", "flows_reset", "flows_evicted"];
                sensor.until("each flow is there, or counted as ended", |sensor| {
                    let ended: u64 = ended.iter().map(|counter| sensor.count(counter)).sum();
                    sensor.count("flows_created") == ended + sensor.ask("flows")["now"].as_u64().unwrap()
                });
                let refused = sensor.count("flows_refused");
                assert_eq!(sensor.count("flows_created") + refused, flows + 1, "{}", sensor.ask("stats"));
                sensor.count("flows_evicted") + refused
            }
            Self::Table { things, room, gone } => {
                let gone = gone.iter().map(|counter| sensor.count(counter)).sum();
                assert!(gone >= things - room, "{gone}: {}", sensor.ask("stats"));
                gone
            }
        }
    }
}

fn address(n: u64) -> String {
    format!("10.{}.{}.{}", n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff)
}

fn syn(n: u64) -> Vec<u8> {
    const SYN: u8 = 0x02;
    ethernet().ipv4(&address(n), "203.0.113.80").tcp((1024 + n % 60_000) as u16, 80, SYN).payload(b"")
}

/// The first fragment of a datagram whose others never come.
fn fragment(n: u64) -> Vec<u8> {
    let packet = ethernet().ipv4(&address(n), "203.0.113.80").udp(1000, 2000);
    packet.fragments(&[0x61; 64], 32, n as u32).swap_remove(0)
}

fn udp_scan(n: u64) -> Vec<u8> {
    let (host, port) = (format!("203.0.113.{}", n >> 16 & 0xff), (n & 0xffff) as u16);
    ethernet().ipv4("10.0.0.1", &host).udp(40_000, port).payload(b"x")
}

fn starvation(n: u64) -> Vec<u8> {
    let mac = [2, 0, 0, (n >> 16) as u8, (n >> 8) as u8, n as u8];
    Message::new(DISCOVER, mac, n as u32).broadcast_frame()
}

/// A request that is begun and never ended: three packets each.
fn half_open_http(n: u64) -> Vec<u8> {
    let client = format!("{}:{}", address(n / 3), 1024 + n / 3 % 60_000);
    let session = Session::v4(&client, "203.0.113.80:80").handshake().client(b"GET /slow HTTP/1.1\r\nX: ");
    let frames = session.frames();
    frames[[0, 1, 3][(n % 3) as usize].min(frames.len() - 1)].1.clone()
}

fn syns(packets: u64, packets_per_second: u32, limit: &'static str, memory_mib: u64) -> Attack {
    Attack { packet: syn, packets, packets_per_second, fills: Fills::Flows(packets), limit, memory_mib }
}

fn fragments(packets: u64, packets_per_second: u32, room: u64, limit: &'static str) -> Attack {
    let fills = Fills::Table { things: packets, room, gone: &["fragments_dropped", "fragments_refused"] };
    Attack { packet: fragment, packets, packets_per_second, fills, limit, memory_mib: 200 }
}

fn requests(flows: u64, packets_per_second: u32, limit: &'static str, memory_mib: u64) -> Attack {
    let fills = Fills::Flows(flows);
    Attack { packet: half_open_http, packets: 3 * flows, packets_per_second, fills, limit, memory_mib }
}

fn scan(packets: u64, packets_per_second: u32, limit: &'static str, memory_mib: u64) -> Attack {
    Attack { packet: udp_scan, packets, packets_per_second, fills: Fills::Flows(packets), limit, memory_mib }
}

fn discovers(packets: u64, packets_per_second: u32, room: u64, limit: &'static str) -> Attack {
    let fills = Fills::Table { things: packets, room, gone: &["dhcp_evicted"] };
    Attack { packet: starvation, packets, packets_per_second, fills, limit, memory_mib: 200 }
}

const SMALL_FLOW_TABLE: &str = "limits.flow.memory_bytes=2000000";

#[test]
fn a_syn_flood_does_not_hide_an_honest_session() {
    syns(20_000, 8000, SMALL_FLOW_TABLE, 200).run("a_syn_flood_does_not_hide_an_honest_session");
}

#[test]
fn a_fragment_flood_does_not_hide_an_honest_session() {
    let attack = fragments(10_000, 8000, 1000, "limits.fragment.datagrams=1000");
    attack.run("a_fragment_flood_does_not_hide_an_honest_session");
}

#[test]
fn half_open_requests_do_not_hide_an_honest_session() {
    let attack = requests(5000, 8000, "limits.flow.memory_bytes=500000", 200);
    attack.run("half_open_requests_do_not_hide_an_honest_session");
}

#[test]
fn a_scan_does_not_hide_an_honest_session() {
    scan(20_000, 8000, SMALL_FLOW_TABLE, 200).run("a_scan_does_not_hide_an_honest_session");
}

#[test]
fn a_dhcp_starvation_does_not_hide_an_honest_session() {
    let attack = discovers(10_000, 8000, 4096, "limits.dhcp.transactions=4096");
    attack.run("a_dhcp_starvation_does_not_hide_an_honest_session");
}

#[test]
#[ignore = "takes minutes"]
fn a_million_syns() {
    syns(1_000_000, 25_000, "limits.flow.memory_bytes=33554432", 400).run("a_million_syns");
}

#[test]
#[ignore = "takes minutes"]
fn a_million_fragments() {
    let attack = fragments(1_000_000, 25_000, 65_535, "limits.fragment.datagrams=65535");
    attack.run("a_million_fragments");
}

#[test]
#[ignore = "takes minutes"]
fn half_a_million_half_open_requests() {
    let attack = requests(500_000, 25_000, "limits.flow.memory_bytes=33554432", 1024);
    attack.run("half_a_million_half_open_requests");
}

#[test]
#[ignore = "takes minutes"]
fn a_scan_of_a_million_ports() {
    let attack = scan(1_000_000, 25_000, "limits.flow.memory_bytes=33554432", 400);
    attack.run("a_scan_of_a_million_ports");
}

#[test]
#[ignore = "takes minutes"]
fn a_dhcp_starvation_of_300_000() {
    let attack = discovers(300_000, 20_000, 65_536, "limits.dhcp.transactions=65536");
    attack.run("a_dhcp_starvation_of_300_000");
}
