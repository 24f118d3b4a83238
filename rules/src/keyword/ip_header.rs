//! Fields of the IP header (Suricata documentation: "IP Keywords").

use super::number::NumberKeyword;
use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::signature::Condition;
use crate::view::{Ipv6, Network, View};

/// `ttl`.
pub(super) static TTL: NumberKeyword = NumberKeyword {
    name: "ttl",
    doc: "The time to live of an IPv4 packet, the hop limit of an IPv6 packet.",
    subject: "the time to live",
    max: u8::MAX as u64,
    read: |view| match view.packet.network {
        Network::V4(header) => Some(header.ttl().into()),
        Network::V6(header) => Some(header.hop_limit().into()),
        Network::None => None,
    },
    examples: &[
        Example::staged(
            "alert ip any any -> any any (ttl:<10; sid:1;)",
            |stage| stage.network[8] = 9,
            |stage| stage.network[8] = 10,
        ),
        Example::staged(
            "alert icmpv6 any any -> any any (ttl:255; sid:1;)",
            |stage| stage.network[7] = 255,
            |stage| stage.network[7] = 64,
        ),
    ],
    refused: &["ttl", "ttl:x", "ttl:256", "ttl:=<5", "ttl:5-3"],
    ..NumberKeyword::PACKET
};

/// `tos`.
pub(super) static TOS: NumberKeyword = NumberKeyword {
    name: "tos",
    doc: "The type of service of an IPv4 packet: DSCP and ECN in one byte.",
    subject: "the type of service",
    max: u8::MAX as u64,
    read: |view| match view.packet.network {
        Network::V4(header) => Some(header.tos().into()),
        _ => None,
    },
    examples: &[Example::staged(
        "alert ip any any -> any any (tos:!0; tos:!8; sid:1;)",
        |stage| stage.network[1] = 16,
        |stage| stage.network[1] = 8,
    )],
    refused: &["tos", "tos:low", "tos:256"],
    ..NumberKeyword::IPV4
};

/// `id`.
pub(super) static ID: NumberKeyword = NumberKeyword {
    name: "id",
    doc: "The identification of an IPv4 packet, which its fragments share.",
    subject: "the IP identification",
    max: u16::MAX as u64,
    read: |view| match view.packet.network {
        Network::V4(header) => Some(header.id().into()),
        _ => None,
    },
    examples: &[Example::staged(
        "alert ip any any -> any any (id:1; sid:1;)",
        |stage| stage.network[4..6].copy_from_slice(&[0, 1]),
        |stage| stage.network[4..6].copy_from_slice(&[1, 0]),
    )],
    refused: &["id", "id:x", "id:65536"],
    ..NumberKeyword::IPV4
};

/// `fragoffset`.
pub(super) static FRAGMENT_OFFSET: NumberKeyword = NumberKeyword {
    name: "fragoffset",
    doc: "Where a fragment's payload begins in the whole packet's, in units of eight bytes.",
    subject: "the fragment offset",
    max: u16::MAX as u64,
    read: |view| match view.packet.network {
        Network::V4(header) => Some(header.fragment_offset().into()),
        Network::V6(header) => ipv6_fragment_offset(&header).map(u64::from),
        Network::None => None,
    },
    examples: &[
        Example::staged(
            "alert ip any any -> any any (fragoffset:>0; sid:1;)",
            |stage| stage.network[6..8].copy_from_slice(&[0x20, 1]),
            |stage| stage.network[6..8].copy_from_slice(&[0x20, 0]),
        ),
        Example::staged(
            "alert ip any any -> any any (fragoffset:2; sid:1;)",
            |stage| put_ipv6_fragment(&mut stage.network, 2),
            |stage| put_ipv6_fragment(&mut stage.network, 1),
        ),
    ],
    refused: &["fragoffset", "fragoffset:first", "fragoffset:65536"],
    ..NumberKeyword::PACKET
};

/// Makes an IPv6 header of it, with a fragment header for that offset.
fn put_ipv6_fragment(network: &mut Vec<u8>, offset: u16) {
    network.clear();
    network.extend_from_slice(&[0x60, 0, 0, 0, 0, 0, FRAGMENT, 64]);
    network.resize(Ipv6::MIN_LEN, 1);
    network.extend_from_slice(&[59, 0]);
    network.extend_from_slice(&(offset << 3).to_be_bytes());
    network.extend_from_slice(&[0; 4]);
}

/// The fragment header's number (RFC 8200 §4.5).
const FRAGMENT: u8 = 44;

/// The offset in a fragment header, if there is one among the extension headers (RFC 8200 §4).
fn ipv6_fragment_offset(header: &Ipv6<'_>) -> Option<u16> {
    let mut kind = header.next_header();
    let mut rest = header.extensions();
    while let [next, len, ..] = *rest {
        let len = match kind {
            FRAGMENT => return rest.get(2..4).map(|field| u16::from_be_bytes([field[0], field[1]]) >> 3),
            // An authentication header counts in units of four bytes (RFC 4302 §2.2).
            51 => (usize::from(len) + 2) * 4,
            _ => (usize::from(len) + 1) * 8,
        };
        kind = next;
        rest = rest.get(len..)?;
    }
    None
}

/// `sameip` (Suricata documentation: "IP Keywords", sameip).
#[derive(Debug)]
pub(super) struct SameIp;

impl Keyword for SameIp {
    fn name(&self) -> &'static str {
        "sameip"
    }

    fn doc(&self) -> &'static str {
        "Sender and receiver have the same address."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::staged(
            "alert ip any any -> any any (sameip; sid:1;)",
            |stage| stage.network.copy_within(12..16, 16),
            |_| {},
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["sameip:yes"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        argument.none()?;
        draft.conditions.push(Box::new(SameAddress));
        Ok(())
    }
}

#[derive(Debug)]
struct SameAddress;

impl Condition for SameAddress {
    fn holds(&self, view: &View<'_>) -> bool {
        view.packet.is_ip() && view.packet.source == view.packet.destination
    }

    fn explain(&self) -> String {
        "sender and receiver have the same address".to_owned()
    }
}
