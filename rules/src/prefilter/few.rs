//! The filter for a few patterns of any length: each byte of the input is looked up by its halves.

use super::frequency::PlaceHalves;
use super::text::Texts;
use super::window::{self, LEN};
use super::{Hits, Pattern, PatternId, frequency, wide};

/// Buckets of patterns that are looked for together.
const BUCKETS: usize = 8;

/// Which buckets have which halves of bytes at each of four places: a place of the input may belong to those that have
/// all eight halves there (as Hyperscan's "Teddy" does it).
#[derive(Debug)]
pub(super) struct Halves {
    /// For each place and each lower half, the buckets that have it there; all twice, as AVX2 looks up.
    pub(super) low: [[u8; 32]; LEN],
    /// For each place and each upper half, likewise.
    pub(super) high: [[u8; 32]; LEN],
}

impl Halves {
    /// The buckets that four bytes may belong to.
    fn buckets(&self, bytes: [u8; LEN]) -> u8 {
        let at = |(place, byte): (usize, u8)| {
            self.low[place][usize::from(byte & 15)] & self.high[place][usize::from(byte >> 4)]
        };
        bytes.into_iter().enumerate().map(at).fold(u8::MAX, |buckets, found| buckets & found)
    }

    /// Shows each place of the input whose bytes may belong to buckets, and those buckets; the input ends with zeros.
    pub(super) fn places(&self, input: &[u8], mut found: impl FnMut(usize, u8)) {
        for at in 0..input.len() {
            let buckets = self.buckets(padded(&input[at..]));
            if buckets != 0 {
                found(at, buckets);
            }
        }
    }

    /// Gives a bucket its halves.
    fn add(&mut self, bucket: usize, halves: [PlaceHalves; LEN]) {
        let add = |table: &mut [u8; 32], halves: u16| {
            for half in (0..16).filter(|half| halves >> half & 1 != 0) {
                table[half] |= 1 << bucket;
                table[half + 16] |= 1 << bucket;
            }
        };
        for (place, (low, high)) in halves.into_iter().enumerate() {
            add(&mut self.low[place], low);
            add(&mut self.high[place], high);
        }
    }
}

/// Up to four bytes of a pattern, the first the least significant.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Entry {
    /// All bits of the bytes that are asked for.
    asked: u32,
    /// The bytes in lower case; 0 where none is asked for.
    bytes: u32,
    /// What makes letters lower case.
    fold: u32,
    pattern: PatternId,
    /// Where the bytes begin in the pattern.
    offset: u16,
    /// Where they begin in the input at the latest.
    latest: u32,
}

impl Entry {
    fn new(id: PatternId, pattern: &Pattern) -> Self {
        let text = &pattern.bytes;
        let offset = window::rarest(text, 0, 1).map_or(0, |(_, at)| at);
        let word = |of: &dyn Fn(u8) -> u8| {
            let mut bytes = [0; LEN];
            bytes.iter_mut().zip(&text[offset..]).for_each(|(byte, &text)| *byte = of(text));
            u32::from_le_bytes(bytes)
        };
        let latest = |end: u32| (end as usize + offset).saturating_sub(text.len());
        Self {
            asked: word(&|_| u8::MAX),
            bytes: word(&|byte| byte),
            fold: word(&|byte| if byte.is_ascii_lowercase() { 0x20 } else { 0 }),
            pattern: id,
            offset: u16::try_from(offset).expect("a content is at most 8192 bytes long"),
            latest: pattern.end.map_or(u32::MAX, |end| u32::try_from(latest(end)).unwrap_or(u32::MAX)),
        }
    }

    /// At each place the halves of its bytes, letters in either case.
    fn halves(&self) -> [PlaceHalves; LEN] {
        let bytes = |word: u32| word.to_le_bytes();
        let (lower, fold, asked) = (bytes(self.bytes), bytes(self.fold), bytes(self.asked));
        std::array::from_fn(|place| {
            let bit = |byte: u8| (1 << (byte & 15), 1 << (byte >> 4));
            match asked[place] {
                0 => (u16::MAX, u16::MAX),
                _ => {
                    let (one, other) = (bit(lower[place]), bit(lower[place] ^ fold[place]));
                    (one.0 | other.0, one.1 | other.1)
                }
            }
        })
    }

    /// Whether it stands at such a place that has these bytes.
    fn fits(&self, bytes: u32, at: usize) -> bool {
        (bytes | self.fold) & self.asked == self.bytes && at <= self.latest as usize
    }
}

