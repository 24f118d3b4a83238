//! The thread that moves events from the queue to the stream, by way of the spool when need be.
//!
//! Everything but the requests themselves happens on this one thread, so nothing here is shared; requests run on a
//! small runtime of their own and their answers come back over a channel.

use super::answer::{Answer, Fault, FaultKind};
use super::client::Stream;
use super::config::{KinesisConfig, PartitionKey};
use super::dead_letter::DeadLetters;
use super::engine::{Consequences, Engine, Request};
use super::integration::{Store, Version};
use super::lanes::Pending;
use super::losses::Losses;
use super::stalled::Stalled;
use super::status::{State, Status};
use crate::counter::Counters;
use crate::event::Event;
use crate::event::cloudevents::Encoder;
use crate::sink::accounting::{DropReason, Ledger, Place};
use crate::sink::queue::{Message, Outlet, WhenFull};
use crate::sink::spool::{Spool, Ticket};
use crate::sink::storm::StormLimiter;
use crate::sink::{Record, RecordKind};
use crossbeam::channel::{Receiver, Sender, never, unbounded};
use crossbeam::select;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// What the owner of a writer can ask of it.
#[derive(Debug)]
pub(crate) enum Control {
    /// Deliver what there is until the deadline, put the rest on disk, and end. With `drain`, what is in the spool
    /// is delivered too, as long as the stream takes it.
    Close { deadline: Duration, drain: bool },
}

/// What a writer is made of.
pub(crate) struct Parts<S> {
    pub(crate) config: KinesisConfig,
    pub(crate) when_full: WhenFull,
    pub(crate) network: Arc<str>,
    pub(crate) ledger: Ledger,
    pub(crate) outlet: Outlet,
    pub(crate) control: Receiver<Control>,
    pub(crate) spool: Spool,
    pub(crate) store: Store,
    pub(crate) storms: StormLimiter,
    /// Writes the sink's own events.
    pub(crate) encoder: Encoder,
    pub(crate) connect: Box<dyn FnMut() -> Option<S> + Send>,
    pub(crate) runtime: tokio::runtime::Handle,
}

/// Events loaded from the spool at a time.
const LOAD_RECORDS: usize = 1_000;
const LOAD_BYTES: usize = 1 << 20;
/// How often the integration's files are looked at and written.
const HOUSEKEEPING: Duration = Duration::from_millis(500);
/// A stream that takes nothing for so long will not take the rest before the deadline either.
const HOPELESS: Duration = Duration::from_secs(10);

enum Reply {
    /// To the request of the number, and when it came.
    Put(u64, Answer, Instant),
    DryRun(Answer),
}

/// What one message leaves for the spool.
#[derive(Default)]
struct Overflow {
    records: Vec<Record>,
    keys: HashSet<u64>,
}

impl Overflow {
    fn push(&mut self, record: Record) {
        self.keys.insert(record.order_key);
        self.records.push(record);
    }
}

struct Closing {
    since: Instant,
    deadline: Instant,
    drain: bool,
}

pub(crate) struct Writer<S> {
    parts: Parts<S>,
    engine: Engine,
    stream: Option<Arc<S>>,
    version: Option<Version>,
    status: Status,
    status_saved: Option<Status>,
    dead_letters: DeadLetters,
    losses: Losses,
    replies: (Sender<Reply>, Receiver<Reply>),
    /// Taken from the queue, but memory had no room.
    stalled: VecDeque<Record>,
    /// Loaded from the spool, but memory had no room.
    stalled_loaded: Stalled,
    /// Some event in memory is not on disk too.
    memory_only: bool,
    flushes: Vec<Sender<()>>,
    closing: Option<Closing>,
    housekept: Instant,
    probed: Instant,
    probing: bool,
    intake_open: bool,
}

impl<S: Stream> Writer<S> {
    pub(crate) fn new(mut parts: Parts<S>) -> Self {
        let now = Instant::now();
        let engine = Engine::new(parts.config.clone(), Arc::clone(&parts.network), parts.ledger.clone(), now);
        let dead_letters = DeadLetters::new(parts.store.dead_letters(), parts.config.dead_letter_bytes);
        let stream = (parts.connect)().map(Arc::new);
        Self {
            engine,
            stream,
            version: parts.store.version(),
            status: parts.store.status(),
            status_saved: None,
            dead_letters,
            losses: Losses::default(),
            replies: unbounded(),
            stalled: VecDeque::new(),
            stalled_loaded: Stalled::default(),
            memory_only: false,
            flushes: Vec::new(),
            closing: None,
            housekept: now,
            probed: now,
            probing: false,
            intake_open: true,
            parts,
        }
    }

