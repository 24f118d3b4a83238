//! Decides what is sent when, and what each answer means. No I/O and no clock of its own: time is an argument, and
//! requests are handed out rather than sent.

use super::answer::{Answer, Fault, FaultKind, RecordAnswer};
use super::concurrency::Concurrency;
use super::config::{KinesisConfig, RecordForm};
use super::lanes::{Lanes, Pending, Unit};
use super::shard_map::LaneId;
use crate::sink::Record;
use crate::sink::accounting::{DropReason, Ledger, Place, Settlement, ShardAccount};
use crate::sink::retry::Backoff;
use crate::sink::spool::Ticket;
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One record of a request, ready to be written out.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Decides on the shard.
    pub partition_key: Arc<str>,
    /// The event, or the events of a batch.
    pub events: SmallVec<[Arc<[u8]>; 1]>,
    /// Whether the record is a JSON array of its events.
    pub is_batch: bool,
}

/// Something to be sent; its answer is to be handed in under the same number.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) entries: Vec<Entry>,
}

/// An event that no try will get into the stream.
#[derive(Debug)]
pub(crate) struct DeadLetter {
    pub(crate) record: Record,
    pub(crate) reason: String,
}

/// What an answer leads to outside the engine.
#[derive(Debug, Default)]
pub(crate) struct Consequences {
    /// To be settled in the spool.
    pub(crate) tickets: Vec<Ticket>,
    /// To be written to the dead letters.
    pub(crate) dead: Vec<DeadLetter>,
    /// Something was acknowledged.
    pub(crate) delivered: bool,
    /// What stands in the way.
    pub(crate) fault: Option<Fault>,
}

#[derive(Debug)]
struct Flight {
    units: Vec<Unit>,
    departed: Instant,
    full: bool,
}

/// Sending is held back.
#[derive(Debug)]
struct Hold {
    until: Instant,
    since: Instant,
}

/// Units that wait before they are tried again.
#[derive(Debug)]
struct Delayed {
    due: Instant,
    /// Puts those due at one time in order.
    number: u64,
    units: Vec<Unit>,
}

impl PartialEq for Delayed {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.number) == (other.due, other.number)
    }
}

impl Eq for Delayed {}

impl PartialOrd for Delayed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Delayed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

/// Requests that are not full are at least so far apart.
const GAP: Duration = Duration::from_millis(20);
/// Requests without an answer in a row after which the stream counts as out of reach.
const UNANSWERED: u32 = 3;

#[derive(Debug)]
pub(crate) struct Engine {
    config: KinesisConfig,
    ledger: Ledger,
    lanes: Lanes,
    delayed: BinaryHeap<Reverse<Delayed>>,
    /// Parts of requests that were refused for their content.
    isolated: VecDeque<Vec<Unit>>,
    flights: HashMap<u64, Flight>,
    concurrency: Concurrency,
    trouble: Backoff,
    hold: Option<Hold>,
    next_id: u64,
    last_request: Option<Instant>,
    hurry: bool,
}

impl Engine {
    pub(crate) fn new(config: KinesisConfig, network: Arc<str>, ledger: Ledger, now: Instant) -> Self {
        Self {
            lanes: Lanes::new(config.clone(), network, now),
            ledger,
            delayed: BinaryHeap::new(),
            isolated: VecDeque::new(),
            flights: HashMap::new(),
            concurrency: Concurrency::new(config.max_in_flight),
            trouble: Backoff::new(config.backoff()),
            hold: None,
            next_id: 0,
            last_request: None,
            hurry: false,
            config,
        }
    }

    /// Events in memory, in flight included.
    pub(crate) fn events(&self) -> usize {
        self.lanes.events()
    }

    /// Memory taken by them.
    pub(crate) fn held_bytes(&self) -> usize {
        self.lanes.held_bytes()
    }

    /// Requests without an answer yet.
    pub(crate) fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// For how long delivery has been held back.
    pub(crate) fn held_for(&self, now: Instant) -> Option<Duration> {
        self.hold.as_ref().map(|hold| now.saturating_duration_since(hold.since))
    }

    /// For how long the shard that the event belongs to has taken nothing, only throttled.
    pub(crate) fn throttled_for(&self, record: &Record, now: Instant) -> Option<Duration> {
        self.lanes.throttled_since(record).map(|since| now.saturating_duration_since(since))
    }

    /// Sends what there is without waiting for more: somebody wants an end.
    pub(crate) fn set_hurry(&mut self, hurry: bool) {
        self.hurry = hurry;
    }

