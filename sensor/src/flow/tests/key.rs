//! Which packets share a flow.

use super::*;

const CONFIG: KeyConfig = KeyConfig { vlan_use: true };

const CLIENT: &str = "192.0.2.9:40000";
const SERVER: &str = "198.51.100.1:443";

fn key_of(packet: &Packet<'_>) -> (FlowKey, Orientation) {
    FlowKey::of(packet, &CONFIG).expect("has a flow")
}

/// The fixed part of an IPv4 packet with a bit of its transport header.
fn quote_v4(protocol: u8, source: [u8; 4], destination: [u8; 4], transport: [u8; 8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    bytes.extend(source.iter().chain(&destination).chain(&transport));
    bytes
}

#[test]
fn both_directions_have_one_key_and_opposite_senders() {
    for (transport, a, b) in [
        (tcp(), CLIENT, SERVER),
        (udp(), "[2001:db8::1]:53", "[2001:db8::2]:53"),
        (sctp(), "10.0.0.1:5", "10.0.0.1:6"),
    ] {
        let (there, sender) = key_of(&packet(transport, a, b));
        let (back, replier) = key_of(&packet(transport, b, a));
        assert_eq!(there, back);
        assert_eq!(sender.sender, replier.sender.opposite());
        let (a, b): (SocketAddr, SocketAddr) = (a.parse().unwrap(), b.parse().unwrap());
        assert_eq!((there.address(sender.sender), there.port(sender.sender)), (a.ip(), Some(a.port())));
        assert_eq!((there.address(replier.sender), there.port(replier.sender)), (b.ip(), Some(b.port())));
    }
}

#[test]
fn every_part_tells_flows_apart() {
    let base = packet(tcp(), CLIENT, SERVER);
    let mut tagged = base;
    assert!(tagged.vlans.push(7));
    let mut priority_tagged = base;
    assert!(priority_tagged.vlans.push(0));
    let mut stacked = tagged;
    assert!(stacked.vlans.push(0));
    let keys: Vec<FlowKey> = [
        base,
        packet(udp(), CLIENT, SERVER),
        packet(tcp(), "192.0.2.9:40001", SERVER),
        packet(tcp(), "192.0.2.10:40000", SERVER),
        packet(tcp(), "192.0.2.9:443", "198.51.100.1:40000"),
        packet(tcp(), "[::c000:209]:40000", "[::c633:6401]:443"),
        Packet { depth: 1, ..base },
        tagged,
        priority_tagged,
        stacked,
    ]
    .iter()
    .map(|packet| key_of(packet).0)
    .collect();
    for (at, key) in keys.iter().enumerate() {
        assert!(!keys[..at].contains(key), "{at}");
    }
    let flat = KeyConfig { vlan_use: false };
    assert_eq!(FlowKey::of(&stacked, &flat), FlowKey::of(&base, &flat));
}

#[test]
fn an_echo_and_its_reply_are_one_flow_whatever_the_identifier() {
    let request = packet(Transport::Icmpv4(icmp(&[8, 0, 0, 0, 1, 1, 0, 1])), "10.0.0.9:0", "10.0.0.1:0");
    let reply = packet(Transport::Icmpv4(icmp(&[0, 0, 0, 0, 2, 2, 0, 1])), "10.0.0.1:0", "10.0.0.9:0");
    let (there, sender) = key_of(&request);
    let (back, replier) = key_of(&reply);
    assert_eq!((there, sender.sender), (back, replier.sender.opposite()));
    assert_eq!(there.port(Side::Low), None);
    let opposite_request = packet(request.transport, "10.0.0.1:0", "10.0.0.9:0");
    assert_ne!(key_of(&opposite_request).0, there, "each end's own echo is a flow");

    let solicitation =
        packet(Transport::Icmpv6(icmp(&[135, 0, 0, 0, 0, 0, 0, 0])), "[fe80::1]:0", "[fe80::2]:0");
    let answer = packet(Transport::Icmpv6(icmp(&[136, 0, 0, 0, 0, 0, 0, 0])), "[fe80::2]:0", "[fe80::1]:0");
    assert_eq!(key_of(&solicitation).0, key_of(&answer).0);
}

#[test]
fn an_error_belongs_to_the_flow_it_quotes_and_goes_against_the_quoted_packet() {
    let (key, client) = key_of(&packet(udp(), "192.0.2.9:4000", "198.51.100.1:53"));
    let mut transport = [0; 8];
    transport[..2].copy_from_slice(&4000_u16.to_be_bytes());
    transport[2..4].copy_from_slice(&53_u16.to_be_bytes());
    let quote = quote_v4(17, [192, 0, 2, 9], [198, 51, 100, 1], transport);
    let unreachable =
        packet(Transport::Icmpv4(icmp(&[3, 3, 0, 0, 0, 0, 0, 0])), "203.0.113.5:0", "192.0.2.9:0");
    let unreachable = Packet { payload: &quote, ..unreachable };
    let (quoted, orientation) = key_of(&unreachable);
    assert_eq!(quoted, key);
    assert_eq!(orientation, Orientation { sender: client.sender.opposite(), quoting: true });

    for len in 0..24 {
        let cut = Packet { payload: &quote[..len], ..unreachable };
        assert_eq!(FlowKey::of(&cut, &CONFIG), None, "{len} bytes say too little");
    }
    let mut fragment = quote.clone();
    fragment[7] = 1;
    assert_eq!(FlowKey::of(&Packet { payload: &fragment, ..unreachable }, &CONFIG), None);
}

#[test]
fn an_error_about_an_echo_belongs_to_the_echo() {
    let request = packet(Transport::Icmpv4(icmp(&[8, 0, 0, 0, 1, 1, 0, 1])), "10.0.0.9:0", "10.0.0.1:0");
    let quote = quote_v4(1, [10, 0, 0, 9], [10, 0, 0, 1], [8, 0, 0, 0, 1, 1, 0, 1]);
    let exceeded = packet(Transport::Icmpv4(icmp(&[11, 0, 0, 0, 0, 0, 0, 0])), "10.0.0.3:0", "10.0.0.9:0");
    assert_eq!(key_of(&Packet { payload: &quote, ..exceeded }).0, key_of(&request).0);
}

#[test]
fn an_ipv6_error_is_read_past_extension_headers() {
    let (key, _) = key_of(&packet(tcp(), "[2001:db8::9]:1024", "[2001:db8::1]:80"));
    let mut quote = vec![0x60, 0, 0, 0, 0, 40, 0, 64];
    for last in [9, 1] {
        quote.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    quote.extend([44, 0, 0, 0, 0, 0, 0, 0]); // hop-by-hop options, then a first fragment
    quote.extend([6, 0, 0, 1, 0, 0, 0, 0]);
    quote.extend([4, 0, 0, 80]);
    let too_big =
        packet(Transport::Icmpv6(icmp(&[2, 0, 0, 0, 0, 0, 5, 0])), "[fe80::1]:0", "[2001:db8::9]:0");
    assert_eq!(key_of(&Packet { payload: &quote, ..too_big }).0, key);
    for len in 0..quote.len() {
        assert_eq!(FlowKey::of(&Packet { payload: &quote[..len], ..too_big }, &CONFIG), None);
    }
}

#[test]
fn esp_flows_are_security_associations() {
    let esp = |source, destination, payload| Packet {
        protocol: 50,
        payload,
        ..packet(Transport::None, source, destination)
    };
    let (key, there) = key_of(&esp("10.0.0.1:0", "10.0.0.2:0", b"\x01\x02\x03\x04more"));
    let (same, back) = key_of(&esp("10.0.0.2:0", "10.0.0.1:0", b"\x01\x02\x03\x04"));
    assert_eq!((key, there.sender), (same, back.sender.opposite()));
    assert_ne!(key_of(&esp("10.0.0.1:0", "10.0.0.2:0", b"\x03\x04\x01\x02")).0, key);
    assert_eq!(FlowKey::of(&esp("10.0.0.1:0", "10.0.0.2:0", b"\x01\x02\x03"), &CONFIG), None);
}

#[test]
fn other_packets_have_no_flow() {
    let plain = packet(Transport::None, "10.0.0.1:0", "10.0.0.2:0");
    for protocol in (0..=255).filter(|&number| number != 50) {
        assert_eq!(FlowKey::of(&Packet { protocol, payload: &[1; 60], ..plain }, &CONFIG), None);
    }
    let fragment = Packet { protocol: 50, fragment: true, payload: &[1; 60], ..plain };
    assert_eq!(FlowKey::of(&fragment, &CONFIG), None);
    assert_eq!(FlowKey::of(&Packet::EMPTY, &CONFIG), None);
    let broken = Packet { invalid: true, ..packet(tcp(), CLIENT, SERVER) };
    assert_eq!(FlowKey::of(&broken, &CONFIG), None);
}

#[test]
fn identities_begin_with_the_side_asked_for() {
    let (key, sender) = key_of(&packet(tcp(), SERVER, CLIENT));
    let from_sender = key.bytes_from(sender.sender);
    let from_other = key.bytes_from(sender.sender.opposite());
    assert_eq!(from_sender[12..16], [198, 51, 100, 1]);
    assert_eq!(from_sender[28..32], [192, 0, 2, 9]);
    assert_eq!(from_sender[..16], from_other[16..32]);
    assert_eq!(from_sender[36..40], [0x9c, 0x40, 0x01, 0xbb], "destination port, source port");
    assert_ne!(from_sender, from_other);
    assert_eq!(from_sender[40..], from_other[40..]);
}
