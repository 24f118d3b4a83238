//! Data and acknowledgements: what is taken of a segment, and what is irregular about one of an established session
//! (RFC 9293 §3.10.7.4).

use super::UrgentPolicy;
use super::segment::{ACK, FIN, RST, SYN};
use super::session::Traits;
use super::side::Marks;
use super::tracker::{Tracker, Verdict};
use super::urgent::Urgent;
use crate::counter::Counter;
use rules::view::StreamEvent;
use std::ops::Range;

/// Of a session of which one direction alone is seen: how much may come before what is missing, in bytes. The largest
/// window without scaling (RFC 9293 §3.1).
const ONE_SIDED_WAIT_BYTES: u64 = 65_535;

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
        // A keep-alive, whose byte is none of the stream (RFC 9293 §3.8.4).
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
        if !probes_peer {
            self.take_data();
        }
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
        let unseen = acknowledgement > other.next as i64 + i64::from(other.fin_seen());
        other.acknowledge(acknowledgement as u64);
        if unseen {
            self.counters.increment(Counter::StreamAcksUnseen);
        }
    }

    /// Takes the data of a valid segment.
    pub(super) fn take_data(&mut self) {
        let hole = self.set_urgent_apart();
        let end = self.sequence_end();
        let own = self.own_mut();
        own.next = own.next.max(u64::try_from(end).unwrap_or(0));
        self.followed.stored = self.store(hole);
        if self.session.is_one_sided() {
            self.suppose_acknowledged();
        }
    }

    /// Takes the segment's urgent byte out of the stream if that is asked for. Tells its position where it is to be
    /// missing.
    ///
    /// What was seen before with another meaning stays as it is: a byte in the stream cannot be taken out any more.
    fn set_urgent_apart(&mut self) -> Option<u64> {
        let place = self.segment.urgent()?;
        let position = u64::try_from(self.sequence() + place as i64).ok()?;
        match self.urgent_policy() {
            UrgentPolicy::Gap => return Some(position),
            UrgentPolicy::Oob if position >= self.own().next => {}
            _ => return None,
        }
        let side = self.session.side_mut(self.segment.direction);
        if side.urgent.is_none() && self.engine.reserve_urgent() {
            side.urgent = Some(Box::new(Urgent::new()));
        }
        if let Some(urgent) = &mut side.urgent {
            urgent.take(position);
        }
        None
    }

    /// Nobody tells what arrived: what came in order did, and what did not come within a window's length of what was
    /// sent will not.
    fn suppose_acknowledged(&mut self) {
        let own = self.own_mut();
        own.acknowledge(own.next.saturating_sub(ONE_SIDED_WAIT_BYTES));
        self.give_up_lost(self.own_place());
        let own = self.own_mut();
        own.acknowledge(own.settled_position());
    }

    /// Stores the segment's data but for the byte at `hole`; whether it is part of the stream then.
    fn store(&mut self, hole: Option<u64>) -> bool {
        if self.segment.payload.is_empty() || self.own().is_disabled() {
            return false;
        }
        let start = u64::try_from(self.sequence()).unwrap_or(0);
        let Ok(end) = u64::try_from(self.sequence_end()) else { return self.is_before_base() };
        let mut stored = false;
        let mut from = start;
        while let Some(part) = self.own().next_part(from, &(start..end)) {
            from = part.end;
            match hole.filter(|hole| part.contains(hole)) {
                Some(hole) => {
                    stored |= self.store_part(part.start..hole);
                    stored |= self.store_part(hole + 1..part.end);
                }
                None => stored |= self.store_part(part),
            }
        }
        stored
    }

    /// Stores the part of the segment's data that is at `positions` and stands together in the stream.
    fn store_part(&mut self, positions: Range<u64>) -> bool {
        if positions.is_empty() {
            return true;
        }
        let (own, base) = (self.own(), self.own().base);
        let offset = own.offset(positions.start);
        let end = offset + (positions.end - positions.start);
        if end <= base {
            return self.is_before_base();
        }
        let start = offset.max(base);
        let until = (positions.end as i64 - self.sequence()) as usize;
        let bytes = &self.segment.payload[until - (end - start) as usize..until];
        if end > own.depth {
            return self.refuse_beyond_depth(start);
        }
        if start < own.right_edge() && own.differs(start, bytes) {
            self.raise(StreamEvent::ReassemblyOverlapDifferentData);
            self.counters.increment(Counter::StreamOverlapsDifferent);
        }
        if end <= self.own().frontier {
            return true;
        }
        let side = self.session.side_mut(self.segment.direction);
        self.engine.store(side, &(start..end), bytes, self.counters)
    }

    fn is_before_base(&mut self) -> bool {
        self.raise(StreamEvent::ReassemblySegmentBeforeBaseSeq);
        true
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
