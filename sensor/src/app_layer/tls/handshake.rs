//! Messages of the handshake, put together from records and taken note of. Knows nothing of what carries them.

use super::certificate::Chain;
use super::event::Event;
use super::hello::{Carriage, Hello, extension};
use super::progress::{CERTIFICATES, HELLO, HELLO_DONE};
use super::session::Session;
use super::wire::{Cursor, message};
use crate::app_layer::transaction::Transaction;
use crate::event::Direction;
use crate::time::Timestamp;

/// Type and length.
pub(super) const HEADER_LEN: usize = 4;
/// The most of one message that is kept. OpenSSL takes no longer certificates (SSL_CTX_set_max_cert_list, 100 kB) and
/// no longer hello (128 kB).
pub(super) const MAX_MESSAGE: usize = 1 << 17;

/// A message that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// As much as has come and is kept, header included.
    bytes: Vec<u8>,
    /// How much is missing, once the header is there.
    missing: usize,
}

impl Assembly {
    /// Whether no message is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes what belongs to the message off the front; says whether it is whole.
    pub(super) fn push(&mut self, input: &mut &[u8]) -> bool {
        if self.bytes.len() < HEADER_LEN {
            self.keep(input, HEADER_LEN - self.bytes.len());
            let Some((_, len)) = split_header(&self.bytes) else { return false };
            self.missing = len;
        }
        let room = MAX_MESSAGE - self.bytes.len();
        let kept = self.keep(input, self.missing.min(room));
        let passed = (self.missing - kept).min(if kept < room { 0 } else { input.len() });
        *input = &input[passed..];
        self.missing -= kept + passed;
        self.missing == 0
    }

    fn keep(&mut self, input: &mut &[u8], wanted: usize) -> usize {
        let (kept, rest) = input.split_at(wanted.min(input.len()));
        self.bytes.extend_from_slice(kept);
        *input = rest;
        kept.len()
    }
}

/// Type and length of a message over a stream, as soon as its header is there.
fn split_header(bytes: &[u8]) -> Option<(u8, usize)> {
    let mut cursor = Cursor(bytes);
    Some((cursor.u8()?, cursor.u24()?))
}

/// How far the handshake of a connection is.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    carriage: Carriage,
    under_way: [Assembly; 2],
    /// Versions that the hellos settled on, for records that follow; nothing before.
    pub(super) versions: [Option<u16>; 2],
    /// Whether the client sends data before the server has said hello (RFC 8446, section 2.3).
    pub(super) early_data: bool,
}

impl Handshake {
    /// Of a connection that is carried so.
    pub(super) fn over(carriage: Carriage) -> Self {
        Self { carriage, ..Self::default() }
    }

    /// Whether a side has said hello.
    pub(super) fn greeted(&self, way: Direction) -> bool {
        self.versions[way.index()].is_some()
    }

    /// Whether a message of one way is under way.
    pub(super) fn is_amid(&self, way: Direction) -> bool {
        !self.under_way[way.index()].is_empty()
    }

    /// Reads what a record holds: messages, or pieces of one.
    ///
    /// # Errors
    /// What is wrong with a message.
    pub(super) fn take(
        &mut self,
        mut record: &[u8],
        way: Direction,
        time: Timestamp,
        transaction: &mut Transaction<Session>,
    ) -> Result<(), Event> {
        while !record.is_empty() {
            let under_way = &mut self.under_way[way.index()];
            if under_way.is_empty()
                && let Some((kind, len)) = split_header(record)
                && let Some(body) = record.get(HEADER_LEN..HEADER_LEN + len)
            {
                record = &record[HEADER_LEN + len..];
                self.message(kind, body, false, way, time, transaction)?;
            } else if under_way.push(&mut record) {
                let whole = std::mem::take(under_way).bytes;
                let Some((kind, len)) = split_header(&whole) else { continue };
                let is_cut = whole.len() < HEADER_LEN + len;
                self.message(kind, &whole[HEADER_LEN..], is_cut, way, time, transaction)?;
            }
        }
        Ok(())
    }

    /// Takes note of a message, of which the end may not have been kept.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn message(
        &mut self,
        kind: u8,
        body: &[u8],
        is_cut: bool,
        way: Direction,
        time: Timestamp,
        transaction: &mut Transaction<Session>,
    ) -> Result<(), Event> {
        match (kind, way) {
            (message::CLIENT_HELLO, Direction::ToServer) | (message::SERVER_HELLO, Direction::ToClient) => {
                transaction.data.state = Some(kind);
                if is_cut { Err(Event::HandshakeInvalidLength) } else { self.hello(body, way, transaction) }
            }
            (message::CERTIFICATE, _) => certificates(body, is_cut, way, time, transaction),
            (message::SERVER_KEY_EXCHANGE | message::CLIENT_KEY_EXCHANGE, _) => {
                transaction.data.state = Some(kind);
                Ok(())
            }
            (message::SERVER_HELLO_DONE, Direction::ToClient) => {
                transaction.advance(way, HELLO_DONE);
                Ok(())
            }
            (
                message::HELLO_REQUEST
                | message::CLIENT_HELLO
                | message::SERVER_HELLO
                | message::HELLO_VERIFY_REQUEST
                | message::NEW_SESSION_TICKET
                | message::CERTIFICATE_REQUEST
                | message::SERVER_HELLO_DONE
                | message::CERTIFICATE_VERIFY
                | message::FINISHED
                | message::CERTIFICATE_URL
                | message::CERTIFICATE_STATUS,
                _,
            ) => Ok(()),
            _ => Err(Event::InvalidSslRecord),
        }
    }

    fn hello(
        &mut self,
        body: &[u8],
        way: Direction,
        transaction: &mut Transaction<Session>,
    ) -> Result<(), Event> {
        let hello = Hello::read(body, way, self.carriage)?;
        self.versions[way.index()] = Some(hello.version);
        self.early_data |= hello.extension(extension::EARLY_DATA).is_some();
        let side = transaction.data.side_mut(way);
        // Over datagrams a client repeats its hello with the cookie that it was given (RFC 6347, section 4.2.1).
        let named = self.carriage == Carriage::Stream
            && side.hello.as_ref().is_some_and(|first| first.server_name().is_some());
        let names_again = hello.names_again || named && hello.server_name().is_some();
        side.hello.get_or_insert(hello);
        if names_again {
            transaction.event(Event::MultipleSniExtensions as u8);
        }
        transaction.advance(way, HELLO);
        Ok(())
    }
}

fn certificates(
    body: &[u8],
    is_cut: bool,
    way: Direction,
    time: Timestamp,
    transaction: &mut Transaction<Session>,
) -> Result<(), Event> {
    if is_cut {
        transaction.event(Event::CertificateInvalidLength as u8);
    }
    if let Some(chain) = Chain::read(body, is_cut)? {
        transaction.data.certified = time;
        transaction.data.side_mut(way).chain.get_or_insert(chain);
    }
    transaction.advance(way, CERTIFICATES);
    Ok(())
}
