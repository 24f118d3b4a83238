//! How long to wait before trying again: exponential backoff with full jitter, so that many sensors that failed
//! together do not come back together.

use std::time::Duration;

/// How waits grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BackoffPolicy {
    /// The longest first wait.
    pub base: Duration,
    /// The longest wait at all.
    pub cap: Duration,
}

impl BackoffPolicy {
    /// The longest wait before try number `attempt`, the first retry being number 0.
    pub fn ceiling(&self, attempt: u32) -> Duration {
        self.base.saturating_mul(2_u32.saturating_pow(attempt)).min(self.cap)
    }

    /// A wait before try number `attempt`: anything from nothing to the ceiling, all alike.
    pub fn wait(&self, attempt: u32) -> Duration {
        self.ceiling(attempt).mul_f64(fastrand::f64())
    }
}

/// Waits that grow with every failure in a row and start anew after any success.
#[derive(Clone, Debug)]
pub struct Backoff {
    policy: BackoffPolicy,
    failures: u32,
}

impl Backoff {
    /// No failure yet.
    pub fn new(policy: BackoffPolicy) -> Self {
        Self { policy, failures: 0 }
    }

    /// Another failure; the wait before the next try.
    pub fn fail(&mut self) -> Duration {
        let wait = self.policy.wait(self.failures);
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// Something went well: one unlucky client must not back off into a spiral.
    pub fn succeed(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: BackoffPolicy =
        BackoffPolicy { base: Duration::from_millis(100), cap: Duration::from_secs(10) };

    #[test]
    fn ceilings_double_up_to_the_cap() {
        assert_eq!(POLICY.ceiling(0), Duration::from_millis(100));
        assert_eq!(POLICY.ceiling(3), Duration::from_millis(800));
        assert_eq!(POLICY.ceiling(u32::MAX), POLICY.cap);
    }

    #[test]
    fn waits_are_spread_over_the_whole_range() {
        let waits: Vec<_> = (0..1_000).map(|_| POLICY.wait(2)).collect();
        let ceiling = POLICY.ceiling(2);
        assert!(waits.iter().all(|&wait| wait <= ceiling));
        assert!(waits.iter().any(|&wait| wait < ceiling / 10));
        assert!(waits.iter().any(|&wait| wait > ceiling / 10 * 9));
    }

    #[test]
    fn a_success_starts_anew() {
        let mut backoff = Backoff::new(POLICY);
        for _ in 0..50 {
            assert!(backoff.fail() <= POLICY.cap);
        }
        backoff.succeed();
        assert_eq!(backoff.failures(), 0);
        assert!(backoff.fail() <= POLICY.base);
    }
}