    /// Takes an event, or gives it back when memory has no room for it. One that is larger than the stream takes is
    /// a dead letter at once.
    pub(crate) fn offer(
        &mut self,
        record: Record,
        ticket: Option<Ticket>,
        now: Instant,
    ) -> Result<Option<DeadLetter>, Record> {
        let limit = self.config.record_bytes();
        // The longest key is a UUID.
        if record.json.len() + 36 > limit {
            self.ledger.transfer(1, Place::Queued, Place::Dropped(DropReason::DeadLettered));
            let reason = format!("{} bytes, more than the {limit} that a record may have", record.json.len());
            return Ok(Some(DeadLetter { record, reason }));
        }
        self.lanes.enter(record, ticket, now).map(|()| None)
    }

    /// The next request, when one may go now.
    pub(crate) fn next_request(&mut self, now: Instant) -> Option<Request> {
        if self.hold.as_ref().is_some_and(|hold| now < hold.until || !self.flights.is_empty()) {
            return None;
        }
        if self.flights.len() >= self.concurrency.limit() {
            return None;
        }
        self.release_delayed(now);
        if let Some(units) = self.isolated.pop_front() {
            return Some(self.depart(units, now));
        }
        if !self.is_ripe(now) {
            return None;
        }
        let units = self.lanes.take_request(now);
        (!units.is_empty()).then(|| self.depart(units, now))
    }

    fn release_delayed(&mut self, now: Instant) {
        while self.delayed.peek().is_some_and(|Reverse(delayed)| delayed.due <= now) {
            let Some(Reverse(delayed)) = self.delayed.pop() else { return };
            delayed.units.into_iter().rev().for_each(|unit| self.lanes.push_front(unit));
        }
    }

    fn is_ripe(&mut self, now: Instant) -> bool {
        let (records, bytes) = self.lanes.sendable(now);
        if records == 0 {
            return false;
        }
        if records >= self.config.request_records || bytes >= self.config.request_bytes {
            return true;
        }
        self.ripens_at(now).is_some_and(|at| at <= now)
    }

    /// When what could be sent now will have waited long enough.
    fn ripens_at(&self, now: Instant) -> Option<Instant> {
        let oldest = self.lanes.oldest_sendable(now)?;
        let waited =
            if self.hurry || self.lanes.is_urgent() { oldest } else { oldest + self.config.linger() };
        Some(self.last_request.map_or(waited, |last| waited.max(last + GAP)))
    }

    /// When [`Engine::next_request`] should be asked again, if nothing happens before.
    pub(crate) fn wake_at(&mut self, now: Instant) -> Option<Instant> {
        let held_until = self.hold.as_ref().map(|hold| hold.until);
        let limit = if held_until.is_some() { 1 } else { self.concurrency.limit() };
        if self.flights.len() >= limit {
            return None;
        }
        if !self.isolated.is_empty() {
            return Some(held_until.unwrap_or(now));
        }
        let delayed = self.delayed.peek().map(|Reverse(delayed)| delayed.due);
        let lanes = match self.lanes.sendable(now) {
            (0, _) => self.lanes.opens_at(),
            _ => self.ripens_at(now),
        };
        // Held back until then, but also afterwards there must be something that may go.
        delayed.into_iter().chain(lanes).min().map(|at| held_until.map_or(at, |until| at.max(until)))
    }

    fn depart(&mut self, units: Vec<Unit>, now: Instant) -> Request {
        let is_batch = self.config.records == RecordForm::Batch;
        let entries = units
            .iter()
            .map(|unit| Entry {
                partition_key: Arc::clone(&unit.partition_key),
                events: unit.events.iter().map(|event| Arc::clone(&event.record.json)).collect(),
                is_batch,
            })
            .collect();
        self.ledger.depart(count(&units));
        self.next_id += 1;
        self.last_request = Some(now);
        let full = self.flights.len() + 1 >= self.concurrency.limit();
        self.flights.insert(self.next_id, Flight { units, departed: now, full });
        Request { id: self.next_id, entries }
    }

    /// An answer came, at `arrived`, which the writer may learn of later. One to a request that is not known (any more)
    /// changes nothing.
    pub(crate) fn answer(&mut self, id: u64, answer: Answer, arrived: Instant, now: Instant) -> Consequences {
        let Some(flight) = self.flights.remove(&id) else { return Consequences::default() };
        let round_trip = arrived.saturating_duration_since(flight.departed);
        match answer {
            Answer::Records(answers) => self.records_answered(flight, answers, round_trip, now),
            Answer::Throttled => self.request_throttled(flight, now),
            Answer::Poison(reason) => self.request_poisonous(flight, &reason, now),
            Answer::Fault(fault) => self.request_failed(flight, fault, now),
            Answer::Permitted => {
                // Only a dry run is answered so, and requests are none.
                let fault = Fault::new(FaultKind::ServiceFailed, "a put was answered as a dry run");
                self.request_failed(flight, fault, now)
            }
        }
    }

