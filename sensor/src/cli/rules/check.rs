//! `sensor rules check`: everything wrong or suspicious about rules, at its place.

use super::{Files, sarif};
use crate::cli::{Context, Failure};
use crate::runtime::{Findings, Lints, LoadedRules};
use clap::ValueEnum;
use rules::diagnostic::{Diagnostic, Renderer, Severity};
use serde_json::{Value, json};
use std::io::IsTerminal;

/// Arguments of `sensor rules check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,
    /// The form of the report.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Format::Text)]
    format: Format,
    /// What counts as a finding beside rules that are refused; may be repeated.
    #[arg(long, value_enum, value_name = "WHAT")]
    deny: Vec<Deny>,
}

/// The forms of the report.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// For people, with a caret under each place.
    Text,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, for code hosts and editors.
    Sarif,
}

/// What may be denied.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Deny {
    /// Everything that is told and does not refuse the rule.
    Warnings,
}

/// Writes the report.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let loaded = args.files.load(Lints::All, context)?;
    let counts = Counts::of(&loaded);
    let report = match args.format {
        Format::Text => text(&loaded.findings, &counts),
        Format::Json => format!("{:#}\n", json(&loaded.findings, &counts)),
        Format::Sarif => format!("{:#}\n", sarif::report(&loaded.findings)),
    };
    context.print(report.as_bytes())?;
    match counts.fails(&args.deny) {
        true => Err(Failure::Findings),
        false => Ok(()),
    }
}

/// Every finding with its file, in order.
pub(super) fn all(findings: &[Findings]) -> impl Iterator<Item = (&Findings, &Diagnostic)> {
    findings.iter().flat_map(|file| file.diagnostics.iter().map(move |diagnostic| (file, diagnostic)))
}

/// How much was found.
#[derive(Debug, Default, Eq, PartialEq)]
struct Counts {
    loaded: u64,
    rejected: u64,
    unsupported: u64,
    skipped: u64,
    errors: u64,
    warnings: u64,
    not_supported: u64,
}

impl Counts {
    fn of(loaded: &LoadedRules) -> Self {
        let mut counts = Self {
            loaded: loaded.set.signatures().len() as u64,
            rejected: loaded.rejected,
            unsupported: loaded.unsupported,
            skipped: loaded.skipped,
            ..Self::default()
        };
        for (_, diagnostic) in all(&loaded.findings) {
            match diagnostic.severity {
                Severity::Error => counts.errors += 1,
                Severity::NotSupported => counts.not_supported += 1,
                Severity::Warning => counts.warnings += 1,
                Severity::Note | Severity::Skipped => {}
            }
        }
        counts
    }

    fn fails(&self, deny: &[Deny]) -> bool {
        self.errors > 0 || self.not_supported > 0 || (self.warnings > 0 && deny.contains(&Deny::Warnings))
    }
}

fn text(findings: &[Findings], counts: &Counts) -> String {
    let (_, columns) = console::Term::stdout().size();
    let terminal = std::io::stdout().is_terminal();
    let width = if terminal { usize::from(columns) } else { 100 };
    let renderer = Renderer::new(width, terminal && console::colors_enabled());
    let mut out = String::new();
    for (file, diagnostic) in all(findings) {
        out.push_str(&renderer.render(diagnostic, &file.source));
        out.push('\n');
    }
    let plural =
        |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    out.push_str(&format!(
        "{} load, {} refused ({}), {} not supported yet, {} for other engines; {}\n",
        plural(counts.loaded, "rule", "rules"),
        counts.rejected,
        plural(counts.errors, "error", "errors"),
        counts.unsupported,
        counts.skipped,
        plural(counts.warnings, "warning", "warnings"),
    ));
    out
}

fn json(findings: &[Findings], counts: &Counts) -> Value {
    let finding = |(file, diagnostic): (&Findings, &Diagnostic)| {
        let region = diagnostic.region(&file.source);
        let labels = diagnostic.labels.iter().map(|label| {
            let start = file.source.location(label.span.start);
            json!({ "line": start.line, "column": start.column, "text": label.text })
        });
        json!({
            "file": file.source.name(),
            "severity": diagnostic.severity.name(),
            "code": diagnostic.code,
            "message": diagnostic.message,
            "line": region.start.line,
            "column": region.start.column,
            "end_line": region.end.line,
            "end_column": region.end.column,
            "labels": labels.collect::<Vec<_>>(),
            "help": diagnostic.help,
        })
    };
    json!({
        "findings": all(findings).map(finding).collect::<Vec<_>>(),
        "rules_loaded": counts.loaded,
        "rules_rejected": counts.rejected,
        "rules_not_supported": counts.unsupported,
        "rules_skipped": counts.skipped,
        "errors": counts.errors,
        "warnings": counts.warnings,
        "not_supported": counts.not_supported,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_fail_only_where_they_are_denied() {
        let counts = Counts { warnings: 1, ..Counts::default() };
        assert!(!counts.fails(&[]));
        assert!(counts.fails(&[Deny::Warnings]));
        assert!(Counts { errors: 1, ..Counts::default() }.fails(&[]));
        assert!(Counts { not_supported: 1, ..Counts::default() }.fails(&[]));
    }
}
