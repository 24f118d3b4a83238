//! What rules remember, and the lists they ask.
//!
//! Of a flow, in [`FlowMemory`], which belongs to the flow's worker. Across flows, in [`SharedMemory`], which all
//! workers share without a lock: bits and tags of addresses, data sets, reputations, countries. A [`WorkerMemory`] is
//! one worker's access to both, at the packet under inspection.

mod address_bits;
mod country;
mod dataset;
mod flow;
mod reputation;
mod tag;
mod turn;

pub use country::Countries;
pub use dataset::{Dataset, Joined, address};
pub use flow::FlowMemory;
pub use reputation::Reputations;
pub use turn::{Turn, Turns};

use super::Subject;
use crate::counter::{Counter, Counters};
use crate::limits::MemoryLimits;
use crate::time::Timestamp;
use address_bits::{AddressBits, Owner};
use flow::CaptureBudget;
use rules::effect::{CaptureScope, Effect, TagScope};
use rules::inspect::Captures;
use rules::signature::{AddressList, Signature};
use rules::view::{BitScope, Memory};
use std::cell::Cell;
use std::mem;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tag::HostTags;

/// What rules remember across flows, and the lists they ask.
#[derive(Debug)]
pub struct SharedMemory {
    address_bits: Arc<AddressBits>,
    host_tags: Arc<HostTags>,
    captured: CaptureBudget,
    lists: Lists,
    /// Whether rules mark packets of addresses.
    tags_hosts: bool,
    /// Whether rules change something here.
    changes: bool,
}

/// The lists that rules ask.
#[derive(Debug, Default)]
pub struct Lists {
    /// Sets of values, by their number in [`Names`](rules::names::Names).
    pub datasets: Vec<Option<Arc<Dataset>>>,
    /// Reputations of addresses.
    pub reputations: Reputations,
    /// Countries of addresses, if a database is configured.
    pub countries: Option<Countries>,
}

impl Lists {
    /// Whether there is that list.
    pub fn has(&self, list: AddressList) -> bool {
        match list {
            AddressList::Reputation(category) => self.reputations.knows(category),
            AddressList::Countries => self.countries.is_some(),
        }
    }

    fn dataset(&self, id: u32) -> Option<&Dataset> {
        self.datasets.get(id as usize)?.as_deref()
    }
}

impl SharedMemory {
    /// For rules that ask these lists.
    pub fn new<'a>(
        rules: impl IntoIterator<Item = &'a Signature>,
        lists: Lists,
        limits: &MemoryLimits,
    ) -> Self {
        let (mut tags_hosts, mut changes_bits) = (false, false);
        for effect in rules.into_iter().flat_map(|rule| &rule.effects) {
            tags_hosts |=
                matches!(effect, Effect::Tag { scope: TagScope::Source | TagScope::Destination, .. });
            changes_bits |=
                matches!(effect, Effect::AddressBit { scope, .. } if *scope != BitScope::Transaction);
        }
        let changes_sets = lists.datasets.iter().flatten().any(|set| set.changes());
        Self {
            address_bits: AddressBits::new(limits.address_bits).into(),
            host_tags: HostTags::new(limits.tagged_hosts).into(),
            captured: CaptureBudget::new(limits.captured_bytes),
            lists,
            tags_hosts,
            changes: tags_hosts || changes_bits || changes_sets,
        }
    }

    /// Keeps what the rules before have left behind: bits and tags of addresses, and the sets that rules change. Names
    /// must have the same numbers in both.
    #[must_use]
    pub fn after(mut self, before: &Self) -> Self {
        self.address_bits = Arc::clone(&before.address_bits);
        self.host_tags = Arc::clone(&before.host_tags);
        self.captured = before.captured.clone();
        for (set, kept) in self.lists.datasets.iter_mut().zip(&before.lists.datasets) {
            if let (Some(set), Some(kept)) = (set, kept)
                && set.changes()
                && kept.changes()
                && set.kind() == kept.kind()
            {
                *set = Arc::clone(kept);
            }
        }
        self
    }

    /// The lists.
    pub fn lists(&self) -> &Lists {
        &self.lists
    }

    /// Whether rules change something here, so that workers have to take turns for the same outcome every time.
    pub fn changes(&self) -> bool {
        self.changes
    }
}

