//! README's parts that are made: the table of keywords, and what `sensor rules check` says about a file of mistakes.
//!
//! `SENSOR_WRITE_EXPECTED=1 cargo test -p sensor --test main keywords_doc` writes them anew.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const MISTAKES: &str = "fixtures/rules/ten-mistakes.rules";

fn sensor(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sensor"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SENSOR_")) {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(ROOT).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Compares what stands between two markers of README with `expected`, or writes it there.
fn between(marker: &str, expected: &str) {
    let path = Path::new(ROOT).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (open, close) = (format!("<!-- {marker} -->\n"), format!("<!-- /{marker} -->"));
    let (head, rest) = readme.split_once(&open).unwrap_or_else(|| panic!("README.md lacks {open}"));
    let (found, tail) = rest.split_once(&close).unwrap_or_else(|| panic!("README.md lacks {close}"));
    if std::env::var_os("SENSOR_WRITE_EXPECTED").is_some() {
        fs::write(&path, format!("{head}{open}{expected}{close}{tail}")).unwrap();
        return;
    }
    assert!(
        found == expected,
        "README.md differs from what the sensor says between `{marker}`; rewrite it with\n  \
         SENSOR_WRITE_EXPECTED=1 cargo test -p sensor --test main keywords_doc\n\nexpected:\n{expected}"
    );
}

#[test]
fn readme_has_every_keyword_and_what_checking_says() {
    let table = stdout(&sensor(&["rules", "keywords", "--markdown"]));
    between("keywords", &format!("\n{table}\n"));
    let checked = sensor(&["rules", "check", MISTAKES]);
    assert_eq!(checked.status.code(), Some(1));
    between(
        "checked",
        &format!("\n```console\n$ sensor rules check {MISTAKES}\n{}```\n\n", stdout(&checked)),
    );
}

#[test]
fn ten_mistakes_are_told_each_at_its_place_with_help() {
    let output = sensor(&["rules", "check", "--format", "json", MISTAKES]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let lines: Vec<u64> = findings.iter().map(|finding| finding["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, (2..=11).collect::<Vec<u64>>(), "{report:#}");
    let text = fs::read_to_string(Path::new(ROOT).join(MISTAKES)).unwrap();
    let marked = |finding: &serde_json::Value| {
        let line = text.lines().nth(usize::try_from(finding["line"].as_u64().unwrap()).unwrap() - 1).unwrap();
        let column = usize::try_from(finding["column"].as_u64().unwrap()).unwrap();
        line.chars().skip(column - 1).collect::<String>()
    };
    let begins = [
        " content",
        "contnet",
        "4|",
        "nocase",
        "3; sid:5",
        "to_client",
        "$HOME_NETS",
        "99999",
        "alrt",
        "tcp",
    ];
    for (finding, begin) in findings.iter().zip(begins) {
        assert_eq!(finding["severity"], "error", "{finding:#}");
        assert!(finding["help"].is_string(), "no help: {finding:#}");
        let marked = marked(finding);
        assert!(marked.trim_start_matches(':').contains(begin.trim()), "{begin}: {marked}: {finding:#}");
    }
}

#[test]
fn lists_and_explains_what_loads() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.rules");
    let rule = |sid: u32, rest: &str| {
        format!("alert tcp any any -> any 80 (msg:\"Rule {sid}\"; {rest} sid:{sid};)\n")
    };
    fs::write(&path, rule(9, "content:\"abc\"; nocase; depth:5;") + &rule(3, "flow:to_server;")).unwrap();
    let path = path.to_str().unwrap();
    let list = stdout(&sensor(&["rules", "list", path]));
    let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows[0][..2], ["3", "Rule 3"]);
    assert_eq!(rows[1], ["9", "Rule 9", "tcp", "payload", "payload:\"abc\" nocase", "packet-and-stream"]);
    let explained = stdout(&sensor(&["rules", "explain", "9", path]));
    for part in ["sid 9", "tcp any any -> any 80", "finds \"abc\" in either case", "on each packet"] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    let unknown = sensor(&["rules", "explain", "10", path]);
    assert_eq!(unknown.status.code(), Some(2));
    let clean = sensor(&["rules", "check", "--deny", "warnings", path]);
    assert_eq!(clean.status.code(), Some(0), "{}", stdout(&clean));
}

#[test]
fn sarif_names_every_mistake() {
    let output = sensor(&["rules", "check", "--format", "sarif", MISTAKES]);
    let log: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 10);
    let region = &results[1]["locations"][0]["physicalLocation"]["region"];
    assert_eq!((region["startLine"].as_u64(), region["startColumn"].as_u64()), (Some(3), Some(55)));
}
