//! Delivery to stand-ins that others wrote, read back by somebody else's client: moto for STS and IAM, kinesalite for
//! hashing and reading back, our own for the rest; boto3 reads. Whatever is not installed is skipped by name.

use super::{EXTERNAL_ID, Rig, delivery, event, origin};
use sensor::dev::fake_aws::{FakeAws, FakeConfig};
use sensor::sink::Sink;
use sensor::sink::kinesis::integration::{Integration, Store};
use sensor::sink::kinesis::secret::ExternalId;
use sensor::sink::kinesis::{AddressBy, DeliveryConfig, KinesisSink};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

const EVENTS: u64 = 2_000;

/// Writes all data of a stream, a line each.
const READ_BACK: &str = r#"
import boto3, sys
from botocore.config import Config
endpoint, stream = sys.argv[1:3]
client = boto3.client("kinesis", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="AKIACONSUMER",
                      aws_secret_access_key="secret", config=Config(retries={"max_attempts": 1}))
for shard in client.list_shards(StreamName=stream)["Shards"]:
    place = client.get_shard_iterator(StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    place, empty = place["ShardIterator"], 0
    while place and empty < 2:
        answer = client.get_records(ShardIterator=place)
        empty = 0 if answer["Records"] else empty + 1
        for record in answer["Records"]:
            sys.stdout.buffer.write(record["Data"] + b"\n")
        place = answer.get("NextShardIterator")
"#;

/// Makes a stream, and the role for it.
const PREPARE: &str = r#"
import boto3, json, sys
endpoint, stream, role = sys.argv[1:4]
about = dict(endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="AKIAOWNER", aws_secret_access_key="secret")
kinesis = boto3.client("kinesis", **about)
kinesis.create_stream(StreamName=stream, ShardCount=4)
kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig=dict(Delay=1))
if role:
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    boto3.client("iam", **about).create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
"#;

/// Whether everything named can be run; says what cannot.
fn installed(test: &str, programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| {
        let found = match **program {
            "boto3" => Command::new("python3").args(["-c", "import boto3"]).output(),
            "kinesalite" => Command::new("node").args(["-e", "require('kinesalite')"]).output(),
            program => Command::new("sh").args(["-c", &format!("command -v {program}")]).output(),
        };
        !found.is_ok_and(|output| output.status.success())
    });
    if let Some(missing) = missing {
        eprintln!("skipped {test}: {missing} is not installed");
    }
    missing.is_none()
}

fn python(script: &str, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new("python3");
    command.arg("-c").arg(script).args(arguments);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A server that ends with the test.
struct Server(Child);

impl Server {
    fn start(program: &str, arguments: &[&str], port: u16) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self(command.spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "{program} does not listen");
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn set(directory: &Path, stream: &str, role: &str) -> Store {
    let store = Store::new(directory);
    let stream = format!("arn:aws:kinesis:us-east-1:123456789012:stream/{stream}").parse().unwrap();
    let role = format!("arn:aws:iam::123456789012:role/{role}").parse().unwrap();
    let external_id = ExternalId::new(EXTERNAL_ID).unwrap();
    store.save(&Integration::new(stream, role, external_id, None, SystemTime::now())).unwrap();
    store
}

/// Delivers, and compares what boto3 reads back with what a file would hold.
fn deliver_and_compare(config: &DeliveryConfig, store: &Store, endpoint: &str, stream: &str) {
    let events: Vec<_> = (0..EVENTS).map(|number| event(number, number % 500, 200)).collect();
    let mut sink = KinesisSink::start(config, store, &origin()).unwrap();
    sink.accept(&events).unwrap();
    let account = sink.close(Duration::from_secs(60), true);
    assert_eq!((account.delivered, account.pending()), (EVENTS, 0), "{:?}", store.status());
    let read = python(READ_BACK, &[endpoint, stream]);
    let mut read: Vec<_> = read.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).collect();
    let mut sent: Vec<_> = events.iter().map(|event| &*event.json).collect();
    read.sort_unstable();
    sent.sort_unstable();
    assert!(read == sent, "{} lines read, {} events sent", read.len(), sent.len());
}

#[test]
fn boto3_reads_from_our_own_stand_in_what_was_sent() {
    if !installed("boto3_reads_from_our_own_stand_in_what_was_sent", &["boto3"]) {
        return;
    }
    let fake = FakeConfig { shards: 4, shard_limits: false, ..FakeConfig::default() };
    let rig = Rig::with(fake, std::sync::Arc::default());
    deliver_and_compare(&rig.config, &rig.store(), &rig.aws.endpoint(), &rig.aws.config().stream);
}

#[test]
fn moto_gives_the_role_and_takes_the_events() {
    if !installed("moto_gives_the_role_and_takes_the_events", &["moto_server", "boto3"]) {
        return;
    }
    let port = free_port();
    let _moto = Server::start("moto_server", &["-H", "127.0.0.1", "-p", &port.to_string()], port);
    let endpoint = format!("http://127.0.0.1:{port}");
    python(PREPARE, &[&endpoint, "events", "Writer"]);
    let directory = tempfile::tempdir().unwrap();
    let store = set(directory.path(), "events", "Writer");
    // Only for the credentials and the bounds; moto answers.
    let unused = FakeAws::start(FakeConfig { shards: 4, ..FakeConfig::default() }).unwrap();
    let mut config = delivery(&unused, directory.path());
    config.kinesis.endpoint_url = Some(endpoint.clone());
    config.kinesis.sts_endpoint_url = Some(endpoint.clone());
    config.kinesis.request_timeout_ms = 30_000;
    deliver_and_compare(&config, &store, &endpoint, "events");
}

#[test]
fn kinesalite_hashes_keys_as_we_do_and_returns_what_was_sent() {
    if !installed("kinesalite_hashes_keys_as_we_do_and_returns_what_was_sent", &["kinesalite", "boto3"]) {
        return;
    }
    let port = free_port();
    // Its own command would listen on every address. Found by way of NODE_PATH.
    let launcher = format!("require('kinesalite')().listen({port}, '127.0.0.1')");
    let _kinesalite = Server::start("node", &["-e", &launcher], port);
    let endpoint = format!("http://127.0.0.1:{port}");
    python(PREPARE, &[&endpoint, "events", ""]);
    let directory = tempfile::tempdir().unwrap();
    let store = set(directory.path(), "events", "MeterSIEMIntegrationRole");
    // kinesalite has no STS and knows no ARNs.
    let sts = FakeAws::start(FakeConfig { shards: 4, ..FakeConfig::default() }).unwrap();
    let mut config = delivery(&sts, directory.path());
    config.kinesis.endpoint_url = Some(endpoint.clone());
    config.kinesis.address_by = AddressBy::Name;
    config.kinesis.request_timeout_ms = 30_000;
    deliver_and_compare(&config, &store, &endpoint, "events");
}
