//! Regular expressions that can take exponential time: a repetition of what is itself repeated, where one text can be
//! split between the two in many ways, as in `(a+)+` or `(\w|\d)*`.
//!
//! Reads as much of the syntax of PCRE as that takes. What it does not understand it takes for something harmless.

use super::{Lint, Subject};
use crate::diagnostic::Diagnostic;

pub(super) const LINT: Lint = Lint {
    name: "pcre-backtracking",
    doc: "A repetition within a repetition can match one text in many ways: traffic made for it costs the expression \
          exponential time, until the match limit ends it.",
    check: Some(check),
};

fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for option in subject.rule.options.iter().filter(|option| option.name.eq_ignore_ascii_case("pcre")) {
        let Some(value) = &option.value else { continue };
        let text = value.text();
        let Some((expression, flags)) = split(text) else { continue };
        let Some(at) = explosive(expression, flags.contains(&b'i')) else { continue };
        let span = text.span_of(at + 1..expression.len() + 1);
        found.push(
            Diagnostic::warning(
                LINT.name,
                span,
                "this repeats what is itself repeated, over the same characters",
            )
            .with_help(
                "make the inner repetition possessive (`++`), or end it with a character it cannot match",
            ),
        );
    }
}

/// An expression between its slashes, and the flags after them.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = text.strip_prefix(b"/")?;
    let end = memchr::memrchr(b'/', inside)?;
    Some((&inside[..end], &inside[end + 1..]))
}

/// Where the first repetition begins that can be split in many ways.
fn explosive(expression: &[u8], fold_case: bool) -> Option<usize> {
    let mut reader = Reader { bytes: expression, at: 0, depth: 0, fold_case, found: None };
    reader.alternatives();
    reader.found
}

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Bytes([u64; 4]);

impl Bytes {
    const ALL: Self = Self([u64::MAX; 4]);

    fn of(member: impl Fn(u8) -> bool) -> Self {
        let mut set = Self::default();
        (0..=u8::MAX).filter(|&byte| member(byte)).for_each(|byte| set.add(byte));
        set
    }

    fn add(&mut self, byte: u8) {
        self.0[usize::from(byte / 64)] |= 1 << (byte % 64);
    }

    fn contains(self, byte: u8) -> bool {
        self.0[usize::from(byte / 64)] >> (byte % 64) & 1 != 0
    }

    fn without(self) -> Self {
        Self(self.0.map(|word| !word))
    }

    fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    fn meets(self, other: Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    fn folded(self) -> Self {
        Self::of(|byte| self.contains(byte.to_ascii_lowercase()) || self.contains(byte.to_ascii_uppercase()))
    }
}

/// One part of an expression: what it can match, and how often.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Every byte that it can match.
    bytes: Bytes,
    /// It can match nothing.
    optional: bool,
    /// It matches any number of times, and gives back what it took.
    repeated: bool,
    /// It is one byte, or such repeated: no group.
    single: bool,
}

/// The most nested groups that are looked into.
const MAX_DEPTH: usize = 64;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    fold_case: bool,
    found: Option<usize>,
}

/// How a part is repeated.
struct Quantifier {
    optional: bool,
    unbounded: bool,
    possessive: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Sequences separated by `|`, to the end or a closing parenthesis.
    fn alternatives(&mut self) -> Vec<Vec<Part>> {
        let mut alternatives = vec![Vec::new()];
        while let Some(byte) = self.peek() {
            match byte {
                b')' => break,
                b'|' => {
                    self.at += 1;
                    alternatives.push(Vec::new());
                }
                _ => {
                    let part = self.part();
                    if let (Some(part), Some(last)) = (part, alternatives.last_mut()) {
                        last.push(part);
                    }
                }
            }
        }
        alternatives
    }

    /// One atom with its quantifier; nothing for an assertion.
    fn part(&mut self) -> Option<Part> {
        let start = self.at;
        let byte = self.next()?;
        if byte == b'(' {
            return self.group(start);
        }
        let bytes = match byte {
            b'^' | b'$' => return None,
            b'.' => Bytes::of(|byte| byte != b'\n'),
            b'[' => self.class(),
            b'\\' => self.escape()?,
            _ => Bytes::of(|known| known == byte),
        };
        let bytes = if self.fold_case { bytes.folded() } else { bytes };
        let quantifier = self.quantifier();
        Some(Part {
            bytes,
            optional: quantifier.optional,
            repeated: quantifier.unbounded && !quantifier.possessive,
            single: true,
        })
    }

