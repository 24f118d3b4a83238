//! All flows of one shard. Owned by one thread; time is what packets and ticks say.

use super::hash::HashKey;
use super::index::{Index, MAX_PLACES};
use super::key::{FlowKey, KeyConfig, Orientation, protocol};
use super::lifecycle::{IdleLimits, Lifecycle, Seen, opens};
use super::record::{Arrival, Flow, QUEUE};
use super::slab::{List, Slab};
use super::timer::Wheel;
use super::{FlowConfig, FlowLimits};
use crate::counter::{Counter, Counters};
use crate::event::{Direction, EndReason};
use crate::time::Timestamp;
use rules::view::Packet;
use std::time::Duration;

/// How many active flows one eviction passes over, at most.
const SPARED: usize = 8;

/// A flow in the table, until the next call that may end flows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FlowId(u32);

/// A packet's key, hashed: what the table is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Sought {
    key: FlowKey,
    hash: u64,
    orientation: Orientation,
}

impl Sought {
    /// The key's hash, whose high half chooses the shard ([`super::shard_of`]).
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The key.
    pub fn key(&self) -> &FlowKey {
        &self.key
    }

    /// How the packet relates to its flow.
    pub fn orientation(&self) -> Orientation {
        self.orientation
    }
}

/// What became of a packet in the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Observed {
    /// Its flow.
    pub flow: FlowId,
    /// Which way it goes.
    pub direction: Direction,
    /// Whether it is part of an established flow as rules see it: for TCP, the handshake was done before it; for
    /// others, packets went in both directions, this one counted.
    pub established: bool,
    /// Whether it is the flow's first.
    pub created: bool,
}

/// A flow that has ended, and how.
#[derive(Debug)]
pub struct Ended<X> {
    /// The flow, counts final.
    pub flow: Flow<X>,
    /// Why.
    pub reason: EndReason,
    /// When it was, or would have been, idle for too long.
    pub deadline: Timestamp,
}

impl<X> Ended<X> {
    /// The order of flows that end at one tick, whatever shard they were in: deadline, then first packet (ordinal of
    /// its frame, tunnels opened).
    pub fn order(&self) -> (Timestamp, u64, u8) {
        let (ordinal, depth) = self.flow.position();
        (self.deadline, ordinal, depth)
    }
}

/// How readily a flow is given up when the table is full; the first go first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    /// Closed or reset: nothing more is expected of it.
    Over,
    /// Not proven alive: no handshake, or packets one way alone. A flood makes such flows.
    Unproven,
    Proven,
}

impl Standing {
    fn of(lifecycle: Lifecycle) -> Self {
        match lifecycle {
            Lifecycle::Closed | Lifecycle::Reset => Self::Over,
            Lifecycle::New => Self::Unproven,
            Lifecycle::Established => Self::Proven,
        }
    }

    const ORDER: [Self; 3] = [Self::Over, Self::Unproven, Self::Proven];
}

/// The flows of one shard; `X` hangs what others keep of a flow to its record.
///
/// To make the most of memory, work in bursts: [`seek`](Self::seek) all packets, then [`preload`](Self::preload)
/// all, then [`observe`](Self::observe) one after the other.
#[derive(Debug)]
pub struct FlowTable<X> {
    hash_key: HashKey,
    key_config: KeyConfig,
    idle_limits: IdleLimits,
    capacity: usize,
    index: Index,
    slab: Slab<Flow<X>>,
    wheel: Wheel,
    queues: [List<QUEUE>; Standing::ORDER.len()],
    clock: Timestamp,
    due: Vec<u32>,
}

impl<X: Default> FlowTable<X> {
    /// The most memory that one idle flow takes, its share of the index included, in bytes.
    pub const BYTES_PER_FLOW: usize = Slab::<Flow<X>>::record_bytes() + Index::worst_bytes_per_entry();

