//! Delivery to stand-ins that others wrote, read back by somebody else's client: moto for STS and IAM, kinesalite for
//! hashing and reading back, our own for the rest; boto3 reads. Whatever is not installed is skipped by name.

use super::peers::{Server, command, installed, python};
use super::{EXTERNAL_ID, Rig};
use sensor::dev::fake_aws::{FakeAws, FakeConfig};
use sensor::sink::kinesis::KinesisConfig;
use sensor::sink::kinesis::answer::FaultKind;
use sensor::sink::kinesis::integration::{Integration, Store};
use sensor::sink::kinesis::secret::ExternalId;
use sensor::sink::kinesis::setup::Setup;
use std::path::Path;
use std::time::SystemTime;

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

/// Makes a stream.
const PREPARE: &str = r#"
import boto3, sys
endpoint, stream = sys.argv[1:3]
kinesis = boto3.client("kinesis", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="AKIAOWNER",
                       aws_secret_access_key="secret")
kinesis.create_stream(StreamName=stream, ShardCount=4)
kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig=dict(Delay=1))
"#;

/// Makes a user who may assume roles, the role Writer that demands an external ID and may put, and the role Idler that
/// may not; then has every call's signature and permission checked. Writes the user's keys.
const PREPARE_ROLES: &str = r#"
import boto3, json, sys, urllib.request
endpoint, external_id = sys.argv[1:3]
iam = boto3.client("iam", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="AKIAOWNER",
                   aws_secret_access_key="secret")
def policy(action, **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **more}]})
user = iam.create_user(UserName="sensor")["User"]["Arn"]
iam.put_user_policy(UserName="sensor", PolicyName="assume", PolicyDocument=policy("sts:AssumeRole", Resource="*"))
trust = policy("sts:AssumeRole", Principal={"AWS": user}, Condition={"StringEquals": {"sts:ExternalId": external_id}})
for role, action in [("Writer", ["kinesis:PutRecord", "kinesis:PutRecords"]), ("Idler", ["kinesis:ListStreams"])]:
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
    # moto compares resources with * only.
    iam.put_role_policy(RoleName=role, PolicyName="put", PolicyDocument=policy(action, Resource="*"))
key = iam.create_access_key(UserName="sensor")["AccessKey"]
print(key["AccessKeyId"], key["SecretAccessKey"])
headers = {"Content-Type": "text/plain"}
urllib.request.urlopen(urllib.request.Request(endpoint + "/moto-api/reset-auth", data=b"0", headers=headers))
"#;

fn set(directory: &Path, stream: &str, role: &str) -> Store {
    let store = Store::new(directory);
    let stream = format!("arn:aws:kinesis:us-east-1:123456789012:stream/{stream}").parse().unwrap();
    let role = format!("arn:aws:iam::123456789012:role/{role}").parse().unwrap();
    let external_id = ExternalId::new(EXTERNAL_ID).unwrap();
    store.save(&Integration::new(stream, role, external_id, None, SystemTime::now())).unwrap();
    store
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<_> = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines
}

