//! Records of SSL 2, with which old clients say hello to servers of any version (RFC 5246, appendix E.2; Mozilla's
//! copy of "The SSL Protocol", section 1).

use super::event::Event;
use super::progress::HELLO;
use super::session::Session;
use super::wire::{Cursor, message};
use crate::app_layer::transaction::Transaction;
use crate::event::Direction;

const ERROR: u8 = 0;
const CLIENT_HELLO: u8 = 1;
const CLIENT_MASTER_KEY: u8 = 2;
const SERVER_HELLO: u8 = 4;

/// Version, and the lengths of ciphers, session and challenge.
const CLIENT_HELLO_LEN: usize = 8;

/// Whether a byte begins such a record: those of later versions begin with their type, which is low.
pub(super) fn begins(first: u8) -> bool {
    first & 0xc0 != 0
}

/// The contents of a record with its whole length, as soon as it is there.
///
/// # Errors
/// When it is empty.
pub(super) fn split_record(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, Event> {
    let mut cursor = Cursor(bytes);
    let Some(word) = cursor.u16().map(usize::from) else { return Ok(None) };
    let (len, header) = if word & 0x8000 != 0 { (word & 0x7fff, 2) } else { (word & 0x3fff, 3) };
    if len == 0 {
        return Err(Event::InvalidSslv2Header);
    }
    Ok(bytes.get(header..header + len).map(|contents| (contents, header + len)))
}

/// Takes note of a message; says whether what follows is encrypted.
///
/// # Errors
/// What is wrong with it.
pub(super) fn message(
    contents: &[u8],
    way: Direction,
    transaction: &mut Transaction<Session>,
) -> Result<bool, Event> {
    transaction.data.side_mut(way).is_ssl2 = true;
    match (contents.first(), way) {
        (Some(&ERROR), _) => transaction.event(Event::ErrorMessageEncountered as u8),
        (Some(&CLIENT_HELLO), Direction::ToServer) => {
            if contents.len() <= CLIENT_HELLO_LEN {
                return Err(Event::InvalidSslv2Header);
            }
            transaction.data.state = Some(message::CLIENT_HELLO);
            transaction.advance(way, HELLO);
        }
        (Some(&SERVER_HELLO), Direction::ToClient) => {
            transaction.data.state = Some(message::SERVER_HELLO);
            transaction.advance(way, HELLO);
        }
        (Some(&CLIENT_MASTER_KEY), Direction::ToServer) => return Ok(true),
        _ => {}
    }
    Ok(false)
}
