//! The shard itself: a burst in, a report out.

mod inspection;
mod records;
#[cfg(test)]
mod tests;

use self::records::ToldFlow;
use super::SharedRules;
use super::dhcp::{self, Letter, Mail, MailRoom};
use super::expectations::Expectations;
use super::tracked::{Extension, Tracked};
use crate::app_layer::account::Account;
use crate::app_layer::application::Terms;
use crate::app_layer::dhcp::{self as dhcp_protocol, TransactionTable};
use crate::app_layer::file::Wanted;
use crate::app_layer::frames::FrameWishes;
use crate::app_layer::record::Records;
use crate::capture::{Burst, Frame, Tick};
use crate::collect::{Found, Order, Report, Stage};
use crate::counter::{Counter, Counters};
use crate::decode::{Decoder, TunnelPorts, checksum};
use crate::detect::{CutShort, Detector, Profile, Turn, Turns, WorkerMemory};
use crate::event::{Direction, NetworkId, flow_id};
use crate::flow::{Ended, FlowConfig, FlowTable, HashKey, Sought};
use crate::limits::Limits;
use crate::reassembly::fragment::{Defragmenter, HostPolicies, Outcome};
use crate::reassembly::stream::{StreamConfig, StreamEngine};
use crate::sink::file_store::FileIntake;
use crate::time::Timestamp;
use rules::view::{Origin, Packet, Transport};
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Frames whose headers are read before the first of them is looked up, so that the flow table's memory is on its way
/// to the processor meanwhile.
const GROUP: usize = 32;

/// What shards are made with.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    /// How many shards there are.
    pub shards: usize,
    /// All limits; tables share them out among the shards.
    pub limits: Limits,
    /// Ports of tunnels over UDP.
    pub tunnels: TunnelPorts,
    /// Flow keys and timeouts.
    pub flow: FlowConfig,
    /// The secret of the flow tables' hash.
    pub hash_key: HashKey,
    /// The network whose flows these are, for their numbers.
    pub network: NetworkId,
    /// How streams are followed.
    pub stream: StreamConfig,
    /// How hosts put overlapping fragments and segments together.
    pub host_policies: HostPolicies,
    /// Whether to tell of the end of each flow on which rules matched.
    pub tell_flow_ends: bool,
    /// The records of transactions that are wanted.
    pub records: Records,
    /// Whether records of flows are.
    pub flow_records: bool,
    /// The rules, if there are any, or where something looks for records.
    pub rules: Option<SharedRules>,
    /// Packets from one on which the cost of rules is measured to the next; none where it is not.
    pub profile_every: Option<NonZeroU32>,
    /// Where files go that rules ask to be stored; nowhere unless configured.
    pub file_intake: Option<FileIntake>,
    /// How much is put together of streams that carry them; 0 for all, nothing for as much as of others.
    pub file_stream_depth: Option<u64>,
    /// The order in which shards touch what rules share; none where they need not wait for each other.
    pub turns: Arc<Turns>,
}

impl ShardConfig {
    /// Measures what rules cost, on every so many-th packet.
    #[must_use]
    pub fn with_profile(self, every: NonZeroU32) -> Self {
        Self { profile_every: Some(every), ..self }
    }

    /// Stores files that rules ask for.
    #[must_use]
    pub fn with_file_intake(self, file_intake: Option<FileIntake>) -> Self {
        Self { file_intake, ..self }
    }

    /// Where shards do not wait for each other: packets come in no order among them.
    #[must_use]
    pub fn without_turns(self) -> Self {
        Self { turns: Arc::new(Turns::none()), ..self }
    }
}

/// A burst with its number, and what was decided about its packets.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Bursts are counted from 0.
    pub number: u64,
    /// The frames of all shards.
    pub burst: Arc<Burst>,
    /// Checksums are verified of packets before this ordinal.
    pub verify_before: u64,
}

/// What looks at packets where there are rules.
#[derive(Debug)]
struct Inspector {
    detector: Detector,
    streams: StreamEngine,
    expectations: Expectations,
    /// Whether any rule looks at raw streams, by way.
    looks_at_streams: [bool; 2],
    /// What applications are parsed by.
    terms: Terms,
    /// Which rule set this is, counted from 0.
    generation: u32,
}

impl Inspector {
    fn new(rules: &SharedRules, config: &ShardConfig, turn: Turn) -> Self {
        let memory = WorkerMemory::new(Arc::clone(&rules.memory), turn);
        let detector = Detector::new(Arc::clone(&rules.set), memory);
        Self {
            detector: match config.profile_every {
                Some(every) => detector.with_profile(every),
                None => detector,
            },
            streams: StreamEngine::new(
                &config.stream,
                &config.limits.stream.share(config.shards),
                config.host_policies.clone(),
            ),
            expectations: Expectations::default(),
            looks_at_streams: looks_at_streams(rules),
            terms: terms(rules, config, Account::new(&config.limits.app_layer.share(config.shards))),
            generation: 0,
        }
    }

