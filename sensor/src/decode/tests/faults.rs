//! Each fault under its name, and whether the packet is read on after it.

use super::*;

/// What is expected of a frame: its events, and whether it is invalid.
fn expect(link: LinkType, bytes: &[u8], names: &[&str], invalid: bool) {
    let packet = decode(link, bytes)[0];
    assert_eq!((events(&packet), packet.invalid), (names.to_vec(), invalid), "{bytes:02x?}");
}

fn fatal(bytes: &[u8], name: &str) {
    expect(LinkType::ETHERNET, bytes, &[name], true);
}

fn noted(bytes: &[u8], name: &str) {
    expect(LinkType::ETHERNET, bytes, &[name], false);
}

fn ip4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ipv4(protocol, payload))
}

fn ip6(next: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(0x86dd, &ipv6(next, payload))
}

/// An IPv4 packet with one byte changed.
fn bent(at: usize, value: u8) -> Vec<u8> {
    let mut bytes = ip4(250, b"payload");
    bytes[14 + at] = value;
    bytes
}

#[test]
fn links() {
    let at = |link, bytes: &[u8], name| expect(link, bytes, &[name], true);
    at(LinkType::ETHERNET, &[0; 13], "ethernet.pkt_too_small");
    at(LinkType::LINUX_SLL, &[0; 15], "sll.pkt_too_small");
    at(LinkType::LINUX_SLL2, &[0; 19], "sll2.pkt_too_small");
    at(LinkType::NULL, &[2, 0, 0], "ltnull.pkt_too_small");
    at(LinkType::NULL, &[7, 0, 0, 0], "ltnull.unsupported_type");
    at(LinkType::RAW, &[0x50; 40], "ipraw.invalid_ip_version");
    at(LinkType::CISCO_HDLC, &[0; 3], "chdlc.pkt_too_small");
    at(LinkType::PPP, &[0xff, 3, 0], "ppp.pkt_too_small");
    at(LinkType::PPP, &[0, 0x21, 0x45], "ppp.ip4_pkt_too_small");
    at(LinkType::PPP, &[0, 0x57, 0x60], "ppp.ip6_pkt_too_small");
    at(LinkType::PPP, &[0, 0x2f, 0x45], "ppp.vju_pkt_too_small");
    at(LinkType::PPP, &[0x12, 0x34, 0], "ppp.wrong_type");
    expect(LinkType::PPP, &[0xc0, 0x21, 1, 1], &["ppp.unsup_proto"], false);
    noted(&ethernet(0x88cc, &[0; 40]), "ethernet.unknown_ethertype");
}

#[test]
fn tags_and_labels() {
    fatal(&ethernet(0x8100, &[0, 1, 8]), "vlan.header_too_small");
    fatal(&ethernet(0x8100, &[0, 1, 0x12, 0x34]), "vlan.unknown_type");
    fatal(
        &ethernet(0x8100, &[0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 0x81, 0, 0, 4, 8, 0]),
        "vlan.too_many_layers",
    );
    fatal(&ethernet(0x8926, &[0; 5]), "vntag.header_too_small");
    fatal(&ethernet(0x8926, &[0; 6]), "vntag.unknown_type");
    fatal(&ethernet(0x893f, &[0; 7]), "etag.header_too_small");
    fatal(&ethernet(0x893f, &[0; 8]), "etag.unknown_type");
    fatal(&ethernet(0x88e7, &[0; 17]), "ieee8021ah.header_too_small");
    fatal(&ethernet(0x8903, &[0; 15]), "dce.pkt_too_small");
    fatal(&ethernet(0x8847, &[0, 1, 0]), "mpls.header_too_small");
    fatal(&ethernet(0x8847, &[0, 1, 1, 64]), "mpls.pkt_too_small");
    fatal(&ethernet(0x8847, &[0, 1, 1, 64, 0x90]), "mpls.unknown_payload_type");
    let ip = udp_v4(1, 2, b"x");
    for (label, name) in [
        (1, "mpls.bad_label_router_alert"),
        (3, "mpls.bad_label_implicit_null"),
        (9, "mpls.bad_label_reserved"),
    ] {
        noted(&ethernet(0x8847, &[&[0, 0, (label << 4) | 1, 64], &ip[..]].concat()), name);
    }
    let deep = ethernet(0x8926, &[0, 0, 0, 0, 0x89, 0x26].repeat(20));
    fatal(&deep, "too_many_layers");
}

