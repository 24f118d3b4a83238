//! A rule's match, with what the analyst needs beside it.

use crate::time::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;

/// The way a packet goes within its flow.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Direction {
    /// From the flow's client, which is whoever spoke first.
    ToServer,
    /// To the flow's client.
    ToClient,
}

impl Direction {
    /// Both ways, by their index.
    pub const ALL: [Self; 2] = [Self::ToServer, Self::ToClient];

    /// 0 to the server, 1 to the client: the place of this way in pairs.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The other way.
    pub fn opposite(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

/// What a rule says of itself; shared by all its detections.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Alert {
    /// Generator id.
    pub gid: u32,
    /// Signature id.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// The rule as written, continuation lines joined, variables unexpanded.
    pub rule: String,
    /// Its `msg`.
    pub signature: String,
    /// The description of its class, from classification.config; empty without one.
    pub category: String,
    /// 1 high, 2 medium, 3 low; others pass through.
    pub severity: u32,
}

/// The Ethernet addresses of a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MacPair {
    /// Sender.
    pub source: [u8; 6],
    /// Receiver.
    pub destination: [u8; 6],
}

/// HTTP at the time of the alert; what is not known yet is left out. Strings are wire bytes, of any encoding.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Http {
    /// Host as sent, without the port, lower case.
    pub hostname: Option<Vec<u8>>,
    /// The raw request target, query included.
    pub url: Option<Vec<u8>>,
    /// User-Agent.
    pub user_agent: Option<Vec<u8>>,
    /// Content-Type, the response's, else the request's.
    pub content_type: Option<Vec<u8>>,
    /// Request method.
    pub method: Option<Vec<u8>>,
    /// Protocol version as sent, `HTTP/1.1`.
    pub protocol: Option<Vec<u8>>,
    /// Response status.
    pub status: Option<u32>,
    /// Response body bytes on the wire so far; the Content-Length where the body has not begun.
    pub length: Option<u64>,
}

/// Why a flow ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum EndReason {
    /// Nothing came any more.
    Timeout,
    /// FIN in both directions.
    Closed,
    /// RST.
    Reset,
    /// The table was full.
    Evicted,
    /// The sensor stopped.
    Shutdown,
}

impl EndReason {
    /// The name in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Evicted => "evicted",
            Self::Shutdown => "shutdown",
        }
    }
}

/// A flow's counts, when it was seen, and how it ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FlowStatistics {
    /// Packets from the client.
    pub packets_to_server: u64,
    /// Packets to the client.
    pub packets_to_client: u64,
    /// Bytes of whole frames from the client, at their length on the wire.
    pub bytes_to_server: u64,
    /// Bytes of whole frames to the client, at their length on the wire.
    pub bytes_to_client: u64,
    /// The first packet's time.
    pub start: Timestamp,
    /// The latest packet's time.
    pub end: Timestamp,
    /// How it ended; nothing while it lives.
    pub reason: Option<EndReason>,
}

/// One match of one rule.
#[derive(Clone, Debug)]
pub struct Detection {
    /// The packet's time.
    pub time: Timestamp,
    /// The flow's client, or the packet's sender without a flow.
    pub source: IpAddr,
    /// The flow's server, or the packet's receiver without a flow.
    pub destination: IpAddr,
    /// Port of `source`, for protocols with ports.
    pub source_port: Option<u16>,
    /// Port of `destination`, for protocols with ports.
    pub destination_port: Option<u16>,
    /// The outer frame's addresses, oriented as `source` and `destination` are.
    pub mac: Option<MacPair>,
    /// The flow's number, under 2^53; nothing without a flow.
    pub flow_id: Option<u64>,
    /// The application protocol, once known.
    pub app_proto: Option<&'static str>,
    /// The IP protocol number; nothing without IP.
    pub protocol: Option<u8>,
    /// The way the packet went; nothing without a flow.
    pub direction: Option<Direction>,
    /// The rule.
    pub alert: Arc<Alert>,
    /// HTTP, where the match is within or beside a transaction of it.
    pub http: Option<Box<Http>>,
    /// The flow so far; nothing without a flow.
    pub flow: Option<FlowStatistics>,
    /// The transaction matched, counted from 0 within the flow.
    pub transaction: Option<u64>,
    /// Position among the detections of the flow, in packet order; tells byte-identical packets of one time apart.
    pub ordinal: u32,
}
