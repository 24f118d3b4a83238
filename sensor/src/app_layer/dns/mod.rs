//! DNS (RFC 1035), over UDP and over TCP, and multicast DNS (RFC 6762).
//!
//! As in Suricata 8, every message is a transaction of its own that goes one way: a query to the server, a response to
//! the client. Whether a response answers a query is not asked.

pub mod event;
pub(super) mod facts;
pub mod fields;
pub mod frames;
pub mod mdns;
mod reader;
mod wire;

use super::conversation::{begin, field_rows};
use super::identify::{Carrier, Likeness, Lost, Probe, Speech};
use super::parser::{Input, Malformed, Parser, Reader, Requests};
use super::progress::{COMPLETE, TWO_STATES};
use super::transaction::Transactions;
use crate::event::Direction;
use event::{Event, Events};
use frames::Frame;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, Lexicon};
use wire::{HEADER_LEN, Header};

pub(super) use wire::Message;

/// How each field is read out of a message, whatever carries it.
pub(super) const READERS: &[Reader<Message>] = reader::DNS;

/// A message by itself, if it is one.
pub(super) fn read_message(bytes: &[u8]) -> Option<Message> {
    Message::read(bytes).ok().map(|(message, _)| message)
}

/// What DNS lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Dns],
    fields: fields::FIELDS,
    keywords: &[],
    hooks: TWO_STATES,
    events: Some(&event::EVENTS),
    frames: &frames::FRAMES,
};

/// What multicast DNS lends to rules.
pub static MDNS: Lexicon = Lexicon {
    protocols: &[AppProtocol::Mdns],
    fields: mdns::FIELDS,
    keywords: &[],
    hooks: TWO_STATES,
    events: Some(&mdns::EVENTS),
    frames: &mdns::FRAMES,
};

/// The server's port.
const PORT: &[u16] = &[53];
/// The port of multicast DNS (RFC 6762, section 3).
const MDNS_PORT: &[u16] = &[5353];

/// How flows of DNS over UDP are found and parsed.
pub static SPEECH: Speech = Speech {
    protocol: AppProtocol::Dns,
    probes: &[Probe { carrier: Carrier::Udp, ports: PORT, likeness: |bytes, _| of_datagram(bytes) }],
    first: None,
    bridges_gaps: false,
    unlimited_depth: false,
    begin: begin::<Datagrams>,
    fields: field_rows::<Datagrams>,
};

/// How flows of DNS over TCP are found and parsed.
pub static TCP_SPEECH: Speech = Speech {
    protocol: AppProtocol::Dns,
    probes: &[Probe { carrier: Carrier::Tcp, ports: PORT, likeness: |bytes, _| of_stream(bytes) }],
    first: None,
    bridges_gaps: true,
    unlimited_depth: false,
    begin: begin::<Stream>,
    fields: field_rows::<Stream>,
};

/// How flows of multicast DNS are found and parsed.
pub static MDNS_SPEECH: Speech = Speech {
    protocol: AppProtocol::Mdns,
    probes: &[Probe { carrier: Carrier::Udp, ports: MDNS_PORT, likeness: |bytes, _| of_datagram(bytes) }],
    first: None,
    bridges_gaps: false,
    unlimited_depth: false,
    begin: begin::<Multicast>,
    fields: field_rows::<Multicast>,
};

/// Whether a datagram is a message.
fn of_datagram(bytes: &[u8]) -> Likeness {
    if wire::check(bytes).is_ok() { Likeness::Certain } else { Likeness::None }
}

/// Whether a stream begins with a message behind its length; while that is not all there, its header decides.
fn of_stream(bytes: &[u8]) -> Likeness {
    let Some((len, message)) = split_length(bytes) else { return Likeness::Possible };
    let is_message = match message.get(..len) {
        Some(whole) => wire::check(whole).is_ok(),
        None if message.len() < HEADER_LEN => return Likeness::Possible,
        None => Header::read(message, len).is_ok(),
    };
    if is_message { Likeness::Certain } else { Likeness::None }
}

/// How long the length of a message over TCP is itself.
const LENGTH_LEN: usize = 2;

/// The length of a message over TCP, and what stands behind it (RFC 1035, section 4.2.2).
fn split_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&length, rest) = bytes.split_first_chunk()?;
    Some((usize::from(u16::from_be_bytes(length)), rest))
}

