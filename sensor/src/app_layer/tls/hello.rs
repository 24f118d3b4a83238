//! The hello of either side (RFC 8446, section 4.1; RFC 5246, section 7.4.1): checked once, then read where somebody
//! asks.

use super::event::Event;
use super::wire::{Cursor, is_grease, is_version, words};
use crate::event::Direction;
use std::ops::Range;

/// Types of extensions that are looked into (IANA: "TLS ExtensionType Values").
pub(super) mod extension {
    pub(in super::super) const SERVER_NAME: u16 = 0;
    pub(in super::super) const SUPPORTED_GROUPS: u16 = 10;
    pub(in super::super) const POINT_FORMATS: u16 = 11;
    pub(in super::super) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(in super::super) const ALPN: u16 = 16;
    pub(in super::super) const EARLY_DATA: u16 = 42;
    pub(in super::super) const SUPPORTED_VERSIONS: u16 = 43;
}

/// The longest name of a server (RFC 6066, section 3: that of a DNS name).
const MAX_SERVER_NAME: usize = 255;
/// The version stands before the random bytes, and these have a fixed length.
const RANDOM: Range<usize> = 2..34;

/// What carries the handshake.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Carriage {
    /// TLS over TCP.
    #[default]
    Stream,
    /// DTLS over UDP.
    Datagrams,
}

/// One side's hello.
#[derive(Debug)]
pub(super) struct Hello {
    bytes: Box<[u8]>,
    pub(super) carriage: Carriage,
    /// What the client offers, or the one that the server chose.
    ciphers: Range<usize>,
    extensions: Range<usize>,
    /// The version that goes by the hello: of `supported_versions` the first that is known, else that of its field.
    pub(super) version: u16,
    server_name: Range<usize>,
    /// Whether there are further names of a server.
    pub(super) names_again: bool,
}

impl Hello {
    /// Reads the body of a hello that goes one way.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(body: &[u8], way: Direction, carriage: Carriage) -> Result<Self, Event> {
        let (ciphers, extensions) = layout(body, way, carriage).ok_or(Event::HandshakeInvalidLength)?;
        let mut hello = Self {
            bytes: body.into(),
            carriage,
            ciphers,
            extensions,
            version: u16::from_be_bytes([body[0], body[1]]),
            server_name: 0..0,
            names_again: false,
        };
        hello.look_into_extensions(way)?;
        Ok(hello)
    }

    fn look_into_extensions(&mut self, way: Direction) -> Result<(), Event> {
        let mut cursor = Cursor(&self.bytes[self.extensions.clone()]);
        while !cursor.is_empty() {
            let kind = cursor.u16().ok_or(Event::HandshakeInvalidLength)?;
            let data = cursor.vector16().ok_or(Event::HandshakeInvalidLength)?;
            let end = self.extensions.end - cursor.0.len();
            match (kind, way) {
                (extension::SERVER_NAME, Direction::ToServer) if !data.is_empty() => {
                    let len = server_name(data)?.len();
                    if self.server_name.is_empty() {
                        // It stands behind the length of the list, its type and its own length.
                        let start = end - data.len() + 5;
                        self.server_name = start..start + len;
                    } else {
                        self.names_again = true;
                    }
                }
                (extension::SUPPORTED_VERSIONS, _) => {
                    // A client lists them, behind the length of the list; a server names one.
                    let list =
                        if way == Direction::ToServer { data.get(1..).unwrap_or_default() } else { data };
                    self.version = words(list).find(|&version| is_version(version)).unwrap_or(self.version);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The version in its field, which newer ones do not raise any more.
    pub(super) fn legacy_version(&self) -> u16 {
        u16::from_be_bytes([self.bytes[0], self.bytes[1]])
    }

    /// The 32 random bytes.
    pub(super) fn random(&self) -> &[u8] {
        &self.bytes[RANDOM]
    }

    /// The name of the server that the client wants, if it says so.
    pub(super) fn server_name(&self) -> Option<&[u8]> {
        Some(&self.bytes[self.server_name.clone()]).filter(|name| !name.is_empty())
    }

    /// The cipher suites that the client offers, or the one that the server chose.
    pub(super) fn ciphers(&self) -> impl Iterator<Item = u16> + '_ {
        words(&self.bytes[self.ciphers.clone()])
    }

    /// The extensions in their order: type and contents.
    pub(super) fn extensions(&self) -> impl Iterator<Item = (u16, &[u8])> + '_ {
        let mut cursor = Cursor(&self.bytes[self.extensions.clone()]);
        std::iter::from_fn(move || Some((cursor.u16()?, cursor.vector16()?)))
    }

    /// The contents of the first extension of a type, nothing without one.
    pub(super) fn extension(&self, wanted: u16) -> Option<&[u8]> {
        self.extensions().find(|&(kind, _)| kind == wanted).map(|(_, data)| data)
    }

    /// The protocols that the client offers, or the one that the server chose (RFC 7301, section 3.1).
    pub(super) fn protocols(&self) -> impl Iterator<Item = &[u8]> + '_ {
        let mut list = Cursor(self.extension(extension::ALPN).unwrap_or_default());
        let mut names = Cursor(list.vector16().unwrap_or_default());
        std::iter::from_fn(move || names.vector8())
    }

    /// The versions that the client would take (RFC 8446, section 4.2.1).
    pub(super) fn offered_versions(&self) -> impl Iterator<Item = u16> + '_ {
        let list = Cursor(self.extension(extension::SUPPORTED_VERSIONS).unwrap_or_default()).vector8();
        words(list.unwrap_or_default()).filter(|&version| !is_grease(version))
    }
}

/// Where the cipher suites and the extensions of a hello stand.
fn layout(body: &[u8], way: Direction, carriage: Carriage) -> Option<(Range<usize>, Range<usize>)> {
    let mut cursor = Cursor(body);
    let at = |cursor: &Cursor<'_>| body.len() - cursor.0.len();
    let version = cursor.u16()?;
    cursor.take(RANDOM.len())?;
    let ciphers = match way {
        Direction::ToServer => {
            cursor.vector8()?;
            if carriage == Carriage::Datagrams {
                // A cookie (RFC 6347, section 4.2.1).
                cursor.vector8()?;
            }
            let len = cursor.vector16()?.len();
            let end = at(&cursor);
            cursor.vector8()?;
            end - len..end
        }
        Direction::ToClient => {
            // The session's id and the compression were left out by the drafts of TLS 1.3 before the 22nd.
            let is_draft = (0x7f00..0x7f16).contains(&version);
            if !is_draft {
                cursor.vector8()?;
            }
            cursor.u16()?;
            let end = at(&cursor);
            if !is_draft {
                cursor.u8()?;
            }
            end - 2..end
        }
    };
    if cursor.is_empty() {
        return Some((ciphers, body.len()..body.len()));
    }
    let len = cursor.vector16()?.len();
    let end = at(&cursor);
    Some((ciphers, end - len..end))
}

/// The one name that the extension may hold (RFC 6066, section 3).
fn server_name(data: &[u8]) -> Result<&[u8], Event> {
    let mut cursor = Cursor(data);
    cursor.u16().ok_or(Event::HandshakeInvalidLength)?;
    if cursor.u8().ok_or(Event::HandshakeInvalidLength)? != 0 {
        return Err(Event::InvalidSniType);
    }
    let name = cursor.vector16().ok_or(Event::InvalidSniLength)?;
    if (1..=MAX_SERVER_NAME).contains(&name.len()) { Ok(name) } else { Err(Event::InvalidSniLength) }
}
