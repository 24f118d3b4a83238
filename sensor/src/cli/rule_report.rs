//! What is wrong with rules, told on standard error.

use super::Context;
use super::logging::LogFormat;
use crate::runtime::Findings;
use console::Term;
use rules::diagnostic::{Diagnostic, Renderer, Severity};
use rules::text::Source;
use std::io::{self, Write};

/// Diagnostics shown unless asked for more: a screen or two.
const SHOWN: usize = 10;
/// The width of what is no terminal, in columns.
const DEFAULT_WIDTH: usize = 100;

/// Tells of the rules that cannot be used, and with `-v` of everything; nothing with `-q`.
pub(super) fn write(findings: &[Findings], context: &Context) {
    let wanted =
        |diagnostic: &Diagnostic| context.global.verbose > 0 || diagnostic.severity == Severity::Error;
    let all: Vec<(&Source, &Diagnostic)> = findings
        .iter()
        .flat_map(|found| found.diagnostics.iter().map(|diagnostic| (&found.source, diagnostic)))
        .filter(|(_, diagnostic)| wanted(diagnostic))
        .collect();
    if context.global.quiet || all.is_empty() {
        return;
    }
    let shown = if context.global.verbose > 0 { all.len() } else { all.len().min(SHOWN) };
    // If standard error is gone there is nobody to tell.
    let _ = match context.global.log_format {
        LogFormat::Text => {
            for_people(&all[..shown], all.len() - shown, &mut context.beside_bar(io::stderr()))
        }
        LogFormat::Json => for_machines(&all, &mut context.beside_bar(io::stderr())),
    };
}

fn for_people(shown: &[(&Source, &Diagnostic)], left_out: usize, out: &mut impl Write) -> io::Result<()> {
    let width = Term::stderr().size_checked().map_or(DEFAULT_WIDTH, |(_, columns)| columns.into());
    let renderer = Renderer::new(width, console::colors_enabled_stderr());
    for (source, diagnostic) in shown {
        writeln!(out, "{}", renderer.render(diagnostic, source).trim_end())?;
    }
    if left_out > 0 {
        writeln!(out, "… and {left_out} more like these; -v shows them all")?;
    }
    Ok(())
}

fn for_machines(all: &[(&Source, &Diagnostic)], out: &mut impl Write) -> io::Result<()> {
    all.iter().try_for_each(|(source, diagnostic)| {
        let place = source.location(diagnostic.span.start);
        let line = serde_json::json!({
            "level": if diagnostic.severity == Severity::Error { "ERROR" } else { "WARN" },
            "message": diagnostic.message,
            "code": diagnostic.code,
            "file": source.name(),
            "line": place.line,
            "column": place.column,
            "help": diagnostic.help,
        });
        writeln!(out, "{line}")
    })
}
