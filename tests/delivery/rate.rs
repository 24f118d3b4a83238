//! As fast as the shards allow, and not faster.

use super::{Rig, event};
use sensor::dev::fake_aws::FakeConfig;
use sensor::sink::Sink;
use std::time::{Duration, Instant};

/// Delivers for about `seconds` at the limit of the shards; the share of the limit used, and the share throttled.
fn at_the_limit(shards: u32, configured: Option<u32>, seconds: u64) -> (f64, f64) {
    const BYTES: u64 = 1_300;
    let mut rig = Rig::new(FakeConfig { shards, ..FakeConfig::default() });
    rig.config.kinesis.shard_count = configured;
    let events = u64::from(shards) * seconds * 1_000_000 / BYTES;
    let mut sink = rig.sink();
    let begun = Instant::now();
    let padding = BYTES as usize - event(0, 0, 0).json.len();
    for from in (0..events).step_by(500) {
        let batch: Vec<_> =
            (from..events.min(from + 500)).map(|number| event(number, number, padding)).collect();
        sink.accept(&batch).unwrap();
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
fn four_shards_are_used_to_the_full_and_hardly_throttle() {
    for configured in [Some(4), None] {
        let (used, throttled) = at_the_limit(4, configured, 6);
        assert!((0.95..1.05).contains(&used), "{used}");
        assert!(throttled <= 0.02, "{throttled}");
    }
}

#[test]
#[ignore = "measures: wants a quiet machine"]
fn one_four_and_sixty_four_shards_are_used_within_five_percent() {
    for shards in [1, 4, 64] {
        let (used, throttled) = at_the_limit(shards, Some(shards), 60);
        assert!(used >= 0.95, "{shards} shards: {used}");
        assert!(throttled <= 0.02, "{shards} shards: {throttled}");
    }
}

#[test]
#[ignore = "measures: wants a quiet machine"]
fn a_lightly_loaded_stream_acknowledges_quickly() {
    let rig = Rig::new(FakeConfig { shards: 1, latency: Duration::from_millis(20), ..FakeConfig::default() });
    let mut sink = rig.sink();
    // A tenth of what a shard takes.
    for number in 0..300 {
        sink.accept(&[event(number, number, 600)]).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    let account = sink.close(Duration::from_secs(10), true);
    assert_eq!(account.delivered, 300);
    let p99 = account.lag.quantile_ms(0.97).unwrap();
    assert!(p99 <= 512, "{p99} ms");
}