/// The bytes that an input begins with; 0 where it ends before.
fn padded(input: &[u8]) -> [u8; LEN] {
    input.first_chunk().copied().unwrap_or_else(|| {
        let mut bytes = [0; LEN];
        bytes[..input.len()].copy_from_slice(input);
        bytes
    })
}

/// Entries that are shown together.
#[derive(Default)]
struct Bucket {
    entries: Vec<Entry>,
    /// The halves of all of them.
    halves: [PlaceHalves; LEN],
    /// How often places are expected that have such.
    expected: f32,
}

impl Bucket {
    /// All halves with those of another entry, and how often places are expected that have such.
    fn with(&self, entry: &Entry) -> ([PlaceHalves; LEN], f32) {
        let mut halves = self.halves;
        for (all, one) in halves.iter_mut().zip(entry.halves()) {
            *all = (all.0 | one.0, all.1 | one.1);
        }
        (halves, frequency::of_halves(&halves))
    }
}

/// Puts entries into buckets, so that as few other places as can be had look like theirs.
fn share_out(entries: impl Iterator<Item = Entry>) -> [Bucket; BUCKETS] {
    let mut buckets: [Bucket; BUCKETS] = Default::default();
    let mut entries: Vec<_> = entries.map(|entry| (frequency::of_halves(&entry.halves()), entry)).collect();
    // What is met most often chooses first.
    entries.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    for (_, entry) in entries {
        let grown = buckets.iter_mut().map(|bucket| {
            let (halves, expected) = bucket.with(&entry);
            (bucket, halves, expected)
        });
        let more = |(bucket, _, expected): &(&mut Bucket, _, f32)| expected - bucket.expected;
        let least = grown.min_by(|one, other| more(one).total_cmp(&more(other)));
        let (bucket, halves, expected) = least.expect("there are buckets");
        bucket.entries.push(entry);
        (bucket.halves, bucket.expected) = (halves, expected);
    }
    buckets
}

/// A few patterns.
#[derive(Debug)]
pub(super) struct Few {
    halves: Halves,
    /// By bucket.
    entries: Vec<Entry>,
    /// Where each bucket's entries begin; one more at the end.
    starts: [u8; BUCKETS + 1],
    /// Beyond which byte of the input nothing is looked for.
    reach: usize,
}

impl Few {
    /// The most patterns: with more of them too many other places would be shown.
    pub(super) const MOST: usize = 48;

    /// Filters of so many patterns as are needed.
    pub(super) fn of(patterns: &[(PatternId, &Pattern)]) -> Vec<Self> {
        let mut entries: Vec<_> =
            patterns.iter().map(|&(id, pattern)| (Entry::new(id, pattern), pattern.reach())).collect();
        // Those that are alike come together.
        entries.sort_unstable();
        entries.chunks(Self::MOST).map(Self::new).collect()
    }

    fn new(patterns: &[(Entry, usize)]) -> Self {
        let mut halves = Halves { low: [[0; 32]; LEN], high: [[0; 32]; LEN] };
        let mut entries = Vec::with_capacity(patterns.len());
        let mut starts = [0; BUCKETS + 1];
        for (at, bucket) in share_out(patterns.iter().map(|&(entry, _)| entry)).into_iter().enumerate() {
            halves.add(at, bucket.halves);
            entries.extend(bucket.entries);
            starts[at + 1] = u8::try_from(entries.len()).expect("they are few");
        }
        let reach = patterns.iter().map(|&(_, end)| end).max().unwrap_or(0);
        Self { halves, entries, starts, reach }
    }

    pub(super) fn scan(&self, input: &[u8], texts: &Texts, hits: &mut Hits) {
        let input = &input[..input.len().min(self.reach)];
        wide::places_by_halves(&self.halves, input, |at, buckets| {
            self.compare(input, at, buckets, texts, hits);
        });
    }

    /// Notes the patterns of some buckets that stand in the input with their entry at `at`.
    #[inline(never)]
    fn compare(&self, input: &[u8], at: usize, mut buckets: u8, texts: &Texts, hits: &mut Hits) {
        let bytes = u32::from_le_bytes(padded(&input[at..]));
        while buckets != 0 {
            let bucket = buckets.trailing_zeros() as usize;
            buckets &= buckets - 1;
            for entry in &self.entries[usize::from(self.starts[bucket])..usize::from(self.starts[bucket + 1])]
            {
                if entry.fits(bytes, at)
                    && !hits.is_known(entry.pattern)
                    && texts.stands(entry.pattern, input, at, entry.offset.into())
                {
                    hits.add(entry.pattern);
                }
            }
        }
    }

    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.entries.len() * size_of::<Entry>()
    }
}