    /// Runs until it is closed.
    pub(crate) fn run(mut self) {
        loop {
            let now = Instant::now();
            if self.closing.is_some() && self.nothing_comes() {
                self.tell(now, true);
            }
            self.send(now);
            self.load(now);
            self.send(now);
            if self.is_done(now) {
                break;
            }
            self.wait(now);
            let now = Instant::now();
            self.parts.spool.tick(now);
            self.spill(now);
            self.answer_flushes(now);
            if now.saturating_duration_since(self.housekept) >= HOUSEKEEPING {
                self.housekeep(now);
            }
        }
        self.finish();
    }

    fn send(&mut self, now: Instant) {
        let Some(stream) = self.stream.clone() else { return };
        while let Some(request) = self.engine.next_request(now) {
            self.dispatch(Arc::clone(&stream), request);
        }
    }

    fn dispatch(&self, stream: Arc<S>, request: Request) {
        let mut reply = ReplyOnDrop { id: request.id, sender: self.replies.0.clone(), answer: None };
        self.parts.runtime.spawn(async move {
            reply.answer = Some(stream.put(request.entries).await);
            drop(reply);
        });
    }

    /// Brings events back from the spool while memory has room for as many live ones.
    fn load(&mut self, now: Instant) {
        while let Some((ticket, record)) = self.stalled_loaded.pop_front() {
            if let Err((ticket, record)) = self.offer_loaded(ticket, record, now) {
                self.stalled_loaded.push_front(ticket, record);
                return;
            }
        }
        let draining = self.closing.as_ref().is_none_or(|closing| closing.drain);
        let held = self.engine.held_for(now).is_some();
        while draining
            && self.stream.is_some()
            && !self.parts.spool.is_empty()
            && self.stalled_loaded.is_empty()
            && self.engine.held_bytes() < self.parts.config.memory_bytes / 2
            && (!held || self.engine.events() == 0)
        {
            for (ticket, record) in self.parts.spool.load(LOAD_RECORDS, LOAD_BYTES) {
                if !self.stalled_loaded.is_empty() {
                    self.stalled_loaded.push_back(ticket, record);
                } else if let Err((ticket, record)) = self.offer_loaded(ticket, record, now) {
                    self.stalled_loaded.push_back(ticket, record);
                }
            }
        }
    }

    fn offer_loaded(&mut self, ticket: Ticket, record: Record, now: Instant) -> Result<(), (Ticket, Record)> {
        match self.engine.offer(record, Some(ticket), now) {
            Ok(None) => Ok(()),
            Ok(Some(letter)) => {
                self.parts.spool.settle(ticket);
                self.dead_letters.bury(vec![letter]);
                Ok(())
            }
            Err(record) => Err((ticket, record)),
        }
    }

    fn wait(&mut self, now: Instant) {
        let wake = [self.engine.wake_at(now).filter(|_| self.stream.is_some()), self.parts.spool.due()];
        let until = wake.into_iter().flatten().fold(now + HOUSEKEEPING, Instant::min);
        let until = self.closing.as_ref().map_or(until, |closing| until.min(closing.deadline));
        let silent = never();
        let intake =
            if self.intake_open && self.stalled.is_empty() { self.parts.outlet.receiver() } else { &silent };
        // Borrowed apart from `self`, which the arms change.
        let (intake, replies, control) = (intake.clone(), self.replies.1.clone(), self.parts.control.clone());
        let mut control_open = true;
        select! {
            recv(intake) -> message => self.taken(message.ok(), now),
            recv(replies) -> reply => if let Ok(reply) = reply { self.replied(reply) },
            recv(control) -> asked => match asked {
                Ok(Control::Close { deadline, drain }) => self.close(deadline, drain),
                Err(_) => control_open = false,
            },
            default(until.saturating_duration_since(now)) => {}
        }
        if !control_open && self.closing.is_none() {
            // The owner is gone without a word: nobody will wait for a delivery.
            self.close(Duration::ZERO, false);
        }
        self.take_more(&replies, &intake);
    }

