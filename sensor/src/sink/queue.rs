//! The bounded queue before every sink: as many bytes as its owner allows, in batches over a channel.
//!
//! One side is a [`Sink`] that the collector fills; the other belongs to the thread that writes. A full queue makes
//! the collector wait, or drops and counts, as configured; it never touches another sink's queue.

use super::accounting::{DropReason, Ledger, Place};
use super::{Record, Sink, SinkError};
use crossbeam::channel::{self, Receiver, RecvTimeoutError, Sender};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What to do with an event for which the queue has no room.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    /// Make the collector wait: what a replay wants.
    #[default]
    Wait,
    /// Drop the event and count it: what a live capture wants.
    Drop,
}

/// The bounds of a queue.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueConfig {
    /// Bytes of events that may wait.
    pub bytes: usize,
    /// What happens to the next one.
    pub when_full: WhenFull,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self { bytes: 16 << 20, when_full: WhenFull::Wait }
    }
}

/// Records to a message: enough to make the channel cheap, few enough to keep what one message holds small.
const MESSAGE_RECORDS: usize = 512;
/// Messages in the channel; the bytes are what usually limits.
const MESSAGES: usize = 16_384;
/// What a record costs in memory besides its JSON.
const RECORD_OVERHEAD: usize = 160;

/// What a record takes of a memory budget, in bytes.
pub(crate) fn weight(record: &Record) -> usize {
    record.json.len() + RECORD_OVERHEAD
}

/// What comes out of a queue.
#[derive(Debug)]
pub(crate) enum Message {
    /// Events, in order.
    Records(Vec<Record>),
    /// Write out what is held back and say when that is done.
    Flush(Sender<()>),
}

/// Makes a queue. `flush_within` bounds how long [`Sink::flush`] waits for the other side.
pub(crate) fn queue(config: &QueueConfig, ledger: Ledger, flush_within: Duration) -> (Intake, Outlet) {
    let (sender, receiver) = channel::bounded(MESSAGES);
    let room = Arc::new(Room {
        state: Mutex::new(RoomState { used: 0, fault: None }),
        freed: Condvar::new(),
        limit: config.bytes,
    });
    let intake =
        Intake { sender, room: Arc::clone(&room), when_full: config.when_full, ledger, flush_within };
    (intake, Outlet { receiver, room })
}

/// The collector's side of a queue.
#[derive(Debug)]
pub struct Intake {
    sender: Sender<Message>,
    room: Arc<Room>,
    when_full: WhenFull,
    ledger: Ledger,
    flush_within: Duration,
}

impl Intake {
    /// The account of the events that went through here.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn enqueue(&self, records: &[Record]) -> Result<(), SinkError> {
        let count = records.len() as u64;
        let bytes = records.iter().map(weight).sum();
        match self.room.enter(bytes, self.when_full) {
            Entry::Admitted => {}
            Entry::Full => {
                self.ledger.create(count, Place::Dropped(DropReason::QueueFull));
                return Ok(());
            }
            Entry::Gone(fault) => {
                self.ledger.create(count, Place::Dropped(DropReason::OutputFailed));
                return Err(fault);
            }
        }
        self.ledger.create(count, Place::Queued);
        self.sender.send(Message::Records(records.to_vec())).map_err(|_| {
            self.ledger.transfer(count, Place::Queued, Place::Dropped(DropReason::OutputFailed));
            SinkError::Closed
        })
    }
}

impl Sink for Intake {
    fn accept(&mut self, records: &[Record]) -> Result<(), SinkError> {
        records.chunks(MESSAGE_RECORDS).try_for_each(|chunk| self.enqueue(chunk))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let (done, wait) = channel::bounded(1);
        self.sender.send(Message::Flush(done)).map_err(|_| SinkError::Closed)?;
        // Whoever does not answer in time has said so in its account: the events are still counted as waiting.
        let _ = wait.recv_timeout(self.flush_within);
        self.room.fault().map_or(Ok(()), Err)
    }
}

/// The writing side of a queue.
#[derive(Debug)]
pub(crate) struct Outlet {
    receiver: Receiver<Message>,
    room: Arc<Room>,
}

impl Outlet {
    /// The channel, for waiting on several at once; what is taken here must be told to [`Outlet::leave`].
    pub(crate) fn receiver(&self) -> &Receiver<Message> {
        &self.receiver
    }

    /// Frees the room that the records took.
    pub(crate) fn leave(&self, records: &[Record]) {
        self.room.leave(records.iter().map(weight).sum());
    }

    /// Tells the collector that nothing more can be written.
    pub(crate) fn fail(&self, fault: SinkError) {
        self.room.fail(fault);
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.room.fail(SinkError::Closed);
    }
}

#[derive(Debug)]
struct Room {
    state: Mutex<RoomState>,
    freed: Condvar,
    limit: usize,
}

#[derive(Debug)]
struct RoomState {
    used: usize,
    fault: Option<SinkError>,
}

enum Entry {
    Admitted,
    Full,
    Gone(SinkError),
}

