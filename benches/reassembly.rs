//! Putting streams together: 256 KiB in order, acknowledged and released as it comes; the same in segments of one byte
//! backwards; and with every other segment first, so that each of the rest closes a hole.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rules::view::{Packet, Tcp, Transport};
use sensor::counter::Counters;
use sensor::event::Direction::{self, ToClient, ToServer};
use sensor::limits::StreamLimits;
use sensor::reassembly::HostPolicies;
use sensor::reassembly::stream::{Session, StreamConfig, StreamEngine};
use sensor::time::Timestamp;

const END: usize = 262_144;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// One segment: where its data begins and how much it is, or what it acknowledges.
struct Segment {
    direction: Direction,
    header: Vec<u8>,
    len: usize,
}

/// Windows are scaled so that all of it may be under way.
fn segment(direction: Direction, flags: u8, sequence: u32, acknowledgement: u32, len: usize) -> Segment {
    let mut header = vec![0; 20];
    header[4..8].copy_from_slice(&sequence.to_be_bytes());
    header[8..12].copy_from_slice(&acknowledgement.to_be_bytes());
    header[13..16].copy_from_slice(&[flags, 0xff, 0xff]);
    if flags & SYN != 0 {
        header.extend_from_slice(&[3, 3, 8, 1]);
    }
    Segment { direction, header, len }
}

fn data(offset: usize, len: usize) -> Segment {
    segment(ToServer, ACK, 1 + offset as u32, 1, len)
}

struct Traffic {
    engine: StreamEngine,
    session: Option<Box<Session>>,
    counters: Counters,
}

impl Traffic {
    fn open() -> Self {
        let limits = StreamLimits { segments_per_side: u32::MAX, ..StreamLimits::default() };
        let engine = StreamEngine::new(&StreamConfig::default(), &limits, HostPolicies::default());
        let mut traffic = Self { engine, session: None, counters: Counters::default() };
        for it in [
            segment(ToServer, SYN, 0, 0, 0),
            segment(ToClient, SYN | ACK, 0, 1, 0),
            segment(ToServer, ACK, 1, 1, 0),
            segment(ToClient, ACK, 1, 1, 0),
        ] {
            traffic.follow(&it, &[]);
        }
        traffic
    }

    fn follow(&mut self, segment: &Segment, payload: &[u8]) {
        let tcp = Tcp::new(&segment.header).expect("20 bytes and more");
        let packet = Packet { transport: Transport::Tcp(tcp), payload, ..Packet::EMPTY };
        let time = Timestamp::ZERO;
        self.engine.follow(&mut self.session, &packet, segment.direction, time, &mut self.counters);
    }

    fn release(&mut self) {
        let session = self.session.as_mut().expect("it is open");
        let end = session.side(ToServer).usable_end();
        self.engine.release(session, ToServer, end);
    }

    fn run(&mut self, segments: &[Segment], payload: &[u8]) {
        for segment in segments {
            self.follow(segment, &payload[..segment.len]);
            if segment.direction == ToClient {
                self.release();
            }
        }
        assert_eq!(self.session.as_ref().expect("it is open").side(ToServer).right_edge(), END as u64);
    }
}

fn reassembly(criterion: &mut Criterion) {
    let in_order: Vec<_> = (0..END)
        .step_by(2048)
        .flat_map(|at| {
            let acknowledgement = segment(ToClient, ACK, 1, 1 + (at + 2048) as u32, 0);
            [data(at, 1024), data(at + 1024, 1024), acknowledgement]
        })
        .collect();
    let backwards: Vec<_> = (0..END).rev().map(|at| data(at, 1)).collect();
    let holes = |from: usize| (from..END / 16).step_by(2).map(|at| data(at * 16, 16));
    let holes: Vec<_> = holes(1).chain(holes(0)).collect();
    let payload = [b'x'; 1024];
    let mut group = criterion.benchmark_group("reassembly");
    for (name, segments) in [("in_order", &in_order), ("backwards", &backwards), ("holes", &holes)] {
        group.throughput(Throughput::Elements(segments.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                Traffic::open,
                |traffic| traffic.run(segments, &payload),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, reassembly);
criterion_main!(benches);
