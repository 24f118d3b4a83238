//! How sessions begin: SYN, SYN/ACK and ACK in all their variants (RFC 9293 §3.5), data with SYN (RFC 7413), and
//! sessions picked up without any of it.

use super::Followed;
use super::config::StreamConfig;
use super::segment::{ACK, FIN, MAX_SCALE, Opening, RST, SYN, Segment};
use super::session::Traits;
use super::state::State;
use super::tracker::{Tracker, Verdict};
use rules::view::{StreamEvent, StreamEvents};

/// How a packet begins a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Entry {
    Syn,
    /// Picked up at SYN/ACK.
    SynAck,
    /// Picked up later.
    Midstream,
}

impl Entry {
    /// How this packet begins a session, if it does.
    pub(super) fn of(segment: &Segment<'_>, config: &StreamConfig) -> Option<Self> {
        let pickup = config.midstream;
        match (segment.has(SYN), segment.has(ACK)) {
            _ if segment.has(RST) => None,
            _ if segment.has(FIN) => (pickup && !segment.payload.is_empty()).then_some(Self::Midstream),
            (true, true) => (pickup || config.one_sided).then_some(Self::SynAck),
            (true, false) => Some(Self::Syn),
            (false, true) => pickup.then_some(Self::Midstream),
            (false, false) => None,
        }
    }
}

/// What is irregular about a packet that belongs to no session.
pub(super) fn stray_events(segment: &Segment<'_>) -> StreamEvents {
    let mut events = StreamEvents::NONE;
    if segment.has(RST) {
        events.insert(StreamEvent::RstButNoSession);
    } else if segment.has(FIN) {
        events.insert(StreamEvent::FinButNoSession);
    }
    if segment.has_all(SYN | FIN) {
        events.insert(StreamEvent::FinSyn);
    }
    if !segment.has(ACK) && segment.acknowledgement != 0 {
        events.insert(StreamEvent::PktBrokenAck);
    }
    events
}

