//! `requires`: what a rule needs the engine to be, or else be left out.
//!
//! The compiler asks before anything else of the rule, which may be beyond this engine's understanding.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::text::Text;
use crate::vocabulary::Vocabulary;

/// The version of Suricata whose rule language this is.
const LANGUAGE: Version = [8, 0, 6];

/// What rules may require by the word `feature`.
const FEATURES: &[&str] = &["ja3", "ja4", "geoip", "output::file-store"];

/// Major, minor and patch.
type Version = [u32; 3];

/// `requires` (Suricata documentation: "Meta Keywords", requires).
#[derive(Debug)]
pub(super) struct Requires;

impl Keyword for Requires {
    fn name(&self) -> &'static str {
        "requires"
    }

    fn doc(&self) -> &'static str {
        "What the engine must have for the rule to be used: a `feature`, a `keyword`, a `version` of Suricata's rule \
         language, which here is 8.0.6. Without it, the rule is left out, and that is no error."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (requires:version >= 7.0.3 < 8 | >= 8.0.1, keyword content; content:"x"; sid:1;)"#,
            b"x",
            b"y",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "requires",
            "requires:version",
            "requires:version 8",
            "requires:version >= eight",
            "requires:version >= 8, version < 9",
            "requires:feature",
            "requires:version >= 10",
        ]
    }

    /// The compiler asked [`unmet`] already.
    fn parse(&self, _: &Argument<'_>, _: &mut Draft<'_>) -> Result<(), Diagnostic> {
        Ok(())
    }
}

/// What is missing of what the option requires; nothing when all is there.
///
/// # Errors
///
/// When the option cannot be understood.
pub(crate) fn unmet(argument: &Argument<'_>, vocabulary: &Vocabulary) -> Result<Option<String>, Diagnostic> {
    let mut missing = None;
    let mut versions = 0;
    for part in argument.parts()? {
        let text = part.to_str_lossy();
        let (what, expression) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        let expression = expression.trim();
        if expression.is_empty() {
            return Err(Diagnostic::error("bad-requirement", part.span(), "this requires nothing")
                .with_help("write `version >= 8.0.0`, `feature geoip` or `keyword content`"));
        }
        let met = match what {
            "version" => {
                versions += 1;
                admits(expression, LANGUAGE).ok_or_else(|| bad_version(&part))?
            }
            "feature" => FEATURES.contains(&expression),
            "keyword" => vocabulary.word(expression).is_some(),
            _ => false,
        };
        if !met {
            missing.get_or_insert_with(|| text.into_owned());
        }
    }
    if versions > 1 {
        return Err(argument
            .error("bad-requirement", "`version` stands twice")
            .with_help("write alternatives as `version >= 7.0.3 < 8 | >= 8.0.1`"));
    }
    Ok(missing)
}

fn bad_version(part: &Text) -> Diagnostic {
    Diagnostic::error("bad-requirement", part.span(), "this compares no version")
        .with_help("write `version >= 8.0.0`, with `<`, `<=`, `>` or `>=`, and `|` between alternatives")
}

/// Whether `version` is within the expression: bounds, with `|` between alternatives.
fn admits(expression: &str, version: Version) -> Option<bool> {
    let mut admitted = false;
    for alternative in expression.split('|') {
        let mut rest = alternative.trim();
        let mut within = !rest.is_empty();
        if !within {
            return None;
        }
        while !rest.is_empty() {
            let signs = rest.bytes().take_while(|byte| b"<>=".contains(byte)).count();
            let (sign, after) = rest.split_at(signs);
            let after = after.trim_start();
            let len = after.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
            let bound = read_version(&after[..len])?;
            within &= match sign {
                ">=" => version >= bound,
                ">" => version > bound,
                "<=" => version <= bound,
                "<" => version < bound,
                _ => return None,
            };
            rest = after[len..].trim_start();
        }
        admitted |= within;
    }
    Some(admitted)
}

fn read_version(text: &str) -> Option<Version> {
    let mut version = [0; 3];
    let mut parts = text.split('.');
    for (slot, part) in version.iter_mut().zip(parts.by_ref()) {
        *slot = part.parse().ok()?;
    }
    parts.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;
    use crate::keyword::example::compiled;
    use crate::names::Names;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(admits(">= 8", [8, 0, 6]), Some(true));
        assert_eq!(admits("> 8.0.6", [8, 0, 6]), Some(false));
        assert_eq!(admits(">=8.0.10", [8, 0, 6]), Some(false));
        assert_eq!(admits(">= 7.0.3 < 8 | >= 8.0.1", [8, 0, 6]), Some(true));
        assert_eq!(admits(">= 7.0.3 < 8 | >= 8.0.7", [8, 0, 6]), Some(false));
        for text in ["8", "= 8", "", ">= 8 |", ">= 1.2.3.4", ">= .", ">= 8 or"] {
            assert_eq!(admits(text, [8, 0, 6]), None, "{text}");
        }
    }

    #[test]
    fn a_rule_beyond_this_engine_is_left_out_whatever_else_it_says() {
        let faults = |rule: &str| compiled(rule, &Names::default()).expect_err("not loaded");
        for options in ["version >= 10", "feature telepathy", "keyword nosuch", "moon full"] {
            let rule = format!("alert asdf any any -> any any (nosuch:1; requires:{options}; sid:1;)");
            let found = faults(&rule);
            assert_eq!(found.len(), 1, "{rule}");
            assert_eq!(found[0].severity, Severity::Skipped, "{rule}");
        }
        let found = faults("alert asdf any any -> any any (requires:version >= 6; foo:bar; sid:1;)");
        assert!(found.iter().all(|fault| fault.severity == Severity::Error));
    }
}