    /// Goes on with other rules: streams, and connections that are announced, stay.
    fn adopt(&mut self, rules: &SharedRules, config: &ShardConfig, turn: Turn) {
        let memory = WorkerMemory::new(Arc::clone(&rules.memory), turn);
        self.detector = Detector::new(Arc::clone(&rules.set), memory);
        self.looks_at_streams = looks_at_streams(rules);
        self.terms = terms(rules, config, Arc::clone(&self.terms.account));
        self.generation += 1;
    }
}

fn looks_at_streams(rules: &SharedRules) -> [bool; 2] {
    [true, false].map(|to_server| rules.set.looks_at_streams(to_server))
}

fn terms(rules: &SharedRules, config: &ShardConfig, account: Arc<Account>) -> Terms {
    let rules = rules.set.signatures();
    Terms {
        wanted: Wanted::by(rules, config.file_intake.as_ref().map(FileIntake::room)),
        frames: FrameWishes::by(rules, config.limits.app_layer.frames_per_side),
        account,
    }
}

/// One shard of every table, and what works on it.
#[derive(Debug)]
pub struct Shard {
    number: usize,
    config: ShardConfig,
    decoder: Decoder,
    defragmenter: Defragmenter,
    flows: FlowTable<Extension>,
    inspector: Option<Inspector>,
    turn: Turn,
    transactions: TransactionTable,
    mail_room: MailRoom,
    counters: Counters,
    verify_before: u64,
    ended: Vec<Ended<Extension>>,
    /// Memory for packets, between bursts.
    packets: Vec<Packet<'static>>,
    datagram: Vec<u8>,
    outgoing: Vec<Vec<Letter>>,
    found: Vec<(Order, Found)>,
    /// The packet over which a test makes this worker stumble.
    #[cfg(test)]
    stumbles_over: Option<u64>,
}

/// Where a packet was found: its frame, and its place among the frame's packets.
#[derive(Clone, Copy, Debug)]
struct Place {
    ordinal: u64,
    time: Timestamp,
    wire_len: u32,
    index: u32,
}

impl Shard {
    /// The shard of that number.
    pub fn new(number: usize, config: ShardConfig) -> Self {
        let turn = Turn::new(&config.turns, number);
        let inspector = config.rules.as_ref().map(|rules| Inspector::new(rules, &config, turn.clone()));
        Self {
            number,
            decoder: Decoder::new(config.limits.decode.clone(), config.tunnels.clone()),
            defragmenter: Defragmenter::new(
                config.limits.fragment.share(config.shards),
                config.host_policies.clone(),
            ),
            flows: FlowTable::new(&config.flow, &config.limits.flow, config.shards, config.hash_key.clone()),
            transactions: TransactionTable::new(&config.limits.dhcp),
            mail_room: MailRoom::new(config.shards),
            outgoing: (0..config.shards).map(|_| Vec::new()).collect(),
            inspector,
            turn,
            config,
            counters: Counters::default(),
            verify_before: 0,
            ended: Vec::new(),
            packets: Vec::new(),
            datagram: Vec::new(),
            found: Vec::new(),
            #[cfg(test)]
            stumbles_over: None,
        }
    }

    /// What was counted here.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What rules cost, where that is measured.
    pub fn profile(&self) -> Option<&Profile> {
        self.inspector.as_ref()?.detector.profile()
    }

    /// Which rules hit the limits on the work of one inspection.
    pub fn cut_short(&self) -> CutShort {
        self.inspector.as_ref().map(|inspector| inspector.detector.cut_short().clone()).unwrap_or_default()
    }

    /// How many flows there are at the moment.
    pub fn flows(&self) -> usize {
        self.flows.len()
    }

    /// How much memory the parsers and transactions of all flows take up, in bytes.
    pub fn app_layer_bytes(&self) -> usize {
        self.inspector.as_ref().map_or(0, |inspector| inspector.terms.account.held())
    }

    /// Goes on with other rules. No flow is forgotten, nor what rules have left behind on it.
    pub fn adopt(&mut self, rules: SharedRules) {
        match &mut self.inspector {
            Some(inspector) => inspector.adopt(&rules, &self.config, self.turn.clone()),
            none => *none = Some(Inspector::new(&rules, &self.config, self.turn.clone())),
        }
        self.config.rules = Some(rules);
    }

