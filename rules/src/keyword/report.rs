//! What a match says: `noalert`, `alert`, `target`.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::signature::Target;

/// `noalert` (Suricata documentation: "Alert Keywords").
#[derive(Debug)]
pub(super) struct NoAlert;

impl Keyword for NoAlert {
    fn name(&self) -> &'static str {
        "noalert"
    }

    fn doc(&self) -> &'static str {
        "A match makes no alert; what else the rule does, it does."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (content:"x"; flowbits:set,x; noalert; sid:1;)"#,
            b"x",
            b"y",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["noalert:yes", "noalert; alert"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        argument.none()?;
        draft.set_alerts(false, argument.span())
    }
}

/// `alert` (Suricata documentation: "Alert Keywords").
#[derive(Debug)]
pub(super) struct Alert;

impl Keyword for Alert {
    fn name(&self) -> &'static str {
        "alert"
    }

    fn doc(&self) -> &'static str {
        "A match makes an alert too where the rule's action alone makes none, as `pass` does."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(r#"pass tcp any any -> any any (content:"x"; alert; sid:1;)"#, b"x", b"y")]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["alert:yes", "alert; noalert", "flowbits:noalert; alert"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        argument.none()?;
        draft.set_alerts(true, argument.span())
    }
}

/// `target` (Suricata documentation: "Meta Keywords", target).
#[derive(Debug)]
pub(super) struct TargetKeyword;

impl Keyword for TargetKeyword {
    fn name(&self) -> &'static str {
        "target"
    }

    fn doc(&self) -> &'static str {
        "Which side of the alert is attacked: `src_ip` or `dest_ip`."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (content:"x"; target:dest_ip; sid:1;)"#,
            b"x",
            b"y",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["target", "target:both"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        draft.meta.target = Some(match argument.string()?.as_str() {
            "src_ip" => Target::Source,
            "dest_ip" => Target::Destination,
            other => {
                return Err(argument
                    .error("bad-target", format!("`{other}` is no side of an alert"))
                    .with_help("write `target:src_ip;` or `target:dest_ip;`"));
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyword::example::compiled;
    use crate::names::Names;

    #[test]
    fn who_alerts_and_who_is_silent() {
        let silent = |rule: &str| compiled(rule, &Names::default()).expect("sound").silent;
        assert!(!silent("alert tcp any any -> any any (sid:1;)"));
        assert!(!silent("drop tcp any any -> any any (sid:1;)"));
        assert!(silent("alert tcp any any -> any any (noalert; sid:1;)"));
        assert!(silent("pass tcp any any -> any any (sid:1;)"));
        assert!(!silent("pass tcp any any -> any any (alert; sid:1;)"));
        assert!(silent("config tcp any any -> any any (sid:1;)"));
    }

    #[test]
    fn the_target_is_told() {
        let rule = "alert tcp any any -> any any (target:src_ip; sid:1;)";
        assert_eq!(compiled(rule, &Names::default()).expect("sound").meta.target, Some(Target::Source));
    }
}
