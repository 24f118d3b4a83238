//! When idle records are due: a wheel of one-second slots over packet time.
//!
//! Knows deadlines, nothing of why they are what they are. A deadline that moves later costs nothing until its old
//! slot comes up: the record is then put where it belongs.

use super::slab::{Linked, List, NONE, Slab};
use crate::time::Timestamp;

/// The list of a slot.
pub(super) const TIMER: usize = 0;

/// Slots, thus seconds that can be told apart; what is due later waits in the last and is then put again.
const SLOTS: u64 = 4096;

/// A record with a deadline.
pub(super) trait Timed: Linked<TIMER> {
    /// Which slot it is in.
    fn slot(&mut self) -> &mut u16;
}

/// Slots of one second each.
#[derive(Debug)]
pub(super) struct Wheel {
    slots: Box<[List<TIMER>]>,
    /// The second that the wheel has come to; every slot stands for one of the `SLOTS` seconds from here.
    now_s: u64,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self { slots: vec![List::EMPTY; SLOTS as usize].into(), now_s: 0 }
    }

    /// Has the record come up after its deadline.
    pub(super) fn arm<T: Timed>(&mut self, slab: &mut Slab<T>, at: u32, deadline: Timestamp) {
        let second = deadline.as_secs().clamp(self.now_s, self.now_s + SLOTS - 1);
        let slot = (second % SLOTS) as u16;
        *slab.record_mut(at).slot() = slot;
        self.slots[usize::from(slot)].push_back(slab, at);
    }

    /// Forgets the record, which is armed.
    pub(super) fn disarm<T: Timed>(&mut self, slab: &mut Slab<T>, at: u32) {
        let slot = *slab.record_mut(at).slot();
        self.slots[usize::from(slot)].remove(slab, at);
    }

    /// Moves to the second of `clock` and appends to `due` whatever has a deadline in an earlier second, disarmed.
    ///
    /// Costs what comes up and at most `SLOTS` steps, however far the clock jumps. A clock that does not move on
    /// does nothing.
    pub(super) fn advance<T: Timed>(
        &mut self,
        slab: &mut Slab<T>,
        clock: Timestamp,
        deadline: impl Fn(&T) -> Timestamp,
        due: &mut Vec<u32>,
    ) {
        let seconds = clock.as_secs().saturating_sub(self.now_s).min(SLOTS);
        let mut up = List::EMPTY;
        for second in self.now_s..self.now_s + seconds {
            up.append(slab, &mut self.slots[(second % SLOTS) as usize]);
        }
        self.now_s = self.now_s.max(clock.as_secs());
        while let Some(at) = up.first() {
            up.remove(slab, at);
            let deadline = deadline(slab.record(at));
            if deadline.as_secs() < self.now_s {
                due.push(at);
            } else {
                self.arm(slab, at, deadline);
            }
        }
    }
}

const _: () = assert!(SLOTS <= u16::MAX as u64 && NONE == u32::MAX, "a slot's number fits its record");

#[cfg(test)]
mod tests {
    use super::super::slab::Link;
    use super::*;

    const NOTHING: [u32; 0] = [];

    struct Entry {
        link: Link,
        slot: u16,
        deadline: Timestamp,
    }

    impl Linked<TIMER> for Entry {
        fn link(&mut self) -> &mut Link {
            &mut self.link
        }
    }

    impl Timed for Entry {
        fn slot(&mut self) -> &mut u16 {
            &mut self.slot
        }
    }

    struct Clockwork {
        slab: Slab<Entry>,
        wheel: Wheel,
    }

    impl Clockwork {
        fn at(second: u64) -> Self {
            let mut clockwork = Self { slab: Slab::new(), wheel: Wheel::new() };
            assert_eq!(clockwork.due(second), NOTHING);
            clockwork
        }

        fn arm(&mut self, second: u64) -> u32 {
            let deadline = Timestamp::new(second, 7);
            let at = self.slab.insert(Entry { link: Link::LOOSE, slot: 0, deadline });
            self.wheel.arm(&mut self.slab, at, deadline);
            at
        }

        fn due(&mut self, second: u64) -> Vec<u32> {
            let mut due = Vec::new();
            self.wheel.advance(&mut self.slab, Timestamp::new(second, 0), |entry| entry.deadline, &mut due);
            due
        }
    }

    #[test]
    fn comes_up_in_the_second_after_the_deadline() {
        let mut clockwork = Clockwork::at(1_700_000_000);
        let at = clockwork.arm(1_700_000_030);
        assert_eq!(clockwork.due(1_700_000_030), NOTHING);
        assert_eq!(clockwork.due(1_700_000_031), [at]);
    }

    #[test]
    fn a_later_deadline_is_put_again_and_an_early_one_comes_up_next() {
        let mut clockwork = Clockwork::at(100);
        let moved = clockwork.arm(110);
        clockwork.slab.record_mut(moved).deadline = Timestamp::new(120, 0);
        let past = clockwork.arm(3);
        assert_eq!(clockwork.due(101), [past]);
        assert_eq!(clockwork.due(120), NOTHING);
        assert_eq!(clockwork.due(121), [moved]);
    }

    #[test]
    fn beyond_the_horizon_and_over_years() {
        let mut clockwork = Clockwork::at(0);
        let far = clockwork.arm(3 * SLOTS + 5);
        let near = clockwork.arm(10);
        assert_eq!(clockwork.due(2 * SLOTS), [near]);
        assert_eq!(clockwork.due(3 * SLOTS + 5), NOTHING);
        let never = clockwork.arm(u64::MAX);
        assert_eq!(clockwork.due(u64::MAX / 1_000_000_000), [far]);
        assert_eq!(clockwork.due(u64::MAX), NOTHING);
        clockwork.wheel.disarm(&mut clockwork.slab, never);
    }

    #[test]
    fn the_clock_never_runs_backwards() {
        let mut clockwork = Clockwork::at(1000);
        let at = clockwork.arm(1005);
        assert_eq!(clockwork.due(10), NOTHING);
        assert_eq!(clockwork.due(1005), NOTHING);
        clockwork.wheel.disarm(&mut clockwork.slab, at);
        assert_eq!(clockwork.due(9000), NOTHING);
    }
}
