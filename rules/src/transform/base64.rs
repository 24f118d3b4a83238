//! `from_base64`.

use super::Transform;
use crate::base64::{Mode, decode};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::keyword::{Argument, Example, Keyword, MatchMemory};

/// The most bytes that an option may speak of, as in Suricata.
const MAX: usize = 65_535;

/// `from_base64` (Suricata documentation: "Transformations", from_base64).
#[derive(Debug)]
pub(crate) struct FromBase64;

impl Keyword for FromBase64 {
    fn name(&self) -> &'static str {
        "from_base64"
    }

    fn doc(&self) -> &'static str {
        "Decodes the buffer from base64: `bytes n` of it, after `offset n`, `mode rfc4648` (other characters end it), \
         `rfc2045` (they are passed over) or `strict` (they spoil it)."
    }

    fn examples(&self) -> Vec<Example> {
        vec![
            Example::field(
                r#"alert http any any -> any any (http.uri; content:"="; from_base64:offset 3; content:"test"; bsize:4; sid:1;)"#,
                "http.uri",
                b"/a=dGVzdA==",
                b"/ab=dGVzdA==",
            ),
            Example::field(
                r#"alert http any any -> any any (http.uri; from_base64:mode rfc2045, bytes 6; content:"tes"; bsize:3; sid:1;)"#,
                "http.uri",
                b"d G Vz dA==",
                b"d G V zdA==",
            ),
        ]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            r#"from_base64; content:"a""#,
            r#"http.uri; from_base64:offset 65536; content:"a""#,
            r#"http.uri; from_base64:mode loose; content:"a""#,
            r#"http.uri; from_base64:sideways; content:"a""#,
        ]
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let mut transform = Decoder { bytes: None, offset: 0, mode: Mode::Rfc4648, options: String::new() };
        if argument.optional().is_some() {
            transform.options = argument.string()?;
            for part in argument.parts()? {
                let number = |word| {
                    let text = argument.after_word(&part, word)?;
                    let number = text.to_str_lossy().parse().ok().filter(|&n: &usize| n <= MAX);
                    Some(number.ok_or_else(|| {
                        let message = format!("`{word}` is a number up to {MAX}");
                        Diagnostic::error("number-out-of-range", part.span(), message)
                    }))
                };
                let mode = argument.after_word(&part, "mode");
                match (number("bytes"), number("offset"), mode.as_ref().map(|mode| mode.as_bytes())) {
                    (Some(bytes), ..) => transform.bytes = Some(bytes?),
                    (_, Some(offset), _) => transform.offset = offset?,
                    (.., Some(b"rfc4648")) => transform.mode = Mode::Rfc4648,
                    (.., Some(b"rfc2045")) => transform.mode = Mode::Rfc2045,
                    (.., Some(b"strict")) => transform.mode = Mode::Strict,
                    _ => {
                        return Err(
                            argument.unknown_part(&part, "bytes, offset, mode rfc4648|rfc2045|strict")
                        );
                    }
                }
            }
        }
        draft.transform(Box::new(transform), argument.span())
    }
}

#[derive(Debug)]
struct Decoder {
    bytes: Option<usize>,
    offset: usize,
    mode: Mode,
    options: String,
}

impl Transform for Decoder {
    fn name(&self) -> &'static str {
        "from_base64"
    }

    fn apply(&self, input: &[u8], output: &mut Vec<u8>, _: &mut MatchMemory) {
        let encoded = input.get(self.offset..).unwrap_or_default();
        let encoded = self.bytes.and_then(|bytes| encoded.get(..bytes)).unwrap_or(encoded);
        decode(encoded, self.mode, output);
    }

    fn options(&self) -> &str {
        &self.options
    }
}