    /// Works through this shard's frames of a burst.
    pub fn run(&mut self, assignment: &Assignment) -> Report {
        let burst = &*assignment.burst;
        self.verify_before = assignment.verify_before;
        let mut ticks = burst.ticks();
        let mut packets = reuse(std::mem::take(&mut self.packets));
        let mut group = Group::default();
        for index in 0..burst.len() {
            if usize::from(burst.shard(index)) == self.number {
                let frame = burst.frame(index);
                self.counters.increment(Counter::PacketsRead);
                self.counters.add(Counter::BytesRead, u64::from(frame.wire_len));
                if frame.bytes.len() < frame.wire_len as usize {
                    self.counters.increment(Counter::PacketsTruncated);
                }
                let before = packets.len();
                self.decoder.decode(&frame, &mut self.counters, &mut packets);
                for (index, packet) in (0..).zip(&packets[before..]) {
                    let Frame { ordinal, time, wire_len, .. } = frame;
                    group.push(Place { ordinal, time, wire_len, index }, self.flows.seek(packet));
                }
            }
            if group.frames_full() || index + 1 == burst.len() {
                self.run_group(&mut group, &packets, &mut ticks);
                packets.clear();
            }
        }
        self.run_ticks(&mut ticks, u64::MAX);
        self.turn.reach_tick(burst.end_ordinal());
        self.packets = reuse(packets);
        Report { burst: assignment.number, found: std::mem::take(&mut self.found) }
    }

    /// Mail to each shard, of the burst just worked through.
    pub fn outgoing(&mut self, burst: u64) -> impl Iterator<Item = Mail> + '_ {
        self.outgoing.iter_mut().map(move |letters| Mail { burst, letters: std::mem::take(letters) })
    }

    /// Takes mail of other shards, or of this one.
    pub fn receive(&mut self, mail: Mail) {
        self.mail_room.take(mail);
    }

    /// Reads the mail of the next burst, if all of it has come.
    pub fn read_mail(&mut self) -> Option<Report> {
        let (burst, letters) = self.mail_room.next_burst()?;
        Some(Report { burst, found: self.read_letters(&letters) })
    }

    /// Reads mail as it comes, where the order among workers does not matter.
    pub fn read_letters(&mut self, letters: &[Letter]) -> Vec<(Order, Found)> {
        letters
            .iter()
            .map(|letter| {
                let Letter { message, time, vlan, .. } = letter;
                let event = self.transactions.observe(message, *time, *vlan, &mut self.counters);
                dhcp::found(letter, event)
            })
            .collect()
    }

    /// Ends all flows, at the end of the input.
    pub fn finish(&mut self, number: u64, end_ordinal: u64) -> Report {
        self.flows.drain(&mut self.counters, &mut self.ended);
        self.close_ended(end_ordinal, Stage::Tick);
        self.turn.leave();
        Report { burst: number, found: std::mem::take(&mut self.found) }
    }

    fn run_group(&mut self, group: &mut Group, packets: &[Packet<'_>], ticks: &mut &[Tick]) {
        for sought in group.sought.iter().flatten() {
            self.flows.preload(sought);
        }
        for (at, packet) in packets.iter().enumerate() {
            let place = group.places[at];
            self.run_ticks(ticks, place.ordinal);
            self.turn.reach_packet(place.ordinal);
            let sought = group.sought[at].as_ref();
            let run = AssertUnwindSafe(|| self.run_packet(packet, place, sought));
            if catch_unwind(run).is_err() {
                self.quarantine(sought, place.time);
            }
        }
        group.clear();
    }

    /// A fault of the sensor costs the inspection of the flow in which it came up, and no other's.
    fn quarantine(&mut self, sought: Option<&Sought>, time: Timestamp) {
        let Self { flows, counters, ended, .. } = self;
        counters.increment(Counter::WorkerPanics);
        if let Some(id) = sought.and_then(|sought| flows.find(sought, time, counters, ended)) {
            flows.flow_mut(id).extension = Some(Box::new(Tracked::quarantined()));
        }
    }

    /// Moves the clock for all ticks up to a packet.
    fn run_ticks(&mut self, ticks: &mut &[Tick], ordinal: u64) {
        while let Some((tick, rest)) = ticks.split_first().filter(|(tick, _)| tick.ordinal <= ordinal) {
            *ticks = rest;
            self.turn.reach_tick(tick.ordinal);
            self.flows.advance(tick.clock, &mut self.counters, &mut self.ended);
            self.defragmenter.expire(tick.clock, &mut self.counters);
            self.close_ended(tick.ordinal, Stage::Tick);
        }
    }

    fn run_packet(&mut self, packet: &Packet<'_>, place: Place, sought: Option<&Sought>) {
        #[cfg(test)]
        assert_ne!(self.stumbles_over, Some(place.ordinal), "a test asked for this");
        if packet.fragment {
            self.run_fragment(*packet, place);
        } else {
            self.run_whole(packet, place, sought);
        }
    }

    fn run_whole(&mut self, packet: &Packet<'_>, place: Place, sought: Option<&Sought>) {
        if place.ordinal < self.verify_before && checksum::verify(packet).any_invalid() {
            self.counters.increment(Counter::ChecksumBad);
        }
        let observed = sought.and_then(|sought| self.observe(sought, packet, place));
        self.close_ended(place.ordinal, Stage::FlowEnd);
        if matches!(packet.transport, Transport::Udp(_))
            && dhcp_protocol::is_dhcp(packet.source_port, packet.destination_port)
        {
            self.post_dhcp(packet, place);
        }
        if self.inspector.is_some() {
            self.inspect(packet, place, observed);
        }
    }

    /// A fragment is inspected by itself, then the datagram that it completes.
    fn run_fragment(&mut self, mut packet: Packet<'_>, place: Place) {
        let mut datagram = std::mem::take(&mut self.datagram);
        let outcome = self.defragmenter.push(&packet, place.time, &mut self.counters, &mut datagram);
        outcome.events().iter().for_each(|event| packet.events.insert(event));
        self.run_whole(&packet, place, None);
        if let Outcome::Complete(_) = outcome {
            let mut packets = Vec::new();
            self.decoder.decode_ip(&datagram, &packet, Origin::Defrag, &mut self.counters, &mut packets);
            for (at, packet) in (1..).zip(&packets) {
                // A tunnel may hold fragments in turn, always one level deeper, so that this ends.
                let sought = self.flows.seek(packet);
                self.run_packet(packet, Place { index: place.index + at, ..place }, sought.as_ref());
            }
        }
        self.datagram = datagram;
    }

    fn post_dhcp(&mut self, packet: &Packet<'_>, place: Place) {
        match dhcp_protocol::parse(packet.payload) {
            Ok(message) => {
                let vlan = packet.vlans.innermost();
                let Place { ordinal, time, index, .. } = place;
                let owner = dhcp_protocol::shard_of(message.transaction_key(), self.config.shards);
                self.outgoing[owner].push(Letter { ordinal, index, time, vlan, message });
            }
            Err(_) => self.counters.increment(Counter::DhcpMalformed),
        }
    }
}

