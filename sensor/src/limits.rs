//! Every limit of every table, buffer, recursion and loop below `runtime`, in one place.
//!
//! A refusal at any of them is counted under its own name in [`crate::counter`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All limits, with the defaults of Suricata 8 where it has one.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Reading captures.
    pub capture: CaptureLimits,
    /// Decoding packets.
    pub decode: DecodeLimits,
    /// Putting fragments together.
    pub fragment: FragmentLimits,
    /// Tracking flows.
    pub flow: FlowLimits,
    /// Following TCP streams.
    pub stream: StreamLimits,
    /// Parsing applications' protocols.
    pub app_layer: AppLayerLimits,
    /// DHCP transactions.
    pub dhcp: DhcpLimits,
    /// What rules remember.
    pub memory: MemoryLimits,
    /// Storing files.
    pub file_store: FileStoreLimits,
    /// Joining what workers find.
    pub collect: CollectLimits,
}

/// Limits of reading captures.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaptureLimits {
    /// The longest frame believed, in bytes; a longer one means a corrupt file.
    pub frame_bytes: u32,
    /// The longest pcapng block that is held whole (packets with their options, interfaces, sections), in bytes.
    pub block_bytes: u32,
    /// Interfaces described in one section of a pcapng file.
    pub interfaces: u32,
    /// Frames in one burst.
    pub burst_frames: u32,
    /// Bytes read for one burst; a single longer frame still fits.
    pub burst_bytes: u32,
    /// Directories opened one inside the other.
    pub directory_depth: u32,
    /// The largest window of a zstd stream, as a power of two in bytes.
    pub zstd_window_log: u32,
    /// Bursts of frames handed from one worker to another that may wait before it.
    pub handed_over_bursts: usize,
}

impl Default for CaptureLimits {
    fn default() -> Self {
        Self {
            frame_bytes: 262_144,
            block_bytes: 1 << 20,
            interfaces: 4096,
            burst_frames: 2048,
            burst_bytes: 1 << 20,
            directory_depth: 16,
            zstd_window_log: 27,
            handed_over_bursts: 32,
        }
    }
}

/// Limits of decoding.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecodeLimits {
    /// Headers walked in one frame, tunnels included.
    pub layers: u8,
    /// Tunnels opened one inside the other.
    pub tunnel_depth: u8,
    /// IPv6 extension headers walked in one packet.
    pub ipv6_extensions: u8,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { layers: 16, tunnel_depth: 8, ipv6_extensions: 16 }
    }
}

/// Limits of putting fragments together.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct FragmentLimits {
    /// Datagrams under way.
    pub datagrams: usize,
    /// Fragments taken for one datagram, repetitions too.
    pub fragments_per_datagram: u32,
    /// Memory held, in bytes.
    pub bytes: usize,
    /// How long a datagram is kept after its latest fragment, in seconds.
    pub timeout_secs: u32,
}

impl FragmentLimits {
    /// One shard's share.
    #[must_use]
    pub fn share(&self, shards: usize) -> Self {
        let shards = shards.max(1);
        Self { datagrams: (self.datagrams / shards).max(1), bytes: self.bytes / shards, ..self.clone() }
    }
}

impl Default for FragmentLimits {
    fn default() -> Self {
        Self { datagrams: 65_535, fragments_per_datagram: 65_535, bytes: 32 << 20, timeout_secs: 60 }
    }
}

/// Limits of tracking flows.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowLimits {
    /// Memory of all flow tables together, in bytes, without what streams and protocols keep (suricata.yaml,
    /// `flow.memcap`).
    pub memory_bytes: u64,
}

impl Default for FlowLimits {
    fn default() -> Self {
        Self { memory_bytes: 128 * 1024 * 1024 }
    }
}

/// Limits of following TCP streams.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamLimits {
    /// Memory of all sessions, without the data of their streams, in bytes (suricata.yaml, `stream.memcap`).
    pub session_bytes: u64,
    /// Memory held for the data of all streams, in bytes (suricata.yaml, `stream.reassembly.memcap`).
    pub memory_bytes: u64,
    /// Memory held for the data of one direction of a session, in bytes.
    pub memory_bytes_per_side: u64,
    /// Parts of segments that wait behind a hole in one direction of a session.
    pub segments_per_side: u32,
}

