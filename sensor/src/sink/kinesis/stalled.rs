//! Events that were loaded from the spool and find no room in memory yet.
//!
//! They are no longer in the spool's census; a later event of one of their keys must not pass them all the same.

use crate::sink::Record;
use crate::sink::spool::Ticket;
use std::collections::{HashMap, VecDeque};

/// They, in the order of the spool.
#[derive(Debug, Default)]
pub(crate) struct Stalled {
    events: VecDeque<(Ticket, Record)>,
    /// How many of each order key.
    keys: HashMap<u64, usize>,
}

impl Stalled {
    pub(crate) fn push_back(&mut self, ticket: Ticket, record: Record) {
        self.note(&record);
        self.events.push_back((ticket, record));
    }

    pub(crate) fn push_front(&mut self, ticket: Ticket, record: Record) {
        self.note(&record);
        self.events.push_front((ticket, record));
    }

    fn note(&mut self, record: &Record) {
        *self.keys.entry(record.order_key).or_default() += 1;
    }

    pub(crate) fn pop_front(&mut self) -> Option<(Ticket, Record)> {
        let (ticket, record) = self.events.pop_front()?;
        if let Some(count) = self.keys.get_mut(&record.order_key) {
            *count -= 1;
            if *count == 0 {
                self.keys.remove(&record.order_key);
            }
        }
        Some((ticket, record))
    }

    /// Whether an event of the key is among them.
    pub(crate) fn holds(&self, order_key: u64) -> bool {
        self.keys.contains_key(&order_key)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// All of them, in order.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Record> + use<> {
        self.keys.clear();
        std::mem::take(&mut self.events).into_iter().map(|(_, record)| record)
    }
}
