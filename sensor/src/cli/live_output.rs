//! Where a live capture's events go: each output behind a queue of its own, so that none makes packets wait.

use super::delivery::Delivery;
use super::output::Format;
use super::{Context, Exit, Failure};
use crate::config::Config;
use crate::sink::accounting::Ledger;
use crate::sink::file::{FileSink, Reopen};
use crate::sink::{FanOut, Intake, Queued, Sink};
use std::path::PathBuf;
use std::time::Duration;

/// Where to write and how.
#[derive(Debug, clap::Args)]
pub(super) struct LiveOutput {
    /// Append events to FILE, which is turned over as `output.rotation` says, rather than write them to standard
    /// output, which is also `-`.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How to write events to standard output [default: a table on a terminal, else ndjson].
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
}

impl LiveOutput {
    /// The file, if events go to one.
    pub(super) fn file(&self) -> Option<&PathBuf> {
        self.output.as_ref().filter(|path| path.as_os_str() != "-")
    }

    /// Opens what was asked for; nothing else where events are delivered and no output is named.
    pub(super) fn open(
        &self,
        config: &Config,
        delivery: Option<&mut Delivery>,
        context: &Context,
    ) -> Result<Outputs, Failure> {
        let mut outputs = Outputs::default();
        let delivered = delivery.is_some();
        if let Some(delivery) = delivery {
            outputs.ledgers.push(("kinesis", delivery.ledger()));
            outputs.intakes.extend(delivery.take_intake());
        }
        let queued = match self.file() {
            Some(path) => {
                let sink = FileSink::open(path, config.output.rotation.clone())?;
                outputs.files.push(sink.reopen());
                Queued::start(sink, "file", &config.output.queue)
            }
            None if delivered && self.output.is_none() => return Ok(outputs),
            None => {
                let sink = super::output::standard_output(self.format, context);
                Queued::start(sink, "stdout", &config.output.queue)
            }
        };
        let mut queued = queued.map_err(|error| Failure::new(Exit::Internal, "cannot begin", error))?;
        let name = if self.file().is_some() { "file" } else { "stdout" };
        outputs.ledgers.push((name, queued.ledger().clone()));
        outputs.intakes.extend(queued.take_intake());
        outputs.queued = Some(queued);
        Ok(outputs)
    }
}

/// The outputs of one run.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    queued: Option<Queued>,
    intakes: Vec<Intake>,
    ledgers: Vec<(&'static str, Ledger)>,
    files: Vec<Reopen>,
}

impl Outputs {
    /// The one sink that serves all.
    pub(super) fn fan_out(&mut self) -> Box<dyn Sink> {
        let mut all = FanOut::new();
        self.intakes.drain(..).for_each(|intake| all.add(Box::new(intake)));
        Box::new(all)
    }

    /// The account of each.
    pub(super) fn ledgers(&self) -> Vec<(&'static str, Ledger)> {
        self.ledgers.clone()
    }

    /// Files that can be opened anew.
    pub(super) fn files(&self) -> Vec<Reopen> {
        self.files.clone()
    }

    /// Writes what waits, for at most `within`; whether all was written.
    pub(super) fn close(self, within: Duration) -> bool {
        self.queued.is_none_or(|queued| queued.close(within))
    }
}
