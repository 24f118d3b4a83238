//! What goes wrong on the way, and that it costs nothing but time.

use super::{Rig, accept, eventually};
use sensor::dev::fake_aws::{FakeConfig, Fault, FaultKind, Script};
use sensor::sink::Sink;
use sensor::sink::accounting::DropReason;
use std::collections::HashMap;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(60);

fn unlimited(shards: u32) -> FakeConfig {
    FakeConfig { shards, shard_limits: false, ..FakeConfig::default() }
}

#[test]
fn every_event_arrives_once_over_tls_and_only_puts_are_asked_for() {
    let rig = Rig::new(FakeConfig { tls: true, ..unlimited(4) });
    let account = rig.deliver(5_000, 1_000, 200, DEADLINE);
    assert_eq!((account.delivered, account.pending()), (5_000, 0));
    let taken = rig.taken();
    assert_eq!((taken.unique(), taken.duplicates()), (5_000, 0));
    taken.assert_in_order();
    let tally = rig.aws.tally();
    assert_eq!(tally.beyond_policy, 0);
    let calls: Vec<_> = tally.calls.keys().map(String::as_str).filter(|&call| call != "AssumeRole").collect();
    assert_eq!(calls, ["PutRecords"]);
}

#[test]
fn the_stream_holds_the_bytes_that_the_sink_was_given() {
    let rig = Rig::with(unlimited(2), std::sync::Arc::default());
    let mut sink = rig.sink();
    let events: Vec<_> = (0..300).map(|number| super::event(number, number, 50)).collect();
    sink.accept(&events).unwrap();
    sink.close(DEADLINE, true);
    let mut stored: Vec<_> =
        rig.aws.records().into_iter().flat_map(|(_, records)| records).map(|record| record.data).collect();
    let mut sent: Vec<_> = events.iter().map(|event| event.json.to_vec()).collect();
    stored.sort();
    sent.sort();
    assert_eq!(stored, sent);
}

/// All that can go wrong, a fifth of the records among it.
fn campaign(events: u64, keys: u64, shards: u32) {
    let script = Script::of([
        Fault::share(FaultKind::RecordFailure, 0.15),
        Fault::share(FaultKind::RecordThrottle, 0.05),
        Fault::share(FaultKind::Reset, 0.01),
        Fault::share(FaultKind::HalfAnswer, 0.005),
        Fault::share(FaultKind::ShortAnswer, 0.02),
        Fault::share(FaultKind::WrongCount, 0.1),
        Fault::share(FaultKind::ServerError, 0.01),
        Fault::share(FaultKind::ExpiredToken, 0.002),
    ]);
    let mut rig = Rig::new(FakeConfig { script, ..unlimited(shards) });
    rig.config.kinesis.max_tries = 100;
    let mut sink = rig.sink();
    let ledger = sink.ledger().clone();
    let account = std::thread::scope(|scope| {
        let (delivering, delivered) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            // Ends when the other end of the channel is gone.
            while delivered.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
                let account = ledger.snapshot();
                assert!(account.balances(), "{account:?}");
            }
        });
        for from in (0..events).step_by(10_000) {
            accept(&mut sink, from..events.min(from + 10_000), keys, 60);
        }
        let account = sink.close(Duration::from_secs(1_200), true);
        drop(delivering);
        account
    });
    assert!(account.balances());
    assert_eq!((account.delivered, account.pending(), account.dropped_total()), (events, 0, 0));
    assert!(account.retries > events / 10);
    let taken = rig.taken();
    assert_eq!(taken.unique(), events);
    taken.assert_in_order();
    // What was taken twice had been taken by requests whose answers were lost.
    let tally = rig.aws.tally();
    assert_eq!((taken.duplicates(), tally.beyond_policy), (tally.records - events, 0));
    eprintln!("{events} events, {} retries, {} duplicates", account.retries, taken.duplicates());
}

#[test]
fn a_fifth_of_the_records_failing_loses_and_reorders_nothing() {
    campaign(20_000, 3_000, 4);
}

#[test]
#[ignore = "takes minutes; the short form runs by default"]
fn a_fifth_of_a_million_records_failing_loses_and_reorders_nothing() {
    campaign(1_000_000, 50_000, 16);
}

