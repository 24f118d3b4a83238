//! Records of TLS over a stream (RFC 8446, section 5; RFC 5246, section 6.2), and of SSL 2.

use super::event::Event;
use super::frames::Frame;
use super::handshake::{HEADER_LEN as MESSAGE_HEADER_LEN, Handshake};
use super::heartbeat::Heartbeats;
use super::progress::{FINISHED, HANDSHAKE, STARTED};
use super::session::{READERS, Session};
use super::wire::{content, is_version, version};
use super::{event, frames, ssl2};
use crate::app_layer::frames::FrameLog;
use crate::app_layer::parser::{Input, Malformed, Parser, Reader, Requests};
use crate::app_layer::transaction::{Sole, Transaction, Transactions};
use crate::event::Direction;
use rules::vocabulary::Field;

/// Type, version and length.
const HEADER_LEN: usize = 5;
/// The most bytes of a record behind its header (RFC 5246, section 6.2.3).
const MAX_RECORD: usize = (1 << 14) + 2048;

/// The fatal level of an alert (RFC 8446, section 6).
const FATAL: u8 = 2;

/// The header of a record.
#[derive(Clone, Copy, Debug)]
struct Header {
    kind: u8,
    version: u16,
    len: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let &[kind, major, minor, high, low] = bytes.first_chunk::<HEADER_LEN>()?;
        let version = u16::from_be_bytes([major, minor]);
        Some(Self { kind, version, len: usize::from(u16::from_be_bytes([high, low])) })
    }

    /// Tells of the frames that the record makes.
    fn announce(&self, frames: &mut FrameLog) {
        frames.add(Frame::Pdu as u8, 0, HEADER_LEN + self.len);
        frames.add(Frame::Hdr as u8, 0, HEADER_LEN);
        frames.add(Frame::Data as u8, HEADER_LEN, self.len);
        match self.kind {
            content::ALERT => frames.add(Frame::Alert as u8, HEADER_LEN, self.len),
            content::HEARTBEAT => frames.add(Frame::Heartbeat as u8, HEADER_LEN, self.len),
            _ => {}
        }
    }
}

/// The records of one connection.
#[derive(Debug, Default)]
pub(super) struct Records {
    handshake: Handshake,
    session: Sole,
    /// Bytes of the record at hand that are passed over as they come, by way.
    passing: [usize; 2],
    /// Versions of the records, as long as there is no hello.
    versions: [u16; 2],
    /// Whether either side has begun to encrypt.
    changed_cipher: bool,
    heartbeats: Heartbeats,
}

impl Parser for Records {
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
        let way = input.direction;
        // Once it is looked through to its end, nothing that comes can add to it.
        let Some(transaction) = self.session.get_mut(transactions) else { return Ok(input.bytes.len()) };
        let mut rest = input.bytes;
        if !rest.is_empty() {
            transaction.advance(way, STARTED);
        }
        let outcome = loop {
            requests.frames.stand_at(input.bytes.len() - rest.len());
            match self.next_record(rest, input, transaction, requests) {
                Ok(0) => break Ok(input.bytes.len() - rest.len()),
                Ok(consumed) => rest = &rest[consumed..],
                Err(fault) => {
                    fault.into_iter().for_each(|event| transaction.event(event as u8));
                    break Err(Malformed);
                }
            }
        };
        if input.end {
            transaction.advance(way, FINISHED);
        }
        outcome
    }

    fn inspected(session: &mut Session, direction: Direction) {
        session.inspected(direction);
    }

    fn tells_all(session: &Session) -> bool {
        session.is_done()
    }
}

/// What is wrong, where rules have a name for it.
type Fault = Option<Event>;

impl Records {
    /// Reads one record, or passes over a part of one; says how many bytes that were, none if more are needed.
    fn next_record(
        &mut self,
        bytes: &[u8],
        input: &Input<'_>,
        transaction: &mut Transaction<Session>,
        requests: &mut Requests,
    ) -> Result<usize, Fault> {
        let way = input.direction;
        let passing = &mut self.passing[way.index()];
        if *passing > 0 {
            let passed = bytes.len().min(*passing);
            *passing -= passed;
            return Ok(passed);
        }
        if bytes.first().is_some_and(|&first| ssl2::begins(first)) {
            return read_ssl2(bytes, way, transaction, requests);
        }
        let Some(header) = Header::read(bytes) else { return Ok(0) };
        if !matches!(header.kind, content::CHANGE_CIPHER_SPEC..=content::HEARTBEAT) {
            return self.unknown(way, transaction).map(|()| bytes.len());
        }
        self.check(header, way)?;
        header.announce(&mut requests.frames);
        if header.kind == content::APPLICATION_DATA {
            self.application_data(way, transaction, requests);
            self.passing[way.index()] = header.len;
            return Ok(HEADER_LEN);
        }
        let len = HEADER_LEN + header.len;
        let Some(contents) = bytes.get(HEADER_LEN..len) else { return Ok(0) };
        requests.inspect_raw = true;
        if !contents.is_empty() {
            self.contents(header.kind, contents, input, transaction)?;
        }
        Ok(len)
    }

