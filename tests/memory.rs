//! What rules remember across flows and runs, and the lists they ask, through the executable.

use crate::cases::replay;
use fixtures::mmdb;
use fixtures::packet::ethernet;
use fixtures::pcap_file::pcap;
use fixtures::tcp::Session;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_700_000_000 * SECOND;

/// A folder with a capture, rules and what belongs to them.
struct Scene {
    folder: TempDir,
    frames: Vec<(u64, Vec<u8>)>,
}

impl Scene {
    fn new(rules: &str) -> Self {
        let scene = Self { folder: TempDir::new().unwrap(), frames: Vec::new() };
        scene.write("test.rules", rules);
        scene
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A datagram so many milliseconds after the start, from port 40000 to port 9.
    fn datagram(&mut self, milliseconds: u64, source: &str, destination: &str, payload: &str) {
        let frame = ethernet().ipv4(source, destination).udp(40_000, 9).payload(payload.as_bytes());
        self.frames.push((START + milliseconds * 1_000_000, frame));
    }

    fn replay(&self, options: &[&str]) -> Output {
        let capture = self.write("test.pcap", pcap(&self.frames));
        let (rules, data) = (self.path("test.rules"), format!("datasets.directory={}", self.path("data")));
        let options = [&["-S", &rules, "--set", &data, "--log-format", "json"], options].concat();
        replay(&[&capture], &options)
    }

    /// Each alert's rule, and the last part of its sender's address.
    fn alerts(&self, options: &[&str]) -> Vec<(u64, u8)> {
        let output = String::from_utf8(self.replay(options).stdout).unwrap();
        let alert = |line: &str| {
            let event: Value = serde_json::from_str(line).unwrap();
            let source =
                event["data"]["src_ip"].as_str().unwrap().rsplit('.').next().unwrap().parse().unwrap();
            (event["data"]["alert"]["sid"].as_u64().unwrap(), source)
        };
        output.lines().map(alert).collect()
    }
}

/// The closing summary.
fn summary(output: &Output) -> Value {
    let log = String::from_utf8_lossy(&output.stderr);
    let line = log.lines().rfind(|line| line.contains("\"summary\"")).unwrap();
    serde_json::from_str(line).unwrap()
}

const WORKERS: [&str; 4] = ["1", "2", "3", "4"];

/// Hosts of which some are marked before they ask and some after, in flows of their own.
fn marked_and_asking(rules: &str) -> Scene {
    let mut scene = Scene::new(rules);
    for host in 1..=200u64 {
        let address = format!("10.0.0.{host}");
        let (mark, ask) = if host % 3 == 0 { (0, 1) } else { (1, 0) };
        scene.datagram(2 * host + mark, &address, "203.0.113.1", "mark");
        scene.datagram(2 * host + ask, &address, "203.0.113.2", "ask");
    }
    scene.frames.sort_by_key(|&(time, _)| time);
    scene
}

#[test]
fn a_bit_of_an_address_is_seen_in_another_flow_by_any_number_of_workers() {
    let scene = marked_and_asking(
        "alert udp any any -> any any (content:\"mark\"; xbits:set,marked,track ip_src; noalert; sid:1;)\n\
         alert udp any any -> any any (content:\"ask\"; xbits:isset,marked,track ip_src; sid:2;)\n",
    );
    let expected: Vec<_> = (1..=200u8).filter(|host| host % 3 == 0).map(|host| (2, host)).collect();
    for workers in WORKERS {
        assert_eq!(scene.alerts(&["--workers", workers]), expected, "{workers} workers");
    }
}

#[test]
fn flows_that_end_together_come_in_one_order_for_any_number_of_workers() {
    let mut scene = Scene::new(
        "alert tcp any any -> any any (content:\"mark\"; xbits:set,marked,track ip_dst; noalert; sid:1;)\n\
         alert tcp any any -> any any (content:\"ask\"; xbits:isset,marked,track ip_dst; sid:2;)\n",
    );
    // Nothing is acknowledged, so that it is looked at when the flows end.
    for host in 0..80u64 {
        let (client, server) = (format!("10.0.0.{}:1234", host + 1), format!("203.0.113.{}:80", host / 2));
        let data: &[u8] = if host * 7 % 3 == 0 { b"mark" } else { b"ask" };
        let session = Session::v4(&client, &server).handshake().without_acks().client(data);
        scene.frames.extend(session.starting_at(START + host * 17 % 5 * SECOND).frames());
    }
    scene.frames.sort_by_key(|&(time, _)| time);
    let one = scene.replay(&["--workers", "1"]).stdout;
    let alerts = scene.alerts(&["--workers", "1"]).len();
    assert!(alerts > 5 && alerts < 30, "{alerts}");
    for workers in WORKERS {
        assert_eq!(scene.replay(&["--workers", workers]).stdout, one, "{workers} workers");
    }
}

#[test]
fn bits_belong_to_a_side_or_to_both_and_expire() {
    let mut scene = Scene::new(
        "alert udp any any -> any any (content:\"mark\"; xbits:set,pair,track ip_pair,expire 5; \
         hostbits:set,host,dst,20; noalert; sid:1;)\n\
         alert udp any any -> any any (content:\"ask\"; xbits:isset,pair,track ip_pair; sid:2;)\n\
         alert udp any any -> any any (content:\"ask\"; hostbits:isset,host; sid:3;)\n\
         alert udp any any -> any any (content:\"ask\"; xbits:isnotset,host,track ip_src; sid:4;)\n",
    );
    scene.datagram(0, "10.0.0.1", "10.0.0.2", "mark");
    scene.datagram(1000, "10.0.0.2", "10.0.0.1", "ask");
    scene.datagram(5000, "10.0.0.1", "10.0.0.2", "ask");
    scene.datagram(6000, "10.0.0.2", "10.0.0.3", "ask");
    scene.datagram(7000, "10.0.0.2", "10.0.0.1", "ask");
    scene.datagram(21_000, "10.0.0.2", "10.0.0.1", "ask");
    let expected = [(2, 2), (3, 2), (2, 1), (4, 1), (3, 2), (3, 2), (4, 2)];
    assert_eq!(scene.alerts(&["--workers", "2"]), expected);
}

#[test]
fn a_bit_that_finds_no_room_is_counted() {
    let scene = marked_and_asking("alert udp any any -> any any (xbits:set,any,track ip_src; sid:1;)\n");
    let output = scene.replay(&["--set", "limits.memory.address_bits=150", "--workers", "1"]);
    assert_eq!(summary(&output)["counters"]["address_bits_refused"], 50 + 50);
}

#[test]
fn a_value_joins_a_set_once_whichever_flow_brings_it() {
    let scene = marked_and_asking(
        "alert udp any any -> any any (ip.src; dataset:set,seen,type ip; sid:1;)\n\
         alert udp any any -> any any (content:\"ask\"; ip.src; dataset:isset,marked; sid:2;)\n\
         alert udp any any -> any any (content:\"mark\"; ip.src; dataset:set,marked,type ipv4; noalert; sid:3;)\n",
    );
    let one = scene.replay(&["--workers", "1"]).stdout;
    let alerts = scene.alerts(&["--workers", "1"]);
    // A set has to be described before a rule may name it alone.
    assert_eq!(alerts.iter().filter(|(sid, _)| *sid == 1).count(), 200);
    assert!(alerts.iter().all(|(sid, _)| *sid == 1));
    for workers in WORKERS {
        assert_eq!(scene.replay(&["--workers", workers]).stdout, one, "{workers} workers");
    }
}

#[test]
fn what_one_flow_adds_another_finds() {
    let scene = marked_and_asking(
        "alert udp any any -> any any (content:\"mark\"; ip.src; dataset:set,marked,type ipv4; noalert; sid:1;)\n\
         alert udp any any -> any any (content:\"ask\"; ip.src; dataset:isset,marked; sid:2;)\n\
         alert udp any any -> any any (content:\"ask\"; ip.src; dataset:unset,marked; sid:3;)\n",
    );
    let expected: Vec<_> =
        (1..=200u8).filter(|host| host % 3 == 0).flat_map(|host| [(2, host), (3, host)]).collect();
    for workers in WORKERS {
        assert_eq!(scene.alerts(&["--workers", workers]), expected, "{workers} workers");
    }
}

#[test]
fn a_set_with_a_state_is_remembered_by_the_next_run() {
    let mut scene = Scene::new(
        "alert udp any any -> any any (ip.src; dataset:set,seen,type ip,state seen.lst,memcap 200; sid:1;)\n",
    );
    for host in [1, 2, 1, 3] {
        scene.datagram(host, &format!("10.0.0.{host}"), "203.0.113.1", "x");
    }
    let first = scene.replay(&[]);
    assert_eq!(summary(&first)["counters"]["dataset_values_refused"], 1);
    assert_eq!(fs::read_to_string(scene.path("data/seen.lst")).unwrap(), "10.0.0.1\n10.0.0.2\n");
    assert_eq!(scene.alerts(&[]), []);
}

#[test]
fn files_beside_the_rules_fill_sets() {
    let mut scene = Scene::new(
        "alert udp any any -> any any (ip.src; dataset:isset,bad,type ip,load bad.lst; sid:1;)\n\
         alert udp any any -> any any (ip.src; datarep:scored,>,100,load scored.rep,type ipv4; sid:2;)\n\
         alert udp any any -> any any (ip.src; dataset:isset,gone,type ip,load gone.lst; sid:3;)\n",
    );
    scene.write("bad.lst", "10.0.0.1\n2001:db8::1\n");
    scene.write("scored.rep", "10.0.0.1,100\n10.0.0.2,101\n");
    for host in 1..=3 {
        scene.datagram(host, &format!("10.0.0.{host}"), "203.0.113.1", "x");
    }
    assert_eq!(scene.alerts(&[]), [(1, 1), (2, 2)]);
    let output = scene.replay(&[]);
    assert_eq!(summary(&output)["rules_rejected"], 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("unreadable-dataset"));
}

/// Rules on lists that the configuration names, and traffic of three hosts.
fn listed() -> Scene {
    let mut scene = Scene::new(
        "alert ip any any -> any any (iprep:src,BadHosts,>,50; sid:1;)\n\
         alert ip any any -> any any (iprep:src,BadHosts,isnotset; sid:2;)\n\
         alert udp any any -> any any (geoip:src,NZ; sid:3;)\n\
         alert udp any any -> any any (geoip:src,!NZ; sid:4;)\n",
    );
    scene.write("categories.txt", "1,BadHosts,Known bad hosts\n");
    scene.write("bad.list", "192.0.2.0/24,1,101\n192.0.2.2,1,20\n");
    scene.write("countries.mmdb", mmdb::countries(&[("192.0.2.1", 32, "NZ"), ("192.0.2.2", 32, "CA")]));
    for (at, source) in (0..).zip(["192.0.2.1", "192.0.2.2", "198.51.100.3"]) {
        scene.datagram(at, source, "203.0.113.1", "x");
    }
    scene
}

#[test]
fn lists_of_reputations_and_countries_are_asked() {
    let scene = listed();
    let settings = [
        format!("reputation.categories={}", scene.path("categories.txt")),
        format!("reputation.files=[\"{}\"]", scene.path("bad.list")),
        format!("geoip.database={}", scene.path("countries.mmdb")),
    ];
    let options: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    assert_eq!(scene.alerts(&options), [(1, 1), (3, 1), (4, 2), (2, 3)]);
    assert_eq!(summary(&scene.replay(&options))["rules_waiting"], 0);
}

#[test]
fn rules_on_lists_that_are_not_configured_wait() {
    let scene = listed();
    assert_eq!(scene.alerts(&[]), []);
    let output = scene.replay(&["-v"]);
    assert_eq!(summary(&output)["rules_waiting"], 4);
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(log.matches("list-not-configured").count(), 4, "{log}");
}

#[test]
fn a_list_that_is_missing_is_named() {
    let scene = listed();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sensor"))
        .args(["replay", &scene.path("test.rules"), "-S", &scene.path("test.rules")])
        .args(["--set", &format!("geoip.database={}", scene.path("gone.mmdb"))])
        .env_remove("SENSOR_CONFIG")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(66));
    assert!(String::from_utf8_lossy(&output.stderr).contains("gone.mmdb"));
    assert!(Path::new(&scene.path("test.rules")).is_file());
}

