//! What rules remember of a flow.

use super::tag::Tag;
use rules::effect::{BitChange, IntChange, IntValue};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What rules have left behind on one flow.
#[derive(Debug, Default)]
pub struct FlowMemory {
    /// A `pass` rule matched: nothing of the flow is inspected any more.
    pub(in crate::detect) passed: bool,
    /// The flow's bits, ascending; rule sets name them, so there are never more than names.
    bits: SmallVec<[u32; 4]>,
    /// The flow's variables that were set, by name, ascending.
    ints: SmallVec<[(u32, u32); 2]>,
    /// What `pcre` captured last, by name.
    captured: Vec<Captured>,
    /// Bits of transactions that have not ended: transaction and name.
    transaction_bits: SmallVec<[(u64, u32); 0]>,
    /// Packets still to be marked.
    pub(super) tag: Tag,
}

/// The most values that are kept of one flow, and the most bytes of one of them.
const MAX_CAPTURED: usize = 16;
const MAX_CAPTURED_BYTES: usize = 4096;

/// The most bits of transactions at a time that are kept of one flow.
const MAX_TRANSACTION_BITS: usize = 64;

/// A captured value.
#[derive(Debug)]
struct Captured {
    id: u32,
    value: Box<[u8]>,
    _lease: Lease,
}

/// Memory for captured values, shared by all flows of all workers.
#[derive(Clone, Debug)]
pub(super) struct CaptureBudget {
    used: Arc<AtomicUsize>,
    capacity: usize,
}

/// Bytes of a budget, given back when dropped.
#[derive(Debug)]
struct Lease {
    used: Arc<AtomicUsize>,
    bytes: usize,
}

impl CaptureBudget {
    /// So many bytes.
    pub(super) fn new(capacity: usize) -> Self {
        Self { used: Arc::default(), capacity }
    }

    fn lease(&self, bytes: usize) -> Option<Lease> {
        let lease = Lease { used: Arc::clone(&self.used), bytes };
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        (before + bytes <= self.capacity).then_some(lease)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
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

    /// Whether a bit is set.
    pub(super) fn bit(&self, id: u32) -> bool {
        self.bits.binary_search(&id).is_ok()
    }

    /// A variable, if it was set.
    pub(super) fn int(&self, id: u32) -> Option<u32> {
        let place = self.ints.binary_search_by_key(&id, |&(known, _)| known).ok()?;
        Some(self.ints[place].1)
    }

    /// Keeps a captured value in place of one of the same name; whether there was room. Without, none is kept.
    pub(super) fn capture(&mut self, id: u32, value: &[u8], budget: &CaptureBudget) -> bool {
        self.captured.retain(|captured| captured.id != id);
        if self.captured.len() == MAX_CAPTURED || value.len() > MAX_CAPTURED_BYTES {
            return false;
        }
        let Some(lease) = budget.lease(value.len() + size_of::<Captured>()) else { return false };
        self.captured.push(Captured { id, value: value.into(), _lease: lease });
        true
    }

    /// The value captured last under a name.
    pub(super) fn captured(&self, id: u32) -> Option<&[u8]> {
        self.captured.iter().find(|captured| captured.id == id).map(|captured| &*captured.value)
    }

    /// Whether a bit of a transaction is set.
    pub(super) fn transaction_bit(&self, transaction: u64, id: u32) -> bool {
        self.transaction_bits.contains(&(transaction, id))
    }

    /// Changes a bit of a transaction; whether there was room.
    pub(super) fn change_transaction_bit(&mut self, transaction: u64, id: u32, change: BitChange) -> bool {
        let place = self.transaction_bits.iter().position(|&bit| bit == (transaction, id));
        match (place, change) {
            (Some(place), BitChange::Unset | BitChange::Toggle) => {
                self.transaction_bits.swap_remove(place);
            }
            (None, BitChange::Set | BitChange::Toggle) => {
                if self.transaction_bits.len() == MAX_TRANSACTION_BITS {
                    return false;
                }
                self.transaction_bits.push((transaction, id));
            }
            (Some(_), BitChange::Set) | (None, BitChange::Unset) => {}
        }
        true
    }

    /// Forgets what was kept of transactions that have ended.
    pub(in crate::detect) fn end_transactions(&mut self, goes_on: impl Fn(u64) -> bool) {
        self.transaction_bits.retain(|&mut (transaction, _)| goes_on(transaction));
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
            assert_eq!(memory.bit(3), after, "{change:?}");
            assert!(!memory.bit(4));
        }
    }

    #[test]
    fn variables_count_and_stay_in_range() {
        let mut memory = FlowMemory::default();
        assert_eq!(memory.int(1), None);
        memory.change_int(1, IntChange::Add, IntValue::Literal(2));
        memory.change_int(2, IntChange::Set, IntValue::Variable(1));
        memory.change_int(1, IntChange::Subtract, IntValue::Literal(5));
        assert_eq!(memory.int(1), Some(0));
        assert_eq!(memory.int(2), Some(2));
    }

    #[test]
    fn the_last_captured_value_is_kept_within_bounds() {
        let entry = size_of::<Captured>();
        let budget = CaptureBudget::new(2 * entry + 8);
        let mut memory = FlowMemory::default();
        assert!(memory.capture(1, b"root", &budget) && memory.capture(1, b"eve", &budget));
        assert_eq!([memory.captured(1), memory.captured(2)], [Some(&b"eve"[..]), None]);
        assert!(memory.capture(2, b"alice", &budget));
        assert!(!memory.capture(3, b"", &budget), "two entries and eight bytes are taken");
        assert!(!memory.capture(2, &[0; MAX_CAPTURED_BYTES + 1], &budget));
        assert_eq!(memory.captured(2), None, "what was there is no longer the last");
        drop(memory);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_flow_keeps_so_many_values_and_no_more() {
        let budget = CaptureBudget::new(usize::MAX);
        let mut memory = FlowMemory::default();
        let kept = (0..20).filter(|&id| memory.capture(id, b"x", &budget)).count();
        assert_eq!(kept, MAX_CAPTURED);
    }

    #[test]
    fn bits_of_transactions_are_apart_and_end_with_them() {
        let mut memory = FlowMemory::default();
        assert!(memory.change_transaction_bit(3, 7, BitChange::Set));
        assert!(memory.change_transaction_bit(4, 7, BitChange::Toggle));
        assert!(memory.change_transaction_bit(4, 8, BitChange::Unset));
        assert!(
            memory.transaction_bit(3, 7) && memory.transaction_bit(4, 7) && !memory.transaction_bit(4, 8)
        );
        memory.end_transactions(|transaction| transaction >= 4);
        assert!(!memory.transaction_bit(3, 7) && memory.transaction_bit(4, 7));
        let added = (0..100).filter(|&id| memory.change_transaction_bit(5, id, BitChange::Set)).count();
        assert_eq!(added, MAX_TRANSACTION_BITS - 1);
    }
}
