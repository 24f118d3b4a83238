//! Rules on addresses alone, found by the address that fewer rules share.

use super::SignatureId;
use crate::header::address::AddressSet;
use crate::signature::Signature;
use std::net::IpAddr;

/// Rules by ranges of addresses.
#[derive(Debug, Default)]
struct Ranges {
    /// Where a range begins, ascending, as a number in one space for both families.
    starts: Vec<u128>,
    /// The rules of each range.
    rules: Vec<Vec<SignatureId>>,
}

/// Rules on addresses alone.
#[derive(Debug, Default)]
pub struct AddressIndex {
    by_source: [Ranges; 2],
    by_destination: [Ranges; 2],
    always: Vec<SignatureId>,
}

impl AddressIndex {
    pub(super) fn new<'a>(rules: impl Iterator<Item = (SignatureId, &'a Signature)>) -> Self {
        let mut by_source = Vec::new();
        let mut by_destination = Vec::new();
        let mut always = Vec::new();
        for (id, signature) in rules {
            let header = &signature.header;
            // A rule that also holds the other way round has no one side to be found by.
            if header.bidirectional || (header.source.is_any() && header.destination.is_any()) {
                always.push(id);
            } else if header.destination.is_any() || size(&header.source) <= size(&header.destination) {
                by_source.push((id, &*header.source));
            } else {
                by_destination.push((id, &*header.destination));
            }
        }
        let index = |rules: &[(SignatureId, &AddressSet)]| {
            [true, false].map(|v4| Ranges::new(rules.iter().map(|&(id, set)| (id, ranges(set, v4)))))
        };
        Self { by_source: index(&by_source), by_destination: index(&by_destination), always }
    }

    /// Adds the rules whose indexed address is the packet's; whether the rest holds is still to be asked.
    pub fn find(&self, source: IpAddr, destination: IpAddr, add: &mut impl FnMut(SignatureId)) {
        let family = usize::from(source.is_ipv6());
        for rules in
            [self.by_source[family].at(source), self.by_destination[family].at(destination), &self.always]
        {
            rules.iter().copied().for_each(&mut *add);
        }
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        let ranges = self.by_source.iter().chain(&self.by_destination);
        self.always.is_empty() && ranges.into_iter().all(|ranges| ranges.starts.is_empty())
    }
}

fn ranges(set: &AddressSet, v4: bool) -> Vec<(u128, u128)> {
    match v4 {
        true => set.v4().ranges().iter().map(|&(first, last)| (first.into(), last.into())).collect(),
        false => set.v6().ranges().to_vec(),
    }
}

/// How much of the two families' space a set takes, each family's whole as one.
fn size(set: &AddressSet) -> f64 {
    let v4: f64 = set.v4().ranges().iter().map(|&(first, last)| f64::from(last - first) + 1.0).sum();
    let v6: f64 = set.v6().ranges().iter().map(|&(first, last)| (last - first) as f64 + 1.0).sum();
    v4 / f64::from(u32::MAX) + v6 / u128::MAX as f64
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

impl Ranges {
    fn new(rules: impl Iterator<Item = (SignatureId, Vec<(u128, u128)>)>) -> Self {
        let mut edges: Vec<(u128, bool, SignatureId)> = Vec::new();
        for (id, ranges) in rules {
            for (first, last) in ranges {
                edges.push((first, true, id));
                if let Some(after) = last.checked_add(1) {
                    edges.push((after, false, id));
                }
            }
        }
        edges.sort_unstable();
        let mut index = Self::default();
        let mut active: Vec<SignatureId> = Vec::new();
        for same in edges.chunk_by(|a, b| a.0 == b.0) {
            for &(_, begins, id) in same {
                match (begins, active.binary_search(&id)) {
                    (true, Err(place)) => active.insert(place, id),
                    (false, Ok(place)) => {
                        active.remove(place);
                    }
                    _ => {}
                }
            }
            index.starts.push(same[0].0);
            index.rules.push(active.clone());
        }
        index
    }

    fn at(&self, address: IpAddr) -> &[SignatureId] {
        let after = self.starts.partition_point(|&start| start <= number(address));
        match after.checked_sub(1) {
            Some(range) => &self.rules[range],
            None => &[],
        }
    }
}
