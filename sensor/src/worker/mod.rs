//! One worker: the packets of its shard, from bytes to findings.
//!
//! Owns its shard of every table and shares none of it. What belongs to another shard, a DHCP message, is handed over
//! as mail. What rules remember across flows, and must be able to ask at once, is the one thing that workers share
//! ([`SharedMemory`](crate::detect::SharedMemory)).

mod alert;
mod dhcp;
mod expectations;
mod made_up;
mod shard;
mod tracked;

pub use alert::{AlertTexts, SharedRules};
pub use dhcp::{Letter, Mail, MailRoom};
pub use shard::{Assignment, Shard, ShardConfig};
