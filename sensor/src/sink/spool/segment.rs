//! One file of the spool: frames one behind the other, written once, read once, deleted whole.

use super::frame::{Found, Frame, Walk};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"SNSPOOL1";
/// Where the frames begin.
pub(super) const HEADER_BYTES: u64 = MAGIC.len() as u64;
const SUFFIX: &str = ".spool";

/// A segment as the spool knows it; the bytes stay on disk.
#[derive(Debug)]
pub(super) struct Segment {
    /// Orders the segments: a lower one is older.
    pub(super) number: u64,
    /// Bytes of the file.
    pub(super) length: u64,
    /// Everything before this offset is settled.
    pub(super) start: u64,
    /// Everything before this offset was read.
    pub(super) read: u64,
    /// Events behind `read`.
    pub(super) unread: u64,
    /// When the youngest of its events was made, in ms since 1970.
    pub(super) newest_ms: u64,
}

/// What looking through a segment found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Scan {
    pub(super) damaged: u64,
    pub(super) torn: bool,
}

impl Segment {
    pub(super) fn path(directory: &Path, number: u64) -> PathBuf {
        directory.join(format!("{number:016x}{SUFFIX}"))
    }

    /// The numbers of the segments in a directory, in order.
    pub(super) fn list(directory: &Path) -> io::Result<Vec<u64>> {
        let mut numbers: Vec<u64> = fs::read_dir(directory)?
            .filter_map(|entry| {
                let name = entry.ok()?.file_name();
                u64::from_str_radix(name.to_str()?.strip_suffix(SUFFIX)?, 16).ok()
            })
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Looks through the whole file from `start` on, calls `each` for every event, and cuts off a torn tail.
    pub(super) fn recover(
        directory: &Path,
        number: u64,
        start: u64,
        mut each: impl FnMut(&Frame<'_>),
    ) -> io::Result<(Self, Scan)> {
        let path = Self::path(directory, number);
        let bytes = fs::read(&path)?;
        let mut segment = Self {
            number,
            length: bytes.len() as u64,
            start: start.max(HEADER_BYTES),
            read: start.max(HEADER_BYTES),
            unread: 0,
            newest_ms: 0,
        };
        let mut scan = Scan::default();
        // A damaged head is no reason to lose the frames behind it: the walk finds the first one.
        let from = if bytes.starts_with(MAGIC) { segment.start } else { 0 };
        let mut walk = Walk::new(&bytes, usize::try_from(from).unwrap_or(usize::MAX));
        let mut sound = walk.offset();
        while let Some(found) = walk.next() {
            match found {
                Found::Frame(frame) => {
                    segment.unread += 1;
                    segment.newest_ms = segment.newest_ms.max(frame.created_ms());
                    each(&frame);
                }
                Found::Damage => scan.damaged += 1,
                Found::Torn => {
                    scan.torn = true;
                    break;
                }
            }
            sound = walk.offset();
        }
        if scan.torn {
            segment.length = sound as u64;
            OpenOptions::new().write(true).open(&path)?.set_len(segment.length)?;
        }
        Ok((segment, scan))
    }

    /// Makes the file of a new segment.
    pub(super) fn create(directory: &Path, number: u64) -> io::Result<(Self, File)> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(Self::path(directory, number))?;
        file.write_all(MAGIC)?;
        let segment = Self {
            number,
            length: HEADER_BYTES,
            start: HEADER_BYTES,
            read: HEADER_BYTES,
            unread: 0,
            newest_ms: 0,
        };
        Ok((segment, file))
    }

    /// Whether all its events were delivered or given up.
    pub(super) fn is_settled(&self) -> bool {
        self.unread == 0 && self.start >= self.length
    }

    pub(super) fn delete(&self, directory: &Path) {
        // What cannot be deleted is found again at the next start, and its events are sent twice with equal ids.
        if let Err(error) = fs::remove_file(Self::path(directory, self.number)) {
            tracing::warn!(%error, segment = self.number, "a spool segment could not be deleted");
        }
    }
}
