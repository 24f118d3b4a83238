//! What the parsers pass on: the rest of a rule, and a fault at a place in it.

use std::borrow::Cow;
use std::ops::Range;

use nom::IResult;
use nom::error::{ErrorKind, ParseError};

use crate::diagnostic::Diagnostic;
use crate::text::{Span, Text};

/// The rest of a rule: always a suffix of its text.
pub(super) type Input<'a> = &'a [u8];

/// What a parser gives.
pub(super) type Step<'a, T> = IResult<Input<'a>, T, Fault<'a>>;

/// A mistake in the text, and where.
#[derive(Debug)]
pub(super) struct Fault<'a> {
    /// The rest of the rule from the mistake on.
    at: Input<'a>,
    /// How many bytes of it are at fault.
    length: usize,
    code: &'static str,
    message: Cow<'static, str>,
    help: Cow<'static, str>,
}

impl<'a> Fault<'a> {
    pub(super) fn new(
        at: Input<'a>,
        length: usize,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { at, length, code, message: message.into(), help: help.into() }
    }

    pub(super) fn diagnostic(self, text: &Text) -> Diagnostic {
        let at = Place(text).offset(self.at);
        let found = Diagnostic::error(self.code, text.span_of(at..at + self.length), self.message);
        found.with_help(self.help)
    }
}

impl<'a> ParseError<Input<'a>> for Fault<'a> {
    fn from_error_kind(at: Input<'a>, _: ErrorKind) -> Self {
        Self::new(at, at.len().min(1), "syntax", "this cannot stand here", "see the rule format")
    }

    fn append(_: Input<'a>, _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// The fault in a nom error. The parsers here work on whole rules, so that none can ask for more.
pub(super) fn fault(error: nom::Err<Fault<'_>>) -> Option<Fault<'_>> {
    match error {
        nom::Err::Error(fault) | nom::Err::Failure(fault) => Some(fault),
        nom::Err::Incomplete(_) => None,
    }
}

/// Tells where suffixes of a rule's text stand.
#[derive(Clone, Copy)]
pub(super) struct Place<'t>(pub(super) &'t Text);

impl Place<'_> {
    pub(super) fn offset(self, rest: Input<'_>) -> usize {
        self.0.len() - rest.len()
    }

    fn range(self, from: Input<'_>, to: Input<'_>) -> Range<usize> {
        self.offset(from)..self.offset(to)
    }

    pub(super) fn span(self, from: Input<'_>, to: Input<'_>) -> Span {
        self.0.span_of(self.range(from, to))
    }

    pub(super) fn text(self, from: Input<'_>, to: Input<'_>) -> Text {
        self.0.slice(self.range(from, to))
    }
}

/// Blanks between words.
pub(super) fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// What keywords, variables and hooks are written with.
pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// Bytes of the text for a message, cut to a readable length.
pub(super) fn quoted(bytes: &[u8]) -> String {
    const LONGEST: usize = 40;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * LONGEST)]);
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < bytes.len() && text.chars().count() > LONGEST {
        short.push('…');
    }
    format!("`{short}`")
}
