//! Many patterns looked for at once, so that only rules that can match are tried.
//!
//! A filter by hash: of each pattern one window of four bytes is chosen, as rare as can be had; a bitmap tells for
//! each four bytes of the input whether any pattern's window hashes there, and just those places are compared. Letters
//! are folded to one case throughout: a hit says that the bytes are there in some case, which is all that a prefilter
//! owes. Patterns shorter than a window go to a second filter over pairs of bytes.

mod frequency;
mod short;
mod window;

use short::ShortFilter;
use window::WindowFilter;

/// Patterns are numbered in the order they were given.
pub type PatternId = u32;

/// Patterns to look for at once.
#[derive(Debug)]
pub struct Matcher {
    windows: WindowFilter,
    short: ShortFilter,
    patterns: usize,
    shortest: usize,
}

/// What was hit in one scan: each pattern once, in the order of its first hit. Used again for every scan.
#[derive(Clone, Debug, Default)]
pub struct Hits {
    found: Vec<PatternId>,
    /// The scan in which a pattern was hit last.
    stamps: Vec<u32>,
    scan: u32,
}

impl Hits {
    /// The patterns hit.
    pub fn patterns(&self) -> &[PatternId] {
        &self.found
    }

    fn begin(&mut self, patterns: usize) {
        self.found.clear();
        if self.stamps.len() < patterns {
            self.stamps.resize(patterns, 0);
        }
        self.scan = self.scan.wrapping_add(1);
        if self.scan == 0 {
            self.stamps.fill(0);
            self.scan = 1;
        }
    }

    fn is_known(&self, pattern: PatternId) -> bool {
        self.stamps[pattern as usize] == self.scan
    }

    fn add(&mut self, pattern: PatternId) {
        self.stamps[pattern as usize] = self.scan;
        self.found.push(pattern);
    }
}

impl Matcher {
    /// Prepares patterns, none of them empty; letters match in either case.
    pub fn new(patterns: &[Vec<u8>]) -> Self {
        let folded: Vec<Vec<u8>> = patterns.iter().map(|pattern| pattern.to_ascii_lowercase()).collect();
        let numbered = || (0..).zip(folded.iter().map(Vec::as_slice));
        Self {
            windows: WindowFilter::new(numbered().filter(|(_, pattern)| pattern.len() >= window::LEN)),
            short: ShortFilter::new(numbered().filter(|(_, pattern)| pattern.len() < window::LEN)),
            patterns: patterns.len(),
            shortest: patterns.iter().map(Vec::len).min().unwrap_or(usize::MAX),
        }
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.patterns
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns == 0
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        self.windows.memory() + self.short.memory()
    }

    /// Looks for all patterns in `input`; `hits` then has each that occurs.
    pub fn scan(&self, input: &[u8], hits: &mut Hits) {
        hits.begin(self.patterns);
        if input.len() < self.shortest {
            return;
        }
        self.windows.scan(input, hits);
        self.short.scan(input, hits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(patterns: &[Vec<u8>], input: &[u8]) -> Vec<PatternId> {
        let input = input.to_ascii_lowercase();
        let occurs = |pattern: &[u8]| {
            let pattern = pattern.to_ascii_lowercase();
            input.windows(pattern.len()).any(|window| window == pattern)
        };
        (0..).zip(patterns).filter(|(_, pattern)| occurs(pattern)).map(|(id, _)| id).collect()
    }

    fn scanned(matcher: &Matcher, input: &[u8], hits: &mut Hits) -> Vec<PatternId> {
        matcher.scan(input, hits);
        let mut found = hits.patterns().to_vec();
        found.sort_unstable();
        found
    }

    proptest! {
        #[test]
        fn finds_what_a_naive_search_finds(
            patterns in proptest::collection::vec(proptest::collection::vec(0x60u8..0x64, 1..9), 1..40),
            inputs in proptest::collection::vec(proptest::collection::vec(0x40u8..0x68, 0..120), 1..4),
        ) {
            let matcher = Matcher::new(&patterns);
            let mut hits = Hits::default();
            for input in &inputs {
                prop_assert_eq!(scanned(&matcher, input, &mut hits), naive(&patterns, input));
            }
        }

        #[test]
        fn finds_in_any_bytes(
            patterns in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..20), 1..20),
            prefix in proptest::collection::vec(any::<u8>(), 0..70),
            which in any::<prop::sample::Index>(),
        ) {
            let matcher = Matcher::new(&patterns);
            let mut input = prefix;
            input.extend_from_slice(&patterns[which.index(patterns.len())]);
            prop_assert_eq!(scanned(&matcher, &input, &mut Hits::default()), naive(&patterns, &input));
        }
    }

    #[test]
    fn a_pattern_is_hit_once_a_scan() {
        let matcher = Matcher::new(&[b"abcd".to_vec(), b"ab".to_vec()]);
        let mut hits = Hits::default();
        for _ in 0..3 {
            assert_eq!(scanned(&matcher, b"abcdabcdABCD", &mut hits), [0, 1]);
        }
        assert_eq!(scanned(&matcher, b"", &mut hits), [] as [u32; 0]);
    }
}
