//! What goes wrong, and when.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A kind of fault.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// A record fails with InternalFailure while others of its request are taken.
    RecordFailure,
    /// A record is refused as if its shard had too much.
    RecordThrottle,
    /// The request is answered with 500.
    ServerError,
    /// The request is answered with 503.
    Unavailable,
    /// No answer ever comes.
    Hang,
    /// The connection ends without an answer, and nothing was taken.
    Reset,
    /// The connection ends in the middle of the answer, and everything was taken.
    HalfAnswer,
    /// The answer leaves the last record out.
    ShortAnswer,
    /// FailedRecordCount is wrong.
    WrongCount,
    /// The session is declared expired.
    ExpiredToken,
    /// The stream's key refuses the role.
    KeyAccessDenied,
    /// The stream's key is throttled.
    KeyThrottling,
    /// The role may not put records.
    AccessDenied,
    /// The stream is gone.
    StreamNotFound,
    /// The request is refused if it holds a record whose data contains `text`.
    InvalidArgument,
    /// STS fails with 500.
    StsError,
    /// STS answers nothing.
    StsHang,
    /// The role is not given to anybody.
    StsDenied,
    /// The clock is off by `value` seconds.
    ClockSkew,
    /// Every shard is split, once.
    Split,
}

/// One line of a script.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// To which share of the requests (or records, for those of records).
    #[serde(default = "whole")]
    pub share: f64,
    /// Only from so many milliseconds after the start.
    #[serde(default)]
    pub after_ms: u64,
    /// Only for so many milliseconds.
    #[serde(default)]
    pub for_ms: Option<u64>,
    /// At most so many times.
    #[serde(default)]
    pub times: Option<u64>,
    /// Only to records of the shard with this number.
    #[serde(default)]
    pub shard: Option<u64>,
    /// Seconds, for `clock-skew`.
    #[serde(default)]
    pub value: i64,
    /// For `invalid-argument`.
    #[serde(default)]
    pub text: String,
}

fn whole() -> f64 {
    1.0
}

impl Fault {
    /// Happens always and to everything.
    pub fn always(kind: FaultKind) -> Self {
        Self {
            kind,
            share: 1.0,
            after_ms: 0,
            for_ms: None,
            times: None,
            shard: None,
            value: 0,
            text: String::new(),
        }
    }

    /// Happens to a share of the requests or records.
    pub fn share(kind: FaultKind, share: f64) -> Self {
        Self { share, ..Self::always(kind) }
    }

    /// Happens so many times.
    pub fn times(kind: FaultKind, times: u64) -> Self {
        Self { times: Some(times), ..Self::always(kind) }
    }
}

/// A script: each fault that applies has its chance, in order. In TOML a `[[fault]]` table each.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Makes chances repeatable.
    #[serde(default)]
    pub seed: u64,
    /// The faults.
    #[serde(default, rename = "fault")]
    pub faults: Vec<Fault>,
}

impl Script {
    /// A script of these faults.
    pub fn of(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self { seed: 1, faults: faults.into_iter().collect() }
    }
}

/// Plays a script.
#[derive(Debug)]
pub(super) struct Player {
    faults: Vec<Fault>,
    origin: Duration,
}

impl Player {
    pub(super) fn new(script: Script) -> Self {
        Self::from(script, Duration::ZERO)
    }

    pub(super) fn from(script: Script, origin: Duration) -> Self {
        Self { faults: script.faults, origin }
    }

    fn is_time(fault: &Fault, origin: Duration, elapsed: Duration) -> bool {
        let at = u64::try_from(elapsed.saturating_sub(origin).as_millis()).unwrap_or(u64::MAX);
        let until = fault.for_ms.map_or(u64::MAX, |span| fault.after_ms.saturating_add(span));
        (fault.after_ms..until).contains(&at) && fault.times != Some(0)
    }

    /// Whether a fault of the kind strikes now; `shard` is the record's, for faults of records.
    pub(super) fn strikes(
        &mut self,
        kind: FaultKind,
        shard: Option<u64>,
        elapsed: Duration,
        random: &mut fastrand::Rng,
    ) -> Option<&Fault> {
        let origin = self.origin;
        let fault = self.faults.iter_mut().find(|fault| {
            fault.kind == kind
                && Self::is_time(fault, origin, elapsed)
                && (fault.shard.is_none() || fault.shard == shard)
                && (fault.share >= 1.0 || random.f64() < fault.share)
        })?;
        fault.times = fault.times.map(|times| times - 1);
        Some(fault)
    }

    pub(super) fn skew_s(&self, elapsed: Duration) -> i64 {
        let skewed = self.faults.iter().filter(|fault| fault.kind == FaultKind::ClockSkew);
        skewed.filter(|fault| Self::is_time(fault, self.origin, elapsed)).map(|fault| fault.value).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_and_played() {
        let text = "seed = 7\n[[fault]]\nkind = \"reset\"\nafter_ms = 100\nfor_ms = 50\ntimes = 2\n\
                    [[fault]]\nkind = \"record-failure\"\nshare = 0.2\nshard = 1\n";
        let script: Script = toml::from_str(text).expect("it is a script");
        let mut player = Player::new(script);
        let mut random = fastrand::Rng::with_seed(1);
        let mut at =
            |kind, shard, ms| player.strikes(kind, shard, Duration::from_millis(ms), &mut random).is_some();
        assert!(!at(FaultKind::Reset, None, 99));
        assert!(at(FaultKind::Reset, None, 100));
        assert!(at(FaultKind::Reset, None, 149));
        assert!(!at(FaultKind::Reset, None, 149), "only twice");
        assert!(!at(FaultKind::RecordFailure, Some(0), 0));
        let struck = (0..1_000).filter(|_| at(FaultKind::RecordFailure, Some(1), 0)).count();
        assert!((130..270).contains(&struck), "{struck}");
    }
}
