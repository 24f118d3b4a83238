//! What the dashboard and the alert rules of `sensor/deploy/grafana` ask for is there.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The metrics that the expressions in a file name.
fn named(file: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/grafana").join(file);
    let json: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut expressions = Vec::new();
    gather(&json, &mut expressions);
    let mut names = BTreeSet::new();
    for expression in &expressions {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        names.extend(
            expression.split(|c| !is_name(c)).filter(|word| word.starts_with("sensor_")).map(str::to_owned),
        );
    }
    names
}

fn gather(json: &Value, expressions: &mut Vec<String>) {
    match json {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if ["expr", "query"].contains(&name.as_str()) => {
                        expressions.push(text.clone());
                    }
                    other => gather(other, expressions),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, expressions)),
        _ => {}
    }
}

/// Checks the files against what a sensor exposes.
pub(super) fn every_metric_that_is_named_exists(exposed: &str) {
    let declared: BTreeSet<_> = exposed
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| {
            let (name, kind) = line.split_once(' ').unwrap();
            if kind == "counter" { format!("{name}_total") } else { name.to_owned() }
        })
        .collect::<BTreeSet<String>>();
    for file in ["dashboard.json", "alerts.json"] {
        let named = named(file);
        assert!(named.len() > 10, "{file} names {named:?}");
        let missing: Vec<_> = named.difference(&declared).collect();
        assert!(missing.is_empty(), "{file}: {missing:?}");
    }
}
