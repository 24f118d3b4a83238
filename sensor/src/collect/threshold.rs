//! How often rules may alert: `threshold`, `detection_filter`, and suppressions (Suricata documentation:
//! "Thresholding Keywords", "Global-Thresholds").
//!
//! Time is packet time. A window begins with its first packet, holds up to and including `seconds` later, and begins
//! anew with the first packet after it.

use super::FoundRule;
use crate::counter::{Counter, Counters};
use crate::time::Timestamp;
use ipnet::IpNet;
use rules::threshold::{Threshold, ThresholdKind, Track};
use std::collections::HashMap;
use std::net::IpAddr;

/// What is counted apart.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Subject {
    Rule,
    Address(IpAddr),
    Pair(IpAddr, IpAddr),
    Flow(u64),
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Key {
    gid: u32,
    sid: u32,
    revision: u32,
    track: Track,
    subject: Subject,
    /// Which of the rule's thresholds.
    place: usize,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    first: Timestamp,
    count: u32,
}

/// Alerts of a rule that are not wanted from or to some addresses (`suppress`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Suppression {
    /// Generator; 0 means any.
    pub gid: u32,
    /// Signature; 0 means any of the generator.
    pub sid: u32,
    /// Whose address is looked at; nothing for every alert of the rule.
    pub track: Option<Track>,
    /// The addresses.
    pub networks: Vec<IpNet>,
}

/// A rule whose alerts become something else when they come too fast (`rate_filter`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RateFilter {
    /// Generator.
    pub gid: u32,
    /// Signature.
    pub sid: u32,
    /// When it takes effect.
    pub threshold: Threshold,
    /// For how many seconds.
    pub timeout_seconds: u32,
}

/// The windows of all thresholds.
#[derive(Debug, Default)]
pub struct ThresholdTable {
    windows: HashMap<Key, Window>,
    capacity: usize,
    suppressions: Vec<Suppression>,
    overrides: HashMap<(u32, u32), Threshold>,
}

const NANOS: u64 = 1_000_000_000;

impl ThresholdTable {
    /// A table of at most `capacity` windows.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// Alerts that are not wanted.
    #[must_use]
    pub fn with_suppressions(self, suppressions: Vec<Suppression>) -> Self {
        Self { suppressions, ..self }
    }

    /// Thresholds that stand for those of the rules themselves.
    #[must_use]
    pub fn with_overrides(self, overrides: HashMap<(u32, u32), Threshold>) -> Self {
        Self { overrides, ..self }
    }

    /// Whether this alert may go out now.
    pub fn admits(&mut self, rule: &FoundRule, counters: &mut Counters) -> bool {
        let alert = &rule.detection.alert;
        if self.suppressions.iter().any(|suppression| suppression.holds(rule)) {
            return false;
        }
        let global = self.overrides.get(&(alert.gid, alert.sid)).copied();
        let thresholds = global.as_ref().map_or(&*rule.thresholds, std::slice::from_ref);
        thresholds.iter().enumerate().all(|(place, &threshold)| {
            let Some(subject) = subject(threshold.track, rule) else { return true };
            let (gid, sid, revision) = (alert.gid, alert.sid, alert.rev);
            let key = Key { gid, sid, revision, track: threshold.track, subject, place };
            self.count(key, threshold, rule.detection.time, counters)
        })
    }

    fn count(&mut self, key: Key, threshold: Threshold, now: Timestamp, counters: &mut Counters) -> bool {
        if !self.windows.contains_key(&key) && self.windows.len() >= self.capacity {
            self.make_room(now, u64::from(threshold.seconds) * NANOS, counters);
        }
        let window = self.windows.entry(key).or_insert(Window { first: now, count: 0 });
        if now.nanos_since(window.first) > u64::from(threshold.seconds) * NANOS {
            *window = Window { first: now, count: 0 };
        }
        window.count = window.count.saturating_add(1);
        match threshold.kind {
            ThresholdKind::Limit => window.count <= threshold.count,
            ThresholdKind::Both => window.count == threshold.count,
            ThresholdKind::Filter => window.count > threshold.count,
            ThresholdKind::Threshold => {
                let full = window.count >= threshold.count;
                if full {
                    window.count = 0;
                }
                full
            }
            ThresholdKind::Backoff { multiplier } => backs_off(window.count, threshold.count, multiplier),
        }
    }

    /// Gives up windows that are over, and if none is, all of them: thresholds then begin anew, which is counted.
    fn make_room(&mut self, now: Timestamp, span_ns: u64, counters: &mut Counters) {
        self.windows.retain(|_, window| now.nanos_since(window.first) <= span_ns);
        if self.windows.len() >= self.capacity {
            counters.add(Counter::ThresholdsEvicted, self.windows.len() as u64);
            self.windows.clear();
        }
    }
}

/// At `count`, then at each multiple by `multiplier` of the one before.
fn backs_off(seen: u32, count: u32, multiplier: u32) -> bool {
    let mut next = count.max(1);
    while next < seen {
        match next.checked_mul(multiplier.max(2)) {
            Some(further) => next = further,
            None => return false,
        }
    }
    next == seen
}

