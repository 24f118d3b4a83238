//! Bits of addresses and of pairs of addresses: `xbits`, `hostbits` (Suricata documentation: "Xbits Keyword").

use crate::time::Timestamp;
use papaya::HashMap;
use rules::effect::BitChange;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Whose a bit is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Owner {
    /// An address.
    Host(IpAddr),
    /// Two addresses, the lower one first.
    Pair(IpAddr, IpAddr),
}

impl Owner {
    /// Two addresses, in either order.
    pub(super) fn pair(one: IpAddr, other: IpAddr) -> Self {
        Self::Pair(one.min(other), one.max(other))
    }
}

/// What is stored for a bit that is not set.
const UNSET: u64 = 0;

/// The bits of all addresses, shared by all workers without a lock.
///
/// A bit is its last moment, in nanoseconds of packet time. One that was cleared or has expired keeps its place until
/// the table is full: then it is swept, though no sooner than after a 64th as many attempts to add one as the table
/// holds, so that sweeping costs a constant for each.
#[derive(Debug)]
pub(super) struct AddressBits {
    bits: HashMap<(Owner, u32), AtomicU64>,
    capacity: usize,
    /// Attempts to add a bit since the table was swept.
    attempts: AtomicUsize,
}

const ATTEMPTS_TO_SWEEP: usize = 64;

impl AddressBits {
    /// Room for so many bits.
    pub(super) fn new(capacity: usize) -> Self {
        Self { bits: HashMap::new(), capacity, attempts: AtomicUsize::new(0) }
    }

    /// Whether a bit is set and has not expired. Its last moment is part of its life.
    pub(super) fn is_set(&self, owner: Owner, id: u32, now: Timestamp) -> bool {
        self.bits.pin().get(&(owner, id)).is_some_and(|bit| lives(bit, now))
    }

    /// Changes a bit, which lives for `span` where that sets it; whether there was room.
    pub(super) fn change(
        &self,
        owner: Owner,
        id: u32,
        change: BitChange,
        now: Timestamp,
        span: Duration,
    ) -> bool {
        let bits = self.bits.pin();
        let until = now.after(span).as_nanos();
        match (bits.get(&(owner, id)), change) {
            (Some(bit), BitChange::Set) => bit.store(until, Ordering::Relaxed),
            (Some(bit), BitChange::Toggle) if !lives(bit, now) => bit.store(until, Ordering::Relaxed),
            (Some(bit), BitChange::Unset | BitChange::Toggle) => bit.store(UNSET, Ordering::Relaxed),
            (None, BitChange::Unset) => {}
            (None, BitChange::Set | BitChange::Toggle) => {
                if !self.has_room(now) {
                    return false;
                }
                bits.insert((owner, id), AtomicU64::new(until));
            }
        }
        true
    }

    fn has_room(&self, now: Timestamp) -> bool {
        let attempts = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        if self.bits.len() >= self.capacity && attempts >= self.capacity / ATTEMPTS_TO_SWEEP {
            self.attempts.store(0, Ordering::Relaxed);
            self.bits.pin().retain(|_, bit| lives(bit, now));
        }
        self.bits.len() < self.capacity
    }
}

fn lives(bit: &AtomicU64, now: Timestamp) -> bool {
    let until = bit.load(Ordering::Relaxed);
    until != UNSET && now.as_nanos() <= until
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(last: u8) -> Owner {
        Owner::Host(IpAddr::from([10, 0, 0, last]))
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::new(seconds, 0)
    }

    const TEN_SECONDS: Duration = Duration::from_secs(10);

    #[test]
    fn bits_are_set_cleared_and_toggled() {
        let bits = AddressBits::new(8);
        for (change, after) in [
            (BitChange::Unset, false),
            (BitChange::Set, true),
            (BitChange::Toggle, false),
            (BitChange::Toggle, true),
            (BitChange::Unset, false),
            (BitChange::Toggle, true),
        ] {
            assert!(bits.change(host(1), 7, change, at(100), TEN_SECONDS));
            assert_eq!(bits.is_set(host(1), 7, at(100)), after, "{change:?}");
        }
        assert!(!bits.is_set(host(2), 7, at(100)));
        assert!(!bits.is_set(host(1), 8, at(100)));
    }

    #[test]
    fn a_bit_lives_through_its_last_moment_and_is_set_anew() {
        let bits = AddressBits::new(8);
        let set = |now| bits.change(host(1), 1, BitChange::Set, at(now), TEN_SECONDS);
        assert!(set(100));
        assert!(bits.is_set(host(1), 1, at(110)));
        assert!(!bits.is_set(host(1), 1, Timestamp::new(110, 1)));
        assert!(set(115));
        assert!(bits.is_set(host(1), 1, at(125)));
        // What has expired is not set, so that toggling sets it.
        assert!(bits.change(host(1), 1, BitChange::Toggle, at(130), TEN_SECONDS));
        assert!(bits.is_set(host(1), 1, at(140)));
    }

    #[test]
    fn a_pair_has_no_order_and_is_not_its_hosts() {
        let bits = AddressBits::new(8);
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), "2001:db8::1".parse().unwrap());
        assert!(bits.change(Owner::pair(one, other), 1, BitChange::Set, at(0), TEN_SECONDS));
        assert!(bits.is_set(Owner::pair(other, one), 1, at(1)));
        assert!(!bits.is_set(Owner::Host(one), 1, at(1)));
        assert!(!bits.is_set(Owner::pair(one, one), 1, at(1)));
    }

    #[test]
    fn a_full_table_refuses_until_bits_expire() {
        let bits = AddressBits::new(3);
        let set = |last, now| bits.change(host(last), 1, BitChange::Set, at(now), TEN_SECONDS);
        assert!(set(1, 0) && set(2, 5) && set(3, 6));
        assert!(!set(4, 7));
        assert!(!bits.is_set(host(4), 1, at(7)));
        assert!(set(2, 8), "a bit that is there changes without room");
        assert!(set(4, 11), "the first has expired");
        assert!(!bits.is_set(host(1), 1, at(11)));
        assert!([2, 3, 4].iter().all(|&last| bits.is_set(host(last), 1, at(12))));
    }

    #[test]
    fn a_flood_is_not_swept_at_every_attempt() {
        let capacity = ATTEMPTS_TO_SWEEP * 4;
        let bits = AddressBits::new(capacity);
        let owner = |n: usize| Owner::Host(IpAddr::from(u32::try_from(n).unwrap().to_be_bytes()));
        for n in 0..capacity {
            assert!(bits.change(owner(n), 1, BitChange::Set, at(0), TEN_SECONDS));
        }
        // Swept in vain.
        assert!(!bits.change(owner(capacity), 1, BitChange::Set, at(1), TEN_SECONDS));
        let taken = (1..=4).map(|n| bits.change(owner(capacity + n), 1, BitChange::Set, at(20), TEN_SECONDS));
        assert_eq!(taken.collect::<Vec<_>>(), [false, false, false, true]);
    }
}
