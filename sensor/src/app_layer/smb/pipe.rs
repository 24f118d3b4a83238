//! Named pipes that carry DCE/RPC.

use super::session::Context;
use super::transaction::Kind;
use crate::app_layer::dcerpc::association::{Association, Ledger};
use crate::app_layer::dcerpc::call::{Call, Held};
use crate::app_layer::parser::Malformed;
use crate::event::Direction;

/// What goes over one pipe.
#[derive(Debug)]
pub(super) struct Channel {
    association: Association,
    /// What is not a whole unit yet, each way.
    streams: [Vec<u8>; 2],
    /// It carries something else.
    refused: bool,
}

impl Default for Channel {
    fn default() -> Self {
        Self { association: Association::of_pipe(), streams: Default::default(), refused: false }
    }
}

impl Channel {
    /// Whether what it has carried so far are calls.
    pub(super) fn carries_calls(&self) -> bool {
        !self.refused
    }

    /// Cuts what goes one way into units, and takes these.
    pub(super) fn take(&mut self, bytes: &[u8], mut calls: Calls<'_, '_>) {
        if self.refused {
            return;
        }
        let direction = calls.context.direction;
        let stream = &mut self.streams[direction.index()];
        // Most units come whole.
        let left = if stream.is_empty() {
            let taken = self.association.take_all(bytes, direction, &mut calls);
            taken.map(|taken| stream.extend_from_slice(&bytes[taken..]))
        } else {
            stream.extend_from_slice(bytes);
            let taken = self.association.take_all(stream, direction, &mut calls);
            taken.map(|taken| drop(stream.drain(..taken)))
        };
        if let Err(Malformed) = left {
            self.refused = true;
            self.streams = Default::default();
        }
    }

    /// Bytes of units that are not whole yet.
    pub(super) fn waiting(&self) -> usize {
        self.streams.iter().map(Vec::len).sum()
    }

    /// Something that goes one way was never seen.
    pub(super) fn lose(&mut self, direction: Direction) {
        self.streams[direction.index()].clear();
    }
}

/// The transactions of a connection as the calls that some of them are.
pub(super) struct Calls<'c, 'a> {
    pub(super) version: u8,
    pub(super) context: &'c mut Context<'a>,
    pub(super) held: &'c mut Held,
}

fn call(kind: &mut Kind) -> Option<&mut Call> {
    match kind {
        Kind::Call(call) => Some(call),
        _ => None,
    }
}

impl Ledger for Calls<'_, '_> {
    fn begin(&mut self) -> u64 {
        self.context.begin(self.version, Kind::Call(Call::default()))
    }

    fn call(&mut self, transaction: u64) -> Option<&mut Call> {
        call(&mut self.context.transactions.get_mut(transaction)?.data.kind)
    }

    fn complete(&mut self, transaction: u64, direction: Direction) {
        self.context.complete(transaction, direction);
    }

    fn take_room(&mut self, bytes: usize) -> bool {
        let transactions = &*self.context.transactions;
        self.held.take(bytes, || {
            transactions.iter().filter_map(|transaction| transaction.data.call()).map(Call::held).sum()
        })
    }

    fn refuse(&mut self) {
        self.context.transactions.refused += 1;
    }
}
