//! The stream out of reach: events wait on disk, within bounds, and come back in order.

use super::child::{Deliverer, Plan};
use super::{Rig, accept, eventually};
use sensor::dev::fake_aws::{FakeConfig, Fault, FaultKind, Script};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);

fn refusing() -> Script {
    Script::of([Fault::always(FaultKind::ServerError)])
}

#[test]
fn events_of_an_outage_wait_on_disk_and_arrive_in_order_afterwards() {
    let mut rig = Rig::new(FakeConfig { shard_limits: false, script: refusing(), ..FakeConfig::default() });
    rig.config.kinesis.spool_after_ms = 200;
    let mut sink = rig.sink();
    accept(&mut sink, 0..5_000, 700, 100);
    eventually("the spool", DEADLINE, || sink.ledger().snapshot().spooled >= 4_000);
    accept(&mut sink, 5_000..10_000, 700, 100);
    rig.aws.play(Script::default());
    accept(&mut sink, 10_000..12_000, 700, 100);
    let account = sink.close(DEADLINE, true);
    assert!(account.balances());
    assert_eq!((account.delivered, account.pending()), (12_000, 0));
    let taken = rig.taken();
    assert_eq!((taken.unique(), taken.duplicates()), (12_000, 0));
    taken.assert_in_order();
}

/// What is loaded finds little room at once, and each place that becomes free may be a live event's.
#[test]
fn live_events_do_not_pass_those_of_their_flow_that_come_back_from_disk() {
    let mut rig = Rig::new(FakeConfig { shards: 4, script: refusing(), ..FakeConfig::default() });
    rig.config.kinesis.spool_after_ms = 200;
    rig.config.kinesis.memory_bytes = 1 << 20;
    let mut sink = rig.sink();
    accept(&mut sink, 0..6_000, 400, 1_000);
    eventually("the spool", DEADLINE, || sink.ledger().snapshot().spooled >= 5_000);
    rig.aws.play(Script::default());
    accept(&mut sink, 6_000..16_000, 400, 1_000);
    let account = sink.close(DEADLINE, true);
    assert!(account.balances());
    assert_eq!((account.delivered, account.pending()), (16_000, 0));
    rig.taken().assert_in_order();
}

#[test]
fn what_a_stopped_sensor_left_is_delivered_by_the_next_and_before_newer_events() {
    let mut rig = Rig::new(FakeConfig { shard_limits: false, script: refusing(), ..FakeConfig::default() });
    rig.config.kinesis.spool_after_ms = 200;
    let mut first = rig.sink();
    accept(&mut first, 0..3_000, 300, 100);
    let account = first.close(Duration::from_millis(500), false);
    assert_eq!((account.spooled, account.pending()), (3_000, 3_000));
    rig.aws.play(Script::default());
    let mut second = rig.sink();
    assert_eq!(second.recovery().events, 3_000);
    accept(&mut second, 3_000..6_000, 300, 100);
    let account = second.close(DEADLINE, true);
    assert_eq!((account.recovered, account.created, account.delivered), (3_000, 3_000, 6_000));
    assert_eq!(rig.taken().unique(), 6_000);
    rig.taken().assert_in_order();
}

#[test]
fn a_stream_that_comes_back_at_the_end_still_gets_what_waited() {
    // Trouble for longer than an end is waited for in vain.
    let script = Script::of([Fault { for_ms: Some(12_000), ..Fault::always(FaultKind::ServerError) }]);
    let rig = Rig::new(FakeConfig { shard_limits: false, script, ..FakeConfig::default() });
    let mut sink = rig.sink();
    accept(&mut sink, 0..1_000, 100, 100);
    std::thread::sleep(Duration::from_millis(11_500));
    let account = sink.close(DEADLINE, true);
    assert_eq!((account.delivered, account.pending()), (1_000, 0));
    rig.taken().assert_in_order();
}

#[test]
fn a_stop_under_load_keeps_its_deadline_and_loses_nothing() {
    let rig = Rig::new(FakeConfig { shards: 1, ..FakeConfig::default() });
    let mut sink = rig.sink();
    accept(&mut sink, 0..20_000, 20_000, 500);
    let begun = Instant::now();
    let account = sink.close(Duration::from_secs(2), false);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert!(account.balances());
    assert_eq!(account.delivered + account.spooled, 20_000);
    assert!(account.delivered > 1_000, "{}", account.delivered);
}

