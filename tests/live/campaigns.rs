//! Floods, overload and long runs. Short forms run always; the long ones are ignored:
//! `cargo test --release -p sensor --test main live::campaigns -- --ignored --nocapture --test-threads 1`.

use super::reload::reload_under_traffic;
use super::{Folder, Sensor, Wire, sessions};
use fixtures::dhcp::{DISCOVER, Message};
use fixtures::packet::ethernet;
use fixtures::pcap_file::pcap;
use fixtures::tcp::Session;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

const SYN: u8 = 0x02;

/// Packets of an attack, from the number of each.
type Flood = fn(u64) -> Vec<u8>;

fn address(n: u64) -> String {
    format!("10.{}.{}.{}", n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff)
}

fn syn(n: u64) -> Vec<u8> {
    ethernet().ipv4(&address(n), "203.0.113.80").tcp((1024 + n % 60_000) as u16, 80, SYN).payload(b"")
}

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

/// Half of the flood, one honest session, the other half.
fn with_an_honest_session(flood: Flood, count: u64) -> Vec<u8> {
    let honest = Session::v4("192.0.2.1:4242", "203.0.113.80:80")
        .handshake()
        .client(b"GET /honest HTTP/1.1\r\nHost: example.com\r\n\r\n")
        .server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let frames = (0..count / 2)
        .map(flood)
        .chain(honest.close().frames().into_iter().map(|(_, frame)| frame))
        .chain((count / 2..count).map(flood));
    let timed = |(at, frame)| (1_700_000_000_000_000_000 + at * 1000, frame);
    pcap(&(0u64..).zip(frames).map(timed).collect::<Vec<_>>())
}

/// Sends a flood: the honest session alerts, memory stays within `memory_mib`, and what had to go is counted.
fn flood(
    test: &str,
    flood: Flood,
    count: u64,
    packets_per_second: u32,
    limit: &str,
    evicted: &[&str],
    memory_mib: u64,
) {
    let Some(wire) = Wire::lay(test) else { return };
    let folder = Folder::new();
    let rules = folder.write(
        "honest.rules",
        b"alert tcp any any -> any 80 (msg:\"honest\"; flow:established,to_server; content:\"GET /honest\"; sid:1;)\n",
    );
    let capture = folder.write("flood.pcap", &with_an_honest_session(flood, count));
    let rules = rules.to_str().unwrap();
    let mut sensor = wire.sensor(&["-S", rules, "--workers", "2", "--set", limit]);
    let before = memory(&sensor);
    let sent = wire.send(&capture, packets_per_second);
    sensor.until_seen(sent);
    assert_eq!(sensor.count("packets_seen"), sent);
    assert_eq!(sensor.count("packets_dropped_kernel"), 0, "the rate is one that it can hold");
    let gone: u64 = evicted.iter().map(|counter| sensor.count(counter)).sum();
    eprintln!(
        "{test}: {sent} packets, memory {} MiB before, {} after, put out {gone}",
        before >> 20,
        memory(&sensor) >> 20
    );
    assert!(gone > 0, "{evicted:?}: {}", sensor.ask("stats"));
    assert!(memory(&sensor) - before < memory_mib << 20, "{}", sensor.log());
    assert_eq!(sensor.stop(), 0);
    let honest = sensor.events().iter().filter(|event| event["data"]["alert"]["sid"] == 1).count();
    assert_eq!(honest, 1, "the honest session alerts: {}", sensor.log());
}

fn memory(sensor: &Sensor) -> u64 {
    sensor.ask("stats")["memory_bytes"].as_u64().unwrap()
}

const SMALL_FLOW_TABLE: &str = "limits.flow.memory_bytes=2000000";

#[test]
fn a_syn_flood_does_not_hide_an_honest_session() {
    flood(
        "a_syn_flood_does_not_hide_an_honest_session",
        syn,
        20_000,
        8000,
        SMALL_FLOW_TABLE,
        &["flows_evicted", "flows_refused"],
        200,
    );
}

