//! SMB: requests that nobody answers, messages and files in the smallest of pieces, shares and files without end.

use super::{Attack, MIB, attacks, client, client_in_single_bytes, numbered, session};
use fixtures::TimedFrame;
use sensor::counter::Counter;

const PORT: u16 = 445;
const TREE_CONNECT: u16 = 3;
const CREATE: u16 = 5;
const READ: u16 = 8;
const WRITE: u16 = 9;
const ECHO: u16 = 13;

/// A packet of NetBIOS.
fn packet(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

/// A message of SMB 2.
fn message(command: u16, response: bool, id: usize, tree: usize, body: &[u8]) -> Vec<u8> {
    let mut message = vec![0; 64];
    message[..4].copy_from_slice(b"\xfeSMB");
    message[12..14].copy_from_slice(&command.to_le_bytes());
    message[16] = response.into();
    message[24..32].copy_from_slice(&(id as u64).to_le_bytes());
    message[36..40].copy_from_slice(&(tree as u32).to_le_bytes());
    message.extend_from_slice(body);
    message
}

/// A body of so many bytes with fields at their places, and what stands behind it.
fn body(len: usize, fields: &[(usize, &[u8])], behind: &[u8]) -> Vec<u8> {
    let mut body = vec![0; len];
    for (at, field) in fields {
        body[*at..*at + field.len()].copy_from_slice(field);
    }
    body.extend_from_slice(behind);
    body
}

fn text(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The request for a share.
fn tree_connect(id: usize, share: &str) -> Vec<u8> {
    let share = text(share);
    let len = (share.len() as u16).to_le_bytes();
    packet(&message(TREE_CONNECT, false, id, 0, &body(8, &[(4, &[72, 0]), (6, &len)], &share)))
}

/// The request for a file.
pub(super) fn create(id: usize, name: &str) -> Vec<u8> {
    let name = text(name);
    let len = (name.len() as u16).to_le_bytes();
    packet(&message(CREATE, false, id, 1, &body(56, &[(44, &[120, 0]), (46, &len)], &name)))
}

/// Data for a file.
fn write(id: usize, file: usize, offset: usize, data: &[u8]) -> Vec<u8> {
    let (len, offset) = ((data.len() as u32).to_le_bytes(), (offset as u64).to_le_bytes());
    let fields = [(2, &[112, 0][..]), (4, &len), (8, &offset), (16, &file.to_le_bytes())];
    packet(&message(WRITE, false, id, 1, &body(48, &fields, data)))
}

/// A session whose client says this.
fn said(bytes: &[u8]) -> Vec<TimedFrame> {
    client(PORT, bytes)
}

attacks! {
    /// Requests that nobody answers.
    requests_without_an_answer = Attack {
        frames: |count| said(&numbered(count, |id| packet(&message(ECHO, false, id, 0, &[4, 0, 0, 0])))),
        some: 5_000,
        all: 500_000,
        held: 2 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &["smb.too_many_transactions"],
    };
    /// Requests that nobody answers, each in a segment of its own.
    requests_without_an_answer_in_segments = Attack {
        frames: |count| {
            let echo = |id| packet(&message(ECHO, false, id, 0, &[4, 0, 0, 0]));
            session(PORT).client(&numbered(count, echo)).close().cut(72).frames()
        },
        some: 1_000,
        all: 200_000,
        held: 2 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &[],
    };
    /// Shares that are asked for, each by another name.
    shares = Attack {
        frames: |count| said(&numbered(count, |id| tree_connect(id, &format!("\\\\server\\share{id}")))),
        some: 1_500,
        all: 200_000,
        held: 4 * MIB,
        counted: &[Counter::TransactionsCutShort, Counter::TransactionPartsRefused],
        told: &[],
    };
    /// Files that are opened with the longest of names, and answered.
    files = Attack {
        frames: |count| {
            let name = "x".repeat(1_000);
            (0..count)
                .fold(session(PORT), |session, id| {
                    let opened = body(88, &[(64, &id.to_le_bytes())], &[]);
                    session.client(&create(id, &name)).server(&packet(&message(CREATE, true, id, 1, &opened)))
                })
                .close()
                .frames()
        },
        some: 600,
        all: 50_000,
        held: 8 * MIB,
        counted: &[Counter::TransactionPartsRefused],
        told: &[],
    };
    /// Data of a byte for one file.
    writes_of_a_byte = Attack {
        frames: |count| said(&numbered(count, |id| write(id, 1, id, b"x"))),
        some: 1_000,
        all: 500_000,
        held: 2 * MIB,
        counted: &[],
        told: &[],
    };
    /// Data of a byte for one file, the last first.
    writes_backwards = Attack {
        frames: |count| said(&numbered(count, |id| write(id, 1, 2 * (count - id), b"x"))),
        some: 1_000,
        all: 500_000,
        held: 4 * MIB,
        counted: &[],
        told: &[],
    };
    /// Data of a byte, each for another file.
    writes_to_many_files = Attack {
        frames: |count| said(&numbered(count, |id| write(id, id, 0, b"x"))),
        some: 1_000,
        all: 200_000,
        held: 4 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &[],
    };
    /// Reading that nobody answers.
    reads_without_an_answer = Attack {
        frames: |count| said(&numbered(count, |id| packet(&message(READ, false, id, 1, &[0; 49])))),
        some: 5_000,
        all: 500_000,
        held: 2 * MIB,
        counted: &[Counter::TransactionPartsRefused],
        told: &[],
    };
    /// Packets of as many messages as they can hold.
    compounds = Attack {
        frames: |count| {
            let mut one = message(ECHO, false, 1, 0, &[4, 0, 0, 0, 0, 0, 0, 0]);
            one[20] = 72;
            said(&packet(&one.repeat(10_000)).repeat(count))
        },
        some: 1,
        all: 50,
        held: 4 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &[],
    };
    /// A message of the greatest length that is read whole, in small segments.
    a_long_message_in_segments = Attack {
        frames: |len| {
            let request = packet(&message(TREE_CONNECT, false, 1, 0, &vec![0; len]));
            session(PORT).client(&request).close().cut(20).frames()
        },
        some: 50_000,
        all: 1_000_000,
        held: 4 * MIB,
        counted: &[],
        told: &[],
    };
    /// Bytes of one file, a byte in a segment.
    a_file_in_single_bytes = Attack {
        frames: |len| client_in_single_bytes(PORT, &write(1, 1, 0, &vec![b'x'; len])),
        some: 4_000,
        all: 200_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Data that wait for those before them, in file after file.
    files_with_holes = Attack {
        frames: |count| said(&numbered(count, |id| write(id, id, 1, &[b'x'; 100_000]))),
        some: 60,
        all: 3_000,
        held: 8 * MIB,
        counted: &[Counter::TransactionPartsRefused],
        told: &["smb.write_queue_size_exceeded"],
    };
    /// Units of calls that are never whole, in pipe after pipe.
    pipes_with_cut_units = Attack {
        frames: |count| {
            let unit = [&[5, 0, 0, 1, 0x10, 0, 0, 0][..], &65_000u16.to_le_bytes(), &[0; 60_000]].concat();
            said(&numbered(count, |id| write(id, id, 0, &unit)))
        },
        some: 80,
        all: 2_000,
        held: 8 * MIB,
        counted: &[Counter::TransactionPartsRefused],
        told: &[],
    };
    /// Calls over a pipe that are never whole.
    calls_without_an_end = Attack {
        frames: |count| {
            let call = |id: usize| {
                let stub = [&[5, 0, 0, 1, 0x10, 0, 0, 0][..], &1_024u16.to_le_bytes(), &[0; 2], &(id as u32).to_le_bytes(), &[7; 1_008]];
                write(id, 1, 0, &stub.concat())
            };
            said(&numbered(count, call))
        },
        some: 1_000,
        all: 50_000,
        held: 8 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &[],
    };
}
