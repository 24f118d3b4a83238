//! Events in memory on their way to the stream: a queue for each shard, and the rule that keeps order.
//!
//! Of each order key at most one unit is active, that is ready, delayed or in flight; later ones wait behind it.
//! That is what keeps the order of a key when Kinesis takes one record and refuses the one before.

use super::config::{KinesisConfig, PartitionKey, RecordForm};
use super::pace::Pace;
use super::shard_map::{self, LaneId, ShardMap};
use crate::sink::queue::weight;
use crate::sink::retry::Backoff;
use crate::sink::spool::Ticket;
use crate::sink::{Record, RecordKind};
use smallvec::SmallVec;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// One event in memory.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) record: Record,
    /// Its name in the spool, where it came from there.
    pub(crate) ticket: Option<Ticket>,
}

/// What becomes one record of the stream: an event, or several packed together.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) events: SmallVec<[Pending; 1]>,
    /// The order keys of its events, each once: what waits for them waits for this unit.
    keys: SmallVec<[u64; 1]>,
    pub(crate) partition_key: Arc<str>,
    pub(crate) hash: u128,
    /// Bytes that count against the shard: JSON and key.
    pub(crate) bytes: usize,
    /// Failures that were its own.
    pub(crate) tries: u32,
    /// When it came into memory.
    pub(crate) since: Instant,
    /// The lane that it was counted in.
    pub(crate) lane: LaneId,
}

impl Unit {
    fn is_urgent(&self) -> bool {
        self.events.iter().any(|event| event.record.severity <= 1 || event.record.kind == RecordKind::Test)
    }

    pub(crate) fn weight(&self) -> usize {
        self.events.iter().map(|event| weight(&event.record)).sum()
    }
}

/// A shard's queue.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) ready: VecDeque<Unit>,
    ready_bytes: usize,
    /// Memory taken by all its events, whether ready, waiting or in flight.
    held_bytes: usize,
    pub(crate) pace: Pace,
    /// Whether something was ready when the lane was last looked at.
    waited: bool,
    pub(crate) blocked_until: Option<Instant>,
    /// Since when the shard has taken nothing, only throttled.
    throttled_since: Option<Instant>,
    backoff: Backoff,
}

impl Lane {
    /// The shard took something.
    pub(crate) fn took(&mut self) {
        self.throttled_since = None;
        self.backoff.succeed();
    }

    /// The shard took nothing of what it was given.
    pub(crate) fn took_nothing(&mut self, now: Instant) {
        self.throttled_since.get_or_insert(now);
        self.blocked_until = Some(now + self.backoff.fail());
    }

    fn is_sendable(&self, now: Instant) -> bool {
        !self.ready.is_empty()
            && self.blocked_until.is_none_or(|until| until <= now)
            && self.pace.is_open(self.ready.len(), self.ready_bytes)
    }
}

/// All lanes, and which events wait behind which.
#[derive(Debug)]
pub(crate) struct Lanes {
    pub(crate) map: ShardMap,
    lanes: Vec<Lane>,
    /// An entry for each key with an active unit; the queue holds what waits behind it.
    keys: HashMap<u64, VecDeque<Unit>>,
    held_bytes: usize,
    events: usize,
    urgent: usize,
    next_lane: usize,
    open_shards: usize,
    network: Arc<str>,
    config: KinesisConfig,
}

/// The least memory that a lane may have, however many there are.
const LANE_BYTES: usize = 256 << 10;

impl Lanes {
    pub(crate) fn new(config: KinesisConfig, network: Arc<str>, now: Instant) -> Self {
        let mut lanes = Self {
            map: ShardMap::new(config.shard_count),
            lanes: Vec::new(),
            keys: HashMap::new(),
            held_bytes: 0,
            events: 0,
            urgent: 0,
            next_lane: 0,
            open_shards: 1,
            network,
            config,
        };
        lanes.follow_map(now);
        lanes
    }

    /// Events in memory, in flight included.
    pub(crate) fn events(&self) -> usize {
        self.events
    }

