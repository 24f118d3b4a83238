//! Rules compiled together: put in order, grouped by what they look at, each group with its prefilter.
//!
//! Which rules a packet, stream or transaction could match is answered here; whether one does is asked of the
//! signature itself.

mod address_index;
mod group;
mod head;
mod order;

pub use address_index::AddressIndex;
pub use group::{Candidates, FieldGroup, Group, Transport};
pub use head::{FlowState, Head};

use crate::signature::{Kind, Signature, Source};

/// The number of a signature in its rule set, which is also its place in the order of inspection.
pub type SignatureId = u32;

/// Rules that are used together; immutable once made.
#[derive(Debug)]
pub struct RuleSet {
    signatures: Vec<Signature>,
    heads: Vec<Head>,
    packets: [[Group; 2]; Transport::COUNT],
    streams: [Group; 2],
    fields: Vec<FieldGroup>,
    transactions: [Group; 2],
    addresses: AddressIndex,
    decode_events: Vec<SignatureId>,
    protocol_detection: Vec<SignatureId>,
    app_protocol: Vec<SignatureId>,
}

/// The two ways, as an index: to the server, to the client.
const WAYS: [bool; 2] = [true, false];

impl RuleSet {
    /// Orders and groups signatures.
    pub fn new(mut signatures: Vec<Signature>) -> Self {
        order::sort(&mut signatures);
        let heads: Vec<Head> = signatures.iter().map(Head::of).collect();
        let numbered = || (0..).zip(&signatures);
        let of_kind =
            |kind: Kind| numbered().filter(move |(_, s)| s.kind == kind).map(|(id, _)| id).collect();
        let packets = Transport::ALL.map(|transport| {
            WAYS.map(|to_server| {
                // What is no TCP has no stream: rules on streams look at its packets.
                let looks = |s: &Signature| {
                    (matches!(s.kind, Kind::Packet | Kind::PacketAndStream | Kind::LikeIpOnly)
                        || (s.kind == Kind::Stream && transport != Transport::Tcp))
                        && transport.serves(s)
                };
                group::of(numbered().filter(|(_, s)| looks(s) && s.way.goes(to_server)), &[Source::Payload])
            })
        });
        let streams = WAYS.map(|to_server| {
            let looks = |s: &Signature| {
                matches!(s.kind, Kind::Stream | Kind::PacketAndStream) && Transport::Tcp.serves(s)
            };
            group::of(numbered().filter(|(_, s)| looks(s) && s.way.goes(to_server)), &[Source::Payload])
        });
        let fields = group::by_field(&signatures);
        let transactions = WAYS.map(|to_server| {
            let looks = |s: &Signature| group::is_unfound(s) && s.way.goes(to_server);
            group::of(numbered().filter(|(_, s)| looks(s)), &[Source::Payload])
        });
        Self {
            packets,
            streams,
            fields,
            transactions,
            addresses: AddressIndex::new(numbered().filter(|(_, s)| s.kind == Kind::IpOnly)),
            decode_events: of_kind(Kind::DecodeEvent),
            protocol_detection: of_kind(Kind::ProtocolDetection),
            app_protocol: of_kind(Kind::AppProtocol),
            heads,
            signatures,
        }
    }

    /// All signatures, in the order of inspection.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// A signature.
    pub fn signature(&self, id: SignatureId) -> &Signature {
        &self.signatures[id as usize]
    }

    /// What to check of a signature before anything else.
    pub fn head(&self, id: SignatureId) -> &Head {
        &self.heads[id as usize]
    }

    /// Rules that look at packets of a transport protocol going one way.
    pub fn packets(&self, transport: Transport, to_server: bool) -> &Group {
        &self.packets[transport as usize][usize::from(!to_server)]
    }

    /// Rules that look at streams going one way.
    pub fn streams(&self, to_server: bool) -> &Group {
        &self.streams[usize::from(!to_server)]
    }

    /// Whether any rule looks at what streams going one way hold.
    pub fn looks_at_streams(&self, to_server: bool) -> bool {
        let payload = |s: &Signature| s.inspections.iter().any(|i| i.source == Source::Payload);
        !self.streams(to_server).is_empty()
            || self
                .signatures
                .iter()
                .any(|s| s.kind == Kind::Transaction && s.way.goes(to_server) && payload(s))
    }

    /// Rules on transactions by the field that finds them.
    pub fn fields(&self) -> &[FieldGroup] {
        &self.fields
    }

    /// Rules on transactions going one way that no field finds: some by a pattern in payload or stream, the others
    /// always tried.
    pub fn transactions(&self, to_server: bool) -> &Group {
        &self.transactions[usize::from(!to_server)]
    }

    /// Rules on addresses alone.
    pub fn addresses(&self) -> &AddressIndex {
        &self.addresses
    }

    /// Rules on decoder events.
    pub fn decode_events(&self) -> &[SignatureId] {
        &self.decode_events
    }

    /// Rules on `app-layer-protocol` alone.
    pub fn protocol_detection(&self) -> &[SignatureId] {
        &self.protocol_detection
    }

    /// Rules on a protocol's name alone.
    pub fn app_protocol(&self) -> &[SignatureId] {
        &self.app_protocol
    }

    /// Bytes that all prefilters hold.
    pub fn prefilter_memory(&self) -> usize {
        let packets = self.packets.iter().flatten();
        let fields = self.fields.iter().flat_map(|group| &group.ways);
        packets.chain(&self.streams).chain(&self.transactions).chain(fields).map(Group::memory).sum()
    }
}
