//! Delivery as a whole: the Kinesis sink against a stand-in for AWS that fails on a script.

mod base;
mod child;
mod commands;
mod consumer;
mod crash;
mod emulators;
mod faults;
mod identity;
mod network;
mod outage;
mod peers;
mod rate;
mod refusals;
mod replays;
mod storm;
mod terraform;

use sensor::dev::fake_aws::{FakeAws, FakeConfig};
use sensor::event::EncoderConfig;
use sensor::sink::accounting::Account;
use sensor::sink::kinesis::integration::{Integration, Store};
use sensor::sink::kinesis::secret::ExternalId;
use sensor::sink::kinesis::{DeliveryConfig, KinesisConfig, KinesisSink, Origin};
use sensor::sink::spool::SpoolConfig;
use sensor::sink::{Record, RecordKind, Sink};
use sensor::time::Timestamp;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const EXTERNAL_ID: &str = "9167190a4095f18bb33c84d75f9596366ee0cd392332e72f130f66da38c320d3";

/// The `number`th event of the flow `key`, with `padding` more bytes.
pub(crate) fn event(number: u64, key: u64, padding: usize) -> Record {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_le_bytes());
    let json = format!(r#"{{"id":"{id}","number":{number},"key":{key},"pad":"{}"}}"#, "x".repeat(padding));
    Record {
        id,
        kind: RecordKind::Alert,
        rule: None,
        severity: 2,
        order_key: key,
        time: Timestamp::new(1_746_718_399, u64::from(number as u32)),
        created: Instant::now(),
        json: json.into_bytes().into(),
    }
}

/// What the stream took: event numbers by key, in order, without repetitions.
#[derive(Default)]
pub(crate) struct Taken {
    by_key: HashMap<u64, Vec<u64>>,
    seen: HashMap<u64, u32>,
    /// Events of the sink's own.
    others: Vec<serde_json::Value>,
}

impl Taken {
    fn note(&mut self, data: &[u8]) {
        let json: serde_json::Value = serde_json::from_slice(data).expect("records are JSON");
        let Some(number) = json["number"].as_u64() else {
            self.others.push(json);
            return;
        };
        let key = json["key"].as_u64().unwrap();
        let times = self.seen.entry(number).or_default();
        *times += 1;
        if *times == 1 {
            self.by_key.entry(key).or_default().push(number);
        }
    }

    pub(crate) fn unique(&self) -> u64 {
        self.seen.len() as u64
    }

    pub(crate) fn duplicates(&self) -> u64 {
        self.seen.values().map(|times| u64::from(times - 1)).sum()
    }

    pub(crate) fn assert_in_order(&self) {
        for (key, numbers) in &self.by_key {
            assert!(numbers.is_sorted(), "key {key} out of order: {numbers:?}");
        }
    }

    pub(crate) fn others(&self) -> &[serde_json::Value] {
        &self.others
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.seen.keys().copied()
    }
}

/// A stand-in for AWS, a state directory, and the integration between them.
pub(crate) struct Rig {
    pub(crate) aws: FakeAws,
    pub(crate) directory: TempDir,
    pub(crate) config: DeliveryConfig,
    pub(crate) taken: Arc<Mutex<Taken>>,
}

impl Rig {
    pub(crate) fn new(fake: FakeConfig) -> Self {
        let taken = Arc::new(Mutex::new(Taken::default()));
        let notes = Arc::clone(&taken);
        let tap = move |_: &str, _: &str, data: &[u8]| notes.lock().unwrap().note(data);
        Self::with(FakeConfig { tap: Some(Arc::new(tap)), keep_bytes: 0, ..fake }, taken)
    }

    pub(crate) fn with(fake: FakeConfig, taken: Arc<Mutex<Taken>>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let aws = FakeAws::start(FakeConfig { external_id: Some(EXTERNAL_ID.to_owned()), ..fake }).unwrap();
        let config = delivery(&aws, directory.path());
        let rig = Self { aws, directory, config, taken };
        rig.set(&rig.aws.config().stream_arn(), &rig.aws.config().role_arn(), EXTERNAL_ID);
        rig
    }

    pub(crate) fn store(&self) -> Store {
        Store::new(self.directory.path())
    }

    pub(crate) fn integration(&self) -> Integration {
        self.store().load().unwrap().unwrap()
    }

    pub(crate) fn set(&self, stream_arn: &str, role_arn: &str, external_id: &str) {
        let (stream, role) = (stream_arn.parse().unwrap(), role_arn.parse().unwrap());
        let external_id = ExternalId::new(external_id).unwrap();
        let integration = Integration::new(stream, role, external_id, None, SystemTime::now());
        self.store().save(&integration).unwrap();
    }

    pub(crate) fn sink(&self) -> KinesisSink {
        KinesisSink::start(&self.config, &self.store(), &origin()).unwrap()
    }

    /// Delivers so many events of so many flows and waits for the end.
    pub(crate) fn deliver(&self, events: u64, keys: u64, padding: usize, deadline: Duration) -> Account {
        let mut sink = self.sink();
        accept(&mut sink, 0..events, keys, padding);
        sink.close(deadline, true)
    }

    pub(crate) fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap()
    }
}

pub(crate) fn origin() -> Origin {
    Origin {
        events: EncoderConfig {
            network: "0196b087-9ba3-aefe-5c83-96b6bbb3c976".parse().unwrap(),
            ..EncoderConfig::default()
        },
        session_name: "sensor-test".to_owned(),
    }
}

/// The configuration for a stand-in, with credentials that it trusts.
pub(crate) fn delivery(aws: &FakeAws, directory: &Path) -> DeliveryConfig {
    let credentials_file = directory.join("credentials");
    credentials(&credentials_file, "AKIASENSOR", "secret");
    let ca_bundle = aws.ca().map(|ca| {
        let path = directory.join("ca.pem");
        ca.write(&path).unwrap();
        path
    });
    let kinesis = KinesisConfig {
        endpoint_url: Some(aws.endpoint()),
        sts_endpoint_url: Some(aws.endpoint()),
        profile: Some("sensor".to_owned()),
        credentials_file: Some(credentials_file),
        ca_bundle,
        shard_count: Some(aws.config().shards),
        request_timeout_ms: 2_000,
        backoff_cap_ms: 500,
        probe_interval_s: 0,
        ..KinesisConfig::default()
    };
    DeliveryConfig { kinesis, spool: SpoolConfig::default(), ..DeliveryConfig::default() }
}

pub(crate) fn credentials(path: &Path, key: &str, secret: &str) {
    let text = format!("[sensor]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
    std::fs::write(path, text).unwrap();
}

pub(crate) fn accept(sink: &mut impl Sink, numbers: std::ops::Range<u64>, keys: u64, padding: usize) {
    let events: Vec<_> = numbers.map(|number| event(number, number % keys, padding)).collect();
    events.chunks(256).for_each(|chunk| sink.accept(chunk).unwrap());
}

/// Waits for something to become so.
pub(crate) fn eventually(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + within;
    while !holds() {
        assert!(Instant::now() < until, "{what} did not happen within {within:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
