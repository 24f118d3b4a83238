//! Whether rules match: candidates from the rule set's prefilters, tried in order on packet, stream and transactions.
//!
//! One [`Detector`] belongs to one worker and keeps nothing of a flow: that is [`FlowMemory`]'s, and the
//! transactions' own.

mod cut_short;
mod frame;
mod memory;
mod plan;
mod profile;
mod transaction;

pub use memory::{
    Countries, Dataset, FlowMemory, Joined, Lists, Reputations, SharedMemory, Turn, Turns, WorkerMemory,
    address,
};

pub use cut_short::CutShort;
pub use profile::{Cost, Profile};

use crate::app_layer::SPEECHES;
use crate::app_layer::conversation::Conversation;
use crate::app_layer::file::Store;
use crate::app_layer::frames::Shown;
use crate::counter::Counters;
use crate::event::Direction;
use crate::time::Timestamp;
use plan::Plans;
use rules::header::action::Action;
use rules::header::protocol::AppProtocol;
use rules::inspect::Scratch;
use rules::ruleset::{self, Candidates, FlowState, RuleSet, SignatureId};
use rules::signature::{AddressList, Inspection, Kind, Signature, Source};
use rules::view::{AppFacts, FlowFacts, Origin, Packet, StreamEvents, View};
use smallvec::SmallVec;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;

/// The number of TCP among IP protocols.
const TCP: u8 = 6;

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
    /// What the flow speaks.
    pub app: AppFacts,
    /// What is wrong with the packet's place in its stream.
    pub stream_events: StreamEvents,
    /// Whether its payload is part of its stream, and rules on streams see it there.
    pub stored: bool,
    /// Pieces of the stream going its way that are to be looked at now.
    pub stream: &'a [&'a [u8]],
    /// Frames going its way that are to be looked at now.
    pub frames: &'a [Shown<'a>],
    /// Whether payload and stream are encrypted, and not looked at.
    pub encrypted: bool,
    /// Whether identification of what goes its way has ended, and rules were not told yet.
    pub identified: bool,
    /// Whether nothing more comes that way.
    pub ends: bool,
    /// When it was captured.
    pub time: Timestamp,
    /// Its whole frame's length on the wire, in bytes.
    pub wire_len: u32,
}

impl<'a> Subject<'a> {
    /// A packet by itself.
    pub fn of(packet: &'a Packet<'a>, time: Timestamp, wire_len: u32) -> Self {
        Self {
            packet,
            flow: None,
            first_of_way: true,
            app: AppFacts::default(),
            stream_events: StreamEvents::NONE,
            stored: false,
            stream: &[],
            frames: &[],
            encrypted: false,
            identified: false,
            ends: false,
            time,
            wire_len,
        }
    }

    fn direction(&self) -> Direction {
        match self.flow {
            Some(FlowFacts { to_server: false, .. }) => Direction::ToClient,
            _ => Direction::ToServer,
        }
    }

    fn payload(&self) -> &'a [u8] {
        if self.encrypted { &[] } else { self.packet.payload }
    }

    /// What the flow was found to speak.
    fn protocol(&self) -> Option<AppProtocol> {
        self.app.whole.found()
    }

    /// Whether it was made up, so that what is left of a flow is inspected.
    fn is_made_up(&self) -> bool {
        self.packet.origin == Origin::FlowEnd
    }
}

/// Tries rules on packets, streams and transactions.
#[derive(Debug)]
pub struct Detector {
    rules: Arc<RuleSet>,
    memory: WorkerMemory,
    plans: Plans,
    candidates: Candidates,
    /// Rules on transactions that a pattern in payload or stream has found.
    found: Candidates,
    scratch: Scratch,
    matches: Vec<Match>,
    /// What rules cost, where somebody wants to know.
    profile: Option<Profile>,
    cut_short: CutShort,
}

/// What trying one rule needs.
struct Trial<'a> {
    rules: &'a RuleSet,
    scratch: &'a mut Scratch,
    memory: &'a mut WorkerMemory,
    flow: &'a mut Option<Box<FlowMemory>>,
    counters: &'a mut Counters,
    matches: &'a mut Vec<Match>,
    /// The transaction under inspection.
    transaction: Option<u64>,
    /// What rules that matched on it ask to be stored.
    stores: SmallVec<[Store; 1]>,
    /// Whether its numbers stand most significant byte first.
    big_endian: bool,
    /// Where the packet belongs to the sample on which rules are measured.
    profile: Option<&'a mut Profile>,
    cut_short: &'a mut CutShort,
}

impl Detector {
    /// A detector for a rule set, with access to what its rules remember.
    pub fn new(rules: Arc<RuleSet>, memory: WorkerMemory) -> Self {
        Self {
            plans: Plans::new(&rules, SPEECHES),
            rules,
            memory,
            candidates: Candidates::default(),
            found: Candidates::default(),
            scratch: Scratch::default(),
            matches: Vec::new(),
            profile: None,
            cut_short: CutShort::default(),
        }
    }

