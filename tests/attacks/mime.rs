//! Mails as SMTP carries them: parts within parts, boundaries without end, headers and texts of every length.

use super::{Attack, MIB, attacks, numbered, session};
use fixtures::TimedFrame;

const PORT: u16 = 25;

/// A session that brings so many mails, all of them these lines.
fn mails(count: usize, lines: &[u8]) -> Vec<TimedFrame> {
    let greeting = session(PORT).server(b"220 a\r\n").client(b"EHLO a\r\n").server(b"250 a\r\n");
    (0..count)
        .fold(greeting, |session, _| {
            session
                .client(b"MAIL FROM:<a@a>\r\n")
                .server(b"250 a\r\n")
                .client(b"RCPT TO:<b@b>\r\n")
                .server(b"250 a\r\n")
                .client(b"DATA\r\n")
                .server(b"354 a\r\n")
                .client(&[lines, b"\r\n.\r\n"].concat())
                .server(b"250 a\r\n")
        })
        .close()
        .frames()
}

fn multipart(boundary: &str) -> String {
    format!("Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n")
}

attacks! {
    /// A line that does not end.
    a_line_without_end = Attack {
        frames: |len| mails(1, &[b"Subject: a\r\n\r\n", &vec![b'x'; len][..]].concat()),
        some: 200_000,
        all: 50_000_000,
        held: MIB,
        counted: &[],
        told: &["smtp.mime_long_line"],
    };
    /// A header that is folded again and again.
    folded_lines = Attack {
        frames: |count| mails(1, &[b"Subject: a\r\n", &b" x\r\n".repeat(count)[..]].concat()),
        some: 10_000,
        all: 5_000_000,
        held: MIB,
        counted: &[],
        told: &["smtp.mime_long_header_value"],
    };
    /// Header fields.
    header_fields = Attack {
        frames: |count| mails(1, &b"Received: from a by b\r\nSubject: c\r\n".repeat(count)),
        some: 5_000,
        all: 500_000,
        held: 2 * MIB,
        counted: &[],
        told: &[],
    };
    /// Parts within parts, deeper than is followed, each of them then separated again and again.
    nested_parts = Attack {
        frames: |count| {
            let open = numbered(50, |depth| format!("--b{}\r\n{}", depth.saturating_sub(1), multipart(&format!("b{depth}"))).into_bytes());
            let rest = b"--b\r\n".repeat(count);
            mails(1, &[multipart("b0").as_bytes(), &open, &rest].concat())
        },
        some: 10_000,
        all: 2_000_000,
        held: MIB,
        counted: &[],
        told: &["smtp.mime_malformed_msg"],
    };
    /// Parts of nothing.
    boundaries = Attack {
        frames: |count| mails(1, &[multipart("b").as_bytes(), &b"--b\r\n\r\n".repeat(count)].concat()),
        some: 10_000,
        all: 2_000_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Files of a byte.
    files = Attack {
        frames: |count| {
            let file = b"--b\r\nContent-Disposition: attachment; filename=a\r\n\r\nx\r\n";
            mails(1, &[multipart("b").as_bytes(), &file.repeat(count)].concat())
        },
        some: 2_000,
        all: 500_000,
        held: 4 * MIB,
        counted: &[],
        told: &[],
    };
    /// Lines of base64 that are never whole.
    base64_without_lines = Attack {
        frames: |len| {
            let head = "Content-Disposition: attachment; filename=a\r\nContent-Transfer-Encoding: base64\r\n\r\n";
            mails(1, &[head.as_bytes(), &b"QUJD=".repeat(len / 5)].concat())
        },
        some: 100_000,
        all: 20_000_000,
        held: MIB,
        counted: &[],
        told: &["smtp.mime_long_enc_line"],
    };
    /// A file, a byte in a line.
    a_file_of_short_lines = Attack {
        frames: |count| {
            let head = b"Content-Disposition: attachment; filename=a\r\n\r\n";
            mails(1, &[head, &b"x\n".repeat(count)[..]].concat())
        },
        some: 20_000,
        all: 5_000_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
    /// Schemes of URLs, one in the other.
    urls = Attack {
        frames: |count| mails(1, &[b"Subject: a\r\n\r\n", &b"http://http:http://a ".repeat(count)[..]].concat()),
        some: 5_000,
        all: 1_000_000,
        held: 4 * MIB,
        counted: &[],
        told: &[],
    };
    /// Mails one after the other.
    small_mails = Attack {
        frames: |count| mails(count, b"Subject: a\r\n\r\nx"),
        some: 200,
        all: 50_000,
        held: MIB,
        counted: &[],
        told: &[],
    };
}
