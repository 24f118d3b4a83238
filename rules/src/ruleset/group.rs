//! Rules that look at the same bytes, with one prefilter over their fast patterns.

use super::SignatureId;
use crate::header::protocol::PacketProtocol;
use crate::prefilter::{Hits, Matcher};
use crate::signature::{Kind, Signature, Source};
use crate::vocabulary::Field;
use std::collections::HashMap;

/// Transport protocols that have groups of their own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Everything else.
    Other,
}

impl Transport {
    /// How many there are.
    pub const COUNT: usize = 3;
    /// All of them.
    pub const ALL: [Self; Self::COUNT] = [Self::Tcp, Self::Udp, Self::Other];

    /// The group of packets of an IP protocol.
    pub fn of(protocol: u8) -> Self {
        match protocol {
            6 => Self::Tcp,
            17 => Self::Udp,
            _ => Self::Other,
        }
    }

    /// Whether a rule looks at packets of this transport.
    pub(super) fn serves(self, signature: &Signature) -> bool {
        use PacketProtocol as P;
        match signature.header.protocol {
            P::Tcp | P::TcpPkt | P::TcpStream => self == Self::Tcp,
            P::Udp => self == Self::Udp,
            P::Icmp | P::Icmpv4 | P::Icmpv6 | P::Sctp | P::Arp => self == Self::Other,
            P::Ip | P::Ipv4 | P::Ipv6 | P::Ether | P::Pkthdr => true,
        }
    }
}

/// Rules that look at the same bytes.
#[derive(Debug)]
pub struct Group {
    matcher: Matcher,
    /// For each pattern, where its rules begin in `rules`; one more at the end.
    starts: Vec<u32>,
    rules: Vec<SignatureId>,
    /// Rules that no pattern finds.
    always: Vec<SignatureId>,
}

/// Rules that may match, each once, in order of inspection. Used again for every packet.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    hits: Hits,
    rules: Vec<SignatureId>,
}

impl Candidates {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// Adds one rule.
    pub fn push(&mut self, rule: SignatureId) {
        self.rules.push(rule);
    }

    /// Adds rules.
    pub fn extend(&mut self, rules: impl IntoIterator<Item = SignatureId>) {
        self.rules.extend(rules);
    }

    /// Puts the rules in order, each once.
    pub fn settle(&mut self) -> &[SignatureId] {
        self.rules.sort_unstable();
        self.rules.dedup();
        &self.rules
    }
}

impl Group {
    /// Adds the rules whose pattern `bytes` hold.
    pub fn find(&self, bytes: &[u8], candidates: &mut Candidates) {
        if self.matcher.is_empty() {
            return;
        }
        self.matcher.scan(bytes, &mut candidates.hits);
        for &pattern in candidates.hits.patterns() {
            let range = self.starts[pattern as usize] as usize..self.starts[pattern as usize + 1] as usize;
            candidates.rules.extend_from_slice(&self.rules[range]);
        }
    }

    /// Rules that no pattern finds: they may match whatever the bytes.
    pub fn always(&self) -> &[SignatureId] {
        &self.always
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.always.is_empty() && self.matcher.is_empty()
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        self.matcher.memory() + (self.starts.len() + self.rules.len() + self.always.len()) * 4
    }
}

/// A group of rules; the patterns of those whose fast pattern stands in one of `sources` find them, the others are
/// always tried.
pub(super) fn of<'a>(rules: impl Iterator<Item = (SignatureId, &'a Signature)>, sources: &[Source]) -> Group {
    let mut by_pattern: HashMap<Vec<u8>, Vec<SignatureId>> = HashMap::new();
    let mut always = Vec::new();
    for (id, signature) in rules {
        match pattern_in(signature, |source| sources.contains(&source)) {
            Some(pattern) => by_pattern.entry(pattern).or_default().push(id),
            None => always.push(id),
        }
    }
    index(by_pattern, always)
}

