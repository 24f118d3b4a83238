//! Patterns of one byte.

use super::{Hits, Pattern, PatternId};

/// 1 in each of eight bytes.
const ONES: u64 = u64::from_ne_bytes([1; 8]);

/// Patterns of one byte.
#[derive(Debug)]
pub(super) struct Singles(Vec<Single>);

#[derive(Debug)]
struct Single {
    byte: u8,
    /// What makes it lower case.
    fold: u8,
    pattern: PatternId,
    /// Where it ends at the latest.
    end: usize,
}

impl Singles {
    /// From patterns of one byte in lower case.
    pub(super) fn new(patterns: &[(PatternId, &Pattern)]) -> Self {
        let single = |&(id, pattern): &(PatternId, &Pattern)| {
            let byte = *pattern.bytes.first()?;
            let fold = if byte.is_ascii_lowercase() { 0x20 } else { 0 };
            Some(Single { byte, fold, pattern: id, end: pattern.reach() })
        };
        Self(patterns.iter().filter_map(single).collect())
    }

    pub(super) fn scan(&self, input: &[u8], hits: &mut Hits) {
        if self.0.is_empty() {
            return;
        }
        let mut first = [0; 8];
        let len = input.len().min(first.len());
        first[..len].copy_from_slice(&input[..len]);
        let first = u64::from_le_bytes(first);
        for single in &self.0 {
            let input = &input[..single.end.min(input.len())];
            let stands = match input.len() {
                // Looking at all of a few bytes at once is cheaper than a call.
                len @ 1..=8 => single.stands(first, len),
                _ => memchr::memchr2(single.byte, single.byte.to_ascii_uppercase(), input).is_some(),
            };
            if stands {
                hits.add(single.pattern);
            }
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.0.len() * size_of::<Single>()
    }
}

impl Single {
    /// Whether it is among the first `len` bytes, 1 to 8 of them.
    fn stands(&self, bytes: u64, len: usize) -> bool {
        // 0 where the byte stands; the lowest 0 gets its highest bit set, and none below it does.
        let differing = (bytes | (ONES * u64::from(self.fold))) ^ (ONES * u64::from(self.byte));
        let found = differing.wrapping_sub(ONES) & !differing & (ONES << 7);
        found << (64 - 8 * len) != 0
    }
}