    /// Whatever else is there already, so that one turn serves many.
    fn take_more(&mut self, replies: &Receiver<Reply>, intake: &Receiver<Message>) {
        const TURNS: usize = 16;
        for _ in 0..TURNS {
            match replies.try_recv() {
                Ok(reply) => self.replied(reply),
                Err(_) => break,
            }
        }
        let now = Instant::now();
        for _ in 0..TURNS {
            if !self.stalled.is_empty() || self.engine.held_bytes() >= self.parts.config.request_bytes * 2 {
                break;
            }
            match intake.try_recv() {
                Ok(message) => self.taken(Some(message), now),
                Err(_) => break,
            }
        }
        self.unstall(now);
    }

    fn taken(&mut self, message: Option<Message>, now: Instant) {
        match message {
            Some(Message::Records(records)) => {
                self.parts.outlet.leave(&records);
                let records = self.hold_back_storms(records, now);
                self.admit(records, now);
            }
            Some(Message::Flush(done)) => self.flushes.push(done),
            None => self.intake_open = false,
        }
    }

    fn hold_back_storms(&mut self, mut records: Vec<Record>, now: Instant) -> Vec<Record> {
        let before = records.len();
        records.retain(|record| self.parts.storms.admits(record, now));
        let held_back = (before - records.len()) as u64;
        if held_back > 0 {
            self.parts.ledger.transfer(held_back, Place::Queued, Place::Dropped(DropReason::Storm));
        }
        records
    }

    /// Makes events of what was held back and lost; `at_once` without waiting for more of the same.
    fn tell(&mut self, now: Instant, at_once: bool) {
        if self.version.is_none() {
            return;
        }
        let mut events = self.parts.storms.summaries(now, at_once);
        // While nothing can be delivered, more may be lost.
        if at_once || (self.stream.is_some() && self.engine.held_for(now).is_none()) {
            let (account, until) = (self.parts.ledger.snapshot(), SystemTime::now().into());
            events.extend(self.losses.summary(&account, now, at_once, until));
        }
        if events.is_empty() {
            return;
        }
        let records: Vec<_> = events.iter().map(|event| self.summary_record(event)).collect();
        self.parts.ledger.create(records.len() as u64, Place::Queued);
        self.admit(records, now);
    }

    fn summary_record(&mut self, event: &Event) -> Record {
        let mut json = Vec::new();
        let id = self.parts.encoder.encode(event, &mut json, &mut Counters::default());
        let rule = event.rule().expect("a summary has the form of an alert");
        Record {
            id,
            kind: RecordKind::Summary,
            severity: rule.severity,
            rule: Some(Arc::clone(rule)),
            order_key: event.order_key(),
            time: event.time(),
            created: Instant::now(),
            json: json.into(),
        }
    }

    /// Each event goes to memory, or, when it may not pass an earlier one or finds no room, to the spool.
    fn admit(&mut self, records: Vec<Record>, now: Instant) {
        if self.version.is_none() {
            // Deleted: what happens until the next one is set is not delivered later.
            let count = records.len() as u64;
            self.parts.ledger.transfer(count, Place::Queued, Place::Dropped(DropReason::Deleted));
            return;
        }
        if !self.stalled.is_empty() {
            // Events of the sink's own, which do not wait to be asked for.
            self.stalled.extend(records);
            return;
        }
        let all_wait = self.must_spool(now);
        let may_wait = self.parts.when_full == WhenFull::Wait && self.engine.held_for(now).is_none();
        let mut overflow = Overflow::default();
        let mut records = VecDeque::from(records);
        while let Some(record) = records.pop_front() {
            if all_wait || self.must_follow(&record, &overflow) {
                overflow.push(record);
                continue;
            }
            match self.engine.offer(record, None, now) {
                Ok(None) => self.memory_only = true,
                Ok(Some(letter)) => self.dead_letters.bury(vec![letter]),
                // What waits for a shard that takes nothing would hold up what is for the others.
                Err(record) if may_wait && !self.is_stuck(&record, now) => {
                    records.push_front(record);
                    self.stalled = records;
                    break;
                }
                Err(record) => overflow.push(record),
            }
        }
        if !overflow.records.is_empty() {
            self.parts.spool.append(&overflow.records, Place::Queued, now);
        }
    }

    /// Whether an earlier event that this one must not pass is in the spool, about to be, or on the way back.
    fn must_follow(&self, record: &Record, overflow: &Overflow) -> bool {
        match self.parts.config.partition_key {
            PartitionKey::Flow => {
                let key = record.order_key;
                overflow.keys.contains(&key)
                    || self.stalled_loaded.holds(key)
                    || self.parts.spool.may_hold(key)
            }
            PartitionKey::Event => false,
            PartitionKey::Network => {
                !overflow.records.is_empty()
                    || !self.stalled_loaded.is_empty()
                    || !self.parts.spool.is_empty()
            }
        }
    }

