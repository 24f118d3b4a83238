//! DHCPv4 (RFC 2131), and BOOTP (RFC 951) as far as it looks the same.
//!
//! [`parse`] reads one datagram into a [`Message`], which is plain facts and may be handed to another thread;
//! the [`TransactionTable`] of the shard that owns the transaction makes the event of it. Knows nothing of flows:
//! the messages of an exchange do not share one.

mod transaction;
mod wire;

pub use transaction::{TransactionTable, shard_of};
pub use wire::{Malformed, Message, Operation, parse};

/// Whether a datagram between these ports is looked at: servers listen on 67, clients on 68 (RFC 2131 §4.1), PXE
/// boot servers on 4011 (PXE specification 2.1, §2.2.3).
pub fn is_dhcp(source_port: u16, destination_port: u16) -> bool {
    [source_port, destination_port].iter().any(|port| matches!(port, 67 | 68 | 4011))
}
