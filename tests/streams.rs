//! When rules on streams, packets and protocols fire, packet by packet, and what must not change it: how a stream was
//! cut into segments, how a capture was cut into files, how many workers there are.
//!
//! What is expected of the ten-packet session is Suricata's behaviour, observed.

use crate::cases::replay;
use fixtures::TimedFrame;
use fixtures::pcap_file;
use fixtures::tcp::Session;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const REQUEST: &[u8] =
    b"GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/7.88.1\r\n\r\n";
const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 11\r\n\r\nhello world";

/// SYN, SYN/ACK, ACK, request, its ACK, response, its ACK, FIN, FIN, ACK.
fn ten_packets() -> Session {
    Session::v4("10.0.0.1:40000", "198.51.100.2:80").handshake().client(REQUEST).server(RESPONSE).close()
}

/// Captures and rules in a folder of their own.
struct Lab {
    folder: TempDir,
}

impl Lab {
    fn new(rules: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("test.rules"), rules).unwrap();
        Self { folder }
    }

    fn capture(&self, name: &str, frames: &[TimedFrame]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, pcap_file::pcap(frames)).unwrap();
        path
    }

    fn events(&self, captures: &[&Path], workers: &str) -> Vec<Value> {
        let rules = self.folder.path().join("test.rules");
        let options = ["-k", "none", "--workers", workers, "-S", rules.to_str().unwrap()];
        let output = replay(captures, &options);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How often each rule fired.
    fn counts(&self, frames: &[TimedFrame]) -> BTreeMap<u64, usize> {
        let capture = self.capture("counts.pcap", frames);
        let mut counts = BTreeMap::new();
        for event in self.events(&[&capture], "1") {
            *counts.entry(event["data"]["alert"]["sid"].as_u64().unwrap()).or_default() += 1;
        }
        counts
    }

    /// At which packets, counted from 1, each rule fired; the end of the flow counts as one more packet.
    fn packets(&self, session: &Session) -> BTreeMap<u64, Vec<usize>> {
        let frames = session.clone().every_ns(1_000_000_000).frames();
        let capture = self.capture("packets.pcap", &frames);
        let mut fired: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        let first = frames[0].0;
        for event in self.events(&[&capture], "1") {
            let time: jiff::Timestamp = event["time"].as_str().unwrap().parse().unwrap();
            let at = u64::try_from(time.as_nanosecond()).unwrap() - first;
            let packet = usize::try_from(at / 1_000_000_000).unwrap() + 1;
            fired.entry(event["data"]["alert"]["sid"].as_u64().unwrap()).or_default().push(packet);
        }
        fired
    }
}

fn fired(rule: &str) -> Vec<usize> {
    let lab = Lab::new(&format!("{rule}\n"));
    lab.packets(&ten_packets()).remove(&1).unwrap_or_default()
}

#[test]
fn rules_on_headers_fire_packet_by_packet() {
    assert_eq!(fired("alert tcp any any -> any any (msg:\"x\"; sid:1;)"), [1, 2], "once a way");
    assert_eq!(fired("alert tcp any any -> any 80 (msg:\"x\"; sid:1;)"), [1]);
    assert_eq!(
        fired("alert tcp any any -> any any (msg:\"x\"; flow:established; sid:1;)"),
        [4, 5, 6, 7, 8, 9, 10]
    );
    assert_eq!(fired("alert tcp any any -> any any (msg:\"x\"; flow:not_established; sid:1;)"), [1, 2, 3]);
    assert_eq!(fired("alert tcp any any -> any any (msg:\"x\"; flow:to_server; sid:1;)").len(), 6);
}

#[test]
fn payload_is_looked_at_once_it_was_acknowledged() {
    assert_eq!(fired("alert tcp any any -> any any (msg:\"x\"; content:\"index.html\"; sid:1;)"), [7]);
    assert_eq!(fired("alert tcp any any -> any any (msg:\"x\"; content:\"hello\"; sid:1;)"), [9]);
    assert_eq!(
        fired("alert tcp any any -> any any (msg:\"x\"; content:\"GET\"; depth:3; sid:1;)"),
        [4, 7],
        "on the packet and on the stream"
    );
    assert_eq!(fired("alert tcp-pkt any any -> any any (msg:\"x\"; content:\"index.html\"; sid:1;)"), [4]);
    assert_eq!(
        fired("alert tcp any any -> any any (msg:\"x\"; content:!\"nowhere\"; sid:1;)"),
        [7, 9],
        "where there is something to look at"
    );
}

#[test]
fn what_was_not_acknowledged_is_looked_at_when_the_flow_ends() {
    let lab = Lab::new("alert tcp any any -> any any (msg:\"x\"; content:\"index.html\"; sid:1;)\n");
    let session = Session::v4("10.0.0.1:40000", "198.51.100.2:80").handshake().client(REQUEST).without_acks();
    assert_eq!(lab.counts(&session.frames()), BTreeMap::from([(1, 1)]));
}

