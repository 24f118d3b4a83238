//! What can be set about decoding.

use super::TunnelPorts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How packets are decoded.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecodeConfig {
    /// What a bad checksum means.
    pub checksums: ChecksumMode,
    /// Ports of tunnels over UDP.
    pub tunnel_ports: TunnelPorts,
}

/// What a bad checksum means (Suricata's option `-k`).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChecksumMode {
    /// The packet is not followed, unless many bad ones from one side show that its network card was to fill them in.
    #[default]
    Auto,
    /// The packet is not followed.
    All,
    /// Nothing: checksums are not looked at.
    None,
}

impl ChecksumMode {
    /// The name in the configuration and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::All => "all",
            Self::None => "none",
        }
    }
}
