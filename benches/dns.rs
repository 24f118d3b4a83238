//! DNS: messages read over UDP, each a transaction whose names a rule then looks at.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::dns::SPEECH;
use sensor::app_layer::parser::{Input, Requests};
use sensor::event::Direction;
use sensor::time::Timestamp;
use std::hint::black_box;

/// As in the executable.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// www.example.com, A.
const QUERY: &[u8] =
    b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x03www\x07example\x03com\x00\x00\x01\x00\x01\
    \x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00";
/// A name for it, and two addresses of that name.
const RESPONSE: &[u8] =
    b"\x12\x34\x81\x80\x00\x01\x00\x03\x00\x00\x00\x00\x03www\x07example\x03com\x00\x00\x01\x00\x01\
    \xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x06\x03cdn\xc0\x10\
    \xc0\x2d\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01\
    \xc0\x2d\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x02";

fn say(conversation: &mut dyn Conversation, direction: Direction, bytes: &[u8]) {
    let input = Input { direction, bytes: black_box(bytes), end: false, time: Timestamp::ZERO };
    conversation.parse(&input, &mut Requests::default()).expect("it is a message");
}

fn forget(conversation: &mut dyn Conversation) {
    for transaction in conversation.transactions() {
        for direction in Direction::ALL {
            conversation.finish(transaction, direction);
        }
    }
    conversation.release();
}

fn dns(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dns");
    group.throughput(Throughput::Elements(2));
    let mut conversation = (SPEECH.begin)();
    group.bench_function("parse/query_and_response", |bencher| {
        bencher.iter(|| {
            say(&mut *conversation, Direction::ToServer, QUERY);
            say(&mut *conversation, Direction::ToClient, RESPONSE);
            forget(&mut *conversation);
        });
    });
    group.throughput(Throughput::Elements(1));
    for (name, direction, bytes) in
        [("query", Direction::ToServer, QUERY), ("response", Direction::ToClient, RESPONSE)]
    {
        say(&mut *conversation, direction, bytes);
        let transaction = conversation.transactions().start;
        let rows = (SPEECH.fields)();
        let row = rows.iter().find(|row| row.field.name == "dns.response.rrname").expect("there is one");
        group.bench_function(format!("read_names/{name}"), |bencher| {
            bencher.iter(|| {
                conversation.read(transaction, row.reader, direction, &mut |_, name| {
                    black_box(name);
                    false
                });
            });
        });
        forget(&mut *conversation);
    }
    group.finish();
}

criterion_group!(benches, dns);
criterion_main!(benches);
