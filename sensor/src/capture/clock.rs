//! When timers run: at every frame that moves the latest packet time into a new whole second.

use crate::time::Timestamp;

/// The running maximum of packet times, by whole seconds. It never runs backwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// The earliest time that ticks again; none when time cannot go further.
    next: Option<Timestamp>,
}

impl Clock {
    /// A clock that ticks at the first packet, whatever its time.
    pub(super) fn new() -> Self {
        Self { next: Some(Timestamp::ZERO) }
    }

    /// Whether a packet at `time` moves the clock into a new second.
    #[inline]
    pub(super) fn moves(&mut self, time: Timestamp) -> bool {
        let moves = self.next.is_some_and(|next| time >= next);
        if moves {
            let second = time.as_secs() + 1;
            self.next = second.checked_mul(1_000_000_000).map(Timestamp::from_nanos);
        }
        moves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_at_the_first_packet_and_at_each_new_second() {
        let mut clock = Clock::new();
        let times = [(5, 900), (5, 999_999_999), (6, 0), (4, 0), (6, 5), (9, 1)];
        let moved = times.map(|(s, ns)| clock.moves(Timestamp::new(s, ns)));
        assert_eq!(moved, [true, false, true, false, false, true]);
    }

    #[test]
    fn the_end_of_time_ticks_once() {
        let mut clock = Clock::new();
        assert!(clock.moves(Timestamp::MAX));
        assert!(!clock.moves(Timestamp::MAX));
    }
}
