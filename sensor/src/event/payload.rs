//! The payloads as JSON has them: field names, their order, enums by name. Borrows all it writes.

use super::address::{Address, Mac};
use super::cut::{Field, Texts};
use super::json::{Array, Plain, Text, Value, Written, close, push_member, push_members, push_object};
use super::{Activity, Alert, Detection, Dhcp, Direction, Fact, Facts, FlowStatistics, Http, MacPair};

/// `data` of a detection and of a test event.
pub(super) struct DetectionData<'a> {
    pub(super) detection: &'a Detection,
    /// Its texts, whole or cut.
    pub(super) texts: &'a Texts<'a>,
    /// An [`AlertData`], written out.
    pub(super) alert: &'a [u8],
    /// What kind of sensor says so, or that it is a test.
    pub(super) r#type: &'static str,
    /// Whether the server's end is told as the source.
    pub(super) swap: bool,
}

impl Value for DetectionData<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let Self { detection, texts, alert, r#type, swap } = *self;
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
        push_object!(out,
            "src_ip": address(source),
            "src_port": source_port,
            "dest_ip": address(destination),
            "dest_port": destination_port,
            "src_mac": source_mac.map(Mac),
            "dst_mac": destination_mac.map(Mac),
            "flow_id": detection.flow_id,
            "app_proto": detection.app_proto.map(Plain),
            "protocol": Plain(protocol_name(detection.protocol)),
            "direction": Plain(direction_name(detection.direction)),
            "type": Plain(r#type),
            "alert": Written(alert),
            "http": detection.http.as_deref().map(|http| HttpData { http, texts }),
            "flow": detection.flow.map(FlowData),
        );
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
pub(super) struct AlertData<'a> {
    alert: &'a Alert,
    rule: Text<'a>,
    signature: Text<'a>,
    category: Text<'a>,
}

impl<'a> AlertData<'a> {
    /// The rule whole.
    pub(super) fn whole(alert: &'a Alert) -> Self {
        let [rule, signature, category] =
            [&alert.rule, &alert.signature, &alert.category].map(|text| Text(text.as_bytes()));
        Self { alert, rule, signature, category }
    }

    /// The rule with its texts as they were cut.
    pub(super) fn cut(alert: &'a Alert, texts: &Texts<'a>) -> Self {
        let [rule, signature, category] =
            [Field::Rule, Field::Signature, Field::Category].map(|field| Text(texts.text(field)));
        Self { alert, rule, signature, category }
    }

    /// As JSON.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }
}

impl Value for AlertData<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        push_object!(out,
            // A passive sensor holds nothing back, whatever the rule's own action.
            "action": Plain("ACTION_ALLOWED"),
            "gid": self.alert.gid,
            "sid": self.alert.sid,
            "rev": self.alert.rev,
            "rule": self.rule,
            "signature": self.signature.unless_empty(),
            "category": self.category.unless_empty(),
            "severity": self.alert.severity,
        );
    }
}

/// `data.http`.
struct HttpData<'a> {
    http: &'a Http,
    texts: &'a Texts<'a>,
}

impl Value for HttpData<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let Self { http, texts } = self;
        let text = |known: &Option<Vec<u8>>, field| known.is_some().then(|| Text(texts.text(field)));
        push_object!(out,
            "hostname": text(&http.hostname, Field::Hostname),
            "url": text(&http.url, Field::Url),
            "user_agent": text(&http.user_agent, Field::UserAgent),
            "method": text(&http.method, Field::Method),
            "protocol": text(&http.protocol, Field::Protocol),
            "status": http.status,
            "content_type": text(&http.content_type, Field::ContentType),
            "length": http.length,
        );
    }
}

/// `data.flow`.
struct FlowData(FlowStatistics);

impl Value for FlowData {
    fn write(&self, out: &mut Vec<u8>) {
        let Self(flow) = self;
        push_object!(out,
            "pkts_toserver": flow.packets_to_server,
            "pkts_toclient": flow.packets_to_client,
            "bytes_toserver": flow.bytes_to_server,
            "bytes_toclient": flow.bytes_to_client,
            "start": flow.start,
            "end": flow.end,
            "reason": flow.reason.map(|reason| Plain(reason.name())),
        );
    }
}

/// `data` of a DHCP message.
pub(super) struct DhcpData<'a>(pub(super) &'a Dhcp);

impl Value for DhcpData<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let Self(message) = self;
        push_object!(out,
            "packet_type": Plain(message.kind.name()),
            "tid": message.transaction_id,
            "client_mac": message.client.mac().map(Mac),
            "client_ip": message.client_ip.map(|address| Address(address.into())),
            "relay_ip": message.relay_ip.map(|address| Address(address.into())),
            "vlan_id": message.vlan_id,
        );
    }
}

/// `data` of a record: the flow's ends, and what there is to tell under the name of its kind.
pub(super) struct ActivityData<'a>(pub(super) &'a Activity);

impl Value for ActivityData<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let Self(activity) = self;
        out.push(b'{');
        push_members!(out,
            "src_ip": Address(activity.source),
            "src_port": activity.source_port,
            "dest_ip": Address(activity.destination),
            "dest_port": activity.destination_port,
            "src_mac": activity.mac.map(|mac| Mac(mac.source)),
            "dst_mac": activity.mac.map(|mac| Mac(mac.destination)),
            "flow_id": activity.flow_id,
            "app_proto": activity.app_proto.map(Plain),
            "protocol": Plain(protocol_name(Some(activity.protocol))),
        );
        let name = activity.kind.name();
        match activity.flow {
            Some(flow) => push_member(out, name, &FlowData(flow)),
            None => push_member(out, name, &FactsData(&activity.facts)),
        }
        close(out, b'}');
    }
}

/// Facts as an object.
struct FactsData<'a>(&'a Facts);

impl Value for FactsData<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (name, fact) in self.0 {
            match fact {
                Fact::Text(text) => push_member(out, name, &Text(text)),
                Fact::Texts(texts) => push_member(out, name, &Array(texts)),
                Fact::Number(number) => push_member(out, name, number),
            }
        }
        close(out, b'}');
    }
}
