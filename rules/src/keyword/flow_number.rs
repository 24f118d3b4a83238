//! How long, how large and how busy a flow is (Suricata documentation: "Flow Keywords").

use super::Example;
use super::number::NumberKeyword;

/// `flow.age`.
pub(super) static AGE: NumberKeyword = NumberKeyword {
    name: "flow.age",
    doc: "Whole seconds from the flow's first packet to this one.",
    subject: "the flow's age in seconds",
    max: u32::MAX as u64,
    read: |view| view.flow.map(|flow| flow.age_ns / 1_000_000_000),
    examples: &[Example::staged(
        "alert tcp any any -> any any (flow.age:>=3; sid:1;)",
        |stage| stage.flow.age_ns = 3_000_000_000,
        |stage| stage.flow.age_ns = 2_999_999_999,
    )],
    refused: &["flow.age", "flow.age:long", "flow.age:4294967296"],
    ..NumberKeyword::FLOW
};

/// `flow.pkts_toserver`.
pub(super) static PACKETS_TO_SERVER: NumberKeyword = NumberKeyword {
    name: "flow.pkts_toserver",
    doc: "Packets of the flow to the server so far, this one included.",
    subject: "the number of packets to the server",
    max: u32::MAX as u64,
    read: |view| view.flow.map(|flow| flow.packets_to_server),
    examples: &[Example::staged(
        "alert tcp any any -> any any (flow.pkts_toserver:10; sid:1;)",
        |stage| stage.flow.packets_to_server = 10,
        |stage| stage.flow.packets_to_server = 11,
    )],
    refused: &["flow.pkts_toserver", "flow.pkts_toserver:many"],
    ..NumberKeyword::FLOW
};

/// `flow.pkts_toclient`.
pub(super) static PACKETS_TO_CLIENT: NumberKeyword = NumberKeyword {
    name: "flow.pkts_toclient",
    doc: "Packets of the flow to the client so far, this one included.",
    subject: "the number of packets to the client",
    max: u32::MAX as u64,
    read: |view| view.flow.map(|flow| flow.packets_to_client),
    examples: &[Example::staged(
        "alert tcp any any -> any any (flow.pkts_toclient:<2; sid:1;)",
        |stage| stage.flow.packets_to_client = 1,
        |stage| stage.flow.packets_to_client = 2,
    )],
    refused: &["flow.pkts_toclient", "flow.pkts_toclient:many"],
    ..NumberKeyword::FLOW
};

/// `flow.bytes_toserver`.
pub(super) static BYTES_TO_SERVER: NumberKeyword = NumberKeyword {
    name: "flow.bytes_toserver",
    doc: "Bytes of the flow's frames to the server so far, this one included.",
    subject: "the number of bytes to the server",
    max: u64::MAX,
    read: |view| view.flow.map(|flow| flow.bytes_to_server),
    examples: &[Example::staged(
        "alert tcp any any -> any any (flow.bytes_toserver:>3000; sid:1;)",
        |stage| stage.flow.bytes_to_server = 3001,
        |stage| stage.flow.bytes_to_server = 3000,
    )],
    refused: &["flow.bytes_toserver", "flow.bytes_toserver:lots"],
    ..NumberKeyword::FLOW
};

/// `flow.bytes_toclient`.
pub(super) static BYTES_TO_CLIENT: NumberKeyword = NumberKeyword {
    name: "flow.bytes_toclient",
    doc: "Bytes of the flow's frames to the client so far, this one included.",
    subject: "the number of bytes to the client",
    max: u64::MAX,
    read: |view| view.flow.map(|flow| flow.bytes_to_client),
    examples: &[Example::staged(
        "alert tcp any any -> any any (flow.bytes_toclient:>1MB; sid:1;)",
        |stage| stage.flow.bytes_to_client = 1 << 21,
        |stage| stage.flow.bytes_to_client = 1 << 20,
    )],
    refused: &["flow.bytes_toclient", "flow.bytes_toclient:lots"],
    ..NumberKeyword::FLOW
};