    fn group(&mut self, start: usize) -> Option<Part> {
        let (assertion, atomic) = self.group_kind();
        if self.depth == MAX_DEPTH {
            self.at = self.bytes.len();
            return None;
        }
        self.depth += 1;
        let alternatives = self.alternatives();
        self.depth -= 1;
        self.skip(b')');
        let quantifier = self.quantifier();
        if assertion {
            return None;
        }
        let gives_back = quantifier.unbounded && !quantifier.possessive;
        if gives_back && !atomic && is_ambiguous(&alternatives) && self.found.is_none() {
            self.found = Some(start);
        }
        let parts = || alternatives.iter().flatten();
        let nothing = alternatives.iter().any(|sequence| sequence.iter().all(|part| part.optional));
        Some(Part {
            bytes: parts().fold(Bytes::default(), |all, part| all.or(part.bytes)),
            optional: quantifier.optional || nothing,
            repeated: !atomic && (gives_back || matches!(&alternatives[..], [one] if only_repeats(one))),
            single: false,
        })
    }

    /// Reads what follows the parenthesis: whether the group is an assertion, and whether it gives nothing back.
    fn group_kind(&mut self) -> (bool, bool) {
        if !self.skip(b'?') {
            return (false, false);
        }
        match self.next() {
            Some(b'=' | b'!' | b'#') => (true, false),
            Some(b'>') => (false, true),
            Some(b'<') if matches!(self.peek(), Some(b'=' | b'!')) => {
                self.at += 1;
                (true, false)
            }
            Some(b':') => (false, false),
            _ => {
                // A name or flags: to the end of the one or the other.
                while self.peek().is_some_and(|byte| !b">:)'".contains(&byte)) {
                    self.at += 1;
                }
                if self.peek() != Some(b')') {
                    self.at += 1;
                }
                (false, false)
            }
        }
    }

    fn quantifier(&mut self) -> Quantifier {
        let (least, unbounded) = match self.peek() {
            Some(b'*') => (0, true),
            Some(b'+') => (1, true),
            Some(b'?') => (0, false),
            Some(b'{') => match self.braces() {
                Some((least, unbounded, len)) => {
                    self.at += len - 1;
                    (least, unbounded)
                }
                None => return Quantifier { optional: false, unbounded: false, possessive: false },
            },
            _ => return Quantifier { optional: false, unbounded: false, possessive: false },
        };
        self.at += 1;
        let possessive = self.skip(b'+');
        self.skip(b'?');
        Quantifier { optional: least == 0, unbounded, possessive }
    }

    /// `{2,}` and the like: the least number, whether there is no greatest, and the length of it all.
    fn braces(&self) -> Option<(u32, bool, usize)> {
        let rest = &self.bytes[self.at + 1..];
        let end = memchr::memchr(b'}', rest)?;
        let text = std::str::from_utf8(&rest[..end]).ok()?;
        let (least, most) = text.split_once(',').unwrap_or((text, text));
        let least = if least.is_empty() { 0 } else { least.parse().ok()? };
        if !most.is_empty() && most.parse::<u32>().is_err() {
            return None;
        }
        Some((least, most.is_empty(), end + 2))
    }

    /// What stands after a backslash; nothing for an assertion such as `\b`.
    fn escape(&mut self) -> Option<Bytes> {
        let byte = self.next()?;
        Some(match byte {
            b'b' | b'B' | b'A' | b'z' | b'Z' | b'G' | b'Q' | b'E' | b'K' => return None,
            b'1'..=b'9' | b'p' | b'P' | b'X' | b'R' => Bytes::ALL,
            b'x' => self.hex(),
            _ => shorthand(byte),
        })
    }

    fn hex(&mut self) -> Bytes {
        let digits = self.bytes[self.at..].iter().take(2).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let text = std::str::from_utf8(&self.bytes[self.at..self.at + digits]).unwrap_or_default();
        self.at += digits;
        let value = u8::from_str_radix(text, 16).unwrap_or(0);
        Bytes::of(|byte| byte == value)
    }

    /// A class in brackets, after the opening one.
    fn class(&mut self) -> Bytes {
        let negated = self.skip(b'^');
        let mut set = Bytes::default();
        let mut first = true;
        let mut low: Option<u8> = None;
        while let Some(byte) = self.next() {
            if byte == b']' && !first {
                break;
            }
            first = false;
            let one = match byte {
                b'\\' => self.escape().unwrap_or_default(),
                b'[' if self.peek() == Some(b':') => self.posix(),
                b'-' if low.is_some() && self.peek().is_some_and(|next| next != b']') => {
                    let from = low.take().unwrap_or(0);
                    let to = match self.next() {
                        Some(b'\\') => highest(self.escape().unwrap_or_default()),
                        next => next.unwrap_or(0),
                    };
                    set = set.or(Bytes::of(|byte| (from..=to).contains(&byte)));
                    continue;
                }
                _ => Bytes::of(|known| known == byte),
            };
            low = Some(highest(one));
            set = set.or(one);
        }
        if negated { set.without() } else { set }
    }

