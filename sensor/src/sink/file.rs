//! Events in files, one to a line, turned over by size and age and capped in number.
//!
//! `events.jsonl` is the file being written; a full one becomes `events.jsonl.1`, the one before it
//! `events.jsonl.2`, and so on up to the configured number, beyond which the oldest is deleted.

use super::{Record, Sink, SinkError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// When files are turned over.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RotationConfig {
    /// A file is turned over before it exceeds this many bytes; 0 for no limit.
    pub max_bytes: u64,
    /// A file is turned over when it was begun so many seconds ago; 0 for no limit.
    pub max_age_s: u64,
    /// Files kept besides the one being written.
    pub keep: u32,
}

impl Default for RotationConfig {
    fn default() -> Self {
        Self { max_bytes: 256 << 20, max_age_s: 86_400, keep: 8 }
    }
}

impl RotationConfig {
    /// Never turns over: what a replay's output wants.
    pub fn never() -> Self {
        Self { max_bytes: 0, max_age_s: 0, keep: 0 }
    }

    fn due(&self, written: u64, next: u64, age: Duration) -> bool {
        let full = self.max_bytes > 0 && written > 0 && written.saturating_add(next) > self.max_bytes;
        let old = self.max_age_s > 0 && written > 0 && age >= Duration::from_secs(self.max_age_s);
        full || old
    }
}

/// Bytes gathered before a write.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes events to a file.
#[derive(Debug)]
pub struct FileSink {
    path: PathBuf,
    rotation: RotationConfig,
    file: BufWriter<File>,
    written: u64,
    begun: SystemTime,
    reopen: Reopen,
}

/// Asks, from any thread, for a file to be opened anew by its name: after somebody else has renamed it.
#[derive(Clone, Debug, Default)]
pub struct Reopen(Arc<AtomicBool>);

impl Reopen {
    /// Before the next event.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl FileSink {
    /// Opens the file, appending to what an earlier run left there.
    pub fn open(path: &Path, rotation: RotationConfig) -> Result<Self, SinkError> {
        let (file, written, begun) = open(path).map_err(|source| fault(path, source))?;
        Ok(Self { path: path.to_owned(), rotation, file, written, begun, reopen: Reopen::default() })
    }

    /// What asks this sink to open its file anew.
    pub fn reopen(&self) -> Reopen {
        self.reopen.clone()
    }

    fn turn_over(&mut self) -> std::io::Result<()> {
        self.file.flush()?;
        if self.rotation.keep == 0 {
            fs::remove_file(&self.path)?;
        } else {
            for number in (1..self.rotation.keep).rev() {
                rename_if_present(&numbered(&self.path, number), &numbered(&self.path, number + 1))?;
            }
            rename_if_present(&self.path, &numbered(&self.path, 1))?;
        }
        (self.file, self.written, self.begun) = open(&self.path)?;
        Ok(())
    }

    fn write(&mut self, record: &Record) -> std::io::Result<()> {
        let length = record.json.len() as u64 + 1;
        if self.reopen.0.swap(false, Ordering::Relaxed) {
            self.file.flush()?;
            (self.file, self.written, self.begun) = open(&self.path)?;
        }
        // A clock set back makes the file young again, which only delays its turning over.
        let age = self.begun.elapsed().unwrap_or_default();
        if self.rotation.due(self.written, length, age) {
            self.turn_over()?;
        }
        // A line that finds no room is not begun: a full disk costs whole events.
        if self.file.buffer().len() + record.json.len() + 1 > self.file.capacity() {
            self.file.flush()?;
        }
        self.file.write_all(&record.json)?;
        self.file.write_all(b"\n")?;
        self.written += length;
        Ok(())
    }
}

impl Sink for FileSink {
    fn accept(&mut self, records: &[Record]) -> Result<(), SinkError> {
        records.iter().try_for_each(|record| self.write(record)).map_err(|source| fault(&self.path, source))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.file.flush().map_err(|source| fault(&self.path, source))
    }
}

fn open(path: &Path) -> std::io::Result<(BufWriter<File>, u64, SystemTime)> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    let facts = file.metadata()?;
    // Not every file system knows when a file was made; its last change is the next best.
    let begun =
        if facts.len() == 0 { SystemTime::now() } else { facts.created().or_else(|_| facts.modified())? };
    Ok((BufWriter::with_capacity(BUFFER_BYTES, file), facts.len(), begun))
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

fn rename_if_present(from: &Path, to: &Path) -> std::io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

fn fault(path: &Path, source: std::io::Error) -> SinkError {
    SinkError::Write { what: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::testing::records;

    fn lines(path: &Path) -> Vec<String> {
        fs::read_to_string(path).expect("the file is there").lines().map(str::to_owned).collect()
    }

    #[test]
    fn files_turn_over_by_size_and_the_oldest_goes() {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let path = directory.path().join("events.jsonl");
        let sent = records(10);
        let longest =
            sent.iter().map(|record| record.json.len() as u64 + 1).max().expect("there are records");
        let rotation = RotationConfig { max_bytes: 2 * longest, max_age_s: 0, keep: 2 };
        let mut sink = FileSink::open(&path, rotation).expect("the directory is writable");
        sink.accept(&sent).expect("the disk has room");
        sink.flush().expect("the disk has room");
        let all: Vec<_> = ["events.jsonl.2", "events.jsonl.1", "events.jsonl"]
            .iter()
            .flat_map(|name| lines(&directory.path().join(name)))
            .collect();
        let expected: Vec<_> =
            sent[4..].iter().map(|record| String::from_utf8_lossy(&record.json).into_owned()).collect();
        assert_eq!(all, expected);
        assert_eq!(fs::read_dir(directory.path()).expect("it is readable").count(), 3);
    }

    #[test]
    fn a_second_run_appends() {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let path = directory.path().join("events.jsonl");
        for batch in records(4).chunks(2) {
            let mut sink = FileSink::open(&path, RotationConfig::never()).expect("the directory is writable");
            sink.accept(batch).expect("the disk has room");
            sink.flush().expect("the disk has room");
        }
        assert_eq!(lines(&path).len(), 4);
    }

    #[test]
    fn a_file_that_was_renamed_is_left_behind() {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let (path, moved) = (directory.path().join("events.jsonl"), directory.path().join("moved.jsonl"));
        let sent = records(2);
        let mut sink = FileSink::open(&path, RotationConfig::never()).expect("the directory is writable");
        sink.accept(&sent[..1]).expect("the disk has room");
        fs::rename(&path, &moved).expect("the directory is writable");
        sink.reopen().ask();
        sink.accept(&sent[1..]).expect("the disk has room");
        sink.flush().expect("the disk has room");
        assert_eq!((lines(&moved).len(), lines(&path).len()), (1, 1));
    }

    #[test]
    fn age_turns_a_file_over_but_never_an_empty_one() {
        let rotation = RotationConfig { max_bytes: 0, max_age_s: 60, keep: 1 };
        assert!(rotation.due(1, 1, Duration::from_secs(60)));
        assert!(!rotation.due(1, 1, Duration::from_secs(59)));
        assert!(!rotation.due(0, 1, Duration::from_secs(600)));
    }

    #[test]
    fn a_full_disk_is_an_error_with_the_files_name() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            eprintln!("skipped a_full_disk_is_an_error_with_the_files_name: no /dev/full here");
            return;
        }
        let mut sink = FileSink::open(full, RotationConfig::never()).expect("the device can be opened");
        let outcome = sink.accept(&records(1)).and_then(|()| sink.flush());
        assert!(outcome.expect_err("the device is full").to_string().contains("/dev/full"));
    }
}
