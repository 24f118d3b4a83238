//! What a rule may look at: the facts of one packet, by value, and its bytes, on loan.
//!
//! Whoever decodes packets fills these in. Nothing here decides what is valid on the wire: each header was checked
//! when its view was made, so that reading a field cannot fail.

pub mod checksum;
mod event;
mod flow;
mod header;
mod packet;
mod tcp_option;

pub use event::{AppEvent, AppEvents, DecodeEvent, DecodeEvents, StreamEvent, StreamEvents};
pub use flow::{AppFacts, BitScope, Blank, Detection, FlowFacts, Memory, View};
pub use header::{Ethernet, Icmp, Ipv4, Ipv6, Sctp, Tcp, Udp, VlanTags};
pub use packet::{Network, Origin, Packet, Transport};
pub use tcp_option::{TcpOption, TcpOptions};
