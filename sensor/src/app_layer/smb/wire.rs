//! What messages of all versions are written in: little-endian numbers, ranges, and text.

/// The header of a NetBIOS packet (RFC 1002, section 4.3.1).
pub(super) const NBSS_LEN: usize = 4;
/// The header of a message of SMB 1 (MS-CIFS, section 2.2.3.1).
pub(super) const SMB1_LEN: usize = 32;
/// The header of a message of SMB 2 and 3 (MS-SMB2, section 2.2.1).
pub(super) const SMB2_LEN: usize = 64;

/// How encrypted messages begin, and how long the header before what is encrypted is (MS-SMB2, section 2.2.41).
pub(super) const SEALED: [u8; 4] = *b"\xfdSMB";
pub(super) const SEALED_LEN: usize = 52;

/// The longest name that is kept, of shares, files and users.
const MAX_TEXT: usize = 2048;

/// What a message is, told by its first four bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    Smb1,
    Smb2,
    /// Encrypted or compressed (MS-SMB2, sections 2.2.41 and 2.2.42).
    Sealed,
}

/// The first bytes of messages.
pub(super) const MAGICS: [([u8; 4], Form); 4] = [
    (*b"\xffSMB", Form::Smb1),
    (*b"\xfeSMB", Form::Smb2),
    (SEALED, Form::Sealed),
    (*b"\xfcSMB", Form::Sealed),
];

impl Form {
    pub(super) fn of(magic: [u8; 4]) -> Option<Self> {
        MAGICS.iter().find(|(known, _)| *known == magic).map(|&(_, form)| form)
    }
}

/// Data in a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bulk {
    /// Where they begin, from the message's start.
    pub(super) at: usize,
    pub(super) len: usize,
}

impl Bulk {
    /// As far as a message of `len` bytes holds them, and whether it holds all.
    pub(super) fn within(self, len: usize) -> (Self, bool) {
        let at = self.at.min(len);
        let held = self.len.min(len - at);
        (Self { at, len: held }, held == self.len)
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn range(bytes: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    bytes.get(at..)?.get(..len)
}

/// Text up to what ends it, a zero byte or in Unicode two, and what stands behind that.
pub(super) fn terminated(bytes: &[u8], unicode: bool) -> (&[u8], &[u8]) {
    let (end, width) = match unicode {
        true => (bytes.chunks_exact(2).position(|unit| unit == [0, 0]).map(|units| units * 2), 2),
        false => (memchr::memchr(0, bytes), 1),
    };
    match end {
        Some(end) => (&bytes[..end], &bytes[end + width..]),
        None => (bytes, &[]),
    }
}

/// Text as rules see it: without the zero bytes of UTF-16.
pub(super) fn text(bytes: &[u8]) -> Vec<u8> {
    let kept = bytes.iter().copied().filter(|&byte| byte != 0);
    kept.take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_zeros() {
        assert_eq!(terminated(b"ab\0cd", false), (&b"ab"[..], &b"cd"[..]));
        assert_eq!(terminated(b"a\0b\0\0\0c\0", true), (&b"a\0b\0"[..], &b"c\0"[..]));
        assert_eq!(terminated(b"ab", false), (&b"ab"[..], &b""[..]));
        assert_eq!(text(b"I\0P\0C\0$\0"), b"IPC$");
        assert_eq!(text(&[b'x'; 9000]).len(), MAX_TEXT);
    }

    #[test]
    fn data_end_with_their_message() {
        let inside = |at, len| {
            let (bulk, fits) = Bulk { at, len }.within(100);
            (bulk.at, bulk.len, fits)
        };
        assert_eq!(inside(60, 40), (60, 40, true));
        assert_eq!(inside(60, 41), (60, 40, false));
        assert_eq!(inside(200, 1), (100, 0, false));
    }
}
