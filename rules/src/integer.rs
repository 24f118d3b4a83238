//! The generic form of a number to compare with: `10`, `<10`, `>=10`, `5-10`, `5<>10`, `!10`, `0x1f`, `&0x20=0x20`
//! (Suricata documentation: "Integer Keywords").

use std::fmt;

/// A set of numbers, as a rule writes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IntegerMatch {
    /// Exactly this.
    Equal(u64),
    /// Anything else.
    NotEqual(u64),
    /// Less.
    Less(u64),
    /// Less or the same.
    LessOrEqual(u64),
    /// More.
    Greater(u64),
    /// More or the same.
    GreaterOrEqual(u64),
    /// Strictly between.
    Between(u64, u64),
    /// At either bound or outside.
    NotBetween(u64, u64),
    /// These bits have this value.
    Bits {
        /// Which bits.
        mask: u64,
        /// What they are.
        value: u64,
        /// Or what they are not.
        negated: bool,
    },
}

/// Why a number form was not understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IntegerError {
    /// No number, or more than a number.
    #[error("this is no number")]
    NoNumber,
    /// Larger than the field it is compared with.
    #[error("this number is larger than the field, at most {0}")]
    TooLarge(u64),
    /// A range without anything inside.
    #[error("nothing lies in this range")]
    EmptyRange,
    /// A comparison that always or never holds.
    #[error("this comparison always or never holds")]
    Constant,
}

impl IntegerMatch {
    /// Reads a form for a field of values from 0 to `max`.
    pub fn parse(text: &str, max: u64) -> Result<Self, IntegerError> {
        Self::parse_named(text, max, &|_| None)
    }

    /// As [`Self::parse`], with names that stand for numbers.
    pub fn parse_named(
        text: &str,
        max: u64,
        named: &dyn Fn(&str) -> Option<u64>,
    ) -> Result<Self, IntegerError> {
        let text = text.trim();
        let number = |text: &str| number(text, max, named);
        if let Some(bits) = text.strip_prefix('&') {
            return Self::parse_bits(bits, &number);
        }
        if let Some((low, high)) = text.split_once("<>").or_else(|| split_range(text)) {
            let (negated, low) = match low.trim().strip_prefix('!') {
                Some(low) => (true, low),
                None => (false, low),
            };
            let (low, high) = (number(low)?, number(high)?);
            return match low < high && high - low > 1 {
                false => Err(IntegerError::EmptyRange),
                true if negated => Ok(Self::NotBetween(low, high)),
                true => Ok(Self::Between(low, high)),
            };
        }
        let (make, rest): (fn(u64) -> Self, &str) = match text {
            _ if text.starts_with(">=") => (Self::GreaterOrEqual, &text[2..]),
            _ if text.starts_with("<=") => (Self::LessOrEqual, &text[2..]),
            _ if text.starts_with("!=") => (Self::NotEqual, &text[2..]),
            _ if text.starts_with('>') => (Self::Greater, &text[1..]),
            _ if text.starts_with('<') => (Self::Less, &text[1..]),
            _ if text.starts_with('!') => (Self::NotEqual, &text[1..]),
            _ if text.starts_with('=') => (Self::Equal, &text[1..]),
            _ => (Self::Equal, text),
        };
        match make(number(rest)?) {
            Self::Less(0) => Err(IntegerError::Constant),
            Self::Greater(value) if value == max => Err(IntegerError::Constant),
            form => Ok(form),
        }
    }

    fn parse_bits(
        text: &str,
        number: &dyn Fn(&str) -> Result<u64, IntegerError>,
    ) -> Result<Self, IntegerError> {
        let (mask, value) = text.split_once('=').ok_or(IntegerError::NoNumber)?;
        let (mask, negated) = match mask.trim_end().strip_suffix('!') {
            Some(mask) => (mask, true),
            None => (mask, false),
        };
        let (mask, value) = (number(mask)?, number(value)?);
        if value & !mask != 0 {
            return Err(IntegerError::Constant);
        }
        Ok(Self::Bits { mask, value, negated })
    }

    /// Whether `value` is in the set.
    #[inline]
    pub fn holds(self, value: u64) -> bool {
        match self {
            Self::Equal(wanted) => value == wanted,
            Self::NotEqual(wanted) => value != wanted,
            Self::Less(bound) => value < bound,
            Self::LessOrEqual(bound) => value <= bound,
            Self::Greater(bound) => value > bound,
            Self::GreaterOrEqual(bound) => value >= bound,
            Self::Between(low, high) => low < value && value < high,
            Self::NotBetween(low, high) => value <= low || high <= value,
            Self::Bits { mask, value: wanted, negated } => (value & mask == wanted) != negated,
        }
    }

