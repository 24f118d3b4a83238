//! One direction of a session: where its sender and receiver stand, and what is held of its bytes.
//!
//! Sequence numbers become offsets here: bytes since the one after SYN, in 64 bits, so that nothing wraps. A sequence
//! number is taken as the one closest to what comes next (RFC 9293 §3.4).

use super::super::OverlapPolicy;
use super::buffer::{Block, Buffer};
use super::urgent::Urgent;
use std::ops::Range;

/// What is known of a side, a bit each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Marks(u16);

impl Marks {
    /// Its initial sequence number is known.
    pub(super) const STARTED: Self = Self(1);
    /// Its SYN carried a timestamp.
    pub(super) const TIMESTAMPS: Self = Self(1 << 1);
    /// That timestamp was 0.
    pub(super) const ZERO_TIMESTAMP: Self = Self(1 << 2);
    /// Its SYN offered to scale windows.
    pub(super) const SCALES: Self = Self(1 << 3);
    /// A keep-alive waits for its answer.
    pub(super) const KEEP_ALIVE: Self = Self(1 << 4);
    /// Its sender reset the connection.
    pub(super) const RESET: Self = Self(1 << 5);
    /// Nothing more is kept of it.
    pub(super) const DISABLED: Self = Self(1 << 6);
    /// A segment reached beyond the depth.
    pub(super) const DEPTH: Self = Self(1 << 7);
    /// Its FIN was seen.
    pub(super) const FIN: Self = Self(1 << 8);

