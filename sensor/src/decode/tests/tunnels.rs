//! Packets within packets.

use super::*;
use rules::view::Origin;

/// The IP packet that every tunnel here carries.
fn inner() -> Vec<u8> {
    udp_v4(7, 8, b"inner")
}

fn inner_frame() -> Vec<u8> {
    ethernet(0x8100, &[&[0, 42, 8, 0], &inner()[..]].concat())
}

fn gre(flags: u16, protocol: u16, rest: &[&[u8]]) -> Vec<u8> {
    let front = [flags.to_be_bytes(), protocol.to_be_bytes()].concat();
    ipv4(47, &[&front[..], &rest.concat()].concat())
}

/// Checks that `ip` carries the inner packet in one tunnel.
fn carries(what: &str, ip: &[u8], vlans: &[u16]) {
    let bytes = ethernet(
        0x8100,
        &[&[0, 5, if ip[0] >> 4 == 4 { 8 } else { 0x86 }, if ip[0] >> 4 == 4 { 0 } else { 0xdd }], ip]
            .concat(),
    );
    let (packets, counters) = count(LinkType::ETHERNET, &bytes);
    let [outer, inner] = packets[..] else { panic!("{what}: {packets:?}") };
    assert!(outer.events.is_empty() && inner.events.is_empty(), "{what}: {packets:?}");
    assert_eq!((outer.depth, outer.origin), (0, Origin::Wire), "{what}");
    assert_eq!((inner.depth, inner.origin), (1, Origin::Tunnel), "{what}");
    assert_eq!((inner.payload, inner.destination_port), (&b"inner"[..], 8), "{what}");
    assert_eq!(inner.vlans.ids(), vlans, "{what}");
    assert_eq!(inner.ethernet, outer.ethernet, "{what}");
    assert_eq!(counters.value(Counter::TunnelPackets), 1, "{what}");
    assert_eq!(counters.value(Counter::PacketsDecoded), 1, "{what}");
}

#[test]
fn ip_in_ip() {
    carries("4in4", &ipv4(4, &inner()), &[5]);
    carries("4in6", &ipv6(4, &inner()), &[5]);
    carries("6in4", &ipv4(41, &ipv6(17, &inner()[20..])), &[5]);
    carries("6in6", &ipv6(41, &ipv6(17, &inner()[20..])), &[5]);
}