#[test]
fn a_content_over_a_segment_border_is_found_once() {
    let lab = Lab::new("alert tcp any any -> any any (msg:\"x\"; content:\"index.html HTTP\"; sid:1;)\n");
    for size in [1, 2, 7, 16, 30, 1000] {
        assert_eq!(
            lab.counts(&ten_packets().cut(size).frames()),
            BTreeMap::from([(1, 1)]),
            "{size} bytes each"
        );
    }
}

#[test]
fn how_a_stream_is_cut_does_not_show_in_what_applications_say() {
    let lab = Lab::new(
        "alert http any any -> any any (msg:\"uri\"; http.uri; content:\"/index.html\"; sid:1;)\n\
         alert http any any -> any any (msg:\"header\"; http.header; content:\"curl/7.88\"; sid:2;)\n\
         alert http any any -> any any (msg:\"both\"; http.method; content:\"GET\"; http.host; content:\"www\"; sid:3;)\n\
         alert http any any -> any any (msg:\"body\"; file.data; content:\"hello world\"; sid:4;)\n\
         alert http any any -> any any (msg:\"status\"; http.stat_code; content:\"200\"; http.server; content:\"nginx\"; sid:5;)\n\
         alert http any any -> any any (msg:\"raw\"; flow:to_client; content:\"text/html\"; sid:6;)\n",
    );
    let whole = lab.counts(&ten_packets().frames());
    assert_eq!(whole, (1..=6).map(|sid| (sid, 1)).collect());
    for size in [1, 2, 3, 7, 16, 30, 50] {
        assert_eq!(lab.counts(&ten_packets().cut(size).frames()), whole, "{size} bytes each");
    }
}

#[test]
fn packets_without_a_session_are_looked_at_one_by_one() {
    let lab = Lab::new("alert tcp any any -> any any (msg:\"x\"; content:\"index.html\"; sid:1;)\n");
    let without_handshake = ten_packets().frames()[3..].to_vec();
    assert_eq!(lab.counts(&without_handshake), BTreeMap::from([(1, 1)]));
}

#[test]
fn a_pass_rule_silences_the_rest_of_its_flow() {
    let lab = Lab::new(
        "pass tcp any any -> any any (msg:\"p\"; content:\"index.html\"; sid:9;)\n\
         alert tcp any any -> any any (msg:\"x\"; content:\"hello\"; sid:1;)\n",
    );
    assert_eq!(lab.counts(&ten_packets().frames()), BTreeMap::new());
}

const MANY_RULES: &str = "\
alert tcp any any -> any any (msg:\"a\"; content:\"GET\"; sid:1;)
alert tcp any any -> any any (msg:\"b\"; content:\"hello\"; nocase; sid:2;)
alert tcp any any -> any any (msg:\"c\"; content:\"Host|3a| \"; content:\"example\"; distance:0; sid:3;)
alert tcp any any -> any any (msg:\"d\"; flow:established,to_server; content:\"curl\"; pcre:\"/curl.[0-9]/\"; sid:4;)
alert tcp any any -> any any (msg:\"e\"; flow:established; content:\"nginx\"; flowbits:set,seen; sid:5;)
";

/// Several sessions, their packets taking turns.
fn many_sessions() -> Vec<TimedFrame> {
    let mut frames: Vec<TimedFrame> = (0..40u64)
        .flat_map(|number| {
            let client = format!("10.0.{}.1:{}", number % 7, 40_000 + number);
            Session::v4(&client, "198.51.100.2:80")
                .handshake()
                .client(REQUEST)
                .server(RESPONSE)
                .close()
                .cut(20 + 13 * (number as usize % 5))
                .starting_at(1_700_000_000_000_000_000 + number * 1_000)
                .every_ns(50_000)
                .frames()
        })
        .collect();
    frames.sort_by_key(|frame| frame.0);
    frames
}

#[test]
fn the_number_of_workers_does_not_show_in_streams() {
    let lab = Lab::new(MANY_RULES);
    let capture = lab.capture("many.pcap", &many_sessions());
    let one = lab.events(&[&capture], "1");
    assert_eq!(one.len(), 40 * 5);
    for workers in ["2", "4"] {
        assert_eq!(lab.events(&[&capture], workers), one, "{workers} workers");
    }
}

#[test]
fn a_capture_cut_anywhere_gives_the_same_alerts() {
    let lab = Lab::new(MANY_RULES);
    let frames = many_sessions();
    let whole = lab.events(&[&lab.capture("whole.pcap", &frames)], "1");
    for cut in [1, 57, frames.len() / 2, frames.len() - 1] {
        let first = lab.capture("first.pcap", &frames[..cut]);
        let second = lab.capture("second.pcap", &frames[cut..]);
        assert_eq!(lab.events(&[&first, &second], "2"), whole, "cut after {cut} packets");
    }
}
