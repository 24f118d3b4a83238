//! The filter for patterns of four bytes and more.

use super::{Hits, PatternId, frequency};

/// Bytes in a window.
pub(super) const LEN: usize = 4;

/// Sets bit 5 of each byte: letters of either case become one, and so do a few other pairs, which costs nothing but
/// a comparison.
const FOLD: u32 = 0x2020_2020;

/// Spreads windows over the bitmap; odd, from the golden ratio.
const MULTIPLIER: u32 = 0x9E37_79B1;

/// A bucket with more entries than this makes the next pattern choose another window, if it has one.
const CROWDED: u32 = 8;

/// One pattern under its window.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The window's folded bytes.
    window: u32,
    pattern: PatternId,
    /// Where the pattern's bytes stand.
    start: u32,
    len: u16,
    /// Where its window begins.
    offset: u16,
}

/// Patterns by one window each.
#[derive(Debug)]
pub(super) struct WindowFilter {
    /// A bit for each hash that some window has.
    bitmap: Vec<u64>,
    /// For each word of the bitmap, the bits set before it.
    ranks: Vec<u32>,
    /// For each bit set, where its entries begin; one more at the end.
    buckets: Vec<u32>,
    entries: Vec<Entry>,
    /// The patterns in lower case, one after another.
    bytes: Vec<u8>,
    shift: u32,
}

fn load(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) | FOLD
}

fn hash(window: u32, shift: u32) -> usize {
    (window.wrapping_mul(MULTIPLIER) >> shift) as usize
}

impl WindowFilter {
    /// From patterns in lower case, each at least a window long.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = (PatternId, &'a [u8])>) -> Self {
        let patterns: Vec<_> = patterns.collect();
        let bits = (patterns.len().max(1).ilog2() + 7).clamp(12, 20);
        let shift = 32 - bits;
        let mut load_of = vec![0u32; 1 << bits];
        let mut chosen = Vec::with_capacity(patterns.len());
        let mut bytes = Vec::new();
        for (pattern, text) in patterns {
            let offset = rarest_window(text, shift, &load_of);
            let window = load(text, offset);
            load_of[hash(window, shift)] += 1;
            let start = u32::try_from(bytes.len()).expect("rules are under 4 GiB");
            bytes.extend_from_slice(text);
            chosen.push(Entry {
                window,
                pattern,
                start,
                len: u16::try_from(text.len()).expect("a content is at most 8192 bytes long"),
                offset: u16::try_from(offset).expect("less than the length"),
            });
        }
        chosen.sort_by_key(|entry| (hash(entry.window, shift), entry.window, entry.pattern));
        Self::index(chosen, bytes, bits)
    }

    fn index(entries: Vec<Entry>, bytes: Vec<u8>, bits: u32) -> Self {
        let shift = 32 - bits;
        let mut bitmap = vec![0u64; (1usize << bits).div_ceil(64)];
        let mut buckets = Vec::new();
        let mut last = None;
        for (at, entry) in (0u32..).zip(&entries) {
            let hash = hash(entry.window, shift);
            if last != Some(hash) {
                bitmap[hash / 64] |= 1 << (hash % 64);
                buckets.push(at);
                last = Some(hash);
            }
        }
        buckets.push(u32::try_from(entries.len()).expect("fewer patterns than 4 G"));
        let ranks = bitmap
            .iter()
            .scan(0u32, |before, word| {
                let rank = *before;
                *before += word.count_ones();
                Some(rank)
            })
            .collect();
        Self { bitmap, ranks, buckets, entries, bytes, shift }
    }

    pub(super) fn memory(&self) -> usize {
        self.bitmap.len() * 8
            + self.ranks.len() * 4
            + self.buckets.len() * 4
            + self.entries.len() * size_of::<Entry>()
            + self.bytes.len()
    }

    pub(super) fn scan(&self, input: &[u8], hits: &mut Hits) {
        if self.entries.is_empty() || input.len() < LEN {
            return;
        }
        for (at, window) in input.windows(LEN).enumerate() {
            let window = u32::from_le_bytes(window.try_into().expect("windows are four bytes long")) | FOLD;
            let hash = hash(window, self.shift);
            if self.bitmap[hash / 64] >> (hash % 64) & 1 != 0 {
                self.compare(input, at, window, hash, hits);
            }
        }
    }

    #[cold]
    fn compare(&self, input: &[u8], at: usize, window: u32, hash: usize, hits: &mut Hits) {
        let below = self.bitmap[hash / 64] & ((1 << (hash % 64)) - 1);
        let bucket = (self.ranks[hash / 64] + below.count_ones()) as usize;
        let range = self.buckets[bucket] as usize..self.buckets[bucket + 1] as usize;
        for entry in &self.entries[range] {
            if entry.window == window && !hits.is_known(entry.pattern) && self.is_at(entry, input, at) {
                hits.add(entry.pattern);
            }
        }
    }

    /// Whether the entry's pattern stands in the input with its window at `at`.
    fn is_at(&self, entry: &Entry, input: &[u8], at: usize) -> bool {
        let Some(start) = at.checked_sub(usize::from(entry.offset)) else { return false };
        let len = usize::from(entry.len);
        let pattern = &self.bytes[entry.start as usize..entry.start as usize + len];
        input.get(start..start + len).is_some_and(|bytes| bytes.eq_ignore_ascii_case(pattern))
    }
}

/// Where the window begins that is met least often, and least crowded.
fn rarest_window(pattern: &[u8], shift: u32, load_of: &[u32]) -> usize {
    (0..=pattern.len() - LEN)
        .min_by_key(|&at| {
            let window: [u8; LEN] = pattern[at..at + LEN].try_into().expect("four bytes");
            let crowd = load_of[hash(load(pattern, at), shift)];
            let penalty = if crowd >= CROWDED { 1 << 21 } else { 0 };
            (penalty + frequency::expected(window)) / 8 * (8 + crowd)
        })
        .unwrap_or(0)
}
