//! Whose bytes a host keeps where fragments or segments overlap.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

/// How a host treats data that overlaps, named after the systems that do so, as in Suricata's `host-os-policy`.
///
/// What it says of fragments is from Shankar and Paxson, "Active Mapping" (2003) and Novak, "Target-Based
/// Fragmentation Reassembly" (2005); of TCP segments from Novak and Sturges, "Target-Based TCP Stream Reassembly"
/// (2007) and the systems' own published sources. Earlier is what came first, whatever its place in the data.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverlapPolicy {
    /// The earlier data, unless the later begins before it: BSD, AIX, IRIX, HP-UX 10, VMS.
    #[default]
    Bsd,
    /// The later data, unless it begins before the earlier: HP JetDirect.
    BsdRight,
    /// The earlier data.
    First,
    /// The later data: Cisco IOS.
    Last,
    /// Linux since 2.4. Fragments: the later, unless it begins after the earlier. Segments: the later if it begins
    /// before, or with the earlier and reaches further.
    Linux,
    /// Linux before 2.4: the later data, unless it begins after the earlier.
    OldLinux,
    /// Solaris. Fragments: the earlier, unless the later begins before it and reaches at least as far. Segments:
    /// what reaches further; where they end alike, what begins before.
    Solaris,
    /// Solaris 8 and before: with fragments as `First`, with segments as `Solaris`.
    OldSolaris,
    /// Windows since 2000. Fragments: the earlier, unless the later reaches beyond it at both ends. Segments as `Bsd`.
    Windows,
    /// Windows Server 2003: as `Windows`, but for timestamps of 0.
    Windows2k3,
    /// Windows since Vista: with fragments as `Windows`, with segments as `First`.
    Vista,
    /// HP-UX 10: as `Bsd`.
    Hpux10,
    /// HP-UX 11: with fragments as `First`, with segments as `Solaris`.
    Hpux11,
    /// IRIX: as `Bsd`.
    Irix,
    /// Mac OS: with fragments as `First`, with segments as `Bsd`.
    Macos,
}

impl OverlapPolicy {
    /// Every policy.
    pub const ALL: [Self; 15] = [
        Self::Bsd,
        Self::BsdRight,
        Self::First,
        Self::Last,
        Self::Linux,
        Self::OldLinux,
        Self::Solaris,
        Self::OldSolaris,
        Self::Windows,
        Self::Windows2k3,
        Self::Vista,
        Self::Hpux10,
        Self::Hpux11,
        Self::Irix,
        Self::Macos,
    ];

    /// Whether bytes of a fragment that spans `new` replace those of an earlier one that spans `old`.
    pub(super) fn fragment_wins<T: Ord>(self, new: &Range<T>, old: &Range<T>) -> bool {
        match self {
            Self::First | Self::OldSolaris | Self::Hpux11 | Self::Macos => false,
            Self::Last => true,
            Self::Bsd | Self::Hpux10 | Self::Irix => new.start < old.start,
            Self::BsdRight => new.start >= old.start,
            Self::Linux | Self::OldLinux => new.start <= old.start,
            Self::Solaris => new.start < old.start && new.end >= old.end,
            Self::Windows | Self::Windows2k3 | Self::Vista => new.start < old.start && new.end > old.end,
        }
    }

    /// Whether bytes of a segment that spans `new` replace those of an earlier one that spans `old`, where both wait
    /// behind missing data.
    pub(super) fn segment_wins<T: Ord>(self, new: &Range<T>, old: &Range<T>) -> bool {
        match self {
            Self::First | Self::Vista => false,
            Self::Last => true,
            Self::Bsd | Self::Windows | Self::Windows2k3 | Self::Hpux10 | Self::Irix | Self::Macos => {
                new.start < old.start
            }
            Self::BsdRight => new.start >= old.start,
            Self::Linux => new.start < old.start || (new.start == old.start && new.end > old.end),
            Self::OldLinux => new.start <= old.start,
            Self::Solaris | Self::OldSolaris | Self::Hpux11 => {
                new.end > old.end || (new.end == old.end && new.start < old.start)
            }
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
