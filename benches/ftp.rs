//! FTP: a session on the control connection, and a file on a data connection.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sensor::app_layer::conversation::begin;
use sensor::app_layer::ftp::{Ftp, FtpData};
use sensor::app_layer::parser::{Input, Parser, Requests};
use sensor::event::Direction::{self, ToClient, ToServer};
use sensor::time::Timestamp;
use std::hint::black_box;

/// As in the executable.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SESSION: &[(Direction, &str)] = &[
    (ToClient, "220 ready\r\n"),
    (ToServer, "USER anonymous\r\n"),
    (ToClient, "331 Please specify the password.\r\n"),
    (ToServer, "PASS me@example.com\r\n"),
    (ToClient, "230 Login successful.\r\n"),
    (ToServer, "TYPE I\r\n"),
    (ToClient, "200 Switching to Binary mode.\r\n"),
    (ToServer, "PASV\r\n"),
    (ToClient, "227 Entering Passive Mode (203,0,113,10,186,9).\r\n"),
    (ToServer, "RETR readme.txt\r\n"),
    (ToClient, "150 Opening BINARY mode data connection.\r\n"),
    (ToClient, "226 Transfer complete.\r\n"),
    (ToServer, "QUIT\r\n"),
    (ToClient, "221 Goodbye.\r\n"),
];

fn hear<P: Parser>(pieces: &[(Direction, &[u8])]) {
    let mut conversation = begin::<P>();
    for &(direction, bytes) in pieces {
        let input = Input { direction, bytes, end: false, time: Timestamp::ZERO };
        let consumed = conversation.parse(&input, &mut Requests::default());
        assert_eq!(consumed, Ok(bytes.len()), "pieces end where lines end");
        conversation.inspected(0, direction);
    }
    black_box(conversation);
}

fn ftp(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ftp");
    let session: Vec<_> = SESSION.iter().map(|&(way, said)| (way, said.as_bytes())).collect();
    let commands = session.iter().filter(|(way, _)| *way == ToServer).count();
    group.throughput(Throughput::Elements(commands as u64));
    group.bench_function("session", |bencher| bencher.iter(|| hear::<Ftp>(black_box(&session))));

    let segment = [b'x'; 1460];
    let file: Vec<_> = (0..700).map(|_| (ToClient, &segment[..])).collect();
    group.throughput(Throughput::Bytes(700 * 1460));
    group.bench_function("file", |bencher| bencher.iter(|| hear::<FtpData>(black_box(&file))));
    group.finish();
}

criterion_group!(benches, ftp);
criterion_main!(benches);
