//! What stands after the colon of an option: quoted or bare, perhaps negated, with escapes and hex blocks.

use std::borrow::Cow;

use crate::diagnostic::Diagnostic;
use crate::text::{Span, Text};

/// The value of an option.
///
/// Equality compares what is said, not where.
#[derive(Clone, Debug)]
pub struct Value {
    /// What stands between the quotes, or all of it when bare; escapes as written.
    text: Text,
    quoted: bool,
    negated: bool,
    span: Span,
}

impl Value {
    /// A value as it stands in a rule. `span` covers the quotes and the exclamation mark too.
    pub fn new(text: Text, quoted: bool, negated: bool, span: Span) -> Self {
        Self { text, quoted, negated, span }
    }

    /// What stands between the quotes, or all of it when bare; escapes as written.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// Whether it stands in double quotes.
    pub fn is_quoted(&self) -> bool {
        self.quoted
    }

    /// Whether an exclamation mark stands before the quotes. A bare value keeps its own in the text.
    pub fn is_negated(&self) -> bool {
        self.negated
    }

    /// Where it stands, quotes and exclamation mark included.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The text without the backslashes before `"`, `\`, `;` and `:` (Suricata documentation: "Rules Format", Rule
    /// options). Other backslashes stay.
    pub fn unescaped(&self) -> Cow<'_, [u8]> {
        let bytes = self.text.as_bytes();
        if memchr::memchr(b'\\', bytes).is_none() {
            return Cow::Borrowed(bytes);
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes.iter().copied().peekable();
        while let Some(byte) = rest.next() {
            let escaped = if byte == b'\\' { rest.next_if(|&next| is_escapable(next)) } else { None };
            out.push(escaped.unwrap_or(byte));
        }
        Cow::Owned(out)
    }

    /// The bytes that a content pattern means: escapes resolved, hex blocks `|41 42|` as bytes (Suricata
    /// documentation: "Payload Keywords", content).
    ///
    /// # Errors
    ///
    /// At the exact place: an unescaped quote, an unknown escape, a fault in a hex block, or nothing at all.
    pub fn content(&self) -> Result<Vec<u8>, Diagnostic> {
        let bytes = self.text.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at = match byte {
                b'|' => self.hex_block(at, &mut out)?,
                b'\\' => self.escape(at, &mut out)?,
                b'"' => {
                    let fault = self.fault("unescaped-quote", at..at + 1, "a quote inside a pattern");
                    return Err(fault.with_help("write `\\\"` or `|22|`"));
                }
                _ => {
                    out.push(byte);
                    at + 1
                }
            };
        }
        if out.is_empty() {
            let fault = Diagnostic::error("empty-content", self.span, "the pattern is empty");
            return Err(fault.with_help("give at least one byte to look for"));
        }
        Ok(out)
    }

    fn escape(&self, at: usize, out: &mut Vec<u8>) -> Result<usize, Diagnostic> {
        match self.text.get(at + 1) {
            Some(&byte) if is_escapable(byte) => {
                out.push(byte);
                Ok(at + 2)
            }
            _ => {
                let message = "a backslash stands before `\"`, `;`, `:` or another backslash only";
                let fault = self.fault("unknown-escape", at..at + 2, message);
                Err(fault.with_help("write a backslash as `\\\\` or `|5c|`"))
            }
        }
    }

    /// Reads from one bar to the next and gives the offset after it.
    fn hex_block(&self, open: usize, out: &mut Vec<u8>) -> Result<usize, Diagnostic> {
        let mut high: Option<(usize, u8)> = None;
        for (at, &byte) in self.text.iter().enumerate().skip(open + 1) {
            match (hex_digit(byte), high.take()) {
                (Some(low), Some((_, high))) => out.push(high << 4 | low),
                (Some(digit), None) => high = Some((at, digit)),
                (None, Some((digit, _))) if byte == b'|' => return Err(self.half_a_byte(digit)),
                (None, None) if byte == b'|' => return Ok(at + 1),
                (None, pending) if byte == b' ' => high = pending,
                (None, _) => {
                    let fault = self.fault("bad-hex", at..at + 1, "not a hexadecimal digit");
                    return Err(fault.with_help("close the hex block with `|` before text"));
                }
            }
        }
        let fault = self.fault("unclosed-hex", open..open + 1, "this hex block is never closed");
        Err(fault.with_help("close it with `|`, or write a bar as `|7c|`"))
    }

    fn half_a_byte(&self, digit: usize) -> Diagnostic {
        self.fault("bad-hex", digit..digit + 1, "half a byte: hexadecimal digits go in pairs")
            .with_help("write two digits for each byte, such as `0a`")
    }

    fn fault(&self, code: &'static str, range: std::ops::Range<usize>, message: &str) -> Diagnostic {
        Diagnostic::error(code, self.text.span_of(range), message)
    }

    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        if self.negated {
            out.push(b'!');
        }
        if self.quoted {
            out.push(b'"');
        }
        out.extend_from_slice(&self.text);
        if self.quoted {
            out.push(b'"');
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.negated == other.negated && self.quoted == other.quoted && self.text == other.text
    }
}

impl Eq for Value {}

fn is_escapable(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | b';' | b':')
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        let text = Text::detached(text).unwrap();
        let span = text.span();
        Value::new(text, true, false, span)
    }

    #[test]
    fn escapes_are_resolved_and_other_backslashes_stay() {
        assert_eq!(&*value(r#"a\"b\\c\;d\:e\n\"#).unescaped(), br#"a"b\c;d:e\n\"#);
        assert!(matches!(value("plain").unescaped(), Cow::Borrowed(b"plain")));
    }

    #[test]
    fn contents_mean_bytes() {
        assert_eq!(value("a|41 4a|b|0D0a|").content().unwrap(), b"aAJb\r\n");
        assert_eq!(value(r#"\"\\\;\:"#).content().unwrap(), br#""\;:"#);
        assert_eq!(value("|22 5 C|").content().unwrap(), b"\"\\", "blanks anywhere in a block");
    }

    #[test]
    fn faults_in_contents_are_pointed_at() {
        let fault = |text: &str| {
            let found = value(text).content().unwrap_err();
            (found.code, found.span)
        };
        assert_eq!(fault("ab|4g|"), ("bad-hex", Span::new(4, 5)));
        assert_eq!(fault("ab|4|"), ("bad-hex", Span::new(3, 4)));
        assert_eq!(fault("ab|41"), ("unclosed-hex", Span::new(2, 3)));
        assert_eq!(fault("a\\nb"), ("unknown-escape", Span::new(1, 3)));
        assert_eq!(fault("a\\"), ("unknown-escape", Span::new(1, 2)));
        assert_eq!(fault("a\"b"), ("unescaped-quote", Span::new(1, 2)));
        assert_eq!(fault("||"), ("empty-content", Span::new(0, 2)));
        assert_eq!(fault(""), ("empty-content", Span::new(0, 0)));
    }
}
