//! Records of transactions and flows, from captures of real peers to lines.

use crate::cases::replay;
use crate::schema;
use fixtures::pcap;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

const ALL: &str =
    "events.records=[\"http\",\"dns\",\"tls\",\"ssh\",\"smtp\",\"ftp\",\"smb\",\"dcerpc\",\"flow\"]";

/// The lines of a replay of one capture with records of some kinds, as JSON.
fn records(capture: &str, kinds: &str) -> Vec<Value> {
    let option = format!("events.records=[{kinds}]");
    let output = replay(&[&pcap(capture)], &["--set", &option]).stdout;
    let lines = String::from_utf8(output).expect("events are UTF-8");
    schema::check_lines(&lines);
    lines.lines().map(|line| serde_json::from_str(line).expect("it was checked")).collect()
}

#[test]
fn nothing_is_recorded_unasked() {
    assert_eq!(records("http/get.pcap", ""), [Value::Null; 0]);
}

#[test]
fn each_protocol_tells_what_its_schema_says() {
    for (capture, kind, expected) in [
        (
            "http/get.pcap",
            "http",
            vec![json!({
                "hostname": "www.example.com", "url": "/index.html?id=1", "user_agent": "curl/7.88.1", "method": "GET",
                "protocol": "HTTP/1.1", "status": 200, "content_type": "text/html", "length": 49,
                "server": "nginx/1.22.1"
            })],
        ),
        (
            "http2/prior-knowledge.pcap",
            "http",
            vec![json!({
                "hostname": "203.0.113.10", "url": "/index.html?id=1", "user_agent": "curl/7.88.1", "method": "GET",
                "protocol": "HTTP/2", "status": 200, "content_type": "text/html", "length": 49,
                "server": "nghttpd nghttp2/1.52.0"
            })],
        ),
    ] {
        let told: Vec<Value> =
            records(capture, &format!("\"{kind}\"")).iter().map(|one| one["data"][kind].clone()).collect();
        assert_eq!(told, expected, "{capture}");
    }
    let queries = records("dns/udp.pcap", "\"dns\"");
    assert_eq!(queries.len(), 16, "each message is one");
    assert!(
        queries.iter().all(|one| one["type"] == "com.meter.dns" && one["data"]["dns"]["opcode"] == "QUERY")
    );
    assert!(queries.iter().any(|one| one["data"]["dns"]["rcode"] == "NXDOMAIN"));
    let first = |capture, kind: &str| records(capture, &format!("\"{kind}\""))[0]["data"][kind].clone();
    let tls = first("tls/tls12.pcap", "tls");
    assert_eq!(tls["version"], "TLS 1.2", "{tls}");
    assert!(tls["sni"].is_string() && tls["ja3"].is_string() && tls["subject"].is_string(), "{tls}");
    let ssh = first("ssh/session.pcap", "ssh");
    assert!(ssh["client_software"].as_str().unwrap().starts_with("OpenSSH"), "{ssh}");
    assert!(ssh["hassh"].is_string() && ssh["hassh_server"].is_string(), "{ssh}");
    let smtp = first("smtp/several-recipients.pcap", "smtp");
    assert!(smtp["rcpt_to"].as_array().unwrap().len() > 1, "{smtp}");
    let ftp = records("ftp/passive.pcap", "\"ftp\"");
    let commands: Vec<&Value> = ftp.iter().map(|one| &one["data"]["ftp"]["command"]).collect();
    assert!(commands.contains(&&json!("USER")) && commands.contains(&&json!("RETR")), "{commands:?}");
    let smb: Vec<Value> =
        records("smb/smb2.pcap", "\"smb\"").iter().map(|one| one["data"]["smb"].clone()).collect();
    assert!(smb.contains(&json!({"user": "root", "domain": "EXAMPLE", "version": 2})), "{smb:?}");
    assert!(smb.contains(&json!({"filename": "readme.txt", "size": 20, "version": 2})), "{smb:?}");
    let calls = records("smb/rpc-pipe.pcap", "\"smb\"");
    let operations: Vec<&Value> = calls.iter().filter_map(|one| one["data"]["smb"].get("opnum")).collect();
    assert_eq!(operations, [&json!(21), &json!(36)], "{calls:?}");
    let call = first("smb/rpc-tcp.pcap", "dcerpc");
    assert_eq!(call, json!({"interface": "e1af8308-5d1f-11c9-91a4-08002b14a0fa", "opnum": 3}));
}

#[test]
fn a_flow_is_told_when_it_has_ended() {
    let told = records("http/get.pcap", "\"flow\"");
    let [flow] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&flow["type"], &flow["data"]["app_proto"]), (&json!("com.meter.flow"), &json!("http")));
    assert_eq!(flow["data"]["flow"]["reason"], "closed");
    assert_eq!(flow["data"]["dest_port"], 80);
}

#[test]
fn an_upgraded_connection_tells_both_versions() {
    let told = records("http2/upgrade.pcap", "\"http\"");
    let of_http = |one: &Value| {
        ["protocol", "url", "status"].map(|name| one["data"]["http"][name].to_string()).join(" ")
    };
    let told: BTreeSet<String> = told.iter().map(of_http).collect();
    let expected =
        ["\"HTTP/1.1\" \"/index.html\" 101", "\"HTTP/2\" \"/index.html\" 502", "\"HTTP/2\" \"/missing\" 404"];
    assert_eq!(told, expected.map(str::to_owned).into(), "the request of the one is answered in the other");
}

#[test]
fn every_record_of_every_fixture_follows_its_schema_for_any_number_of_workers() {
    let captures: Vec<PathBuf> = fixtures::pcaps();
    for capture in captures {
        let one = replay(&[&capture], &["--set", ALL, "--workers", "1"]).stdout;
        schema::check_lines(&String::from_utf8_lossy(&one));
        let three = replay(&[&capture], &["--set", ALL, "--workers", "3"]).stdout;
        assert!(one == three, "{}", capture.display());
    }
}
