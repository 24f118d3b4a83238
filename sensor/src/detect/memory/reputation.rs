//! Reputations of addresses: `iprep` (Suricata documentation: "IP Reputation Format").

use ipnet::IpNet;
use rules::header::range_set::Number;
use std::net::IpAddr;

/// No data, as a score.
const NONE: u8 = 0;

/// Scores of networks, by category. Of networks one within the other the smaller counts, of the same network named
/// twice the later.
#[derive(Debug, Default)]
pub struct Reputations {
    /// By the category's number in [`Names`](rules::names::Names).
    categories: Vec<Option<Category>>,
}

#[derive(Debug, Default)]
struct Category {
    v4: Scores<u32>,
    v6: Scores<u128>,
}

impl Reputations {
    /// Takes in the scores of a category, all of them.
    pub fn insert(&mut self, category: u32, scores: &[(IpNet, u8)]) {
        let place = category as usize;
        if self.categories.len() <= place {
            self.categories.resize_with(place + 1, || None);
        }
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for &(network, score) in scores {
            match network {
                IpNet::V4(net) => v4.push((net.network().to_bits(), net.broadcast().to_bits(), score)),
                IpNet::V6(net) => v6.push((net.network().to_bits(), net.broadcast().to_bits(), score)),
            }
        }
        self.categories[place] = Some(Category { v4: Scores::new(v4), v6: Scores::new(v6) });
    }

    /// Whether there is such a category.
    pub fn knows(&self, category: u32) -> bool {
        matches!(self.categories.get(category as usize), Some(Some(_)))
    }

    /// The score of an address in a category, from 1 to 127.
    pub fn score(&self, address: IpAddr, category: u32) -> Option<u8> {
        let scores = self.categories.get(category as usize)?.as_ref()?;
        match address {
            IpAddr::V4(address) => scores.v4.of(address.to_bits()),
            IpAddr::V6(address) => scores.v6.of(address.to_bits()),
        }
    }
}

/// Where scores begin: each holds from its number up to the next.
#[derive(Debug)]
struct Scores<N> {
    starts: Box<[(N, u8)]>,
}

impl<N> Default for Scores<N> {
    fn default() -> Self {
        Self { starts: Box::default() }
    }
}

impl<N: Number> Scores<N> {
    /// From ranges with both ends included, any two of which are apart or one within the other.
    fn new(mut ranges: Vec<(N, N, u8)>) -> Self {
        ranges.sort_by(|a, b| (a.0, b.1).cmp(&(b.0, a.1)));
        let mut sweep = Sweep { starts: Vec::new(), around: Vec::new() };
        for (first, last, score) in ranges {
            sweep.close(Some(first));
            sweep.begin(first, score);
            sweep.around.push((last, score));
        }
        sweep.close(None);
        Self { starts: sweep.starts.into() }
    }

    fn of(&self, number: N) -> Option<u8> {
        let after = self.starts.partition_point(|&(start, _)| start <= number);
        let &(_, score) = self.starts.get(after.checked_sub(1)?)?;
        (score != NONE).then_some(score)
    }
}

/// A walk over ranges in order, the outer before the inner.
struct Sweep<N> {
    starts: Vec<(N, u8)>,
    /// Ends and scores of the ranges around the place at hand, the innermost last.
    around: Vec<(N, u8)>,
}

impl<N: Number> Sweep<N> {
    /// A score holds from here on.
    fn begin(&mut self, at: N, score: u8) {
        self.starts.pop_if(|&mut (last, _)| last == at);
        self.starts.push((at, score));
    }

    /// Ends the ranges that lie before a place: after each, the one around it goes on.
    fn close(&mut self, before: Option<N>) {
        while let Some((last, _)) = self.around.pop_if(|&mut (last, _)| before.is_none_or(|at| last < at)) {
            if let Some(next) = last.next() {
                self.begin(next, self.around.last().map_or(NONE, |&(_, score)| score));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn reputations(scores: &[(&str, u8)]) -> Reputations {
        let scores: Vec<(IpNet, u8)> =
            scores.iter().map(|&(network, score)| (network.parse().unwrap(), score)).collect();
        let mut reputations = Reputations::default();
        reputations.insert(2, &scores);
        reputations
    }

    #[test]
    fn the_smallest_network_around_an_address_counts() {
        let reputations = reputations(&[
            ("10.1.2.3/32", 5),
            ("10.0.0.0/8", 9),
            ("10.1.0.0/16", 7),
            ("10.1.2.4/32", 0),
            ("255.255.255.255/32", 3),
            ("2001:db8::/32", 8),
        ]);
        for (address, score) in [
            ("9.255.255.255", None),
            ("10.0.255.255", Some(9)),
            ("10.1.0.0", Some(7)),
            ("10.1.2.3", Some(5)),
            ("10.1.2.4", None),
            ("10.1.2.5", Some(7)),
            ("10.2.0.0", Some(9)),
            ("11.0.0.0", None),
            ("255.255.255.255", Some(3)),
            ("2001:db8::7", Some(8)),
            ("2001:db9::", None),
            ("::a01:203", None),
        ] {
            assert_eq!(reputations.score(address.parse().unwrap(), 2), score, "{address}");
        }
        assert_eq!(reputations.score("10.1.2.3".parse().unwrap(), 1), None);
        assert_eq!([1, 2, 3].map(|category| reputations.knows(category)), [false, true, false]);
    }

    #[test]
    fn of_a_network_named_twice_the_later_score_counts() {
        let reputations = reputations(&[("10.0.0.0/8", 9), ("10.0.0.0/8", 4), ("10.0.0.0/9", 6)]);
        assert_eq!(reputations.score("10.0.0.1".parse().unwrap(), 2), Some(6));
        assert_eq!(reputations.score("10.200.0.1".parse().unwrap(), 2), Some(4));
    }

    proptest! {
        #[test]
        fn any_networks_score_as_the_longest_prefix_says(
            networks in proptest::collection::vec((0u32..64, 26u8..=32, 0u8..=127), 0..40),
        ) {
            let networks: Vec<(IpNet, u8)> = networks
                .into_iter()
                .map(|(low, prefix, score)| {
                    let address = IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 | low));
                    (IpNet::new(address, prefix).unwrap(), score)
                })
                .collect();
            let mut reputations = Reputations::default();
            reputations.insert(0, &networks);
            for low in 0..70u32 {
                let address = IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 | low));
                let around = networks.iter().filter(|(network, _)| network.contains(&address));
                let expected = around.max_by_key(|(network, _)| network.prefix_len()).map(|&(_, score)| score);
                prop_assert_eq!(reputations.score(address, 0), expected.filter(|&score| score > 0));
            }
        }
    }
}
