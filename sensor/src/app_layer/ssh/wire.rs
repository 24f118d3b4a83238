//! The banner and the packets in the clear (RFC 4253, sections 4.2, 6 and 7.1), and the fingerprint of what they offer
//! (Salesforce, "HASSH").

use crate::event::Direction;

/// Messages by their numbers (RFC 4253, section 12).
pub(super) mod message {
    pub(in super::super) const KEXINIT: u8 = 20;
    pub(in super::super) const NEWKEYS: u8 = 21;
}

/// The most bytes of a banner that are read. RFC 4253 allows 255, line end included.
pub(super) const MAX_BANNER: usize = 256;

/// What a side says of itself in its first line.
#[derive(Debug, Default)]
pub(super) struct Banner {
    pub(super) protocol: Box<[u8]>,
    /// With the comment behind it.
    pub(super) software: Box<[u8]>,
}

impl Banner {
    /// Reads a line without its end: `SSH-2.0-software comment`.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"SSH-")?;
        let dash = rest.iter().position(|&byte| byte == b'-').filter(|&at| at > 0)?;
        Some(Self { protocol: rest[..dash].into(), software: rest[dash + 1..].into() })
    }
}

/// The head of a packet up to its message's number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    pub(super) message: u8,
    /// Bytes behind the head.
    pub(super) len: usize,
}

/// Length, length of the padding, and the number of the message.
pub(super) const PACKET_HEAD: usize = 6;

impl Packet {
    /// Reads a head, as soon as it is there.
    ///
    /// # Errors
    /// Nothing if the packet has no room for what the head holds.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, ()> {
        let Some(&[a, b, c, d, _, message]) = bytes.first_chunk::<PACKET_HEAD>() else { return Ok(None) };
        let len = (u32::from_be_bytes([a, b, c, d]) as usize).checked_sub(2).ok_or(())?;
        Ok(Some(Self { message, len }))
    }
}

/// The lists of a key exchange: bytes behind the number of the message, cookie first.
#[derive(Debug)]
pub(super) struct KeyExchange(Box<[u8]>);

impl KeyExchange {
    pub(super) fn new(contents: &[u8]) -> Self {
        Self(contents.into())
    }

    /// The algorithms by which whoever sent it is known: for keys, and for ciphers, codes and compression of what it
    /// sends itself. Nothing if a list is cut off.
    pub(super) fn hassh(&self, way: Direction) -> Option<Vec<u8>> {
        let mut rest = self.0.get(16..)?;
        let mut lists = [&[][..]; 8];
        for list in &mut lists {
            let (len, behind) = rest.split_first_chunk()?;
            (*list, rest) = behind.split_at_checked(u32::from_be_bytes(*len) as usize)?;
        }
        // Keys, host keys, then by pairs to the server and to the client: ciphers, codes, compressions.
        let [keys, _, cipher_up, cipher_down, code_up, code_down, compression_up, compression_down] = lists;
        Some(match way {
            Direction::ToServer => [keys, cipher_up, code_up, compression_up].join(&b';'),
            Direction::ToClient => [keys, cipher_down, code_down, compression_down].join(&b';'),
        })
    }
}
