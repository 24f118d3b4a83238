//! DNS: messages read over UDP, each a transaction whose names a rule then looks at.

mod peers;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use peers::{look, say};
use sensor::app_layer::dns::SPEECH;
use sensor::event::Direction;
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

fn dns(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dns");
    // A resolver asks each question from another port.
    let flows = peers::flows("dns/udp.pcap");
    group.throughput(Throughput::Elements(2 * flows.len() as u64));
    group.bench_function("parse/flows", |bencher| {
        bencher.iter(|| flows.iter().for_each(|flow| flow.parse(&SPEECH, false)));
    });
    group.throughput(Throughput::Elements(2));
    let mut conversation = (SPEECH.begin)();
    group.bench_function("parse/query_and_response", |bencher| {
        bencher.iter(|| {
            for (direction, bytes) in [(Direction::ToServer, QUERY), (Direction::ToClient, RESPONSE)] {
                say(&mut *conversation, direction, black_box(bytes));
                look(&mut *conversation, direction);
            }
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
        look(&mut *conversation, direction);
    }
    group.finish();
}

criterion_group!(benches, dns);
criterion_main!(benches);
