//! kill -9 at random moments: what was acknowledged to the spool or to the stream arrives, and nothing else.

use super::child::{Deliverer, Plan, Said};
use super::{Rig, eventually};
use sensor::dev::fake_aws::{FakeConfig, Fault, FaultKind, Script};
use std::collections::HashSet;
use std::time::Duration;

const EVENTS: u64 = 4_000;

fn kill_at_random(rounds: u64) {
    let script = Script::of([
        Fault::share(FaultKind::RecordFailure, 0.2),
        Fault::share(FaultKind::ServerError, 0.2),
        Fault::share(FaultKind::HalfAnswer, 0.05),
    ]);
    let mut rig = Rig::new(FakeConfig { shard_limits: false, script, ..FakeConfig::default() });
    rig.config.kinesis.max_tries = 1_000;
    rig.config.kinesis.spool_after_ms = 0;
    rig.config.kinesis.backoff_base_ms = 20;
    let mut random = fastrand::Rng::with_seed(5);
    let mut acknowledged = HashSet::new();
    for round in 0..rounds {
        let first = round * EVENTS;
        let plan = Plan {
            first,
            events: EVENTS,
            step: 50,
            keys: 100,
            padding: 100,
            rate: 0,
            flush: true,
            close_within_s: 60,
        };
        let mut victim = Deliverer::start(&rig, plan);
        let killer = victim.kill_after(Duration::from_millis(random.u64(200..1_200)));
        while let Some(said) = victim.next() {
            if let Said::Acknowledged(upto) = said {
                acknowledged.extend(first..upto);
            }
        }
        killer.join().unwrap();
    }
    rig.aws.play(Script::default());
    let sink = rig.sink();
    let recovered = sink.recovery().events;
    sink.close(Duration::from_secs(60), true);
    let taken = rig.taken();
    let arrived: HashSet<u64> = taken.numbers().collect();
    let missing: Vec<_> = acknowledged.difference(&arrived).take(5).collect();
    assert!(missing.is_empty(), "lost although acknowledged: {missing:?}");
    assert!(arrived.iter().all(|&number| number < rounds * EVENTS), "something arrived that was not made");
    eprintln!(
        "{rounds} kills: {} acknowledged, {} arrived, {} of them again, {recovered} recovered at the end",
        acknowledged.len(),
        taken.unique(),
        taken.duplicates()
    );
    assert!(!acknowledged.is_empty());
    drop(taken);
    eventually("an empty spool", Duration::from_secs(1), || rig.sink().recovery().events == 0);
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    kill_at_random(5);
}

#[test]
#[ignore = "takes minutes; the short form runs by default"]
fn kill_9_a_hundred_times_loses_nothing_that_was_acknowledged() {
    kill_at_random(100);
}
