//! Two rules with one number: only one of them can count.

use super::Lint;
use crate::diagnostic::Diagnostic;
use crate::text::{Source, Span};
use std::collections::HashMap;

pub(super) const LINT: Lint = Lint {
    name: "duplicate-sid",
    doc: "Two rules have the same gid and sid: the higher revision counts, or else the first.",
    check: None,
};

/// What tells rules apart.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SignatureKey {
    /// Generator.
    pub gid: u32,
    /// Signature.
    pub sid: u32,
}

/// Where the numbers of rules were given first.
#[derive(Debug, Default)]
pub struct Duplicates {
    first: HashMap<SignatureKey, First>,
}

#[derive(Debug)]
struct First {
    /// Which of the sources.
    source: usize,
    span: Span,
    /// For sources other than its own, `name:line`.
    place: String,
}

impl Duplicates {
    /// Takes note of a rule in the `index`-th source, whose number stands at `span`; a diagnostic when another has the
    /// number already.
    pub fn note(
        &mut self,
        key: SignatureKey,
        index: usize,
        source: &Source,
        span: Span,
    ) -> Option<Diagnostic> {
        let Some(first) = self.first.get(&key) else {
            let place = format!("{}:{}", source.name(), source.location(span.start).line);
            self.first.insert(key, First { source: index, span, place });
            return None;
        };
        let SignatureKey { gid, sid } = key;
        let number = if gid == 1 { format!("sid {sid}") } else { format!("sid {sid} of gid {gid}") };
        let message = format!(
            "{number} stands twice, first in {}; the higher revision, or else the first, counts",
            first.place
        );
        let found =
            Diagnostic::warning(LINT.name, span, message).with_help("give one of the two another `sid`");
        Some(if first.source == index { found.with_label(first.span, "the first") } else { found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_points_at_the_first() {
        let source = Source::new("a.rules", "first\nsecond\n").unwrap();
        let other = Source::new("b.rules", "third\n").unwrap();
        let mut duplicates = Duplicates::default();
        let key = SignatureKey { gid: 1, sid: 7 };
        assert_eq!(duplicates.note(key, 0, &source, Span::new(0, 5)), None);
        assert_eq!(duplicates.note(SignatureKey { gid: 2, sid: 7 }, 0, &source, Span::new(0, 5)), None);
        let found = duplicates.note(key, 0, &source, Span::new(6, 12)).unwrap();
        assert_eq!(found.labels[0].span, Span::new(0, 5));
        let found = duplicates.note(key, 1, &other, Span::new(0, 5)).unwrap();
        assert!(found.labels.is_empty(), "the first stands in another file");
        assert!(found.message.contains("a.rules:1"), "{}", found.message);
    }
}
