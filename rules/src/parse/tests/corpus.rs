//! Real rule sets, where they are at hand: every rule parses, and prints back to itself.

use std::path::PathBuf;

use super::*;
use crate::header::protocol::Protocol;
use crate::header::variable::{Resolver, Variables};

const ET_OPEN: &str = "rules/et-open/emerging-all.rules";

/// A file of the shared material beside the repository, or `None` with a line that says the test is skipped.
pub(super) fn shared(path: &str, test: &str) -> Option<Vec<u8>> {
    let file: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../shared", path].iter().collect();
    let contents = std::fs::read(&file).ok();
    if contents.is_none() {
        println!("{test}: skipped, ../shared/{path} is not at hand");
    }
    contents
}

/// Some of the rules of ET Open, spread over the whole file.
pub(super) fn sample(rules: usize, test: &str) -> Option<Vec<Vec<u8>>> {
    let source = Source::new(ET_OPEN, shared(ET_OPEN, test)?).unwrap();
    let all: Vec<Text> = source.rules().collect();
    Some(all.iter().step_by(all.len() / rules).take(rules).map(|text| text.to_vec()).collect())
}

#[test]
fn every_rule_of_et_open_parses_and_prints_back_to_the_same_tree() {
    let Some(contents) = shared(ET_OPEN, "every_rule_of_et_open_parses_and_prints_back_to_the_same_tree")
    else {
        return;
    };
    let source = Source::new(ET_OPEN, contents).unwrap();
    let first = parse(&source);
    let told: Vec<String> = first.diagnostics.iter().take(5).map(|found| found.render(&source)).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert_eq!(first.rules.len(), 31_134);

    let mut printed = Vec::new();
    for rule in &first.rules {
        printed.extend_from_slice(&rule.to_bytes());
        printed.push(b'\n');
    }
    let second = parsed(printed);
    assert!(second.diagnostics.is_empty());
    assert_eq!(first.rules.len(), second.rules.len());
    for (one, two) in first.rules.iter().zip(&second.rules) {
        assert_eq!(one, two);
    }
}

#[test]
fn every_header_of_et_open_means_something_under_the_default_variables() {
    let Some(contents) =
        shared(ET_OPEN, "every_header_of_et_open_means_something_under_the_default_variables")
    else {
        return;
    };
    let variables = Variables::default();
    let mut resolver = Resolver::new(&variables);
    for rule in parse(&Source::new(ET_OPEN, contents).unwrap()).rules {
        let header = &rule.header;
        Protocol::resolve(&header.protocol).unwrap();
        for side in [&header.src, &header.dst] {
            resolver.addresses(side).unwrap();
        }
        for side in [&header.src_port, &header.dst_port] {
            resolver.ports(side).unwrap();
        }
    }
}

/// What Suricata refuses in these files it refuses for their meaning; the grammar has nothing to say about them.
#[test]
fn every_rule_of_the_conformance_cases_parses_and_prints_back_to_the_same_tree() {
    let directory: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../shared/conformance/rules"].iter().collect();
    let Ok(cases) = std::fs::read_dir(directory) else {
        println!(
            "every_rule_of_the_conformance_cases_parses_and_prints_back_to_the_same_tree: skipped, \
             ../shared/conformance is not at hand"
        );
        return;
    };
    let mut rules = 0;
    let files = cases
        .flat_map(|case| std::fs::read_dir(case.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path());
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "rules")) {
        let source = Source::new(file.display().to_string(), std::fs::read(&file).unwrap()).unwrap();
        let first = parse(&source);
        let told: Vec<String> = first.diagnostics.iter().map(|found| found.render(&source)).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
        let printed: Vec<Vec<u8>> = first.rules.iter().map(Rule::to_bytes).collect();
        assert_eq!(parsed(printed.join(&b'\n')).rules, first.rules);
        rules += first.rules.len();
    }
    assert!(rules > 0, "the cases have rules");
}