#[test]
fn pppoe_and_nsh() {
    fatal(&ethernet(0x8863, &[0x11, 9, 0]), "pppoe.pkt_too_small");
    fatal(&ethernet(0x8864, &[0x11, 0, 0, 1, 0, 0]), "pppoe.pkt_too_small");
    fatal(&ethernet(0x8863, &[0x11, 8, 0, 0, 0, 0]), "pppoe.wrong_code");
    fatal(&ethernet(0x8864, &[0x11, 8, 0, 0, 0, 2, 0, 0x21]), "pppoe.wrong_code");
    fatal(&ethernet(0x8863, &[0x11, 9, 0, 0, 0, 9, 1, 1]), "pppoe.malformed_tags");
    fatal(&ethernet(0x8863, &[0x11, 9, 0, 0, 0, 4, 1, 1, 0, 9]), "pppoe.malformed_tags");
    fatal(&ethernet(0x894f, &[0; 7]), "nsh.header_too_small");
    fatal(&ethernet(0x894f, &[0x40, 2, 2, 1, 0, 0, 0, 0]), "nsh.unsupported_version");
    fatal(&ethernet(0x894f, &[0, 9, 2, 1, 0, 0, 0, 0]), "nsh.bad_header_length");
    fatal(&ethernet(0x894f, &[0, 2, 1, 1, 0, 0, 0, 0]), "nsh.bad_header_length");
    fatal(&ethernet(0x894f, &[0, 2, 0, 1, 0, 0, 0, 0]), "nsh.reserved_type");
    fatal(&ethernet(0x894f, &[0, 2, 3, 1, 0, 0, 0, 0]), "nsh.unsupported_type");
    fatal(&ethernet(0x894f, &[0, 2, 2, 9, 0, 0, 0, 0]), "nsh.unknown_payload");
}

