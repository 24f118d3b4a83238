//! What one flow says: identified by its first bytes, then parsed (Suricata documentation: "App-layer protocol
//! detection"; observed behaviour where that is silent).

use super::account::{Account, Share};
use super::conversation::Conversation;
use super::file::Wanted;
use super::frames::{Edge, FrameLog, FrameWishes, ShownFrames};
use super::identify::{Carrier, Identified, Speech, identify};
use super::parser::{Change, Expectation, HandedOver, Input, Malformed, Requests};
use super::speech_of;
use crate::counter::{Counter, Counters};
use crate::event::Direction;
use crate::reassembly::stream::{Block, Session, Side};
use crate::time::Timestamp;
use rules::header::protocol::AppProtocol;
use rules::view::{AppEvent, AppEvents, AppFacts, Detection};
use smallvec::SmallVec;
use std::sync::Arc;

/// Bytes of one direction after which a flow that nothing is known of is given up.
const MAX_UNKNOWN: usize = 100_000;

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Phase {
    /// The protocol is not known yet.
    #[default]
    Seeking,
    /// It is, and its parser reads on.
    Parsing,
    /// Nothing more is read: given up, finished, or never known.
    Stopped,
}

/// What came of new bytes.
#[derive(Debug, Default)]
pub struct Heard {
    /// Ways whose raw stream should be looked at now.
    pub inspect_raw: [bool; 2],
    /// What was said so far is let go of, since the protocol changes or for lack of room: it is to be looked at now, then
    /// [`Application::change`] called.
    pub changes: bool,
    /// Nothing that follows can be inspected: what was said before is to be looked at now.
    pub closes: bool,
    /// Connections that were announced.
    pub expect: SmallVec<[Expectation; 1]>,
}

/// The application layer of one flow.
#[derive(Debug, Default)]
pub struct Application {
    facts: AppFacts,
    phase: Phase,
    speech: Option<&'static Speech>,
    conversation: Option<Box<dyn Conversation>>,
    /// What that has on the account of its worker, once it has something.
    share: Option<Share>,
    /// It found no room, and is to be let go of.
    refused: bool,
    pending: Option<(Change, Option<HandedOver>)>,
    /// How many bytes of each way are done with.
    consumed: [u64; 2],
    /// How many bytes of each way the parser was shown.
    shown: [u64; 2],
    ended: [bool; 2],
    /// Ways that were parsed since they were last inspected.
    pub updated: [bool; 2],
    /// Ways of which identification has ended, and rules on that were told.
    pub told: [bool; 2],
    /// Whether payload is encrypted by now, and not worth looking at.
    pub encrypted: bool,
    /// What rules ask of files.
    wanted: Wanted,
    /// Frames of each way, where rules ask for any.
    frames: [FrameLog; 2],
}

/// What all applications of a worker are parsed by.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What rules ask of files.
    pub wanted: Wanted,
    /// What rules ask of frames.
    pub frames: FrameWishes,
    /// What all flows keep together.
    pub account: Arc<Account>,
}

/// Which bytes a session offers, and why.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// Which way.
    pub direction: Direction,
    /// Whether bytes count that nobody has acknowledged.
    pub unacknowledged: bool,
    /// Whether nothing more comes that way.
    pub end: bool,
    /// The server's port.
    pub server_port: u16,
    /// The packet's time.
    pub time: Timestamp,
    /// What it is parsed by.
    pub terms: &'a Terms,
}

impl Application {
    /// One whose protocol is known beforehand: a connection that another had announced.
    pub fn expected(expectation: &Expectation) -> Self {
        let mut application = Self::default();
        if let Some(speech) = speech_of(expectation.protocol) {
            application.facts.to_server = Detection::Found(speech.protocol);
            application.facts.to_client = Detection::Found(speech.protocol);
            application.adopt(speech);
            if let Some(conversation) = &mut application.conversation {
                conversation.expected(expectation);
            }
        }
        application
    }

