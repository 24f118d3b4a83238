//! How far each segment was settled, on disk.
//!
//! Written beside the segments and moved into place, without waiting for the disk: an old cursor only means that
//! events are sent again with the ids they had.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

const NAME: &str = "cursor";
const NEW_NAME: &str = "cursor.new";
const ENTRY_BYTES: usize = 16;

/// Offsets by segment; nothing where the file is missing or damaged.
pub(super) fn read(directory: &Path) -> BTreeMap<u64, u64> {
    fs::read(directory.join(NAME)).ok().and_then(|bytes| decode(&bytes)).unwrap_or_default()
}

pub(super) fn write(directory: &Path, offsets: impl Iterator<Item = (u64, u64)>) -> io::Result<()> {
    let mut bytes = Vec::new();
    for (segment, offset) in offsets {
        bytes.extend_from_slice(&segment.to_le_bytes());
        bytes.extend_from_slice(&offset.to_le_bytes());
    }
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    let new = directory.join(NEW_NAME);
    fs::write(&new, bytes)?;
    fs::rename(new, directory.join(NAME))
}

fn decode(bytes: &[u8]) -> Option<BTreeMap<u64, u64>> {
    let (entries, crc) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(entries) != u32::from_le_bytes(*crc) {
        return None;
    }
    let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).ok();
    entries
        .chunks_exact(ENTRY_BYTES)
        .map(|entry| Some((number(&entry[..8])?, number(&entry[8..])?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_a_damaged_one_does_not() {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        assert!(read(directory.path()).is_empty());
        let offsets = BTreeMap::from([(1, 2), (3, 4)]);
        write(directory.path(), offsets.clone().into_iter()).expect("the directory is writable");
        assert_eq!(read(directory.path()), offsets);
        let path = directory.path().join(NAME);
        let mut bytes = fs::read(&path).expect("it was written");
        bytes[3] ^= 1;
        fs::write(&path, bytes).expect("the directory is writable");
        assert!(read(directory.path()).is_empty());
    }
}
