//! Everything that can stand between the sensor and the stream: what `siem test` says and exits with, and what the
//! status is, also of a writer.

use super::commands::{code, sensor, text};
use super::{EXTERNAL_ID, Rig, accept, credentials, eventually};
use sensor::dev::fake_aws::{FakeConfig, Fault, FaultKind, Script};
use sensor::sink::kinesis::answer::FaultKind as Reason;
use sensor::sink::kinesis::status::{State, Status};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(30);

struct Case {
    name: &'static str,
    fake: FakeConfig,
    role: &'static str,
    stream: &'static str,
    external_id: &'static str,
    key: &'static str,
    secret: &'static str,
    reachable: bool,
    state: State,
    reason: Reason,
    sentence: &'static str,
    exit: i32,
}

fn case(name: &'static str) -> Case {
    Case {
        name,
        fake: FakeConfig { shard_limits: false, ..FakeConfig::default() },
        role: "MeterSIEMIntegrationRole",
        stream: "meter-siem-events",
        external_id: EXTERNAL_ID,
        key: "AKIASENSOR",
        secret: "secret",
        reachable: true,
        state: State::Unauthorized,
        reason: Reason::RoleRefused,
        sentence: "Unauthorized - check your Role ARN and External ID (sts:AssumeRole on arn:aws:iam::123456789012:role/",
        exit: 77,
    }
}

fn skewed(seconds: i64) -> FakeConfig {
    let skew = Fault { value: seconds, ..Fault::always(FaultKind::ClockSkew) };
    FakeConfig { script: Script::of([skew]), ..case("").fake }
}

fn cases() -> Vec<Case> {
    let scripted = |kind| FakeConfig { script: Script::of([Fault::always(kind)]), ..case("").fake };
    vec![
        Case { role: "Another", ..case("wrong role") },
        Case { external_id: "not-the-right-external-id", ..case("wrong external ID") },
        Case {
            fake: FakeConfig { may_put: false, ..case("").fake },
            reason: Reason::PutRefused,
            sentence: "Unauthorized - role assumed, but kinesis:PutRecords on \
                       arn:aws:kinesis:us-east-1:123456789012:stream/meter-siem-events is denied",
            ..case("missing permission")
        },
        Case {
            stream: "deleted",
            state: State::Unknown,
            reason: Reason::StreamMissing,
            sentence: "no stream arn:aws:kinesis:us-east-1:123456789012:stream/deleted in account 123456789012, \
                       region us-east-1",
            ..case("deleted stream")
        },
        Case {
            key: "ASIAOLD",
            reason: Reason::BaseCredentials,
            sentence: "Unauthorized - the sensor's own AWS credentials are rejected (ExpiredToken",
            ..case("expired base credentials")
        },
        Case {
            key: "AKIABAD",
            reason: Reason::BaseCredentials,
            sentence: "Unauthorized - the sensor's own AWS credentials are rejected (InvalidClientTokenId",
            ..case("rejected base credentials")
        },
        Case {
            secret: "another-secret",
            reason: Reason::BaseCredentials,
            sentence: "Unauthorized - the sensor's own AWS credentials are rejected (SignatureDoesNotMatch",
            ..case("wrong secret key")
        },
        Case {
            fake: scripted(FaultKind::KeyAccessDenied),
            reason: Reason::KeyRefused,
            sentence: "Unauthorized - the stream's key refuses: allow kms:GenerateDataKey",
            ..case("key refuses")
        },
        // Requests are signed with AWS's time once an answer has told it, so events arrive.
        Case {
            fake: skewed(3_600),
            state: State::Active,
            reason: Reason::Clock,
            sentence: "this machine's clock is 3600 s behind AWS's",
            exit: 0,
            ..case("clock an hour behind")
        },
        Case {
            fake: skewed(-3_600),
            state: State::Active,
            reason: Reason::Clock,
            sentence: "this machine's clock is 3600 s ahead of AWS's",
            exit: 0,
            ..case("clock an hour ahead")
        },
        Case {
            reachable: false,
            state: State::Unknown,
            reason: Reason::Unreachable,
            sentence: "STS cannot be reached at http://localhost:1: ",
            exit: 69,
            ..case("no network")
        },
    ]
}

impl Case {
    fn rig(&self) -> Rig {
        let mut rig = Rig::new(self.fake.clone());
        let stream = format!("arn:aws:kinesis:us-east-1:123456789012:stream/{}", self.stream);
        let role = format!("arn:aws:iam::123456789012:role/{}", self.role);
        rig.set(&stream, &role, self.external_id);
        credentials(&rig.directory.path().join("credentials"), self.key, self.secret);
        if !self.reachable {
            rig.config.kinesis.endpoint_url = Some("http://localhost:1".to_owned());
            rig.config.kinesis.sts_endpoint_url = Some("http://localhost:1".to_owned());
        }
        rig
    }

    fn fits(&self, status: &Status) -> bool {
        let detail = status.detail.as_deref().unwrap_or_default();
        assert!(
            !detail.contains(self.external_id) && !detail.contains(self.secret),
            "{}: {detail}",
            self.name
        );
        status.state == self.state && status.reason == Some(self.reason) && detail.contains(self.sentence)
    }
}

#[test]
fn each_has_its_exit_code_its_sentence_and_its_status() {
    for case in cases() {
        let rig = case.rig();
        let mut test = sensor(&rig, &["siem", "test"]);
        test.env("AWS_ACCESS_KEY_ID", case.key).env("AWS_SECRET_ACCESS_KEY", case.secret);
        if !case.reachable {
            test.env("AWS_ENDPOINT_URL", "http://localhost:1");
        }
        let output = test.output().unwrap();
        let said = text(&[output.stdout.clone(), output.stderr.clone()].concat());
        assert_eq!(code(&output), case.exit, "{}: {said}", case.name);
        assert!(said.contains(case.sentence), "{}: {said}", case.name);
        assert!(case.fits(&rig.store().status()), "{}: {:?}", case.name, rig.store().status());
        let shown = sensor(&rig, &["siem", "status"]).output().unwrap();
        let (shown, state) = (text(&shown.stdout), format!("{:?} - ", case.state));
        let sentence = case.sentence.strip_prefix("Unauthorized - ").unwrap_or(case.sentence);
        assert!(shown.starts_with(&state) && shown.contains(sentence), "{}: {shown}", case.name);
    }
}

#[test]
fn each_shows_in_the_status_of_a_writer_and_loses_nothing() {
    for case in cases() {
        let rig = case.rig();
        let mut sink = rig.sink();
        accept(&mut sink, 0..10, 10, 0);
        eventually(case.name, DEADLINE, || case.fits(&rig.store().status()));
        let account = sink.close(Duration::from_millis(100), true);
        assert!(account.balances());
        assert_eq!(account.delivered + account.spooled, 10, "{}: nothing is lost", case.name);
    }
}

#[test]
fn an_hour_off_renews_sessions_in_time_all_the_same() {
    for seconds in [3_600, -3_600] {
        let rig = Rig::new(FakeConfig { session_s: 4, ..skewed(seconds) });
        let mut sink = rig.sink();
        for turn in 0..15 {
            accept(&mut sink, turn * 10..turn * 10 + 10, 10, 0);
            std::thread::sleep(Duration::from_millis(400));
        }
        let account = sink.close(DEADLINE, true);
        assert_eq!((account.delivered, account.retries), (150, 0), "{seconds}");
        assert!((3..9).contains(&rig.aws.tally().calls["AssumeRole"]), "{:?}", rig.aws.tally().calls);
    }
}
