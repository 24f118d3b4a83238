//! Whose turn it is to touch what workers share.
//!
//! In a replay workers run ahead of each other by whole bursts. Before a worker looks at what flows of others left
//! behind, or changes it, it waits until all others have come as far as the packet it works on. So what is shared
//! changes in the order of the packets, and the number of workers doesn't show. Nobody waits in a circle: a worker
//! waits for those at earlier packets alone, so whoever is at the earliest goes on.

use crossbeam::utils::{Backoff, CachePadded};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far each worker has come.
#[derive(Debug, Default)]
pub struct Turns {
    reached: Box<[CachePadded<AtomicU64>]>,
}

impl Turns {
    /// Of so many workers.
    pub fn new(workers: usize) -> Self {
        Self { reached: (0..workers).map(|_| CachePadded::default()).collect() }
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
        self.reach(ordinal.saturating_mul(2).saturating_add(1));
    }

    /// Likewise before the clock moves with the packet of that ordinal, which comes before the packet itself.
    pub fn reach_tick(&self, ordinal: u64) {
        self.reach(ordinal.saturating_mul(2));
    }

    /// Says that the worker is done with everything there will be.
    pub fn leave(&self) {
        self.reach(u64::MAX);
    }

    #[inline]
    fn reach(&self, place: u64) {
        if let Some(own) = self.turns.reached.get(self.worker) {
            own.store(place, Ordering::Release);
        }
    }

    /// Waits until all other workers are done with everything before what this worker has reached.
    pub(super) fn wait(&self) {
        let all = &self.turns.reached;
        let Some(own) = all.get(self.worker) else { return };
        let place = own.load(Ordering::Relaxed);
        // Oneself does not wait for oneself.
        for reached in all {
            let backoff = Backoff::new();
            while reached.load(Ordering::Acquire) < place {
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
    fn the_clock_moves_before_the_packet() {
        let turns = Arc::new(Turns::new(2));
        let [one, other] = [0, 1].map(|worker| Turn::new(&turns, worker));
        one.reach_packet(5);
        other.reach_tick(5);
        other.wait();
        assert!(turns.reached[1].load(Ordering::Relaxed) < turns.reached[0].load(Ordering::Relaxed));
        other.leave();
        one.wait();
    }

    #[test]
    fn nobody_waits_where_there_are_no_turns() {
        let turn = Turn::new(&Arc::new(Turns::none()), 3);
        turn.reach_packet(7);
        turn.wait();
    }
}
