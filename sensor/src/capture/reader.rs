//! Reads one capture: moves its bytes into bursts and lets its format find the frames in place.
//!
//! Bytes are read straight into the burst. What is left over at its end, the beginning of a record or what exceeds
//! the burst's number of frames, is copied to the next burst; the reads adapt to the size of the records so that
//! this stays little.

use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;

use super::clock::Clock;
use super::compressed::Compression;
use super::error::{CaptureError, FormatFault, Position};
use super::filter::{FilterError, FrameFilter};
use super::format::{self, BEGINNING_BYTES, CaptureFormat, Format, Step};
use super::frame::Burst;
use super::source::ShardOf;
use crate::limits::CaptureLimits;

/// The least that is gathered for a burst, however small its frames.
const LEAST_TARGET_BYTES: usize = 64 << 10;

/// The most that is read at once: walked while it is still in the processor's cache.
const READ_BYTES: usize = 128 << 10;

/// Where the bytes of one capture come from.
pub(super) struct Source {
    /// A path, or `standard input`.
    pub(super) name: PathBuf,
    pub(super) bytes: Box<dyn Read + Send>,
    /// Whether a read may wait for a writer: then frames are handed on before the next read.
    pub(super) waits: bool,
}

/// What happens to every frame found, besides taking its place in the burst.
pub(super) struct Intake<'a> {
    pub(super) clock: &'a mut Clock,
    pub(super) filter: Option<&'a mut FrameFilter>,
    /// Frames that the filter has held back.
    pub(super) filtered: &'a mut u64,
    pub(super) shard_of: &'a ShardOf<'a>,
}

/// Whether there may be more in a capture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reading {
    More,
    Ended,
}

/// One capture file or stream that is being read.
pub(super) struct CaptureReader {
    source: Source,
    compression: Option<Compression>,
    format: CaptureFormat,
    /// Bytes read but not yet walked.
    carry: Vec<u8>,
    /// Bytes walked, in all bursts.
    offset: u64,
    /// Bytes to be passed over before the format looks again.
    skip: u64,
    /// How many bytes to gather for a burst.
    target: usize,
    frames: usize,
    bytes: usize,
}

impl fmt::Debug for CaptureReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source: Source { name, .. }, format, offset, .. } = self;
        f.debug_struct("CaptureReader")
            .field("name", name)
            .field("format", format)
            .field("offset", offset)
            .finish_non_exhaustive()
    }
}

/// Why walking the bytes in memory stopped.
enum Stop {
    /// The burst has its number of frames.
    Full,
    /// At least so many bytes from there on are needed.
    More(usize),
}

enum ScanFault {
    Format(FormatFault),
    Filter(FilterError),
}

impl CaptureReader {
    /// Reads the beginning of a capture: how it is compressed, and its format.
    pub(super) fn open(source: Source, limits: &CaptureLimits) -> Result<Self, CaptureError> {
        let Source { name, mut bytes, waits } = source;
        let position = |decompressed| Position { file: name.clone(), offset: 0, decompressed };
        let read_fault = |source| CaptureError::Read { position: position(false), source };
        let mut beginning = read_beginning(&mut *bytes).map_err(read_fault)?;
        let compression = Compression::detect(&beginning);
        if let Some(compression) = compression {
            let fault = |source| CaptureError::Decompress { position: position(true), compression, source };
            let packed = io::Cursor::new(beginning).chain(bytes);
            bytes = compression.decoder(packed, limits.zstd_window_log).map_err(fault)?;
            beginning = read_beginning(&mut *bytes).map_err(fault)?;
        }
        let detected = CaptureFormat::detect(&beginning, limits);
        let corrupt = |fault| CaptureError::Corrupt { position: position(compression.is_some()), fault };
        let Some((format, used)) = detected.map_err(corrupt)? else {
            let hint = format::hint(&beginning);
            return Err(CaptureError::UnknownFormat { path: name, beginning, hint });
        };
        let bytes_limit = (limits.burst_bytes as usize).max(1);
        Ok(Self {
            source: Source { name, bytes, waits },
            compression,
            format,
            carry: beginning[used..].to_vec(),
            offset: used as u64,
            skip: 0,
            target: bytes_limit,
            frames: (limits.burst_frames as usize).max(1),
            bytes: bytes_limit,
        })
    }

    /// Adds the next frames to an empty `burst`. Those before a fault are in it when the fault is told.
    pub(super) fn fill(
        &mut self,
        burst: &mut Burst,
        intake: &mut Intake<'_>,
    ) -> Result<Reading, CaptureError> {
        burst.append(&self.carry);
        self.carry.clear();
        let mut at = 0;
        let outcome = self.gather(burst, &mut at, intake);
        self.carry.extend_from_slice(&burst.parts().0[at..]);
        burst.truncate(at);
        self.offset += at as u64;
        outcome
    }

