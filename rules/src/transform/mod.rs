//! What can be done to a buffer before it is looked at (Suricata documentation: "Transformations").
//!
//! A transform is also a keyword: one row, in this module's files, that appends it to the selected buffer's.

mod base64;
mod compressed;
mod digest;
mod http_header;
mod pcre;
mod slice;
mod text;
mod xor;

pub(crate) use base64::FromBase64;
pub(crate) use compressed::{GUNZIP, ZLIB_DEFLATE};
pub(crate) use digest::{TO_MD5, TO_SHA1, TO_SHA256};
pub(crate) use http_header::{HEADER_LOWERCASE, STRIP_PSEUDO_HEADERS};
pub(crate) use pcre::PcreTransform;
pub(crate) use slice::{DOMAIN, Subslice, TLD};
pub(crate) use text::{
    COMPRESS_WHITESPACE, DOTPREFIX, STRIP_WHITESPACE, TO_LOWERCASE, TO_UPPERCASE, URL_DECODE,
};
pub(crate) use xor::XorKeyword;

use crate::diagnostic::Diagnostic;
use crate::draft::Draft;
use crate::keyword::{Argument, Example, Keyword, MatchMemory};
use std::fmt;

/// A change of a buffer's bytes.
pub trait Transform: fmt::Debug + Send + Sync {
    /// The keyword.
    fn name(&self) -> &'static str;

    /// Writes the changed `input` to `output`, which is empty.
    fn apply(&self, input: &[u8], output: &mut Vec<u8>, matches: &mut MatchMemory);

    /// Whether two transforms change every input alike, so that one result serves both.
    fn same(&self, other: &dyn Transform) -> bool {
        self.name() == other.name() && self.options() == other.options()
    }

    /// The transform's options as written, empty without any.
    fn options(&self) -> &str {
        ""
    }
}

/// The most bytes a transform may make of one buffer; what is beyond is cut off.
pub const MAX_OUTPUT: usize = 1 << 20;

/// A change that knows no options: writes the changed input to the output, which is empty.
type Change = fn(&[u8], &mut Vec<u8>);

/// A transform without options, and its keyword.
pub(crate) struct Plain {
    name: &'static str,
    doc: &'static str,
    example: Example,
    refused: &'static [&'static str],
    change: Change,
}

/// Declares a [`Plain`] transform: an example's content, and values of `http.uri` that hit and miss.
macro_rules! plain {
    ($row:ident, $name:literal, $change:expr, $doc:literal, $content:literal, $hits:expr, $misses:expr) => {
        pub(crate) static $row: $crate::transform::Plain = $crate::transform::Plain {
            name: $name,
            doc: $doc,
            example: $crate::keyword::Example::field(
                concat!(
                    "alert http any any -> any any (http.uri; ",
                    $name,
                    "; content:\"",
                    $content,
                    "\"; sid:1;)"
                ),
                "http.uri",
                $hits,
                $misses,
            ),
            refused: &[
                concat!($name, "; content:\"a\""),
                concat!("http.uri; ", $name, ":1; content:\"a\""),
                concat!("http.uri; ", $name),
            ],
            change: $change,
        };
    };
}
pub(crate) use plain;

impl Keyword for Plain {
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
        argument.none()?;
        let transform = PlainTransform { name: self.name, change: self.change };
        draft.transform(Box::new(transform), argument.span())
    }
}

struct PlainTransform {
    name: &'static str,
    change: Change,
}

impl fmt::Debug for PlainTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Transform for PlainTransform {
    fn name(&self) -> &'static str {
        self.name
    }

    fn apply(&self, input: &[u8], output: &mut Vec<u8>, _: &mut MatchMemory) {
        (self.change)(input, output);
    }
}
