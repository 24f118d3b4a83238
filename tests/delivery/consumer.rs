//! `sensor/examples/consumer.rs`: whoever drops what repeats `source` and `id` sees every event once.

use super::Rig;
use super::commands::{code, sensor, text};
use super::peers::command;
use sensor::dev::fake_aws::{FakeConfig, Fault, FaultKind, Script};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The example, which `cargo test` builds unless it is asked for something else.
fn example() -> Option<PathBuf> {
    let tests = std::env::current_exe().unwrap();
    let example = tests.parent()?.parent()?.join("examples/consumer");
    example.exists().then_some(example)
}

/// Replays everything the repository has, for the `run`th time; the events as a file has them.
fn replay(rig: &Rig, run: u32, records: &str) -> Vec<String> {
    let (rules, written) =
        (rig.directory.path().join("any.rules"), rig.directory.path().join(format!("{run}.jsonl")));
    std::fs::write(&rules, "alert ip any any -> any any (msg:\"Anything\"; sid:1; rev:1;)\n").unwrap();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cases");
    let mut replay = sensor(rig, &["replay", "--deliver", "--deliver-within", "60"]);
    replay.arg("-S").args([&rules, Path::new("-o"), &written, &cases]);
    let output = replay.env("SENSOR__DELIVERY__KINESIS__RECORDS", records).output().unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let mut lines: Vec<_> = std::fs::read_to_string(written).unwrap().lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn events_that_were_put_again_are_seen_once() {
    let Some(example) = example() else {
        // As in emulators: shown beside the names of tests that pass.
        let _ = writeln!(
            std::io::stderr(),
            "skipped events_that_were_put_again_are_seen_once: the example is not built"
        );
        return;
    };
    // Every third answer is lost, so that what it acknowledged is put again; and all is replayed twice, in both forms.
    let script = Script::of([Fault::share(FaultKind::HalfAnswer, 0.3)]);
    let fake = FakeConfig { shards: 2, shard_limits: false, script, ..FakeConfig::default() };
    let rig = Rig::with(fake, Arc::default());
    let first = replay(&rig, 1, "event");
    assert_eq!(replay(&rig, 2, "batch"), first);
    let stored: usize = rig.aws.records().iter().map(|(_, records)| records.len()).sum();
    assert!(stored > first.len(), "{stored} records of {} events", first.len());
    let output = command(example.to_str().unwrap())
        .args([&rig.aws.config().stream_arn(), "2"])
        .env("AWS_ENDPOINT_URL", rig.aws.endpoint())
        .env("AWS_REGION", &rig.aws.config().region)
        .env("AWS_ACCESS_KEY_ID", "AKIACONSUMER")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    let mut seen: Vec<_> = said.lines().collect();
    seen.sort_unstable();
    assert_eq!(seen, first);
}
