//! A packet of a flow, from its stream and its application layer to the rules that match.

use super::records::ToldFlow;
use super::{Place, Shard};
use crate::app_layer::application::{Application, Heard, Offer};
use crate::app_layer::frames::ShownFrames;
use crate::app_layer::parser::Expectation;
use crate::collect::{Found, Order, Stage};
use crate::counter::Counter;
use crate::detect::Subject;
use crate::event::{Direction, flow_id};
use crate::flow::Arrival;
use crate::flow::{Flow, FlowId, Observed, Sought};
use crate::reassembly::stream::{Followed, Session, State};
use crate::time::Timestamp;
use crate::worker::SharedRules;
use crate::worker::alert::{self, AlertFlow};
use crate::worker::made_up::MadeUp;
use crate::worker::tracked::{Extension, Pieces, Tracked};
use rules::view::{FlowFacts, Origin, Packet, StreamEvents, Transport};
use smallvec::SmallVec;
use std::net::IpAddr;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// A packet of a flow at the moment rules look at it.
#[derive(Clone, Copy, Debug)]
struct Moment {
    direction: Direction,
    /// Whether the flow was established when the packet came.
    established: bool,
    /// Whether the packet's payload is part of its stream.
    stored: bool,
    stream_events: StreamEvents,
    /// Whether nothing more comes that way.
    ends: bool,
    time: Timestamp,
    /// The frame's length on the wire, in bytes; 0 for a packet that nobody sent.
    wire_len: u32,
    order: Order,
}

impl Shard {
    /// Counts the packet to its flow, a new one where a connection begins on ports of one that is over.
    pub(super) fn observe(&mut self, sought: &Sought, packet: &Packet<'_>, place: Place) -> Option<Observed> {
        let arrival = Arrival::new(packet, place.ordinal, place.time, place.wire_len);
        let Self { flows, counters, ended, inspector, .. } = self;
        if let (Some(inspector), Transport::Tcp(header)) = (inspector, packet.transport)
            && header.flags() & (SYN | ACK) != ACK
            && let Some(id) = flows.find(sought, place.time, counters, ended)
        {
            let flow = flows.flow(id);
            let direction = flow.direction(sought.orientation());
            let session = flow.extension.as_ref().and_then(|tracked| tracked.session.as_deref());
            if session.is_some_and(|session| inspector.streams.reuses(session, packet, direction)) {
                return flows.replace(id, sought, &arrival, counters, ended);
            }
        }
        flows.observe(sought, &arrival, counters, ended)
    }

    /// Follows the packet's stream, reads what it says, and tries the rules.
    pub(super) fn inspect(&mut self, packet: &Packet<'_>, place: Place, observed: Option<Observed>) {
        let order = Order {
            ordinal: place.ordinal,
            stage: Stage::Packet,
            flow: Default::default(),
            index: place.index,
        };
        let Some(Observed { flow: id, direction, established, .. }) = observed else {
            self.inspect_flowless(packet, place, order);
            return;
        };
        let mut tracked = self.flows.flow_mut(id).extension.take().unwrap_or_default();
        if tracked.quarantined {
            self.flows.flow_mut(id).extension = Some(tracked);
            return;
        }
        if tracked.application.is_untouched() {
            self.expect(&mut tracked, id, place.time);
        }
        let mut moment = Moment {
            direction,
            established,
            stored: false,
            stream_events: StreamEvents::NONE,
            ends: false,
            time: place.time,
            wire_len: place.wire_len,
            order,
        };
        match packet.transport {
            Transport::Tcp(_) if !packet.fragment => self.follow(&mut tracked, packet, id, &mut moment),
            Transport::Udp(_) => self.hear(&mut tracked, packet, id, &moment),
            _ => {}
        }
        self.try_rules(&mut tracked, packet, FlowAt::Table(id), &moment);
        self.let_go(&mut tracked);
        self.flows.flow_mut(id).extension = Some(tracked);
    }

    /// Inspects what is left of a flow that has ended, each way with a packet that nobody sent. Tells of its
    /// last transactions, and returns what is still to tell of the flow itself.
    pub(super) fn inspect_end(
        &mut self,
        flow: &mut Flow<Extension>,
        time: Timestamp,
        order: Order,
    ) -> ToldFlow {
        let Some(mut tracked) = flow.extension.take() else { return ToldFlow::default() };
        self.inspect_rest(&mut tracked, flow, time, order);
        self.record(&mut tracked, FlowAt::Ended(flow), time, order, true);
        ToldFlow { protocol: tracked.application.protocol(), records: tracked.records }
    }

