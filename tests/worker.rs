//! One worker on the thread of its test: rules and frames in, findings out, as the sensor's threads run it.

use fixtures::TimedFrame;
use rules::classification::Classes;
use rules::compile::{Context, compile};
use rules::header::variable::{Resolver, Variables};
use rules::names::Names;
use rules::parse::parse;
use rules::ruleset::RuleSet;
use rules::text::Source;
use sensor::app_layer::vocabulary;
use sensor::capture::{Burst, LinkType};
use sensor::config::Config;
use sensor::runtime;
use sensor::time::Timestamp;
use sensor::worker::{Assignment, Shard, SharedRules};
use std::sync::Arc;

/// Rules, all of which the sensor has to understand, as workers share them.
pub(crate) fn shared(rules: &str, config: &Config) -> SharedRules {
    let source = Source::new("test.rules", rules).unwrap();
    let (vocabulary, classes, names, variables) =
        (vocabulary(), Classes::default(), Names::default(), Variables::default());
    let context = Context { vocabulary: &vocabulary, classes: &classes, names: &names };
    let mut resolver = Resolver::new(&variables);
    let parsed = parse(&source);
    let compiled: Vec<_> =
        parsed.rules.iter().map(|rule| compile(rule, &context, &mut resolver).unwrap().0).collect();
    assert_eq!(compiled.len(), rules.lines().count(), "a rule is a line");
    runtime::shared_rules(config, RuleSet::new(compiled), &Arc::default()).expect("there are rules")
}

/// A worker with these rules.
pub(crate) fn worker(rules: &SharedRules, config: &Config) -> Shard {
    Shard::new(0, runtime::shards(config, 1, Some(rules.clone())).unwrap())
}

/// Frames in bursts of so many, the first of them of the number `first`. Checksums are not looked at.
pub(crate) fn assignments(
    frames: &[TimedFrame],
    size: usize,
    first: u64,
) -> impl Iterator<Item = Assignment> + '_ {
    frames.chunks(size).zip(first..).map(move |(frames, number)| {
        let mut burst = Burst::default();
        burst.restart(number * size as u64);
        for (time, frame) in frames {
            let len = frame.len() as u32;
            burst.push(Timestamp::from_nanos(*time), len, LinkType::ETHERNET, 0, frame);
        }
        Assignment { number, burst: Arc::new(burst), verify_before: 0 }
    })
}
