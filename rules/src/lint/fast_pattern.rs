//! A rule that nothing finds, so that it is tried on all traffic of its kind.

use super::{Lint, Subject};
use crate::diagnostic::Diagnostic;
use crate::signature::{Hint, Kind, Signature, Source};

pub(super) const LINT: Lint = Lint {
    name: "no-fast-pattern",
    doc: "No content finds the rule: it is tried on every packet, stream or transaction of its kind, which is \
          expensive.",
    check: Some(check),
};

fn check(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let signature = subject.signature;
    let searches = signature.inspections.iter().any(|inspection| !inspection.steps.is_empty());
    if !searches || !is_tried_everywhere(signature) {
        return;
    }
    let whole = subject.head_span();
    let message = "no content finds this rule: it is tried on all traffic of its kind";
    found.push(
        Diagnostic::warning(LINT.name, whole, message)
            .with_help("add a `content` that must be there, without `!` before its quotes"),
    );
}

/// Whether neither bytes nor a cheap condition narrow down what the rule is tried on.
fn is_tried_everywhere(signature: &Signature) -> bool {
    let by_payload = matches!(signature.kind, Kind::Packet | Kind::PacketAndStream | Kind::Stream);
    let by_field =
        signature.inspections.iter().any(|inspection| matches!(inspection.source, Source::Field(_)));
    signature.fast_pattern.is_none()
        && (by_payload || by_field)
        && signature.conditions.iter().all(|condition| condition.hint() == Hint::None)
}

#[cfg(test)]
mod tests {
    use super::super::tests::found_in;
    use super::LINT;

    #[test]
    fn a_rule_of_negated_contents_has_none() {
        assert_eq!(found_in(r#"content:!"abc";"#), [(LINT.name, "tcp".to_owned())]);
    }

    #[test]
    fn a_content_or_a_cheap_condition_will_do() {
        assert_eq!(found_in(r#"content:!"abc"; content:"d";"#), []);
        assert_eq!(found_in(r#"content:!"abc"; dsize:20;"#), []);
        assert_eq!(found_in("flow:to_server;"), []);
    }
}
