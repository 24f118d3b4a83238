//! FTP: lines without end, commands that nobody answers, data connections that nobody opens.

use super::{Attack, MIB, attacks, client, client_in_single_bytes, session};
use sensor::counter::Counter;

const PORT: u16 = 21;

attacks! {
    /// A command that does not end.
    a_command_without_end = Attack {
        frames: |len| client(PORT, &[b"USER ", &vec![b'x'; len][..]].concat()),
        some: 200_000,
        all: 50_000_000,
        held: MIB,
        counted: &[],
        told: &["ftp.request_command_too_long"],
    };
    /// A command that does not end, a byte in a segment.
    a_command_in_single_bytes = Attack {
        frames: |len| client_in_single_bytes(PORT, &[b"USER ", &vec![b'x'; len][..]].concat()),
        some: 4_000,
        all: 200_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Commands that nobody answers.
    commands_without_a_reply = Attack {
        frames: |count| client(PORT, &b"USER anonymous\r\n".repeat(count)),
        some: 5_000,
        all: 1_000_000,
        held: 8 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &["ftp.too_many_transactions"],
    };
    /// Commands that nobody answers, each in a segment of its own.
    commands_without_a_reply_in_segments = Attack {
        frames: |count| session(PORT).client(&b"USER anonymous\r\n".repeat(count)).close().cut(16).frames(),
        some: 600,
        all: 200_000,
        held: 2 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &["ftp.too_many_transactions"],
    };
    /// A reply of lines without end.
    a_reply_of_lines = Attack {
        frames: |count| {
            session(PORT).client(b"USER a\r\n").server(&b"220-a line of a welcome\r\n".repeat(count)).close().frames()
        },
        some: 5_000,
        all: 1_000_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// A reply of lines without end, each in a segment of its own.
    a_reply_in_segments = Attack {
        frames: |count| {
            let line = b"220-a line of a welcome\r\n";
            session(PORT).client(b"USER a\r\n").server(&line.repeat(count)).close().cut(line.len()).frames()
        },
        some: 2_000,
        all: 200_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Replies that nobody asked for.
    replies_to_no_command = Attack {
        frames: |count| {
            session(PORT).client(b"USER a\r\n").server(&b"220 a\r\n".repeat(count)).close().frames()
        },
        some: 5_000,
        all: 1_000_000,
        held: 2 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &[],
    };
    /// Data connections that are announced and never opened.
    announcements = Attack {
        frames: |count| {
            let asked = session(PORT).client(b"USER a\r\n").server(b"220 a\r\n");
            (0..count)
                .fold(asked, |session, _| {
                    session.client(b"PASV\r\n").server(b"227 ok (203,0,113,9,4,1)\r\n").client(b"RETR a\r\n").server(b"150 a\r\n226 a\r\n")
                })
                .close()
                .frames()
        },
        some: 600,
        all: 50_000,
        held: 2 * MIB,
        counted: &[Counter::ExpectationsRefused],
        told: &[],
    };
}