/// An outage that overfills the spool three times over, at full event rate; the share of the shards' rate that was used
/// afterwards.
fn overfill(spool_bytes: u64, padding: usize, deadline: Duration) -> f64 {
    let mut rig =
        Rig::new(FakeConfig { shards: 4, shard_limits: false, script: refusing(), ..FakeConfig::default() });
    rig.config.spool.max_bytes = spool_bytes;
    rig.config.kinesis.spool_after_ms = 200;
    let events = spool_bytes * 3 / (padding as u64 + 160);
    let plan = Plan {
        first: 0,
        events,
        step: 2_000,
        keys: 100_000,
        padding,
        rate: 0,
        flush: false,
        close_within_s: deadline.as_secs(),
    };
    let mut deliverer = Deliverer::start(&rig, plan);
    deliverer.await_fed();
    eventually("all on disk", DEADLINE, || {
        let Some(account) = rig.store().account() else { return false };
        let count = |name: &str| account["account"][name].as_u64().unwrap();
        count("spooled") > 0 && count("queued") < 2_000
    });
    rig.aws.play(Script::default());
    let begun = Instant::now();
    let (account, peak_bytes) = deliverer.close();
    let drained_s = begun.elapsed().as_secs_f64();
    let count = |name: &str| account[name].as_u64().unwrap();
    let (delivered, evicted) = (count("delivered"), account["dropped"]["evicted"].as_u64().unwrap());
    let taken = rig.taken();
    let told = taken.others().len() as u64;
    assert_eq!(delivered + evicted, events + told, "{account}");
    assert_eq!([count("queued"), count("in_flight"), count("spooled")], [0; 3]);
    assert!(evicted * 100 > events * 50, "{evicted} of {events} evicted");
    assert_eq!(taken.unique(), delivered - told);
    assert!(told > 0, "the loss is told of");
    taken.assert_in_order();
    // The oldest went, the newest came; what was in flight when the outage began came too.
    let delivered = |from, to| taken.numbers().filter(|number| (from..to).contains(number)).count();
    assert!(delivered(0, events / 3) < delivered(events - events / 3, events));
    assert_eq!(taken.numbers().max(), Some(events - 1));
    let shards = account["shards"].as_object().unwrap();
    let bytes: u64 = shards.values().map(|shard| shard["bytes"].as_u64().unwrap()).sum();
    let used = bytes as f64 / (drained_s * shards.len() as f64 * 1_000_000.0);
    eprintln!(
        "{events} events, {evicted} evicted, at most {} MiB of memory, {:.1} % of the shards used afterwards",
        peak_bytes >> 20,
        used * 100.0
    );
    assert!(peak_bytes < 150 << 20, "{peak_bytes}");
    used
}

#[test]
fn an_overfilled_spool_lets_the_oldest_go_within_its_memory() {
    overfill(8 << 20, 1_000, DEADLINE);
}

#[test]
#[ignore = "writes 3 GiB; the short form runs by default"]
fn a_gibibyte_of_spool_overfilled_three_times_stays_within_its_memory() {
    assert!(overfill(1 << 30, 1_300, Duration::from_secs(1_200)) > 0.9);
}

/// A stream that takes requests and never answers.
fn black_hole(seconds: u64) {
    let script = Script::of([Fault::always(FaultKind::Hang)]);
    let mut rig = Rig::new(FakeConfig { shards: 4, script, ..FakeConfig::default() });
    let plan = Plan {
        first: 0,
        events: 100,
        step: 100,
        keys: 100_000,
        padding: 1_100,
        rate: 5_000,
        flush: false,
        close_within_s: 1,
    };
    rig.config.kinesis.request_timeout_ms = 500;
    let idle = Deliverer::start(&rig, plan);
    let (_, idle_bytes) = idle.close();
    let plan = Plan { first: 100, events: 5_000 * seconds, ..plan };
    let mut deliverer = Deliverer::start(&rig, plan);
    deliverer.await_fed();
    let (account, peak_bytes) = deliverer.close();
    assert_eq!(account["spooled"].as_u64(), Some(100 + plan.events), "{account}");
    let grown = peak_bytes.saturating_sub(idle_bytes);
    eprintln!("{seconds} s without an answer: memory grew by {} MiB to {}", grown >> 20, peak_bytes >> 20);
    assert!(grown <= 64 << 20, "{grown}");
}

#[test]
fn a_stream_that_never_answers_costs_little_memory() {
    black_hole(3);
}

#[test]
#[ignore = "takes minutes; the short form runs by default"]
fn a_stream_that_does_not_answer_for_minutes_costs_little_memory() {
    black_hole(120);
}
