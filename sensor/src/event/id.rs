//! Names that do not change: of a network, of an event, of a flow.
//!
//! An event's id is a UUID of version 5 (RFC 9562 §5.5): SHA-1 over the network's UUID as the namespace and over
//! the event's own content as the name. A retry, a replay and a second run therefore give the same id, whatever
//! the number of workers, the layout or the endpoints told. The name is the following byte string; numbers are
//! big-endian, and what may be missing is one byte 0, or one byte 1 and the value.
//!
//! | event | content, in this order |
//! |---|---|
//! | detection | byte 1; source and destination (byte 4 or 6, octets); source and destination port (optional u16); IP protocol (optional u8); flow number (optional u64); flow's start (optional u64, ns); packet's time (u64, ns); gid, sid, rev (u32 each); transaction (optional u64); ordinal (u32) |
//! | DHCP message | byte 2; transaction id (u32); length of the hardware address (u8) and its 16 bytes; VLAN (optional u16); packet's time (u64, ns); ordinal (u32) |
//! | test event | byte 3; then as a detection |
//! | record | byte 5; length of the kind's name (u8) and its bytes; flow number (u64); time (u64, ns); ordinal (u32) |
//! | summary | byte 4; then as a detection, the ordinal being how many it stands for |
//!
//! The flow number stands for its key, VLANs included, which the addresses alone do not tell apart.

use super::{Activity, Detection, Dhcp, Event};
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha1::{Digest, Sha1};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use uuid::Uuid;

/// The network an event comes from: any 32 hexadecimal digits in groups of 8-4-4-4-12, also such as are no UUID
/// by RFC 9562. Written in lower case.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct NetworkId(Uuid);

/// A text that is no network id.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "not a network id: {0:?}; expected 8-4-4-4-12 hexadecimal digits, as in 0196b087-9ba3-aefe-5c83-96b6bbb3c976"
)]
pub struct NetworkIdError(String);

/// The length of a UUID in its hyphenated form, the only one accepted.
const HYPHENATED_LEN: usize = 36;

impl NetworkId {
    /// From its 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl FromStr for NetworkId {
    type Err = NetworkIdError;

    fn from_str(text: &str) -> Result<Self, NetworkIdError> {
        Some(text)
            .filter(|text| text.len() == HYPHENATED_LEN)
            .and_then(|text| Uuid::try_parse(text).ok())
            .map(Self)
            .ok_or_else(|| NetworkIdError(text.to_owned()))
    }
}

impl fmt::Display for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl Serialize for NetworkId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl<'de> Deserialize<'de> for NetworkId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A flow's number: the same in every run and for every event of the flow, and below 2^53, so that a consumer
/// that reads JSON numbers as doubles keeps it exact.
///
/// It is the low 53 bits of the first eight bytes (big-endian) of SHA-1 over the network's UUID, the byte string
/// `flow`, the key and the first packet's time (u64, big-endian, ns). `key` is the flow's canonical key: the same
/// bytes for both directions, without anything that differs from run to run.
pub fn flow_id(network: NetworkId, key: &[u8], first_packet: Timestamp) -> u64 {
    let digest = Sha1::new()
        .chain_update(network.0.as_bytes())
        .chain_update(b"flow")
        .chain_update(key)
        .chain_update(first_packet.as_nanos().to_be_bytes())
        .finalize();
    let (head, _) = digest.split_first_chunk().expect("SHA-1 has 20 bytes");
    u64::from_be_bytes(*head) & ((1 << 53) - 1)
}

/// The event's id within the network.
pub(super) fn event_id(network: NetworkId, event: &Event) -> Uuid {
    let mut content = Content::default();
    match event {
        Event::Detection(detection) => content.detection(1, detection),
        Event::Dhcp(message) => content.dhcp(message),
        Event::Test(detection) => content.detection(3, detection),
        Event::Summary(detection) => content.detection(4, detection),
        Event::Activity(activity) => content.activity(activity),
    }
    let digest = Sha1::new().chain_update(network.0.as_bytes()).chain_update(content.as_bytes()).finalize();
    let (head, _) = digest.split_first_chunk().expect("SHA-1 has 20 bytes");
    uuid::Builder::from_sha1_bytes(*head).into_uuid()
}

/// The canonical bytes of one event, gathered on the stack.
struct Content {
    bytes: [u8; Content::CAPACITY],
    len: usize,
}

impl Default for Content {
    fn default() -> Self {
        Self { bytes: [0; Self::CAPACITY], len: 0 }
    }
}

