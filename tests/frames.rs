//! Rules on frames: how often they alert, on which packet, and what they cost where nobody asks for them.

use crate::worker::{assignments, shared, worker};
use fixtures::TimedFrame;
use fixtures::packet::ethernet;
use fixtures::tcp::Session;
use sensor::collect::Found;
use sensor::config::Config;
use sensor::counter::{Counter, Counters};
use std::collections::BTreeMap;

/// At which packets, counted from 1, each rule alerts; the end of flows counts as one more.
fn fired_with(config: &Config, rules: &str, frames: &[TimedFrame]) -> (BTreeMap<u32, Vec<u64>>, Counters) {
    let rules = shared(rules, config);
    let mut worker = worker(&rules, config);
    let mut fired: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    let mut note = |packet: u64, found: Vec<(_, Found)>| {
        for (_, found) in found {
            if let Found::Rules(rules) = found {
                rules.iter().for_each(|rule| fired.entry(rule.detection.alert.sid).or_default().push(packet));
            }
        }
    };
    for (packet, assignment) in (1..).zip(assignments(frames, 1, 0)) {
        note(packet, worker.run(&assignment).found);
    }
    let end = frames.len() as u64;
    note(end + 1, worker.finish(end, end).found);
    (fired, worker.counters().clone())
}

fn fired(rules: &str, frames: &[TimedFrame]) -> BTreeMap<u32, Vec<u64>> {
    fired_with(&Config::default(), rules, frames).0
}

/// How often each rule alerts.
fn counts(rules: &str, frames: &[TimedFrame]) -> Vec<(u32, usize)> {
    fired(rules, frames).into_iter().map(|(sid, packets)| (sid, packets.len())).collect()
}

fn session(port: u16) -> Session {
    Session::v4("10.0.0.1:40000", &format!("203.0.113.1:{port}")).handshake()
}

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn frames_are_looked_at_once_they_were_acknowledged() {
    let rules = "\
        alert http any any -> any any (frame:http1.request; content:\"GET\"; startswith; sid:1;)\n\
        alert http1 any any -> any any (frame:response; content:\"hello\"; endswith; sid:2;)\n\
        alert tcp any any -> any any (frame:http1.request; bsize:28; sid:3;)\n\
        alert http1 any any -> any any (frame:response; strip_whitespace; content:\"200OK\"; offset:8; depth:5; sid:4;)\n\
        alert http1 any any -> any any (flow:to_client; frame:request; content:\"GET\"; sid:5;)\n\
        alert http1 any any -> any any (frame:request; content:!\"POST\"; sid:6;)\n\
        alert http1 any any -> any any (frame:stream; content:\"T /a\"; sid:7;)\n\
        alert http1 any any -> any 81 (frame:request; content:\"GET\"; sid:8;)\n\
        alert http1 any any -> any any (frame:request; content:\"GET\"; flowbits:isset,never; sid:9;)\n\
        alert http1 any any -> any any (frame:request; content:\"hello\"; sid:10;)\n";
    assert_eq!(REQUEST.len(), 28);
    let said = session(80).client(REQUEST).server(RESPONSE).close();
    // SYN, SYN/ACK, ACK, request, its ACK, response, its ACK, FIN, FIN, ACK.
    let expected = [(1, 7), (2, 9), (3, 7), (4, 9), (6, 7), (7, 10)];
    assert_eq!(fired(rules, &said.frames()), expected.map(|(sid, packet)| (sid, vec![packet])).into());
    for size in [1, 2, 7, 20] {
        let cut = counts(rules, &said.clone().cut(size).frames());
        assert_eq!(cut, expected.map(|(sid, _)| (sid, 1)), "{size} bytes each");
    }
}

#[test]
fn a_rule_alerts_on_each_frame_and_on_each_part_of_a_long_one() {
    let mail = |lines: usize| [&b"DATA\r\n"[..], &b"all of one line\r\n".repeat(lines), b".\r\n"].concat();
    let said = |lines: usize| {
        session(25)
            .server(b"220 hello\r\n")
            .client(b"EHLO me\r\nNOOP\r\nNOOP\r\n")
            .server(b"250 OK\r\n250 OK\r\n250 OK\r\n")
            .client(&mail(lines))
            .close()
            .frames()
    };
    let rules = "\
        alert smtp any any -> any any (frame:command_line; content:\"NOOP\"; startswith; sid:1;)\n\
        alert smtp any any -> any any (frame:command_line; content:\"NOOP|0d 0a|\"; endswith; sid:2;)\n\
        alert smtp any any -> any any (frame:response_line; content:\"250\"; startswith; sid:3;)\n\
        alert smtp any any -> any any (frame:data; content:\"one line\"; sid:4;)\n\
        alert smtp any any -> any any (frame:data; content:\"all\"; startswith; sid:5;)\n\
        alert smtp any any -> any any (frame:data; content:\"line|0d 0a|\"; endswith; sid:6;)\n";
    assert_eq!(counts(rules, &said(10)), [(1, 4), (2, 2), (3, 3), (4, 1), (5, 1), (6, 1)]);
    // 5,100 bytes in segments of 1,460.
    assert_eq!(counts(rules, &said(300)), [(1, 4), (2, 2), (3, 3), (4, 2), (5, 1), (6, 1)]);
}