    fn inspect_rest(
        &mut self,
        tracked: &mut Tracked,
        flow: &mut Flow<Extension>,
        time: Timestamp,
        order: Order,
    ) {
        let Some(state) = tracked.session.as_ref().map(|session| session.state()) else { return };
        let open = state >= State::Established && state != State::Closed;
        let rests = Direction::ALL.map(|direction| open || tracked.has_rest(direction));
        if let (Some(session), Some(inspector)) = (&mut tracked.session, &mut self.inspector) {
            inspector.streams.finish(session);
        }
        for direction in Direction::ALL {
            if !rests[direction.index()] {
                continue;
            }
            self.listen(tracked, direction, flow.server().1.unwrap_or(0), time, true);
            let made_up = made_up(flow, direction);
            let moment = Moment {
                direction,
                established: true,
                stored: false,
                stream_events: StreamEvents::NONE,
                ends: true,
                time,
                wire_len: 0,
                order: Order { index: order.index + direction.index() as u32, ..order },
            };
            self.try_rules(tracked, &made_up.packet(), FlowAt::Ended(flow), &moment);
        }
        if let (Some(session), Some(inspector)) = (tracked.session.take(), &mut self.inspector) {
            inspector.streams.end(session);
        }
    }

    /// A connection on which nothing was said yet may be one that another has announced: the announcement may be read
    /// later than the connection is opened.
    fn expect(&mut self, tracked: &mut Tracked, id: FlowId, time: Timestamp) {
        let Some(inspector) = self.inspector.as_mut().filter(|inspector| !inspector.expectations.is_empty())
        else {
            return;
        };
        let flow = self.flows.flow(id);
        let ((client, Some(client_port)), (server, Some(server_port))) = (flow.client(), flow.server())
        else {
            return;
        };
        if let Some(expectation) =
            inspector.expectations.take(time, (client, client_port), (server, server_port))
        {
            tracked.application = Application::expected(&expectation);
        }
    }

    fn follow(&mut self, tracked: &mut Tracked, packet: &Packet<'_>, id: FlowId, moment: &mut Moment) {
        let Some(inspector) = &mut self.inspector else { return };
        let Followed { events, lifecycle, established, stored, updated } = inspector.streams.follow(
            &mut tracked.session,
            packet,
            moment.direction,
            moment.time,
            &mut self.counters,
        );
        moment.stream_events = events;
        moment.stored = stored;
        moment.established = established;
        if let Some(lifecycle) = lifecycle {
            self.flows.set_lifecycle(id, lifecycle);
        }
        let server_port = self.flows.flow(id).server().1.unwrap_or(0);
        for direction in Direction::ALL {
            if updated[direction.index()] {
                self.read(tracked, direction, server_port, id, moment);
            }
        }
    }

    /// Reads what a stream offers; when the protocol changes in it, what the old one said is looked at first.
    fn read(
        &mut self,
        tracked: &mut Tracked,
        direction: Direction,
        server_port: u16,
        id: FlowId,
        moment: &Moment,
    ) {
        // At most one change for each byte that a parser consumes before it.
        while let Some(heard) = self.listen(tracked, direction, server_port, moment.time, false) {
            self.announce(heard.expect, id, moment.time);
            if !heard.changes && !heard.closes {
                break;
            }
            for direction in Direction::ALL {
                let made_up = made_up(self.flows.flow(id), direction);
                let moment = Moment {
                    direction,
                    established: true,
                    stored: false,
                    stream_events: StreamEvents::NONE,
                    wire_len: 0,
                    ..*moment
                };
                self.try_rules(tracked, &made_up.packet(), FlowAt::Table(id), &moment);
            }
            if !heard.changes {
                tracked.memory.get_or_insert_default().pass();
                break;
            }
            tracked.application.change();
        }
    }

    fn announce(&mut self, expected: SmallVec<[Expectation; 1]>, id: FlowId, time: Timestamp) {
        let Some(inspector) = self.inspector.as_mut().filter(|_| !expected.is_empty()) else { return };
        let flow = self.flows.flow(id);
        let hosts: [IpAddr; 2] = [flow.client().0, flow.server().0];
        for expectation in expected {
            if inspector.expectations.add(time, hosts, expectation) {
                self.counters.increment(Counter::ExpectationsRefused);
            }
        }
    }