/// Replays all captures of the repository with a rule that matches anything, and compares what boto3 reads back with
/// what the same replay wrote to a file. `places` is the environment that tells where Kinesis and STS are.
fn replay_and_compare(state: &Path, places: &[(&str, &str)], endpoint: &str, stream: &str) {
    let (rules, written) = (state.join("any.rules"), state.join("events.jsonl"));
    std::fs::write(&rules, "alert ip any any -> any any (msg:\"Anything\"; sid:1; rev:1;)\n").unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let output = command(env!("CARGO_BIN_EXE_sensor"))
        .args(["replay", "--deliver", "--deliver-within", "120", "-S"])
        .args([&rules, Path::new("-o"), &written, &fixtures.join("cases"), &fixtures.join("pcaps")])
        .env("SENSOR_STATE_DIR", state)
        .env("SENSOR__DELIVERY__KINESIS__REQUEST_TIMEOUT_MS", "30000")
        .env("AWS_ACCESS_KEY_ID", "AKIASENSOR")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(places.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (read, file) = (python(READ_BACK, &[endpoint, stream]), std::fs::read(written).unwrap());
    let (read, file) = (lines(&read), lines(&file));
    assert!(file.len() > 500, "{} events", file.len());
    assert!(read == file, "{} events read back, {} written", read.len(), file.len());
}

#[test]
fn our_own_stand_in_holds_what_a_replay_wrote() {
    if !installed("our_own_stand_in_holds_what_a_replay_wrote", &["boto3"]) {
        return;
    }
    let rig = Rig::with(FakeConfig { shards: 4, ..FakeConfig::default() }, std::sync::Arc::default());
    let endpoint = rig.aws.endpoint();
    let all = [("AWS_ENDPOINT_URL", endpoint.as_str())];
    replay_and_compare(rig.directory.path(), &all, &endpoint, &rig.aws.config().stream);
}

#[test]
fn moto_holds_what_a_replay_wrote() {
    if !installed("moto_holds_what_a_replay_wrote", &["moto_server", "boto3"]) {
        return;
    }
    let moto = Server::moto();
    let endpoint = moto.endpoint();
    python(PREPARE, &[&endpoint, "events"]);
    let directory = tempfile::tempdir().unwrap();
    set(directory.path(), "events", "Writer");
    replay_and_compare(directory.path(), &[("AWS_ENDPOINT_URL", &endpoint)], &endpoint, "events");
}

#[test]
fn kinesalite_holds_what_a_replay_wrote() {
    if !installed("kinesalite_holds_what_a_replay_wrote", &["kinesalite", "boto3"]) {
        return;
    }
    let kinesalite = Server::kinesalite();
    let endpoint = kinesalite.endpoint();
    python(PREPARE, &[&endpoint, "events"]);
    let directory = tempfile::tempdir().unwrap();
    set(directory.path(), "events", "MeterSIEMIntegrationRole");
    // kinesalite has no STS and knows no ARNs.
    let sts = FakeAws::start(FakeConfig::default()).unwrap();
    let split = [
        ("AWS_ENDPOINT_URL_KINESIS", endpoint.as_str()),
        ("AWS_ENDPOINT_URL_STS", &sts.endpoint()),
        ("SENSOR__DELIVERY__KINESIS__ADDRESS_BY", "name"),
    ];
    replay_and_compare(directory.path(), &split, &endpoint, "events");
}

#[test]
fn moto_checks_signatures_sessions_and_permissions() {
    if !installed("moto_checks_signatures_sessions_and_permissions", &["moto_server", "boto3"]) {
        return;
    }
    let moto = Server::moto();
    python(PREPARE, &[&moto.endpoint(), "events"]);
    let keys = String::from_utf8(python(PREPARE_ROLES, &[&moto.endpoint(), EXTERNAL_ID])).unwrap();
    let (key, secret) = keys.trim().split_once(' ').unwrap();
    let wrong_secret = secret.chars().rev().collect::<String>();
    for (name, role, external_id, secret, expected) in [
        ("all right", "Writer", EXTERNAL_ID, secret, Ok(())),
        ("wrong secret key", "Writer", EXTERNAL_ID, &wrong_secret, Err(FaultKind::RoleRefused)),
        ("wrong external ID", "Writer", "another-external-id", secret, Err(FaultKind::RoleRefused)),
        ("no permission", "Idler", EXTERNAL_ID, secret, Err(FaultKind::PutRefused)),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let store = set(directory.path(), "events", role);
        let mut integration = store.load().unwrap().unwrap();
        integration.external_id = ExternalId::new(external_id).unwrap();
        let credentials = directory.path().join("credentials");
        let text = format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
        std::fs::write(&credentials, text).unwrap();
        let config = KinesisConfig {
            endpoint_url: Some(moto.endpoint()),
            sts_endpoint_url: Some(moto.endpoint()),
            credentials_file: Some(credentials),
            ..KinesisConfig::default()
        };
        let setup = Setup::new(&config, &integration, "sensor-test").unwrap();
        let outcome = setup.send("key", b"{}").unwrap();
        // moto's refusals have no code that the SDK could read, so the status is all that tells them apart.
        assert_eq!(outcome.map(drop).map_err(|fault| fault.kind), expected, "{name}");
    }
}
