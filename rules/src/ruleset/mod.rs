//! Rules compiled together: put in order, grouped by what they look at, each group with its prefilter.
//!
//! Which rules a packet, stream or transaction could match is answered here; whether one does is asked of the
//! signature itself.

mod address_index;
mod group;
mod head;
mod order;
mod ports;
mod streams;

pub use address_index::AddressIndex;
pub use group::{Candidates, FieldGroup, Group, Transport};
pub use head::{FlowState, Head};
pub use ports::PortGroups;
pub use streams::StreamGroups;

use crate::signature::{Kind, Signature, Source};

/// The number of a signature in its rule set, which is also its place in the order of inspection.
pub type SignatureId = u32;

/// Rules that are used together; immutable once made.
#[derive(Debug)]
pub struct RuleSet {
    signatures: Vec<Signature>,
    heads: Vec<Head>,
    packets: [[PortGroups; 2]; Transport::COUNT],
    streams: [StreamGroups; 2],
    fields: Vec<FieldGroup>,
    unfound: [Vec<SignatureId>; 2],
    addresses: AddressIndex,
    decode_events: Vec<SignatureId>,
    protocol_detection: Vec<SignatureId>,
    app_protocol: Vec<SignatureId>,
}

/// The most groups by port of the rules on packets of one transport protocol going one way.
const MAX_PACKET_GROUPS: u8 = 48;

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
                // What is no TCP has no stream: rules on streams and transactions look at its packets.
                let looks = |s: &Signature| match s.kind {
                    Kind::Packet | Kind::PacketAndStream | Kind::LikeIpOnly => true,
                    Kind::Stream => transport != Transport::Tcp,
                    Kind::Transaction => transport != Transport::Tcp && group::is_found_in_payload(s),
                    _ => false,
                };
                let rules: Vec<_> = numbered()
                    .filter(|(_, s)| looks(s) && transport.serves(s) && s.way.goes(to_server))
                    .collect();
                PortGroups::new(&rules, to_server, MAX_PACKET_GROUPS)
            })
        });
        let streams = WAYS.map(|to_server| {
            let looks = |s: &Signature| match s.kind {
                Kind::Stream | Kind::PacketAndStream => Transport::Tcp.serves(s),
                Kind::Transaction => group::is_found_in_payload(s),
                _ => false,
            };
            let rules: Vec<_> = numbered().filter(|(_, s)| looks(s) && s.way.goes(to_server)).collect();
            StreamGroups::new(&rules, to_server)
        });
        let unfound = WAYS.map(|to_server| {
            let unfound = |s: &Signature| group::is_unfound(s) && s.way.goes(to_server);
            numbered().filter(|(_, s)| unfound(s)).map(|(id, _)| id).collect()
        });
        Self {
            packets,
            streams,
            fields: group::by_field(&signatures),
            unfound,
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

    /// Rules that look at packets of a transport protocol going one way; of what is not TCP, also those on transactions
    /// that a pattern in the payload finds.
    pub fn packets(&self, transport: Transport, to_server: bool) -> &PortGroups {
        &self.packets[transport as usize][usize::from(!to_server)]
    }

    /// Rules that look at streams going one way, and those on transactions that a pattern in the stream finds.
    pub fn streams(&self, to_server: bool) -> &StreamGroups {
        &self.streams[usize::from(!to_server)]
    }

    /// Whether any rule looks at what streams going one way hold.
    pub fn looks_at_streams(&self, to_server: bool) -> bool {
        let payload = |s: &Signature| s.inspections.iter().any(|i| i.source == Source::Payload);
        let looks = |s: &Signature| match s.kind {
            Kind::Stream | Kind::PacketAndStream => Transport::Tcp.serves(s),
            Kind::Transaction => payload(s),
            _ => false,
        };
        self.signatures.iter().any(|s| s.way.goes(to_server) && looks(s))
    }

    /// Rules on transactions by the field that finds them.
    pub fn fields(&self) -> &[FieldGroup] {
        &self.fields
    }

    /// Rules on transactions going one way that no pattern finds: always tried.
    pub fn unfound(&self, to_server: bool) -> &[SignatureId] {
        &self.unfound[usize::from(!to_server)]
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
        let packets = self.packets.iter().flatten().flat_map(PortGroups::groups);
        let streams = self.streams.iter().flat_map(StreamGroups::groups);
        let fields = self.fields.iter().flat_map(|group| &group.ways);
        packets.chain(streams).chain(fields).map(Group::memory).sum()
    }
}
