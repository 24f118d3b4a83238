//! Traffic and rules made to cost as much as they can: what is too much is ended and counted, and the honest flow beside
//! still alerts.

use crate::cases::replay;
use fixtures::pcap_file;
use fixtures::tcp::Session;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::process::Output;
use tempfile::TempDir;

const HONEST: &str = "alert tcp any any -> any 8080 (msg:\"honest\"; flow:to_server; content:\"needle in a haystack\"; sid:1;)\n";

/// Replays a session that says `hostile`, with one beside that says what [`HONEST`] looks for.
fn beside_an_honest_flow(rules: &str, hostile: &[u8]) -> Output {
    let folder = TempDir::new().unwrap();
    let capture = folder.path().join("traffic.pcap");
    let session = |client: &str, said: &[u8]| {
        Session::v4(client, "203.0.113.80:8080").handshake().client(said).close().cut(1400).frames()
    };
    let mut frames = session("10.0.0.1:1001", hostile);
    frames.extend(session("10.0.0.2:1002", b"there is a needle in a haystack"));
    frames.sort_by_key(|&(time, _)| time);
    fs::write(&capture, pcap_file::pcap(&frames)).unwrap();
    let file = folder.path().join("test.rules");
    fs::write(&file, format!("{HONEST}{rules}")).unwrap();
    replay(&[&capture], &["-k", "none", "--workers", "1", "-S", file.to_str().unwrap()])
}

/// How often each rule alerted.
fn alerts(output: &Output) -> BTreeMap<u64, usize> {
    let mut alerts = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        *alerts.entry(event["data"]["alert"]["sid"].as_u64().unwrap()).or_default() += 1;
    }
    alerts
}

/// A number of the closing summary.
fn counted(output: &Output, label: &str) -> u64 {
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(label));
    line.map_or(0, |number| number.trim().replace(',', "").parse().unwrap())
}

#[test]
fn two_thousand_rules_without_a_fast_pattern() {
    let mut rules = String::new();
    for sid in 10..2010 {
        writeln!(
            rules,
            "alert tcp any any -> any any (msg:\"x\"; flow:to_server; content:!\"n{sid}\"; pcre:\"/x{sid}y/\"; sid:{sid};)"
        )
        .unwrap();
    }
    let output = beside_an_honest_flow(&rules, &b"lorem ipsum ".repeat(2000));
    assert_eq!(alerts(&output), BTreeMap::from([(1, 1)]));
}

#[test]
fn payload_of_the_prefixes_of_every_pattern() {
    let pattern = |sid: u32| format!("{:08x}{:08x}", sid.wrapping_mul(0x9E37_79B1), sid);
    let (mut rules, mut payload) = (String::new(), Vec::new());
    for sid in 10..1010 {
        let pattern = pattern(sid);
        writeln!(rules, "alert tcp any any -> any any (msg:\"x\"; content:\"{pattern}\"; sid:{sid};)")
            .unwrap();
        for len in 4..pattern.len() {
            payload.extend_from_slice(&pattern.as_bytes()[..len]);
            payload.push(b'.');
        }
    }
    let output = beside_an_honest_flow(&rules, &payload);
    assert_eq!(alerts(&output), BTreeMap::from([(1, 1)]));
}

#[test]
fn a_regular_expression_with_nested_quantifiers() {
    let rule =
        "alert tcp any any -> any any (msg:\"nested\"; content:\"aaaa\"; pcre:\"/(a+)+[bc]/\"; sid:7;)\n";
    let output = beside_an_honest_flow(rule, &vec![b'a'; 64 << 10]);
    assert_eq!(alerts(&output), BTreeMap::from([(1, 1)]));
    assert!(counted(&output, "pcre cut short") > 0, "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stderr).contains("rule 1:7 was too much work");
    assert!(told, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn contents_that_can_be_tried_in_ever_so_many_places() {
    let contents = "content:\"a\"; distance:0; ".repeat(8);
    let rule = format!(
        "alert tcp any any -> any any (msg:\"places\"; content:\"a\"; {contents}content:\"b\"; within:1; sid:7;)\n"
    );
    let output = beside_an_honest_flow(&rule, &b"ac".repeat(10_000));
    assert_eq!(alerts(&output), BTreeMap::from([(1, 1)]));
    let exhausted = beside_an_honest_flow(&rule, &[&b"ac".repeat(10_000)[..], b"b"].concat());
    assert!(
        counted(&exhausted, "inspections cut short") > 0,
        "{}",
        String::from_utf8_lossy(&exhausted.stderr)
    );
    assert!(String::from_utf8_lossy(&exhausted.stderr).contains("rule 1:7 was too much work"));
}
