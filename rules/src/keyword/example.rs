//! Examples of a keyword: a rule, a packet on which it matches, one on which it doesn't.

use crate::inspect::Scratch;
use crate::names::{NameKind, Names};
use crate::ruleset::{FlowState, Head};
use crate::signature::{Absent, Signature, Source};
use crate::view::checksum::header_checksum;
use crate::view::{
    AppFacts, BitScope, DecodeEvents, Ethernet, FlowFacts, Icmp, Ipv4, Ipv6, Memory, Network, Packet, Sctp,
    StreamEvents, Tcp, Transport, Udp, View, VlanTags,
};
use std::net::{IpAddr, Ipv6Addr};

/// Changes the packet an example is tried on.
pub type Setting = fn(&mut Stage);

/// A rule with a packet that it matches and one that it doesn't.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The rule.
    pub rule: &'static str,
    /// A packet that it matches.
    pub hits: Scene,
    /// A packet that it doesn't match.
    pub misses: Scene,
}

/// How an example's packet differs from the one it starts from.
#[derive(Clone, Copy, Debug)]
pub enum Scene {
    /// In its payload.
    Payload(&'static [u8]),
    /// In a field of its transaction, by the field's name.
    Field(&'static str, &'static [u8]),
    /// In whatever the function changes.
    Set(Setting),
}

impl Example {
    /// Two payloads, in a packet of the rule's protocol.
    pub const fn payload(rule: &'static str, hits: &'static [u8], misses: &'static [u8]) -> Self {
        Self { rule, hits: Scene::Payload(hits), misses: Scene::Payload(misses) }
    }

    /// Two values of a field, by its name.
    pub const fn field(
        rule: &'static str,
        name: &'static str,
        hits: &'static [u8],
        misses: &'static [u8],
    ) -> Self {
        Self { rule, hits: Scene::Field(name, hits), misses: Scene::Field(name, misses) }
    }

