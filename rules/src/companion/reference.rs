//! reference.config: what the kinds of `reference` stand for (Suricata documentation: "Meta Keywords", reference).

use super::lines::lines;
use crate::diagnostic::Diagnostic;
use crate::text::Source;
use std::collections::HashMap;

/// What the values of references begin with, by kind.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct References {
    prefixes: HashMap<String, String>,
}

impl References {
    /// Reads lines of the form `config reference: cve https://cve.example/`; of a kind given twice the last counts.
    pub fn parse(source: &Source) -> (Self, Vec<Diagnostic>) {
        let mut references = Self::default();
        let mut faults = Vec::new();
        for line in lines(source) {
            match kind(&line.to_str_lossy()) {
                Some((kind, prefix)) => {
                    references.prefixes.insert(kind, prefix);
                }
                None => faults.push(
                    Diagnostic::error("bad-reference", line.span(), "this line is no kind of reference")
                        .with_help("write `config reference: cve https://cve.example/?name=`"),
                ),
            }
        }
        (references, faults)
    }

    /// Whether no kind is known.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }

    /// Where a reference leads; nothing for a kind that is not known.
    pub fn url(&self, kind: &str, value: &str) -> Option<String> {
        self.prefixes.get(&kind.to_ascii_lowercase()).map(|prefix| format!("{prefix}{value}"))
    }
}

fn kind(line: &str) -> Option<(String, String)> {
    let rest = line.strip_prefix("config")?.trim_start().strip_prefix("reference:")?.trim_start();
    let (kind, prefix) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!kind.is_empty() && kind.chars().all(named))
        .then(|| (kind.to_ascii_lowercase(), prefix.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_kinds_and_reports_the_rest() {
        let text = "# kinds\nconfig reference: CVE https://cve.example/?id=\nconfig reference: msft\t https://m.example/\n\nnonsense\nconfig reference: a:b c\n";
        let source = Source::new("reference.config", text).unwrap();
        let (references, faults) = References::parse(&source);
        assert_eq!(references.url("cve", "2020-1").as_deref(), Some("https://cve.example/?id=2020-1"));
        assert_eq!(references.url("Msft", "x").as_deref(), Some("https://m.example/x"));
        assert_eq!(references.url("url", "x"), None);
        let lines: Vec<u32> = faults.iter().map(|fault| source.location(fault.span.start).line).collect();
        assert_eq!(lines, [5, 6]);
    }
}
