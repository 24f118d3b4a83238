//! Reputations of addresses, from files (Suricata documentation: "IP Reputation Format").

use super::super::Findings;
use super::super::files::{ReadError, read};
use crate::config::ReputationConfig;
use crate::detect::Reputations;
use ::rules::diagnostic::Diagnostic;
use ::rules::names::{NameKind, Names};
use ::rules::text::{Source, Span};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The highest number of a category, as in Suricata.
const MAX_CATEGORY: u8 = 60;

/// The highest score.
const MAX_SCORE: u8 = 127;

/// A category: its number in [`Names`], and what is scored in it.
#[derive(Debug)]
struct Category {
    id: u32,
    scores: Vec<(IpNet, u8)>,
}

/// Reads all files that the configuration names.
pub(super) fn load(
    config: &ReputationConfig,
    names: &Names,
    findings: &mut Vec<Findings>,
) -> Result<Reputations, ReadError> {
    let mut categories = BTreeMap::new();
    if let Some(path) = &config.categories {
        each_line(read(path)?, "no category: `number,name,description`", findings, |line| {
            let (number, name) = category(line)?;
            categories
                .insert(number, Category { id: names.id(NameKind::Reputation, name), scores: Vec::new() });
            Some(())
        });
    }
    for path in &config.files {
        let wanted =
            "no reputation: `address,category,score`, with the number of a category and a score up to 127";
        each_line(read(path)?, wanted, findings, |line| {
            let (network, number, score) = reputation(line)?;
            categories.get_mut(&number)?.scores.push((network, score));
            Some(())
        });
    }
    let mut reputations = Reputations::default();
    for Category { id, scores } in categories.values() {
        reputations.insert(*id, scores);
    }
    Ok(reputations)
}

/// Reads a file line by line, comments and blank lines left out; of lines that are not as they should be the first is
/// shown.
fn each_line(
    source: Source,
    wanted: &str,
    findings: &mut Vec<Findings>,
    mut read: impl FnMut(&str) -> Option<()>,
) {
    let (mut first, mut faults, mut at) = (None, 0u64, 0);
    for line in source.bytes().split(|&byte| byte == b'\n') {
        let text = String::from_utf8_lossy(line.trim_ascii());
        if !text.is_empty() && !text.starts_with('#') && read(&text).is_none() {
            faults += 1;
            first.get_or_insert(Span::new(at, at + line.trim_ascii_end().len() as u32));
        }
        at = at.saturating_add(line.len() as u32 + 1);
    }
    if let Some(span) = first {
        let more = if faults > 1 { format!("; {} more lines are none", faults - 1) } else { String::new() };
        let diagnostic = Diagnostic::warning("bad-reputation", span, format!("this is {wanted}{more}"));
        findings.push(Findings { source, diagnostics: vec![diagnostic] });
    }
}

fn category(line: &str) -> Option<(u8, &str)> {
    let mut parts = line.splitn(3, ',').map(str::trim);
    let number = parts.next()?.parse().ok().filter(|number| (1..=MAX_CATEGORY).contains(number))?;
    let name = parts.next().filter(|name| !name.is_empty())?;
    Some((number, name))
}

fn reputation(line: &str) -> Option<(IpNet, u8, u8)> {
    let parts: Vec<&str> = line.split(',').map(str::trim).collect();
    let &[address, number, score] = parts.as_slice() else { return None };
    let network = match address.contains('/') {
        true => address.parse().ok()?,
        false => IpNet::from(address.parse::<IpAddr>().ok()?),
    };
    let score = score.parse().ok().filter(|&score| score <= MAX_SCORE)?;
    Some((network, number.parse().ok()?, score))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_name_categories_and_score_networks() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let config = ReputationConfig {
            categories: Some(write(
                "categories.txt",
                "# number, name\n1,BadHosts,Known bad hosts\r\n2, Scan ,\n61,x,\n",
            )),
            files: vec![
                write("a.list", "10.0.0.0/8,1,10\n10.0.0.7,2,20\n10.0.0.8,3,20\n10.0.0.9,1,128\n"),
                write("b.list", "2001:db8::/32,1,127\n10.0.0.7/32,2,30"),
            ],
        };
        let (names, mut findings) = (Names::default(), Vec::new());
        names.id(NameKind::Reputation, "Other");
        let reputations = load(&config, &names, &mut findings).unwrap();
        let score = |address: &str, category: &str| {
            reputations.score(address.parse().unwrap(), names.id(NameKind::Reputation, category))
        };
        assert_eq!(score("10.0.0.7", "BadHosts"), Some(10));
        assert_eq!(score("10.0.0.7", "Scan"), Some(30));
        assert_eq!(score("2001:db8::1", "BadHosts"), Some(127));
        assert_eq!(score("10.0.0.9", "Scan"), None);
        assert!(!reputations.knows(names.id(NameKind::Reputation, "Other")));

        let shown: Vec<_> = findings
            .iter()
            .map(|found| {
                (found.diagnostics[0].region(&found.source).start.line, found.diagnostics[0].message.as_str())
            })
            .collect();
        assert_eq!(shown[0], (4, "this is no category: `number,name,description`"));
        assert!(shown[1].0 == 3 && shown[1].1.ends_with("; 1 more lines are none"), "{shown:?}");
        assert_eq!(shown.len(), 2);
    }
}
