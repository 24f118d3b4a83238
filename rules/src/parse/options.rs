//! The options of a rule: `keyword;` and `keyword:value;` between parentheses.

use std::ops::Range;

use memchr::{memchr, memchr2};
use nom::Parser as _;
use nom::bytes::complete::take_while;

use super::MAX_DIAGNOSTICS_PER_RULE;
use super::input::{Fault, Input, Place, is_blank, is_name, quoted};
use crate::ast::{OptionNode, Value};
use crate::diagnostic::{Diagnostic, Severity};
use crate::text::Text;

/// Reads the options after the opening parenthesis to the end of the rule.
pub(super) fn options(text: &Text, input: Input<'_>, found: &mut Vec<Diagnostic>) -> Vec<OptionNode> {
    let found_before = found.len();
    let mut reader = Reader { text, rest: input, keyword: &[], found, found_before, options: Vec::new() };
    while reader.option() {
        if reader.found.len() >= found_before + MAX_DIAGNOSTICS_PER_RULE {
            let span = Place(text).span(reader.rest, reader.rest);
            let message =
                format!("after {MAX_DIAGNOSTICS_PER_RULE} mistakes the rest of the rule is not read");
            reader.found.push(Diagnostic::new(Severity::Note, "too-many-mistakes", span, message));
            break;
        }
    }
    reader.options
}

struct Reader<'a, 't, 'd> {
    text: &'t Text,
    rest: Input<'a>,
    /// The keyword of the option at hand.
    keyword: Input<'a>,
    found: &'d mut Vec<Diagnostic>,
    /// How many findings there were before these options.
    found_before: usize,
    options: Vec<OptionNode>,
}

impl<'a> Reader<'a, '_, '_> {
    /// Reads one option, or the end of the rule. Says whether there is more.
    fn option(&mut self) -> bool {
        self.rest = self.rest.trim_ascii_start();
        let start = self.rest;
        match start.first() {
            None => {
                self.unclosed_rule();
                return false;
            }
            Some(b')') => {
                self.end(&start[1..]);
                return false;
            }
            Some(_) => {}
        }
        let (after, name) = name(start);
        self.keyword = name;
        let rest = after.trim_ascii_start();
        if name.is_empty() {
            self.not_a_keyword();
            return true;
        }
        match rest.first() {
            Some(b':') => self.value(start, after, &rest[1..]),
            Some(b';') => {
                self.push(start, after, after, None);
                self.rest = &rest[1..];
            }
            Some(&byte) if byte == b')' || is_name(byte) => {
                self.push(start, after, after, None);
                self.missing_semicolon(after);
                self.rest = rest;
            }
            Some(_) => {
                let keyword = quoted(name);
                let length = self.junk_length(rest);
                let message = format!("after the keyword {keyword} stands neither `:` nor `;`");
                let help = "a value follows a colon, as in `keyword:value;`";
                self.fault(Fault::new(rest, length, "bad-option", message, help));
                self.rest = after_semicolon(rest);
            }
            None => self.rest = rest,
        }
        true
    }

    /// Reads the value of a keyword that begins at `start` and ends at `name_end`; `input` follows the colon.
    fn value(&mut self, start: Input<'a>, name_end: Input<'a>, input: Input<'a>) {
        let input = trim_start(input);
        let Extent { length, semicolon } = extent(input);
        let raw = &input[..length];
        let (negated, open) = opening(raw);
        let read = match open {
            Some(open) => self.quoted(input, raw, open, semicolon),
            None => self.bare(input, raw, semicolon),
        };
        let Some(read) = read else { return };
        let place = Place(self.text);
        let span = place.span(input, &input[read.span_end..]);
        let text = place.text(&input[read.text.start..], &input[read.text.end..]);
        let value = Value::new(text, open.is_some(), negated, span);
        self.push(start, name_end, &input[read.span_end..], Some(value));
        self.rest = &input[read.resume..];
    }

