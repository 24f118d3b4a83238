//! From the bytes of a rule file to trees: `action protocol source port -> destination port (options)`.
//!
//! Never stops at a fault: what is wrong within a rule is said, each mistake at its place, and the next rule is read.
//! Knows the shape of rules alone; what keywords mean is settled later.

mod group;
mod header;
mod input;
mod options;
#[cfg(test)]
mod tests;

use crate::ast::Rule;
use crate::diagnostic::Diagnostic;
use crate::text::{Source, Span, Text};

pub use group::group;

/// The most mistakes told of one rule.
pub const MAX_DIAGNOSTICS_PER_RULE: usize = 32;

/// What a rule file holds.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The rules that are well formed, in the order of the file.
    pub rules: Vec<Rule>,
    /// The rules that are not.
    pub refused: Vec<Refused>,
    /// What is wrong with those, and what is odd about others, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// A rule that is not well formed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refused {
    /// Where it stands.
    pub span: Span,
    /// Its signature id, if that could be read.
    pub sid: Option<u32>,
}

/// Reads a rule file.
pub fn parse(source: &Source) -> Parsed {
    let mut parsed = Parsed::default();
    for text in source.rules() {
        let before = parsed.diagnostics.len();
        let read = rule(&text, &mut parsed.diagnostics);
        let refused = parsed.diagnostics[before..].iter().any(|found| found.severity.refuses());
        match read.tree {
            Some(tree) if !refused => parsed.rules.push(tree),
            _ => parsed.refused.push(Refused { span: text.span(), sid: read.sid }),
        }
    }
    parsed
}

struct Read {
    tree: Option<Rule>,
    sid: Option<u32>,
}

fn rule(text: &Text, found: &mut Vec<Diagnostic>) -> Read {
    let bytes = text.as_bytes();
    let (rest, head) = header::header(text, bytes, found);
    let rest = rest.trim_ascii_start();
    let Some(open) = options_start(text, rest, head.is_some(), found) else {
        return Read { tree: None, sid: None };
    };
    let options = options::options(text, &bytes[open + 1..], found);
    let sid = options.iter().find(|option| option.name.eq_ignore_ascii_case("sid"));
    let sid = sid.and_then(|option| std::str::from_utf8(option.value.as_ref()?.text()).ok()?.parse().ok());
    let tree = head.map(|(action, header)| Rule { action, header, options, text: text.clone() });
    Read { tree, sid }
}

/// The offset of the parenthesis that opens the options; after a faulty header, of the next one.
fn options_start(text: &Text, rest: &[u8], is_sound: bool, found: &mut Vec<Diagnostic>) -> Option<usize> {
    let at = text.len() - rest.len();
    if rest.first() == Some(&b'(') {
        return Some(at);
    }
    let next = memchr::memchr(b'(', rest).map(|ahead| at + ahead);
    if is_sound {
        let length = next.map_or(rest.len(), |next| next - at);
        let span = text.span_of(at..at + length);
        let error = if rest.is_empty() {
            Diagnostic::error("missing-options", span, "the rule has no options")
                .with_help("add `(msg:\"…\"; sid:…;)`")
        } else {
            Diagnostic::error("missing-options", span, "the options do not begin here")
                .with_help("after the destination port stands `(`; put several ports into `[…]`")
        };
        found.push(error);
    }
    next
}