    /// `[:alpha:]` and the like, taken for all letters and digits and so for more than some are.
    fn posix(&mut self) -> Bytes {
        while let Some(byte) = self.next() {
            if byte == b']' {
                break;
            }
        }
        Bytes::of(|byte| byte.is_ascii_alphanumeric())
    }
}

fn highest(bytes: Bytes) -> u8 {
    (0..=u8::MAX).rev().find(|&byte| bytes.contains(byte)).unwrap_or(0)
}

fn shorthand(letter: u8) -> Bytes {
    match letter {
        b'd' => Bytes::of(|byte| byte.is_ascii_digit()),
        b'D' => Bytes::of(|byte| !byte.is_ascii_digit()),
        b'w' => Bytes::of(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        b'W' => Bytes::of(|byte| !byte.is_ascii_alphanumeric() && byte != b'_'),
        b's' | b'h' | b'v' => Bytes::of(|byte| byte.is_ascii_whitespace() || byte == 0x0b),
        b'S' | b'H' | b'V' => Bytes::of(|byte| !byte.is_ascii_whitespace() && byte != 0x0b),
        b'n' => Bytes::of(|byte| byte == b'\n'),
        b'r' => Bytes::of(|byte| byte == b'\r'),
        b't' => Bytes::of(|byte| byte == b'\t'),
        _ => Bytes::of(|byte| byte == letter),
    }
}

/// Whether a sequence is nothing but repetitions.
fn only_repeats(sequence: &[Part]) -> bool {
    sequence.iter().any(|part| part.repeated) && sequence.iter().all(|part| part.repeated || part.optional)
}

/// Whether a group, repeated, can match one text in many ways.
fn is_ambiguous(alternatives: &[Vec<Part>]) -> bool {
    alternatives.iter().any(|sequence| splits(sequence)) || overlaps(alternatives)
}

/// Whether a part is repeated over bytes that everything else of the sequence takes too: then the end of one round
/// and the start of the next are indistinguishable.
fn splits(sequence: &[Part]) -> bool {
    sequence.iter().enumerate().any(|(at, inner)| {
        let others = || sequence.iter().enumerate().filter(|&(other, _)| other != at).map(|(_, part)| part);
        inner.repeated && others().all(|part| part.optional || part.bytes.meets(inner.bytes))
    })
}

/// Whether two alternatives of one byte each can take the same.
fn overlaps(alternatives: &[Vec<Part>]) -> bool {
    let single = |sequence: &[Part]| match sequence {
        [one] if one.single && !one.optional => Some(one.bytes),
        _ => None,
    };
    let mut taken = Bytes::default();
    alternatives.iter().filter_map(|sequence| single(sequence)).any(|bytes| {
        let meets = bytes.meets(taken);
        taken = taken.or(bytes);
        meets
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_of_repetitions_explode() {
        for expression in [
            "(a+)+",
            "x(?:a*)*y",
            r"(\w+\s?)+$",
            "([a-z]+)*=",
            r"(\d|\w)+x",
            "(a|a)*b",
            "((a*)c?)+",
            "(.+,)+",
            r"(?:[^;]{2,})+",
            "(?i:A+a?)+",
        ] {
            assert!(explosive(expression.as_bytes(), true).is_some(), "{expression}");
        }
    }

    #[test]
    fn what_tells_its_rounds_apart_does_not() {
        for expression in [
            "a+b+",
            "(ab+)+",
            r"(\w+\.)+com",
            r"(?:[^\r\n]+\r\n)+",
            "(?:a++)+",
            "(?>a+)+",
            "(a+){2,5}",
            "(a|b)*",
            r"[(a+)+]",
            r"\(a+\)+",
            "(?:%[0-9a-f]{2})+",
            "((;|%3b)|(a|%61))+",
            r"(\d{1,3}\.){3}\d+",
            "(",
            "[",
            "(?",
            "a{",
            "\\",
        ] {
            assert_eq!(explosive(expression.as_bytes(), false), None, "{expression}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert_eq!(explosive("(".repeat(100_000).as_bytes(), false), None);
    }

    #[test]
    fn the_repetition_is_pointed_at() {
        assert_eq!(explosive(b"ab(?:c|(d+)+)", false), Some(7));
        assert_eq!(split(b"/a/b/i"), Some((&b"a/b"[..], &b"i"[..])));
    }
}