impl Tracker<'_> {
    /// Takes the first packet of a session.
    pub(super) fn open(mut self, entry: Entry) -> Followed {
        let usable = [0; 2];
        if !self.segment.has(ACK) && self.segment.acknowledgement != 0 {
            self.raise(StreamEvent::PktBrokenAck);
        }
        match entry {
            Entry::Syn => self.take_syn(&self.segment.opening()),
            Entry::SynAck => self.pick_up_syn_ack(),
            Entry::Midstream => self.pick_up(),
        }
        self.conclude(usable)
    }

    /// Takes the SYN that opens the session, with its data if it asks for that.
    fn take_syn(&mut self, opening: &Opening) {
        self.session.note_opening(self.segment.direction, opening, self.segment.second);
        if opening.fast_open {
            self.session.traits.insert(Traits::FAST_OPEN);
            self.take_data();
        }
    }

    /// SYN was seen.
    pub(super) fn syn_sent(&mut self) -> Verdict {
        self.check_echo()?;
        let segment = self.segment;
        if segment.has(RST) {
            return self.reset_unanswered();
        }
        match (segment.has(FIN), segment.has(SYN), segment.has(ACK)) {
            (true, ..) | (_, false, false) => Ok(()),
            (_, true, true) if self.is_openers() => self.answer_second_syn(),
            (_, true, true) => self.answer_syn(),
            (_, true, false) => self.repeat_syn(),
            (_, false, true) => self.go_on_one_sided(),
        }
    }

    /// SYN/ACK answers SYN, which may be one sent again with another number.
    fn answer_syn(&mut self) -> Verdict {
        let sent = self.other().next;
        let acknowledged = self.acknowledgement();
        let number = self.segment.acknowledgement.wrapping_sub(1);
        let candidate = self.session.candidates.iter().find(|it| it.sequence == number).copied();
        if acknowledged == sent as i64 {
            self.take_syn_ack(&self.segment.opening());
            self.other_mut().acknowledge(sent);
        } else if acknowledged == 0 {
            // It took SYN without its data, which comes again.
            self.raise(StreamEvent::ThreewhsSynackTfoDataIgnored);
            self.discard_opener_data();
            self.take_syn_ack(&self.segment.opening());
        } else if let Some(candidate) = candidate {
            self.discard_opener_data();
            self.session.note_opening(self.session.opener, &candidate, self.segment.second);
            self.take_syn_ack(&self.segment.opening());
        } else {
            return self.refuse(StreamEvent::ThreewhsSynackWithWrongAck);
        }
        Ok(())
    }

    fn take_syn_ack(&mut self, opening: &Opening) {
        self.session.note_opening(self.session.opener.opposite(), opening, self.segment.second);
        self.session.agree();
        self.session.candidates.clear();
        self.session.state = State::SynReceived;
    }

    /// The opener's SYN had no data after all.
    fn discard_opener_data(&mut self) {
        let side = self.session.side_mut(self.session.opener);
        self.engine.reclaim(side);
        side.next = 0;
        side.frontier = 0;
    }

    /// The opener answers the SYN of the responder, which sent one instead of SYN/ACK.
    fn answer_second_syn(&mut self) -> Verdict {
        let four_way = self.session.traits.contains(Traits::FOUR_WAY);
        self.require(four_way, StreamEvent::ThreewhsSynackInWrongDirection)?;
        self.require(self.acknowledgement() == 0, StreamEvent::FourwhsSynackWithWrongAck)?;
        self.require(self.sequence() == 0, StreamEvent::FourwhsSynackWithWrongSyn)?;
        self.session.agree();
        self.session.state = State::SynReceived;
        Ok(())
    }

    /// Another SYN before any answer: other than the first if in its number, or in the timestamp that an answer echoes.
    fn repeat_syn(&mut self) -> Verdict {
        let opening = self.segment.opening();
        if !self.is_openers() {
            self.session.traits.insert(Traits::FOUR_WAY);
            self.session.note_opening(self.segment.direction, &opening, self.segment.second);
            return Ok(());
        }
        let own = self.own();
        let known = own.initial_sequence == opening.sequence
            && opening.timestamp.is_none_or(|timestamp| timestamp == own.timestamp);
        if known {
            return Ok(());
        }
        let limit = self.engine.config.max_syn_queued;
        self.remember(opening, limit, StreamEvent::ThreewhsSynFlood)
    }

    /// Keeps another SYN or SYN/ACK, since it may be the one that the peer answers.
    fn remember(&mut self, opening: Opening, limit: u8, flood: StreamEvent) -> Verdict {
        let candidates = &mut self.session.candidates;
        let known = |it: &Opening| it.sequence == opening.sequence && it.timestamp == opening.timestamp;
        if candidates.iter().any(known) {
            return Ok(());
        }
        if candidates.len() >= usize::from(limit) {
            return self.refuse(flood);
        }
        candidates.push(opening);
        Ok(())
    }

    /// After SYN, ACK of the same host: its peer's answer is not seen.
    fn go_on_one_sided(&mut self) -> Verdict {
        if !self.engine.config.one_sided || !self.is_openers() {
            return Ok(());
        }
        let expected = self.own().next as i64;
        self.require(self.sequence() == expected, StreamEvent::ThreewhsAsyncWrongSeq)?;
        self.session.only = Some(self.segment.direction);
        let heard = self.segment.acknowledgement.wrapping_sub(1);
        self.other_mut().start(heard);
        self.establish();
        Ok(())
    }

    /// SYN/ACK was seen.
    pub(super) fn syn_received(&mut self) -> Verdict {
        let segment = self.segment;
        match (segment.has(RST), segment.has(FIN), segment.has(SYN), segment.has(ACK)) {
            (true, ..) => self.reset(),
            (_, true, ..) => self.fin(),
            (_, _, true, true) => self.repeat_syn_ack(),
            (_, _, true, false) => {
                self.require(self.is_openers(), StreamEvent::ThreewhsSynToclientOnSynRecv)?;
                let same = self.own().initial_sequence == segment.sequence;
                self.require(same, StreamEvent::ThreewhsSynResendDiffSeqOnSynRecv)
            }
            (_, _, false, true) => {
                self.check_timestamp()?;
                self.complete()
            }
            _ => Ok(()),
        }
    }

    fn repeat_syn_ack(&mut self) -> Verdict {
        self.require(!self.is_openers(), StreamEvent::ThreewhsSynackToserverOnSynRecv)?;
        let same_ack = self.acknowledgement() == self.other().last_ack as i64;
        self.require(same_ack, StreamEvent::ThreewhsSynackResendWithDifferentAck)?;
        if self.own().initial_sequence == self.segment.sequence {
            return Ok(());
        }
        self.raise(StreamEvent::ThreewhsSynackResendWithDiffSeq);
        let limit = self.engine.config.max_synack_queued;
        self.remember(self.segment.opening(), limit, StreamEvent::ThreewhsSynackFlood)
    }

    /// ACK that completes the handshake, or should.
    fn complete(&mut self) -> Verdict {
        if !self.is_openers() {
            return self.complete_by_responder();
        }
        self.choose_syn_ack();
        let (sequence, expected) = (self.sequence(), self.own().next as i64);
        let right_ack = self.acknowledgement() == self.other().next as i64;
        let missed = sequence > expected && sequence <= self.own().allowed as i64;
        if right_ack && (sequence == expected || missed) {
            self.establish();
            return Ok(());
        }
        if sequence == expected && self.engine.config.one_sided {
            self.session.only = Some(self.segment.direction);
            self.establish();
            return Ok(());
        }
        if sequence == expected {
            self.session.traits.insert(Traits::EVASION);
            return self.refuse(StreamEvent::ThreewhsRightSeqWrongAckEvasion);
        }
        self.refuse(StreamEvent::ThreewhsWrongSeqWrongAck)
    }

    /// Of several SYN/ACK, the one that the opener acknowledges is what counts.
    fn choose_syn_ack(&mut self) {
        let number = self.segment.acknowledgement.wrapping_sub(1);
        let candidate = self.session.candidates.iter().find(|it| it.sequence == number).copied();
        if let Some(candidate) = candidate {
            self.take_syn_ack(&candidate);
        }
    }

    /// The responder's ACK or data before the opener's ACK was seen.
    fn complete_by_responder(&mut self) -> Verdict {
        let (sequence, expected) = (self.sequence(), self.own().next as i64);
        let acknowledges_all = self.acknowledgement() == self.other().next as i64;
        if self.session.traits.contains(Traits::FOUR_WAY) {
            self.require(sequence == expected, StreamEvent::FourwhsWrongSeq)?;
            if !self.acknowledges_what_may_be() {
                return self.refuse(StreamEvent::FourwhsInvalidAck);
            }
        } else {
            // The opener's ACK was missed, or the responder does not wait for it because SYN had data.
            let unheard = self.session.is_midstream() && self.engine.config.one_sided && !acknowledges_all;
            let fits = sequence == expected && (acknowledges_all || unheard);
            self.require(fits, StreamEvent::ThreewhsWrongSeqWrongAck)?;
            if unheard {
                self.session.only = Some(self.segment.direction);
            }
        }
        self.establish();
        Ok(())
    }

    /// The session is established by this segment, whose data is taken.
    fn establish(&mut self) {
        self.session.state = State::Established;
        self.session.candidates = Vec::new();
        self.take_acknowledgement();
        self.take_data();
    }

    /// Picked up at SYN/ACK: its sender is who was asked.
    fn pick_up_syn_ack(&mut self) {
        let direction = self.segment.direction;
        self.session.opener = direction.opposite();
        self.session.traits.insert(Traits::MIDSTREAM);
        let opening = self.segment.opening();
        let asked = Opening {
            sequence: opening.acknowledgement.wrapping_sub(1),
            window: 0,
            timestamp: self.segment.timestamps().map(|(_, echo)| echo),
            ..opening
        };
        self.session.note_opening(direction.opposite(), &asked, self.segment.second);
        self.session.note_opening(direction, &opening, self.segment.second);
        self.session.agree();
        self.session.state = State::SynReceived;
    }

    /// Picked up later: windows may be shifted as far as they can be.
    fn pick_up(&mut self) {
        self.session.traits.insert(Traits::MIDSTREAM);
        let segment = self.segment;
        for side in &mut self.session.sides {
            side.scale = MAX_SCALE;
            side.set_window(segment.window() << MAX_SCALE);
        }
        self.own_mut().start(segment.sequence.wrapping_sub(1));
        self.other_mut().start(segment.acknowledgement.wrapping_sub(1));
        if let Some((value, echo)) = segment.timestamps() {
            self.session.traits.insert(Traits::TIMESTAMPS);
            self.own_mut().timestamp = value;
            self.own_mut().timestamp_s = segment.second;
            self.other_mut().timestamp = echo;
            self.other_mut().timestamp_s = segment.second;
        }
        self.session.state = State::Established;
        self.take_acknowledgement();
        self.take_data();
        if segment.has(FIN) {
            self.close_own();
        }
    }
}
