//! `entropy`: how much like noise a buffer is.

use super::{Argument, Example, Keyword};
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, DraftStep};
use crate::inspect::{Cursor, Outcome, Resume, Step};
use std::fmt;

/// `entropy` (Suricata documentation: "Payload Keywords", entropy).
#[derive(Debug)]
pub(super) struct Entropy;

impl Keyword for Entropy {
    fn name(&self) -> &'static str {
        "entropy"
    }

    fn doc(&self) -> &'static str {
        "The Shannon entropy of the buffer's bytes, from 0 to 8 bits a byte: `value < 4.5`, with `bytes n` and \
         `offset n` of a part of it. Operators are = != < <= > >=, and `x-y` and `!x-y`, both bounds left out."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::payload("alert tcp any any -> any any (entropy:value >= 2; sid:1;)", b"abcd", b"aabb"),
            Example::payload(
                "alert tcp any any -> any any (entropy:bytes 2, offset 1, value 0; sid:1;)",
                b"abba",
                b"aabb",
            ),
            Example::payload(
                "alert tcp any any -> any any (entropy:value 0.5-1.5; sid:1;)",
                b"aabb",
                b"abcd",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "entropy",
            "entropy:value > 9",
            "entropy:value x",
            "entropy:bytes 4",
            "entropy:value 3, value 4",
            "entropy:value 5-3",
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let (mut bytes, mut offset, mut form) = (0, 0, None);
        for part in argument.parts()? {
            let number = |word| {
                let text = argument.after_word(&part, word)?;
                Some(text.to_str_lossy().parse::<usize>().map_err(|_| {
                    Diagnostic::error("bad-number", part.span(), format!("`{word}` is a number of bytes"))
                }))
            };
            if let Some(number) = number("bytes") {
                bytes = number?;
            } else if let Some(number) = number("offset") {
                offset = number?;
            } else {
                let text = argument.after_word(&part, "value").unwrap_or_else(|| part.clone());
                let fault = || {
                    Diagnostic::error("bad-entropy", part.span(), "this compares with no number from 0 to 8")
                        .with_help("write `value > 4.5` or `value 4-6`, once")
                };
                if form.replace(Form::parse(&text.to_str_lossy()).ok_or_else(fault)?).is_some() {
                    return Err(fault());
                }
            }
        }
        let form =
            form.ok_or_else(|| argument.error("missing-value", "`entropy` needs a `value` to compare with"))?;
        draft.push_step(DraftStep::Other(Box::new(EntropyStep { bytes, offset, form }), argument.span()));
        Ok(())
    }
}

/// What to compare with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Equal(f64),
    NotEqual(f64),
    Less(f64),
    LessOrEqual(f64),
    Greater(f64),
    GreaterOrEqual(f64),
    Between(f64, f64),
    NotBetween(f64, f64),
}

/// Entropies nearer to each other than this are the same.
const TOLERANCE: f64 = 1e-6;

impl Form {
    fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|value| (0.0..=8.0).contains(value));
        if let Some((low, high)) = text.split_once('-') {
            let (negated, low) = low.trim().strip_prefix('!').map_or((false, low), |low| (true, low));
            let (low, high) = (number(low)?, number(high)?);
            return match low < high {
                false => None,
                true if negated => Some(Self::NotBetween(low, high)),
                true => Some(Self::Between(low, high)),
            };
        }
        type Make = fn(f64) -> Form;
        let forms: [(&str, Make); 8] = [
            ("<=", Self::LessOrEqual),
            (">=", Self::GreaterOrEqual),
            ("!=", Self::NotEqual),
            ("!", Self::NotEqual),
            ("<", Self::Less),
            (">", Self::Greater),
            ("=", Self::Equal),
            ("", Self::Equal),
        ];
        let text = text.trim();
        let (make, rest) =
            forms.into_iter().find_map(|(sign, make)| Some((make, text.strip_prefix(sign)?)))?;
        number(rest).map(make)
    }

    fn holds(self, value: f64) -> bool {
        let same = |other: f64| (value - other).abs() < TOLERANCE;
        match self {
            Self::Equal(wanted) => same(wanted),
            Self::NotEqual(wanted) => !same(wanted),
            Self::Less(bound) => value < bound,
            Self::LessOrEqual(bound) => value <= bound,
            Self::Greater(bound) => value > bound,
            Self::GreaterOrEqual(bound) => value >= bound,
            Self::Between(low, high) => low < value && value < high,
            Self::NotBetween(low, high) => value <= low || high <= value,
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(value) => write!(f, "{value}"),
            Self::NotEqual(value) => write!(f, "other than {value}"),
            Self::Less(bound) => write!(f, "less than {bound}"),
            Self::LessOrEqual(bound) => write!(f, "at most {bound}"),
            Self::Greater(bound) => write!(f, "more than {bound}"),
            Self::GreaterOrEqual(bound) => write!(f, "at least {bound}"),
            Self::Between(low, high) => write!(f, "between {low} and {high}"),
            Self::NotBetween(low, high) => write!(f, "at most {low} or at least {high}"),
        }
    }
}

#[derive(Debug)]
struct EntropyStep {
    /// 0 for all there are.
    bytes: usize,
    offset: usize,
    form: Form,
}

impl Step for EntropyStep {
    fn check(&self, cursor: &mut Cursor<'_>, _: Option<Resume>) -> Outcome {
        let Some(bytes) = cursor.bytes.get(self.offset..) else { return Outcome::FailsForGood };
        let bytes = match self.bytes {
            0 => bytes,
            len => bytes.get(..len).unwrap_or(bytes),
        };
        if !bytes.is_empty() && self.form.holds(shannon(bytes)) {
            Outcome::Holds
        } else {
            Outcome::FailsForGood
        }
    }

    fn explain(&self) -> String {
        format!("has an entropy {} bits a byte", self.form)
    }
}

/// Bits of information in a byte on average (Shannon, "A Mathematical Theory of Communication", §6).
fn shannon(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    let len = bytes.len() as f64;
    let shares = counts.iter().filter(|&&count| count > 0).map(|&count| f64::from(count) / len);
    shares.map(|share| -share * share.log2()).sum()
}
