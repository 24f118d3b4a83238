//! The stream out of reach: events wait on disk, within bounds, and come back in order.

use super::{Rig, accept, eventually};
use sensor::dev::fake_aws::{FakeConfig, Fault, FaultKind, Script};
use sensor::sink::accounting::DropReason;
use sensor::sink::{QueueConfig, WhenFull};
use std::time::Duration;

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
fn a_stop_under_load_keeps_its_deadline_and_loses_nothing() {
    let rig = Rig::new(FakeConfig { shards: 1, ..FakeConfig::default() });
    let mut sink = rig.sink();
    accept(&mut sink, 0..20_000, 20_000, 500);
    let begun = std::time::Instant::now();
    let account = sink.close(Duration::from_secs(2), false);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert!(account.balances());
    assert_eq!(account.delivered + account.spooled, 20_000);
    assert!(account.delivered > 1_000, "{}", account.delivered);
}

/// An outage that overfills the spool three times over.
fn overfill(spool_bytes: u64, padding: usize, deadline: Duration) {
    let mut rig =
        Rig::new(FakeConfig { shards: 4, shard_limits: false, script: refusing(), ..FakeConfig::default() });
    rig.config.spool.max_bytes = spool_bytes;
    rig.config.kinesis.spool_after_ms = 200;
    rig.config.queue = QueueConfig { when_full: WhenFull::Wait, ..QueueConfig::default() };
    let events = spool_bytes * 3 / (padding as u64 + 160);
    let before = resident_bytes();
    let mut most = 0;
    let mut sink = rig.sink();
    accept(&mut sink, 0..100, 100_000, padding);
    eventually("the hold", DEADLINE, || rig.store().status().reason.is_some());
    for from in (100..events).step_by(2_000) {
        accept(&mut sink, from..events.min(from + 2_000), 100_000, padding);
        most = most.max(resident_bytes());
        assert!(sink.ledger().snapshot().balances());
    }
    eventually("all on disk", DEADLINE, || {
        let account = sink.ledger().snapshot();
        account.queued < 2_000 && account.spooled > 0
    });
    rig.aws.play(Script::default());
    let account = sink.close(deadline, true);
    let evicted = account.dropped_for(DropReason::Evicted);
    let taken = rig.taken();
    let told = taken.others().len() as u64;
    assert_eq!((account.delivered + evicted, account.pending()), (events + told, 0));
    assert!(evicted * 100 > events * 50, "{evicted} of {events} evicted");
    assert_eq!(taken.unique(), account.delivered - told);
    assert!(told > 0, "the loss is told of");
    drop(taken);
    rig.taken().assert_in_order();
    // The oldest went, the newest came; what was in flight when the outage began came too.
    let delivered = |from, to| rig.taken().numbers().filter(|number| (from..to).contains(number)).count();
    assert!(delivered(0, events / 3) < delivered(events - events / 3, events));
    assert_eq!(rig.taken().numbers().max(), Some(events - 1));
    let grown = most.saturating_sub(before);
    eprintln!("{events} events, {evicted} evicted, memory grew by {} MiB", grown >> 20);
    assert!(grown < 150 << 20, "memory grew by {grown}");
}

#[test]
fn an_overfilled_spool_lets_the_oldest_go_within_its_memory() {
    overfill(8 << 20, 1_000, DEADLINE);
}

#[test]
#[ignore = "writes 3 GiB; the short form runs by default"]
fn a_gibibyte_of_spool_overfilled_three_times_stays_within_its_memory() {
    overfill(1 << 30, 1_300, Duration::from_secs(1_200));
}

/// This process's resident memory, from `/proc`.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4_096
}
