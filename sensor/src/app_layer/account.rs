//! What the parsers of all flows of a worker keep together, and its limit.

use crate::limits::AppLayerLimits;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};

/// The account of a worker.
#[derive(Debug)]
pub struct Account {
    limit: isize,
    limit_of_flow: isize,
    held: AtomicIsize,
}

impl Account {
    /// An empty one, with one shard's limits.
    pub fn new(limits: &AppLayerLimits) -> Arc<Self> {
        let bytes = |limit| isize::try_from(limit).unwrap_or(isize::MAX);
        Arc::new(Self {
            limit: bytes(limits.memory_bytes),
            limit_of_flow: bytes(limits.memory_bytes_per_flow),
            held: AtomicIsize::new(0),
        })
    }

    /// How many bytes all flows have on it.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed).max(0).unsigned_abs()
    }

    /// Whether a flow that keeps so many bytes may keep them.
    fn allows(&self, bytes: isize) -> bool {
        bytes <= self.limit_of_flow && self.held.load(Ordering::Relaxed) <= self.limit
    }
}

/// What one flow has on an account; given back once it is let go of.
#[derive(Debug)]
pub(super) struct Share {
    account: Arc<Account>,
    bytes: isize,
}

impl Share {
    pub(super) fn new(account: &Arc<Account>) -> Self {
        Self { account: Arc::clone(account), bytes: 0 }
    }

    /// The flow keeps so many bytes now. Says whether it may: whoever asks for more while it or all together have too much
    /// may not.
    pub(super) fn set(&mut self, bytes: isize) -> bool {
        let more = bytes - self.bytes;
        if more != 0 {
            self.account.held.fetch_add(more, Ordering::Relaxed);
            self.bytes = bytes;
        }
        more <= 0 || self.account.allows(bytes)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_more_than_there_is_is_refused() {
        let limits =
            AppLayerLimits { memory_bytes: 100, memory_bytes_per_flow: 80, ..AppLayerLimits::default() };
        let account = Account::new(&limits);
        let [mut one, mut other] = [0; 2].map(|_| Share::new(&account));
        assert!(one.set(60) && other.set(40));
        assert!(!other.set(41));
        assert!(one.set(60), "it has not grown");
        assert!(one.set(59) && other.set(41), "there is room again");
        assert_eq!(account.held(), 100);
        drop(one);
        assert_eq!(account.held(), 41);
        assert!(other.set(80) && !other.set(81), "one flow alone");
        drop(other);
        assert_eq!(account.held(), 0);
    }
}
