//! From a hash to places in the slab: open addressing that grows a little with each insertion.
//!
//! An entry is a tag (32 bits of the hash) and a place. The home bucket is the tag's highest bits, so that growing
//! needs no look at the records, and reads and writes memory in order. While a table of double size takes over, each
//! insertion moves a few buckets and lookups ask both: no insertion pays for the whole.

use super::prefetch::prefetch;

/// Buckets at the start, as a power of two.
const FIRST_BITS: u32 = 10;

/// Old buckets moved at each insertion. The new table has room for as many insertions as the old has entries at most
/// (three quarters of its buckets), so moving is done long before the next growth.
const MOVED_PER_INSERT: usize = 16;

/// An entry of the smaller table that was moved or removed: a search goes on past it.
const TOMBSTONE: u64 = u64::MAX;

/// Places that an entry can tell from an empty bucket and a [`TOMBSTONE`].
pub(super) const MAX_PLACES: usize = 1 << 30;

/// A power of two of buckets; 0 is an empty one.
#[derive(Debug)]
struct Buckets {
    entries: Vec<u64>,
    bits: u32,
}

fn entry(tag: u32, place: u32) -> u64 {
    u64::from(tag) << 32 | u64::from(place + 1)
}

fn tag_of(entry: u64) -> u32 {
    (entry >> 32) as u32
}

fn place_of(entry: u64) -> u32 {
    entry as u32 - 1
}

impl Buckets {
    fn new(bits: u32) -> Self {
        // All zeros: the allocator hands out pages that are touched when they are used, not now.
        Self { entries: vec![0; 1 << bits], bits }
    }

    #[inline]
    fn home(&self, tag: u32) -> usize {
        (tag >> (32 - self.bits)) as usize
    }

    #[inline]
    fn next(&self, bucket: usize) -> usize {
        (bucket + 1) & (self.entries.len() - 1)
    }

    /// The bucket of the first entry with this tag whose place satisfies `is_it`.
    #[inline]
    fn find(&self, tag: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<usize> {
        let mut bucket = self.home(tag);
        loop {
            match self.entries[bucket] {
                0 => return None,
                TOMBSTONE => {}
                entry if tag_of(entry) == tag && is_it(place_of(entry)) => return Some(bucket),
                _ => {}
            }
            bucket = self.next(bucket);
        }
    }

    fn insert(&mut self, new: u64) {
        let mut bucket = self.home(tag_of(new));
        while self.entries[bucket] != 0 {
            bucket = self.next(bucket);
        }
        self.entries[bucket] = new;
    }

    /// Empties a bucket and moves up those behind it that would else not be found.
    fn remove(&mut self, mut hole: usize) {
        let mask = self.entries.len() - 1;
        let mut bucket = hole;
        loop {
            bucket = self.next(bucket);
            let entry = self.entries[bucket];
            if entry == 0 {
                break;
            }
            let displaced = bucket.wrapping_sub(self.home(tag_of(entry))) & mask;
            if displaced >= (bucket.wrapping_sub(hole) & mask) {
                self.entries[hole] = entry;
                hole = bucket;
            }
        }
        self.entries[hole] = 0;
    }
}

/// Where each flow's record is.
#[derive(Debug)]
pub(super) struct Index {
    current: Buckets,
    /// The smaller table that is being emptied, and how many of its buckets are done.
    retiring: Option<(Buckets, usize)>,
    len: usize,
}

impl Index {
    pub(super) fn new() -> Self {
        Self { current: Buckets::new(FIRST_BITS), retiring: None, len: 0 }
    }

    /// The most bytes that the index takes for one entry, both tables counted: just after a growth began.
    pub(super) const fn worst_bytes_per_entry() -> usize {
        // At three quarters full the old table has 4/3 buckets for each entry, the new one twice as many: 4 in all.
        size_of::<u64>() * 4
    }

    /// The place with this tag that `is_it`.
    #[inline]
    pub(super) fn find(&self, tag: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        if let Some(bucket) = self.current.find(tag, &mut is_it) {
            return Some(place_of(self.current.entries[bucket]));
        }
        let (old, _) = self.retiring.as_ref()?;
        old.find(tag, is_it).map(|bucket| place_of(old.entries[bucket]))
    }