    /// Two packets, as the functions set them up.
    pub const fn staged(rule: &'static str, hits: Setting, misses: Setting) -> Self {
        Self { rule, hits: Scene::Set(hits), misses: Scene::Set(misses) }
    }
}

/// The packet of an example before it is one: headers as bytes, to be changed at will.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The Ethernet header, 14 bytes.
    pub ethernet: Vec<u8>,
    /// VLAN ids, outermost first.
    pub vlans: Vec<u16>,
    /// An IPv4 header (20 bytes or more), or an IPv6 header (40 bytes or more).
    pub network: Vec<u8>,
    /// The transport header, of the protocol the network header names.
    pub transport: Vec<u8>,
    /// What follows it.
    pub payload: Vec<u8>,
    /// Whether the checksums are those that the bytes have, or wrong ones.
    pub checksums_valid: bool,
    /// The packet's flow.
    pub flow: FlowFacts,
    /// What decoding found wrong.
    pub decode_events: DecodeEvents,
    /// What the stream engine found wrong.
    pub stream_events: StreamEvents,
    /// Values of data sets with their scores, by the set's name.
    pub datasets: Vec<(&'static str, Vec<u8>, u16)>,
    /// What the flow was found to speak.
    pub app: AppFacts,
    /// Fields of the packet's transaction, by name.
    pub fields: Vec<(&'static str, Vec<u8>)>,
    /// Bits of the flow (`flowbits`) that earlier rules set, by the rule's own names.
    pub flowbits: Vec<&'static str>,
    /// What `pcre` captured: `flow:` or `pkt:` and the variable, and its value.
    pub variables: Vec<(&'static str, Vec<u8>)>,
    /// Numbers of the flow (`flowint`) that earlier rules set.
    pub flowints: Vec<(&'static str, u32)>,
    /// Bits of its addresses (`xbits`, `hostbits`) that earlier rules set.
    pub address_bits: Vec<(BitScope, &'static str)>,
    /// Scores of addresses in categories (`iprep`).
    pub reputations: Vec<(&'static str, &'static str, u8)>,
    /// Countries of addresses (`geoip`).
    pub countries: Vec<(&'static str, [u8; 2])>,
}

impl Stage {
    /// An established flow's packet to the server, of the rule's protocol, with nothing in it.
    fn for_rule(rule: &str) -> Self {
        let protocol = match rule.split_ascii_whitespace().nth(1) {
            Some("udp" | "dns") => 17,
            Some("icmp" | "icmpv4") => 1,
            Some("icmpv6") => 58,
            Some("sctp") => 132,
            _ => 6,
        };
        let mut network = vec![0x45, 0, 0, 0, 0x12, 0x34, 0, 0, 64, protocol, 0, 0];
        network.extend_from_slice(&[192, 168, 1, 2, 203, 0, 113, 5]);
        if protocol == 58 {
            network = vec![0x60, 0, 0, 0, 0, 0, protocol, 64];
            network.extend_from_slice(&"2001:db8::2".parse::<Ipv6Addr>().expect("valid").octets());
            network.extend_from_slice(&"2001:db8::5".parse::<Ipv6Addr>().expect("valid").octets());
        }
        let mut transport = match protocol {
            17 => vec![0; 8],
            1 | 58 => vec![if protocol == 1 { 8 } else { 128 }, 0, 0, 0, 0x12, 0x34, 0, 1],
            132 => vec![0; 12],
            _ => {
                let mut tcp = vec![0; 20];
                tcp[12..16].copy_from_slice(&[0x50, 0x18, 0x20, 0]);
                tcp
            }
        };
        if !matches!(protocol, 1 | 58) {
            transport[..4].copy_from_slice(&[0xc0, 1, 0, 80]);
        }
        let mut ethernet = vec![2, 0, 0, 0, 0, 5, 2, 0, 0, 0, 0, 2];
        ethernet.extend_from_slice(if protocol == 58 { &[0x86, 0xdd] } else { &[8, 0] });
        Self {
            ethernet,
            vlans: Vec::new(),
            network,
            transport,
            payload: Vec::new(),
            checksums_valid: true,
            flow: FlowFacts {
                to_server: true,
                established: true,
                packets_to_server: 3,
                packets_to_client: 2,
                bytes_to_server: 300,
                bytes_to_client: 200,
                age_ns: 1_000_000_000,
                client_stream_bytes: Some(100),
                server_stream_bytes: Some(50),
                elephant: [false; 2],
            },
            decode_events: DecodeEvents::NONE,
            stream_events: StreamEvents::NONE,
            datasets: Vec::new(),
            app: AppFacts::default(),
            fields: Vec::new(),
            flowbits: Vec::new(),
            variables: Vec::new(),
            flowints: Vec::new(),
            address_bits: Vec::new(),
            reputations: Vec::new(),
            countries: Vec::new(),
        }
    }

    /// Puts lengths and checksums in.
    fn complete(&mut self) {
        let rest = self.transport.len() + self.payload.len();
        if self.network[0] >> 4 == 4 {
            let total = u16::try_from(self.network.len() + rest).expect("examples are small");
            self.network[2..4].copy_from_slice(&total.to_be_bytes());
            self.network[10..12].fill(0);
            let sum = self.sent(&self.network);
            self.network[10..12].copy_from_slice(&sum.to_be_bytes());
        } else {
            let len = u16::try_from(self.network.len() - 40 + rest).expect("examples are small");
            self.network[4..6].copy_from_slice(&len.to_be_bytes());
        }
        if self.protocol() == 17 {
            let len = u16::try_from(rest).expect("examples are small");
            self.transport[4..6].copy_from_slice(&len.to_be_bytes());
        }
        let at = match self.protocol() {
            6 => 16,
            17 => 6,
            1 | 58 => 2,
            _ => return,
        };
        self.transport[at..at + 2].fill(0);
        let sum = self.sent(&[&self.pseudo_header(), &*self.transport, &*self.payload].concat());
        self.transport[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }

    fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_slice())
    }

    /// The checksum that goes into a header: the right one, unless the example wants a wrong one.
    fn sent(&self, summed: &[u8]) -> u16 {
        let right = header_checksum(summed);
        if self.checksums_valid { right } else { right ^ 0x5555 }
    }

    fn protocol(&self) -> u8 {
        if self.network[0] >> 4 == 4 { self.network[9] } else { self.network[6] }
    }

    /// RFC 9293 §3.1, RFC 8200 §8.1; ICMP for IPv4 has none (RFC 792).
    fn pseudo_header(&self) -> Vec<u8> {
        let len = u16::try_from(self.transport.len() + self.payload.len()).expect("examples are small");
        let addresses = if self.network[0] >> 4 == 4 { 12..20 } else { 8..40 };
        let mut bytes = self.network[addresses].to_vec();
        bytes.extend_from_slice(&[0, self.protocol()]);
        bytes.extend_from_slice(&len.to_be_bytes());
        if self.protocol() == 1 { Vec::new() } else { bytes }
    }

    fn packet(&self) -> Packet<'_> {
        let v4 = self.network[0] >> 4 == 4;
        let (network, source, destination) = if v4 {
            let header = Ipv4::new(&self.network).expect("an example's header is whole");
            (Network::V4(header), header.source().into(), header.destination().into())
        } else {
            let header = Ipv6::new(&self.network).expect("an example's header is whole");
            (Network::V6(header), header.source().into(), header.destination().into())
        };
        let bytes = self.transport.as_slice();
        let transport = match self.protocol() {
            6 => Tcp::new(bytes).map(Transport::Tcp),
            17 => Udp::new(bytes).map(Transport::Udp),
            1 => Icmp::new(bytes).map(Transport::Icmpv4),
            58 => Icmp::new(bytes).map(Transport::Icmpv6),
            132 => Sctp::new(bytes).map(Transport::Sctp),
            _ => None,
        };
        let ported = matches!(self.protocol(), 6 | 17 | 132);
        let port = |at: usize| if ported { u16::from_be_bytes([bytes[at], bytes[at + 1]]) } else { 0 };
        let mut vlans = VlanTags::default();
        self.vlans.iter().for_each(|&id| assert!(vlans.push(id), "an example has at most three tags"));
        Packet {
            ethernet: Ethernet::new(&self.ethernet),
            vlans,
            network,
            source,
            destination,
            protocol: self.protocol(),
            transport: transport.unwrap_or_default(),
            source_port: port(0),
            destination_port: port(2),
            payload: &self.payload,
            events: self.decode_events,
            ..Packet::EMPTY
        }
    }
}

impl Scene {
    /// The packet of this scene, for a rule.
    pub fn stage(&self, rule: &str) -> Stage {
        let mut stage = Stage::for_rule(rule);
        match self {
            Self::Payload(payload) => stage.payload = payload.to_vec(),
            Self::Field(name, value) => stage.fields.push((name, value.to_vec())),
            Self::Set(setting) => setting(&mut stage),
        }
        stage.complete();
        stage
    }
}

/// What earlier rules left behind on the stage.
struct StageMemory<'a> {
    names: &'a Names,
    stage: &'a Stage,
}

impl StageMemory<'_> {
    fn variable(&self, kind: &str, id: u32) -> Option<&[u8]> {
        let known = |name: &str| name.starts_with(kind) && self.names.id(NameKind::Capture, name) == id;
        let found = self.stage.variables.iter().find(|(name, _)| known(name));
        found.map(|(_, value)| value.as_slice())
    }
}

impl Memory for StageMemory<'_> {
    fn flow_variable(&self, id: u32) -> Option<&[u8]> {
        self.variable("flow:", id)
    }

    fn packet_variable(&self, id: u32) -> Option<&[u8]> {
        self.variable("pkt:", id)
    }

    fn flowbit(&self, id: u32) -> bool {
        self.stage.flowbits.iter().any(|name| self.names.id(NameKind::Flowbit, name) == id)
    }

    fn flowint(&self, id: u32) -> Option<u32> {
        let numbers = &self.stage.flowints;
        let found = numbers.iter().find(|(name, _)| self.names.id(NameKind::Flowint, name) == id);
        found.map(|&(_, value)| value)
    }

    fn address_bit(&self, scope: BitScope, id: u32) -> bool {
        let named = |name| self.names.id(NameKind::AddressBit, name) == id;
        self.stage.address_bits.iter().any(|&(whose, name)| whose == scope && named(name))
    }

    fn reputation(&self, address: IpAddr, category: u32) -> Option<u8> {
        let known = |whose: &str, name: &str| {
            whose.parse() == Ok(address) && self.names.id(NameKind::Reputation, name) == category
        };
        let found = self.stage.reputations.iter().find(|(whose, name, _)| known(whose, name));
        found.map(|&(_, _, score)| score)
    }

    fn country(&self, address: IpAddr) -> Option<[u8; 2]> {
        let found = self.stage.countries.iter().find(|(whose, _)| whose.parse() == Ok(address));
        found.map(|&(_, code)| code)
    }

    fn dataset_contains(&self, id: u32, value: &[u8]) -> bool {
        self.dataset_score(id, value).is_some()
    }

    fn change_dataset(&self, id: u32, value: &[u8], add: bool) -> bool {
        self.dataset_contains(id, value) != add
    }

    fn dataset_score(&self, id: u32, value: &[u8]) -> Option<u16> {
        let member = |(name, known, _): &&(&str, Vec<u8>, u16)| {
            known == value && self.names.id(NameKind::Dataset, name) == id
        };
        self.stage.datasets.iter().find(member).map(|&(.., score)| score)
    }
}

/// Whether a compiled rule matches the packet of a stage, looked at by itself.
pub fn matches(signature: &Signature, names: &Names, stage: &Stage) -> bool {
    let packet = stage.packet();
    let memory = StageMemory { names, stage };
    let view = View {
        packet: &packet,
        flow: Some(&stage.flow),
        stream_events: stage.stream_events,
        app: stage.app,
        memory: &memory,
        big_endian: None,
    };
    let state = FlowState { to_server: stage.flow.to_server, established: stage.flow.established };
    let mut scratch = Scratch::default();
    Head::of(signature).fits(&packet, Some(state))
        && signature.conditions.iter().all(|condition| condition.holds(&view))
        && signature.inspections.iter().all(|inspection| match inspection.source {
            Source::Field(field) => match stage.field(field.name) {
                Some(bytes) => inspection.hold_on(bytes, 0, &view, &mut scratch),
                None => inspection.absent != Absent::Fails,
            },
            _ => inspection.holds(&view, &mut scratch),
        })
}

#[cfg(test)]
pub(crate) use tests::compiled;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classification::Classes;
    use crate::compile::{Context, compile};
    use crate::diagnostic::Diagnostic;
    use crate::header::protocol::AppProtocol;
    use crate::header::variable::{Resolver, Variables};
    use crate::keyword::KEYWORDS;
    use crate::text::Source;
    use crate::vocabulary::{Carried, Field, FieldKind, Hook, Lexicon, Reach, Vocabulary};