    fn records_answered(
        &mut self,
        flight: Flight,
        answers: Vec<RecordAnswer>,
        round_trip: Duration,
        now: Instant,
    ) -> Consequences {
        let any_delivered = answers.iter().any(|answer| matches!(answer, RecordAnswer::Delivered { .. }));
        if any_delivered {
            self.concurrency.answered(round_trip, flight.full);
            self.trouble.succeed();
            self.hold = None;
        } else if answers.iter().any(|answer| matches!(answer, RecordAnswer::Failed { .. })) {
            // Nothing but failures is the service's trouble, not the records'.
            self.trouble.fail();
            self.concurrency.failed();
        }
        let mut tally = Tally { alone: any_delivered, ..Tally::default() };
        let mut answers = answers.into_iter();
        let mut map_changed = false;
        for unit in flight.units {
            match answers.next() {
                Some(RecordAnswer::Delivered { shard, .. }) => {
                    map_changed |= self.delivered(unit, &shard, now, &mut tally);
                }
                Some(RecordAnswer::Throttled { shard }) => {
                    let lane = match shard {
                        Some(shard) => self.lanes.map.lane(&shard),
                        None => self.lanes.map.predict(unit.hash),
                    };
                    self.lanes.follow_map(now);
                    tally.throttled.push((lane, unit));
                }
                Some(RecordAnswer::Failed { reason }) => self.failed(unit, reason, &mut tally),
                None => self.failed(unit, "the answer said nothing of this record".to_owned(), &mut tally),
            }
        }
        if map_changed {
            self.lanes.follow_map(now);
            self.lanes.reroute();
        }
        self.settle(tally, now)
    }

    fn delivered(&mut self, unit: Unit, shard: &str, now: Instant, tally: &mut Tally) -> bool {
        let changed = self.lanes.map.observe(unit.hash, shard);
        if self.lanes.map.lane_count() > tally.lanes_seen {
            self.lanes.follow_map(now);
            tally.lanes_seen = self.lanes.map.lane_count();
        }
        let lane = self.lanes.map.lane(shard);
        let account = tally.shards.entry(lane).or_default();
        account.records += 1;
        account.bytes += unit.bytes as u64;
        tally.settlement.delivered += unit.events.len() as u64;
        for event in &unit.events {
            tally.settlement.lag.record(now.saturating_duration_since(event.record.created));
            tally.consequences.tickets.extend(event.ticket);
        }
        tally.consequences.delivered = true;
        self.lanes.release(&unit);
        changed
    }

    /// A record that fails while others succeed has something about it; one that fails with all others has not.
    fn failed(&mut self, mut unit: Unit, reason: String, tally: &mut Tally) {
        unit.tries += u32::from(tally.alone);
        if unit.tries >= self.config.max_tries {
            self.bury(unit, &reason, tally);
        } else {
            tally.failed.push(unit);
        }
    }

    fn bury(&mut self, unit: Unit, reason: &str, tally: &mut Tally) {
        self.lanes.release(&unit);
        tally.settlement.dead_lettered += unit.events.len() as u64;
        for Pending { record, ticket } in unit.events {
            tally.consequences.tickets.extend(ticket);
            tally.consequences.dead.push(DeadLetter { record, reason: reason.to_owned() });
        }
    }

    fn settle(&mut self, mut tally: Tally, now: Instant) -> Consequences {
        let again = tally.throttled.len() + tally.failed.len();
        tally.settlement.retries += again as u64;
        for (lane, unit) in tally.throttled.into_iter().rev() {
            tally.settlement.requeued += unit.events.len() as u64;
            tally.shards.entry(lane).or_default().throttles += 1;
            self.lanes.push_front(unit);
        }
        for (&id, account) in &tally.shards {
            let lane = self.lanes.lane_mut(id);
            if account.throttles > 0 {
                let share = account.throttles as f64 / (account.throttles + account.records) as f64;
                lane.pace.throttle(share, now);
            }
            if account.records > 0 {
                lane.took();
            } else if account.throttles > 0 {
                lane.took_nothing(now);
            }
            tally.settlement.shards.push((Arc::clone(self.lanes.map.name(id)), *account));
        }
        tally.settlement.requeued += count(&tally.failed);
        self.delay(tally.failed, now);
        self.ledger.settle(&tally.settlement);
        tally.consequences
    }

