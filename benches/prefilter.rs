//! The prefilter against Aho-Corasick automata, on the fast patterns that real rules are found by, over real payload.
//!
//! `cargo bench -p sensor --bench prefilter` takes the patterns of `../shared/rules/et-open` and the payload of
//! `../shared/captures/perf.pcap` where they are present, else those of the fixtures. Each packet is a scan of its own;
//! both tell which patterns occur, in either case of letters.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rules::classification::Classes;
use rules::compile::{Context, compile};
use rules::header::variable::{Resolver, Variables};
use rules::names::Names;
use rules::parse::parse;
use rules::prefilter::{Hits, Matcher, Pattern};
use rules::signature::{Signature, Source as Place};
use rules::text::Source;
use sensor::app_layer;
use sensor::capture::{Burst, CaptureFiles, Filled, PacketSource};
use sensor::counter::Counters;
use sensor::decode::Decoder;
use sensor::limits::Limits;
use std::collections::BTreeSet;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
/// Payload looked through in one iteration, in bytes.
const PAYLOAD_BYTES: usize = 20 << 20;

fn signatures() -> Vec<Signature> {
    let text = fs::read(Path::new(SHARED).join("rules/et-open/emerging-all.rules")).unwrap_or_else(|_| {
        let rules = fixtures::cases().into_iter().filter_map(|case| case.rules);
        rules.flat_map(|path| fs::read(path).expect("a fixture can be read")).collect()
    });
    let source = Source::new("bench.rules", text).expect("under 4 GiB");
    let (vocabulary, classes, names) = (app_layer::vocabulary(), Classes::default(), Names::default());
    let variables = Variables::default();
    let context = Context { vocabulary: &vocabulary, classes: &classes, names: &names };
    let mut resolver = Resolver::new(&variables);
    let rules = parse(&source).rules;
    rules.iter().filter_map(|rule| Some(compile(rule, &context, &mut resolver).ok()?.0)).collect()
}

/// The fast patterns that stand in such a place.
fn patterns(signatures: &[Signature], stands: impl Fn(Place) -> bool) -> Vec<Vec<u8>> {
    let fast = signatures.iter().filter_map(|signature| {
        let fast = signature.fast_pattern.as_ref()?;
        stands(signature.inspections[fast.inspection].source).then(|| fast.bytes.to_ascii_lowercase())
    });
    fast.collect::<BTreeSet<_>>().into_iter().collect()
}

fn payloads() -> Vec<Vec<u8>> {
    let perf = PathBuf::from(SHARED).join("captures/perf.pcap");
    let capture = if perf.exists() { perf } else { fixtures::pcap("http/get.pcap") };
    let mut source = CaptureFiles::new(&[capture], &Limits::default().capture);
    let (mut burst, decoder) = (Burst::default(), Decoder::default());
    let (mut payloads, mut bytes): (Vec<Vec<u8>>, _) = (Vec::new(), 0);
    while bytes < PAYLOAD_BYTES
        && let Ok(Filled::Frames) = source.fill(&mut burst, &|_, _| 0)
    {
        for frame in (0..burst.len()).map(|at| burst.frame(at)) {
            let mut packets = Vec::new();
            decoder.decode(&frame, &mut Counters::default(), &mut packets);
            for packet in packets.iter().filter(|packet| !packet.payload.is_empty()) {
                bytes += packet.payload.len();
                payloads.push(packet.payload.to_vec());
            }
        }
    }
    payloads
}

fn prefilter(criterion: &mut Criterion) {
    let (signatures, payloads) = (signatures(), payloads());
    let named =
        |name: &'static str| move |place: Place| matches!(place, Place::Field(field) if field.name == name);
    let groups = [
        ("payload", patterns(&signatures, |place| place == Place::Payload)),
        ("http.uri", patterns(&signatures, named("http.uri"))),
        ("file.data", patterns(&signatures, named("file.data"))),
        ("http.header", patterns(&signatures, named("http.header"))),
    ];
    let mut group = criterion.benchmark_group("prefilter");
    group.sample_size(10).throughput(Throughput::Bytes(payloads.iter().map(|one| one.len() as u64).sum()));
    for (name, patterns) in groups.iter().filter(|(_, patterns)| !patterns.is_empty()) {
        let anywhere: Vec<_> =
            patterns.iter().map(|bytes| Pattern { bytes: bytes.clone(), end: None }).collect();
        let matcher = Matcher::new(anywhere);
        let id = BenchmarkId::new("own", format!("{name} ({})", patterns.len()));
        group.bench_function(id, |bencher| {
            let mut hits = Hits::default();
            bencher.iter(|| {
                for payload in &payloads {
                    matcher.scan(payload, &mut hits);
                    black_box(hits.patterns());
                }
            });
        });
        for kind in [AhoCorasickKind::ContiguousNFA, AhoCorasickKind::DFA] {
            let automaton = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .kind(Some(kind))
                .build(patterns)
                .expect("fewer states than it can number");
            let id =
                BenchmarkId::new(format!("Aho-Corasick {kind:?}"), format!("{name} ({})", patterns.len()));
            group.bench_function(id, |bencher| {
                let mut seen = vec![0usize; patterns.len()];
                bencher.iter(|| {
                    for (number, payload) in payloads.iter().enumerate() {
                        for found in automaton.find_overlapping_iter(payload) {
                            seen[found.pattern().as_usize()] = number;
                        }
                    }
                    black_box(&seen);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, prefilter);
criterion_main!(benches);