    const fn field(name: &'static str, modifier: &'static str, protocols: &'static [AppProtocol]) -> Field {
        let reach = Reach { to_server: Some(0), to_client: None };
        Field {
            name,
            aliases: &[],
            modifier: Some(modifier),
            protocols,
            reach,
            kind: FieldKind::Bytes,
            doc: "",
        }
    }

    static URI: Field = field("http.uri", "http_uri", &[AppProtocol::Http]);
    static HEADER: Field = field("http.header", "http_header", &[AppProtocol::Http]);
    static QUERY: Field = field("dns.query", "dns_query", &[AppProtocol::Dns]);
    static DNS_EVENTS: Field =
        Field::many_numbers("app-layer-event", &[AppProtocol::Dns], Reach::both(0, 0), 255)
            .names(&[("malformed_data", 0), ("z_flag_set", 1)]);

    /// What examples use of HTTP.
    static HTTP: Lexicon = Lexicon {
        protocols: &[AppProtocol::Http],
        fields: &[&URI, &HEADER],
        keywords: &[],
        hooks: &[],
        events: None,
        frames: &[],
    };

    /// What examples use of DNS.
    static DNS: Lexicon = Lexicon {
        protocols: &[AppProtocol::Dns],
        fields: &[&QUERY],
        keywords: &[],
        hooks: &[Hook::request("request_started", 0), Hook::request("request_complete", 1)],
        events: Some(&DNS_EVENTS),
        frames: &[Field::frame("dns.pdu", &[AppProtocol::Dns], Carried::Both)],
    };

