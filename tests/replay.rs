//! A replay as a whole: accounting, order, and input in pieces.

use crate::cases::replay;
use fixtures::pcap_file::pcap;
use fixtures::tcp::Session;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A rule on every packet with payload.
const RULE: &str = "alert tcp any any -> any any (msg:\"GET\"; content:\"GET\"; sid:1;)\n";

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a temporary folder can be written");
    path
}

fn rules(folder: &TempDir) -> String {
    write(folder, "test.rules", RULE.as_bytes()).display().to_string()
}

/// Many short sessions between many hosts, one after another.
fn sessions() -> Vec<(u64, Vec<u8>)> {
    let mut frames = Vec::new();
    for n in 0..200u64 {
        let client = format!("10.0.{}.{}:{}", n % 7, n % 250 + 1, 20_000 + n);
        let server = format!("203.0.113.{}:80", n % 5 + 1);
        let session = Session::v4(&client, &server)
            .handshake()
            .client(b"GET / HTTP/1.1\r\n\r\n")
            .server(b"HTTP/1.1 200 OK\r\n\r\n");
        for (at, (_, frame)) in session.close().frames().into_iter().enumerate() {
            frames.push((1_700_000_000_000_000_000 + n * 1_000_000 + at as u64 * 30_000_000, frame));
        }
    }
    frames.sort_by_key(|(time, _)| *time);
    frames
}

fn lines(stdout: &[u8]) -> Vec<String> {
    String::from_utf8(stdout.to_vec()).expect("events are UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn any_number_of_workers_gives_the_same_lines_in_the_same_order() {
    let folder = TempDir::new().expect("a temporary folder");
    let (capture, rules) = (write(&folder, "a.pcap", &pcap(&sessions())), rules(&folder));
    let one = replay(&[&capture], &["-S", &rules, "--workers", "1"]).stdout;
    assert_eq!(lines(&one).len(), 200);
    for workers in ["2", "3", "4", "7"] {
        assert_eq!(
            one,
            replay(&[&capture], &["-S", &rules, "--workers", workers]).stdout,
            "{workers} workers"
        );
    }
}

#[test]
fn a_capture_cut_into_files_gives_the_same_lines() {
    let folder = TempDir::new().expect("a temporary folder");
    let (frames, rules) = (sessions(), rules(&folder));
    let whole = write(&folder, "whole.pcap", &pcap(&frames));
    let expected = replay(&[&whole], &["-S", &rules]).stdout;
    for cut in [1, 500, 1501] {
        let first = write(&folder, "1.pcap", &pcap(&frames[..cut]));
        let second = write(&folder, "2.pcap", &pcap(&frames[cut..]));
        assert_eq!(expected, replay(&[&first, &second], &["-S", &rules]).stdout, "cut at {cut}");
    }
}

/// The number before a word in the closing summary.
fn counted(summary: &str, what: &str) -> u64 {
    let line = summary.lines().find(|line| line.trim_start().starts_with(what));
    let line = line.unwrap_or_else(|| panic!("no {what:?} in {summary}"));
    let digits: String = line.trim_start()[what.len()..].chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number in {line:?}"))
}

fn assert_adds_up(captures: &[&Path], options: &[&str]) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sensor"))
        .arg("replay")
        .args(captures)
        .args(options)
        .output()
        .expect("the executable was built with this test");
    let code = output.status.code();
    let summary = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(code, Some(0 | 65)), "{captures:?}: {code:?}: {summary}");
    let read = counted(&summary, "packets read");
    assert_eq!(read, counted(&summary, "decoded") + counted(&summary, "refused"), "{captures:?}: {summary}");
    assert_eq!(
        counted(&summary, "events created"),
        counted(&summary, "events written"),
        "{captures:?}: {summary}"
    );
    assert_eq!(lines(&output.stdout).len() as u64, counted(&summary, "events written"), "{captures:?}");
}

#[test]
fn every_fixture_adds_up() {
    for capture in fixtures::pcaps() {
        assert_adds_up(&[&capture], &[]);
    }
}

#[test]
fn every_shared_capture_ends_by_itself_and_adds_up() {
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
    if !shared.is_dir() {
        println!("skipped every_shared_capture_ends_by_itself_and_adds_up: ../shared is not there");
        return;
    }
    for folder in ["captures/dhcp", "captures/encapsulation", "hostile"] {
        assert_adds_up(&[&shared.join(folder)], &["-k", "all"]);
    }
}
