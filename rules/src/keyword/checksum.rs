//! Whether a checksum is right: `ipv4-csum`, `tcpv4-csum` and the like.

use super::example::Stage;
use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::signature::{Condition, HeaderBuffer};
use crate::view::checksum::{self, ChecksumState};
use crate::view::{Network, Packet, Transport, View};
use std::fmt;

/// A checksum that rules ask about: `valid` or `invalid`. A packet without it is neither.
pub(super) struct ChecksumKeyword {
    name: &'static str,
    doc: &'static str,
    /// What the checksum is of.
    subject: &'static str,
    header: &'static [HeaderBuffer; 1],
    state: fn(&Packet<'_>) -> ChecksumState,
    examples: &'static [Example],
    refused: &'static [&'static str],
}

/// `ipv4-csum`.
pub(super) static IPV4: ChecksumKeyword = ChecksumKeyword {
    name: "ipv4-csum",
    doc: "Whether the checksum of the IPv4 header is `valid` or `invalid`.",
    subject: "the IPv4 header",
    header: &[HeaderBuffer::Ipv4],
    state: checksum::ipv4,
    examples: &[Example::staged("alert ip any any -> any any (ipv4-csum:invalid; sid:1;)", wrong, |_| {})],
    refused: &["ipv4-csum", "ipv4-csum:wrong"],
};

/// `tcpv4-csum`.
pub(super) static TCP_V4: ChecksumKeyword = ChecksumKeyword {
    name: "tcpv4-csum",
    doc: "Whether the checksum of TCP over IPv4 is `valid` or `invalid`.",
    subject: "TCP over IPv4",
    header: &[HeaderBuffer::Tcp],
    state: |packet| transport(packet, is_v4(packet) && matches!(packet.transport, Transport::Tcp(_))),
    examples: &[
        Example::staged("alert tcp any any -> any any (tcpv4-csum:invalid; sid:1;)", wrong, |_| {}),
        Example::staged("alert tcp any any -> any any (tcpv4-csum:valid; sid:1;)", |_| {}, over_v6),
    ],
    refused: &["tcpv4-csum", "tcpv4-csum:wrong"],
};

/// `tcpv6-csum`.
pub(super) static TCP_V6: ChecksumKeyword = ChecksumKeyword {
    name: "tcpv6-csum",
    doc: "Whether the checksum of TCP over IPv6 is `valid` or `invalid`.",
    subject: "TCP over IPv6",
    header: &[HeaderBuffer::Tcp],
    state: |packet| transport(packet, is_v6(packet) && matches!(packet.transport, Transport::Tcp(_))),
    examples: &[Example::staged(
        "alert tcp any any -> any any (tcpv6-csum:invalid; sid:1;)",
        wrong_over_v6,
        over_v6,
    )],
    refused: &["tcpv6-csum", "tcpv6-csum:wrong"],
};

/// `udpv4-csum`.
pub(super) static UDP_V4: ChecksumKeyword = ChecksumKeyword {
    name: "udpv4-csum",
    doc: "Whether the checksum of UDP over IPv4 is `valid` or `invalid`; a packet sent without one is neither.",
    subject: "UDP over IPv4",
    header: &[HeaderBuffer::Udp],
    state: |packet| transport(packet, is_v4(packet) && matches!(packet.transport, Transport::Udp(_))),
    examples: &[Example::staged("alert udp any any -> any any (udpv4-csum:invalid; sid:1;)", wrong, |_| {})],
    refused: &["udpv4-csum", "udpv4-csum:wrong"],
};

/// `udpv6-csum`.
pub(super) static UDP_V6: ChecksumKeyword = ChecksumKeyword {
    name: "udpv6-csum",
    doc: "Whether the checksum of UDP over IPv6 is `valid` or `invalid`.",
    subject: "UDP over IPv6",
    header: &[HeaderBuffer::Udp],
    state: |packet| transport(packet, is_v6(packet) && matches!(packet.transport, Transport::Udp(_))),
    examples: &[Example::staged(
        "alert udp any any -> any any (udpv6-csum:invalid; sid:1;)",
        wrong_over_v6,
        over_v6,
    )],
    refused: &["udpv6-csum", "udpv6-csum:wrong"],
};