    /// Adds an entry; the caller has made sure that there is none for the same flow.
    pub(super) fn insert(&mut self, tag: u32, place: u32) {
        debug_assert!((place as usize) < MAX_PLACES);
        if (self.len + 1) * 4 > self.current.entries.len() * 3 {
            self.grow();
        }
        self.retire(MOVED_PER_INSERT);
        self.current.insert(entry(tag, place));
        self.len += 1;
    }

    /// Removes the entry of `place`, which is there.
    pub(super) fn remove(&mut self, tag: u32, place: u32) {
        self.len -= 1;
        if let Some(bucket) = self.current.find(tag, |other| other == place) {
            self.current.remove(bucket);
        } else if let Some((old, _)) = &mut self.retiring {
            let bucket = old.find(tag, |other| other == place).expect("every record has its entry");
            old.entries[bucket] = TOMBSTONE;
        }
    }

    /// Begins loading the buckets where the tag would be.
    #[inline]
    pub(super) fn prefetch(&self, tag: u32) {
        prefetch(&self.current.entries[self.current.home(tag)]);
        if let Some((old, _)) = &self.retiring {
            prefetch(&old.entries[old.home(tag)]);
        }
    }

    fn grow(&mut self) {
        // Done already, unless insertions outran it; then the rest is moved at once.
        self.retire(usize::MAX);
        let bits = self.current.bits + 1;
        let old = std::mem::replace(&mut self.current, Buckets::new(bits));
        self.retiring = Some((old, 0));
    }

    /// Moves up to `count` old buckets.
    fn retire(&mut self, count: usize) {
        let Some((old, done)) = &mut self.retiring else { return };
        let end = done.saturating_add(count).min(old.entries.len());
        for slot in &mut old.entries[*done..end] {
            if *slot != 0 && *slot != TOMBSTONE {
                self.current.insert(std::mem::replace(slot, TOMBSTONE));
            }
        }
        *done = end;
        if end == old.entries.len() {
            self.retiring = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Tags of every quality: spread, few, all alike, and those next to the wrap-around.
    fn tag(kind: u32, n: u32) -> u32 {
        match kind {
            0 => n.wrapping_mul(0x9e37_79b1),
            1 => (n % 7) << 29,
            2 => 0,
            _ => u32::MAX - n % 3,
        }
    }

    #[test]
    fn holds_exactly_what_was_put_in_while_growing_and_shrinking() {
        for kind in 0..4 {
            let count = if kind == 0 { 20_000 } else { 2_000 };
            let mut index = Index::new();
            let mut held = HashSet::new();
            for n in 0..count {
                index.insert(tag(kind, n), n);
                held.insert(n);
                let gone = n.wrapping_mul(7) % count;
                if n % 3 == 0 && held.remove(&gone) {
                    index.remove(tag(kind, gone), gone);
                }
            }
            for n in 0..count {
                let found = index.find(tag(kind, n), |place| place == n);
                assert_eq!(found, held.contains(&n).then_some(n), "kind {kind}");
            }
            for n in held {
                index.remove(tag(kind, n), n);
                assert_eq!(index.find(tag(kind, n), |place| place == n), None);
            }
            assert_eq!(index.len, 0);
        }
    }

    #[test]
    fn growing_is_spread_over_insertions() {
        let mut index = Index::new();
        let threshold = (1 << FIRST_BITS) * 3 / 4;
        for n in 0..threshold {
            index.insert(tag(0, n), n);
        }
        assert!(index.retiring.is_none());
        index.insert(tag(0, threshold), threshold);
        assert_eq!(index.retiring.as_ref().map(|(_, done)| *done), Some(MOVED_PER_INSERT));
        for n in threshold + 1..threshold + (1 << FIRST_BITS) / MOVED_PER_INSERT as u32 {
            index.insert(tag(0, n), n);
        }
        assert!(index.retiring.is_none(), "done long before the next growth");
    }
}
