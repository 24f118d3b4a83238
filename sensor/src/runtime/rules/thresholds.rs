//! What a threshold.config says, in the form that the collector asks.

use super::LoadedRules;
use crate::collect::{RateFilter, Suppression, ThresholdTable};
use ::rules::companion::threshold::{Rate, Suppress};
use ::rules::header::action::Action;
use ::rules::header::address::AddressSet;
use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use std::net::{Ipv4Addr, Ipv6Addr};

impl LoadedRules {
    /// The thresholds that go before those of the rules, the suppressions, and the rate filters that silence, in a
    /// table of at most `capacity` windows.
    pub fn threshold_table(&self, capacity: usize) -> ThresholdTable {
        let metas = self.set.signatures().iter().map(|signature| &signature.meta);
        let overrides = metas.filter_map(|meta| {
            self.thresholds.of_rule(meta.gid, meta.sid).map(|threshold| ((meta.gid, meta.sid), threshold))
        });
        ThresholdTable::new(capacity)
            .with_suppressions(self.thresholds.suppressions.iter().map(suppression).collect())
            .with_overrides(overrides.collect())
            .with_rates(self.thresholds.rates.iter().filter_map(rate_filter).collect())
    }
}

fn suppression(line: &Suppress) -> Suppression {
    let (track, networks) = match &line.whose {
        None => (None, Vec::new()),
        Some((track, addresses)) => (Some(*track), networks(addresses)),
    };
    Suppression { gid: line.target.gid, sid: line.target.sid, track, networks }
}

/// What a line silences; nothing for one that asks for another action, which a passive sensor does not take.
fn rate_filter(line: &Rate) -> Option<RateFilter> {
    let Rate { target, threshold, action, timeout_seconds } = *line;
    (action == Action::Pass).then_some(RateFilter {
        target,
        track: threshold.track,
        count: threshold.count,
        seconds: threshold.seconds,
        timeout_seconds,
    })
}

/// The networks that make up a set of addresses.
fn networks(addresses: &AddressSet) -> Vec<IpNet> {
    let v4 = addresses.v4().ranges().iter().flat_map(|&(first, last)| {
        Ipv4Subnets::new(Ipv4Addr::from(first), Ipv4Addr::from(last), 0).map(IpNet::V4)
    });
    let v6 = addresses.v6().ranges().iter().flat_map(|&(first, last)| {
        Ipv6Subnets::new(Ipv6Addr::from(first), Ipv6Addr::from(last), 0).map(IpNet::V6)
    });
    v4.chain(v6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::rules::header::variable::{Resolver, Variables};
    use ::rules::parse::group;
    use ::rules::text::Text;

    #[test]
    fn addresses_become_networks() {
        let variables = Variables::default();
        let written = Text::detached("[10.0.0.0/8,!10.0.0.0/9,192.0.2.7,2001:db8::/32]").unwrap();
        let set = Resolver::new(&variables).addresses(&group(&written).unwrap()).unwrap();
        let networks: Vec<String> = networks(&set).iter().map(IpNet::to_string).collect();
        assert_eq!(networks, ["10.128.0.0/9", "192.0.2.7/32", "2001:db8::/32"]);
    }
}
