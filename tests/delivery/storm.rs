//! One loose rule does not drown the stream.

use super::{Rig, accept, event, eventually};
use sensor::dev::fake_aws::FakeConfig;
use sensor::event::Alert;
use sensor::sink::accounting::DropReason;
use sensor::sink::storm::StormConfig;
use sensor::sink::{Record, Sink};
use std::sync::Arc;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(30);

fn alerts(rule: &Arc<Alert>, numbers: std::ops::Range<u64>) -> Vec<Record> {
    numbers.map(|number| Record { rule: Some(Arc::clone(rule)), ..event(number, number, 0) }).collect()
}

fn rule(sid: u32, signature: &str) -> Arc<Alert> {
    Arc::new(Alert { gid: 1, sid, rev: 1, severity: 3, signature: signature.to_owned(), ..Alert::default() })
}

#[test]
fn alerts_beyond_the_limit_are_held_back_counted_and_told_of_once() {
    let mut rig = Rig::new(FakeConfig { shard_limits: false, ..FakeConfig::default() });
    rig.config.storm = StormConfig { alerts: 100, window_s: 2 };
    let mut sink = rig.sink();
    let (loose, fine) = (rule(7, "Loose"), rule(8, "Fine"));
    sink.accept(&alerts(&loose, 0..1_000)).unwrap();
    sink.accept(&alerts(&fine, 1_000..1_050)).unwrap();
    // Without anything else happening, the end of the window is enough for its summary.
    eventually("the summary", DEADLINE, || sink.ledger().snapshot().delivered == 151);
    sink.accept(&alerts(&loose, 2_000..2_150)).unwrap();
    let account = sink.close(DEADLINE, true);
    assert!(account.balances());
    assert_eq!((account.dropped_for(DropReason::Storm), account.dropped_total()), (950, 950));
    assert_eq!((account.delivered, account.created), (252, 1_202));
    let taken = rig.taken();
    assert_eq!(taken.unique(), 250);
    let told: Vec<_> =
        taken.others().iter().map(|event| event["data"]["alert"]["signature"].as_str().unwrap()).collect();
    let expected =
        [900, 50].map(|n| format!("Loose ({n} more alerts of this rule were held back within 2 s)"));
    assert_eq!(told, expected);
    let alert = &taken.others()[0]["data"]["alert"];
    assert_eq!((&alert["sid"], &alert["rev"]), (&7.into(), &1.into()));
}

#[test]
fn by_default_a_storm_takes_a_small_part_of_a_shard() {
    let rig = Rig::new(FakeConfig::default());
    let mut sink = rig.sink();
    sink.accept(&alerts(&rule(7, "Loose"), 0..50_000)).unwrap();
    accept(&mut sink, 50_000..50_100, 100, 0);
    let account = sink.close(DEADLINE, true);
    assert_eq!((account.delivered, account.dropped_for(DropReason::Storm)), (1_101, 49_000));
}