    /// An empty table within one shard's share of the limits.
    pub fn new(config: &FlowConfig, limits: &FlowLimits, shards: usize, hash_key: HashKey) -> Self {
        let share_bytes = limits.memory_bytes / shards.max(1) as u64;
        let capacity = usize::try_from(share_bytes / Self::BYTES_PER_FLOW as u64).unwrap_or(usize::MAX);
        Self {
            hash_key,
            key_config: KeyConfig { vlan_use: config.vlan_use },
            idle_limits: IdleLimits::new(&config.timeouts),
            capacity: capacity.min(MAX_PLACES),
            index: Index::new(),
            slab: Slab::new(),
            wheel: Wheel::new(),
            queues: [List::EMPTY; Standing::ORDER.len()],
            clock: Timestamp::ZERO,
            due: Vec::new(),
        }
    }

    /// How many flows there are.
    pub fn len(&self) -> usize {
        self.slab.len()
    }

    /// Whether there is no flow.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many flows there can be.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The key and hash of a packet's flow, and the first step of finding it: its bucket begins to load. Nothing for
    /// packets without a flow.
    #[inline]
    pub fn seek(&self, packet: &Packet<'_>) -> Option<Sought> {
        let (key, orientation) = FlowKey::of(packet, &self.key_config)?;
        let hash = self.hash_key.hash(key.words());
        self.index.prefetch(hash as u32);
        Some(Sought { key, hash, orientation })
    }

    /// The second step: where the flow's record seems to be begins to load.
    #[inline]
    pub fn preload(&self, sought: &Sought) {
        if let Some(place) = self.index.find(sought.hash as u32, |_| true) {
            self.slab.prefetch(place);
        }
    }

    /// The packet's flow if there is one that is still alive at `time`, the packet's own. One that was idle for
    /// longer than it may be ends here.
    #[inline]
    pub fn find(
        &mut self,
        sought: &Sought,
        time: Timestamp,
        counters: &mut Counters,
        ended: &mut Vec<Ended<X>>,
    ) -> Option<FlowId> {
        let slab = &self.slab;
        let place = self.index.find(sought.hash as u32, |at| slab.record(at).key() == &sought.key)?;
        let flow = slab.record(place);
        if time.nanos_since(flow.last()) <= self.idle_limits.idle_ns(sought.key.protocol(), flow.lifecycle())
        {
            return Some(FlowId(place));
        }
        self.end(place, EndReason::Timeout, counters, ended);
        None
    }

    /// Counts the packet to its flow, which it creates where there is none.
    ///
    /// A SYN on a connection that is over begins a new flow, unless a stream engine follows the connection: then
    /// that one decides, with [`find`](Self::find) and [`replace`](Self::replace). An ICMP error about a flow that is
    /// not there has no flow; neither has a packet for which there is no place, which is counted.
    pub fn observe(
        &mut self,
        sought: &Sought,
        arrival: &Arrival,
        counters: &mut Counters,
        ended: &mut Vec<Ended<X>>,
    ) -> Option<Observed> {
        let found = self.find(sought, arrival.time, counters, ended);
        match found {
            Some(id) if self.reopens(id, sought, arrival) => {
                self.replace(id, sought, arrival, counters, ended)
            }
            Some(id) => Some(self.count(id, sought, arrival)),
            None => self.create(sought, arrival, counters, ended),
        }
    }

    /// Ends a flow and begins another of the same key with this packet: a port that is used again.
    pub fn replace(
        &mut self,
        id: FlowId,
        sought: &Sought,
        arrival: &Arrival,
        counters: &mut Counters,
        ended: &mut Vec<Ended<X>>,
    ) -> Option<Observed> {
        self.end(id.0, EndReason::Closed, counters, ended);
        self.create(sought, arrival, counters, ended)
    }

    /// The flow.
    #[inline]
    pub fn flow(&self, id: FlowId) -> &Flow<X> {
        self.slab.record(id.0)
    }

