//! Heartbeats (RFC 6520), which were asked for more than they had brought (CVE-2014-0160).

use super::event::Event;
use super::wire::Cursor;
use crate::event::Direction;

const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;
/// Type and length of the payload.
const HEADER_LEN: usize = 3;
/// The least padding (RFC 6520, section 4).
const MIN_PADDING: usize = 16;

/// A heartbeat that waits for its echo.
#[derive(Clone, Copy, Debug)]
struct Awaited {
    by: Direction,
    /// The length of its record, if it was encrypted: that of an honest echo is no longer.
    encrypted_len: Option<usize>,
}

/// The heartbeats of a connection.
#[derive(Debug, Default)]
pub(super) struct Heartbeats(Option<Awaited>);

impl Heartbeats {
    /// Takes notice of a whole record.
    ///
    /// # Errors
    /// What is wrong with it; nothing if it is too short to say.
    pub(super) fn take(
        &mut self,
        record: &[u8],
        direction: Direction,
        is_encrypted: bool,
    ) -> Result<(), Option<Event>> {
        if record.len() < HEADER_LEN {
            return Err(None);
        }
        if !is_encrypted && !matches!(record[0], REQUEST | RESPONSE) {
            return Err(Some(Event::InvalidHeartbeatMessage));
        }
        match self.0 {
            None => {
                let encrypted_len = is_encrypted.then_some(record.len());
                self.0 = Some(Awaited { by: direction, encrypted_len });
                if is_encrypted { Ok(()) } else { check(record).map_err(Some) }
            }
            // Peers do not have several under way (RFC 6520, section 4).
            Some(awaited) if awaited.by == direction => Err(Some(Event::InvalidHeartbeatMessage)),
            Some(awaited) => {
                self.0 = None;
                let leaks = awaited.encrypted_len.is_some_and(|len| is_encrypted && len < record.len());
                if leaks { Err(Some(Event::DataleakHeartbeatMismatch)) } else { Ok(()) }
            }
        }
    }
}

/// Whether a heartbeat in the clear holds the payload that it speaks of.
fn check(record: &[u8]) -> Result<(), Event> {
    let mut cursor = Cursor(&record[1..]);
    let payload = usize::from(cursor.u16().ok_or(Event::InvalidHeartbeatMessage)?);
    match record.len().checked_sub(HEADER_LEN + payload) {
        None => Err(Event::OverflowHeartbeatMessage),
        Some(padding) if padding < MIN_PADDING => Err(Event::InvalidHeartbeatMessage),
        Some(_) => Ok(()),
    }
}
