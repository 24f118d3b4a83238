//! Calls in datagrams (C706, chapter 10): each names its interface and operation.

use super::call::{Asked, Call, Held};
use super::wire::{DATAGRAM_HEADER_LEN, DatagramHeader, kind};
use super::{Calls, READERS, announce, frames};
use crate::app_layer::bounded::Bounded;
use crate::app_layer::dcerpc::association::Ledger;
use crate::app_layer::parser::{Input, Malformed, Parser, Reader, Requests};
use crate::app_layer::progress::COMPLETE;
use crate::app_layer::transaction::Transactions;
use crate::event::Direction;
use rules::vocabulary::Field;

/// The most calls of one flow that are open.
const MAX_CALLS: usize = 512;

/// The parser of one flow.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    open: Open,
    held: Held,
}

/// Transactions by activity and number.
type Open = Bounded<([u8; 16], u32), u64, MAX_CALLS>;

impl Parser for Datagrams {
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
        let Some(header) = DatagramHeader::parse(input.bytes) else { return Ok(input.bytes.len()) };
        announce(&mut requests.frames, DATAGRAM_HEADER_LEN, input.bytes.len());
        let direction = match header.kind {
            kind::REQUEST => Direction::ToServer,
            kind::RESPONSE => Direction::ToClient,
            _ => return Ok(input.bytes.len()),
        };
        if direction == input.direction {
            let mut calls = Calls { direction, transactions, requests, held: &mut self.held };
            let stub = &input.bytes[DATAGRAM_HEADER_LEN..];
            take(&mut self.open, &header, &stub[..stub.len().min(header.len)], direction, &mut calls);
        }
        Ok(input.bytes.len())
    }

    fn inspected(call: &mut Call, direction: Direction) {
        call.inspected(direction);
    }

    fn is_big_endian(call: &Call, direction: Direction) -> bool {
        call.is_big_endian(direction)
    }
}

fn take(open: &mut Open, header: &DatagramHeader, stub: &[u8], direction: Direction, calls: &mut Calls<'_>) {
    let known = open.get(&header.call).copied().filter(|&id| calls.call(id).is_some());
    let id = known.unwrap_or_else(|| {
        let id = calls.begin();
        if open.insert(header.call, id).is_some() {
            calls.refuse();
        }
        if direction == Direction::ToClient {
            calls.complete(id, Direction::ToServer);
        }
        id
    });
    let fits = calls.take_room(stub.len());
    let Some(call) = calls.call(id) else { return };
    if direction == Direction::ToServer && call.asked.is_none() {
        let DatagramHeader { operation, interface, .. } = *header;
        call.asked = Some(Asked { operation, interface: Some(interface), begins: header.is_first() });
    }
    let kept = if fits { call.add(direction, stub, header.big_endian) } else { 0 };
    if header.is_last {
        call.end(direction);
        calls.complete(id, direction);
    }
    if kept < stub.len() {
        calls.refuse();
    }
    if header.is_last && direction == Direction::ToClient {
        open.remove(&header.call);
    }
}
