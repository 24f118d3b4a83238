//! What is said on standard error: log lines and the one fault that ends a command.

use super::context::{BesideBar, Context};
use super::failure::Fault;
use std::io::{self, Write};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// The forms of what goes to standard error.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line, for machines.
    Json,
}

/// Begins to log, at the level `unasked` unless told otherwise. `SENSOR_LOG` (directives as in `sensor::capture=debug`) goes before `-v` and `-q`.
pub(super) fn start(context: &Context, unasked: LevelFilter) {
    let level = match (context.global.quiet, context.global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => unasked,
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let filter =
        EnvFilter::builder().with_default_directive(level.into()).with_env_var("SENSOR_LOG").from_env_lossy();
    let bar = context.bar.clone();
    let writer = move || BesideBar::new(bar.clone(), io::stderr());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match context.global.log_format {
        LogFormat::Text => lines.with_ansi(console::colors_enabled_stderr()).with_target(false).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// Says why the command ended.
pub(super) fn report(fault: &Fault, context: &Context) {
    let mut out = context.beside_bar(io::stderr());
    // If standard error is gone there is nobody to tell; the exit code still says it.
    let _ = match context.global.log_format {
        LogFormat::Text => {
            let label = console::style("error:").for_stderr().red().bold();
            writeln!(out, "{label} {fault}")
        }
        LogFormat::Json => {
            let line = serde_json::json!({
                "level": "ERROR",
                "exit_code": fault.exit.code(),
                "message": fault.tried,
                "reasons": fault.wrong,
                "help": fault.help,
            });
            writeln!(out, "{line}")
        }
    };
}
