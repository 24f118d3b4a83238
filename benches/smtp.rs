//! SMTP: whole sessions with a short mail, and a mail with a large attachment.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sensor::app_layer::conversation::begin;
use sensor::app_layer::parser::{Input, Requests};
use sensor::app_layer::smtp::Smtp;
use sensor::event::Direction::{self, ToClient, ToServer};
use sensor::time::Timestamp;
use std::hint::black_box;

/// As in the executable.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SESSION: &[(Direction, &str)] = &[
    (ToClient, "220 mail.example.com ESMTP\r\n"),
    (ToServer, "EHLO client.example\r\n"),
    (ToClient, "250-mail.example.com\r\n250-PIPELINING\r\n250 HELP\r\n"),
    (ToServer, "MAIL FROM:<alice@example.com>\r\n"),
    (ToClient, "250 OK\r\n"),
    (ToServer, "RCPT TO:<bob@example.org>\r\n"),
    (ToClient, "250 OK\r\n"),
    (ToServer, "DATA\r\n"),
    (ToClient, "354 go on\r\n"),
    (ToServer, "From: Alice <alice@example.com>\r\nTo: Bob <bob@example.org>\r\nSubject: lunch\r\n"),
    (
        ToServer,
        "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-Id: <1@example.com>\r\n\r\nAt noon?\r\n.\r\n",
    ),
    (ToClient, "250 OK\r\n"),
    (ToServer, "QUIT\r\n"),
    (ToClient, "221 bye\r\n"),
];

fn hear(pieces: &[(Direction, &[u8])]) {
    let mut conversation = begin::<Smtp>();
    for &(direction, bytes) in pieces {
        let input = Input { direction, bytes, end: false, time: Timestamp::ZERO };
        let consumed = conversation.parse(&input, &mut Requests::default());
        assert_eq!(consumed, Ok(bytes.len()), "pieces end where lines end");
        conversation.inspected(0, direction);
    }
    black_box(conversation);
}

fn smtp(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("smtp");
    let session: Vec<_> = SESSION.iter().map(|&(way, said)| (way, said.as_bytes())).collect();
    group.throughput(Throughput::Elements(1));
    group.bench_function("session", |bencher| bencher.iter(|| hear(black_box(&session))));

    let line = format!("{}\r\n", "QUJD".repeat(19));
    let lines = line.repeat(18);
    let mut attachment: Vec<_> = session[..10].to_vec();
    attachment.push((ToServer, b"Content-Type: a/b; name=x\r\nContent-Transfer-Encoding: base64\r\n\r\n"));
    attachment.extend((0..700).map(|_| (ToServer, lines.as_bytes())));
    group.throughput(Throughput::Bytes(700 * lines.len() as u64));
    group.bench_function("attachment", |bencher| bencher.iter(|| hear(black_box(&attachment))));
    group.finish();
}

criterion_group!(benches, smtp);
criterion_main!(benches);