    /// The flow, to change what hangs on it.
    #[inline]
    pub fn flow_mut(&mut self, id: FlowId) -> &mut Flow<X> {
        self.slab.record_mut(id.0)
    }

    /// Takes over how far a stream engine says a TCP flow has come; TCP flags alone say nothing any more.
    pub fn set_lifecycle(&mut self, id: FlowId, lifecycle: Lifecycle) {
        let before = self.flow(id).lifecycle();
        self.flow_mut(id).set_lifecycle(lifecycle);
        self.settle(id.0, before);
    }

    /// Moves the clock and ends, in the order of [`Ended::order`], the flows whose deadline was in an earlier second.
    ///
    /// Which flows those are depends on the ticks alone, not on what else is in the table. Costs what ends and what
    /// has to be looked at again, also when the clock jumps by years; a clock that runs backwards does nothing.
    pub fn advance(&mut self, clock: Timestamp, counters: &mut Counters, ended: &mut Vec<Ended<X>>) {
        self.clock = self.clock.max(clock);
        let mut due = std::mem::take(&mut self.due);
        let limits = &self.idle_limits;
        self.wheel.advance(&mut self.slab, clock, |flow| deadline(limits, flow), &mut due);
        let mut ordered: Vec<_> = due
            .drain(..)
            .map(|place| {
                let flow = self.slab.record(place);
                (deadline(&self.idle_limits, flow), flow.position(), place)
            })
            .collect();
        self.due = due;
        ordered.sort_unstable();
        for (_, _, place) in ordered {
            self.remove(place, EndReason::Timeout, counters, ended);
        }
    }

    /// Ends all flows, in the order of their first packets.
    pub fn drain(&mut self, counters: &mut Counters, ended: &mut Vec<Ended<X>>) {
        let mut ordered: Vec<_> =
            self.slab.places().map(|place| (self.slab.record(place).position(), place)).collect();
        ordered.sort_unstable();
        for (_, place) in ordered {
            self.end(place, EndReason::Shutdown, counters, ended);
        }
    }

    /// Whether the packet opens a connection where the last one is over.
    fn reopens(&self, id: FlowId, sought: &Sought, arrival: &Arrival) -> bool {
        let flow = self.flow(id);
        flow.lifecycle().is_over()
            && !sought.orientation.quoting
            && !flow.seen().contains(Seen::STREAM)
            && arrival.tcp_flags.is_some_and(opens)
    }

    fn count(&mut self, id: FlowId, sought: &Sought, arrival: &Arrival) -> Observed {
        let clock = self.clock;
        let flow = self.slab.record_mut(id.0);
        let before = flow.lifecycle();
        let handshake = flow.seen().contains(Seen::HANDSHAKE);
        let direction = flow.count(sought.orientation, arrival, clock);
        let established =
            if sought.key.protocol() == protocol::TCP { handshake } else { flow.both_directions() };
        if flow.lifecycle() != before {
            self.settle(id.0, before);
        }
        Observed { flow: id, direction, established, created: false }
    }

    fn create(
        &mut self,
        sought: &Sought,
        arrival: &Arrival,
        counters: &mut Counters,
        ended: &mut Vec<Ended<X>>,
    ) -> Option<Observed> {
        if sought.orientation.quoting {
            return None;
        }
        if self.len() >= self.capacity && !self.evict(counters, ended) {
            counters.increment(Counter::FlowsRefused);
            return None;
        }
        counters.increment(Counter::FlowsCreated);
        let mut flow = Flow::new(sought.key, sought.orientation.sender, arrival);
        let direction = flow.count(sought.orientation, arrival, self.clock);
        flow.take_activity();
        let (standing, deadline) = (Standing::of(flow.lifecycle()), deadline(&self.idle_limits, &flow));
        let place = self.slab.insert(flow);
        self.index.insert(sought.hash as u32, place);
        self.wheel.arm(&mut self.slab, place, deadline);
        self.queues[standing as usize].push_back(&mut self.slab, place);
        Some(Observed { flow: FlowId(place), direction, established: false, created: true })
    }

