//! What records and messages of TLS are made of (RFC 8446, RFC 5246).

/// Types of records (RFC 8446, section 5.1; RFC 6520, section 2).
pub(super) mod content {
    pub(in super::super) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(in super::super) const ALERT: u8 = 21;
    pub(in super::super) const HANDSHAKE: u8 = 22;
    pub(in super::super) const APPLICATION_DATA: u8 = 23;
    pub(in super::super) const HEARTBEAT: u8 = 24;
}

/// Types of messages of the handshake (RFC 8446, section 4; RFC 5246, section 7.4; RFC 6066, section 5).
pub(super) mod message {
    pub(in super::super) const HELLO_REQUEST: u8 = 0;
    pub(in super::super) const CLIENT_HELLO: u8 = 1;
    pub(in super::super) const SERVER_HELLO: u8 = 2;
    pub(in super::super) const HELLO_VERIFY_REQUEST: u8 = 3;
    pub(in super::super) const NEW_SESSION_TICKET: u8 = 4;
    pub(in super::super) const CERTIFICATE: u8 = 11;
    pub(in super::super) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(in super::super) const CERTIFICATE_REQUEST: u8 = 13;
    pub(in super::super) const SERVER_HELLO_DONE: u8 = 14;
    pub(in super::super) const CERTIFICATE_VERIFY: u8 = 15;
    pub(in super::super) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(in super::super) const FINISHED: u8 = 20;
    pub(in super::super) const CERTIFICATE_URL: u8 = 21;
    pub(in super::super) const CERTIFICATE_STATUS: u8 = 22;
}

/// Versions as their two bytes.
pub(super) mod version {
    /// As rules write it; on the wire, only hellos of it have a version at all.
    pub(in super::super) const SSL2: u16 = 0x0002;
    pub(in super::super) const SSL3: u16 = 0x0300;
    pub(in super::super) const TLS10: u16 = 0x0301;
    pub(in super::super) const TLS11: u16 = 0x0302;
    pub(in super::super) const TLS12: u16 = 0x0303;
    pub(in super::super) const TLS13: u16 = 0x0304;
}

/// Whether there is such a version: SSL 3 to TLS 1.3, its drafts, and DTLS.
pub(super) fn is_version(version: u16) -> bool {
    matches!(version, version::SSL3..=version::TLS13 | 0x7f00..=0x7fff | 0xfb1a | 0xfefc..=0xfeff)
}

/// Whether a value stands for nothing: it keeps peers used to unknown ones (RFC 8701).
pub(super) fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// Bytes that are taken off from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn u24(&mut self) -> Option<usize> {
        self.take(3)
            .map(|bytes| usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2]))
    }

    /// Bytes behind their length, which has one byte.
    pub(super) fn vector8(&mut self) -> Option<&'a [u8]> {
        let len = self.u8()?;
        self.take(usize::from(len))
    }

    /// Bytes behind their length, which has two bytes.
    pub(super) fn vector16(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }
}

/// The two-byte values that bytes hold, a last odd byte left out.
pub(super) fn words(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
    bytes.chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]]))
}
