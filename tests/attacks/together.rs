//! A thousand flows, each of which keeps what its protocol lets it: the parsers of all together keep no more than
//! `limits.app_layer.memory_bytes`. Flows beyond are read no further than the packet that was too much, which is counted;
//! rules go on with their raw streams, and once those flows are gone all is as before.

use super::http2::{REQUEST, frame};
use super::smb::create;
use super::{BURST, KIB, MIB, numbered, sids};
use crate::worker::{assignments, shared, worker};
use fixtures::TimedFrame;
use fixtures::tcp::Session;
use sensor::capture::Burst;
use sensor::config::Config;
use sensor::counter::Counter;
use sensor::time::Timestamp;
use sensor::worker::{Assignment, Shard};
use std::collections::BTreeSet;
use std::sync::Arc;

const FLOWS: usize = 1_000;
const LIMIT: u64 = MIB;
/// What one more flow would take up.
const ONE: u64 = 4 * KIB;
const START: u64 = 1_700_000_000_000_000_000;
const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 24 * 3_600 * SECOND;

/// The numbers of the rules.
const FIRST: u64 = 1;
const RAW: u64 = 2;
const PARSED: u64 = 3;
const RULES: &str = "\
alert http any any -> any any (msg:\"first\"; http.uri; content:\"/first\"; sid:1;)
alert tcp any any -> any any (msg:\"raw\"; flow:to_server; content:\"needle\"; sid:2;)
alert http any any -> any any (msg:\"parsed\"; http.uri; content:\"/needle\"; sid:3;)
";

/// What is said on a flow that is then left as it is.
struct Hoard {
    port: u16,
    /// By the server, to begin with.
    welcome: &'static str,
    /// By the client.
    said: fn() -> Vec<u8>,
}

/// One that takes up so little that it fills the gaps others leave.
const SMALL: Hoard = hoard(81, || b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec());

const fn hoard(port: u16, said: fn() -> Vec<u8>) -> Hoard {
    Hoard { port, welcome: "", said }
}

impl Hoard {
    fn frames(&self, since: u64) -> Vec<TimedFrame> {
        let said = (self.said)();
        let flow = |number: usize| {
            let client = format!("10.0.{}.{}:40000", number >> 8, number & 0xff);
            let session = Session::v4(&client, &format!("203.0.113.9:{}", self.port)).every_ns(1_000);
            let session = session.starting_at(START + since + 100_000 * number as u64).handshake();
            session.server(self.welcome.as_bytes()).client(&said).frames()
        };
        (0..FLOWS).flat_map(flow).collect()
    }

    fn is_held_off(&self) {
        let frames = self.frames(0);
        let mut free = Watched::new(1 << 40);
        free.run(&frames);
        assert!(free.most > 2 * LIMIT, "{} bytes are little", free.most);
        assert_eq!(free.refused(), 0);

        let mut watched = Watched::new(LIMIT);
        watched.run(&frames);
        let refused = watched.refused();
        assert!(refused > 0 && refused < FLOWS as u64, "{refused} flows");
        watched.run(&SMALL.frames(SECOND));
        assert!(watched.most > LIMIT - ONE && watched.most <= LIMIT, "{} bytes", watched.most);

        assert_eq!(watched.ask(2 * SECOND), [FIRST, RAW].into(), "among them");
        watched.wait(DAY);
        assert_eq!(watched.held(), 0);
        assert_eq!(watched.ask(DAY), [FIRST, RAW, PARSED].into(), "after them");
        free.worker.finish(free.bursts, u64::MAX);
        assert_eq!(free.held(), 0);
    }
}

/// A worker that watches its account.
struct Watched {
    worker: Shard,
    bursts: u64,
    /// The most that was on it.
    most: u64,
}

impl Watched {
    fn new(limit: u64) -> Self {
        let mut config = Config::default();
        config.limits.app_layer.memory_bytes = limit;
        Self { worker: worker(&shared(RULES, &config), &config), bursts: 0, most: 0 }
    }

    /// Which rules alert on these frames.
    fn run(&mut self, frames: &[TimedFrame]) -> BTreeSet<u64> {
        let mut alerts = BTreeSet::new();
        for assignment in assignments(frames, BURST, self.bursts) {
            let report = self.worker.run(&assignment);
            alerts.extend(report.found.iter().flat_map(|(_, found)| sids(found)));
            self.bursts = assignment.number + 1;
            self.most = self.most.max(self.held());
        }
        alerts
    }

    /// Lets time pass.
    fn wait(&mut self, until: u64) {
        let mut burst = Burst::default();
        burst.restart(self.bursts * BURST as u64);
        burst.tick(Timestamp::from_nanos(START + until));
        self.worker.run(&Assignment { number: self.bursts, burst: Arc::new(burst), verify_before: 0 });
        self.bursts += 1;
    }

    /// Which rules alert on two honest requests on one connection.
    fn ask(&mut self, since: u64) -> BTreeSet<u64> {
        let session = Session::v4("192.0.2.1:1234", "192.0.2.2:80").starting_at(START + since).handshake();
        let asked = |session: Session, uri: &str| {
            let request = format!("GET {uri} HTTP/1.1\r\nHost: a\r\n\r\n");
            session.client(request.as_bytes()).server(b"HTTP/1.1 204 No Content\r\n\r\n")
        };
        self.run(&asked(asked(session, "/first"), "/needle").close().frames())
    }

    fn held(&self) -> u64 {
        self.worker.app_layer_bytes() as u64
    }

    fn refused(&self) -> u64 {
        self.worker.counters().value(Counter::AppMemoryRefused)
    }
}

fn header_fields() -> Vec<u8> {
    numbered(60, |number| format!("X-Field-{number}: {}\r\n", "v".repeat(100)).into_bytes())
}

fn post(fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n{fields}");
    [head.as_bytes(), &header_fields(), b"\r\n", body].concat()
}

fn query(id: usize) -> Vec<u8> {
    let id = (id as u16).to_be_bytes();
    let rest = b"\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";
    [&((2 + rest.len()) as u16).to_be_bytes()[..], &id, rest].concat()
}

#[test]
fn requests_with_a_body_half_sent() {
    hoard(80, || post("", &[b'x'; 5_000])).is_held_off();
}

#[test]
fn uploads_half_sent() {
    let upload = || {
        let part = b"--b\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n";
        post("Content-Type: multipart/form-data; boundary=b\r\n", &[&part[..], &[b'x'; 5_000]].concat())
    };
    hoard(80, upload).is_held_off();
}

#[test]
fn mails_half_sent() {
    let mail = || {
        let receivers = b"RCPT TO:<somebody@example.com>\r\n".repeat(50);
        [b"EHLO a\r\nMAIL FROM:<a@a>\r\n", &receivers[..], b"DATA\r\n", &header_fields()].concat()
    };
    hoard(25, mail).is_held_off();
}

#[test]
fn files_that_are_opened_and_not_closed() {
    hoard(445, || numbered(40, |id| create(id, &"name".repeat(40)))).is_held_off();
}

#[test]
fn streams_that_do_not_end() {
    let streams = || {
        let field = [&[0x00, 1, b'n', 0x7f, 0xa1, 0x1e][..], &[b'v'; 4_000]].concat();
        let block = [REQUEST, &field].concat();
        let headers = numbered(4, |number| frame(1, 4, 2 * number + 1, &block));
        [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(4, 0, 0, &[])[..], &headers].concat()
    };
    hoard(8080, streams).is_held_off();
}

#[test]
fn hellos_in_many_records() {
    let hello = || {
        let hello = [&[1, 0, 0x3f, 0xff, 3, 3][..], &[0; 8_000]].concat();
        let record = |part: &[u8]| [&[22, 3, 1][..], &(part.len() as u16).to_be_bytes(), part].concat();
        hello.chunks(1_000).flat_map(record).collect()
    };
    hoard(443, hello).is_held_off();
}

#[test]
fn queries_that_nobody_answers() {
    hoard(53, || numbered(100, query)).is_held_off();
}

#[test]
fn commands_that_nobody_answers() {
    let commands = || numbered(50, |number| format!("RETR {number}{}\r\n", "f".repeat(100)).into_bytes());
    Hoard { welcome: "220 welcome\r\n", ..hoard(21, commands) }.is_held_off();
}
