//! Packet time: the only clock below `runtime` and `sink`.

use jiff::fmt::temporal::DateTimePrinter;
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
struct Rfc3339 {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Rfc3339 {
    /// The longest is `2554-07-21T23:34:33.709551615Z`.
    const CAPACITY: usize = 30;
    const PRINTER: DateTimePrinter = DateTimePrinter::new();

    fn new(time: Timestamp) -> Self {
        // jiff ends with the year 9999, a timestamp with 2554.
        let moment =
            jiff::Timestamp::from_nanosecond(i128::from(time.0)).expect("years to 2554 are in range");
        let mut text = Self { bytes: [0; Self::CAPACITY], len: 0 };
        Self::PRINTER.print_timestamp(&moment, &mut text).expect("years to 2554 have four digits");
        text
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).expect("put together from strings")
    }
}

impl jiff::fmt::Write for Rfc3339 {
    fn write_str(&mut self, text: &str) -> Result<(), jiff::Error> {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end);
        let room = room.ok_or_else(|| jiff::Error::from_args(format_args!("longer than any timestamp")))?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
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
