//! Frames (RFC 9113, sections 4.1 and 6).

/// The length of a frame's header.
pub(super) const HEADER_LEN: usize = 9;
/// The preface of a client (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Nothing more comes in this direction of the stream.
pub(super) const END_STREAM: u8 = 0x01;
/// The header block ends with this frame.
pub(super) const END_HEADERS: u8 = 0x04;
/// Padding follows, its length stands before the payload.
pub(super) const PADDED: u8 = 0x08;
/// A priority stands before the header block.
pub(super) const PRIORITISED: u8 = 0x20;

/// What a frame is; types that nobody has defined have none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Kind {
    Data = 0,
    Headers,
    Priority,
    RstStream,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::Data,
        Self::Headers,
        Self::Priority,
        Self::RstStream,
        Self::Settings,
        Self::PushPromise,
        Self::Ping,
        Self::GoAway,
        Self::WindowUpdate,
        Self::Continuation,
    ];

    /// Whether such frames may be about the whole connection.
    pub(super) const fn is_of_connection(self) -> bool {
        matches!(self, Self::Settings | Self::Ping | Self::GoAway | Self::WindowUpdate)
    }
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Frame {
    /// Bytes of the payload.
    pub(super) len: u32,
    /// The type.
    pub(super) number: u8,
    pub(super) flags: u8,
    /// The bit before the stream's number, which is reserved.
    pub(super) reserved: bool,
    /// The stream; 0 is the connection.
    pub(super) stream: u32,
}

impl Frame {
    /// Reads the header that bytes begin with.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, number, flags, ref stream @ ..] = bytes.first_chunk::<HEADER_LEN>()?;
        let (reserved, stream) = number_and_bit(stream)?;
        Some(Self { len: u32::from_be_bytes([0, a, b, c]), number, flags, reserved, stream })
    }

    /// What it is, if it is known.
    pub(super) fn kind(&self) -> Option<Kind> {
        Kind::ALL.get(usize::from(self.number)).copied()
    }

    /// Whether a flag is set.
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// The number of 31 bits that bytes begin with, behind the bit before it.
pub(super) fn number_and_bit(bytes: &[u8]) -> Option<(bool, u32)> {
    let word = u32::from_be_bytes(*bytes.first_chunk()?);
    Some((word >> 31 != 0, word & (u32::MAX >> 1)))
}

/// The settings of a payload: identifiers with their values (RFC 9113, section 6.5.1). What is left of an incomplete
/// one is passed over.
pub(super) fn settings(payload: &[u8]) -> impl Iterator<Item = (u16, u32)> + '_ {
    let (settings, _) = payload.as_chunks::<6>();
    settings.iter().map(|&[a, b, c, d, e, f]| (u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f])))
}

/// The header block in the payload of a HEADERS frame, with the weight of the priority before it; nothing where padding
/// or priority do not fit.
pub(super) fn headers(flags: u8, payload: &[u8]) -> Option<(Option<u8>, &[u8])> {
    let block = without_padding(flags, payload)?;
    if flags & PRIORITISED == 0 {
        return Some((None, block));
    }
    let (priority, block) = block.split_first_chunk::<5>()?;
    Some((Some(priority[4]), block))
}

/// The stream that a PUSH_PROMISE frame promises, with its header block; nothing where they do not fit.
pub(super) fn push_promise(flags: u8, payload: &[u8]) -> Option<(u32, &[u8])> {
    let promise = without_padding(flags, payload)?;
    let (_, stream) = number_and_bit(promise)?;
    Some((stream, &promise[4..]))
}

fn without_padding(flags: u8, payload: &[u8]) -> Option<&[u8]> {
    if flags & PADDED == 0 {
        return Some(payload);
    }
    let (&padding, rest) = payload.split_first()?;
    rest.get(..rest.len().checked_sub(usize::from(padding))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_frames() {
        let frame = Frame::read(&[0, 1, 2, 9, 4, 0x80, 0, 0, 7]).unwrap();
        assert_eq!(frame, Frame { len: 258, number: 9, flags: END_HEADERS, reserved: true, stream: 7 });
        assert_eq!(
            (frame.kind(), frame.has(END_HEADERS), frame.has(PADDED)),
            (Some(Kind::Continuation), true, false)
        );
        assert_eq!(Frame::read(&[0; 8]), None);
        assert_eq!(Frame::read(&[0, 0, 0, 10, 0, 0, 0, 0, 0]).unwrap().kind(), None);
        assert!(Kind::ALL.iter().enumerate().all(|(at, &kind)| kind as usize == at));
    }

    #[test]
    fn what_stands_before_and_behind_a_block() {
        assert_eq!(headers(0, b"block"), Some((None, &b"block"[..])));
        assert_eq!(
            headers(PADDED | PRIORITISED, b"\x02\x80\0\0\x03\x0fblock\0\0"),
            Some((Some(15), &b"block"[..]))
        );
        assert_eq!(headers(PADDED, b"\x05block"), Some((None, &b""[..])));
        assert_eq!(
            (headers(PADDED, b"\x06block"), headers(PADDED, b""), headers(PRIORITISED, b"1234")),
            (None, None, None)
        );
        assert_eq!(push_promise(0, b"\x80\0\0\x02block"), Some((2, &b"block"[..])));
        assert_eq!(push_promise(0, b"\0\0"), None);
    }

    #[test]
    fn settings_have_six_bytes() {
        let read: Vec<_> = settings(b"\0\x01\0\0\x10\0\0\x09\xff\xff\xff\xff\0").collect();
        assert_eq!(read, [(1, 4096), (9, u32::MAX)]);
    }
}
