//! Reading a number out of a buffer: what `byte_test`, `byte_jump`, `byte_extract` and `byte_math` have in common
//! (Suricata documentation: "Payload Keywords").

use super::Argument;
use crate::content::Number;
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::header::protocol::AppProtocol;
use crate::inspect::Cursor;
use crate::text::Text;
use crate::view::View;
use std::fmt;

/// How far from its base a number may stand, as in Suricata.
pub(super) const MAX_OFFSET: i64 = 65_535;

/// The most bytes of a number that stands as bytes.
const MAX_BINARY: i64 = 8;

/// The most digits of a number that stands as text: 64 bits in octal, with a digit to spare.
const MAX_TEXT: i64 = 23;

/// How a number stands in a buffer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    BigEndian,
    LittleEndian,
    /// As the DCERPC header of the packet says.
    Dce,
    /// As text; without a base, as C reads it: `0x` is hexadecimal, `0` octal, anything else decimal.
    Text(Option<u32>),
}

/// A number to compute with: written out, or in the slot of a variable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Operand {
    Literal(u64),
    Variable(usize),
}

impl Operand {
    /// Reads a number of at most `max`, or the name of a variable bound before.
    pub(super) fn parse(
        argument: &Argument<'_>,
        text: &Text,
        max: u64,
        draft: &Draft<'_>,
    ) -> Result<Self, Diagnostic> {
        match c_number(text, None) {
            Some((value, used)) if used == text.len() && !text.starts_with(b"-") => match value <= max {
                true => Ok(Self::Literal(value)),
                false => Err(out_of_range(argument, text, 0, i128::from(max))),
            },
            _ => match argument.number(text, 0..0, draft)? {
                Number::Variable(slot) => Ok(Self::Variable(slot)),
                Number::Literal(_) => Err(out_of_range(argument, text, 0, i128::from(max))),
            },
        }
    }

    pub(super) fn value(self, cursor: &Cursor<'_>) -> u64 {
        match self {
            Self::Literal(value) => value,
            Self::Variable(slot) => cursor.scratch.variables[slot],
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(value) => write!(f, "{value}"),
            Self::Variable(slot) => write!(f, "variable {slot}"),
        }
    }
}

/// A number written out, within bounds.
pub(super) fn literal(argument: &Argument<'_>, text: &Text, min: i64, max: i64) -> Result<i64, Diagnostic> {
    match text.to_str_lossy().parse::<i64>() {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        _ => Err(out_of_range(argument, text, min, i128::from(max))),
    }
}

fn out_of_range(argument: &Argument<'_>, text: &Text, min: i64, max: i128) -> Diagnostic {
    let message = format!("`{}` is no number from {min} to {max}", text.to_str_lossy());
    Diagnostic::error("number-out-of-range", text.span(), message)
        .with_help(format!("mend this number of `{}`", argument.keyword()))
}

/// The words after the fixed places of a `byte_*` keyword, as far as they say how to read.
#[derive(Debug, Default)]
pub(super) struct Options {
    relative: bool,
    little: Option<bool>,
    dce: bool,
    text: bool,
    base: Option<u32>,
    bitmask: Option<u64>,
}

impl Options {
    /// Takes one of the words; says whether it was one of these.
    pub(super) fn take(&mut self, argument: &Argument<'_>, part: &Text) -> Result<bool, Diagnostic> {
        let base = |word: &[u8]| match word {
            b"hex" => Some(16),
            b"dec" => Some(10),
            b"oct" => Some(8),
            _ => None,
        };
        if let Some(mask) = argument.after_word(part, "bitmask") {
            let mask =
                c_number(&mask, Some(16)).filter(|&(mask_value, used)| mask_value != 0 && used == mask.len());
            let fault = || argument.error("bad-bitmask", "a bit mask is a hexadecimal number other than 0");
            self.bitmask = Some(mask.ok_or_else(fault)?.0);
            return Ok(true);
        }
        let twice = match part.as_bytes() {
            b"relative" => std::mem::replace(&mut self.relative, true),
            b"big" => self.little.replace(false).is_some(),
            b"little" => self.little.replace(true).is_some(),
            b"dce" => std::mem::replace(&mut self.dce, true),
            b"string" => std::mem::replace(&mut self.text, true),
            word => {
                let Some(base) = base(word) else { return Ok(false) };
                self.text = true;
                self.base.replace(base).is_some()
            }
        };
        if twice {
            let message = format!("`{}` repeats or contradicts what stands before it", part.to_str_lossy());
            return Err(Diagnostic::error("contradictory-options", part.span(), message));
        }
        Ok(true)
    }

    /// What to read: `len` bytes at `offset`.
    pub(super) fn finish(
        self,
        argument: &Argument<'_>,
        draft: &mut Draft<'_>,
        len: &Text,
        offset: &Text,
        least: i64,
    ) -> Result<ByteRead, Diagnostic> {
        if self.dce {
            if self.text || self.little.is_some() {
                return Err(argument
                    .error(
                        "contradictory-options",
                        "`dce` says how the number stands, `string` and the byte order do too",
                    )
                    .with_help("take one of them out"));
            }
            draft.need_protocol(&[AppProtocol::Dcerpc], argument.span())?;
        }
        let form = match (self.text, self.little) {
            (true, _) => Form::Text(self.base),
            (false, Some(true)) => Form::LittleEndian,
            (false, _) if self.dce => Form::Dce,
            (false, _) => Form::BigEndian,
        };
        // Of text, no bytes are as many as there are digits.
        let (least, most) = if self.text { (0, MAX_TEXT) } else { (least, MAX_BINARY) };
        Ok(ByteRead {
            len: argument.number(len, least..most + 1, draft)?,
            offset: argument.number(offset, -MAX_OFFSET..MAX_OFFSET + 1, draft)?,
            relative: self.relative,
            form,
            bitmask: self.bitmask,
        })
    }
}

