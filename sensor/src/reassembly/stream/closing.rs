//! How sessions end: FIN and its acknowledgement in every order (RFC 9293 §3.6).

use super::segment::{ACK, FIN, RST, SYN};
use super::side::Marks;
use super::state::State;
use super::tracker::{Tracker, Verdict};
use rules::view::StreamEvent;

/// What each state that closes tells of a segment that does not fit.
struct Complaints {
    acknowledgement: StreamEvent,
    fin: StreamEvent,
    data: StreamEvent,
    /// Of data that was acknowledged before.
    repetition: Option<StreamEvent>,
}

const FIN_WAIT_1: Complaints = Complaints {
    acknowledgement: StreamEvent::Fin1InvalidAck,
    fin: StreamEvent::Fin1FinWrongSeq,
    data: StreamEvent::Fin1AckWrongSeq,
    repetition: None,
};
const FIN_WAIT_2: Complaints = Complaints {
    acknowledgement: StreamEvent::Fin2InvalidAck,
    fin: StreamEvent::Fin2FinWrongSeq,
    data: StreamEvent::Fin2AckWrongSeq,
    repetition: None,
};
const CLOSE_WAIT: Complaints = Complaints {
    acknowledgement: StreamEvent::ClosewaitInvalidAck,
    fin: StreamEvent::ClosewaitFinOutOfWindow,
    data: StreamEvent::ClosewaitAckOutOfWindow,
    repetition: Some(StreamEvent::ClosewaitPktBeforeLastAck),
};

