//! How often rules may alert: `threshold`, `detection_filter`, suppressions and rate filters (Suricata documentation:
//! "Thresholding Keywords", "Global-Thresholds").
//!
//! Time is packet time. A window begins with its first packet, holds up to and including `seconds` later, and begins
//! anew with the first packet after it.

use super::FoundRule;
use crate::counter::{Counter, Counters};
use crate::time::Timestamp;
use ipnet::IpNet;
use rules::companion::threshold::Target;
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
    place: Place,
}

/// What it is counted for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Place {
    /// Which of the rule's thresholds.
    Threshold(usize),
    /// Which of all rate filters.
    Rate(usize),
}

#[derive(Clone, Copy, Debug)]
struct Window {
    first: Timestamp,
    count: u32,
    /// For how long it is kept; `None` for as long as there is room.
    seconds: Option<u32>,
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

/// What silences a rule for a while when it matches too fast (`rate_filter` with `new_action pass`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateFilter {
    /// The rules.
    pub target: Target,
    /// What is counted apart.
    pub track: Track,
    /// How many matches still alert,
    pub count: u32,
    /// in how many seconds.
    pub seconds: u32,
    /// For how many seconds the rule is silent, from the first match that does not alert.
    pub timeout_seconds: u32,
}

/// Windows by what is counted in them, so many and no more.
#[derive(Debug, Default)]
struct Windows {
    windows: HashMap<Key, Window>,
    capacity: usize,
}

/// Thresholds, suppressions and rate filters, with all their windows.
#[derive(Debug, Default)]
pub struct ThresholdTable {
    windows: Windows,
    suppressions: Vec<Suppression>,
    overrides: HashMap<(u32, u32), Threshold>,
    /// Rate filters by what they are about, each with a number of its own.
    rates: HashMap<Target, Vec<(usize, RateFilter)>>,
}

const NANOS: u64 = 1_000_000_000;

