//! Who the sensor is to AWS: sessions, refusals, the status, the secret.

use super::{EXTERNAL_ID, Rig, accept, delivery, eventually, origin};
use sensor::dev::fake_aws::{FakeConfig, Fault, FaultKind, Script};
use sensor::sink::accounting::DropReason;
use sensor::sink::kinesis::answer::FaultKind as Reason;
use sensor::sink::kinesis::setup::Setup;
use sensor::sink::kinesis::status::State;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(30);

fn unlimited() -> FakeConfig {
    FakeConfig { shard_limits: false, ..FakeConfig::default() }
}

#[test]
fn a_delivery_makes_active_and_that_survives_the_process() {
    let rig = Rig::new(unlimited());
    assert_eq!(rig.store().status().state, State::Unknown);
    rig.deliver(10, 10, 0, DEADLINE);
    let status = rig.store().status();
    assert_eq!(status.state, State::Active);
    assert!(status.last_delivery.is_some() && status.permission_proven);
}

#[test]
fn an_idle_stream_is_probed_and_nothing_is_written() {
    let mut rig = Rig::new(unlimited());
    rig.config.kinesis.probe_interval_s = 1;
    let sink = rig.sink();
    eventually("the probe", DEADLINE, || rig.store().status().permission_proven);
    let status = rig.store().status();
    assert_eq!((status.state, status.detail.as_deref()), (State::Unknown, Some("permission proven")));
    assert_eq!(rig.taken().unique(), 0);
    rig.aws.play(Script::of([Fault::always(FaultKind::AccessDenied)]));
    eventually("the refused probe", DEADLINE, || rig.store().status().state == State::Unauthorized);
    drop(sink);
}

/// Delivers through so many sessions of two seconds, one after the other.
fn deliver_through(sessions: u64) {
    let rig = Rig::new(FakeConfig { session_s: 2, ..unlimited() });
    let mut sink = rig.sink();
    let turns = sessions * 5;
    for turn in 0..turns {
        accept(&mut sink, turn * 10..turn * 10 + 10, 10, 0);
        std::thread::sleep(Duration::from_millis(400));
    }
    let account = sink.close(DEADLINE, true);
    assert_eq!((account.delivered, account.retries), (turns * 10, 0), "no put failed for want of a session");
    // Each is renewed at half its life.
    assert!(rig.aws.tally().calls["AssumeRole"] > sessions);
}

#[test]
fn sessions_are_renewed_before_they_end() {
    deliver_through(2);
}

#[test]
#[ignore = "takes a minute; the short form runs by default"]
fn a_days_worth_of_sessions_costs_no_put() {
    deliver_through(24);
}

#[test]
fn an_outage_of_sts_within_the_second_half_of_a_session_costs_nothing() {
    let rig = Rig::new(FakeConfig { session_s: 6, ..unlimited() });
    let mut sink = rig.sink();
    accept(&mut sink, 0..10, 10, 0);
    eventually("the first delivery", DEADLINE, || sink.ledger().snapshot().delivered == 10);
    let outage = Fault { for_ms: Some(4_000), ..Fault::always(FaultKind::StsError) };
    rig.aws.play(Script::of([outage]));
    for turn in 1..14 {
        accept(&mut sink, turn * 10..turn * 10 + 10, 10, 0);
        std::thread::sleep(Duration::from_millis(400));
    }
    let account = sink.close(DEADLINE, true);
    assert_eq!((account.delivered, account.retries), (140, 0));
}

#[test]
fn a_session_that_aws_declares_expired_is_replaced_at_once() {
    let rig = Rig::new(unlimited());
    let mut sink = rig.sink();
    accept(&mut sink, 0..100, 100, 0);
    eventually("the first delivery", DEADLINE, || sink.ledger().snapshot().delivered == 100);
    rig.aws.expire_sessions();
    accept(&mut sink, 100..200, 100, 0);
    let account = sink.close(DEADLINE, true);
    assert_eq!((account.delivered, rig.taken().duplicates()), (200, 0));
    assert_eq!(rig.aws.tally().calls["AssumeRole"], 2);
}

