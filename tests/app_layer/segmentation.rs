//! What is read of a connection is the same however its bytes are cut into segments, and in whichever order these come.

use crate::worker::{assignments, shared, worker};
use fixtures::TimedFrame;
use proptest::prelude::*;
use rules::view::Transport;
use rules::vocabulary::FieldKind;
use sensor::app_layer::PROTOCOLS;
use sensor::collect::Found;
use sensor::config::Config;
use sensor::event::ActivityKind;
use sensor::worker::SharedRules;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

/// The topics of the fixtures whose captures hold protocols over TCP.
const TOPICS: [&str; 8] = ["http", "http2", "dns", "tls", "ssh", "smtp", "ftp", "smb"];
const ETHERNET: usize = 14;
const IPV6: usize = 40;
const FIN: u8 = 1;

/// Records of all transactions, a rule on each field that parsers show as bytes, which holds where there is anything in
/// it, and one on each kind of frame, which holds for all that are not looked at in parts.
static SETTINGS: LazyLock<(Config, SharedRules)> = LazyLock::new(|| {
    let mut config = Config::default();
    let records = ActivityKind::ALL.iter().copied().filter(|&kind| kind != ActivityKind::Flow);
    config.events.records = records.collect();
    let fields = PROTOCOLS.iter().flat_map(|lexicon| lexicon.fields);
    let bytes = fields.filter(|field| matches!(field.kind, FieldKind::Bytes | FieldKind::ManyBytes));
    let mut rules = String::new();
    for (field, sid) in bytes.zip(1..) {
        let name = field.name;
        writeln!(rules, "alert ip any any -> any any (msg:\"{name}\"; {name}; bsize:>0; sid:{sid};)")
            .unwrap();
    }
    for (frame, sid) in PROTOCOLS.iter().flat_map(|lexicon| lexicon.frames).zip(1_000..) {
        let name = frame.name;
        writeln!(
            rules,
            "alert ip any any -> any any (msg:\"{name}\"; frame:{name}; bsize:<2500; sid:{sid};)"
        )
        .unwrap();
    }
    let rules = shared(&rules, &config);
    (config, rules)
});

/// The frames of each capture of the topics that has a data segment.
static CAPTURES: LazyLock<Vec<(String, Vec<TimedFrame>)>> = LazyLock::new(|| {
    let of_topic =
        |path: &std::path::PathBuf| TOPICS.iter().any(|topic| path.parent().unwrap().ends_with(topic));
    let captures = fixtures::pcaps().into_iter().filter(of_topic);
    captures
        .map(|path| {
            (
                path.display().to_string(),
                super::frames_with(&path, |packet| matches!(packet.transport, Transport::Tcp(_))),
            )
        })
        .filter(|(_, frames)| {
            frames.iter().any(|(_, frame)| Segment::of(frame).is_some_and(|one| one.data > 0))
        })
        .collect()
});

/// Where in a frame its TCP header begins and its data.
struct Segment {
    header: usize,
    start: usize,
    data: usize,
}

impl Segment {
    fn of(frame: &[u8]) -> Option<Self> {
        let (header, end) = match frame.get(12..ETHERNET)? {
            [8, 0] => {
                let len = u16::from_be_bytes([frame[16], frame[17]]);
                (ETHERNET + 4 * usize::from(frame[ETHERNET] & 15), ETHERNET + usize::from(len))
            }
            [0x86, 0xdd] => {
                let len = u16::from_be_bytes([frame[18], frame[19]]);
                (ETHERNET + IPV6, ETHERNET + IPV6 + usize::from(len))
            }
            _ => return None,
        };
        let start = header + 4 * usize::from(frame.get(header + 12)? >> 4);
        Some(Self { header, start, data: end.checked_sub(start)? })
    }

    /// The frame with some of its data alone.
    fn part(&self, frame: &[u8], from: usize, to: usize) -> Vec<u8> {
        let mut part = [&frame[..self.start], &frame[self.start + from..self.start + to]].concat();
        let behind_ethernet = part.len() - ETHERNET;
        let (at, len) = if frame[12] == 8 { (16, behind_ethernet) } else { (18, behind_ethernet - IPV6) };
        part[at..at + 2].copy_from_slice(&(len as u16).to_be_bytes());
        let sequence = &mut part[self.header + 4..self.header + 8];
        let moved = u32::from_be_bytes(sequence.try_into().unwrap()).wrapping_add(from as u32);
        sequence.copy_from_slice(&moved.to_be_bytes());
        if to < self.data {
            part[self.header + 13] &= !FIN;
        }
        part
    }
}

/// The same connections, their segments cut to at most so many bytes each, and those of one in any order.
fn recut(frames: &[TimedFrame], size: usize, seed: u64) -> Vec<TimedFrame> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut cut = Vec::new();
    for (time, frame) in frames {
        match Segment::of(frame) {
            Some(segment) if segment.data > 0 => {
                let starts = (0..segment.data).step_by(size);
                let mut parts: Vec<_> =
                    starts.map(|from| segment.part(frame, from, segment.data.min(from + size))).collect();
                if frame[segment.header + 13] & FIN == 0 {
                    random.shuffle(&mut parts);
                }
                cut.extend(parts.into_iter().map(|part| (*time, part)));
            }
            _ => cut.push((*time, frame.clone())),
        }
    }
    cut
}

/// How often each rule alerts, and what is told of each transaction.
type Outcome = (BTreeMap<u32, usize>, Vec<String>);

/// What comes of frames.
fn read(frames: &[TimedFrame]) -> Outcome {
    let (config, rules) = &*SETTINGS;
    let mut worker = worker(rules, config);
    let (mut alerts, mut told) = (BTreeMap::new(), Vec::new());
    let mut note = |found: Vec<(_, Found)>| {
        for (_, found) in found {
            match found {
                Found::Rules(rules) => {
                    rules.iter().for_each(|rule| *alerts.entry(rule.detection.alert.sid).or_default() += 1);
                }
                Found::Activity(activity) => told.push(format!("{:?} {:?}", activity.kind, activity.facts)),
                _ => {}
            }
        }
    };
    for assignment in assignments(frames, 1024, 0) {
        note(worker.run(&assignment).found);
    }
    note(worker.finish(u64::MAX, frames.len() as u64).found);
    told.sort();
    (alerts, told)
}

static AS_CAPTURED: LazyLock<Vec<Outcome>> =
    LazyLock::new(|| CAPTURES.iter().map(|(_, frames)| read(frames)).collect());

#[test]
fn single_bytes_make_the_same_transactions() {
    assert!(CAPTURES.len() >= 30, "only {} captures", CAPTURES.len());
    for ((name, frames), expected) in CAPTURES.iter().zip(&*AS_CAPTURED) {
        assert!(!expected.0.is_empty(), "{name}: there is something to see");
        let short = frames.iter().map(|(_, frame)| frame.len()).sum::<usize>() < 40_000;
        if short {
            assert_eq!(&read(&recut(frames, 1, 0)), expected, "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..Default::default() })]

    #[test]
    fn segments_of_any_length_in_any_order_make_the_same_transactions(
        size in 2usize..700, seed: u64, which: prop::sample::Index,
    ) {
        let at = which.index(CAPTURES.len());
        let (name, frames) = &CAPTURES[at];
        prop_assert_eq!(&read(&recut(frames, size, seed)), &AS_CAPTURED[at], "{}", name);
    }
}