impl ThresholdTable {
    /// A table of at most `capacity` windows.
    pub fn new(capacity: usize) -> Self {
        Self { windows: Windows { capacity, ..Windows::default() }, ..Self::default() }
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

    /// What silences rules that match too fast.
    #[must_use]
    pub fn with_rates(self, rates: Vec<RateFilter>) -> Self {
        let mut by_target: HashMap<_, Vec<_>> = HashMap::new();
        for (number, rate) in rates.into_iter().enumerate() {
            by_target.entry(rate.target).or_default().push((number, rate));
        }
        Self { rates: by_target, ..self }
    }

    /// Takes over what another table says, and keeps its own windows.
    pub fn adopt(&mut self, other: Self) {
        let Self { windows: _, suppressions, overrides, rates } = other;
        (self.suppressions, self.overrides, self.rates) = (suppressions, overrides, rates);
    }

    /// Whether this alert may go out now. What a suppression or a rate filter silences counts for no threshold.
    pub fn admits(&mut self, rule: &FoundRule, counters: &mut Counters) -> bool {
        if self.suppressions.iter().any(|suppression| suppression.holds(rule))
            || self.is_too_fast(rule, counters)
        {
            return false;
        }
        let alert = &rule.detection.alert;
        let global = self.overrides.get(&(alert.gid, alert.sid)).copied();
        let thresholds = global.as_ref().map_or(&*rule.thresholds, std::slice::from_ref);
        thresholds.iter().enumerate().all(|(place, &threshold)| {
            let Some(key) = Key::new(rule, threshold.track, Place::Threshold(place)) else { return true };
            self.windows.count(key, threshold, rule.detection.time, counters)
        })
    }

    /// Counts a match for every rate filter of its rule; whether one of them silences it.
    fn is_too_fast(&mut self, rule: &FoundRule, counters: &mut Counters) -> bool {
        if self.rates.is_empty() {
            return false;
        }
        let (gid, sid) = (rule.detection.alert.gid, rule.detection.alert.sid);
        let targets = [(gid, sid), (gid, 0), (0, sid), (0, 0)].map(|(gid, sid)| Target { gid, sid });
        let mut too_fast = false;
        for (number, rate) in targets.iter().filter_map(|target| self.rates.get(target)).flatten() {
            if let Some(key) = Key::new(rule, rate.track, Place::Rate(*number)) {
                too_fast |= self.windows.count_rate(key, rate, rule.detection.time, counters);
            }
        }
        too_fast
    }
}

impl Windows {
    /// Counts a match; whether the threshold lets it through.
    fn count(&mut self, key: Key, threshold: Threshold, now: Timestamp, counters: &mut Counters) -> bool {
        // One that backs off counts for as long as its flow lives.
        let backs = matches!(threshold.kind, ThresholdKind::Backoff { .. });
        let seconds = (!backs).then_some(threshold.seconds);
        let window = self.window(key, now, seconds, counters);
        window.renew(now, seconds);
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

    /// Counts a match; whether it comes too fast, or while its rule is silent since one did. A window that holds too
    /// many begins with the first of those.
    fn count_rate(&mut self, key: Key, rate: &RateFilter, now: Timestamp, counters: &mut Counters) -> bool {
        let kept = rate.seconds.max(rate.timeout_seconds);
        let window = self.window(key, now, Some(kept), counters);
        let was_silent = window.count > rate.count;
        window.renew(now, Some(if was_silent { rate.timeout_seconds } else { rate.seconds }));
        window.count = window.count.saturating_add(1);
        let is_silent = window.count > rate.count;
        if is_silent && !was_silent {
            window.first = now;
        }
        is_silent
    }

    /// The window of a key, a new one where there is none; `seconds` is how long it is kept.
    fn window(
        &mut self,
        key: Key,
        now: Timestamp,
        seconds: Option<u32>,
        counters: &mut Counters,
    ) -> &mut Window {
        if !self.windows.contains_key(&key) && self.windows.len() >= self.capacity {
            self.make_room(now, counters);
        }
        self.windows.entry(key).or_insert(Window { first: now, count: 0, seconds })
    }

    /// Gives up windows that are over, and if few are, all of them: thresholds then begin anew, which is counted. So
    /// an eighth of the table at least is filled again before this looks at all of it once more.
    fn make_room(&mut self, now: Timestamp, counters: &mut Counters) {
        self.windows.retain(|_, window| !window.is_over(now, window.seconds));
        if self.windows.len() + self.capacity / 8 >= self.capacity {
            counters.add(Counter::ThresholdsEvicted, self.windows.len() as u64);
            self.windows.clear();
        }
    }
}

impl Window {
    /// Whether it is over when it holds for so long; its last second is part of it.
    fn is_over(&self, now: Timestamp, seconds: Option<u32>) -> bool {
        seconds.is_some_and(|seconds| now.nanos_since(self.first) > u64::from(seconds) * NANOS)
    }

    /// Begins anew if it is over.
    fn renew(&mut self, now: Timestamp, seconds: Option<u32>) {
        if self.is_over(now, seconds) {
            *self = Self { first: now, count: 0, ..*self };
        }
    }
}

impl Key {
    /// What a match of a rule is counted under; nothing where it belongs to nothing that is counted.
    fn new(rule: &FoundRule, track: Track, place: Place) -> Option<Self> {
        let alert = &rule.detection.alert;
        let subject = subject(track, rule)?;
        Some(Self { gid: alert.gid, sid: alert.sid, revision: alert.rev, track, subject, place })
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
        assert_eq!(admitted(ThresholdKind::Backoff { multiplier: 2 }, 1, 0, &times), [0, 1, 3]);
        assert_eq!(admitted(ThresholdKind::Backoff { multiplier: 3 }, 2, 0, &times), [1, 5]);
    }

    #[test]
    fn one_that_backs_off_alerts_at_each_power() {
        let times: Vec<u64> = (1..=700).collect();
        for (count, multiplier, expected) in [
            (1, 10, &[1, 10, 100][..]),
            (1, 2, &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512]),
            (5, 5, &[5, 25, 125, 625]),
        ] {
            assert_eq!(admitted(ThresholdKind::Backoff { multiplier }, count, 0, &times), expected);
        }
    }

    #[test]
    fn matches_too_far_apart_reach_no_count() {
        assert_eq!(admitted(ThresholdKind::Threshold, 2, 10, &[0, 11, 22, 23]), [23]);
        assert_eq!(admitted(ThresholdKind::Both, 2, 10, &[0, 1, 2, 11, 12, 13]), [1, 12]);
        assert_eq!(admitted(ThresholdKind::Filter, 1, 10, &[0, 1, 11, 12]), [1, 12]);
    }

