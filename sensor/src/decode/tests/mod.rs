//! The walk over whole frames: what follows what; what each fault is called is in [`faults`], and hostile bytes are in
//! [`hostile`].

mod faults;
mod hostile;
mod tunnels;

use super::*;
use crate::capture::LinkType;
use crate::time::Timestamp;

/// The packets of one frame.
pub(super) fn decode(link: LinkType, bytes: &[u8]) -> Vec<Packet<'_>> {
    count(link, bytes).0
}

fn count(link: LinkType, bytes: &[u8]) -> (Vec<Packet<'_>>, Counters) {
    let frame = Frame { ordinal: 0, time: Timestamp::ZERO, wire_len: bytes.len() as u32, link, bytes };
    let (mut packets, mut counters) = (Vec::new(), Counters::default());
    Decoder::default().decode(&frame, &mut counters, &mut packets);
    (packets, counters)
}

use etherparse::PacketBuilder;
use rules::view::{Network, Transport};
use std::net::IpAddr;

fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], &kind.to_be_bytes()[..], payload].concat()
}

/// A UDP datagram from 10.0.0.1 to 10.0.0.2.
fn udp_v4(source_port: u16, destination_port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).udp(source_port, destination_port);
    builder.write(&mut bytes, payload).unwrap();
    bytes
}

/// An IPv4 packet of that protocol from 10.0.0.1 to 10.0.0.2.
fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let len = (20 + payload.len() as u16).to_be_bytes();
    let header = [0x45, 0, len[0], len[1], 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    [&header, payload].concat()
}

/// An IPv6 packet with that next header.
fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u16).to_be_bytes();
    [&[0x60, 0, 0, 0, len[0], len[1], next, 1], &[1; 16][..], &[2; 16], payload].concat()
}

fn events(packet: &Packet<'_>) -> Vec<&'static str> {
    packet.events.iter().map(DecodeEvent::name).collect()
}

#[test]
fn ethernet_with_tags_to_udp() {
    let mut tagged = vec![0, 7, 0x81, 0, 0xe0, 9, 8, 0];
    tagged.extend(udp_v4(1000, 53, b"query"));
    let bytes = ethernet(0x88a8, &tagged);
    let (packets, counters) = count(LinkType::ETHERNET, &bytes);
    let [packet] = packets[..] else { panic!("one packet") };
    assert_eq!(packet.ethernet.unwrap().source(), [2, 0, 0, 0, 0, 2]);
    assert_eq!(packet.vlans.ids(), [7, 9]);
    assert_eq!((packet.source_port, packet.destination_port, packet.protocol), (1000, 53, 17));
    assert_eq!(packet.payload, b"query");
    assert!(packet.events.is_empty() && !packet.invalid);
    assert_eq!(counters.value(Counter::PacketsDecoded), 1);
}

#[test]
fn a_frames_padding_is_no_payload() {
    let mut ip = udp_v4(1, 2, b"x");
    ip.resize(46, 0xee);
    assert_eq!(decode(LinkType::ETHERNET, &ethernet(0x0800, &ip))[0].payload, b"x");
}

#[test]
fn every_link_type_leads_to_the_packet() {
    let ip = udp_v4(1, 2, b"x");
    let with = |front: &[u8]| [front, &ip[..]].concat();
    let mut sll = [0; 16];
    sll[14] = 8;
    let mut sll2 = [0; 20];
    sll2[0] = 8;
    for (link, bytes) in [
        (LinkType::RAW, with(&[])),
        (LinkType::IPV4, with(&[])),
        (LinkType::NULL, with(&[2, 0, 0, 0])),
        (LinkType::LOOP, with(&[0, 0, 0, 2])),
        (LinkType::LINUX_SLL, with(&sll)),
        (LinkType::LINUX_SLL2, with(&sll2)),
        (LinkType::PPP, with(&[0xff, 3, 0, 0x21])),
        (LinkType::PPP, with(&[0x21])),
        (LinkType::CISCO_HDLC, with(&[0x0f, 0, 8, 0])),
    ] {
        assert_eq!(decode(link, &bytes)[0].payload, b"x", "{link:?}");
    }
}

#[test]
fn frames_are_counted_once() {
    let (packets, counters) = count(LinkType(147), b"whatever");
    assert!(packets.is_empty());
    assert_eq!(counters.value(Counter::RefusedLinkType), 1);

    let (packets, counters) = count(LinkType::ETHERNET, b"short");
    assert_eq!(events(&packets[0]), ["ethernet.pkt_too_small"]);
    assert!(packets[0].invalid);
    assert_eq!(counters.value(Counter::RefusedLinkHeader), 1);
    assert_eq!(counters.value(Counter::PacketsDecoded), 0);
}

#[test]
fn payload_semantics_of_each_transport() {
    let payload = b"payload";
    let ip = || PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64);
    let mut packets = vec![Vec::new(); 3];
    ip().tcp(1, 2, 3, 4).options_raw(&[3, 3, 7, 0]).unwrap().write(&mut packets[0], payload).unwrap();
    ip().icmpv4_echo_request(1, 2).write(&mut packets[1], payload).unwrap();
    PacketBuilder::ipv6([1; 16], [2; 16], 64).udp(1, 2).write(&mut packets[2], payload).unwrap();
    packets.push(ipv4(132, &[&[0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0], &payload[..]].concat()));
    packets.push(ipv4(50, &[&[0; 8], &payload[..]].concat()));
    packets.push(ipv4(89, payload));
    packets.push(ipv4(51, &[&[89, 4, 0, 0], &[0; 20][..], &payload[..]].concat()));
    for bytes in packets {
        let packet = decode(LinkType::RAW, &bytes)[0];
        assert_eq!(packet.payload, payload, "{packet:?}");
        assert!(packet.events.is_empty(), "{packet:?}");
    }
}

