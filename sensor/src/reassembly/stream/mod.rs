//! TCP sessions, and their bytes in order (RFC 9293), as the receiving host would have them.
//!
//! One [`StreamEngine`] belongs to one shard. It follows each connection's states, windows and timestamps, tells what
//! is irregular under Suricata's names (documentation: "stream-event"), and keeps the data of both directions until
//! whoever looks at it releases it. It knows packets and packet time, and nothing of protocols or rules.
//!
//! Data counts once the other side has acknowledged it, since what a host never had it never read. Data that comes in
//! order is settled, as it is for the host that has taken it; what waits behind a hole is settled by the receiver's
//! [`OverlapPolicy`](super::OverlapPolicy) where segments overlap. In-order data is copied once, to the end of its
//! direction's buffer; the rest twice. The work for a segment grows with its own length, and with the logarithm of how
//! much waits, in whatever order segments come.

mod buffer;
mod closing;
mod config;
mod handshake;
mod reset;
mod segment;
mod session;
mod side;
mod state;
#[cfg(test)]
mod tests;
mod timestamp;
mod tracker;
mod transfer;
mod urgent;

pub use crate::limits::StreamLimits;
pub use buffer::Block;
pub use config::{StreamConfig, UrgentLimitPolicy, UrgentPolicy};
pub use session::Session;
pub use side::Side;
pub use state::State;

use super::HostPolicies;
use crate::counter::{Counter, Counters};
use crate::event::Direction;
use crate::flow::Lifecycle;
use crate::time::Timestamp;
use buffer::Buffer;
use handshake::Entry;
use rules::view::{Packet, StreamEvents};
use segment::{ACK, FIN, RST, SYN, Segment};
use session::index;
use side::Marks;
use std::ops::Range;
use tracker::Tracker;
use urgent::Urgent;

/// What a session counts in memory beside the data of its streams.
const SESSION_BYTES: usize = size_of::<Session>() + 16;
/// Buffers kept for the next session, and the memory that one of them may have kept, in bytes.
const SPARE_BUFFERS: usize = 64;
const SPARE_BUFFER_BYTES: usize = 64 << 10;

/// What became of a packet.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Followed {
    /// What was irregular about it.
    pub events: StreamEvents,
    /// How far its session has come; nothing without one.
    pub lifecycle: Option<Lifecycle>,
    /// Whether the handshake was complete before it.
    pub established: bool,
    /// Whether its payload is part of its direction's stream, or was before.
    pub stored: bool,
    /// Whether data to the server, and data to the client, can now be looked at that could not before.
    pub updated: [bool; 2],
}

/// The streams of one shard.
#[derive(Debug)]
pub struct StreamEngine {
    config: StreamConfig,
    policies: HostPolicies,
    limits: StreamLimits,
    sessions: u64,
    /// Held by the buffers of all sessions.
    memory: usize,
    // The allocation is what is kept: it moves between sessions whole.
    #[expect(clippy::vec_box, reason = "sessions hold the boxes")]
    spare: Vec<Box<Buffer>>,
}

impl StreamEngine {
    /// An engine that keeps to `limits`, one shard's share, and treats overlaps as `policies` say of the receiver.
    pub fn new(config: &StreamConfig, limits: &StreamLimits, policies: HostPolicies) -> Self {
        Self {
            config: config.clone(),
            policies,
            limits: limits.clone(),
            sessions: 0,
            memory: 0,
            spare: Vec::new(),
        }
    }

    /// Whether a packet opens a new connection on a session that is over: a SYN with another sequence number when both
    /// sides have closed or one has reset.
    pub fn reuses(&self, session: &Session, packet: &Packet<'_>, direction: Direction) -> bool {
        // The time is not looked at.
        let Some(segment) = Segment::of(packet, direction, Timestamp::ZERO) else { return false };
        let side = session.side(direction);
        let opens = segment.has(SYN) && !segment.has(ACK | RST | FIN);
        let known = side.marks.contains(Marks::STARTED) && side.initial_sequence == segment.sequence;
        opens && !known && session.state >= State::LastAck
    }

    /// Follows one packet, whose checksum is right. Makes the session when the packet opens one.
    pub fn follow(
        &mut self,
        session: &mut Option<Box<Session>>,
        packet: &Packet<'_>,
        direction: Direction,
        time: Timestamp,
        counters: &mut Counters,
    ) -> Followed {
        let Some(segment) = Segment::of(packet, direction, time) else { return Followed::default() };
        let Some(session) = session else {
            let (made, followed) = self.open(packet, &segment, counters);
            *session = made;
            return followed;
        };
        for side in &mut session.sides {
            if side.is_disabled() {
                self.reclaim(side);
            }
        }
        Tracker::new(self, session, &segment, counters).follow()
    }