    pub(super) fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) fn remove(&mut self, other: Self) {
        self.0 &= !other.0;
    }

    pub(super) fn set(&mut self, other: Self, whether: bool) {
        if whether { self.insert(other) } else { self.remove(other) }
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One direction of a session. All offsets count bytes from the one after the SYN of that direction.
///
/// Positions within count by sequence numbers; offsets count the bytes of the stream. They differ by the urgent bytes
/// that were taken out.
#[derive(Debug)]
pub struct Side {
    pub(super) buffer: Option<Box<Buffer>>,
    pub(super) urgent: Option<Box<Urgent>>,
    /// The offset below which everything was stored or given up.
    pub(super) frontier: u64,
    /// The offset below which everything is forgotten.
    pub(super) base: u64,
    /// The position where the furthest segment seen ends.
    pub(super) next: u64,
    /// The position up to which the other side acknowledged, FIN included.
    pub(super) last_ack: u64,
    /// The position up to which the receiver allowed to send.
    pub(super) allowed: u64,
    /// The position of FIN.
    pub(super) fin: u64,
    /// How many bytes are kept; `u64::MAX` for all.
    pub(super) depth: u64,
    /// The lowest offset of what was refused because of the depth.
    pub(super) depth_edge: u64,
    /// The latest valid timestamp, and the second in which it came.
    pub(super) timestamp: u32,
    pub(super) timestamp_s: u64,
    /// The receiver's window, in bytes.
    pub(super) window: u32,
    pub(super) initial_sequence: u32,
    /// By how many bits the receiver's windows are shifted.
    pub(super) scale: u8,
    /// How the receiver treats overlaps.
    pub(super) policy: OverlapPolicy,
    pub(super) marks: Marks,
}

impl Side {
    pub(super) fn new(policy: OverlapPolicy, depth: u64) -> Self {
        Self {
            buffer: None,
            urgent: None,
            frontier: 0,
            base: 0,
            next: 0,
            last_ack: 0,
            allowed: 0,
            fin: 0,
            depth,
            depth_edge: u64::MAX,
            timestamp: 0,
            timestamp_s: 0,
            window: 0,
            initial_sequence: 0,
            scale: 0,
            policy,
            marks: Marks::default(),
        }
    }

    /// Where the data ends that the other side acknowledged: never beyond what was seen, FIN not counted. What a reset
    /// left unacknowledged counts too, since nothing more will be said about it.
    pub fn acked(&self) -> u64 {
        self.offset(self.last_ack.min(self.data_end()))
    }

    /// Where the furthest data that is held ends.
    pub fn right_edge(&self) -> u64 {
        self.buffer.as_ref().map_or(self.frontier, |buffer| buffer.right_edge().max(self.frontier))
    }

    /// Where what may be looked at ends: acknowledged, and stored or given up.
    pub fn usable_end(&self) -> u64 {
        self.acked().min(self.frontier)
    }

    /// Where what is not forgotten begins.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The first run of bytes at or after `from`, also of those not acknowledged yet. A hole before it is data that
    /// is missing.
    ///
    /// Up to [`usable_end`](Self::usable_end) runs are as long as there is no gap; behind a hole that may still be
    /// filled, each piece comes by itself.
    pub fn next_block(&self, from: u64) -> Option<Block<'_>> {
        let buffer = self.buffer.as_ref().filter(|_| !self.is_disabled())?;
        buffer.next_block(from.max(self.base))
    }

    /// Whether the byte at `from` is missing and will not come any more: later data was acknowledged.
    pub fn is_gap(&self, from: u64) -> bool {
        let expected = from >= self.base && from < self.usable_end() && from < self.depth_edge;
        expected && !self.is_disabled() && self.next_block(from).is_none_or(|block| block.offset > from)
    }

    /// Whether a segment was refused because it reached beyond the depth. Data before it may still come.
    pub fn depth_reached(&self) -> bool {
        self.marks.contains(Marks::DEPTH)
    }

    /// How many bytes are kept at most; nothing for all.
    pub fn depth(&self) -> Option<u64> {
        (self.depth != u64::MAX).then_some(self.depth)
    }

    /// Whether its sender has said that nothing more will come.
    pub fn fin_seen(&self) -> bool {
        self.marks.contains(Marks::FIN)
    }

    /// Whether nothing more is kept of it.
    pub fn is_disabled(&self) -> bool {
        self.marks.contains(Marks::DISABLED)
    }

    /// Sequence numbers seen, SYN included: what `stream_size` compares.
    pub fn stream_len(&self) -> u64 {
        if self.marks.contains(Marks::STARTED) { self.next + 1 } else { 0 }
    }

    /// How the receiver treats overlaps.
    pub fn policy(&self) -> OverlapPolicy {
        self.policy
    }

    /// Takes note of the sequence number of SYN: what follows it is offset 0.
    pub(super) fn start(&mut self, initial_sequence: u32) {
        self.initial_sequence = initial_sequence;
        self.next = 0;
        self.last_ack = 0;
        self.allowed = u64::from(self.window);
        self.marks.insert(Marks::STARTED);
    }

    /// The position that a sequence number means; -1 for SYN itself.
    pub(super) fn position(&self, sequence: u32) -> i64 {
        let expected = self.initial_sequence.wrapping_add(1).wrapping_add(self.next as u32);
        self.next as i64 + i64::from(sequence.wrapping_sub(expected) as i32)
    }

    /// Where the byte at `position` stands in the stream.
    pub(super) fn offset(&self, position: u64) -> u64 {
        self.urgent.as_ref().map_or(position, |urgent| urgent.offset(position))
    }

    /// The position up to which everything was stored or given up.
    pub(super) fn settled_position(&self) -> u64 {
        self.urgent.as_ref().map_or(self.frontier, |urgent| urgent.position(self.frontier))
    }

    /// The first part at or after `from` of what is at `positions` that belongs to the stream: urgent bytes are left
    /// out, and what has no place any more.
    pub(super) fn next_part(&self, from: u64, positions: &Range<u64>) -> Option<Range<u64>> {
        let Some(urgent) = &self.urgent else { return (from < positions.end).then_some(from..positions.end) };
        let mut start = from.max(urgent.floor());
        while start < positions.end {
            let end = urgent.next(start).unwrap_or(u64::MAX).min(positions.end);
            if start < end {
                return Some(start..end);
            }
            start = end + 1;
        }
        None
    }

    /// The position where data ends as far as it is known.
    fn data_end(&self) -> u64 {
        if self.fin_seen() { self.next.min(self.fin) } else { self.next }
    }

    /// Takes an acknowledgement, which never takes anything back.
    pub(super) fn acknowledge(&mut self, position: u64) {
        self.last_ack = self.last_ack.max(position);
        self.allow();
        if let Some(urgent) = &mut self.urgent {
            urgent.settle(self.last_ack.min(self.next));
        }
    }

    /// Takes the receiver's window, in bytes.
    pub(super) fn set_window(&mut self, window: u32) {
        self.window = window;
        self.allow();
    }

    fn allow(&mut self) {
        self.allowed = self.allowed.max(self.last_ack + u64::from(self.window));
    }

    /// Whether bytes at `offset` that are held already say something else.
    pub(super) fn differs(&self, offset: u64, bytes: &[u8]) -> bool {
        self.buffer.as_ref().is_some_and(|buffer| buffer.differs(offset, bytes))
    }

    /// Gives up what is acknowledged and did not come; what waited behind it is next. Tells whether there was such.
    ///
    /// An acknowledgement of data of which nothing was seen is no proof that it was lost: it may have been captured
    /// before that data.
    pub(super) fn give_up_lost(&mut self) -> bool {
        self.give_up(self.acked().min(self.depth_edge))
    }

    /// Gives up what is missing below `limit`; tells whether anything was.
    pub(super) fn give_up(&mut self, limit: u64) -> bool {
        let mut lost = false;
        while self.frontier < limit {
            lost = true;
            let Some(buffer) = &mut self.buffer else {
                self.frontier = limit;
                break;
            };
            buffer.skip_to(buffer.first_early().unwrap_or(limit).min(limit));
            buffer.settle();
            self.frontier = buffer.settled_end();
        }
        lost
    }
}