impl StreamLimits {
    /// One shard's share.
    #[must_use]
    pub fn share(&self, shards: usize) -> Self {
        let shards = shards.max(1) as u64;
        Self {
            session_bytes: self.session_bytes / shards,
            memory_bytes: self.memory_bytes / shards,
            ..self.clone()
        }
    }
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            session_bytes: 64 << 20,
            memory_bytes: 256 << 20,
            memory_bytes_per_side: 16 << 20,
            segments_per_side: 16_384,
        }
    }
}

/// Limits of parsing applications' protocols.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppLayerLimits {
    /// Memory of the parsers and transactions of all flows, files that may have to be stored too, in bytes. Of a flow
    /// that would need more no more is parsed.
    pub memory_bytes: u64,
    /// The same of one flow.
    pub memory_bytes_per_flow: u64,
    /// Frames (`frame`) in one direction of a flow that rules have not looked at to their end.
    pub frames_per_side: usize,
}

impl AppLayerLimits {
    /// One shard's share.
    #[must_use]
    pub fn share(&self, shards: usize) -> Self {
        Self { memory_bytes: self.memory_bytes / shards.max(1) as u64, ..self.clone() }
    }
}

impl Default for AppLayerLimits {
    fn default() -> Self {
        Self { memory_bytes: 512 << 20, memory_bytes_per_flow: 64 << 20, frames_per_side: 256 }
    }
}

/// Limits of the DHCP transaction tables.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DhcpLimits {
    /// Transactions remembered, of all shards together; rounded up to a multiple of 4,096.
    pub transactions: u32,
    /// Seconds after its last message that a transaction is remembered. Clients retransmit for about two minutes
    /// (RFC 2131 §4.1).
    pub idle_seconds: u64,
}

impl Default for DhcpLimits {
    fn default() -> Self {
        Self { transactions: 65_536, idle_seconds: 300 }
    }
}

/// Limits of what rules remember.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryLimits {
    /// Bits of addresses and of pairs of addresses (`xbits`, `hostbits`).
    pub address_bits: usize,
    /// Addresses whose packets are marked at a time (`tag:host`).
    pub tagged_hosts: usize,
    /// Values that `pcre` captured, of all flows together, in bytes.
    pub captured_bytes: usize,
    /// Values of one data set whose rule gives no `memcap`, in bytes (suricata.yaml, `datasets.defaults.memcap`).
    pub dataset_bytes: u64,
    /// What all data sets may claim together, by their `memcap`, in bytes.
    pub datasets_bytes: u64,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self {
            address_bits: 1 << 18,
            tagged_hosts: 1 << 16,
            captured_bytes: 64 << 20,
            dataset_bytes: 100 << 20,
            datasets_bytes: 10 << 30,
        }
    }
}

/// Limits of storing files.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileStoreLimits {
    /// Bytes stored of one file; of a longer one the first.
    pub file_bytes: usize,
    /// Memory held for files that may have to be stored, and for those that wait to be written, in bytes.
    pub memory_bytes: usize,
    /// Files that may wait to be written.
    pub waiting_files: usize,
    /// Files in the directory.
    pub directory_files: u64,
    /// Bytes of all of them.
    pub directory_bytes: u64,
}

impl Default for FileStoreLimits {
    fn default() -> Self {
        Self {
            file_bytes: 16 << 20,
            memory_bytes: 256 << 20,
            waiting_files: 1024,
            directory_files: 100_000,
            directory_bytes: 10 << 30,
        }
    }
}

/// Limits of joining what workers find.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CollectLimits {
    /// Windows of thresholds, one for each rule and address that is counted apart.
    pub thresholds: usize,
    /// Alerts held until their flow ends (`events.alert_flow = "final"`).
    pub held_alerts: usize,
    /// Findings of a live capture that wait to be made into events.
    pub findings: u64,
}

impl Default for CollectLimits {
    fn default() -> Self {
        Self { thresholds: 1 << 20, held_alerts: 1 << 16, findings: 1 << 17 }
    }
}
