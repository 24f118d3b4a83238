//! `byte_test`: compares a number in the buffer.

use super::byte_read::{ByteRead, Operand, Options};
use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, DraftStep};
use crate::inspect::{Cursor, Outcome, Resume, Step};
use crate::text::Text;

/// `byte_test` (Suricata documentation: "Payload Keywords", byte_test).
#[derive(Debug)]
pub(super) struct ByteTest;

impl Keyword for ByteTest {
    fn name(&self) -> &'static str {
        "byte_test"
    }

    fn doc(&self) -> &'static str {
        "Reads a number out of the buffer and compares it: `bytes, [!]operator, value, offset` and then any of \
         `relative`, `big`, `little`, `string,hex|dec|oct`, `dce`, `bitmask`. Operators are < > = <= >= & ^."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload(
                "alert tcp any any -> any any (byte_test:2,>,256,1; sid:1;)",
                b"x\x01\x01",
                b"x\x01\x00",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (content:"len="; byte_test:3,<=,100,0,relative,string,dec; sid:1;)"#,
                b"len=100",
                b"len=101",
            ),
            Example::payload(
                "alert tcp any any -> any any (byte_test:0,>,4000,0,string,dec; sid:1;)",
                b"4001\r\n",
                b"4000\r\n",
            ),
            Example::payload(
                "alert tcp any any -> any any (byte_test:1,!&,0x80,0; sid:1;)",
                b"\x7f",
                b"\x80",
            ),
            Example::payload(
                "alert tcp any any -> any any (byte_test:2,=,3,0,little,bitmask 0x0ff0; sid:1;)",
                b"\x3f\xf0",
                b"\x4f\x00",
            ),
            Example::payload(
                "alert tcp any any -> any any (byte_extract:1,0,size; byte_test:1,=,size,1; sid:1;)",
                b"\x02\x02",
                b"\x02\x03",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "byte_test",
            "byte_test:1,=,1",
            "byte_test:9,=,1,0",
            "byte_test:24,=,1,0,string,dec",
            "byte_test:1,~,1,0",
            "byte_test:1,=,unbound,0",
            "byte_test:1,=,1,70000",
            "byte_test:1,=,1,0,sideways",
            "byte_test:1,=,1,0,big,little",
            "byte_test:1,=,1,0,dce,little",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let [len, operator, value, offset, words @ ..] = parts.as_slice() else {
            return Err(argument
                .error("missing-value", "`byte_test` needs bytes, operator, value and offset")
                .with_help("write `byte_test:2,>,100,0;`"));
        };
        let (comparison, negated) = comparison(operator)?;
        let value = Operand::parse(argument, value, u64::MAX, draft)?;
        let mut options = Options::default();
        for word in words {
            if !options.take(argument, word)? {
                return Err(
                    argument.unknown_part(word, "relative, big, little, string, hex, dec, oct, dce, bitmask")
                );
            }
        }
        let read = options.finish(argument, draft, len, offset, 1)?;
        let step = ByteTestStep { read, comparison, negated, value };
        draft.push_step(DraftStep::Other(Box::new(step), argument.span()));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Comparison {
    Less,
    Greater,
    Equal,
    LessOrEqual,
    GreaterOrEqual,
    AnyBit,
    OtherBit,
}

fn comparison(text: &Text) -> Result<(Comparison, bool), Diagnostic> {
    let (negated, operator) = match text.strip_prefix(b"!") {
        Some(rest) => (true, rest.trim_ascii()),
        None => (false, text.as_bytes()),
    };
    let comparison = match operator {
        b"<" => Comparison::Less,
        b">" => Comparison::Greater,
        b"=" => Comparison::Equal,
        b"" if negated => Comparison::Equal,
        b"<=" => Comparison::LessOrEqual,
        b">=" => Comparison::GreaterOrEqual,
        b"&" => Comparison::AnyBit,
        b"^" => Comparison::OtherBit,
        _ => {
            let message = format!("`{}` is no operator", text.to_str_lossy());
            return Err(Diagnostic::error("unknown-operator", text.span(), message)
                .with_help("the operators are < > = <= >= & ^, each also with `!` before it"));
        }
    };
    Ok((comparison, negated))
}

#[derive(Debug)]
struct ByteTestStep {
    read: ByteRead,
    comparison: Comparison,
    negated: bool,
    value: Operand,
}

impl Step for ByteTestStep {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let Some(found) = self.read.read(cursor) else { return Outcome::Fails };
        let (found, wanted) = (self.read.mask(found.value), self.value.value(cursor));
        let holds = match self.comparison {
            Comparison::Less => found < wanted,
            Comparison::Greater => found > wanted,
            Comparison::Equal => found == wanted,
            Comparison::LessOrEqual => found <= wanted,
            Comparison::GreaterOrEqual => found >= wanted,
            Comparison::AnyBit => found & wanted != 0,
            Comparison::OtherBit => found ^ wanted != 0,
        };
        if holds != self.negated { Outcome::Holds } else { Outcome::Fails }
    }

    fn relative(&self) -> bool {
        self.read.relative
    }

    fn explain(&self) -> String {
        let verb = match self.comparison {
            Comparison::Less => "is less than",
            Comparison::Greater => "is more than",
            Comparison::Equal => "equals",
            Comparison::LessOrEqual => "is at most",
            Comparison::GreaterOrEqual => "is at least",
            Comparison::AnyBit => "has a bit of",
            Comparison::OtherBit => "has a bit other than in",
        };
        let not = if self.negated { "it is not so that " } else { "" };
        format!("{not}{} {verb} {}", self.read, self.value)
    }
}
