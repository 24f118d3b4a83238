//! Events per second of the sensor's processor time, from the queue to the acknowledgement, over TLS on loopback.
//!
//! The stand-in for AWS is a process of its own, so that its work is not counted; neither is what else the machine
//! does. Of several rounds the median counts: `cargo bench --bench delivery [EVENTS]`.

use rustix::time::{ClockId, clock_gettime};
use sensor::event::EncoderConfig;
use sensor::sink::kinesis::integration::{Integration, Store};
use sensor::sink::kinesis::secret::ExternalId;
use sensor::sink::kinesis::{DeliveryConfig, KinesisConfig, KinesisSink, Origin};
use sensor::sink::{Record, RecordKind, Sink};
use sensor::time::Timestamp;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use uuid::Uuid;

const EVENT_BYTES: usize = 1_300;
const FLOWS: u64 = 20_000;
const ROUNDS: usize = 5;

/// As in the executable.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The stand-in; it ends with the bench.
struct Peer {
    process: Child,
    endpoint: String,
}

impl Peer {
    fn start(directory: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_sensor"))
            .args([
                "dev",
                "fake-aws",
                "--port",
                "0",
                "--shards",
                "256",
                "--no-shard-limits",
                "--keep-nothing",
            ])
            .arg("--tls-ca")
            .arg(directory.join("ca.pem"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the executable starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("it says where it listens");
        let endpoint = line.split("AWS_ENDPOINT_URL=").nth(1).and_then(|rest| rest.split(' ').next());
        let endpoint = endpoint.expect("it says where it listens").to_owned();
        Self { process, endpoint }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Seconds of processor time of this process: all threads, user and system.
fn processor_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn events(count: u64) -> Vec<Record> {
    let padding = "x".repeat(EVENT_BYTES - 90);
    let event = |number: u64| {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_le_bytes());
        Record {
            id,
            kind: RecordKind::Alert,
            rule: None,
            severity: 2,
            order_key: number % FLOWS,
            time: Timestamp::new(1_746_718_399, number),
            created: Instant::now(),
            json: format!(r#"{{"id":"{id}","number":{number},"pad":"{padding}"}}"#).into_bytes().into(),
        }
    };
    (0..count).map(event).collect()
}

fn main() {
    // `cargo test` runs benches too; it passes `--test`, `cargo bench` passes `--bench`.
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let count = arguments.iter().find_map(|argument| argument.parse().ok());
    let count =
        count.unwrap_or(if arguments.iter().any(|argument| argument == "--bench") { 300_000 } else { 2_000 });
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let peer = Peer::start(directory.path());
    let store = Store::new(directory.path());
    let integration = Integration::new(
        "arn:aws:kinesis:us-east-1:123456789012:stream/meter-siem-events".parse().expect("it is sound"),
        "arn:aws:iam::123456789012:role/MeterSIEMIntegrationRole".parse().expect("it is sound"),
        ExternalId::generate().expect("the system has random numbers"),
        None,
        SystemTime::now(),
    );
    store.save(&integration).expect("the directory is writable");
    let credentials_file = directory.path().join("credentials");
    let credentials = "[default]\naws_access_key_id = AKIASENSOR\naws_secret_access_key = secret\n";
    std::fs::write(&credentials_file, credentials).expect("the directory is writable");
    let kinesis = KinesisConfig {
        endpoint_url: Some(peer.endpoint.clone()),
        sts_endpoint_url: Some(peer.endpoint.clone()),
        credentials_file: Some(credentials_file),
        ca_bundle: Some(directory.path().join("ca.pem")),
        // More lanes than the stand-in needs, so that their pace is not what is measured.
        shard_count: Some(256),
        partition_key: sensor::sink::kinesis::PartitionKey::Flow,
        ..KinesisConfig::default()
    };
    let config = DeliveryConfig { kinesis, ..DeliveryConfig::default() };
    let origin = Origin { events: EncoderConfig::default(), session_name: "bench".to_owned() };
    let events = events(count);
    let mut rates = [0.0; ROUNDS];
    for rate in &mut rates {
        let mut sink = KinesisSink::start(&config, &store, &origin).expect("everything is set");
        let (wall, processor) = (Instant::now(), processor_s());
        events.chunks(256).for_each(|chunk| sink.accept(chunk).expect("the sink is alive"));
        let account = sink.close(Duration::from_secs(600), true);
        let (wall, processor) = (wall.elapsed().as_secs_f64(), processor_s() - processor);
        assert_eq!(account.delivered, count);
        *rate = count as f64 / processor;
        eprintln!(
            "{count} events of {EVENT_BYTES} bytes in {} requests: {:.0} a second, {rate:.0} per second of processor time",
            account.requests,
            count as f64 / wall
        );
    }
    rates.sort_by(f64::total_cmp);
    eprintln!("median: {:.0} per second of processor time", rates[ROUNDS / 2]);
}
