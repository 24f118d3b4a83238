//! Which rules load and which are refused, against Suricata's own verdict and over a whole public rule set.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use rules::ast;
use rules::classification::Classes;
use rules::compile::{Context, compile};
use rules::diagnostic::{Diagnostic, Severity};
use rules::header::variable::{Resolver, Variables};
use rules::names::Names;
use rules::parse::parse;
use rules::text::Source;
use sensor::app_layer::vocabulary;
use serde_json::Value;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
const KNOWN: &str = include_str!("rules_verdicts.known.txt");

/// What became of the rules of some files, and why, by sid.
#[derive(Default)]
struct Verdicts {
    loaded: Vec<u32>,
    refused: Vec<(u32, Diagnostic)>,
}

impl Verdicts {
    /// The rules refused as that severe.
    fn as_severe(&self, severity: Severity) -> impl Iterator<Item = &(u32, Diagnostic)> {
        self.refused.iter().filter(move |(_, why)| why.severity == severity)
    }

    /// How often each keyword or word was the place of a refusal, and the first rule that has it.
    fn by_place(&self, source: &Source) -> BTreeMap<String, (usize, u32)> {
        let mut places = BTreeMap::new();
        for (sid, why) in &self.refused {
            let place = &source.bytes()[why.span.start as usize..why.span.end as usize];
            let word: String =
                place.iter().take_while(|&&byte| byte != b':').map(|&b| char::from(b)).collect();
            let place = format!("{} {} {word:.40}", why.severity, why.code);
            places.entry(place).or_insert((0, *sid)).0 += 1;
        }
        places
    }
}

fn sid(rule: &ast::Rule) -> u32 {
    let option = rule.option("sid").and_then(|option| option.value.as_ref());
    option.and_then(|value| value.text().to_str_lossy().trim().parse().ok()).unwrap_or(0)
}

fn verdicts(source: &Source, classes: &Classes) -> Verdicts {
    let (vocabulary, names, variables) = (vocabulary(), Names::default(), Variables::default());
    let context = Context { vocabulary: &vocabulary, classes, names: &names };
    let mut resolver = Resolver::new(&variables);
    let mut verdicts = Verdicts::default();
    let parsed = parse(source);
    for refused in &parsed.refused {
        let why = parsed.diagnostics.iter().find(|found| {
            found.severity.refuses()
                && found.span.start >= refused.span.start
                && found.span.end <= refused.span.end
        });
        let why = why.cloned().unwrap_or_else(|| Diagnostic::error("ill-formed", refused.span, "ill formed"));
        verdicts.refused.push((refused.sid.unwrap_or(0), why));
    }
    for rule in &parsed.rules {
        match compile(rule, &context, &mut resolver) {
            Ok(_) => verdicts.loaded.push(sid(rule)),
            Err(faults) => {
                let worst =
                    faults.into_iter().max_by_key(|fault| fault.severity).expect("a refusal has a reason");
                verdicts.refused.push((sid(rule), worst));
            }
        }
    }
    verdicts
}

fn classes() -> Classes {
    let path = Path::new(SHARED).join("rules/et-open/classification.config");
    let source = Source::new("classification.config", fs::read(path).unwrap()).unwrap();
    Classes::parse(&source).0
}

/// Lines of the list of known differences: file, sid and reason.
fn known() -> HashSet<(&'static str, u32)> {
    let lines = KNOWN.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            let (file, sid, reason) = (words.next().unwrap(), words.next().unwrap(), words.next());
            assert!(reason.is_some_and(|reason| !reason.is_empty()), "no reason: {line}");
            (file, sid.parse().unwrap())
        })
        .collect()
}

#[test]
fn rules_are_refused_where_suricata_refuses_them() {
    let Ok(cases) = fs::read(Path::new(SHARED).join("conformance/cases.json")) else {
        eprintln!("rules_are_refused_where_suricata_refuses_them: skipped, no conformance cases here");
        return;
    };
    let cases: Vec<Value> = serde_json::from_slice(&cases).unwrap();
    let failed: BTreeMap<&str, (HashSet<u64>, u64)> = cases
        .iter()
        .map(|case| {
            let sids = case["failed_sids"].as_array().unwrap().iter().filter_map(Value::as_u64);
            (case["rules"].as_str().unwrap(), (sids.collect(), case["rules_loaded"].as_u64().unwrap()))
        })
        .collect();
    let (classes, known) = (classes(), known());
    let (mut rules, mut loaded, mut not_yet, mut skipped) = (0, 0, 0, 0);
    let mut differences = Vec::new();
    for (file, (failed, count)) in failed {
        let source =
            Source::new(file, fs::read(Path::new(SHARED).join("conformance").join(file)).unwrap()).unwrap();
        let verdicts = verdicts(&source, &classes);
        rules += verdicts.loaded.len() + verdicts.refused.len();
        loaded += verdicts.loaded.len();
        not_yet += verdicts.as_severe(Severity::NotSupported).count();
        skipped += verdicts.as_severe(Severity::Skipped).count();
        let count_differs = verdicts.as_severe(Severity::NotSupported).next().is_none()
            && verdicts.loaded.len() as u64 != count
            && !known.iter().any(|(of, _)| *of == file);
        differences.extend(
            count_differs
                .then(|| format!("{file}: {} rules loaded instead of {count}", verdicts.loaded.len())),
        );
        let refused =
            verdicts.as_severe(Severity::Error).filter(|(sid, _)| !failed.contains(&u64::from(*sid)));
        let wrongly_refused = refused.map(|(sid, why)| (*sid, format!("refused: {}", why.message)));
        let let_in = verdicts.loaded.iter().filter(|sid| failed.contains(&u64::from(**sid)));
        let wrongly_loaded = let_in.map(|sid| (*sid, "loaded".to_owned()));
        let found = wrongly_refused.chain(wrongly_loaded).filter(|(sid, _)| !known.contains(&(file, *sid)));
        differences.extend(found.map(|(sid, what)| format!("{file} {sid} {what}")));
    }
    println!("rules {rules}, loaded {loaded}, not supported yet {not_yet}, skipped {skipped}");
    println!("known differences {}, others {}", known.len(), differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(known.len() * 100 < rules, "{} of {rules} rules differ", known.len());
}

#[test]
fn every_rule_of_a_public_rule_set_compiles() {
    let Ok(bytes) = fs::read(Path::new(SHARED).join("rules/et-open/emerging-all.rules")) else {
        eprintln!("every_rule_of_a_public_rule_set_compiles: skipped, no rule set here");
        return;
    };
    let source = Source::new("emerging-all.rules", bytes).unwrap();
    let verdicts = verdicts(&source, &classes());
    println!("loaded {}, refused {}", verdicts.loaded.len(), verdicts.refused.len());
    let places = verdicts.by_place(&source).into_iter();
    let places: Vec<String> =
        places.map(|(place, (count, sid))| format!("{count:6} {place}, sid {sid}")).collect();
    assert!(places.is_empty(), "{}", places.join("\n"));
    assert_eq!(verdicts.loaded.len(), 31_134);
}
