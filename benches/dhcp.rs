//! DHCP: reading the four messages of an exchange, and taking them into the transaction table, with a few clients
//! and with more than the table holds.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fixtures::dhcp::{ACK, DISCOVER, Message, OFFER, REQUEST, option};
use sensor::app_layer::dhcp::{TransactionTable, parse};
use sensor::counter::Counters;
use sensor::limits::DhcpLimits;
use sensor::time::Timestamp;
use std::hint::black_box;

/// The four messages by which a client gets an address.
fn exchange(client: u32) -> [Vec<u8>; 4] {
    let [a, b, c, d] = client.to_be_bytes();
    let message = |kind| {
        Message::new(kind, [2, 0, a, b, c, d], client)
            .option(option::HOST_NAME, b"client.example.com")
            .option(option::SERVER_IDENTIFIER, &[192, 0, 2, 1])
            .option(option::LEASE_TIME, &[0, 0, 14, 16])
            .option(option::SUBNET_MASK, &[255, 255, 255, 0])
    };
    [
        message(DISCOVER).bytes(),
        message(OFFER).your_address([192, 0, 2, 7]).bytes(),
        message(REQUEST).option(option::REQUESTED_ADDRESS, &[192, 0, 2, 7]).bytes(),
        message(ACK).your_address([192, 0, 2, 7]).bytes(),
    ]
}

fn dhcp(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dhcp");
    group.throughput(Throughput::Elements(4));
    let messages = exchange(1);
    group.bench_function("parse", |bencher| {
        bencher.iter(|| messages.each_ref().map(|message| parse(black_box(message))));
    });
    for (name, clients) in [("observe/1k_clients", 1_000), ("observe/200k_clients", 200_000)] {
        let exchanges: Vec<_> = (0..clients)
            .map(|client| exchange(client).map(|message| parse(&message).expect("it is a message")))
            .collect();
        let mut table = TransactionTable::new(&DhcpLimits::default());
        let mut counters = Counters::default();
        let mut next = exchanges.iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for message in next.next().expect("a cycle does not end") {
                    black_box(table.observe(message, Timestamp::ZERO, None, &mut counters));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, dhcp);
criterion_main!(benches);
