//! `byte_jump`: goes on as far ahead as a number in the buffer says.

use super::byte_read::{ByteRead, MAX_OFFSET, Options, literal};
use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, DraftStep};
use crate::inspect::{Cursor, Outcome, Resume, Step};

/// `byte_jump` (Suricata documentation: "Payload Keywords", byte_jump).
#[derive(Debug)]
pub(super) struct ByteJump;

impl Keyword for ByteJump {
    fn name(&self) -> &'static str {
        "byte_jump"
    }

    fn doc(&self) -> &'static str {
        "Reads a number out of the buffer and moves that far ahead: `bytes, offset` and then any of `relative`, \
         `multiplier`, `big`, `little`, `string,hex|dec|oct`, `dce`, `align`, `from_beginning`, `from_end`, \
         `post_offset`, `bitmask`. What follows can be relative to where it lands."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload(
                r#"alert tcp any any -> any any (byte_jump:1,0; content:"ab"; distance:0; within:2; sid:1;)"#,
                b"\x02xxab",
                b"\x01xxab",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (byte_jump:1,0,from_beginning,post_offset -1; content:"ab"; distance:0; within:2; sid:1;)"#,
                b"\x03xab",
                b"\x02xab",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (byte_jump:0,0,from_end,post_offset -2; content:"ab"; distance:0; within:2; sid:1;)"#,
                b"xxab",
                b"xabx",
            ),
            Example::payload(
                r#"alert tcp any any -> any any (content:"n"; byte_jump:1,0,relative,string,dec,multiplier 2,align; isdataat:!1,relative; sid:1;)"#,
                b"n3........",
                b"n3........x",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "byte_jump",
            "byte_jump:1",
            "byte_jump:9,0",
            "byte_jump:1,0,multiplier 0",
            "byte_jump:1,0,from_beginning,from_end",
            "byte_jump:1,0,post_offset x",
            "byte_jump:1,0,sideways",
            "byte_jump:unbound,0",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let parts = argument.parts()?;
        let [len, offset, words @ ..] = parts.as_slice() else {
            return Err(argument
                .error("missing-value", "`byte_jump` needs bytes and offset")
                .with_help("write `byte_jump:2,0;`"));
        };
        let mut options = Options::default();
        let (mut from, mut multiplier, mut align, mut post_offset) = (From::Here, 1, false, 0);
        for word in words {
            match word.as_bytes() {
                b"align" => align = true,
                b"from_beginning" if from != From::End => from = From::Beginning,
                b"from_end" if from != From::Beginning => from = From::End,
                _ => {
                    if let Some(number) = argument.after_word(word, "multiplier") {
                        multiplier = literal(argument, &number, 1, MAX_OFFSET)?;
                    } else if let Some(number) = argument.after_word(word, "post_offset") {
                        post_offset = literal(argument, &number, -MAX_OFFSET, MAX_OFFSET)?;
                    } else if !options.take(argument, word)? {
                        return Err(argument.unknown_part(
                            word,
                            "relative, multiplier, big, little, string, hex, dec, oct, dce, align, post_offset, \
                             bitmask, and one of from_beginning and from_end",
                        ));
                    }
                }
            }
        }
        // Reading nothing is a jump by the offsets alone.
        let read = options.finish(argument, draft, len, offset, 0)?;
        let step = ByteJumpStep { read, from, multiplier, align, post_offset };
        draft.push_step(DraftStep::Other(Box::new(step), argument.span()));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum From {
    /// After the number.
    Here,
    Beginning,
    End,
}

#[derive(Debug)]
struct ByteJumpStep {
    read: ByteRead,
    from: From,
    multiplier: i64,
    align: bool,
    post_offset: i64,
}

impl ByteJumpStep {
    /// Where the jump lands; nothing outside of the buffer.
    fn land(&self, cursor: &Cursor<'_>) -> Option<usize> {
        let found = self.read.read(cursor)?;
        let mut distance = i64::try_from(self.read.mask(found.value)).ok()?.checked_mul(self.multiplier)?;
        if self.align {
            distance = distance.checked_add(3)? & !3;
        }
        let base = match self.from {
            From::Here => found.end,
            From::Beginning => 0,
            From::End => cursor.bytes.len(),
        };
        let target = i64::try_from(base).ok()?.checked_add(distance)?.checked_add(self.post_offset)?;
        usize::try_from(target).ok().filter(|&target| target <= cursor.bytes.len())
    }
}

impl Step for ByteJumpStep {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        match self.land(cursor) {
            Some(target) => {
                cursor.at = target;
                Outcome::Holds
            }
            None => Outcome::Fails,
        }
    }

    fn relative(&self) -> bool {
        self.read.relative
    }

    fn explain(&self) -> String {
        let from = match self.from {
            From::Here => "from there",
            From::Beginning => "from the beginning",
            From::End => "from the end",
        };
        let mut words = format!("jumps {from} by {}", self.read);
        if self.multiplier != 1 {
            words.push_str(&format!(" times {}", self.multiplier));
        }
        if self.align {
            words.push_str(", up to a multiple of 4");
        }
        if self.post_offset != 0 {
            words.push_str(&format!(", then by {}", self.post_offset));
        }
        words
    }
}
