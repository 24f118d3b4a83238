//! Hellos, fingerprints and certificates of TLS.

use super::streams::{Peers, conversations};
use super::{as_tshark_reads, captures, frames_with, values};
use rules::view::Packet;
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::tls::SPEECH;
use sensor::event::Direction;
use std::collections::HashMap;
use std::net::SocketAddr;

/// What both readers tell of a hello, and of the certificates of one side.
#[derive(Debug, Default, Eq, PartialEq)]
struct Fields {
    random: String,
    /// The same, put together from its parts.
    random_parts: String,
    version: u64,
    server_name: String,
    protocols: Vec<String>,
    /// JA3 of clients, JA3S of servers.
    fingerprint: String,
    fingerprint_string: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn as_the_sensor_reads(conversation: &dyn Conversation, direction: Direction) -> Fields {
    let read = |field| values(&SPEECH, conversation, 0, direction, field);
    let text = |field| String::from_utf8_lossy(&read(field).concat()).into_owned();
    let is_client = direction == Direction::ToServer;
    let (hash, string) = if is_client { ("ja3.hash", "ja3.string") } else { ("ja3s.hash", "ja3s.string") };
    Fields {
        random: hex(&read("tls.random").concat()),
        random_parts: hex(&["tls.random_time", "tls.random_bytes"].map(read).concat().concat()),
        version: u64::from_be_bytes(read("tls.version").concat().try_into().unwrap()),
        server_name: text("tls.sni"),
        protocols: read("tls.alpn").iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect(),
        fingerprint: text(hash),
        fingerprint_string: text(string),
    }
}

const COLUMNS: [&str; 17] = [
    "tls.handshake.type",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "ip.dst",
    "ipv6.dst",
    "tcp.dstport",
    "tls.handshake.version",
    "tls.handshake.extensions.supported_version",
    "tls.handshake.random",
    "tls.handshake.extensions_server_name",
    "tls.handshake.extensions_alpn_str",
    "tls.handshake.ja3",
    "tls.handshake.ja3_full",
    "tls.handshake.ja3s",
    "tls.handshake.ja3s_full",
    "tls.handshake.certificate",
];

/// One line of tshark's, without the number of its frame.
struct Line<'a>(&'a [String]);

impl Line<'_> {
    fn column(&self, name: &str) -> &str {
        &self.0[COLUMNS.iter().position(|column| *column == name).unwrap()]
    }

    /// Several values of a column.
    fn list(&self, name: &str) -> Vec<String> {
        self.column(name).split('|').filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// Who has sent it to whom.
    fn peers(&self) -> Peers {
        let peer = |v4, v6, port| {
            let address = if self.column(v4).is_empty() { self.column(v6) } else { self.column(v4) };
            SocketAddr::new(address.parse().unwrap(), self.column(port).parse().unwrap())
        };
        (peer("ip.src", "ipv6.src", "tcp.srcport"), peer("ip.dst", "ipv6.dst", "tcp.dstport"))
    }

    /// Whether it holds one hello, and then whether it is a client's. With two of them the columns do not tell which
    /// value is whose.
    fn is_client_hello(&self) -> Option<bool> {
        let kinds = self.list("tls.handshake.type");
        let hellos: Vec<&str> =
            kinds.iter().map(String::as_str).filter(|kind| matches!(*kind, "1" | "2")).collect();
        (hellos.len() == 1).then(|| hellos == ["1"])
    }

    /// Of the versions supported the first that is known, drafts too, else that of the hello's own field. A hello of SSL 2, which has
    /// no such random bytes, is that whatever it offers.
    fn version(&self) -> u64 {
        if self.column("tls.handshake.random").is_empty() {
            return 2;
        }
        let numbers =
            |name| self.list(name).into_iter().map(|hex| u64::from_str_radix(&hex[2..], 16).unwrap());
        let mut supported = numbers("tls.handshake.extensions.supported_version");
        let known =
            supported.find(|version| matches!(version, 0x0300..=0x0304 | 0x7f00..=0x7fff | 0xfb00..=0xfbff));
        known.or_else(|| numbers("tls.handshake.version").next()).unwrap_or_default()
    }

    fn hello(&self, is_client: bool) -> Fields {
        let [hash, string] = match is_client {
            true => ["tls.handshake.ja3", "tls.handshake.ja3_full"],
            false => ["tls.handshake.ja3s", "tls.handshake.ja3s_full"],
        };
        Fields {
            random: self.column("tls.handshake.random").to_owned(),
            random_parts: self.column("tls.handshake.random").to_owned(),
            version: self.version(),
            server_name: self.column("tls.handshake.extensions_server_name").to_owned(),
            protocols: self.list("tls.handshake.extensions_alpn_str"),
            fingerprint: self.column(hash).to_owned(),
            fingerprint_string: self.column(string).to_owned(),
        }
    }
}

