//! What events look like: the configuration of the encoder.

use super::NetworkId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest configured name (source, type prefix, slug), in bytes: it must leave room for the event.
const MAX_NAME_BYTES: usize = 1024;

/// What events look like.
#[derive(Clone, Debug, PartialEq)]
pub struct EncoderConfig {
    /// The network's UUID.
    pub network: NetworkId,
    /// The network's name for people; left out of events while empty.
    pub network_slug: String,
    /// `source` of the envelope.
    pub source: String,
    /// What `type` of the envelope begins with.
    pub type_prefix: String,
    /// The structure around the payload.
    pub layout: Layout,
    /// Whether the envelope carries the slug, as the extension `networkslug`.
    pub slug_extension: bool,
    /// Whose addresses a detection tells.
    pub endpoints: Endpoints,
    /// What kind of sensor says so: `type` of a detection.
    pub detection_type: DetectionType,
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self {
            network: NetworkId::default(),
            network_slug: String::new(),
            source: "https://meter.com".to_owned(),
            type_prefix: "com.meter".to_owned(),
            layout: Layout::default(),
            slug_extension: false,
            endpoints: Endpoints::default(),
            detection_type: DetectionType::default(),
        }
    }
}

/// The structure around the payload.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// The CloudEvents envelope.
    #[default]
    Cloudevents,
    /// The base structure: `network_uuid`, `id`, `timestamp`, one of three payloads, `network_slug`.
    Event,
}

/// Whose addresses a detection tells.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoints {
    /// The flow's client and server.
    #[default]
    Flow,
    /// The alerting packet's sender and receiver.
    Packet,
}

/// What kind of sensor made the detection.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum DetectionType {
    /// Not said.
    #[serde(rename = "TYPE_UNSPECIFIED")]
    Unspecified,
    /// Passive, as on a mirror port.
    #[default]
    #[serde(rename = "TYPE_DETECT")]
    Detect,
    /// A firewall out of band.
    #[serde(rename = "TYPE_OOB_PROTECT")]
    OutOfBandProtect,
    /// An IPS in line.
    #[serde(rename = "TYPE_IB_PROTECT")]
    InBandProtect,
}

impl DetectionType {
    /// The name in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "TYPE_UNSPECIFIED",
            Self::Detect => "TYPE_DETECT",
            Self::OutOfBandProtect => "TYPE_OOB_PROTECT",
            Self::InBandProtect => "TYPE_IB_PROTECT",
        }
    }
}

/// A configuration that no valid event could come from.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EncoderConfigError {
    /// CloudEvents wants `source` to be a non-empty URI reference (RFC 3986).
    #[error(
        "events.source {0:?} is no URI reference: it must not be empty, nor hold spaces or any of \"<>\\^`{{|}}"
    )]
    Source(String),
    /// CloudEvents wants `type` not to be empty.
    #[error("events.type_prefix {0:?} must be letters, digits, dots and hyphens, as in com.example")]
    TypePrefix(String),
    /// The slug was asked for, but there is none.
    #[error("events.network_slug is set, but network.slug is empty")]
    SlugMissing,
    /// A name that would crowd out the event.
    #[error("{0} is longer than {MAX_NAME_BYTES} bytes")]
    TooLong(&'static str),
}

impl EncoderConfig {
    pub(super) fn check(&self) -> Result<(), EncoderConfigError> {
        let in_uri = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
        if self.source.is_empty() || !self.source.chars().all(in_uri) {
            return Err(EncoderConfigError::Source(self.source.clone()));
        }
        let in_type = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        if self.type_prefix.is_empty() || !self.type_prefix.chars().all(in_type) {
            return Err(EncoderConfigError::TypePrefix(self.type_prefix.clone()));
        }
        if self.slug_extension && self.network_slug.is_empty() {
            return Err(EncoderConfigError::SlugMissing);
        }
        let names = [
            ("events.source", &self.source),
            ("events.type_prefix", &self.type_prefix),
            ("network.slug", &self.network_slug),
        ];
        match names.iter().find(|(_, name)| name.len() > MAX_NAME_BYTES) {
            Some((what, _)) => Err(EncoderConfigError::TooLong(what)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(change: fn(&mut EncoderConfig)) -> EncoderConfigError {
        let mut config = EncoderConfig::default();
        config.check().unwrap();
        change(&mut config);
        config.check().unwrap_err()
    }

    #[test]
    fn names_that_no_event_could_carry_are_refused() {
        assert_eq!(fault(|c| c.source.clear()), EncoderConfigError::Source(String::new()));
        assert_eq!(fault(|c| c.source = "a b".into()), EncoderConfigError::Source("a b".into()));
        assert_eq!(fault(|c| c.type_prefix.clear()), EncoderConfigError::TypePrefix(String::new()));
        assert_eq!(fault(|c| c.slug_extension = true), EncoderConfigError::SlugMissing);
        assert_eq!(fault(|c| c.network_slug = "x".repeat(2000)), EncoderConfigError::TooLong("network.slug"));
    }
}
