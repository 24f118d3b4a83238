//! `isdataat`: whether the buffer has bytes at a place.

use super::{Argument, Example, Keyword};
use crate::content::Number;
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, DraftStep};
use crate::inspect::{Cursor, Outcome, Resume, Step};

/// How far it may look, as in Suricata.
const MAX_REACH: i64 = 65_535;

/// `isdataat` (Suricata documentation: "Payload Keywords", isdataat).
#[derive(Debug)]
pub(super) struct IsDataAt;

impl Keyword for IsDataAt {
    fn name(&self) -> &'static str {
        "isdataat"
    }

    fn doc(&self) -> &'static str {
        "The buffer has a byte at this place, or with `!` has none. With `relative`, that many bytes or more follow \
         the match before."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload("alert tcp any any -> any any (isdataat:3; sid:1;)", b"abcd", b"abc"),
            Example::payload(
                r#"alert tcp any any -> any any (content:"ab"; isdataat:!1,relative; sid:1;)"#,
                b"xxab",
                b"xxabc",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (content:"ab"; isdataat:2,relative; sid:1;)"#,
                b"ababxy",
                b"xxabc",
            ),
            Example::payload(
                "alert tcp any any -> any any (byte_extract:1,0,length; isdataat:length; sid:1;)",
                b"\x02abc",
                b"\x04abc",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["isdataat", "isdataat:-1", "isdataat:65536", "isdataat:unbound", "isdataat:3,sideways"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let (negated, first) = match parts[0].strip_prefix(b"!") {
            Some(_) => (true, parts[0].slice(1..parts[0].len()).trim()),
            None => (false, parts[0].clone()),
        };
        let mut step = IsDataAtStep {
            offset: argument.number(&first, 0..MAX_REACH + 1, draft)?,
            negated,
            relative: false,
        };
        for part in &parts[1..] {
            match part.as_bytes() {
                b"relative" => step.relative = true,
                b"rawbytes" => {}
                _ => return Err(argument.unknown_part(part, "relative, rawbytes")),
            }
        }
        draft.push_step(DraftStep::Other(Box::new(step), argument.span()));
        Ok(())
    }
}

#[derive(Debug)]
struct IsDataAtStep {
    offset: Number,
    negated: bool,
    relative: bool,
}

impl Step for IsDataAtStep {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let offset = usize::try_from(self.offset.value(cursor)).unwrap_or(usize::MAX);
        // A relative place may be the buffer's very end, an absolute one may not (documented under isdataat).
        let there = match self.relative {
            true => cursor.at.saturating_add(offset) <= cursor.bytes.len(),
            false => offset < cursor.bytes.len(),
        };
        if there != self.negated { Outcome::Holds } else { Outcome::Fails }
    }

    fn relative(&self) -> bool {
        self.relative
    }

    fn buffer_len(&self) -> Option<(u64, u64)> {
        let offset = u64::try_from(self.offset.literal()?).ok()?;
        match (self.relative, self.negated) {
            (true, _) => None,
            (false, false) => Some((offset + 1, u64::MAX)),
            (false, true) => Some((0, offset)),
        }
    }

    fn bytes_after(&self) -> Option<u64> {
        let offset = u64::try_from(self.offset.literal()?).ok()?;
        (self.relative && !self.negated).then_some(offset)
    }

    fn explain(&self) -> String {
        let verb = if self.negated { "ends before" } else { "has data at" };
        let from = if self.relative { " after the match before" } else { "" };
        format!("{verb} byte {}{from}", self.offset)
    }
}
