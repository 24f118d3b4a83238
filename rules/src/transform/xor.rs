//! `xor`.

use super::Transform;
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::keyword::{Argument, Example, Keyword, MatchMemory};

/// The longest key, in bytes.
const MAX_KEY: usize = 255;

/// `xor` (Suricata documentation: "Transformations", xor).
#[derive(Debug)]
pub(crate) struct XorKeyword;

impl Keyword for XorKeyword {
    fn name(&self) -> &'static str {
        "xor"
    }

    fn doc(&self) -> &'static str {
        "Combines the buffer with a key by exclusive or; the key is in hexadecimal and repeats."
    }

    fn examples(&self) -> Vec<Example> {
        vec![Example::field(
            r#"alert http any any -> any any (http.uri; xor:"0102"; content:"abc"; sid:1;)"#,
            "http.uri",
            b"``b",
            b"```",
        )]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            r#"xor:"01"; content:"a""#,
            r#"http.uri; xor; content:"a""#,
            r#"http.uri; xor:"1"; content:"a""#,
            r#"http.uri; xor:"1g"; content:"a""#,
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let options = argument.string()?;
        let digits: Option<Vec<u8>> = options
            .chars()
            .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        let digits = digits.filter(|digits| digits.len() % 2 == 0 && digits.len() <= 2 * MAX_KEY);
        let digits = digits.ok_or_else(|| {
            argument
                .error("bad-key", format!("the key is not up to {MAX_KEY} bytes in hexadecimal"))
                .with_help("write two digits for each byte, such as `0d0ac8ff`")
        })?;
        let key = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        draft.transform(Box::new(Xor { key, options }), argument.span())
    }
}

#[derive(Debug)]
struct Xor {
    key: Vec<u8>,
    options: String,
}

impl Transform for Xor {
    fn name(&self) -> &'static str {
        "xor"
    }

    fn apply(&self, input: &[u8], output: &mut Vec<u8>, _: &mut MatchMemory) {
        output.extend(input.iter().zip(self.key.iter().cycle()).map(|(byte, key)| byte ^ key));
    }

    fn options(&self) -> &str {
        &self.options
    }
}
