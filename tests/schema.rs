//! The published JSON Schemas, for every test that looks at events.

use jsonschema::{Registry, Validator};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// The schemas that a whole event may follow; each event follows exactly one.
const EVENTS: [&str; 7] = [
    "cloudevents.detection.json",
    "cloudevents.dhcp.json",
    "cloudevents.record.json",
    "event.detection.json",
    "event.dhcp.json",
    "event.record.json",
    "event.test.json",
];

/// The schemas that the others refer to.
const PARTS: [&str; 12] = [
    "common.json",
    "payload.detection.json",
    "payload.dhcp.json",
    "payload.record.dcerpc.json",
    "payload.record.dns.json",
    "payload.record.flow.json",
    "payload.record.ftp.json",
    "payload.record.http.json",
    "payload.record.smb.json",
    "payload.record.smtp.json",
    "payload.record.ssh.json",
    "payload.record.tls.json",
];

static VALIDATORS: LazyLock<Vec<(&str, Validator)>> = LazyLock::new(|| {
    let parts = PARTS.map(read);
    let mut registry = Registry::new();
    for part in &parts {
        registry = registry.add(part["$id"].as_str().expect("a schema has a name"), part).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let validator = |name| {
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        (name, options.with_registry(&registry).build(&read(name)).unwrap())
    };
    EVENTS.map(validator).into()
});

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
    let schema = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert!(jsonschema::meta::is_valid(&schema), "{name} is no JSON Schema");
    schema
}

/// The name of the schema that one line of output follows.
///
/// # Panics
/// When it is no JSON, or follows none; the panic says why.
pub(crate) fn of_line(line: &str) -> &'static str {
    assert!(!line.contains(['\n', '\r']), "more than one line: {line:?}");
    let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let fitting: Vec<&str> =
        VALIDATORS.iter().filter(|(_, schema)| schema.is_valid(&event)).map(|&(name, _)| name).collect();
    let [name] = fitting[..] else { panic!("follows {fitting:?}: {line}\n{}", complaints(&event)) };
    name
}

/// Checks a whole output: every line an event, and no id twice.
pub(crate) fn check_lines(output: &str) {
    let mut ids = std::collections::HashSet::new();
    for line in output.lines() {
        of_line(line);
        let event: Value = serde_json::from_str(line).expect("of_line has read it");
        assert!(ids.insert(event["id"].to_string()), "an id twice: {line}");
    }
}

fn complaints(event: &Value) -> String {
    let complaint = |(name, schema): &(&str, Validator)| {
        let errors: Vec<String> =
            schema.iter_errors(event).map(|error| format!("{}: {error}", error.instance_path())).collect();
        format!("{name}: {}\n", errors.join("; "))
    };
    VALIDATORS.iter().map(complaint).collect()
}

/// The example of the public documentation, envelope and payload together.
const PUBLISHED: &str = r#"{"specversion":"1.0","id":"b79aa958-147d-58fd-9c5b-40f683ada52b","source":"https://meter.com","type":"com.meter.ids.detection","subject":"0196b087-9ba3-aefe-5c83-96b6bbb3c976","datacontenttype":"application/json","time":"2025-05-08T15:33:19.46948Z","data":{"src_ip":"192.168.1.100","src_port":54321,"dest_ip":"93.184.216.34","dest_port":443,"src_mac":"aa:bb:cc:dd:ee:ff","dst_mac":"11:22:33:44:55:66","flow_id":1234567890,"app_proto":"tls","protocol":"IANA_PROTOCOL_TCP","direction":"DIRECTION_TO_SERVER","type":"TYPE_OOB_PROTECT","alert":{"action":"ACTION_ALLOWED","gid":1,"sid":2024001,"rev":3,"rule":"alert tcp any any -> any any (msg:\"ET MALWARE...\"; ...)","signature":"ET MALWARE Suspicious TLS Certificate","category":"A Network Trojan was detected","severity":1},"http":{"hostname":"example.com","url":"/api/v1/data","user_agent":"Mozilla/5.0...","method":"GET","protocol":"HTTP/1.1","status":200,"content_type":"application/json","length":1024},"flow":{"pkts_toserver":15,"pkts_toclient":12,"bytes_toserver":4096,"bytes_toclient":8192,"start":"2025-05-08T15:33:10.123Z","end":"2025-05-08T15:33:19.456Z","reason":"timeout"}}}"#;

#[test]
fn the_published_example_follows_its_schema() {
    assert_eq!(of_line(PUBLISHED), "cloudevents.detection.json");
}

#[test]
fn the_schemas_are_strict() {
    let spoiled = [
        ("\"gid\":1", "\"gid\":\"1\""),
        ("\"gid\":1", "\"gidd\":1"),
        ("\"specversion\"", "\"extension\":1,\"specversion\""),
        ("19.46948Z", "19.469480Z"),
        ("19.46948Z", "19.46948+00:00"),
        ("1234567890", "9007199254740992"),
        ("192.168.1.100", "192.168.1.300"),
        ("aa:bb:cc:dd:ee:ff", "AA:BB:CC:DD:EE:FF"),
        ("IANA_PROTOCOL_TCP", "IANA_PROTOCOL_SCTP"),
        ("\"reason\":\"timeout\"", "\"reason\":\"\""),
        ("-58fd-", "-48fd-"),
    ];
    let (_, schema) = &VALIDATORS[0];
    for (from, to) in spoiled {
        let event = PUBLISHED.replacen(from, to, 1);
        assert_ne!(event, PUBLISHED);
        assert!(!schema.is_valid(&serde_json::from_str(&event).unwrap()), "{to} passes");
    }
}

/// `SENSOR_WRITE_EXPECTED=1` writes it.
#[test]
fn the_published_schema_of_the_configuration_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/config.json");
    let current = format!("{:#}\n", sensor::config::schema());
    if std::env::var_os("SENSOR_WRITE_EXPECTED").is_some() {
        fs::write(&path, &current).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), current);
}
