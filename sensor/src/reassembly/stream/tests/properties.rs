//! Any segmentation gives the same bytes; any packets keep to the limits.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn policy() -> impl Strategy<Value = OverlapPolicy> {
    (0..OverlapPolicy::ALL.len()).prop_map(|it| OverlapPolicy::ALL[it])
}

/// Data, and segments that cover it, cut anywhere, some twice, in any order.
fn cuts() -> impl Strategy<Value = (Vec<u8>, Vec<(usize, usize)>)> {
    vec(any::<u8>(), 1..3000).prop_flat_map(|data| {
        let len = data.len();
        let borders = vec(0..=len, 0..30).prop_map(move |mut borders| {
            borders.extend([0, len]);
            borders.sort_unstable();
            borders.dedup();
            borders.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()
        });
        let more = vec((0..len, 1..200usize), 0..20)
            .prop_map(move |more| more.into_iter().map(move |(at, by)| (at, (at + by).min(len))));
        let segments = (borders, more).prop_map(|(borders, more)| borders.into_iter().chain(more).collect());
        let segments = segments.prop_flat_map(|segments: Vec<_>| Just(segments).prop_shuffle());
        (Just(data), segments)
    })
}

/// What a receiver of these segments would keep: each byte with the segment it is from, and up to where it is settled.
struct Model {
    policy: OverlapPolicy,
    bytes: Vec<Option<(u8, Range<u64>)>>,
    settled: usize,
}

impl Model {
    fn add(&mut self, start: usize, data: &[u8]) {
        let span = start as u64..(start + data.len()) as u64;
        for (at, &byte) in data.iter().enumerate().map(|(at, byte)| (start + at, byte)) {
            let held = &mut self.bytes[at];
            let wins = held.as_ref().is_none_or(|(_, owner)| self.policy.segment_wins(&span, owner));
            if at >= self.settled && wins {
                *held = Some((byte, span.clone()));
            }
        }
        while self.bytes.get(self.settled).is_some_and(Option::is_some) {
            self.settled += 1;
        }
    }

    fn text(&self) -> String {
        let text: String =
            self.bytes.iter().map(|it| it.as_ref().map_or('.', |(byte, _)| char::from(*byte))).collect();
        text.trim_end_matches('.').to_owned()
    }
}

/// A packet of anybody: mostly near what is expected.
#[derive(Clone, Debug)]
enum Act {
    Packet {
        to_server: bool,
        flags: u8,
        sequence: i64,
        acknowledgement: i64,
        len: usize,
        urgent: u16,
        window: u16,
    },
    Release {
        to_server: bool,
        below: u64,
    },
    Disable {
        to_server: bool,
    },
    Depth {
        depth: u64,
    },
    Again,
}

fn act() -> impl Strategy<Value = Act> {
    let flags = prop_oneof![8 => Just(ACK), 2 => Just(ACK | URG), 1 => any::<u8>()];
    let place = || prop_oneof![8 => -2..400i64, 1 => -70_000..70_000i64, 1 => any::<i64>()];
    let packet = (any::<bool>(), flags, place(), place(), 0..80usize, 0..90u16, any::<u16>()).prop_map(
        |(to_server, flags, sequence, acknowledgement, len, urgent, window)| Act::Packet {
            to_server,
            flags,
            sequence,
            acknowledgement,
            len,
            urgent,
            window,
        },
    );
    prop_oneof![
        40 => packet,
        3 => (any::<bool>(), 0..500u64).prop_map(|(to_server, below)| Act::Release { to_server, below }),
        1 => any::<bool>().prop_map(|to_server| Act::Disable { to_server }),
        1 => (0..500u64).prop_map(|depth| Act::Depth { depth }),
        1 => Just(Act::Again),
    ]
}

fn direction(to_server: bool) -> Direction {
    if to_server { ToServer } else { ToClient }
}