#[test]
fn a_fragment_flood_does_not_hide_an_honest_session() {
    let limit = "limits.fragment.datagrams=1000";
    flood(
        "a_fragment_flood_does_not_hide_an_honest_session",
        fragment,
        10_000,
        8000,
        limit,
        &["fragments_dropped", "fragments_refused"],
        200,
    );
}

#[test]
#[ignore = "takes minutes"]
fn a_million_syns() {
    flood(
        "a_million_syns",
        syn,
        1_000_000,
        60_000,
        "limits.flow.memory_bytes=134217728",
        &["flows_evicted", "flows_refused"],
        1024,
    );
}

#[test]
#[ignore = "takes minutes"]
fn a_million_fragments() {
    flood(
        "a_million_fragments",
        fragment,
        1_000_000,
        60_000,
        "limits.fragment.datagrams=65535",
        &["fragments_dropped", "fragments_refused"],
        1024,
    );
}

#[test]
#[ignore = "takes minutes"]
fn half_a_million_half_open_requests() {
    let limit = "limits.flow.memory_bytes=67108864";
    flood(
        "half_a_million_half_open_requests",
        half_open_http,
        1_500_000,
        40_000,
        limit,
        &["flows_evicted", "stream_sessions_refused"],
        1536,
    );
}

#[test]
#[ignore = "takes minutes"]
fn a_scan_of_a_million_ports() {
    flood(
        "a_scan_of_a_million_ports",
        udp_scan,
        1_000_000,
        60_000,
        "limits.flow.memory_bytes=67108864",
        &["flows_evicted", "flows_refused"],
        1024,
    );
}

#[test]
#[ignore = "takes minutes"]
fn a_dhcp_starvation_of_300_000() {
    flood(
        "a_dhcp_starvation_of_300_000",
        starvation,
        300_000,
        20_000,
        "limits.dhcp.transactions=65536",
        &["dhcp_evicted"],
        1024,
    );
}

#[test]
#[ignore = "takes minutes"]
fn two_hundred_reloads() {
    reload_under_traffic("two_hundred_reloads", 200, 20_000, 8000);
}

/// A ring of 1 MiB and more packets than it and the sensor can hold: what is lost is counted, and nothing else is.
fn overload(test: &str, seconds: u64) {
    let Some(wire) = Wire::lay(test) else { return };
    let folder = Folder::new();
    let rules = heavy_rules(&folder);
    let capture = folder.write("sessions.pcap", &sessions(2000));
    let mut sensor =
        wire.sensor(&["-S", &rules, "--workers", "1", "--set", "capture.live.ring_bytes=1048576"]);
    let before = memory(&sensor);
    let (mut sent, until) = (0, Instant::now() + Duration::from_secs(seconds));
    while Instant::now() < until {
        sent += wire.send(&capture, 1_000_000);
        // Asking checks that the counts add up at this moment.
        sensor.count("packets_seen");
    }
    sensor.until_seen(sent);
    let count = |counter| sensor.count(counter);
    assert_eq!(count("packets_seen"), sent);
    assert_eq!(count("packets_dropped_kernel") + count("packets_received"), sent);
    assert_eq!(count("packets_read"), count("packets_received"));
    eprintln!(
        "{test}: {sent} sent, {} dropped, memory {} MiB more",
        count("packets_dropped_kernel"),
        memory(&sensor).saturating_sub(before) >> 20
    );
    assert!(memory(&sensor).saturating_sub(before) < 512 << 20, "{}", sensor.log());
    let (alerts, dropped) = (count("alerts"), count("packets_dropped_kernel"));
    let calm = folder.write("calm.pcap", &sessions(20));
    sensor.until_seen(sent + wire.send(&calm, 500));
    assert_eq!(sensor.count("packets_dropped_kernel"), dropped, "it has recovered");
    assert!(sensor.count("alerts") > alerts, "it alerts again");
    assert_eq!(sensor.stop(), 0);
    assert!(!sensor.log().contains("do not add up"), "{}", sensor.log());
}

