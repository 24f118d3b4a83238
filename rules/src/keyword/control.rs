//! How the engine treats a rule or its flow: `prefilter`, `bypass`, `config`, `nfq_set_mark`.

use super::{Argument, Example, Keyword};
use crate::content::FastPatternChoice;
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::effect::Effect;
use crate::integer::parse_u64;

/// `prefilter` (Suricata documentation: "Prefiltering Keywords", prefilter).
#[derive(Debug)]
pub(super) struct Prefilter;

impl Keyword for Prefilter {
    fn name(&self) -> &'static str {
        "prefilter"
    }

    fn doc(&self) -> &'static str {
        "What stands before it is what the prefilter should find the rule by. A `content` is then used as with \
         `fast_pattern`; what other keywords tell the prefilter is used without asking."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::staged(
            "alert icmp any any -> any any (itype:8; prefilter; sid:1;)",
            |stage| stage.transport[0] = 8,
            |stage| stage.transport[0] = 0,
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["prefilter", "flow:to_server; prefilter:yes"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        argument.none()?;
        if !draft.conditions.is_empty() {
            return Ok(());
        }
        let content = draft.last_content().ok_or_else(|| {
            Diagnostic::error("nothing-to-prefilter", argument.span(), "nothing stands before `prefilter`")
                .with_help("put it after the keyword to find the rule by")
        })?;
        if content.fast_pattern == FastPatternChoice::Automatic && !content.negated {
            content.fast_pattern = FastPatternChoice::This;
        }
        Ok(())
    }
}

/// `bypass` (Suricata documentation: "Bypass Keyword").
#[derive(Debug)]
pub(super) struct Bypass;

impl Keyword for Bypass {
    fn name(&self) -> &'static str {
        "bypass"
    }

    fn doc(&self) -> &'static str {
        "After a match, the flow is no longer inspected."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(r#"alert tcp any any -> any any (content:"x"; bypass; sid:1;)"#, b"x", b"y")]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["bypass:yes"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        argument.none()?;
        if draft.effects.iter().any(|effect| matches!(effect, Effect::StoreFile { .. })) {
            return Err(Diagnostic::error(
                "bypass-and-filestore",
                argument.span(),
                "`filestore` needs the flow",
            )
            .with_help("take `bypass` or `filestore` out"));
        }
        draft.effects.push(Effect::Bypass);
        Ok(())
    }
}

/// `config` (Suricata documentation: "Config Rules").
#[derive(Debug)]
pub(super) struct Config;

impl Keyword for Config {
    fn name(&self) -> &'static str {
        "config"
    }

    fn doc(&self) -> &'static str {
        "Turns off, after a match, the event that would be made of the transaction (`logging disable, type tx, scope \
         tx`), or the tracking of its flow (`tracking disable, type flow, scope packet`), which this sensor keeps up."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"config tcp any any -> any any (content:"x"; config:logging disable, type tx, scope tx; sid:1;)"#,
            b"x",
            b"y",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "config",
            "config:logging enable, type tx, scope tx",
            "config:logging disable, type tx",
            "config:noise disable, type tx, scope tx",
            "config:logging disable, type moon, scope tx",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let words: Vec<Vec<String>> = parts
            .iter()
            .map(|part| part.to_str_lossy().split_ascii_whitespace().map(str::to_owned).collect())
            .collect();
        let words: Vec<Vec<&str>> =
            words.iter().map(|part| part.iter().map(String::as_str).collect()).collect();
        match words.iter().map(Vec::as_slice).collect::<Vec<_>>().as_slice() {
            [["logging", "disable"], ["type", "tx"], ["scope", "tx"]] => {
                draft.effects.push(Effect::StopLogging);
                Ok(())
            }
            [["tracking", "disable"], ["type", "flow"], ["scope", "packet"]] => Ok(()),
            _ => Err(argument
                .error("bad-config", "nothing can be configured so")
                .with_help("write `config:logging disable, type tx, scope tx;`")),
        }
    }
}

/// `nfq_set_mark`.
#[derive(Debug)]
pub(super) struct NfqSetMark;

impl Keyword for NfqSetMark {
    fn name(&self) -> &'static str {
        "nfq_set_mark"
    }

    fn doc(&self) -> &'static str {
        "A mark for the packet in the kernel's queue; a passive sensor has none, and does nothing."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (content:"x"; nfq_set_mark:0x8/0x8; sid:1;)"#,
            b"x",
            b"y",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["nfq_set_mark", "nfq_set_mark:blue", "nfq_set_mark:1/"]
    }

    fn parse(&self, argument: &Argument<'_>, _: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let text = argument.string()?;
        let number = |text: &str| parse_u64(text.trim()).is_some_and(|number| number <= u32::MAX.into());
        match text.split('/').all(number) && text.split('/').count() <= 2 {
            true => Ok(()),
            false => Err(argument
                .error("bad-mark", "this is no mark")
                .with_help("write a number, with a mask after `/` if need be: `0x8/0x8`")),
        }
    }
}
