//! Many patterns looked for at once, so that only rules that can match are tried.
//!
//! Filters show places of the input where a pattern may stand, and just those are compared: where patterns are few by
//! the halves of up to four bytes of each (`few`), where they are many by hashes of four bytes of each (`many`).
//! Those bytes are chosen as rare as can be had. Letters are folded to one case throughout: a hit says that the bytes
//! are there in some case, which is all that a prefilter owes.

mod few;
mod frequency;
mod many;
mod single;
mod text;
#[cfg_attr(not(target_arch = "x86_64"), path = "narrow.rs")]
mod wide;
mod window;

use few::Few;
use many::Many;
use single::Singles;
use text::Texts;

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

    /// Beyond which byte of the input it does not stand.
    fn reach(&self) -> usize {
        self.end.map_or(usize::MAX, |end| end as usize)
    }
}

/// Patterns of any length.
#[derive(Debug)]
struct Filter {
    singles: Singles,
    few: Vec<Few>,
    many: Vec<Many>,
}

impl Filter {
    /// Looked for as a few are there may be so many; it takes no longer than looking at every place for more.
    const FEW: usize = 4 * Few::MOST;

    /// From patterns in lower case, of which long ones are looked for at every so many-th place.
    fn new(patterns: &[(PatternId, &Pattern)], stride: usize) -> Self {
        let (single, all): (Vec<_>, Vec<_>) =
            patterns.iter().copied().partition(|(_, pattern)| pattern.bytes.len() == 1);
        let singles = Singles::new(&single);
        if all.len() <= Few::MOST {
            return Self { singles, few: Few::of(&all), many: Vec::new() };
        }
        let (long, rest): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, pattern)| stride > 1 && Many::suits(&pattern.bytes, stride));
        let (everywhere, few) = if rest.len() <= Self::FEW {
            (Vec::new(), rest)
        } else {
            rest.into_iter().partition(|(_, pattern)| pattern.bytes.len() >= window::LEN)
        };
        let many = [(everywhere, 1), (long, stride)];
        Self {
            singles,
            few: Few::of(&few),
            many: many
                .iter()
                .filter(|(patterns, _)| !patterns.is_empty())
                .map(|(patterns, stride)| Many::new(patterns, *stride))
                .collect(),
        }
    }

    fn scan(&self, input: &[u8], texts: &Texts, hits: &mut Hits) {
        self.singles.scan(input, hits);
        for few in &self.few {
            few.scan(input, texts, hits);
        }
        for many in &self.many {
            many.scan(input, texts, hits);
        }
    }

    fn memory(&self) -> usize {
        self.singles.memory()
            + self.few.iter().map(Few::memory).sum::<usize>()
            + self.many.iter().map(Many::memory).sum::<usize>()
    }
}

/// Patterns to look for at once.
#[derive(Debug)]
pub struct Matcher {
    /// Patterns that stand at an input's start.
    head: Filter,
    /// All others.
    whole: Filter,
    texts: Texts,
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
        let (head, whole): (Vec<_>, Vec<_>) =
            (0..).zip(&patterns).partition(|(_, pattern)| pattern.is_of_head());
        Self {
            head: Filter::new(&head, 1),
            whole: Filter::new(&whole, Many::STRIDE),
            texts: Texts::new(&patterns),
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
        self.head.memory() + self.whole.memory() + self.texts.memory()
    }

    /// Looks for all patterns in `input`; `hits` then has each that occurs.
    pub fn scan(&self, input: &[u8], hits: &mut Hits) {
        hits.begin(self.patterns);
        if input.len() < self.shortest {
            return;
        }
        self.head.scan(&input[..HEAD.min(input.len())], &self.texts, hits);
        self.whole.scan(input, &self.texts, hits);
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

        /// So many that a few are looked for in several turns, and long ones at every fourth place.
        #[test]
        fn finds_many_patterns(
            patterns in patterns(proptest::collection::vec(0x60u8..0x62, 2..12), 600),
            inputs in proptest::collection::vec(proptest::collection::vec(0x40u8..0x62, 0..300), 1..4),
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
            prefix in proptest::collection::vec(any::<u8>(), 0..140),
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
