//! Files that rules ask for, stored in a replay.

use crate::cases::replay;
use fixtures::pcap_file::pcap;
use fixtures::tcp::Session;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory for files, and the rule that asks for them.
struct Store(TempDir);

impl Store {
    fn asked_by(options: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let rule = format!("alert ip any any -> any any ({options}; sid:1;)\n");
        fs::write(folder.path().join("test.rules"), rule).unwrap();
        Self(folder)
    }

    fn files(&self) -> PathBuf {
        self.0.path().join("files")
    }

    /// Replays a capture, and gives the counters.
    fn replay(&self, capture: &str, settings: &[&str]) -> Value {
        let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/pcaps").join(capture);
        let rules = self.0.path().join("test.rules").display().to_string();
        let directory = format!("file_store.directory={}", self.files().display());
        let settings = [directory.as_str()].into_iter().chain(settings.iter().copied());
        let mut options = vec!["-S", &rules, "--log-format", "json"];
        options.extend(settings.flat_map(|setting| ["--set", setting]));
        let summary = String::from_utf8(replay(&[&capture], &options).stderr).unwrap();
        let last = summary.lines().last().expect("there is a summary");
        serde_json::from_str::<Value>(last).expect("it is JSON")["counters"].clone()
    }

    /// What was stored, each file under its own SHA-256, and nothing under way.
    fn stored(&self) -> Vec<String> {
        let within = |path: &Path| -> Vec<PathBuf> {
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
        };
        let mut stored = Vec::new();
        for file in within(&self.files()).iter().flat_map(|folder| within(folder)) {
            let bytes = fs::read(&file).unwrap();
            let name: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(file, self.files().join(&name[..2]).join(&name));
            stored.push(String::from_utf8(bytes).expect("these files are text"));
        }
        stored.sort();
        stored
    }
}

const REPORT: &str = "name,amount\nalice,10\nbob,20\n";
const README: &str = "the file to download\n";

#[test]
fn whichever_protocol_carries_it_the_file_that_matched_is_stored() {
    for (capture, options, contents) in [
        ("ftp/passive.pcap", "filestore", README),
        ("ftp/active.pcap", "filename:\"readme.txt\"; filestore", README),
        ("smtp/attachment.pcap", "filename:\"report.csv\"; filestore", REPORT),
        ("smtp/attachment.pcap", "file.data; content:\"alice\"; filestore:request", REPORT),
        ("smtp/attachment.pcap", "filemagic:\"CSV\"; filestore:both,flow", REPORT),
    ] {
        let store = Store::asked_by(options);
        let counters = store.replay(capture, &[]);
        assert_eq!(store.stored(), [contents], "{capture}: {options}");
        assert_eq!((&counters["files_stored"], &counters["files_stored_cut"]), (&1.into(), &0.into()));
        store.replay(capture, &[]);
        assert_eq!(store.stored(), [contents], "a second time");
    }
}

#[test]
fn what_no_rule_asks_for_is_not_stored() {
    for options in ["filename:\"other\"; filestore", "filename:\"report.csv\"", "filestore:response"] {
        let store = Store::asked_by(options);
        store.replay("smtp/attachment.pcap", &[]);
        assert!(store.stored().is_empty(), "{options}");
    }
}

#[test]
fn all_files_of_a_flow_are_stored_where_a_rule_says_so() {
    let found = "flow:to_client; http.stat_code; content:\"200\"";
    let one = Store::asked_by(&format!("{found}; filestore"));
    let all = Store::asked_by(&format!("{found}; filestore:both,flow"));
    [&one, &all].iter().for_each(|store| drop(store.replay("http/keep-alive.pcap", &[])));
    assert_eq!(one.stored().len(), 1);
    assert_eq!(all.stored().len(), 2, "the answer to what is missing, too");
    assert!(all.stored().contains(&one.stored()[0]));
}

#[test]
fn a_stream_is_followed_further_where_a_rule_asks_for_its_file() {
    let file = "0123456789abcdef".repeat(160 << 10);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", file.len());
    let session = Session::v4("10.0.0.1:40000", "203.0.113.9:80").handshake();
    let session = session.client(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n").server(head.as_bytes());
    let capture = pcap(&session.server(file.as_bytes()).close().frames());
    // The body begins in the stream's 41st byte, and segments are stored whole.
    for (setting, least, most) in [
        (None, 1 << 20, 1 << 20),
        (Some("file_store.stream_depth_bytes=2097152"), 2 << 20, 2 << 20),
        (Some("file_store.stream_depth_bytes=0"), file.len(), file.len()),
    ] {
        let store = Store::asked_by("http.stat_code; content:\"200\"; filestore");
        let path = store.0.path().join("test.pcap");
        fs::write(&path, &capture).unwrap();
        store.replay(path.to_str().unwrap(), setting.as_slice());
        let stored = store.stored();
        let lengths: Vec<usize> = stored.iter().map(String::len).collect();
        assert!(
            matches!(lengths[..], [len] if (least - 2_000..=most).contains(&len)),
            "{setting:?}: {lengths:?}"
        );
        assert!(file.starts_with(&stored[0]));
    }
}

#[test]
fn limits_are_kept_and_counted() {
    for (setting, counter, left) in [
        ("limits.file_store.directory_files=0", "files_refused_directory", &[][..]),
        ("limits.file_store.directory_bytes=20", "files_refused_directory", &[]),
        ("limits.file_store.memory_bytes=20", "files_refused_memory", &[]),
        ("limits.file_store.file_bytes=8", "files_stored_cut", &["the file"]),
    ] {
        let store = Store::asked_by("filestore");
        let counters = store.replay("ftp/passive.pcap", &[setting]);
        assert_eq!(counters[counter], 1, "{setting}");
        assert_eq!(store.stored(), left, "{setting}");
    }
}

#[test]
fn a_disk_that_takes_nothing_costs_files_and_no_alert() {
    let store = Store::asked_by("filestore");
    // What stands in the way of the file's folder.
    fs::create_dir(store.files()).unwrap();
    let first = Sha256::digest(README.as_bytes())[0];
    fs::write(store.files().join(format!("{first:02x}")), "").unwrap();
    let counters = store.replay("ftp/passive.pcap", &[]);
    assert_eq!((&counters["files_refused_disk"], &counters["alerts"]), (&1.into(), &1.into()));
}
