//! TLS: the messages in the clear of a handshake, read from both sides, and then a rule that looks at its fingerprint.

mod peers;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use peers::{look, say};
use sensor::app_layer::tls::SPEECH;
use sensor::event::Direction;
use std::hint::black_box;

/// As in the executable.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A certificate as servers show it.
const CERTIFICATE: &[u8] = include_bytes!("../sensor/src/app_layer/tls/tests/certificate.der");

/// Bytes behind their length, which has so many bytes.
fn vector(len_bytes: usize, bytes: &[u8]) -> Vec<u8> {
    [&bytes.len().to_be_bytes()[8 - len_bytes..], bytes].concat()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vector(2, data)].concat()
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &vector(2, body)].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &vector(3, body)].concat()
}

fn client_hello() -> Vec<u8> {
    let ciphers: Vec<u8> = (0xc000..0xc010_u16).flat_map(u16::to_be_bytes).collect();
    let extensions = [
        extension(0, &vector(2, &[&[0][..], &vector(2, b"www.example.com")].concat())),
        extension(10, &vector(2, &[0, 29, 0, 23, 0, 24])),
        extension(11, &vector(1, &[0])),
        extension(13, &vector(2, &[4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1])),
        extension(16, &vector(2, &[vector(1, b"h2"), vector(1, b"http/1.1")].concat())),
        extension(43, &vector(1, &[3, 4, 3, 3])),
        extension(51, &[7; 1220]),
    ];
    let head = [&[3, 3][..], &[5; 32], &vector(1, &[6; 32]), &vector(2, &ciphers), &[1, 0]].concat();
    message(1, &[head, vector(2, &extensions.concat())].concat())
}

fn server_hello() -> Vec<u8> {
    let extensions = [extension(43, &[3, 4]), extension(51, &[8; 36])].concat();
    message(
        2,
        &[&[3, 3][..], &[5; 32], &vector(1, &[6; 32]), &[0x13, 1, 0], &vector(2, &extensions)].concat(),
    )
}

fn tls(criterion: &mut Criterion) {
    let hello = record(22, &client_hello());
    let short = record(22, &server_hello());
    let certificates = message(11, &vector(3, &vector(3, CERTIFICATE)));
    let full = record(22, &[server_hello(), certificates, message(14, b"")].concat());
    let mut group = criterion.benchmark_group("tls");
    for capture in ["tls/tls13.pcap", "tls/tls12.pcap"] {
        let flows = peers::flows(capture);
        group.throughput(Throughput::Elements(flows.len() as u64));
        group.bench_function(format!("flows/{capture}"), |bencher| {
            bencher.iter(|| flows.iter().for_each(|flow| flow.parse(&SPEECH, true)));
        });
    }
    group.throughput(Throughput::Elements(1));
    for (name, answer) in [("handshake/1.3", &short), ("handshake/certificate", &full)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut conversation = (SPEECH.begin)();
                for (direction, bytes) in [(Direction::ToServer, &hello), (Direction::ToClient, answer)] {
                    say(&mut *conversation, direction, black_box(bytes));
                    look(&mut *conversation, direction);
                }
                conversation
            });
        });
    }
    let mut conversation = (SPEECH.begin)();
    say(&mut *conversation, Direction::ToServer, &hello);
    for field in ["tls.sni", "ja3.hash", "ja4.hash"] {
        let rows = (SPEECH.fields)();
        let row = rows.iter().find(|row| row.field.name == field).expect("there is one");
        group.bench_function(format!("read/{field}"), |bencher| {
            bencher.iter(|| {
                conversation.read(0, row.reader, Direction::ToServer, &mut |_, value| {
                    black_box(value);
                    false
                });
            });
        });
    }
    let data = record(23, &[0; 16_000]);
    group.throughput(Throughput::Bytes(data.len() as u64));
    group.bench_function("application_data", |bencher| {
        bencher.iter(|| say(&mut *conversation, Direction::ToServer, black_box(&data)));
    });
    group.finish();
}

criterion_group!(benches, tls);
criterion_main!(benches);
