//! Expressions made ready for PCRE2, and the memory that matching needs.

use super::expression::{Expression, Scope};
use crate::diagnostic::Diagnostic;
use crate::text::Text;
use pcre2::bytes::{CaptureLocations, Regex, RegexBuilder};
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

/// Bounds on the work of one call, as in Suricata's default configuration (`pcre.match-limit`,
/// `pcre.match-limit-recursion`).
const LIMITS: &str = "(*LIMIT_MATCH=3500)(*LIMIT_DEPTH=1500)";

/// The most stack a compiled expression may use.
const MAX_STACK: usize = 512 << 10;

/// An expression. It is checked when the rule is read, and made into machine code when it is first needed: few of a
/// rule set's expressions ever are, and machine code takes ten times as long to make.
#[derive(Debug)]
pub(crate) struct Pattern {
    source: String,
    flags: Flags,
    groups: usize,
    ready: OnceLock<Option<Regex>>,
}

#[derive(Clone, Copy, Debug)]
struct Flags {
    caseless: bool,
    multi_line: bool,
    dot_all: bool,
    extended: bool,
}

/// A named group: its number, and what its name says its capture is for.
type NamedGroup = (usize, Scope, String);

/// How a search ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Search {
    Found {
        start: usize,
        end: usize,
    },
    Missing,
    /// It took more work than is allowed.
    Limited,
}

impl Pattern {
    /// The expression, and its groups named for flow or packet: `(?P<flow_name>…)`.
    pub(super) fn new(expression: &Expression) -> Result<(Self, Vec<NamedGroup>), Diagnostic> {
        let flags = Flags {
            caseless: expression.caseless,
            multi_line: expression.multi_line,
            dot_all: expression.dot_all,
            extended: expression.extended,
        };
        let (prefix, body, suffix) = parts(expression);
        let source = format!("{prefix}{body}{suffix}");
        let regex = flags.builder().build(&source).map_err(|fault| {
            let at = fault.offset().map_or(0, |offset| offset.saturating_sub(prefix.len()));
            let at = at.min(expression.text.len().saturating_sub(1));
            let span = expression.text.span_of(at..at + 1);
            Diagnostic::error("bad-pcre", span, reason(&fault.to_string()))
                .with_help("PCRE2 does not understand the expression here")
        })?;
        let named = regex.capture_names().iter().enumerate().filter_map(|(group, name)| {
            let (scope, name) = Scope::split(name.as_deref()?, '_')?;
            Some((group, scope, name.to_owned()))
        });
        let named = named.collect();
        let pattern = Self { groups: regex.captures_len(), source, flags, ready: OnceLock::new() };
        Ok((pattern, named))
    }

    /// An expression without slashes and flags.
    pub(crate) fn bare(text: &Text) -> Result<Self, Diagnostic> {
        Self::new(&Expression::bare(text.clone())).map(|(pattern, _)| pattern)
    }

    /// How many groups there are; the whole match is one.
    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    /// Looks for the first match that begins at `from` or later.
    pub(crate) fn search(&self, subject: &[u8], from: usize, memory: &mut MatchMemory) -> Search {
        let build = || self.flags.builder().jit_if_available(true).build(&self.source).ok();
        let Some(regex) = self.ready.get_or_init(build) else { return Search::Limited };
        match regex.captures_read_at(memory.locations(self.groups, regex), subject, from) {
            Ok(Some(found)) => Search::Found { start: found.start(), end: found.end() },
            Ok(None) => Search::Missing,
            Err(_) => Search::Limited,
        }
    }

    /// Where a group stood in the last match found with this memory, if it took part.
    pub(crate) fn group(&self, group: usize, memory: &MatchMemory) -> Option<Range<usize>> {
        let (start, end) = memory.by_groups.get(self.groups)?.as_ref()?.get(group)?;
        Some(start..end)
    }
}

impl Flags {
    fn builder(self) -> RegexBuilder {
        let mut builder = RegexBuilder::new();
        builder
            .caseless(self.caseless)
            .multi_line(self.multi_line)
            .dotall(self.dot_all)
            .extended(self.extended)
            .max_jit_stack_size(Some(MAX_STACK));
        builder
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.source.trim_start_matches(LIMITS))
    }
}

/// What PCRE2 says, without what the diagnostic says anyway.
fn reason(message: &str) -> String {
    message.rsplit_once(": ").map_or(message, |(_, reason)| reason).to_owned()
}

/// The expression with what stands before and after it. Flags that the library has no switch for are written into it.
fn parts(expression: &Expression) -> (String, String, &'static str) {
    let mut prefix = LIMITS.to_owned();
    if expression.ungreedy {
        prefix.push_str("(?U)");
    }
    let mut suffix = "";
    if expression.anchored {
        prefix.push_str("\\G(?:");
        // A comment at the end of an extended expression ends with its line.
        suffix = if expression.extended { "\n)" } else { ")" };
    }
    let mut body = printable(&expression.text);
    if expression.dollar_end_only && !expression.multi_line {
        body = end_only(&body);
    }
    (prefix, body, suffix)
}

/// The expression as a string; where it is not UTF-8, bytes beyond ASCII are escaped.
fn printable(text: &[u8]) -> String {
    let escaped = |byte: &u8| match byte {
        0x80.. => format!("\\x{byte:02x}"),
        _ => char::from(*byte).to_string(),
    };
    std::str::from_utf8(text).map_or_else(|_| text.iter().map(escaped).collect(), str::to_owned)
}

/// With `\z` for `$`, outside of classes and escapes.
fn end_only(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut class = false;
    let mut characters = expression.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                out.push(character);
                out.extend(characters.next());
                continue;
            }
            '[' => class = true,
            ']' => class = false,
            '$' if !class => {
                out.push_str("\\z");
                continue;
            }
            _ => {}
        }
        out.push(character);
    }
    out
}

/// Memory in which PCRE2 notes what it found: one worker's, for all expressions, by their number of groups.
#[derive(Debug, Default)]
pub struct MatchMemory {
    by_groups: Vec<Option<CaptureLocations>>,
}

impl MatchMemory {
    fn locations(&mut self, groups: usize, regex: &Regex) -> &mut CaptureLocations {
        if self.by_groups.len() <= groups {
            self.by_groups.resize_with(groups + 1, || None);
        }
        self.by_groups[groups].get_or_insert_with(|| regex.capture_locations())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewrites_dollar_where_it_is_an_anchor() {
        assert_eq!(end_only(r"a$|[$]\$$"), r"a\z|[$]\$\z");
    }

    #[test]
    fn keeps_bytes_that_are_no_text() {
        assert_eq!(printable(b"a\xffb"), r"a\xffb");
        assert_eq!(printable("aé".as_bytes()), "aé");
    }
}
