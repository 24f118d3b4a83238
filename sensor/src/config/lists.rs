//! Lists that rules ask: where they come from.

use rules::dataset::DatasetKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Sets of values (Suricata documentation: "Datasets").
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatasetsConfig {
    /// Where sets are saved that rules say to save, and loaded from again.
    pub directory: PathBuf,
    /// Whether rules may say that a set is saved.
    pub allow_write: bool,
    /// Sets by name, which rules then need not describe.
    pub sets: BTreeMap<String, DatasetConfig>,
}

impl Default for DatasetsConfig {
    fn default() -> Self {
        Self { directory: "/var/lib/sensor/datasets".into(), allow_write: true, sets: BTreeMap::new() }
    }
}

/// One set of values.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatasetConfig {
    /// What its values are.
    #[serde(rename = "type")]
    pub kind: DatasetType,
    /// The file to load it from.
    pub load: Option<PathBuf>,
    /// The file to save it to, in `datasets.directory` unless the path is absolute.
    pub save: Option<PathBuf>,
    /// Both in one; `load` and `save` go before it.
    pub state: Option<PathBuf>,
    /// The most memory it may take up, in bytes; `limits.memory.dataset_bytes` unless set.
    pub memcap_bytes: Option<u64>,
}

/// What the values of a set are.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DatasetType {
    /// Any bytes; in the file as base64.
    #[default]
    String,
    /// MD5 sums; in the file in hexadecimal.
    Md5,
    /// SHA-256 sums; in the file in hexadecimal.
    Sha256,
    /// IPv4 addresses.
    Ipv4,
    /// IPv6 addresses.
    Ipv6,
    /// IPv4 and IPv6 addresses.
    Ip,
}

impl From<DatasetType> for DatasetKind {
    fn from(kind: DatasetType) -> Self {
        match kind {
            DatasetType::String => Self::String,
            DatasetType::Md5 => Self::Md5,
            DatasetType::Sha256 => Self::Sha256,
            DatasetType::Ipv4 => Self::Ipv4,
            DatasetType::Ipv6 => Self::Ipv6,
            DatasetType::Ip => Self::Ip,
        }
    }
}

/// Reputations of addresses (Suricata documentation: "IP Reputation Config").
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReputationConfig {
    /// The file that numbers and names categories: `number,name,description`.
    pub categories: Option<PathBuf>,
    /// Files of scores, in the order of loading: `address,category,score`, the address with or without a prefix length.
    pub files: Vec<PathBuf>,
}

/// Countries of addresses (Suricata documentation: "IP Keywords", geoip).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeoIpConfig {
    /// A database in MaxMind's format, such as GeoLite2-Country.mmdb.
    pub database: Option<PathBuf>,
}
