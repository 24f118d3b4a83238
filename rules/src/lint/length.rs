//! Buffers that would have to be longer than the rule lets them be.

use super::{Lint, Subject};
use crate::content::{Content, Number};
use crate::diagnostic::Diagnostic;
use crate::inspect::Steps;
use crate::signature::{Hint, Inspection, Source};
use crate::text::Span;

pub(super) const LINT: Lint = Lint {
    name: "too-short-to-match",
    doc: "The rule bounds the length of a buffer below what its contents need, or lets it have no length at all: it never \
          matches.",
    check: Some(check),
};

/// Keywords about lengths, for the place of what they ask together.
const LENGTHS: &[&str] = &["bsize", "isdataat", "dsize", "urilen"];

fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for inspection in &subject.signature.inspections {
        let (min, max) = bounds(subject, inspection);
        // Two conditions on the packet itself are another lint's.
        if min > max && inspection.steps.iter().any(|step| step.buffer_len().is_some()) {
            let message = format!("the buffer would need {min} bytes or more, and {max} or fewer");
            found.push(
                Diagnostic::warning(LINT.name, last_length(subject), message)
                    .with_help("mend one of the bounds, or take it out"),
            );
        }
        let Some(need) = need(&inspection.steps) else { continue };
        let span = need.content.map_or_else(|| last_length(subject), |content| subject.content_span(content));
        let told = |what: String| {
            Diagnostic::warning(LINT.name, span, what).with_help("raise the bound, or shorten the contents")
        };
        if max < need.bytes {
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

/// Where the last keyword about a length stands.
fn last_length(subject: &Subject<'_>) -> Span {
    let is_length = |name: &str| LENGTHS.iter().any(|length| length.eq_ignore_ascii_case(name));
    let last = subject.rule.options.iter().rfind(|option| is_length(&option.name));
    last.map_or(subject.head_span(), |option| option.span)
}

/// The least and the greatest length that the rule lets a buffer have.
fn bounds(subject: &Subject<'_>, inspection: &Inspection) -> (u64, u64) {
    let of_steps = inspection.steps.iter().filter_map(|step| step.buffer_len());
    let is_payload = inspection.source == Source::Payload && inspection.transforms.is_empty();
    let of_packet = subject.signature.conditions.iter().filter_map(|condition| match condition.hint() {
        Hint::PayloadLen { min, max } if is_payload => Some((min, max)),
        _ => None,
    });
    of_steps.chain(of_packet).fold((0, u64::MAX), |(min, max), (least, most)| (min.max(least), max.min(most)))
}

/// How many bytes a buffer must have at least, and for which content; nothing where another step needs them.
struct Need<'a> {
    bytes: u64,
    content: Option<&'a Content>,
}

/// What the contents of a buffer need, each as far to the front as the rule lets it stand.
fn need(steps: &Steps) -> Option<Need<'_>> {
    let mut most: Option<Need<'_>> = None;
    let mut end = 0i64;
    for step in steps.iter() {
        let needed = match (step.content(), step.bytes_after()) {
            (Some(content), _) if content.negated => continue,
            (Some(content), _) => {
                end = end_of(content, end);
                end
            }
            (None, Some(after)) => end.saturating_add_unsigned(after),
            // It may have moved the cursor anywhere.
            (None, None) => {
                end = 0;
                continue;
            }
        };
        let bytes = u64::try_from(needed).unwrap_or(0);
        if most.as_ref().is_none_or(|most| most.bytes < bytes) {
            most = Some(Need { bytes, content: step.content() });
        }
    }
    most
}

/// Where a content ends at the earliest, when the step before it ended at `before`.
fn end_of(content: &Content, before: i64) -> i64 {
    let least = |number: Option<Number>| number.and_then(Number::literal).unwrap_or(0);
    let unbound = |number: Option<Number>| matches!(number, Some(Number::Variable(_)));
    let start = match content.is_relative() {
        true if unbound(content.distance) => least(content.offset),
        true => (before + least(content.distance)).max(least(content.offset)).max(0),
        false => least(content.offset),
    };
    start + i64::try_from(content.pattern.len()).unwrap_or(i64::MAX / 2)
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
    fn bounds_that_exclude_each_other() {
        for (options, marked) in [
            (r#"tcp.hdr; bsize:30; isdataat:30; content:"a";"#, "isdataat:30"),
            (r#"isdataat:!5; isdataat:9; content:"a";"#, "isdataat:9"),
            (r#"dsize:<9; isdataat:9; content:"a";"#, "isdataat:9"),
            (r#"tcp.hdr; bsize:10; content:"abc"; isdataat:8,relative;"#, "isdataat:8,relative"),
            (r#"tcp.hdr; content:"0123"; content:"4567"; distance:4; isdataat:!10;"#, "content:\"4567\""),
        ] {
            assert_eq!(found_in(options), [(LINT.name, marked.to_owned())], "{options}");
        }
    }

    #[test]
    fn contents_that_fit() {
        for options in [
            r#"dsize:3; content:"abc";"#,
            r#"dsize:<3; content:!"abc"; content:"a";"#,
            r#"dsize:5; content:"abc"; content:"cd"; distance:-1;"#,
            r#"dsize:4; content:"abc"; content:"bcd";"#,
            r#"dsize:10; content:"abc"; isdataat:7,relative;"#,
            r#"dsize:10; isdataat:9; content:"abc"; isdataat:!5,relative;"#,
            r#"tcp.hdr; bsize:30; isdataat:29; content:"a";"#,
        ] {
            assert_eq!(found_in(options), [], "{options}");
        }
    }
}