/// The lower-case fast pattern, if it stands untransformed in a fitting source.
fn pattern_in(signature: &Signature, fits: impl Fn(Source) -> bool) -> Option<Vec<u8>> {
    let fast = signature.fast_pattern.as_ref()?;
    let inspection = &signature.inspections[fast.inspection];
    (inspection.transforms.is_empty() && fits(inspection.source)).then(|| fast.bytes.to_ascii_lowercase())
}

fn index(by_pattern: HashMap<Vec<u8>, Vec<SignatureId>>, always: Vec<SignatureId>) -> Group {
    let mut by_pattern: Vec<_> = by_pattern.into_iter().collect();
    by_pattern.sort_unstable();
    let mut starts = Vec::with_capacity(by_pattern.len() + 1);
    let mut rules = Vec::new();
    for (_, of_pattern) in &by_pattern {
        starts.push(u32::try_from(rules.len()).expect("fewer rules than 4 G"));
        rules.extend_from_slice(of_pattern);
    }
    starts.push(u32::try_from(rules.len()).expect("fewer rules than 4 G"));
    let patterns: Vec<Vec<u8>> = by_pattern.into_iter().map(|(pattern, _)| pattern).collect();
    Group { matcher: Matcher::new(&patterns), starts, rules, always }
}

/// Rules that one field's values can find, as they are or after the same transforms.
#[derive(Debug)]
pub struct FieldGroup {
    /// The field.
    pub field: &'static Field,
    /// A rule and which of its inspections has the transforms that come first, if there are any.
    pub transforms: Option<(SignatureId, usize)>,
    /// The rules, by way: to the server, to the client.
    pub ways: [Group; 2],
}

/// Where a rule's fast pattern stands, if it stands in a field: the rule's inspection, and the field.
fn in_field(signature: &Signature) -> Option<(usize, &'static Field)> {
    let at = signature.fast_pattern.as_ref()?.inspection;
    match signature.inspections[at].source {
        Source::Field(field) => Some((at, field)),
        _ => None,
    }
}

/// The rules that fields find.
pub(super) fn by_field(signatures: &[Signature]) -> Vec<FieldGroup> {
    /// A field with transforms, by an inspection that has them, and the rules found there.
    struct Found<'a> {
        first: (SignatureId, usize, &'static Field),
        rules: Vec<(SignatureId, &'a Signature)>,
    }
    let transforms = |id: SignatureId, at: usize| &signatures[id as usize].inspections[at].transforms;
    let alike = |a: (SignatureId, usize), b: (SignatureId, usize)| {
        let (a, b) = (transforms(a.0, a.1), transforms(b.0, b.1));
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(&**b))
    };
    let mut all: Vec<Found<'_>> = Vec::new();
    for (id, signature) in (0..).zip(signatures) {
        let Some((at, field)) = in_field(signature) else { continue };
        let known = all.iter_mut().find(|found| {
            let (known, place, of) = found.first;
            of == field && alike((known, place), (id, at))
        });
        match known {
            Some(found) => found.rules.push((id, signature)),
            None => all.push(Found { first: (id, at, field), rules: vec![(id, signature)] }),
        }
    }
    let group = |found: Found<'_>| {
        let (id, at, field) = found.first;
        let way = |to_server: bool| {
            let mut by_pattern: HashMap<Vec<u8>, Vec<SignatureId>> = HashMap::new();
            for (id, signature) in found.rules.iter().filter(|(_, signature)| signature.way.goes(to_server)) {
                let fast = signature.fast_pattern.as_ref().expect("it stands in a field");
                if signature.inspections[fast.inspection].way.goes(to_server) {
                    by_pattern.entry(fast.bytes.to_ascii_lowercase()).or_default().push(*id);
                }
            }
            index(by_pattern, Vec::new())
        };
        let transforms = (!transforms(id, at).is_empty()).then_some((id, at));
        FieldGroup { field, transforms, ways: [way(true), way(false)] }
    };
    all.into_iter().map(group).collect()
}

/// Whether a rule on transactions is found by none of their fields.
pub(super) fn is_unfound(signature: &Signature) -> bool {
    signature.kind == Kind::Transaction && in_field(signature).is_none()
}
