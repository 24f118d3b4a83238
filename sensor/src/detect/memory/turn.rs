//! Whose turn it is to touch what workers share.
//!
//! In a replay workers run ahead of each other by whole bursts. Before a worker looks at what flows of others left
//! behind, or changes it, it waits until all others have come as far as the packet it works on. So what is shared
//! changes in the order of the packets, and the number of workers doesn't show. Nobody waits in a circle: a worker
//! waits for those at earlier packets alone, so whoever is at the earliest goes on.

use crate::time::Timestamp;
use crossbeam::utils::{Backoff, CachePadded};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far each worker has come.
#[derive(Debug, Default)]
pub struct Turns {
    workers: Box<[CachePadded<Reached>]>,
}

/// A place in the order of everything: of the packet or, before it, of the clock that moves with it; of flows that end
/// then, when they would have been idle too long and their first packets.
type Place = [u64; 3];

/// The place that one worker has reached. It alone writes.
#[derive(Debug, Default)]
struct Reached([AtomicU64; 3]);

impl Reached {
    /// Moves to a later place. A reader meanwhile sees this place or an earlier one, since what stands behind a part is
    /// cleared before the part grows.
    #[inline]
    fn store(&self, place: Place) {
        let [first, second, third] = &self.0;
        if first.load(Ordering::Relaxed) != place[0] {
            second.store(0, Ordering::Release);
        }
        third.store(0, Ordering::Release);
        first.store(place[0], Ordering::Release);
        second.store(place[1], Ordering::Release);
        third.store(place[2], Ordering::Release);
    }

    fn load(&self) -> Place {
        [0, 1, 2].map(|part: usize| self.0[part].load(Ordering::Acquire))
    }
}

impl Turns {
    /// Of so many workers.
    pub fn new(workers: usize) -> Self {
        Self { workers: (0..workers).map(|_| CachePadded::default()).collect() }
    }

    /// Where nobody waits.
    pub fn none() -> Self {
        Self::default()
    }
}

/// One worker among the others.
#[derive(Clone, Debug)]
pub struct Turn {
    turns: Arc<Turns>,
    worker: usize,
}

impl Turn {
    /// The worker of that number, from 0.
    pub fn new(turns: &Arc<Turns>, worker: usize) -> Self {
        Self { turns: Arc::clone(turns), worker }
    }

    /// Says that the worker is done with everything before the packet of that ordinal.
    #[inline]
    pub fn reach_packet(&self, ordinal: u64) {
        self.reach([ordinal.saturating_mul(2).saturating_add(1), 0, 0]);
    }

    /// Likewise before the clock moves with the packet of that ordinal, which comes before the packet itself.
    pub fn reach_tick(&self, ordinal: u64) {
        self.reach([ordinal.saturating_mul(2), 0, 0]);
    }

    /// Likewise before a flow that ends as the clock moves: after those that would have been idle too long before it,
    /// of these after those that began before it.
    pub fn reach_flow_end(&self, ordinal: u64, (deadline, first, depth): (Timestamp, u64, u8)) {
        let first = first.saturating_mul(1 << 8).saturating_add(depth.into());
        self.reach([ordinal.saturating_mul(2), deadline.as_nanos(), first]);
    }

    /// Says that the worker is done with everything there will be.
    pub fn leave(&self) {
        self.reach([u64::MAX; 3]);
    }

    #[inline]
    fn reach(&self, place: Place) {
        if let Some(own) = self.turns.workers.get(self.worker) {
            own.store(place);
        }
    }

    /// Waits until all other workers are done with everything before what this worker has reached.
    pub(super) fn wait(&self) {
        let Some(own) = self.turns.workers.get(self.worker) else { return };
        let place = own.load();
        // Oneself is not before oneself.
        for other in &self.turns.workers {
            let backoff = Backoff::new();
            while other.load() < place {
                backoff.snooze();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::thread;

    #[test]
    fn workers_touch_what_they_share_in_the_order_of_the_packets() {
        const WORKERS: usize = 4;
        const PACKETS: u64 = 400;
        let turns = Arc::new(Turns::new(WORKERS));
        let touched = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for worker in 0..WORKERS {
                let (turn, touched) = (Turn::new(&turns, worker), &touched);
                scope.spawn(move || {
                    // Uneven shares, so that workers run ahead of each other.
                    for ordinal in
                        (0..PACKETS).filter(|ordinal| (ordinal * ordinal / 7) as usize % WORKERS == worker)
                    {
                        turn.reach_packet(ordinal);
                        turn.wait();
                        touched.lock().unwrap().push(ordinal);
                    }
                    turn.leave();
                });
            }
        });
        assert_eq!(touched.into_inner().unwrap(), (0..PACKETS).collect::<Vec<_>>());
    }

    #[test]
    fn flows_end_before_the_packet_with_which_the_clock_moves() {
        let turns = Arc::new(Turns::new(1));
        let turn = Turn::new(&turns, 0);
        let place = |reach: &dyn Fn()| {
            reach();
            turns.workers[0].load()
        };
        let (early, late) = (Timestamp::new(5, 0), Timestamp::new(6, 0));
        let places = [
            place(&|| turn.reach_packet(4)),
            place(&|| turn.reach_tick(5)),
            place(&|| turn.reach_flow_end(5, (early, 3, 0))),
            place(&|| turn.reach_flow_end(5, (early, 3, 1))),
            place(&|| turn.reach_flow_end(5, (early, 4, 0))),
            place(&|| turn.reach_flow_end(5, (late, 1, 0))),
            place(&|| turn.reach_packet(5)),
            place(&|| turn.reach_tick(6)),
            place(&|| turn.leave()),
        ];
        assert!(places.is_sorted_by(|one, next| one < next), "{places:?}");
    }

    #[test]
    fn nobody_waits_where_there_are_no_turns() {
        let turn = Turn::new(&Arc::new(Turns::none()), 3);
        turn.reach_packet(7);
        turn.wait();
    }
}
