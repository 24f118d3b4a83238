//! How the Kinesis writer behaves; what it talks to is the integration's matter.

use crate::sink::retry::BackoffPolicy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// What decides on an event's shard, and what keeps its order.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PartitionKey {
    /// The flow: events of a flow stay in order, flows are spread over the shards. One record of a flow is in flight
    /// at a time, since Kinesis may take the later of two and refuse the earlier.
    #[default]
    Flow,
    /// The event's id: spread best, no order.
    Event,
    /// The network's UUID: all events in order, in one shard, a record to a round trip; wants `records = "batch"`.
    Network,
}

/// What a record of the stream holds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordForm {
    /// One event, as structured CloudEvents JSON.
    #[default]
    Event,
    /// Several events of one shard, as CloudEvents batch JSON.
    Batch,
}

/// How the stream is named in requests.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressBy {
    /// By ARN, at the account's own endpoint.
    #[default]
    Arn,
    /// By name, at the region's endpoint.
    Name,
}

/// Bounds and times of the writer.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct KinesisConfig {
    /// What decides on the shard.
    pub partition_key: PartitionKey,
    /// What a record holds.
    pub records: RecordForm,
    /// How the stream is named.
    pub address_by: AddressBy,
    /// Shards of the stream, where known; learned from answers in any case.
    pub shard_count: Option<u32>,
    /// Records to a request, at most 500.
    pub request_records: usize,
    /// Bytes to a request, partition keys included, at most 10 MiB.
    pub request_bytes: usize,
    /// The stream's MaxRecordSizeInKiB.
    pub max_record_kib: usize,
    /// Bytes of events packed into a record with `records = "batch"`.
    pub batch_bytes: usize,
    /// How long an event may wait for others, in milliseconds; those of severity 1 do not wait.
    pub linger_ms: u64,
    /// Requests in flight at the most.
    pub max_in_flight: usize,
    /// Bytes of events in memory, queue and flight together; what is more goes to the spool.
    pub memory_bytes: usize,
    /// Milliseconds for which a request may go unanswered.
    pub request_timeout_ms: u64,
    /// Tries after which a record that fails while others succeed goes to the dead letters.
    pub max_tries: u32,
    /// The longest first wait after a failure, in milliseconds.
    pub backoff_base_ms: u64,
    /// The longest wait after any failure, in milliseconds.
    pub backoff_cap_ms: u64,
    /// Milliseconds of trouble after which events wait on disk instead of in memory.
    pub spool_after_ms: u64,
    /// Seconds between the dry runs that prove the permission of an idle stream; 0 for none.
    pub probe_interval_s: u64,
    /// Bytes of the dead-letter file, beyond which it is turned over; one older file is kept.
    pub dead_letter_bytes: u64,
    /// Where Kinesis answers, instead of AWS's own endpoint.
    pub endpoint_url: Option<String>,
    /// Where STS answers, instead of AWS's own endpoint.
    pub sts_endpoint_url: Option<String>,
    /// The profile whose credentials are the sensor's own; by default whatever environment, container or instance
    /// offer.
    pub profile: Option<String>,
    /// The file with that profile, instead of `~/.aws/credentials`.
    pub credentials_file: Option<PathBuf>,
    /// The certificates to trust, in PEM, instead of those of AWS_CA_BUNDLE or of the system.
    pub ca_bundle: Option<PathBuf>,
}

impl Default for KinesisConfig {
    fn default() -> Self {
        Self {
            partition_key: PartitionKey::Flow,
            records: RecordForm::Event,
            address_by: AddressBy::Arn,
            shard_count: None,
            request_records: 500,
            request_bytes: 4 << 20,
            max_record_kib: 1_024,
            batch_bytes: 64 << 10,
            linger_ms: 100,
            max_in_flight: 16,
            memory_bytes: 32 << 20,
            request_timeout_ms: 10_000,
            max_tries: 16,
            backoff_base_ms: 100,
            backoff_cap_ms: 15_000,
            spool_after_ms: 2_000,
            probe_interval_s: 300,
            dead_letter_bytes: 64 << 20,
            endpoint_url: None,
            sts_endpoint_url: None,
            profile: None,
            credentials_file: None,
            ca_bundle: None,
        }
    }
}

/// Quotas of Kinesis, which no configuration exceeds.
const REQUEST_RECORDS: usize = 500;
const REQUEST_BYTES: usize = 10 << 20;
const MAX_RECORD_KIB: usize = 10_240;

impl KinesisConfig {
    /// What is wrong with the values, a sentence each; empty when nothing is.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut range = |name: &str, value: usize, low: usize, high: usize| {
            if !(low..=high).contains(&value) {
                faults.push(format!("`{name}` is {value}, but must be {low} to {high}"));
            }
        };
        range("request_records", self.request_records, 1, REQUEST_RECORDS);
        range("request_bytes", self.request_bytes, 128 << 10, REQUEST_BYTES);
        range("max_record_kib", self.max_record_kib, 128, MAX_RECORD_KIB);
        range("batch_bytes", self.batch_bytes, 1_024, self.max_record_kib.max(128) << 10);
        range("max_in_flight", self.max_in_flight, 1, 256);
        range("memory_bytes", self.memory_bytes, 1 << 20, 4 << 30);
        range("max_tries", self.max_tries as usize, 1, 1_000);
        range(
            "request_timeout_ms",
            usize::try_from(self.request_timeout_ms).unwrap_or(usize::MAX),
            100,
            300_000,
        );
        faults
    }

    /// The most bytes that key and data of one record may have.
    pub(crate) fn record_bytes(&self) -> usize {
        (self.max_record_kib << 10).min(self.request_bytes)
    }

    pub(crate) fn linger(&self) -> Duration {
        Duration::from_millis(self.linger_ms)
    }

    pub(crate) fn backoff(&self) -> BackoffPolicy {
        BackoffPolicy {
            base: Duration::from_millis(self.backoff_base_ms),
            cap: Duration::from_millis(self.backoff_cap_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_the_quotas() {
        assert_eq!(KinesisConfig::default().faults(), Vec::<String>::new());
        let wrong = KinesisConfig { request_records: 501, max_in_flight: 0, ..KinesisConfig::default() };
        assert_eq!(wrong.faults().len(), 2);
    }
}
