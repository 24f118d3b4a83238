//! What a rule means, ready to be matched.

use crate::content::Content;
use crate::dataset::Dataset;
use crate::effect::Effect;
use crate::header::action::Action;
use crate::header::address::AddressSet;
use crate::header::port::PortSet;
use crate::header::protocol::{AppProtocol, PacketProtocol};
use crate::inspect::{Part, Scratch, Steps};
use crate::names::NameKind;
use crate::text::Span;
use crate::threshold::Threshold;
use crate::transform::{MAX_OUTPUT, Transform};
use crate::view::{Network, Packet, Transport, View};
use crate::vocabulary::{Field, Hook};
use std::fmt;
use std::sync::Arc;

/// What a condition needs to be asked about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// A real packet: not asked at a flow's end, and makes a payload rule look at packets.
    Packet,
    /// The packet's flow, or what earlier rules remembered.
    Flow,
    /// As `Flow`, and a rule with nothing else still counts as one on addresses alone.
    Address,
}

/// What a condition tells the prefilter, so that a rule need not be tried where it cannot hold.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Hint {
    /// Nothing.
    #[default]
    None,
    /// The payload is from `min` to `max` bytes long.
    PayloadLen {
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// The TCP flags, masked, are these.
    TcpFlags {
        /// Which of the flags.
        mask: u8,
        /// What they are.
        value: u8,
    },
    /// The packet has at least one decoder event.
    DecodeEvent,
    /// The packet has at least one stream event.
    StreamEvent,
    /// The ICMP type is this.
    IcmpType(u8),
    /// The flow has this bit.
    Flowbit(u32),
}

/// A list of addresses that the configuration has to name before a condition can hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AddressList {
    /// Reputations in that category, by its number in [`Names`](crate::names::Names).
    Reputation(u32),
    /// Countries of addresses.
    Countries,
}

/// A condition on a packet or its flow.
pub trait Condition: fmt::Debug + Send + Sync {
    /// Whether it holds.
    fn holds(&self, view: &View<'_>) -> bool;

    /// What it needs to be asked about.
    fn scope(&self) -> Scope {
        Scope::Packet
    }

    /// What it tells the prefilter.
    fn hint(&self) -> Hint {
        Hint::None
    }

    /// The headers of which a packet must have one for it to hold; none where it needs none.
    fn headers(&self) -> &'static [HeaderBuffer] {
        &[]
    }

    /// Which kind of memory it reads, so that rules which write it are tried before.
    fn reads(&self) -> Option<NameKind> {
        None
    }

    /// What has to come before it can hold at all, if nothing tells of it yet.
    fn waits_for(&self) -> Option<&'static str> {
        None
    }

    /// The list it looks addresses up in.
    fn list(&self) -> Option<AddressList> {
        None
    }

    /// What it asks, in words, for `rules explain`.
    fn explain(&self) -> String;
}

/// A buffer of a packet's headers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum HeaderBuffer {
    /// `ipv4.hdr`: the IPv4 header with its options.
    Ipv4,
    /// `ipv6.hdr`: the IPv6 fixed header and extension headers.
    Ipv6,
    /// `tcp.hdr`: the TCP header with its options.
    Tcp,
    /// `udp.hdr`: the UDP header.
    Udp,
    /// `icmpv4.hdr`: the ICMP header.
    Icmpv4,
    /// `icmpv6.hdr`: the ICMPv6 header.
    Icmpv6,
    /// `ip.src`: the sender's address.
    Source,
    /// `ip.dst`: the receiver's address.
    Destination,
}

impl HeaderBuffer {
    /// The header's bytes, if the packet has it.
    pub fn bytes<'a>(self, packet: &Packet<'a>) -> Option<&'a [u8]> {
        match (self, packet.network, packet.transport) {
            (Self::Source, Network::V4(header), _) => Some(&header.bytes()[12..16]),
            (Self::Source, Network::V6(header), _) => Some(&header.bytes()[8..24]),
            (Self::Destination, Network::V4(header), _) => Some(&header.bytes()[16..20]),
            (Self::Destination, Network::V6(header), _) => Some(&header.bytes()[24..40]),
            (Self::Ipv4, Network::V4(header), _) => Some(header.bytes()),
            (Self::Ipv6, Network::V6(header), _) => Some(header.bytes()),
            (Self::Tcp, _, Transport::Tcp(header)) => Some(header.bytes()),
            (Self::Udp, _, Transport::Udp(header)) => Some(header.bytes()),
            (Self::Icmpv4, _, Transport::Icmpv4(header)) => Some(header.bytes()),
            (Self::Icmpv6, _, Transport::Icmpv6(header)) => Some(header.bytes()),
            _ => None,
        }
    }
}

