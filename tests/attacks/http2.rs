//! HTTP/2: floods of frames, header blocks without end, and little that becomes much.

use super::{Attack, MIB, attacks, client, client_in_single_bytes, numbered};
use fixtures::TimedFrame;
use sensor::counter::Counter;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PORT: u16 = 8080;
/// A request, of fields of the static table.
pub(super) const REQUEST: &[u8] = &[0x82, 0x84, 0x86, 0x41, 1, b'a'];
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

pub(super) fn frame(kind: u8, flags: u8, stream: usize, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &(stream as u32).to_be_bytes(), payload].concat()
}

/// The number of the client's streams, from 0 on.
fn stream(number: usize) -> usize {
    2 * number + 1
}

/// A connection on which the client says this behind its preface.
fn connection(frames: &[u8]) -> Vec<TimedFrame> {
    client(PORT, &[PREFACE, &frame(SETTINGS, 0, 0, &[]), frames].concat())
}

attacks! {
    /// Streams that are opened and reset at once (CVE-2023-44487).
    rapid_resets = Attack {
        frames: |count| {
            connection(&numbered(count, |number| {
                let opened = frame(HEADERS, END_HEADERS, stream(number), REQUEST);
                [opened, frame(RST_STREAM, 0, stream(number), &8u32.to_be_bytes())].concat()
            }))
        },
        some: 1_000,
        all: 500_000,
        held: 4 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &["http2.too_many_streams"],
    };
    /// A header block that goes on and on (CVE-2024-27316).
    continuations = Attack {
        frames: |count| {
            let rest = frame(CONTINUATION, 0, 1, &[0x82; 1000]).repeat(count);
            connection(&[frame(HEADERS, 0, 1, REQUEST), rest].concat())
        },
        some: 200,
        all: 20_000,
        held: MIB,
        counted: &[Counter::TransactionPartsRefused],
        told: &["http2.reassembly_limit_reached"],
    };
    /// A header block that goes on with nothing.
    empty_continuations = Attack {
        frames: |count| {
            let rest = frame(CONTINUATION, 0, 1, &[]).repeat(count);
            connection(&[frame(HEADERS, 0, 1, REQUEST), rest].concat())
        },
        some: 33_000,
        all: 2_000_000,
        held: MIB,
        counted: &[Counter::TransactionPartsRefused],
        told: &["http2.too_many_frames"],
    };
    /// Header blocks that repeat a long field of the table.
    repeated_fields = Attack {
        frames: |count| {
            let field = [&[0x40, 1, b'n', 0x7f, 0xa1, 0x1e][..], &[b'v'; 4_000]].concat();
            let first = frame(HEADERS, END_HEADERS, 1, &[REQUEST, &field].concat());
            let block = [REQUEST, &[0xbe; 60]].concat();
            let others = numbered(count, |number| frame(HEADERS, END_HEADERS, stream(number + 1), &block));
            connection(&[first, others].concat())
        },
        some: 400,
        all: 100_000,
        held: 4 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &[],
    };
    /// A block that becomes more than is taken of one.
    a_bomb_of_fields = Attack {
        frames: |count| {
            let field = [&[0x40, 1, b'n', 0x7f, 0xa1, 0x1e][..], &[b'v'; 4_000]].concat();
            let block = [REQUEST, &field, &vec![0xbe; count]].concat();
            connection(&frame(HEADERS, END_HEADERS, 1, &block))
        },
        some: 2_000,
        all: 12_000,
        held: MIB,
        counted: &[Counter::AppMalformed],
        told: &["http2.compression_bomb"],
    };
    /// Settings that no other frame has had.
    settings = Attack {
        frames: |count| {
            connection(&numbered(count, |number| {
                let setting = [&[0, 4][..], &(number as u32).to_be_bytes()].concat();
                frame(SETTINGS, 0, 0, &setting.repeat(100))
            }))
        },
        some: 1_000,
        all: 50_000,
        held: 2 * MIB,
        counted: &[],
        told: &[],
    };
    /// Pings.
    pings = Attack {
        frames: |count| connection(&frame(PING, 0, 0, &[7; 8]).repeat(count)),
        some: 2_000,
        all: 1_000_000,
        held: 2 * MIB,
        counted: &[],
        told: &[],
    };
    /// Windows of one stream, each of another size.
    windows = Attack {
        frames: |count| {
            let updates = numbered(count, |number| frame(WINDOW_UPDATE, 0, 1, &(number as u32 + 1).to_be_bytes()));
            connection(&[frame(HEADERS, END_HEADERS, 1, REQUEST), updates].concat())
        },
        some: 5_000,
        all: 2_000_000,
        held: MIB,
        counted: &[Counter::TransactionPartsRefused],
        told: &[],
    };
    /// DATA of a byte in each frame.
    data_of_a_byte = Attack {
        frames: |count| {
            let data = frame(DATA, 0, 1, b"x").repeat(count);
            connection(&[frame(HEADERS, END_HEADERS, 1, REQUEST), data].concat())
        },
        some: 3_000,
        all: 2_000_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// A header block, a byte in a segment.
    a_block_in_single_bytes = Attack {
        frames: |len| {
            let block = [REQUEST, &[0x82].repeat(len)].concat();
            let said = [PREFACE, &frame(HEADERS, END_HEADERS, 1, &block)].concat();
            client_in_single_bytes(PORT, &said)
        },
        some: 450,
        all: 900,
        held: MIB,
        counted: &[],
        told: &[],
    };
}
