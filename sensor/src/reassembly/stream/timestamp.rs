//! Timestamps: protection against wrapped sequence numbers as receivers apply it (RFC 7323 §5), each system in its own
//! way (Novak and Sturges, "Target-Based TCP Timestamp Stream Reassembly", 2007).

use super::super::OverlapPolicy as Policy;
use super::session::Traits;
use super::side::Marks;
use super::tracker::{Tracker, Verdict};
use rules::view::StreamEvent;

/// After so long without a packet, any timestamp is taken (RFC 7323 §5.5: 24 days).
const OUTDATED_S: u64 = 24 * 24 * 60 * 60;

impl Tracker<'_> {
    /// Refuses an answer to SYN that echoes a timestamp which SYN did not have: it was made by somebody who did not
    /// see it.
    pub(super) fn check_echo(&mut self) -> Verdict {
        if self.is_openers() {
            return Ok(());
        }
        let Some((_, echo)) = self.segment.timestamps() else { return Ok(()) };
        let opener = self.other();
        let sent = if opener.marks.contains(Marks::TIMESTAMPS) { opener.timestamp } else { 0 };
        let unknown = opener.marks.contains(Marks::TIMESTAMPS) && sent == 0;
        let repeated = self.session.candidates.iter().any(|it| it.timestamp == Some(echo));
        let fits = echo == 0 || unknown || echo == sent || repeated;
        self.require(fits, StreamEvent::PktInvalidTimestamp)
    }

    /// Refuses a segment whose timestamp its receiver would refuse; notes a valid one.
    pub(super) fn check_timestamp(&mut self) -> Verdict {
        if !self.session.traits.contains(Traits::TIMESTAMPS) {
            return Ok(());
        }
        let Some((value, _)) = self.segment.timestamps() else { return Ok(()) };
        let in_order = self.sequence() == self.own().next as i64;
        let policy = self.own().policy;
        let began_with_zero = self.own().marks.contains(Marks::ZERO_TIMESTAMP);
        if began_with_zero && self.begins_with_zero(value, in_order) {
            return Ok(());
        }
        let takes_zero = matches!(
            policy,
            Policy::OldLinux
                | Policy::Windows
                | Policy::Windows2k3
                | Policy::Vista
                | Policy::Solaris
                | Policy::OldSolaris
        );
        self.require(value != 0 || takes_zero || began_with_zero, StreamEvent::PktInvalidTimestamp)?;
        if policy == Policy::Hpux11 && !in_order {
            return Ok(());
        }
        self.compare(value, in_order)
    }

    /// The handshake's timestamp was 0: whether the receiver then has no use for this one.
    fn begins_with_zero(&mut self, value: u32, in_order: bool) -> bool {
        match self.own().policy {
            // A 0 there means to them that there are no timestamps.
            Policy::Linux | Policy::Windows2k3 => {
                self.session.traits.remove(Traits::TIMESTAMPS);
                true
            }
            Policy::OldLinux | Policy::Windows | Policy::Vista => {
                let second = self.segment.second;
                let own = self.own_mut();
                own.marks.remove(Marks::ZERO_TIMESTAMP);
                if in_order {
                    own.timestamp = value;
                    own.timestamp_s = second;
                }
                in_order
            }
            _ => false,
        }
    }

    fn compare(&mut self, value: u32, in_order: bool) -> Verdict {
        let second = self.segment.second;
        let own = self.own_mut();
        let mut advance = value.wrapping_sub(own.timestamp) as i32;
        if own.policy == Policy::Linux {
            // It lets one tick pass.
            advance = advance.wrapping_add(1);
        }
        let outdated = second.saturating_sub(own.timestamp_s) > OUTDATED_S;
        if advance < 0 && !outdated {
            return self.refuse(StreamEvent::PktInvalidTimestamp);
        }
        if in_order || outdated {
            own.timestamp = value;
        }
        own.timestamp_s = second;
        Ok(())
    }
}