#[test]
fn an_authentication_header_is_read_past_in_ipv4() {
    let udp = &udp_v4(7, 8, b"x")[20..];
    let bytes = ipv4(51, &[&[17, 4, 0, 0], &[0; 20][..], udp].concat());
    let packet = decode(LinkType::RAW, &bytes)[0];
    assert_eq!((packet.protocol, packet.source_port, packet.payload), (17, 7, &b"x"[..]));
}

#[test]
fn a_fragment_keeps_its_data_and_has_no_transport() {
    let mut bytes = udp_v4(7, 8, b"x");
    bytes[6] = 0x20;
    let packet = decode(LinkType::RAW, &bytes)[0];
    assert!(packet.fragment && packet.transport == Transport::None);
    assert_eq!(packet.payload, &bytes[20..]);
    assert_eq!((packet.source_port, packet.protocol), (0, 17));
}

#[test]
fn ipv6_extension_headers_are_walked_to_the_transport() {
    let udp = &udp_v4(7, 8, b"x")[20..];
    let extensions = [
        [60, 0, 5, 2, 0, 0, 0, 0],
        [43, 0, 0xc2, 4, 0, 0, 0, 1],
        [135, 0, 2, 0, 0, 0, 0, 0],
        [44, 0, 0, 0, 0, 0, 0, 0],
        [17, 0, 0, 0, 0, 0, 0, 9],
    ];
    let bytes = ipv6(0, &[&extensions.concat(), udp].concat());
    let packet = decode(LinkType::RAW, &bytes)[0];
    assert_eq!((packet.protocol, packet.destination_port, packet.payload), (17, 8, &b"x"[..]));
    assert!(matches!(packet.network, Network::V6(ip) if ip.extensions() == extensions.concat()));
    assert_eq!(events(&packet), ["ipv6.exthdr_useless_fh"]);
}

#[test]
fn an_icmp_error_quotes_the_packet_it_is_about() {
    let quoted = |bytes: &[u8]| icmp_quoted(&decode(LinkType::RAW, bytes)[0]);
    let original = udp_v4(1000, 53, b"query");
    let error = ipv4(1, &[&[3, 3, 0, 0, 0, 0, 0, 0], &original[..28]].concat());
    let expected = Quoted {
        source: "10.0.0.1".parse().unwrap(),
        destination: "10.0.0.2".parse().unwrap(),
        protocol: 17,
        ports: (1000, 53),
    };
    assert_eq!(quoted(&error), Some(expected));
    assert_eq!(quoted(&ipv4(1, &[&[8, 0, 0, 0, 0, 0, 0, 0], &original[..28]].concat())), None, "no error");
    assert_eq!(
        quoted(&ipv4(1, &[&[3, 3, 0, 0, 0, 0, 0, 0], &original[..22]].concat())),
        None,
        "cut before ports"
    );

    let original = ipv6(0, &[&[17, 0, 1, 4, 0, 0, 0, 0], &original[20..]].concat());
    let error = ipv6(58, &[&[1, 4, 0, 0, 0, 0, 0, 0], &original[..]].concat());
    let quote = quoted(&error).unwrap();
    assert_eq!((quote.protocol, quote.ports), (17, (1000, 53)));
    assert_eq!(quote.source, IpAddr::from([1; 16]));
}

#[test]
fn both_directions_and_their_errors_share_a_shard() {
    let there = udp_v4(1000, 53, b"query");
    let mut back = there.clone();
    back[12..20].rotate_left(4);
    let hash = shard(&there, LinkType::RAW);
    assert_ne!(hash, 0);
    assert_eq!(shard(&back, LinkType::RAW), hash);
    let mut error = ipv4(1, &[&[3, 3, 0, 0, 0, 0, 0, 0], &there[..28]].concat());
    error[12..16].copy_from_slice(&[192, 0, 2, 1]);
    assert_eq!(shard(&error, LinkType::RAW), hash, "an error from a router on the way");
    let mut tagged = vec![0, 7, 0x81, 0, 0, 9, 8, 0];
    tagged.extend(&there);
    assert_eq!(shard(&ethernet(0x8100, &tagged), LinkType::ETHERNET), hash);
    assert_eq!(shard(&ethernet(0x8847, &[&[0, 1, 1, 64], &there[..]].concat()), LinkType::ETHERNET), hash);
    let session = [&[0x11, 0, 0, 1, 0, 0, 0, 0x21], &there[..]].concat();
    assert_eq!(shard(&ethernet(0x8864, &session), LinkType::ETHERNET), hash);
    assert_eq!(shard(&ethernet(0x0806, &[0; 28]), LinkType::ETHERNET), 0);

    let there = ipv6(17, &there[20..]);
    let mut back = there.clone();
    back[8..40].rotate_left(16);
    assert_eq!(shard(&there, LinkType::IPV6), shard(&back, LinkType::IPV6));
}
