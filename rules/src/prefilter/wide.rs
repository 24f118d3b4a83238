//! 32 places of the input looked at at once, with AVX2. The only unsafe code of the rules: a few patterns are found
//! thirty times as fast as a place at a time, many of them twice as fast.

#![allow(unsafe_code)]

use super::few::Halves;
use super::many::Many;
use super::window::{LEN, MULTIPLIER, fold};
use std::arch::x86_64::{
    __m256i, _mm_cvtsi32_si128, _mm256_and_si256, _mm256_andnot_si256, _mm256_castsi256_ps,
    _mm256_cmpeq_epi8, _mm256_i32gather_epi32, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_movemask_ps,
    _mm256_mullo_epi32, _mm256_or_si256, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_sllv_epi32, _mm256_srl_epi32, _mm256_srli_epi16, _mm256_srli_epi32,
    _mm256_storeu_si256,
};

/// Places looked at in one step.
const STEP: usize = 32;

/// Shows each place of the input whose bytes may belong to buckets, and those buckets; the input ends with zeros.
pub(super) fn places_by_halves(halves: &Halves, input: &[u8], found: impl FnMut(usize, u8)) {
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        unsafe { places_by_halves_avx2(halves, input, found) }
    } else {
        halves.places(input, found);
    }
}

#[target_feature(enable = "avx2")]
fn places_by_halves_avx2(halves: &Halves, input: &[u8], mut found: impl FnMut(usize, u8)) {
    /// Bytes that one step reads: the last place's bytes reach beyond the places.
    const READ: usize = STEP + LEN - 1;
    // SAFETY: each table has 32 bytes.
    let load = |table: &[u8; 32]| unsafe { _mm256_loadu_si256(table.as_ptr().cast()) };
    let (low, high) = (halves.low.each_ref().map(load), halves.high.each_ref().map(load));
    let half = _mm256_set1_epi8(15);
    let mut look = |bytes: &[u8; READ], at: usize, end: usize| {
        let mut buckets = _mm256_set1_epi8(-1);
        for place in 0..LEN {
            // SAFETY: 32 bytes from `place` on, which is below `LEN`, end within the bytes.
            let bytes = unsafe { _mm256_loadu_si256(bytes.as_ptr().add(place).cast::<__m256i>()) };
            let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), half);
            let low = _mm256_shuffle_epi8(low[place], _mm256_and_si256(bytes, half));
            let high = _mm256_shuffle_epi8(high[place], upper);
            buckets = _mm256_and_si256(buckets, _mm256_and_si256(low, high));
        }
        let none = _mm256_cmpeq_epi8(buckets, _mm256_setzero_si256());
        let mut places = !_mm256_movemask_epi8(none).cast_unsigned();
        if places != 0 {
            let mut of_places = [0; STEP];
            // SAFETY: there are 32 bytes of room.
            unsafe { _mm256_storeu_si256(of_places.as_mut_ptr().cast(), buckets) };
            while places != 0 {
                let place = places.trailing_zeros() as usize;
                if at + place < end {
                    found(at + place, of_places[place]);
                }
                places &= places - 1;
            }
        }
    };
    let mut at = 0;
    while let Some(bytes) = input[at..].first_chunk() {
        look(bytes, at, input.len());
        at += STEP;
    }
    // What is left is shorter than a step reads, which may be more than its places.
    let rest = &input[at..];
    let mut padded = [0; STEP + READ];
    padded[..rest.len()].copy_from_slice(rest);
    for step in (0..rest.len()).step_by(STEP) {
        look(padded[step..].first_chunk().expect("room for two steps"), at + step, input.len());
    }
}

/// Shows each `stride`-th place of the input, which is 1 or [`Many::STRIDE`], whose window's hash has its bit, in any
/// order, as far as there is enough to look at. Tells from which place on it has not looked.
pub(super) fn places_by_hash(
    bitmap: &[u64],
    shift: u32,
    stride: usize,
    input: &[u8],
    found: &mut impl FnMut(usize),
) -> usize {
    if input.len() < STEP || !is_x86_feature_detected!("avx2") {
        return 0;
    }
    let hashes = Hashes::new(bitmap, shift);
    // SAFETY: the processor has AVX2.
    unsafe {
        match stride {
            1 => places_by_hash_avx2::<1>(hashes, input, found),
            Many::STRIDE => places_by_hash_avx2::<{ Many::STRIDE }>(hashes, input, found),
            _ => 0,
        }
    }
}