    /// A value without quotes: as far as the semicolon, or as far as an option that it swallowed.
    fn bare(&mut self, input: Input<'a>, raw: &[u8], semicolon: Option<usize>) -> Option<Extracted> {
        let end =
            swallowed_by_bare(raw).or_else(|| semicolon.is_none().then(|| before_parenthesis(raw)).flatten());
        if let Some(end) = end {
            self.missing_semicolon(&input[end..]);
            return Some(Extracted { text: 0..end, span_end: end, resume: end });
        }
        let Some(semicolon) = semicolon else {
            self.rest = &input[input.len()..];
            return None;
        };
        Some(Extracted { text: 0..raw.len(), span_end: raw.len(), resume: semicolon + 1 })
    }

    /// A value in quotes, the first of which stands at `open`. Usually it ends right before the semicolon.
    fn quoted(
        &mut self,
        input: Input<'a>,
        raw: &[u8],
        open: usize,
        semicolon: Option<usize>,
    ) -> Option<Extracted> {
        let inside = open + 1;
        let mut quotes = Quotes { bytes: raw, at: inside }.peekable();
        let first = quotes.next();
        let Some(first) = first else { return self.unclosed_quote(input, open, semicolon) };
        if semicolon.is_some() && first + 1 == raw.len() {
            return Some(Extracted { text: inside..first, span_end: first + 1, resume: semicolon? + 1 });
        }
        let swallowed = std::iter::once(first).chain(quotes).find(|&quote| swallows(raw, inside, quote));
        if let Some(close) = swallowed {
            self.missing_semicolon(&input[close + 1..]);
            return Some(Extracted { text: inside..close, span_end: close + 1, resume: close + 1 });
        }
        let last = Quotes { bytes: raw, at: inside }.last()?;
        let trailing = raw[last + 1..].trim_ascii_start();
        match (trailing.first(), semicolon) {
            (None, Some(semicolon)) => {
                Some(Extracted { text: inside..last, span_end: last + 1, resume: semicolon + 1 })
            }
            (None, None) => {
                self.rest = &input[input.len()..];
                None
            }
            (Some(&byte), _) if is_name(byte) || (byte == b')' && semicolon.is_none()) => {
                self.missing_semicolon(&input[last + 1..]);
                Some(Extracted { text: inside..last, span_end: last + 1, resume: last + 1 })
            }
            (Some(_), _) => {
                let at = &input[raw.len() - trailing.len()..];
                let help = "end the option with `;`, and write a quote inside of a value as `\\\"`";
                let message = "something follows the closing quote";
                self.fault(Fault::new(at, trailing.len(), "text-after-quote", message, help));
                self.rest = semicolon.map_or(&input[input.len()..], |semicolon| &input[semicolon + 1..]);
                None
            }
        }
    }

    /// No quote stands between the opening one and the semicolon: either the semicolon lacks its backslash, or the
    /// value lacks its closing quote.
    fn unclosed_quote(
        &mut self,
        input: Input<'a>,
        open: usize,
        semicolon: Option<usize>,
    ) -> Option<Extracted> {
        if let Some(semicolon) = semicolon
            && let Some(quote) = (Quotes { bytes: input, at: semicolon + 1 }).next()
            && !ends_with_colon(&input[..quote])
            && let after = trim_start(&input[quote + 1..])
            && after.first() == Some(&b';')
        {
            let help = "write `\\;` for a semicolon inside of a value";
            let message = "this semicolon ends the option in the middle of its value";
            self.fault(Fault::new(&input[semicolon..], 1, "unescaped-semicolon", message, help));
            let resume = input.len() - after.len() + 1;
            return Some(Extracted { text: open + 1..quote, span_end: quote + 1, resume });
        }
        let message = "this quote is never closed";
        let help = "close the value with `\"` before the semicolon";
        self.fault(Fault::new(&input[open..], 1, "unclosed-quote", message, help));
        self.rest = semicolon.map_or(&input[input.len()..], |semicolon| &input[semicolon + 1..]);
        None
    }

