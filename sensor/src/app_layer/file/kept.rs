//! The bytes of files, kept for as long as a rule may ask that they be stored (Suricata documentation: "File
//! Extraction").

use crate::app_layer::hex::hex;
use crate::limits::FileStoreLimits;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The memory that all files kept share.
#[derive(Debug)]
pub struct Room {
    file_bytes: usize,
    bytes: usize,
    used: AtomicUsize,
}

impl Room {
    /// As large as the limits say.
    pub fn new(limits: &FileStoreLimits) -> Self {
        Self { file_bytes: limits.file_bytes, bytes: limits.memory_bytes, used: AtomicUsize::new(0) }
    }

    fn take(&self, bytes: usize) -> bool {
        let more = |used: usize| used.checked_add(bytes).filter(|&used| used <= self.bytes);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// How much of a file is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extent {
    /// All of it, as far as it came.
    Whole,
    /// What stands before something that was never seen, or beyond the limit.
    Cut,
    /// Nothing: there was no room.
    Refused,
}

/// The bytes of one file. Its room is given back once it is let go of.
#[derive(Debug)]
pub struct Kept {
    room: Arc<Room>,
    bytes: Vec<u8>,
    extent: Extent,
}

impl Kept {
    /// Nothing yet.
    pub fn new(room: Arc<Room>) -> Self {
        Self { room, bytes: Vec::new(), extent: Extent::Whole }
    }

    /// What there is.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its SHA-256, in hexadecimal digits.
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(&self.bytes))
    }

    /// How much that is.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// How much memory that takes up, in bytes.
    pub(in crate::app_layer) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Adds what comes next, as far as there is room.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.extent != Extent::Whole {
            return;
        }
        let taken = bytes.len().min(self.room.file_bytes - self.bytes.len());
        if !self.room.take(taken) {
            self.room.give_back(self.bytes.len());
            self.bytes = Vec::new();
            self.extent = Extent::Refused;
            return;
        }
        self.bytes.extend_from_slice(&bytes[..taken]);
        if taken < bytes.len() {
            self.extent = Extent::Cut;
        }
    }

    /// What comes next was never seen, or never will be.
    pub(super) fn cut(&mut self) {
        if self.extent == Extent::Whole {
            self.extent = Extent::Cut;
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.room.give_back(self.bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Arc<Room> {
        let limits = FileStoreLimits { file_bytes: 10, memory_bytes: 16, ..FileStoreLimits::default() };
        Arc::new(Room::new(&limits))
    }

    #[test]
    fn a_file_is_kept_up_to_its_limit() {
        let mut kept = Kept::new(room());
        kept.push(b"01234");
        assert_eq!((kept.bytes(), kept.extent()), (&b"01234"[..], Extent::Whole));
        kept.push(b"56789abc");
        kept.push(b"d");
        assert_eq!((kept.bytes(), kept.extent()), (&b"0123456789"[..], Extent::Cut));
    }

    #[test]
    fn nothing_follows_what_was_never_seen() {
        let mut kept = Kept::new(room());
        kept.push(b"012");
        kept.cut();
        kept.push(b"456");
        assert_eq!((kept.bytes(), kept.extent()), (&b"012"[..], Extent::Cut));
    }

    #[test]
    fn room_is_shared_and_given_back() {
        let room = room();
        let (mut one, mut other) = (Kept::new(Arc::clone(&room)), Kept::new(Arc::clone(&room)));
        one.push(&[1; 10]);
        other.push(&[2; 6]);
        other.push(&[2; 1]);
        assert_eq!((other.bytes(), other.extent()), (&[][..], Extent::Refused));
        assert_eq!(room.used.load(Ordering::Relaxed), 10);
        drop((one, other));
        assert_eq!(room.used.load(Ordering::Relaxed), 0);
    }
}
