//! Decoding one packet, by kind: the hot path (Ethernet, IP, TCP or UDP), the shard hash, checksums, and a tunnel;
//! and every frame of the shared capture in turn, where it is present. etherparse's slicing alone for scale.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etherparse::{LaxSlicedPacket, PacketBuilder};
use rules::view::Packet;
use sensor::capture::{Frame, LinkType};
use sensor::counter::Counters;
use sensor::decode::{Decoder, checksum, shard};
use sensor::time::Timestamp;
use std::hint::black_box;

fn frame(bytes: &[u8]) -> Frame<'_> {
    Frame { ordinal: 0, time: Timestamp::ZERO, wire_len: bytes.len() as u32, link: LinkType::ETHERNET, bytes }
}

/// Named frames of 512 bytes of payload.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let payload = [7; 512];
    let ethernet = || PacketBuilder::ethernet2([1; 6], [2; 6]);
    let (a4, b4, a6, b6) = ([10, 0, 0, 1], [10, 0, 0, 2], [1; 16], [2; 16]);
    let mut frames = vec![("ipv4_tcp", Vec::new()), ("ipv4_udp", Vec::new()), ("ipv6_tcp", Vec::new())];
    let timestamps = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
    let tcp =
        ethernet().ipv4(a4, b4, 64).tcp(40_000, 443, 1, 2).options_raw(&timestamps).expect("twelve bytes");
    tcp.write(&mut frames[0].1, &payload).expect("a vector takes all");
    ethernet()
        .ipv4(a4, b4, 64)
        .udp(40_000, 53)
        .write(&mut frames[1].1, &payload)
        .expect("a vector takes all");
    ethernet().ipv6(a6, b6, 64).tcp(40_000, 443, 1, 2).write(&mut frames[2].1, &payload).expect("likewise");
    let mut vxlan = vec![8, 0, 0, 0, 0, 0, 1, 0];
    vxlan.extend_from_slice(&frames[0].1);
    let mut tunnel = Vec::new();
    ethernet().ipv4(a4, b4, 64).udp(40_000, 4789).write(&mut tunnel, &vxlan).expect("a vector takes all");
    frames.push(("vxlan", tunnel));
    frames
}

fn one_packet(criterion: &mut Criterion) {
    let decoder = Decoder::default();
    let mut group = criterion.benchmark_group("decode");
    for (name, bytes) in &samples() {
        let mut counters = Counters::default();
        group.bench_function(*name, |bencher| {
            let mut packets: Vec<Packet<'_>> = Vec::with_capacity(8);
            bencher.iter(|| {
                packets.clear();
                decoder.decode(&frame(black_box(bytes)), &mut counters, &mut packets);
                black_box(&packets);
            });
        });
        group.bench_function(format!("{name}/shard"), |bencher| {
            bencher.iter(|| shard(black_box(bytes), LinkType::ETHERNET));
        });
        group.bench_function(format!("{name}/etherparse"), |bencher| {
            bencher.iter(|| black_box(LaxSlicedPacket::from_ethernet(black_box(bytes)).is_ok()));
        });
        let mut packets = Vec::new();
        decoder.decode(&frame(bytes), &mut counters, &mut packets);
        group.bench_function(format!("{name}/checksums"), |bencher| {
            bencher.iter(|| checksum::verify(black_box(&packets[0])));
        });
    }
    group.finish();
}

/// The first frames of a real capture, bursts of 32 as a worker takes them.
fn capture(criterion: &mut Criterion) {
    const FRAMES: usize = 50_000;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures/perf.pcap");
    let Ok(mut file) = pcap::Capture::from_file(path) else {
        eprintln!("capture skips: captures/perf.pcap is not there");
        return;
    };
    let mut frames = Vec::with_capacity(FRAMES);
    while let (true, Ok(packet)) = (frames.len() < FRAMES, file.next_packet()) {
        frames.push(packet.data.to_vec());
    }
    let decoder = Decoder::default();
    let mut group = criterion.benchmark_group("decode_capture");
    group.throughput(Throughput::Elements(frames.len() as u64));
    group.sample_size(20);
    group.bench_function("decode", |bencher| {
        let mut counters = Counters::default();
        bencher.iter(|| {
            let mut packets: Vec<Packet<'_>> = Vec::with_capacity(64);
            for burst in frames.chunks(32) {
                packets.clear();
                burst.iter().for_each(|bytes| decoder.decode(&frame(bytes), &mut counters, &mut packets));
                black_box(&packets);
            }
        });
    });
    group.bench_function("shard", |bencher| {
        bencher.iter(|| frames.iter().map(|bytes| shard(bytes, LinkType::ETHERNET)).fold(0, |a, b| a ^ b));
    });
    group.finish();
}

criterion_group!(benches, one_packet, capture);
criterion_main!(benches);
