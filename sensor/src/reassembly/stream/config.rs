//! How streams are followed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How TCP streams are followed. The defaults are Suricata's (suricata.yaml, "stream").
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamConfig {
    /// How many bytes of each direction are put together; 0 for all (`stream.reassembly.depth`).
    pub depth_bytes: u64,
    /// Whether connections whose handshake was not seen are followed (`stream.midstream`).
    pub midstream: bool,
    /// Whether connections of which one direction alone is seen are followed (`stream.async-oneside`).
    pub one_sided: bool,
    /// What becomes of urgent data (`stream.reassembly.urgent.policy`).
    pub urgent: UrgentPolicy,
    /// What becomes of it once 65,535 bytes of a direction were taken out, or 128 wait for their acknowledgement
    /// (`stream.reassembly.urgent.oob-limit-policy`).
    pub urgent_limit: UrgentLimitPolicy,
    /// How many SYN with other sequence numbers are remembered until one is answered (`stream.max-syn-queued`).
    pub max_syn_queued: u8,
    /// How many SYN/ACK with other sequence numbers are remembered until one is answered
    /// (`stream.max-synack-queued`).
    pub max_synack_queued: u8,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            depth_bytes: 1 << 20,
            midstream: false,
            one_sided: false,
            urgent: UrgentPolicy::default(),
            urgent_limit: UrgentLimitPolicy::default(),
            max_syn_queued: 10,
            max_synack_queued: 5,
        }
    }
}

/// What becomes of urgent data (RFC 9293 §3.8.5): the byte before the urgent pointer, which applications read beside
/// their stream or within it (RFC 6093 §3.1).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UrgentPolicy {
    /// It is taken out of the stream, as hosts do unless told otherwise.
    #[default]
    Oob,
    /// It stays in the stream.
    Inline,
    /// Segments with urgent data are not looked at.
    Drop,
    /// It is missing from the stream.
    Gap,
}

/// What becomes of urgent data once too many bytes of it were taken out of a stream.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UrgentLimitPolicy {
    /// It stays in the stream.
    Inline,
    /// Segments with urgent data are not looked at.
    #[default]
    Drop,
    /// It is missing from the stream.
    Gap,
}
