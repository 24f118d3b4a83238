//! DCE/RPC (C706, with MS-RPCE), over TCP, UDP, and the named pipes of SMB.
//!
//! Each call is a transaction: the fragments of its request, then those of its response. So is each offer of interfaces
//! with its answer.

pub mod association;
pub mod call;
mod datagram;
pub(super) mod facts;
pub mod fields;
pub mod frames;
pub mod wire;

use super::conversation::{begin, field_rows};
use super::frames::FrameLog;
use super::identify::{Carrier, Likeness, Lost, Probe, Speech};
use super::parser::{Input, Malformed, Parser, Reader, Requests};
use super::progress::{COMPLETE, STARTED, TWO_STATES};
use super::transaction::Transactions;
use crate::event::Direction;
use association::{Association, Ledger};
use call::{Call, Held};
use datagram::Datagrams;
use frames::Frame;
use rules::header::protocol::AppProtocol;
use rules::vocabulary::{Field, Lexicon};
use wire::{DatagramHeader, HEADER_LEN, Header};

/// What DCE/RPC lends to rules.
pub static LEXICON: Lexicon = Lexicon {
    protocols: &[AppProtocol::Dcerpc],
    fields: fields::FIELDS,
    keywords: fields::KEYWORDS,
    hooks: TWO_STATES,
    events: None,
    frames: &frames::FRAMES,
};

/// How DCE/RPC over TCP is found, anywhere.
pub static SPEECH: Speech = Speech {
    protocol: AppProtocol::Dcerpc,
    probes: &[Probe { carrier: Carrier::Tcp, ports: &[], likeness: |bytes, _| of_stream(bytes) }],
    first: None,
    bridges_gaps: true,
    unlimited_depth: false,
    begin: begin::<Units>,
    fields: field_rows::<Units>,
};

/// How DCE/RPC over UDP is found, anywhere.
pub static UDP_SPEECH: Speech = Speech {
    protocol: AppProtocol::Dcerpc,
    probes: &[Probe { carrier: Carrier::Udp, ports: &[], likeness: |bytes, _| of_datagram(bytes) }],
    first: None,
    bridges_gaps: false,
    unlimited_depth: false,
    begin: begin::<Datagrams>,
    fields: field_rows::<Datagrams>,
};

/// Whether a stream begins with a unit.
fn of_stream(bytes: &[u8]) -> Likeness {
    let version = [5, 0];
    let len = bytes.len().min(version.len());
    match bytes.len() {
        _ if bytes[..len] != version[..len] => Likeness::None,
        len if len < HEADER_LEN => Likeness::Possible,
        _ if Header::parse(bytes).is_some() => Likeness::Certain,
        _ => Likeness::None,
    }
}

fn of_datagram(bytes: &[u8]) -> Likeness {
    if DatagramHeader::parse(bytes).is_some() { Likeness::Certain } else { Likeness::None }
}

/// The parser of one connection.
#[derive(Debug)]
pub struct Units {
    association: Association,
    held: Held,
    lost: Lost,
}

impl Default for Units {
    fn default() -> Self {
        Self { association: Association::of_connection(), held: Held::default(), lost: Lost::default() }
    }
}

impl Parser for Units {
    type Transaction = Call;
    const READERS: &'static [Reader<Call>] = READERS;
    const EVENTS: Option<&'static Field> = None;
    const COMPLETE: [u8; 2] = [COMPLETE; 2];
    const FRAMES: &'static [Field] = &frames::FRAMES;

    fn parse(
        &mut self,
        input: &Input<'_>,
        transactions: &mut Transactions<Call>,
        requests: &mut Requests,
    ) -> Result<usize, Malformed> {
        if let Some(passed) = self.lost.pass_over(input.bytes, input.direction, of_stream) {
            return Ok(passed);
        }
        let mut calls = Calls { direction: input.direction, transactions, requests, held: &mut self.held };
        self.association.take_all(input.bytes, input.direction, &mut calls)
    }

    fn skip(&mut self, direction: Direction, _: u64, _: &mut Transactions<Call>) -> Result<(), Malformed> {
        self.lost.note(direction);
        Ok(())
    }

    fn inspected(call: &mut Call, direction: Direction) {
        call.inspected(direction);
    }

    fn is_big_endian(call: &Call, direction: Direction) -> bool {
        call.is_big_endian(direction)
    }
}

/// The transactions of a flow as the calls that they are.
#[derive(Debug)]
struct Calls<'a> {
    direction: Direction,
    transactions: &'a mut Transactions<Call>,
    requests: &'a mut Requests,
    held: &'a mut Held,
}

/// Tells of the frames that a unit of so many bytes makes.
fn announce(frames: &mut FrameLog, header_len: usize, len: usize) {
    frames.add(Frame::Pdu as u8, 0, len);
    frames.add(Frame::Hdr as u8, 0, header_len);
    frames.add(Frame::Data as u8, header_len, len.saturating_sub(header_len));
}

impl Ledger for Calls<'_> {
    fn unit(&mut self, at: usize, len: usize) {
        self.requests.frames.stand_at(at);
        announce(&mut self.requests.frames, HEADER_LEN, len);
    }

    fn begin(&mut self) -> u64 {
        let (id, transaction) = self.transactions.begin();
        Direction::ALL.iter().for_each(|&way| transaction.advance(way, STARTED));
        id
    }

    fn call(&mut self, transaction: u64) -> Option<&mut Call> {
        Some(&mut self.transactions.get_mut(transaction)?.data)
    }

    fn complete(&mut self, transaction: u64, direction: Direction) {
        if let Some(transaction) = self.transactions.get_mut(transaction) {
            transaction.advance(direction, COMPLETE);
        }
        self.requests.inspect_raw |= direction == self.direction;
    }

    fn take_room(&mut self, bytes: usize) -> bool {
        let transactions = &*self.transactions;
        self.held.take(bytes, || transactions.iter().map(|call| call.data.held()).sum())
    }

    fn refuse(&mut self) {
        self.transactions.refused += 1;
    }
}

/// How each field is read.
const READERS: &[Reader<Call>] = &[
    Reader::streaming(&fields::STUB_DATA, |call, direction, visit| call.show_stub(direction, visit)),
    Reader::new(&fields::INTERFACE, |call, _, visit| call.show_interface(visit)),
    Reader::new(&fields::OPERATION, |call, _, visit| call.show_operation(visit)),
];

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
