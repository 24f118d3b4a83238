//! Fields of ICMP messages: type, code, identifier, sequence number, and the MTU of "packet too big"
//! (Suricata documentation: "ICMP keywords").

use super::Example;
use super::number::NumberKeyword;
use crate::integer::IntegerMatch;
use crate::signature::Hint;
use crate::view::{Icmp, Transport, View};

fn message<'a>(view: &View<'a>) -> Option<Icmp<'a>> {
    match view.packet.transport {
        Transport::Icmpv4(message) | Transport::Icmpv6(message) => Some(message),
        _ => None,
    }
}

/// `itype`.
pub(super) static TYPE: NumberKeyword = NumberKeyword {
    name: "itype",
    doc: "The type of an ICMP or ICMPv6 message.",
    subject: "the ICMP type",
    max: u8::MAX as u64,
    read: |view| message(view).map(|message| message.kind().into()),
    hint: |form| match form {
        IntegerMatch::Equal(kind) => u8::try_from(kind).map_or(Hint::None, Hint::IcmpType),
        _ => Hint::None,
    },
    examples: &[
        Example::staged(
            "alert icmp any any -> any any (itype:8; sid:1;)",
            |stage| stage.transport[0] = 8,
            |stage| stage.transport[0] = 0,
        ),
        Example::staged(
            "alert icmpv6 any any -> any any (itype:133<>137; sid:1;)",
            |stage| stage.transport[0] = 135,
            |stage| stage.transport[0] = 128,
        ),
    ],
    refused: &["itype", "itype:echo", "itype:256", "itype:8,0"],
    ..NumberKeyword::ICMP
};

/// `icode`.
pub(super) static CODE: NumberKeyword = NumberKeyword {
    name: "icode",
    doc: "The code of an ICMP or ICMPv6 message, which refines its type.",
    subject: "the ICMP code",
    max: u8::MAX as u64,
    read: |view| message(view).map(|message| message.code().into()),
    examples: &[Example::staged(
        "alert icmp any any -> any any (itype:3; icode:>1; sid:1;)",
        |stage| stage.transport[..2].copy_from_slice(&[3, 3]),
        |stage| stage.transport[..2].copy_from_slice(&[3, 1]),
    )],
    refused: &["icode", "icode:host", "icode:256"],
    ..NumberKeyword::ICMP
};

/// Identifier and sequence number, of the messages that have them (RFC 792, RFC 950, RFC 4443 §4).
fn id_and_sequence(view: &View<'_>) -> Option<(u16, u16)> {
    match view.packet.transport {
        Transport::Icmpv4(message) if matches!(message.kind(), 0 | 8 | 13..=18) => message.id_and_sequence(),
        Transport::Icmpv6(message) if matches!(message.kind(), 128 | 129) => message.id_and_sequence(),
        _ => None,
    }
}

/// `icmp_id`.
pub(super) static ID: NumberKeyword = NumberKeyword {
    name: "icmp_id",
    doc: "The identifier of an ICMP or ICMPv6 echo, timestamp, information or address mask message.",
    subject: "the ICMP identifier",
    max: u16::MAX as u64,
    read: |view| id_and_sequence(view).map(|(id, _)| id.into()),
    examples: &[
        Example::staged(
            "alert icmp any any -> any any (icmp_id:512; sid:1;)",
            |stage| stage.transport[4..6].copy_from_slice(&[2, 0]),
            |stage| stage.transport[4..6].copy_from_slice(&[0, 2]),
        ),
        Example::staged(
            "alert icmp any any -> any any (icmp_id:0; sid:1;)",
            |stage| stage.transport[4..6].fill(0),
            |stage| {
                stage.transport[0] = 3;
                stage.transport[4..6].fill(0);
            },
        ),
    ],
    refused: &["icmp_id", "icmp_id:x", "icmp_id:65536"],
    ..NumberKeyword::ICMP
};

/// `icmp_seq`.
pub(super) static SEQUENCE: NumberKeyword = NumberKeyword {
    name: "icmp_seq",
    doc: "The sequence number of an ICMP or ICMPv6 echo, timestamp, information or address mask message.",
    subject: "the ICMP sequence number",
    max: u16::MAX as u64,
    read: |view| id_and_sequence(view).map(|(_, sequence)| sequence.into()),
    examples: &[Example::staged(
        "alert icmpv6 any any -> any any (icmp_seq:>100; sid:1;)",
        |stage| stage.transport[6..8].copy_from_slice(&[1, 0]),
        |stage| stage.transport[6..8].copy_from_slice(&[0, 1]),
    )],
    refused: &["icmp_seq", "icmp_seq:x", "icmp_seq:65536"],
    ..NumberKeyword::ICMP
};

/// `icmpv6.mtu`.
pub(super) static MTU: NumberKeyword = NumberKeyword {
    name: "icmpv6.mtu",
    doc: "The MTU in an ICMPv6 \"packet too big\" message.",
    subject: "the MTU",
    max: u32::MAX as u64,
    read: |view| match view.packet.transport {
        Transport::Icmpv6(message) if message.kind() == 2 => {
            let field = message.bytes().get(4..8)?;
            Some(u32::from_be_bytes(field.try_into().expect("four bytes")).into())
        }
        _ => None,
    },
    examples: &[Example::staged(
        "alert icmpv6 any any -> any any (icmpv6.mtu:<1280; sid:1;)",
        |stage| stage.transport = vec![2, 0, 0, 0, 0, 0, 4, 0xff],
        |stage| stage.transport = vec![2, 0, 0, 0, 0, 0, 5, 0],
    )],
    refused: &["icmpv6.mtu", "icmpv6.mtu:small", "icmpv6.mtu:4294967296"],
    ..NumberKeyword::ICMP
};
