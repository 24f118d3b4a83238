//! What rules remember of a flow.

use rules::effect::{BitChange, IntChange, IntValue};
use rules::view::{BitScope, Memory};
use smallvec::SmallVec;
use std::net::IpAddr;

/// What rules have left behind on one flow.
#[derive(Debug, Default)]
pub struct FlowMemory {
    /// A `pass` rule matched: nothing of the flow is inspected any more.
    pub(super) passed: bool,
    /// The flow's bits, ascending; rule sets name them, so there are never more than names.
    bits: SmallVec<[u32; 4]>,
    /// The flow's variables that were set, by name, ascending.
    ints: SmallVec<[(u32, u32); 2]>,
}

impl FlowMemory {
    /// Nothing of the flow is inspected any more.
    pub fn pass(&mut self) {
        self.passed = true;
    }

    pub(super) fn change_bit(&mut self, id: u32, change: BitChange) {
        match (self.bits.binary_search(&id), change) {
            (Err(place), BitChange::Set | BitChange::Toggle) => self.bits.insert(place, id),
            (Ok(place), BitChange::Unset | BitChange::Toggle) => {
                self.bits.remove(place);
            }
            (Ok(_), BitChange::Set) | (Err(_), BitChange::Unset) => {}
        }
    }

    /// Changes a variable; one that was not set counts as 0, and none leaves its range.
    pub(super) fn change_int(&mut self, id: u32, change: IntChange, value: IntValue) {
        let by = match value {
            IntValue::Literal(number) => number,
            IntValue::Variable(other) => self.int(other).unwrap_or(0),
        };
        let before = self.int(id).unwrap_or(0);
        let after = match change {
            IntChange::Set => by,
            IntChange::Add => before.saturating_add(by),
            IntChange::Subtract => before.saturating_sub(by),
        };
        match self.ints.binary_search_by_key(&id, |&(known, _)| known) {
            Ok(place) => self.ints[place].1 = after,
            Err(place) => self.ints.insert(place, (id, after)),
        }
    }

    fn int(&self, id: u32) -> Option<u32> {
        let place = self.ints.binary_search_by_key(&id, |&(known, _)| known).ok()?;
        Some(self.ints[place].1)
    }
}

/// The memory of a flow, as rules see it; of a packet without a flow, nothing was ever remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a>(pub(super) Option<&'a FlowMemory>);

impl Memory for View<'_> {
    fn flowbit(&self, id: u32) -> bool {
        self.0.is_some_and(|memory| memory.bits.binary_search(&id).is_ok())
    }

    fn flowint(&self, id: u32) -> Option<u32> {
        self.0.and_then(|memory| memory.int(id))
    }

    fn address_bit(&self, _: BitScope, _: u32) -> bool {
        false
    }

    fn knows_category(&self, _: u32) -> bool {
        false
    }

    fn reputation(&self, _: IpAddr, _: u32) -> Option<u8> {
        None
    }

    fn dataset_contains(&self, _: u32, _: &[u8]) -> bool {
        false
    }

    fn change_dataset(&self, _: u32, _: &[u8], _: bool) -> bool {
        false
    }

    fn dataset_score(&self, _: u32, _: &[u8]) -> Option<u16> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_set_cleared_and_toggled() {
        let mut memory = FlowMemory::default();
        for (change, after) in [
            (BitChange::Unset, false),
            (BitChange::Set, true),
            (BitChange::Set, true),
            (BitChange::Toggle, false),
            (BitChange::Toggle, true),
            (BitChange::Unset, false),
        ] {
            memory.change_bit(3, change);
            assert_eq!(View(Some(&memory)).flowbit(3), after, "{change:?}");
            assert!(!View(Some(&memory)).flowbit(4));
        }
    }

    #[test]
    fn variables_count_and_stay_in_range() {
        let mut memory = FlowMemory::default();
        assert_eq!(View(Some(&memory)).flowint(1), None);
        memory.change_int(1, IntChange::Add, IntValue::Literal(2));
        memory.change_int(2, IntChange::Set, IntValue::Variable(1));
        memory.change_int(1, IntChange::Subtract, IntValue::Literal(5));
        assert_eq!(View(Some(&memory)).flowint(1), Some(0));
        assert_eq!(View(Some(&memory)).flowint(2), Some(2));
    }
}
