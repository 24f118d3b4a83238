//! `sensor doctor`: whether an interface and this machine are fit for a capture.

use super::{Context, Exit, Failure};
use crate::runtime::doctor::{Check, Verdict, examine};
use console::Style;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;
use toml::Value;

/// Arguments of `sensor doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The interface [default: the first of the configuration].
    #[arg(short, long, value_name = "IF")]
    interface: Option<String>,
    /// How long to look at the traffic.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    seconds: u64,
    /// The sensor's state directory.
    #[arg(long, value_name = "DIR", env = "SENSOR_STATE_DIR", default_value = "/var/lib/sensor")]
    state_dir: PathBuf,
}

/// Examines, and prints what was found.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let interface = args.interface.clone().map(|name| Value::Array(vec![Value::String(name)]));
    let flags = interface.map(|value| ("-i", "capture.live.interfaces", value)).into_iter().collect();
    let config = context.configuration(flags)?.config;
    if config.capture.live.interfaces.is_empty() {
        return Err(Failure::new(Exit::Usage, "nothing to examine", "no interface is named")
            .help("name one with -i, or in `capture.live.interfaces`"));
    }
    let checks = examine(&config, &args.state_dir, Duration::from_secs(args.seconds));
    context.print(told(&checks).as_bytes())?;
    let failed = checks.iter().any(|check| check.verdict == Verdict::Fail);
    if failed { Err(Failure::Findings) } else { Ok(()) }
}

fn told(checks: &[Check]) -> String {
    let mut text = String::new();
    for Check { verdict, subject, found, fix } in checks {
        let style = match verdict {
            Verdict::Pass => Style::new().green(),
            Verdict::Warn => Style::new().yellow(),
            Verdict::Fail => Style::new().red().bold(),
        };
        let name = style.apply_to(verdict.name());
        writeln!(text, "{name}  {subject:<16} {found}").expect("writing to memory does not fail");
        if let Some(fix) = fix {
            writeln!(text, "      {:<16} {fix}", "").expect("writing to memory does not fail");
        }
    }
    text
}
