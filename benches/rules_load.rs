//! From the text of rules to a rule set with its prefilters, on one core.
//!
//! `cargo bench -p sensor --bench rules_load` reads `../shared/rules/et-open` where it is present, else the rules of the
//! fixtures' cases.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rules::classification::Classes;
use rules::compile::{Context, compile};
use rules::header::variable::{Resolver, Variables};
use rules::names::Names;
use rules::parse::parse;
use rules::ruleset::RuleSet;
use rules::text::Source;
use sensor::app_layer;
use std::fs;
use std::path::Path;

fn text() -> Vec<u8> {
    let shared =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/rules/et-open/emerging-all.rules"));
    fs::read(shared).unwrap_or_else(|_| {
        let rules = fixtures::cases().into_iter().filter_map(|case| case.rules);
        rules.flat_map(|path| fs::read(path).expect("a fixture can be read")).collect()
    })
}

fn loaded(source: &Source) -> RuleSet {
    let (vocabulary, classes, names) = (app_layer::vocabulary(), Classes::default(), Names::default());
    let variables = Variables::default();
    let context = Context { vocabulary: &vocabulary, classes: &classes, names: &names };
    let mut resolver = Resolver::new(&variables);
    let compiled = parse(source)
        .rules
        .iter()
        .filter_map(|rule| compile(rule, &context, &mut resolver).ok())
        .collect::<Vec<_>>();
    RuleSet::new(compiled.into_iter().map(|(signature, _)| signature).collect())
}

fn rules_load(criterion: &mut Criterion) {
    let source = Source::new("bench.rules", text()).expect("under 4 GiB");
    let mut group = criterion.benchmark_group("rules_load");
    group.sample_size(10).throughput(Throughput::Elements(parse(&source).rules.len() as u64));
    group.bench_function("parse", |bencher| bencher.iter(|| parse(&source).rules.len()));
    group.bench_function("parse, compile and build", |bencher| bencher.iter(|| loaded(&source)));
    group.finish();
}

criterion_group!(benches, rules_load);
criterion_main!(benches);