/// Rules that take their time.
fn heavy_rules(folder: &Folder) -> String {
    let slow = |sid: u64| {
        format!(
            "alert tcp any any -> any any (content:\"GET\"; pcre:\"/G.*E.*T.*(a+)+{sid}$/\"; sid:{sid};)\n"
        )
    };
    let text: String = (100..200).map(slow).collect();
    folder.write("heavy.rules", (text + super::RULES).as_bytes()).display().to_string()
}

#[test]
fn what_overload_costs_is_counted_exactly() {
    overload("what_overload_costs_is_counted_exactly", 2);
}

#[test]
#[ignore = "takes ten minutes"]
fn ten_minutes_of_overload() {
    overload("ten_minutes_of_overload", 600);
}

/// What a run at one rate came to.
struct Rate {
    /// Packets a second, as they were sent.
    reached: f64,
    sent: u64,
    seen: u64,
    dropped: u64,
    events: u64,
}

fn sensor_at(wire: &Wire, capture: &Path, rules: Option<&str>, packets_per_second: u32) -> Rate {
    let arguments: Vec<_> = rules.iter().flat_map(|rules| ["-S", rules]).collect();
    let mut sensor = wire.sensor(&arguments);
    let (sent, reached) = wire.send_often(capture, packets_per_second, times(packets_per_second));
    sensor.until_seen(sent);
    let count = |counter| sensor.count(counter);
    let rate = Rate {
        reached,
        sent,
        seen: count("packets_seen"),
        dropped: count("packets_dropped_kernel") + count("packets_dropped_handover"),
        events: count("alerts") + count("dhcp_events"),
    };
    sensor.stop();
    rate
}

/// How often the capture is sent at a rate: for five seconds, since all of it fits the rings.
fn times(packets_per_second: u32) -> u32 {
    const PACKETS: u32 = 206_409;
    (packets_per_second * 5).div_ceil(PACKETS)
}

/// Packets that `tcpdump -w /dev/null` dropped.
fn tcpdump_at(wire: &Wire, capture: &Path, packets_per_second: u32) -> Option<u64> {
    let mut command = wire.far("tcpdump");
    command.args(["-i", "rx", "-w", "/dev/null", "-B", "65536", "-Z", "root"]).stderr(Stdio::piped());
    let child = command.spawn().ok()?;
    thread::sleep(Duration::from_secs(1));
    wire.send_often(capture, packets_per_second, times(packets_per_second));
    thread::sleep(Duration::from_secs(1));
    let pid = child.id().to_string();
    wire.far("kill").args(["-INT", &pid]).output().ok()?;
    let said = String::from_utf8_lossy(&child.wait_with_output().ok()?.stderr).into_owned();
    said.lines().find_map(|line| line.strip_suffix(" packets dropped by kernel")?.parse().ok())
}

/// The table of rates: sent, seen and dropped, against tcpdump in alternation, without rules and with ET Open.
#[test]
#[ignore = "takes minutes, and ../shared"]
fn the_table_of_rates() {
    let test = "the_table_of_rates";
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    let (capture, rules) =
        (shared.join("captures/perf.pcap"), shared.join("rules/et-open/emerging-all.rules"));
    if !capture.is_file() {
        println!("skipped {test}: ../shared is not there");
        return;
    }
    let Some(wire) = Wire::lay(test) else { return };
    println!(
        "   rate    reached       sent       seen    dropped     events  ET dropped  ET events  tcpdump dropped"
    );
    for packets_per_second in [25_000, 50_000, 100_000, 200_000, 400_000, 800_000] {
        let dumped = tcpdump_at(&wire, &capture, packets_per_second);
        let plain = sensor_at(&wire, &capture, None, packets_per_second);
        let ruled = sensor_at(&wire, &capture, rules.to_str(), packets_per_second);
        let dumped = dumped.map_or("?".to_owned(), |n| n.to_string());
        println!(
            "{packets_per_second:>7} {:>10.0} {:>10} {:>10} {:>10} {:>10} {:>11} {:>10} {dumped:>16}",
            plain.reached, plain.sent, plain.seen, plain.dropped, plain.events, ruled.dropped, ruled.events
        );
        if dumped == "0" {
            assert_eq!(plain.dropped, 0, "tcpdump loses nothing at this rate");
        }
    }
}
