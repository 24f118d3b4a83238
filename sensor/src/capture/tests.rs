//! Formats, faults and cuts, through the reader and the files.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use fixtures::TimedFrame;
use fixtures::pcap_file::{ByteOrder, PcapNg, block};
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::testing::{Outcome, Variant, classic, drain, pcapng, read, read_pieces, samples};
use super::*;
use crate::limits::CaptureLimits;
use crate::time::Timestamp;

const OBSOLETE_PACKET: u32 = 2;
const ETHERNET: u32 = 1;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("writes to memory");
    encoder.finish().expect("writes to memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("writes to memory")
}

fn store(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, bytes).expect("a writable directory");
    path
}

fn files(paths: &[PathBuf]) -> CaptureFiles {
    CaptureFiles::new(paths, &CaptureLimits::default())
}

fn corrupt(outcome: &Outcome) -> (u64, FormatFault) {
    match outcome.faults.as_slice() {
        [CaptureError::Corrupt { position, fault }] => (position.offset, *fault),
        other => panic!("expected one fault of format, got {other:?}"),
    }
}

#[test]
fn classic_files_in_every_variant() {
    let samples = samples(40, 70_000);
    for variant in Variant::ALL {
        for byte_order in [ByteOrder::Little, ByteOrder::Big] {
            let outcome = read(&variant.file(byte_order, &samples));
            assert_eq!(outcome.fault(), "");
            assert_eq!(outcome.samples(), samples, "{variant:?}, {byte_order:?}");
            assert!(outcome.frames.iter().all(|got| got.link == LinkType::ETHERNET));
            assert!(outcome.frames.iter().enumerate().all(|(n, got)| got.ordinal == n as u64));
            assert!(outcome.frames.iter().all(|got| usize::from(got.shard) == got.bytes.len()));
            let seconds: Vec<_> =
                outcome.ticks.iter().map(|tick| (tick.ordinal, tick.clock.as_secs())).collect();
            assert_eq!(seconds, [(0, 1_700_000_000), (15, 1_700_000_001), (29, 1_700_000_002)]);
        }
    }
}

#[test]
fn classic_fields_are_taken_as_they_are() {
    let mut file = classic(&[]);
    file[20..24].copy_from_slice(&0xf400_000c_u32.to_le_bytes());
    for word in [7_u32, 2_500_000, 2, 1500] {
        file.extend(word.to_le_bytes());
    }
    file.extend([1, 2]);
    let outcome = read(&file);
    let got = &outcome.frames[0];
    assert_eq!(got.time, Timestamp::new(9, 500_000_000), "a fraction of more than a second is added");
    assert_eq!(
        (got.wire_len, got.link),
        (1500, LinkType::RAW),
        "the bits of the FCS are not the link type's"
    );
}

#[test]
fn pcapng_sections_interfaces_and_packet_blocks() {
    let mut obsolete = vec![0, 0, 0, 9];
    obsolete.extend([0, 1_000_000, 8, 8].map(u32::to_be_bytes).concat());
    obsolete.extend(b"obsolete");
    let file = PcapNg::new(ByteOrder::Little)
        .interface_with(ETHERNET, 0, None, &[(2, b"eth0".to_vec()), (9, vec![9])])
        .interface_with(101, 0, None, &[(9, vec![0x80 | 4]), (14, (-5_i64).to_le_bytes().to_vec())])
        .enhanced(1, 16 * 100 + 8, 3, 3, b"raw")
        .block(0x0bad, &[7; 100])
        .enhanced(0, 96_000_000_001, 8, 1000, b"ethernet")
        .section(ByteOrder::Big)
        .interface_with(113, 4, None, &[(14, 10_i64.to_be_bytes().to_vec())])
        .block(block::SIMPLE_PACKET, b"\0\0\0\x09cook")
        .block(OBSOLETE_PACKET, &obsolete)
        .block(block::INTERFACE_STATISTICS, &[])
        .simple_packet(b"end");
    let outcome = read(&file.into_bytes());
    assert_eq!(outcome.fault(), "");
    let got: Vec<_> = outcome
        .frames
        .iter()
        .map(|got| (got.link.0, got.time.as_nanos(), got.wire_len, got.bytes.as_slice()))
        .collect();
    let expected: [(u16, u64, u32, &[u8]); 5] = [
        (101, 95_500_000_000, 3, b"raw"),
        (1, 96_000_000_001, 1000, b"ethernet"),
        (113, 96_000_000_001, 9, b"cook"),
        (113, 11_000_000_000, 8, b"obsolete"),
        (113, 11_000_000_000, 3, b"end"),
    ];
    assert_eq!(got, expected);
}

