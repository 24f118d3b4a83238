//! Words of older rules that newer ones say better.

use super::{Lint, Subject};
use crate::diagnostic::Diagnostic;
use crate::vocabulary::Word;

pub(super) const LINT: Lint = Lint {
    name: "deprecated-keyword",
    doc: "A modifier after a content does what a sticky buffer before it says more clearly.",
    check: Some(check),
};

/// Older keywords that are no modifiers, with what to write instead.
const REPLACED: &[(&str, &str)] = &[
    ("uricontent", "`http.uri; content:…;`"),
    ("rawbytes", "nothing: contents look at the bytes as they are"),
];

fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for option in &subject.rule.options {
        let name = option.name.to_ascii_lowercase();
        let instead = match subject.vocabulary.word(&name) {
            Some(Word::Modifier(field)) => format!("`{}; content:…;`", field.name),
            _ => match REPLACED.iter().find(|(old, _)| *old == name) {
                Some((_, instead)) => (*instead).to_owned(),
                None => continue,
            },
        };
        found.push(
            Diagnostic::warning(LINT.name, option.name_span, format!("`{}` is the older form", option.name))
                .with_help(format!("write {instead}")),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::found_in;
    use super::LINT;

    #[test]
    fn an_older_word_is_named() {
        assert_eq!(found_in(r#"content:"abc"; rawbytes;"#), [(LINT.name, "rawbytes".to_owned())]);
        assert_eq!(found_in(r#"content:"abc"; nocase;"#), []);
    }
}
