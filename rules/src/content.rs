//! Looking for bytes: what `content` and its modifiers mean (Suricata documentation: "Payload Keywords").

use crate::inspect::{Cursor, Outcome, Resume, Step};
use std::fmt;

/// A number in a rule: written out, or bound by `byte_extract` or `byte_math`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Number {
    /// As written.
    Literal(i64),
    /// The variable in that slot.
    Variable(usize),
}

impl Number {
    /// Its value at this point of an inspection; a variable beyond the positive range saturates.
    #[inline]
    pub fn value(self, cursor: &Cursor<'_>) -> i64 {
        match self {
            Self::Literal(value) => value,
            Self::Variable(slot) => i64::try_from(cursor.scratch.variables[slot]).unwrap_or(i64::MAX),
        }
    }

    /// The number, where it is written out.
    pub fn literal(self) -> Option<i64> {
        match self {
            Self::Literal(value) => Some(value),
            Self::Variable(_) => None,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(value) => write!(f, "{value}"),
            Self::Variable(slot) => write!(f, "variable {slot}"),
        }
    }
}

/// What `fast_pattern` asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum FastPatternChoice {
    /// Nothing: the compiler chooses.
    #[default]
    Automatic,
    /// This content.
    This,
    /// This content, which is then not looked for again.
    Only,
    /// A part of this content.
    Part {
        /// Where the part begins.
        offset: u16,
        /// How long it is.
        len: u16,
    },
}

/// A `content` with its modifiers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Content {
    /// The bytes to look for.
    pub pattern: Vec<u8>,
    /// Whether ASCII letters match in either case.
    pub nocase: bool,
    /// Whether the bytes must not be there.
    pub negated: bool,
    /// First byte of the buffer at which it may begin.
    pub offset: Option<Number>,
    /// Bytes from `offset` within which it must end.
    pub depth: Option<Number>,
    /// Bytes to skip after the step before.
    pub distance: Option<Number>,
    /// Bytes after the step before (and `distance`) within which it must end.
    pub within: Option<Number>,
    /// Whether it must begin the buffer.
    pub starts_with: bool,
    /// Whether it must end the buffer.
    pub ends_with: bool,
    /// Whether to choose it for the prefilter.
    pub fast_pattern: FastPatternChoice,
}

impl Content {
    /// Whether it is looked for relative to the step before.
    pub fn is_relative(&self) -> bool {
        self.distance.is_some() || self.within.is_some()
    }
}

/// A content made ready to be looked for.
#[derive(Debug)]
pub struct ContentStep {
    content: Content,
    search: Search,
}

/// A pattern, and the place of its rarest byte: that one is looked for, and the rest compared where it stands.
///
/// How long a pattern may be is bounded, so that a search costs at most as many comparisons for each byte looked
/// through.
#[derive(Debug)]
struct Search {
    /// In lower case, where case does not matter.
    pattern: Box<[u8]>,
    rare: usize,
    nocase: bool,
}

/// How common a byte is in traffic, coarsely; the rarer, the better to look for.
fn commonness(byte: u8) -> u8 {
    match byte {
        0 | 0xff | b' ' => 9,
        b'e' | b't' | b'a' | b'o' | b'n' | b'i' | b's' | b'r' => 8,
        b'a'..=b'z' => 6,
        b'0'..=b'9' | b'.' | b'-' | b'/' | b'=' | b'\r' | b'\n' => 5,
        b'A'..=b'Z' => 4,
        0x20..=0x7e => 3,
        _ => 2,
    }
}

impl Search {
    fn new(content: &Content) -> Self {
        let nocase = content.nocase && content.pattern.iter().any(u8::is_ascii_alphabetic);
        let pattern = if nocase { content.pattern.to_ascii_lowercase() } else { content.pattern.clone() };
        let rare = (0..pattern.len()).min_by_key(|&at| commonness(pattern[at])).unwrap_or(0);
        Self { pattern: pattern.into(), rare, nocase }
    }

    fn find(&self, haystack: &[u8]) -> Option<usize> {
        let last_start = haystack.len().checked_sub(self.pattern.len())?;
        let wanted = self.pattern[self.rare];
        let mut start = 0;
        while start <= last_start {
            let window = &haystack[start + self.rare..=last_start + self.rare];
            start += match self.nocase {
                true => memchr::memchr2(wanted, wanted.to_ascii_uppercase(), window)?,
                false => memchr::memchr(wanted, window)?,
            };
            if self.is_at(haystack, start) {
                return Some(start);
            }
            start += 1;
        }
        None
    }

    fn is_at(&self, haystack: &[u8], at: usize) -> bool {
        let Some(bytes) = haystack.get(at..at + self.pattern.len()) else { return false };
        if self.nocase { bytes.eq_ignore_ascii_case(&self.pattern) } else { *bytes == *self.pattern }
    }
}

impl ContentStep {
    /// Prepares a content; its pattern is not empty.
    pub fn new(content: Content) -> Self {
        let search = Search::new(&content);
        Self { content, search }
    }