proptest! {
    #[test]
    fn any_segmentation_in_any_order_is_the_whole((bytes, segments) in cuts(), policy in policy()) {
        let mut bench = Bench::policy(policy).open();
        for (start, end) in segments {
            let followed = bench.push(data(start as i64, &bytes[start..end]));
            // One byte before the next expected is a keep-alive.
            prop_assert!(followed.stored || end - start == 1);
            prop_assert!(!followed.events.contains(StreamEvent::ReassemblyOverlapDifferentData));
        }
        prop_assert_eq!(bench.server().next_block(0), Some(Block { offset: 0, bytes: &bytes }));
        prop_assert_eq!(bench.push(ack(bytes.len() as i64)).updated, [true, false]);
    }

    /// The receiver acknowledges what it has in order, and whoever looks at the data releases it.
    #[test]
    fn reading_along_is_reading_the_whole((bytes, segments) in cuts(), policy in policy(), keep in 0..50u64) {
        let mut bench = Bench::policy(policy).open();
        let (mut read, mut received) = (Vec::new(), vec![false; bytes.len() + 1]);
        for (start, end) in segments {
            bench.push(data(start as i64, &bytes[start..end]));
            received[start..end].fill(true);
            let in_order = received.iter().position(|it| !it).unwrap_or(0);
            let followed = bench.push(ack(in_order as i64));
            prop_assert_eq!(names(&followed), "");
            prop_assert_eq!(bench.server().usable_end(), in_order as u64);
            if read.len() < in_order {
                let block = bench.server().next_block(read.len() as u64).expect("it is there");
                prop_assert_eq!(block.offset, read.len() as u64);
                read.extend_from_slice(&block.bytes[..in_order - read.len()]);
                bench.release((read.len() as u64).saturating_sub(keep));
            }
        }
        prop_assert_eq!(read, bytes);
    }

    #[test]
    fn overlaps_with_other_data_are_settled_byte_by_byte(
        segments in vec((0..60usize, 2..20usize, b'a'..=b'z'), 1..40),
        policy in policy(),
    ) {
        let mut bench = Bench::policy(policy).open();
        let mut model = Model { policy, bytes: vec![None; 80], settled: 0 };
        for (start, len, letter) in segments {
            let differs = model.bytes[start..start + len].iter().flatten().any(|(byte, _)| *byte != letter);
            model.add(start, &vec![letter; len]);
            let followed = bench.push(data(start as i64, &vec![letter; len]));
            prop_assert_eq!(followed.events.contains(StreamEvent::ReassemblyOverlapDifferentData), differs);
            prop_assert_eq!(bench.text(), model.text());
        }
    }

    /// Each segment is sent once or twice, some of them with their last byte urgent.
    #[test]
    fn urgent_bytes_are_none_of_the_stream(
        segments in vec((1..12usize, any::<(bool, bool, bool)>()), 1..60),
    ) {
        let mut bench = Bench::new().open();
        let (mut sequence, mut expected) = (0, Vec::new());
        for (place, (len, (is_urgent, twice, acknowledged))) in segments.into_iter().enumerate() {
            let payload = vec![b'a' + (place % 26) as u8; len];
            let it = data(sequence, &payload);
            let it = if is_urgent { Sent { urgent: len as u16, flags: ACK | URG, ..it } } else { it };
            for _ in 0..1 + usize::from(twice) {
                prop_assert_eq!(names(&bench.push(it)), "");
            }
            expected.extend_from_slice(&payload[usize::from(is_urgent)..]);
            sequence += len as i64;
            if acknowledged {
                prop_assert_eq!(names(&bench.push(ack(sequence))), "");
                prop_assert_eq!(bench.server().usable_end(), expected.len() as u64);
            }
        }
        prop_assert_eq!(bench.text().into_bytes(), expected);
        prop_assert_eq!(bench.server().stream_len(), sequence as u64 + 1);
    }

    #[test]
    fn any_packets_keep_to_the_limits(
        acts in vec(act(), 0..150),
        policy in policy(),
        memory in 500..6000u64,
        segments_per_side in 1..40u32,
        (midstream, one_sided) in any::<(bool, bool)>(),
    ) {
        let limits = StreamLimits {
            session_bytes: 2 * SESSION_BYTES as u64,
            memory_bytes: memory,
            memory_bytes_per_side: memory * 3 / 4,
            segments_per_side,
        };
        let config = StreamConfig { depth_bytes: 350, midstream, one_sided, ..StreamConfig::default() };
        let mut bench = Bench::with(&config, &limits, policy);
        HANDSHAKE.iter().for_each(|it| { bench.push(*it); });
        for act in acts {
            match (act, &mut bench.session) {
                (Act::Packet { to_server, flags, sequence, acknowledgement, len, urgent, window }, _) => {
                    let it = sent(direction(to_server), flags, sequence, acknowledgement);
                    let payload = vec![b'x'; len];
                    let it = Sent { urgent, window, ..it }.with(&payload);
                    if bench.session.is_some() && bench.reuses(it) {
                        bench.engine.end(bench.session.take().expect("just seen"));
                    }
                    bench.push(it);
                }
                (_, None) => {}
                (Act::Release { to_server, below }, Some(session)) => {
                    bench.engine.release(session, direction(to_server), below);
                }
                (Act::Disable { to_server }, Some(session)) => session.disable(direction(to_server)),
                (Act::Depth { depth }, Some(session)) => session.raise_depth(Some(depth)),
                (Act::Again, Some(session)) => {
                    bench.engine.finish(session);
                    bench.engine.end(bench.session.take().expect("just seen"));
                }
            }
            let held = bench.session.iter().flat_map(|session| &session.sides).map(|side| {
                let urgent = if side.urgent.is_some() { Urgent::BYTES } else { 0 };
                urgent + side.buffer.as_ref().map_or(0, |buffer| buffer.memory())
            });
            prop_assert_eq!(bench.engine.memory(), held.sum::<usize>());
            prop_assert!(bench.engine.memory() as u64 <= memory);
            for side in bench.session.iter().flat_map(|session| &session.sides) {
                prop_assert!(side.base <= side.frontier && side.frontier <= side.right_edge());
                prop_assert!(side.usable_end() <= side.acked());
                let mut at = 0;
                while let Some(block) = side.next_block(at) {
                    prop_assert!(block.offset >= at.max(side.base) && !block.bytes.is_empty());
                    at = block.offset + block.bytes.len() as u64;
                }
                prop_assert!(at <= side.right_edge());
            }
        }
        if let Some(session) = bench.session.take() {
            bench.engine.end(session);
        }
        prop_assert_eq!((bench.engine.memory(), bench.engine.sessions()), (0, 0));
    }
}
