//! Whether rules match: candidates from the rule set's prefilters, tried in order on packet and flow.
//!
//! One [`Detector`] belongs to one worker and keeps nothing of a flow: that is [`FlowMemory`]'s.

mod memory;

pub use memory::FlowMemory;

use memory::View as MemoryView;
use rules::effect::Effect;
use rules::header::action::Action;
use rules::inspect::Scratch;
use rules::names::NameKind;
use rules::ruleset::{self, Candidates, FlowState, RuleSet, SignatureId};
use rules::signature::{Hint, Kind, Signature};
use rules::view::{AppFacts, FlowFacts, Packet, StreamEvents, View};
use std::sync::Arc;

/// One rule's match on the packet under inspection.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Match {
    /// Which rule; smaller ones are reported first.
    pub signature: SignatureId,
    /// The transaction it matched, counted from 0 within the flow.
    pub transaction: Option<u64>,
}

/// A packet with what is known of its flow.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The packet.
    pub packet: &'a Packet<'a>,
    /// Its flow at this packet; nothing without one.
    pub flow: Option<FlowFacts>,
    /// Whether it is the first packet of its flow going its way; without a flow it always is.
    pub first_of_way: bool,
}

/// Tries rules on packets.
#[derive(Debug)]
pub struct Detector {
    rules: Arc<RuleSet>,
    candidates: Candidates,
    scratch: Scratch,
    matches: Vec<Match>,
}

impl Detector {
    /// A detector for a rule set.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        Self { rules, candidates: Candidates::default(), scratch: Scratch::default(), matches: Vec::new() }
    }

    /// The rule set.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// The rules that alert on a packet, in order of report. What they leave behind is in `memory`, which is made
    /// when there is something to keep.
    pub fn inspect(&mut self, subject: &Subject<'_>, memory: &mut Option<Box<FlowMemory>>) -> &[Match] {
        self.matches.clear();
        if memory.as_ref().is_some_and(|memory| memory.passed) {
            return &self.matches;
        }
        self.scratch.captures.truncate(0);
        self.find_candidates(subject);
        let Self { rules, candidates, scratch, matches } = self;
        for &id in candidates.settle() {
            if try_rule(rules, id, subject, memory, scratch) {
                matches.push(Match { signature: id, transaction: None });
            }
        }
        self.finish(subject.flow.is_some(), memory);
        &self.matches
    }

    fn find_candidates(&mut self, subject: &Subject<'_>) {
        let Self { rules, candidates, .. } = self;
        let packet = subject.packet;
        candidates.clear();
        if subject.first_of_way && packet.is_ip() {
            rules.addresses().find(packet.source, packet.destination, &mut |id| candidates.push(id));
        }
        if !packet.events.is_empty() {
            candidates.extend(rules.decode_events().iter().copied());
        }
        let to_server = subject.flow.is_none_or(|flow| flow.to_server);
        let transport = ruleset::Transport::of(packet.protocol);
        let mut groups = [Some(rules.packets(transport, to_server)), None];
        if transport == ruleset::Transport::Tcp {
            groups[1] = Some(rules.streams(to_server));
        }
        for group in groups.into_iter().flatten() {
            candidates.extend(group.always().iter().copied());
            group.find(packet.payload, candidates);
        }
    }

    /// Ends the list at a `pass`, and takes silent rules out of it.
    fn finish(&mut self, has_flow: bool, memory: &mut Option<Box<FlowMemory>>) {
        let rules = &self.rules;
        self.matches.sort_unstable();
        let passed = self.matches.iter().position(|m| rules.signature(m.signature).action == Action::Pass);
        if let Some(at) = passed {
            self.matches.truncate(at);
            if has_flow {
                memory.get_or_insert_default().passed = true;
            }
        }
        self.matches.retain(|m| {
            let signature = rules.signature(m.signature);
            !signature.silent && signature.action != Action::Config
        });
    }
}

/// Whether a candidate matches; if so, what it leaves behind is noted at once, for the rules after it.
fn try_rule(
    rules: &RuleSet,
    id: SignatureId,
    subject: &Subject<'_>,
    memory: &mut Option<Box<FlowMemory>>,
    scratch: &mut Scratch,
) -> bool {
    let state =
        subject.flow.map(|flow| FlowState { to_server: flow.to_server, established: flow.established });
    if !rules.head(id).fits(subject.packet, state) {
        return false;
    }
    let signature = rules.signature(id);
    let remembered = MemoryView(memory.as_deref());
    let view = View {
        packet: subject.packet,
        flow: subject.flow.as_ref(),
        stream_events: StreamEvents::NONE,
        app: AppFacts::default(),
        memory: &remembered,
    };
    let captured = scratch.captures.len();
    if signature.app_protocol.is_some()
        || !signature.conditions.iter().all(|condition| condition.holds(&view))
        || !signature.inspections.iter().all(|inspection| inspection.holds(&view, scratch))
    {
        scratch.captures.truncate(captured);
        return false;
    }
    apply(signature, memory);
    true
}

fn apply(signature: &Signature, memory: &mut Option<Box<FlowMemory>>) {
    for effect in &signature.effects {
        match *effect {
            Effect::Flowbit { id, change } => memory.get_or_insert_default().change_bit(id, change),
            Effect::Flowint { id, change, value } => {
                memory.get_or_insert_default().change_int(id, change, value);
            }
            _ => {}
        }
    }
}

/// What a rule waits for that the detector does not do yet; such a rule loads and cannot match.
pub fn waits_for(signature: &Signature) -> Option<&'static str> {
    if signature.kind == Kind::ProtocolDetection {
        return Some("protocol detection");
    }
    signature.conditions.iter().find_map(|condition| match (condition.hint(), condition.reads()) {
        (Hint::StreamEvent, _) => Some("TCP streams"),
        (_, Some(NameKind::AddressBit)) => Some("xbits and hostbits"),
        (_, Some(NameKind::Reputation)) => Some("reputation lists"),
        (_, Some(NameKind::Dataset)) => Some("data sets"),
        _ => None,
    })
}
