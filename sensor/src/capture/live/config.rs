//! How interfaces are captured from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Capturing from interfaces.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LiveConfig {
    /// The interfaces.
    pub interfaces: Vec<String>,
    /// The most that is taken of a frame, in bytes. Segments that a network card has joined are longer than the MTU.
    pub snaplen: u32,
    /// Memory of the ring between kernel and sensor, for each interface and worker, in bytes.
    pub ring_bytes: u32,
    /// How long the kernel may hold back a part of the ring that is not full, in milliseconds.
    pub block_timeout_ms: u32,
    /// Whether frames for others are taken too.
    pub promiscuous: bool,
    /// Whose clock gives packets their times.
    pub timestamps: TimestampSource,
    /// How the kernel shares packets out among workers.
    pub fanout: Fanout,
    /// Whether each worker keeps to a processor of its own.
    pub pin_workers: bool,
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            snaplen: 65_535,
            ring_bytes: 64 << 20,
            block_timeout_ms: 20,
            promiscuous: true,
            timestamps: TimestampSource::default(),
            fanout: Fanout::default(),
            pin_workers: true,
        }
    }
}

/// Whose clock gives packets their times.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TimestampSource {
    /// The kernel's.
    #[default]
    Host,
    /// The network card's, set to the kernel's (`adapter` of pcap-tstamp(7)).
    Adapter,
}

/// How the kernel shares packets out among workers. Whatever it does, a flow belongs to one worker: what comes to
/// another is handed over.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fanout {
    /// By the sensor's own hash of the two addresses, so that next to nothing is handed over.
    #[default]
    Addresses,
    /// By the kernel's hash of the flow.
    Flow,
}
