//! Where a body ends: at a length, at the end of the connection, or in chunks (RFC 9112, sections 6 and 7).

/// The largest chunk that is believed.
const MAX_CHUNK: u64 = i32::MAX as u64;

/// How a body goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Framing {
    /// With that many bytes.
    Length(u64),
    /// Up to the end of the connection.
    UntilEnd,
    /// With a line that tells the length of a chunk.
    ChunkLine,
    /// With that many bytes of a chunk.
    Chunk(u64),
    /// With the rest of the line behind a chunk.
    ChunkEnd,
}

/// What a line before a chunk says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct ChunkLine {
    /// Bytes of the chunk; none of the last one.
    pub(super) len: u64,
    /// Whether an extension follows, behind a semicolon.
    pub(super) extension: bool,
}

impl ChunkLine {
    /// Reads a line that begins with its first digit. Anything may stand behind the digits. Nothing where the length
    /// is too large to be one, or there is none.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let end = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
        let (digits, rest) = line.split_at(end);
        let len = digits.iter().try_fold(0u64, |len, &byte| {
            let digit = (byte as char).to_digit(16)?;
            Some((len << 4) | u64::from(digit)).filter(|&len| len <= MAX_CHUNK)
        })?;
        (end > 0).then_some(Self { len, extension: memchr::memchr(b';', rest).is_some() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunk_lines() {
        let plain = |len| Some(ChunkLine { len, extension: false });
        for (line, expected) in [
            ("5\r\n", plain(5)),
            ("1A\n", plain(26)),
            ("0f x\r\n", plain(15)),
            ("fx\r\n", plain(15)),
            ("00000000000000000000\r\n", plain(0)),
            ("5 ; foo=bar\r\n", Some(ChunkLine { len: 5, extension: true })),
            ("X5O!\r\n", None),
            ("80000000\r\n", None),
            ("fffffffffffffffffffffffff\r\n", None),
        ] {
            assert_eq!(ChunkLine::parse(line.as_bytes()), expected, "{line:?}");
        }
    }
}