/// The first hello of either side of each connection, by whether it is the client's.
fn hellos(lines: &[Vec<String>]) -> HashMap<(Peers, bool), Fields> {
    let mut hellos = HashMap::new();
    for line in lines.iter().map(|line| Line(&line[1..])) {
        let Some(is_client) = line.is_client_hello() else { continue };
        let (source, destination) = line.peers();
        let peers = if is_client { (source, destination) } else { (destination, source) };
        hellos.entry((peers, is_client)).or_insert_with(|| line.hello(is_client));
    }
    hellos
}

/// The first certificates that the server of each connection shows.
fn certificates(lines: &[Vec<String>]) -> HashMap<Peers, Vec<String>> {
    let mut certificates = HashMap::new();
    for line in lines.iter().map(|line| Line(&line[1..])) {
        let (server, client) = line.peers();
        let chain = line.list("tls.handshake.certificate");
        if !chain.is_empty() {
            certificates.entry((client, server)).or_insert(chain);
        }
    }
    certificates
}

fn is_tls(packet: &Packet<'_>) -> bool {
    packet.protocol == 6 && (packet.source_port == 443 || packet.destination_port == 443)
}

#[test]
fn hellos_are_those_that_tshark_reads() {
    let (mut compared, mut seen, mut chains) = (0, 0, 0);
    for capture in captures("tls") {
        let frames = frames_with(&capture, is_tls);
        let filter = "tls.handshake.type in {1, 2, 11}";
        let Some(lines) = as_tshark_reads(&frames, filter, &COLUMNS) else {
            eprintln!("hellos_are_those_that_tshark_reads: skipped, tshark is not installed");
            return;
        };
        let conversations = conversations(&frames, &SPEECH);
        let hellos = hellos(&lines);
        seen += hellos.len();
        for ((peers, is_client), expected) in &hellos {
            // Who is the client cannot be told of a server alone. Hellos of SSL 2 are followed by nothing readable.
            let Some(conversation) =
                conversations.get(peers).filter(|_| hellos.contains_key(&(*peers, true)))
            else {
                continue;
            };
            let direction = if *is_client { Direction::ToServer } else { Direction::ToClient };
            let read = as_the_sensor_reads(&**conversation, direction);
            assert_eq!(&read, expected, "{} {peers:?} {direction:?}", capture.display());
            compared += 1;
        }
        for (peers, expected) in certificates(&lines) {
            let Some(conversation) = conversations.get(&peers) else { continue };
            let read = values(&SPEECH, &**conversation, 0, Direction::ToClient, "tls.certs");
            let read: Vec<String> = read.iter().map(|der| hex(der)).collect();
            // The stream may have ended before them, by a reset that tshark reads beyond.
            if !read.is_empty() {
                assert_eq!(read, expected, "{} {peers:?}", capture.display());
                chains += 1;
            }
        }
    }
    assert!(compared >= 12 && compared * 100 >= seen * 97, "only {compared} of {seen} hellos");
    assert!(chains >= 3, "only {chains} chains of certificates");
}
