//! The long shared capture with the rules of ET Open, beside what Suricata raises over it, where both are at hand:
//! `cargo test --release -p sensor --test main et_open:: -- --nocapture` prints a table by the protocol of the rules.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");

/// How often each rule alerted.
type Alerts = BTreeMap<u64, u64>;

/// The protocol that each rule's header names.
fn protocols(rules: &str) -> BTreeMap<u64, String> {
    let protocol = |line: &str| {
        let mut words = line.strip_prefix("alert ")?.split_whitespace();
        let sid = line.rsplit_once("sid:")?.1.split(';').next()?.trim();
        Some((sid.parse().ok()?, words.next()?.to_owned()))
    };
    rules.lines().filter_map(protocol).collect()
}

/// What Suricata raises: the second and third column are gid and sid.
fn expected(table: &str) -> Alerts {
    let mut alerts = Alerts::new();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        *alerts.entry(columns[2].parse().unwrap()).or_default() += 1;
    }
    alerts
}

fn raised(capture: &Path, rules: &Path) -> Alerts {
    let output = Command::new(env!("CARGO_BIN_EXE_sensor"))
        .args(["replay", "--workers", "1", "-S"])
        .args([rules, capture])
        .env_remove("SENSOR_CONFIG")
        .output()
        .unwrap();
    let mut alerts = Alerts::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        if let Some(alert) = event["data"].get("alert") {
            *alerts.entry(alert["sid"].as_u64().unwrap()).or_default() += 1;
        }
    }
    alerts
}

#[test]
#[cfg_attr(debug_assertions, ignore = "takes a minute where it is not optimised")]
#[allow(clippy::print_stdout, reason = "the table is for whoever runs the test")]
fn the_alerts_of_the_long_capture_by_protocol() {
    let [capture, table, rules] =
        ["captures/perf.pcap", "captures/perf.alerts.tsv", "rules/et-open/emerging-all.rules"]
            .map(|name| Path::new(SHARED).join(name));
    if ![&capture, &table, &rules].iter().all(|path| path.is_file()) {
        println!("the_alerts_of_the_long_capture_by_protocol: skipped, {SHARED} is not complete");
        return;
    }
    let expected = expected(&fs::read_to_string(table).unwrap());
    let protocols = protocols(&fs::read_to_string(&rules).unwrap());
    let raised = raised(&capture, &rules);
    // There, missed and extra.
    let mut rows: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    let mut missed = Alerts::new();
    for (&sid, protocol) in &protocols {
        let [wanted, found] = [&expected, &raised].map(|alerts| alerts.get(&sid).copied().unwrap_or(0));
        if wanted + found > 0 {
            let row = rows.entry(protocol).or_default();
            row[0] += wanted.min(found);
            row[1] += wanted.saturating_sub(found);
            row[2] += found.saturating_sub(wanted);
        }
        if found < wanted {
            missed.insert(sid, wanted - found);
        }
    }
    println!("\nprotocol of the rule  there  missed  extra");
    for (protocol, [there, missed, extra]) in &rows {
        println!("{protocol:<20}  {there:>5}  {missed:>6}  {extra:>5}");
    }
    let told: u64 = rows.values().map(|row| row[0] + row[1]).sum();
    assert_eq!(told, expected.values().sum::<u64>(), "each rule that alerted is in the rule file");
    assert!(missed.is_empty(), "missed: {missed:?}");
    let extra: u64 = rows.values().map(|row| row[2]).sum();
    assert!(extra <= 9, "{extra} alerts that Suricata does not raise; README says of nine why");
}
