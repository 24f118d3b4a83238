//! The executable as its user meets it: what it prints, and how it exits.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn sensor(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sensor"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SENSOR_")) {
        command.env_remove(name);
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    sensor(arguments).output().expect("the executable starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it exits by itself")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_unknown_subcommand_is_a_usage_error_with_a_suggestion() {
    let output = run(&["completion", "bash"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("completions"), "{}", stderr(&output));
}

#[test]
fn help_and_version_are_no_errors() {
    for flag in ["--help", "--version"] {
        let output = run(&[flag]);
        assert_eq!(code(&output), 0);
        assert!(stdout(&output).contains("sensor"), "{flag}");
    }
}

#[test]
fn every_shell_has_completions_that_know_the_subcommands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completions", shell]);
        assert_eq!(code(&output), 0, "{shell}");
        assert!(stdout(&output).contains("completions"), "{shell}");
    }
}

#[test]
fn the_manual_describes_the_program_and_each_subcommand() {
    let program = run(&["man"]);
    assert_eq!(code(&program), 0);
    assert!(stdout(&program).contains(".TH sensor"), "{}", stdout(&program));
    let page = run(&["man", "completions"]);
    assert!(stdout(&page).contains(".TH sensor-completions"), "{}", stdout(&page));
    let unknown = run(&["man", "nonesuch"]);
    assert_eq!(code(&unknown), 2);
    assert!(stderr(&unknown).contains("nonesuch"), "{}", stderr(&unknown));
}

#[test]
fn the_manual_can_be_written_to_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    assert_eq!(code(&run(&["man", "--directory", path])), 0);
    let pages = std::fs::read_dir(directory.path()).unwrap().count();
    assert!(pages >= 3, "{pages} pages");
    let nowhere = directory.path().join("missing");
    let output = run(&["man", "--directory", nowhere.to_str().unwrap()]);
    assert_eq!(code(&output), 73);
    assert!(stderr(&output).contains("missing"), "{}", stderr(&output));
}

/// Runs a command whose output's reader has left before the first byte.
fn run_without_reader(mut command: Command) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer).output().unwrap()
}

#[test]
fn a_closed_pipe_ends_quietly() {
    for arguments in
        [&["completions", "bash"][..], &["man"], &["config", "show"], &["config", "schema"], &["--help"]]
    {
        let output = run_without_reader(sensor(arguments));
        assert_eq!(stderr(&output), "", "{arguments:?}");
        assert_eq!(code(&output), 0, "{arguments:?}");
    }
}

#[test]
fn a_full_output_cannot_be_written() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = sensor(&["completions", "bash"]).stdout(full).output().unwrap();
    assert_eq!(code(&output), 73);
    assert!(stderr(&output).contains("cannot write standard output"), "{}", stderr(&output));
}

#[test]
fn faults_are_json_where_logs_are() {
    let output = run(&["--log-format", "json", "man", "nonesuch"]);
    let line: serde_json::Value = serde_json::from_str(stderr(&output).trim()).expect("one JSON object");
    assert_eq!(line["exit_code"], 2);
}