#[test]
fn a_block_longer_than_a_burst_is_stepped_over_in_little_memory() {
    let samples = samples(3, 1);
    let (time_ns, bytes) = &samples[2];
    let file = pcapng(&samples[..2]).block(0x4000_0bad, &vec![1; 5_000_000]).packet(0, *time_ns, bytes);
    let outcome = read(&file.into_bytes());
    assert_eq!(outcome.fault(), "");
    assert_eq!(outcome.samples(), samples);
    assert!(outcome.largest_burst <= 2 << 20);
}

#[test]
fn classic_faults_have_their_place() {
    let file = classic(&samples(3, 1));
    let last = classic(&samples(2, 1)).len();
    let mut long = file.clone();
    long[last + 8..last + 12].copy_from_slice(&300_000_u32.to_le_bytes());
    let outcome = read(&long);
    assert_eq!(outcome.frames.len(), 2);
    assert_eq!(corrupt(&outcome), (last as u64, FormatFault::FrameTooLong { len: 300_000, limit: 262_144 }));

    let mut version = file.clone();
    version[4] = 3;
    assert!(matches!(corrupt(&read(&version)), (0, FormatFault::Version { major: 3, minor: 4, .. })));

    let cut = read(&file[..file.len() - 1]);
    assert_eq!(corrupt(&cut), (last as u64, FormatFault::Truncated { expected: 30, found: 29 }));
    assert_eq!(cut.fault(), format!("memory: byte {last}: cut short: expected 30 bytes, found 29"));
    assert_eq!(corrupt(&read(&file[..20])), (0, FormatFault::Truncated { expected: 24, found: 20 }));
}

#[test]
fn pcapng_faults_have_their_place() {
    let start = || pcapng(&[(0, b"good".to_vec())]);
    let at = start().into_bytes().len();
    let patched = |file: PcapNg, offset: usize, value: u8| {
        let mut bytes = file.into_bytes();
        bytes[at + offset] = value;
        bytes
    };
    let little = ByteOrder::Little;
    let cases = [
        (
            patched(start().section(ByteOrder::Big), 8, 0),
            at,
            FormatFault::ByteOrderMagic { found: 0x002b_3c4d },
        ),
        (patched(start().block(9, &[]), 4, 13), at, FormatFault::BlockLength { len: 13, least: 12 }),
        (
            patched(start().block(9, &[0; 8]), 19, 1),
            at + 16,
            FormatFault::BlockTrailer { expected: 20, found: 0x0100_0014 },
        ),
        (
            patched(start().enhanced(0, 0, 0, 0, b""), 31, 1),
            at,
            FormatFault::BlockTrailer { expected: 32, found: 0x0100_0020 },
        ),
        (
            start().enhanced(0, 0, 5, 5, b"four").into_bytes(),
            at,
            FormatFault::CapturedLength { len: 5, room: 4 },
        ),
        (
            patched(start().section(little), 12, 2),
            at,
            FormatFault::Version { format: "pcapng", expected: "1", major: 2, minor: 0 },
        ),
        (
            start().enhanced(1, 0, 0, 0, b"").into_bytes(),
            at,
            FormatFault::UnknownInterface { id: 1, count: 1 },
        ),
        (
            start().section(little).simple_packet(b"").into_bytes(),
            at + 28,
            FormatFault::UnknownInterface { id: 0, count: 0 },
        ),
        (
            start().interface_with(ETHERNET, 0, None, &[(9, vec![1, 2])]).into_bytes(),
            at,
            FormatFault::OptionLength { code: 9, len: 2 },
        ),
        (
            start().block(block::INTERFACE, &[1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 5, 0, 6, 0, 0, 0]).into_bytes(),
            at,
            FormatFault::OptionLength { code: 9, len: 5 },
        ),
        (
            start().packet(0, 0, &vec![0; 262_145]).into_bytes(),
            at,
            FormatFault::FrameTooLong { len: 262_145, limit: 262_144 },
        ),
        (
            start().interface_with(ETHERNET, 0, None, &vec![(1, vec![0; 65_532]); 17]).into_bytes(),
            at,
            FormatFault::BlockTooLong { len: 24 + 17 * 65_536, limit: 1 << 20 },
        ),
    ];
    for (bytes, offset, fault) in cases {
        let outcome = read(&bytes);
        assert_eq!(corrupt(&outcome), (offset as u64, fault));
        assert_eq!(outcome.frames.len(), 1, "the frame before {fault} is delivered");
    }
}

