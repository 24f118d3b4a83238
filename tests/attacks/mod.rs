//! Traffic that is made to cost as much as it can in the parsers of applications, each kind a row: through decoding,
//! reassembly, parsers and rules, as a worker of the sensor runs them, with a rule on each field that a parser has.
//!
//! Of each row an ordinary test asks that twice the traffic makes no more than 2.3 times the allocations and bytes
//! allocated, that what is held stays below the row's bound, that nobody panics and that what is refused is counted.
//! Streams are followed to their end for that, however long they are (`stream.depth_bytes`). The campaign asks the same
//! of all of the traffic, and of the processor's time:
//! `cargo test --release -p sensor --test main attacks:: -- --ignored --nocapture --test-threads 1`. What many flows keep
//! together is in `together`.

mod dcerpc;
mod dns;
mod ftp;
mod http;
mod http2;
mod mime;
mod smb;
mod smtp;
mod ssh;
mod tls;
mod together;

use crate::counting::{asked, reset_peak};
use crate::worker::{assignments, shared, worker};
use fixtures::TimedFrame;
use fixtures::packet::ethernet;
use fixtures::tcp::Session;
use rules::vocabulary::{Field, FieldKind};
use sensor::app_layer::PROTOCOLS;
use sensor::collect::{Found, Report};
use sensor::config::Config;
use sensor::counter::{Counter, Counters};
use sensor::memory;
use sensor::worker::SharedRules;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// Frames that a worker takes at once.
const BURST: usize = 128;
/// How much more twice the traffic may cost.
const LINEAR: f64 = 2.3;
/// Allocations and bytes that do not grow with the traffic.
const FIXED_TIMES: u64 = 2_000;
const FIXED_BYTES: u64 = 1 << 20;
/// The least time of which twice the time can be told.
const TELLING: Duration = Duration::from_millis(20);

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// One kind of attack.
pub(super) struct Attack {
    /// So much of it.
    frames: fn(usize) -> Vec<TimedFrame>,
    /// How much makes the ordinary test, and how much the campaign.
    some: usize,
    all: usize,
    /// The most bytes that a worker holds for it.
    held: u64,
    /// What is counted of it.
    counted: &'static [Counter],
    /// The events that tell of it.
    told: &'static [&'static str],
}

/// What an attack has cost a worker.
struct Cost {
    times: u64,
    bytes: u64,
    /// The most that was held at once.
    held: u64,
    processor: Duration,
    counters: Counters,
    told: BTreeSet<u64>,
}

