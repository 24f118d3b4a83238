//! As fast as the shards allow, and not faster.

use super::{Rig, event};
use sensor::dev::fake_aws::{FakeConfig, Fault, FaultKind, Script};
use sensor::sink::Sink;
use std::time::{Duration, Instant};

/// Events of so many bytes with key and all.
fn padding() -> usize {
    BYTES - event(0, 0, 0).json.len()
}

const BYTES: usize = 1_300;

/// Delivers for so many seconds at the limit of the shards; the share of the limit used, and the share throttled.
fn at_the_limit(shards: u32, configured: Option<u32>, seconds: u64) -> (f64, f64) {
    let mut rig = Rig::new(FakeConfig { shards, ..FakeConfig::default() });
    rig.config.kinesis.shard_count = configured;
    // What waits at the end is delivered then; a second of it is enough for any number of shards.
    rig.config.kinesis.memory_bytes = rig.config.kinesis.memory_bytes.min((shards as usize) << 21);
    rig.config.queue.bytes = 1 << 20;
    let mut sink = rig.sink();
    let (padding, mut events) = (padding(), 0);
    let (begun, span) = (Instant::now(), Duration::from_secs(seconds));
    while begun.elapsed() < span {
        let batch: Vec<_> = (events..events + 100).map(|number| event(number, number, padding)).collect();
        sink.accept(&batch).unwrap();
        events += 100;
    }
    // The end of a run is about the fullest shard; what was delivered until now is about all of them.
    let measured = sink.ledger().snapshot();
    let elapsed = begun.elapsed().as_secs_f64();
    let bytes: u64 = measured.shards.values().map(|shard| shard.bytes).sum();
    let account = sink.close(Duration::from_secs(120), true);
    assert_eq!((account.delivered, rig.taken().unique()), (events, events));
    let throttled: u64 = account.shards.values().map(|shard| shard.throttles).sum();
    let used = bytes as f64 / (elapsed * f64::from(shards) * 1_000_000.0);
    let refused = throttled as f64 / (events + throttled) as f64;
    eprintln!(
        "{shards} shards, {configured:?} configured: {:.1} % used, {:.2} % throttled",
        used * 100.0,
        refused * 100.0
    );
    (used, refused)
}

#[test]
fn four_shards_at_their_limit_take_every_event_once() {
    for configured in [Some(4), None] {
        at_the_limit(4, configured, 2);
    }
}

#[test]
#[ignore = "measures: wants a quiet machine"]
fn one_four_and_sixty_four_shards_are_used_within_five_percent() {
    for (shards, configured) in [(1, Some(1)), (4, Some(4)), (4, None), (64, Some(64))] {
        let (used, throttled) = at_the_limit(shards, configured, 30);
        assert!((0.95..1.05).contains(&used), "{shards} shards, {configured:?} configured: {used}");
        assert!(throttled <= 0.02, "{shards} shards, {configured:?} configured: {throttled}");
    }
}

#[test]
#[ignore = "measures: wants a quiet machine"]
fn a_lightly_loaded_stream_acknowledges_quickly() {
    let rig = Rig::new(FakeConfig { shards: 1, latency: Duration::from_millis(20), ..FakeConfig::default() });
    let mut sink = rig.sink();
    // A tenth of what a shard takes.
    for number in 0..1_000 {
        sink.accept(&[event(number, number, 800)]).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    let account = sink.close(Duration::from_secs(10), true);
    assert_eq!(account.delivered, 1_000);
    let p99 = account.lag.quantile_ms(0.99).unwrap();
    eprintln!("p99 at a tenth of the load: under {p99} ms");
    // The histogram knows powers of two.
    assert!(p99 <= 256, "{p99} ms");
}

/// Shard 0 of four takes nothing; the share of what the others take at their limit that they got.
fn beside_a_dead_shard(seconds: u64) -> f64 {
    let dead = Fault { shard: Some(0), ..Fault::always(FaultKind::RecordThrottle) };
    let rig = Rig::new(FakeConfig { shards: 4, script: Script::of([dead]), ..FakeConfig::default() });
    let mut sink = rig.sink();
    let padding = padding();
    let (begun, span) = (Instant::now(), Duration::from_secs(seconds));
    let mut made = 0;
    while begun.elapsed() < span {
        let batch: Vec<_> = (made..made + 100).map(|number| event(number, number, padding)).collect();
        sink.accept(&batch).unwrap();
        made += 100;
    }
    let account = sink.ledger().snapshot();
    let used = account.shards.values().map(|shard| shard.bytes).sum::<u64>() as f64
        / (begun.elapsed().as_secs_f64() * 3_000_000.0);
    eprintln!("beside a dead shard: {:.1} % of the others used", used * 100.0);
    rig.aws.play(Script::default());
    let account = sink.close(Duration::from_secs(120), true);
    assert_eq!((account.delivered, rig.taken().unique()), (made, made));
    used
}

#[test]
fn a_dead_shard_does_not_hold_up_the_others() {
    assert!(beside_a_dead_shard(8) > 0.5);
}

#[test]
#[ignore = "measures: wants a quiet machine"]
fn beside_a_dead_shard_the_others_are_used_to_the_full() {
    assert!(beside_a_dead_shard(60) >= 0.95);
}
