//! Whose bytes a host keeps where fragments overlap.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

/// How a host treats overlapping fragments (Shankar and Paxson, "Active Mapping", 2003; Novak, "Target-Based
/// Fragmentation Reassembly", 2005). An earlier fragment is the one that came first, whatever its offset.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverlapPolicy {
    /// The earlier one, unless the later begins before it: BSD, AIX, IRIX, HP-UX 10, VMS.
    #[default]
    Bsd,
    /// The later one, unless it begins before the earlier: HP JetDirect.
    BsdRight,
    /// The earlier one: old Windows, HP-UX 11, Mac OS, old Solaris.
    First,
    /// The later one: Cisco IOS.
    Last,
    /// The later one, unless it begins after the earlier: Linux.
    Linux,
    /// The earlier one, unless the later begins before it and reaches at least as far: Solaris.
    Solaris,
    /// The earlier one, unless the later reaches beyond it at both ends: Windows since 2000.
    Windows,
}

impl OverlapPolicy {
    /// Whether bytes of a fragment that spans `new` replace those of an earlier one that spans `old`.
    pub(super) fn new_wins(self, new: &Range<u32>, old: &Range<u32>) -> bool {
        match self {
            Self::First => false,
            Self::Last => true,
            Self::Bsd => new.start < old.start,
            Self::BsdRight => new.start >= old.start,
            Self::Linux => new.start <= old.start,
            Self::Solaris => new.start < old.start && new.end >= old.end,
            Self::Windows => new.start < old.start && new.end > old.end,
        }
    }
}

/// Which hosts follow which policy: networks by policy, the longest prefix decides, and where none fits, BSD.
///
/// The default is that of Suricata's shipped configuration (documentation: suricata.yaml, "Host-os-policy"): Windows
/// for all of IPv4.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(transparent)]
pub struct HostPolicies(
    #[schemars(with = "BTreeMap<String, Vec<String>>")] BTreeMap<OverlapPolicy, Vec<IpNet>>,
);

impl Default for HostPolicies {
    fn default() -> Self {
        let all_of_ipv4 = IpNet::from(ipnet::Ipv4Net::default());
        Self(BTreeMap::from([(OverlapPolicy::Windows, vec![all_of_ipv4])]))
    }
}

impl HostPolicies {
    /// Every host follows `policy`.
    pub fn all(policy: OverlapPolicy) -> Self {
        let everything = [ipnet::Ipv4Net::default().into(), ipnet::Ipv6Net::default().into()];
        Self(BTreeMap::from([(policy, everything.to_vec())]))
    }

    /// The policy of `host`.
    pub fn policy(&self, host: IpAddr) -> OverlapPolicy {
        let networks =
            self.0.iter().flat_map(|(&policy, networks)| networks.iter().map(move |it| (policy, it)));
        let matching = networks.filter(|(_, network)| network.contains(&host));
        matching
            .max_by_key(|(_, network)| network.prefix_len())
            .map_or(OverlapPolicy::Bsd, |(policy, _)| policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_decides() {
        let json = r#"{"windows": ["0.0.0.0/0"], "linux": ["10.0.0.0/8", "2001:db8::/32"], "first": ["10.1.0.0/16"]}"#;
        let policies: HostPolicies = serde_json::from_str(json).unwrap();
        for (host, policy) in [
            ("192.0.2.1", OverlapPolicy::Windows),
            ("10.2.0.1", OverlapPolicy::Linux),
            ("10.1.0.1", OverlapPolicy::First),
            ("2001:db8::1", OverlapPolicy::Linux),
            ("2001:db9::1", OverlapPolicy::Bsd),
        ] {
            assert_eq!(policies.policy(host.parse().unwrap()), policy, "{host}");
        }
    }

    #[test]
    fn the_default_is_windows_for_ipv4_and_bsd_for_ipv6() {
        let policies = HostPolicies::default();
        assert_eq!(policies.policy("192.0.2.1".parse().unwrap()), OverlapPolicy::Windows);
        assert_eq!(policies.policy("::1".parse().unwrap()), OverlapPolicy::Bsd);
        assert_eq!(
            HostPolicies::all(OverlapPolicy::Last).policy("::1".parse().unwrap()),
            OverlapPolicy::Last
        );
    }
}
