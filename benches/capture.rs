//! Reading captures: packets per second of each format, and of a real capture where one is present.

use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fixtures::pcap_file::{self, ByteOrder, PcapNg};
use sensor::capture::{Burst, CaptureFiles, Filled, FrameFilter, LinkType, PacketSource};
use sensor::limits::CaptureLimits;

const PACKETS: u64 = 100_000;

/// A real capture, outside the repository.
const REAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures/perf.pcap");

/// Reads to the end; gives the number of frames, and touches the bytes of each.
fn read(path: &Path, filter: Option<&str>) -> u64 {
    let mut source = CaptureFiles::new(&[path.to_path_buf()], &CaptureLimits::default());
    if let Some(expression) = filter {
        source = source.with_filter(FrameFilter::compile(expression).expect("a valid expression"));
    }
    let mut burst = Burst::default();
    let mut frames = 0;
    let shard_of = |_: LinkType, bytes: &[u8]| u16::from(bytes.get(29).is_some_and(|byte| byte & 1 == 1));
    while source.fill(&mut burst, &shard_of).expect("a sound capture") == Filled::Frames {
        frames += black_box(&burst).len() as u64;
    }
    frames
}

fn formats(c: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a directory");
    let frames: Vec<_> = (0..PACKETS)
        .map(|n| (1_700_000_000_000_000_000 + n * 10_000, vec![n as u8; 60 + (n * 37 % 900) as usize]))
        .collect();
    let classic = pcap_file::pcap(&frames);
    let start = PcapNg::new(ByteOrder::Little).interface(pcap_file::ETHERNET, Some(9));
    let next_generation =
        frames.iter().fold(start, |file, (time_ns, frame)| file.packet(0, *time_ns, frame)).into_bytes();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&classic).expect("writes to memory");
    let files = [
        ("pcap", classic.clone()),
        ("pcapng", next_generation),
        ("pcap.gz", gzip.finish().expect("writes to memory")),
        ("pcap.zst", zstd::encode_all(classic.as_slice(), 1).expect("writes to memory")),
    ];
    let mut group = c.benchmark_group("capture");
    group.throughput(Throughput::Elements(PACKETS));
    for (name, bytes) in files {
        let path = directory.path().join(name);
        fs::write(&path, bytes).expect("a writable directory");
        group.bench_function(name, |b| b.iter(|| assert_eq!(read(&path, None), PACKETS)));
    }
    group.finish();
}

fn real(c: &mut Criterion) {
    let path = PathBuf::from(REAL);
    if !path.exists() {
        eprintln!("capture/real: skipped, perf.pcap is not here");
        return;
    }
    let packets = read(&path, None);
    let mut group = c.benchmark_group("capture/real");
    group.throughput(Throughput::Elements(packets));
    group.bench_function("plain", |b| b.iter(|| assert_eq!(read(&path, None), packets)));
    group.bench_function("filtered", |b| b.iter(|| read(&path, Some("udp port 53"))));
    group.finish();
}

criterion_group!(benches, formats, real);
criterion_main!(benches);
