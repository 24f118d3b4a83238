//! The integration's status, as its owner sees it: Active, Unauthorized or Unknown, and why.

use super::answer::{Fault, FaultKind};
use super::clock::clock_fault;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The three states that the setup guide names.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum State {
    /// Nothing was tried yet, or nothing has been delivered for some time.
    #[default]
    Unknown,
    /// Events are being delivered.
    Active,
    /// Somebody refused: the role, the stream or its key.
    Unauthorized,
}

/// Waiting events and no delivery for so long make the status Unknown.
pub const STALE_AFTER: Duration = Duration::from_secs(300);

/// The status, persisted across restarts.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Status {
    /// The state.
    pub state: State,
    /// The reason, in words; nothing when all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The kind of reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<FaultKind>,
    /// When the status last changed or was confirmed, RFC 3339.
    pub last_update: String,
    /// When an event was last acknowledged, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_delivery: Option<String>,
    /// A dry run or a delivery proved that the role may put records.
    pub permission_proven: bool,
    /// Seconds by which AWS's clock is ahead of this machine's; left out while it is right.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub clock_ahead_s: i64,
    #[serde(skip)]
    waiting_since: Option<SystemTime>,
    #[serde(skip)]
    told: Option<SystemTime>,
}

/// A confirmed status is told again after this long.
const TELL_AGAIN: Duration = Duration::from_secs(10);

impl Status {
    /// The status of an integration that was just set.
    pub fn fresh(now: SystemTime) -> Self {
        Self { last_update: rfc3339(now), ..Self::default() }
    }

    /// An event was acknowledged.
    pub fn delivered(&mut self, now: SystemTime) {
        self.last_delivery = Some(rfc3339(now));
        self.permission_proven = true;
        self.waiting_since = None;
        self.change(State::Active, clock_fault(self.clock_ahead_s).as_ref(), now);
    }

    /// AWS's clock is so many seconds ahead: told while nothing worse is, since requests go through nevertheless.
    pub fn set_clock(&mut self, ahead_s: i64, now: SystemTime) {
        let before = std::mem::replace(&mut self.clock_ahead_s, ahead_s);
        if before != ahead_s
            && self.state == State::Active
            && matches!(self.reason, None | Some(FaultKind::Clock))
        {
            self.change(State::Active, clock_fault(ahead_s).as_ref(), now);
        }
    }

    /// A dry run went through: nothing was delivered, but nothing is refused either.
    pub fn permitted(&mut self, now: SystemTime) {
        self.permission_proven = true;
        if self.state != State::Active {
            self.change(State::Unknown, None, now);
            let clock = clock_fault(self.clock_ahead_s).map(|fault| format!("; {fault}"));
            self.detail = Some(format!("permission proven{}", clock.unwrap_or_default()));
        }
    }

    /// Something stands in the way. Only a refusal changes the state at once.
    pub fn failed(&mut self, fault: &Fault, now: SystemTime) {
        match fault.kind {
            kind if kind.is_refusal() => {
                self.permission_proven = false;
                self.change(State::Unauthorized, Some(fault), now);
            }
            FaultKind::StreamMissing => self.change(State::Unknown, Some(fault), now),
            // A session is renewed as a matter of course.
            FaultKind::SessionExpired => {}
            _ if self.state == State::Unauthorized => {}
            _ => self.change(self.state, Some(fault), now),
        }
    }

    /// Called from time to time: whether events wait.
    pub fn observe(&mut self, events_wait: bool, now: SystemTime) {
        if !events_wait {
            self.waiting_since = None;
            return;
        }
        let since = *self.waiting_since.get_or_insert(now);
        let stale = now.duration_since(since).is_ok_and(|waited| waited >= STALE_AFTER);
        if stale && self.state == State::Active {
            let detail = self.detail.take();
            self.change(State::Unknown, None, now);
            self.detail =
                Some(detail.unwrap_or_else(|| "nothing was acknowledged for five minutes".to_owned()));
        }
    }