    /// The least and the greatest value that hold, as far as a range can tell.
    pub fn bounds(self, max: u64) -> (u64, u64) {
        match self {
            Self::Equal(value) => (value, value),
            Self::Less(bound) => (0, bound.saturating_sub(1)),
            Self::LessOrEqual(bound) => (0, bound),
            Self::Greater(bound) => (bound.saturating_add(1), max),
            Self::GreaterOrEqual(bound) => (bound, max),
            Self::Between(low, high) => (low + 1, high - 1),
            Self::NotEqual(_) | Self::NotBetween(..) | Self::Bits { .. } => (0, max),
        }
    }
}

/// `5-10`, where the hyphen is no sign.
fn split_range(text: &str) -> Option<(&str, &str)> {
    let (low, high) = text.split_once('-')?;
    (low.trim().trim_start_matches('!').starts_with(|c: char| c.is_ascii_digit())).then_some((low, high))
}

fn number(text: &str, max: u64, named: &dyn Fn(&str) -> Option<u64>) -> Result<u64, IntegerError> {
    let text = text.trim();
    if let Some(value) = named(text) {
        return Ok(value);
    }
    let value = parse_u64(text).ok_or(IntegerError::NoNumber)?;
    if value > max { Err(IntegerError::TooLarge(max)) } else { Ok(value) }
}

/// A decimal or `0x` number, optionally with the size suffix `kb`, `mb` or `gb`.
pub fn parse_u64(text: &str) -> Option<u64> {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return (!hex.starts_with('+')).then(|| u64::from_str_radix(hex, 16).ok()).flatten();
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let factor = match text[digits..].trim_start().to_ascii_lowercase().as_str() {
        "" => 1,
        "kb" | "kib" => 1 << 10,
        "mb" | "mib" => 1 << 20,
        "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(factor)
}

impl fmt::Display for IntegerMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Equal(value) => write!(f, "{value}"),
            Self::NotEqual(value) => write!(f, "not {value}"),
            Self::Less(bound) => write!(f, "less than {bound}"),
            Self::LessOrEqual(bound) => write!(f, "at most {bound}"),
            Self::Greater(bound) => write!(f, "more than {bound}"),
            Self::GreaterOrEqual(bound) => write!(f, "at least {bound}"),
            Self::Between(low, high) => write!(f, "between {low} and {high}, both left out"),
            Self::NotBetween(low, high) => write!(f, "at most {low} or at least {high}"),
            Self::Bits { mask, value, negated } => {
                write!(f, "bits {mask:#x} {} {value:#x}", if negated { "other than" } else { "equal to" })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        let parse = |text| IntegerMatch::parse(text, 255);
        assert_eq!(parse("10"), Ok(IntegerMatch::Equal(10)));
        assert_eq!(parse(" 0x0A "), Ok(IntegerMatch::Equal(10)));
        assert_eq!(parse("!10"), Ok(IntegerMatch::NotEqual(10)));
        assert_eq!(parse("<10"), Ok(IntegerMatch::Less(10)));
        assert_eq!(parse(">=10"), Ok(IntegerMatch::GreaterOrEqual(10)));
        assert_eq!(parse("5-10"), Ok(IntegerMatch::Between(5, 10)));
        assert_eq!(parse("5 <> 10"), Ok(IntegerMatch::Between(5, 10)));
        assert_eq!(parse("!5-10"), Ok(IntegerMatch::NotBetween(5, 10)));
        assert_eq!(parse("&0x40=0x40"), Ok(IntegerMatch::Bits { mask: 0x40, value: 0x40, negated: false }));
        assert_eq!(parse("&0x40!=0"), Ok(IntegerMatch::Bits { mask: 0x40, value: 0, negated: true }));
    }

    #[test]
    fn refuses_what_means_nothing() {
        let parse = |text| IntegerMatch::parse(text, 255);
        for text in ["", "x", "10x", "-1", "+1", "0x", "0x+1", "1-", "&3"] {
            assert_eq!(parse(text), Err(IntegerError::NoNumber), "{text}");
        }
        assert_eq!(parse("256"), Err(IntegerError::TooLarge(255)));
        assert_eq!(parse("5-6"), Err(IntegerError::EmptyRange));
        assert_eq!(parse("<0"), Err(IntegerError::Constant));
        assert_eq!(parse(">255"), Err(IntegerError::Constant));
    }

    #[test]
    fn bounds_hold_what_matches() {
        for text in ["7", "<7", "<=7", ">7", ">=7", "3-9", "!7", "&4=4"] {
            let form = IntegerMatch::parse(text, 20).expect("valid");
            let (low, high) = form.bounds(20);
            assert!((0..=20).filter(|&v| form.holds(v)).all(|v| (low..=high).contains(&v)), "{text}");
        }
    }
}
