//! Conditions of which one excludes the other.

use super::{Lint, Subject};
use crate::content::{Content, printable};
use crate::diagnostic::Diagnostic;
use crate::integer::IntegerMatch;
use crate::signature::{Hint, Inspection};
use crate::vocabulary::{FieldKind, Word};

pub(super) const LINT: Lint = Lint {
    name: "never-matches",
    doc: "Two conditions of the rule exclude each other: it never matches.",
    check: Some(check),
};

/// Keywords that compare one number of a packet, which has but one value.
const NUMBERS: &[&str] = &[
    "ttl",
    "id",
    "dsize",
    "window",
    "seq",
    "ack",
    "tcp.mss",
    "itype",
    "icode",
    "icmp_id",
    "icmp_seq",
    "ipv6.hlim",
];

fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    numbers(subject, found);
    flags(subject, found);
    for inspection in &subject.signature.inspections {
        wanted_and_unwanted(subject, inspection, found);
        wrong_case(subject, inspection, found);
    }
}

/// Two numbers asked of one thing, between which nothing lies.
fn numbers(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let options = &subject.rule.options;
    for (at, second) in options.iter().enumerate().filter(|(_, option)| is_number(subject, &option.name)) {
        let earlier = options[..at].iter().filter(|first| first.name.eq_ignore_ascii_case(&second.name));
        let Some(second_bounds) = bounds(second) else { continue };
        for first in earlier {
            let Some(first_bounds) = bounds(first) else { continue };
            if first_bounds.0.max(second_bounds.0) > first_bounds.1.min(second_bounds.1) {
                let message = format!("no value is both `{first}` and `{second}`");
                found.push(
                    Diagnostic::warning(LINT.name, second.span, message)
                        .with_label(first.span, "excluded by this")
                        .with_help("take one of the two out, or write a rule for each"),
                );
            }
        }
    }
}

fn is_number(subject: &Subject<'_>, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NUMBERS.contains(&name.as_str())
        || matches!(subject.vocabulary.word(&name), Some(Word::Field(field)) if matches!(field.kind, FieldKind::Number { .. }))
}

fn bounds(option: &crate::ast::OptionNode) -> Option<(u64, u64)> {
    let text = option.value.as_ref()?.text().to_str_lossy();
    Some(IntegerMatch::parse(&text, u64::MAX).ok()?.bounds(u64::MAX))
}

/// TCP flags that must be set and not be set.
fn flags(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let hints: Vec<(u8, u8)> = subject
        .signature
        .conditions
        .iter()
        .filter_map(|condition| match condition.hint() {
            Hint::TcpFlags { mask, value } => Some((mask, value)),
            _ => None,
        })
        .collect();
    let clash = |&(mask, value): &(u8, u8)| {
        hints.iter().any(|&(other_mask, other)| (value ^ other) & mask & other_mask != 0)
    };
    if hints.iter().any(clash) {
        let second = subject.rule.options.iter().rfind(|option| option.name.contains("flags"));
        let span = second.map_or(subject.head_span(), |option| option.span);
        found.push(
            Diagnostic::warning(
                LINT.name,
                span,
                "these TCP flags and those asked for before exclude each other",
            )
            .with_help("take one of the two out, or write a rule for each"),
        );
    }
}

/// A content that must be there, and another that must not be though it is part of the first.
fn wanted_and_unwanted(subject: &Subject<'_>, inspection: &Inspection, found: &mut Vec<Diagnostic>) {
    let contents = || inspection.steps.iter().filter_map(|step| step.content());
    for unwanted in contents().filter(|content| content.negated && is_anywhere(content)) {
        let Some(wanted) = contents().find(|content| !content.negated && holds(content, unwanted)) else {
            continue;
        };
        let message = format!("{} must not be there, but is part of what must", printable(&unwanted.pattern));
        found.push(
            Diagnostic::warning(LINT.name, subject.content_span(unwanted), message)
                .with_label(subject.content_span(wanted), "this must be there")
                .with_help("say where it must not be, with `offset`, `depth`, `distance` or `within`"),
        );
    }
}

fn is_anywhere(content: &Content) -> bool {
    !content.is_relative()
        && content.offset.is_none()
        && content.depth.is_none()
        && !content.starts_with
        && !content.ends_with
}

/// Whether `part` is found wherever `whole` is.
fn holds(whole: &Content, part: &Content) -> bool {
    let mut windows = whole.pattern.windows(part.pattern.len());
    match (part.nocase, whole.nocase) {
        (true, _) => windows.any(|window| window.eq_ignore_ascii_case(&part.pattern)),
        (false, false) => windows.any(|window| window == part.pattern),
        (false, true) => {
            !part.pattern.iter().any(u8::is_ascii_alphabetic) && windows.any(|window| window == part.pattern)
        }
    }
}

/// A content in letters of a case that the transform before it leaves none of.
fn wrong_case(subject: &Subject<'_>, inspection: &Inspection, found: &mut Vec<Diagnostic>) {
    let Some(transform) = inspection.transforms.last() else { return };
    let gone: fn(&u8) -> bool = match transform.name() {
        "to_lowercase" => u8::is_ascii_uppercase,
        "to_uppercase" => u8::is_ascii_lowercase,
        "strip_whitespace" => u8::is_ascii_whitespace,
        _ => return,
    };
    let contents = inspection.steps.iter().filter_map(|step| step.content());
    let caseless = |content: &Content| content.nocase && transform.name() != "strip_whitespace";
    for content in contents.filter(|content| !content.negated && !caseless(content)) {
        if content.pattern.iter().any(gone) {
            let message = format!("`{}` leaves nothing of what this looks for", transform.name());
            found.push(
                Diagnostic::warning(LINT.name, subject.content_span(content), message)
                    .with_help("write the content as the transform leaves it"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::found_in;
    use super::LINT;

    #[test]
    fn bounds_without_anything_between_them() {
        let found = found_in(r#"content:"a"; dsize:<9; dsize:>10;"#);
        assert_eq!(found, [(LINT.name, "dsize:>10".to_owned())]);
        assert_eq!(found_in(r#"content:"a"; dsize:<9; dsize:>3;"#), []);
    }

    #[test]
    fn a_content_that_must_and_must_not_be_there() {
        let found = found_in(r#"content:"abcd"; content:!"bc";"#);
        assert_eq!(found, [(LINT.name, r#"content:!"bc""#.to_owned())]);
        for options in [
            r#"content:"abcd"; content:!"BC";"#,
            r#"content:"abcd"; content:!"bc"; depth:2;"#,
            r#"content:"abcd"; nocase; content:!"bc";"#,
            r#"content:"abcd"; content:!"bc"; within:4;"#,
        ] {
            assert_eq!(found_in(options), [], "{options}");
        }
    }
}