impl Default for SharedMemory {
    fn default() -> Self {
        Self::new([], Lists::default(), &MemoryLimits::default())
    }
}

/// One worker's access to what rules remember, at the packet under inspection.
#[derive(Debug)]
pub struct WorkerMemory {
    shared: Arc<SharedMemory>,
    turn: Turn,
    /// Whether it is this worker's turn, once it has waited for that.
    has_turn: Cell<bool>,
    now: Timestamp,
    /// Sender and receiver of a packet that has addresses.
    addresses: Option<(IpAddr, IpAddr)>,
    /// What `pcre` captured on this packet.
    captured: Captures,
    /// Values that found no room in a data set, not counted yet.
    values_refused: Cell<u64>,
}

impl WorkerMemory {
    /// The access of the worker whose turn that is.
    pub fn new(shared: Arc<SharedMemory>, turn: Turn) -> Self {
        Self {
            shared,
            turn,
            has_turn: Cell::new(false),
            now: Timestamp::ZERO,
            addresses: None,
            captured: Captures::default(),
            values_refused: Cell::new(0),
        }
    }

    /// Turns to a packet, and counts it if it is marked by a `tag`.
    pub(super) fn begin(
        &mut self,
        subject: &Subject<'_>,
        flow: &mut Option<Box<FlowMemory>>,
        counters: &mut Counters,
    ) {
        let packet = subject.packet;
        self.has_turn.set(false);
        self.now = subject.time;
        self.addresses = packet.is_ip().then_some((packet.source, packet.destination));
        self.captured.truncate(0);
        if subject.is_made_up() {
            return;
        }
        let mut tagged = flow.as_mut().is_some_and(|flow| flow.tag.mark(self.now, subject.wire_len));
        if let (true, Some((source, destination))) = (self.shared.tags_hosts, self.addresses) {
            tagged |= self.in_turn().host_tags.mark(source, destination, self.now, subject.wire_len);
        }
        if tagged {
            counters.increment(Counter::PacketsTagged);
        }
    }

    /// The packet is done with. `captured` is what rules captured on it.
    pub(super) fn end(&mut self, captured: &mut Captures, counters: &mut Counters) {
        counters.add(Counter::DatasetValuesRefused, self.values_refused.take());
        let refused = mem::take(&mut captured.refused) + mem::take(&mut self.captured.refused);
        counters.add(Counter::CapturesRefused, refused);
    }

    /// Memory as rules see it, with what is kept of the packet's flow and of the transaction under inspection.
    pub(super) fn view<'a>(&'a self, flow: Option<&'a FlowMemory>, transaction: Option<u64>) -> View<'a> {
        View { worker: self, flow, transaction }
    }

    /// Notes what a match leaves behind. `captured` ends with what the rule captured.
    pub(super) fn apply(
        &mut self,
        signature: &Signature,
        captured: &Captures,
        flow: &mut Option<Box<FlowMemory>>,
        transaction: Option<u64>,
        counters: &mut Counters,
    ) {
        for effect in &signature.effects {
            match *effect {
                Effect::Flowbit { id, change } => flow.get_or_insert_default().change_bit(id, change),
                Effect::Flowint { id, change, value } => {
                    flow.get_or_insert_default().change_int(id, change, value);
                }
                Effect::AddressBit { scope: BitScope::Transaction, id, change, .. } => {
                    let Some(transaction) = transaction else { continue };
                    let flow = flow.get_or_insert_default();
                    if !flow.change_transaction_bit(transaction, id, change) {
                        counters.increment(Counter::AddressBitsRefused);
                    }
                }
                Effect::AddressBit { scope, id, change, expire_seconds } => {
                    let Some(owner) = self.owner(scope) else { continue };
                    let span = Duration::from_secs(expire_seconds.into());
                    if !self.in_turn().address_bits.change(owner, id, change, self.now, span) {
                        counters.increment(Counter::AddressBitsRefused);
                    }
                }
                Effect::Tag { scope: TagScope::Session, metric } => {
                    flow.get_or_insert_default().tag.extend(metric, self.now);
                }
                Effect::Tag { scope, metric } => {
                    let Some((source, destination)) = self.addresses else { continue };
                    let host = if scope == TagScope::Source { source } else { destination };
                    if !self.in_turn().host_tags.extend(host, metric, self.now) {
                        counters.increment(Counter::TagsRefused);
                    }
                }
                Effect::Capture { scope, id } => {
                    let Some(value) = last(captured, id) else { continue };
                    let flow = match scope {
                        CaptureScope::Flow => flow.get_or_insert_default(),
                        CaptureScope::Packet => {
                            self.captured.push(id, value);
                            continue;
                        }
                    };
                    if !flow.capture(id, value, &self.shared.captured) {
                        counters.increment(Counter::CapturesRefused);
                    }
                }
                Effect::StoreFile { .. } | Effect::Bypass | Effect::StopLogging => {}
            }
        }
    }

