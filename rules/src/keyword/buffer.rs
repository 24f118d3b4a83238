//! Sticky buffers of the packet itself: its headers and its payload.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::signature::{HeaderBuffer, Source};

/// `pkt_data` (Suricata documentation: "Payload Keywords", pkt_data).
#[derive(Debug)]
pub(super) struct PktData;

impl Keyword for PktData {
    fn name(&self) -> &'static str {
        "pkt_data"
    }

    fn doc(&self) -> &'static str {
        "What follows looks at the payload again, after a sticky buffer."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (tcp.hdr; content:"|c0 01|"; startswith; pkt_data; content:"abc"; sid:1;)"#,
            b"abc",
            b"abx",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["pkt_data:1", "http.uri; pkt_data"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        argument.none()?;
        draft.select_payload()
    }
}

/// A header of the packet (Suricata documentation: "Header Keywords").
#[derive(Debug)]
pub(super) struct Header {
    name: &'static str,
    buffer: HeaderBuffer,
    doc: &'static str,
    example: Example,
}

impl Keyword for Header {
    fn name(&self) -> &'static str {
        self.name
    }

    fn doc(&self) -> &'static str {
        self.doc
    }

    fn examples(&self) -> Vec<Example> {
        vec![self.example]
    }

    fn refused(&self) -> &'static [&'static str] {
        match self.buffer {
            HeaderBuffer::Ipv4 => &["ipv4.hdr", r#"ipv4.hdr:1; content:"a""#],
            HeaderBuffer::Ipv6 => &["ipv6.hdr", r#"ipv6.hdr:1; content:"a""#],
            HeaderBuffer::Tcp => &["tcp.hdr", r#"tcp.hdr:1; content:"a""#],
            HeaderBuffer::Udp => &["udp.hdr", r#"udp.hdr:1; content:"a""#],
            HeaderBuffer::Icmpv4 => &["icmpv4.hdr", r#"icmpv4.hdr:1; content:"a""#],
            HeaderBuffer::Icmpv6 => &["icmpv6.hdr", r#"icmpv6.hdr:1; content:"a""#],
            HeaderBuffer::Source => &["ip.src", r#"ip.src:10.0.0.1; content:"a""#],
            HeaderBuffer::Destination => &["ip.dst", r#"ip.dst:10.0.0.1; content:"a""#],
        }
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        argument.none()?;
        draft.select(Source::Header(self.buffer), argument.span())
    }
}

pub(super) static IPV4_HDR: Header = Header {
    name: "ipv4.hdr",
    buffer: HeaderBuffer::Ipv4,
    doc: "Sticky buffer: the IPv4 header with its options.",
    example: Example::staged(
        r#"alert ip any any -> any any (ipv4.hdr; content:"|06|"; offset:9; depth:1; sid:1;)"#,
        |_| {},
        |stage| stage.network[9] = 17,
    ),
};

pub(super) static IPV6_HDR: Header = Header {
    name: "ipv6.hdr",
    buffer: HeaderBuffer::Ipv6,
    doc: "Sticky buffer: the IPv6 header with its extension headers.",
    example: Example::staged(
        r#"alert icmpv6 any any -> any any (ipv6.hdr; content:"|40|"; offset:7; depth:1; sid:1;)"#,
        |_| {},
        |stage| stage.network[7] = 1,
    ),
};

pub(super) static TCP_HDR: Header = Header {
    name: "tcp.hdr",
    buffer: HeaderBuffer::Tcp,
    doc: "Sticky buffer: the TCP header with its options.",
    example: Example::staged(
        r#"alert tcp any any -> any any (tcp.hdr; content:"|20 00|"; offset:14; depth:2; sid:1;)"#,
        |_| {},
        |stage| stage.transport[14] = 0x40,
    ),
};

pub(super) static UDP_HDR: Header = Header {
    name: "udp.hdr",
    buffer: HeaderBuffer::Udp,
    doc: "Sticky buffer: the UDP header.",
    example: Example::staged(
        r#"alert udp any any -> any any (udp.hdr; content:"|00 0b|"; offset:4; depth:2; sid:1;)"#,
        |stage| stage.payload = b"abc".to_vec(),
        |_| {},
    ),
};

pub(super) static ICMPV4_HDR: Header = Header {
    name: "icmpv4.hdr",
    buffer: HeaderBuffer::Icmpv4,
    doc: "Sticky buffer: the ICMP header.",
    example: Example::staged(
        r#"alert icmp any any -> any any (icmpv4.hdr; content:"|08|"; startswith; sid:1;)"#,
        |_| {},
        |stage| stage.transport[0] = 13,
    ),
};

pub(super) static ICMPV6_HDR: Header = Header {
    name: "icmpv6.hdr",
    buffer: HeaderBuffer::Icmpv6,
    doc: "Sticky buffer: the ICMPv6 header.",
    example: Example::staged(
        r#"alert icmpv6 any any -> any any (icmpv6.hdr; content:"|80|"; startswith; sid:1;)"#,
        |_| {},
        |stage| stage.transport[0] = 129,
    ),
};

pub(super) static IP_SRC: Header = Header {
    name: "ip.src",
    buffer: HeaderBuffer::Source,
    doc: "Sticky buffer: the sender's address, four bytes of IPv4 or sixteen of IPv6.",
    example: Example::staged(
        r#"alert ip any any -> any any (ip.src; content:"|0a 00|"; startswith; sid:1;)"#,
        |stage| stage.network[12..16].copy_from_slice(&[10, 0, 0, 1]),
        |stage| stage.network[16..20].copy_from_slice(&[10, 0, 0, 1]),
    ),
};

pub(super) static IP_DST: Header = Header {
    name: "ip.dst",
    buffer: HeaderBuffer::Destination,
    doc: "Sticky buffer: the receiver's address, four bytes of IPv4 or sixteen of IPv6.",
    example: Example::staged(
        r#"alert icmpv6 any any -> any any (ip.dst; content:"|ff 02|"; startswith; sid:1;)"#,
        |stage| stage.network[24..26].copy_from_slice(&[0xff, 2]),
        |stage| stage.network[8..10].copy_from_slice(&[0xff, 2]),
    ),
};
