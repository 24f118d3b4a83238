//! `absent`: the buffer is not there.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::signature::{Absent, Source};

/// `absent` (Suricata documentation: "Payload Keywords", absent).
#[derive(Debug)]
pub(super) struct AbsentKeyword;

impl Keyword for AbsentKeyword {
    fn name(&self) -> &'static str {
        "absent"
    }

    fn doc(&self) -> &'static str {
        "The sticky buffer before it is not there. With `absent:or_else`, it is not there or what follows holds on it."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::staged(
                "alert http any any -> any any (http.uri; absent; sid:1;)",
                |_| {},
                |stage| stage.fields.push(("http.uri", b"/".to_vec())),
            ),
            Example::field(
                r#"alert http any any -> any any (http.uri; absent:or_else; content:!"abc"; sid:1;)"#,
                "http.uri",
                b"/x",
                b"/abc",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "absent",
            "http.uri; absent:perhaps",
            r#"http.uri; absent; content:"a""#,
            r#"http.uri; content:"a"; absent"#,
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let absent = match argument.optional() {
            None => Absent::Required,
            Some(_) if argument.text()?.as_bytes() == b"or_else" => Absent::Allowed,
            Some(_) => {
                return Err(argument
                    .error("unknown-option", "`absent` stands alone or with `or_else`")
                    .with_help("write `absent;` or `absent:or_else;`"));
            }
        };
        if draft.source() == Source::Payload {
            return Err(argument
                .error("no-buffer", "`absent` stands after no sticky buffer")
                .with_help("select a buffer before it, as in `http.referer; absent;`"));
        }
        draft.buffer().absent = absent;
        Ok(())
    }
}
