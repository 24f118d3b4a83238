//! Which order keys have events in the spool, nearly.
//!
//! A live event may pass the spool only when no earlier event of its key waits there. A table of counters of fixed
//! size answers that: it never says no wrongly, and a wrong yes only sends an event the long way.

/// Counters of two bytes; with 100,000 keys in the spool some two of a hundred other keys are taken for one of them.
const CELLS: usize = 1 << 22;

#[derive(Debug)]
pub(super) struct Census {
    cells: Vec<u16>,
    events: u64,
}

impl Census {
    pub(super) fn new() -> Self {
        // Zeroed pages cost no memory until they are written.
        Self { cells: vec![0; CELLS], events: 0 }
    }

    pub(super) fn enter(&mut self, key: u64) {
        let cell = &mut self.cells[Self::cell(key)];
        *cell = cell.saturating_add(1);
        self.events += 1;
    }

    /// A cell that was ever full stays so until the spool is empty: how far it went beyond is not known.
    pub(super) fn leave(&mut self, key: u64) {
        let cell = &mut self.cells[Self::cell(key)];
        if *cell != u16::MAX {
            *cell = cell.saturating_sub(1);
        }
        self.events = self.events.saturating_sub(1);
        if self.events == 0 {
            self.clear();
        }
    }

    pub(super) fn may_hold(&self, key: u64) -> bool {
        self.events > 0 && self.cells[Self::cell(key)] > 0
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Fibonacci hashing: the keys of flows are spread already, those of transactions need not be.
    fn cell(key: u64) -> usize {
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - CELLS.trailing_zeros())) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_misses_a_key_that_is_there() {
        let mut census = Census::new();
        for key in 0..100_000 {
            census.enter(key);
        }
        (0..50_000).for_each(|key| census.leave(key));
        assert!((50_000..100_000).all(|key| census.may_hold(key)));
        let wrong = (0..50_000).filter(|&key| census.may_hold(key)).count();
        assert!(wrong < 2_500, "{wrong} of 50,000 absent keys taken for present");
    }

    #[test]
    fn a_full_cell_says_yes_until_the_spool_is_empty() {
        let mut census = Census::new();
        let events = u64::from(u16::MAX) + 10;
        (0..events).for_each(|_| census.enter(1));
        (0..events - 1).for_each(|_| census.leave(1));
        assert!(census.may_hold(1));
        census.leave(1);
        assert!(!census.may_hold(1));
    }
}