    fn push(&mut self, start: Input<'a>, name_end: Input<'a>, end: Input<'a>, value: Option<Value>) {
        let place = Place(self.text);
        let name = &start[..start.len() - name_end.len()];
        let name = std::str::from_utf8(name).expect("a keyword is ASCII").into();
        let (name_span, span) = (place.span(start, name_end), place.span(start, end));
        self.options.push(OptionNode { name, name_span, value, span });
    }

    fn fault(&mut self, fault: Fault<'_>) {
        self.found.push(fault.diagnostic(self.text));
    }

    /// Says that the option that was begun last lacks its semicolon, which belongs before `at`.
    fn missing_semicolon(&mut self, at: Input<'_>) {
        let message = format!("there is no `;` after the option {}", quoted(self.keyword));
        self.fault(Fault::new(at, 0, "missing-semicolon", message, "insert `;`"));
    }

    fn not_a_keyword(&mut self) {
        let start = self.rest;
        if start[0] == b';' {
            let help = "remove the semicolon";
            self.fault(Fault::new(
                start,
                1,
                "empty-option",
                "there is no keyword before this semicolon",
                help,
            ));
            self.rest = &start[1..];
            return;
        }
        let length = self.junk_length(start);
        let message = format!("{} is not a keyword", quoted(&start[..length]));
        let help = "a keyword has letters, digits, `_`, `.` and `-`";
        self.fault(Fault::new(start, length, "not-a-keyword", message, help));
        self.rest = after_semicolon(start);
    }

    fn junk_length(&self, rest: Input<'_>) -> usize {
        rest.iter().position(|&byte| is_blank(byte) || byte == b';').unwrap_or(rest.len()).max(1)
    }

    fn unclosed_rule(&mut self) {
        let place = Place(self.text);
        let bytes = self.text.as_bytes();
        if bytes.ends_with(b")") && self.found.len() > self.found_before {
            return; // The parenthesis is there; a fault told already swallowed it.
        }
        let help = if bytes.ends_with(b"\\") {
            "end the rule with `)`; to continue on the next line, the backslash must be the last character"
        } else {
            "end the rule with `)`"
        };
        let span = place.span(&bytes[bytes.len()..], &bytes[bytes.len()..]);
        let found = Diagnostic::error("unclosed-rule", span, "the rule breaks off before its `)`");
        self.found.push(found.with_help(help));
    }

    fn end(&mut self, after: Input<'a>) {
        let rest = trim_start(after);
        if !rest.is_empty() {
            let help = "begin the next rule on a line of its own, a comment with `#` likewise";
            let message = "something follows the end of the rule";
            self.fault(Fault::new(rest, rest.len(), "trailing-text", message, help));
        }
    }
}

/// Where the parts of a value stand, as offsets from its beginning.
struct Extracted {
    /// What is between the quotes, or all of it.
    text: Range<usize>,
    /// After the last byte of the value.
    span_end: usize,
    /// Where to read on.
    resume: usize,
}

/// How far a value can reach.
struct Extent {
    /// Without blanks at its end.
    length: usize,
    /// The semicolon after it, if there is one.
    semicolon: Option<usize>,
}

/// Looks for the semicolon that ends a value: the first without a backslash before it, even within quotes.
fn extent(input: Input<'_>) -> Extent {
    let mut at = 0;
    let semicolon = loop {
        match memchr2(b';', b'\\', &input[at.min(input.len())..]) {
            None => break None,
            Some(ahead) if input[at + ahead] == b';' => break Some(at + ahead),
            Some(ahead) => at += ahead + 2,
        }
    };
    let whole = &input[..semicolon.unwrap_or(input.len())];
    let trimmed = whole.trim_ascii_end();
    let backslashes = trimmed.iter().rev().take_while(|&&byte| byte == b'\\').count();
    let ends_in_escaped_blank = trimmed.len() < whole.len() && backslashes % 2 == 1;
    Extent { length: trimmed.len() + usize::from(ends_in_escaped_blank), semicolon }
}

