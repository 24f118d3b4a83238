//! The payloads as JSON has them: field names, their order, enums by name. Borrows all it writes.

use super::cut::{Field, Texts};
use super::{Activity, Alert, Detection, Dhcp, Direction, Fact, Facts, FlowStatistics, Http, MacPair};
use crate::time::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use uuid::Uuid;

/// `data` of a detection and of a test event.
#[derive(Serialize)]
pub(super) struct DetectionData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    src_ip: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_ip: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_mac: Option<Mac>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dst_mac: Option<Mac>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_proto: Option<&'a str>,
    protocol: &'static str,
    direction: &'static str,
    r#type: &'static str,
    alert: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<HttpData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<FlowData>,
}

impl<'a> DetectionData<'a> {
    /// `alert` is an [`AlertData`], written out; `swap` tells the server's end as the source.
    pub(super) fn new(
        detection: &'a Detection,
        texts: &Texts<'a>,
        alert: &'a RawValue,
        r#type: &'static str,
        swap: bool,
    ) -> Self {
        let mut ends = [
            (detection.source, detection.source_port, detection.mac.map(|mac: MacPair| mac.source)),
            (detection.destination, detection.destination_port, detection.mac.map(|mac| mac.destination)),
        ];
        if swap {
            ends.reverse();
        }
        let [(source, source_port, source_mac), (destination, destination_port, destination_mac)] = ends;
        // Without IP there is no address to tell, whatever stands in for one.
        let address = |address| detection.protocol.map(|_| Address(address));
        Self {
            src_ip: address(source),
            src_port: source_port,
            dest_ip: address(destination),
            dest_port: destination_port,
            src_mac: source_mac.map(Mac),
            dst_mac: destination_mac.map(Mac),
            flow_id: detection.flow_id,
            app_proto: detection.app_proto,
            protocol: protocol_name(detection.protocol),
            direction: direction_name(detection.direction),
            r#type,
            alert,
            http: detection.http.as_deref().map(|http| HttpData::new(http, texts)),
            flow: detection.flow.map(FlowData::from),
        }
    }
}

fn protocol_name(protocol: Option<u8>) -> &'static str {
    match protocol {
        Some(1) => "IANA_PROTOCOL_ICMP",
        Some(6) => "IANA_PROTOCOL_TCP",
        Some(17) => "IANA_PROTOCOL_UDP",
        Some(50) => "IANA_PROTOCOL_ESP",
        Some(51) => "IANA_PROTOCOL_AH",
        _ => "IANA_PROTOCOL_UNSPECIFIED",
    }
}

fn direction_name(direction: Option<Direction>) -> &'static str {
    match direction {
        None => "DIRECTION_UNSPECIFIED",
        Some(Direction::ToClient) => "DIRECTION_TO_CLIENT",
        Some(Direction::ToServer) => "DIRECTION_TO_SERVER",
    }
}

/// `data.alert`: the same for every detection of a rule.
#[derive(Serialize)]
pub(super) struct AlertData<'a> {
    action: &'static str,
    gid: u32,
    sid: u32,
    rev: u32,
    rule: Text<'a>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    signature: Text<'a>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    category: Text<'a>,
    severity: u32,
}

impl<'a> AlertData<'a> {
    /// The rule whole.
    pub(super) fn whole(alert: &'a Alert) -> Self {
        Self::with(alert, alert.rule.as_bytes(), alert.signature.as_bytes(), alert.category.as_bytes())
    }

    /// The rule with its texts as they were cut.
    pub(super) fn cut(alert: &'a Alert, texts: &Texts<'a>) -> Self {
        let [rule, signature, category] =
            [Field::Rule, Field::Signature, Field::Category].map(|field| texts.text(field));
        Self::with(alert, rule, signature, category)
    }

    fn with(alert: &Alert, rule: &'a [u8], signature: &'a [u8], category: &'a [u8]) -> Self {
        Self {
            // A passive sensor holds nothing back, whatever the rule's own action.
            action: "ACTION_ALLOWED",
            gid: alert.gid,
            sid: alert.sid,
            rev: alert.rev,
            rule: Text(rule),
            signature: Text(signature),
            category: Text(category),
            severity: alert.severity,
        }
    }

    /// As JSON.
    pub(super) fn to_json(&self) -> Box<RawValue> {
        serde_json::value::to_raw_value(self).expect("strings and numbers are always written")
    }
}

/// `data.http`.
#[derive(Serialize)]
struct HttpData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
}

impl<'a> HttpData<'a> {
    fn new(http: &'a Http, texts: &Texts<'a>) -> Self {
        let text = |known: &Option<Vec<u8>>, field| known.is_some().then(|| Text(texts.text(field)));
        Self {
            hostname: text(&http.hostname, Field::Hostname),
            url: text(&http.url, Field::Url),
            user_agent: text(&http.user_agent, Field::UserAgent),
            method: text(&http.method, Field::Method),
            protocol: text(&http.protocol, Field::Protocol),
            status: http.status,
            content_type: text(&http.content_type, Field::ContentType),
            length: http.length,
        }
    }
}

