//! The parts of the configuration that belong to no module below.

use crate::capture::LiveConfig;
use crate::event::{ActivityKind, DetectionType, Endpoints, Layout, NetworkId};
use crate::reassembly::fragment::HostPolicies;
use crate::sink::QueueConfig;
use crate::sink::file::RotationConfig;
use rules::header::variable::{DEFAULT_ADDRESSES, DEFAULT_PORTS};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU16;
use std::path::PathBuf;

/// The network that is watched.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// The network's UUID, which events name as their subject and from which their ids are derived: 8-4-4-4-12
    /// hexadecimal digits, all zero unless set. Also from the environment variable `SENSOR_NETWORK_UUID`.
    #[schemars(with = "String")]
    pub uuid: NetworkId,
    /// A name of the network for people; empty for none.
    pub slug: String,
}

/// The form of events.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventsConfig {
    /// `source` of the envelope.
    pub source: String,
    /// What `type` of the envelope begins with.
    pub type_prefix: String,
    /// The structure around the payload.
    pub layout: Layout,
    /// Whether the envelope carries the network's slug, as the extension `networkslug`.
    pub network_slug: bool,
    /// Whose addresses a detection tells.
    pub endpoints: Endpoints,
    /// What kind of sensor says so: `type` of a detection.
    pub detection_type: DetectionType,
    /// When an alert goes out.
    pub alert_flow: AlertFlow,
    /// How long `alert_flow = "final"` waits for the end of the flow, in seconds of packet time.
    pub alert_flow_wait_s: u32,
    /// Protocols of whose transactions records are written once they are over; `flow` for flows.
    pub records: Vec<ActivityKind>,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self {
            source: "https://meter.com".to_owned(),
            type_prefix: "com.meter".to_owned(),
            layout: Layout::default(),
            network_slug: false,
            endpoints: Endpoints::default(),
            detection_type: DetectionType::default(),
            alert_flow: AlertFlow::default(),
            alert_flow_wait_s: 60,
            records: Vec::new(),
        }
    }
}

/// When an alert goes out.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertFlow {
    /// At once, with the flow as it is then.
    #[default]
    Now,
    /// Once the flow has ended, with how it ended.
    Final,
}

/// Reading captures.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaptureConfig {
    /// A BPF expression; packets that it does not match are passed over.
    pub filter: Option<String>,
    /// Interfaces, for `sensor run`.
    pub live: LiveConfig,
}

/// Putting fragments and streams back together.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReassemblyConfig {
    /// Whose bytes hosts keep where fragments or segments overlap: networks by policy, the longest prefix decides.
    pub host_policies: HostPolicies,
}

/// Which rules to load.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RulesConfig {
    /// Files of rules, in the order of loading.
    pub files: Vec<PathBuf>,
    /// The classification.config that gives classes their description and priority.
    pub classification: Option<PathBuf>,
    /// The reference.config that says where references lead; the one beside the rules unless set.
    pub reference: Option<PathBuf>,
    /// The threshold.config that says how often rules may alert; the one beside the rules unless set.
    pub threshold: Option<PathBuf>,
    /// Whether one rule that cannot be used refuses all of them.
    pub strict: bool,
}

/// Applying rules.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DetectConfig {
    /// Alerts from one packet; those of the most severe rules go first (suricata.yaml, `packet-alert-max`).
    pub max_alerts_per_packet: u16,
    /// Whether rules are found by their fast patterns. Without, each is tried wherever it could match, which finds
    /// the same and takes long: for whoever doubts it.
    pub prefilter: bool,
}

impl Default for DetectConfig {
    fn default() -> Self {
        Self { max_alerts_per_packet: 15, prefilter: true }
    }
}

/// Files of events that `sensor run` writes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutputConfig {
    /// When they are turned over.
    pub rotation: RotationConfig,
    /// What may wait for them.
    pub queue: QueueConfig,
}

/// Running as a service.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct OperationConfig {
    /// Seconds from one line of statistics to the next; 0 for none.
    pub statistics_every_s: u32,
    /// Seconds after a request to stop for which flows are ended and events written.
    pub drain_within_s: u32,
    /// Where `/metrics`, `/healthz` and `/readyz` are served: an address with a port; empty for nowhere.
    pub metrics: String,
    /// The socket of `sensor ctl`; `control.sock` in the state directory unless set.
    pub control_socket: Option<PathBuf>,
}

impl Default for OperationConfig {
    fn default() -> Self {
        Self {
            statistics_every_s: 10,
            drain_within_s: 20,
            metrics: "127.0.0.1:9419".to_owned(),
            control_socket: None,
        }
    }
}

/// What `sensor run` gives up once its interfaces are open.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivilegesConfig {
    /// The user that the process becomes when it is started as root; it stays who it is unless set.
    pub user: Option<String>,
    /// Whether it keeps `CAP_NET_RAW`, which it takes to open an interface again that went away. It keeps no other
    /// capability.
    pub keep_net_raw: bool,
    /// Whether it reaches no files but those it needs (Landlock).
    pub landlock: bool,
    /// Whether system calls that a sensor never makes are refused (seccomp).
    pub seccomp: bool,
}

impl Default for PrivilegesConfig {
    fn default() -> Self {
        Self { user: None, keep_net_raw: true, landlock: true, seccomp: true }
    }
}

/// Threads.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeConfig {
    /// Threads that inspect packets; one for each core unless set.
    pub workers: Option<NonZeroU16>,
}

/// Address and port groups that rules name with a `$`, in the syntax of a rule's header. Those not set here keep the
/// values of Suricata's default suricata.yaml.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct VariablesConfig {
    /// Groups of addresses.
    pub addresses: BTreeMap<String, Group>,
    /// Groups of ports.
    pub ports: BTreeMap<String, Group>,
}

impl Default for VariablesConfig {
    fn default() -> Self {
        let groups = |table: &[(&str, &str)]| {
            table.iter().map(|&(name, text)| (name.to_owned(), Group(text.to_owned()))).collect()
        };
        Self { addresses: groups(DEFAULT_ADDRESSES), ports: groups(DEFAULT_PORTS) }
    }
}

/// A group of addresses or ports, as a rule's header would write it. A list in TOML stands for the group of its items.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Group(String);

impl Group {
    /// The text, as in `[192.0.2.0/24,!192.0.2.1]`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GroupVisitor)
    }
}

struct GroupVisitor;

impl<'de> Visitor<'de> for GroupVisitor {
    type Value = Group;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a group as in a rule's header, a port, or a list of these")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Group, E> {
        Ok(Group(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, port: i64) -> Result<Group, E> {
        Ok(Group(port.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Group, A::Error> {
        let mut texts = Vec::new();
        while let Some(Group(text)) = items.next_element()? {
            texts.push(text);
        }
        Ok(Group(format!("[{}]", texts.join(","))))
    }
}

impl JsonSchema for Group {
    fn schema_name() -> Cow<'static, str> {
        "Group".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A group as in a rule's header, a port, or a list of these.",
            "type": ["string", "integer", "array"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_text_a_port_or_a_list() {
        let groups: BTreeMap<String, Group> =
            toml::from_str("a = '!80'\nb = 443\nc = ['10.0.0.0/8', ['192.0.2.1', '!192.0.2.2'], 5]").unwrap();
        assert_eq!(groups["a"].as_str(), "!80");
        assert_eq!(groups["b"].as_str(), "443");
        assert_eq!(groups["c"].as_str(), "[10.0.0.0/8,[192.0.2.1,!192.0.2.2],5]");
        assert!(toml::from_str::<BTreeMap<String, Group>>("a = true").is_err());
    }
}
