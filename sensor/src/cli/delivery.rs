//! What the commands that make events have in common about delivering them.

use super::{Context, Exit, Failure};
use crate::config::Config;
use crate::sink::accounting::{Account, Ledger};
use crate::sink::kinesis::integration::Store;
use crate::sink::kinesis::secret::forbid_dumps;
use crate::sink::kinesis::{KinesisSink, Origin, StartError};
use crate::sink::{FanOut, Intake, Sink};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Options of a command that can deliver.
#[derive(Debug, clap::Args)]
pub(super) struct DeliveryArgs {
    /// Deliver events to the stream that `sensor siem set` stored; without --output nowhere else.
    #[arg(long)]
    pub(super) deliver: bool,
    /// Where the sensor keeps what must survive a restart.
    #[arg(long, value_name = "DIR", env = "SENSOR_STATE_DIR", default_value = "/var/lib/sensor")]
    state_dir: PathBuf,
    /// Seconds after the end of the input for which delivery may go on; what is left then stays in the spool.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600, requires = "deliver")]
    deliver_within: u64,
}

/// Delivery while a command runs.
#[derive(Debug)]
pub(super) struct Delivery {
    sink: KinesisSink,
    deadline: Duration,
}

impl DeliveryArgs {
    /// Where the sensor keeps what must survive a restart.
    pub(super) fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Starts delivery, if it is asked for.
    pub(super) fn start(&self, config: &Config) -> Result<Option<Delivery>, Failure> {
        if !self.deliver {
            return Ok(None);
        }
        forbid_dumps();
        let origin =
            Origin { events: config.encoder(), session_name: format!("sensor-{}", config.network.uuid) };
        let sink = KinesisSink::start(&config.delivery, &Store::new(&self.state_dir), &origin)?;
        Ok(Some(Delivery { sink, deadline: Duration::from_secs(self.deliver_within) }))
    }
}

impl Delivery {
    /// The sink for the command's events: this one and, where there is one, the other.
    pub(super) fn beside(&mut self, other: Option<Box<dyn Sink>>) -> Box<dyn Sink> {
        let mut all = FanOut::new();
        if let Some(intake) = self.sink.take_intake() {
            all.add(Box::new(intake));
        }
        if let Some(other) = other {
            all.add(other);
        }
        Box::new(all)
    }

    /// The account of what is delivered.
    pub(super) fn ledger(&self) -> Ledger {
        self.sink.ledger().clone()
    }

    /// The collector's side.
    pub(super) fn take_intake(&mut self) -> Option<Intake> {
        self.sink.take_intake()
    }

    /// Delivers what there is for at most `within`, and leaves the rest to the next run.
    pub(super) fn stop(self, within: Duration, context: &Context) -> Result<(), Failure> {
        let account = self.sink.close(within, false);
        said(&account, context)
    }

    /// Waits for the end of the delivery and says what became of the events.
    pub(super) fn finish(self, context: &Context) -> Result<(), Failure> {
        let account = self.sink.close(self.deadline, true);
        said(&account, context)?;
        match (account.pending(), account.dropped_total()) {
            (0, 0) => Ok(()),
            (waiting, dropped) => {
                let wrong = format!("{waiting} events wait in the spool, {dropped} were dropped");
                Err(Failure::new(Exit::Unavailable, "not every event was delivered", wrong)
                    .help("`sensor siem status` says why; the next run delivers what waits"))
            }
        }
    }
}

fn said(account: &Account, context: &Context) -> Result<(), Failure> {
    let said = format!(
        "delivered {} of {} events ({} from an earlier run), {} sent again\n",
        account.delivered,
        account.created + account.recovered,
        account.recovered,
        account.retries
    );
    if context.global.quiet {
        return Ok(());
    }
    let mut out = context.beside_bar(std::io::stderr());
    out.write_all(said.as_bytes()).map_err(|error| Failure::writing("standard error", error))
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let exit = match error {
            StartError::Spool(_) | StartError::Store(_) => Exit::CannotWrite,
            StartError::NotSet | StartError::Setup(_) | StartError::Events(_) | StartError::Config(_) => {
                Exit::Configuration
            }
        };
        Self::new(exit, "delivery cannot start", error)
    }
}
