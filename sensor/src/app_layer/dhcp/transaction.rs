//! Transactions: what a message leaves open, the earlier ones of its exchange may tell.
//!
//! The table is set-associative: a transaction's key names one of [`SETS`] sets, and only its own set can make it
//! give way. A set belongs to one shard, so that which transactions are remembered depends on the traffic alone,
//! never on the number of shards.

use super::wire::{Message, Operation};
use crate::counter::{Counter, Counters};
use crate::event::{Dhcp, DhcpKind, HardwareAddress, transaction_key};
use crate::limits::DhcpLimits;
use crate::time::Timestamp;
use std::net::Ipv4Addr;

/// How many sets all shards have together.
const SETS: usize = 4096;

/// The shard, of `shards`, that owns the transactions of this key (see [`transaction_key`]).
///
/// # Panics
/// When there are no shards.
pub fn shard_of(key: u64, shards: usize) -> usize {
    set_of(key) % shards
}

fn set_of(key: u64) -> usize {
    key as usize % SETS
}

impl Message {
    /// What the messages of its transaction share, for [`shard_of`].
    pub fn transaction_key(&self) -> u64 {
        transaction_key(&self.client, self.transaction_id)
    }

    /// The client's address, where the message itself tells it.
    ///
    /// Servers give yiaddr, and confirm ciaddr where they give none; clients ask for option 50, else use ciaddr; a
    /// RELEASE or INFORM is about ciaddr alone. A NAK names no address. Types without a name here (BOOTP, lease
    /// queries) go by who speaks.
    pub fn client_ip(&self) -> Option<Ipv4Addr> {
        let requested = self.requested_address.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let preferred = match (self.kind, self.operation) {
            (DhcpKind::Nack, _) => return None,
            (DhcpKind::Offer | DhcpKind::Ack, _) | (DhcpKind::Unspecified, Operation::Reply) => self.yiaddr,
            (DhcpKind::Discover | DhcpKind::Request | DhcpKind::Decline, _)
            | (DhcpKind::Unspecified, Operation::Request) => requested,
            (DhcpKind::Release | DhcpKind::Inform, _) => self.ciaddr,
        };
        specified(preferred).or_else(|| specified(self.ciaddr))
    }
}

/// The address, unless it is 0.0.0.0.
fn specified(address: Ipv4Addr) -> Option<Ipv4Addr> {
    (!address.is_unspecified()).then_some(address)
}

/// The transactions of one shard.
#[derive(Debug)]
pub struct TransactionTable {
    /// Each is made when its first transaction comes, and kept.
    sets: Vec<Option<Box<[Transaction]>>>,
    ways: usize,
    idle_ns: u64,
}

/// One exchange between a client and its servers; free while it has no messages.
#[derive(Clone, Copy, Debug, Default)]
struct Transaction {
    client: HardwareAddress,
    id: u32,
    /// Messages seen.
    messages: u32,
    last_message: Timestamp,
    /// The latest address that a message told.
    address: Option<Ipv4Addr>,
}

impl TransactionTable {
    /// An empty table.
    pub fn new(limits: &DhcpLimits) -> Self {
        Self {
            sets: vec![None; SETS],
            ways: (limits.transactions as usize).div_ceil(SETS).max(1),
            idle_ns: limits.idle_seconds.saturating_mul(1_000_000_000),
        }
    }

    /// Takes the next message of a transaction that this shard owns, in packet order, and makes the event of it.
    /// `time` is the packet's, `vlan` its innermost VLAN id.
    pub fn observe(
        &mut self,
        message: &Message,
        time: Timestamp,
        vlan: Option<u16>,
        counters: &mut Counters,
    ) -> Dhcp {
        counters.increment(Counter::DhcpMessages);
        let transaction = self.transaction(message, time, counters);
        let ordinal = transaction.messages;
        let client_ip = message.client_ip().or(transaction.address);
        transaction.messages = transaction.messages.saturating_add(1);
        transaction.last_message = transaction.last_message.max(time);
        transaction.address = client_ip;
        Dhcp {
            time,
            kind: message.kind,
            transaction_id: message.transaction_id,
            client: message.client,
            client_ip,
            relay_ip: specified(message.giaddr),
            vlan_id: vlan,
            ordinal,
        }
    }

    /// The message's transaction: the one that is open, or a new one in the place of a free, expired or, last,
    /// the least recently used one.
    fn transaction(
        &mut self,
        message: &Message,
        time: Timestamp,
        counters: &mut Counters,
    ) -> &mut Transaction {
        let ways = self.ways;
        let set = self.sets[set_of(message.transaction_key())]
            .get_or_insert_with(|| vec![Transaction::default(); ways].into_boxed_slice());
        let belongs = |transaction: &Transaction| {
            transaction.messages > 0
                && transaction.id == message.transaction_id
                && transaction.client == message.client
        };
        let found = set.iter().position(belongs);
        let place = found.unwrap_or_else(|| least_recent(set));
        let transaction = &mut set[place];
        let live = transaction.messages > 0 && time.nanos_since(transaction.last_message) <= self.idle_ns;
        if found.is_none() && live {
            counters.increment(Counter::DhcpEvicted);
        }
        if found.is_none() || !live {
            *transaction =
                Transaction { client: message.client, id: message.transaction_id, ..Transaction::default() };
        }
        transaction
    }
}

/// The place of a free transaction, else of the one whose last message is the oldest.
fn least_recent(set: &[Transaction]) -> usize {
    let age = |&place: &usize| (set[place].messages > 0, set[place].last_message);
    (0..set.len()).min_by_key(age).expect("a set has at least one way")
}

#[cfg(test)]
mod tests;
