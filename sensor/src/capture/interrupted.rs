//! A source that ends when told to, whatever is left of it.

use super::error::CaptureError;
use super::frame::Burst;
use super::source::{Filled, PacketSource, ShardOf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Another source, until a flag is set.
#[derive(Debug)]
pub struct Interruptible<S> {
    source: S,
    stop: Arc<AtomicBool>,
}

impl<S> Interruptible<S> {
    /// The source, until `stop` is set.
    pub fn new(source: S, stop: Arc<AtomicBool>) -> Self {
        Self { source, stop }
    }
}

impl<S: PacketSource> PacketSource for Interruptible<S> {
    fn fill(&mut self, burst: &mut Burst, shard_of: &ShardOf<'_>) -> Result<Filled, CaptureError> {
        match self.stop.load(Ordering::Relaxed) {
            true => Ok(Filled::Ended),
            false => self.source.fill(burst, shard_of),
        }
    }
}