impl Content {
    /// A detection over IPv6 with every optional part takes 94 bytes, the longest there is.
    const CAPACITY: usize = 96;

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.bytes[self.len..self.len + N].copy_from_slice(&bytes);
        self.len += N;
    }

    fn put_optional<const N: usize>(&mut self, bytes: Option<[u8; N]>) {
        self.put([u8::from(bytes.is_some())]);
        if let Some(bytes) = bytes {
            self.put(bytes);
        }
    }

    fn put_address(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => {
                self.put([4]);
                self.put(address.octets());
            }
            IpAddr::V6(address) => {
                self.put([6]);
                self.put(address.octets());
            }
        }
    }

    fn activity(&mut self, activity: &Activity) {
        let name = activity.kind.name();
        self.put([5, name.len() as u8]);
        name.bytes().for_each(|byte| self.put([byte]));
        self.put(activity.flow_id.to_be_bytes());
        self.put(activity.time.as_nanos().to_be_bytes());
        self.put(activity.ordinal.to_be_bytes());
    }

    fn detection(&mut self, kind: u8, detection: &Detection) {
        self.put([kind]);
        self.put_address(detection.source);
        self.put_address(detection.destination);
        self.put_optional(detection.source_port.map(u16::to_be_bytes));
        self.put_optional(detection.destination_port.map(u16::to_be_bytes));
        self.put_optional(detection.protocol.map(u8::to_be_bytes));
        self.put_optional(detection.flow_id.map(u64::to_be_bytes));
        self.put_optional(detection.flow.map(|flow| flow.start.as_nanos().to_be_bytes()));
        self.put(detection.time.as_nanos().to_be_bytes());
        self.put(detection.alert.gid.to_be_bytes());
        self.put(detection.alert.sid.to_be_bytes());
        self.put(detection.alert.rev.to_be_bytes());
        self.put_optional(detection.transaction.map(u64::to_be_bytes));
        self.put(detection.ordinal.to_be_bytes());
    }

    fn dhcp(&mut self, message: &Dhcp) {
        self.put([2]);
        self.put(message.transaction_id.to_be_bytes());
        self.put([message.client.len()]);
        self.put(*message.client.padded());
        self.put_optional(message.vlan_id.map(u16::to_be_bytes));
        self.put(message.time.as_nanos().to_be_bytes());
        self.put(message.ordinal.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::Arc;

    const NETWORK: NetworkId = NetworkId::from_bytes(*b"a network's uuid");

    fn detection() -> Detection {
        let Event::Test(detection) = Event::test(NETWORK, Timestamp::new(1_746_718_399, 469_480_000)) else {
            panic!("a test event is one");
        };
        *detection
    }

    #[test]
    fn a_network_is_any_grouped_hex() {
        let published = "0196b087-9ba3-aefe-5c83-96b6bbb3c976";
        assert_eq!(published.parse::<NetworkId>().unwrap().to_string(), published);
        assert_eq!(published.to_uppercase().parse::<NetworkId>().unwrap().to_string(), published);
        for wrong in ["", "0196b0879ba3aefe5c8396b6bbb3c976", "{0196b087-9ba3-aefe-5c83-96b6bbb3c976}"] {
            assert!(wrong.parse::<NetworkId>().unwrap_err().to_string().contains("8-4-4-4-12"));
        }
        assert!("0196b087-9ba3-aefe-5c83-96b6bbb3c97g".parse::<NetworkId>().is_err());
        assert!("0196b087x9ba3-aefe-5c83-96b6bbb3c976".parse::<NetworkId>().is_err());
    }

    #[test]
    fn an_id_is_version_5_of_namespace_and_name() {
        let event = Event::Detection(Box::new(detection()));
        let id = event_id(NETWORK, &event);
        let mut content = Content::default();
        content.detection(1, &detection());
        assert_eq!(id, Uuid::new_v5(&NETWORK.0, content.as_bytes()));
        assert_eq!(id.get_version_num(), 5);
        assert_eq!(id, event_id(NETWORK, &event));
    }

    #[test]
    fn the_longest_content_fits() {
        let mut longest = detection();
        longest.source = IpAddr::V6([0xff; 16].into());
        longest.destination = longest.source;
        longest.transaction = Some(u64::MAX);
        let mut content = Content::default();
        content.detection(3, &longest);
        assert_eq!(content.len, 94);
    }

    #[test]
    fn whatever_differs_changes_the_id() {
        let changes: [fn(&mut Detection); 12] = [
            |_| (),
            |d| d.time = Timestamp::ZERO,
            |d| d.source = [192, 0, 2, 99].into(),
            |d| d.destination = [192, 0, 2, 99].into(),
            |d| d.source_port = None,
            |d| d.destination_port = Some(1),
            |d| d.protocol = None,
            |d| d.flow_id = None,
            |d| d.flow.as_mut().unwrap().start = Timestamp::ZERO,
            |d| Arc::make_mut(&mut d.alert).rev += 1,
            |d| d.transaction = None,
            |d| d.ordinal += 1,
        ];
        let ids: HashSet<_> = changes
            .iter()
            .flat_map(|change| {
                let mut changed = detection();
                change(&mut changed);
                let changed = Box::new(changed);
                [Event::Detection(changed.clone()), Event::Test(changed.clone()), Event::Summary(changed)]
            })
            .flat_map(|event| [NETWORK, NetworkId::default()].map(|network| event_id(network, &event)))
            .collect();
        assert_eq!(ids.len(), changes.len() * 6);
    }

    #[test]
    fn a_flow_keeps_its_number_below_2_to_53() {
        let number = flow_id(NETWORK, b"key", Timestamp::new(1, 0));
        assert_eq!(number, flow_id(NETWORK, b"key", Timestamp::new(1, 0)));
        let others: HashSet<_> =
            (0..1000).map(|ns| flow_id(NETWORK, b"key", Timestamp::new(2, ns))).collect();
        assert_eq!(others.len(), 1000);
        assert!(others.iter().all(|&other| other < 1 << 53 && other != number));
        assert!(others.iter().any(|&other| other >= 1 << 52), "all 53 bits are in use");
        assert_ne!(number, flow_id(NetworkId::default(), b"key", Timestamp::new(1, 0)));
        assert_ne!(number, flow_id(NETWORK, b"yek", Timestamp::new(1, 0)));
    }
}
