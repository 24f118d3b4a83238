//! A limit on the alerts of one rule, so that a loose one cannot drown the stream for all others: the alerts beyond it
//! are held back and counted, and one event says how many there were.

use super::{Record, RecordKind};
use crate::event::{Alert, Event};
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many alerts of one rule are delivered.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct StormConfig {
    /// Alerts of one rule in a window; those beyond are held back. 0 for no limit. A replay has none.
    pub alerts: u64,
    /// Seconds of a window, which begins with the rule's first alert.
    pub window_s: u64,
}

impl Default for StormConfig {
    /// At 1.8 kB to an alert, a loose rule takes 3 % of a shard.
    fn default() -> Self {
        Self { alerts: 1_000, window_s: 60 }
    }
}

impl StormConfig {
    /// No limit.
    pub fn off() -> Self {
        Self { alerts: 0, ..Self::default() }
    }
}

/// Rules whose alerts are counted at a time; when there are more, all windows end early.
const RULES: usize = 1 << 16;

#[derive(Debug)]
struct Window {
    ends: Instant,
    admitted: u64,
    held_back: u64,
    rule: Arc<Alert>,
    /// The packet of the last alert that was held back.
    last: Timestamp,
}

/// Counts alerts by rule.
#[derive(Debug)]
pub(crate) struct StormLimiter {
    config: StormConfig,
    windows: HashMap<(u32, u32), Window>,
    /// Windows that ended with alerts held back, not told yet.
    ended: Vec<Window>,
}

impl StormLimiter {
    pub(crate) fn new(config: StormConfig) -> Self {
        Self { config, windows: HashMap::new(), ended: Vec::new() }
    }

    fn span(&self) -> Duration {
        Duration::from_secs(self.config.window_s)
    }

    /// Whether the event may go on; one that may not is counted here.
    pub(crate) fn admits(&mut self, record: &Record, now: Instant) -> bool {
        let Some(rule) = record.rule.as_ref().filter(|_| record.kind == RecordKind::Alert) else {
            return true;
        };
        if self.config.alerts == 0 {
            return true;
        }
        let key = (rule.gid, rule.sid);
        if self.windows.get(&key).is_some_and(|window| window.ends <= now) {
            self.windows.remove(&key).into_iter().for_each(|window| self.end(window));
        }
        if self.windows.len() >= RULES && !self.windows.contains_key(&key) {
            std::mem::take(&mut self.windows).into_values().for_each(|window| self.end(window));
        }
        let ends = now + self.span();
        let begin =
            || Window { ends, admitted: 0, held_back: 0, rule: Arc::clone(rule), last: Timestamp::ZERO };
        let window = self.windows.entry(key).or_insert_with(begin);
        if window.admitted < self.config.alerts {
            window.admitted += 1;
            return true;
        }
        window.held_back += 1;
        window.last = window.last.max(record.time);
        false
    }

    fn end(&mut self, window: Window) {
        if window.held_back > 0 {
            self.ended.push(window);
        }
    }

    /// What is to be told of windows that are over: of all of them when `at_once`.
    pub(crate) fn summaries(&mut self, now: Instant, at_once: bool) -> Vec<Event> {
        let over: Vec<_> = self.windows.extract_if(|_, window| at_once || window.ends <= now).collect();
        over.into_iter().for_each(|(_, window)| self.end(window));
        let span = self.span();
        let mut ended = std::mem::take(&mut self.ended);
        ended.sort_by_key(|window| (window.last, window.rule.gid, window.rule.sid));
        ended
            .iter()
            .map(|window| Event::held_back(&window.rule, window.held_back, span, window.last))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::testing::record;

    fn limiter(alerts: u64) -> StormLimiter {
        StormLimiter::new(StormConfig { alerts, window_s: 60 })
    }

    fn alert(sid: u32, number: u64) -> Record {
        let signature = format!("Rule {sid}");
        let rule = Alert { gid: 1, sid, rev: 2, severity: 3, signature, ..Alert::default() };
        Record { rule: Some(Arc::new(rule)), ..record(number, number) }
    }

    /// How many of so many alerts of the rule go on.
    fn admitted(limiter: &mut StormLimiter, sid: u32, alerts: u64, now: Instant) -> usize {
        (0..alerts).filter(|&number| limiter.admits(&alert(sid, number), now)).count()
    }

    fn told(limiter: &mut StormLimiter, now: Instant) -> Vec<(u32, String, Timestamp)> {
        let summaries = limiter.summaries(now, false).into_iter();
        summaries
            .map(|event| match event {
                Event::Summary(of) => (of.alert.sid, of.alert.signature.clone(), of.time),
                other => panic!("{other:?} is no summary"),
            })
            .collect()
    }

    #[test]
    fn a_rule_has_so_many_alerts_in_a_window_and_others_are_not_touched() {
        let (mut limiter, start) = (limiter(3), Instant::now());
        let mut at = |sid, second| admitted(&mut limiter, sid, 10, start + Duration::from_secs(second));
        assert_eq!([at(1, 0), at(2, 1), at(1, 59), at(1, 60)], [3, 3, 0, 3]);
    }

    #[test]
    fn one_event_says_how_many_were_held_back_when_the_window_is_over() {
        let (mut limiter, start) = (limiter(3), Instant::now());
        assert_eq!([admitted(&mut limiter, 1, 10, start), admitted(&mut limiter, 2, 3, start)], [3, 3]);
        assert!(told(&mut limiter, start + Duration::from_secs(59)).is_empty());
        let expected = "Rule 1 (7 more alerts of this rule were held back within 60 s)".to_owned();
        let last = alert(1, 9).time;
        assert_eq!(told(&mut limiter, start + Duration::from_secs(60)), [(1, expected, last)]);
        assert!(told(&mut limiter, start + Duration::from_secs(600)).is_empty());
    }

    #[test]
    fn a_window_that_ends_by_a_new_alert_is_told_too() {
        let (mut limiter, start) = (limiter(1), Instant::now());
        assert_eq!(admitted(&mut limiter, 1, 5, start), 1);
        assert_eq!(admitted(&mut limiter, 1, 1, start + Duration::from_secs(61)), 1);
        assert_eq!(told(&mut limiter, start + Duration::from_secs(61)).len(), 1);
    }

    #[test]
    fn what_is_no_alert_of_a_rule_is_not_limited() {
        let (mut limiter, now) = (limiter(1), Instant::now());
        let summary = Record { kind: RecordKind::Summary, ..alert(1, 0) };
        assert!((0..5).all(|_| limiter.admits(&summary, now) && limiter.admits(&record(1, 1), now)));
        assert_eq!(admitted(&mut StormLimiter::new(StormConfig::off()), 1, 5_000, now), 5_000);
    }

    #[test]
    fn the_table_is_bounded_and_tells_what_it_forgets() {
        let (mut limiter, now) = (limiter(1), Instant::now());
        assert_eq!(admitted(&mut limiter, 0, 2, now), 1);
        for sid in 1..=RULES as u32 {
            assert_eq!(admitted(&mut limiter, sid, 1, now), 1);
        }
        assert!(limiter.windows.len() <= RULES);
        assert_eq!(told(&mut limiter, now).len(), 1);
    }
}