#[test]
fn interfaces_are_limited() {
    let limits = CaptureLimits { interfaces: 2, ..CaptureLimits::default() };
    let two = PcapNg::new(ByteOrder::Little)
        .interface(ETHERNET, None)
        .interface(ETHERNET, None)
        .section(ByteOrder::Little)
        .interface(ETHERNET, None)
        .interface(ETHERNET, None);
    assert_eq!(read_pieces(&two.clone().into_bytes(), &[], false, &limits).fault(), "");
    let three = two.interface(ETHERNET, None).into_bytes();
    let outcome = read_pieces(&three, &[], false, &limits);
    assert_eq!(corrupt(&outcome).1, FormatFault::TooManyInterfaces { limit: 2 });
}

#[test]
fn compressed_files_read_like_plain_ones() {
    let samples = samples(100, 40_000);
    let plain = classic(&samples);
    let (front, back) = plain.split_at(1000);
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4], zstd(&plain).as_slice()].concat();
    for packed in [
        gzip(&plain),
        [gzip(front), gzip(back)].concat(),
        zstd(&plain),
        [zstd(front), zstd(back)].concat(),
        skippable,
        gzip(&pcapng(&samples).into_bytes()),
    ] {
        let outcome = read(&packed);
        assert_eq!(outcome.fault(), "");
        assert_eq!(outcome.samples(), samples);
        assert_eq!(outcome.ticks, read(&plain).ticks);
    }
}

#[test]
fn faults_of_compressed_files() {
    let samples = samples(20, 1);
    let plain = classic(&samples);
    let outcome = read(&gzip(&plain[..plain.len() - 1]));
    assert_eq!(outcome.samples(), samples[..19]);
    assert!(outcome.fault().contains("of the decompressed data: cut short"), "{}", outcome.fault());

    let packed = zstd(&plain);
    assert!(matches!(
        read(&packed[..packed.len() - 1]).faults.as_slice(),
        [CaptureError::Decompress { compression: Compression::Zstd, .. }]
    ));
    let mut damaged = gzip(&plain);
    let end = damaged.len() - 8;
    damaged[end] ^= 1;
    let outcome = read(&damaged);
    assert_eq!(outcome.samples(), samples, "the checksum comes last");
    assert!(matches!(outcome.faults.as_slice(), [CaptureError::Decompress { .. }]));

    let window = CaptureLimits { zstd_window_log: 10, ..CaptureLimits::default() };
    let wide = zstd::encode_all(vec![7; 1 << 20].as_slice(), 19).expect("writes to memory");
    let outcome = read_pieces(&wide, &[], false, &window);
    assert!(matches!(outcome.faults.as_slice(), [CaptureError::Decompress { .. }]), "{}", outcome.fault());
}

