//! Four bytes of a pattern that stand for it in a filter.

use super::frequency;

/// Bytes in a window.
pub(super) const LEN: usize = 4;

/// Sets bit 5 of each byte: letters of either case become one, and so do a few other pairs, which costs nothing but
/// a comparison.
const FOLD: u32 = 0x2020_2020;

/// Spreads windows over hashes; odd, from the golden ratio.
pub(super) const MULTIPLIER: u32 = 0x9E37_79B1;

/// A hash that more windows than this have makes the next pattern choose another window, if it has one.
const CROWDED: u32 = 8;

/// The folded window that begins at `at`.
#[inline]
pub(super) fn load(bytes: &[u8], at: usize) -> u32 {
    let window = bytes[at..].first_chunk().expect("a window begins there");
    fold(u32::from_le_bytes(*window))
}

/// A window with letters of either case made one.
pub(super) fn fold(window: u32) -> u32 {
    window | FOLD
}

/// The upper bits of a window's hash.
#[inline]
pub(super) fn hash(window: u32, shift: u32) -> usize {
    (window.wrapping_mul(MULTIPLIER) >> shift) as usize
}

/// Of a pattern's windows that begin at `first` and every `stride` bytes behind, the one that is met least often: how
/// often it is expected, and where it begins. Nothing where there is none.
pub(super) fn rarest(pattern: &[u8], first: usize, stride: usize) -> Option<(u32, usize)> {
    let expected = |at: usize| frequency::expected(pattern[at..at + LEN].try_into().expect("four bytes"));
    let windows = (first..(pattern.len() + 1).saturating_sub(LEN)).step_by(stride);
    windows.map(|at| (expected(at), at)).min()
}

/// Windows chosen so far, by hash.
#[derive(Debug)]
pub(super) struct Crowds {
    shift: u32,
    windows: Vec<u32>,
}

impl Crowds {
    /// None chosen; hashes have 32 - `shift` bits.
    pub(super) fn new(shift: u32) -> Self {
        let mut windows = vec![0; 1 << (32 - shift)];
        // Padding comes in long stretches: what only hashes like it would be compared with all of it.
        for byte in 0..=u8::MAX {
            windows[hash(fold(u32::from_le_bytes([byte; LEN])), shift)] = CROWDED;
        }
        Self { shift, windows }
    }

    /// Chooses a window of a pattern in lower case, at least a window long, of those that begin at `first` and every
    /// `stride` bytes behind: the one that is met least often, and least crowded. Tells where it begins.
    pub(super) fn choose(&mut self, pattern: &[u8], first: usize, stride: usize) -> usize {
        let rarest = (first..=pattern.len() - LEN).step_by(stride).min_by_key(|&at| {
            let window: [u8; LEN] = pattern[at..at + LEN].try_into().expect("four bytes");
            let crowd = self.windows[hash(load(pattern, at), self.shift)];
            let penalty = if crowd >= CROWDED { 1 << 21 } else { 0 };
            (penalty + frequency::expected(window)) / 8 * (8 + crowd)
        });
        let rarest = rarest.unwrap_or(first);
        self.windows[hash(load(pattern, rarest), self.shift)] += 1;
        rarest
    }
}
