//! Delivery to the customer's Kinesis stream: every event, or accounted for.
//!
//! [`KinesisSink`] is the collector's side; behind it a thread decides (`engine`), a small runtime asks AWS
//! (`client`, `identity`), and what cannot be delivered now waits on disk ([`crate::sink::spool`]). The integration
//! itself, what `sensor siem` sets, tests and deletes, is in [`integration`], [`status`] and [`setup`].

pub mod answer;
pub mod arn;
mod client;
mod clock;
mod concurrency;
mod config;
mod dead_letter;
mod engine;
mod identity;
pub mod integration;
mod lanes;
mod losses;
mod pace;
pub mod secret;
pub mod setup;
mod shard_map;
mod stalled;
pub mod status;
#[cfg(test)]
mod tests;
mod writer;

pub use client::{SetupError, Stream};
pub use config::{AddressBy, KinesisConfig, PartitionKey, RecordForm};
pub use engine::Entry;

use super::accounting::{Account, Ledger};
use super::queue::{Intake, QueueConfig, queue};
use super::spool::{Recovery, Spool, SpoolConfig, SpoolError};
use super::storm::{StormConfig, StormLimiter};
use super::{Record, Sink, SinkError};
use crate::event::cloudevents::Encoder;
use crate::event::{EncoderConfig, EncoderConfigError};
use crossbeam::channel::{Sender, bounded};
use integration::{Store, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use writer::{Control, Parts, Writer};

/// Everything about delivery that can be configured.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryConfig {
    /// The writer.
    pub kinesis: KinesisConfig,
    /// What waits on disk.
    pub spool: SpoolConfig,
    /// The queue before the writer.
    pub queue: QueueConfig,
    /// How many alerts of one rule are delivered.
    pub storm: StormConfig,
}

/// Who delivers.
#[derive(Clone, Debug)]
pub struct Origin {
    /// What events look like, for those of the sink's own.
    pub events: EncoderConfig,
    /// The name of the sessions, as the customer's CloudTrail shows them: the sensor's.
    pub session_name: String,
}

/// Why delivery could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `sensor siem set` was not run, or its integration was deleted.
    #[error("no SIEM integration is set; `sensor siem set` stores one")]
    NotSet,
    /// What is stored cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The spool cannot be opened.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// Threads, certificates.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// No valid event could come of the configuration.
    #[error(transparent)]
    Events(#[from] EncoderConfigError),
    /// The configuration is out of range.
    #[error("the configuration of the delivery is wrong: {}", .0.join("; "))]
    Config(Vec<String>),
}

impl From<std::io::Error> for StartError {
    fn from(error: std::io::Error) -> Self {
        Self::Setup(error.into())
    }
}

/// How long [`Sink::flush`] waits for acknowledgements.
const FLUSH_WITHIN: Duration = Duration::from_secs(30);
/// Threads that talk to AWS.
const REQUEST_THREADS: usize = 2;

/// The Kinesis sink.
#[derive(Debug)]
pub struct KinesisSink {
    intake: Option<Intake>,
    control: Sender<Control>,
    thread: Option<JoinHandle<()>>,
    // Ends the requests that are still on their way, without waiting for them.
    runtime: Option<tokio::runtime::Runtime>,
    ledger: Ledger,
    recovery: Recovery,
}

impl KinesisSink {
    /// Starts delivery to the integration that the store holds, now and whenever it changes.
    pub fn start(config: &DeliveryConfig, store: &Store, origin: &Origin) -> Result<Self, StartError> {
        if store.load()?.is_none() {
            return Err(StartError::NotSet);
        }
        let runtime = runtime()?;
        let handle = runtime.handle().clone();
        let (kinesis, store_there, session_name) =
            (config.kinesis.clone(), store.clone(), origin.session_name.clone());
        let connect = move || match setup::connect(&kinesis, &store_there, &session_name, &handle) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::error!(%error, "delivery cannot be set up; events wait on disk");
                None
            }
        };
        Self::start_with(config, store, origin, runtime, Box::new(connect))
    }

    /// Starts delivery to whatever `connect` returns; nothing makes events wait on disk.
    fn start_with<S: Stream>(
        config: &DeliveryConfig,
        store: &Store,
        origin: &Origin,
        runtime: tokio::runtime::Runtime,
        connect: Box<dyn FnMut() -> Option<S> + Send>,
    ) -> Result<Self, StartError> {
        let faults = config.kinesis.faults();
        if !faults.is_empty() {
            return Err(StartError::Config(faults));
        }
        let ledger = Ledger::new();
        let (spool, recovery) = Spool::open(&store.spool_directory(), config.spool.clone(), ledger.clone())?;
        let (intake, outlet) = queue(&config.queue, ledger.clone(), FLUSH_WITHIN);
        let (control, asked) = bounded(1);
        let parts = Parts {
            config: config.kinesis.clone(),
            when_full: config.queue.when_full,
            network: Arc::from(origin.events.network.to_string()),
            storms: StormLimiter::new(config.storm.clone()),
            encoder: Encoder::new(origin.events.clone())?,
            ledger: ledger.clone(),
            outlet,
            control: asked,
            spool,
            store: store.clone(),
            connect,
            runtime: runtime.handle().clone(),
        };
        let thread =
            std::thread::Builder::new().name("kinesis".to_owned()).spawn(move || Writer::new(parts).run())?;
        let runtime = Some(runtime);
        Ok(Self { intake: Some(intake), control, thread: Some(thread), runtime, ledger, recovery })
    }

    /// The account of every event that went in here.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The collector's side, to be used among other sinks; afterwards this one takes events no more itself.
    pub fn take_intake(&mut self) -> Option<Intake> {
        self.intake.take()
    }

    /// What an earlier process had left on disk.
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// Takes nothing more, delivers what there is for at most `deadline` and puts the rest on disk. With
    /// `drain_spool`, what waits on disk is delivered too as long as the stream takes it: what a replay wants, while
    /// a sensor that is to stop leaves it for the next start.
    pub fn close(mut self, deadline: Duration, drain_spool: bool) -> Account {
        self.stop(deadline, drain_spool);
        self.ledger.snapshot()
    }

    fn stop(&mut self, deadline: Duration, drain: bool) {
        self.intake = None;
        // A writer that is gone needs no asking.
        let _ = self.control.send(Control::Close { deadline, drain });
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the delivery's thread ended by a fault of its own");
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for KinesisSink {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.stop(Duration::ZERO, false);
        }
    }
}

impl Sink for KinesisSink {
    fn accept(&mut self, records: &[Record]) -> Result<(), SinkError> {
        self.intake.as_mut().map_or(Err(SinkError::Closed), |intake| intake.accept(records))
    }

    /// Waits until everything is acknowledged or on disk.
    fn flush(&mut self) -> Result<(), SinkError> {
        self.intake.as_mut().map_or(Err(SinkError::Closed), Intake::flush)
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(REQUEST_THREADS)
        .thread_name("aws")
        .enable_all()
        .build()
}
