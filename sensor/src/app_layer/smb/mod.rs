//! SMB, versions 1 to 3 (MS-CIFS, MS-SMB2), with the DCE/RPC that its named pipes carry.
//!
//! Messages come in packets of NetBIOS, of which SMB 2 puts several messages into one and SMB 1 several commands into a
//! message. What is written and read is taken as it comes, however long a message is; all others are read once they
//! are whole. Each request is a transaction with its response, except that reading and writing make one transaction of
//! each file and way, and of each call over a pipe.

pub mod event;
pub(super) mod facts;
pub mod fields;
pub mod frames;
mod identify;
mod ntlmssp;
mod pipe;
mod session;
mod smb1;
mod smb2;
mod transaction;
mod transfer;
mod wire;

pub use transaction::Transaction;

use super::conversation::{begin, field_rows};
use super::file::transfer::Files;
use super::frames::FrameLog;
use super::identify::{Carrier, Probe, Speech};
use super::parser::{Input, Malformed, Parser, Reader, Requests};
use super::progress::{COMPLETE, TWO_STATES};
use super::transaction::Transactions;
use crate::event::Direction;
use event::Event;
use frames::Frame;
use identify::{message_likeness, packet, session_likeness};
use memchr::memmem;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, Lexicon};
use session::{Context, Session, Target};
use transaction::READERS;
use wire::{Bulk, Form, NBSS_LEN, SEALED, SEALED_LEN, SMB1_LEN, SMB2_LEN, u32_at};

/// What SMB lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Smb],
    fields: fields::FIELDS,
    keywords: &[],
    hooks: TWO_STATES,
    events: Some(&event::EVENTS),
    frames: &frames::FRAMES,
};

/// How SMB is found: by its messages anywhere, by the session request of NetBIOS where it is expected.
pub static SPEECH: Speech = Speech {
    protocol: AppProtocol::Smb,
    probes: &[
        Probe { carrier: Carrier::Tcp, ports: &[], likeness: message_likeness },
        Probe { carrier: Carrier::Tcp, ports: &[139, 445], likeness: session_likeness },
    ],
    first: None,
    bridges_gaps: true,
    unlimited_depth: true,
    begin: begin::<Smb>,
    fields: field_rows::<Smb>,
};

/// The longest message that is read whole; of longer ones only data read or written are taken.
const MAX_WHOLE: usize = 1 << 20;
/// What of a message tells whether data are read or written in it.
const PREFIX: usize = 128;

/// Where in what goes one way the next byte stands.
#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// Before a packet.
    #[default]
    Packet,
    /// Before a message, of a packet with so many bytes left.
    Message { left: usize },
    /// In a message that carries data.
    Bulk { target: Target, version: u8, rest: Rest },
    /// In what nobody reads: so many bytes, and so many more in the packet behind them.
    Skipped { left: usize, packet: usize },
    /// Somewhere behind a gap, or behind what is no packet.
    Lost,
}

/// What is left of a message that carries data, and of its packet.
#[derive(Clone, Copy, Debug)]
struct Rest {
    /// Bytes before the data.
    before: usize,
    data: usize,
    /// Bytes of the message behind the data.
    after: usize,
    /// Bytes of the packet behind the message.
    packet: usize,
}

/// The parser of one connection.
#[derive(Debug, Default)]
pub struct Smb {
    places: [Place; 2],
    session: Session,
}

impl Parser for Smb {
    type Transaction = Transaction;
    const READERS: &'static [Reader<Transaction>] = READERS;
    const EVENTS: Option<&'static Field> = Some(&event::EVENTS);
    const CARRIES_FILES: bool = true;
    const COMPLETE: [u8; 2] = [COMPLETE; 2];
    const FRAMES: &'static [Field] = &frames::FRAMES;