    #[test]
    fn what_is_tracked_is_counted_apart() {
        // Sender, receiver, flow.
        let matches = [("10.0.0.1", "10.0.0.2", 1), ("10.0.0.2", "10.0.0.1", 1), ("10.0.0.1", "10.0.0.3", 2)];
        for (track, expected) in [
            (Track::Source, [true, true, false]),
            (Track::Destination, [true, true, true]),
            (Track::Both, [true, false, true]),
            (Track::Flow, [true, false, true]),
            (Track::Rule, [true, false, false]),
        ] {
            let mut table = ThresholdTable::new(16);
            let threshold = Threshold { kind: ThresholdKind::Limit, track, count: 1, seconds: 60 };
            let admitted = matches.map(|(source, destination, flow)| {
                let mut rule = found_rule(Timestamp::ZERO, source, Some(threshold));
                rule.packet_destination = destination.parse().expect("valid");
                rule.detection.flow_id = Some(flow);
                table.admits(&rule, &mut Counters::default())
            });
            assert_eq!(admitted, expected, "{track:?}");
        }
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
    fn room_is_made_of_windows_that_are_over_by_their_own_length() {
        let (mut table, mut counters) = (ThresholdTable::new(9), Counters::default());
        let mut admits = |second: u64, last: u8, seconds: u32| {
            let threshold = Threshold { kind: ThresholdKind::Limit, track: Track::Source, count: 1, seconds };
            let source = format!("10.0.0.{last}");
            table.admits(&found_rule(Timestamp::new(second, 0), &source, Some(threshold)), &mut counters)
        };
        assert!((0..7).all(|host| admits(0, host, 5)));
        assert!((7..9).all(|host| admits(0, host, 3600)));
        assert!((10..16).all(|host| admits(10, host, 5)));
        assert!((7..9).all(|host| !admits(11, host, 3600)), "the long ones are kept");
        assert_eq!(counters.value(Counter::ThresholdsEvicted), 0);
    }

    /// Which of matches at these seconds alert under a rate filter of two in ten seconds, silent for thirty.
    fn alerting(target: Target, times: &[u64]) -> Vec<u64> {
        let rate = RateFilter { target, track: Track::Source, count: 2, seconds: 10, timeout_seconds: 30 };
        let mut table = ThresholdTable::new(16).with_rates(vec![rate]);
        let mut counters = Counters::default();
        let alerts = |&&time: &&u64| {
            table.admits(&found_rule(Timestamp::new(time, 0), "10.0.0.1", None), &mut counters)
        };
        times.iter().filter(alerts).copied().collect()
    }

    #[test]
    fn a_rule_that_matches_too_fast_is_silent_for_a_while() {
        for (gid, sid) in [(1, 1), (1, 0), (0, 1), (0, 0)] {
            let target = Target { gid, sid };
            assert_eq!(alerting(target, &[0, 1, 5, 6, 20, 35, 36, 37, 38]), [0, 1, 36, 37]);
            assert_eq!(alerting(target, &[0, 10, 11, 21, 22]), [0, 10, 11, 21, 22], "two in each window");
        }
        assert_eq!(alerting(Target { gid: 1, sid: 2 }, &[0, 1, 2, 3]), [0, 1, 2, 3], "another rule's");
    }

    #[test]
    fn what_a_rate_filter_silences_counts_for_no_threshold() {
        let target = Target { gid: 1, sid: 1 };
        let rate = RateFilter { target, track: Track::Rule, count: 1, seconds: 10, timeout_seconds: 20 };
        let mut table = ThresholdTable::new(16).with_rates(vec![rate]);
        let third = Threshold { kind: ThresholdKind::Threshold, track: Track::Rule, count: 3, seconds: 100 };
        let mut counters = Counters::default();
        let alerts = |&&time: &&u64| {
            table.admits(&found_rule(Timestamp::new(time, 0), "10.0.0.1", Some(third)), &mut counters)
        };
        let times = [0, 1, 2, 3, 30, 60, 90];
        assert_eq!(times.iter().filter(alerts).copied().collect::<Vec<u64>>(), [60]);
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
