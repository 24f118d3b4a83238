//! Compressed captures: told by their magic numbers, unpacked as they are read.

use std::fmt;
use std::io::{self, BufReader, Read};

/// Compressed bytes fetched at a time.
const INPUT_BYTES: usize = 256 << 10;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compression {
    /// gzip (RFC 1952), of one member or several.
    Gzip,
    /// Zstandard (RFC 8878), of one frame or several.
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

impl Compression {
    /// By the first bytes of a file.
    pub(super) fn detect(beginning: &[u8]) -> Option<Self> {
        match beginning {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            // A frame, or the skippable frame with which parallel compressors begin.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// A reader of the decompressed bytes, with bounded memory whatever the input says.
    pub(super) fn decoder(
        self,
        input: impl Read + Send + 'static,
        zstd_window_log: u32,
    ) -> io::Result<Box<dyn Read + Send>> {
        let input = BufReader::with_capacity(INPUT_BYTES, input);
        Ok(match self {
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                decoder.window_log_max(zstd_window_log)?;
                Box::new(decoder)
            }
        })
    }
}
