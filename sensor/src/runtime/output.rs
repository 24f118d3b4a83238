//! From the collector to the sink, each event counted as written or dropped.

use crate::counter::{Counter, Counters};
use crate::sink::{Record, Sink, SinkError};

/// Hands records to the sink.
pub(super) fn hand_on(
    records: &[Record],
    sink: &mut dyn Sink,
    counters: &mut Counters,
) -> Result<(), SinkError> {
    if records.is_empty() {
        return Ok(());
    }
    let outcome = sink.accept(records);
    let counter = if outcome.is_ok() { Counter::EventsWritten } else { Counter::EventsDroppedOutput };
    counters.add(counter, records.len() as u64);
    outcome
}
