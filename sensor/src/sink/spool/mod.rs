//! Events that cannot be delivered now, on disk: append-only, checksummed, bounded in size and age.
//!
//! What survives what: an appended event is in the kernel's hands at once, so it survives the end of the process,
//! kill -9 included; the disk is made to keep it (fdatasync) at most [`SpoolConfig::sync_ms`] later, so that a loss
//! of power costs no more than that. A torn tail and flipped bits cost the records they lie in. When the spool, or
//! the disk under it, is full, the oldest segment goes. Each of these is counted.
//!
//! Events leave in the order they came. One that was loaded stays on disk until it is settled; whoever dies before
//! that finds it again. The spool moves events in the [`Ledger`] itself and knows nothing of destinations.

mod census;
mod cursor;
mod frame;
mod segment;
#[cfg(test)]
mod tests;

use super::Record;
use super::accounting::{DropReason, Ledger, Place};
use census::Census;
use frame::{Found, Walk, WallClock};
use schemars::JsonSchema;
use segment::Segment;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The bounds of a spool.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpoolConfig {
    /// Bytes on disk; beyond them the oldest events go.
    pub max_bytes: u64,
    /// Seconds after which an event is no longer worth delivering; 0 for no limit.
    pub max_age_s: u64,
    /// Bytes of a segment, the unit in which the oldest go; at most an eighth of `max_bytes`.
    pub segment_bytes: u64,
    /// Milliseconds after which what was appended is forced to the disk.
    pub sync_ms: u64,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        Self { max_bytes: 1 << 30, max_age_s: 7 * 86_400, segment_bytes: 8 << 20, sync_ms: 200 }
    }
}

/// Why a spool could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process uses it.
    #[error("the spool in {0} is used by another process")]
    Busy(PathBuf),
    /// The system refused something.
    #[error("the spool in {path} cannot be used: {source}")]
    Io {
        /// The spool's directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// What was found when the spool was opened.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Recovery {
    /// Events that wait to be delivered.
    pub events: u64,
    /// Places where bytes were damaged; each cost at least one event.
    pub damaged: u64,
    /// Segments whose last write had been cut off.
    pub torn: u64,
}

/// Names a loaded event until it is settled.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Ticket(u64);

/// The middle of the numbers, so that segments can be put in front of others.
const FIRST_SEGMENT: u64 = 1 << 40;
/// Frames are gathered up to here before they are written.
const WRITE_BYTES: usize = 1 << 20;

#[derive(Debug)]
struct Loaded {
    segment: u64,
    end: u64,
    settled: bool,
}

#[derive(Debug)]
struct Reader {
    segment: u64,
    bytes: Vec<u8>,
}

/// A spool, owned by one thread of one process.
#[derive(Debug)]
pub struct Spool {
    directory: PathBuf,
    config: SpoolConfig,
    ledger: Ledger,
    clock: WallClock,
    /// In order; the last one is being written while `writer` is there.
    segments: VecDeque<Segment>,
    writer: Option<File>,
    reader: Option<Reader>,
    /// Loaded and not settled, in the order of loading; those settled out of turn wait for the ones before.
    loaded: VecDeque<Loaded>,
    first_ticket: u64,
    census: Census,
    unread: u64,
    unsynced_since: Option<Instant>,
    cursor_moved: bool,
    cursor_written: Instant,
    buffer: Vec<u8>,
    _lock: File,
}

