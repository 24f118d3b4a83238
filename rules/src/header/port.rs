//! Ports as a rule writes them.

use std::fmt;
use std::ops::Range;

use super::group::{Group, Item, ItemFault, Resolve, trimmed};
use super::range_set::RangeSet;

/// The ports of one side of a rule.
pub type PortExpr = Group<PortRange>;

/// Ports from one to another, both included.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PortRange {
    /// The lowest.
    pub first: u16,
    /// The highest, not below the lowest.
    pub last: u16,
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (first, last) if first == last => first.fmt(f),
            (0, u16::MAX) => f.write_str("0:65535"),
            (0, last) => write!(f, ":{last}"),
            (first, u16::MAX) => write!(f, "{first}:"),
            (first, last) => write!(f, "{first}:{last}"),
        }
    }
}

impl Item for PortRange {
    const WHAT: &'static str = "port";
    const CODE: &'static str = "bad-port";
    const MISSING_CODE: &'static str = "missing-port";

    /// `80`, `1:1024`, `:1024` or `1024:`, with blanks around the colon where a list allows them.
    fn parse(word: &[u8]) -> Result<Self, ItemFault> {
        let Some(colon) = memchr::memchr(b':', word) else {
            let port = number(word, 0..word.len())?;
            return Ok(Self { first: port, last: port });
        };
        let (low, _) = trimmed(word, 0..colon);
        let (high, _) = trimmed(word, colon + 1..word.len());
        if low.is_empty() && high.is_empty() {
            let help = "write `any`, or a number before or after the colon";
            return Err(ItemFault::new(0..word.len(), "a range of ports without a port", help));
        }
        let first = if low.is_empty() { 0 } else { number(word, 0..colon)? };
        let last = if high.is_empty() { u16::MAX } else { number(word, colon + 1..word.len())? };
        if first > last {
            let message = format!("the range runs backwards, from {first} to {last}");
            return Err(ItemFault::new(0..word.len(), message, format!("write `{last}:{first}`")));
        }
        Ok(Self { first, last })
    }
}

impl Resolve for PortRange {
    type Set = PortSet;
    const HIGHEST: &'static [u128] = &[u16::MAX as u128];

    fn bounds(&self) -> (usize, (u128, u128)) {
        (0, (self.first.into(), self.last.into()))
    }

    fn set([ports, _]: [RangeSet<u128>; 2]) -> PortSet {
        PortSet { ranges: ports.narrow() }
    }
}

/// The ports that a rule means.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct PortSet {
    ranges: RangeSet<u16>,
}

impl PortSet {
    /// Every port.
    pub fn any() -> Self {
        Self { ranges: RangeSet::all() }
    }

    /// Whether a port is in it.
    #[inline]
    pub fn contains(&self, port: u16) -> bool {
        self.ranges.contains(port)
    }

    /// Whether every port is in it.
    pub fn is_any(&self) -> bool {
        self.ranges.is_all()
    }

    /// The ports as ranges.
    pub fn ranges(&self) -> &RangeSet<u16> {
        &self.ranges
    }
}

fn number(word: &[u8], part: Range<usize>) -> Result<u16, ItemFault> {
    let (digits, range) = trimmed(word, part);
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let shown: String = String::from_utf8_lossy(digits).chars().take(40).collect();
        let message = format!("`{shown}` is not a port");
        ItemFault::new(range, message, "a port is a number from 0 to 65535, a range is `1024:2048`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(word: &str) -> Option<(u16, u16)> {
        PortRange::parse(word.as_bytes()).ok().map(|range| (range.first, range.last))
    }

    #[test]
    fn ports_and_ranges() {
        assert_eq!(range("80"), Some((80, 80)));
        assert_eq!(range("1:1024"), Some((1, 1024)));
        assert_eq!(range(":1024"), Some((0, 1024)));
        assert_eq!(range("1024: "), Some((1024, 65535)));
        assert_eq!(range("80 : 82"), Some((80, 82)));
    }

    #[test]
    fn faults_are_pointed_at() {
        for word in ["", ":", "65536", "80:79", "http", "+80", "8 0", "-1", "80:81:82", "\u{661}"] {
            assert_eq!(range(word), None, "{word}");
        }
        assert_eq!(PortRange::parse(b"80: 8x").unwrap_err().range, 4..6);
    }

    #[test]
    fn ranges_print_as_they_are_read() {
        for word in ["80", "0", "65535", ":1024", "1024:", "1:1024", "0:65535"] {
            assert_eq!(PortRange::parse(word.as_bytes()).unwrap().to_string(), word);
        }
    }
}