    static PROTOCOLS: &[&Lexicon] = &[&HTTP, &DNS];

    pub(crate) fn compiled(rule: &str, names: &Names) -> Result<Signature, Vec<Diagnostic>> {
        let source = Source::new("example", rule).expect("small");
        let parsed = crate::parse::parse(&source);
        let Some(rule) = parsed.rules.first() else { return Err(parsed.diagnostics) };
        let variables = Variables::default();
        let context =
            Context { vocabulary: &Vocabulary::new(PROTOCOLS), classes: &Classes::default(), names };
        compile(rule, &context, &mut Resolver::new(&variables)).map(|(signature, _)| signature)
    }

    #[test]
    fn every_keyword_hits_and_misses_as_its_examples_say() {
        for keyword in KEYWORDS.iter().filter(|keyword| keyword.unsupported().is_none()) {
            assert!(!keyword.examples().is_empty(), "{} has no example", keyword.name());
            for Example { rule, hits, misses } in keyword.examples() {
                let names = Names::default();
                let signature = compiled(rule, &names).unwrap_or_else(|faults| panic!("{rule}: {faults:?}"));
                assert!(matches(&signature, &names, &hits.stage(rule)), "{rule} must match");
                assert!(!matches(&signature, &names, &misses.stage(rule)), "{rule} must not match");
            }
        }
    }

    #[test]
    fn every_keyword_refuses_what_it_says_it_refuses() {
        for keyword in KEYWORDS.iter() {
            for options in keyword.refused() {
                let rule = format!("alert tcp any any -> any any ({options}; sid:1;)");
                let faults =
                    compiled(&rule, &Names::default()).err().unwrap_or_else(|| panic!("{rule}: loaded"));
                assert!(faults.iter().all(|fault| !fault.message.is_empty()), "{rule}");
            }
        }
    }

    #[test]
    fn every_keyword_has_a_doc_and_a_name_of_its_own() {
        let mut names = std::collections::HashSet::new();
        for keyword in KEYWORDS {
            assert!(keyword.doc().ends_with('.'), "{}", keyword.name());
            let all = std::iter::once(keyword.name()).chain(keyword.aliases().iter().copied());
            assert!(all.into_iter().all(|name| names.insert(name)), "{} stands twice", keyword.name());
        }
    }
}
