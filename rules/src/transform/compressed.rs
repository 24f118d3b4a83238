//! Decompression.

use super::{MAX_OUTPUT, Transform};
use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::keyword::{Argument, Example, Keyword, MatchMemory};
use flate2::read::{GzDecoder, ZlibDecoder};
use std::io::Read;

/// The most bytes made without `max-size`.
const DEFAULT_SIZE: usize = 1024;

#[derive(Clone, Copy, Debug)]
enum Format {
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Zlib,
}

/// `gunzip` and `zlib_deflate`.
pub(crate) struct Decompress {
    name: &'static str,
    doc: &'static str,
    example: Example,
    refused: &'static [&'static str],
    format: Format,
}

pub(crate) static GUNZIP: Decompress = Decompress {
    name: "gunzip",
    doc: "Decompresses the buffer from gzip, up to `max-size n` bytes, 1024 unless given.",
    example: Example::field(
        r#"alert http any any -> any any (http.uri; gunzip; content:"test"; bsize:4; sid:1;)"#,
        "http.uri",
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x2b\x49\x2d\x2e\x01\0\x0c\x7e\x7f\xd8\x04\0\0\0",
        b"test",
    ),
    refused: &[
        r#"gunzip; content:"a""#,
        r#"http.uri; gunzip:max-size 0; content:"a""#,
        r#"http.uri; gunzip:max-size x; content:"a""#,
        r#"http.uri; gunzip:sideways; content:"a""#,
    ],
    format: Format::Gzip,
};

pub(crate) static ZLIB_DEFLATE: Decompress = Decompress {
    name: "zlib_deflate",
    doc: "Decompresses the buffer from zlib, up to `max-size n` bytes, 1024 unless given.",
    example: Example::field(
        r#"alert http any any -> any any (http.uri; zlib_deflate:max-size 3; content:"tes"; bsize:3; sid:1;)"#,
        "http.uri",
        b"\x78\x9c\x2b\x49\x2d\x2e\x01\0\x04\x5d\x01\xc1",
        b"tes",
    ),
    refused: &[r#"zlib_deflate; content:"a""#, r#"http.uri; zlib_deflate:max-size 0; content:"a""#],
    format: Format::Zlib,
};

impl Keyword for Decompress {
    fn name(&self) -> &'static str {
        self.name
    }

    fn doc(&self) -> &'static str {
        self.doc
    }

    fn examples(&self) -> Vec<Example> {
        vec![self.example]
    }

    fn refused(&self) -> &'static [&'static str] {
        self.refused
    }

    fn parse(&self, argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
        let mut max = DEFAULT_SIZE;
        if argument.optional().is_some() {
            for part in argument.parts()? {
                let number = argument
                    .after_word(&part, "max-size")
                    .ok_or_else(|| argument.unknown_part(&part, "max-size"))?;
                let number = number.to_str_lossy().parse().ok().filter(|n| (1..=MAX_OUTPUT).contains(n));
                max = number.ok_or_else(|| {
                    let message = format!("`max-size` is from 1 to {MAX_OUTPUT}");
                    Diagnostic::error("number-out-of-range", part.span(), message)
                })?;
            }
        }
        let transform = Decompressor { name: self.name, format: self.format, max, options: max.to_string() };
        draft.transform(Box::new(transform), argument.span())
    }
}

#[derive(Debug)]
struct Decompressor {
    name: &'static str,
    format: Format,
    max: usize,
    options: String,
}

impl Transform for Decompressor {
    fn name(&self) -> &'static str {
        self.name
    }

    fn apply(&self, input: &[u8], output: &mut Vec<u8>, _: &mut MatchMemory) {
        let limit = self.max as u64;
        // What came out before a fault stays.
        let _fault = match self.format {
            Format::Gzip => GzDecoder::new(input).take(limit).read_to_end(output),
            Format::Zlib => ZlibDecoder::new(input).take(limit).read_to_end(output),
        };
    }

    fn options(&self) -> &str {
        &self.options
    }
}
