//! `pcrexform`.

use super::Transform;
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::keyword::pcre::{Pattern, Search};
use crate::keyword::{Argument, Example, Keyword, MatchMemory};

/// `pcrexform` (Suricata documentation: "Transformations", pcrexform).
#[derive(Debug)]
pub(crate) struct PcreTransform;

impl Keyword for PcreTransform {
    fn name(&self) -> &'static str {
        "pcrexform"
    }

    fn doc(&self) -> &'static str {
        "Leaves of the buffer what the one group of a Perl-compatible regular expression captures; all of it, where \
         the expression does not match."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::field(
            r#"alert http any any -> any any (http.uri; pcrexform:"id=(\d+)"; content:"42"; startswith; sid:1;)"#,
            "http.uri",
            b"/?id=42",
            b"/?id=742",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            r#"pcrexform:"(a)"; content:"a""#,
            r#"http.uri; pcrexform; content:"a""#,
            r#"http.uri; pcrexform:"a"; content:"a""#,
            r#"http.uri; pcrexform:"(a)(b)"; content:"a""#,
            r#"http.uri; pcrexform:"(a"; content:"a""#,
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let text = argument.text()?;
        let pattern = Pattern::bare(&text)?;
        if pattern.groups() != 2 {
            return Err(argument
                .error(
                    "not-one-group",
                    format!("the expression has {} groups, not one", pattern.groups() - 1),
                )
                .with_help("put what is to be left in parentheses, and write other groups as `(?:…)`"));
        }
        let transform = Extract { pattern, options: text.to_str_lossy().into_owned() };
        draft.transform(Box::new(transform), argument.span())
    }
}

#[derive(Debug)]
struct Extract {
    pattern: Pattern,
    options: String,
}

impl Transform for Extract {
    fn name(&self) -> &'static str {
        "pcrexform"
    }

    fn apply(&self, input: &[u8], output: &mut Vec<u8>, matches: &mut MatchMemory) {
        let found = matches!(self.pattern.search(input, 0, matches), Search::Found { .. });
        let captured = if found { self.pattern.group(1, matches) } else { None };
        output.extend_from_slice(captured.map_or(input, |range| &input[range]));
    }

    fn options(&self) -> &str {
        &self.options
    }
}
