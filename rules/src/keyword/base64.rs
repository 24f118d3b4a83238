//! `base64_decode` and `base64_data`: decodes a part of a buffer and looks at the result (Suricata documentation:
//! "Base64 keywords").

use super::{Argument, Example, Keyword};
use crate::base64::{Mode, decode};
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, DraftStep};
use crate::inspect::{Cursor, Outcome, Resume, Step, Steps};
use crate::signature::Source;
use std::sync::Arc;

/// The most bytes that are decoded, as in Suricata.
const MAX_ENCODED: usize = 65_535;

/// `base64_decode`.
#[derive(Debug)]
pub(super) struct Base64Decode;

impl Keyword for Base64Decode {
    fn name(&self) -> &'static str {
        "base64_decode"
    }

    fn doc(&self) -> &'static str {
        "Decodes base64 from the buffer for `base64_data`: up to `bytes n` of it, after `offset n`, with `relative` \
         from where the match before ended. The first character that is no base64 ends it."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload(
                r#"alert tcp any any -> any any (content:"v="; base64_decode:offset 1,relative; base64_data; content:"test"; sid:1;)"#,
                b"v=x v= dGVzdA==",
                b"v= dGVzCg==",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (base64_decode:bytes 4; base64_data; content:"tes"; endswith; sid:1;)"#,
                b"dGVzdA==",
                b"!dGVzdA==",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["base64_decode:bytes x", "base64_decode:offset 70000", "base64_decode:sideways"]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let mut step = DecodeStep { bytes: MAX_ENCODED, offset: 0, relative: false, decoded: None };
        let parts = if argument.optional().is_some() { argument.parts()? } else { Vec::new() };
        for part in parts {
            let number = |word| {
                let number = argument.after_word(&part, word)?;
                Some(number.to_str_lossy().parse::<usize>().ok().filter(|&n| n <= MAX_ENCODED).ok_or_else(
                    || {
                        let message = format!("`{word}` is a number up to {MAX_ENCODED}");
                        Diagnostic::error("bad-number", part.span(), message)
                    },
                ))
            };
            match (part.as_bytes(), number("bytes"), number("offset")) {
                (b"relative", ..) => step.relative = true,
                (_, Some(bytes), _) => step.bytes = bytes?,
                (.., Some(offset)) => step.offset = offset?,
                _ => return Err(argument.unknown_part(&part, "bytes, offset, relative")),
            }
        }
        draft.push_decoder(DraftStep::Other(Box::new(step), argument.span()));
        Ok(())
    }
}

#[derive(Debug)]
struct DecodeStep {
    bytes: usize,
    offset: usize,
    relative: bool,
    /// What `base64_data` asks.
    decoded: Option<Arc<Steps>>,
}

impl DecodeStep {
    fn holds(&self, cursor: &mut Cursor<'_>) -> bool {
        // Without `base64_data` there is nothing to match on, and the rule never alerts.
        let Some(decoded) = &self.decoded else { return false };
        let start = self.offset.saturating_add(if self.relative { cursor.at } else { 0 });
        let Some(encoded) = cursor.bytes.get(start..) else { return false };
        let encoded = encoded.get(..self.bytes).unwrap_or(encoded);
        let mut bytes = std::mem::take(&mut cursor.scratch.base64);
        bytes.clear();
        decode(encoded, Mode::Rfc4648, &mut bytes);
        let holds = !bytes.is_empty() && decoded.hold_within(&bytes, cursor.view, cursor.scratch);
        cursor.scratch.base64 = bytes;
        holds
    }
}

impl Step for DecodeStep {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        if self.holds(cursor) { Outcome::Holds } else { Outcome::Fails }
    }

    fn relative(&self) -> bool {
        self.relative
    }

    fn attach(&mut self, decoded: &Arc<Steps>) {
        self.decoded = Some(Arc::clone(decoded));
    }

    fn explain(&self) -> String {
        let from = if self.relative { " after the match before" } else { "" };
        let mut words = format!("decodes base64 from byte {}{from}, which", self.offset);
        for step in self.decoded.iter().flat_map(|steps| steps.iter()) {
            words.push_str(&format!(" {},", step.explain()));
        }
        words.pop();
        words
    }
}

/// `base64_data`.
#[derive(Debug)]
pub(super) struct Base64Data;

impl Keyword for Base64Data {
    fn name(&self) -> &'static str {
        "base64_data"
    }

    fn doc(&self) -> &'static str {
        "Sticky buffer: what `base64_decode` before it decoded."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::payload(
            r#"alert tcp any any -> any any (base64_decode; base64_data; content:"test"; bsize:4; sid:1;)"#,
            b"dGVzdA==",
            b"dGVzdHM=",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            r#"base64_data; content:"a""#,
            "base64_decode; base64_data",
            r#"base64_decode; base64_data:1; content:"a""#,
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        argument.none()?;
        if !draft.decodes() {
            return Err(argument
                .error("nothing-decoded", "`base64_data` stands after no `base64_decode`")
                .with_help("put `base64_decode` before it"));
        }
        draft.select(Source::Base64, argument.span())
    }
}