/// Where a buffer's bytes come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// The packet's payload or the reassembled stream, as the rule's kind has it.
    Payload,
    /// A header of the packet.
    Header(HeaderBuffer),
    /// A field of a transaction, or a frame.
    Field(&'static Field),
    /// What `base64_decode` decoded. No signature has it as a source: its steps hang on the one that decodes.
    Base64,
}

/// One buffer with what must hold on it.
#[derive(Debug)]
pub struct Inspection {
    /// Where the bytes come from.
    pub source: Source,
    /// Which way of a transaction is meant, of a field that both have.
    pub way: Way,
    /// What is done to them first, in order.
    pub transforms: Vec<Box<dyn Transform>>,
    /// What must hold, in order.
    pub steps: Steps,
    /// Whether it also holds, or only holds, when the buffer is not there (`absent`).
    pub absent: Absent,
}

impl Inspection {
    /// Whether it holds on what the packet itself carries: payload and headers. Fields of transactions are not there.
    pub fn holds(&self, view: &View<'_>, scratch: &mut Scratch) -> bool {
        let bytes = match self.source {
            Source::Payload => Some(view.packet.payload),
            Source::Header(buffer) => buffer.bytes(view.packet),
            Source::Base64 | Source::Field(_) => None,
        };
        match bytes {
            Some(bytes) => self.hold_on(bytes, 0, view, scratch),
            None => self.absent != Absent::Fails,
        }
    }

    /// Whether it holds on these bytes, which begin `stream_offset` bytes into their stream, once transformed.
    pub fn hold_on(&self, bytes: &[u8], stream_offset: u64, view: &View<'_>, scratch: &mut Scratch) -> bool {
        self.hold_on_part(Part { bytes, stream_offset, ends: true }, view, scratch)
    }

    /// Whether it holds on a part of a buffer, once transformed.
    pub fn hold_on_part(&self, part: Part<'_>, view: &View<'_>, scratch: &mut Scratch) -> bool {
        self.absent != Absent::Required
            && self.with_transformed(part.bytes, scratch, |bytes, scratch| {
                self.steps.hold(Part { bytes, ..part }, view, scratch)
            })
    }

    /// What `look` makes of these bytes, once transformed.
    pub fn with_transformed<T>(
        &self,
        bytes: &[u8],
        scratch: &mut Scratch,
        look: impl FnOnce(&[u8], &mut Scratch) -> T,
    ) -> T {
        if self.transforms.is_empty() {
            return look(bytes, scratch);
        }
        let [mut from, mut to] = std::mem::take(&mut scratch.transformed);
        from.clear();
        from.extend_from_slice(bytes);
        for transform in &self.transforms {
            to.clear();
            transform.apply(&from, &mut to, &mut scratch.matches);
            to.truncate(MAX_OUTPUT);
            std::mem::swap(&mut from, &mut to);
        }
        let outcome = look(&from, scratch);
        scratch.transformed = [from, to];
        outcome
    }
}

/// What a missing buffer means.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Absent {
    /// The steps fail.
    #[default]
    Fails,
    /// The buffer must be missing.
    Required,
    /// Missing is as good as matching.
    Allowed,
}

/// Which way a rule looks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Way {
    /// Either.
    #[default]
    Both,
    /// Packets and requests to the server.
    ToServer,
    /// Packets and responses to the client.
    ToClient,
}

impl Way {
    /// Whether what goes to the server is meant, or what goes to the client.
    pub const fn goes(self, to_server: bool) -> bool {
        match self {
            Self::Both => true,
            Self::ToServer => to_server,
            Self::ToClient => !to_server,
        }
    }
}

/// What the `flow` keyword asks of a packet.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FlowOption {
    /// Whether the keyword stands in the rule.
    pub present: bool,
    /// Established or not, when it matters.
    pub established: Option<bool>,
    /// Stream alone, or never the stream.
    pub stream: Option<bool>,
    /// Reassembled from fragments alone, or never.
    pub fragment: Option<bool>,
}

/// When a rule is looked at, and how often it can alert (Suricata documentation: "Rule Types and Categorization").
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// Addresses and ports alone: the first packet of each direction of a flow.
    IpOnly,
    /// The same with negated addresses: every packet.
    LikeIpOnly,
    /// `app-layer-protocol` alone: once per direction, when detection of the protocol is done.
    ProtocolDetection,
    /// Decoder events alone.
    DecodeEvent,
    /// Headers, flow and packet payload.
    Packet,
    /// Payload of packets and of the stream.
    PacketAndStream,
    /// Payload of the stream.
    Stream,
    /// A protocol's name alone: every packet of such a flow.
    AppProtocol,
    /// Frames of an application protocol: once for each.
    Frame,
    /// Fields of transactions.
    Transaction,
}