    /// Measures what rules cost, on every so many-th packet.
    #[must_use]
    pub fn with_profile(mut self, every: NonZeroU32) -> Self {
        self.profile = Some(Profile::new(self.rules.signatures().len(), every));
        self
    }

    /// What rules cost, where that is measured.
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// Which rules hit the limits on the work of one inspection.
    pub fn cut_short(&self) -> &CutShort {
        &self.cut_short
    }

    /// The rule set.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// The rules that alert on a packet, in order of report. What they leave behind of its flow is in `flow`, which is
    /// made when there is something to keep. With a conversation, its transactions going the packet's way are looked at
    /// too.
    pub fn inspect(
        &mut self,
        subject: &Subject<'_>,
        flow: &mut Option<Box<FlowMemory>>,
        counters: &mut Counters,
        conversation: Option<&mut Box<dyn Conversation>>,
    ) -> &[Match] {
        self.matches.clear();
        self.memory.begin(subject, flow, counters);
        if flow.as_ref().is_some_and(|memory| memory.passed) {
            return &self.matches;
        }
        self.scratch.captures.truncate(0);
        self.find_candidates(subject);
        let Self { rules, memory, plans, candidates, found, scratch, matches, profile, cut_short } = self;
        let profile = profile.as_mut().and_then(|profile| profile.samples_next().then_some(profile));
        let mut trial = Trial {
            rules,
            scratch,
            memory,
            flow,
            counters,
            matches,
            transaction: None,
            stores: SmallVec::new(),
            big_endian: false,
            profile,
            cut_short,
        };
        for &id in candidates.settle() {
            trial.try_rule(id, subject);
        }
        let of_protocol = |protocol| plans.of(protocol, subject.direction());
        if let Some(plan) = subject.protocol().filter(|_| !subject.frames.is_empty()).and_then(of_protocol) {
            frame::inspect(&mut trial, candidates, plan, subject);
        }
        if let Some(conversation) = conversation
            && let Some(plan) = subject.protocol().and_then(of_protocol)
        {
            transaction::inspect(&mut trial, candidates, plan, &mut **conversation, subject, found.settle());
        }
        self.memory.end(&mut self.scratch.captures, counters);
        self.finish(subject.flow.is_some(), flow);
        &self.matches
    }

    fn find_candidates(&mut self, subject: &Subject<'_>) {
        let Self { rules, candidates, found, .. } = self;
        let packet = subject.packet;
        candidates.clear();
        found.clear();
        if subject.first_of_way && packet.is_ip() && !subject.is_made_up() {
            rules.addresses().find(packet.source, packet.destination, &mut |id| candidates.push(id));
        }
        if !packet.events.is_empty() {
            candidates.extend(rules.decode_events().iter().copied());
        }
        if subject.protocol().is_some() {
            candidates.extend(rules.app_protocol().iter().copied());
        }
        if subject.identified {
            candidates.extend(rules.protocol_detection().iter().copied());
        }
        let to_server = subject.direction() == Direction::ToServer;
        let server_port = if to_server { packet.destination_port } else { packet.source_port };
        let payload = subject.payload();
        let transport = ruleset::Transport::of(packet.protocol);
        let packets = rules.packets(transport, to_server).of(server_port);
        candidates.extend(packets.always().iter().copied());
        packets.find(payload, candidates);
        if transport == ruleset::Transport::Tcp {
            let alone = if subject.stored { &[] } else { payload };
            if !alone.is_empty() || !subject.stream.is_empty() {
                let streams = rules.streams(to_server).of(subject.protocol(), server_port);
                candidates.extend(streams.always().iter().copied());
                for bytes in subject.stream.iter().copied().chain([alone]) {
                    streams.find(bytes, candidates);
                }
            }
        }
        candidates.part(found, |rule| rules.head(rule).of_transactions);
    }

    /// Ends the list with a `pass`, and takes silent rules out of it.
    fn finish(&mut self, has_flow: bool, flow: &mut Option<Box<FlowMemory>>) {
        let rules = &self.rules;
        self.matches.sort_unstable();
        let passed = self.matches.iter().position(|m| rules.signature(m.signature).action == Action::Pass);
        if let Some(at) = passed {
            let kind = rules.signature(self.matches[at].signature).kind;
            self.matches.truncate(at + 1);
            if has_flow && passes_flow(kind) {
                flow.get_or_insert_default().passed = true;
            }
        }
        self.matches.retain(|m| {
            let signature = rules.signature(m.signature);
            !signature.silent && signature.action != Action::Config
        });
    }
}

/// Whether a `pass` of such a rule is for all that follows in the flow, and not for the packet alone.
fn passes_flow(kind: Kind) -> bool {
    match kind {
        Kind::Packet | Kind::DecodeEvent | Kind::LikeIpOnly => false,
        Kind::IpOnly
        | Kind::ProtocolDetection
        | Kind::PacketAndStream
        | Kind::Stream
        | Kind::AppProtocol
        | Kind::Frame
        | Kind::Transaction => true,
    }
}