fn configuration(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_a_suggestion() {
    let file = configuration("[network]\nslgu = 'office'\n");
    let path = file.path().to_str().unwrap();
    let output = run(&["--config", path, "config", "show", "--set", "events.sorce=x"]);
    assert_eq!(code(&output), 78);
    let message = stderr(&output);
    assert!(
        message.contains(&format!("{path}:2:1: unknown key `network.slgu`; did you mean `network.slug`?")),
        "{message}"
    );
    assert!(
        message.contains("--set events.sorce=x: unknown key `events.sorce`; did you mean `events.source`?"),
        "{message}"
    );
    assert_eq!(stdout(&output), "");
}

#[test]
fn a_value_of_a_wrong_type_is_named_with_its_place() {
    let mut command = sensor(&["config", "show"]);
    let output = command.env("SENSOR__DETECT__MAX_ALERTS_PER_PACKET", "many").output().unwrap();
    assert_eq!(code(&output), 78);
    let message = stderr(&output);
    assert!(message.contains("environment variable SENSOR__DETECT__MAX_ALERTS_PER_PACKET: "), "{message}");
    assert!(message.contains("`detect.max_alerts_per_packet`: invalid type"), "{message}");
}

#[test]
fn a_missing_configuration_is_a_fault_of_configuration() {
    let output = run(&["--config", "/nonexistent/sensor.toml", "config", "show"]);
    assert_eq!(code(&output), 78);
    assert!(stderr(&output).contains("/nonexistent/sensor.toml"), "{}", stderr(&output));
}

#[test]
fn the_configuration_is_shown_with_its_origins() {
    let file = configuration("[network]\nslug = 'office'\n");
    let path = file.path().to_str().unwrap();
    let mut command = sensor(&["config", "show", "--origin", "--set", "decode.checksums=none"]);
    let uuid = "0196b087-9ba3-aefe-5c83-96b6bbb3c976";
    let output = command.env("SENSOR_CONFIG", path).env("SENSOR_NETWORK_UUID", uuid).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let shown = stdout(&output);
    let has = |key: &str, value: &str, origin: &str| {
        let fits = |line: &str| {
            line.starts_with(&format!("{key} = \"{value}\"")) && line.ends_with(&format!("# {origin}"))
        };
        assert!(shown.lines().any(fits), "{key} = {value} # {origin} in\n{shown}");
    };
    has("slug", "office", &format!("{path}:2:8"));
    has("uuid", uuid, "environment variable SENSOR_NETWORK_UUID");
    has("checksums", "none", "--set decode.checksums=none");
    has("source", "https://meter.com", "default");
}

#[test]
fn what_is_shown_satisfies_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&stdout(&run(&["config", "schema"]))).unwrap();
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let shown: toml::Table = stdout(&run(&["config", "show"])).parse().unwrap();
    let mut instance = serde_json::to_value(shown).unwrap();
    assert!(
        validator.is_valid(&instance),
        "{:?}",
        validator.iter_errors(&instance).next().map(|e| e.to_string())
    );
    instance["network"]["slgu"] = "x".into();
    assert!(!validator.is_valid(&instance), "an unknown key passes");
}

/// Events of that case: two rules with a place for their content alert on the packet and on the stream.
const EVENTS: usize = 4;

/// The capture and the rules of a case with two alerts.
fn case() -> (String, String) {
    let cases = fixtures::cases();
    let case = cases.iter().find(|case| case.name == "http-payload").expect("the case exists");
    let rules = case.rules.as_ref().expect("it has rules");
    (case.traffic.display().to_string(), rules.display().to_string())
}

fn in_directory(directory: &tempfile::TempDir, name: &str) -> String {
    directory.path().join(name).display().to_string()
}

#[test]
fn a_missing_input_is_told_before_the_output_is_touched() {
    let directory = tempfile::tempdir().unwrap();
    let out = in_directory(&directory, "out");
    std::fs::write(&out, "{\"kept\":true}\n").unwrap();
    let (capture, _) = case();
    for arguments in [
        ["replay", "/nonexistent.pcap", "-o", &out].as_slice(),
        &["replay", &capture, "-S", "/nonexistent", "-o", &out],
    ] {
        let output = run(arguments);
        assert_eq!(code(&output), 66, "{}", stderr(&output));
        assert!(stderr(&output).contains("/nonexistent"), "{}", stderr(&output));
    }
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "{\"kept\":true}\n");
}

#[test]
fn a_cut_capture_gives_what_is_readable_and_names_the_fault() {
    let directory = tempfile::tempdir().unwrap();
    let (capture, rules) = case();
    let mut bytes = std::fs::read(&capture).unwrap();
    bytes.truncate(bytes.len() - 1);
    let cut = in_directory(&directory, "cut.pcap");
    std::fs::write(&cut, bytes).unwrap();
    let output = run(&["replay", &cut, "-S", &rules]);
    assert_eq!(code(&output), 65);
    assert_eq!(stdout(&output).lines().count(), EVENTS, "{}", stderr(&output));
    let message = stderr(&output);
    assert!(message.contains(&format!("{cut}: byte ")), "{message}");
    assert!(message.contains("packets read"), "{message}");
}

