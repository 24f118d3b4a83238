//! The command line. Each subcommand is a file here and a row of `Command`; help, completions and man pages come
//! from the same definitions.
//!
//! Knows how to turn arguments into a configuration and outcomes into words and exit codes; the work is done below.

mod aws;
mod completions;
mod config;
mod context;
mod ctl;
mod delivery;
mod dev;
mod doctor;
mod failure;
mod live_output;
mod load;
mod logging;
mod man;
mod output;
mod progress;
mod replay;
mod rule_report;
mod rules;
mod run;
mod siem;

pub use context::{Context, Global};
pub use failure::{Exit, Failure};

use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;
use tracing_subscriber::filter::LevelFilter;

/// A network sensor: packets in, Suricata-format rules applied, CloudEvents out.
#[derive(Debug, Parser)]
#[command(name = "sensor", version, propagate_version = true, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 rules are wrong; 2 usage; 65 corrupt input; 66 missing input; \
                          69 service unavailable; 73 cannot write; 77 service refuses; 78 configuration.";

/// One row per subcommand.
#[derive(Debug, Subcommand)]
enum Command {
    /// Read captures, apply rules, and write events.
    Replay(replay::Args),
    /// Capture from interfaces, apply rules, and write events, until told to stop.
    Run(Box<run::Args>),
    /// Find out whether an interface and this machine are fit for a capture.
    Doctor(doctor::Args),
    /// Ask a running sensor, or tell it what to do.
    Ctl(ctl::Args),
    /// Check, list and explain rules.
    Rules(rules::Args),
    /// Show the configuration or describe it.
    Config(config::Args),
    /// Set up, test and delete the delivery to a Kinesis stream.
    Siem(siem::Args),
    /// Prepare an AWS account for the delivery.
    Aws(aws::Args),
    /// Try things out without the world they are for.
    Dev(dev::Args),
    /// Write a shell's completion script to standard output.
    Completions(completions::Args),
    /// Write a manual page to standard output, or all of them to a directory.
    Man(man::Args),
}

impl Command {
    /// How much is said unless asked for: a service has a log, a command that ends has its output.
    fn level(&self) -> LevelFilter {
        if matches!(self, Self::Run(_)) { LevelFilter::INFO } else { LevelFilter::WARN }
    }

    fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Replay(args) => replay::run(&args, context),
            Self::Run(args) => run::run(&args, context),
            Self::Doctor(args) => doctor::run(&args, context),
            Self::Ctl(args) => ctl::run(&args, context),
            Self::Rules(args) => rules::run(&args, context),
            Self::Config(args) => config::run(&args, context),
            Self::Siem(args) => siem::run(&args, context),
            Self::Aws(args) => aws::run(&args, context),
            Self::Dev(args) => dev::run(&args, context),
            Self::Completions(args) => completions::run(&args, context),
            Self::Man(args) => man::run(&args, context),
        }
    }
}

/// The definitions of every subcommand and option.
fn definitions() -> clap::Command {
    Cli::command()
}

/// Runs the program with the arguments and environment of the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to tell if this fails; help into a closed pipe ends quietly.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code()));
        }
    };
    let context = Context::new(cli.global);
    logging::start(&context, cli.command.level());
    match cli.command.run(&context) {
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(Failure::Findings) => ExitCode::from(Exit::Findings.code()),
        Err(Failure::Fault(fault)) => {
            logging::report(&fault, &context);
            ExitCode::from(fault.exit.code())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        definitions().debug_assert();
    }
}