    fn parse(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Transaction>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed> {
        let mut context = Context { direction: input.direction, transactions, frames: &mut requests.frames };
        let mut consumed = 0;
        while let Some(step) = self.step(&input.bytes[consumed..], &mut context)? {
            consumed += step;
            context.frames.stand_at(consumed);
        }
        if input.end {
            self.session.end(&mut context);
        }
        Ok(consumed)
    }

    fn skip(
        &mut self,
        direction: Direction,
        bytes: u64,
        transactions: &mut Transactions<Transaction>,
    ) -> Result<(), Malformed> {
        let way = direction.index();
        let missing = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut context = Context { direction, transactions, frames: &mut FrameLog::default() };
        self.places[way] = self.behind_gap(self.places[way], missing, &mut context);
        Ok(())
    }

    fn files(transaction: &Transaction, direction: Direction) -> Option<&Files> {
        transaction.files(direction)
    }

    fn files_mut(transaction: &mut Transaction, direction: Direction) -> Option<&mut Files> {
        transaction.files_mut(direction)
    }

    fn inspected(transaction: &mut Transaction, direction: Direction) {
        transaction.inspected(direction);
    }

    fn is_big_endian(transaction: &Transaction, direction: Direction) -> bool {
        transaction.is_big_endian(direction)
    }
}

impl Smb {
    /// Reads on; says how many bytes it is done with, nothing if it needs more.
    fn step(&mut self, bytes: &[u8], context: &mut Context<'_>) -> Result<Option<usize>, Malformed> {
        let way = context.direction.index();
        Ok(match self.places[way] {
            Place::Packet => {
                let Some(&[kind, high, middle, low]) = bytes.first_chunk::<NBSS_LEN>() else {
                    return Ok(None);
                };
                let left = u32::from_be_bytes([0, high, middle, low]) as usize;
                context.announce([Frame::NbssPdu, Frame::NbssHdr, Frame::NbssData], NBSS_LEN, left);
                self.places[way] = match kind {
                    packet::MESSAGE => Place::Message { left },
                    _ => Place::Skipped { left, packet: 0 },
                };
                Some(NBSS_LEN)
            }
            Place::Message { left: 0 } => {
                self.places[way] = Place::Packet;
                Some(0)
            }
            Place::Message { left } => return self.message(bytes, left, context),
            Place::Bulk { target, version, rest } => self.bulk(bytes, target, version, rest, context),
            Place::Skipped { left, packet } => {
                let len = left.min(bytes.len());
                self.places[way] = match left - len {
                    0 => Place::Message { left: packet },
                    left => Place::Skipped { left, packet },
                };
                (len > 0 || left == 0).then_some(len)
            }
            Place::Lost => {
                let (at, found) = find_packet(bytes);
                if found {
                    self.places[way] = Place::Packet;
                }
                (at > 0 || found).then_some(at)
            }
        })
    }

    /// Reads a message at its beginning; `left` is what is left of its packet.
    fn message(
        &mut self,
        bytes: &[u8],
        left: usize,
        context: &mut Context<'_>,
    ) -> Result<Option<usize>, Malformed> {
        let way = context.direction.index();
        let Some(&magic) = bytes.first_chunk::<4>().filter(|_| left >= 4) else {
            return if left < 4 { self.malformed(context) } else { Ok(None) };
        };
        let header = match Form::of(magic) {
            Some(Form::Smb1) => SMB1_LEN,
            Some(Form::Smb2) => SMB2_LEN,
            Some(Form::Sealed) => {
                if magic == SEALED && left > SEALED_LEN {
                    let kinds = [Frame::Smb3Pdu, Frame::Smb3Hdr, Frame::Smb3Data];
                    context.announce(kinds, SEALED_LEN, left - SEALED_LEN);
                }
                self.places[way] = Place::Skipped { left, packet: 0 };
                return Ok(Some(0));
            }
            None => return self.malformed(context),
        };
        if left < header {
            return self.malformed(context);
        }
        if bytes.len() < header {
            return Ok(None);
        }
        let is_old = header == SMB1_LEN;
        let next = if is_old { 0 } else { u32_at(bytes, 20).unwrap_or(0) as usize };
        let len = if (header..=left).contains(&next) { next } else { left };
        let kinds = match is_old {
            true => [Frame::Smb1Pdu, Frame::Smb1Hdr, Frame::Smb1Data],
            false => [Frame::Smb2Pdu, Frame::Smb2Hdr, Frame::Smb2Data],
        };
        context.announce(kinds, header, len - header);
        let Some(prefix) = bytes.get(..len.min(PREFIX)) else { return Ok(None) };
        let packet = left - len;
        if let Some(place) = self.access(prefix, is_old, len, packet, context) {
            self.places[way] = place;
            return Ok(Some(0));
        }
        if len > MAX_WHOLE {
            context.transactions.refused += 1;
            self.places[way] = Place::Skipped { left: len, packet };
            return Ok(Some(0));
        }
        let Some(whole) = bytes.get(..len) else { return Ok(None) };
        if is_old {
            if let Some(header) = smb1::Header::parse(whole) {
                smb1::message(whole, &header, &mut self.session, context);
            }
        } else if let Some(header) = smb2::Header::parse(whole) {
            smb2::message(whole, &header, &mut self.session, context);
        }
        self.places[way] = Place::Message { left: packet };
        Ok(Some(len))
    }

