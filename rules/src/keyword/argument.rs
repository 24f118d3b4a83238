//! What stands after a keyword's colon, with the errors every keyword would otherwise word for itself.

use crate::ast::{OptionNode, Value};
use crate::content::{Content, Number};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::integer::{IntegerError, IntegerMatch};
use crate::text::{Span, Text};
use std::ops::Range;

/// The longest content, in bytes: as long as Suricata lets a whole rule be.
const MAX_CONTENT: usize = 8192;

/// An option, as a keyword reads it.
#[derive(Clone, Copy, Debug)]
pub struct Argument<'a> {
    node: &'a OptionNode,
}

impl<'a> Argument<'a> {
    /// The argument of that option.
    pub fn new(node: &'a OptionNode) -> Self {
        Self { node }
    }

    /// The keyword as written.
    pub fn keyword(&self) -> &'a str {
        &self.node.name
    }

    /// Where the whole option stands.
    pub fn span(&self) -> Span {
        self.node.span
    }

    /// Where the value stands, or the keyword where there is none.
    pub fn value_span(&self) -> Span {
        self.node.value.as_ref().map_or(self.node.name_span, Value::span)
    }

    /// The value, if there is one.
    pub fn optional(&self) -> Option<&'a Value> {
        self.node.value.as_ref()
    }

    /// That there is no value.
    pub fn none(&self) -> Result<(), Diagnostic> {
        match &self.node.value {
            None => Ok(()),
            Some(_) => Err(self
                .error("unexpected-value", format!("`{}` takes no value", self.keyword()))
                .with_help(format!("write `{};`", self.keyword()))),
        }
    }

    /// The value, which must be there.
    pub fn value(&self) -> Result<&'a Value, Diagnostic> {
        self.node.value.as_ref().ok_or_else(|| {
            self.error("missing-value", format!("`{}` needs a value", self.keyword()))
                .with_help(format!("write `{}:<value>;`", self.keyword()))
        })
    }

    /// The value's text without blanks around it, which must be there.
    pub fn text(&self) -> Result<Text, Diagnostic> {
        let text = self.value()?.text().trim();
        if text.is_empty() {
            return Err(self.error("missing-value", format!("`{}` needs a value", self.keyword())));
        }
        Ok(text)
    }

    /// The value's text as characters.
    pub fn string(&self) -> Result<String, Diagnostic> {
        Ok(self.text()?.to_str_lossy().into_owned())
    }

    /// The value as bytes to look for: in double quotes, perhaps with `!` before them.
    pub fn content(&self) -> Result<Content, Diagnostic> {
        let value = self.quoted("its bytes")?;
        let pattern = value.content()?;
        if pattern.len() > MAX_CONTENT {
            return Err(self
                .error("content-too-long", format!("{} bytes, at most {MAX_CONTENT}", pattern.len()))
                .with_help(
                    "split it into two contents, the second with `distance:0; within:<its length>;`",
                ));
        }
        Ok(Content { pattern, negated: value.is_negated(), ..Content::default() })
    }

    /// The value as a text in double quotes, without `!` before them, escapes resolved.
    pub fn message(&self) -> Result<String, Diagnostic> {
        let value = self.quoted("a text")?;
        if value.is_negated() {
            let negation = Span::new(value.span().start, value.span().start + 1);
            let message = format!("nothing can be negated about `{}`", self.keyword());
            return Err(
                Diagnostic::error("negated", negation, message).with_help("take the exclamation mark out")
            );
        }
        Ok(String::from_utf8_lossy(&value.unescaped()).into_owned())
    }

    /// The value, which must stand in double quotes; `what` it holds.
    fn quoted(&self, what: &str) -> Result<&'a Value, Diagnostic> {
        let value = self.value()?;
        if value.is_quoted() {
            return Ok(value);
        }
        Err(self
            .error("unquoted", format!("`{}` needs {what} in double quotes", self.keyword()))
            .with_help(format!("write `{}:\"…\";`", self.keyword())))
    }

    /// The value's comma-separated parts without blanks around them. Commas inside double quotes don't separate.
    pub fn parts(&self) -> Result<Vec<Text>, Diagnostic> {
        let text = self.text()?;
        let mut parts = Vec::new();
        let (mut start, mut quoted) = (0, false);
        for (at, &byte) in text.iter().enumerate() {
            match byte {
                b'"' => quoted = !quoted,
                b',' if !quoted => {
                    parts.push(text.slice(start..at).trim());
                    start = at + 1;
                }
                _ => {}
            }
        }
        parts.push(text.slice(start..text.len()).trim());
        Ok(parts)
    }

    /// A number form for a field of values up to `max`.
    pub fn integer(&self, max: u64) -> Result<IntegerMatch, Diagnostic> {
        self.integer_named(max, &|_| None)
    }

    /// As [`Self::integer`], with names for some numbers.
    pub fn integer_named(
        &self,
        max: u64,
        named: &dyn Fn(&str) -> Option<u64>,
    ) -> Result<IntegerMatch, Diagnostic> {
        let text = self.string()?;
        IntegerMatch::parse_named(&text, max, named).map_err(|error| {
            let help = match error {
                IntegerError::NoNumber => "write a number, `<10`, `>10`, `5-10` or `!10`".to_owned(),
                IntegerError::TooLarge(max) => format!("write a number up to {max}"),
                IntegerError::EmptyRange => "both bounds are left out: `5-10` means 6 to 9".to_owned(),
                IntegerError::Constant => "leave the option out, or mend the number".to_owned(),
            };
            self.error("bad-number", error.to_string()).with_help(help)
        })
    }

    /// A number within a range, or the name of a variable that `byte_extract` or `byte_math` bound before.
    pub fn number(&self, text: &Text, range: Range<i64>, draft: &Draft<'_>) -> Result<Number, Diagnostic> {
        let word = text.to_str_lossy();
        if let Ok(value) = word.parse::<i64>() {
            if range.contains(&value) {
                return Ok(Number::Literal(value));
            }
            return Err(Diagnostic::error(
                "number-out-of-range",
                text.span(),
                format!("`{}` must be from {} to {}", self.keyword(), range.start, range.end - 1),
            ));
        }
        draft.variable(&word).map(Number::Variable).ok_or_else(|| {
            Diagnostic::error(
                "unknown-variable",
                text.span(),
                format!("`{word}` is no number and no variable"),
            )
            .with_help(format!("bind `{word}` before, with `byte_extract` or `byte_math`"))
        })
    }

    /// The value after an option's own word, where a part begins with that word: the `4` of `multiplier 4`.
    pub fn after_word(&self, part: &Text, word: &str) -> Option<Text> {
        let rest = part.strip_prefix(word.as_bytes())?;
        let split = rest.first().is_some_and(u8::is_ascii_whitespace);
        split.then(|| part.slice(word.len()..part.len()).trim())
    }

    /// An error about a word among the value's parts that means nothing; `known` lists those that do.
    pub fn unknown_part(&self, part: &Text, known: &str) -> Diagnostic {
        let message = format!("`{}` has no option `{}`", self.keyword(), part.to_str_lossy());
        Diagnostic::error("unknown-option", part.span(), message)
            .with_help(format!("the options are {known}"))
    }

    /// An error about the value.
    pub fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.value_span(), message)
    }
}
