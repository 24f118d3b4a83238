//! Rules that look at the same bytes, with one prefilter over their fast patterns.

use super::SignatureId;
use crate::header::protocol::PacketProtocol;
use crate::prefilter::{Hits, Matcher, Pattern};
use crate::signature::{FastPattern, Hint, Kind, Signature, Source};
use crate::vocabulary::Field;
use std::collections::{BTreeMap, HashMap};

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
    /// Rules found by one pattern alone.
    open: PatternRules,
    /// What stands at the start of bytes that `gated` are looked for in.
    gates: Matcher,
    /// Rules that need one of the gates too.
    gated: PatternRules,
    /// Rules that no pattern finds.
    always: Vec<SignatureId>,
}

/// Rules by pattern.
#[derive(Debug)]
struct PatternRules {
    matcher: Matcher,
    /// For each pattern, where its rules begin in `rules`; one more at the end.
    starts: Vec<u32>,
    rules: Vec<SignatureId>,
}

impl PatternRules {
    fn find(&self, bytes: &[u8], candidates: &mut Candidates) {
        if self.matcher.is_empty() {
            return;
        }
        self.matcher.scan(bytes, &mut candidates.hits);
        for &pattern in candidates.hits.patterns() {
            let range = self.starts[pattern as usize] as usize..self.starts[pattern as usize + 1] as usize;
            candidates.rules.extend_from_slice(&self.rules[range]);
        }
    }

    fn memory(&self) -> usize {
        self.matcher.memory() + (self.starts.len() + self.rules.len()) * 4
    }
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

    /// Moves those that `which` wants to others.
    pub fn part(&mut self, others: &mut Self, which: impl Fn(SignatureId) -> bool) {
        others.rules.extend(self.rules.extract_if(.., |&mut rule| which(rule)));
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
        self.open.find(bytes, candidates);
        if !self.gates.is_empty() {
            self.gates.scan(bytes, &mut candidates.hits);
            if !candidates.hits.patterns().is_empty() {
                self.gated.find(bytes, candidates);
            }
        }
    }

    /// Rules that no pattern finds: they may match whatever the bytes.
    pub fn always(&self) -> &[SignatureId] {
        &self.always
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.always.is_empty() && self.open.matcher.is_empty() && self.gated.matcher.is_empty()
    }

    /// Bytes of memory held.
    pub fn memory(&self) -> usize {
        self.open.memory() + self.gates.memory() + self.gated.memory() + self.always.len() * 4
    }
}

/// A group of rules that look at payload; those whose fast pattern stands there are found by it, the others always
/// tried.
pub(super) fn of_payload<'a>(rules: impl Iterator<Item = (SignatureId, &'a Signature)>) -> Group {
    let mut patterns = Patterns::default();
    for (id, signature) in rules {
        match &signature.fast_pattern {
            Some(fast) if stands_in_payload(signature, fast) => {
                patterns.add(fast, payload_end(signature), id)
            }
            _ => patterns.always.push(id),
        }
    }
    patterns.group()
}

/// Within how many bytes of the payload's start all that a rule looks for there ends, because it asks for short
/// payload.
fn payload_end(signature: &Signature) -> Option<u32> {
    let longest = signature.conditions.iter().filter_map(|condition| match condition.hint() {
        Hint::PayloadLen { max, .. } => u32::try_from(max).ok(),
        _ => None,
    });
    longest.min().filter(|_| signature.kind == Kind::Packet)
}

/// Whether a fast pattern stands in the payload as it is.
fn stands_in_payload(signature: &Signature, fast: &FastPattern) -> bool {
    let inspection = &signature.inspections[fast.inspection];
    inspection.transforms.is_empty() && inspection.source == Source::Payload
}

/// Fast patterns in lower case, within how many bytes of the start each ends, and their rules.
#[derive(Default)]
struct Ends(HashMap<Vec<u8>, (Option<u32>, Vec<SignatureId>)>);

