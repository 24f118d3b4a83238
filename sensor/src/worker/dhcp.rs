//! DHCP messages on their way to the shard that owns their transaction.

use crate::app_layer::dhcp::Message;
use crate::collect::{Found, Order, Stage};
use crate::time::Timestamp;
use std::collections::VecDeque;

/// A parsed message and where it was seen.
#[derive(Clone, Copy, Debug)]
pub struct Letter {
    /// The packet that carried it.
    pub ordinal: u64,
    /// Position among the packets of one frame.
    pub index: u32,
    /// The packet's time.
    pub time: Timestamp,
    /// Its innermost VLAN id.
    pub vlan: Option<u16>,
    /// The message.
    pub message: Message,
}

/// All letters of one worker to one shard in one burst, often none.
#[derive(Debug)]
pub struct Mail {
    /// Which burst, counted from 0.
    pub burst: u64,
    /// In order of their packets.
    pub letters: Vec<Letter>,
}

/// The mail of one shard: kept until all workers have sent theirs of a burst, then read in order of packets.
#[derive(Debug)]
pub struct MailRoom {
    senders: usize,
    first: u64,
    pending: VecDeque<(usize, Vec<Letter>)>,
}

impl MailRoom {
    /// For mail from so many workers.
    pub fn new(senders: usize) -> Self {
        Self { senders, first: 0, pending: VecDeque::new() }
    }

    /// Takes one worker's mail of a burst.
    pub fn take(&mut self, mail: Mail) {
        let place = usize::try_from(mail.burst - self.first).expect("as many as bursts in flight");
        if self.pending.len() <= place {
            self.pending.resize_with(place + 1, Default::default);
        }
        let (senders, letters) = &mut self.pending[place];
        *senders += 1;
        letters.extend(mail.letters);
    }

    /// The letters of the next burst, once all workers have sent theirs, with the burst's number.
    pub fn next_burst(&mut self) -> Option<(u64, Vec<Letter>)> {
        let (senders, _) = self.pending.front()?;
        if *senders < self.senders {
            return None;
        }
        let (_, mut letters) = self.pending.pop_front()?;
        letters.sort_by_key(|letter| (letter.ordinal, letter.index));
        let burst = self.first;
        self.first += 1;
        Some((burst, letters))
    }
}

impl Letter {
    /// Where the event of this message stands in the output.
    pub fn order(&self) -> Order {
        Order { ordinal: self.ordinal, stage: Stage::Dhcp, flow: Default::default(), index: self.index }
    }
}

/// A message's event, in its place.
pub(super) fn found(letter: &Letter, event: crate::event::Dhcp) -> (Order, Found) {
    (letter.order(), Found::Dhcp(event))
}
