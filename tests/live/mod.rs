//! A sensor on a wire: network namespaces with a pair of virtual interfaces, and `tcpreplay` as whoever sends.
//!
//! Without root or tcpreplay each test says by name that it is skipped. The long campaigns are ignored:
//! `cargo test --release -p sensor --test main live:: -- --ignored --nocapture`.

mod bench;
mod campaigns;
mod dashboards;
mod deploy;
mod operation;
mod privileges;
mod reload;
mod wire;

use bench::{Sensor, Wire};
use fixtures::pcap_file::pcap;
use fixtures::tcp::Session;
use std::path::PathBuf;
use tempfile::TempDir;

/// A rule on a word, in a stream and in a packet, and on DHCP's port.
pub(crate) const RULES: &str = "alert tcp any any -> any 80 (msg:\"GET\"; flow:to_server; content:\"GET /\"; sid:1;)\n\
                     alert tcp any 80 -> any any (msg:\"OK\"; flow:to_client; content:\"200 OK\"; sid:2;)\n";

/// Writes files into a folder that lives as long as the test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn rules(&self) -> String {
        self.write("test.rules", RULES.as_bytes()).display().to_string()
    }
}

/// So many sessions between many hosts, each with a request and an answer; the packets' times are 10 µs apart.
pub(crate) fn sessions(count: u64) -> Vec<u8> {
    let mut frames = Vec::new();
    for n in 0..count {
        let client = format!("10.{}.{}.{}:{}", n % 3, n % 7, n % 250 + 1, 20_000 + n % 40_000);
        let server = format!("203.0.113.{}:80", n % 5 + 1);
        let session = Session::v4(&client, &server)
            .handshake()
            .client(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
            .server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        frames.extend(session.close().frames().into_iter().map(|(_, frame)| frame));
    }
    let timed = |(at, frame)| (1_700_000_000_000_000_000 + at * 10_000, frame);
    pcap(&(0u64..).zip(frames).map(timed).collect::<Vec<_>>())
}
