//! Any bytes: no panic, every account kept, and agreement with another decoder where it agrees to read.

use super::*;
use etherparse::{LaxSlicedPacket, NetSlice, SlicedPacket, TransportSlice};
use proptest::prelude::*;

const LINKS: [LinkType; 11] = [
    LinkType::ETHERNET,
    LinkType::RAW,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::NULL,
    LinkType::LOOP,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::PPP,
    LinkType::CISCO_HDLC,
    LinkType(147),
];

/// Decodes and does with the packets what others do; panics where an account is wrong.
fn use_all(link: LinkType, bytes: &[u8]) {
    let (packets, counters) = count(link, bytes);
    shard(bytes, link);
    for packet in &packets {
        icmp_quoted(packet);
        checksum::verify(packet);
        assert!(!packet.fragment || packet.transport == Transport::None);
        assert!(!packet.invalid || !packet.events.is_empty());
    }
    let kinds = [Counter::PacketsDecoded, Counter::RefusedLinkType, Counter::RefusedLinkHeader];
    assert_eq!(kinds.iter().map(|&kind| counters.value(kind)).sum::<u64>(), 1);
    assert_eq!(counters.value(Counter::TunnelPackets), packets.len().saturating_sub(1) as u64);
}

/// Frames with something of everything, to be cut and bent.
fn samples() -> Vec<Vec<u8>> {
    let ip = udp_v4(7, 8, b"inner");
    let frame = ethernet(0x0800, &ip);
    let mut tcp = Vec::new();
    let builder = PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([1; 4], [2; 4], 9).tcp(1, 2, 3, 4);
    builder.options_raw(&[2, 4, 5, 0xb4, 4, 2, 3, 3]).unwrap().write(&mut tcp, b"payload").unwrap();
    let extensions = [
        [60, 0, 5, 2, 0, 0, 1, 0],
        [43, 0, 1, 4, 0, 0, 0, 0],
        [44, 0, 0, 1, 0, 0, 0, 0],
        [51, 0, 0, 0, 0, 0, 0, 1],
    ];
    let authentication = [17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut options =
        ipv4(17, &[&[7, 7, 4, 1, 2, 3, 4, 68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &ip[20..]].concat());
    options[0] = 0x4a;
    vec![
        tcp,
        ethernet(0x86dd, &ipv6(0, &[&extensions.concat()[..], &authentication, &ip[20..]].concat())),
        ethernet(0x0800, &options),
        ethernet(0x0800, &ipv4(1, &[&[3, 1, 0, 0, 0, 0, 0, 0], &ip[..]].concat())),
        ethernet(0x86dd, &ipv6(58, &[&[1, 1, 0, 0, 0, 0, 0, 0], &ipv6(17, &ip[20..])[..]].concat())),
        ethernet(
            0x0800,
            &ipv4(47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 0, 0x10, 9, 0, 0, 0, 0, 0, 0], &frame[..]].concat()),
        ),
        ethernet(
            0x0800,
            &ipv4(47, &[&[0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 1, 1, 0, 0, 0, 0], &ip[..]].concat()),
        ),
        ethernet(0x0800, &udp_v4(1, 4789, &[&[8, 0, 0, 0, 0, 0, 1, 0], &frame[..]].concat())),
        ethernet(
            0x0800,
            &udp_v4(1, 6081, &[&[1, 0, 0x65, 0x58, 0, 0, 1, 0, 0, 0, 0, 0], &frame[..]].concat()),
        ),
        ethernet(0x0800, &udp_v4(1, 3544, &[&[0, 1, 1, 2], &[0; 20][..], &ipv6(17, &ip[20..])].concat())),
        ethernet(0x8864, &[&[0x11, 0, 0, 1, 0, 30, 0, 0x21], &ip[..]].concat()),
        ethernet(0x8863, &[0x11, 9, 0, 0, 0, 8, 1, 1, 0, 0, 1, 3, 0, 0]),
        ethernet(0x8847, &[&[0, 1, 0, 64, 0, 2, 1, 64], &ip[..]].concat()),
        ethernet(0x894f, &[&[0, 2, 2, 1, 0, 0, 0, 0], &ip[..]].concat()),
        ethernet(
            0x0806,
            &[0, 1, 8, 0, 6, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
    ]
}

#[test]
fn every_prefix_of_every_sample_is_read() {
    for sample in samples() {
        for len in 0..=sample.len() {
            LINKS.iter().for_each(|&link| use_all(link, &sample[..len]));
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200), link in 0..LINKS.len()) {
        use_all(LINKS[link], &bytes);
    }

    #[test]
    fn bent_samples_are_read(
        which in any::<prop::sample::Index>(),
        bends in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let samples = samples();
        let mut bytes = which.get(&samples).clone();
        for (at, value) in bends {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        use_all(LinkType::ETHERNET, &bytes);
    }

    /// What etherparse reads without complaint is read here alike.
    #[test]
    fn valid_packets_are_read_as_etherparse_does(
        v6: bool, kind in 0..3, ports: (u16, u16), payload in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut bytes = Vec::new();
        let link = PacketBuilder::ethernet2([1; 6], [2; 6]).single_vlan(7.try_into().unwrap());
        let ip = if v6 { link.ipv6([1; 16], [2; 16], 5) } else { link.ipv4([1; 4], [2; 4], 5) };
        match kind {
            0 => ip.tcp(ports.0, ports.1, 3, 4).write(&mut bytes, &payload).unwrap(),
            1 => ip.udp(ports.0, ports.1).write(&mut bytes, &payload).unwrap(),
_ if v6 => ip.icmpv6_echo_request(ports.0, ports.1).write(&mut bytes, &payload).unwrap(),
            _ => ip.icmpv4_echo_request(ports.0, ports.1).write(&mut bytes, &payload).unwrap(),
        }
        let theirs = SlicedPacket::from_ethernet(&bytes).unwrap();
        let packets = decode(LinkType::ETHERNET, &bytes);
        compare(&packets[0], &theirs.net, &theirs.transport);
    }

    /// The same over bent samples, where etherparse reads to the end too.
    #[test]
    fn bent_packets_are_read_as_etherparse_does(at in 14usize..60, value: u8, which in 0usize..4) {
        let mut bytes = samples().swap_remove(which);
        let at = at.min(bytes.len() - 1);
        bytes[at] = value;
        let packets = decode(LinkType::ETHERNET, &bytes);
        let theirs = LaxSlicedPacket::from_ethernet(&bytes).unwrap();
        if packets[0].invalid || packets[0].fragment || theirs.stop_err.is_some() || theirs.transport.is_none() {
            return Ok(());
        }
        // etherparse also reads IGMP, and the other version's ICMP where it does not belong.
        if matches!(theirs.transport, Some(TransportSlice::Igmp(_))) {
            return Ok(());
        }
        let wrong_icmp = [DecodeEvent::Ipv6Icmpv4, DecodeEvent::Ipv4Icmpv6];
        if wrong_icmp.iter().any(|&event| packets[0].events.contains(event)) {
            return Ok(());
        }
        if let Ok(theirs) = SlicedPacket::from_ethernet(&bytes) {
            compare(&packets[0], &theirs.net, &theirs.transport);
        }
    }
}

fn compare(ours: &Packet<'_>, net: &Option<NetSlice<'_>>, transport: &Option<TransportSlice<'_>>) {
    match (ours.network, net) {
        (Network::V4(ours), Some(NetSlice::Ipv4(theirs))) => {
            assert_eq!(ours.bytes(), theirs.header().slice())
        }
        (Network::V6(ours), Some(NetSlice::Ipv6(theirs))) => {
            assert_eq!(ours.fixed(), theirs.header().slice())
        }
        other => panic!("{other:?}"),
    }
    match (ours.transport, transport) {
        (Transport::Tcp(header), Some(TransportSlice::Tcp(theirs))) => {
            assert_eq!((header.bytes(), ours.payload), (theirs.header_slice(), theirs.payload()));
        }
        (Transport::Udp(header), Some(TransportSlice::Udp(theirs))) => {
            assert_eq!((header.bytes(), ours.payload), (theirs.header_slice(), theirs.payload()));
        }
        (Transport::Icmpv4(_), Some(TransportSlice::Icmpv4(theirs))) => {
            assert_eq!(ours.payload, &theirs.slice()[8..]);
        }
        (Transport::Icmpv6(_), Some(TransportSlice::Icmpv6(theirs))) => {
            assert_eq!(ours.payload, &theirs.slice()[8..]);
        }
        other => panic!("{other:?}"),
    }
}
