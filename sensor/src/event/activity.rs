//! A record: what a transaction of a protocol was, or a flow, told once it is over.

use super::detection::{FlowStatistics, MacPair};
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// What a record is of. The name ends the event's type, and its object in the payload bears it.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
        pub enum ActivityKind { $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)+ }

        impl ActivityKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in configurations and events.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

kinds! {
    /// A request of HTTP, of either version, with its response.
    Http = "http",
    /// A message of DNS.
    Dns = "dns",
    /// A handshake of TLS.
    Tls = "tls",
    /// A connection of SSH.
    Ssh = "ssh",
    /// A mail given to SMTP, or an attempt.
    Smtp = "smtp",
    /// A command of FTP with its reply.
    Ftp = "ftp",
    /// A session, a share, a file or a call of SMB.
    Smb = "smb",
    /// A call of DCE/RPC over TCP or UDP.
    Dcerpc = "dcerpc",
    /// A flow, whatever it carried.
    Flow = "flow",
}

/// What a record tells under one name. Texts are wire bytes, of any encoding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fact {
    /// One text.
    Text(Vec<u8>),
    /// Several texts.
    Texts(Vec<Vec<u8>>),
    /// A number.
    Number(u64),
}

/// Facts by name, in the order in which they are written.
pub type Facts = Vec<(&'static str, Fact)>;

/// A transaction or a flow that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// What it is of.
    pub kind: ActivityKind,
    /// The time of the latest packet by then.
    pub time: Timestamp,
    /// The flow's client.
    pub source: IpAddr,
    /// Its port, for protocols with ports.
    pub source_port: Option<u16>,
    /// The flow's server.
    pub destination: IpAddr,
    /// Its port, for protocols with ports.
    pub destination_port: Option<u16>,
    /// The Ethernet addresses, oriented likewise.
    pub mac: Option<MacPair>,
    /// The flow's number.
    pub flow_id: u64,
    /// The application protocol, by Suricata's name.
    pub app_proto: Option<&'static str>,
    /// The IP protocol.
    pub protocol: u8,
    /// The flow's counts; of a flow alone.
    pub flow: Option<FlowStatistics>,
    /// What the protocol tells; empty of a flow.
    pub facts: Facts,
    /// Position among the records of the flow.
    pub ordinal: u32,
}
