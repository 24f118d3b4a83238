//! How far the reading has come, to be looked at from another thread.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Packets read, and bytes of all bytes as they lie in the files: compressed ones count as compressed.
///
/// Written once per read, per burst and per file, so that it costs a packet nothing.
#[derive(Debug, Default)]
pub struct Progress {
    bytes_read: AtomicU64,
    packets_read: AtomicU64,
    bytes_total: Option<u64>,
    file: Mutex<Option<Arc<Path>>>,
}

impl Progress {
    /// Nothing read of `bytes_total`; none where a pipe makes the total unknown.
    pub(super) fn new(bytes_total: Option<u64>) -> Self {
        Self { bytes_total, ..Self::default() }
    }

    /// Bytes read so far; those of files that were skipped or given up count as read.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Packets read so far.
    pub fn packets_read(&self) -> u64 {
        self.packets_read.load(Ordering::Relaxed)
    }

    /// Bytes of all inputs when the reading began, unless one of them is a pipe.
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }

    /// The file being read.
    pub fn file(&self) -> Option<PathBuf> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.as_deref().map(Path::to_path_buf)
    }

    /// Counts bytes just read.
    pub(super) fn add(&self, bytes: u64) {
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts packets just read.
    pub(super) fn add_packets(&self, packets: u64) {
        self.packets_read.fetch_add(packets, Ordering::Relaxed);
    }

    /// Counts a file as read to its end, also where its end was not looked at.
    pub(super) fn reach(&self, bytes: u64) {
        self.bytes_read.fetch_max(bytes, Ordering::Relaxed);
    }

    /// Names the file read from now on.
    pub(super) fn begin(&self, path: &Path) {
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::from(path));
    }
}
