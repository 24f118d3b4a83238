//! Many patterns looked for at once, so that only rules that can match are tried.
//!
//! A filter by hash: of each pattern one window of four bytes is chosen, as rare as can be had; a bitmap tells for
//! each four bytes of the input whether any pattern's window hashes there, and just those places are compared. Letters
//! are folded to one case throughout: a hit says that the bytes are there in some case, which is all that a prefilter
//! owes. Patterns shorter than a window go to a second filter over pairs of bytes.

mod buckets;
mod frequency;
mod short;
#[cfg_attr(not(target_arch = "x86_64"), path = "narrow.rs")]
mod wide;
mod window;

use short::ShortFilter;
use window::WindowFilter;

/// Patterns are numbered in the order they were given.
pub type PatternId = u32;

/// Patterns that end within so many bytes of an input's start are looked for there alone.
const HEAD: usize = 64;

/// Bytes to look for.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Pattern {
    /// The bytes, not empty; letters match in either case.
    pub bytes: Vec<u8>,
    /// Within how many bytes of the input's start they must end; nothing where they may stand anywhere.
    pub end: Option<u32>,
}

impl Pattern {
    fn is_of_head(&self) -> bool {
        self.end.is_some_and(|end| end as usize <= HEAD)
    }
}

/// Patterns of any length.
#[derive(Debug)]
struct Filter {
    windows: WindowFilter,
    short: ShortFilter,
}

impl Filter {
    fn new<'a>(patterns: impl Iterator<Item = (PatternId, &'a Pattern)> + Clone) -> Self {
        let is_short = |pattern: &Pattern| pattern.bytes.len() < window::LEN;
        Self {
            windows: WindowFilter::new(patterns.clone().filter(|(_, pattern)| !is_short(pattern))),
            short: ShortFilter::new(patterns.filter(|(_, pattern)| is_short(pattern))),
        }
    }

    fn scan(&self, input: &[u8], hits: &mut Hits) {
        self.windows.scan(input, hits);
        self.short.scan(input, hits);
    }

    fn memory(&self) -> usize {
        self.windows.memory() + self.short.memory()
    }
}

/// Patterns to look for at once.
#[derive(Debug)]
pub struct Matcher {
    /// Patterns that stand at an input's start.
    head: Filter,
    /// All others.
    whole: Filter,
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
    /// Prepares patterns.
    pub fn new(mut patterns: Vec<Pattern>) -> Self {
        patterns.iter_mut().for_each(|pattern| pattern.bytes.make_ascii_lowercase());
        let numbered = || (0..).zip(&patterns);
        Self {
            head: Filter::new(numbered().filter(|(_, pattern)| pattern.is_of_head())),
            whole: Filter::new(numbered().filter(|(_, pattern)| !pattern.is_of_head())),
            patterns: patterns.len(),
            shortest: patterns.iter().map(|pattern| pattern.bytes.len()).min().unwrap_or(usize::MAX),
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
        self.head.memory() + self.whole.memory()
    }

    /// Looks for all patterns in `input`; `hits` then has each that occurs.
    pub fn scan(&self, input: &[u8], hits: &mut Hits) {
        hits.begin(self.patterns);
        if input.len() < self.shortest {
            return;
        }
        self.head.scan(&input[..HEAD.min(input.len())], hits);
        self.whole.scan(input, hits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(patterns: &[Pattern], input: &[u8]) -> Vec<PatternId> {
        let input = input.to_ascii_lowercase();
        let occurs = |pattern: &Pattern| {
            let bytes = pattern.bytes.to_ascii_lowercase();
            let end = pattern.end.map_or(input.len(), |end| input.len().min(end as usize));
            input[..end].windows(bytes.len()).any(|window| window == bytes)
        };
        (0..).zip(patterns).filter(|(_, pattern)| occurs(pattern)).map(|(id, _)| id).collect()
    }

    fn scanned(matcher: &Matcher, input: &[u8], hits: &mut Hits) -> Vec<PatternId> {
        matcher.scan(input, hits);
        let mut found = hits.patterns().to_vec();
        found.sort_unstable();
        found
    }

    /// Some may stand anywhere, some within the head, some a little beyond it.
    fn patterns(bytes: impl Strategy<Value = Vec<u8>>, most: usize) -> impl Strategy<Value = Vec<Pattern>> {
        let pattern =
            (bytes, proptest::option::of(1u32..100)).prop_map(|(bytes, end)| Pattern { bytes, end });
        proptest::collection::vec(pattern, 1..most)
    }

    proptest! {
        #[test]
        fn finds_what_a_naive_search_finds(
            patterns in patterns(proptest::collection::vec(0x60u8..0x64, 1..9), 40),
            inputs in proptest::collection::vec(proptest::collection::vec(0x40u8..0x68, 0..120), 1..4),
        ) {
            let matcher = Matcher::new(patterns.clone());
            let mut hits = Hits::default();
            for input in &inputs {
                prop_assert_eq!(scanned(&matcher, input, &mut hits), naive(&patterns, input));
            }
        }

        #[test]
        fn finds_in_any_bytes(
            patterns in patterns(proptest::collection::vec(any::<u8>(), 1..20), 20),
            prefix in proptest::collection::vec(any::<u8>(), 0..70),
            which in any::<prop::sample::Index>(),
        ) {
            let matcher = Matcher::new(patterns.clone());
            let mut input = prefix;
            input.extend_from_slice(&patterns[which.index(patterns.len())].bytes);
            prop_assert_eq!(scanned(&matcher, &input, &mut Hits::default()), naive(&patterns, &input));
        }
    }

    #[test]
    fn a_pattern_is_hit_once_a_scan() {
        let patterns = ["abcd", "ab"].map(|text| Pattern { bytes: text.into(), end: None });
        let matcher = Matcher::new(patterns.into());
        let mut hits = Hits::default();
        for _ in 0..3 {
            assert_eq!(scanned(&matcher, b"abcdabcdABCD", &mut hits), [0, 1]);
        }
        assert_eq!(scanned(&matcher, b"", &mut hits), [] as [u32; 0]);
    }
}