    fn change(&mut self, state: State, fault: Option<&Fault>, now: SystemTime) {
        let detail = fault.map(|fault| fault.sentence.clone());
        let same = self.state == state && self.detail == detail;
        let recent =
            self.told.is_some_and(|told| now.duration_since(told).is_ok_and(|past| past < TELL_AGAIN));
        if same && recent {
            return;
        }
        self.state = state;
        self.detail = detail;
        self.reason = fault.map(|fault| fault.kind);
        self.told = Some(now);
        self.last_update = rfc3339(now);
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// A moment by the machine's clock, in whole seconds.
pub(crate) fn rfc3339(moment: SystemTime) -> String {
    let seconds = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Timestamp::new(seconds, 0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
    }

    #[test]
    fn a_dry_run_proves_permission_but_never_makes_active() {
        let mut status = Status::fresh(at(0));
        status.permitted(at(1));
        assert_eq!((status.state, status.detail.as_deref()), (State::Unknown, Some("permission proven")));
        status.delivered(at(2));
        status.permitted(at(3));
        assert_eq!((status.state, status.detail), (State::Active, None));
    }

    #[test]
    fn refusals_make_unauthorized_and_a_delivery_mends_it() {
        let mut status = Status::fresh(at(0));
        status.delivered(at(1));
        status.failed(&Fault::new(FaultKind::RoleRefused, "Unauthorized - check"), at(2));
        assert_eq!((status.state, status.reason), (State::Unauthorized, Some(FaultKind::RoleRefused)));
        status.failed(&Fault::new(FaultKind::Unreachable, "away"), at(3));
        assert_eq!(status.detail.as_deref(), Some("Unauthorized - check"));
        status.delivered(at(30));
        assert_eq!((status.state, status.reason), (State::Active, None));
    }

    #[test]
    fn five_minutes_without_delivery_while_events_wait_make_unknown() {
        let mut status = Status::fresh(at(0));
        status.delivered(at(0));
        status.failed(&Fault::new(FaultKind::Unreachable, "Kinesis cannot be reached"), at(1));
        assert_eq!(status.state, State::Active);
        status.observe(true, at(2));
        status.observe(true, at(301));
        assert_eq!(status.state, State::Active);
        status.observe(true, at(302));
        assert_eq!(status.state, State::Unknown);
        assert_eq!(status.detail.as_deref(), Some("Kinesis cannot be reached"));
    }

    #[test]
    fn an_idle_stream_stays_active() {
        let mut status = Status::fresh(at(0));
        status.delivered(at(0));
        for minute in 0..600 {
            status.observe(false, at(minute * 60));
        }
        assert_eq!(status.state, State::Active);
    }

    #[test]
    fn a_clock_that_is_off_is_told_while_events_flow() {
        let mut status = Status::fresh(at(0));
        status.delivered(at(1));
        status.set_clock(3_600, at(2));
        assert_eq!((status.state, status.reason), (State::Active, Some(FaultKind::Clock)));
        status.delivered(at(3));
        assert!(status.detail.as_deref().is_some_and(|detail| detail.contains("3600 s behind")));
        status.failed(&Fault::new(FaultKind::PutRefused, "Unauthorized - no"), at(4));
        status.set_clock(0, at(5));
        assert_eq!(status.detail.as_deref(), Some("Unauthorized - no"));
        status.delivered(at(6));
        assert_eq!((status.state, status.detail, status.clock_ahead_s), (State::Active, None, 0));
    }

    #[test]
    fn it_comes_back_from_disk() {
        let mut status = Status::fresh(at(0));
        status.failed(&Fault::new(FaultKind::KeyRefused, "kms"), at(5));
        let json = serde_json::to_string(&status).expect("it can be written");
        let back: Status = serde_json::from_str(&json).expect("it can be read");
        assert_eq!(
            (back.state, back.detail, back.last_update),
            (status.state, status.detail, status.last_update)
        );
    }
}
