//! `sensor siem`, `sensor aws` and `sensor dev` as their user meets them.

use super::peers::{self, installed};
use super::replays::replay;
use super::{EXTERNAL_ID, Rig, accept, eventually};
use sensor::dev::fake_aws::{FakeAws, FakeConfig, Fault, FaultKind, Script};
use sensor::sink::accounting::DropReason;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

pub(super) fn sensor(rig: &Rig, arguments: &[&str]) -> Command {
    let mut command = peers::command(env!("CARGO_BIN_EXE_sensor"));
    command
        .args(arguments)
        .env("SENSOR_STATE_DIR", rig.directory.path())
        .env("AWS_ENDPOINT_URL", rig.aws.endpoint())
        .env("AWS_ACCESS_KEY_ID", "AKIASENSOR")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(rig: &Rig, arguments: &[&str]) -> Output {
    sensor(rig, arguments).output().unwrap()
}

pub(super) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn unlimited() -> FakeConfig {
    FakeConfig { shard_limits: false, ..FakeConfig::default() }
}

/// Test events have no numbers to be noted by.
pub(super) fn rig() -> Rig {
    Rig::with(unlimited(), std::sync::Arc::default())
}

/// `siem set` for the stand-in's stream and role.
fn setting(rig: &Rig, more: &[&str]) -> Command {
    let (stream, role) = (rig.aws.config().stream_arn(), rig.aws.config().role_arn());
    sensor(rig, &[&["siem", "set", "--stream-arn", &stream, "--role-arn", &role], more].concat())
}

/// Runs a command that is told something on standard input.
fn told(command: &mut Command, text: &str) -> Output {
    let mut process = command.stdin(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    process.wait_with_output().unwrap()
}

/// `siem set` with the external ID on standard input.
pub(super) fn set(rig: &Rig, external_id: &str, more: &[&str]) -> Output {
    told(&mut setting(rig, &[&["--external-id-file", "-"], more].concat()), external_id)
}

#[test]
fn an_integration_is_set_tested_shown_and_deleted() {
    let rig = rig();
    rig.store().remove().unwrap();
    let output = run(&rig, &["siem", "test"]);
    assert_eq!(code(&output), 78, "{}", text(&output.stderr));
    let output = set(&rig, EXTERNAL_ID, &[]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("Role and permission are proven"), "{}", text(&output.stdout));
    assert!(!text(&output.stdout).contains("warning"), "{}", text(&output.stdout));
    let output = run(&rig, &["siem", "test"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("shard shardId-000000000000, sequence number 496"));
    let (_, records) = rig.aws.records().remove(0);
    let event: serde_json::Value = serde_json::from_slice(&records[0].data).unwrap();
    assert_eq!((records.len(), &event["data"]["type"]), (1, &"TYPE_TEST".into()));
    assert!(text(&run(&rig, &["siem", "status"]).stdout).contains("external ID    last rotated 20"));
    let output = run(&rig, &["siem", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["status"]["state"], "Active");
    assert_eq!(status["stream_arn"], rig.aws.config().stream_arn());
    let output = run(&rig, &["siem", "delete", "--yes"]);
    assert!(text(&output.stdout).contains("0 events that waited"), "{}", text(&output.stdout));
    assert!(text(&run(&rig, &["siem", "status"]).stdout).contains("No SIEM integration is set"));
}

#[test]
fn a_refused_test_exits_with_77_and_a_silent_one_with_69() {
    let rig = rig();
    let output = set(&rig, "not-the-right-external-id", &[]);
    assert!(text(&output.stdout).contains("shorter than the 64"), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("check your Role ARN and External ID"), "{}", text(&output.stdout));
    let output = run(&rig, &["siem", "test"]);
    assert_eq!(code(&output), 77);
    assert!(text(&output.stderr).contains("check your Role ARN and External ID"), "{}", text(&output.stderr));
    assert!(text(&run(&rig, &["siem", "status"]).stdout).starts_with("Unauthorized - check"));
    rig.aws.play(Script::of([Fault::always(FaultKind::StsError)]));
    assert_eq!(code(&run(&rig, &["siem", "test"])), 69);
}

#[test]
fn what_setting_it_up_finds_is_its_status() {
    let rig = rig();
    for (external_id, status) in [
        (EXTERNAL_ID, "Unknown - permission proven\n"),
        ("not-the-right-external-id", "Unauthorized - check your Role ARN and External ID"),
    ] {
        set(&rig, external_id, &[]);
        let shown = text(&run(&rig, &["siem", "status"]).stdout);
        assert!(shown.starts_with(status), "{shown}");
    }
    // Of what was not tried nothing is known, least of all from the integration before.
    set(&rig, EXTERNAL_ID, &["--no-check"]);
    assert!(text(&run(&rig, &["siem", "status"]).stdout).starts_with("Unknown\n"));
    assert!(rig.aws.records().iter().all(|(_, records)| records.is_empty()), "nothing was written");
}

#[test]
fn a_role_that_does_not_demand_the_external_id_is_warned_of() {
    let rig = Rig { aws: FakeAws::start(unlimited()).unwrap(), ..rig() };
    let said = text(&set(&rig, EXTERNAL_ID, &[]).stdout);
    assert!(said.contains("can be assumed without an external ID and with a wrong one"), "{said}");
}

#[test]
fn an_external_id_is_read_from_a_credential_of_systemd() {
    let rig = rig();
    let credentials = rig.directory.path().join("systemd");
    std::fs::create_dir(&credentials).unwrap();
    std::fs::write(credentials.join("siem"), format!("{EXTERNAL_ID}\n")).unwrap();
    let mut set = setting(&rig, &["--external-id-credential", "siem"]);
    let output = set.env("CREDENTIALS_DIRECTORY", &credentials).output().unwrap();
    assert!(text(&output.stdout).contains("Role and permission are proven"), "{}", text(&output.stderr));
    assert_eq!(rig.integration().external_id.expose(), EXTERNAL_ID);
}

#[test]
fn deleting_asks_first_and_counts_what_is_discarded() {
    let rig = rig();
    rig.aws.play(Script::of([Fault::always(FaultKind::ServerError)]));
    assert_eq!(code(&replay(&rig, &["--deliver-within", "1"]).output().unwrap()), 69);
    let spooled = rig.store().account().unwrap()["account"]["spooled"].as_u64().unwrap();
    assert!(spooled > 0);
    let output = told(&mut sensor(&rig, &["siem", "delete"]), "n\n");
    let question = "Are you sure you want to delete this SIEM integration?";
    assert!(text(&output.stderr).contains(question), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("Nothing was deleted"));
    let output = told(&mut sensor(&rig, &["siem", "delete"]), "y\n");
    let said = format!("{spooled} events that waited for it were discarded");
    assert!(text(&output.stdout).contains(&said), "{}", text(&output.stdout));
    assert!(text(&run(&rig, &["siem", "status"]).stdout).contains("No SIEM integration is set"));
}

#[test]
fn deleting_under_a_running_sensor_tells_what_that_discarded() {
    let rig = rig();
    rig.aws.play(Script::of([Fault::always(FaultKind::AccessDenied)]));
    let mut sink = rig.sink();
    accept(&mut sink, 0..100, 100, 0);
    let output = run(&rig, &["siem", "delete", "--yes"]);
    assert!(text(&output.stdout).contains("100 events that waited"), "{}", text(&output.stdout));
    assert_eq!(sink.close(Duration::ZERO, false).dropped_for(DropReason::Deleted), 100);
}

#[test]
fn malformed_fields_are_told_apart_and_nothing_is_stored() {
    let rig = rig();
    rig.store().remove().unwrap();
    let role = "arn:aws:iam::123456789012:role/r";
    for (stream, words) in [
        ("arn:aws:kinesis:us-east-1:12:stream/s", "twelve digits"),
        (" arn:aws:kinesis:us-east-1:123456789012:stream/s", "spaces"),
        ("stream/s", "form"),
    ] {
        let arguments = ["siem", "set", "--stream-arn", stream, "--role-arn", role, "--generate-external-id"];
        let output = run(&rig, &arguments);
        assert_eq!(code(&output), 2);
        assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
    let output = set(&rig, "has a space", &["--no-check"]);
    assert_eq!(code(&output), 2);
    assert!(!text(&output.stderr).contains("has a space"), "{}", text(&output.stderr));
    assert_eq!(rig.store().load().unwrap(), None);
}

#[test]
fn a_generated_external_id_is_shown_once_and_demanded_by_nobody_yet() {
    let rig = rig();
    let output = setting(&rig, &["--generate-external-id"]).output().unwrap();
    let said = text(&output.stdout);
    let shown = said.lines().find_map(|line| line.rsplit_once("trust policy: ")).unwrap().1;
    assert_eq!(shown.len(), 64);
    assert_eq!(rig.integration().external_id.expose(), shown);
}

/// Everything a command leaves or says, the stored integration itself aside.
#[test]
fn the_external_id_is_nowhere_but_where_it_must_be() {
    let rig = rig();
    let mut said = Vec::new();
    for command in [&["-vvv", "siem", "test"][..], &["-vvv", "siem", "status"], &["siem", "status", "--json"]]
    {
        let output = run(&rig, command);
        said.extend([output.stdout, output.stderr].concat());
    }
    rig.set(&rig.aws.config().stream_arn(), "arn:aws:iam::123456789012:role/Another", EXTERNAL_ID);
    let output = run(&rig, &["-vvv", "siem", "test"]);
    said.extend([output.stdout, output.stderr].concat());
    said.extend(set(&rig, EXTERNAL_ID, &["-vvv"]).stderr);
    // A delivery through refusals and hold-ups, with what it leaves on disk and shows of itself.
    let script = [Fault::share(FaultKind::StsError, 0.5), Fault::share(FaultKind::AccessDenied, 0.5)];
    rig.aws.play(Script::of(script));
    let mut replay = replay(&rig, &["-vvv", "--deliver-within", "3"]).spawn().unwrap();
    said.extend(shown_by_the_system(&replay));
    replay.stdin.take();
    let output = replay.wait_with_output().unwrap();
    said.extend([output.stdout, output.stderr].concat());
    // Setting it, the secret already read, the end of the input not yet.
    let mut setting = setting(&rig, &["--external-id-file", "-"]);
    let mut setting = setting.stdin(Stdio::piped()).spawn().unwrap();
    setting.stdin.as_mut().unwrap().write_all(EXTERNAL_ID.as_bytes()).unwrap();
    said.extend(shown_by_the_system(&setting));
    said.extend(setting.wait_with_output().unwrap().stdout);
    let debug = format!("{:?}{:?}", rig.integration(), rig.store());
    assert!(!text(&said).contains(EXTERNAL_ID), "it was said");
    assert!(!debug.contains(EXTERNAL_ID), "it was dumped");
    assert!(said.len() > 10_000, "the trace is there");
    for file in files_under(rig.directory.path()) {
        if !file.ends_with("integration.json") {
            let content = std::fs::read(&file).unwrap();
            assert!(!text(&content).contains(EXTERNAL_ID), "it is in {}", file.display());
        }
    }
}

/// What the system tells about a process that is under way (proc(5)).
fn shown_by_the_system(process: &Child) -> Vec<u8> {
    let read = |name| std::fs::read(format!("/proc/{}/{name}", process.id()));
    eventually("the start", Duration::from_secs(10), || !read("cmdline").unwrap().is_empty());
    std::thread::sleep(Duration::from_millis(500));
    // Not everybody may read all of them.
    ["cmdline", "environ", "status"].into_iter().flat_map(|name| read(name).unwrap_or_default()).collect()
}

/// The end of a process that may leave a core dump, and is made to.
fn aborted(shell: &str, directory: &Path, program: &Command) -> ExitStatus {
    let mut process = Command::new("sh");
    process.args(["-c", shell]).arg(program.get_program()).args(program.get_args()).current_dir(directory);
    let variables = program.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let mut process = process.envs(variables).stdin(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(Command::new("kill").args(["-ABRT", &process.id().to_string()]).status().unwrap().success());
    process.wait().unwrap()
}

#[test]
fn no_core_dump_shows_the_external_id() {
    let rig = rig();
    let directory = rig.directory.path();
    let unlimited = "ulimit -c unlimited && exec";
    if !aborted(&format!("{unlimited} cat"), directory, &Command::new("cat")).core_dumped() {
        let _ = writeln!(std::io::stderr(), "skipped no_core_dump_shows_the_external_id: no core dumps here");
        return;
    }
    let setting = setting(&rig, &["--external-id-file", "-"]);
    let ended = aborted(&format!("{unlimited} \"$0\" \"$@\""), directory, &setting);
    assert_eq!((ended.signal(), ended.core_dumped()), (Some(6), false));
}

fn files_under(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_under(&path) } else { vec![path] }).collect()
}

#[test]
fn terraform_is_written_for_the_caller_or_for_whoever_is_named() {
    let rig = rig();
    let output = run(&rig, &["aws", "terraform"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    // The session that asked is turned into its role.
    assert!(text(&output.stdout).contains("\"arn:aws:iam::123456789012:role/sensor\""));
    let directory = rig.directory.path().join("module");
    let principal = "arn:aws:iam::458553032353:role/Meter-data-export";
    let arguments = ["aws", "terraform", "--principal", principal, "--on-demand", "--directory"];
    let output = run(&rig, &[&arguments[..], &[directory.to_str().unwrap()]].concat());
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let values = std::fs::read_to_string(directory.join("terraform.tfvars")).unwrap();
    assert!(values.contains(principal) && values.contains("ON_DEMAND"));
    if installed("the form of the Terraform that is written", &["terraform"]) {
        let mut terraform = Command::new("terraform");
        let output = terraform.args(["fmt", "-check", "-diff"]).current_dir(&directory).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stdout));
    }
}