impl Shard {
    /// Inspects what is left of flows that have ended, tells of them where somebody waits for that, and forgets them.
    fn close_ended(&mut self, ordinal: u64, stage: Stage) {
        let mut all = std::mem::take(&mut self.ended);
        all.sort_unstable_by_key(Ended::order);
        for mut ended in all.drain(..) {
            let order = Order { ordinal, stage, flow: ended.order(), index: 0 };
            if stage == Stage::Tick {
                self.turn.reach_flow_end(ordinal, order.flow);
            }
            let flow = &mut ended.flow;
            let time = flow.last();
            let inspected = catch_unwind(AssertUnwindSafe(|| self.inspect_end(flow, time, order)));
            let told = inspected.unwrap_or_else(|_| {
                self.counters.increment(Counter::WorkerPanics);
                ToldFlow::default()
            });
            self.record_flow(flow, ended.reason, told, order);
            if self.config.tell_flow_ends && flow.detections() > 0 {
                let flow_id = flow_id(self.config.network, &flow.identity(), flow.start());
                let statistics = flow.statistics(Some(ended.reason));
                let order = Order { index: Direction::ALL.len() as u32, ..order };
                self.found.push((order, Found::FlowEnd { flow_id, statistics }));
            }
        }
        self.ended = all;
    }
}

/// A shard that stops early keeps no other waiting.
impl Drop for Shard {
    fn drop(&mut self) {
        self.turn.leave();
    }
}

/// Packets whose flows are sought together.
#[derive(Debug, Default)]
struct Group {
    places: Vec<Place>,
    sought: Vec<Option<Sought>>,
}

impl Group {
    fn push(&mut self, place: Place, sought: Option<Sought>) {
        self.places.push(place);
        self.sought.push(sought);
    }

    fn frames_full(&self) -> bool {
        self.places.len() >= GROUP
    }

    fn clear(&mut self) {
        self.places.clear();
        self.sought.clear();
    }
}

/// An empty vector with the memory of one that held packets of another burst.
fn reuse<'b>(mut packets: Vec<Packet<'_>>) -> Vec<Packet<'b>> {
    packets.clear();
    packets.into_iter().map(|_| unreachable!("it was cleared")).collect()
}
