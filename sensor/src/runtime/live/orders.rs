//! What the threads of a live capture are told: other rules, and to stop.

use crate::capture::Waker;
use crate::worker::SharedRules;
use arc_swap::ArcSwapOption;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A rule set with its number; the first one is 0.
#[derive(Debug)]
struct Version {
    number: u64,
    rules: SharedRules,
}

/// What workers look at between two bursts.
#[derive(Debug)]
pub(super) struct Orders {
    stopping: AtomicBool,
    newest: AtomicU64,
    rules: ArcSwapOption<Version>,
    wakers: Vec<Waker>,
}

impl Orders {
    pub(super) fn new(wakers: Vec<Waker>) -> Self {
        Self {
            stopping: AtomicBool::new(false),
            newest: AtomicU64::new(0),
            rules: ArcSwapOption::empty(),
            wakers,
        }
    }

    /// Tells workers to stop.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake();
    }

    pub(super) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Gives workers other rules, which each takes up before its next burst; the number of the set.
    pub(super) fn give(&self, rules: SharedRules) -> u64 {
        let number = self.newest.load(Ordering::Relaxed) + 1;
        self.rules.store(Some(Version { number, rules }.into()));
        self.newest.store(number, Ordering::Release);
        self.wake();
        number
    }

    /// The rules given last, with their number, if that is above `number`.
    #[inline]
    pub(super) fn newer_rules(&self, number: u64) -> Option<(u64, SharedRules)> {
        if self.newest.load(Ordering::Acquire) == number {
            return None;
        }
        let version = self.rules.load_full().filter(|version| version.number > number)?;
        Some((version.number, version.rules.clone()))
    }

    fn wake(&self) {
        self.wakers.iter().for_each(Waker::wake);
    }
}
