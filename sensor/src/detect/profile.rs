//! What rules cost: how often each is tried and how long that takes, measured on a sample of packets.

use rules::ruleset::SignatureId;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// What one rule cost on the packets of the sample.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Cost {
    /// How often it was tried,
    pub tried: u64,
    /// how often it matched,
    pub matched: u64,
    /// and how long that took.
    pub time: Duration,
}

/// The cost of every rule of a set.
#[derive(Clone, Debug)]
pub struct Profile {
    every: NonZeroU32,
    /// Packets until the next one of the sample.
    until_next: u32,
    sampled: u64,
    costs: Vec<Cost>,
}

impl Profile {
    /// Of so many rules, on every so many-th packet.
    pub fn new(rules: usize, every: NonZeroU32) -> Self {
        Self { every, until_next: 0, sampled: 0, costs: vec![Cost::default(); rules] }
    }

    /// Whether the next packet belongs to the sample.
    pub(super) fn samples_next(&mut self) -> bool {
        if self.until_next > 0 {
            self.until_next -= 1;
            return false;
        }
        self.until_next = self.every.get() - 1;
        self.sampled += 1;
        true
    }

    pub(super) fn note(&mut self, rule: SignatureId, since: Instant, matched: bool) {
        let cost = &mut self.costs[rule as usize];
        cost.tried += 1;
        cost.matched += u64::from(matched);
        cost.time += since.elapsed();
    }

    /// Packets of the sample.
    pub fn sampled(&self) -> u64 {
        self.sampled
    }

    /// Adds what another worker measured with the same rules.
    pub fn merge(&mut self, other: &Self) {
        self.sampled += other.sampled;
        for (mine, theirs) in self.costs.iter_mut().zip(&other.costs) {
            mine.tried += theirs.tried;
            mine.matched += theirs.matched;
            mine.time += theirs.time;
        }
    }

    /// Rules that were tried, the most expensive first.
    pub fn dearest(&self) -> Vec<(SignatureId, Cost)> {
        let tried = (0..).zip(&self.costs).filter(|(_, cost)| cost.tried > 0);
        let mut dearest: Vec<_> = tried.map(|(rule, cost)| (rule, *cost)).collect();
        dearest.sort_by_key(|(rule, cost)| (std::cmp::Reverse(cost.time), *rule));
        dearest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_so_manyth_packet_is_sampled_and_the_dearest_rule_is_first() {
        let mut profile = Profile::new(3, NonZeroU32::new(4).expect("not zero"));
        let sampled = (0..9).map(|_| profile.samples_next()).filter(|&sampled| sampled).count();
        assert_eq!((sampled, profile.sampled()), (3, 3));
        let long_ago = Instant::now() - Duration::from_secs(1);
        profile.note(2, long_ago, true);
        profile.note(0, Instant::now(), false);
        let mut other = profile.clone();
        other.note(0, long_ago, false);
        profile.merge(&other);
        let dearest = profile.dearest();
        let told: Vec<_> = dearest.iter().map(|(rule, cost)| (*rule, cost.tried, cost.matched)).collect();
        assert_eq!(told, [(2, 2, 2), (0, 3, 0)]);
    }
}
