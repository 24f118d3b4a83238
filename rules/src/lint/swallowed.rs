//! An option that stands inside the value of another, because a quote or a semicolon before it is missing.

use super::{Lint, Subject};
use crate::ast::{OptionNode, Value};
use crate::diagnostic::Diagnostic;
use crate::text::Span;

pub(super) const LINT: Lint = Lint {
    name: "swallowed-option",
    doc: "A value holds what looks like another option: a quote or semicolon before it is probably missing, and the \
          option has no effect.",
    check: Some(check),
};

fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for option in &subject.rule.options {
        let Some(value) = &option.value else { continue };
        let Some((place, name)) = swallowed(subject, value) else { continue };
        let message = format!("`{name}` stands inside the value of `{}` and has no effect", option.name);
        found.push(Diagnostic::warning(LINT.name, place, message).with_help(help(option, value)));
    }
}

fn help(option: &OptionNode, value: &Value) -> String {
    match value.is_quoted() {
        true => format!("close the value of `{}` with `\";` before it, or escape its quotes", option.name),
        false => format!("end `{}` with `;` before it", option.name),
    }
}

/// The first known word in a value that is followed by a colon, and in a quoted value by an unescaped quote after
/// that.
fn swallowed<'v>(subject: &Subject<'_>, value: &'v Value) -> Option<(Span, &'v str)> {
    let text = value.text();
    let bytes = text.as_bytes();
    memchr::memchr_iter(b':', bytes).find_map(|colon| {
        let before = bytes[..colon].trim_ascii_end();
        let length = before.iter().rev().take_while(|&&byte| is_name(byte)).count();
        let start = before.len() - length;
        let apart = start.checked_sub(1).is_some_and(|at| bytes[at].is_ascii_whitespace());
        let name = std::str::from_utf8(&before[start..]).ok()?;
        let after = bytes[colon + 1..].trim_ascii_start();
        let valued = match value.is_quoted() {
            true => after.strip_prefix(b"!").unwrap_or(after).trim_ascii_start().starts_with(b"\""),
            false => after.first().is_some_and(|&byte| byte != b'/'),
        };
        let known = || subject.vocabulary.word(&name.to_ascii_lowercase()).is_some();
        (apart && valued && known()).then(|| (text.span_of(start..start + length), name))
    })
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

#[cfg(test)]
mod tests {
    use super::super::tests::found_in;
    use super::LINT;

    #[test]
    fn a_missing_quote_and_a_missing_semicolon_are_seen() {
        let found = found_in(r#"content:"x"; msg:"hello content:"abc";"#);
        assert_eq!(found, [(LINT.name, "content".to_owned())]);
        let found = found_in(r#"content:"x"; reference:url,example.com sid:7;"#);
        assert_eq!(found, [(LINT.name, "sid".to_owned())]);
    }

    #[test]
    fn words_that_only_look_alike_are_not() {
        assert_eq!(found_in(r#"content:"x"; msg:"ET INFO content: gzip, flow: up";"#), []);
        assert_eq!(found_in(r#"content:"x"; reference:url,sid://x.example/content:1;"#), []);
    }
}
