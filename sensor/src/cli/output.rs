//! Where a replay's events go.

use super::{Context, Exit, Failure};
use crate::sink::{NdjsonSink, Sink, TableSink};
use console::Term;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The forms of events.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(super) enum Format {
    /// A line of JSON each.
    Ndjson,
    /// A row of a table each, for eyes.
    Table,
}

/// Where to write and how.
#[derive(Debug, clap::Args)]
pub(super) struct Output {
    /// Write events to FILE rather than standard output, which is also `-`. An earlier output is overwritten.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How to write events [default: a table on a terminal, else ndjson].
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Overwrite FILE even if it holds something other than events.
    #[arg(long)]
    force: bool,
}

impl Output {
    /// Whether an output was named.
    pub(super) fn is_asked_for(&self) -> bool {
        self.output.is_some()
    }

    /// The sink; a file is emptied now.
    pub(super) fn open(&self, context: &Context) -> Result<Box<dyn Sink>, Failure> {
        match &self.output {
            Some(path) if path.as_os_str() != "-" => {
                let file = self.create(path)?;
                let name = path.display().to_string();
                Ok(match self.format {
                    Some(Format::Table) => Box::new(TableSink::new(file, None, false)),
                    Some(Format::Ndjson) | None => Box::new(NdjsonSink::new(file, name)),
                })
            }
            _ => Ok(standard_output(self.format, context)),
        }
    }

    fn create(&self, path: &Path) -> Result<File, Failure> {
        let tried = || format!("cannot write events to {}", path.display());
        let refuse =
            |reason: &str, help: &str| Err(Failure::new(Exit::CannotWrite, tried(), reason).help(help));
        if path.is_dir() {
            return refuse("it is a directory", "name a file in it");
        }
        if !self.force && holds_something_else(path) {
            return refuse(
                "it exists and holds something other than events",
                "name another file, or add --force",
            );
        }
        OpenOptions::new().write(true).create(true).truncate(true).open(path).map_err(|error| {
            Failure::new(Exit::CannotWrite, tried(), error)
                .help("name a file in a directory that exists and is writable")
        })
    }
}

/// Standard output: a table on a terminal, unless another form was asked for.
pub(super) fn standard_output(format: Option<Format>, context: &Context) -> Box<dyn Sink> {
    let terminal = Term::stdout();
    let default = if terminal.is_term() { Format::Table } else { Format::Ndjson };
    let out = context.beside_bar(io::stdout());
    match format.unwrap_or(default) {
        Format::Ndjson => Box::new(NdjsonSink::new(out, "standard output")),
        Format::Table => {
            let width = terminal.size_checked().map(|(_, columns)| usize::from(columns));
            Box::new(TableSink::new(out, width, console::colors_enabled()))
        }
    }
}

/// Whether a file is there that does not begin as events do: a mistyped command must not cost a capture.
fn holds_something_else(path: &Path) -> bool {
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut first = [0];
    // What cannot be read will not be written either, and says so then.
    let read = File::open(path).and_then(|mut file| file.read(&mut first));
    matches!(read, Ok(1)) && first != *b"{"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(path: &Path, force: bool) -> Result<File, Failure> {
        Output { output: None, format: None, force }.create(path)
    }

    #[test]
    fn a_file_of_events_is_overwritten_and_another_only_by_force() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        create(&path, false).expect("a new file");
        fs::write(&path, "{\"specversion\":\"1.0\"}\n").unwrap();
        create(&path, false).expect("a file of events");
        fs::write(&path, [0xd4, 0xc3, 0xb2, 0xa1]).unwrap();
        create(&path, false).expect_err("a capture");
        create(&path, true).expect("by force");
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn a_directory_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        create(directory.path(), true).expect_err("a directory");
        create(Path::new("/dev/null"), false).expect("a device");
    }
}