    /// Checks the version that goes by the hello, or before it that of the record.
    fn check(&mut self, header: Header, way: Direction) -> Result<(), Fault> {
        let version = self.handshake.versions[way.index()].unwrap_or(header.version);
        if !is_version(version) {
            return Err(Some(Event::InvalidRecordVersion));
        }
        if header.len > MAX_RECORD {
            return Err(None);
        }
        self.versions[way.index()] = version;
        Ok(())
    }

    /// Records of a type that is not known are passed over with all that lies behind them in TLS 1.0 and 1.1, which
    /// were extended by such types.
    fn unknown(&self, way: Direction, transaction: &mut Transaction<Session>) -> Result<(), Fault> {
        if !matches!(self.versions[way.index()], version::TLS10 | version::TLS11) {
            return Err(Some(Event::InvalidRecordType));
        }
        transaction.event(Event::InvalidRecordType as u8);
        Ok(())
    }

    /// The first application data end the handshake, unless they come early.
    fn application_data(
        &self,
        way: Direction,
        transaction: &mut Transaction<Session>,
        requests: &mut Requests,
    ) {
        if self.handshake.early_data && !self.handshake.greeted(Direction::ToClient) {
            return;
        }
        requests.inspect_raw |= transaction.progress(way) < Some(HANDSHAKE);
        requests.encrypted = true;
        transaction.data.side_mut(way).is_done = true;
        transaction.advance(way, HANDSHAKE);
    }

    fn contents(
        &mut self,
        kind: u8,
        contents: &[u8],
        input: &Input<'_>,
        transaction: &mut Transaction<Session>,
    ) -> Result<(), Fault> {
        match kind {
            content::CHANGE_CIPHER_SPEC => self.changed_cipher = true,
            content::ALERT => match contents {
                [_] => return Err(Some(Event::InvalidAlertMessage)),
                // A longer one is encrypted.
                [FATAL, _] => Direction::ALL.iter().for_each(|&way| transaction.advance(way, FINISHED)),
                _ => {}
            },
            content::HEARTBEAT => self.heartbeats.take(contents, input.direction, self.changed_cipher)?,
            _ => self.messages(contents, input, transaction)?,
        }
        Ok(())
    }

    fn messages(
        &mut self,
        contents: &[u8],
        input: &Input<'_>,
        transaction: &mut Transaction<Session>,
    ) -> Result<(), Fault> {
        let way = input.direction;
        if self.changed_cipher && !self.changes_for_show() {
            return Ok(());
        }
        if contents.len() < MESSAGE_HEADER_LEN && !self.handshake.is_amid(way) {
            return Err(Some(Event::InvalidSslRecord));
        }
        self.handshake.take(contents, way, input.time, transaction).map_err(|event| {
            transaction.event(Event::InvalidHandshakeMessage as u8);
            Some(event)
        })
    }

    /// Whether the cipher was changed only to look like TLS 1.2: what the server says first is in the clear
    /// (RFC 8446, appendix D.4).
    fn changes_for_show(&self) -> bool {
        let [client, server] = self.handshake.versions;
        client.is_some_and(|version| version > version::TLS12) && server.is_none()
    }
}

fn read_ssl2(
    bytes: &[u8],
    way: Direction,
    transaction: &mut Transaction<Session>,
    requests: &mut Requests,
) -> Result<usize, Fault> {
    let Some((contents, len)) = ssl2::split_record(bytes).map_err(Some)? else { return Ok(0) };
    requests.inspect_raw = true;
    requests.frames.add(Frame::Ssl2Hdr as u8, 0, len - contents.len());
    requests.frames.add(Frame::Ssl2Pdu as u8, 0, len);
    if ssl2::message(contents, way, transaction).map_err(Some)? {
        requests.encrypted = true;
        requests.finished = true;
    }
    Ok(len)
}