#[test]
fn a_hole_parts_a_frame() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n".len() as u32;
    let frames = session(80)
        .client(REQUEST)
        .server(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nAAAAAAAAAA")
        .server_at(head + 20, b"BBBBBBBBBB")
        .client_ack()
        .close()
        .frames();
    let rules = "\
        alert http any any -> any any (frame:http1.response; content:\"|0d 0a|AAA\"; sid:1;)\n\
        alert http any any -> any any (frame:http1.response; content:\"BBB\"; endswith; sid:2;)\n\
        alert http any any -> any any (frame:http1.response; content:\"AAA\"; endswith; sid:3;)\n\
        alert http any any -> any any (frame:http1.response; content:\"BBB\"; startswith; sid:4;)\n\
        alert http any any -> any any (frame:http1.response; content:\"AAA\"; content:\"BBB\"; sid:5;)\n\
        alert http any any -> any any (frame:http1.response; content:\"BBB\"; offset:59; depth:3; sid:6;)\n";
    assert_eq!(head + 20, 59);
    assert_eq!(fired(rules, &frames).into_keys().collect::<Vec<_>>(), [1, 2, 6]);
}

/// A query of DNS for that name.
fn query(name: &str) -> Vec<u8> {
    let labels = name.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat());
    let header = [0x12, 0x34, 1, 0x20, 0, 1, 0, 0, 0, 0, 0, 0];
    header.into_iter().chain(labels).chain([0, 0, 1, 0, 1]).collect()
}

#[test]
fn datagrams_and_streams_show_the_same_frame() {
    let rules = "\
        alert tcp any any -> any any (flow:to_server; frame:dns.pdu; content:\"|01 20 00 01|\"; offset:2; depth:4; sid:1;)\n\
        alert udp any any -> any any (flow:to_server; frame:dns.pdu; content:\"|01 20 00 01|\"; offset:2; depth:4; sid:2;)\n\
        alert dns any any -> any any (frame:pdu; content:\"example\"; sid:3;)\n";
    let message = query("example.com");
    let datagram = ethernet().ipv4("10.0.0.1", "203.0.113.1").udp(4000, 53).payload(&message);
    let datagrams = [(1_000, datagram.clone()), (2_000, datagram)];
    assert_eq!(fired(rules, &datagrams), [(2, vec![1, 2]), (3, vec![1, 2])].into());
    let behind_length = [&(message.len() as u16).to_be_bytes()[..], &message].concat();
    let twice = [&behind_length[..], &behind_length].concat();
    let counts = counts(rules, &session(53).client(&twice).close().frames());
    assert_eq!(counts, [(1, 2), (3, 2)]);
}

/// A hello of a TLS client, in a record.
fn hello() -> Vec<u8> {
    [&[22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0, 0, 0]].concat()
}

#[test]
fn records_are_seen_although_they_are_encrypted() {
    let change = [20, 3, 3, 0, 1, 1];
    let data = [&[23, 3, 3, 0, 5][..], b"hello"].concat();
    let frames = session(443)
        .client(&hello())
        .server(&[&change[..], &data].concat())
        .client(&data)
        .server(&data)
        .close()
        .frames();
    let rules = "\
        alert tls any any -> any any (frame:pdu; content:\"|17 03 03|\"; startswith; sid:1;)\n\
        alert tls any any -> any any (frame:tls.data; content:\"hello\"; bsize:5; sid:2;)\n\
        alert tls any any -> any any (frame:hdr; byte_test:1,=,22,0; sid:3;)\n\
        alert tls any any -> any any (content:\"hello\"; sid:4;)\n";
    let counts = counts(rules, &frames);
    assert_eq!(counts, [(1, 3), (2, 3), (3, 1)]);
}

#[test]
fn a_change_of_protocol_ends_the_frames_before() {
    let frames = session(25)
        .server(b"220 hello\r\n")
        .client(b"EHLO me\r\nSTARTTLS\r\n")
        .server(b"250 OK\r\n220 go on\r\n")
        .client(&hello())
        .close()
        .frames();
    let rules = "\
        alert smtp any any -> any any (frame:stream; content:\"STARTTLS\"; sid:1;)\n\
        alert smtp any any -> any any (frame:response_line; content:\"220 go\"; sid:2;)\n\
        alert tls any any -> any any (frame:pdu; content:\"|16 03 01|\"; startswith; sid:3;)\n\
        alert tls any any -> any any (frame:stream; content:\"|16 03 01|\"; startswith; sid:4;)\n\
        alert tls any any -> any any (frame:stream; content:\"EHLO\"; sid:5;)\n";
    let counts = counts(rules, &frames);
    assert_eq!(counts, [(1, 1), (2, 1), (3, 1), (4, 1)]);
}

#[test]
fn frames_that_wait_are_bounded_and_counted() {
    let frames = session(25).server(b"220 hello\r\n").client(&b"NOOP\r\n".repeat(200)).close().frames();
    let rules = "alert smtp any any -> any any (frame:command_line; content:\"NOOP\"; sid:1;)\n";
    let mut config = Config::default();
    let count = |config: &Config| {
        let (fired, counters) = fired_with(config, rules, &frames);
        (fired.get(&1).map_or(0, Vec::len), counters.value(Counter::FramesRefused))
    };
    config.limits.app_layer.frames_per_side = 10;
    let (shown, refused) = count(&config);
    assert_eq!((shown, refused), (10, 390));
}

#[test]
fn a_frame_whose_end_never_comes_is_looked_at_when_its_flow_ends() {
    let begun = [&[0, 200][..], &query("example.com")].concat();
    let rules = "\
        alert dns any any -> any any (frame:pdu; content:\"example\"; sid:1;)\n\
        alert dns any any -> any any (frame:pdu; content:\"|00 01 00 01|\"; endswith; sid:2;)\n";
    let frames = session(53).client(&begun).frames();
    assert_eq!(fired(rules, &frames), [(1, vec![frames.len() as u64 + 1])].into());
}
