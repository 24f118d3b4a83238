//! Headers that carry another packet.
//!
//! IP in IP has no header of its own and is found in [`super::net`].

pub(super) mod erspan;
pub(super) mod geneve;
pub(super) mod gre;
pub(super) mod nsh;
pub(super) mod teredo;
pub(super) mod vxlan;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The UDP ports on which tunnels are looked for, with Suricata's defaults (documentation: suricata.yaml, "Decoder").
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TunnelPorts {
    /// Destination ports of VXLAN.
    pub vxlan: Vec<u16>,
    /// Destination ports of Geneve.
    pub geneve: Vec<u16>,
    /// Ports, of either side, of Teredo.
    pub teredo: Vec<u16>,
}

impl Default for TunnelPorts {
    fn default() -> Self {
        Self { vxlan: vec![4789], geneve: vec![6081], teredo: vec![3544] }
    }
}

impl TunnelPorts {
    /// Whether a datagram between these ports could be a tunnel's.
    #[inline]
    pub(super) fn may_be_tunnel(&self, source: u16, destination: u16) -> bool {
        self.vxlan.contains(&destination)
            || self.geneve.contains(&destination)
            || self.teredo.iter().any(|&port| port == source || port == destination)
    }
}
