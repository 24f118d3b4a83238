//! Data and acknowledgements: what is taken of a segment, and what is irregular about one of an established session
//! (RFC 9293 §3.10.7.4).

use super::segment::{ACK, FIN, RST, SYN};
use super::session::Traits;
use super::side::Marks;
use super::tracker::{Tracker, Verdict};
use crate::counter::Counter;
use rules::view::StreamEvent;

impl Tracker<'_> {
    /// The handshake is complete, nobody has closed.
    pub(super) fn established(&mut self) -> Verdict {
        let segment = self.segment;
        match (segment.has(RST), segment.has(FIN), segment.has(SYN), segment.has(ACK)) {
            (true, ..) => self.reset(),
            (_, true, ..) => self.fin(),
            (_, _, true, true) => self.late_syn_ack(),
            (_, _, true, false) => self.late_syn(),
            (_, _, false, true) => self.transfer(),
            _ => Ok(()),
        }
    }

    /// SYN/ACK once more: regular as long as the opener's ACK may not have arrived.
    fn late_syn_ack(&mut self) -> Verdict {
        self.require(!self.is_openers(), StreamEvent::EstSynackToserver)?;
        let same_ack = self.acknowledgement() == self.other().last_ack as i64;
        self.require(same_ack, StreamEvent::EstSynackResendWithDifferentAck)?;
        let same = self.own().initial_sequence == self.segment.sequence;
        self.require(same, StreamEvent::EstSynackResendWithDiffSeq)?;
        let confirmed = self.session.traits.contains(Traits::CONFIRMED);
        self.require(!confirmed, StreamEvent::EstSynackResend)
    }

    fn late_syn(&mut self) -> Verdict {
        self.require(self.is_openers(), StreamEvent::EstSynToclient)?;
        let same = self.own().initial_sequence == self.segment.sequence;
        self.require(same, StreamEvent::EstSynResendDiffSeq)?;
        self.refuse(StreamEvent::EstSynResend)
    }

    /// A segment of an established session.
    fn transfer(&mut self) -> Verdict {
        self.check_timestamp()?;
        if !self.acknowledges_what_may_be() {
            return self.refuse(StreamEvent::EstInvalidAck);
        }
        let (sequence, end) = (self.sequence(), self.sequence_end());
        let own = self.own();
        let (next, last_ack) = (own.next as i64, own.last_ack as i64);
        // What was acknowledged before it was seen may still come.
        let still_missing = last_ack > next && end > next;
        let probes_peer = self.segment.len() <= 1 && sequence == next - 1;
        if end < last_ack && !still_missing && !probes_peer && !self.session.is_one_sided() {
            self.note_repetition();
            return self.refuse(StreamEvent::EstPktBeforeLastAck);
        }
        let probes_window = self.segment.len() == 1 && sequence == next && own.window == 0;
        let fits = end <= own.allowed as i64 || probes_window || self.is_lenient();
        self.require(fits, StreamEvent::EstPacketOutOfWindow)?;
        if !self.is_openers() {
            self.session.traits.insert(Traits::CONFIRMED);
        }
        self.take_acknowledgement();
        self.take_data();
        Ok(())
    }

    /// Tells that a segment's data was acknowledged before.
    pub(super) fn note_repetition(&mut self) {
        if !self.segment.payload.is_empty() {
            self.raise(StreamEvent::PktSpuriousRetransmission);
        }
    }

    /// Whether the acknowledgement, if there is one, is of what the peer may have sent, and not too old (RFC 5961 §5).
    /// Raises what is to be said about it in any state.
    pub(super) fn acknowledges_what_may_be(&mut self) -> bool {
        if !self.segment.has(ACK) {
            return true;
        }
        let acknowledgement = self.acknowledgement();
        let other = self.other();
        let (last_ack, allowed, window) =
            (other.last_ack as i64, other.allowed as i64, i64::from(other.window));
        let too_old = window != 0 && acknowledgement < last_ack - window;
        let too_new = acknowledgement > allowed.max(last_ack) && !self.session.is_one_sided();
        if too_old || too_new {
            self.raise(StreamEvent::PktInvalidAck);
        }
        !(too_old || too_new)
    }

    /// Takes what a valid segment says of what its sender received and can receive.
    pub(super) fn take_acknowledgement(&mut self) {
        let acknowledgement = self.acknowledgement();
        let has_ack = self.segment.has(ACK);
        let window = self.segment.window();
        let other = self.other_mut();
        other.set_window(window << other.scale);
        if !has_ack || acknowledgement <= other.last_ack as i64 {
            return;
        }
        let unseen = acknowledgement > other.next as i64;
        other.acknowledge(acknowledgement as u64);
        if unseen {
            self.counters.increment(Counter::StreamAcksUnseen);
        }
    }

    /// Takes the data of a valid segment.
    pub(super) fn take_data(&mut self) {
        let end = self.sequence_end();
        let own = self.own_mut();
        if end > own.next as i64 {
            own.next = end as u64;
        }
        self.followed.stored = self.store();
        if self.session.is_one_sided() {
            // Nobody tells what arrived.
            let own = self.own_mut();
            own.acknowledge(own.frontier);
        }
    }

    /// Stores the segment's data; whether it is part of the stream then.
    fn store(&mut self) -> bool {
        let segment = self.segment;
        let (start, end) = (self.sequence(), self.sequence_end());
        let own = self.own();
        if segment.payload.is_empty() || own.is_disabled() {
            return false;
        }
        if end <= own.base as i64 {
            self.raise(StreamEvent::ReassemblySegmentBeforeBaseSeq);
            return true;
        }
        let (end, base) = (end as u64, own.base);
        let skipped = (base as i64 - start).max(0);
        let span = (start + skipped) as u64..end;
        let bytes = &segment.payload[skipped as usize..];
        if end > own.depth {
            return self.refuse_beyond_depth(span.start);
        }
        if span.start < own.right_edge() && own.differs(span.start, bytes) {
            self.raise(StreamEvent::ReassemblyOverlapDifferentData);
            self.counters.increment(Counter::StreamOverlapsDifferent);
        }
        if end <= self.own().frontier {
            return true;
        }
        let side = self.session.side_mut(segment.direction);
        self.engine.store(side, &span, bytes, self.counters)
    }

    fn refuse_beyond_depth(&mut self, start: u64) -> bool {
        if !self.own().depth_reached() {
            self.raise(StreamEvent::ReassemblyDepthReached);
            self.counters.increment(Counter::StreamDepthReached);
        }
        let own = self.own_mut();
        own.marks.insert(Marks::DEPTH);
        own.depth_edge = own.depth_edge.min(start.max(own.frontier));
        false
    }
}