#[test]
fn an_output_that_cannot_be_written_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let (capture, rules) = case();
    let folder = directory.path().display().to_string();
    let nowhere = in_directory(&directory, "missing/out");
    for out in [folder.as_str(), &nowhere, "/dev/full", &capture] {
        let output = run(&["replay", &capture, "-S", &rules, "-o", out]);
        assert_eq!(code(&output), 73, "{out}: {}", stderr(&output));
        assert!(stderr(&output).contains(out), "{out}: {}", stderr(&output));
    }
}

#[test]
fn a_replay_into_a_closed_pipe_ends_quietly() {
    let (capture, rules) = case();
    for format in ["ndjson", "table"] {
        let output = run_without_reader(sensor(&["replay", &capture, "-S", &rules, "--format", format]));
        assert_eq!(stderr(&output), "");
        assert_eq!(code(&output), 0);
    }
}

#[test]
fn a_file_gets_what_a_pipe_gets() {
    let directory = tempfile::tempdir().unwrap();
    let (capture, rules) = case();
    let out = in_directory(&directory, "events.ndjson");
    let piped = run(&["replay", &capture, "-S", &rules]);
    assert_eq!(stdout(&piped).lines().count(), EVENTS);
    for _ in 0..2 {
        let output = run(&["replay", &capture, "-S", &rules, "-o", &out]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), stdout(&piped));
    }
    assert_eq!(stdout(&run(&["replay", &capture, "-S", &rules, "-o", "-"])), stdout(&piped));
}

#[test]
fn a_table_has_a_row_for_each_event() {
    let (capture, rules) = case();
    let output = run(&["replay", &capture, "-S", &rules, "--format", "table"]);
    let rows = stdout(&output);
    assert_eq!(rows.lines().filter(|row| row.contains(" alert ")).count(), EVENTS, "{rows}");
    assert!(rows.contains("10.0.0.2:"), "{rows}");
}

#[test]
fn a_rule_that_cannot_be_used_is_shown_and_the_others_load() {
    let directory = tempfile::tempdir().unwrap();
    let (capture, _) = case();
    let rules = in_directory(&directory, "a.rules");
    let text = "alert tcp any any -> any any (msg:\"GET\"; content:\"GET\"; sid:1;)\n\
                alert tcp any any -> any any (msg:\"odd\"; nonesuch; sid:2;)\n";
    std::fs::write(&rules, text).unwrap();
    let output = run(&["replay", &capture, "-S", &rules]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stdout(&output).lines().count(), 1);
    assert!(stderr(&output).contains(&format!("{rules}:2:")), "{}", stderr(&output));
    assert!(stderr(&output).contains("nonesuch"), "{}", stderr(&output));
    let strict = run(&["replay", &capture, "-S", &rules, "--strict"]);
    assert_eq!(code(&strict), 65);
    assert_eq!(stdout(&strict), "");
    let quiet = run(&["replay", &capture, "-S", &rules, "-q"]);
    assert_eq!((code(&quiet), stderr(&quiet)), (0, String::new()));
}

#[test]
fn what_is_configured_and_makes_no_sense_is_a_fault_of_configuration() {
    let (capture, rules) = case();
    for (set, named) in [
        ("variables.addresses.HOME_NET=[10.0.0.0/8,x]", "variables.addresses.HOME_NET: column 13"),
        ("capture.filter=tcp prot 80", "capture.filter"),
        ("events.source=a b", "events.source"),
    ] {
        let output = run(&["replay", &capture, "-S", &rules, "--set", set]);
        assert_eq!(code(&output), 78, "{set}: {}", stderr(&output));
        assert!(stderr(&output).contains(named), "{set}: {}", stderr(&output));
    }
}

#[test]
fn a_filter_passes_over_packets() {
    let (capture, rules) = case();
    let output = run(&["replay", &capture, "-S", &rules, "--filter", "udp"]);
    assert_eq!((code(&output), stdout(&output)), (0, String::new()), "{}", stderr(&output));
    let output = run(&["replay", &capture, "-S", &rules, "--filter", "tcp port 80"]);
    assert_eq!(stdout(&output).lines().count(), EVENTS, "{}", stderr(&output));
}

