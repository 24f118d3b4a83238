//! `sensor config`: what is configured, and what could be.

use super::{Context, Exit, Failure};
use crate::config;
use crate::config::suricata::{self, ImportError, LeftOut};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

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
        /// With the defaults of `sensor run`, some of which are others.
        #[arg(long)]
        run: bool,
    },
    /// Write the JSON Schema of the configuration.
    Schema,
    /// Take a suricata.yaml over, as far as there are counterparts; what cannot be taken over is named.
    ImportSuricata(ImportArgs),
}

#[derive(Debug, clap::Args)]
struct ImportArgs {
    /// The suricata.yaml.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write the configuration to FILE, which must not exist yet, rather than standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes what was asked for.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    match &args.command {
        Command::Show { origin, run } => {
            let loaded = context.sources(run.then_some(super::run::DEFAULTS), Vec::new()).load()?;
            context.print(loaded.to_toml(*origin).as_bytes())
        }
        Command::Schema => context.print(format!("{:#}\n", config::schema()).as_bytes()),
        Command::ImportSuricata(args) => import_suricata(args, context),
    }
}

fn import_suricata(args: &ImportArgs, context: &Context) -> Result<(), Failure> {
    let name = args.file.display().to_string();
    let tried = || format!("cannot read {name}");
    let text = fs::read_to_string(&args.file).map_err(|error| {
        Failure::new(Exit::MissingInput, tried(), error).help("name a readable suricata.yaml")
    })?;
    let import = suricata::import(&name, &text).map_err(|error| {
        let advice = match error {
            ImportError::Yaml(_) => "mend what is no YAML",
            ImportError::NoSettings => "name a suricata.yaml",
            ImportError::Includes(_) => "put in their place what those files hold",
        };
        Failure::new(Exit::CorruptInput, tried(), error).help(advice)
    })?;
    match &args.output {
        Some(path) => write_new(path, &import.toml)?,
        None => context.print(import.toml.as_bytes())?,
    }
    for LeftOut { key, why } in &import.left_out {
        tracing::warn!("not taken over: {key}: {why}");
    }
    Ok(())
}

/// Writes a file that is not there yet: nobody wants to lose a configuration to a slip.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let written = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written
        .map_err(|error| Failure::writing(path.display(), error).help("name a file that does not exist yet"))
}