    /// After a change of lifecycle: the flow joins its like, and its timer comes forward if it has to.
    fn settle(&mut self, place: u32, before: Lifecycle) {
        let flow = self.slab.record(place);
        let (number, now) = (flow.key().protocol(), flow.lifecycle());
        let (from, to) = (Standing::of(before), Standing::of(now));
        if from != to {
            self.queues[from as usize].remove(&mut self.slab, place);
            self.queues[to as usize].push_back(&mut self.slab, place);
        }
        if self.idle_limits.idle_ns(number, now) < self.idle_limits.idle_ns(number, before) {
            let deadline = deadline(&self.idle_limits, self.slab.record(place));
            self.wheel.disarm(&mut self.slab, place);
            self.wheel.arm(&mut self.slab, place, deadline);
        }
    }

    /// Makes room for one flow: of the lowest standing, the oldest that was not active since it was last spared.
    fn evict(&mut self, counters: &mut Counters, ended: &mut Vec<Ended<X>>) -> bool {
        for standing in Standing::ORDER {
            let queue = &mut self.queues[standing as usize];
            for _ in 0..SPARED {
                let Some(place) = queue.first() else { break };
                if standing == Standing::Over || !self.slab.record_mut(place).take_activity() {
                    break;
                }
                queue.remove(&mut self.slab, place);
                queue.push_back(&mut self.slab, place);
            }
            if let Some(place) = queue.first() {
                self.end(place, EndReason::Evicted, counters, ended);
                return true;
            }
        }
        false
    }

    fn end(&mut self, place: u32, otherwise: EndReason, counters: &mut Counters, ended: &mut Vec<Ended<X>>) {
        self.wheel.disarm(&mut self.slab, place);
        self.remove(place, otherwise, counters, ended);
    }

    /// Hands out a flow whose timer is disarmed.
    fn remove(
        &mut self,
        place: u32,
        otherwise: EndReason,
        counters: &mut Counters,
        ended: &mut Vec<Ended<X>>,
    ) {
        let flow = self.slab.record(place);
        let standing = Standing::of(flow.lifecycle());
        let tag = self.hash_key.hash(flow.key().words()) as u32;
        self.queues[standing as usize].remove(&mut self.slab, place);
        self.index.remove(tag, place);
        let flow = self.slab.remove(place);
        let reason = flow.end_reason(otherwise);
        counters.increment(match reason {
            EndReason::Timeout => Counter::FlowsTimeout,
            EndReason::Closed => Counter::FlowsClosed,
            EndReason::Reset => Counter::FlowsReset,
            EndReason::Evicted => Counter::FlowsEvicted,
            EndReason::Shutdown => Counter::FlowsShutdown,
        });
        if flow.key().protocol() == TCP {
            count_visibility(&flow, counters);
        }
        let deadline = deadline(&self.idle_limits, &flow);
        ended.push(Ended { flow, reason, deadline });
    }
}

/// The number of TCP among IP protocols.
const TCP: u8 = 6;

/// Counts what shows how much of a TCP connection can be seen.
fn count_visibility<X>(flow: &Flow<X>, counters: &mut Counters) {
    let statistics = flow.statistics(None);
    counters.increment(Counter::FlowsTcpEnded);
    // A lone SYN is a scan, and no mirror of one direction.
    let (there, back) = (statistics.packets_to_server, statistics.packets_to_client);
    if there.min(back) == 0 && there.max(back) > 2 {
        counters.increment(Counter::FlowsOneSided);
    }
    if flow.on_several_vlans() {
        counters.increment(Counter::FlowsHalfTagged);
    }
}

/// The moment up to which the flow may be idle.
fn deadline<X>(limits: &IdleLimits, flow: &Flow<X>) -> Timestamp {
    let idle_ns = limits.idle_ns(flow.key().protocol(), flow.lifecycle());
    flow.idle_from().after(Duration::from_nanos(idle_ns))
}
