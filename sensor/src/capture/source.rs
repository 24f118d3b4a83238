//! Where a runtime gets its packets: bursts of frames from a source, here from files in turn.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use super::clock::Clock;
use super::error::CaptureError;
use super::filter::FrameFilter;
use super::frame::{Burst, LinkType};
use super::input::{self, Input};
use super::progress::Progress;
use super::reader::{CaptureReader, Intake, Reading};
use crate::limits::CaptureLimits;

/// To which shard a frame belongs, by its link type and captured bytes. Captures know nothing of flows.
pub type ShardOf<'a> = dyn Fn(LinkType, &[u8]) -> u16 + 'a;

/// What [`PacketSource::fill`] did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Filled {
    /// The burst holds at least one frame.
    Frames,
    /// The burst holds no frame, and at most a tick: nothing is at hand at the moment.
    Idle,
    /// The burst is empty, and nothing will come any more.
    Ended,
}

/// Gives out packets, a burst at a time.
pub trait PacketSource {
    /// Restarts `burst` at the source's next ordinal and adds frames until the burst is full, the input has ended
    /// or nothing more is at hand.
    ///
    /// Where the bursts are cut says nothing: ordinals, ticks and frames are the same however the input arrives.
    ///
    /// # Errors
    ///
    /// Each fault of the input, once, after the frames before it; the burst is then empty. The next call goes on
    /// behind the fault.
    fn fill(&mut self, burst: &mut Burst, shard_of: &ShardOf<'_>) -> Result<Filled, CaptureError>;
}

/// Capture files, directories and standard input, read in turn as one stream.
///
/// Ordinals go on counting from one file to the next, and so does the clock, which never runs backwards. A directory
/// stands for the captures in it and below it, in the order of their names. Classic pcap and pcapng are read, plain or
/// compressed with gzip or zstd, all told by their contents.
#[derive(Debug)]
pub struct CaptureFiles {
    inputs: VecDeque<Input>,
    reading: Option<CaptureReader>,
    fault: Option<CaptureError>,
    limits: CaptureLimits,
    filter: Option<FrameFilter>,
    filtered: u64,
    skipped: Vec<PathBuf>,
    clock: Clock,
    next_ordinal: u64,
    progress: Arc<Progress>,
    /// What [`Progress::bytes_read`] must have come to when the present input is done.
    progress_goal: u64,
}

impl CaptureFiles {
    /// Lists what `paths` mean; `-` is standard input. What is wrong with a path is told in its turn by
    /// [`PacketSource::fill`].
    pub fn new(paths: &[PathBuf], limits: &CaptureLimits) -> Self {
        let inputs = input::list(paths, limits.directory_depth);
        let progress = Arc::new(Progress::new(input::total_bytes(&inputs)));
        Self {
            inputs,
            reading: None,
            fault: None,
            limits: limits.clone(),
            filter: None,
            filtered: 0,
            skipped: Vec::new(),
            clock: Clock::new(),
            next_ordinal: 0,
            progress,
            progress_goal: 0,
        }
    }

    /// Holds back frames that do not match. They take no ordinal and do not move the clock: all is as if the
    /// captures had been filtered before.
    #[must_use]
    pub fn with_filter(self, filter: FrameFilter) -> Self {
        Self { filter: Some(filter), ..self }
    }

    /// How far the reading has come.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Files found in directories that are not captures, so far.
    pub fn skipped(&self) -> &[PathBuf] {
        &self.skipped
    }

    /// Frames that the filter has held back so far.
    pub fn filtered(&self) -> u64 {
        self.filtered
    }

    /// Opens the next input; nothing where the inputs have ended or this one is not a capture.
    fn open(&mut self, input: Input) -> Result<Option<CaptureReader>, CaptureError> {
        self.progress_goal = self.progress.bytes_read() + input.bytes().unwrap_or(0);
        let found = input.found();
        let opened = input.open(&self.progress).and_then(|source| CaptureReader::open(source, &self.limits));
        match opened {
            Ok(reader) => Ok(Some(reader)),
            Err(error) => {
                self.progress.reach(self.progress_goal);
                match error {
                    CaptureError::UnknownFormat { path, .. } if found => {
                        self.skipped.push(path);
                        Ok(None)
                    }
                    error => Err(error),
                }
            }
        }
    }

    fn close(&mut self) {
        self.reading = None;
        self.progress.reach(self.progress_goal);
    }
}

impl PacketSource for CaptureFiles {
    fn fill(&mut self, burst: &mut Burst, shard_of: &ShardOf<'_>) -> Result<Filled, CaptureError> {
        loop {
            burst.restart(self.next_ordinal);
            if let Some(fault) = self.fault.take() {
                return Err(fault);
            }
            let Some(reader) = &mut self.reading else {
                let Some(input) = self.inputs.pop_front() else { return Ok(Filled::Ended) };
                self.reading = self.open(input)?;
                continue;
            };
            let mut intake = Intake {
                clock: &mut self.clock,
                filter: self.filter.as_mut(),
                filtered: &mut self.filtered,
                shard_of,
            };
            let outcome = reader.fill(burst, &mut intake);
            self.next_ordinal = burst.end_ordinal();
            match outcome {
                Ok(Reading::More) => {}
                Ok(Reading::Ended) => self.close(),
                Err(fault) => {
                    self.close();
                    self.fault = Some(fault);
                }
            }
            if !burst.is_empty() {
                self.progress.add_packets(burst.len() as u64);
                return Ok(Filled::Frames);
            }
        }
    }
}
