//! Entries under the hash of a few bytes, and a bitmap that tells which hashes have any.

/// Entries by hash.
#[derive(Debug)]
pub(super) struct Buckets<E> {
    /// A bit for each hash that some entry has; empty when there is none.
    bitmap: Vec<u64>,
    /// For each word of the bitmap, the bits set before it.
    ranks: Vec<u32>,
    /// For each bit set, where its entries begin; one more at the end.
    starts: Vec<u32>,
    entries: Vec<E>,
}

impl<E> Buckets<E> {
    /// From entries in the order of their hashes, which have at most `bits` bits.
    pub(super) fn new(entries: Vec<E>, bits: u32, hash: impl Fn(&E) -> usize) -> Self {
        if entries.is_empty() {
            return Self { bitmap: Vec::new(), ranks: Vec::new(), starts: Vec::new(), entries };
        }
        let mut bitmap = vec![0u64; (1usize << bits).div_ceil(64)];
        let mut starts = Vec::new();
        let mut last = None;
        for (at, entry) in (0u32..).zip(&entries) {
            let hash = hash(entry);
            if last != Some(hash) {
                bitmap[hash / 64] |= 1 << (hash % 64);
                starts.push(at);
                last = Some(hash);
            }
        }
        starts.push(u32::try_from(entries.len()).expect("fewer patterns than 4 G"));
        let ranks = bitmap
            .iter()
            .scan(0u32, |before, word| {
                let rank = *before;
                *before += word.count_ones();
                Some(rank)
            })
            .collect();
        Self { bitmap, ranks, starts, entries }
    }

    /// Whether there is no entry.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a hash has entries.
    #[inline]
    pub(super) fn has(&self, hash: usize) -> bool {
        self.bitmap[hash / 64] >> (hash % 64) & 1 != 0
    }

    /// A bit for each hash that has entries.
    pub(super) fn bitmap(&self) -> &[u64] {
        &self.bitmap
    }

    /// The entries of a hash that has some.
    #[inline]
    pub(super) fn of(&self, hash: usize) -> &[E] {
        let below = self.bitmap[hash / 64] & ((1 << (hash % 64)) - 1);
        let bucket = (self.ranks[hash / 64] + below.count_ones()) as usize;
        &self.entries[self.starts[bucket] as usize..self.starts[bucket + 1] as usize]
    }

    /// Bytes of memory held.
    pub(super) fn memory(&self) -> usize {
        self.bitmap.len() * 8
            + (self.ranks.len() + self.starts.len()) * 4
            + self.entries.len() * size_of::<E>()
    }
}