#[test]
fn gre_and_what_it_carries() {
    carries("IPv4", &gre(0, 0x0800, &[&inner()]), &[5]);
    carries("checksum, key and sequence", &gre(0xb000, 0x0800, &[&[0; 12], &inner()]), &[5]);
    carries("routing", &gre(0x4000, 0x0800, &[&[0; 4], &[8, 0, 0, 4, 1, 2, 3, 4], &[0; 4], &inner()]), &[5]);
    carries("a bridged frame", &gre(0, 0x6558, &[&inner_frame()]), &[42]);
    carries("PPTP", &gre(0x3081, 0x880b, &[&[0; 12], &[0xff, 3, 0, 0x21], &inner()]), &[5]);
    carries("ERSPAN I", &gre(0, 0x88be, &[&inner_frame()]), &[42]);
    carries(
        "ERSPAN II",
        &gre(0x1000, 0x88be, &[&[0; 4], &[0x10, 9, 0, 0, 0, 0, 0, 0], &inner_frame()]),
        &[9, 42],
    );
    let erspan3 = [0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    carries("ERSPAN III", &gre(0x1000, 0x22eb, &[&[0; 4], &erspan3, &[0; 8], &inner_frame()]), &[42]);
}

#[test]
fn tunnels_over_udp() {
    let over = |port, rest: &[&[u8]]| udp_v4(40_000, port, &rest.concat());
    carries("VXLAN", &over(4789, &[&[8, 0, 0, 0, 0, 0, 1, 0], &inner_frame()]), &[42]);
    carries("Geneve with a frame", &over(6081, &[&[0, 0, 0x65, 0x58, 0, 0, 1, 0], &inner_frame()]), &[42]);
    carries("Geneve with options", &over(6081, &[&[1, 0, 8, 0, 0, 0, 1, 0], &[0; 4], &inner()]), &[5]);
    let v6 = ipv6(17, &inner()[20..]);
    carries("Teredo", &over(3544, &[&v6]), &[5]);
    carries("Teredo with an origin", &over(3544, &[&[0; 8], &v6]), &[5]);
    let authentication = [0, 1, 1, 2, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    carries("Teredo with authentication", &over(3544, &[&authentication, &v6]), &[5]);
}

#[test]
fn what_only_looks_like_a_tunnel_is_left_alone() {
    for (port, payload) in [(3544, &b"not IPv6"[..]), (4789, b"no"), (6081, &[0xff; 20]), (4789, &[0; 30])] {
        let bytes = udp_v4(40_000, port, payload);
        let packets = decode(LinkType::RAW, &bytes);
        assert_eq!(packets.len(), 1, "{port}");
        assert_eq!(packets[0].payload, payload);
        assert!(packets[0].events.is_empty());
    }
}

#[test]
fn ports_are_configurable() {
    let bytes = udp_v4(1, 8472, &[&[8, 0, 0, 0, 0, 0, 1, 0], &inner_frame()[..]].concat());
    let frame = Frame { ordinal: 0, time: Timestamp::ZERO, wire_len: 0, link: LinkType::RAW, bytes: &bytes };
    let ports = TunnelPorts { vxlan: vec![8472], ..TunnelPorts::default() };
    let mut packets = Vec::new();
    Decoder::new(DecodeLimits::default(), ports).decode(&frame, &mut Counters::default(), &mut packets);
    assert_eq!(packets.len(), 2);
}

#[test]
fn tunnels_end_at_the_depth_limit() {
    let mut bytes = inner();
    for _ in 0..20 {
        bytes = ipv4(4, &bytes);
    }
    let (packets, counters) = count(LinkType::RAW, &bytes);
    assert_eq!(packets.len(), 9);
    assert_eq!(packets[8].depth, 8);
    assert_eq!(counters.value(Counter::TunnelDepthRefused), 1);
    assert_eq!(counters.value(Counter::TunnelPackets), 8);
}

#[test]
fn labels_sessions_and_tags_are_no_tunnels() {
    let ip = inner();
    let with = |kind, front: &[u8]| ethernet(kind, &[front, &ip[..]].concat());
    let frame = ethernet(0x0800, &ip);
    for (what, bytes) in [
        ("MPLS", with(0x8847, &[0, 1, 0, 64, 0, 2, 1, 64])),
        ("MPLS explicit null", with(0x8847, &[0, 0, 1, 64])),
        ("pseudowire", ethernet(0x8848, &[&[0, 1, 1, 64, 0, 0, 0, 0], &frame[..]].concat())),
        ("PPPoE", with(0x8864, &[0x11, 0, 0, 1, 0, 0, 0, 0x21])),
        ("VN-tag", with(0x8926, &[0, 0, 0, 0, 8, 0])),
        ("E-tag", with(0x893f, &[0, 0, 0, 0, 0, 0, 8, 0])),
        ("802.1ah", with(0x88e7, &[&[0; 16][..], &[8, 0]].concat())),
        ("FabricPath", ethernet(0x8903, &[&[0; 2], &frame[..]].concat())),
        ("NSH", with(0x894f, &[0, 2, 2, 1, 0, 0, 0, 0])),
    ] {
        let packets = decode(LinkType::ETHERNET, &bytes);
        assert_eq!(packets.len(), 1, "{what}");
        assert_eq!(packets[0].payload, b"inner", "{what}: {packets:?}");
        assert!(packets[0].events.is_empty(), "{what}");
    }
}
