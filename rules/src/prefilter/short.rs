//! The filter for patterns of one to three bytes.

use super::{Hits, PatternId};

/// Patterns by their first two bytes; those of one byte under every pair that begins with it.
#[derive(Debug, Default)]
pub(super) struct ShortFilter {
    /// A bit for each pair of bytes that begins some pattern; empty when there is none.
    pairs: Vec<u64>,
    /// Patterns of two and three bytes, by their first two.
    entries: Vec<([u8; 2], Option<u8>, PatternId)>,
    /// Patterns of one byte.
    single: Vec<(u8, PatternId)>,
}

impl ShortFilter {
    /// From patterns in lower case.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = (PatternId, &'a [u8])>) -> Self {
        let mut filter = Self::default();
        for (id, pattern) in patterns {
            match *pattern {
                [one] => filter.single.push((one, id)),
                [first, second] => filter.entries.push(([first, second], None, id)),
                [first, second, third] => filter.entries.push(([first, second], Some(third), id)),
                _ => {}
            }
        }
        filter.entries.sort_unstable();
        if !filter.entries.is_empty() {
            filter.pairs = vec![0; 1 << 10];
            for &(pair, _, _) in &filter.entries {
                let bit = usize::from(u16::from_be_bytes(pair));
                filter.pairs[bit / 64] |= 1 << (bit % 64);
            }
        }
        filter
    }

    pub(super) fn memory(&self) -> usize {
        self.pairs.len() * 8 + self.entries.len() * 8 + self.single.len() * 8
    }

    pub(super) fn scan(&self, input: &[u8], hits: &mut Hits) {
        for &(byte, id) in &self.single {
            if memchr::memchr2(byte, byte.to_ascii_uppercase(), input).is_some() {
                hits.add(id);
            }
        }
        if self.entries.is_empty() {
            return;
        }
        for (at, pair) in input.windows(2).enumerate() {
            let pair = [pair[0].to_ascii_lowercase(), pair[1].to_ascii_lowercase()];
            let bit = usize::from(u16::from_be_bytes(pair));
            if self.pairs[bit / 64] >> (bit % 64) & 1 != 0 {
                self.compare(pair, input.get(at + 2).map(u8::to_ascii_lowercase), hits);
            }
        }
    }

    #[cold]
    fn compare(&self, pair: [u8; 2], next: Option<u8>, hits: &mut Hits) {
        let from = self.entries.partition_point(|(first, _, _)| *first < pair);
        for &(first, third, id) in &self.entries[from..] {
            if first != pair {
                return;
            }
            if (third.is_none() || third == next) && !hits.is_known(id) {
                hits.add(id);
            }
        }
    }
}
