//! One packet's way through its session: what all states share.

use super::segment::{ACK, FIN, RST, SYN, Segment};
use super::session::{Session, Traits, index};
use super::side::{Marks, Side};
use super::state::State;
use super::{Followed, StreamEngine, UrgentLimitPolicy, UrgentPolicy};
use crate::counter::{Counter, Counters};
use rules::view::StreamEvent;

/// A segment that is not used: its event says why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused;

/// Whether a segment is used.
pub(super) type Verdict = Result<(), Refused>;

/// One packet with the session it belongs to. Own is the side of the data that it carries; the other side is what it
/// acknowledges.
pub(super) struct Tracker<'e> {
    pub(super) engine: &'e mut StreamEngine,
    pub(super) session: &'e mut Session,
    pub(super) segment: &'e Segment<'e>,
    pub(super) counters: &'e mut Counters,
    pub(super) followed: Followed,
    /// Whether irregularities may come from data that the sensor lost, and are not told.
    muted: bool,
}

impl<'e> Tracker<'e> {
    pub(super) fn new(
        engine: &'e mut StreamEngine,
        session: &'e mut Session,
        segment: &'e Segment<'e>,
        counters: &'e mut Counters,
    ) -> Self {
        let muted = session.traits.contains(Traits::LOSSY);
        let established = session.state >= State::Established;
        let followed = Followed { established, ..Followed::default() };
        Self { engine, session, segment, counters, followed, muted }
    }

    /// Follows a packet of a session that was there before it.
    pub(super) fn follow(mut self) -> Followed {
        let usable = [0, 1].map(|side| self.session.sides[side].usable_end());
        if !self.segment.has(ACK) && self.segment.acknowledgement != 0 {
            self.raise(StreamEvent::PktBrokenAck);
        }
        if self.segment.has_all(SYN | FIN) {
            self.raise(StreamEvent::FinSyn);
        }
        self.answer_one_sided();
        let dropped = self.segment.urgent().is_some() && self.urgent_policy() == UrgentPolicy::Drop;
        // What a refusal means is in the events; the state stays as it was.
        if dropped || (!self.is_out_of_turn() && self.dispatch(self.session.state).is_err()) {
            self.counters.increment(Counter::StreamSegmentsInvalid);
        }
        self.check_after_reset();
        self.conclude(usable)
    }

    /// Gives up what was lost and tells what came of the packet.
    pub(super) fn conclude(mut self, usable: [u64; 2]) -> Followed {
        for place in [0, 1] {
            self.give_up_lost(place);
            self.followed.updated[place] |= self.session.sides[place].usable_end() > usable[place];
        }
        self.followed.lifecycle = Some(self.session.lifecycle());
        self.followed
    }

    /// Gives up what is acknowledged of a side and did not come.
    pub(super) fn give_up_lost(&mut self, place: usize) {
        let side = &mut self.session.sides[place];
        let before = side.buffer.as_ref().map_or(0, |buffer| buffer.memory());
        if side.is_disabled() || !side.give_up_lost() {
            return;
        }
        let after = side.buffer.as_ref().map_or(0, |buffer| buffer.memory());
        self.engine.memory = self.engine.memory + after - before;
        self.counters.increment(Counter::StreamGaps);
        self.raise(StreamEvent::ReassemblySeqGap);
        self.session.traits.insert(Traits::LOSSY);
    }

    fn dispatch(&mut self, state: State) -> Verdict {
        match state {
            State::SynSent => self.syn_sent(),
            State::SynReceived => self.syn_received(),
            State::Established => self.established(),
            State::FinWait1 => self.fin_wait_1(),
            State::FinWait2 => self.fin_wait_2(),
            State::CloseWait => self.close_wait(),
            State::Closing => self.closing(),
            State::LastAck => self.last_ack(),
            State::TimeWait => self.time_wait(),
            State::Closed => self.closed(),
        }
    }

    /// After both have sent their last, nothing is expected; but where one side alone has reset, and goes on sending
    /// itself, it was not it that reset.
    fn closed(&mut self) -> Verdict {
        let own_reset = self.own().marks.contains(Marks::RESET);
        if self.segment.has(RST) || !own_reset || self.other().marks.contains(Marks::RESET) {
            return Ok(());
        }
        self.dispatch(self.session.before_reset)?;
        if self.session.state == State::Closed {
            self.session.state = self.session.before_reset;
        }
        Ok(())
    }

    /// A packet other than a reset from whom a reset seemed to come.
    fn check_after_reset(&mut self) {
        if !self.segment.has(RST) && self.own().marks.contains(Marks::RESET) {
            self.own_mut().marks.remove(Marks::RESET);
            self.session.traits.remove(Traits::RESET);
            self.raise(StreamEvent::SuspectedRstInject);
        }
    }

