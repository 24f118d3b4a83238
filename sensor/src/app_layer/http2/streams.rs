//! The streams of a connection and what both of its directions share.

use super::event::Event;
use super::hpack::Decoder;
use super::stream::Stream;
use crate::app_layer::http::progress::{COMPLETE, STARTED};
use crate::app_layer::transaction::{MAX_OPEN, Transactions};
use crate::event::Direction;
use std::collections::HashMap;

/// What both directions of a connection share.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// The transactions of streams, by the streams' numbers. Some may be gone.
    numbers: HashMap<u32, u64>,
    /// What decodes the header blocks of each direction.
    pub(super) decoders: [Decoder; 2],
    /// Whether one has carried DNS.
    pub(super) carry_dns: bool,
}

impl Streams {
    /// The number of a stream's transaction, which is made where there is none.
    pub(super) fn find(
        &mut self,
        stream: u32,
        way: Direction,
        transactions: &mut Transactions<Stream>,
    ) -> u64 {
        let known = self.numbers.get(&stream).copied();
        let number = match known.filter(|&number| transactions.get(number).is_some()) {
            Some(number) => number,
            None => self.begin(stream, transactions),
        };
        if let Some(transaction) = transactions.get_mut(number) {
            transaction.advance(way, STARTED);
        }
        number
    }

    fn begin(&mut self, stream: u32, transactions: &mut Transactions<Stream>) -> u64 {
        if self.numbers.len() >= 2 * MAX_OPEN {
            self.numbers.retain(|_, &mut number| transactions.get(number).is_some());
        }
        let is_full = transactions.is_full();
        let (number, transaction) = transactions.begin();
        if is_full {
            transaction.note(Event::TooManyStreams);
        }
        self.numbers.insert(stream, number);
        number
    }
}

/// A transaction for a frame about the whole connection.
pub(super) fn begin_global(way: Direction, transactions: &mut Transactions<Stream>) -> u64 {
    let is_full = transactions.is_full();
    let (number, transaction) = transactions.begin_one_way(way);
    if is_full {
        transaction.note(Event::TooManyStreams);
    }
    transaction.advance(way, COMPLETE);
    number
}
