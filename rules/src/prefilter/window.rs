//! The filter for patterns of four bytes and more.

use super::buckets::Buckets;
use super::{Hits, Pattern, PatternId, frequency};

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
    /// Where it ends at the latest.
    end: u32,
}

/// Patterns by one window each.
#[derive(Debug)]
pub(super) struct WindowFilter {
    buckets: Buckets<Entry>,
    /// The patterns in lower case, one after another.
    bytes: Vec<u8>,
    shift: u32,
    /// Beyond which byte of the input nothing is looked for.
    reach: usize,
    /// The windows, where there are few.
    halves: Option<super::wide::Halves>,
}

fn load(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) | FOLD
}

fn hash(window: u32, shift: u32) -> usize {
    (window.wrapping_mul(MULTIPLIER) >> shift) as usize
}

impl WindowFilter {
    /// From patterns in lower case, each at least a window long.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = (PatternId, &'a Pattern)>) -> Self {
        let patterns: Vec<_> = patterns.collect();
        let bits = (patterns.len().max(1).ilog2() + 8).clamp(12, 20);
        let shift = 32 - bits;
        let mut load_of = vec![0u32; 1 << bits];
        // Padding comes in long stretches: what only hashes like it would be compared with all of it.
        for byte in 0..=u8::MAX {
            load_of[hash(u32::from_le_bytes([byte; LEN]) | FOLD, shift)] = CROWDED;
        }
        let mut entries = Vec::with_capacity(patterns.len());
        let mut bytes = Vec::new();
        for (pattern, &Pattern { bytes: ref text, end }) in patterns {
            let offset = rarest_window(text, shift, &load_of);
            let window = load(text, offset);
            load_of[hash(window, shift)] += 1;
            let start = u32::try_from(bytes.len()).expect("rules are under 4 GiB");
            bytes.extend_from_slice(text);
            entries.push(Entry {
                window,
                pattern,
                start,
                len: u16::try_from(text.len()).expect("a content is at most 8192 bytes long"),
                offset: u16::try_from(offset).expect("less than the length"),
                end: end.unwrap_or(u32::MAX),
            });
        }
        entries.sort_by_key(|entry| (hash(entry.window, shift), entry.window, entry.pattern));
        let reach = entries.iter().map(|entry| entry.end as usize).max().unwrap_or(0);
        Self {
            halves: halves(&entries),
            buckets: Buckets::new(entries, bits, |entry| hash(entry.window, shift)),
            bytes,
            shift,
            reach,
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.buckets.memory() + self.bytes.len()
    }

    pub(super) fn scan(&self, input: &[u8], hits: &mut Hits) {
        let input = &input[..input.len().min(self.reach)];
        if self.buckets.is_empty() || input.len() < LEN {
            return;
        }
        if self.scan_wide(input, hits) {
            return;
        }
        for (at, window) in input.windows(LEN).enumerate() {
            let window = u32::from_le_bytes(window.try_into().expect("windows are four bytes long")) | FOLD;
            if self.buckets.has(hash(window, self.shift)) {
                self.compare(input, at, hits);
            }
        }
    }

    /// Scans many places at a time, if that can be done.
    fn scan_wide(&self, input: &[u8], hits: &mut Hits) -> bool {
        if let Some(halves) = &self.halves {
            return halves.scan(input, |at| {
                if self.buckets.has(hash(load(input, at), self.shift)) {
                    self.compare(input, at, hits);
                }
            });
        }
        let bitmap = self.buckets.bitmap();
        let filter = super::wide::Filter { bitmap, shift: self.shift, multiplier: MULTIPLIER, fold: FOLD };
        filter.scan(input, |at| self.compare(input, at, hits))
    }

    /// Notes the patterns that stand in the input with their window at `at`, whose hash is some window's.
    #[inline(never)]
    fn compare(&self, input: &[u8], at: usize, hits: &mut Hits) {
        let window = load(input, at);
        for entry in self.buckets.of(hash(window, self.shift)) {
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
        start + len <= entry.end as usize
            && input.get(start..start + len).is_some_and(|bytes| bytes.eq_ignore_ascii_case(pattern))
    }
}

/// The windows of entries by their halves, if there are few.
fn halves(entries: &[Entry]) -> Option<super::wide::Halves> {
    let mut windows: Vec<u32> = entries.iter().map(|entry| entry.window).collect();
    windows.sort_unstable();
    windows.dedup();
    let few = (1..=super::wide::Halves::MOST).contains(&windows.len());
    few.then(|| super::wide::Halves::new(&windows, FOLD.to_le_bytes()[0]))
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