    /// Forgets data of one direction below `below`, an offset.
    pub fn release(&mut self, session: &mut Session, direction: Direction, below: u64) {
        let side = session.side_mut(direction);
        let below = below.min(side.right_edge().max(side.acked()));
        if below <= side.base {
            return;
        }
        side.base = below;
        let Some(buffer) = &mut side.buffer else {
            side.frontier = side.frontier.max(below);
            return;
        };
        let before = buffer.memory();
        side.give_up(below);
        let Some(buffer) = &mut side.buffer else { return };
        buffer.release(below);
        self.memory = self.memory + buffer.memory() - before;
        if buffer.is_empty() {
            self.reclaim(side);
        }
    }

    /// Takes all data as it is, acknowledged or not, holes as gaps: the connection is over, whatever it says.
    pub fn finish(&mut self, session: &mut Session) {
        for side in &mut session.sides {
            let before = side.buffer.as_ref().map_or(0, |buffer| buffer.memory());
            side.acknowledge(side.next);
            side.give_up(side.right_edge());
            self.memory = self.memory + side.buffer.as_ref().map_or(0, |buffer| buffer.memory()) - before;
        }
    }

    /// Gives back all memory of a session that ended.
    pub fn end(&mut self, mut session: Box<Session>) {
        for side in &mut session.sides {
            self.reclaim(side);
            self.memory -= side.urgent.take().map_or(0, |_| Urgent::BYTES);
        }
        self.sessions -= 1;
    }

    /// Memory held by the data of all sessions, in bytes, as the limit counts it.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Sessions that have not ended.
    pub fn sessions(&self) -> u64 {
        self.sessions
    }

    /// Takes a side's buffer back, to be used by another.
    fn reclaim(&mut self, side: &mut Side) {
        let Some(mut buffer) = side.buffer.take() else { return };
        self.memory -= buffer.memory();
        buffer.restart(0);
        if self.spare.len() < SPARE_BUFFERS && buffer.memory() <= SPARE_BUFFER_BYTES {
            self.spare.push(buffer);
        }
    }

    /// Whether there is memory to keep track of urgent data, which is then counted.
    fn reserve_urgent(&mut self) -> bool {
        let has_room = (self.memory + Urgent::BYTES) as u64 <= self.limits.memory_bytes;
        self.memory += if has_room { Urgent::BYTES } else { 0 };
        has_room
    }

    /// A buffer for data from `offset` on.
    fn spare_buffer(&mut self, offset: u64) -> Box<Buffer> {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.restart(offset);
        buffer
    }

    /// A new session for the first packet of one, where there is room.
    fn open(
        &mut self,
        packet: &Packet<'_>,
        segment: &Segment<'_>,
        counters: &mut Counters,
    ) -> (Option<Box<Session>>, Followed) {
        let Some(entry) = Entry::of(segment, &self.config) else {
            return (None, Followed { events: handshake::stray_events(segment), ..Followed::default() });
        };
        if (self.sessions + 1) * SESSION_BYTES as u64 > self.limits.session_bytes {
            counters.increment(Counter::StreamSessionsRefused);
            return (None, Followed::default());
        }
        self.sessions += 1;
        counters.increment(Counter::StreamSessions);
        let depth = if self.config.depth_bytes == 0 { u64::MAX } else { self.config.depth_bytes };
        let receiver = self.policies.policy(packet.destination);
        let sender = self.policies.policy(packet.source);
        let mut policies = [receiver; 2];
        policies[index(segment.direction.opposite())] = sender;
        let mut session = Box::new(Session::new(segment.direction, policies, depth));
        let followed = Tracker::new(self, &mut session, segment, counters).open(entry);
        if session.is_midstream() {
            counters.increment(Counter::StreamMidstream);
        }
        (Some(session), followed)
    }

    /// Adds a segment's bytes from `span.start` on, which were not seen before and are within the depth, to a side.
    fn store(&mut self, side: &mut Side, span: &Range<u64>, bytes: &[u8], counters: &mut Counters) -> bool {
        let (mut buffer, held) = match side.buffer.take() {
            Some(buffer) => {
                let held = buffer.memory();
                (buffer, held)
            }
            None => (self.spare_buffer(side.frontier), 0),
        };
        let (growth, pieces) = buffer.growth(span);
        let needed = buffer.memory() + growth;
        let refused = (self.memory - held + needed) as u64 > self.limits.memory_bytes
            || needed as u64 > self.limits.memory_bytes_per_side
            || buffer.pieces() + pieces > self.limits.segments_per_side as usize;
        if refused {
            counters.increment(Counter::StreamSegmentsRefused);
            if held > 0 {
                side.buffer = Some(buffer);
            } else {
                self.spare.push(buffer);
            }
            return false;
        }
        let frontier = side.frontier;
        if span.start <= frontier {
            let new = &bytes[(frontier - span.start) as usize..];
            if buffer.pieces() == 0 {
                buffer.append(new);
            } else {
                buffer.fill(span, bytes, side.policy);
            }
            side.frontier = buffer.settled_end();
        } else {
            buffer.insert_early(span, bytes, side.policy);
        }
        self.memory = self.memory + buffer.memory() - held;
        side.buffer = Some(buffer);
        true
    }
}
