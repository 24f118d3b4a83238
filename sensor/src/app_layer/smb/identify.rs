//! What SMB begins with: a message, or NetBIOS opening a session for it.

use super::wire::{Form, MAGICS, NBSS_LEN};
use crate::app_layer::identify::Likeness;
use crate::event::Direction;

/// Whether a stream begins with a message.
pub(super) fn message_likeness(bytes: &[u8], _: Direction) -> Likeness {
    if bytes.first().is_some_and(|&kind| kind != packet::MESSAGE) {
        return Likeness::None;
    }
    let magic = bytes.get(NBSS_LEN..).unwrap_or_default();
    match magic.first_chunk() {
        Some(&magic) if Form::of(magic).is_some() => Likeness::Certain,
        None if MAGICS.iter().any(|(known, _)| known.starts_with(magic)) => Likeness::Possible,
        _ => Likeness::None,
    }
}

/// A packet that opens or refuses a session, with a message behind it.
pub(super) fn session_likeness(bytes: &[u8], direction: Direction) -> Likeness {
    let Some(&[kind, 0, 0, len]) = bytes.first_chunk::<NBSS_LEN>() else {
        let may_be = bytes.len() < NBSS_LEN && bytes.first().is_none_or(|&kind| packet::is_of_session(kind));
        return if may_be { Likeness::Possible } else { Likeness::None };
    };
    if !packet::is_of_session(kind) {
        return Likeness::None;
    }
    match bytes.get(NBSS_LEN + usize::from(len)..) {
        Some(rest) => message_likeness(rest, direction),
        None => Likeness::Possible,
    }
}

/// Kinds of packets (RFC 1002, section 4.3.1).
pub(super) mod packet {
    pub(in crate::app_layer::smb) const MESSAGE: u8 = 0;
    const SESSION_REQUEST: u8 = 0x81;
    const KEEP_ALIVE: u8 = 0x85;

    /// Whether a packet is about the session of NetBIOS itself.
    pub(super) fn is_of_session(kind: u8) -> bool {
        (SESSION_REQUEST..=KEEP_ALIVE).contains(&kind)
    }
}
