//! Which rules hit the limits on the work of one inspection, and how often.

use crate::counter::{Counter, Counters};
use rules::inspect::Scratch;
use rules::ruleset::SignatureId;
use std::collections::BTreeMap;

/// How often inspections by each rule were ended by a limit: on steps tried (Suricata documentation: "suricata.yaml",
/// `detect.inspection-recursion-limit`) or on the work of a `pcre` (`pcre.match-limit` and `match-limit-recursion`).
/// An inspection that is ended does not hold.
#[derive(Clone, Debug, Default)]
pub struct CutShort(BTreeMap<SignatureId, u64>);

impl CutShort {
    /// Notes what came up while a rule was tried.
    pub(super) fn note(&mut self, rule: SignatureId, scratch: &mut Scratch, counters: &mut Counters) {
        let steps = std::mem::take(&mut scratch.exhausted);
        let pcre = std::mem::take(&mut scratch.pcre_limit_hits);
        if steps + pcre > 0 {
            counters.add(Counter::InspectionsCutShort, steps);
            counters.add(Counter::PcreCutShort, pcre);
            *self.0.entry(rule).or_default() += steps + pcre;
        }
    }

    /// Adds another's counts, of the same rule set.
    pub fn merge(&mut self, other: &Self) {
        for (&rule, count) in &other.0 {
            *self.0.entry(rule).or_default() += count;
        }
    }

    /// Rules with their counts, most often first.
    pub fn most_often(&self) -> Vec<(SignatureId, u64)> {
        let mut rules: Vec<_> = self.0.iter().map(|(&rule, &count)| (rule, count)).collect();
        rules.sort_by_key(|&(rule, count)| (std::cmp::Reverse(count), rule));
        rules
    }
}
