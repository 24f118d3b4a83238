//! DCE/RPC: calls in the smallest of fragments, calls without an end, offers that nobody answers.

use super::{Attack, MIB, attacks, client, client_in_single_bytes, datagrams, numbered, session};
use fixtures::TimedFrame;
use sensor::counter::Counter;

const PORT: u16 = 135;
const REQUEST: u8 = 0;
const BIND: u8 = 11;
const BIND_ACK: u8 = 12;
const FIRST: u8 = 1;
const LAST: u8 = 2;

fn unit(kind: u8, flags: u8, call: usize, body: &[u8]) -> Vec<u8> {
    let len = (16 + body.len()) as u16;
    [&[5, 0, kind, flags, 0x10, 0, 0, 0][..], &len.to_le_bytes(), &[0; 2], &(call as u32).to_le_bytes(), body]
        .concat()
}

fn request(flags: u8, call: usize, stub: &[u8]) -> Vec<u8> {
    unit(REQUEST, flags, call, &[&[0; 8], stub].concat())
}

/// An offer of so many interfaces, with contexts from `first` on.
fn bind(count: u8, first: usize) -> Vec<u8> {
    let contexts = numbered(count.into(), |at| {
        [&((first + at) as u16).to_le_bytes()[..], &[1, 0], &[at as u8; 16], &[3, 0, 0, 0], &[0; 20]].concat()
    });
    unit(BIND, FIRST | LAST, 1, &[&[0; 8][..], &[count, 0, 0, 0], &contexts].concat())
}

fn bind_ack(count: u8) -> Vec<u8> {
    unit(
        BIND_ACK,
        FIRST | LAST,
        1,
        &[&[0; 12][..], &[count, 0, 0, 0], &[0; 24].repeat(count.into())].concat(),
    )
}

fn units(bytes: &[u8]) -> Vec<TimedFrame> {
    client(PORT, &[&bind(1, 0)[..], bytes].concat())
}

attacks! {
    /// A call in fragments of a byte.
    fragments_of_a_byte = Attack {
        frames: |count| units(&[request(FIRST, 2, b"x"), request(0, 2, b"x").repeat(count)].concat()),
        some: 10_000,
        all: 1_000_000,
        held: 3 * MIB,
        counted: &[],
        told: &[],
    };
    /// A call in fragments of a byte, each in a segment of its own.
    fragments_in_segments = Attack {
        frames: |count| {
            let said = [bind(1, 0), request(FIRST, 2, b"x"), request(0, 2, b"x").repeat(count)].concat();
            session(PORT).client(&said).close().cut(25).frames()
        },
        some: 2_000,
        all: 200_000,
        held: 3 * MIB,
        counted: &[],
        told: &[],
    };
    /// A call that is larger than what is kept of one.
    a_long_call = Attack {
        frames: |count| units(&[request(FIRST, 2, b"x"), request(0, 2, &[7; 4_000]).repeat(count)].concat()),
        some: 300,
        all: 5_000,
        held: 4 * MIB,
        counted: &[Counter::TransactionPartsRefused],
        told: &[],
    };
    /// Calls that are never whole.
    calls_without_an_end = Attack {
        frames: |count| units(&numbered(count, |call| request(FIRST, call, &[7; 1_000]))),
        some: 1_500,
        all: 50_000,
        held: 8 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &[],
    };
    /// Large calls that are never whole.
    large_calls_without_an_end = Attack {
        frames: |count| units(&numbered(count, |call| request(FIRST, call, &[7; 60_000]))),
        some: 150,
        all: 2_000,
        held: 8 * MIB,
        counted: &[Counter::TransactionPartsRefused],
        told: &[],
    };
    /// Offers of interfaces that are taken up.
    interfaces = Attack {
        frames: |count| {
            (0..count)
                .fold(session(PORT), |session, at| session.client(&bind(60, 60 * at)).server(&bind_ack(60)))
                .close()
                .frames()
        },
        some: 100,
        all: 5_000,
        held: MIB,
        counted: &[Counter::TransactionPartsRefused],
        told: &[],
    };
    /// A unit of the greatest length, a byte in a segment.
    a_unit_in_single_bytes = Attack {
        frames: |len| {
            let said = [bind(1, 0), request(FIRST, 2, &vec![7; len])].concat();
            client_in_single_bytes(PORT, &said)
        },
        some: 4_000,
        all: 65_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Calls in datagrams that are never whole.
    datagrams_without_an_end = Attack {
        frames: |count| {
            datagrams(PORT, (0..count).map(|call| {
                let mut header = vec![4, 0, 4, 0, 0x10, 0, 0, 0];
                header.resize(80, 0);
                header[64..68].copy_from_slice(&(call as u32).to_le_bytes());
                header[74..76].copy_from_slice(&1_000u16.to_le_bytes());
                [header, vec![7; 1_000]].concat()
            }))
        },
        some: 800,
        all: 100_000,
        held: 8 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &[],
    };
}
