//! Messages of DNS in streams (RFC 8484): the content, or in base64url in the path of a GET.

use crate::app_layer::dns::{Message, read_message};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The longest message (RFC 1035, section 4.2.2).
pub(super) const MAX_MESSAGE: usize = u16::MAX as usize;

/// What one way of a stream carries.
#[derive(Debug)]
pub(super) enum Carried {
    /// What has come of a message.
    Part(Vec<u8>),
    /// A message.
    Message(Box<Message>),
}

impl Carried {
    /// The message of a request whose path names it (section 4.1).
    pub(super) fn of_path(path: &[u8]) -> Option<Self> {
        let query = &path[memchr::memchr(b'?', path)? + 1..];
        let value = query.split(|&byte| byte == b'&').find_map(|part| part.strip_prefix(b"dns="))?;
        let bytes = URL_SAFE_NO_PAD.decode(value).ok().filter(|bytes| bytes.len() <= MAX_MESSAGE)?;
        read_message(&bytes).map(|message| Self::Message(Box::new(message)))
    }

    /// Adds content, as far as a message can be so long.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if let Self::Part(part) = self {
            let room = MAX_MESSAGE - part.len();
            part.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// Nothing more comes: what came is a message, or none.
    pub(super) fn end(self) -> Option<Self> {
        match self {
            Self::Part(part) => read_message(&part).map(|message| Self::Message(Box::new(message))),
            whole => Some(whole),
        }
    }

    /// The message, once it is there.
    pub(super) fn message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            Self::Part(_) => None,
        }
    }
}
