//! Putting fragments together: a datagram of 60 KiB in order, backwards, and as a storm of small overlapping pieces,
//! whose cost per fragment must not grow with what is already there.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rules::view::Packet;
use sensor::capture::{Frame, LinkType};
use sensor::counter::Counters;
use sensor::decode::Decoder;
use sensor::limits::FragmentLimits;
use sensor::reassembly::fragment::{Defragmenter, HostPolicies, OverlapPolicy};
use sensor::time::Timestamp;

const END: usize = 61_440;

/// An IPv4 fragment of one datagram.
fn fragment(offset: usize, data_len: usize) -> Vec<u8> {
    let more = u16::from(offset + data_len < END) << 13;
    let mut bytes = vec![0; 20 + data_len];
    let total_len = bytes.len() as u16;
    bytes[0] = 0x45;
    bytes[2..4].copy_from_slice(&total_len.to_be_bytes());
    bytes[6..8].copy_from_slice(&((offset / 8) as u16 | more).to_be_bytes());
    bytes[8..10].copy_from_slice(&[64, 17]);
    bytes[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
    bytes
}

fn decode(bytes: &[u8]) -> Packet<'_> {
    let frame = Frame { ordinal: 0, time: Timestamp::ZERO, wire_len: 0, link: LinkType::RAW, bytes };
    let mut packets = Vec::new();
    Decoder::default().decode(&frame, &mut Counters::default(), &mut packets);
    packets[0]
}

fn defragment(criterion: &mut Criterion) {
    let in_order: Vec<_> =
        (0..END).step_by(1440).map(|offset| fragment(offset, 1440.min(END - offset))).collect();
    let backwards: Vec<_> = in_order.iter().rev().cloned().collect();
    // Every other block, then everything again in large fragments, the hole at the end never filled.
    let small = (0..END - 16).step_by(16).map(|offset| fragment(offset, 8));
    let storm: Vec<_> = small.chain((0..40).map(|_| fragment(0, 40_960))).collect();
    let mut group = criterion.benchmark_group("defragment");
    for (name, fragments) in [("in_order", &in_order), ("backwards", &backwards), ("storm", &storm)] {
        let packets: Vec<_> = fragments.iter().map(|bytes| decode(bytes)).collect();
        group.throughput(Throughput::Elements(packets.len() as u64));
        group.bench_function(name, |bencher| {
            let new =
                || Defragmenter::new(FragmentLimits::default(), HostPolicies::all(OverlapPolicy::First));
            let (mut counters, mut out) = (Counters::default(), Vec::new());
            bencher.iter_batched_ref(
                new,
                |defragmenter| {
                    for packet in &packets {
                        defragmenter.push(packet, Timestamp::ZERO, &mut counters, &mut out);
                    }
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, defragment);
criterion_main!(benches);
