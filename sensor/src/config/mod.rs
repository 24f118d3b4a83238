//! The configuration: what can be set, where each value came from, and what is wrong with it.
//!
//! Values come, each going before the one named earlier, from the defaults, a TOML file, the environment, `--set` and
//! the flags of a command. Each module below owns its part of [`Config`]; the parts that no module owns are here. The
//! keys that exist, their types and their documentation are read off [`schema`], so that a key is declared once.

mod error;
mod key;
mod layer;
mod lists;
mod load;
mod origin;
mod sections;
mod show;
pub mod suricata;

pub use error::{ConfigError, ConfigFault};
pub use lists::{DatasetConfig, DatasetType, DatasetsConfig, GeoIpConfig, ReputationConfig};
pub use load::{CommandDefaults, Loaded, Sources};
pub use origin::Origin;
pub use sections::{
    AlertFlow, CaptureConfig, DetectConfig, EventsConfig, Group, NetworkConfig, OperationConfig,
    OutputConfig, PrivilegesConfig, ReassemblyConfig, RulesConfig, RuntimeConfig, VariablesConfig,
};

use crate::decode::DecodeConfig;
use crate::event::EncoderConfig;
use crate::flow::FlowConfig;
use crate::limits::Limits;
use crate::reassembly::stream::StreamConfig;
use crate::sink::file_store::FileStoreConfig;
use crate::sink::kinesis::DeliveryConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything that can be configured.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The network that is watched.
    pub network: NetworkConfig,
    /// Address and port groups that rules name with a `$`.
    pub variables: VariablesConfig,
    /// Which rules to load.
    pub rules: RulesConfig,
    /// Sets of values that rules ask about or change.
    pub datasets: DatasetsConfig,
    /// Reputations of addresses, which rules ask.
    pub reputation: ReputationConfig,
    /// Countries of addresses, which rules ask.
    pub geoip: GeoIpConfig,
    /// Reading captures.
    pub capture: CaptureConfig,
    /// Decoding packets.
    pub decode: DecodeConfig,
    /// Telling flows apart and ending them.
    pub flow: FlowConfig,
    /// Putting fragments and streams back together.
    pub reassembly: ReassemblyConfig,
    /// Following TCP streams.
    pub stream: StreamConfig,
    /// Applying rules.
    pub detect: DetectConfig,
    /// The form of events.
    pub events: EventsConfig,
    /// Files of events.
    pub output: OutputConfig,
    /// Storing files that rules ask for.
    pub file_store: FileStoreConfig,
    /// Running as a service.
    pub operation: OperationConfig,
    /// What a running sensor gives up.
    pub privileges: PrivilegesConfig,
    /// Delivering events to a Kinesis stream.
    pub delivery: DeliveryConfig,
    /// Threads.
    pub runtime: RuntimeConfig,
    /// Limits of tables, buffers, recursions and loops.
    pub limits: Limits,
}

impl Config {
    /// What the encoder of events must know.
    pub fn encoder(&self) -> EncoderConfig {
        EncoderConfig {
            network: self.network.uuid,
            network_slug: self.network.slug.clone(),
            source: self.events.source.clone(),
            type_prefix: self.events.type_prefix.clone(),
            layout: self.events.layout,
            slug_extension: self.events.network_slug,
            endpoints: self.events.endpoints,
            detection_type: self.events.detection_type,
        }
    }
}

/// The JSON Schema (draft 2020-12) of the configuration.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Config).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_one_default_form() {
        assert_eq!(Config::default().encoder(), EncoderConfig::default());
    }
}