impl Tracker<'_> {
    /// The first FIN of a session.
    pub(super) fn fin(&mut self) -> Verdict {
        self.check_timestamp()?;
        if !self.acknowledges_what_may_be() {
            return self.refuse(StreamEvent::FinInvalidAck);
        }
        let fits = self.is_in_window();
        self.require(fits, StreamEvent::FinOutOfWindow)?;
        self.take_closing();
        self.close_own();
        Ok(())
    }

    /// Notes that the segment's sender has closed, by a segment already taken.
    pub(super) fn close_own(&mut self) {
        self.session.state = if self.is_openers() { State::CloseWait } else { State::FinWait1 };
        self.note_fin();
    }

    fn note_fin(&mut self) {
        let end = self.sequence_end();
        let own = self.own_mut();
        if !own.fin_seen() && end >= 0 {
            own.marks.insert(Marks::FIN);
            own.fin = end as u64;
        }
    }

    /// The responder has closed.
    pub(super) fn fin_wait_1(&mut self) -> Verdict {
        self.wait(&FIN_WAIT_1)?;
        if self.segment.has(RST | SYN) || !self.is_openers() || !self.segment.has(ACK) {
            return Ok(());
        }
        let answered = self.is_fin_acknowledged();
        self.session.state = match (self.segment.has(FIN), answered) {
            (true, true) => State::TimeWait,
            (true, false) => State::Closing,
            (false, true) => State::FinWait2,
            (false, false) => State::FinWait1,
        };
        Ok(())
    }

    /// The responder has closed and had an answer.
    pub(super) fn fin_wait_2(&mut self) -> Verdict {
        self.wait(&FIN_WAIT_2)?;
        if !self.segment.has(RST | SYN) && self.segment.has(FIN) && self.is_openers() {
            self.session.state = State::TimeWait;
        }
        Ok(())
    }

    /// The opener has closed.
    pub(super) fn close_wait(&mut self) -> Verdict {
        self.wait(&CLOSE_WAIT)?;
        if !self.segment.has(RST | SYN) && self.segment.has(FIN) && !self.is_openers() {
            self.session.state = State::LastAck;
            self.note_update();
        }
        Ok(())
    }

    /// One has closed, the other may still send.
    fn wait(&mut self, complaints: &Complaints) -> Verdict {
        if self.segment.has(RST) {
            return self.reset();
        }
        if self.segment.has(SYN) {
            return self.refuse(StreamEvent::ShutdownSynResend);
        }
        if !self.segment.has(ACK | FIN) {
            return Ok(());
        }
        self.check_timestamp()?;
        if let Some(event) = complaints.repetition.filter(|_| self.is_before_last_ack()) {
            self.note_repetition();
            return self.refuse(event);
        }
        let repeats = self.repeats_data() || self.repeats_fin();
        if !repeats {
            let fits = if self.segment.has(FIN) { self.is_in_window() } else { self.ends_in_window() };
            self.require(fits, if self.segment.has(FIN) { complaints.fin } else { complaints.data })?;
        }
        if !self.acknowledges_what_may_be() {
            return self.refuse(complaints.acknowledgement);
        }
        self.take_closing();
        if self.segment.has(FIN) {
            self.note_fin();
        }
        Ok(())
    }

    /// Both have closed at once; the last acknowledgement is missing.
    pub(super) fn closing(&mut self) -> Verdict {
        let complaints = (StreamEvent::ClosingAckWrongSeq, StreamEvent::ClosingInvalidAck);
        if self.take_last_ack(complaints)? {
            self.session.state = State::TimeWait;
        }
        Ok(())
    }

    /// The opener has closed, then the responder: the opener's last acknowledgement is missing.
    pub(super) fn last_ack(&mut self) -> Verdict {
        if !self.is_openers() && !self.segment.has(RST | SYN) {
            return Ok(());
        }
        let complaints = (StreamEvent::LastackAckWrongSeq, StreamEvent::LastackInvalidAck);
        if self.take_last_ack(complaints)? {
            self.session.state = State::Closed;
        }
        Ok(())
    }

    /// The responder has closed, then the opener: the responder's last acknowledgement is missing.
    pub(super) fn time_wait(&mut self) -> Verdict {
        let complaints = (StreamEvent::TimewaitAckWrongSeq, StreamEvent::TimewaitInvalidAck);
        if self.take_last_ack(complaints)? {
            self.session.state = State::Closed;
        }
        Ok(())
    }

    /// Takes a segment of a session in which both have closed; whether it is the acknowledgement that is awaited.
    fn take_last_ack(
        &mut self,
        (wrong_sequence, wrong_ack): (StreamEvent, StreamEvent),
    ) -> Result<bool, super::tracker::Refused> {
        if self.segment.has(RST) {
            return self.reset().map(|()| false);
        }
        if self.segment.has(SYN) {
            return self.refuse(StreamEvent::ShutdownSynResend).map(|()| false);
        }
        if self.segment.has(FIN) || !self.segment.has(ACK) {
            return Ok(false);
        }
        self.check_timestamp()?;
        if !self.repeats_data() {
            let (sequence, next) = (self.sequence(), self.own().next as i64);
            self.require(sequence == next || sequence == next + 1, wrong_sequence)?;
        }
        if !self.acknowledges_what_may_be() {
            return self.refuse(wrong_ack).map(|()| false);
        }
        self.take_closing();
        Ok(self.is_fin_acknowledged())
    }

    /// Takes acknowledgement and data of a segment of a session that is being closed.
    fn take_closing(&mut self) {
        self.take_acknowledgement();
        let other = self.other_mut();
        // Data that is acknowledged now will not be sent again: what was not seen of it is lost.
        other.next = other.next.max(other.last_ack);
        self.take_data();
    }

    /// Unacknowledged data may be looked at in the direction of a FIN that nobody waits for.
    fn note_update(&mut self) {
        let place = self.own_place();
        self.followed.updated[place] = true;
    }

    /// Whether the peer's FIN was acknowledged.
    fn is_fin_acknowledged(&self) -> bool {
        let other = self.other();
        other.fin_seen() && other.last_ack > other.fin
    }

    /// Whether the segment begins where data is expected or within the receiver's window behind what it acknowledged.
    fn is_in_window(&self) -> bool {
        let (sequence, own) = (self.sequence(), self.own());
        let last = own.last_ack as i64 + i64::from(own.window);
        sequence >= own.next as i64 && (sequence <= last || self.is_lenient())
    }

    /// Whether the segment ends within what the receiver allowed.
    fn ends_in_window(&self) -> bool {
        self.sequence_end() <= self.own().allowed as i64 + 1 || self.is_lenient()
    }

    /// Whether all of the segment's data was acknowledged.
    fn is_before_last_ack(&self) -> bool {
        !self.segment.payload.is_empty() && self.sequence_end() <= self.own().last_ack as i64
    }

    /// Whether the segment's data was sent before; tells so.
    fn repeats_data(&mut self) -> bool {
        let (start, end) = (self.sequence(), self.sequence_end());
        let own = self.own();
        let (next, last_ack) = (own.next as i64, own.last_ack as i64);
        let repeats = !self.segment.payload.is_empty() && (start < last_ack || end <= next);
        if repeats {
            self.raise(StreamEvent::PktRetransmission);
        }
        repeats
    }

    /// Whether the segment is the FIN of its sender once more.
    fn repeats_fin(&self) -> bool {
        let own = self.own();
        self.segment.has(FIN) && own.fin_seen() && self.sequence_end() == own.fin as i64
    }
}