    /// Memory taken by them.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    pub(crate) fn lane_mut(&mut self, lane: LaneId) -> &mut Lane {
        &mut self.lanes[lane.0]
    }

    pub(crate) fn is_urgent(&self) -> bool {
        self.urgent > 0
    }

    fn order_of(&self, record: &Record) -> Option<u64> {
        match self.config.partition_key {
            PartitionKey::Flow => Some(record.order_key),
            PartitionKey::Event => None,
            PartitionKey::Network => Some(0),
        }
    }

    fn partition_key(&self, record: &Record) -> Arc<str> {
        match self.config.partition_key {
            PartitionKey::Flow => Arc::from(itoa::Buffer::new().format(record.order_key)),
            PartitionKey::Event => Arc::from(record.id.as_hyphenated().encode_lower(&mut [0; 36]) as &str),
            PartitionKey::Network => Arc::clone(&self.network),
        }
    }

    /// Whether there is room for the record. Half of the memory is for whoever comes; of the rest each shard has its
    /// share, so that a dead one cannot take it all.
    fn has_room(&self, lane: LaneId, bytes: usize) -> bool {
        let free_for_all = self.config.memory_bytes / 2;
        let held = self.held_bytes + bytes;
        held <= free_for_all
            || held <= self.config.memory_bytes
                && self.lanes[lane.0].held_bytes + bytes <= (free_for_all / self.open_shards).max(LANE_BYTES)
    }

    /// Takes an event, or gives it back when there is no room.
    pub(crate) fn enter(
        &mut self,
        record: Record,
        ticket: Option<Ticket>,
        now: Instant,
    ) -> Result<(), Record> {
        let partition_key = self.partition_key(&record);
        let hash = shard_map::hash(&partition_key);
        let lane = self.map.predict(hash);
        let weight = weight(&record);
        if !self.has_room(lane, weight) {
            return Err(record);
        }
        self.held_bytes += weight;
        self.lanes[lane.0].held_bytes += weight;
        self.events += 1;
        let order = self.order_of(&record);
        let bytes = record.json.len() + partition_key.len();
        let events = SmallVec::from_buf([Pending { record, ticket }]);
        let keys = order.into_iter().collect();
        let unit = Unit { events, keys, partition_key, hash, bytes, tries: 0, since: now, lane };
        match order {
            Some(key) => match self.keys.entry(key) {
                std::collections::hash_map::Entry::Occupied(waiting) => waiting.into_mut().push_back(unit),
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert(VecDeque::new());
                    self.push_back(unit, lane);
                }
            },
            None => self.push_back(unit, lane),
        }
        Ok(())
    }

    /// Since when the record's shard has taken nothing, only throttled.
    pub(crate) fn throttled_since(&self, record: &Record) -> Option<Instant> {
        let lane = self.map.predict(shard_map::hash(&self.partition_key(record)));
        self.lanes[lane.0].throttled_since
    }

    fn push_back(&mut self, unit: Unit, lane: LaneId) {
        self.urgent += usize::from(unit.is_urgent());
        let lane = &mut self.lanes[lane.0];
        lane.ready_bytes += unit.bytes;
        lane.ready.push_back(unit);
    }

    /// Puts a unit that could not be delivered back before all others of its lane.
    pub(crate) fn push_front(&mut self, unit: Unit) {
        let lane = self.map.predict(unit.hash);
        self.urgent += usize::from(unit.is_urgent());
        let lane = &mut self.lanes[lane.0];
        lane.ready_bytes += unit.bytes;
        lane.ready.push_front(unit);
    }

    fn pop(&mut self, lane: usize) -> Option<Unit> {
        let lane = &mut self.lanes[lane];
        let unit = lane.ready.pop_front()?;
        lane.ready_bytes -= unit.bytes;
        self.urgent -= usize::from(unit.is_urgent());
        Some(unit)
    }

    /// The unit is done with: its memory is free, and what waits behind its events becomes ready.
    pub(crate) fn release(&mut self, unit: &Unit) {
        let weight = unit.weight();
        self.held_bytes -= weight;
        self.lanes[unit.lane.0].held_bytes -= weight;
        self.events -= unit.events.len();
        for key in &unit.keys {
            match self.keys.get_mut(key).and_then(VecDeque::pop_front) {
                Some(next) => {
                    let lane = self.map.predict(next.hash);
                    self.push_back(next, lane);
                }
                None => drop(self.keys.remove(key)),
            }
        }
    }

    /// Records and bytes that could be sent now, up to a request's.
    pub(crate) fn sendable(&mut self, now: Instant) -> (usize, usize) {
        let (mut records, mut bytes) = (0, 0);
        for lane in &mut self.lanes {
            let waited = std::mem::replace(&mut lane.waited, !lane.ready.is_empty());
            if lane.ready.is_empty() {
                continue;
            }
            lane.pace.refill(now, waited);
            if lane.is_sendable(now) {
                records += lane.ready.len();
                bytes += lane.ready_bytes;
            }
        }
        (records, bytes)
    }

    /// When the oldest event that could be sent came into memory.
    pub(crate) fn oldest_sendable(&self, now: Instant) -> Option<Instant> {
        let sendable = self.lanes.iter().filter(|lane| lane.is_sendable(now));
        sendable.filter_map(|lane| lane.ready.front()).map(|unit| unit.since).min()
    }

    /// When a lane that has something will next be allowed to send it.
    pub(crate) fn opens_at(&self) -> Option<Instant> {
        let waiting = self.lanes.iter().filter(|lane| !lane.ready.is_empty());
        waiting
            .map(|lane| {
                let paced = lane.pace.opens_at(lane.ready.len(), lane.ready_bytes);
                lane.blocked_until.map_or(paced, |until| until.max(paced))
            })
            .min()
    }

    /// Takes a request's worth from the lanes that may send, beginning with another one each time.
    pub(crate) fn take_request(&mut self, now: Instant) -> Vec<Unit> {
        let ready: usize = self.lanes.iter().map(|lane| lane.ready.len()).sum();
        let mut units = Vec::with_capacity(ready.min(self.config.request_records));
        let mut bytes = 0;
        let count = self.lanes.len();
        self.next_lane = (self.next_lane + 1) % count;
        for offset in 0..count {
            let index = (self.next_lane + offset) % count;
            if self.lanes[index].is_sendable(now) {
                self.take_from(index, &mut units, &mut bytes);
            }
        }
        units
    }

    fn take_from(&mut self, lane: usize, units: &mut Vec<Unit>, bytes: &mut usize) {
        while units.len() < self.config.request_records && self.lanes[lane].pace.admits() {
            let Some(front) = self.lanes[lane].ready.front() else { return };
            if *bytes + front.bytes > self.config.request_bytes && !units.is_empty() {
                return;
            }
            let Some(mut unit) = self.pop(lane) else { return };
            if self.config.records == RecordForm::Batch {
                self.fill(lane, &mut unit);
            }
            *bytes += unit.bytes;
            self.lanes[lane].pace.take(unit.bytes);
            units.push(unit);
        }
    }

    /// Packs what waits behind the unit's own keys, then what else is ready in the lane, into the unit.
    fn fill(&mut self, lane: usize, unit: &mut Unit) {
        let room = self.config.batch_bytes;
        let fits = |unit: &Unit, next: &Unit| unit.bytes + next.bytes <= room;
        let mut index = 0;
        while let Some(&key) = unit.keys.get(index) {
            while let Some(next) =
                self.keys.get_mut(&key).and_then(|waiting| waiting.pop_front_if(|next| fits(unit, next)))
            {
                self.pack(unit, next);
            }
            index += 1;
            if index == unit.keys.len()
                && self.lanes[lane].ready.front().is_some_and(|next| fits(unit, next))
                && let Some(next) = self.pop(lane)
            {
                unit.keys.extend(next.keys.iter().copied());
                self.pack(unit, next);
            }
        }
        // Without order there are no keys to go by.
        while unit.keys.is_empty()
            && self.lanes[lane].ready.front().is_some_and(|next| fits(unit, next))
            && let Some(next) = self.pop(lane)
        {
            self.pack(unit, next);
        }
    }

    fn pack(&mut self, unit: &mut Unit, next: Unit) {
        // What is counted in another lane moves to this one, so that one release settles all.
        let weight = next.weight();
        self.lanes[next.lane.0].held_bytes -= weight;
        self.lanes[unit.lane.0].held_bytes += weight;
        unit.bytes += next.bytes;
        unit.tries = unit.tries.max(next.tries);
        unit.events.extend(next.events);
    }

    /// Makes the lanes that the map speaks of; after a change of the map, ready units go where they now belong.
    pub(crate) fn follow_map(&mut self, now: Instant) {
        while self.lanes.len() < self.map.lane_count() {
            self.lanes.push(Lane {
                ready: VecDeque::new(),
                ready_bytes: 0,
                held_bytes: 0,
                pace: Pace::new(now),
                waited: false,
                blocked_until: None,
                throttled_since: None,
                backoff: Backoff::new(self.config.backoff()),
            });
        }
        self.open_shards = self.map.open_shards();
        let shared =
            if self.map.is_predicting() { 1 } else { self.map.lane_count().saturating_sub(1).max(1) };
        self.lanes[LaneId::POOL.0].pace.set_shards(shared);
    }

    /// Puts every ready unit into the lane that the map now names.
    pub(crate) fn reroute(&mut self) {
        for index in 0..self.lanes.len() {
            let units = std::mem::take(&mut self.lanes[index].ready);
            self.lanes[index].ready_bytes = 0;
            for mut unit in units {
                let lane = self.map.predict(unit.hash);
                let weight = unit.weight();
                self.lanes[unit.lane.0].held_bytes -= weight;
                self.lanes[lane.0].held_bytes += weight;
                unit.lane = lane;
                let lane = &mut self.lanes[lane.0];
                lane.ready_bytes += unit.bytes;
                lane.ready.push_back(unit);
            }
        }
    }

    /// Empties the lanes: what is ready, then what waits behind it or behind what is in flight, so that each key's
    /// events are in order.
    pub(crate) fn take_all(&mut self) -> Vec<Pending> {
        let ready: Vec<Unit> =
            self.lanes.iter_mut().flat_map(|lane| std::mem::take(&mut lane.ready)).collect();
        self.lanes.iter_mut().for_each(|lane| lane.ready_bytes = 0);
        self.urgent = 0;
        let waiting: Vec<Unit> = self.keys.values_mut().flat_map(std::mem::take).collect();
        let mut events = Vec::with_capacity(ready.len() + waiting.len());
        for unit in ready {
            // Nothing waits any more, so this only frees the memory and the keys.
            self.release(&unit);
            events.extend(unit.events);
        }
        for unit in waiting {
            let weight = unit.weight();
            self.held_bytes -= weight;
            self.lanes[unit.lane.0].held_bytes -= weight;
            self.events -= unit.events.len();
            events.extend(unit.events);
        }
        events
    }
}