    /// Gives the application layer what a stream offers.
    fn listen(
        &mut self,
        tracked: &mut Tracked,
        direction: Direction,
        server_port: u16,
        time: Timestamp,
        ends: bool,
    ) -> Option<Heard> {
        let Self { inspector: Some(inspector), config, counters, .. } = self else { return None };
        let session = tracked.session.as_mut()?;
        let closing = ends || session.state() == State::Closed;
        let terms = &inspector.terms;
        let offer = Offer { direction, unacknowledged: closing, end: closing, server_port, time, terms };
        let before = tracked.application.is_identified(direction);
        let heard = tracked.application.listen(session, &offer, counters);
        for direction in Direction::ALL {
            if heard.inspect_raw[direction.index()] {
                tracked.raw[direction.index()].trigger();
            }
        }
        if !before && tracked.application.speech().is_some_and(|speech| speech.unlimited_depth) {
            session.raise_depth(None);
        }
        let stores = tracked.application.conversation().is_some_and(|conversation| conversation.stores());
        if let Some(depth) = config.file_stream_depth.filter(|_| stores) {
            session.raise_depth((depth > 0).then_some(depth));
        }
        Some(heard)
    }

    fn hear(&mut self, tracked: &mut Tracked, packet: &Packet<'_>, id: FlowId, moment: &Moment) {
        let server_port = self.flows.flow(id).server().1.unwrap_or(0);
        let Self { inspector: Some(inspector), counters, .. } = self else { return };
        let heard = tracked.application.hear(
            packet.payload,
            moment.direction,
            server_port,
            moment.time,
            &inspector.terms,
            counters,
        );
        self.announce(heard.expect, id, moment.time);
    }

    fn inspect_flowless(&mut self, packet: &Packet<'_>, place: Place, order: Order) {
        let Self { inspector: Some(inspector), config, found, counters, .. } = self else { return };
        let Some(SharedRules { set: rules, texts, .. }) = &config.rules else { return };
        let Place { time, wire_len, .. } = place;
        let subject = Subject::of(packet, time, wire_len);
        let matches = inspector.detector.inspect(&subject, &mut None, counters, None);
        if !matches.is_empty() {
            let found_rules = matches
                .iter()
                .map(|&matched| alert::found::<Extension>(matched, packet, time, None, rules, texts))
                .collect();
            found.push((order, Found::Rules(found_rules)));
        }
    }

    /// Tries the rules on a packet, on what its way of the stream has to show, and on its transactions.
    fn try_rules(
        &mut self,
        tracked: &mut Tracked,
        packet: &Packet<'_>,
        mut flow_at: FlowAt<'_>,
        moment: &Moment,
    ) {
        if tracked.application.updated[moment.direction.index()] && !self.config.records.is_empty() {
            self.record(tracked, flow_at.again(), moment.time, moment.order, false);
        }
        let Self { inspector: Some(inspector), flows, config, found, counters, .. } = self else { return };
        let Some(SharedRules { set: rules, texts, .. }) = &config.rules else { return };
        let flow = match &mut flow_at {
            FlowAt::Table(id) => flows.flow_mut(*id),
            FlowAt::Ended(flow) => &mut **flow,
        };
        let way = moment.direction.index();
        if tracked.rules != inspector.generation {
            tracked.look_anew(inspector.generation);
        }
        let Tracked { memory, session, application, raw, .. } = tracked;
        let facts = facts(flow, moment, session.as_deref());
        let (pieces, looked_to) = match session.as_deref() {
            Some(session) if inspector.looks_at_streams[way] && !application.encrypted => raw[way]
                .ready(session.side(moment.direction), session.state(), moment.ends)
                .map_or((Pieces::new(), None), |(pieces, to)| (pieces, Some(to))),
            _ => (Pieces::new(), None),
        };
        let identified = application.is_identified(moment.direction) && !application.told[way];
        application.told[way] |= identified;
        let looks = std::mem::take(&mut application.updated[way]) || moment.ends;
        let frames = shown_frames(application, session.as_deref(), packet, moment, looks);
        let subject = Subject {
            packet,
            flow: Some(facts),
            first_of_way: match moment.direction {
                Direction::ToServer => facts.packets_to_server == 1,
                Direction::ToClient => facts.packets_to_client == 1,
            },
            app: application.facts(),
            stream_events: moment.stream_events,
            stored: moment.stored,
            stream: &pieces,
            frames: &frames,
            encrypted: application.encrypted,
            identified,
            ends: moment.ends,
            time: moment.time,
            wire_len: moment.wire_len,
        };
        let protocol = application.protocol();
        let mut conversation = application.conversation();
        let matches = inspector.detector.inspect(
            &subject,
            memory,
            counters,
            conversation.as_deref_mut().filter(|_| looks),
        );
        if !matches.is_empty() {
            let id = flow_id(config.network, &flow.identity(), flow.start());
            let mut alert_flow = AlertFlow {
                flow,
                id,
                direction: moment.direction,
                protocol,
                conversation: conversation.as_deref().map(|one| &**one),
            };
            let found_rules = matches
                .iter()
                .map(|&matched| {
                    alert::found(matched, packet, moment.time, Some(&mut alert_flow), rules, texts)
                })
                .collect();
            found.push((moment.order, Found::Rules(found_rules)));
        }
        if let Some(conversation) = conversation {
            if let Some(intake) = &config.file_intake {
                let over = moment.ends.then_some(moment.direction);
                conversation.take_stored(over, &mut |kept| intake.put(kept, counters));
            }
            match protocol.is_some_and(|protocol| config.records.wants(protocol)) {
                true => conversation.release_told(),
                false => conversation.release(),
            }
        }
        application.clear_events();
        if let Some(to) = looked_to {
            raw[way].advance(to);
        }
    }

