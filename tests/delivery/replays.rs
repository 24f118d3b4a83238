//! Replays that deliver, and what else they write.

use super::commands::{code, rig, sensor, set, text};
use super::{EXTERNAL_ID, Rig, eventually};
use crate::live::sessions;
use sensor::dev::fake_aws::{Fault, FaultKind, Script};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// A replay that makes some events.
pub(super) fn replay(rig: &Rig, more: &[&str]) -> Command {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cases/http-payload");
    let mut replay = sensor(rig, &["replay", "--deliver"]);
    replay.args(more).arg(case.join("traffic.pcap")).arg("-S").arg(case.join("sensor.rules"));
    replay
}

/// A replay of what comes on standard input, with two alerts to a session.
fn replay_of_sessions(rig: &Rig, more: &[&str]) -> Command {
    let rules = rig.directory.path().join("sessions.rules");
    fs::write(&rules, crate::live::RULES).unwrap();
    let mut replay = sensor(rig, &["replay", "-", "-k", "none", "--deliver"]);
    replay.args(more).arg("-S").arg(rules).stdin(Stdio::piped());
    replay
}

/// The lines of a file, or the records of the stream, in order of their bytes.
fn sorted(mut events: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    events.sort();
    events
}

fn lines(file: &[u8]) -> Vec<Vec<u8>> {
    sorted(file.split_inclusive(|&byte| byte == b'\n').map(|line| line.trim_ascii_end().to_vec()).collect())
}

fn delivered(rig: &Rig) -> Vec<Vec<u8>> {
    let records = rig.aws.records().into_iter().flat_map(|(_, records)| records);
    sorted(records.map(|record| record.data).collect())
}

#[test]
fn a_replay_delivers_what_it_writes_to_a_file() {
    let rig = rig();
    let written = rig.directory.path().join("events.jsonl");
    let output = replay(&rig, &["-o", written.to_str().unwrap()]).output().unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let (expected, delivered) = (lines(&fs::read(written).unwrap()), delivered(&rig));
    assert!(!expected.is_empty());
    assert!(delivered == expected, "{} delivered, {} written", delivered.len(), expected.len());
    let said = format!("delivered {0} of {0} events", expected.len());
    assert!(text(&output.stderr).contains(&said), "{}", text(&output.stderr));
}

#[test]
fn a_replay_into_an_outage_keeps_the_events_and_says_so() {
    let rig = rig();
    rig.aws.play(Script::of([Fault::always(FaultKind::ServerError)]));
    let output = replay(&rig, &["--deliver-within", "2"]).output().unwrap();
    assert_eq!(code(&output), 69, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("wait in the spool"), "{}", text(&output.stderr));
    // Setting it again keeps what waits.
    let before = rig.integration();
    let output = set(&rig, EXTERNAL_ID, &["--no-check"]);
    assert!(text(&output.stdout).contains("is replaced"), "{}", text(&output.stdout));
    assert_eq!(rig.integration().rotated_at, before.rotated_at, "the external ID is the same");
    rig.aws.play(Script::default());
    let output = replay(&rig, &[]).output().unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let (_, records) = rig.aws.records().remove(0);
    let mut ids: Vec<String> = records.iter().map(|record| id_of(&record.data)).collect();
    let delivered = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(delivered, ids.len() * 2, "the second run's events have the ids of the first's");
}

fn id_of(data: &[u8]) -> String {
    serde_json::from_slice::<serde_json::Value>(data).unwrap()["id"].as_str().unwrap().to_owned()
}

/// A replay that is half through when it is told to stop.
fn told_to_stop(rig: &Rig, more: &[&str]) -> Output {
    let capture = sessions(400);
    let (first, second) = capture.split_at(capture.len() / 2);
    let events = rig.directory.path().join("events.jsonl");
    let mut replay = replay_of_sessions(rig, more).arg("-o").arg(&events).spawn().unwrap();
    let mut input = replay.stdin.take().unwrap();
    input.write_all(first).unwrap();
    eventually("the first event", PATIENCE, || fs::metadata(&events).is_ok_and(|file| file.len() > 0));
    assert!(Command::new("kill").args(["-TERM", &replay.id().to_string()]).status().unwrap().success());
    // It may be gone before it has read this.
    let _ = input.write_all(second);
    drop(input);
    replay.wait_with_output().unwrap()
}

#[test]
fn a_replay_that_is_told_to_stop_delivers_what_it_has_made() {
    let rig = rig();
    let output = told_to_stop(&rig, &[]);
    assert_eq!(code(&output), 130, "{}", text(&output.stderr));
    let (delivered, written) =
        (delivered(&rig), lines(&fs::read(rig.directory.path().join("events.jsonl")).unwrap()));
    assert!(!written.is_empty());
    assert!(delivered == written, "{} delivered, {} written", delivered.len(), written.len());
    let account = &rig.store().account().unwrap()["account"];
    assert_eq!((&account["created"], &account["delivered"]), (&written.len().into(), &written.len().into()));
}

#[test]
fn a_replay_that_is_told_to_stop_in_an_outage_leaves_what_it_has_made_to_the_next() {
    let rig = rig();
    rig.aws.play(Script::of([Fault::always(FaultKind::ServerError)]));
    let output = told_to_stop(&rig, &["--deliver-within", "1"]);
    assert_eq!(code(&output), 69, "{}", text(&output.stderr));
    let account = rig.store().account().unwrap()["account"].clone();
    let written = lines(&fs::read(rig.directory.path().join("events.jsonl")).unwrap());
    assert_eq!((&account["created"], &account["spooled"]), (&written.len().into(), &written.len().into()));
    rig.aws.play(Script::default());
    let sink = rig.sink();
    assert_eq!(sink.recovery().events, written.len() as u64);
    sink.close(PATIENCE, true);
    assert!(delivered(&rig) == written);
}

/// A pipe that somebody holds open and does not read from.
fn pipe(rig: &Rig) -> (PathBuf, File) {
    let path = rig.directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let reader = File::options().read(true).write(true).open(&path).unwrap();
    (path, reader)
}

#[test]
fn an_output_that_takes_nothing_does_not_hold_up_the_delivery() {
    let rig = rig();
    let (path, held) = pipe(&rig);
    let arguments = ["-o", path.to_str().unwrap()];
    let mut replay = replay_of_sessions(&rig, &arguments).spawn().unwrap();
    replay.stdin.take().unwrap().write_all(&sessions(400)).unwrap();
    eventually("the delivery", PATIENCE, || delivered(&rig).len() == 800);
    assert!(replay.try_wait().unwrap().is_none(), "the output waits to be read");
    let mut reader = File::open(&path).unwrap();
    drop(held);
    let mut written = Vec::new();
    reader.read_to_end(&mut written).unwrap();
    let output = replay.wait_with_output().unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(lines(&written) == delivered(&rig));
}

#[test]
fn a_stream_that_takes_nothing_does_not_hold_up_the_output() {
    let rig = rig();
    rig.aws.play(Script::of([Fault::always(FaultKind::Hang)]));
    let events = rig.directory.path().join("events.jsonl");
    let arguments = ["-o", events.to_str().unwrap(), "--deliver-within", "1"];
    let mut replay = replay_of_sessions(&rig, &arguments).spawn().unwrap();
    replay.stdin.take().unwrap().write_all(&sessions(400)).unwrap();
    let output = replay.wait_with_output().unwrap();
    assert_eq!(code(&output), 69, "{}", text(&output.stderr));
    assert_eq!(lines(&fs::read(&events).unwrap()).len(), 800);
    assert_eq!(rig.store().account().unwrap()["account"]["spooled"], 800);
}
