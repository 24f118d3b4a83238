//! Every case of `fixtures/cases`: a capture and rules in, the expected events out, whatever the number of workers.
//!
//! `SENSOR_WRITE_EXPECTED=1 cargo test --test main cases` writes what comes out as what is expected; read the change
//! before you commit it.

use crate::schema;
use fixtures::Case;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs `sensor replay` and gives what it wrote, once it ended well.
pub(crate) fn replay(captures: &[&Path], options: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_sensor"))
        .arg("replay")
        .args(captures)
        .args(options)
        .env_remove("SENSOR_CONFIG")
        .output()
        .expect("the executable was built with this test");
    assert!(output.status.success(), "{captures:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn events(case: &Case, workers: &str) -> String {
    events_with(case, &["--workers", workers])
}

fn events_with(case: &Case, options: &[&str]) -> String {
    let mut options = options.to_vec();
    let rules = case.rules.as_ref().map(|path| path.display().to_string());
    let config = case.config.as_ref().map(|path| path.display().to_string());
    for (option, value) in [("-S", &rules), ("--config", &config)] {
        if let Some(value) = value {
            options.extend([option, value]);
        }
    }
    String::from_utf8(replay(&[&case.traffic], &options).stdout).expect("events are UTF-8")
}

#[test]
fn every_case_gives_the_events_expected_of_it() {
    let cases = fixtures::cases();
    assert!(!cases.is_empty(), "fixtures/cases holds no case");
    let write = std::env::var_os("SENSOR_WRITE_EXPECTED").is_some();
    let mut wrong = Vec::new();
    for case in &cases {
        let found = events(case, "1");
        schema::check_lines(&found);
        if write {
            fs::write(&case.expect, &found).expect("the case's folder can be written");
        }
        let expected = fs::read_to_string(&case.expect).unwrap_or_default();
        if found != expected {
            wrong.push(format!("{}:\nexpected {expected}\nfound    {found}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_prefilter_does_not_show() {
    for case in fixtures::cases() {
        let found = events(&case, "1");
        let tried = events_with(&case, &["--workers", "1", "--set", "detect.prefilter=false"]);
        assert_eq!(found, tried, "{} without the prefilter", case.name);
    }
}

#[test]
fn the_number_of_workers_does_not_show() {
    for case in fixtures::cases() {
        let one = events(&case, "1");
        for workers in ["2", "4"] {
            assert_eq!(one, events(&case, workers), "{} with {workers} workers", case.name);
        }
        assert_eq!(one, events(&case, "1"), "{} twice in a row", case.name);
    }
}