    fn unstall(&mut self, now: Instant) {
        if !self.stalled.is_empty() {
            let records = std::mem::take(&mut self.stalled);
            self.admit(records.into(), now);
        }
    }

    /// Trouble that has lasted: events are safer on disk than in memory.
    fn must_spool(&self, now: Instant) -> bool {
        self.stream.is_none() || self.engine.held_for(now).is_some_and(|held| held >= self.patience())
    }

    /// The same of the one shard that the event belongs to.
    fn is_stuck(&self, record: &Record, now: Instant) -> bool {
        self.engine.throttled_for(record, now).is_some_and(|throttled| throttled >= self.patience())
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(self.parts.config.spool_after_ms)
    }

    /// In lasting trouble, puts what is in memory alone on disk.
    fn spill(&mut self, now: Instant) {
        if self.memory_only && self.must_spool(now) && self.engine.in_flight() == 0 {
            self.put_back_if_any();
        }
    }

    fn put_back(&mut self) {
        self.memory_only = false;
        let mut events: Vec<Record> =
            self.engine.take_all().into_iter().map(|Pending { record, .. }| record).collect();
        events.extend(self.stalled_loaded.take_all());
        let count = events.len() as u64;
        if let Err(error) = self.parts.spool.put_back(&events, Place::Queued) {
            tracing::error!(%error, events = count, "the spool's disk takes no events; what was in memory is dropped");
            self.parts.ledger.transfer(count, Place::Queued, Place::Dropped(DropReason::DiskFull));
        }
    }

    fn replied(&mut self, reply: Reply) {
        let now = Instant::now();
        match reply {
            Reply::Put(id, answer, arrived) => {
                let consequences = self.engine.answer(id, answer, arrived, now);
                self.follow(consequences);
            }
            Reply::DryRun(answer) => {
                self.probing = false;
                match answer {
                    Answer::Permitted => self.status.permitted(SystemTime::now()),
                    Answer::Fault(fault) => self.status.failed(&fault, SystemTime::now()),
                    // An emulator that wrote the record after all.
                    Answer::Records(_) => self.status.permitted(SystemTime::now()),
                    Answer::Throttled | Answer::Poison(_) => {}
                }
            }
        }
    }

    fn follow(&mut self, consequences: Consequences) {
        let Consequences { tickets, dead, delivered, fault } = consequences;
        tickets.into_iter().for_each(|ticket| self.parts.spool.settle(ticket));
        self.dead_letters.bury(dead);
        if delivered {
            self.status.delivered(SystemTime::now());
        }
        if let Some(fault) = fault {
            self.status.failed(&fault, SystemTime::now());
        }
    }

    /// A flush is done when everything is acknowledged, or on disk for want of a stream.
    fn answer_flushes(&mut self, now: Instant) {
        self.engine.set_hurry(!self.flushes.is_empty() || self.closing.is_some());
        if self.flushes.is_empty() || !self.stalled.is_empty() || !self.parts.outlet.receiver().is_empty() {
            return;
        }
        let on_disk = self.must_spool(now) && !self.memory_only;
        if self.engine.events() == 0 || on_disk {
            self.parts.spool.sync();
            for done in self.flushes.drain(..) {
                // The asker may have given up waiting.
                let _ = done.send(());
            }
        }
    }

    fn close(&mut self, deadline: Duration, drain: bool) {
        let since = Instant::now();
        self.closing = Some(Closing { since, deadline: since + deadline, drain });
        self.engine.set_hurry(true);
    }

    fn nothing_comes(&self) -> bool {
        !self.intake_open || self.parts.outlet.receiver().is_empty()
    }

    fn is_done(&self, now: Instant) -> bool {
        let Some(closing) = &self.closing else { return false };
        let nothing_comes = self.nothing_comes();
        let memory_empty = nothing_comes && self.stalled.is_empty() && self.engine.events() == 0;
        let spool_done = !closing.drain || (self.parts.spool.is_empty() && self.stalled_loaded.is_empty());
        // Trouble from before may be over by now: it gets its chance too.
        let tried = now.saturating_duration_since(closing.since);
        let hopeless = self.stream.is_none()
            || self.engine.held_for(now).is_some_and(|held| held.min(tried) >= HOPELESS);
        now >= closing.deadline || (nothing_comes && (hopeless || (memory_empty && spool_done)))
    }