#[test]
fn the_summary_is_json_where_logs_are() {
    let (capture, rules) = case();
    let output = run(&["--log-format", "json", "replay", &capture, "-S", &rules]);
    let line: serde_json::Value = serde_json::from_str(stderr(&output).trim()).expect("one JSON object");
    assert_eq!(line["counters"]["alerts"], EVENTS);
    assert_eq!(line["counters"]["events_written"], EVENTS);
}

#[test]
fn a_suricata_yaml_becomes_a_configuration_that_loads() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (yaml, toml) = (path("suricata.yaml"), path("sensor.toml"));
    std::fs::write(&yaml, "%YAML 1.1\n---\npacket-alert-max: 20\nrunmode: workers\n").unwrap();
    let output = run(&["config", "import-suricata", &yaml, "-o", &toml]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stderr(&output).contains("runmode: no counterpart here"), "{}", stderr(&output));
    let shown = run(&["--config", &toml, "config", "show"]);
    assert!(stdout(&shown).contains("max_alerts_per_packet = 20"), "{}", stderr(&shown));
    let again = run(&["config", "import-suricata", &yaml, "-o", &toml]);
    assert_eq!(code(&again), 73, "what exists is not overwritten");
    std::fs::write(&yaml, "vars: [\n").unwrap();
    let broken = run(&["config", "import-suricata", &yaml]);
    assert_eq!(code(&broken), 65);
    assert!(stderr(&broken).contains("line 2"), "{}", stderr(&broken));
}

#[test]
fn the_defaults_of_run_are_shown_with_their_origin() {
    let shown = |arguments: &[&str]| stdout(&run(&[&["config", "show", "--origin"], arguments].concat()));
    let (replay, live) = (shown(&[]), shown(&["--run"]));
    let line = |text: &str, key: &str| text.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line(&replay, "midstream").starts_with("midstream = false"));
    let midstream = line(&live, "midstream");
    assert!(midstream.starts_with("midstream = true") && midstream.ends_with("default of `sensor run`"));
    let set = shown(&["--run", "--set", "stream.midstream=false"]);
    assert!(line(&set, "midstream").starts_with("midstream = false"), "{set}");
}

/// A long session in which every packet of the client alerts, in halves of whole packets.
fn halves() -> [Vec<u8>; 2] {
    let mut session = fixtures::tcp::Session::v4("10.0.0.1:40000", "203.0.113.10:9999").handshake();
    for _ in 0..20_000 {
        session = session.client(b"some data");
    }
    let frames = session.frames();
    let half = frames.len() / 2;
    let whole = fixtures::pcap_file::pcap(&frames);
    let at = fixtures::pcap_file::pcap(&frames[..half]).len();
    [whole[..at].to_vec(), whole[at..].to_vec()]
}

#[test]
fn a_replay_that_is_told_to_stop_ends_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (rules, events) = (folder.path().join("test.rules"), folder.path().join("events.jsonl"));
    std::fs::write(&rules, "alert tcp-pkt any any -> any 9999 (content:\"some data\"; sid:1;)\n").unwrap();
    let mut child = sensor(&["replay", "-", "-k", "none", "--workers", "1", "-S"])
        .arg(&rules)
        .arg("-o")
        .arg(&events)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let [first, second] = halves();
    input.write_all(&first).unwrap();
    // It has begun once it has written something.
    while std::fs::metadata(&events).map_or(0, |file| file.len()) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    // It may be gone before it has read this.
    let _ = input.write_all(&second);
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130, "{}", stderr(&output));
    assert!(stderr(&output).contains("the replay was interrupted"), "{}", stderr(&output));
    let written = std::fs::read_to_string(&events).unwrap();
    assert!(written.ends_with('\n') && written.lines().count() > 0);
    let told = stderr(&output);
    let created = told.lines().find_map(|line| line.strip_prefix("events written")).unwrap().trim();
    assert_eq!(created.replace(',', "").parse::<usize>().unwrap(), written.lines().count());
}
