//! SMTP: lines without end, commands that nobody answers and answers to what nobody asked. What mails hold is in
//! [`mime`](super::mime).

use super::{Attack, MIB, attacks, client, client_in_single_bytes, session};
use sensor::counter::Counter;

const PORT: u16 = 25;

attacks! {
    /// A command that does not end.
    a_command_without_end = Attack {
        frames: |len| client(PORT, &[b"EHLO ", &vec![b'x'; len][..]].concat()),
        some: 200_000,
        all: 50_000_000,
        held: MIB,
        counted: &[],
        told: &["smtp.max_command_line_len_exceeded"],
    };
    /// A command that does not end, a byte in a segment.
    a_command_in_single_bytes = Attack {
        frames: |len| client_in_single_bytes(PORT, &[b"EHLO ", &vec![b'x'; len][..]].concat()),
        some: 4_000,
        all: 200_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// A reply that does not end.
    a_reply_without_end = Attack {
        frames: |len| {
            session(PORT).client(b"EHLO a\r\n").server(&[b"220 ", &vec![b'x'; len][..]].concat()).close().frames()
        },
        some: 200_000,
        all: 50_000_000,
        held: MIB,
        counted: &[],
        told: &["smtp.max_reply_line_len_exceeded"],
    };
    /// Commands that nobody answers, up to those that are awaited and beyond.
    commands_without_a_reply = Attack {
        frames: |count| client(PORT, &[b"EHLO a\r\n", &b"NOOP\r\n".repeat(count)[..]].concat()),
        some: 40_000,
        all: 1_000_000,
        held: MIB,
        counted: &[Counter::AppMalformed],
        told: &[],
    };
    /// Answers to a command that nobody gave, while many others wait for theirs.
    answers_to_no_command = Attack {
        frames: |count| {
            session(PORT).client(b"EHLO a\r\n").server(b"220 a\r\n250 a\r\n")
                .client(&b"NOOP\r\n".repeat(count))
                .server(&b"354 go\r\n".repeat(count))
                .close()
                .frames()
        },
        some: 2_000,
        all: 65_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Receivers.
    receivers = Attack {
        frames: |count| {
            client(PORT, &[b"EHLO a\r\nMAIL FROM:<a@a>\r\n", &b"RCPT TO:<b@example.com>\r\n".repeat(count)[..]].concat())
        },
        some: 5_000,
        all: 60_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Receivers, each in a segment of its own.
    receivers_in_segments = Attack {
        frames: |count| {
            let receiver = b"RCPT TO:<b@example.com>\r\n";
            let said = [b"EHLO a\r\nMAIL FROM:<a@a>\r\n", &receiver.repeat(count)[..]].concat();
            session(PORT).client(&said).close().cut(receiver.len()).frames()
        },
        some: 2_000,
        all: 60_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Mails that are begun and taken back.
    resets = Attack {
        frames: |count| {
            let mail = b"MAIL FROM:<a@a>\r\nRCPT TO:<b@b>\r\nRSET\r\n".repeat(count);
            client(PORT, &[b"EHLO a\r\n", &mail[..]].concat())
        },
        some: 2_000,
        all: 20_000,
        held: 2 * MIB,
        counted: &[Counter::TransactionsCutShort],
        told: &[],
    };
    /// A mail in chunks of a byte.
    chunks_of_a_byte = Attack {
        frames: |count| {
            client(PORT, &[b"EHLO a\r\nMAIL FROM:<a@a>\r\nRCPT TO:<b@b>\r\n", &b"BDAT 1\r\nx".repeat(count)[..]].concat())
        },
        some: 5_000,
        all: 60_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// One chunk without a line end, a byte in a segment.
    a_chunk_in_single_bytes = Attack {
        frames: |len| {
            let said = format!("EHLO a\r\nMAIL FROM:<a@a>\r\nRCPT TO:<b@b>\r\nBDAT {len}\r\n{}", "x".repeat(len));
            client_in_single_bytes(PORT, said.as_bytes())
        },
        some: 4_000,
        all: 200_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
}
