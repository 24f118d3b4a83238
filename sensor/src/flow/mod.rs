//! Flows: which packets belong together, how far they have come, and when they end.
//!
//! Knows keys, counts and idle time. Must not know of streams, protocols or rules: what those keep of a flow hangs
//! on its record as an extension.

mod hash;
mod icmp;
mod index;
mod key;
mod lifecycle;
mod prefetch;
mod record;
mod slab;
mod table;
#[cfg(test)]
mod tests;
mod timer;

pub use crate::limits::FlowLimits;
pub use hash::{HashKey, shard_of};
pub use key::{FlowKey, KeyConfig, Orientation, Side};
pub use lifecycle::{DatagramTimeouts, Lifecycle, TcpTimeouts, Timeouts};
pub use record::{Arrival, Flow};
pub use table::{Ended, FlowId, FlowTable, Observed, Sought};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How flows are told apart and how long they live.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowConfig {
    /// Whether the same addresses and ports on different VLANs are different flows (suricata.yaml,
    /// `vlan.use-for-tracking`).
    pub vlan_use: bool,
    /// How long flows may be idle.
    pub timeouts: Timeouts,
}

impl Default for FlowConfig {
    fn default() -> Self {
        Self { vlan_use: true, timeouts: Timeouts::default() }
    }
}
