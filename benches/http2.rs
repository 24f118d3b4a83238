//! HTTP/2: requests and responses read, and DATA passed on to whoever looks at it.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::http2::SPEECH;
use sensor::app_layer::parser::{Input, Requests};
use sensor::event::Direction;
use sensor::time::Timestamp;
use std::hint::black_box;

/// As in the executable.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A header block of a browser, compressed and put into the table (RFC 7541, C.4.1 and C.6.1, with more fields).
const FIRST: &[u8] = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff\
    \x58\x85\xae\xc3\x77\x1a\x4b\x61\x96\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff";
/// The same once its fields are in the table.
const AGAIN: &[u8] = b"\x82\x86\x84\xc0\xbf\xbe";
const ANSWER: &[u8] = b"\x88\x5f\x87\x35\x23\x98\xac\x57\x54\xdf\x0f\x0d\x02\x31\x32";
/// Bytes of a segment.
const SEGMENT: usize = 1448;
/// Bytes of a frame of DATA.
const DATA: usize = 16_384;
const FRAMES: usize = 64;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn say(conversation: &mut dyn Conversation, direction: Direction, bytes: &[u8]) {
    let input = Input { direction, bytes: black_box(bytes), end: false, time: Timestamp::ZERO };
    let taken = conversation.parse(&input, &mut Requests::default()).expect("it is HTTP/2");
    assert_eq!(taken, bytes.len());
}

fn forget(conversation: &mut dyn Conversation) {
    let mut next = 0;
    while let Some(transaction) = conversation.following(next) {
        for direction in Direction::ALL {
            conversation.inspected(transaction, direction);
            conversation.finish(transaction, direction);
        }
        next = transaction + 1;
    }
    conversation.release();
}

fn begin() -> Box<dyn Conversation> {
    let mut conversation = (SPEECH.begin)();
    say(&mut *conversation, Direction::ToServer, PREFACE);
    conversation
}

fn streams(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("http2");
    group.throughput(Throughput::Elements(1));
    group.bench_function("parse/request_and_response", |bencher| {
        let mut conversation = begin();
        say(&mut *conversation, Direction::ToServer, &frame(1, 5, 1, FIRST));
        forget(&mut *conversation);
        let mut stream = 1;
        bencher.iter(|| {
            stream += 2;
            say(&mut *conversation, Direction::ToServer, &frame(1, 5, stream, AGAIN));
            say(&mut *conversation, Direction::ToClient, &frame(1, 4, stream, ANSWER));
            say(&mut *conversation, Direction::ToClient, &frame(0, 1, stream, b"0123456789ab"));
            forget(&mut *conversation);
        });
    });
    group.bench_function("parse/huffman_block", |bencher| {
        bencher.iter(|| {
            let mut conversation = begin();
            say(&mut *conversation, Direction::ToServer, &frame(1, 5, 1, FIRST));
            black_box(&conversation);
        });
    });
    group.finish();
}

fn data(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("http2");
    group.throughput(Throughput::Bytes((DATA * FRAMES) as u64));
    let frames = frame(0, 0, 1, &[b'x'; DATA]).repeat(FRAMES);
    group.bench_function("data", |bencher| {
        let mut conversation = begin();
        say(&mut *conversation, Direction::ToServer, &frame(1, 5, 1, FIRST));
        say(&mut *conversation, Direction::ToClient, &frame(1, 4, 1, ANSWER));
        bencher.iter(|| {
            for segment in frames.chunks(DATA + 9).flat_map(|frame| frame.chunks(SEGMENT)) {
                say(&mut *conversation, Direction::ToClient, segment);
                conversation.inspected(0, Direction::ToClient);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, streams, data);
criterion_main!(benches);
