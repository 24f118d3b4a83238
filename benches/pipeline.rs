//! The whole pipeline over a real capture: one reader, one worker, the collector and a sink that throws events away.
//!
//! `cargo bench -p sensor --bench pipeline` measures packets per second over `../shared/captures/perf.pcap` where it
//! is present, else over the fixtures' HTTP session; without rules, and with rules on payload, for one worker and two.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rules::ruleset::RuleSet;
use sensor::capture::{Burst, CaptureFiles, Filled, PacketSource};
use sensor::collect::ThresholdTable;
use sensor::config::Config;
use sensor::counter::Counter;
use sensor::decode::ChecksumMode;
use sensor::limits::Limits;
use sensor::runtime::{self, Replay, Replayed};
use sensor::sink::{Record, Sink, SinkError};
use sensor::worker::SharedRules;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

struct Nowhere;

impl Sink for Nowhere {
    fn accept(&mut self, records: &[Record]) -> Result<(), SinkError> {
        black_box(records);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

fn capture() -> PathBuf {
    let shared = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures/perf.pcap"));
    if shared.exists() { shared } else { fixtures::pcap("http/get.pcap") }
}

/// So many rules, each on a payload of its own that hardly occurs.
fn payload_rules(count: usize) -> Option<SharedRules> {
    use rules::classification::Classes;
    use rules::compile::{Context, compile};
    use rules::header::variable::{Resolver, Variables};
    let text: String = (0..count)
        .map(|n| {
            let word = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            format!("alert tcp any any -> any any (msg:\"{n}\"; content:\"{word:016x}\"; content:\"x\"; sid:{};)\n", n + 1)
        })
        .collect();
    let source = rules::text::Source::new("bench.rules", text).expect("small");
    let vocabulary = rules::vocabulary::Vocabulary::new(&[]);
    let (classes, names, variables) = (Classes::default(), Default::default(), Variables::default());
    let context = Context { vocabulary: &vocabulary, classes: &classes, names: &names };
    let mut resolver = Resolver::new(&variables);
    let signatures = rules::parse::parse(&source)
        .rules
        .iter()
        .map(|rule| compile(rule, &context, &mut resolver).expect("made to compile").0)
        .collect();
    runtime::shared_rules(&Config::default(), RuleSet::new(signatures), &Arc::default())
}

fn replay(workers: usize, rules: Option<SharedRules>) -> Replayed {
    let config = Config::default();
    Replay {
        source: Box::new(runtime::captures(&config, &[capture()]).expect("no filter is configured")),
        shards: runtime::shards(&config, workers, rules).expect("the system has random numbers"),
        checksums: ChecksumMode::None,
        collector: runtime::collector(&config, workers, ThresholdTable::new(1 << 16))
            .expect("the defaults fit together"),
        sink: Box::new(Nowhere),
    }
    .run()
}

fn pipeline(criterion: &mut Criterion) {
    let counters = replay(1, None).counters;
    let mut group = criterion.benchmark_group("pipeline");
    group.sample_size(10).throughput(Throughput::Elements(counters.value(Counter::PacketsRead)));
    for rules in [0, 3000] {
        let set = payload_rules(rules);
        for workers in [1, 2] {
            let id = BenchmarkId::new(format!("{rules} rules"), format!("{workers} workers"));
            group.bench_function(id, |bencher| bencher.iter(|| replay(workers, set.clone())));
        }
    }
    group.finish();
}

/// Reading alone, for the reader's share.
fn reading(criterion: &mut Criterion) {
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("reader");
    let packets = replay(1, None).counters.value(Counter::PacketsRead);
    group.sample_size(10).throughput(Throughput::Elements(packets));
    group.bench_function("alone", |bencher| {
        bencher.iter(|| {
            let mut source = CaptureFiles::new(&[capture()], &limits.capture);
            let mut burst = Burst::default();
            while let Ok(Filled::Frames) = source.fill(&mut burst, &|link, bytes| {
                u16::try_from(sensor::decode::shard(bytes, link) >> 31).expect("one bit")
            }) {
                black_box(burst.len());
            }
        });
    });
    group.finish();
}

criterion_group!(benches, pipeline, reading);
criterion_main!(benches);
