//! 32 places of the input looked at at once, with AVX2: by a bitmap of hashes where there are many windows, by their
//! bytes' halves where there are few. The only unsafe code of the rules: over all of the fast patterns of a large rule
//! set the bitmap is asked 1.2 times as fast as a place at a time, over a few hundred of them twice as fast, and the
//! halves of a few windows are looked at ten times as fast.

#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _mm_cvtsi32_si128, _mm256_and_si256, _mm256_andnot_si256, _mm256_castsi256_ps,
    _mm256_cmpeq_epi8, _mm256_i32gather_epi32, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_movemask_ps,
    _mm256_mullo_epi32, _mm256_or_si256, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_sllv_epi32, _mm256_srl_epi32, _mm256_srli_epi16, _mm256_srli_epi32,
};

/// Places looked at in one step.
const STEP: usize = 32;
/// Bytes of a window.
const LEN: usize = 4;
/// Bytes that one step reads: the last place's window reaches beyond the places.
const READ: usize = STEP + LEN - 1;

/// How windows of four bytes, the first the least significant, are hashed, and which hashes occur.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter<'a> {
    /// A bit for each hash.
    pub(super) bitmap: &'a [u64],
    /// By how much a product is shifted to make a hash: the bitmap has 2^(32 - shift) bits, at least 64.
    pub(super) shift: u32,
    /// What a window is multiplied with.
    pub(super) multiplier: u32,
    /// What is set in a window before.
    pub(super) fold: u32,
}

impl Filter<'_> {
    /// Shows each place of the input whose window's hash occurs, in any order, some twice. Says whether it has looked:
    /// not where the input is short or the processor has no AVX2.
    pub(super) fn scan(self, input: &[u8], found: impl FnMut(usize)) -> bool {
        if input.len() < READ || !is_x86_feature_detected!("avx2") {
            return false;
        }
        assert!(self.shift <= 26 && self.bitmap.len() >= 1 << (26 - self.shift), "every hash has its bit");
        // SAFETY: the processor has AVX2, and the bitmap a bit for every hash.
        unsafe { self.scan_avx2(input, found) }
        true
    }

    /// # Safety
    ///
    /// The bitmap must have 2^(32 - shift) bits, and the input at least `READ` bytes.
    #[target_feature(enable = "avx2")]
    unsafe fn scan_avx2(self, input: &[u8], mut found: impl FnMut(usize)) {
        let fold = _mm256_set1_epi32(self.fold.cast_signed());
        let multiplier = _mm256_set1_epi32(self.multiplier.cast_signed());
        let shift = _mm_cvtsi32_si128(self.shift.cast_signed());
        let low = _mm256_set1_epi32(31);
        let bitmap = self.bitmap.as_ptr().cast::<i32>();
        let last = input.len() - READ;
        let mut at = 0;
        loop {
            let mut places = [0u32; 4];
            for (lane, places) in places.iter_mut().enumerate() {
                // SAFETY: 32 bytes from `at + lane` on, `lane` at most 3, end within the input.
                let windows = unsafe { _mm256_loadu_si256(input.as_ptr().add(at + lane).cast::<__m256i>()) };
                let product = _mm256_mullo_epi32(_mm256_or_si256(windows, fold), multiplier);
                let hash = _mm256_srl_epi32(product, shift);
                let word = _mm256_srli_epi32::<5>(hash);
                // SAFETY: a hash is below 2^(32 - shift), so its word of 32 bits is in the bitmap.
                let bits = unsafe { _mm256_i32gather_epi32::<4>(bitmap, word) };
                // The hash's bit becomes the sign.
                let up = _mm256_andnot_si256(hash, low);
                let signs = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_sllv_epi32(bits, up)));
                *places = signs.cast_unsigned();
            }
            if places != [0; 4] {
                for (lane, mut places) in places.into_iter().enumerate() {
                    while places != 0 {
                        found(at + lane + 4 * places.trailing_zeros() as usize);
                        places &= places - 1;
                    }
                }
            }
            if at == last {
                break;
            }
            // The last step covers what is left, and some places again.
            at = last.min(at + STEP);
        }
    }
}

/// A few windows, by the halves of their bytes: each belongs to one of eight buckets, and a place is shown where the
/// halves of its four bytes all occur there in the windows of some bucket (as Hyperscan's "Teddy" does it).
#[derive(Debug)]
pub(super) struct Halves {
    /// For each byte of a window and each lower half, the buckets that have it there; all twice, as AVX2 looks up.
    low: [[u8; 32]; LEN],
    /// For each byte of a window and each upper half, likewise.
    high: [[u8; 32]; LEN],
    /// What is set in each byte of a window before.
    fold: u8,
}

impl Halves {
    /// The most windows: with more of them too many other places would be shown.
    pub(super) const MOST: usize = 32;

