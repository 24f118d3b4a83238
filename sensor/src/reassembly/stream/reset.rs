//! Resets: which of them the receiver would believe (RFC 9293 §3.10.7.3, §3.10.7.4).

use super::super::OverlapPolicy as Policy;
use super::segment::ACK;
use super::session::Traits;
use super::side::Marks;
use super::state::State;
use super::tracker::{Refused, Tracker, Verdict};
use rules::view::StreamEvent;

impl Tracker<'_> {
    /// A reset of a session whose SYN has no answer yet.
    pub(super) fn reset_unanswered(&mut self) -> Verdict {
        let valid = if self.is_openers() {
            self.own().initial_sequence == self.segment.sequence
        } else {
            let acknowledgement = self.acknowledgement();
            self.segment.has(ACK) && (0..=self.other().next as i64).contains(&acknowledgement)
        };
        if !valid {
            return Err(Refused);
        }
        self.close_by_reset();
        Ok(())
    }

    /// A reset of a session that was answered.
    pub(super) fn reset(&mut self) -> Verdict {
        self.check_timestamp()?;
        let acknowledges = self.segment.has(ACK) && self.segment.acknowledgement != 0;
        if acknowledges && !self.acknowledges_what_may_be() {
            return self.refuse(StreamEvent::RstInvalidAck);
        }
        if !self.is_believed() {
            return Err(Refused);
        }
        // After an ACK that a host refuses and answers with RST, some go on with the handshake.
        let evaded = self.session.traits.contains(Traits::EVASION);
        let unmoved = matches!(self.other().policy, Policy::Linux | Policy::OldLinux | Policy::Solaris);
        if self.session.state == State::SynReceived && evaded && unmoved {
            self.session.traits.remove(Traits::EVASION);
            return Ok(());
        }
        if acknowledges {
            self.take_acknowledgement();
        }
        self.close_by_reset();
        Ok(())
    }

    /// Whether the receiver would believe a reset with that sequence number.
    fn is_believed(&self) -> bool {
        let (sequence, own) = (self.sequence(), self.own());
        let next = own.next as i64;
        if self.session.is_one_sided() {
            return sequence >= next;
        }
        match own.policy {
            Policy::Hpux11 => sequence >= next,
            Policy::Linux | Policy::OldLinux | Policy::Solaris | Policy::OldSolaris => {
                self.sequence_end() >= own.last_ack as i64 && sequence < next + i64::from(own.window)
            }
            _ => sequence == next || (own.fin_seen() && sequence == own.fin as i64 + 1),
        }
    }

    /// Ends the session, for good where SYN/ACK is not acknowledged yet, as it does in Suricata. What its sender had
    /// sent in order is final; its own data is a message about the reset and no part of the stream (RFC 9293 §3.5.3).
    fn close_by_reset(&mut self) {
        let before = std::mem::replace(&mut self.session.state, State::Closed);
        self.session.before_reset = before;
        self.session.traits.insert(Traits::RESET);
        let own = self.own_mut();
        if before != State::SynReceived {
            own.marks.insert(Marks::RESET);
        }
        own.acknowledge(own.settled_position());
        let place = self.own_place();
        self.followed.updated[place] = true;
    }
}