#[test]
fn what_pcre_captured_is_asked_for_later_in_the_flow() {
    let mut scene = Scene::new(
        "alert udp any any -> any any (pcre:\"/user=(\\w+)/, flow:user\"; pcre:\"/=(\\w+)/, pkt:user\"; sid:1;)\n\
         alert udp any any -> any any (flowvar:user,\"ro\"; sid:2;)\n\
         alert udp any any -> any any (pktvar:user,\"ro\"; sid:3;)\n",
    );
    scene.datagram(0, "10.0.0.1", "203.0.113.1", "x");
    scene.datagram(1, "10.0.0.1", "203.0.113.1", "user=root");
    scene.datagram(2, "10.0.0.1", "203.0.113.1", "y");
    scene.datagram(3, "10.0.0.2", "203.0.113.1", "y");
    scene.datagram(4, "10.0.0.1", "203.0.113.1", "user=eve");
    assert_eq!(scene.alerts(&[]), [(1, 1), (2, 1), (3, 1), (2, 1), (1, 1)]);
}

#[test]
fn packets_after_a_tag_are_counted() {
    let mut scene = Scene::new(
        "alert udp any any -> any any (content:\"one\"; tag:session,2,packets; sid:1;)\n\
         alert udp any any -> any any (content:\"two\"; tag:host,3,packets,src; sid:2;)\n",
    );
    for (at, (destination, payload)) in (0..).zip([
        ("203.0.113.1", "one"),
        ("203.0.113.2", "another flow"),
        ("203.0.113.1", "a"),
        ("203.0.113.1", "b"),
        ("203.0.113.1", "c"),
        ("203.0.113.1", "two"),
        ("203.0.113.2", "d"),
        ("203.0.113.3", "e"),
        ("203.0.113.4", "f"),
        ("203.0.113.5", "g"),
    ]) {
        scene.datagram(at, "10.0.0.1", destination, payload);
    }
    for workers in WORKERS {
        let output = scene.replay(&["--workers", workers]);
        assert_eq!(summary(&output)["counters"]["packets_tagged"], 2 + 3, "{workers} workers");
    }
}
