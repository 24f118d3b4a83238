//! The contents of a file that is read or written, in whatever order its pieces come.

use crate::app_layer::file::transfer::Files;
use std::collections::BTreeMap;

/// The most pieces that wait for those before them (suricata.yaml, `max-read-queue-cnt` and `max-write-queue-cnt`).
const MAX_PIECES: usize = 64;
/// The most bytes of them.
const MAX_BYTES: usize = 1 << 20;

/// What is wrong with a piece.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// What it says was said before.
    Overlap,
    /// Too many wait; the file is taken as far as it came.
    Crowded,
    /// Those that wait are too long together, likewise.
    TooLong,
}

/// One way of a file.
#[derive(Debug)]
pub(super) struct Transfer {
    /// The transaction that shows it.
    pub(super) transaction: u64,
    /// How far it has come without a hole.
    end: u64,
    /// Pieces behind a hole, by their place.
    waiting: BTreeMap<u64, Vec<u8>>,
    waiting_bytes: usize,
    /// A hole that will not be filled.
    cut: bool,
}

impl Transfer {
    pub(super) fn new(transaction: u64) -> Self {
        Self { transaction, end: 0, waiting: BTreeMap::new(), waiting_bytes: 0, cut: false }
    }

    /// How far it has come without a hole.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Bytes of pieces that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting_bytes
    }

    /// Takes no piece any more that would have to wait: the connection has no room for it.
    pub(super) fn refuse(&mut self) -> Option<Fault> {
        let was_cut = self.cut;
        self.cut();
        (!was_cut).then_some(Fault::TooLong)
    }

    /// Adds a piece that stands at an offset.
    pub(super) fn add(&mut self, offset: u64, bytes: &[u8], files: &mut Files) -> Option<Fault> {
        if self.cut || bytes.is_empty() {
            return None;
        }
        if offset > self.end {
            return self.keep(offset, bytes);
        }
        let overlap = self.push(offset, bytes, files);
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() <= self.end) {
            let (offset, bytes) = entry.remove_entry();
            self.waiting_bytes -= bytes.len();
            self.push(offset, &bytes, files);
        }
        overlap.then_some(Fault::Overlap)
    }

    /// Hands on what is new of a piece; says whether some of it is not.
    fn push(&mut self, offset: u64, bytes: &[u8], files: &mut Files) -> bool {
        let known = usize::try_from(self.end - offset).unwrap_or(usize::MAX).min(bytes.len());
        files.push(&bytes[known..]);
        self.end += (bytes.len() - known) as u64;
        known > 0
    }

    /// Lets a piece wait, or what comes next of the last that does.
    fn keep(&mut self, offset: u64, bytes: &[u8]) -> Option<Fault> {
        let fault = if self.waiting_bytes + bytes.len() > MAX_BYTES {
            Some(Fault::TooLong)
        } else if let Some((_, piece)) = self
            .waiting
            .range_mut(..offset)
            .next_back()
            .filter(|(start, piece)| start.checked_add(piece.len() as u64) == Some(offset))
        {
            piece.extend_from_slice(bytes);
            None
        } else if self.waiting.len() == MAX_PIECES {
            Some(Fault::Crowded)
        } else {
            let before = self.waiting.insert(offset, bytes.to_vec());
            self.waiting_bytes -= before.map_or(0, |before| before.len());
            None
        };
        if fault.is_none() {
            self.waiting_bytes += bytes.len();
        } else {
            self.cut();
        }
        fault
    }

    /// What comes next was never seen.
    pub(super) fn cut(&mut self) {
        self.cut = true;
        self.waiting.clear();
        self.waiting_bytes = 0;
    }

    /// Whether it was seen from its first byte to its last so far.
    pub(super) fn is_whole(&self) -> bool {
        !self.cut && self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_layer::file::fields;

    fn file() -> (Transfer, Files) {
        let mut files = Files::default();
        files.begin(b"name".to_vec());
        (Transfer::new(0), files)
    }

    fn contents(mut files: Files) -> Vec<u8> {
        files.end();
        files.values(&fields::DATA).concat()
    }

    #[test]
    fn pieces_may_end_beyond_all_offsets() {
        let (mut transfer, mut files) = file();
        for offset in [u64::MAX - 1, u64::MAX] {
            assert_eq!(transfer.add(offset, b"abc", &mut files), None);
        }
        assert_eq!(transfer.waiting(), 6);
        assert!(contents(files).is_empty());
    }

    #[test]
    fn pieces_are_put_in_order() {
        let (mut transfer, mut files) = file();
        for (offset, bytes) in [(6, "wor"), (9, "ld"), (3, "lo "), (0, "hel")] {
            assert_eq!(transfer.add(offset, bytes.as_bytes(), &mut files), None, "{bytes}");
        }
        assert_eq!(transfer.add(8, b"ld!", &mut files), Some(Fault::Overlap));
        assert!(transfer.is_whole());
        assert_eq!(contents(files), b"hello world");
    }

    #[test]
    fn what_waits_is_bounded() {
        let (mut transfer, mut files) = file();
        let offsets = (1..).map(|at| at * 10);
        let found = offsets.take(MAX_PIECES + 1).map(|at| transfer.add(at, b"x", &mut files));
        assert_eq!(found.last().unwrap(), Some(Fault::Crowded));
        assert!(!transfer.is_whole());
        assert_eq!(transfer.add(0, b"late", &mut files), None);

        let (mut transfer, _) = file();
        assert_eq!(transfer.add(1, &vec![0; MAX_BYTES], &mut files), None);
        assert_eq!(transfer.add(1 + MAX_BYTES as u64, b"x", &mut files), Some(Fault::TooLong));
    }
}