/// Takes one message as a transaction. What is wrong with bytes that are none is said of the transaction before, if
/// it is still there, as Suricata does.
///
/// # Errors
/// When it is none.
fn take_message(
    bytes: &[u8],
    direction: Direction,
    transactions: &mut Transactions<Message>,
) -> Result<(), Malformed> {
    let Ok((message, mut events)) = Message::read(bytes) else {
        if Header::read(bytes, bytes.len()).is_ok() {
            blame_last(transactions, Event::MalformedData);
        }
        return Err(Malformed);
    };
    match direction {
        Direction::ToServer if message.header.is_response() => {
            blame_last(transactions, Event::NotRequest);
            return Err(Malformed);
        }
        Direction::ToClient if !message.header.is_response() => events.insert(Event::NotResponse),
        Direction::ToServer | Direction::ToClient => {}
    }
    begin_transaction(message, events, direction, transactions);
    Ok(())
}

fn begin_transaction(
    message: Message,
    events: Events,
    direction: Direction,
    transactions: &mut Transactions<Message>,
) {
    let (_, transaction) = transactions.begin_one_way(direction);
    transaction.data = message;
    transaction.advance(direction, COMPLETE);
    events.numbers().for_each(|number| transaction.event(number));
}

fn blame_last(transactions: &mut Transactions<Message>, event: Event) {
    if let Some(last) = transactions.last_mut() {
        last.event(event as u8);
    }
}

/// Messages in datagrams. One that is none is passed over.
#[derive(Debug, Default)]
struct Datagrams;

impl Parser for Datagrams {
    type Transaction = Message;
    const READERS: &'static [Reader<Message>] = reader::DNS;
    const EVENTS: Option<&'static Field> = Some(&event::EVENTS);
    const COMPLETE: [u8; 2] = [COMPLETE; 2];
    const FRAMES: &'static [Field] = &frames::FRAMES;

    fn parse(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Message>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed> {
        requests.frames.add(Frame::Pdu as u8, 0, input.bytes.len());
        let _ = take_message(input.bytes, input.direction, transactions);
        Ok(input.bytes.len())
    }
}

/// Messages in a stream, each behind its length.
#[derive(Debug, Default)]
struct Stream {
    lost: Lost,
}

impl Parser for Stream {
    type Transaction = Message;
    const READERS: &'static [Reader<Message>] = reader::DNS;
    const EVENTS: Option<&'static Field> = Some(&event::EVENTS);
    const COMPLETE: [u8; 2] = [COMPLETE; 2];
    const FRAMES: &'static [Field] = &frames::FRAMES;

    fn parse(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Message>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed> {
        if let Some(passed) = self.lost.pass_over(input.bytes, input.direction, of_stream) {
            return Ok(passed);
        }
        let mut rest = input.bytes;
        while let Some((len, behind)) = split_length(rest) {
            requests.frames.stand_at(input.bytes.len() - rest.len());
            requests.frames.add(Frame::Pdu as u8, LENGTH_LEN, len);
            let Some((message, next)) = behind.split_at_checked(len) else { break };
            if !message.is_empty() {
                take_message(message, input.direction, transactions)?;
                requests.inspect_raw = true;
            }
            rest = next;
        }
        Ok(input.bytes.len() - rest.len())
    }

    fn skip(&mut self, direction: Direction, _: u64, _: &mut Transactions<Message>) -> Result<(), Malformed> {
        self.lost.note(direction);
        Ok(())
    }
}

/// Messages of multicast DNS: queries and responses go the same way, to everybody.
#[derive(Debug, Default)]
struct Multicast;

impl Parser for Multicast {
    type Transaction = Message;
    const READERS: &'static [Reader<Message>] = reader::MDNS;
    const EVENTS: Option<&'static Field> = Some(&mdns::EVENTS);
    const COMPLETE: [u8; 2] = [COMPLETE; 2];
    const FRAMES: &'static [Field] = &mdns::FRAMES;

    fn parse(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Message>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed> {
        requests.frames.add(mdns::Frame::Pdu as u8, 0, input.bytes.len());
        if let Ok((message, events)) = Message::read(input.bytes) {
            begin_transaction(message, events, input.direction, transactions);
        }
        Ok(input.bytes.len())
    }
}

#[cfg(test)]
mod tests;
