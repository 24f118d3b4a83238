//! What a match leaves behind for later rules and packets.

use crate::names::NameKind;
use crate::signature::Way;
use crate::view::BitScope;

/// What happens to a bit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BitChange {
    /// It is set.
    Set,
    /// It is cleared.
    Unset,
    /// It becomes what it was not.
    Toggle,
}

/// Arithmetic of `flowint`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IntChange {
    /// Becomes the number.
    Set,
    /// Grows by the number; a variable not set yet counts as 0.
    Add,
    /// Shrinks by the number.
    Subtract,
}

/// How much a `tag` marks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TagMetric {
    /// So many packets.
    Packets(u32),
    /// So many seconds.
    Seconds(u32),
    /// So many bytes.
    Bytes(u32),
}

/// Whose packets a `tag` marks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TagScope {
    /// The flow's.
    Session,
    /// The sender's.
    Source,
    /// The receiver's.
    Destination,
}

/// For whom a captured value is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CaptureScope {
    /// The flow, for as long as it lives (`flowvar`).
    Flow,
    /// The packet that the rule matched on (`pktvar`).
    Packet,
}

/// Which files a `filestore` keeps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StoreScope {
    /// The file on which the rule has matched.
    File,
    /// All of its transaction.
    Transaction,
    /// All that its flow carries from then on.
    Flow,
}

/// One consequence of a match.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// `flowbits` of the flow.
    Flowbit {
        /// Which bit.
        id: u32,
        /// What happens to it.
        change: BitChange,
    },
    /// `flowint` of the flow.
    Flowint {
        /// Which variable.
        id: u32,
        /// What happens to it.
        change: IntChange,
        /// By how much, or by how much the other variable says.
        value: IntValue,
    },
    /// `xbits` or `hostbits`.
    AddressBit {
        /// Whose.
        scope: BitScope,
        /// Which bit.
        id: u32,
        /// What happens to it.
        change: BitChange,
        /// How long it lives.
        expire_seconds: u32,
    },
    /// `tag`: packets that follow are marked.
    Tag {
        /// Whose.
        scope: TagScope,
        /// How many.
        metric: TagMetric,
    },
    /// `pcre` with a name for a group: what it captured is kept.
    Capture {
        /// For whom.
        scope: CaptureScope,
        /// Under which name.
        id: u32,
    },
    /// `filestore`: files are stored.
    StoreFile {
        /// Which way they go; the way in which the rule has matched unless it says one.
        way: Option<Way>,
        /// Which ones.
        scope: StoreScope,
    },
    /// `bypass`: the flow is no longer inspected.
    Bypass,
    /// `config:logging disable`: no event is made of the transaction.
    StopLogging,
}

/// The number of a `flowint` change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IntValue {
    /// As written.
    Literal(u32),
    /// That of another variable.
    Variable(u32),
}

impl Effect {
    /// Which kind of memory it writes.
    pub fn writes(&self) -> Option<NameKind> {
        match self {
            Self::Flowbit { .. } => Some(NameKind::Flowbit),
            Self::Flowint { .. } => Some(NameKind::Flowint),
            Self::AddressBit { .. } => Some(NameKind::AddressBit),
            Self::Capture { .. } => Some(NameKind::Capture),
            Self::Tag { .. } | Self::StoreFile { .. } | Self::Bypass | Self::StopLogging => None,
        }
    }
}
