//! What the commands that make events have in common about delivering them.

use super::{Context, Exit, Failure};
use crate::config::Config;
use crate::sink::accounting::{Account, Ledger};
use crate::sink::kinesis::integration::Store;
use crate::sink::kinesis::secret::forbid_dumps;
use crate::sink::kinesis::{KinesisSink, Origin, StartError};
use crate::sink::{FanOut, Intake, QueueConfig, Queued, Sink};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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
    /// The command's other output.
    other: Option<Queued>,
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
        Ok(Some(Delivery { sink, other: None, deadline: Duration::from_secs(self.deliver_within) }))
    }
}

impl Delivery {
    /// The sink for the command's events: this one and, where there is one, the other, which gets a queue, too, so that
    /// neither makes the other wait before its queue is full.
    pub(super) fn beside(
        &mut self,
        other: Option<Box<dyn Sink>>,
        queue: &QueueConfig,
    ) -> Result<Box<dyn Sink>, Failure> {
        let other = other.map(|other| Queued::start(other, "output", queue)).transpose();
        self.other = other.map_err(|error| Failure::new(Exit::Internal, "cannot begin", error))?;
        let mut all = FanOut::new();
        let intakes =
            self.sink.take_intake().into_iter().chain(self.other.as_mut().and_then(Queued::take_intake));
        intakes.for_each(|intake| all.add(Box::new(intake)));
        Ok(Box::new(all))
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
    pub(super) fn stop(self, within: Duration) -> Account {
        self.sink.close(within, false)
    }

    /// Waits for the end of the delivery and of the other output, and says what became of the events.
    pub(super) fn finish(self, context: &Context) -> Result<(), Failure> {
        let until = Instant::now() + self.deadline;
        let account = self.sink.close(self.deadline, true);
        let written = self.other.map_or(Ok(()), |other| written(other, until));
        said(&account, context)?;
        match (account.pending(), account.dropped_total()) {
            (0, 0) => written,
            (waiting, dropped) => {
                let wrong = format!("{waiting} events wait in the spool, {dropped} were dropped");
                Err(Failure::new(Exit::Unavailable, "not every event was delivered", wrong)
                    .help("`sensor siem status` says why; the next run delivers what waits"))
            }
        }
    }
}

/// Waits until the output has everything.
fn written(output: Queued, until: Instant) -> Result<(), Failure> {
    let ledger = output.ledger().clone();
    if output.close(until.saturating_duration_since(Instant::now())) && ledger.snapshot().dropped_total() == 0
    {
        return Ok(());
    }
    let account = ledger.snapshot();
    let missing = format!("{} events are missing there", account.created - account.delivered);
    Err(Failure::new(Exit::CannotWrite, "not every event was written to the output", missing))
}

/// Says what became of the events.
pub(super) fn said(account: &Account, context: &Context) -> Result<(), Failure> {
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
