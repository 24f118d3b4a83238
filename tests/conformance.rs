//! Captures with rules, and the alerts that Suricata 8 raises over them, where they are at hand: the same multiset of
//! (gid, sid), case by case, but for the differences listed in `conformance.known.txt`.
//!
//! `cargo test --test main conformance -- --nocapture` prints the table.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/conformance");
const KNOWN: &str = include_str!("conformance.known.txt");

/// How often each rule alerted, by gid and sid.
type Alerts = BTreeMap<(u64, u64), u64>;

/// One case, and what came of it.
struct Outcome<'a> {
    case: &'a Value,
    /// Alerts that Suricata raises and we don't, and the other way round.
    missed: Alerts,
    extra: Alerts,
    passed: usize,
}

impl Outcome<'_> {
    fn name(&self) -> &str {
        self.case["name"].as_str().expect("cases have names")
    }

    fn agrees(&self) -> bool {
        self.missed.is_empty() && self.extra.is_empty()
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("gid, sid and count are numbers")
}

fn expected(case: &Value) -> Alerts {
    let alerts = case["alerts"].as_array().expect("cases have alerts");
    alerts
        .iter()
        .map(|alert| ((number(&alert["gid"]), number(&alert["sid"])), number(&alert["count"])))
        .collect()
}

fn raised(case: &Value, settings: &[&str]) -> Alerts {
    let path = |member: &str| Path::new(CASES).join(case[member].as_str().expect("cases have paths"));
    // No run remembers another's data sets.
    let data = tempfile::tempdir().expect("a temporary folder");
    let directory = format!("datasets.directory={}", data.path().display());
    let output = Command::new(env!("CARGO_BIN_EXE_sensor"))
        .args(["replay", "-k", "none", "--workers", "1", "--set", &directory])
        .args(settings.iter().flat_map(|setting| ["--set", setting]))
        .arg("-S")
        .arg(path("rules"))
        .arg(path("pcap"))
        .env_remove("SENSOR_CONFIG")
        .output()
        .expect("the executable was built with this test");
    let text = String::from_utf8(output.stdout).expect("events are UTF-8");
    let mut raised = Alerts::new();
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect("an event is JSON");
        if let Some(alert) = event["data"].get("alert") {
            *raised.entry((number(&alert["gid"]), number(&alert["sid"]))).or_default() += 1;
        }
    }
    raised
}

/// What `more` has over `less`.
fn beyond(more: &Alerts, less: &Alerts) -> Alerts {
    let over = |(key, count): (&(u64, u64), &u64)| {
        let rest = count.saturating_sub(less.get(key).copied().unwrap_or(0));
        (rest > 0).then_some((*key, rest))
    };
    more.iter().filter_map(over).collect()
}

fn run(case: &Value) -> Outcome<'_> {
    let (expected, raised) = (expected(case), raised(case, &[]));
    let (missed, extra) = (beyond(&expected, &raised), beyond(&raised, &expected));
    let total: u64 = expected.values().sum();
    let passed = usize::try_from(total - missed.values().sum::<u64>()).expect("fewer alerts than memory");
    Outcome { case, missed, extra, passed }
}

/// What comes of each case, as many at once as there are processors, in the order of the cases.
fn of_all<'a, T: Send>(cases: &'a [Value], of: impl Fn(&'a Value) -> T + Sync) -> Vec<T> {
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(at) else { break };
                    let outcome = of(case);
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((at, outcome));
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_unstable_by_key(|&(at, _)| at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Cases, alerts passed, missed and extra, by some property of the cases.
#[allow(clippy::print_stdout, reason = "the table is for whoever runs the test")]
fn table(outcomes: &[Outcome<'_>], title: &str, of: impl Fn(&Value) -> Vec<String>) {
    let mut rows: BTreeMap<String, [u64; 5]> = BTreeMap::new();
    for outcome in outcomes {
        for key in of(outcome.case) {
            let row = rows.entry(key).or_default();
            row[0] += 1;
            row[1] += u64::from(outcome.agrees());
            row[2] += outcome.passed as u64;
            row[3] += outcome.missed.values().sum::<u64>();
            row[4] += outcome.extra.values().sum::<u64>();
        }
    }
    println!("\n{title:<28} cases  agree  alerts passed  missed  extra");
    for (key, [cases, agree, passed, missed, extra]) in rows {
        println!("{key:<28} {cases:>5}  {agree:>5}  {passed:>13}  {missed:>6}  {extra:>5}");
    }
}

fn words(case: &Value, member: &str) -> Vec<String> {
    let words = case[member].as_array().map_or(&[][..], Vec::as_slice);
    words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

fn known() -> BTreeSet<&'static str> {
    let lines = KNOWN.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.split_whitespace().next()).collect()
}

/// All cases, where they are at hand.
#[allow(clippy::print_stdout, reason = "that a test skips is said")]
fn cases() -> Option<Vec<Value>> {
    let Ok(text) = fs::read_to_string(Path::new(CASES).join("cases.json")) else {
        println!("skipped: there is no {CASES}");
        return None;
    };
    let mut cases: Vec<Value> = serde_json::from_str(&text).expect("cases.json is a list");
    cases.sort_by_key(|case| case["name"].as_str().map(str::to_owned));
    Some(cases)
}

#[test]
fn the_prefilter_does_not_show() {
    // Some of all kinds: they lie in the order of their names.
    let Some(cases) = cases() else { return };
    let some: Vec<Value> = cases.into_iter().step_by(7).collect();
    let differences = of_all(&some, |case| {
        let (found, tried) = (raised(case, &[]), raised(case, &["detect.prefilter=false"]));
        (found != tried).then(|| format!("{}: {found:?} without it {tried:?}", case["name"]))
    });
    let differences: Vec<_> = differences.into_iter().flatten().collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
#[allow(clippy::print_stdout, reason = "the list is for whoever runs the test")]
fn the_same_alerts_as_suricata() {
    let Some(cases) = cases() else { return };
    let outcomes = of_all(&cases, run);
    table(&outcomes, "keyword", |case| words(case, "keywords"));
    table(&outcomes, "protocol", |case| words(case, "protos"));
    let level = |case: &Value| case["level"].as_str().unwrap_or_default().to_owned();
    let evader = |case: &Value| case["name"].as_str().is_some_and(|name| name.contains("evader"));
    table(&outcomes, "level (evader apart)", |case| {
        vec![format!("{}{}", level(case), if evader(case) { " http-evader" } else { "" })]
    });
    println!();
    for outcome in outcomes.iter().filter(|outcome| !outcome.agrees()) {
        println!(
            "{} level {}: missed {:?}, extra {:?}",
            outcome.name(),
            level(outcome.case),
            outcome.missed,
            outcome.extra
        );
    }
    let known = known();
    let differ: BTreeSet<&str> =
        outcomes.iter().filter(|outcome| !outcome.agrees()).map(Outcome::name).collect();
    let unexplained: Vec<_> = differ.difference(&known).collect();
    let stale: Vec<_> = known.difference(&differ).collect();
    assert!(unexplained.is_empty(), "cases that differ and are not listed: {unexplained:#?}");
    assert!(stale.is_empty(), "cases that agree by now and are listed still: {stale:#?}");
}