    /// What comes is no message: nothing that follows can be read.
    fn malformed(&mut self, context: &mut Context<'_>) -> Result<Option<usize>, Malformed> {
        context.event(Event::MalformedData);
        Err(Malformed)
    }

    /// Where data begin in a message of `len` bytes, if it is one that reads or writes.
    fn access(
        &mut self,
        prefix: &[u8],
        is_old: bool,
        len: usize,
        packet: usize,
        context: &mut Context<'_>,
    ) -> Option<Place> {
        let (handle, offset, bulk, too_large) = if is_old {
            let smb1::Access { handle, offset, bulk } =
                smb1::access(prefix, &smb1::Header::parse(prefix)?, &mut self.session, context)?;
            (handle, offset, bulk, false)
        } else {
            let smb2::Access { handle, offset, bulk, too_large } =
                smb2::access(prefix, &smb2::Header::parse(prefix)?, &mut self.session, context)?;
            (handle, offset, bulk, too_large)
        };
        let (Bulk { at, len: data }, fits) = bulk.within(len);
        if !fits {
            context.event(Event::MalformedData);
        }
        if too_large {
            context.event(match context.direction {
                Direction::ToServer => Event::WriteRequestTooLarge,
                Direction::ToClient => Event::ReadResponseTooLarge,
            });
        }
        let begin = prefix.get(at..).unwrap_or_default();
        let target = match data {
            0 => Target::Nothing,
            _ => self.session.target(handle, offset, begin, context),
        };
        let version = if is_old { smb1::VERSION } else { smb2::VERSION };
        Some(Place::Bulk { target, version, rest: Rest { before: at, data, after: len - at - data, packet } })
    }

    fn bulk(
        &mut self,
        bytes: &[u8],
        target: Target,
        version: u8,
        mut rest: Rest,
        context: &mut Context<'_>,
    ) -> Option<usize> {
        let before = rest.before.min(bytes.len());
        let data = &bytes[before..];
        let data = &data[..data.len().min(rest.data)];
        rest.before -= before;
        rest.data -= data.len();
        let target = if data.is_empty() { target } else { self.session.take(target, version, data, context) };
        self.places[context.direction.index()] = match rest {
            Rest { before: 0, data: 0, after, packet } => Place::Skipped { left: after, packet },
            rest => Place::Bulk { target, version, rest },
        };
        let done = rest.before == 0 && rest.data == 0;
        (done || before + data.len() > 0).then_some(before + data.len())
    }

    /// Where reading goes on when so many bytes are missing.
    fn behind_gap(&mut self, place: Place, missing: usize, context: &mut Context<'_>) -> Place {
        let skip = |left: usize, packet: usize| match (left + packet).checked_sub(missing) {
            // Where a message in the middle of a packet begins is not known.
            Some(rest) if missing > left => Place::Skipped { left: rest, packet: 0 },
            Some(_) => Place::Skipped { left: left - missing, packet },
            None => Place::Lost,
        };
        match place {
            Place::Packet | Place::Lost => Place::Lost,
            Place::Message { left } => skip(left, 0),
            Place::Skipped { left, packet } => skip(left, packet),
            Place::Bulk { target, version, rest } if missing <= rest.before => {
                Place::Bulk { target, version, rest: Rest { before: rest.before - missing, ..rest } }
            }
            Place::Bulk { target, version, rest: Rest { before, data, after, packet } } => {
                let target = self.session.lose(target, context);
                match (before + data).checked_sub(missing) {
                    Some(data) => {
                        Place::Bulk { target, version, rest: Rest { before: 0, data, after, packet } }
                    }
                    None => skip(before + data + after, packet),
                }
            }
        }
    }
}

/// How many bytes lie before the first packet that begins a message, and whether there is one; without one, those in
/// which none can begin.
fn find_packet(bytes: &[u8]) -> (usize, bool) {
    let begins = |at: usize| {
        let magic: [u8; 4] = *bytes.get(at.checked_sub(1)?..)?.first_chunk()?;
        let start = at.checked_sub(NBSS_LEN + 1)?;
        (Form::of(magic).is_some() && bytes[start] == packet::MESSAGE).then_some(start)
    };
    match memmem::find_iter(bytes, b"SMB").find_map(begins) {
        Some(start) => (start, true),
        None => (bytes.len().saturating_sub(NBSS_LEN + 3), false),
    }
}

#[cfg(test)]
mod tests;