    /// Lets units wait, each group for as long as its most unlucky member's tries say.
    fn delay(&mut self, units: Vec<Unit>, now: Instant) {
        let Some(tries) = units.iter().map(|unit| unit.tries).max() else { return };
        let attempts = tries.max(self.trouble.failures()).saturating_sub(1);
        self.next_id += 1;
        let due = now + self.config.backoff().wait(attempts);
        self.delayed.push(Reverse(Delayed { due, number: self.next_id, units }));
    }

    fn request_throttled(&mut self, flight: Flight, now: Instant) -> Consequences {
        let mut tally = Tally::default();
        for unit in flight.units {
            let lane = self.lanes.map.predict(unit.hash);
            tally.throttled.push((lane, unit));
        }
        self.settle(tally, now)
    }

    /// Halves the request until the record that is refused stands alone.
    fn request_poisonous(&mut self, mut flight: Flight, reason: &str, now: Instant) -> Consequences {
        let mut tally = Tally { alone: true, ..Tally::default() };
        if flight.units.len() > 1 {
            let second = flight.units.split_off(flight.units.len() / 2);
            tally.settlement.requeued += count(&flight.units) + count(&second);
            tally.settlement.retries += (flight.units.len() + second.len()) as u64;
            self.isolated.extend([flight.units, second]);
        } else {
            for mut unit in flight.units {
                unit.tries += 1;
                // Once may be the service's mood.
                if unit.tries >= self.config.max_tries.min(2) {
                    self.bury(unit, reason, &mut tally);
                } else {
                    tally.settlement.requeued += unit.events.len() as u64;
                    tally.settlement.retries += 1;
                    self.isolated.push_back(vec![unit]);
                }
            }
        }
        self.settle(tally, now)
    }

    fn request_failed(&mut self, flight: Flight, fault: Fault, now: Instant) -> Consequences {
        let wait = self.trouble.fail();
        let transient = fault.kind.is_transient();
        if transient && fault.kind != FaultKind::SessionExpired {
            self.concurrency.failed();
        }
        let mut tally = Tally::default();
        tally.settlement.requeued += count(&flight.units);
        tally.settlement.retries += flight.units.len() as u64;
        if fault.kind == FaultKind::SessionExpired
            || (transient && self.trouble.failures() < UNANSWERED && self.hold.is_none())
        {
            self.delay(flight.units, now);
        } else {
            flight.units.into_iter().rev().for_each(|unit| self.lanes.push_front(unit));
            let since = self.hold.as_ref().map_or(now, |hold| hold.since);
            self.hold = Some(Hold { until: now + wait, since });
        }
        tally.consequences.fault = Some(fault);
        let mut consequences = self.settle(tally, now);
        consequences.delivered = false;
        consequences
    }

    /// Gives up the requests that were not answered: their events are as good as not sent, at the risk of sending
    /// them twice.
    pub(crate) fn abandon_flights(&mut self) {
        let mut flights: Vec<_> = self.flights.drain().collect();
        flights.sort_unstable_by_key(|&(id, _)| id);
        for (_, flight) in flights.into_iter().rev() {
            let requeued = count(&flight.units);
            self.ledger.settle(&Settlement { requeued, ..Settlement::default() });
            flight.units.into_iter().rev().for_each(|unit| self.lanes.push_front(unit));
        }
    }

    /// Takes everything that is not in flight out of memory, each key's events in order.
    pub(crate) fn take_all(&mut self) -> Vec<Pending> {
        let delayed =
            std::mem::take(&mut self.delayed).into_iter().flat_map(|Reverse(delayed)| delayed.units);
        let isolated = std::mem::take(&mut self.isolated).into_iter().flatten();
        delayed.chain(isolated).for_each(|unit| self.lanes.push_front(unit));
        self.lanes.take_all()
    }
}

fn count(units: &[Unit]) -> u64 {
    units.iter().map(|unit| unit.events.len() as u64).sum()
}

/// What the answer to one request adds up to.
#[derive(Debug, Default)]
struct Tally {
    settlement: Settlement,
    consequences: Consequences,
    /// Others of the same request succeeded: what failed, failed by itself.
    alone: bool,
    throttled: Vec<(LaneId, Unit)>,
    failed: Vec<Unit>,
    shards: BTreeMap<LaneId, ShardAccount>,
    lanes_seen: usize,
}
