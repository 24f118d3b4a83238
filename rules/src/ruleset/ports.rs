//! Rules by the server's port, so that payload is looked through for few patterns.
//!
//! Ports that the same rules serve are one class. The classes with the most rules of their own, and those of whole
//! ranges of ports, get a group each; the others share one that has the rules of them all.

use super::SignatureId;
use super::group::{self, Group};
use crate::header::port::PortSet;
use crate::signature::Signature;
use std::collections::HashMap;

/// A class of at least so many ports is met by chance.
const MANY_PORTS: usize = 256;
/// How many ports there are.
const PORTS: usize = 1 << 16;

/// Groups of rules by port.
#[derive(Debug)]
pub struct PortGroups {
    /// For each port the number of its group.
    of_port: Box<[u8]>,
    groups: Vec<Group>,
}

/// The ports of which the server's must be one; of a rule that holds either way round there are two sets, and it
/// must be in one of them.
fn ports(signature: &Signature, to_server: bool) -> (&PortSet, Option<&PortSet>) {
    let header = &signature.header;
    let (server, other) = match to_server {
        true => (&*header.destination_ports, &*header.source_ports),
        false => (&*header.source_ports, &*header.destination_ports),
    };
    (server, header.bidirectional.then_some(other))
}

/// Spreads a number over all bits (SplitMix64).
fn spread(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Ports that the same rules serve.
struct Class {
    ports: usize,
    /// Places among the rules.
    rules: Vec<usize>,
}

/// The classes of all ports, and for each port the place of its class.
fn classes(rules: &[(SignatureId, &Signature)], to_server: bool) -> (Vec<Class>, Vec<usize>) {
    let mut sets: HashMap<&PortSet, u64> = HashMap::new();
    for (_, signature) in rules {
        let (server, other) = ports(signature, to_server);
        for set in [Some(server), other].into_iter().flatten() {
            let next = sets.len() as u64 + 1;
            sets.entry(set).or_insert(next);
        }
    }
    let mut places: HashMap<u64, usize> = HashMap::new();
    let mut classes: Vec<Class> = Vec::new();
    let of_port = (0..=u16::MAX).zip(marks(&sets)).map(|(port, mark)| {
        let place = *places.entry(mark).or_insert_with(|| {
            classes.push(Class { ports: 0, rules: serving(rules, port, to_server) });
            classes.len() - 1
        });
        classes[place].ports += 1;
        place
    });
    let of_port = of_port.collect();
    (classes, of_port)
}

/// The rules that serve a port.
fn serving(rules: &[(SignatureId, &Signature)], port: u16, to_server: bool) -> Vec<usize> {
    let serves = |signature: &Signature| {
        let (server, other) = ports(signature, to_server);
        server.contains(port) || other.is_some_and(|set| set.contains(port))
    };
    rules.iter().enumerate().filter(|(_, (_, signature))| serves(signature)).map(|(at, _)| at).collect()
}

/// For each port a number that is the same where the same sets hold it.
fn marks(sets: &HashMap<&PortSet, u64>) -> Vec<u64> {
    let mut marks = vec![0u64; PORTS + 1];
    for (set, &number) in sets {
        for &(first, last) in set.ranges().ranges() {
            marks[usize::from(first)] ^= spread(number);
            marks[usize::from(last) + 1] ^= spread(number);
        }
    }
    marks.truncate(PORTS);
    let mut held = 0;
    for mark in &mut marks {
        held ^= *mark;
        *mark = held;
    }
    marks
}

impl PortGroups {
    /// At most `most` groups of rules that look at payload.
    pub(super) fn new(rules: &[(SignatureId, &Signature)], to_server: bool, most: u8) -> Self {
        let (classes, of_port) = classes(rules, to_server);
        let mut order: Vec<usize> = (0..classes.len()).collect();
        order
            .sort_by_key(|&at| std::cmp::Reverse((classes[at].ports >= MANY_PORTS, classes[at].rules.len())));
        let own = if order.len() <= usize::from(most) { order.len() } else { usize::from(most) - 1 };
        let group = |places: &[usize]| group::of_payload(places.iter().map(|&at| rules[at]));
        let mut groups: Vec<Group> = order[..own].iter().map(|&at| group(&classes[at].rules)).collect();
        if own < order.len() {
            let mut shared: Vec<usize> =
                order[own..].iter().flat_map(|&at| classes[at].rules.iter().copied()).collect();
            shared.sort_unstable();
            shared.dedup();
            groups.push(group(&shared));
        }
        let mut number_of = vec![0; classes.len()];
        for (number, &at) in order.iter().enumerate() {
            number_of[at] = u8::try_from(number.min(own)).expect("at most as many as a byte counts");
        }
        Self { of_port: of_port.into_iter().map(|at| number_of[at]).collect(), groups }
    }

    /// The rules that packets with that port of the server can match.
    #[inline]
    pub fn of(&self, port: u16) -> &Group {
        &self.groups[usize::from(self.of_port[usize::from(port)])]
    }

    /// All groups.
    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }
}