#[test]
fn files_in_turn_are_one_stream() {
    let directory = tempfile::tempdir().expect("a directory");
    let samples = samples(90, 100_000);
    let whole = drain(&mut files(&[store(directory.path(), "whole", &classic(&samples))]));
    assert_eq!(whole.samples(), samples);
    let parts = directory.path().join("parts");
    fs::create_dir(&parts).unwrap();
    store(&parts, "1.pcap", &classic(&samples[..31]));
    store(&parts, "2.pcapng.gz", &gzip(&pcapng(&samples[31..32]).into_bytes()));
    store(&parts, "3.pcap.zst", &zstd(&Variant::Nanoseconds.file(ByteOrder::Big, &samples[32..])));
    store(&parts, "notes.txt", b"not a capture");
    store(&parts, "empty", b"");
    let mut source = files(std::slice::from_ref(&parts));
    let joined = drain(&mut source);
    assert_eq!(joined.fault(), "");
    assert_eq!(joined.frames, whole.frames);
    assert_eq!(joined.ticks, whole.ticks);
    assert_eq!(source.skipped(), [parts.join("empty"), parts.join("notes.txt")]);
    let progress = source.progress();
    assert_eq!(Some(progress.bytes_read()), progress.bytes_total());
}

#[test]
fn a_fault_ends_its_file_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let samples = samples(30, 1);
    let file = classic(&samples);
    let missing = directory.join("missing");
    let strange = store(directory, "strange", b"snoop\0\0\0\0\0\0\x02\0\0\0\x04");
    let cut = store(directory, "cut", &file[..file.len() - 3]);
    let empty = store(directory, "empty", b"");
    let good = store(directory, "good", &file);
    let mut source = files(&[missing.clone(), cut, strange.clone(), empty.clone(), good]);
    let outcome = drain(&mut source);
    assert_eq!(outcome.samples(), [&samples[..29], &samples].concat());
    assert_eq!(outcome.frames.last().map(|got| got.ordinal), Some(58));
    match outcome.faults.as_slice() {
        [first, cut, third, fourth] => {
            assert_eq!(first.to_string(), format!("{}: no such file or directory", missing.display()));
            assert!(first.is_missing_input() && !cut.is_missing_input() && !third.is_missing_input());
            assert!(cut.to_string().contains("cut short"));
            let text = "not a capture file: begins with 73 6e 6f 6f 70 00 00 00 \
                        (a snoop capture; editcap can convert it)";
            assert_eq!(third.to_string(), format!("{}: {text}", strange.display()));
            assert_eq!(fourth.to_string(), format!("{}: not a capture file: it is empty", empty.display()));
        }
        other => panic!("expected four faults, got {other:?}"),
    }
    let progress = source.progress();
    assert_eq!(Some(progress.bytes_read()), progress.bytes_total());
}

#[test]
fn filtered_frames_take_no_ordinal_and_no_tick() {
    let directory = tempfile::tempdir().expect("a directory");
    let samples: Vec<_> = (0..10_u64).map(|n| (n * 1_000_000_000, vec![0; 14 + n as usize])).collect();
    let path = store(directory.path(), "all", &classic(&samples));
    let filter = FrameFilter::compile("greater 20").expect("a valid expression");
    let mut source = files(&[path]).with_filter(filter);
    let outcome = drain(&mut source);
    let kept = store(directory.path(), "kept", &classic(&samples[6..]));
    let expected = drain(&mut files(&[kept]));
    assert_eq!((outcome.frames, outcome.ticks), (expected.frames, expected.ticks));
    assert_eq!(source.filtered(), 6);
}

#[test]
fn a_filter_that_fits_no_such_link_is_a_fault_of_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let mixed = pcapng(&[(1, vec![0; 14])]).interface(101, None).packet(1, 2, &[0; 20]);
    let path = store(directory.path(), "mixed", &mixed.into_bytes());
    let filter = FrameFilter::compile("not ether host 1:2:3:4:5:6").expect("fits Ethernet");
    let outcome = drain(&mut files(&[path]).with_filter(filter));
    assert_eq!(outcome.frames.len(), 1);
    assert!(matches!(outcome.faults.as_slice(), [CaptureError::Filter { .. }]), "{}", outcome.fault());
}

