//! Packet time: the only clock below `runtime` and `sink`.

use jiff::tz::Offset;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment in nanoseconds since 1970-01-01T00:00:00Z, as captures carry it.
///
/// Covers the years 1970 to 2554; what lies outside saturates at either end.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(u64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const ZERO: Self = Self(0);
    /// The last moment that can be told, in the year 2554.
    pub const MAX: Self = Self(u64::MAX);

    /// From nanoseconds since the epoch.
    pub const fn from_nanos(ns: u64) -> Self {
        Self(ns)
    }

    /// From whole seconds and a fraction in nanoseconds, which may exceed a second (a corrupt capture's does).
    pub const fn new(seconds: u64, nanos: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// Nanoseconds from `earlier` to here; nothing when time ran backwards.
    pub const fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This moment and `span` more.
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// A moment by the machine's clock; what lies before 1970 is its beginning.
impl From<SystemTime> for Timestamp {
    fn from(moment: SystemTime) -> Self {
        Self::ZERO.after(moment.duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

/// RFC 3339 in UTC with `Z`, up to nanoseconds, trailing zeros trimmed.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Rfc3339::new(*self).as_str())
    }
}

/// A moment written out on the stack: three to an event, without [`fmt`] on the way.
pub(crate) struct Rfc3339 {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Rfc3339 {
    const FORM: &[u8; 30] = b"0000-00-00T00:00:00.000000000Z";
    const CAPACITY: usize = Self::FORM.len();

    pub(crate) fn new(time: Timestamp) -> Self {
        let nanos = time.0 % 1_000_000_000;
        let seconds = i64::try_from(time.as_secs()).expect("a fraction of what nanoseconds take");
        // jiff ends with the year 9999, a timestamp with 2554.
        let second = jiff::Timestamp::from_second(seconds).expect("years to 2554 are in range");
        let moment = Offset::UTC.to_datetime(second);
        let mut text = Self { bytes: *Self::FORM, len: "0000-00-00T00:00:00".len() };
        let fields = [moment.month(), moment.day(), moment.hour(), moment.minute(), moment.second()];
        text.put(0, 4, moment.year().unsigned_abs().into());
        (5..).step_by(3).zip(fields).for_each(|(at, field)| text.put(at, 2, field.unsigned_abs().into()));
        if nanos > 0 {
            text.put(text.len + 1, 9, nanos);
            text.len = text.bytes.iter().rposition(|byte| matches!(byte, b'1'..=b'9')).map_or(0, |at| at + 1);
        }
        text.bytes[text.len] = b'Z';
        text.len += 1;
        text
    }

    /// Writes a number over so many digits.
    #[inline]
    fn put(&mut self, at: usize, digits: usize, mut number: u64) {
        for digit in self.bytes[at..at + digits].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).expect("digits and their separators are ASCII")
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Rfc3339::new(*self).as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_rfc_3339_with_trimmed_zeros() {
        assert_eq!(Timestamp::new(1_746_718_399, 469_480_000).to_string(), "2025-05-08T15:33:19.46948Z");
        assert_eq!(Timestamp::new(1_746_718_399, 0).to_string(), "2025-05-08T15:33:19Z");
        assert_eq!(Timestamp::new(0, 1).to_string(), "1970-01-01T00:00:00.000000001Z");
        assert_eq!(Timestamp::MAX.to_string(), "2554-07-21T23:34:33.709551615Z");
    }

    #[test]
    fn saturates_instead_of_wrapping() {
        assert_eq!(Timestamp::new(u64::MAX, 5), Timestamp::MAX);
        assert_eq!(Timestamp::ZERO.nanos_since(Timestamp::MAX), 0);
        assert_eq!(Timestamp::MAX.after(Duration::MAX), Timestamp::MAX);
    }
}