    /// Reads and walks in turn; `at` is how far the walk has come in the burst's bytes.
    fn gather(
        &mut self,
        burst: &mut Burst,
        at: &mut usize,
        intake: &mut Intake<'_>,
    ) -> Result<Reading, CaptureError> {
        loop {
            let stop = match &mut self.format {
                CaptureFormat::Pcap(format) => scan(format, burst, at, &mut self.skip, self.frames, intake),
                CaptureFormat::Pcapng(format) => scan(format, burst, at, &mut self.skip, self.frames, intake),
            };
            let needed = match stop {
                Ok(Stop::More(needed)) => needed,
                Ok(Stop::Full) => {
                    // An eighth more, so that the next burst is likely to be full too.
                    self.target = (*at + *at / 8).clamp(LEAST_TARGET_BYTES.min(self.bytes), self.bytes);
                    return Ok(Reading::More);
                }
                Err(ScanFault::Format(fault)) => return Err(self.corrupt(*at, fault)),
                Err(ScanFault::Filter(fault)) => {
                    return Err(CaptureError::Filter { position: self.position(*at), fault });
                }
            };
            if burst.is_empty() {
                burst.discard_front(*at);
                self.offset += *at as u64;
                *at = 0;
            } else if self.source.waits || burst.byte_len() >= self.target {
                self.target = self.target.saturating_mul(2).min(self.bytes);
                return Ok(Reading::More);
            }
            if self.read(burst, *at, needed)? == 0 {
                return self.end(burst.byte_len() - *at, *at, needed);
            }
        }
    }

    /// Reads on behind the bytes held, of which those from `at` on are still to be walked.
    fn read(&mut self, burst: &mut Burst, at: usize, needed: usize) -> Result<usize, CaptureError> {
        let held = burst.byte_len();
        let missing = needed.saturating_sub(held - at);
        let len = self.target.saturating_sub(held).min(READ_BYTES).max(missing);
        match read_some(&mut *self.source.bytes, burst.spare(len)) {
            Ok(len) => {
                burst.adopt(len);
                Ok(len)
            }
            Err(source) => {
                let position = self.position(held);
                Err(match self.compression {
                    Some(compression) => CaptureError::Decompress { position, compression, source },
                    None => CaptureError::Read { position, source },
                })
            }
        }
    }

    /// The input has ended with `left` bytes not walked, where `needed` were expected.
    fn end(&self, left: usize, at: usize, needed: usize) -> Result<Reading, CaptureError> {
        if left == 0 && self.skip == 0 && self.may_end() {
            return Ok(Reading::Ended);
        }
        let expected = if self.skip > 0 { self.skip } else { needed as u64 };
        Err(self.corrupt(at, FormatFault::Truncated { expected, found: left as u64 }))
    }

    fn may_end(&self) -> bool {
        match &self.format {
            CaptureFormat::Pcap(format) => format.may_end(),
            CaptureFormat::Pcapng(format) => format.may_end(),
        }
    }

    fn corrupt(&self, at: usize, fault: FormatFault) -> CaptureError {
        CaptureError::Corrupt { position: self.position(at), fault }
    }

    fn position(&self, at: usize) -> Position {
        let file = self.source.name.clone();
        Position { file, offset: self.offset + at as u64, decompressed: self.compression.is_some() }
    }
}

/// Walks the burst's bytes from `at`, adding the frames found to the burst until it has `frames`.
#[inline]
fn scan<F: Format>(
    format: &mut F,
    burst: &mut Burst,
    at: &mut usize,
    skip: &mut u64,
    frames: usize,
    intake: &mut Intake<'_>,
) -> Result<Stop, ScanFault> {
    let (bytes, index) = burst.parts();
    while index.len() < frames {
        if *skip > 0 {
            let skipped = usize::try_from(*skip).unwrap_or(usize::MAX).min(bytes.len() - *at);
            *at += skipped;
            *skip -= skipped as u64;
            if *skip > 0 {
                return Ok(Stop::More(1));
            }
        }
        match format.step(&bytes[*at..]).map_err(ScanFault::Format)? {
            Step::Frame { mut frame, record_len } => {
                frame.offset += *at;
                let captured = &bytes[frame.offset..frame.offset + frame.captured_len as usize];
                let wanted = match &mut intake.filter {
                    None => true,
                    Some(filter) => filter.matches(frame.link, captured).map_err(ScanFault::Filter)?,
                };
                *at += record_len;
                if !wanted {
                    *intake.filtered += 1;
                    continue;
                }
                if intake.clock.moves(frame.time) {
                    index.tick(frame.time);
                }
                index.place(&frame, (intake.shard_of)(frame.link, captured));
            }
            Step::Skip(len) => *skip = len,
            Step::More(needed) => return Ok(Stop::More(needed)),
        }
    }
    Ok(Stop::Full)
}

/// The first bytes of an input, fewer where it is shorter.
fn read_beginning(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut beginning = [0; BEGINNING_BYTES];
    let mut len = 0;
    while len < beginning.len() {
        match read_some(input, &mut beginning[len..])? {
            0 => break,
            more => len += more,
        }
    }
    Ok(beginning[..len].to_vec())
}

/// Reads what is at hand, or waits for it; nothing at the end.
fn read_some(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
