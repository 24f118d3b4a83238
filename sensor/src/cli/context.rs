//! What every command has at hand: the global options, standard output and the terminal.

use super::failure::Fault;
use super::{Exit, Failure, logging::LogFormat};
use crate::config::{CommandDefaults, ConfigError, ConfigFault, Loaded, Sources};
use crate::runtime::Summary;
use clap::ArgAction;
use indicatif::{ProgressBar, ProgressDrawTarget};
use std::io::{self, Write};
use std::path::PathBuf;

/// Options that every command takes.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Read the configuration from FILE (TOML).
    #[arg(long, global = true, value_name = "FILE", env = "SENSOR_CONFIG")]
    pub config: Option<PathBuf>,
    /// Set one key of the configuration, as in `network.slug=office`; may be repeated. The environment sets keys,
    /// too, as in `SENSOR__NETWORK__SLUG=office`, and `--set` goes before it.
    #[arg(long, global = true, value_name = "KEY=VALUE", action = ArgAction::Append)]
    pub set: Vec<String>,
    /// Say more on standard error; twice for debugging, three times for tracing.
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Say nothing on standard error but errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// How to write what goes to standard error.
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// What every command has at hand.
#[derive(Debug)]
pub struct Context {
    /// The global options.
    pub global: Global,
    /// The one progress bar, hidden until a command shows it.
    pub bar: ProgressBar,
}

impl Context {
    /// A context with its progress bar hidden.
    pub fn new(global: Global) -> Self {
        Self { global, bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()) }
    }

    /// The configuration from every source; `flags` are the command's own: the flag, the key it sets, the value.
    pub fn configuration(
        &self,
        flags: Vec<(&'static str, &'static str, toml::Value)>,
    ) -> Result<Loaded, Failure> {
        Ok(self.sources(None, flags).load()?)
    }

    /// Where the configuration comes from, for a command that may read it again.
    pub(super) fn sources(
        &self,
        defaults: Option<CommandDefaults>,
        flags: Vec<(&'static str, &'static str, toml::Value)>,
    ) -> Sources {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            name.starts_with("SENSOR_").then(|| (name, value.to_string_lossy().into_owned()))
        });
        let mut environment: Vec<_> = variables.collect();
        environment.sort_unstable();
        let (file, set) = (self.global.config.clone(), self.global.set.clone());
        Sources { defaults, file, environment, set, flags }
    }

    /// Writes `bytes` to standard output; a closed pipe becomes [`Failure::Closed`].
    pub fn print(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = self.beside_bar(io::stdout());
        out.write_all(bytes)
            .and_then(|()| out.flush())
            .map_err(|error| Failure::writing("standard output", error))
    }

    /// Writes the closing summary to standard error, unless nothing is to be said.
    pub(super) fn summarize(&self, summary: &Summary) {
        if self.global.quiet {
            return;
        }
        let mut out = self.beside_bar(io::stderr());
        // If standard error is gone there is nobody to tell.
        let _ = match self.global.log_format {
            LogFormat::Text => write!(out, "{summary}"),
            LogFormat::Json => writeln!(out, "{}", summary.to_json()),
        };
    }

    /// A writer to the same terminal as the bar's, which takes the bar away while it writes.
    pub fn beside_bar<W: Write>(&self, inner: W) -> BesideBar<W> {
        BesideBar::new(self.bar.clone(), inner)
    }
}

/// A writer that does not run into the progress bar.
#[derive(Debug)]
pub struct BesideBar<W> {
    bar: ProgressBar,
    inner: W,
}

impl<W> BesideBar<W> {
    /// Writes to `inner` while `bar` is away.
    pub fn new(bar: ProgressBar, inner: W) -> Self {
        Self { bar, inner }
    }
}

impl<W: Write> Write for BesideBar<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let inner = &mut self.inner;
        self.bar.suspend(|| inner.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let exit = Exit::Configuration;
        match error {
            ConfigError::Read { path, source } => {
                Self::new(exit, format!("cannot read configuration {path}"), source)
                    .help("name a readable TOML file with --config or SENSOR_CONFIG, or neither")
            }
            ConfigError::Faults(faults) => Self::Fault(Fault {
                exit,
                tried: "the configuration is wrong".to_owned(),
                wrong: faults.iter().map(ConfigFault::to_string).collect(),
                help: Some(
                    "`sensor config show` lists every key, `sensor config schema` describes them".to_owned(),
                ),
            }),
        }
    }
}
