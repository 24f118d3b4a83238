//! Alerts that wait for the end of their flow, so that they can tell how it ended.
//!
//! They wait in the order in which they were found, for so much packet time and no more; where too many wait, the
//! oldest goes out at once, without an end, and is counted.

use crate::counter::{Counter, Counters};
use crate::event::{Detection, FlowStatistics};
use crate::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Alerts that go out now.
type Released = Vec<Detection>;

/// Alerts by flow, and in order of finding.
#[derive(Debug)]
pub(super) struct HeldAlerts {
    wait: Duration,
    capacity: usize,
    alerts: BTreeMap<u64, Detection>,
    by_flow: HashMap<u64, Vec<u64>>,
    next: u64,
}

impl HeldAlerts {
    /// Holds at most `capacity` alerts, each for at most `wait`.
    pub(super) fn new(wait: Duration, capacity: usize) -> Self {
        Self { wait, capacity: capacity.max(1), alerts: BTreeMap::new(), by_flow: HashMap::new(), next: 0 }
    }

    /// Holds an alert of a flow; gives back those that have to go out instead. One without a flow waits for nothing.
    pub(super) fn hold(&mut self, detection: Detection, counters: &mut Counters) -> Released {
        let Some(flow) = detection.flow_id else { return vec![detection] };
        let mut released = self.release_until(detection.time);
        if self.alerts.len() == self.capacity {
            counters.increment(Counter::AlertsNotHeld);
            released.extend(self.release_oldest());
        }
        self.by_flow.entry(flow).or_default().push(self.next);
        self.alerts.insert(self.next, detection);
        self.next += 1;
        released
    }

    /// The alerts of a flow that has ended, told how.
    pub(super) fn end(&mut self, flow: u64, statistics: FlowStatistics) -> Released {
        let numbers = self.by_flow.remove(&flow).unwrap_or_default();
        let ended = numbers.iter().filter_map(|number| self.alerts.remove(number));
        ended
            .map(|mut detection| {
                detection.flow = Some(statistics);
                detection
            })
            .collect()
    }

    /// All that still wait.
    pub(super) fn release_all(&mut self) -> Released {
        self.by_flow.clear();
        std::mem::take(&mut self.alerts).into_values().collect()
    }

    /// Alerts that have waited long enough at `now`.
    fn release_until(&mut self, now: Timestamp) -> Released {
        let mut released = Vec::new();
        while self.alerts.first_key_value().is_some_and(|(_, oldest)| oldest.time.after(self.wait) < now) {
            released.extend(self.release_oldest());
        }
        released
    }

    fn release_oldest(&mut self) -> Option<Detection> {
        let (number, detection) = self.alerts.pop_first()?;
        if let Some(flow) = detection.flow_id
            && let Some(numbers) = self.by_flow.get_mut(&flow)
        {
            numbers.retain(|&held| held != number);
            if numbers.is_empty() {
                self.by_flow.remove(&flow);
            }
        }
        Some(detection)
    }
}
