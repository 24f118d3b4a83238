//! How far this machine's clock is off from AWS's, told by the dates of its answers.
//!
//! Signatures are good for five minutes. The SDK signs with AWS's time once it has seen an answer; what the sensor
//! itself says and decides by AWS's time goes by what is noted here.

use super::answer::{Fault, FaultKind};
use aws_sdk_kinesis::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_kinesis::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_kinesis::error::BoxError;
use aws_sdk_kinesis::primitives::{DateTime, DateTimeFormat};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// Less than this matters to nobody: a date has whole seconds, and answers take their time.
const MATTERS_S: i64 = 240;

/// Shared by everything that asks AWS on behalf of one integration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Seconds by which AWS's clock is ahead of this machine's; 0 where it is not worth a word.
    pub(crate) fn ahead_s(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// The time by AWS's clock.
    pub(crate) fn now(&self) -> SystemTime {
        self.at(SystemTime::now())
    }

    fn at(&self, here: SystemTime) -> SystemTime {
        let ahead_s = self.ahead_s();
        let span = Duration::from_secs(ahead_s.unsigned_abs());
        // A clock that is off by more than time itself reaches is as good as none.
        let there = if ahead_s < 0 { here.checked_sub(span) } else { here.checked_add(span) };
        there.unwrap_or(here)
    }

    /// An answer that came at `here` was dated `date` (RFC 9110 §5.6.7).
    fn note(&self, date: &str, here: SystemTime) {
        let Ok(there) = DateTime::from_str(date, DateTimeFormat::HttpDate) else { return };
        let ahead_s = there.secs() - DateTime::from(here).secs();
        self.0.store(if ahead_s.abs() < MATTERS_S { 0 } else { ahead_s }, Ordering::Relaxed);
    }
}

impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.note(date, SystemTime::now());
        }
        Ok(())
    }
}

/// What the owner of the machine should know of its clock; nothing when it is right.
pub(crate) fn clock_fault(ahead_s: i64) -> Option<Fault> {
    let way = if ahead_s > 0 { "behind" } else { "ahead of" };
    let sentence = format!(
        "this machine's clock is {} s {way} AWS's; requests are signed with AWS's time",
        ahead_s.unsigned_abs()
    );
    (ahead_s != 0).then(|| Fault::new(FaultKind::Clock, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_noted_and_seconds_are_not() {
        let clock = Clock::default();
        // Sun, 06 Nov 1994 08:49:37 GMT
        let here = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (date, ahead_s) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
            ("Sun, 06 Nov 1994 09:49:37 GMT", 3_600),
            ("no date", 3_600),
            ("Sun, 06 Nov 1994 07:49:37 GMT", -3_600),
            ("Sun, 06 Nov 1994 08:50:30 GMT", 0),
        ] {
            clock.note(date, here);
            assert_eq!(clock.ahead_s(), ahead_s, "{date}");
        }
        clock.note("Sun, 06 Nov 1994 09:49:37 GMT", here);
        assert_eq!(clock.at(here), here + Duration::from_secs(3_600));
    }

    #[test]
    fn the_sentence_says_which_way() {
        let said = |ahead_s| clock_fault(ahead_s).map(|fault| fault.sentence);
        assert_eq!(said(0), None);
        assert!(said(3_600).is_some_and(|said| said.contains("3600 s behind AWS's")));
        assert!(said(-3_600).is_some_and(|said| said.contains("3600 s ahead of AWS's")));
    }
}
