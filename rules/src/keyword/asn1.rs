//! `asn1`: broken ASN.1 in the payload.

use super::byte_read::{MAX_OFFSET, literal};
use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, DraftStep};
use crate::inspect::{Cursor, Outcome, Resume, Step};

/// The most elements looked at, as in Suricata (`asn1-max-frames`).
const MAX_ELEMENTS: usize = 256;

/// How long a REAL in decimal form must be for the overflow that `double_overflow` is about.
const LONG_REAL: usize = 256;

/// `asn1` (Suricata documentation: "Payload Keywords", asn1).
#[derive(Debug)]
pub(super) struct Asn1;

impl Keyword for Asn1 {
    fn name(&self) -> &'static str {
        "asn1"
    }

    fn doc(&self) -> &'static str {
        "Walks ASN.1 from `absolute_offset n` or `relative_offset n` on, and holds where an element is longer than \
         `oversize_length n`, a bit string is shorter than its unused bits (`bitstring_overflow`), or a real number \
         is too long (`double_overflow`)."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload(
                "alert tcp any any -> any any (asn1:oversize_length 300, absolute_offset 1; sid:1;)",
                b"x\x30\x82\x01\x2d\x04\x01a",
                b"x\x30\x82\x01\x2c\x04\x01a",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (content:"ab"; asn1:bitstring_overflow, relative_offset 0; sid:1;)"#,
                b"ab\x30\x03\x03\x01\x05",
                b"ab\x30\x04\x03\x02\x05\xe0",
            ),
            Example::payload(
                "alert tcp any any -> any any (asn1:double_overflow; sid:1;)",
                b"\x09\x82\x01\x01\x03123",
                b"\x09\x03\x03123",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "asn1",
            "asn1:oversize_length",
            "asn1:oversize_length x",
            "asn1:sideways",
            "asn1:relative_offset 70000",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let mut step = Asn1Step::default();
        for part in argument.parts()? {
            let number = |word| argument.after_word(&part, word);
            if let Some(text) = number("oversize_length") {
                step.oversize = Some(literal(argument, &text, 0, i64::from(u32::MAX))?.unsigned_abs());
            } else if let Some(text) = number("absolute_offset") {
                (step.offset, step.relative) = (literal(argument, &text, 0, MAX_OFFSET)?, false);
            } else if let Some(text) = number("relative_offset") {
                (step.offset, step.relative) = (literal(argument, &text, -MAX_OFFSET, MAX_OFFSET)?, true);
            } else {
                match part.as_bytes() {
                    b"bitstring_overflow" => step.bit_string = true,
                    b"double_overflow" => step.double = true,
                    _ => {
                        return Err(argument.unknown_part(
                            &part,
                            "oversize_length, bitstring_overflow, double_overflow, absolute_offset, relative_offset",
                        ));
                    }
                }
            }
        }
        draft.push_step(DraftStep::Other(Box::new(step), argument.span()));
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Asn1Step {
    oversize: Option<u64>,
    bit_string: bool,
    double: bool,
    offset: i64,
    relative: bool,
}

impl Asn1Step {
    fn holds(&self, element: &Element<'_>) -> bool {
        let oversize = self.oversize.is_some_and(|max| element.len > max);
        // X.690 §8.6.2.2: the first byte counts the unused bits of the last one.
        let bit_string = self.bit_string
            && element.is_primitive(3)
            && element.content.first().is_some_and(|&unused| element.len <= 1 && unused > 0);
        // X.690 §8.5.8: the first byte's top bits 00 say that decimal digits follow.
        let double = self.double
            && element.is_primitive(9)
            && element.len > LONG_REAL as u64
            && element.content.first().is_some_and(|&form| form & 0xc0 == 0);
        oversize || bit_string || double
    }
}

impl Step for Asn1Step {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let base = if self.relative { i64::try_from(cursor.at).unwrap_or(i64::MAX) } else { 0 };
        let start = usize::try_from(base.saturating_add(self.offset)).ok();
        let Some(bytes) = start.and_then(|start| cursor.bytes.get(start..)) else { return Outcome::Fails };
        let found = Elements { rest: bytes }.take(MAX_ELEMENTS).any(|element| self.holds(&element));
        if found { Outcome::Holds } else { Outcome::Fails }
    }

    fn relative(&self) -> bool {
        self.relative
    }

    fn explain(&self) -> String {
        let mut faults = Vec::new();
        if let Some(max) = self.oversize {
            faults.push(format!("an element of more than {max} bytes"));
        }
        if self.bit_string {
            faults.push("a bit string shorter than its unused bits".to_owned());
        }
        if self.double {
            faults.push("a real number that is too long".to_owned());
        }
        let from = if self.relative { " after the match before" } else { "" };
        format!("holds ASN.1 at byte {}{from} with {}", self.offset, faults.join(" or "))
    }
}

/// An element: what its header says, and as much of its content as there is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Element<'a> {
    /// Class and form, without the number.
    class: u8,
    number: u64,
    /// As the header says, which may be more than there is.
    len: u64,
    content: &'a [u8],
}

impl Element<'_> {
    /// Whether it is a primitive of the universal class.
    fn is_primitive(&self, number: u64) -> bool {
        self.class == 0 && self.number == number
    }
}

/// The elements of BER bytes, each before those inside it: a constructed one is stepped into, a primitive one over
/// (X.690 §8.1). Ends at the first header that is broken off.
struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (&first, mut rest) = self.rest.split_first()?;
        let mut number = u64::from(first & 0x1f);
        if number == 0x1f {
            number = 0;
            loop {
                let (&byte, tail) = rest.split_first()?;
                rest = tail;
                number = number.checked_mul(128)? + u64::from(byte & 0x7f);
                if byte & 0x80 == 0 {
                    break;
                }
            }
        }
        let (&short, mut rest) = rest.split_first()?;
        let mut len = u64::from(short);
        if short & 0x80 != 0 {
            let (long, tail) = rest.split_at_checked(usize::from(short & 0x7f))?;
            let significant = long.iter().skip_while(|&&byte| byte == 0);
            len = significant.fold(0u64, |len, &byte| len.saturating_mul(256).saturating_add(byte.into()));
            rest = tail;
        }
        let content = usize::try_from(len).ok().and_then(|len| rest.get(..len)).unwrap_or(rest);
        let constructed = first & 0x20 != 0;
        self.rest = if constructed { rest } else { &rest[content.len()..] };
        Some(Element { class: first & 0xe0, number, len, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_into_what_is_constructed_and_over_what_is_not() {
        let bytes = b"\x30\x05\x04\x01a\x05\x00\x02\x01\x07";
        let numbers: Vec<u64> = Elements { rest: bytes }.map(|element| element.number).collect();
        assert_eq!(numbers, [16, 4, 5, 2]);
    }

    #[test]
    fn ends_at_whatever_is_broken() {
        for bytes in [&b"\x1f\xff"[..], b"\x30", b"\x30\x84\x01", b"", b"\x04\x05a"] {
            assert!(Elements { rest: bytes }.count() <= 1, "{bytes:?}");
        }
    }
}
