//! Urgent data (RFC 9293 §3.8.5): one byte that hosts hand over beside the stream (RFC 6093 §3.1).

use std::collections::VecDeque;

/// How many urgent bytes of one direction are taken out (Suricata documentation: "TCP Urgent Handling").
const MAX_TAKEN: u64 = 65_535;
/// How many of them may wait for their acknowledgement.
const MAX_PENDING: usize = 128;

/// The urgent bytes of one direction that were taken out of its stream: whatever stands behind them moves forward.
#[derive(Debug)]
pub(super) struct Urgent {
    /// Where they stood, by sequence number, as far as they were not acknowledged. In order.
    pending: VecDeque<u64>,
    /// How many came before those.
    settled: u64,
    /// Where those end: sequence numbers below have no place any more.
    floor: u64,
}

impl Urgent {
    /// What it takes in memory, in bytes.
    pub(super) const BYTES: usize = size_of::<Self>() + MAX_PENDING * size_of::<u64>();

    /// Nothing taken out yet.
    pub(super) fn new() -> Self {
        Self { pending: VecDeque::with_capacity(MAX_PENDING), settled: 0, floor: 0 }
    }

    /// Whether no more can be taken out, for now or for good.
    pub(super) fn is_full(&self) -> bool {
        self.pending.len() >= MAX_PENDING || self.settled + self.pending.len() as u64 >= MAX_TAKEN
    }

    /// Takes out the byte at `position`, counted by sequence numbers, which stands behind all others.
    pub(super) fn take(&mut self, position: u64) {
        debug_assert!(!self.is_full() && self.pending.back().is_none_or(|&last| last < position));
        self.pending.push_back(position);
    }

    /// The first byte taken out at or after `position`.
    pub(super) fn next(&self, position: u64) -> Option<u64> {
        self.pending.get(self.pending.partition_point(|&it| it < position)).copied()
    }

    /// Where the byte at `position` stands in the stream.
    pub(super) fn offset(&self, position: u64) -> u64 {
        let before = self.pending.partition_point(|&it| it < position) as u64;
        position.max(self.floor) - self.settled - before
    }

    /// The first position whose byte stands at `offset` in the stream.
    pub(super) fn position(&self, offset: u64) -> u64 {
        let mut position = offset + self.settled;
        for &taken in &self.pending {
            if taken > position {
                break;
            }
            position += 1;
        }
        position
    }

    /// Where positions begin that still have a place in the stream.
    pub(super) fn floor(&self) -> u64 {
        self.floor
    }

    /// Everything before `position` was acknowledged and will not be sent again.
    pub(super) fn settle(&mut self, position: u64) {
        while let Some(first) = self.pending.pop_front_if(|first| *first < position) {
            self.settled += 1;
            self.floor = first + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_a_byte_taken_out_moves_forward() {
        let mut urgent = Urgent::new();
        urgent.take(3);
        urgent.take(4);
        urgent.take(9);
        let places: Vec<_> = (0..12).map(|position| urgent.offset(position)).collect();
        assert_eq!(places, [0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 7, 8]);
        let positions: Vec<_> = (0..9).map(|offset| urgent.position(offset)).collect();
        assert_eq!(positions, [0, 1, 2, 5, 6, 7, 8, 10, 11]);
        assert_eq!((urgent.next(0), urgent.next(4), urgent.next(10)), (Some(3), Some(4), None));
    }

    #[test]
    fn what_is_acknowledged_is_counted_alone() {
        let mut urgent = Urgent::new();
        urgent.take(3);
        urgent.take(9);
        urgent.settle(5);
        assert_eq!(urgent.floor(), 4);
        assert_eq!([4, 8, 9, 10].map(|position| urgent.offset(position)), [3, 7, 8, 8]);
        assert_eq!((urgent.position(3), urgent.position(8)), (4, 10));
        assert_eq!(urgent.next(0), Some(9));
    }

    #[test]
    fn it_ends_when_too_many_wait_and_when_too_many_were_taken() {
        let mut urgent = Urgent::new();
        (0..MAX_PENDING as u64).for_each(|position| urgent.take(position));
        assert!(urgent.is_full());
        urgent.settle(u64::MAX);
        assert!(!urgent.is_full());
        let mut position = MAX_PENDING as u64;
        while !urgent.is_full() {
            urgent.take(position);
            position += 1;
            urgent.settle(position);
        }
        assert_eq!(position, MAX_TAKEN);
    }
}
