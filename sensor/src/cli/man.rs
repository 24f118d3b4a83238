//! `sensor man`: the manual, from the definitions of the command line.

use super::{Context, Exit, Failure, definitions};
use std::path::PathBuf;

/// Arguments of `sensor man`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The subcommand to describe, as in `config show`; without one, the program as a whole.
    #[arg(value_name = "COMMAND", conflicts_with = "directory")]
    command: Vec<String>,
    /// Write every page into DIR instead.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// Writes the page or pages, in roff.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let mut program = definitions();
    program.build();
    if let Some(directory) = &args.directory {
        return clap_mangen::generate_to(program, directory).map_err(|error| {
            Failure::writing(format_args!("manual pages to {}", directory.display()), error)
        });
    }
    let page = clap_mangen::Man::new(find(&program, &args.command)?.clone());
    let mut roff = Vec::new();
    page.render(&mut roff).expect("writing to memory does not fail");
    context.print(&roff)
}

fn find<'a>(program: &'a clap::Command, path: &[String]) -> Result<&'a clap::Command, Failure> {
    path.iter().try_fold(program, |command, name| {
        command.find_subcommand(name).ok_or_else(|| {
            let known: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
            Failure::new(
                Exit::Usage,
                format!("no manual page for `{}`", path.join(" ")),
                format_args!("`{}` has no subcommand `{name}`", command.get_name()),
            )
            .help(format!("choose one of {}", known.join(", ")))
        })
    })
}
