//! `sensor completions SHELL`.

use super::{Context, Failure, definitions};
use clap_complete::Shell;

/// Arguments of `sensor completions`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell to write for.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the completion script.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definitions(), "sensor", &mut script);
    context.print(&script)
}