/// `icmpv4-csum`.
pub(super) static ICMP_V4: ChecksumKeyword = ChecksumKeyword {
    name: "icmpv4-csum",
    doc: "Whether the checksum of an ICMP message is `valid` or `invalid`.",
    subject: "ICMP",
    header: &[HeaderBuffer::Icmpv4],
    state: |packet| transport(packet, matches!(packet.transport, Transport::Icmpv4(_))),
    examples: &[Example::staged(
        "alert icmp any any -> any any (icmpv4-csum:invalid; sid:1;)",
        wrong,
        |_| {},
    )],
    refused: &["icmpv4-csum", "icmpv4-csum:wrong"],
};

/// `icmpv6-csum`.
pub(super) static ICMP_V6: ChecksumKeyword = ChecksumKeyword {
    name: "icmpv6-csum",
    doc: "Whether the checksum of an ICMPv6 message is `valid` or `invalid`.",
    subject: "ICMPv6",
    header: &[HeaderBuffer::Icmpv6],
    state: |packet| transport(packet, matches!(packet.transport, Transport::Icmpv6(_))),
    examples: &[Example::staged(
        "alert icmpv6 any any -> any any (icmpv6-csum:invalid; sid:1;)",
        wrong,
        |_| {},
    )],
    refused: &["icmpv6-csum", "icmpv6-csum:wrong"],
};

fn transport(packet: &Packet<'_>, asked: bool) -> ChecksumState {
    if asked { checksum::transport(packet) } else { ChecksumState::Absent }
}

fn is_v4(packet: &Packet<'_>) -> bool {
    matches!(packet.network, Network::V4(_))
}

fn is_v6(packet: &Packet<'_>) -> bool {
    matches!(packet.network, Network::V6(_))
}

fn wrong(stage: &mut Stage) {
    stage.checksums_valid = false;
}

/// Puts the transport of an example over IPv6.
fn over_v6(stage: &mut Stage) {
    let protocol = stage.network[9];
    stage.network = vec![0x60, 0, 0, 0, 0, 0, protocol, 64];
    stage.network.extend_from_slice(&[0x20; 16]);
    stage.network.extend_from_slice(&[0x21; 16]);
}

fn wrong_over_v6(stage: &mut Stage) {
    over_v6(stage);
    wrong(stage);
}

impl fmt::Debug for ChecksumKeyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Keyword for ChecksumKeyword {
    fn name(&self) -> &'static str {
        self.name
    }

    fn doc(&self) -> &'static str {
        self.doc
    }

    fn examples(&self) -> Vec<Example> {
        self.examples.to_vec()
    }

    fn refused(&self) -> &'static [&'static str] {
        self.refused
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let text = argument.string()?;
        let wanted = match text.to_ascii_lowercase().as_str() {
            "valid" => ChecksumState::Valid,
            "invalid" => ChecksumState::Invalid,
            _ => {
                return Err(argument
                    .error("bad-checksum-state", format!("no checksum is `{text}`"))
                    .with_help(format!("write `{0}:valid;` or `{0}:invalid;`", self.name)));
            }
        };
        let Self { subject, header, state, .. } = *self;
        draft.conditions.push(Box::new(Checksum { subject, header, state, wanted }));
        Ok(())
    }
}

struct Checksum {
    subject: &'static str,
    header: &'static [HeaderBuffer; 1],
    state: fn(&Packet<'_>) -> ChecksumState,
    wanted: ChecksumState,
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({}, {:?})", self.subject, self.wanted)
    }
}

impl Condition for Checksum {
    fn holds(&self, view: &View<'_>) -> bool {
        (self.state)(view.packet) == self.wanted
    }

    fn headers(&self) -> &'static [HeaderBuffer] {
        self.header
    }

    fn explain(&self) -> String {
        let word = if self.wanted == ChecksumState::Valid { "right" } else { "wrong" };
        format!("the checksum of {} is {word}", self.subject)
    }
}
