//! DTLS: TLS in datagrams (RFC 6347), as far as it is in the clear.
//!
//! Messages that come in pieces are put together if the pieces come in order; else they are not seen.

use super::handshake::{Handshake, MAX_MESSAGE};
use super::hello::Carriage;
use super::progress::{FINISHED, HANDSHAKE, STARTED};
use super::session::{READERS, Session};
use super::wire::{Cursor, content, message};
use super::{event, frames};
use crate::app_layer::identify::Likeness;
use crate::app_layer::parser::{Input, Malformed, Parser, Reader, Requests};
use crate::app_layer::transaction::{Sole, Transaction, Transactions};
use crate::event::Direction;
use crate::time::Timestamp;
use rules::vocabulary::Field;

/// The fatal level of an alert.
const FATAL: u8 = 2;

/// A record (RFC 6347, section 4.1).
struct Record<'a> {
    kind: u8,
    version: u16,
    /// How often the cipher was changed before: what follows a change is encrypted.
    epoch: u16,
    contents: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        let (kind, version, epoch) = (cursor.u8()?, cursor.u16()?, cursor.u16()?);
        cursor.take(6)?;
        Some(Self { kind, version, epoch, contents: cursor.vector16()? })
    }
}

/// A message, or a piece of one (RFC 6347, section 4.2.2).
struct Fragment<'a> {
    kind: u8,
    len: usize,
    sequence: u16,
    offset: usize,
    body: &'a [u8],
}

impl<'a> Fragment<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        let (kind, len, sequence) = (cursor.u8()?, cursor.u24()?, cursor.u16()?);
        let (offset, fragment_len) = (cursor.u24()?, cursor.u24()?);
        let body = cursor.take(fragment_len)?;
        Some(Self { kind, len, sequence, offset, body })
    }
}

/// Whether a datagram begins with a hello, or with a request to say it again.
pub(super) fn of_datagram(bytes: &[u8], _: Direction) -> Likeness {
    let hello = |record: Record<'_>| {
        let fragment = Fragment::read(&mut Cursor(record.contents))?;
        let says_hello = matches!(
            fragment.kind,
            message::CLIENT_HELLO | message::SERVER_HELLO | message::HELLO_VERIFY_REQUEST
        );
        let is_first = record.kind == content::HANDSHAKE && record.epoch == 0 && fragment.offset == 0;
        let is_dtls = matches!(record.version, 0xfeff | 0xfefd);
        Some(says_hello && is_first && is_dtls && fragment.body.len() <= fragment.len)
    };
    let found = Record::read(&mut Cursor(bytes)).and_then(hello).unwrap_or(false);
    if found { Likeness::Certain } else { Likeness::None }
}

/// The beginning of a message that comes in pieces.
#[derive(Debug, Default)]
struct Partial {
    sequence: u16,
    bytes: Vec<u8>,
}

impl Partial {
    /// Adds a piece; hands out the message when it is whole.
    fn push(&mut self, fragment: &Fragment<'_>) -> Option<Vec<u8>> {
        if fragment.offset == 0 {
            (self.sequence, self.bytes) = (fragment.sequence, Vec::new());
        }
        let continues = self.sequence == fragment.sequence && self.bytes.len() == fragment.offset;
        if !continues || self.bytes.len() + fragment.body.len() > MAX_MESSAGE {
            return None;
        }
        self.bytes.extend_from_slice(fragment.body);
        (self.bytes.len() == fragment.len).then(|| std::mem::take(&mut self.bytes))
    }
}

/// The datagrams of one connection.
#[derive(Debug)]
pub(super) struct Datagrams {
    handshake: Handshake,
    session: Sole,
    partial: [Partial; 2],
}

impl Default for Datagrams {
    fn default() -> Self {
        let handshake = Handshake::over(Carriage::Datagrams);
        Self { handshake, session: Sole::default(), partial: Default::default() }
    }
}

impl Parser for Datagrams {
    type Transaction = Session;
    const READERS: &'static [Reader<Session>] = READERS;
    const EVENTS: Option<&'static Field> = Some(&event::EVENTS);
    const COMPLETE: [u8; 2] = [FINISHED; 2];
    const FRAMES: &'static [Field] = &frames::FRAMES;

    fn parse(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Session>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed> {
        if let Some(transaction) = self.session.get_mut(transactions) {
            transaction.advance(input.direction, STARTED);
            let mut datagram = Cursor(input.bytes);
            while let Some(record) = Record::read(&mut datagram) {
                self.record(&record, input, transaction, requests);
            }
        }
        Ok(input.bytes.len())
    }

    fn inspected(session: &mut Session, direction: Direction) {
        session.inspected(direction);
    }
}

impl Datagrams {
    fn record(
        &mut self,
        record: &Record<'_>,
        input: &Input<'_>,
        transaction: &mut Transaction<Session>,
        requests: &mut Requests,
    ) {
        let way = input.direction;
        match (record.kind, record.contents) {
            _ if record.epoch > 0 => {
                requests.encrypted = true;
                transaction.data.side_mut(way).is_done = true;
                transaction.advance(way, HANDSHAKE);
            }
            (content::ALERT, [FATAL, _]) => {
                Direction::ALL.iter().for_each(|&way| transaction.advance(way, FINISHED));
            }
            (content::HANDSHAKE, contents) => self.messages(contents, way, input.time, transaction),
            _ => {}
        }
    }

    fn messages(
        &mut self,
        contents: &[u8],
        way: Direction,
        time: Timestamp,
        transaction: &mut Transaction<Session>,
    ) {
        let mut cursor = Cursor(contents);
        while let Some(fragment) = Fragment::read(&mut cursor) {
            let outcome = if fragment.body.len() == fragment.len {
                self.handshake.message(fragment.kind, fragment.body, false, way, time, transaction)
            } else if let Some(body) = self.partial[way.index()].push(&fragment) {
                self.handshake.message(fragment.kind, &body, false, way, time, transaction)
            } else {
                Ok(())
            };
            if let Err(event) = outcome {
                transaction.event(event as u8);
                transaction.event(event::Event::InvalidHandshakeMessage as u8);
                return;
            }
        }
    }
}
