//! How far loading has come, for whoever watches from another thread.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many rules were found, and how many of them are compiled.
#[derive(Debug, Default)]
pub struct LoadProgress {
    found: AtomicU64,
    compiled: AtomicU64,
}

impl LoadProgress {
    /// Rules in the files read so far.
    pub fn rules_found(&self) -> u64 {
        self.found.load(Ordering::Relaxed)
    }

    /// Those that are compiled, or refused.
    pub fn rules_compiled(&self) -> u64 {
        self.compiled.load(Ordering::Relaxed)
    }

    pub(super) fn found(&self, rules: usize) {
        self.found.fetch_add(rules as u64, Ordering::Relaxed);
    }

    pub(super) fn compiled(&self) {
        self.compiled.fetch_add(1, Ordering::Relaxed);
    }
}