fn subject(track: Track, rule: &FoundRule) -> Option<Subject> {
    let (source, destination) = (rule.packet_source, rule.packet_destination);
    match track {
        Track::Rule => Some(Subject::Rule),
        Track::Source => Some(Subject::Address(source)),
        Track::Destination => Some(Subject::Address(destination)),
        Track::Both => Some(Subject::Pair(source.min(destination), source.max(destination))),
        Track::Flow => rule.detection.flow_id.map(Subject::Flow),
    }
}

impl Suppression {
    fn holds(&self, rule: &FoundRule) -> bool {
        let alert = &rule.detection.alert;
        let meant = (self.gid == 0 || self.gid == alert.gid) && (self.sid == 0 || self.sid == alert.sid);
        let within = |address: IpAddr| self.networks.iter().any(|network| network.contains(&address));
        meant
            && match self.track {
                None => true,
                Some(Track::Source) => within(rule.packet_source),
                Some(Track::Destination) => within(rule.packet_destination),
                Some(_) => within(rule.packet_source) || within(rule.packet_destination),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::tests::found_rule;

    /// Which of alerts at these seconds go out.
    fn admitted(kind: ThresholdKind, count: u32, seconds: u32, times: &[u64]) -> Vec<u64> {
        let mut table = ThresholdTable::new(16);
        let mut counters = Counters::default();
        let threshold = Some(Threshold { kind, track: Track::Source, count, seconds });
        let admits = |&&time: &&u64| {
            table.admits(&found_rule(Timestamp::new(time, 0), "10.0.0.1", threshold), &mut counters)
        };
        times.iter().filter(admits).copied().collect()
    }

    #[test]
    fn each_kind_lets_through_what_the_documentation_says() {
        let times = [0, 1, 2, 3, 4, 5];
        assert_eq!(admitted(ThresholdKind::Limit, 2, 10, &times), [0, 1]);
        assert_eq!(admitted(ThresholdKind::Threshold, 2, 10, &times), [1, 3, 5]);
        assert_eq!(admitted(ThresholdKind::Both, 2, 10, &times), [1]);
        assert_eq!(admitted(ThresholdKind::Filter, 2, 10, &times), [2, 3, 4, 5]);
        assert_eq!(admitted(ThresholdKind::Backoff { multiplier: 2 }, 1, 10, &times), [0, 1, 3]);
    }

    #[test]
    fn a_window_holds_its_last_second_and_begins_anew_after_it() {
        assert_eq!(admitted(ThresholdKind::Limit, 1, 10, &[0, 10, 11, 21, 22]), [0, 11, 22]);
    }

    #[test]
    fn all_thresholds_of_a_rule_must_let_an_alert_through() {
        let (mut table, mut counters) = (ThresholdTable::new(16), Counters::default());
        let threshold = |kind, count| Threshold { kind, track: Track::Source, count, seconds: 60 };
        let both = [threshold(ThresholdKind::Threshold, 2), threshold(ThresholdKind::Limit, 1)];
        let admitted: Vec<u64> = (0..6)
            .filter(|&time| {
                let mut rule = found_rule(Timestamp::new(time, 0), "10.0.0.1", None);
                rule.thresholds = both.into();
                table.admits(&rule, &mut counters)
            })
            .collect();
        assert_eq!(admitted, [1]);
    }

    #[test]
    fn addresses_are_counted_apart() {
        let mut table = ThresholdTable::new(16);
        let mut counters = Counters::default();
        let threshold =
            Some(Threshold { kind: ThresholdKind::Limit, track: Track::Source, count: 1, seconds: 60 });
        for address in ["10.0.0.1", "10.0.0.2", "2001:db8::1"] {
            let rule = found_rule(Timestamp::ZERO, address, threshold);
            assert!(table.admits(&rule, &mut counters));
            assert!(!table.admits(&rule, &mut counters));
        }
    }

    #[test]
    fn a_full_table_begins_anew_and_says_so() {
        let mut table = ThresholdTable::new(2);
        let mut counters = Counters::default();
        let threshold =
            Some(Threshold { kind: ThresholdKind::Limit, track: Track::Source, count: 1, seconds: 60 });
        for address in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
            assert!(table.admits(&found_rule(Timestamp::ZERO, address, threshold), &mut counters));
        }
        assert_eq!(counters.value(Counter::ThresholdsEvicted), 2);
    }

    #[test]
    fn suppression_looks_at_the_side_it_names() {
        let suppression = |track| Suppression {
            gid: 1,
            sid: 0,
            track,
            networks: vec!["10.0.0.0/8".parse().expect("valid")],
        };
        let rule = found_rule(Timestamp::ZERO, "10.0.0.1", None);
        for (track, admits) in [(Some(Track::Source), false), (Some(Track::Destination), true), (None, false)]
        {
            let mut table = ThresholdTable::new(2).with_suppressions(vec![suppression(track)]);
            assert_eq!(table.admits(&rule, &mut Counters::default()), admits, "{track:?}");
        }
    }
}