impl Ends {
    fn add(&mut self, bytes: &[u8], end: Option<u32>, id: SignatureId) {
        let (known, rules) = self.0.entry(bytes.to_ascii_lowercase()).or_insert_with(|| (end, Vec::new()));
        // What one rule looks for anywhere is looked for anywhere.
        *known = known.zip(end).map(|(one, other)| one.max(other));
        rules.push(id);
    }

    fn index(self) -> PatternRules {
        let mut sorted: Vec<_> =
            self.0.into_iter().map(|(bytes, (end, rules))| (Pattern { bytes, end }, rules)).collect();
        sorted.sort_unstable();
        let mut starts = Vec::with_capacity(sorted.len() + 1);
        let mut rules = Vec::new();
        let mut patterns = Vec::with_capacity(sorted.len());
        for (pattern, of_pattern) in sorted {
            starts.push(u32::try_from(rules.len()).expect("fewer rules than 4 G"));
            rules.extend_from_slice(&of_pattern);
            patterns.push(pattern);
        }
        starts.push(u32::try_from(rules.len()).expect("fewer rules than 4 G"));
        PatternRules { matcher: Matcher::new(patterns), starts, rules }
    }
}

/// What a group is made of.
#[derive(Default)]
struct Patterns {
    open: Ends,
    /// Within how many bytes of the start each ends.
    gates: BTreeMap<Vec<u8>, u32>,
    gated: Ends,
    always: Vec<SignatureId>,
}

impl Patterns {
    /// Adds a rule by its fast pattern, which ends within `end` bytes of the start if that is known.
    fn add(&mut self, fast: &FastPattern, end: Option<u32>, id: SignatureId) {
        let end = [fast.end, end].into_iter().flatten().min();
        match &fast.gate {
            Some(gate) if end.is_none_or(|end| end > gate.end) => {
                let known = self.gates.entry(gate.bytes.to_ascii_lowercase()).or_default();
                *known = gate.end.max(*known);
                self.gated.add(&fast.bytes, end, id);
            }
            _ => self.open.add(&fast.bytes, end, id),
        }
    }

    fn group(self) -> Group {
        let gates = self.gates.into_iter().map(|(bytes, end)| Pattern { bytes, end: Some(end) });
        Group {
            open: self.open.index(),
            gates: Matcher::new(gates.collect()),
            gated: self.gated.index(),
            always: self.always,
        }
    }
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

/// Where a rule's fast pattern stands, if it stands in a field: the rule's inspection, and the field. A rule on frames
/// that no pattern finds is tried on all of them.
fn in_field(signature: &Signature) -> Option<(usize, &'static Field)> {
    let at = match &signature.fast_pattern {
        Some(fast) => fast.inspection,
        None if signature.kind == Kind::Frame => 0,
        None => return None,
    };
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
            let mut patterns = Patterns::default();
            for (id, signature) in found.rules.iter().filter(|(_, signature)| signature.way.goes(to_server)) {
                let Some(fast) = &signature.fast_pattern else {
                    patterns.always.push(*id);
                    continue;
                };
                if signature.inspections[fast.inspection].way.goes(to_server) {
                    patterns.add(fast, None, *id);
                }
            }
            patterns.group()
        };
        let transforms = (!transforms(id, at).is_empty()).then_some((id, at));
        FieldGroup { field, transforms, ways: [way(true), way(false)] }
    };
    all.into_iter().map(group).collect()
}

/// Whether a rule on transactions is found by a pattern in payload or stream.
pub(super) fn is_found_in_payload(signature: &Signature) -> bool {
    signature.kind == Kind::Transaction
        && signature.fast_pattern.as_ref().is_some_and(|fast| stands_in_payload(signature, fast))
}

/// Whether a rule on transactions is found by no pattern.
pub(super) fn is_unfound(signature: &Signature) -> bool {
    signature.kind == Kind::Transaction && in_field(signature).is_none() && !is_found_in_payload(signature)
}
