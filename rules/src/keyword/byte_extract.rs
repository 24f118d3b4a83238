//! `byte_extract` and `byte_math`: give a number in the buffer a name, for later options.

use super::byte_read::{ByteRead, MAX_OFFSET, Operand, Options, literal};
use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, DraftStep};
use crate::inspect::{Cursor, Outcome, Resume, Step};
use crate::text::Text;

/// `byte_extract` (Suricata documentation: "Payload Keywords", byte_extract).
#[derive(Debug)]
pub(super) struct ByteExtract;

impl Keyword for ByteExtract {
    fn name(&self) -> &'static str {
        "byte_extract"
    }

    fn doc(&self) -> &'static str {
        "Reads a number out of the buffer and binds a name to it, for use where options after it take a number: \
         `bytes, offset, name` and then any of `relative`, `multiplier`, `big`, `little`, `string,hex|dec|oct`, \
         `dce`, `align`."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload(
                r#"alert tcp any any -> any any (byte_extract:1,0,skip; content:"ab"; distance:skip; within:2; sid:1;)"#,
                b"\x02xxab",
                b"\x01xxab",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (content:"n"; byte_extract:1,0,size,relative,string,dec,multiplier 2,align 4; isdataat:size; sid:1;)"#,
                b"n3xxxxxxx",
                b"n3xxxxxx",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "byte_extract",
            "byte_extract:1,0",
            "byte_extract:9,0,a",
            "byte_extract:1,x,a",
            "byte_extract:1,0,a,multiplier 0",
            "byte_extract:1,0,a,align 3",
            "byte_extract:1,0,7",
            "byte_extract:1,0,a,bitmask 0xf",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let [len, offset, name, words @ ..] = parts.as_slice() else {
            return Err(argument
                .error("missing-value", "`byte_extract` needs bytes, offset and a name")
                .with_help("write `byte_extract:2,0,length;`"));
        };
        let mut options = Options::default();
        let (mut multiplier, mut align) = (1, 1);
        for word in words {
            if let Some(number) = argument.after_word(word, "multiplier") {
                multiplier = literal(argument, &number, 1, MAX_OFFSET)?.unsigned_abs();
            } else if let Some(number) = argument.after_word(word, "align") {
                align = match number.as_bytes() {
                    b"2" => 2,
                    b"4" => 4,
                    _ => return Err(argument.error("bad-align", "`align` is 2 or 4")),
                };
            } else if argument.after_word(word, "bitmask").is_some() || !options.take(argument, word)? {
                return Err(argument.unknown_part(
                    word,
                    "relative, multiplier, big, little, string, hex, dec, oct, dce, align",
                ));
            }
        }
        let read = options.finish(argument, draft, len, offset, 1)?;
        let slot = bind(draft, name)?;
        let step = ByteExtractStep { read, multiplier, align, slot };
        draft.push_step(DraftStep::Other(Box::new(step), argument.span()));
        Ok(())
    }
}

/// The slot of a new name.
fn bind(draft: &mut Draft<'_>, name: &Text) -> Result<usize, Diagnostic> {
    let word = name.to_str_lossy();
    if !word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        let message = format!("`{word}` is no name for a variable");
        return Err(Diagnostic::error("bad-variable-name", name.span(), message)
            .with_help("a name begins with a letter"));
    }
    draft.bind_variable(&word, name.span())
}

#[derive(Debug)]
struct ByteExtractStep {
    read: ByteRead,
    multiplier: u64,
    align: u64,
    slot: usize,
}

impl Step for ByteExtractStep {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let Some(found) = self.read.read(cursor) else { return Outcome::Fails };
        let value = found.value.wrapping_mul(self.multiplier);
        cursor.scratch.variables[self.slot] = value.checked_next_multiple_of(self.align).unwrap_or(value);
        cursor.at = found.end;
        Outcome::Holds
    }

    fn relative(&self) -> bool {
        self.read.relative
    }

    fn explain(&self) -> String {
        let mut words = format!("variable {} is {}", self.slot, self.read);
        if self.multiplier != 1 {
            words.push_str(&format!(" times {}", self.multiplier));
        }
        if self.align != 1 {
            words.push_str(&format!(", up to a multiple of {}", self.align));
        }
        words
    }
}

/// `byte_math` (Suricata documentation: "Payload Keywords", byte_math).
#[derive(Debug)]
pub(super) struct ByteMath;

const MATH_WORDS: &str = "bytes, offset, oper, rvalue, result, relative, endian, string, dce, bitmask";

