//! Where events go. A sink is a folder here and a row in the configuration; each has its own queue, so that one
//! cannot stall another.

pub mod accounting;
pub mod file;
pub mod file_store;
pub mod kinesis;
mod ndjson;
mod queue;
pub mod retry;
pub mod spool;
pub mod storm;
mod table;
#[cfg(test)]
pub(crate) mod testing;

pub use ndjson::NdjsonSink;
pub use queue::{FanOut, Intake, QueueConfig, Queued, WhenFull};
pub use table::TableSink;

use crate::event::{ActivityKind, Alert};
use crate::time::Timestamp;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// What kind of event a record holds.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RecordKind {
    /// A detection.
    Alert,
    /// A DHCP message.
    Dhcp,
    /// A test event.
    Test,
    /// A transaction or a flow that is over.
    Activity(ActivityKind),
    /// The sensor's own account of what it held back or lost.
    Summary,
}

/// One event, written out, with what delivery must know of it.
#[derive(Clone, Debug)]
pub struct Record {
    /// The event's id: the same for a retry, a second run and a restart.
    pub id: Uuid,
    /// What it holds.
    pub kind: RecordKind,
    /// The rule that an alert is of.
    pub rule: Option<Arc<Alert>>,
    /// 1 is the most severe; DHCP and the like count as 4.
    pub severity: u32,
    /// What keeps order: the flow's number, for DHCP one of the transaction.
    pub order_key: u64,
    /// The packet's time.
    pub time: Timestamp,
    /// When the sensor made the event, for the lag to its acknowledgement.
    pub created: Instant,
    /// JSON of one line, without the line's end.
    pub json: Arc<[u8]>,
}

/// Why a sink could not take events.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The reader of the output went away, as `head` does: the end, but no fault.
    #[error("the output was closed by its reader")]
    Closed,
    /// Writing failed.
    #[error("cannot write {what}: {source}")]
    Write {
        /// The file or the like.
        what: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl SinkError {
    /// The same fault, for telling it a second time.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Closed => Self::Closed,
            Self::Write { what, source } => {
                let source = std::io::Error::new(source.kind(), source.to_string());
                Self::Write { what: what.clone(), source }
            }
        }
    }
}

/// Something that takes events.
pub trait Sink: Send {
    /// Takes events in order; returns when they are queued or written. A slow sink makes the caller wait or, where
    /// its configuration says so, drops and counts.
    fn accept(&mut self, records: &[Record]) -> Result<(), SinkError>;

    /// Writes out what is held back for the sake of larger writes.
    fn flush(&mut self) -> Result<(), SinkError>;
}

impl<S: Sink + ?Sized> Sink for Box<S> {
    fn accept(&mut self, records: &[Record]) -> Result<(), SinkError> {
        (**self).accept(records)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        (**self).flush()
    }
}