#[test]
fn a_trust_policy_that_lets_anybody_in_is_noticed() {
    let rig = Rig::new(unlimited());
    let check = |rig: &Rig| {
        let setup = Setup::new(&rig.config.kinesis, &rig.integration(), "sensor-test").unwrap();
        setup.check_trust().unwrap().unwrap()
    };
    assert_eq!(check(&rig).warning(), None);
    let open = sensor::dev::fake_aws::FakeAws::start(unlimited()).unwrap();
    let lax = Rig { config: delivery(&open, rig.directory.path()), aws: open, ..rig };
    let found = check(&lax);
    assert!(found.lets_in_without && found.lets_in_wrong);
    assert!(found.warning().unwrap().contains("sts:ExternalId"));
}

#[test]
fn a_test_event_goes_past_the_queue_and_tells_where_it_is() {
    let rig = Rig::new(unlimited());
    let setup = Setup::new(&rig.config.kinesis, &rig.integration(), "sensor-test").unwrap();
    let event = super::event(1, 1, 0);
    let receipt = setup.send("test", &event.json).unwrap().unwrap();
    assert_eq!(receipt.shard, "shardId-000000000000");
    assert!(receipt.sequence_number.bytes().all(|byte| byte.is_ascii_digit()));
    assert_eq!(rig.taken().unique(), 1);
    rig.set(&rig.aws.config().stream_arn(), &rig.aws.config().role_arn(), "not-the-right-external-id");
    let setup = Setup::new(&rig.config.kinesis, &rig.integration(), "sensor-test").unwrap();
    let fault = setup.send("test", &event.json).unwrap().unwrap_err();
    assert_eq!(fault.kind, Reason::RoleRefused);
}

#[test]
fn a_new_external_id_is_taken_up_while_running_and_the_spool_is_kept() {
    let rig = Rig::new(unlimited());
    rig.set(&rig.aws.config().stream_arn(), &rig.aws.config().role_arn(), "an-old-external-id");
    let mut sink = rig.sink();
    accept(&mut sink, 0..100, 100, 0);
    eventually("the refusal", DEADLINE, || rig.store().status().state == State::Unauthorized);
    rig.set(&rig.aws.config().stream_arn(), &rig.aws.config().role_arn(), EXTERNAL_ID);
    eventually("the delivery", DEADLINE, || sink.ledger().snapshot().delivered == 100);
    eventually("the status", DEADLINE, || rig.store().status().state == State::Active);
    assert_eq!(sink.close(DEADLINE, true).delivered, 100);
}

#[test]
fn deletion_stops_at_once_and_discards_what_waits() {
    let rig =
        Rig::new(FakeConfig { script: Script::of([Fault::always(FaultKind::AccessDenied)]), ..unlimited() });
    let mut sink = rig.sink();
    accept(&mut sink, 0..100, 100, 0);
    eventually("the refusal", DEADLINE, || rig.store().status().state == State::Unauthorized);
    assert!(rig.store().remove().unwrap());
    eventually("the deletion", DEADLINE, || sink.ledger().snapshot().dropped_for(DropReason::Deleted) == 100);
    accept(&mut sink, 100..200, 100, 0);
    eventually("the gap", DEADLINE, || sink.ledger().snapshot().dropped_for(DropReason::Deleted) == 200);
    let account = sink.close(Duration::from_millis(100), true);
    assert!(account.balances());
    assert_eq!((account.pending(), rig.taken().unique()), (0, 0));
}

#[test]
fn without_an_integration_there_is_no_sink() {
    let rig = Rig::new(unlimited());
    rig.store().remove().unwrap();
    let refused = sensor::sink::kinesis::KinesisSink::start(&rig.config, &rig.store(), &origin());
    assert!(refused.unwrap_err().to_string().contains("sensor siem set"));
}