/// A number in a buffer.
#[derive(Clone, Debug)]
pub(super) struct ByteRead {
    len: Number,
    offset: Number,
    /// Whether the offset counts from where the step before ended.
    pub(super) relative: bool,
    form: Form,
    bitmask: Option<u64>,
}

/// What was read, and where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Found {
    /// The number, before any bit mask.
    pub(super) value: u64,
    /// After the bytes that make it up.
    pub(super) end: usize,
}

impl ByteRead {
    /// Reads the number; nothing where the buffer is too short, or holds no digit.
    pub(super) fn read(&self, cursor: &Cursor<'_>) -> Option<Found> {
        let base = if self.relative { i64::try_from(cursor.at).ok()? } else { 0 };
        let start = usize::try_from(base.checked_add(self.offset.value(cursor))?).ok()?;
        let len = usize::try_from(self.len.value(cursor)).ok()?;
        let rest = cursor.bytes.get(start..)?;
        let bytes = match (self.form, len) {
            (Form::Text(_), 0) => rest.get(..MAX_TEXT as usize).unwrap_or(rest),
            _ => rest.get(..len)?,
        };
        if len == 0 && !matches!(self.form, Form::Text(_)) {
            return Some(Found { value: 0, end: start });
        }
        let (value, used) = match self.form {
            Form::Text(radix) => c_number(bytes.get(..MAX_TEXT as usize).unwrap_or(bytes), radix)?,
            _ if len > 8 => return None,
            Form::BigEndian => (big_endian(bytes), len),
            Form::LittleEndian => (little_endian(bytes), len),
            Form::Dce if dce_is_little(cursor.view) => (little_endian(bytes), len),
            Form::Dce => (big_endian(bytes), len),
        };
        Some(Found { value, end: start + used })
    }

    /// The bits of the mask, shifted so that its lowest bit is bit 0.
    pub(super) fn mask(&self, value: u64) -> u64 {
        self.bitmask.map_or(value, |mask| (value & mask) >> mask.trailing_zeros())
    }
}

impl fmt::Display for ByteRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.form {
            Form::BigEndian => "big-endian",
            Form::LittleEndian => "little-endian",
            Form::Dce => "DCERPC",
            Form::Text(_) => "text",
        };
        let base = if self.relative { " after the match before" } else { "" };
        write!(f, "the {form} number in {} bytes at {}{base}", self.len, self.offset)?;
        self.bitmask.map_or(Ok(()), |mask| write!(f, ", masked with {mask:#x}"))
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// The byte order that the transaction is said to have; else the integer representation of a DCERPC header that begins
/// the packet's payload (C706 §14.1, format label); what is no such header comes from a stream, and those are
/// little-endian in practice.
fn dce_is_little(view: &View<'_>) -> bool {
    match (view.big_endian, view.packet.payload) {
        (Some(big_endian), _) => !big_endian,
        (None, [4 | 5, _, _, _, label, ..]) => label & 0xf0 == 0x10,
        (None, _) => true,
    }
}

/// The number that text begins with, as C's `strtoull` reads it, and how many bytes it takes up. Nothing without a
/// digit, or beyond 64 bits.
pub(super) fn c_number(text: &[u8], base: Option<u32>) -> Option<(u64, usize)> {
    let mut at = text.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
    let negative = text.get(at) == Some(&b'-');
    if let Some(b'+' | b'-') = text.get(at) {
        at += 1;
    }
    let hex = matches!(text.get(at..at + 2), Some([b'0', b'x' | b'X']))
        && text.get(at + 2).is_some_and(u8::is_ascii_hexdigit);
    let base = match base {
        Some(16) | None if hex => {
            at += 2;
            16
        }
        Some(base) => base,
        None if text.get(at) == Some(&b'0') => 8,
        None => 10,
    };
    let digits = text.get(at..)?.iter().map_while(|&byte| char::from(byte).to_digit(base));
    let (mut value, mut count) = (0u64, 0);
    for digit in digits {
        value = value.checked_mul(u64::from(base))?.checked_add(u64::from(digit))?;
        count += 1;
    }
    let value = if negative { value.wrapping_neg() } else { value };
    (count > 0).then_some((value, at + count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_text_as_c_does() {
        for (text, base, wanted) in [
            ("12ab", Some(10), Some((12, 2))),
            (" 12", Some(10), Some((12, 3))),
            ("0x1fz", Some(16), Some((31, 4))),
            ("1f", Some(16), Some((31, 2))),
            ("0xz", None, Some((0, 1))),
            ("010", None, Some((8, 3))),
            ("0x10", None, Some((16, 4))),
            ("19", None, Some((19, 2))),
            ("9", Some(8), None),
            ("", None, None),
            ("-1", Some(10), Some((u64::MAX, 2))),
            ("18446744073709551615", Some(10), Some((u64::MAX, 20))),
            ("18446744073709551616", Some(10), None),
        ] {
            assert_eq!(c_number(text.as_bytes(), base), wanted, "{text}");
        }
    }

    #[test]
    fn reads_both_byte_orders() {
        assert_eq!(big_endian(&[1, 2, 3]), 0x01_0203);
        assert_eq!(little_endian(&[1, 2, 3]), 0x03_0201);
    }
}
