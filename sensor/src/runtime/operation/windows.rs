//! Counts over the last ten seconds, the last minute, and since the start.

use crate::counter::Counters;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How far back a window reaches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Window {
    /// Ten seconds.
    Short,
    /// A minute.
    Long,
    /// Since the start.
    Whole,
}

impl Window {
    /// Every window.
    pub const ALL: [Self; 3] = [Self::Short, Self::Long, Self::Whole];

    /// Its name in statistics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Short => "10s",
            Self::Long => "1m",
            Self::Whole => "start",
        }
    }

    const fn span(self) -> Option<Duration> {
        match self {
            Self::Short => Some(Duration::from_secs(10)),
            Self::Long => Some(Duration::from_secs(60)),
            Self::Whole => None,
        }
    }
}

/// The counts of the last minute, second by second.
#[derive(Debug)]
pub(super) struct Windows {
    started: Instant,
    /// The oldest first; none is older than the longest window, but for the first.
    seconds: VecDeque<(Instant, Counters)>,
}

/// What was counted within a window, and how long that was.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The counts.
    pub counters: Counters,
    /// How long they took.
    pub span: Duration,
}

impl Windows {
    pub(super) fn new(now: Instant) -> Self {
        Self { started: now, seconds: VecDeque::from([(now, Counters::default())]) }
    }

    /// Notes the counts since the start.
    pub(super) fn note(&mut self, now: Instant, counters: Counters) {
        self.seconds.push_back((now, counters));
        let longest = Duration::from_secs(61);
        while self.seconds.len() > 1 && now.duration_since(self.seconds[0].0) > longest {
            self.seconds.pop_front();
        }
    }

    /// What was counted within a window that ends now, with these counts since the start.
    pub(super) fn counted(&self, window: Window, now: Instant, counters: &Counters) -> Counted {
        let Some(span) = window.span() else {
            return Counted { counters: counters.clone(), span: now.duration_since(self.started) };
        };
        let within = |second: &&(Instant, Counters)| now.duration_since(second.0) <= span;
        let oldest = self.seconds.iter().find(within).or(self.seconds.back());
        oldest.map_or_else(
            || Counted { counters: Counters::default(), span: Duration::ZERO },
            |(at, then)| Counted { counters: counters.since(then), span: now.duration_since(*at) },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counter::Counter;

    #[test]
    fn windows_tell_what_was_counted_within_them() {
        let start = Instant::now();
        let mut windows = Windows::new(start);
        let after = |seconds: u64| {
            let mut counters = Counters::default();
            counters.add(Counter::Alerts, seconds);
            (start + Duration::from_secs(seconds), counters)
        };
        for second in 1..=200 {
            let (at, counters) = after(second);
            windows.note(at, counters);
        }
        let (now, counters) = after(200);
        let alerts = |window| windows.counted(window, now, &counters).counters.value(Counter::Alerts);
        assert_eq!(Window::ALL.map(alerts), [10, 60, 200]);
        assert_eq!(windows.counted(Window::Short, now, &counters).span, Duration::from_secs(10));
        assert!(windows.seconds.len() <= 63, "no more than a minute is kept");
    }
}
