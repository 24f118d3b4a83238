//! Numbers of the TCP header and its options (Suricata documentation: "TCP keywords").

use super::Example;
use super::number::NumberKeyword;
use crate::view::{Tcp, TcpOption, Transport, View};

fn header<'a>(view: &View<'a>) -> Option<Tcp<'a>> {
    match view.packet.transport {
        Transport::Tcp(header) => Some(header),
        _ => None,
    }
}

/// `tcp.seq`.
pub(super) static SEQUENCE: NumberKeyword = NumberKeyword {
    name: "tcp.seq",
    aliases: &["seq"],
    doc: "The sequence number of a TCP segment.",
    subject: "the sequence number",
    max: u32::MAX as u64,
    read: |view| header(view).map(|header| header.sequence().into()),
    examples: &[Example::staged(
        "alert tcp any any -> any any (seq:674711609; sid:1;)",
        |stage| stage.transport[4..8].copy_from_slice(&674_711_609_u32.to_be_bytes()),
        |stage| stage.transport[8..12].copy_from_slice(&674_711_609_u32.to_be_bytes()),
    )],
    refused: &["seq", "seq:x", "seq:4294967296"],
    ..NumberKeyword::TCP
};

/// `tcp.ack`.
pub(super) static ACKNOWLEDGEMENT: NumberKeyword = NumberKeyword {
    name: "tcp.ack",
    aliases: &["ack"],
    doc: "The acknowledgement number of a TCP segment.",
    subject: "the acknowledgement number",
    max: u32::MAX as u64,
    read: |view| header(view).map(|header| header.acknowledgement().into()),
    examples: &[Example::staged(
        "alert tcp any any -> any any (ack:0; sid:1;)",
        |stage| stage.transport[8..12].fill(0),
        |stage| stage.transport[11] = 1,
    )],
    refused: &["ack", "ack:x", "ack:4294967296"],
    ..NumberKeyword::TCP
};

/// `tcp.window`.
pub(super) static WINDOW: NumberKeyword = NumberKeyword {
    name: "tcp.window",
    aliases: &["window"],
    doc: "The window of a TCP segment, unscaled.",
    subject: "the TCP window",
    max: u16::MAX as u64,
    read: |view| header(view).map(|header| header.window().into()),
    examples: &[Example::staged(
        "alert tcp any any -> any any (window:!55808; sid:1;)",
        |stage| stage.transport[14..16].copy_from_slice(&[0, 1]),
        |stage| stage.transport[14..16].copy_from_slice(&55_808_u16.to_be_bytes()),
    )],
    refused: &["window", "window:x", "window:65536"],
    ..NumberKeyword::TCP
};

/// `tcp.mss`.
pub(super) static MAXIMUM_SEGMENT_SIZE: NumberKeyword = NumberKeyword {
    name: "tcp.mss",
    doc: "The maximum segment size that a TCP segment announces.",
    subject: "the maximum segment size",
    max: u16::MAX as u64,
    read: |view| {
        header(view)?.option_list().find_map(|option| match option {
            TcpOption::MaximumSegmentSize(size) => Some(size.into()),
            _ => None,
        })
    },
    examples: &[Example::staged(
        "alert tcp any any -> any any (tcp.mss:<536; sid:1;)",
        |stage| stage.transport.extend_from_slice(&[2, 4, 2, 0]),
        |_| {},
    )],
    refused: &["tcp.mss", "tcp.mss:small", "tcp.mss:65536", "tcp.mss:500-400"],
    ..NumberKeyword::TCP
};

/// `tcp.wscale`.
pub(super) static WINDOW_SCALE: NumberKeyword = NumberKeyword {
    name: "tcp.wscale",
    doc: "The window scale that a TCP segment announces, a shift count.",
    subject: "the window scale",
    max: u8::MAX as u64,
    read: |view| {
        header(view)?.option_list().find_map(|option| match option {
            TcpOption::WindowScale(shift) => Some(shift.into()),
            _ => None,
        })
    },
    examples: &[Example::staged(
        "alert tcp any any -> any any (tcp.wscale:>10; sid:1;)",
        |stage| stage.transport.extend_from_slice(&[3, 3, 14, 0]),
        |stage| stage.transport.extend_from_slice(&[3, 3, 10, 0]),
    )],
    refused: &["tcp.wscale", "tcp.wscale:x", "tcp.wscale:256"],
    ..NumberKeyword::TCP
};
