//! The filter for many patterns: a bitmap tells for four bytes of the input whether any pattern's window hashes there.

use super::text::Texts;
use super::window::{self, Crowds, LEN, hash, load};
use super::{Hits, Pattern, PatternId, frequency, wide};

/// A pattern under a window of its.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The window's folded bytes.
    window: u32,
    /// The folded bytes of another window, which most other places don't have.
    other: u32,
    pattern: PatternId,
    /// Where the window begins in the pattern.
    offset: u16,
    /// Where the other one does.
    other_offset: u16,
}

impl Entry {
    fn new(pattern: PatternId, text: &[u8], offset: usize) -> Self {
        let behind = (offset + LEN).min(text.len() - LEN);
        let other = if behind > offset { behind } else { offset.saturating_sub(LEN) };
        let short = |offset: usize| u16::try_from(offset).expect("a content is at most 8192 bytes long");
        Self {
            window: load(text, offset),
            other: load(text, other),
            pattern,
            offset: short(offset),
            other_offset: short(other),
        }
    }

    /// Whether the other window stands in the input too, where this one stands at `at`.
    fn fits(&self, input: &[u8], at: usize) -> bool {
        let other = at.checked_sub(self.offset.into()).map(|start| start + usize::from(self.other_offset));
        other.is_some_and(|other| other + LEN <= input.len() && load(input, other) == self.other)
    }
}

/// Where the entries of a window begin.
#[derive(Clone, Copy, Debug)]
struct Slot {
    window: u32,
    first: u32,
}

/// Marks a slot that is free.
const FREE: u32 = u32::MAX;

/// Bits of the bitmap for each window, as a power of two.
const BITS_PER_WINDOW: u32 = 6;

/// Many patterns.
#[derive(Debug)]
pub(super) struct Many {
    /// At every so many-th place of the input a window is looked up; each pattern has windows enough that one of them
    /// begins there.
    stride: usize,
    /// A bit for each hash that a window has.
    bitmap: Vec<u64>,
    shift: u32,
    /// A hash table of windows, at least a third of it free.
    slots: Vec<Slot>,
    slot_shift: u32,
    /// By window.
    entries: Vec<Entry>,
    /// Beyond which byte of the input nothing is looked for.
    reach: usize,
}

impl Many {
    /// The longest stride.
    pub(super) const STRIDE: usize = 4;

    /// Whether a pattern has a window for each place of a stride, none of which nearly all traffic holds.
    pub(super) fn suits(pattern: &[u8], stride: usize) -> bool {
        let is_rare = |first| {
            window::rarest(pattern, first, stride).is_some_and(|(expected, _)| expected < frequency::KNOWN)
        };
        (0..stride).all(is_rare)
    }

    /// From patterns in lower case, at least a window long, that suit a stride of 1 or [`Self::STRIDE`].
    pub(super) fn new(patterns: &[(PatternId, &Pattern)], stride: usize) -> Self {
        let windows = patterns.len() * stride;
        let shift = 32 - (windows.max(1).ilog2() + 1 + BITS_PER_WINDOW).clamp(12, 20);
        let mut crowds = Crowds::new(shift);
        let mut entries = Vec::with_capacity(windows);
        for &(id, Pattern { bytes, .. }) in patterns {
            entries
                .extend((0..stride).map(|first| Entry::new(id, bytes, crowds.choose(bytes, first, stride))));
        }
        entries.sort_unstable_by_key(|entry| (entry.window, entry.pattern));
        let slot_shift = 32 - (windows.max(4) * 3 / 2).next_power_of_two().ilog2();
        let mut many = Self {
            stride,
            bitmap: vec![0; 1 << (32 - shift - 6)],
            shift,
            slots: vec![Slot { window: 0, first: FREE }; 1 << (32 - slot_shift)],
            slot_shift,
            entries,
            reach: patterns.iter().map(|(_, pattern)| pattern.reach()).max().unwrap_or(0),
        };
        many.index();
        many
    }

    fn index(&mut self) {
        for (at, entry) in (0u32..).zip(&self.entries) {
            let hash = hash(entry.window, self.shift);
            self.bitmap[hash / 64] |= 1 << (hash % 64);
            let slot = self.slot(entry.window);
            if self.slots[slot].first == FREE {
                self.slots[slot] = Slot { window: entry.window, first: at };
            }
        }
    }

    /// The slot of a window, or the free one where it would be.
    #[inline]
    fn slot(&self, window: u32) -> usize {
        let mut slot = hash(window, self.slot_shift);
        while self.slots[slot].window != window && self.slots[slot].first != FREE {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }

    pub(super) fn scan(&self, input: &[u8], texts: &Texts, hits: &mut Hits) {
        let input = &input[..input.len().min(self.reach)];
        let mut found = |at| self.compare(input, at, texts, hits);
        let looked_at = wide::places_by_hash(&self.bitmap, self.shift, self.stride, input, &mut found);
        for at in (looked_at..(input.len() + 1).saturating_sub(LEN)).step_by(self.stride) {
            let hash = hash(load(input, at), self.shift);
            if self.bitmap[hash / 64] >> (hash % 64) & 1 != 0 {
                found(at);
            }
        }
    }

    /// Notes the patterns that stand in the input with their window at `at`, whose hash is some window's.
    #[inline(never)]
    fn compare(&self, input: &[u8], at: usize, texts: &Texts, hits: &mut Hits) {
        let window = load(input, at);
        let first = self.slots[self.slot(window)].first;
        if first == FREE {
            return;
        }
        let entries = self.entries[first as usize..].iter();
        for entry in entries.take_while(|entry| entry.window == window) {
            if entry.fits(input, at)
                && !hits.is_known(entry.pattern)
                && texts.stands(entry.pattern, input, at, entry.offset.into())
            {
                hits.add(entry.pattern);
            }
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.bitmap.len() * 8 + self.slots.len() * size_of::<Slot>() + self.entries.len() * size_of::<Entry>()
    }
}
