//! `sensor config`: what is configured, and what could be.

use super::{Context, Failure};
use crate::config;

/// Arguments of `sensor config`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check the configuration and write all of it, defaults included, as TOML.
    Show {
        /// Say beside each value where it came from.
        #[arg(long)]
        origin: bool,
    },
    /// Write the JSON Schema of the configuration.
    Schema,
}

/// Writes what was asked for.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let text = match args.command {
        Command::Show { origin } => context.configuration(Vec::new())?.to_toml(origin),
        Command::Schema => format!("{:#}\n", config::schema()),
    };
    context.print(text.as_bytes())
}