#[test]
fn a_tenth_of_the_records_failing_costs_hardly_more_than_a_tenth_of_the_records() {
    let script = Script::of([Fault::share(FaultKind::RecordFailure, 0.1)]);
    let rig = Rig::new(FakeConfig { script, ..unlimited(4) });
    let account = rig.deliver(20_000, 20_000, 60, DEADLINE);
    assert_eq!((account.delivered, rig.taken().duplicates()), (20_000, 0));
    let tally = rig.aws.tally();
    let tries = (tally.records + tally.failed) as f64 / 20_000.0;
    assert!((1.08..=1.12).contains(&tries), "{tries} tries for each record");
}

#[test]
fn an_answer_that_ends_half_way_is_none() {
    let script = Script::of([Fault::times(FaultKind::HalfAnswer, 1)]);
    let rig = Rig::new(FakeConfig { script, ..unlimited(1) });
    // One request, whose records were all taken.
    let account = rig.deliver(100, 100, 0, DEADLINE);
    assert_eq!((account.delivered, account.requests, rig.taken().duplicates()), (100, 2, 100));
}

#[test]
fn a_hanging_request_is_given_up_and_sent_again() {
    let script = Script::of([Fault::times(FaultKind::Hang, 2)]);
    let mut rig = Rig::new(FakeConfig { script, ..unlimited(1) });
    rig.config.kinesis.request_timeout_ms = 300;
    let account = rig.deliver(1_000, 1_000, 0, DEADLINE);
    assert_eq!((account.delivered, rig.taken().duplicates()), (1_000, 0));
}

#[test]
fn poison_goes_to_the_dead_letters_with_the_reason_and_holds_up_nothing() {
    let fault = Fault { text: "\"number\":77,".to_owned(), ..Fault::always(FaultKind::InvalidArgument) };
    let rig = Rig::new(FakeConfig { script: Script::of([fault]), ..unlimited(2) });
    let account = rig.deliver(500, 500, 0, DEADLINE);
    // The loss is told of by an event of its own.
    assert_eq!((account.delivered, account.dropped_for(DropReason::DeadLettered)), (500, 1));
    let taken = rig.taken();
    let told = &taken.others()[0]["data"]["alert"]["signature"];
    assert_eq!(told, "Events lost by the sensor: 1 (dead_lettered 1)");
    let letters = std::fs::read_to_string(rig.store().dead_letters()).unwrap();
    let letter: serde_json::Value = serde_json::from_str(letters.trim()).unwrap();
    assert_eq!(letter["event"]["number"], 77);
    assert!(letter["reason"].as_str().unwrap().contains("InvalidArgumentException"));
}

#[test]
fn resharding_in_the_middle_is_followed_without_loss() {
    let rig = Rig::new(FakeConfig { shards: 4, ..FakeConfig::default() });
    let mut sink = rig.sink();
    accept(&mut sink, 0..8_000, 8_000, 100);
    eventually("half of the delivery", DEADLINE, || sink.ledger().snapshot().delivered > 3_000);
    rig.aws.split_shards();
    accept(&mut sink, 8_000..20_000, 20_000, 100);
    let account = sink.close(DEADLINE, true);
    assert_eq!((account.delivered, rig.taken().unique()), (20_000, 20_000));
    let children = account.shards.keys().filter(|shard| shard.as_ref() >= "shardId-000000000004").count();
    assert_eq!(children, 8);
}

#[test]
fn a_stream_that_ignores_keys_is_delivered_to_all_the_same() {
    let rig = Rig::new(FakeConfig { ignore_keys: true, ..unlimited(4) });
    let account = rig.deliver(5_000, 5_000, 0, DEADLINE);
    assert_eq!((account.delivered, rig.taken().unique()), (5_000, 5_000));
}

#[test]
fn batches_hold_the_events_of_their_shard_in_order() {
    let mut rig = Rig::with(unlimited(4), std::sync::Arc::default());
    rig.config.kinesis.records = sensor::sink::kinesis::RecordForm::Batch;
    let account = rig.deliver(5_000, 100, 100, DEADLINE);
    assert_eq!(account.delivered, 5_000);
    let mut last: HashMap<u64, u64> = HashMap::new();
    let (mut events, mut records) = (0, 0);
    for (_, stored) in rig.aws.records() {
        for record in stored {
            records += 1;
            let batch: Vec<serde_json::Value> = serde_json::from_slice(&record.data).unwrap();
            for event in batch {
                events += 1;
                let (number, key) = (event["number"].as_u64().unwrap(), event["key"].as_u64().unwrap());
                assert!(last.insert(key, number).is_none_or(|before| before < number));
            }
        }
    }
    assert_eq!(events, 5_000);
    assert!(records < 1_000, "{records} records");
}
