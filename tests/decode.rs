//! Decoding and putting fragments together, over captures of others: no panic, nothing lost, the events of Suricata.
//!
//! The captures lie beside the repository where a developer has them; each test says so when it skips.

use rules::view::{DecodeEvent, Origin, Packet};
use sensor::capture::{Frame, LinkType};
use sensor::counter::{Counter, Counters};
use sensor::decode::{Decoder, icmp_quoted, shard};
use sensor::limits::{DecodeLimits, FragmentLimits};
use sensor::reassembly::fragment::{Defragmenter, HostPolicies, Outcome};
use sensor::time::Timestamp;
use std::fs;
use std::path::{Path, PathBuf};

/// A directory of the shared captures, or nothing, said by the test's name.
fn shared(test: &str, directory: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")).join(directory);
    if !path.is_dir() {
        eprintln!("{test} skips: {directory} is not there");
        return None;
    }
    Some(path)
}

/// Decodes a capture with its fragments put together, as a worker does, and hands over each packet in turn. A file
/// that libpcap cannot read, or from some place on, yields what it can.
fn replay(path: &Path, counters: &mut Counters, mut each: impl FnMut(&Packet<'_>)) -> u64 {
    let Ok(mut capture) = pcap::Capture::from_file_with_precision(path, pcap::Precision::Nano) else {
        return 0;
    };
    let link = LinkType(u16::try_from(capture.get_datalink().0).map_or(u16::MAX, linktype));
    let decoder = Decoder::new(DecodeLimits::default(), Default::default());
    let mut defragmenter = Defragmenter::new(FragmentLimits::default(), HostPolicies::default());
    let mut frames = 0;
    while let Ok(read) = capture.next_packet() {
        let time = Timestamp::new(read.header.ts.tv_sec as u64, read.header.ts.tv_usec as u64);
        let frame = Frame { ordinal: frames, time, wire_len: read.header.len, link, bytes: read.data };
        frames += 1;
        shard(frame.bytes, frame.link);
        let mut packets = Vec::new();
        decoder.decode(&frame, counters, &mut packets);
        for packet in packets {
            defragment(&decoder, &mut defragmenter, packet, time, counters, &mut each);
        }
    }
    frames
}

/// libpcap numbers raw IP by platform; the registry does not (`LINKTYPE_RAW`).
fn linktype(datalink: u16) -> u16 {
    if matches!(datalink, 12 | 14) { LinkType::RAW.0 } else { datalink }
}

fn defragment(
    decoder: &Decoder,
    defragmenter: &mut Defragmenter,
    mut packet: Packet<'_>,
    now: Timestamp,
    counters: &mut Counters,
    each: &mut impl FnMut(&Packet<'_>),
) {
    let mut datagram = Vec::new();
    let outcome = defragmenter.push(&packet, now, counters, &mut datagram);
    outcome.events().iter().for_each(|event| packet.events.insert(event));
    each(&packet);
    if matches!(outcome, Outcome::Complete(_)) {
        let mut rebuilt = Vec::new();
        decoder.decode_ip(&datagram, &packet, Origin::Defrag, counters, &mut rebuilt);
        for inner in rebuilt {
            defragment(decoder, defragmenter, inner, now, counters, each);
        }
    }
}

fn captures(directory: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(directory).expect("the directory is there").flatten().map(|entry| entry.path());
    let mut paths: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|it| it == "pcap" || it == "pcapng" || it == "cap"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_shared_capture_decodes_and_adds_up() {
    for directory in ["hostile", "captures/encapsulation", "captures/dhcp", "conformance/pcaps"] {
        let Some(directory) = shared("every_shared_capture_decodes_and_adds_up", directory) else { continue };
        for path in captures(&directory) {
            let mut counters = Counters::default();
            let frames = replay(&path, &mut counters, |packet| {
                icmp_quoted(packet);
                sensor::decode::checksum::verify(packet);
                assert!(packet.network != rules::view::Network::None || packet.payload.is_empty());
            });
            let accounted = [Counter::PacketsDecoded, Counter::RefusedLinkType, Counter::RefusedLinkHeader];
            let accounted: u64 = accounted.iter().map(|&counter| counters.value(counter)).sum();
            assert_eq!(accounted, frames, "{}", path.display());
        }
    }
}

/// One published case: a capture, rules with decoder events, and how often Suricata 8 raised which.
#[derive(serde::Deserialize)]
struct Case {
    name: String,
    pcap: String,
    rules: String,
    keywords: Vec<String>,
    alerts: Vec<Alert>,
}

#[derive(serde::Deserialize)]
struct Alert {
    sid: u32,
    count: usize,
}

#[test]
fn decoder_events_are_those_of_suricata() {
    let Some(directory) = shared("decoder_events_are_those_of_suricata", "conformance") else { return };
    let text = fs::read_to_string(directory.join("cases.json")).expect("the cases are there");
    let cases: Vec<Case> = serde_json::from_str(&text).expect("the cases are JSON");
    let cases = cases.into_iter().filter(|case| case.keywords.iter().any(|word| word == "decode-event"));
    let mut wrong = Vec::new();
    for case in cases {
        let rules = fs::read_to_string(directory.join(&case.rules)).expect("the case's rules are there");
        let mut packets = Vec::new();
        replay(&directory.join(&case.pcap), &mut Counters::default(), |packet| packets.push(packet.events));
        for (sid, event) in rules.lines().filter(|line| !line.starts_with('#')).filter_map(rule) {
            let expected = case.alerts.iter().find(|alert| alert.sid == sid).map_or(0, |alert| alert.count);
            let found = packets.iter().filter(|events| events.contains(event)).count();
            if found != expected {
                wrong.push(format!("{}: {} {found}, not {expected}", case.name, event.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The sid and the event of a rule with a decoder event.
fn rule(line: &str) -> Option<(u32, DecodeEvent)> {
    let option = |name: &str| Some(line.split_once(name)?.1.split_once(';')?.0.trim().to_owned());
    Some((option("sid:")?.parse().ok()?, DecodeEvent::from_name(&option("decode-event:")?)?))
}