/// Which hashes occur.
#[derive(Clone, Copy)]
struct Hashes<'a> {
    bitmap: &'a [u64],
    shift: u32,
}

impl<'a> Hashes<'a> {
    fn new(bitmap: &'a [u64], shift: u32) -> Self {
        assert!(shift <= 26 && bitmap.len() >= 1 << (26 - shift), "every hash has its bit");
        Self { bitmap, shift }
    }
}

#[target_feature(enable = "avx2")]
fn places_by_hash_avx2<const STRIDE: usize>(
    hashes: Hashes<'_>,
    input: &[u8],
    found: &mut impl FnMut(usize),
) -> usize {
    /// Windows that do not overlap in one step.
    const LANES: usize = STEP / LEN;
    let set = _mm256_set1_epi32(fold(0).cast_signed());
    let multiplier = _mm256_set1_epi32(MULTIPLIER.cast_signed());
    let shift = _mm_cvtsi32_si128(hashes.shift.cast_signed());
    let low = _mm256_set1_epi32(31);
    let bitmap = hashes.bitmap.as_ptr().cast::<i32>();
    // The windows that begin at every fourth place of 32 bytes, a bit for each.
    let look = |bytes: &[u8; STEP]| {
        // SAFETY: there are 32 bytes.
        let windows = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast::<__m256i>()) };
        let product = _mm256_mullo_epi32(_mm256_or_si256(windows, set), multiplier);
        let hash = _mm256_srl_epi32(product, shift);
        // SAFETY: a hash is below 2^(32 - shift), so its word of 32 bits is in the bitmap.
        let bits = unsafe { _mm256_i32gather_epi32::<4>(bitmap, _mm256_srli_epi32::<5>(hash)) };
        // The hash's bit becomes the sign.
        let up = _mm256_andnot_si256(hash, low);
        _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_sllv_epi32(bits, up))).cast_unsigned()
    };
    let mut show = |at: usize, mut places: u32| {
        while places != 0 {
            found(at + LEN * places.trailing_zeros() as usize);
            places &= places - 1;
        }
    };
    // Several looks at once keep the processor busy while it waits for the bitmap.
    let (apart, step) = if STRIDE == 1 { (1, STEP) } else { (STEP, LEN * STEP) };
    let mut at = 0;
    while at + 3 * apart + STEP <= input.len() {
        let mut places = [0u32; LEN];
        for (lane, places) in places.iter_mut().enumerate() {
            *places = look(input[at + lane * apart..].first_chunk().expect("checked above"));
        }
        if places != [0; LEN] {
            for (lane, places) in places.into_iter().enumerate() {
                show(at + lane * apart, places);
            }
        }
        at += step;
    }
    if STRIDE > 1 {
        while let Some(bytes) = input[at..].first_chunk() {
            show(at, look(bytes));
            at += LANES * LEN;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::super::window::hash;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_the_hashes_that_a_plain_loop_finds(
            input in proptest::collection::vec(any::<u8>(), 0..300),
            bitmap in proptest::collection::vec(any::<u64>(), 64),
        ) {
            for stride in [1, Many::STRIDE] {
                let mut places = Vec::new();
                let looked_at = places_by_hash(&bitmap, 20, stride, &input, &mut |place| places.push(place));
                places.sort_unstable();
                let expected: Vec<_> = (0..looked_at)
                    .step_by(stride)
                    .filter(|&at| {
                        let window = u32::from_le_bytes(input[at..at + LEN].try_into().expect("four bytes"));
                        let hash = hash(fold(window), 20);
                        bitmap[hash / 64] >> (hash % 64) & 1 != 0
                    })
                    .collect();
                prop_assert_eq!(places, expected);
            }
        }

        #[test]
        fn finds_the_halves_that_a_plain_loop_finds(
            input in proptest::collection::vec(any::<u8>(), 0..200),
            low in proptest::array::uniform4(proptest::array::uniform16(any::<u8>())),
            high in proptest::array::uniform4(proptest::array::uniform16(any::<u8>())),
        ) {
            let twice = |table: [u8; 16]| std::array::from_fn(|at| table[at % 16]);
            let halves = Halves { low: low.map(twice), high: high.map(twice) };
            let (mut wide, mut plain) = (Vec::new(), Vec::new());
            places_by_halves(&halves, &input, |place, buckets| wide.push((place, buckets)));
            halves.places(&input, |place, buckets| plain.push((place, buckets)));
            prop_assert_eq!(wide, plain);
        }
    }
}
