//! What is on the wire is what comes out.

use super::{Folder, Wire, sessions};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An event without what differs from one run to the next: ids, and times.
fn timeless(mut event: Value) -> String {
    for member in ["id", "time"] {
        event.as_object_mut().unwrap().remove(member);
    }
    let data = event["data"].as_object_mut().unwrap();
    data.remove("flow_id");
    if let Some(flow) = data.get_mut("flow").and_then(Value::as_object_mut) {
        flow.remove("start");
        flow.remove("end");
    }
    event.to_string()
}

/// How often each event came.
fn counted(events: impl IntoIterator<Item = Value>) -> BTreeMap<String, u32> {
    let mut counted = BTreeMap::new();
    for event in events {
        *counted.entry(timeless(event)).or_default() += 1;
    }
    counted
}

/// The events of a replay under the settings of `sensor run`.
fn replayed(capture: &Path, rules: &str) -> Vec<Value> {
    let settings = ["stream.midstream=true", "stream.one_sided=true", "flow.vlan_use=false"];
    let output = Command::new(env!("CARGO_BIN_EXE_sensor"))
        .args(["replay", "-q", "-S", rules])
        .args(settings.iter().flat_map(|setting| ["--set", setting]))
        .arg(capture)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The same packets with the times at which they are on the wire: so many a second from now on.
fn retimed(capture: &[u8], packets_per_second: u64) -> Vec<u8> {
    const FILE_HEADER: usize = 24;
    let nanos = capture.starts_with(&0xa1b2_3c4d_u32.to_le_bytes());
    assert!(nanos || capture.starts_with(&0xa1b2_c3d4_u32.to_le_bytes()), "a little-endian pcap");
    let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (mut retimed, mut at, mut number) = (capture.to_vec(), FILE_HEADER, 0);
    while at < retimed.len() {
        let time = begun + Duration::from_nanos(number * 1_000_000_000 / packets_per_second);
        let fraction = if nanos { time.subsec_nanos() } else { time.subsec_micros() };
        retimed[at..at + 4].copy_from_slice(&(time.as_secs() as u32).to_le_bytes());
        retimed[at + 4..at + 8].copy_from_slice(&fraction.to_le_bytes());
        let len = u32::from_le_bytes(retimed[at + 8..at + 12].try_into().unwrap());
        (at, number) = (at + 16 + len as usize, number + 1);
    }
    retimed
}

/// Sends a capture to sensors with one worker and with two, and compares with a replay.
fn live_equals_replay(test: &str, capture: &Path, rules: &str, settings: &[&str]) {
    live_equals_replay_at(test, capture, 3000, rules, settings);
}

fn live_equals_replay_at(
    test: &str,
    capture: &Path,
    packets_per_second: u32,
    rules: &str,
    settings: &[&str],
) {
    let Some(wire) = Wire::lay(test) else { return };
    let folder = Folder::new();
    let file = folder.write("replay.pcap", &retimed(&fs::read(capture).unwrap(), packets_per_second.into()));
    let expected = counted(replayed(&file, rules));
    assert!(!expected.is_empty(), "the capture makes events");
    for workers in ["1", "2"] {
        let mut arguments = vec!["-S", rules, "--workers", workers];
        arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        let mut sensor = wire.sensor(&arguments);
        let sent = wire.send(capture, packets_per_second);
        sensor.until_seen(sent);
        assert_eq!(sensor.count("packets_seen"), sent);
        assert_eq!(sensor.stop(), 0, "{}", sensor.log());
        let seen = counted(sensor.events());
        let differ: Vec<_> = seen.iter().filter(|(event, n)| expected.get(*event) != Some(n)).collect();
        let missing: Vec<_> = expected.keys().filter(|event| !seen.contains_key(*event)).collect();
        assert!(seen == expected, "{workers} workers: {differ:?}, {missing:?}: {}", sensor.log());
    }
}

#[test]
fn one_worker_and_two_give_the_events_of_a_replay() {
    let folder = Folder::new();
    let capture = folder.write("sessions.pcap", &sessions(150));
    live_equals_replay("one_worker_and_two_give_the_events_of_a_replay", &capture, &folder.rules(), &[]);
}

/// Rules with thresholds depend on what else comes in their time, which is not the same twice.
#[test]
#[ignore = "takes a minute, and ../shared"]
fn a_large_capture_gives_the_events_of_a_replay() {
    let test = "a_large_capture_gives_the_events_of_a_replay";
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let Ok(rules) = fs::read_to_string(shared.join("rules/et-open/emerging-all.rules")) else {
        eprintln!("skipped {test}: ../shared is not there");
        return;
    };
    let timed = ["threshold:", "detection_filter:", "xbits:", "hostbits:"];
    let untimed = rules.lines().filter(|rule| !timed.iter().any(|keyword| rule.contains(keyword)));
    let folder = Folder::new();
    let rules = folder.write("untimed.rules", untimed.collect::<Vec<_>>().join("\n").as_bytes());
    let capture = shared.join("captures/perf.pcap");
    live_equals_replay_at(test, &capture, 20_000, rules.to_str().unwrap(), &[]);
}

#[test]
fn what_the_kernel_gives_another_worker_is_handed_over() {
    let test = "what_the_kernel_gives_another_worker_is_handed_over";
    let folder = Folder::new();
    let capture = folder.write("sessions.pcap", &sessions(150));
    live_equals_replay(test, &capture, &folder.rules(), &["capture.live.fanout=flow"]);
    let Some(wire) = Wire::lay(test) else { return };
    let rules = folder.rules();
    let sensor = wire.sensor(&["-S", &rules, "--workers", "2", "--set", "capture.live.fanout=flow"]);
    let sent = wire.send(&capture, 3000);
    sensor.until_seen(sent);
    assert!(sensor.count("packets_handed_over") > 0, "the kernel's hash is not ours");
    assert_eq!(sensor.count("packets_taken_over"), sensor.count("packets_handed_over"));
}

#[test]
fn our_own_hash_leaves_next_to_nothing_to_hand_over() {
    let Some(wire) = Wire::lay("our_own_hash_leaves_next_to_nothing_to_hand_over") else { return };
    let folder = Folder::new();
    let capture = folder.write("sessions.pcap", &sessions(150));
    let sensor = wire.sensor(&["-S", &folder.rules(), "--workers", "2"]);
    sensor.until_seen(wire.send(&capture, 3000));
    assert_eq!(sensor.count("packets_handed_over"), 0);
    let by_worker = sensor.ask("stats")["packets_by_worker"].clone();
    let shares: Vec<_> = by_worker.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    assert!(shares.iter().all(|&share| share > 0), "{shares:?}");
}

/// The packets of a DHCP case over the wire give its events, VLAN ids among them.
fn dhcp_case(test: &str, case: &str) {
    let folder = Folder::new();
    let rules = folder.rules();
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cases").join(case);
    live_equals_replay(test, &case.join("traffic.pcap"), &rules, &[]);
}

#[test]
fn the_tag_of_a_tagged_dora_is_told() {
    dhcp_case("the_tag_of_a_tagged_dora_is_told", "dhcp-vlan");
}

#[test]
fn the_inner_tag_of_a_doubly_tagged_dora_is_told() {
    dhcp_case("the_inner_tag_of_a_doubly_tagged_dora_is_told", "dhcp-qinq");
}

#[test]
fn a_filter_keeps_packets_in_the_kernel() {
    let Some(wire) = Wire::lay("a_filter_keeps_packets_in_the_kernel") else { return };
    let folder = Folder::new();
    let capture = folder.write("sessions.pcap", &sessions(50));
    let sensor = wire.sensor(&["-S", &folder.rules(), "--filter", "dst port 80"]);
    let sent = wire.send(&capture, 3000);
    sensor.until("the requests alert", |sensor| sensor.count("alerts") == 50);
    assert!(sensor.count("packets_seen") < sent, "the answers stay in the kernel");
}

/// What came in before the end is worked on: nobody waits here until it was seen.
#[test]
fn what_the_rings_hold_is_worked_on_before_the_end() {
    let Some(wire) = Wire::lay("what_the_rings_hold_is_worked_on_before_the_end") else { return };
    let folder = Folder::new();
    let capture = folder.write("sessions.pcap", &sessions(100));
    let hold = "capture.live.block_timeout_ms=500";
    let mut sensor = wire.sensor(&["-S", &folder.rules(), "--workers", "2", "--set", hold]);
    wire.send(&capture, 20_000);
    assert_eq!(sensor.stop(), 0);
    assert_eq!(sensor.events().len(), 200, "{}", sensor.log());
}

#[test]
fn an_interface_that_is_not_there_is_a_missing_input() {
    let output = Command::new(env!("CARGO_BIN_EXE_sensor"))
        .args(["run", "-i", "no-such-if0", "--workers", "1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(66), "{said}");
    assert!(said.contains("no-such-if0") && said.contains("help:"), "{said}");
}
