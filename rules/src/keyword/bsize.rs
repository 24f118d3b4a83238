//! `bsize`: the length of a buffer.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, DraftStep};
use crate::inspect::{Cursor, Outcome, Resume, Step};
use crate::integer::IntegerMatch;
use crate::signature::Source;

/// `bsize` (Suricata documentation: "Payload Keywords", bsize).
#[derive(Debug)]
pub(super) struct Bsize;

impl Keyword for Bsize {
    fn name(&self) -> &'static str {
        "bsize"
    }

    fn doc(&self) -> &'static str {
        "How many bytes the sticky buffer before it has."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::field(
                "alert http any any -> any any (http.uri; bsize:3; sid:1;)",
                "http.uri",
                b"/ab",
                b"/abc",
            ),
            Example::field(
                "alert http any any -> any any (http.uri; bsize:2<>5; sid:1;)",
                "http.uri",
                b"/ab",
                b"/abcd",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &["bsize:3", "http.uri; bsize", "http.uri; bsize:x", r#"http.uri; content:"abc"; bsize:2"#]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let form = argument.integer(u64::MAX)?;
        if draft.source() == Source::Payload {
            return Err(argument
                .error("no-buffer", "`bsize` stands after no sticky buffer")
                .with_help("select a buffer before it; the payload's length is `dsize`"));
        }
        let (_, most) = form.bounds(u64::MAX);
        let contents = draft.buffer().steps.iter().filter_map(DraftStep::content);
        if let Some(content) =
            contents.filter(|content| !content.negated).find(|c| c.pattern.len() as u64 > most)
        {
            let message =
                format!("{most} bytes cannot hold the {} of a content before", content.pattern.len());
            return Err(argument
                .error("shorter-than-content", message)
                .with_help("the rule could never match"));
        }
        draft.push_step(DraftStep::Other(Box::new(Len(form)), argument.span()));
        Ok(())
    }
}

#[derive(Debug)]
struct Len(IntegerMatch);

impl Step for Len {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let len = cursor.stream_offset + cursor.bytes.len() as u64;
        // Of what goes on, only that it is long enough is known.
        let told = cursor.ends || self.0.bounds(u64::MAX).1 == u64::MAX;
        if told && self.0.holds(len) { Outcome::Holds } else { Outcome::FailsForGood }
    }

    fn buffer_len(&self) -> Option<(u64, u64)> {
        Some(self.0.bounds(u64::MAX))
    }

    fn explain(&self) -> String {
        format!("has {} bytes", self.0)
    }
}
