//! A part of the buffer: by place, or the domain of a name.

use super::{Transform, plain};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::keyword::{Argument, Example, Keyword, MatchMemory};
use std::ops::Range;

plain!(
    DOMAIN,
    "domain",
    |input, output| output.extend_from_slice(psl::domain(input).map_or(input, |domain| domain.as_bytes())),
    "Leaves of a name the domain that was registered, by the Public Suffix List; all of it, where there is none.",
    "example.co.uk\"; bsize:13; content:\"e",
    b"www.example.co.uk",
    b"www.example.com"
);

plain!(
    TLD,
    "tld",
    |input, output| output.extend_from_slice(psl::suffix(input).map_or(input, |suffix| suffix.as_bytes())),
    "Leaves of a name the suffix below which names are registered, by the Public Suffix List.",
    "co.uk\"; bsize:5; content:\"c",
    b"www.example.co.uk",
    b"www.example.com"
);

/// `subslice` (Suricata documentation: "Transformations", subslice).
#[derive(Debug)]
pub(crate) struct Subslice;

impl Keyword for Subslice {
    fn name(&self) -> &'static str {
        "subslice"
    }

    fn doc(&self) -> &'static str {
        "Leaves a part of the buffer: `offset` and, unless up to the end, a length; negative ones count from the end. \
         A part that reaches beyond the buffer is empty, or with `truncate` cut off."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::field(
                r#"alert http any any -> any any (http.uri; subslice:-4,2; content:"ab"; bsize:2; sid:1;)"#,
                "http.uri",
                b"xxxabxx",
                b"xxab",
            ),
            Example::field(
                r#"alert http any any -> any any (http.uri; subslice:1,9,truncate; content:"ab"; bsize:2; sid:1;)"#,
                "http.uri",
                b"/ab",
                b"ab",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            r#"subslice:1; content:"a""#,
            r#"http.uri; subslice; content:"a""#,
            r#"http.uri; subslice:x; content:"a""#,
            r#"http.uri; subslice:1,2,3; content:"a""#,
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let mut numbers = Vec::new();
        let mut truncate = false;
        for part in argument.parts()? {
            match part.to_str_lossy().parse::<i32>() {
                Ok(number) if !truncate && numbers.len() < 2 => numbers.push(i64::from(number)),
                _ if part.as_bytes() == b"truncate" && !truncate => truncate = true,
                _ => return Err(argument.unknown_part(&part, "an offset, a length, truncate, in this order")),
            }
        }
        let Some(&offset) = numbers.first() else {
            return Err(argument.error("missing-value", "`subslice` needs an offset"));
        };
        let part = Part { offset, len: numbers.get(1).copied(), truncate, options: argument.string()? };
        draft.transform(Box::new(part), argument.span())
    }
}

#[derive(Debug)]
struct Part {
    offset: i64,
    len: Option<i64>,
    truncate: bool,
    options: String,
}

impl Part {
    /// The part of a buffer of that length.
    fn of(&self, len: usize) -> Option<Range<usize>> {
        let whole = i64::try_from(len).ok()?;
        let fit = |at: i64| match (0..=whole).contains(&at) {
            true => Some(at),
            false => self.truncate.then_some(at.clamp(0, whole)),
        };
        let start = fit(if self.offset < 0 { whole + self.offset } else { self.offset })?;
        let end = fit(match self.len {
            None => whole,
            Some(len) if len < 0 => whole + len,
            Some(len) => start + len,
        })?;
        (start <= end).then_some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }
}

impl Transform for Part {
    fn name(&self) -> &'static str {
        "subslice"
    }

    fn apply(&self, input: &[u8], output: &mut Vec<u8>, _: &mut MatchMemory) {
        output.extend_from_slice(self.of(input.len()).map_or(&[], |range| &input[range]));
    }

    fn options(&self) -> &str {
        &self.options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_as_documented() {
        let cut = |offset, len, truncate| {
            Part { offset, len, truncate, options: String::new() }.of(11).unwrap_or_default()
        };
        for (offset, len, strict, truncated) in [
            (5, None, 5..11, 5..11),
            (-20, None, 0..0, 0..11),
            (-20, Some(5), 0..0, 0..5),
            (0, Some(-30), 0..0, 0..0),
            (0, Some(-8), 0..3, 0..3),
            (-20, Some(-30), 0..0, 0..0),
            (0, Some(30), 0..0, 0..11),
        ] {
            assert_eq!(cut(offset, len, false), strict, "{offset} {len:?}");
            assert_eq!(cut(offset, len, true), truncated, "{offset} {len:?} truncate");
        }
    }
}
