//! In the place of `wide` where the processor is another: places are looked at one by one.

use super::few::Halves;

/// Shows each place of the input whose bytes may belong to buckets, and those buckets; the input ends with zeros.
pub(super) fn places_by_halves(halves: &Halves, input: &[u8], found: impl FnMut(usize, u8)) {
    halves.places(input, found);
}

/// Looks at no place.
pub(super) fn places_by_hash(_: &[u64], _: u32, _: usize, _: &[u8], _: &mut impl FnMut(usize)) -> usize {
    0
}