impl Keyword for ByteMath {
    fn name(&self) -> &'static str {
        "byte_math"
    }

    fn doc(&self) -> &'static str {
        "Reads a number out of the buffer, computes with it and binds a name to the result: `bytes n, offset n, oper \
         + - * / << >>, rvalue n, result name` and then any of `relative`, `endian big|little|dce`, \
         `string hex|dec|oct`, `dce`, `bitmask n`."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload(
                r#"alert tcp any any -> any any (byte_math:bytes 1, offset 0, oper -, rvalue 1, result skip; content:"ab"; distance:skip; within:2; sid:1;)"#,
                b"\x03xxab",
                b"\x02xxab",
            ),
            Example::payload(
                "alert tcp any any -> any any (byte_math:bytes 2, offset 0, oper <<, rvalue 1, result double, string dec; isdataat:double; sid:1;)",
                b"02xxx",
                b"02xx",
            ),
            Example::payload(
                "alert tcp any any -> any any (byte_extract:1,0,by; byte_math:bytes 1,offset 1,oper /,rvalue by,result part; byte_test:1,=,part,2; sid:1;)",
                b"\x02\x06\x03",
                b"\x00\x06\x03",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "byte_math",
            "byte_math:bytes 1, offset 0, oper +, rvalue 1",
            "byte_math:bytes 11, offset 0, oper +, rvalue 1, result a",
            "byte_math:bytes 1, offset 0, oper %, rvalue 1, result a",
            "byte_math:bytes 1, offset 0, oper +, rvalue b, result a",
            "byte_math:bytes 1, offset 0, oper +, rvalue 1, result a, endian middle",
            "byte_math:bytes 1, bytes 1, offset 0, oper +, rvalue 1, result a",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let mut options = Options::default();
        let mut named: [(&str, Option<Text>); 5] =
            [("bytes", None), ("offset", None), ("oper", None), ("rvalue", None), ("result", None)];
        for part in argument.parts()? {
            let place =
                named.iter_mut().find_map(|(word, place)| Some((argument.after_word(&part, word)?, place)));
            if let Some((value, place)) = place {
                if place.replace(value).is_some() {
                    return Err(Diagnostic::error("given-twice", part.span(), "this is given twice"));
                }
                continue;
            }
            let known = match (argument.after_word(&part, "endian"), argument.after_word(&part, "string")) {
                (Some(order), _) => {
                    matches!(order.as_bytes(), b"big" | b"little" | b"dce")
                        && options.take(argument, &order)?
                }
                (_, Some(base)) => {
                    matches!(base.as_bytes(), b"hex" | b"dec" | b"oct") && options.take(argument, &base)?
                }
                _ => options.take(argument, &part)?,
            };
            if !known {
                return Err(argument.unknown_part(&part, MATH_WORDS));
            }
        }
        let missing = named.iter().find(|(_, value)| value.is_none()).map(|(word, _)| *word);
        let [(_, Some(len)), (_, Some(offset)), (_, Some(operator)), (_, Some(rvalue)), (_, Some(result))] =
            named
        else {
            let message = format!("`byte_math` needs `{}`", missing.unwrap_or_default());
            return Err(argument
                .error("missing-value", message)
                .with_help(format!("its options are {MATH_WORDS}")));
        };
        let step = ByteMathStep {
            operation: operation(&operator)?,
            operand: Operand::parse(argument, &rvalue, u64::from(u32::MAX), draft)?,
            read: options.finish(argument, draft, &len, &offset, 1)?,
            slot: bind(draft, &result)?,
        };
        draft.push_step(DraftStep::Other(Box::new(step), argument.span()));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    ShiftLeft,
    ShiftRight,
}

fn operation(text: &Text) -> Result<Operation, Diagnostic> {
    Ok(match text.as_bytes() {
        b"+" => Operation::Add,
        b"-" => Operation::Subtract,
        b"*" => Operation::Multiply,
        b"/" => Operation::Divide,
        b"<<" => Operation::ShiftLeft,
        b">>" => Operation::ShiftRight,
        _ => {
            let message = format!("`{}` is no operator", text.to_str_lossy());
            return Err(Diagnostic::error("unknown-operator", text.span(), message)
                .with_help("the operators are + - * / << >>"));
        }
    })
}

#[derive(Debug)]
struct ByteMathStep {
    read: ByteRead,
    operation: Operation,
    operand: Operand,
    slot: usize,
}

impl ByteMathStep {
    /// In 64 bits without regard to overflow; nothing when divided by 0.
    fn compute(&self, left: u64, right: u64) -> Option<u64> {
        let shift = u32::try_from(right).unwrap_or(u32::MAX);
        Some(match self.operation {
            Operation::Add => left.wrapping_add(right),
            Operation::Subtract => left.wrapping_sub(right),
            Operation::Multiply => left.wrapping_mul(right),
            Operation::Divide => left.checked_div(right)?,
            Operation::ShiftLeft => left.checked_shl(shift).unwrap_or(0),
            Operation::ShiftRight => left.checked_shr(shift).unwrap_or(0),
        })
    }
}

impl Step for ByteMathStep {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let Some(found) = self.read.read(cursor) else { return Outcome::Fails };
        let Some(result) = self.compute(found.value, self.operand.value(cursor)) else {
            return Outcome::Fails;
        };
        cursor.scratch.variables[self.slot] = self.read.mask(result);
        cursor.at = found.end;
        Outcome::Holds
    }

    fn relative(&self) -> bool {
        self.read.relative
    }

    fn explain(&self) -> String {
        let operation = match self.operation {
            Operation::Add => "plus",
            Operation::Subtract => "minus",
            Operation::Multiply => "times",
            Operation::Divide => "divided by",
            Operation::ShiftLeft => "shifted left by",
            Operation::ShiftRight => "shifted right by",
        };
        format!("variable {} is {} {operation} {}", self.slot, self.read, self.operand)
    }
}
