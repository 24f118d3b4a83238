//! The filter for patterns of one to three bytes.

use super::buckets::Buckets;
use super::{Hits, Pattern, PatternId};

/// Sets bit 5 of both bytes of a pair: letters of either case become one.
const FOLD: u16 = 0x2020;

/// A pattern of two or three bytes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Entry {
    /// The folded first two bytes.
    folded: u16,
    pair: [u8; 2],
    third: Option<u8>,
    pattern: PatternId,
    /// Where it ends at the latest.
    end: u32,
}

/// Patterns by their first two bytes; those of one byte are looked for one by one.
#[derive(Debug)]
pub(super) struct ShortFilter {
    buckets: Buckets<Entry>,
    /// Patterns of one byte, and where they end at the latest.
    single: Vec<(u8, PatternId, usize)>,
    /// Beyond which byte of the input nothing longer is looked for.
    reach: usize,
}

fn folded(pair: [u8; 2]) -> u16 {
    u16::from_le_bytes(pair) | FOLD
}

impl ShortFilter {
    /// From patterns in lower case.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = (PatternId, &'a Pattern)>) -> Self {
        let mut single = Vec::new();
        let mut entries = Vec::new();
        for (pattern, &Pattern { ref bytes, end }) in patterns {
            let end = end.unwrap_or(u32::MAX);
            match bytes[..] {
                [one] => single.push((one, pattern, end as usize)),
                [first, second, ref rest @ ..] => {
                    let pair = [first, second];
                    let third = rest.first().copied();
                    entries.push(Entry { folded: folded(pair), pair, third, pattern, end });
                }
                [] => {}
            }
        }
        entries.sort_unstable();
        let reach = entries.iter().map(|entry| entry.end as usize).max().unwrap_or(0);
        Self { buckets: Buckets::new(entries, u16::BITS, |entry| usize::from(entry.folded)), single, reach }
    }

    pub(super) fn memory(&self) -> usize {
        self.buckets.memory() + self.single.len() * size_of::<(u8, PatternId, usize)>()
    }

    pub(super) fn scan(&self, input: &[u8], hits: &mut Hits) {
        for &(byte, pattern, end) in &self.single {
            let input = &input[..end.min(input.len())];
            if memchr::memchr2(byte, byte.to_ascii_uppercase(), input).is_some() {
                hits.add(pattern);
            }
        }
        let input = &input[..input.len().min(self.reach)];
        if self.buckets.is_empty() || input.len() < 2 {
            return;
        }
        // Four bytes at a time are looked at there: not the last two pairs.
        let rest = if self.scan_wide(input, hits) { input.len() - 3 } else { 0 };
        for (at, pair) in (rest..).zip(input[rest..].windows(2)) {
            if self.buckets.has(folded([pair[0], pair[1]]).into()) {
                self.compare(input, at, hits);
            }
        }
    }

    /// Scans many places at a time, if that can be done.
    fn scan_wide(&self, input: &[u8], hits: &mut Hits) -> bool {
        // The product is the pair alone, in the upper half.
        let bitmap = self.buckets.bitmap();
        let filter = super::wide::Filter { bitmap, shift: 16, multiplier: 1 << 16, fold: FOLD.into() };
        filter.scan(input, |at| self.compare(input, at, hits))
    }

    /// Notes the patterns that stand in the input at `at`, where some pattern's folded pair does.
    #[inline(never)]
    fn compare(&self, input: &[u8], at: usize, hits: &mut Hits) {
        let pair = [input[at].to_ascii_lowercase(), input[at + 1].to_ascii_lowercase()];
        let next = input.get(at + 2).map(u8::to_ascii_lowercase);
        for entry in self.buckets.of(folded(pair).into()) {
            let end = at + 2 + usize::from(entry.third.is_some());
            let stands = entry.pair == pair && (entry.third.is_none() || entry.third == next);
            if stands && end <= entry.end as usize && !hits.is_known(entry.pattern) {
                hits.add(entry.pattern);
            }
        }
    }
}
