//! Lints: what is suspicious about a rule that loads.
//!
//! A lint is a row with its name, its doc and its check, which looks at what the rule says (its tree) and at what it
//! means (its signature). Lints only warn; what makes no sense at all is refused by the compiler.

mod backtracking;
mod contradiction;
mod deprecated;
mod duplicate;
mod fast_pattern;
mod flow;
mod length;
mod packet;
mod swallowed;

pub use duplicate::{Duplicates, SignatureKey};

use crate::ast;
use crate::content::Content;
use crate::diagnostic::Diagnostic;
use crate::signature::Signature;
use crate::text::Span;
use crate::vocabulary::Vocabulary;

/// One lint.
#[derive(Clone, Copy, Debug)]
pub struct Lint {
    /// The code of its diagnostics.
    pub name: &'static str,
    /// What it warns of, for the user: one or two sentences.
    pub doc: &'static str,
    /// Looks at one rule; nothing for lints that look at several.
    pub check: Option<fn(&Subject<'_>, &mut Vec<Diagnostic>)>,
}

/// Every lint, in the order in which they are told.
pub static LINTS: &[Lint] = &[
    swallowed::LINT,
    duplicate::LINT,
    fast_pattern::LINT,
    backtracking::LINT,
    deprecated::LINT,
    length::LINT,
    contradiction::LINT,
    packet::LINT,
    flow::LINT,
];

/// A rule that loads, in both its forms.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What it says.
    pub rule: &'a ast::Rule,
    /// What it means.
    pub signature: &'a Signature,
    /// The words it is written in.
    pub vocabulary: &'a Vocabulary,
}

/// Everything suspicious about a rule by itself.
pub fn lint(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for check in LINTS.iter().filter_map(|lint| lint.check) {
        check(subject, &mut found);
    }
    found
}

impl Subject<'_> {
    /// Where a content stands.
    fn content_span(&self, content: &Content) -> Span {
        let said = |option: &&ast::OptionNode| {
            option.value.as_ref().is_some_and(|value| {
                value.is_negated() == content.negated
                    && value.content().is_ok_and(|pattern| pattern == content.pattern)
            })
        };
        let named = self.rule.options.iter().filter(|option| option.name.eq_ignore_ascii_case("content"));
        named
            .clone()
            .find(said)
            .or_else(|| named.clone().next())
            .map_or(self.head_span(), |option| option.span)
    }

    /// The place of a rule as a whole: its header's first word, since all of it would be too long to mark.
    fn head_span(&self) -> Span {
        self.rule.header.protocol.span()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::classification::Classes;
    use crate::compile::{Context, compile};
    use crate::header::variable::{Resolver, Variables};
    use crate::names::Names;
    use crate::text::Source;

    /// The lints of a rule, each with what it marks.
    pub(crate) fn found(rule: &str) -> Vec<(&'static str, String)> {
        let source = Source::new("lint", rule).unwrap();
        let parsed = crate::parse::parse(&source);
        assert!(parsed.diagnostics.is_empty(), "{rule}: {:?}", parsed.diagnostics);
        let vocabulary = Vocabulary::new(&[]);
        let (names, variables, classes) = (Names::default(), Variables::default(), Classes::default());
        let context = Context { vocabulary: &vocabulary, classes: &classes, names: &names };
        let (signature, _) = compile(&parsed.rules[0], &context, &mut Resolver::new(&variables)).unwrap();
        let subject = Subject { rule: &parsed.rules[0], signature: &signature, vocabulary: &vocabulary };
        let marked = |span: Span| rule[span.start as usize..span.end as usize].to_owned();
        lint(&subject).into_iter().map(|found| (found.code, marked(found.span))).collect()
    }

    /// The lints of a TCP rule with these options.
    pub(crate) fn found_in(options: &str) -> Vec<(&'static str, String)> {
        found(&format!("alert tcp any any -> any 80 ({options} sid:1;)"))
    }

    #[test]
    fn every_lint_has_a_doc_and_a_name_of_its_own() {
        let mut names = std::collections::HashSet::new();
        for lint in LINTS {
            assert!(lint.doc.ends_with('.') && names.insert(lint.name), "{}", lint.name);
        }
    }

    #[test]
    fn a_sound_rule_is_left_alone() {
        let sound =
            r#"msg:"a: b; c"; flow:established,to_server; content:"abc"; depth:9; content:"de"; within:5;"#;
        assert_eq!(found_in(&sound.replace("b; c", "b c")), []);
    }
}
