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
            max_syn_queued: 10,
            max_synack_queued: 5,
        }
    }
}
