//! Events that were lost are told of by an event: one for all that was lost in a minute.

use crate::event::Event;
use crate::sink::accounting::{Account, DropReason};
use crate::time::Timestamp;
use std::time::{Duration, Instant};

/// Reasons that are losses. Alerts of a storm are told of otherwise, and whoever deletes an integration is told then.
const LOSSES: [DropReason; 6] = [
    DropReason::QueueFull,
    DropReason::Evicted,
    DropReason::Expired,
    DropReason::DiskFull,
    DropReason::Corrupt,
    DropReason::DeadLettered,
];

/// How long losses are gathered before they are told.
const GATHERED: Duration = Duration::from_secs(60);

/// What was lost and not told yet.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    told: [u64; LOSSES.len()],
    since: Option<Instant>,
}

impl Losses {
    /// What is to be told now; `at_once` does not wait for more.
    pub(crate) fn summary(
        &mut self,
        account: &Account,
        now: Instant,
        at_once: bool,
        until: Timestamp,
    ) -> Option<Event> {
        let lost = LOSSES.map(|reason| account.dropped_for(reason));
        if lost == self.told {
            return None;
        }
        let since = *self.since.get_or_insert(now);
        if !at_once && now.saturating_duration_since(since) < GATHERED {
            return None;
        }
        let reasons = LOSSES.iter().zip(lost.iter().zip(self.told));
        let new: Vec<_> = reasons.map(|(reason, (lost, told))| (reason.name(), lost - told)).collect();
        let new: Vec<_> = new.into_iter().filter(|&(_, count)| count > 0).collect();
        (self.told, self.since) = (lost, None);
        Some(Event::lost(&new, until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::accounting::{Ledger, Place};

    #[test]
    fn a_minutes_losses_are_one_event_with_a_number_for_each_reason() {
        let (ledger, mut losses, start) = (Ledger::new(), Losses::default(), Instant::now());
        let mut told = |ledger: &Ledger, second, at_once| {
            let now = start + Duration::from_secs(second);
            let summary = losses.summary(&ledger.snapshot(), now, at_once, Timestamp::ZERO);
            summary.map(|event| event.rule().expect("a summary has an alert").signature.clone())
        };
        assert_eq!(told(&ledger, 0, true), None);
        ledger.create(3, Place::Dropped(DropReason::Evicted));
        ledger.create(9, Place::Dropped(DropReason::Storm));
        assert_eq!(told(&ledger, 1, false), None);
        ledger.create(4, Place::Dropped(DropReason::Expired));
        let expected = "Events lost by the sensor: 7 (evicted 3, expired 4)";
        assert_eq!(told(&ledger, 61, false).as_deref(), Some(expected));
        assert_eq!(told(&ledger, 300, false), None);
        ledger.create(1, Place::Dropped(DropReason::Evicted));
        assert_eq!(told(&ledger, 301, true).as_deref(), Some("Events lost by the sensor: 1 (evicted 1)"));
    }
}