    /// Whether the packet says nothing about the data: keep-alives and their answers (RFC 9293 §3.8.4), old
    /// acknowledgements, and bogus window updates.
    fn is_out_of_turn(&mut self) -> bool {
        if self.session.state < State::Established || self.segment.has(SYN | FIN | RST) {
            return false;
        }
        let (sequence, acknowledgement) = (self.sequence(), self.acknowledgement());
        let (own, other) = (self.own(), self.other());
        let (next, last_ack, heard) = (own.next as i64, other.last_ack as i64, other.next as i64);
        let answers_keep_alive = other.marks.contains(Marks::KEEP_ALIVE);
        let window = u64::from(self.segment.window()) << other.scale;
        let same_window = window == u64::from(other.window);
        let narrower_by = u64::from(other.window).saturating_sub(window);

        let current = same_window && acknowledgement == last_ack;
        if self.segment.len() <= 1 && current && sequence == next - 1 {
            self.own_mut().marks.insert(Marks::KEEP_ALIVE);
            return true;
        }
        self.other_mut().marks.remove(Marks::KEEP_ALIVE);
        if answers_keep_alive && self.segment.payload.is_empty() && current && sequence == next {
            return true;
        }
        let beyond = acknowledgement > heard && sequence > next && !self.follows_both_fins();
        if narrower_by > self.segment.len() && beyond {
            self.raise(StreamEvent::PktBadWindowUpdate);
            return true;
        }
        let outdated = acknowledgement < last_ack && sequence <= next && self.segment.has(ACK);
        self.segment.payload.is_empty()
            && outdated
            && last_ack - acknowledgement <= i64::from(self.other().window)
    }

    /// Whether the segment stands behind the FIN of both sides, whose sequence numbers are not data.
    fn follows_both_fins(&self) -> bool {
        let (own, other) = (self.own(), self.other());
        let behind = self.sequence() == own.fin as i64 + 1 && self.acknowledgement() == other.fin as i64 + 1;
        own.fin_seen() && other.fin_seen() && behind
    }

    /// What becomes of the segment's urgent byte; tells where there were too many before it.
    pub(super) fn urgent_policy(&mut self) -> UrgentPolicy {
        let policy = self.engine.config.urgent;
        let full = self.own().urgent.as_ref().is_some_and(|urgent| urgent.is_full());
        if policy != UrgentPolicy::Oob || !full {
            return policy;
        }
        self.raise(StreamEvent::ReassemblyUrgentOobLimitReached);
        match self.engine.config.urgent_limit {
            UrgentLimitPolicy::Inline => UrgentPolicy::Inline,
            UrgentLimitPolicy::Drop => UrgentPolicy::Drop,
            UrgentLimitPolicy::Gap => UrgentPolicy::Gap,
        }
    }

    /// A session of which one direction alone seemed to be seen has an answer.
    fn answer_one_sided(&mut self) {
        self.session.only = self.session.only.filter(|&only| only == self.segment.direction);
    }

    pub(super) fn raise(&mut self, event: StreamEvent) {
        if !self.muted {
            self.followed.events.insert(event);
        }
    }

    /// Refuses the segment for that reason.
    pub(super) fn refuse(&mut self, event: StreamEvent) -> Verdict {
        self.raise(event);
        Err(Refused)
    }

    /// Refuses the segment for that reason unless a condition holds.
    pub(super) fn require(&mut self, condition: bool, event: StreamEvent) -> Verdict {
        if condition { Ok(()) } else { self.refuse(event) }
    }

    pub(super) fn own(&self) -> &Side {
        self.session.side(self.segment.direction)
    }

    pub(super) fn own_mut(&mut self) -> &mut Side {
        self.session.side_mut(self.segment.direction)
    }

    pub(super) fn other(&self) -> &Side {
        self.session.side(self.segment.direction.opposite())
    }

    pub(super) fn other_mut(&mut self) -> &mut Side {
        self.session.side_mut(self.segment.direction.opposite())
    }

    /// Whether the segment goes the way of the first SYN.
    pub(super) fn is_openers(&self) -> bool {
        self.segment.direction == self.session.opener
    }

    /// Where the segment's data begins: behind SYN, which has a sequence number of its own.
    pub(super) fn sequence(&self) -> i64 {
        self.own().position(self.segment.sequence) + i64::from(self.segment.has(SYN))
    }

    /// Where the segment's data ends.
    pub(super) fn sequence_end(&self) -> i64 {
        self.sequence() + self.segment.len() as i64
    }

    /// What the segment says was received.
    pub(super) fn acknowledgement(&self) -> i64 {
        self.other().position(self.segment.acknowledgement)
    }

    /// Whether sequence numbers cannot be held to windows that were never seen.
    pub(super) fn is_lenient(&self) -> bool {
        self.session.traits.contains(Traits::MIDSTREAM) || self.session.is_one_sided()
    }

    pub(super) fn own_place(&self) -> usize {
        index(self.segment.direction)
    }
}
