//! Buffers that would have to be longer than the rule lets them be.

use super::{Lint, Subject};
use crate::content::{Content, Number};
use crate::diagnostic::Diagnostic;
use crate::inspect::Steps;
use crate::signature::Inspection;

pub(super) const LINT: Lint = Lint {
    name: "too-short-to-match",
    doc: "The rule bounds the length of a buffer below what its contents need: it never matches.",
    check: Some(check),
};

fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for inspection in &subject.signature.inspections {
        let Some(need) = need(&inspection.steps) else { continue };
        let span = || subject.content_span(need.content);
        let told = |what: String| {
            Diagnostic::warning(LINT.name, span(), what).with_help("raise the bound, or shorten the contents")
        };
        if let Some(max) = buffer_max(inspection).filter(|&max| max < need.bytes) {
            let message =
                format!("this needs {} bytes, but the rule allows at most {max} in the buffer", need.bytes);
            found.push(told(message));
        }
        if let Some((name, len)) = digest(inspection).filter(|&(_, len)| len < need.bytes) {
            let message = format!("this needs {} bytes, but `{name}` leaves {len}", need.bytes);
            found.push(told(message));
        }
    }
}

/// How many bytes a buffer must have at least, and for which content.
struct Need<'a> {
    bytes: u64,
    content: &'a Content,
}

/// What the contents of a buffer need, each as far to the front as the rule lets it stand.
fn need(steps: &Steps) -> Option<Need<'_>> {
    let mut most: Option<Need<'_>> = None;
    let mut end = 0i64;
    for step in steps.iter() {
        let Some(content) = step.content() else {
            // It may have moved the cursor anywhere.
            end = 0;
            continue;
        };
        if content.negated {
            continue;
        }
        let least = |number: Option<Number>| number.and_then(Number::literal).unwrap_or(0);
        let unbound = |number: Option<Number>| matches!(number, Some(Number::Variable(_)));
        let start = match content.is_relative() {
            true if unbound(content.distance) => least(content.offset),
            true => (end + least(content.distance)).max(least(content.offset)).max(0),
            false => least(content.offset),
        };
        end = start + i64::try_from(content.pattern.len()).unwrap_or(i64::MAX / 2);
        let bytes = u64::try_from(end).unwrap_or(0);
        if most.as_ref().is_none_or(|most| most.bytes < bytes) {
            most = Some(Need { bytes, content });
        }
    }
    most
}

/// The longest that the steps let the buffer be.
fn buffer_max(inspection: &Inspection) -> Option<u64> {
    inspection.steps.iter().filter_map(|step| step.buffer_len()).map(|(_, max)| max).min()
}

/// The length that the last transform gives to every buffer.
fn digest(inspection: &Inspection) -> Option<(&'static str, u64)> {
    let name = inspection.transforms.last()?.name();
    let len = match name {
        "to_md5" => 16,
        "to_sha1" => 20,
        "to_sha256" => 32,
        _ => return None,
    };
    Some((name, len))
}

#[cfg(test)]
mod tests {
    use super::super::tests::found_in;
    use super::LINT;

    #[test]
    fn contents_that_need_more_than_a_digest_leaves() {
        // What `dsize` leaves no room for is refused already.
        let options = r#"tcp.hdr; to_md5; content:"0123456789abcdefg";"#;
        assert_eq!(found_in(options)[0].0, LINT.name);
    }

    #[test]
    fn contents_that_fit() {
        for options in [
            r#"dsize:3; content:"abc";"#,
            r#"dsize:<3; content:!"abc"; content:"a";"#,
            r#"dsize:5; content:"abc"; content:"cd"; distance:-1;"#,
            r#"dsize:4; content:"abc"; content:"bcd";"#,
        ] {
            assert_eq!(found_in(options), [], "{options}");
        }
    }
}