/// The header of a rule with its variables put in.
#[derive(Clone, Debug)]
pub struct HeaderMatch {
    /// What the packet must be.
    pub protocol: PacketProtocol,
    /// Addresses of the sender.
    pub source: Arc<AddressSet>,
    /// Ports of the sender.
    pub source_ports: Arc<PortSet>,
    /// Addresses of the receiver.
    pub destination: Arc<AddressSet>,
    /// Ports of the receiver.
    pub destination_ports: Arc<PortSet>,
    /// Whether it also holds the other way round (`<>`).
    pub bidirectional: bool,
    /// Whether an address is negated, which makes an IP-only rule a packet rule.
    pub negated_address: bool,
}

/// The content by which the prefilter finds a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FastPattern {
    /// Which of the rule's inspections it stands in.
    pub inspection: usize,
    /// The bytes, or the part of them that was asked for.
    pub bytes: Vec<u8>,
    /// Whether case matters.
    pub nocase: bool,
    /// Within how many bytes of the buffer's start they end, as far as that is known.
    pub end: Option<u32>,
    /// The content it comes from.
    pub content: Content,
    /// Another content that must stand at the same buffer's start: without it the bytes need not be looked for.
    pub gate: Option<Gate>,
}

/// Bytes that must stand within so many bytes of a buffer's start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gate {
    /// The bytes; letters match in either case.
    pub bytes: Vec<u8>,
    /// Within how many bytes they end.
    pub end: u32,
}

/// Which side of an alert is attacked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// The packet's sender.
    Source,
    /// The packet's receiver.
    Destination,
}

/// What a rule says about itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Meta {
    /// Generator id, 1 unless the rule says otherwise.
    pub gid: u32,
    /// Signature id.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// `msg`.
    pub message: String,
    /// `classtype`.
    pub class: Option<String>,
    /// 1 is the most severe.
    pub priority: u32,
    /// The class's description, from classification.config.
    pub category: String,
    /// `reference`: kind and value.
    pub references: Vec<(String, String)>,
    /// `target`.
    pub target: Option<Target>,
    /// `metadata`: key and value.
    pub metadata: Vec<(String, String)>,
    /// The rule as written, continuation lines joined.
    pub rule: String,
}

/// One rule, compiled.
#[derive(Debug)]
pub struct Signature {
    /// What it says about itself.
    pub meta: Meta,
    /// Where it stands in its file.
    pub span: Span,
    /// What it asks for.
    pub action: Action,
    /// Whether it is silent when it matches: by `noalert`, and by `pass` and `config` without `alert`.
    pub silent: bool,
    /// Addresses, ports, protocol.
    pub header: HeaderMatch,
    /// The application protocol its flow must speak.
    pub app_protocol: Option<AppProtocol>,
    /// The state of a transaction at which it is evaluated, where the rule names one.
    pub hook: Option<Hook>,
    /// Which way it looks.
    pub way: Way,
    /// Whether it is about both ways of one transaction together (`=>`).
    pub transactional: bool,
    /// What the `flow` keyword asks.
    pub flow: FlowOption,
    /// When it is looked at.
    pub kind: Kind,
    /// Conditions on packet and flow.
    pub conditions: Vec<Box<dyn Condition>>,
    /// Buffers, in the order they are looked at.
    pub inspections: Vec<Inspection>,
    /// What a match leaves behind.
    pub effects: Vec<Effect>,
    /// Sets of values that it speaks of, for whoever keeps them.
    pub datasets: Vec<Dataset>,
    /// How often it may alert: all of them must let an alert through.
    pub thresholds: Arc<[Threshold]>,
    /// How the prefilter finds it; nothing where it must be tried on every packet of its kind.
    pub fast_pattern: Option<FastPattern>,
}

impl Signature {
    /// Whether a condition needs a real packet, so that the rule is not asked at a flow's end.
    pub fn needs_packet(&self) -> bool {
        self.conditions.iter().any(|condition| condition.scope() == Scope::Packet)
    }

    /// What has to come before its conditions can hold at all, if nothing tells of it yet.
    pub fn waits_for(&self) -> Option<&'static str> {
        self.conditions.iter().find_map(|condition| condition.waits_for())
    }

    /// The fields that it looks at.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.inspections.iter().filter_map(|inspection| match inspection.source {
            Source::Field(field) => Some(field),
            _ => None,
        })
    }
}