/// Whether a value is negated before its quote, and where that quote stands.
fn opening(raw: &[u8]) -> (bool, Option<usize>) {
    let unsigned = raw.strip_prefix(b"!").map_or(raw, trim_start);
    let open = unsigned.starts_with(b"\"").then_some(raw.len() - unsigned.len());
    (open.is_some() && raw[0] == b'!', open)
}

/// The quotes without a backslash before them, from an offset on.
struct Quotes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Iterator for Quotes<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            let found = self.at + memchr2(b'"', b'\\', self.bytes.get(self.at..)?)?;
            if self.bytes[found] == b'"' {
                self.at = found + 1;
                return Some(found);
            }
            self.at = found + 2;
        }
    }
}

/// Whether a quote inside of a value closes it, and another option with a value in quotes follows: what happens
/// where a semicolon is missing. In a regular expression the closing quote follows the closing slash and its flags.
fn swallows(raw: &[u8], inside: usize, quote: usize) -> bool {
    let value = &raw[inside..quote];
    if value.first() == Some(&b'/') {
        let flags = value.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let slash = value.len() - flags;
        if slash < 2 || value[slash - 1] != b'/' {
            return false;
        }
    }
    let (after, name) = name(trim_start(&raw[quote + 1..]));
    name.first().is_some_and(u8::is_ascii_alphabetic) && begins_quoted_value(after)
}

/// Where a value without quotes ends if it swallowed an option whose own value is in quotes, or if it is a number
/// and swallowed any option.
fn swallowed_by_bare(raw: &[u8]) -> Option<usize> {
    let digits = raw.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 0 && raw.get(digits).copied().is_some_and(is_blank) {
        let (after, name) = name(trim_start(&raw[digits..]));
        if name.first().is_some_and(u8::is_ascii_alphabetic) && trim_start(after).starts_with(b":") {
            return Some(digits);
        }
    }
    memchr(b'"', raw)?;
    let is_swallowed = |colon: usize| {
        let before = raw[..colon].trim_ascii_end();
        let name = before.iter().rev().take_while(|&&byte| is_name(byte)).count();
        let value = before[..before.len() - name].trim_ascii_end();
        let is_apart = value.len() + name < before.len();
        (name > 0 && is_apart && !value.is_empty() && begins_quoted_value(&raw[colon..]))
            .then_some(value.len())
    };
    memchr::memchr_iter(b':', raw).find_map(is_swallowed)
}

/// Whether a colon and a quote stand here, perhaps with an exclamation mark between them.
fn begins_quoted_value(input: &[u8]) -> bool {
    let Some(value) = trim_start(input).strip_prefix(b":") else { return false };
    opening(trim_start(value)).1.is_some()
}

/// Where a value ends that runs into the parenthesis at the end of the rule.
fn before_parenthesis(raw: &[u8]) -> Option<usize> {
    raw.strip_suffix(b")").map(|value| value.trim_ascii_end().len())
}

fn ends_with_colon(input: &[u8]) -> bool {
    let input = input.trim_ascii_end();
    input.strip_suffix(b"!").unwrap_or(input).trim_ascii_end().ends_with(b":")
}

fn name(input: Input<'_>) -> (Input<'_>, Input<'_>) {
    take_while::<_, _, Fault<'_>>(is_name).parse(input).unwrap_or((input, &[]))
}

fn trim_start(input: Input<'_>) -> Input<'_> {
    input.trim_ascii_start()
}

/// The input after the next semicolon that no backslash precedes.
fn after_semicolon(input: Input<'_>) -> Input<'_> {
    extent(input).semicolon.map_or(&input[input.len()..], |semicolon| &input[semicolon + 1..])
}
