//! Capture files of every format, and everything that a reader gives out, for tests.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::PathBuf;

use fixtures::TimedFrame;
use fixtures::pcap_file::{self, ByteOrder, Classic, Pcap, PcapNg};

use super::clock::Clock;
use super::error::CaptureError;
use super::frame::{Burst, LinkType, Tick};
use super::reader::{CaptureReader, Intake, Reading, Source};
use super::source::{Filled, PacketSource};
use crate::limits::CaptureLimits;
use crate::time::Timestamp;

/// Frames `gap_us` apart, of differing lengths, the first of them empty.
pub(super) fn samples(count: usize, gap_us: u64) -> Vec<TimedFrame> {
    let sample = |n: usize| {
        let time_ns = 1_700_000_000_000_000_000 + n as u64 * gap_us * 1000;
        (time_ns, (0..n * 7 % 60).map(|byte| (byte + n) as u8).collect())
    };
    (0..count).map(sample).collect()
}

/// The classic format's units of time and kinds of record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Variant {
    Microseconds,
    Nanoseconds,
    /// Microseconds, and eight bytes more in each record's header.
    Modified,
}

impl Variant {
    pub(super) const ALL: [Self; 3] = [Self::Microseconds, Self::Nanoseconds, Self::Modified];

    /// A file of these frames.
    pub(super) fn file(self, byte_order: ByteOrder, samples: &[TimedFrame]) -> Vec<u8> {
        let header = Classic { byte_order, nanoseconds: self == Self::Nanoseconds, ..Classic::default() };
        let more: &[u8] = if self == Self::Modified { &[0; 8] } else { &[] };
        let write = |file: Pcap, (time_ns, bytes): &TimedFrame| {
            let len = bytes.len() as u32;
            file.record(*time_ns, len, len, more).raw(bytes)
        };
        let mut file = samples.iter().fold(Pcap::new(header), write).into_bytes();
        if self == Self::Modified {
            let magic = 0xa1b2_cd34_u32;
            file[..4].copy_from_slice(&match byte_order {
                ByteOrder::Little => magic.to_le_bytes(),
                ByteOrder::Big => magic.to_be_bytes(),
            });
        }
        file
    }
}

/// A classic file of these frames, in the plainest variant.
pub(super) fn classic(samples: &[TimedFrame]) -> Vec<u8> {
    Variant::Microseconds.file(ByteOrder::Little, samples)
}

/// A pcapng file of these frames: one little-endian section, one Ethernet interface.
pub(super) fn pcapng(samples: &[TimedFrame]) -> PcapNg {
    let start = PcapNg::new(ByteOrder::Little).interface(pcap_file::ETHERNET, None);
    samples.iter().fold(start, |file, (time_ns, bytes)| file.packet(0, *time_ns, bytes))
}

/// A frame that was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Got {
    pub(super) ordinal: u64,
    pub(super) time: Timestamp,
    pub(super) wire_len: u32,
    pub(super) link: LinkType,
    pub(super) bytes: Vec<u8>,
    pub(super) shard: u16,
}

/// All that was read, with the faults and before how many frames each was told.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) frames: Vec<Got>,
    pub(super) ticks: Vec<Tick>,
    pub(super) faults: Vec<CaptureError>,
    pub(super) largest_burst: usize,
}

impl Outcome {
    fn take(&mut self, burst: &Burst) {
        let got = (0..burst.len()).map(|index| {
            let frame = burst.frame(index);
            let (ordinal, time, wire_len, link) = (frame.ordinal, frame.time, frame.wire_len, frame.link);
            Got { ordinal, time, wire_len, link, bytes: frame.bytes.to_vec(), shard: burst.shard(index) }
        });
        self.frames.extend(got);
        self.ticks.extend(burst.ticks());
        self.largest_burst = self.largest_burst.max(burst.byte_len());
    }

    pub(super) fn samples(&self) -> Vec<TimedFrame> {
        self.frames.iter().map(|got| (got.time.as_nanos(), got.bytes.clone())).collect()
    }

    pub(super) fn fault(&self) -> String {
        self.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

/// Reads a source to its end, with the frame's length as its shard.
pub(super) fn drain(source: &mut dyn PacketSource) -> Outcome {
    let mut outcome = Outcome::default();
    let mut burst = Burst::default();
    loop {
        match source.fill(&mut burst, &|_, bytes| bytes.len() as u16) {
            Ok(Filled::Frames | Filled::Idle) => outcome.take(&burst),
            Ok(Filled::Ended) => return outcome,
            Err(fault) => outcome.faults.push(fault),
        }
    }
}

/// Gives its bytes out in pieces of the given lengths, then the rest.
struct Pieces {
    bytes: io::Cursor<Vec<u8>>,
    lens: VecDeque<usize>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.lens.pop_front().unwrap_or(usize::MAX).clamp(1, buffer.len());
        self.bytes.read(&mut buffer[..len])
    }
}

/// Reads one capture from memory, arriving in pieces.
pub(super) fn read_pieces(bytes: &[u8], lens: &[usize], waits: bool, limits: &CaptureLimits) -> Outcome {
    let pieces = Pieces { bytes: io::Cursor::new(bytes.to_vec()), lens: lens.iter().copied().collect() };
    let source = Source { name: PathBuf::from("memory"), bytes: Box::new(pieces), waits };
    let mut outcome = Outcome::default();
    let mut reader = match CaptureReader::open(source, limits) {
        Ok(reader) => reader,
        Err(fault) => {
            outcome.faults.push(fault);
            return outcome;
        }
    };
    let (mut burst, mut clock, mut filtered) = (Burst::default(), Clock::new(), 0);
    loop {
        burst.restart(burst.end_ordinal());
        let shard_of = |_, bytes: &[u8]| bytes.len() as u16;
        let mut intake =
            Intake { clock: &mut clock, filter: None, filtered: &mut filtered, shard_of: &shard_of };
        let reading = reader.fill(&mut burst, &mut intake);
        outcome.take(&burst);
        match reading {
            Ok(Reading::More) => assert!(!burst.is_empty(), "a reader that gives nothing has ended"),
            Ok(Reading::Ended) => return outcome,
            Err(fault) => {
                outcome.faults.push(fault);
                return outcome;
            }
        }
    }
}

/// Reads one capture from memory.
pub(super) fn read(bytes: &[u8]) -> Outcome {
    read_pieces(bytes, &[], false, &CaptureLimits::default())
}
