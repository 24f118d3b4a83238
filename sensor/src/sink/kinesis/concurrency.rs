//! How many requests may be in flight: one more while answers come as fast as they did, fewer when they slow down
//! or fail.

use std::time::Duration;

/// Recent answers slower than this many times the usual mean that requests queue up somewhere.
const SLOW: f64 = 2.0;
/// Below some milliseconds it is this machine's load that is measured.
const NOISE_S: f64 = 0.01;
const DECREASE: f64 = 0.9;
const FAILURE_DECREASE: f64 = 0.5;
/// Weight of a new round trip in the recent ones, and in the usual one when it is slower and when it is faster.
const RECENT: f64 = 0.2;
const RISE: f64 = 0.005;
const FALL: f64 = 0.05;

#[derive(Debug)]
pub(crate) struct Concurrency {
    limit: f64,
    most: f64,
    /// Averages of round trips, once there was one.
    averages: Option<Averages>,
}

#[derive(Clone, Copy, Debug)]
struct Averages {
    recent_s: f64,
    usual_s: f64,
}

impl Concurrency {
    pub(crate) fn new(most: usize) -> Self {
        let most = most.max(1) as f64;
        Self { limit: most.min(4.0), most, averages: None }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// An answer came; `full` when as many requests as allowed were in flight.
    pub(crate) fn answered(&mut self, round_trip: Duration, full: bool) {
        let seconds = round_trip.as_secs_f64();
        let Averages { recent_s, usual_s } =
            self.averages.unwrap_or(Averages { recent_s: seconds, usual_s: seconds });
        let recent_s = recent_s + (seconds - recent_s) * RECENT;
        let usual_s = usual_s + (seconds - usual_s) * if seconds > usual_s { RISE } else { FALL };
        self.averages = Some(Averages { recent_s, usual_s });
        if recent_s > usual_s * SLOW + NOISE_S {
            self.limit = (self.limit * DECREASE).max(1.0);
        } else if full {
            self.limit = (self.limit + 1.0 / self.limit).min(self.most);
        }
    }

    /// No answer came, or one that the service itself failed.
    pub(crate) fn failed(&mut self) {
        self.limit = (self.limit * FAILURE_DECREASE).max(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_while_answers_are_fast_and_shrinks_when_they_slow_down() {
        let mut concurrency = Concurrency::new(16);
        (0..500).for_each(|_| concurrency.answered(Duration::from_millis(30), true));
        assert_eq!(concurrency.limit(), 16);
        (0..20).for_each(|_| concurrency.answered(Duration::from_millis(300), true));
        assert!(concurrency.limit() < 10);
        (0..10).for_each(|_| concurrency.failed());
        assert_eq!(concurrency.limit(), 1);
    }

    #[test]
    fn answers_that_only_vary_change_nothing() {
        let mut concurrency = Concurrency::new(16);
        let mut random = fastrand::Rng::with_seed(3);
        (0..2_000).for_each(|_| concurrency.answered(Duration::from_millis(random.u64(5..40)), true));
        assert!(concurrency.limit() >= 14, "{}", concurrency.limit());
    }

    #[test]
    fn does_not_grow_unused() {
        let mut concurrency = Concurrency::new(16);
        (0..500).for_each(|_| concurrency.answered(Duration::from_millis(30), false));
        assert_eq!(concurrency.limit(), 4);
    }
}