/// `data.flow`.
#[derive(Serialize)]
struct FlowData {
    pkts_toserver: u64,
    pkts_toclient: u64,
    bytes_toserver: u64,
    bytes_toclient: u64,
    start: Timestamp,
    end: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl From<FlowStatistics> for FlowData {
    fn from(flow: FlowStatistics) -> Self {
        Self {
            pkts_toserver: flow.packets_to_server,
            pkts_toclient: flow.packets_to_client,
            bytes_toserver: flow.bytes_to_server,
            bytes_toclient: flow.bytes_to_client,
            start: flow.start,
            end: flow.end,
            reason: flow.reason.map(|reason| reason.name()),
        }
    }
}

/// `data` of a DHCP message.
#[derive(Serialize)]
pub(super) struct DhcpData {
    packet_type: &'static str,
    tid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_mac: Option<Mac>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ip: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relay_ip: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan_id: Option<u16>,
}

impl From<&Dhcp> for DhcpData {
    fn from(message: &Dhcp) -> Self {
        Self {
            packet_type: message.kind.name(),
            tid: message.transaction_id,
            client_mac: message.client.mac().map(Mac),
            client_ip: message.client_ip.map(|address| Address(address.into())),
            relay_ip: message.relay_ip.map(|address| Address(address.into())),
            vlan_id: message.vlan_id,
        }
    }
}

/// `data` of a record: the flow's ends, and what there is to tell under the name of its kind.
pub(super) struct ActivityData<'a>(pub(super) &'a Activity);

impl Serialize for ActivityData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(activity) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("src_ip", &Address(activity.source))?;
        if let Some(port) = activity.source_port {
            map.serialize_entry("src_port", &port)?;
        }
        map.serialize_entry("dest_ip", &Address(activity.destination))?;
        if let Some(port) = activity.destination_port {
            map.serialize_entry("dest_port", &port)?;
        }
        if let Some(mac) = activity.mac {
            map.serialize_entry("src_mac", &Mac(mac.source))?;
            map.serialize_entry("dst_mac", &Mac(mac.destination))?;
        }
        map.serialize_entry("flow_id", &activity.flow_id)?;
        if let Some(app_proto) = activity.app_proto {
            map.serialize_entry("app_proto", app_proto)?;
        }
        map.serialize_entry("protocol", protocol_name(Some(activity.protocol)))?;
        let name = activity.kind.name();
        match activity.flow {
            Some(flow) => map.serialize_entry(name, &FlowData::from(flow))?,
            None => map.serialize_entry(name, &FactsData(&activity.facts))?,
        }
        map.end()
    }
}

/// Facts as an object.
struct FactsData<'a>(&'a Facts);

impl Serialize for FactsData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, fact) in self.0 {
            match fact {
                Fact::Text(text) => map.serialize_entry(name, &Text(text))?,
                Fact::Texts(texts) => {
                    let texts: Vec<Text<'_>> = texts.iter().map(|text| Text(text)).collect();
                    map.serialize_entry(name, &texts)?;
                }
                Fact::Number(number) => map.serialize_entry(name, number)?,
            }
        }
        map.end()
    }
}

/// Bytes of any encoding; what is no UTF-8 is replaced.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.serialize_str(&String::from_utf8_lossy(self.0)),
        }
    }
}

/// An IP address; of version 6 as RFC 5952 says.
struct Address(IpAddr);

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = match self.0 {
            IpAddr::V4(address) => Short::dotted(address),
            IpAddr::V6(address) => Short::of(format_args!("{address}")),
        };
        serializer.serialize_str(text.as_str())
    }
}

/// An Ethernet address, in lower case with colons.
struct Mac([u8; 6]);

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b':'; 17];
        for (pair, byte) in text.chunks_mut(3).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        serializer.serialize_str(str::from_utf8(&text).expect("digits and colons are ASCII"))
    }
}

/// An event's id, hyphenated and in lower case.
pub(super) struct EventId(pub(super) Uuid);

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

/// The text of an address, put together on the stack.
struct Short {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Short {
    /// The longest is `ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff`.
    const CAPACITY: usize = 39;
    const EMPTY: Self = Self { bytes: [0; Self::CAPACITY], len: 0 };

    /// `text` must be within the capacity.
    fn of(text: fmt::Arguments<'_>) -> Self {
        let mut short = Self::EMPTY;
        short.write_fmt(text).expect("no address is longer");
        short
    }

    /// Digit by digit: [`fmt`] takes several times as long, and most addresses are of this kind.
    fn dotted(address: Ipv4Addr) -> Self {
        let mut short = Self::EMPTY;
        for (place, octet) in address.octets().into_iter().enumerate() {
            if place > 0 {
                short.push(b'.');
            }
            if octet >= 100 {
                short.push(b'0' + octet / 100);
            }
            if octet >= 10 {
                short.push(b'0' + octet / 10 % 10);
            }
            short.push(b'0' + octet % 10);
        }
        short
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).expect("put together from strings")
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn addresses_are_written_as_the_standard_library_does(v4: [u8; 4], v6: [u16; 8]) {
            for address in [IpAddr::V4(v4.into()), IpAddr::V6(v6.into())] {
                prop_assert_eq!(serde_json::to_string(&Address(address)).unwrap(), format!("\"{address}\""));
            }
        }
    }

    #[test]
    fn the_longest_addresses_fit() {
        for longest in
            ["255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:255.255.255.255"]
        {
            assert_eq!(
                serde_json::to_string(&Address(longest.parse().unwrap())).unwrap(),
                format!("\"{longest}\"")
            );
        }
    }
}