    /// Puts on disk whatever was not delivered.
    fn finish(mut self) {
        let now = Instant::now();
        self.engine.abandon_flights();
        self.put_back_if_any();
        let stalled = Vec::from(std::mem::take(&mut self.stalled));
        self.parts.spool.append(&stalled, Place::Queued, now);
        while let Ok(message) = self.parts.outlet.receiver().try_recv() {
            if let Message::Records(records) = message {
                self.parts.outlet.leave(&records);
                let records = self.hold_back_storms(records, now);
                self.parts.spool.append(&records, Place::Queued, now);
            }
        }
        self.parts.spool.sync();
        self.save();
    }

    fn put_back_if_any(&mut self) {
        if self.engine.events() > 0 || !self.stalled_loaded.is_empty() {
            self.put_back();
        }
    }

    fn housekeep(&mut self, now: Instant) {
        self.housekept = now;
        let version = self.parts.store.version();
        if version != self.version {
            self.version = version;
            self.integration_changed();
        }
        let ahead_s = self.stream.as_ref().map_or(0, |stream| stream.clock_ahead_s());
        self.status.set_clock(ahead_s, SystemTime::now());
        let waiting = self.parts.ledger.snapshot().pending() > 0;
        self.status.observe(waiting, SystemTime::now());
        self.probe(now, waiting);
        self.tell(now, false);
        self.save();
    }

    /// The integration was set again, or deleted: what waits goes to the new one, or nowhere.
    fn integration_changed(&mut self) {
        let status = Status::fresh(SystemTime::now());
        if self.version.is_some() {
            tracing::info!("the integration was set again");
            self.stream = (self.parts.connect)().map(Arc::new);
            self.status = status;
            self.probed = Instant::now();
            return;
        }
        self.stream = None;
        self.engine.abandon_flights();
        let loaded = self.stalled_loaded.take_all().count();
        let queued = self.engine.take_all().len() + loaded + self.stalled.len();
        self.stalled.clear();
        self.parts.ledger.transfer(queued as u64, Place::Queued, Place::Dropped(DropReason::Deleted));
        let spooled = self.parts.spool.discard();
        tracing::warn!(queued, spooled, "the integration was deleted; what waited for it is discarded");
        self.status = status;
    }

    /// Proves the permission of a stream that nothing is sent to.
    fn probe(&mut self, now: Instant, waiting: bool) {
        let interval = self.parts.config.probe_interval_s;
        let first = self.status.state == State::Unknown
            && !self.status.permission_proven
            && self.status.detail.is_none();
        let due = now.saturating_duration_since(self.probed) >= Duration::from_secs(interval);
        let Some(stream) = self.stream.clone() else { return };
        if interval == 0 || waiting || self.probing || self.closing.is_some() || !(due || first) {
            return;
        }
        self.probed = now;
        self.probing = true;
        let sender = self.replies.0.clone();
        self.parts.runtime.spawn(async move {
            // The writer may be gone by then.
            let _ = sender.send(Reply::DryRun(stream.dry_run().await));
        });
    }

    fn save(&mut self) {
        // A deleted integration leaves its account, so that whoever deleted it learns what was discarded.
        let account = self.parts.ledger.snapshot();
        if let Err(error) = self.parts.store.save_account(&account) {
            tracing::warn!(%error, "the account cannot be stored");
        }
        if self.version.is_none() || self.status_saved.as_ref() == Some(&self.status) {
            return;
        }
        match self.parts.store.save_status(&self.status) {
            Ok(()) => self.status_saved = Some(self.status.clone()),
            Err(error) => tracing::warn!(%error, "the status cannot be stored"),
        }
    }
}

/// Answers even when the request's task ends without an answer: no event may stay in flight for ever.
struct ReplyOnDrop {
    id: u64,
    sender: Sender<Reply>,
    answer: Option<Answer>,
}

impl Drop for ReplyOnDrop {
    fn drop(&mut self) {
        let lost =
            || Answer::Fault(Fault::new(FaultKind::Unreachable, "the request ended without an answer"));
        // The writer may be gone by then, having put the events on disk.
        let _ =
            self.sender.send(Reply::Put(self.id, self.answer.take().unwrap_or_else(lost), Instant::now()));
    }
}