    /// Forgets of the flow what nobody will look at again.
    fn let_go(&mut self, tracked: &mut Tracked) {
        let Some(inspector) = &mut self.inspector else { return };
        tracked.application.settle(&inspector.terms.account);
        let Some(session) = &mut tracked.session else { return };
        if tracked.application.encrypted && !tracked.application.has_frames() {
            Direction::ALL.iter().for_each(|&direction| session.disable(direction));
        }
        for direction in Direction::ALL {
            let read = tracked.application.consumed(direction);
            let looked = match inspector.looks_at_streams[direction.index()] && !tracked.application.encrypted
            {
                true => tracked.raw[direction.index()].progress(),
                false => u64::MAX,
            };
            let side = session.side(direction);
            let shown = tracked.application.kept_for_frames(direction);
            let below = read.min(looked).min(shown).min(side.acked());
            if below > side.base() {
                inspector.streams.release(session, direction, below);
            }
        }
    }
}

/// Where a flow is while rules look at it.
pub(super) enum FlowAt<'a> {
    Table(FlowId),
    Ended(&'a mut Flow<Extension>),
}

impl FlowAt<'_> {
    fn again(&mut self) -> FlowAt<'_> {
        match self {
            Self::Table(id) => FlowAt::Table(*id),
            Self::Ended(flow) => FlowAt::Ended(flow),
        }
    }
}

/// A packet without payload of the flow, going that way.
fn made_up(flow: &Flow<Extension>, direction: Direction) -> MadeUp {
    let end = |(address, port): (IpAddr, Option<u16>)| (address, port.unwrap_or(0));
    let (client, server) = (end(flow.client()), end(flow.server()));
    match direction {
        Direction::ToServer => MadeUp::new(client, server),
        Direction::ToClient => MadeUp::new(server, client),
    }
}

/// What rules are to look at of frames: of a stream, where it was read on or will not be, else of a datagram.
fn shown_frames<'a>(
    application: &mut Application,
    session: Option<&'a Session>,
    packet: &Packet<'a>,
    moment: &Moment,
    looks: bool,
) -> ShownFrames<'a> {
    let direction = moment.direction;
    match (session, packet.transport) {
        (Some(session), _) => {
            let over = moment.ends || packet.origin == Origin::FlowEnd || session.state() == State::Closed;
            match looks || over || application.is_stopped() {
                true => application.take_frames_of(session.side(direction), direction, over),
                false => ShownFrames::new(),
            }
        }
        (None, Transport::Udp(_)) => application.take_frames_in(packet.payload, direction),
        _ => ShownFrames::new(),
    }
}

fn facts(flow: &Flow<Extension>, moment: &Moment, session: Option<&Session>) -> FlowFacts {
    let statistics = flow.statistics(None);
    let stream_bytes = |direction| session.map(|session| session.side(direction).stream_len());
    FlowFacts {
        to_server: moment.direction == Direction::ToServer,
        established: moment.established,
        packets_to_server: statistics.packets_to_server,
        packets_to_client: statistics.packets_to_client,
        bytes_to_server: statistics.bytes_to_server,
        bytes_to_client: statistics.bytes_to_client,
        age_ns: statistics.end.nanos_since(statistics.start),
        client_stream_bytes: stream_bytes(Direction::ToServer),
        server_stream_bytes: stream_bytes(Direction::ToClient),
        elephant: [false; 2],
    }
}