#[test]
fn a_pipe_hands_frames_on_before_the_next_read() {
    let samples = samples(8, 1);
    let (first, second) = (classic(&samples[..3]), classic(&samples));
    let lens = [24, first.len() - 24 + 10, second.len() - first.len() - 10];
    let outcome = read_pieces(&second, &lens, true, &CaptureLimits::default());
    assert_eq!(outcome.samples(), samples);
    assert_eq!(
        outcome.largest_burst,
        second.len() - first.len(),
        "the second read's frames came by themselves"
    );
}

fn small_limits() -> impl Strategy<Value = CaptureLimits> {
    (1_u32..40, 1_u32..3000).prop_map(|(burst_frames, burst_bytes)| CaptureLimits {
        burst_frames,
        burst_bytes,
        ..CaptureLimits::default()
    })
}

/// A valid capture in one of the seven formats.
fn capture(format: usize, samples: &[TimedFrame]) -> Vec<u8> {
    let byte_order = if format.is_multiple_of(2) { ByteOrder::Little } else { ByteOrder::Big };
    match Variant::ALL.get(format / 2) {
        Some(variant) => variant.file(byte_order, samples),
        None => pcapng(samples).into_bytes(),
    }
}

proptest! {
    #[test]
    fn any_bytes_end_in_frames_or_a_fault(
        format in 0_usize..7,
        mut noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        tail in prop::collection::vec(any::<u8>(), 0..200),
        lens in prop::collection::vec(1_usize..100, 0..50),
        packing in 0..3,
    ) {
        let mut bytes = capture(format, &samples(30, 300_000));
        bytes.extend(tail);
        let packed = match packing { 0 => None, 1 => Some(gzip(&bytes)), _ => Some(zstd(&bytes)) };
        let mut bytes = packed.unwrap_or(bytes);
        for (at, value) in noise.drain(..) {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let outcome = read_pieces(&bytes, &lens, false, &CaptureLimits::default());
        prop_assert!(outcome.faults.len() <= 1);
        if let [CaptureError::Corrupt { position, .. }] = outcome.faults.as_slice()
            && !position.decompressed
        {
            prop_assert!(position.offset <= bytes.len() as u64);
        }
    }

    #[test]
    fn a_cut_leaves_the_frames_before_it(format in 0_usize..7, cut in any::<prop::sample::Index>()) {
        let samples = samples(25, 300_000);
        let whole = capture(format, &samples);
        let cut = cut.index(whole.len());
        let outcome = read(&whole[..cut]);
        let complete = (0..=samples.len()).rev().find(|&count| capture(format, &samples[..count]).len() <= cut);
        prop_assert_eq!(outcome.samples(), &samples[..complete.unwrap_or(0)]);
        let least = capture(format, &[]).len();
        let on_a_boundary = (0..samples.len()).any(|count| capture(format, &samples[..count]).len() == cut)
            || (format == 6 && cut == 28 && cut < least);
        prop_assert_eq!(outcome.faults.is_empty(), on_a_boundary, "{}", outcome.fault());
    }

    #[test]
    fn bursts_may_be_cut_anywhere(
        format in 0_usize..7,
        limits in small_limits(),
        lens in prop::collection::vec(1_usize..200, 0..80),
        waits: bool,
    ) {
        let whole = capture(format, &samples(60, 150_000));
        let expected = read(&whole);
        let outcome = read_pieces(&whole, &lens, waits, &limits);
        prop_assert_eq!(outcome.frames, expected.frames);
        prop_assert_eq!(outcome.ticks, expected.ticks);
        prop_assert!(outcome.faults.is_empty());
    }

    #[test]
    fn a_cut_compressed_file_yields_a_beginning(cut in any::<prop::sample::Index>(), use_zstd: bool) {
        let samples = samples(25, 300_000);
        let plain = classic(&samples);
        let packed = if use_zstd { zstd(&plain) } else { gzip(&plain) };
        let outcome = read(&packed[..cut.index(packed.len())]);
        let got = outcome.samples();
        prop_assert_eq!(&samples[..got.len()], got);
        prop_assert_eq!(outcome.faults.len(), 1);
    }
}
