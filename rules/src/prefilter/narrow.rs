//! In the place of `wide` where the processor is another: places are looked at one by one.

/// How windows are hashed, and which hashes occur.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "nothing is looked at with it")]
pub(super) struct Filter<'a> {
    pub(super) bitmap: &'a [u64],
    pub(super) shift: u32,
    pub(super) multiplier: u32,
    pub(super) fold: u32,
}

impl Filter<'_> {
    /// Has not looked.
    pub(super) fn scan(self, _input: &[u8], _found: impl FnMut(usize)) -> bool {
        false
    }
}

/// A few windows.
#[derive(Debug)]
pub(super) struct Halves;

impl Halves {
    /// The most windows.
    pub(super) const MOST: usize = 0;

    /// Of windows.
    pub(super) fn new(_windows: &[u32], _fold: u8) -> Self {
        Self
    }

    /// Has not looked.
    pub(super) fn scan(&self, _input: &[u8], _found: impl FnMut(usize)) -> bool {
        false
    }
}