    /// Whether nothing was read of it yet, nor is its protocol known.
    pub fn is_untouched(&self) -> bool {
        self.phase == Phase::Seeking && self.shown == [0; 2]
    }

    /// What the flow was found to speak. Events are those since they were last taken.
    pub fn facts(&self) -> AppFacts {
        self.facts
    }

    /// Forgets the events of the packet that was inspected.
    pub fn clear_events(&mut self) {
        self.facts.events = AppEvents::NONE;
    }

    /// The protocol, if it is known.
    pub fn protocol(&self) -> Option<AppProtocol> {
        self.facts.whole.found()
    }

    /// How flows of its protocol are parsed, if it is known.
    pub fn speech(&self) -> Option<&'static Speech> {
        self.speech
    }

    /// The transactions, if the protocol is known.
    pub fn conversation(&mut self) -> Option<&mut Box<dyn Conversation>> {
        self.conversation.as_mut()
    }

    /// Below which offset a stream is done with.
    pub fn consumed(&self, direction: Direction) -> u64 {
        match self.phase {
            Phase::Stopped => u64::MAX,
            Phase::Seeking | Phase::Parsing => self.consumed[direction.index()],
        }
    }

    /// Whether nothing more is read.
    pub fn is_stopped(&self) -> bool {
        self.phase == Phase::Stopped
    }

    /// Whether identification has ended for a way.
    pub fn is_identified(&self, direction: Direction) -> bool {
        self.detection(direction) != Detection::Pending || self.phase == Phase::Stopped
    }

    /// Whether a way of any transaction is not inspected to its end.
    pub fn has_open(&self, direction: Direction) -> bool {
        let Some(conversation) = &self.conversation else { return false };
        let mut next = 0;
        while let Some(number) = conversation.following(next) {
            if conversation.noted(number, direction).is_some_and(|noted| !noted.finished) {
                return true;
            }
            next = number + 1;
        }
        false
    }

    /// Whether rules ask for frames of what it speaks.
    pub fn has_frames(&self) -> bool {
        self.frames.iter().any(|frames| !frames.is_idle())
    }

    /// From where on bytes of a way have to be kept for rules on frames.
    pub fn kept_for_frames(&self, direction: Direction) -> u64 {
        self.frames[direction.index()].kept_from()
    }

    /// What rules are to look at of the frames in a stream; counts as looked at. `over`: no more will come.
    pub fn take_frames_of<'a>(
        &mut self,
        side: &'a Side,
        direction: Direction,
        over: bool,
    ) -> ShownFrames<'a> {
        let edge = Edge {
            there: if over { side.right_edge() } else { side.usable_end() },
            parsed: self.consumed(direction),
            over: over || self.is_stopped(),
        };
        self.frames[direction.index()].take_ready(edge, |from| side.next_block(from))
    }

    /// What rules are to look at of the frames in a datagram.
    pub fn take_frames_in<'a>(&mut self, payload: &'a [u8], direction: Direction) -> ShownFrames<'a> {
        let there = payload.len() as u64;
        let block = |offset: u64| {
            let bytes = payload.get(usize::try_from(offset).ok()?..)?;
            Some(Block { offset, bytes })
        };
        self.frames[direction.index()].take_ready(Edge { there, parsed: there, over: true }, block)
    }

    /// Reads what a session offers.
    pub fn listen(&mut self, session: &Session, offer: &Offer<'_>, counters: &mut Counters) -> Heard {
        let mut heard = Heard::default();
        self.set_wanted(&offer.terms.wanted);
        let side = session.side(offer.direction);
        while self.phase != Phase::Stopped && self.pending.is_none() {
            let at = self.consumed[offer.direction.index()];
            let edge = if offer.unacknowledged { side.right_edge() } else { side.acked() };
            let block = side.next_block(at);
            let (bytes, hole) = match block {
                Some(block) if block.offset > at => (&[][..], block.offset - at),
                Some(block) => {
                    let usable = usize::try_from(edge.saturating_sub(at)).unwrap_or(usize::MAX);
                    (&block.bytes[..block.bytes.len().min(usable)], 0)
                }
                None => (&[][..], 0),
            };
            if hole > 0 {
                if !side.is_gap(at) && !offer.end {
                    break;
                }
                self.bridge(offer.direction, hole, &mut heard, counters);
                continue;
            }
            if self.take(session, side, bytes, offer, &mut heard, counters) {
                continue;
            }
            let Some(lost) = self.lost(side, offer) else { break };
            self.bridge(offer.direction, lost, &mut heard, counters);
        }
        heard
    }

    /// How many bytes from the first that is not consumed to the end of the hole behind it: what the parser left
    /// waits for bytes that will not come.
    fn lost(&self, side: &Side, offer: &Offer<'_>) -> Option<u64> {
        let at = self.consumed[offer.direction.index()];
        let rest = side.next_block(at).filter(|block| self.phase == Phase::Parsing && block.offset == at)?;
        let hole = at + rest.bytes.len() as u64;
        let beyond = side.next_block(hole).filter(|_| side.is_gap(hole) || offer.end)?;
        Some(beyond.offset - at)
    }

    fn set_wanted(&mut self, wanted: &Wanted) {
        if self.wanted != *wanted {
            self.wanted = wanted.clone();
            if let Some(conversation) = &mut self.conversation {
                conversation.set_wanted(wanted.clone());
            }
        }
    }

    /// Reads a datagram.
    pub fn hear(
        &mut self,
        payload: &[u8],
        direction: Direction,
        server_port: u16,
        time: Timestamp,
        terms: &Terms,
        counters: &mut Counters,
    ) -> Heard {
        let mut heard = Heard::default();
        if self.phase == Phase::Stopped || payload.is_empty() {
            return heard;
        }
        if self.detection(direction) == Detection::Pending {
            match identify(super::SPEECHES, Carrier::Udp, server_port, payload, direction) {
                Identified::As(speech) => self.found(speech, direction),
                Identified::NotYet | Identified::Never => self.not_found(direction),
            }
        }
        if self.phase == Phase::Parsing {
            let input = Input { direction, bytes: payload, end: false, time };
            self.frames[direction.index()].begin_datagram(&terms.frames, self.protocol());
            self.parse(&input, &terms.account, &mut heard, counters);
            self.consumed[direction.index()] = 0;
        }
        heard
    }

    /// A packet was looked at: lets go of what found no room, and brings the account up to date.
    pub fn settle(&mut self, account: &Arc<Account>) {
        if std::mem::take(&mut self.refused) {
            self.conversation = None;
        }
        self.charge(account);
    }

    /// Brings the account up to date. Says whether there is room for what has come to it.
    fn charge(&mut self, account: &Arc<Account>) -> bool {
        let held = self.conversation.as_ref().map_or(0, |conversation| conversation.held());
        match &mut self.share {
            Some(share) => share.set(held),
            None => held == 0 || self.share.insert(Share::new(account)).set(held),
        }
    }

    /// Takes up another protocol, after what the old one said was looked at.
    pub fn change(&mut self) {
        let Some((change, handed)) = self.pending.take() else { return };
        let before = std::mem::take(&mut self.facts);
        self.facts.original = before.whole;
        self.facts.events = before.events;
        self.conversation = None;
        self.speech = None;
        self.frames = Default::default();
        self.phase = Phase::Seeking;
        self.told = [false; 2];
        self.shown = self.consumed;
        if let Change::To(protocol) = change
            && let Some(speech) = speech_of(protocol)
        {
            self.facts.to_server = Detection::Found(protocol);
            self.facts.to_client = Detection::Found(protocol);
            self.adopt(speech);
            if let (Some(handed), Some(conversation)) = (handed, &mut self.conversation) {
                conversation.take_over(&handed);
            }
        }
    }

    fn detection(&self, direction: Direction) -> Detection {
        match direction {
            Direction::ToServer => self.facts.to_server,
            Direction::ToClient => self.facts.to_client,
        }
    }

    fn set_detection(&mut self, direction: Direction, detection: Detection) {
        match direction {
            Direction::ToServer => self.facts.to_server = detection,
            Direction::ToClient => self.facts.to_client = detection,
        }
    }

    /// Reads the bytes that lie ready; says whether there may be more to read.
    fn take(
        &mut self,
        session: &Session,
        side: &Side,
        bytes: &[u8],
        offer: &Offer<'_>,
        heard: &mut Heard,
        counters: &mut Counters,
    ) -> bool {
        let direction = offer.direction;
        let way = direction.index();
        let to = self.consumed[way] + bytes.len() as u64;
        let ends = offer.end && to >= side.right_edge() && !self.ended[way];
        if to <= self.shown[way] && !ends {
            return false;
        }
        if self.detection(direction) == Detection::Pending && !bytes.is_empty() {
            self.look_for(session, bytes, offer, heard, counters);
        }
        if self.phase != Phase::Parsing {
            self.shown[way] = to;
            if self.phase == Phase::Seeking && bytes.len() > MAX_UNKNOWN {
                self.give_up();
            }
            return false;
        }
        // What the other way said first may have been read meanwhile, never this way's own.
        self.shown[way] = to;
        self.ended[way] |= ends;
        let input = Input { direction, bytes, end: ends, time: offer.time };
        let before = self.consumed[way];
        self.frames[way].begin(&offer.terms.frames, self.protocol(), before);
        self.parse(&input, &offer.terms.account, heard, counters);
        self.consumed[way] > before
    }

    fn look_for(
        &mut self,
        session: &Session,
        bytes: &[u8],
        offer: &Offer<'_>,
        heard: &mut Heard,
        counters: &mut Counters,
    ) {
        let direction = offer.direction;
        match identify(super::SPEECHES, Carrier::Tcp, offer.server_port, bytes, direction) {
            Identified::As(speech) => {
                self.found(speech, direction);
                self.check_who_spoke_first(session, offer, heard, counters);
            }
            Identified::NotYet if !offer.end => {}
            Identified::NotYet | Identified::Never => self.not_found(direction),
        }
    }

    fn found(&mut self, speech: &'static Speech, direction: Direction) {
        self.set_detection(direction, Detection::Found(speech.protocol));
        match self.speech {
            None => self.adopt(speech),
            Some(known) if known.protocol == speech.protocol => {}
            Some(_) => {
                self.facts.events.insert(AppEvent::MismatchProtocolBothDirections);
                // Before anything was parsed, the server's word counts.
                if direction == Direction::ToClient && self.consumed == [0; 2] && self.phase == Phase::Parsing
                {
                    self.adopt(speech);
                }
            }
        }
    }

    fn not_found(&mut self, direction: Direction) {
        self.set_detection(direction, Detection::Failed);
        match self.detection(direction.opposite()) {
            Detection::Found(_) => self.facts.events.insert(AppEvent::DetectProtocolOnlyOneDirection),
            Detection::Failed => self.give_up(),
            Detection::Pending => {}
        }
    }

    fn give_up(&mut self) {
        self.facts.whole = Detection::Failed;
        self.phase = Phase::Stopped;
    }

    fn adopt(&mut self, speech: &'static Speech) {
        self.facts.whole = Detection::Found(speech.protocol);
        self.speech = Some(speech);
        self.frames = Default::default();
        let conversation = self.conversation.insert((speech.begin)());
        conversation.set_wanted(self.wanted.clone());
        self.shown = self.consumed;
        self.phase = Phase::Parsing;
    }

    /// A protocol in which one side speaks first is not parsed when the other did. What that side said and nobody
    /// has acknowledged yet is read before.
    fn check_who_spoke_first(
        &mut self,
        session: &Session,
        offer: &Offer<'_>,
        heard: &mut Heard,
        counters: &mut Counters,
    ) {
        let Some(first) = self.speech.and_then(|speech| speech.first) else { return };
        if self.phase != Phase::Parsing || first == offer.direction || self.consumed[first.index()] > 0 {
            return;
        }
        if session.side(first).right_edge() > 0 {
            let other = Offer { direction: first, unacknowledged: true, end: false, ..*offer };
            let heard_first = self.listen(session, &other, counters);
            heard.changes |= heard_first.changes;
            heard.closes |= heard_first.closes;
            heard.expect.extend(heard_first.expect);
            heard.inspect_raw[first.index()] |= heard_first.inspect_raw[first.index()];
        } else {
            self.facts.events.insert(AppEvent::WrongDirectionFirstData);
            self.phase = Phase::Stopped;
        }
    }

    /// Goes on behind bytes that were never seen, or cannot be made sense of without those.
    fn bridge(&mut self, direction: Direction, hole: u64, heard: &mut Heard, counters: &mut Counters) {
        let way = direction.index();
        counters.increment(Counter::AppGaps);
        self.consumed[way] += hole;
        self.shown[way] = self.shown[way].max(self.consumed[way]);
        let goes_on = match (self.phase, self.speech, &mut self.conversation) {
            (Phase::Parsing, Some(speech), Some(conversation)) if speech.bridges_gaps => {
                conversation.skip(direction, hole).is_ok()
            }
            _ => false,
        };
        if !goes_on {
            self.stop(heard);
        }
    }

    fn parse(
        &mut self,
        input: &Input<'_>,
        account: &Arc<Account>,
        heard: &mut Heard,
        counters: &mut Counters,
    ) {
        let Some(conversation) = &mut self.conversation else { return };
        let way = input.direction.index();
        let mut requests = Requests { frames: std::mem::take(&mut self.frames[way]), ..Requests::default() };
        self.updated[way] = true;
        match conversation.parse(input, &mut requests) {
            Ok(consumed) => self.consumed[way] += consumed as u64,
            Err(Malformed) => {
                counters.increment(Counter::AppMalformed);
                self.stop(heard);
            }
        }
        if let Some(conversation) = &mut self.conversation {
            counters.add(Counter::TransactionsCutShort, conversation.take_cut_short());
            counters.add(Counter::TransactionPartsRefused, conversation.take_refused());
        }
        counters.add(Counter::FramesRefused, requests.frames.take_refused());
        self.frames[way] = requests.frames;
        heard.inspect_raw[way] |= requests.inspect_raw;
        heard.expect.extend(requests.expect);
        self.encrypted |= requests.encrypted;
        if let Some(found) = requests.becomes.map(Detection::Found).filter(|&found| found != self.facts.whole)
        {
            self.facts.original = self.facts.whole;
            self.facts.whole = found;
        }
        if !self.charge(account) {
            counters.increment(Counter::AppMemoryRefused);
            self.refused = true;
            heard.changes = true;
            self.stop(heard);
        } else if requests.finished {
            heard.closes = self.encrypted;
            self.phase = Phase::Stopped;
        } else if let Some(change) = requests.change {
            // What was said before is let go of once it was looked at.
            let handed = self.conversation.as_ref().and_then(|conversation| conversation.hand_over());
            self.pending = Some((change, handed));
            heard.changes = true;
        }
    }

    /// Reads no more of what cannot be read; rules on the raw streams look at what there is. Who never learnt what
    /// the flow speaks will not any more.
    fn stop(&mut self, heard: &mut Heard) {
        self.phase = Phase::Stopped;
        heard.inspect_raw = [true; 2];
        if self.facts.whole == Detection::Pending {
            self.facts.whole = Detection::Failed;
        }
    }
}