#[test]
fn arp() {
    let good = [0, 1, 8, 0, 6, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    expect(LinkType::ETHERNET, &ethernet(0x0806, &good), &[], false);
    for (at, name) in [
        (1, "arp.unsupported_hardware"),
        (2, "arp.unsupported_protocol"),
        (4, "arp.invalid_hardware_size"),
        (5, "arp.invalid_protocol_size"),
        (7, "arp.unsupported_opcode"),
    ] {
        let mut bad = good;
        bad[at] = 99;
        fatal(&ethernet(0x0806, &bad), name);
    }
    fatal(&ethernet(0x0806, &good[..27]), "arp.pkt_too_small");
    fatal(&ethernet(0x0806, &good[..7]), "arp.pkt_too_small");
}

#[test]
fn ipv4_headers() {
    fatal(&ip4(250, b"")[..33], "ipv4.pkt_too_small");
    fatal(&bent(0, 0x65), "ipv4.wrong_ip_version");
    fatal(&bent(0, 0x44), "ipv4.hlen_too_small");
    fatal(&bent(3, 19), "ipv4.iplen_smaller_than_hlen");
    fatal(&bent(3, 200), "ipv4.trunc_pkt");
    fatal(&ip4(58, &[128, 0, 0, 0, 0, 0, 0, 0]), "ipv4.icmpv6");
    let truncated = bent(3, 200);
    assert!(!decode(LinkType::ETHERNET, &truncated)[0].is_ip(), "no facts of a header that lies");
}

/// Option faults do not keep the packet from being read.
#[test]
fn ipv4_options() {
    let with = |options: &[u8]| {
        let mut bytes = ipv4(17, &[options, &udp_v4(7, 8, b"x")[20..]].concat());
        bytes[0] += options.len() as u8 / 4;
        let packet = decode(LinkType::RAW, &bytes)[0];
        assert_eq!(packet.payload, b"x", "read on");
        assert!(!packet.invalid);
        events(&packet)
    };
    let none: [&str; 0] = [];
    assert_eq!(with(&[7, 7, 4, 1, 2, 3, 4, 0]), none);
    assert_eq!(with(&[131, 7, 4, 1, 2, 3, 4, 1]), none);
    assert_eq!(with(&[68, 8, 5, 0, 1, 2, 3, 4]), none);
    assert_eq!(with(&[148, 4, 0, 0, 136, 4, 0, 1]), none);
    assert_eq!(with(&[134, 6, 0, 0, 0, 1, 0, 0]), none);
    assert_eq!(with(&[148, 4, 0, 0]), ["ipv4.opt_pad_required"]);
    assert_eq!(with(&[1, 1, 1, 1, 1, 1, 1, 148]), ["ipv4.opt_eol_required"]);
    assert_eq!(with(&[7, 9, 4, 1, 2, 3, 4, 0]), ["ipv4.opt_invalid_len"]);
    assert_eq!(with(&[7, 1, 4, 1, 2, 3, 4, 0]), ["ipv4.opt_invalid_len"]);
    assert_eq!(with(&[148, 3, 0, 0, 0, 0, 0, 0]), ["ipv4.opt_invalid_len"]);
    assert_eq!(with(&[7, 7, 3, 1, 2, 3, 4, 0]), ["ipv4.opt_malformed"]);
    assert_eq!(with(&[68, 8, 5, 2, 1, 2, 3, 4]), ["ipv4.opt_malformed"]);
    assert_eq!(with(&[134, 6, 0, 0, 0, 0, 0, 0]), ["ipv4.opt_malformed"]);
    assert_eq!(with(&[148, 4, 0, 0, 148, 4, 0, 0]), ["ipv4.opt_duplicate"]);
    assert_eq!(with(&[30, 4, 0, 0, 0, 0, 0, 0]), ["ipv4.opt_unknown"]);
    assert_eq!(with(&[0x20, 4, 0, 0, 0, 0, 0, 0]), ["ipv4.opt_invalid"]);
}

#[test]
fn ipv6_headers() {
    fatal(&ip6(59, b"")[..53], "ipv6.pkt_too_small");
    fatal(&ethernet(0x86dd, &[0x40; 60]), "ipv6.wrong_ip_version");
    fatal(&ip6(59, &[0; 9])[..60], "ipv6.trunc_pkt");
    fatal(&ip6(0, &[59, 1, 0, 0, 0, 0, 0, 0]), "ipv6.trunc_exthdr");
    fatal(&ip6(0, b""), "ipv6.trunc_exthdr");
    fatal(&ip6(50, &[0; 7]), "ipv6.trunc_exthdr");
    fatal(&ip6(4, &[0x45; 19]), "ipv6.ipv4_in_ipv6_too_small");
    fatal(&ip6(4, &[0x65; 20]), "ipv6.ipv4_in_ipv6_wrong_version");
    fatal(&ip6(41, &[0x60; 39]), "ipv6.ipv6_in_ipv6_too_small");
    fatal(&ip6(41, &[0x40; 40]), "ipv6.ipv6_in_ipv6_wrong_version");
    noted(&ip6(59, b"data"), "ipv6.data_after_none_header");
    noted(&ip6(1, &[8; 8]), "ipv6.icmpv4");
    noted(&ip6(250, b"data"), "ipv6.unknown_next_header");
    let endless = ip6(43, &[43, 0, 1, 0, 0, 0, 0, 0].repeat(17));
    expect(LinkType::ETHERNET, &endless, &["ipv6.exthdr_dupl_rh", "too_many_layers"], true);
}

#[test]
fn ipv6_extension_headers() {
    let chain = |first: u8, headers: &[[u8; 8]]| {
        let bytes = ipv6(first, &headers.concat());
        let packet = decode(LinkType::RAW, &bytes)[0];
        (events(&packet).join(" "), packet.invalid, packet.fragment)
    };
    let fine = |names: &str| (names.to_owned(), false, false);
    let ra = |next| [next, 0, 5, 2, 0, 0, 0, 0];
    assert_eq!(chain(0, &[ra(59)]), fine(""));
    assert_eq!(chain(0, &[ra(0), ra(59)]), fine("ipv6.exthdr_dupl_hh"));
    assert_eq!(chain(60, &[ra(60), ra(60), ra(59)]), fine("ipv6.exthdr_dupl_dh"));
    assert_eq!(chain(43, &[[59, 0, 0, 0, 0, 0, 0, 0]]), fine("ipv6.rh_type_0"));
    assert_eq!(
        chain(43, &[[43, 0, 2, 0, 0, 0, 0, 0], [59, 0, 2, 0, 0, 0, 0, 0]]),
        fine("ipv6.exthdr_dupl_rh")
    );
    assert_eq!(chain(0, &[[59, 0, 1, 4, 0, 0, 0, 0]]), fine("ipv6.hopopts_only_padding"));
    assert_eq!(chain(60, &[[59, 0, 0, 0, 0, 0, 0, 0]]), fine("ipv6.dstopts_only_padding"));
    assert_eq!(chain(0, &[[59, 0, 9, 4, 0, 0, 0, 0]]), fine("ipv6.hopopts_unknown_opt"));
    assert_eq!(chain(60, &[[59, 0, 9, 4, 0, 0, 0, 0]]), fine("ipv6.dstopts_unknown_opt"));
    assert_eq!(chain(0, &[[59, 0, 5, 1, 0, 1, 1, 0]]), fine("ipv6.exthdr_invalid_optlen"));
    assert_eq!(chain(0, &[[59, 0, 9, 9, 0, 0, 0, 0]]), fine("ipv6.exthdr_invalid_optlen"));
    assert_eq!(chain(0, &[[59, 0, 5, 2, 0, 0, 1, 0]]), fine("ipv6.zero_len_padn"));
    let ah = [59, 2, 0, 1, 0, 0, 0, 0];
    assert_eq!(chain(51, &[ah, [0; 8]]), fine("ipv6.exthdr_ah_res_not_null"));
    let ah_twice = [[51, 2, 0, 0, 0, 0, 0, 0], [0; 8], [59, 2, 0, 0, 0, 0, 0, 0], [0; 8]];
    assert_eq!(chain(51, &ah_twice), fine("ipv6.exthdr_dupl_ah"));
    let whole = [59, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(chain(44, &[whole]), fine("ipv6.exthdr_useless_fh"));
    assert_eq!(
        chain(44, &[[44, 0, 0, 0, 0, 0, 0, 0], whole]),
        fine("ipv6.exthdr_dupl_fh ipv6.exthdr_useless_fh")
    );
    let fragment = |names: &str| (names.to_owned(), false, true);
    assert_eq!(chain(44, &[[59, 0, 0, 1, 0, 0, 0, 0], [0; 8]]), fragment(""));
    assert_eq!(chain(44, &[[59, 9, 0, 8, 0, 0, 0, 0], [0; 8]]), fragment("ipv6.fh_non_zero_reserved_field"));
    fatal(&ip6(44, &[59, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3]), "ipv6.frag_invalid_length");
}

#[test]
fn icmp() {
    fatal(&ip4(1, &[8; 7]), "icmpv4.pkt_too_small");
    noted(&ip4(1, &[13, 0, 0, 0, 0, 0, 0, 0]), "icmpv4.pkt_too_small");
    noted(&ip4(1, &[99, 0, 0, 0, 0, 0, 0, 0]), "icmpv4.unknown_type");
    noted(&ip4(1, &[8, 1, 0, 0, 0, 0, 0, 0]), "icmpv4.unknown_code");
    noted(&ip4(1, &[3, 1, 0, 0, 0, 0, 0, 0, 0x45]), "icmpv4.ipv4_trunc_pkt");
    noted(&ip4(1, &[&[3, 1, 0, 0, 0, 0, 0, 0], &[0x60; 20][..]].concat()), "icmpv4.ipv4_unknown_ver");
    fatal(&ip6(58, &[128; 7]), "icmpv6.pkt_too_small");
    noted(&ip6(58, &[127, 0, 0, 0, 0, 0, 0, 0]), "icmpv6.unknown_type");
    noted(&ip6(58, &[128, 1, 0, 0, 0, 0, 0, 0]), "icmpv6.unknown_code");
    noted(&ip6(58, &[50, 0, 0, 0, 0, 0, 0, 0]), "icmpv6.unassigned_type");
    noted(&ip6(58, &[200, 0, 0, 0, 0, 0, 0, 0]), "icmpv6.experimentation_type");
    noted(&ip6(58, &[1, 1, 0, 0, 0, 0, 0, 0, 0x60]), "icmpv6.ipv6_trunc_pkt");
    noted(&ip6(58, &[&[1, 1, 0, 0, 0, 0, 0, 0], &[0x45; 40][..]].concat()), "icmpv6.ipv6_unknown_version");
    let mut listener = ip6(58, &[131, 0, 0, 0, 0, 0, 0, 0]);
    expect(LinkType::ETHERNET, &listener, &[], false);
    listener[14 + 7] = 64;
    noted(&listener, "icmpv6.mld_message_with_invalid_hl");
}

#[test]
fn transports() {
    let tcp =
        |len_and_rest: u8| [&[0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, len_and_rest, 2], &[0; 6][..]].concat();
    fatal(&ip4(6, &tcp(0x50)[..19]), "tcp.pkt_too_small");
    fatal(&ip4(6, &tcp(0x60)), "tcp.hlen_too_small");
    fatal(&ip4(6, &tcp(0x40)), "tcp.invalid_optlen");
    noted(&ip4(6, &[&tcp(0x60)[..], &[3, 9, 0, 0]].concat()), "tcp.opt_invalid_len");
    noted(&ip4(6, &[&tcp(0x60)[..], &[3, 4, 0, 0]].concat()), "tcp.opt_invalid_len");
    noted(&ip4(6, &[&tcp(0x70)[..], &[3, 3, 1, 3, 3, 1, 1, 1]].concat()), "tcp.opt_duplicate");
    fatal(&ip4(17, &[0; 7]), "udp.hlen_too_small");
    fatal(&ip4(17, &[0, 1, 0, 2, 0, 7, 0, 0]), "udp.len_invalid");
    fatal(&ip4(17, &[0, 1, 0, 2, 0, 9, 0, 0]), "udp.pkt_too_small");
    fatal(&ip4(132, &[0; 11]), "sctp.pkt_too_small");
    fatal(&ip4(50, &[0; 7]), "esp.pkt_too_small");
    let broken = ip4(6, &tcp(0x60));
    let packet = decode(LinkType::ETHERNET, &broken)[0];
    assert!(packet.is_ip() && packet.transport == Transport::None && packet.protocol == 6, "IP stands");
}

#[test]
fn tunnel_headers() {
    let gre = |bytes: &[u8], name| fatal(&ip4(47, bytes), name);
    gre(&[0, 0, 8], "gre.pkt_too_small");
    gre(&[0, 5, 8, 0], "gre.wrong_version");
    gre(&[1, 0, 8, 0], "gre.version0_recur");
    gre(&[0, 8, 8, 0], "gre.version0_flags");
    gre(&[0x20, 0, 8, 0, 0], "gre.version0_hdr_too_big");
    gre(&[0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 9, 1], "gre.version0_hdr_too_big");
    gre(&[0xa0, 1, 0x88, 0x0b], "gre.version1_chksum");
    gre(&[0x60, 1, 0x88, 0x0b], "gre.version1_route");
    gre(&[0x28, 1, 0x88, 0x0b], "gre.version1_ssr");
    gre(&[0x21, 1, 0x88, 0x0b], "gre.version1_recur");
    gre(&[0x20, 9, 0x88, 0x0b], "gre.version1_flags");
    gre(&[0, 1, 0x88, 0x0b], "gre.version1_no_key");
    gre(&[0x20, 1, 8, 0], "gre.version1_wrong_protocol");
    gre(&[0x20, 1, 0x88, 0x0b, 0], "gre.version1_hdr_too_big");
    noted(&ethernet(0x0800, &udp_v4(1, 4789, &[&[8][..], &[0; 30]].concat())), "vxlan.unknown_payload_type");
    noted(&ethernet(0x0800, &udp_v4(1, 6081, &[0; 8])), "geneve.unknown_payload_type");
}

#[test]
fn mirrored_frames() {
    let inner = |rest: &[u8]| {
        let bytes = ip4(47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 0], rest].concat());
        let packets = decode(LinkType::ETHERNET, &bytes);
        assert!(packets[0].events.is_empty());
        events(&packets[1]).join(" ")
    };
    assert_eq!(inner(&[0x10; 7]), "erspan.header_too_small");
    assert_eq!(inner(&[0x30; 8]), "erspan.unsupported_version");
}