    /// The part of the buffer in which the content must lie wholly: first byte, and the byte after the last.
    fn window(&self, cursor: &Cursor<'_>) -> Option<(usize, usize)> {
        let content = &self.content;
        let len = i64::try_from(cursor.bytes.len()).ok()?;
        let at = i64::try_from(cursor.at).ok()?;
        let offset = content.offset.map_or(0, |n| n.value(cursor));
        let (mut start, mut end) = (0, len);
        if content.starts_with {
            end = end.min(if cursor.stream_offset == 0 {
                i64::try_from(content.pattern.len()).ok()?
            } else {
                0
            });
        } else if content.is_relative() {
            let distance = content.distance.map_or(0, |n| n.value(cursor));
            start = at.saturating_add(distance).max(0);
            if let Some(within) = content.within {
                end = end.min(at.saturating_add(distance).saturating_add(within.value(cursor)));
            }
            if let Some(depth) = content.depth {
                end = end.min(at.saturating_add(offset).saturating_add(depth.value(cursor)));
            }
            start = start.max(offset);
        } else {
            // Offset and depth count from where the stream begins, of which this buffer may be a later part.
            let before = i64::try_from(cursor.stream_offset).unwrap_or(i64::MAX);
            start = offset.saturating_sub(before).max(start);
            if let Some(depth) = content.depth {
                end = end.min(offset.saturating_add(depth.value(cursor)).saturating_sub(before));
            }
        }
        if start > end { None } else { Some((usize::try_from(start).ok()?, usize::try_from(end).ok()?)) }
    }

    fn find(&self, cursor: &Cursor<'_>, resume: Option<Resume>) -> Option<usize> {
        let (mut start, end) = self.window(cursor)?;
        if let Some(Resume(from)) = resume {
            start = start.max(from);
        }
        let len = self.content.pattern.len();
        if start > end || end - start < len {
            return None;
        }
        if self.content.ends_with {
            if !cursor.ends {
                return None;
            }
            let at = cursor.bytes.len().checked_sub(len)?;
            return (start <= at && at + len <= end && self.search.is_at(cursor.bytes, at)).then_some(at);
        }
        if end - start == len {
            return self.search.is_at(cursor.bytes, start).then_some(start);
        }
        self.search.find(&cursor.bytes[start..end]).map(|found| start + found)
    }
}

impl Step for ContentStep {
    fn check(&self, cursor: &mut Cursor<'_>, resume: Option<Resume>) -> Outcome {
        match (self.find(cursor, resume), self.content.negated) {
            (Some(found), false) => {
                cursor.at = found + self.content.pattern.len();
                Outcome::HoldsHere(Resume(found + 1))
            }
            (None, true) => Outcome::Holds,
            (Some(_), true) | (None, false) if self.relative() => Outcome::Fails,
            (Some(_), true) | (None, false) => Outcome::FailsForGood,
        }
    }

    fn relative(&self) -> bool {
        self.content.is_relative()
    }

    fn repeats(&self) -> bool {
        !self.content.negated
    }

    fn content(&self) -> Option<&Content> {
        Some(&self.content)
    }

    fn explain(&self) -> String {
        let content = &self.content;
        let mut words = String::new();
        words.push_str(if content.negated { "does not find " } else { "finds " });
        words.push_str(&printable(&content.pattern));
        if content.nocase {
            words.push_str(" in either case");
        }
        for (what, value) in [
            ("from byte", content.offset),
            ("ending within", content.depth),
            ("after skipping", content.distance),
            ("ending within, from there,", content.within),
        ] {
            if let Some(value) = value {
                words.push_str(&format!(", {what} {value}"));
            }
        }
        for (set, what) in [(content.starts_with, ", at the start"), (content.ends_with, ", at the end")] {
            if set {
                words.push_str(what);
            }
        }
        words
    }
}

/// Bytes as a rule would write them.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    let mut hex = false;
    for &byte in bytes {
        let plain = matches!(byte, 0x20..=0x7e) && !b"\";:\\|".contains(&byte);
        if plain == hex {
            text.push('|');
            hex = !plain;
        } else if hex {
            text.push(' ');
        }
        if plain {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("{byte:02x}"));
        }
    }
    text.push_str(if hex { "|\"" } else { "\"" });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_bytes_as_rules_do() {
        assert_eq!(printable(b"abc"), "\"abc\"");
        assert_eq!(printable(b"\0\x01ab;"), "\"|00 01|ab|3b|\"");
        assert_eq!(printable(b""), "\"\"");
    }

    #[test]
    fn finds_in_either_case_what_is_there() {
        let find = |pattern: &[u8], haystack: &[u8]| {
            Search::new(&Content { pattern: pattern.to_vec(), nocase: true, ..Content::default() })
                .find(haystack)
        };
        assert_eq!(find(b"abc", b"xxAbCxx"), Some(2));
        assert_eq!(find(b"abc", b"xxAbxx"), None);
        assert_eq!(find(b"abc", b"ab"), None);
        assert_eq!(find(b"ab", b"aaaaab"), Some(4));
    }
}
