//! Classic pcap files: a header, then records. Both byte orders, micro- and nanoseconds, and the longer record
//! headers of Alexey Kuznetzov's patched libpcap.
//!
//! Source: draft-ietf-opsawg-pcap; the magic numbers of variants as libpcap's `sf-pcap.c` documents them.

use super::error::FormatFault;
use super::format::{Format, Step};
use super::frame::{FoundFrame, LinkType};
use crate::limits::CaptureLimits;
use crate::time::Timestamp;

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
const MODIFIED: u32 = 0xa1b2_cd34;

/// What the file header says about every record.
#[derive(Clone, Copy, Debug)]
pub(super) struct PcapFile {
    big_endian: bool,
    /// Nanoseconds in a unit of the fraction.
    unit_ns: u64,
    record_header_len: usize,
    link: LinkType,
    frame_limit: u32,
}

impl PcapFile {
    /// Length of the file header.
    pub(super) const HEADER_BYTES: usize = 24;

    /// Reads the file header; none if the magic number is another's.
    pub(super) fn open(beginning: &[u8], limits: &CaptureLimits) -> Result<Option<Self>, FormatFault> {
        let Some((magic, big_endian)) = beginning.first_chunk().and_then(magic) else { return Ok(None) };
        let Some(header) = beginning.first_chunk::<{ Self::HEADER_BYTES }>() else {
            let (expected, found) = (Self::HEADER_BYTES as u64, beginning.len() as u64);
            return Err(FormatFault::Truncated { expected, found });
        };
        let half = |at: usize| {
            let bytes = [header[at], header[at + 1]];
            if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
        };
        let (major, minor) = (half(4), half(6));
        // Until 2.2 the two lengths of a record stood in the other order.
        if major != 2 || minor < 3 {
            return Err(FormatFault::Version { format: "pcap", expected: "2.4", major, minor });
        }
        Ok(Some(Self {
            big_endian,
            unit_ns: if magic == NANOSECONDS { 1 } else { 1000 },
            record_header_len: if magic == MODIFIED { 24 } else { 16 },
            link: LinkType::from_field(word(header, 20, big_endian)),
            frame_limit: limits.frame_bytes,
        }))
    }

    /// Whether `bytes` are the beginning of a magic number and no more.
    pub(super) fn cut(bytes: &[u8]) -> bool {
        let begins =
            |magic: u32| magic.to_be_bytes().starts_with(bytes) || magic.to_le_bytes().starts_with(bytes);
        [MICROSECONDS, NANOSECONDS, MODIFIED].into_iter().any(begins)
    }
}

/// The magic number, read in the byte order in which it makes sense, and whether that is big-endian.
fn magic(bytes: &[u8; 4]) -> Option<(u32, bool)> {
    [(u32::from_be_bytes(*bytes), true), (u32::from_le_bytes(*bytes), false)]
        .into_iter()
        .find(|(magic, _)| [MICROSECONDS, NANOSECONDS, MODIFIED].contains(magic))
}

#[inline]
fn word<const N: usize>(header: &[u8; N], at: usize, big_endian: bool) -> u32 {
    let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
    if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

impl Format for PcapFile {
    #[inline]
    fn step(&mut self, bytes: &[u8]) -> Result<Step, FormatFault> {
        let Some(header) = bytes.first_chunk::<16>() else { return Ok(Step::More(self.record_header_len)) };
        let [seconds, fraction, captured_len, wire_len] =
            [0, 4, 8, 12].map(|at| word(header, at, self.big_endian));
        if captured_len > self.frame_limit {
            return Err(FormatFault::FrameTooLong { len: captured_len, limit: self.frame_limit });
        }
        let record_len = self.record_header_len + captured_len as usize;
        if bytes.len() < record_len {
            return Ok(Step::More(record_len));
        }
        let frame = FoundFrame {
            time: Timestamp::new(u64::from(seconds), u64::from(fraction) * self.unit_ns),
            wire_len: wire_len.max(captured_len),
            link: self.link,
            offset: self.record_header_len,
            captured_len,
        };
        Ok(Step::Frame { frame, record_len })
    }

    fn may_end(&self) -> bool {
        true
    }
}