impl Trial<'_> {
    /// Tries a rule on packet and stream; if it matches, what it leaves behind is noted at once, for the rules after
    /// it.
    fn try_rule(&mut self, id: SignatureId, subject: &Subject<'_>) {
        self.measure(id, |trial| trial.try_on_packet(id, subject));
    }

    /// Notes whether trying a rule hit a limit, and measures what it costs, if the packet belongs to the sample.
    fn measure(&mut self, id: SignatureId, attempt: impl FnOnce(&mut Self)) {
        let begun = self.profile.is_some().then(|| (Instant::now(), self.matches.len()));
        attempt(self);
        self.cut_short.note(id, self.scratch, self.counters);
        if let (Some(profile), Some((begun, matches))) = (&mut self.profile, begun) {
            profile.note(id, begun, self.matches.len() > matches);
        }
    }

    fn try_on_packet(&mut self, id: SignatureId, subject: &Subject<'_>) {
        let signature = self.rules.signature(id);
        if subject.is_made_up() && matches!(signature.kind, Kind::Packet | Kind::DecodeEvent | Kind::IpOnly) {
            return;
        }
        let captured = self.scratch.captures.len();
        if self.begins(id, subject) && self.buffers_hold(signature, subject) {
            self.apply(signature);
            self.matches.push(Match { signature: id, transaction: None });
        } else {
            self.scratch.captures.truncate(captured);
        }
    }

    /// Whether the rule's header and what it asks of packet and flow hold.
    fn begins(&mut self, id: SignatureId, subject: &Subject<'_>) -> bool {
        let state =
            subject.flow.map(|flow| FlowState { to_server: flow.to_server, established: flow.established });
        if !self.rules.head(id).fits(subject.packet, state) {
            return false;
        }
        let signature = self.rules.signature(id);
        let spoken = |wanted| subject.protocol().is_some_and(|protocol| protocol.is(wanted));
        signature.app_protocol.is_none_or(spoken)
            && signature
                .conditions
                .iter()
                .all(|condition| self.with_view(subject, |view, _| condition.holds(view)))
    }

    fn buffers_hold(&mut self, signature: &Signature, subject: &Subject<'_>) -> bool {
        signature.inspections.iter().all(|inspection| match inspection.source {
            Source::Payload => self.payload_holds(signature, inspection, subject),
            Source::Header(_) | Source::Field(_) | Source::Base64 => {
                self.with_view(subject, |view, scratch| inspection.holds(view, scratch))
            }
        })
    }

    /// Whether a buffer of payload holds: on the stream where the rule looks there, else on the packet. A rule that
    /// looks at streams alone sees the payload of a packet only where that is part of none.
    fn payload_holds(
        &mut self,
        signature: &Signature,
        inspection: &Inspection,
        subject: &Subject<'_>,
    ) -> bool {
        let holds_on = |trial: &mut Self, bytes: &[u8]| {
            trial.with_view(subject, |view, scratch| inspection.hold_on(bytes, 0, view, scratch))
        };
        let looks_at_stream = !matches!(signature.kind, Kind::Packet | Kind::LikeIpOnly | Kind::DecodeEvent);
        if looks_at_stream && subject.stream.iter().any(|bytes| holds_on(self, bytes)) {
            return true;
        }
        let in_stream = subject.stored && looks_at_stream && signature.kind != Kind::PacketAndStream;
        let stream_alone = signature.flow.stream == Some(true) && subject.packet.protocol == TCP;
        !in_stream && !stream_alone && !subject.payload().is_empty() && holds_on(self, subject.payload())
    }

    fn with_view<T>(&mut self, subject: &Subject<'_>, look: impl FnOnce(&View<'_>, &mut Scratch) -> T) -> T {
        let remembered = self.memory.view(self.flow.as_deref(), self.transaction);
        let view = View {
            packet: subject.packet,
            flow: subject.flow.as_ref(),
            stream_events: subject.stream_events,
            app: subject.app,
            memory: &remembered,
            big_endian: self.transaction.map(|_| self.big_endian),
        };
        look(&view, self.scratch)
    }

    /// Notes what a match leaves behind.
    fn apply(&mut self, signature: &Signature) {
        self.memory.apply(signature, &self.scratch.captures, self.flow, self.transaction, self.counters);
    }
}

/// The list that a rule asks and that is not configured. Such a rule loads and cannot match.
pub fn waits_for(signature: &Signature, lists: &Lists) -> Option<&'static str> {
    signature.conditions.iter().filter_map(|condition| condition.list()).find(|&list| !lists.has(list)).map(
        |list| match list {
            AddressList::Reputation(_) => "a list of reputations",
            AddressList::Countries => "a database of countries",
        },
    )
}