    fn owner(&self, scope: BitScope) -> Option<Owner> {
        let (source, destination) = self.addresses?;
        match scope {
            BitScope::Source => Some(Owner::Host(source)),
            BitScope::Destination => Some(Owner::Host(destination)),
            BitScope::Pair => Some(Owner::pair(source, destination)),
            BitScope::Transaction => None,
        }
    }

    /// What is shared and changes, once it is this worker's turn.
    fn in_turn(&self) -> &SharedMemory {
        if !self.has_turn.replace(true) {
            self.turn.wait();
        }
        &self.shared
    }

    /// A data set, once it is this worker's turn if rules change the set.
    fn dataset(&self, id: u32) -> Option<&Dataset> {
        let set = self.shared.lists.dataset(id)?;
        if set.changes() { self.in_turn().lists.dataset(id) } else { Some(set) }
    }
}

/// What was captured last under a name.
fn last(captured: &Captures, id: u32) -> Option<&[u8]> {
    captured.iter().filter(|&(known, _)| known == id).last().map(|(_, value)| value)
}

/// Memory as rules see it; of a packet without a flow, nothing of a flow was ever remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    worker: &'a WorkerMemory,
    flow: Option<&'a FlowMemory>,
    transaction: Option<u64>,
}

impl Memory for View<'_> {
    fn flowbit(&self, id: u32) -> bool {
        self.flow.is_some_and(|flow| flow.bit(id))
    }

    fn flowint(&self, id: u32) -> Option<u32> {
        self.flow.and_then(|flow| flow.int(id))
    }

    fn flow_variable(&self, id: u32) -> Option<&[u8]> {
        self.flow.and_then(|flow| flow.captured(id))
    }

    fn packet_variable(&self, id: u32) -> Option<&[u8]> {
        last(&self.worker.captured, id)
    }

    fn address_bit(&self, scope: BitScope, id: u32) -> bool {
        match (scope, self.transaction, self.flow) {
            (BitScope::Transaction, Some(transaction), Some(flow)) => flow.transaction_bit(transaction, id),
            (BitScope::Transaction, ..) => false,
            _ => self
                .worker
                .owner(scope)
                .is_some_and(|owner| self.worker.in_turn().address_bits.is_set(owner, id, self.worker.now)),
        }
    }

    fn knows_category(&self, category: u32) -> bool {
        self.worker.shared.lists.reputations.knows(category)
    }

    fn reputation(&self, address: IpAddr, category: u32) -> Option<u8> {
        self.worker.shared.lists.reputations.score(address, category)
    }

    fn country(&self, address: IpAddr) -> Option<[u8; 2]> {
        self.worker.shared.lists.countries.as_ref()?.country(address)
    }

    fn dataset_contains(&self, id: u32, value: &[u8]) -> bool {
        self.worker.dataset(id).is_some_and(|set| set.contains(value))
    }

    fn change_dataset(&self, id: u32, value: &[u8], add: bool) -> bool {
        let Some(set) = self.worker.dataset(id) else { return false };
        if !add {
            return set.remove(value);
        }
        let joined = set.insert(value, 0);
        if joined == Joined::Refused {
            self.worker.values_refused.set(self.worker.values_refused.get() + 1);
        }
        joined == Joined::New
    }

    fn dataset_score(&self, id: u32, value: &[u8]) -> Option<u16> {
        self.worker.dataset(id)?.score(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rules::classification::Classes;
    use rules::compile::{Context, compile};
    use rules::header::variable::{Resolver, Variables};
    use rules::names::{NameKind, Names};
    use rules::parse::parse;
    use rules::text::Source;
    use rules::view::{Ipv4, Network, Packet};
    use rules::vocabulary::Vocabulary;

    /// Rules with the memory that they share, and one worker's access to it.
    struct Scene {
        rules: Vec<Signature>,
        names: Names,
        worker: WorkerMemory,
        flow: Option<Box<FlowMemory>>,
        counters: Counters,
    }

    /// Of rules with these options.
    fn scene(options: &[&str], limits: &MemoryLimits) -> Scene {
        let names = Names::default();
        let text: String = (1..)
            .zip(options)
            .map(|(sid, options)| format!("alert tcp any any -> any any ({options} sid:{sid};)\n"))
            .collect();
        let source = Source::new("test", text).unwrap();
        let (vocabulary, classes, variables) =
            (Vocabulary::new(&[]), Classes::default(), Variables::default());
        let context = Context { vocabulary: &vocabulary, classes: &classes, names: &names };
        let mut resolver = Resolver::new(&variables);
        let rules: Vec<Signature> = parse(&source)
            .rules
            .iter()
            .map(|rule| compile(rule, &context, &mut resolver).unwrap().0)
            .collect();
        let shared = SharedMemory::new(&rules, Lists::default(), limits);
        let worker = WorkerMemory::new(Arc::new(shared), Turn::new(&Arc::default(), 0));
        Scene { rules, names, worker, flow: None, counters: Counters::default() }
    }

    const HEADER: [u8; 20] = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];

    impl Scene {
        /// Turns to a packet of 100 bytes from 10.0.0.`source` to 10.0.0.`destination`.
        fn packet(&mut self, seconds: u64, source: u8, destination: u8) {
            let packet = Packet {
                network: Network::V4(Ipv4::new(&HEADER).unwrap()),
                source: IpAddr::from([10, 0, 0, source]),
                destination: IpAddr::from([10, 0, 0, destination]),
                ..Packet::EMPTY
            };
            let time = Timestamp::new(seconds, 0);
            let subject = Subject { first_of_way: false, ..Subject::of(&packet, time, 100) };
            self.worker.begin(&subject, &mut self.flow, &mut self.counters);
        }

        /// The rule of that place matches, having captured this.
        fn matches(&mut self, rule: usize, captured: &[(&str, &[u8])], transaction: Option<u64>) {
            let mut captures = Captures::default();
            for (name, value) in captured {
                captures.push(self.names.id(NameKind::Capture, name), value);
            }
            let Self { rules, worker, flow, counters, .. } = self;
            worker.apply(&rules[rule], &captures, flow, transaction, counters);
        }

        fn view(&self) -> View<'_> {
            self.worker.view(self.flow.as_deref(), None)
        }

        fn counted(&self, counter: Counter) -> u64 {
            self.counters.value(counter)
        }
    }

    #[test]
    fn bits_belong_to_the_side_that_the_rule_names() {
        let mut scene = scene(
            &["xbits:set,a,track ip_src;", "xbits:set,a,track ip_pair,expire 10;", "hostbits:set,b,dst;"],
            &MemoryLimits::default(),
        );
        let [a, b] = ["a", "b"].map(|name| scene.names.id(NameKind::AddressBit, name));
        assert!(scene.worker.shared.changes());
        scene.packet(100, 1, 2);
        (0..3).for_each(|rule| scene.matches(rule, &[], None));

        let bits = |scene: &Scene| {
            [(BitScope::Source, a), (BitScope::Destination, a), (BitScope::Pair, a), (BitScope::Source, b)]
                .map(|(scope, id)| scene.view().address_bit(scope, id))
        };
        assert_eq!(bits(&scene), [true, false, true, false]);
        scene.packet(110, 2, 1);
        assert_eq!(bits(&scene), [false, true, true, true]);
        scene.packet(111, 2, 1);
        assert_eq!(bits(&scene), [false, true, false, true]);
        scene.packet(131, 2, 3);
        assert_eq!(bits(&scene), [false, false, false, true]);
    }

    #[test]
    fn bits_of_a_transaction_are_seen_in_it_alone() {
        let mut scene = scene(&["xbits:set,a,track tx;"], &MemoryLimits::default());
        let a = scene.names.id(NameKind::AddressBit, "a");
        assert!(!scene.worker.shared.changes(), "it is the flow's");
        scene.packet(1, 1, 2);
        scene.matches(0, &[], None);
        assert!(scene.flow.is_none());
        scene.matches(0, &[], Some(4));
        let seen = [None, Some(3), Some(4)].map(|transaction| {
            scene.worker.view(scene.flow.as_deref(), transaction).address_bit(BitScope::Transaction, a)
        });
        assert_eq!(seen, [false, false, true]);
    }

    #[test]
    fn a_bit_without_room_is_counted() {
        let limits = MemoryLimits { address_bits: 1, ..MemoryLimits::default() };
        let mut scene = scene(&["xbits:set,a,track ip_src;"], &limits);
        for source in [1, 1, 2, 3] {
            scene.packet(1, source, 9);
            scene.matches(0, &[], None);
        }
        assert_eq!(scene.counted(Counter::AddressBitsRefused), 2);
    }

    #[test]
    fn captured_values_are_kept_for_the_packet_or_for_the_flow() {
        let rule = r#"pcre:"/(.)(.)/, flow:user, pkt:user";"#;
        let mut scene = scene(&[rule], &MemoryLimits::default());
        let [of_flow, of_packet] =
            ["flow:user", "pkt:user"].map(|name| scene.names.id(NameKind::Capture, name));
        let captured: &[(&str, &[u8])] =
            &[("flow:user", b"root"), ("pkt:user", b"a"), ("flow:user", b"eve"), ("pkt:user", b"b")];
        scene.packet(1, 1, 2);
        scene.matches(0, captured, None);
        assert_eq!(scene.view().flow_variable(of_flow), Some(&b"eve"[..]));
        assert_eq!(scene.view().packet_variable(of_packet), Some(&b"b"[..]));
        scene.packet(2, 1, 2);
        assert_eq!(scene.view().flow_variable(of_flow), Some(&b"eve"[..]));
        assert_eq!(scene.view().packet_variable(of_packet), None);
        scene.flow = None;
        assert_eq!(scene.view().flow_variable(of_flow), None);
    }

    #[test]
    fn a_captured_value_without_room_is_counted() {
        let limits = MemoryLimits { captured_bytes: 10, ..MemoryLimits::default() };
        let mut scene = scene(&[r#"pcre:"/(.)/, flow:user";"#], &limits);
        scene.packet(1, 1, 2);
        scene.matches(0, &[("flow:user", b"root")], None);
        assert_eq!(scene.counted(Counter::CapturesRefused), 1);
    }

    #[test]
    fn packets_that_follow_a_tag_are_counted() {
        let mut scene =
            scene(&["tag:session,2,packets;", "tag:host,5,seconds,src;"], &MemoryLimits::default());
        scene.packet(1, 1, 2);
        scene.matches(0, &[], None);
        assert_eq!(scene.counted(Counter::PacketsTagged), 0, "the packet itself is none that follows");
        (2..5).for_each(|second| scene.packet(second, 1, 2));
        assert_eq!(scene.counted(Counter::PacketsTagged), 2);

        scene.matches(1, &[], None);
        for (second, source, destination) in [(5, 1, 3), (6, 3, 1), (7, 3, 4), (9, 4, 1), (10, 1, 3)] {
            scene.packet(second, source, destination);
        }
        assert_eq!(scene.counted(Counter::PacketsTagged), 2 + 3);
    }

    #[test]
    fn rules_that_change_nothing_shared_need_no_turns() {
        let options = ["xbits:isset,a,track ip_src;", "flowbits:set,a;", "tag:session;"];
        assert!(!scene(&options, &MemoryLimits::default()).worker.shared.changes());
        assert!(scene(&["tag:host;"], &MemoryLimits::default()).worker.shared.changes());
    }
}