/// Makes of each row a test, and another one of the campaign.
macro_rules! attacks {
    ($($(#[doc = $doc:literal])+ $name:ident = $attack:expr;)+) => {
        $(
            $(#[doc = $doc])+
            #[test]
            fn $name() {
                let attack: $crate::attacks::Attack = $attack;
                attack.is_held_off();
            }
        )+

        mod campaign {
            use super::*;

            $(
                #[test]
                #[ignore = "takes a while, and needs the processor for itself"]
                fn $name() {
                    let attack: $crate::attacks::Attack = $attack;
                    attack.is_measured(concat!(module_path!(), "::", stringify!($name)));
                }
            )+
        }
    };
}
use attacks;

impl Attack {
    /// Asks what has to hold of some of the traffic, and of twice as much.
    fn is_held_off(&self) {
        let settings = self.settings();
        let [once, twice] = [1, 2].map(|by| cost(&(self.frames)(by * self.some), &settings));
        self.assert_bounded(&once, &twice);
    }

    fn assert_bounded(&self, once: &Cost, twice: &Cost) {
        let linear = |one: u64, two: u64, fixed: u64| two as f64 <= LINEAR * one as f64 + fixed as f64;
        assert!(
            linear(once.times, twice.times, FIXED_TIMES),
            "{} allocations, then {}",
            once.times,
            twice.times
        );
        assert!(linear(once.bytes, twice.bytes, FIXED_BYTES), "{} bytes, then {}", once.bytes, twice.bytes);
        assert!(twice.held <= self.held, "{} bytes are held", twice.held);
        for &counter in self.counted {
            assert!(twice.counters.value(counter) > 0, "no {}", counter.name());
        }
        for (event, sid) in self.told.iter().zip(FIRST_EVENT..) {
            assert!(twice.told.contains(&sid), "{event} is not told: {:?}", twice.counters);
        }
    }

    /// Asks it of half of the traffic and of all, and of the time that these take.
    fn is_measured(&self, name: &str) {
        let [half, all] = [self.all / 2, self.all].map(|size| (self.frames)(size));
        let wire: usize = all.iter().map(|(_, frame)| frame.len()).sum();
        let settings = self.settings();
        let (mut once, mut twice) = (cost(&half, &settings), cost(&all, &settings));
        for _ in 0..2 {
            once.processor = once.processor.min(cost(&half, &settings).processor);
            twice.processor = twice.processor.min(cost(&all, &settings).processor);
        }
        let ratio = twice.processor.as_secs_f64() / once.processor.as_secs_f64();
        eprintln!(
            "{name}: {:.1} MB in {} frames, {:.1} ms ({:.0} MB/s, {:.2} µs a frame), {ratio:.2} times half of it, {} KiB held",
            wire as f64 / 1e6,
            all.len(),
            twice.processor.as_secs_f64() * 1e3,
            wire as f64 / 1e6 / twice.processor.as_secs_f64(),
            twice.processor.as_secs_f64() * 1e6 / all.len() as f64,
            twice.held / KIB,
        );
        self.assert_bounded(&once, &twice);
        assert!(once.processor < TELLING || ratio < LINEAR, "{ratio} times the time for twice the traffic");
    }

    /// Streams are followed to their end, and each field and event asked for.
    fn settings(&self) -> (Config, SharedRules) {
        let mut config = Config::default();
        config.stream.depth_bytes = 0;
        let rules = shared(&rules(self.told), &config);
        (config, rules)
    }
}

/// What a worker makes of it.
fn cost(frames: &[TimedFrame], (config, rules): &(Config, SharedRules)) -> Cost {
    let mut worker = worker(rules, config);
    let (mut times, mut bytes, mut held, mut peak) = (0, 0, 0, 0);
    let mut processor = Duration::ZERO;
    let mut told = BTreeSet::new();
    let mut count = |run: &mut dyn FnMut() -> Report| {
        reset_peak();
        let (before, held_before, since) = (asked(), memory::held(), processor_time());
        let report = run();
        processor += processor_time() - since;
        let after = asked();
        times += after.times - before.times;
        bytes += after.bytes - before.bytes;
        peak = peak.max(held + after.peak - held_before);
        told.extend(report.found.iter().flat_map(|(_, found)| sids(found)));
        drop(report);
        held += memory::held() - held_before;
    };
    let mut next = 0;
    for assignment in assignments(frames, BURST, 0) {
        next = assignment.number + 1;
        count(&mut || worker.run(&assignment));
    }
    count(&mut || worker.finish(next, frames.len() as u64));
    let counters = worker.counters().clone();
    assert_eq!(counters.value(Counter::WorkerPanics), 0);
    Cost { times, bytes, held: u64::try_from(peak).unwrap(), processor, counters, told }
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

fn sids(found: &Found) -> Vec<u64> {
    match found {
        Found::Rules(found) => found.iter().map(|one| u64::from(one.detection.alert.sid)).collect(),
        _ => Vec::new(),
    }
}

/// The number of the first rule that tells of an event.
const FIRST_EVENT: u64 = 10_000;

/// A rule on each field that parsers show as bytes and on each frame, which finds nothing, and one on each event.
fn rules(told: &[&str]) -> String {
    let mut rules = String::new();
    let is_bytes = |field: &&&Field| matches!(field.kind, FieldKind::Bytes | FieldKind::ManyBytes);
    let fields = PROTOCOLS.iter().flat_map(|lexicon| lexicon.fields);
    let frames = PROTOCOLS.iter().flat_map(|lexicon| lexicon.frames);
    let fields = fields.filter(is_bytes).map(|field| field.name.to_owned());
    for (buffer, sid) in fields.chain(frames.map(|frame| format!("frame:{}", frame.name))).zip(1..) {
        writeln!(
            rules,
            "alert ip any any -> any any (msg:\"x\"; {buffer}; content:\"there is no such\"; sid:{sid};)"
        )
        .unwrap();
    }
    for (event, sid) in told.iter().zip(FIRST_EVENT..) {
        writeln!(rules, "alert ip any any -> any any (msg:\"x\"; app-layer-event:{event}; sid:{sid};)")
            .unwrap();
    }
    rules
}

/// A connection to a port on which both say something.
fn session(port: u16) -> Session {
    Session::v4("10.0.0.1:40000", &format!("203.0.113.9:{port}")).handshake().every_ns(1_000)
}

/// A connection to a port on which a client says something.
fn client(port: u16, said: &[u8]) -> Vec<TimedFrame> {
    session(port).client(said).close().frames()
}

/// The same, a byte in a segment.
fn client_in_single_bytes(port: u16, said: &[u8]) -> Vec<TimedFrame> {
    session(port).client(said).close().cut(1).frames()
}

/// Datagrams from a client to a port.
fn datagrams(port: u16, payloads: impl Iterator<Item = Vec<u8>>) -> Vec<TimedFrame> {
    let packet = ethernet().ipv4("10.0.0.1", "203.0.113.9").udp(40_000, port);
    let frame =
        |(at, payload): (u64, Vec<u8>)| (1_700_000_000_000_000_000 + 1_000 * at, packet.payload(&payload));
    (0..).zip(payloads).map(frame).collect()
}

/// Bytes over and over, each time with another number.
fn numbered(count: usize, one: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    (0..count).flat_map(one).collect()
}