    /// Of windows in ascending order, all of whose bytes have the bits of `fold` set.
    pub(super) fn new(windows: &[u32], fold: u8) -> Self {
        let mut halves = Self { low: [[0; 32]; LEN], high: [[0; 32]; LEN], fold };
        for (at, window) in windows.iter().enumerate() {
            let bucket = 1 << (at * 8 / windows.len());
            for (place, byte) in window.to_le_bytes().into_iter().enumerate() {
                for lane in [0, 16] {
                    halves.low[place][lane + usize::from(byte & 15)] |= bucket;
                    halves.high[place][lane + usize::from(byte >> 4)] |= bucket;
                }
            }
        }
        halves
    }

    /// Shows each place of the input where a window stands, and a few others, in any order, some twice. Says whether it
    /// has looked: not where the input is short or the processor has no AVX2.
    pub(super) fn scan(&self, input: &[u8], found: impl FnMut(usize)) -> bool {
        if input.len() < READ || !is_x86_feature_detected!("avx2") {
            return false;
        }
        // SAFETY: the processor has AVX2, and the input is long enough.
        unsafe { self.scan_avx2(input, found) }
        true
    }

    /// # Safety
    ///
    /// The input must have at least `READ` bytes.
    #[target_feature(enable = "avx2")]
    unsafe fn scan_avx2(&self, input: &[u8], mut found: impl FnMut(usize)) {
        let half = _mm256_set1_epi8(15);
        let fold = _mm256_set1_epi8(self.fold.cast_signed());
        // SAFETY: each table has 32 bytes.
        let tables = unsafe {
            [
                (
                    _mm256_loadu_si256(self.low[0].as_ptr().cast()),
                    _mm256_loadu_si256(self.high[0].as_ptr().cast()),
                ),
                (
                    _mm256_loadu_si256(self.low[1].as_ptr().cast()),
                    _mm256_loadu_si256(self.high[1].as_ptr().cast()),
                ),
                (
                    _mm256_loadu_si256(self.low[2].as_ptr().cast()),
                    _mm256_loadu_si256(self.high[2].as_ptr().cast()),
                ),
                (
                    _mm256_loadu_si256(self.low[3].as_ptr().cast()),
                    _mm256_loadu_si256(self.high[3].as_ptr().cast()),
                ),
            ]
        };
        let last = input.len() - READ;
        let mut at = 0;
        loop {
            let mut buckets = _mm256_set1_epi8(-1);
            for (place, &(low, high)) in tables.iter().enumerate() {
                // SAFETY: 32 bytes from `at + place` on, `place` at most 3, end within the input.
                let bytes = unsafe { _mm256_loadu_si256(input.as_ptr().add(at + place).cast::<__m256i>()) };
                let bytes = _mm256_or_si256(bytes, fold);
                let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), half);
                let low = _mm256_shuffle_epi8(low, _mm256_and_si256(bytes, half));
                let high = _mm256_shuffle_epi8(high, upper);
                buckets = _mm256_and_si256(buckets, _mm256_and_si256(low, high));
            }
            let none = _mm256_cmpeq_epi8(buckets, _mm256_setzero_si256());
            let mut places = !_mm256_movemask_epi8(none).cast_unsigned();
            while places != 0 {
                found(at + places.trailing_zeros() as usize);
                places &= places - 1;
            }
            if at == last {
                break;
            }
            at = last.min(at + STEP);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_the_places_that_a_plain_loop_finds(
            input in proptest::collection::vec(any::<u8>(), READ..200),
            bitmap in proptest::collection::vec(any::<u64>(), 64),
        ) {
            let filter = Filter { bitmap: &bitmap, shift: 20, multiplier: 0x9E37_79B1, fold: 0x2020_2020 };
            let mut places = Vec::new();
            prop_assume!(filter.scan(&input, |place| places.push(place)));
            places.sort_unstable();
            places.dedup();
            let expected: Vec<_> = (0..=input.len() - LEN)
                .filter(|&at| {
                    let window = u32::from_le_bytes(input[at..at + 4].try_into().expect("four bytes"));
                    let hash = (window | filter.fold).wrapping_mul(filter.multiplier) >> filter.shift;
                    bitmap[hash as usize / 64] >> (hash % 64) & 1 != 0
                })
                .collect();
            prop_assert_eq!(places, expected);
        }

        #[test]
        fn shows_all_places_of_windows(
            input in proptest::collection::vec(0x60u8..0x64, READ..200),
            windows in proptest::collection::btree_set(proptest::array::uniform4(0x60u8..0x64), 1..Halves::MOST),
        ) {
            let mut windows: Vec<u32> = windows.into_iter().map(u32::from_le_bytes).collect();
            windows.sort_unstable();
            let mut places = Vec::new();
            prop_assume!(Halves::new(&windows, 0x20).scan(&input, |place| places.push(place)));
            for (at, window) in input.windows(LEN).enumerate() {
                let window = u32::from_le_bytes(window.try_into().expect("four bytes"));
                prop_assert!(windows.binary_search(&window).is_err() || places.contains(&at));
            }
            prop_assert!(places.iter().all(|&at| at + LEN <= input.len()));
        }
    }
}
