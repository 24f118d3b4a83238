//! SSH: the banners and key exchanges of both sides, up to where they encrypt.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sensor::app_layer::parser::{Input, Requests};
use sensor::app_layer::ssh::SPEECH;
use sensor::event::Direction;
use sensor::time::Timestamp;
use std::hint::black_box;

/// As in the executable.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn packet(message: u8, contents: &[u8]) -> Vec<u8> {
    [&(contents.len() as u32 + 2).to_be_bytes()[..], &[0, message], contents].concat()
}

/// Ten lists of algorithms of 100 bytes.
fn key_exchange() -> Vec<u8> {
    let list = [&100_u32.to_be_bytes()[..], &[b'a'; 100]].concat();
    packet(20, &[vec![7; 16], list.repeat(10), vec![0; 5]].concat())
}

fn ssh(criterion: &mut Criterion) {
    let said =
        [b"SSH-2.0-OpenSSH_9.2p1\r\n", &key_exchange()[..], &packet(30, &[1; 40]), &packet(21, &[0; 10])];
    let said = said.concat();
    let mut group = criterion.benchmark_group("ssh");
    group.throughput(Throughput::Elements(1));
    group.bench_function("handshake", |bencher| {
        bencher.iter(|| {
            let mut conversation = (SPEECH.begin)();
            for direction in Direction::ALL {
                let input = Input { direction, bytes: black_box(&said), end: false, time: Timestamp::ZERO };
                conversation.parse(&input, &mut Requests::default()).expect("it is well formed");
            }
            conversation
        });
    });
    group.finish();
}

criterion_group!(benches, ssh);
criterion_main!(benches);