impl Room {
    fn enter(&self, bytes: usize, when_full: WhenFull) -> Entry {
        let mut state = self.lock();
        loop {
            if let Some(fault) = &state.fault {
                return Entry::Gone(fault.again());
            }
            // A message larger than the whole room may go in alone.
            if state.used == 0 || state.used + bytes <= self.limit {
                state.used += bytes;
                return Entry::Admitted;
            }
            if when_full == WhenFull::Drop {
                return Entry::Full;
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn leave(&self, bytes: usize) {
        self.lock().used -= bytes;
        self.freed.notify_all();
    }

    fn fail(&self, fault: SinkError) {
        self.lock().fault.get_or_insert(fault);
        self.freed.notify_all();
    }

    fn fault(&self) -> Option<SinkError> {
        self.lock().fault.as_ref().map(SinkError::again)
    }

    fn lock(&self) -> MutexGuard<'_, RoomState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sink with a queue and a thread of its own, so that its slowness is nobody else's.
#[derive(Debug)]
pub struct Queued {
    intake: Option<Intake>,
    thread: Option<std::thread::JoinHandle<()>>,
    ledger: Ledger,
}

impl Queued {
    /// Puts `sink` behind a queue. `name` is the thread's, of at most 15 bytes.
    pub fn start<S: Sink + 'static>(sink: S, name: &str, config: &QueueConfig) -> std::io::Result<Self> {
        const FLUSH_WITHIN: Duration = Duration::from_secs(10);
        let ledger = Ledger::new();
        let (intake, outlet) = queue(config, ledger.clone(), FLUSH_WITHIN);
        let account = ledger.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || drain(sink, &outlet, &account))?;
        Ok(Self { intake: Some(intake), thread: Some(thread), ledger })
    }

    /// The account of this sink.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The collector's side, to be used among other sinks; afterwards this one takes events no more itself.
    pub fn take_intake(&mut self) -> Option<Intake> {
        self.intake.take()
    }

    /// Writes what waits, for at most `deadline`, and ends the thread; whether all was written.
    pub fn close(mut self, deadline: Duration) -> bool {
        self.intake = None;
        let until = Instant::now() + deadline;
        let Some(thread) = self.thread.take() else { return true };
        while !thread.is_finished() {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        thread.join().is_ok() && self.ledger.snapshot().pending() == 0
    }
}

impl Sink for Queued {
    fn accept(&mut self, records: &[Record]) -> Result<(), SinkError> {
        self.intake.as_mut().map_or(Err(SinkError::Closed), |intake| intake.accept(records))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.intake.as_mut().map_or(Err(SinkError::Closed), Intake::flush)
    }
}

/// How long what was written may wait to be written out, for the sake of larger writes.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// Writes until the other side is gone, then flushes.
fn drain<S: Sink>(sink: S, outlet: &Outlet, ledger: &Ledger) {
    let mut drain = Drain { sink, outlet, ledger, gone: false, faulty: false, unwritten: None };
    loop {
        let wait = drain.unwritten.map_or(FLUSH_EVERY, |since| FLUSH_EVERY.saturating_sub(since.elapsed()));
        match outlet.receiver().recv_timeout(wait) {
            Ok(Message::Records(records)) => {
                drain.write(&records);
                outlet.leave(&records);
            }
            Ok(Message::Flush(done)) => {
                drain.flush();
                // The asker may have given up waiting.
                let _ = done.send(());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if drain.unwritten.is_some_and(|since| since.elapsed() >= FLUSH_EVERY) {
            drain.flush();
        }
    }
    drain.flush();
}

/// What writes. After a fault that stays everything that still comes is counted as dropped, so that the account stays
/// true; one that may pass, such as a full disk, costs what cannot be written meanwhile.
struct Drain<'a, S> {
    sink: S,
    outlet: &'a Outlet,
    ledger: &'a Ledger,
    gone: bool,
    faulty: bool,
    /// Since when something waits to be written out.
    unwritten: Option<Instant>,
}

impl<S: Sink> Drain<'_, S> {
    fn write(&mut self, records: &[Record]) {
        let mut written = 0;
        for record in records.chunks(1) {
            let outcome = if self.gone { Err(SinkError::Closed) } else { self.sink.accept(record) };
            written += u64::from(outcome.is_ok());
            self.note(outcome);
        }
        self.unwritten = self.unwritten.or_else(|| (written > 0).then(Instant::now));
        self.ledger.transfer(written, Place::Queued, Place::Delivered);
        let lost = records.len() as u64 - written;
        self.ledger.transfer(lost, Place::Queued, Place::Dropped(DropReason::OutputFailed));
    }

    fn flush(&mut self) {
        self.unwritten = None;
        if !self.gone {
            let outcome = self.sink.flush();
            self.note(outcome);
        }
    }

    fn note(&mut self, outcome: Result<(), SinkError>) {
        match outcome {
            Ok(()) if self.faulty => {
                tracing::warn!("events are written again");
                self.faulty = false;
            }
            Ok(()) => {}
            Err(SinkError::Closed) => {
                self.gone = true;
                self.outlet.fail(SinkError::Closed);
            }
            Err(fault) if !self.faulty => {
                tracing::error!(%fault, "events are lost until they can be written again");
                self.faulty = true;
            }
            Err(_) => {}
        }
    }
}

/// Several sinks that all get every event.
#[derive(Default)]
pub struct FanOut(Vec<Box<dyn Sink>>);

impl FanOut {
    /// No sink yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
    pub fn add(&mut self, sink: Box<dyn Sink>) {
        self.0.push(sink);
    }

    fn each(&mut self, mut act: impl FnMut(&mut dyn Sink) -> Result<(), SinkError>) -> Result<(), SinkError> {
        let mut first = Ok(());
        for sink in &mut self.0 {
            let outcome = act(sink.as_mut());
            first = first.and(outcome);
        }
        first
    }
}

/// Every sink is served, whatever becomes of another; the first fault is returned.
impl Sink for FanOut {
    fn accept(&mut self, records: &[Record]) -> Result<(), SinkError> {
        self.each(|sink| sink.accept(records))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.each(|sink| sink.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::testing::records;

    /// Takes a number of events, then fails; waits before each as long as told.
    struct Slow {
        seen: Arc<Mutex<Vec<Record>>>,
        pause: Duration,
        batches: usize,
    }

    impl Sink for Slow {
        fn accept(&mut self, records: &[Record]) -> Result<(), SinkError> {
            std::thread::sleep(self.pause);
            self.batches = self.batches.checked_sub(1).ok_or(SinkError::Closed)?;
            self.seen.lock().expect("no test panics while it holds this").extend_from_slice(records);
            Ok(())
        }

        fn flush(&mut self) -> Result<(), SinkError> {
            Ok(())
        }
    }

    fn slow(pause: Duration, batches: usize) -> (Slow, Arc<Mutex<Vec<Record>>>) {
        let seen = Arc::default();
        (Slow { seen: Arc::clone(&seen), pause, batches }, seen)
    }

    #[test]
    fn all_arrive_in_order_and_are_counted() {
        let (sink, seen) = slow(Duration::ZERO, usize::MAX);
        let mut queued =
            Queued::start(sink, "test", &QueueConfig::default()).expect("threads can be started");
        let sent = records(2_000);
        sent.chunks(700).for_each(|chunk| queued.accept(chunk).expect("the sink is alive"));
        queued.flush().expect("the sink is alive");
        let ledger = queued.ledger().clone();
        assert!(queued.close(Duration::from_secs(5)));
        let ids: Vec<_> = seen.lock().expect("unpoisoned").iter().map(|record| record.id).collect();
        assert_eq!(ids, sent.iter().map(|record| record.id).collect::<Vec<_>>());
        assert_eq!(ledger.snapshot().delivered, 2_000);
    }

    #[test]
    fn a_full_queue_drops_and_counts_when_told_to() {
        let (sink, _) = slow(Duration::from_millis(30), usize::MAX);
        let config = QueueConfig { bytes: 4_096, when_full: WhenFull::Drop };
        let mut queued = Queued::start(sink, "test", &config).expect("threads can be started");
        records(200).chunks(1).for_each(|one| queued.accept(one).expect("the sink is alive"));
        let account = queued.ledger().snapshot();
        assert!(account.balances());
        assert!(account.dropped_for(DropReason::QueueFull) > 0);
    }

    #[test]
    fn a_slow_sink_does_not_hold_up_another() {
        let (stuck, _) = slow(Duration::from_secs(60), usize::MAX);
        let (quick, seen) = slow(Duration::ZERO, usize::MAX);
        let tiny = QueueConfig { bytes: 1_024, when_full: WhenFull::Drop };
        let mut all = FanOut::new();
        all.add(Box::new(Queued::start(stuck, "stuck", &tiny).expect("threads can be started")));
        let quick = Queued::start(quick, "quick", &QueueConfig::default()).expect("threads can be started");
        let ledger = quick.ledger().clone();
        all.add(Box::new(quick));
        records(500).chunks(10).for_each(|chunk| all.accept(chunk).expect("both take or drop"));
        let until = Instant::now() + Duration::from_secs(10);
        while ledger.snapshot().delivered < 500 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(seen.lock().expect("unpoisoned").len(), 500);
    }

    #[test]
    fn a_fault_reaches_the_collector_and_the_account_stays_true() {
        let (sink, _) = slow(Duration::ZERO, 1);
        let mut queued =
            Queued::start(sink, "test", &QueueConfig::default()).expect("threads can be started");
        let batch = records(1);
        let failed = (0..1_000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            matches!(queued.accept(&batch), Err(SinkError::Closed))
        });
        assert!(failed);
        let ledger = queued.ledger().clone();
        queued.close(Duration::from_secs(5));
        let account = ledger.snapshot();
        assert!(account.balances());
        assert_eq!(account.delivered, 1);
        assert_eq!(account.dropped_for(DropReason::OutputFailed), account.created - 1);
    }
}