impl Spool {
    /// Opens the spool in a directory, which is made if need be, and counts what waits there as recovered.
    pub fn open(
        directory: &Path,
        config: SpoolConfig,
        ledger: Ledger,
    ) -> Result<(Self, Recovery), SpoolError> {
        let refused = |source| SpoolError::Io { path: directory.to_owned(), source };
        fs::create_dir_all(directory).map_err(refused)?;
        let lock = File::create(directory.join("lock")).map_err(refused)?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => SpoolError::Busy(directory.to_owned()),
            fs::TryLockError::Error(source) => refused(source),
        })?;
        let mut spool = Self {
            directory: directory.to_owned(),
            config,
            ledger,
            clock: WallClock::now(),
            segments: VecDeque::new(),
            writer: None,
            reader: None,
            loaded: VecDeque::new(),
            first_ticket: 0,
            census: Census::new(),
            unread: 0,
            unsynced_since: None,
            cursor_moved: false,
            cursor_written: Instant::now(),
            buffer: Vec::new(),
            _lock: lock,
        };
        let recovery = spool.recover().map_err(refused)?;
        Ok((spool, recovery))
    }

    fn recover(&mut self) -> io::Result<Recovery> {
        let offsets = cursor::read(&self.directory);
        let mut recovery = Recovery::default();
        for number in Segment::list(&self.directory)? {
            let start = offsets.get(&number).copied().unwrap_or(0);
            let census = &mut self.census;
            let (segment, scan) =
                Segment::recover(&self.directory, number, start, |frame| census.enter(frame.order_key()))?;
            recovery.events += segment.unread;
            recovery.damaged += scan.damaged;
            recovery.torn += u64::from(scan.torn);
            if segment.unread == 0 {
                segment.delete(&self.directory);
            } else {
                self.segments.push_back(segment);
            }
        }
        self.unread = recovery.events;
        self.ledger.recover(recovery.events);
        Ok(recovery)
    }

    /// Events on disk that were not loaded.
    pub fn unread(&self) -> u64 {
        self.unread
    }

    /// Whether nothing waits to be loaded.
    pub fn is_empty(&self) -> bool {
        self.unread == 0
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.length).sum()
    }

    /// Whether an event of the key may wait here, so that a later one must not pass. Never no wrongly.
    pub fn may_hold(&self, order_key: u64) -> bool {
        self.census.may_hold(order_key)
    }

    /// Takes the events behind all others, from `from` in the account. When the disk refuses even after the oldest
    /// events made room, the new ones are dropped and counted.
    pub fn append<'a>(&mut self, records: impl IntoIterator<Item = &'a Record>, from: Place, now: Instant) {
        let mut group: Vec<&Record> = Vec::new();
        let mut bytes = 0;
        for record in records {
            group.push(record);
            bytes += frame::encoded_len(record);
            if bytes >= WRITE_BYTES.min(usize::try_from(self.segment_bytes()).unwrap_or(usize::MAX)) {
                self.append_group(&group, from, now);
                group.clear();
                bytes = 0;
            }
        }
        if !group.is_empty() {
            self.append_group(&group, from, now);
        }
    }

    fn append_group(&mut self, group: &[&Record], from: Place, now: Instant) {
        let count = group.len() as u64;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        group.iter().for_each(|record| frame::encode(record, self.clock, &mut buffer));
        let outcome = self.write(&buffer);
        self.buffer = buffer;
        match outcome {
            Ok(()) => {
                let newest_ms = frame::unix_ms();
                let segment = self.segments.back_mut().expect("a write leaves a segment behind");
                segment.unread += count;
                segment.newest_ms = segment.newest_ms.max(newest_ms);
                group.iter().for_each(|record| self.census.enter(record.order_key));
                self.unread += count;
                self.unsynced_since.get_or_insert(now);
                self.ledger.transfer(count, from, Place::Spooled);
            }
            Err(error) => {
                tracing::error!(%error, events = count, "the spool's disk takes no events; they are dropped");
                self.ledger.transfer(count, from, Place::Dropped(DropReason::DiskFull));
            }
        }
    }

    /// Writes at the end, after making room, both in the spool's own bound and on a disk that others filled.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        while self.bytes() + bytes.len() as u64 > self.config.max_bytes && self.evict() {}
        loop {
            match self.try_write(bytes) {
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) =>
                {
                    if !self.evict() {
                        return Err(error);
                    }
                }
                outcome => return outcome,
            }
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let full = self.segments.back().is_none_or(|last| {
            last.length > segment::HEADER_BYTES && last.length + bytes.len() as u64 > self.segment_bytes()
        });
        if self.writer.is_some() && full {
            self.seal()?;
        }
        if self.writer.is_none() {
            let number = self.segments.back().map_or(FIRST_SEGMENT, |last| last.number + 1);
            let (segment, file) = self.create_segment(number)?;
            self.segments.push_back(segment);
            self.writer = Some(file);
        }
        let (Some(file), Some(segment)) = (&mut self.writer, self.segments.back_mut()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        match file.write_all(bytes) {
            Ok(()) => {
                segment.length += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Part of the bytes may be there. Where they cannot be cut off, the next start finds them torn or
                // damaged; nothing may be written behind them either way.
                let _ = file.set_len(segment.length);
                self.writer = None;
                Err(error)
            }
        }
    }

    /// A file that could be made but not written is removed again.
    fn create_segment(&self, number: u64) -> io::Result<(Segment, File)> {
        Segment::create(&self.directory, number).inspect_err(|_| {
            let _ = fs::remove_file(Segment::path(&self.directory, number));
        })
    }

    fn segment_bytes(&self) -> u64 {
        self.config.segment_bytes.min(self.config.max_bytes / 8).max(1)
    }

    /// Ends the segment being written: only ended ones are read.
    fn seal(&mut self) -> io::Result<()> {
        if let Some(file) = self.writer.take() {
            file.sync_data()?;
            self.unsynced_since = None;
        }
        Ok(())
    }

    /// Removes the oldest segment; whether there was one.
    fn evict(&mut self) -> bool {
        let evicted = self.remove_front(DropReason::Evicted);
        if let Some(count) = evicted {
            tracing::warn!(events = count, "the spool is full; its oldest events are dropped");
        }
        evicted.is_some()
    }

    fn remove_front(&mut self, reason: DropReason) -> Option<u64> {
        let segment = self.segments.pop_front()?;
        if self.segments.is_empty() {
            self.writer = None;
        }
        if segment.unread > 0 {
            // The keys of what goes are read back, so that live events of theirs may pass again.
            let unread = self.unread_frames(&segment);
            unread.iter().for_each(|&key| self.census.leave(key));
            self.unread -= segment.unread;
            self.ledger.transfer(segment.unread, Place::Spooled, Place::Dropped(reason));
        }
        self.reader.take_if(|reader| reader.segment == segment.number);
        segment.delete(&self.directory);
        self.cursor_moved = true;
        self.forget_keys_when_empty();
        Some(segment.unread)
    }

    fn unread_frames(&self, segment: &Segment) -> Vec<u64> {
        let Ok(bytes) = fs::read(Segment::path(&self.directory, segment.number)) else { return Vec::new() };
        Walk::new(&bytes, usize::try_from(segment.read).unwrap_or(usize::MAX))
            .filter_map(|found| match found {
                Found::Frame(frame) => Some(frame.order_key()),
                Found::Damage | Found::Torn => None,
            })
            .collect()
    }

    /// Damage leaves keys behind that nobody can name; an empty spool holds none.
    fn forget_keys_when_empty(&mut self) {
        if self.unread == 0 {
            self.census.clear();
        }
    }

    /// Takes the next events, up to `max_records` and about `max_bytes` of JSON, into memory: from spooled to queued
    /// in the account. They stay on disk until settled.
    pub fn load(&mut self, max_records: usize, max_bytes: usize) -> Vec<(Ticket, Record)> {
        let mut out = Vec::new();
        let mut bytes = 0;
        while out.len() < max_records && bytes < max_bytes && self.unread > 0 {
            let Some(index) = self.segments.iter().position(|segment| segment.unread > 0) else { break };
            if !self.make_readable(index) {
                continue;
            }
            let (records, room) = (max_records - out.len(), max_bytes - bytes);
            bytes += self.load_from(index, records, room, &mut out);
        }
        self.ledger.transfer(out.len() as u64, Place::Spooled, Place::Queued);
        self.forget_keys_when_empty();
        out
    }

    /// Puts the segment's bytes into the reader; one that cannot be read is given up, and counted.
    fn make_readable(&mut self, index: usize) -> bool {
        let number = self.segments[index].number;
        if self.reader.as_ref().is_some_and(|reader| reader.segment == number) {
            return true;
        }
        let last = index + 1 == self.segments.len();
        let sealed = if last { self.seal() } else { Ok(()) };
        match sealed.and_then(|()| fs::read(Segment::path(&self.directory, number))) {
            Ok(bytes) => {
                self.reader = Some(Reader { segment: number, bytes });
                true
            }
            Err(error) => {
                tracing::error!(%error, segment = number, "a spool segment cannot be read; its events are lost");
                self.give_up_unread(index);
                false
            }
        }
    }

    fn give_up_unread(&mut self, index: usize) {
        let segment = &mut self.segments[index];
        let lost = std::mem::take(&mut segment.unread);
        segment.read = segment.length;
        self.unread -= lost;
        self.ledger.transfer(lost, Place::Spooled, Place::Dropped(DropReason::Corrupt));
    }

    /// Returns the bytes of JSON that were loaded.
    fn load_from(
        &mut self,
        index: usize,
        max_records: usize,
        max_bytes: usize,
        out: &mut Vec<(Ticket, Record)>,
    ) -> usize {
        let Some(reader) = &self.reader else { return 0 };
        let segment = &mut self.segments[index];
        let oldest_ms = match self.config.max_age_s {
            0 => 0,
            age => frame::unix_ms().saturating_sub(age.saturating_mul(1_000)),
        };
        let (mut bytes, mut taken, mut expired) = (0, 0, 0);
        let mut walk = Walk::new(&reader.bytes, usize::try_from(segment.read).unwrap_or(usize::MAX));
        while taken < max_records && bytes < max_bytes && segment.unread > 0 {
            let Some(found) = walk.next() else { break };
            segment.read = walk.offset() as u64;
            let Found::Frame(frame) = found else { continue };
            let Some(record) = frame.record(self.clock) else { continue };
            segment.unread -= 1;
            self.unread -= 1;
            self.census.leave(record.order_key);
            if frame.created_ms() < oldest_ms {
                expired += 1;
                continue;
            }
            bytes += record.json.len();
            taken += 1;
            let ticket = Ticket(self.first_ticket + self.loaded.len() as u64);
            self.loaded.push_back(Loaded { segment: segment.number, end: segment.read, settled: false });
            out.push((ticket, record));
        }
        self.ledger.transfer(expired, Place::Spooled, Place::Dropped(DropReason::Expired));
        if walk.offset() == reader.bytes.len() && segment.unread > 0 {
            // Bits that flipped since the segment was looked through.
            self.give_up_unread(index);
        }
        if self.segments[index].unread == 0 {
            self.finish_reading(index);
        }
        bytes
    }

    /// Nothing more comes from the segment; without loaded events it is settled already.
    fn finish_reading(&mut self, index: usize) {
        let segment = &mut self.segments[index];
        segment.read = segment.length;
        self.reader = None;
        let number = segment.number;
        match self.loaded.iter_mut().rev().find(|loaded| loaded.segment == number) {
            Some(last) => last.end = segment.length,
            None => segment.start = segment.length,
        }
        self.delete_settled();
    }

    /// The event was delivered or given up: it need not be found again.
    pub fn settle(&mut self, ticket: Ticket) {
        let Some(index) = ticket.0.checked_sub(self.first_ticket) else { return };
        let Some(loaded) = usize::try_from(index).ok().and_then(|index| self.loaded.get_mut(index)) else {
            return;
        };
        loaded.settled = true;
        let mut finished = false;
        while let Some(front) = self.loaded.pop_front_if(|front| front.settled) {
            self.first_ticket += 1;
            if let Ok(index) = self.segments.binary_search_by_key(&front.segment, |segment| segment.number) {
                let segment = &mut self.segments[index];
                segment.start = segment.start.max(front.end);
                finished |= segment.is_settled();
                self.cursor_moved = true;
            }
        }
        if finished {
            self.delete_settled();
        }
    }

    fn delete_settled(&mut self) {
        let writing = self.writer.is_some().then(|| self.segments.back().map(|last| last.number)).flatten();
        let directory = &self.directory;
        self.segments.retain(|segment| {
            let keep = !segment.is_settled() || Some(segment.number) == writing;
            if !keep {
                segment.delete(directory);
            }
            keep
        });
        self.cursor_moved = true;
    }

    /// Puts events that are older than all others here back in front of them, and settles whatever had been loaded:
    /// the loaded ones must be among `records`. On disk when this returns.
    pub fn put_back(&mut self, records: &[Record], from: Place) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let number = self.segments.front().map_or(FIRST_SEGMENT, |first| first.number) - 1;
        let mut bytes = Vec::with_capacity(records.iter().map(frame::encoded_len).sum());
        records.iter().for_each(|record| frame::encode(record, self.clock, &mut bytes));
        let (mut segment, mut file) = self.create_segment(number)?;
        if let Err(error) = file.write_all(&bytes).and_then(|()| file.sync_data()) {
            segment.delete(&self.directory);
            return Err(error);
        }
        let count = records.len() as u64;
        segment.length += bytes.len() as u64;
        segment.unread = count;
        segment.newest_ms = frame::unix_ms();
        self.segments.push_front(segment);
        self.unread += count;
        records.iter().for_each(|record| self.census.enter(record.order_key));
        self.ledger.transfer(count, from, Place::Spooled);
        self.settle_loaded();
        self.write_cursor();
        while self.bytes() > self.config.max_bytes && self.evict() {}
        Ok(())
    }

    fn settle_loaded(&mut self) {
        self.first_ticket += self.loaded.len() as u64;
        self.loaded.clear();
        for segment in &mut self.segments {
            segment.start = segment.read;
        }
        self.delete_settled();
    }

    /// When [`Spool::tick`] has something to do next.
    pub fn due(&self) -> Option<Instant> {
        let unsynced = self.unsynced_since.into_iter();
        let since = unsynced.chain(self.cursor_moved.then_some(self.cursor_written)).min()?;
        Some(since + Duration::from_millis(self.config.sync_ms))
    }

    /// Forces to the disk what has waited long enough, and lets go of what is too old.
    pub fn tick(&mut self, now: Instant) {
        if self.due().is_some_and(|due| due <= now) {
            self.sync();
        }
        if self.config.max_age_s > 0 {
            let oldest_ms = frame::unix_ms().saturating_sub(self.config.max_age_s.saturating_mul(1_000));
            while self.segments.front().is_some_and(|front| front.unread > 0 && front.newest_ms < oldest_ms) {
                self.remove_front(DropReason::Expired);
            }
        }
    }

    /// Forces everything to the disk now.
    pub fn sync(&mut self) {
        self.unsynced_since = None;
        if let Some(Err(error)) = self.writer.as_ref().map(File::sync_data) {
            tracing::error!(%error, "the disk did not confirm what was spooled; a loss of power may cost it");
        }
        self.write_cursor();
    }

    fn write_cursor(&mut self) {
        self.cursor_moved = false;
        self.cursor_written = Instant::now();
        let offsets = self
            .segments
            .iter()
            .filter(|segment| segment.start > segment::HEADER_BYTES)
            .map(|segment| (segment.number, segment.start));
        if let Err(error) = cursor::write(&self.directory, offsets) {
            tracing::warn!(%error, "the spool's cursor cannot be written; a restart would send events again");
        }
    }

    /// Deletes everything: what waits is counted as deleted, what was loaded is no longer found again.
    pub fn discard(&mut self) -> u64 {
        let discarded = self.unread;
        while self.remove_front(DropReason::Deleted).is_some() {}
        self.first_ticket += self.loaded.len() as u64;
        self.loaded.clear();
        self.write_cursor();
        discarded
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.sync();
    }
}
