//! What a rule may ask about the flow a packet belongs to, and about what earlier rules remembered.

use crate::header::protocol::AppProtocol;
use std::net::IpAddr;

/// The flow of the packet under inspection, at that packet.
#[derive(Clone, Copy, Debug)]
pub struct FlowFacts {
    /// Whether the packet goes to the server.
    pub to_server: bool,
    /// Whether packets went both ways before, for TCP whether the handshake was complete, when this one came.
    pub established: bool,
    /// Packets to the server so far, this one included.
    pub packets_to_server: u64,
    /// Packets to the client so far, this one included.
    pub packets_to_client: u64,
    /// Bytes of whole frames to the server so far.
    pub bytes_to_server: u64,
    /// Bytes of whole frames to the client so far.
    pub bytes_to_client: u64,
    /// Nanoseconds from the flow's first packet to this one.
    pub age_ns: u64,
    /// Bytes of the client's stream seen so far, by sequence numbers; nothing without a TCP session.
    pub client_stream_bytes: Option<u64>,
    /// Likewise of the server's stream.
    pub server_stream_bytes: Option<u64>,
    /// Whether it moved more bytes within a time than is configured, to the server and to the client.
    pub elephant: [bool; 2],
}

/// How far the search for an application protocol has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Detection {
    /// It goes on, or has not begun.
    #[default]
    Pending,
    /// It was given up: the flow speaks nothing known.
    Failed,
    /// It found this.
    Found(AppProtocol),
}

impl Detection {
    /// The protocol, once it was found.
    pub const fn found(self) -> Option<AppProtocol> {
        match self {
            Self::Found(protocol) => Some(protocol),
            Self::Pending | Self::Failed => None,
        }
    }
}

/// What a flow was found to speak, at the packet under inspection.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AppFacts {
    /// By what the client sent.
    pub to_server: Detection,
    /// By what the server sent.
    pub to_client: Detection,
    /// As a whole: what its parser is for.
    pub whole: Detection,
    /// Before an upgrade such as STARTTLS to another protocol; without one, nothing.
    pub original: Detection,
    /// What was odd about finding it, noted at this packet.
    pub events: super::AppEvents,
}

/// Whose bit an `xbits` or `hostbits` rule means.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BitScope {
    /// The packet's sender.
    Source,
    /// The packet's receiver.
    Destination,
    /// Both, in either order.
    Pair,
    /// The flow's transaction.
    Transaction,
}

/// What earlier matches left behind. Names are numbered when the rule set is built.
pub trait Memory {
    /// Whether the flow has that `flowbits` bit.
    fn flowbit(&self, id: u32) -> bool;
    /// The flow's `flowint` variable.
    fn flowint(&self, id: u32) -> Option<u32>;
    /// What `pcre` captured last under that name on the flow (`flowvar`).
    fn flow_variable(&self, _: u32) -> Option<&[u8]> {
        None
    }
    /// What `pcre` captured last under that name on this packet (`pktvar`).
    fn packet_variable(&self, _: u32) -> Option<&[u8]> {
        None
    }
    /// Whether the address or pair has that bit, not expired.
    fn address_bit(&self, scope: BitScope, id: u32) -> bool;
    /// Whether there is a list of reputations that has the category. Of one that no list has, nothing can be told.
    fn knows_category(&self, _: u32) -> bool {
        true
    }
    /// The category's reputation score of an address (`iprep`).
    fn reputation(&self, address: IpAddr, category: u32) -> Option<u8>;
    /// The country of an address, two letters (ISO 3166-1), as far as a configured database knows it (`geoip`).
    fn country(&self, _: IpAddr) -> Option<[u8; 2]> {
        None
    }
    /// Whether the data set holds `value`.
    fn dataset_contains(&self, id: u32, value: &[u8]) -> bool;
    /// Adds `value` to the data set or takes it out; whether that made a difference. Where several ask at once, it
    /// does for one of them.
    fn change_dataset(&self, id: u32, value: &[u8], add: bool) -> bool;
    /// The score of `value` in a `datarep` set.
    fn dataset_score(&self, id: u32, value: &[u8]) -> Option<u16>;
}

/// A memory in which nothing ever happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Blank;

impl Memory for Blank {
    fn flowbit(&self, _: u32) -> bool {
        false
    }
    fn flowint(&self, _: u32) -> Option<u32> {
        None
    }
    fn address_bit(&self, _: BitScope, _: u32) -> bool {
        false
    }
    fn reputation(&self, _: IpAddr, _: u32) -> Option<u8> {
        None
    }
    fn dataset_contains(&self, _: u32, _: &[u8]) -> bool {
        false
    }
    fn change_dataset(&self, _: u32, _: &[u8], _: bool) -> bool {
        false
    }
    fn dataset_score(&self, _: u32, _: &[u8]) -> Option<u16> {
        None
    }
}

/// Everything a rule's conditions on a packet may look at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The packet.
    pub packet: &'a super::Packet<'a>,
    /// Its flow, if it has one.
    pub flow: Option<&'a FlowFacts>,
    /// What the stream engine found wrong with the packet.
    pub stream_events: super::StreamEvents,
    /// What the flow was found to speak.
    pub app: AppFacts,
    /// What earlier matches left behind.
    pub memory: &'a dyn Memory,
    /// Whether numbers of the transaction under inspection stand most significant byte first, where a rule leaves that
    /// to DCERPC; nothing without a transaction.
    pub big_endian: Option<bool>,
}
