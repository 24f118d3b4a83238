//! What the reader asks of a file format: to find the next frame in bytes that lie in memory.

use super::error::FormatFault;
use super::frame::FoundFrame;
use super::pcap_file::PcapFile;
use super::pcapng::Pcapng;
use crate::limits::CaptureLimits;

/// What lies at the front of the bytes shown.
#[derive(Debug)]
pub(super) enum Step {
    /// A frame, its offset counted from the front, in a record of `record_len` bytes.
    Frame { frame: FoundFrame, record_len: usize },
    /// Bytes without interest; there may be more of them than are in memory.
    Skip(u64),
    /// Something of which at least this many bytes must be in memory.
    More(usize),
}

/// A capture file format, walked record by record.
pub(super) trait Format {
    /// Says what lies at the front of `bytes`. A record is looked at again when more of it has come.
    fn step(&mut self, bytes: &[u8]) -> Result<Step, FormatFault>;

    /// Whether the file may end here.
    fn may_end(&self) -> bool;
}

/// The format of one capture, told by its first bytes.
#[derive(Debug)]
pub(super) enum CaptureFormat {
    /// Classic pcap, its file header read.
    Pcap(PcapFile),
    /// pcapng, from its first section header on.
    Pcapng(Pcapng),
}

/// Bytes by which a format is told; also the length of the classic file header.
pub(super) const BEGINNING_BYTES: usize = 24;

impl CaptureFormat {
    /// Reads the beginning of a file (24 bytes, fewer where the file is shorter): the format, and how many bytes of
    /// the beginning it has used up. None if it is in no known format.
    pub(super) fn detect(
        beginning: &[u8],
        limits: &CaptureLimits,
    ) -> Result<Option<(Self, usize)>, FormatFault> {
        if Pcapng::begins(beginning) {
            return Ok(Some((Self::Pcapng(Pcapng::new(limits)), 0)));
        }
        let file = PcapFile::open(beginning, limits)?;
        Ok(file.map(|file| (Self::Pcap(file), PcapFile::HEADER_BYTES)))
    }
}

/// Beginnings of what users mistake for captures.
const STRANGERS: &[(&[u8], &str)] = &[
    (b"snoop\0\0\0", "a snoop capture; editcap can convert it"),
    (b"btsnoop\0", "a Bluetooth snoop capture"),
    (b"GMBU", "a Microsoft Network Monitor capture; editcap can convert it"),
    (b"RTSS", "a Microsoft Network Monitor capture; editcap can convert it"),
    (b"XCP\0", "a NetXRay or Sniffer capture; editcap can convert it"),
    (b"TRSNIFF data", "a Sniffer capture; editcap can convert it"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (b"\xfd7zXZ\0", "xz-compressed; decompress it first"),
    (b"BZh", "bzip2-compressed; decompress it first"),
    (b"\x04\x22\x4d\x18", "lz4-compressed; decompress it first"),
    (b"\x1f\x8b", "gzip-compressed twice; decompress it first"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed twice; decompress it first"),
    (b"\x06\0\0\0", "seems to be a pcapng file without its beginning"),
    (b"\x01\0\0\0", "seems to be a pcapng file without its beginning"),
    (b"\0\0\0\x06", "seems to be a pcapng file without its beginning"),
    (b"\0\0\0\x01", "seems to be a pcapng file without its beginning"),
    (b"{", "looks like JSON"),
];

/// What a file seems to be that is in no known format.
pub(super) fn hint(beginning: &[u8]) -> Option<&'static str> {
    let known = STRANGERS.iter().find(|(magic, _)| beginning.starts_with(magic));
    if let Some((_, hint)) = known {
        return Some(hint);
    }
    if !beginning.is_empty() && (Pcapng::cut(beginning) || PcapFile::cut(beginning)) {
        return Some("seems to be a capture cut inside its magic number");
    }
    erf(beginning).then_some("may be an ERF capture; editcap can convert it")
}

/// Whether an ERF record may begin here: type, record length and wire length fit together. ERF has no magic number.
/// Source: Endace, ERF Types Reference Guide, generic header.
fn erf(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<16>() else { return false };
    let kind = header[8] & 0x7f;
    let record_len = u16::from_be_bytes([header[10], header[11]]);
    let wire_len = u16::from_be_bytes([header[14], header[15]]);
    (1..=48).contains(&kind) && record_len >= 16 && wire_len > 0 && record_len <= wire_len.saturating_add(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_named() {
        assert!(hint(b"snoop\0\0\0\0\0\0\x02").is_some_and(|h| h.contains("snoop")));
        assert!(hint(b"\x0a\x0d\x0d").is_some_and(|h| h.contains("cut")));
        assert!(hint(b"\xd4\xc3").is_some_and(|h| h.contains("cut")));
        let mut record = [0; 24];
        record[8] = 2;
        record[11] = 80;
        record[15] = 64;
        assert!(hint(&record).is_some_and(|h| h.contains("ERF")));
        assert_eq!(hint(b"time\tsid"), None);
        assert_eq!(hint(b""), None);
    }
}
