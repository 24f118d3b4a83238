//! DCE/RPC over TCP: calls in one fragment, and a request in many.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::dcerpc::SPEECH;
use sensor::app_layer::parser::{Input, Requests};
use sensor::event::Direction::{self, ToClient, ToServer};
use sensor::time::Timestamp;
use std::hint::black_box;

/// As in the executable.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const STUB: [u8; 200] = [b'x'; 200];

/// A request or a response in little-endian order.
fn unit(kind: u8, flags: u8, stub: &[u8]) -> Vec<u8> {
    let len = u16::try_from(24 + stub.len()).expect("a unit is short").to_le_bytes();
    [&[5, 0, kind, flags, 0x10, 0, 0, 0], &len[..], &[0, 0, 1, 0, 0, 0], &[0; 8], stub].concat()
}

fn say(conversation: &mut dyn Conversation, direction: Direction, bytes: &[u8]) {
    let input = Input { direction, bytes, end: false, time: Timestamp::ZERO };
    assert_eq!(conversation.parse(&input, &mut Requests::default()), Ok(bytes.len()), "whole units");
}

/// Rules have looked at everything.
fn forget(conversation: &mut dyn Conversation) {
    let kept: Vec<u64> = conversation.kept().collect();
    for number in kept {
        for direction in Direction::ALL {
            conversation.finish(number, direction);
        }
    }
    conversation.release();
}

fn dcerpc(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dcerpc");
    let (request, response) = (unit(0, 3, &STUB), unit(2, 3, &STUB));
    let mut conversation = (SPEECH.begin)();
    group.throughput(Throughput::Elements(1));
    group.bench_function("call", |bencher| {
        bencher.iter(|| {
            say(&mut *conversation, ToServer, black_box(&request));
            say(&mut *conversation, ToClient, black_box(&response));
            forget(&mut *conversation);
        });
    });
    let fragments = [unit(0, 1, &STUB), unit(0, 0, &STUB).repeat(98), unit(0, 2, &STUB)].concat();
    group.throughput(Throughput::Bytes(fragments.len() as u64));
    group.bench_function("fragments", |bencher| {
        bencher.iter(|| {
            let mut conversation = (SPEECH.begin)();
            say(&mut *conversation, ToServer, black_box(&fragments));
            black_box(&conversation);
        });
    });
    group.finish();
}

criterion_group!(benches, dcerpc);
criterion_main!(benches);
