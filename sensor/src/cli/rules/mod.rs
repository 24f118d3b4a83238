//! `sensor rules`: what the sensor makes of rules, before any packet is looked at.

mod check;
mod explain;
mod keywords;
mod list;
mod profile;
mod sarif;
mod words;

use super::{Context, Exit, Failure, load};
use crate::runtime::{Lints, LoadedRules};
use std::path::PathBuf;

/// Arguments of `sensor rules`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say what is wrong or suspicious about rules; exits with 1 when a rule is refused.
    Check(check::Args),
    /// List the rules that load, a line each.
    List(list::Args),
    /// Say in words what the sensor understood of a rule.
    Explain(explain::Args),
    /// Replay captures, and say what each rule cost.
    Profile(profile::Args),
    /// List the words that rules may use as options.
    Keywords(keywords::Args),
}

/// Does what was asked for.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    match &args.command {
        Command::Check(args) => check::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Explain(args) => explain::run(args, context),
        Command::Profile(args) => profile::run(args, context),
        Command::Keywords(args) => keywords::run(args, context),
    }
}

/// The rule files a command is about.
#[derive(Debug, clap::Args)]
struct Files {
    /// Rule files, or directories of `*.rules`; those of the configuration where none is named.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Files {
    fn load(&self, lints: Lints, context: &Context) -> Result<LoadedRules, Failure> {
        let mut config = context.configuration(Vec::new())?.config;
        if !self.files.is_empty() {
            config.rules.files.clone_from(&self.files);
        }
        if config.rules.files.is_empty() {
            return Err(Failure::new(Exit::Usage, "no rules to look at", "no file is named")
                .help("name a rule file, or configure `rules.files`"));
        }
        load::rules(&config, lints, context)
    }
}
