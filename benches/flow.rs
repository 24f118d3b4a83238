//! The flow table: bursts of 32 packets of random flows, among ten thousand, a million and four million.
//!
//! Making the packets is within the time: kept ready, they would compete with the table for the caches.

mod flow_traffic;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flow_traffic::{BURST, Packets, Traffic};

type Way = fn(&mut Traffic, &Packets);

const WAYS: [(&str, Way); 2] = [("loaded_ahead", Traffic::observe), ("one_by_one", Traffic::observe_singly)];

fn bursts(c: &mut Criterion) {
    let mut group = c.benchmark_group("flow/burst_of_32");
    group.throughput(Throughput::Elements(BURST as u64));
    for flows in [10_000, 1_000_000, 4_000_000] {
        let mut traffic = Traffic::with_flows(flows);
        for (name, way) in WAYS {
            group.bench_function(BenchmarkId::new(name, flows), |b| {
                b.iter(|| {
                    let burst = traffic.random_burst();
                    way(&mut traffic, &burst);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bursts);
criterion_main!(benches);
