//! Files that rules ask to be stored, in a directory, each under the SHA-256 of what it holds (Suricata documentation:
//! "File Extraction", file-store version 2): `ab/abcd…` for one that begins with `ab`.
//!
//! A thread of its own writes them: under a name of the sensor's making at first, and then moved to its place, so that
//! what has its name is whole. Nothing that came from the wire is part of a path.

use crate::app_layer::file::kept::{Extent, Kept, Room};
use crate::counter::{Counter, Counters};
use crate::limits::FileStoreLimits;
use crossbeam::channel::{Receiver, Sender, bounded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// Storing files that rules ask for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileStoreConfig {
    /// Where files are written that rules with `filestore` match; nowhere unless set.
    pub directory: Option<PathBuf>,
    /// How many bytes of each direction are put together of a TCP session in which a rule asks for a file; 0 for all.
    /// Unless set, as many as of any other (`stream.depth_bytes`).
    pub stream_depth_bytes: Option<u64>,
}

/// Where files are while they are being written, in the directory.
const UNDER_WAY: &str = "tmp";

/// The thread that writes files.
#[derive(Debug)]
pub struct FileStore {
    counters: Arc<Mutex<Counters>>,
    thread: JoinHandle<()>,
}

/// Where workers hand in files to be written.
#[derive(Clone, Debug)]
pub struct FileIntake {
    sender: Sender<Kept>,
    room: Arc<Room>,
    waits: bool,
}

impl FileStore {
    /// Opens the directory and starts the thread, which ends with the last intake. One that waits makes workers wait
    /// where the disk is slow; else what comes meanwhile is not stored, and counted.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made or read.
    pub fn open(directory: &Path, limits: &FileStoreLimits, waits: bool) -> io::Result<(Self, FileIntake)> {
        let mut writer = Writer::open(directory, limits.clone())?;
        let (sender, receiver) = bounded(limits.waiting_files.max(1));
        let counters = Arc::default();
        let shown = Arc::clone(&counters);
        let thread = thread::Builder::new()
            .name("file-store".to_owned())
            .spawn(move || writer.run(&receiver, &shown))?;
        Ok((Self { counters, thread }, FileIntake { sender, room: Arc::new(Room::new(limits)), waits }))
    }

    /// What was written, and what was not, up to now.
    pub fn counters(&self) -> Counters {
        locked(&self.counters).clone()
    }

    /// The thread, which ends once all that was handed in is written, and nothing more can come.
    pub fn thread(&self) -> &JoinHandle<()> {
        &self.thread
    }

    /// Waits for that.
    pub fn finish(self) -> Counters {
        let Self { counters, thread } = self;
        thread.join().expect("a panic of the writer is a fault of ours");
        locked(&counters).clone()
    }
}

impl FileIntake {
    /// The memory of files that may have to be stored.
    pub fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Hands in a file.
    pub fn put(&self, kept: Kept, counters: &mut Counters) {
        if kept.extent() == Extent::Refused {
            counters.increment(Counter::FilesRefusedMemory);
            return;
        }
        let refused = match self.waits {
            true => self.sender.send(kept).is_err(),
            false => self.sender.try_send(kept).is_err(),
        };
        if refused {
            counters.increment(Counter::FilesRefusedQueue);
        }
    }
}

fn locked(counters: &Mutex<Counters>) -> MutexGuard<'_, Counters> {
    counters.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What writes files.
#[derive(Debug)]
struct Writer {
    directory: PathBuf,
    limits: FileStoreLimits,
    /// What the directory holds.
    files: u64,
    bytes: u64,
    /// The number of the next file, for its name while it is under way.
    next: u64,
    /// A fault was told; those after it are counted alone.
    told: bool,
}

impl Writer {
    /// Takes over what the directory holds, but for what an earlier run has not ended.
    fn open(directory: &Path, limits: FileStoreLimits) -> io::Result<Self> {
        let under_way = directory.join(UNDER_WAY);
        fs::create_dir_all(&under_way)?;
        for left in fs::read_dir(&under_way)? {
            fs::remove_file(left?.path())?;
        }
        let (mut files, mut bytes) = (0, 0);
        for folder in fs::read_dir(directory)? {
            let folder = folder?;
            if folder.file_name() == UNDER_WAY || !folder.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                files += 1;
                bytes += file?.metadata()?.len();
            }
        }
        Ok(Self { directory: directory.to_owned(), limits, files, bytes, next: 0, told: false })
    }

    fn run(&mut self, files: &Receiver<Kept>, shown: &Mutex<Counters>) {
        for kept in files {
            let outcome = self.store(&kept);
            let mut counters = locked(shown);
            counters.increment(outcome);
            if outcome == Counter::FilesStored && kept.extent() == Extent::Cut {
                counters.increment(Counter::FilesStoredCut);
            }
        }
    }

    /// Stores a file, and says what came of it.
    fn store(&mut self, kept: &Kept) -> Counter {
        let bytes = kept.bytes();
        let name = kept.sha256();
        let folder = self.directory.join(&name[..2]);
        let path = folder.join(&name);
        if path.exists() {
            return Counter::FilesStoredBefore;
        }
        let len = bytes.len() as u64;
        let full = self.files >= self.limits.directory_files;
        if full || self.bytes.saturating_add(len) > self.limits.directory_bytes {
            return Counter::FilesRefusedDirectory;
        }
        match self.write(bytes, &folder, &path) {
            Ok(()) => {
                self.files += 1;
                self.bytes += len;
                Counter::FilesStored
            }
            Err(error) => {
                if !std::mem::replace(&mut self.told, true) {
                    let path = path.display();
                    tracing::warn!(%path, %error, "a file cannot be stored; those after it are counted alone");
                }
                Counter::FilesRefusedDisk
            }
        }
    }

    fn write(&mut self, bytes: &[u8], folder: &Path, path: &Path) -> io::Result<()> {
        let under_way = self.directory.join(UNDER_WAY).join(self.next.to_string());
        self.next += 1;
        let written = fill(&under_way, bytes).and_then(|()| {
            match fs::create_dir(folder) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            fs::rename(&under_way, path)
        });
        if written.is_err() {
            // It may not be there; if it stays, the next run removes it.
            let _ = fs::remove_file(&under_way);
        }
        written
    }
}

/// Makes a file that only its owner reads: it may be of the worst kind.
fn fill(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_layer::file::Wanted;
    use crate::app_layer::file::transfer::Files;
    use std::collections::BTreeSet;

    /// SHA-256 of `abc` (FIPS 180-4, examples).
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn kept(room: &Arc<Room>, bytes: &[u8]) -> Kept {
        let mut files = Files::new(Wanted { keep: Some(Arc::clone(room)), ..Wanted::default() });
        files.begin(b"../../name".to_vec());
        files.push(bytes);
        files.end();
        let mut kept = None;
        files.take_stored(true, false, &mut |one| kept = Some(one));
        kept.expect("it has ended and is asked for")
    }

    /// Stores files one after the other, and says what was counted.
    fn store(directory: &Path, limits: &FileStoreLimits, files: &[&[u8]]) -> Counters {
        let (store, intake) = FileStore::open(directory, limits, true).expect("the directory can be made");
        let mut counters = Counters::default();
        files.iter().for_each(|bytes| intake.put(kept(intake.room(), bytes), &mut counters));
        drop(intake);
        counters.merge(&store.finish());
        counters
    }

    fn names(directory: &Path) -> BTreeSet<String> {
        let within = |path: &Path| -> Vec<PathBuf> {
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
        };
        let files = within(directory).into_iter().flat_map(|folder| within(&folder));
        files.map(|path| path.strip_prefix(directory).unwrap().display().to_string()).collect()
    }

    #[test]
    fn a_file_has_the_name_of_what_it_holds_and_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let limits = FileStoreLimits::default();
        let counters = store(folder.path(), &limits, &[b"abc", b"abc"]);
        assert_eq!(counters.value(Counter::FilesStored), 1);
        assert_eq!(counters.value(Counter::FilesStoredBefore), 1);
        let path = format!("ba/{ABC}");
        assert_eq!(fs::read(folder.path().join(&path)).unwrap(), b"abc");
        assert_eq!(names(folder.path()), BTreeSet::from([path]));
        let counters = store(folder.path(), &limits, &[b"abc"]);
        assert_eq!(counters.value(Counter::FilesStoredBefore), 1, "by an earlier run");
    }

    #[test]
    fn the_directory_is_bounded_with_what_it_held_before() {
        let folder = tempfile::tempdir().unwrap();
        let limits =
            FileStoreLimits { directory_files: 2, directory_bytes: 10, ..FileStoreLimits::default() };
        assert_eq!(store(folder.path(), &limits, &[b"abc"]).value(Counter::FilesStored), 1);
        let counters = store(folder.path(), &limits, &[b"12345678", b"1234567", b"x", b"abc"]);
        assert_eq!(counters.value(Counter::FilesStored), 1, "the second fits");
        assert_eq!(counters.value(Counter::FilesRefusedDirectory), 2, "too many bytes, then too many files");
        assert_eq!(counters.value(Counter::FilesStoredBefore), 1);
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn a_file_beyond_the_limit_is_stored_as_far_as_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let limits = FileStoreLimits { file_bytes: 3, ..FileStoreLimits::default() };
        let counters = store(folder.path(), &limits, &[b"abcdef"]);
        assert_eq!(counters.value(Counter::FilesStoredCut), 1);
        assert_eq!(names(folder.path()), BTreeSet::from([format!("ba/{ABC}")]));
    }

    #[test]
    fn what_cannot_be_written_is_counted_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ba"), "in the way").unwrap();
        let counters = store(folder.path(), &FileStoreLimits::default(), &[b"abc", b"other"]);
        assert_eq!(counters.value(Counter::FilesRefusedDisk), 1);
        assert_eq!(counters.value(Counter::FilesStored), 1);
        assert_eq!(fs::read_dir(folder.path().join(UNDER_WAY)).unwrap().count(), 0);
    }

    #[test]
    fn what_an_earlier_run_has_not_ended_goes() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(UNDER_WAY)).unwrap();
        fs::write(folder.path().join(UNDER_WAY).join("0"), "half").unwrap();
        assert_eq!(
            store(folder.path(), &FileStoreLimits::default(), &[b"abc"]).value(Counter::FilesStored),
            1
        );
        assert_eq!(names(folder.path()).len(), 1);
        assert!(FileStore::open(Path::new("/dev/null/x"), &FileStoreLimits::default(), true).is_err());
    }

    #[test]
    fn what_there_is_no_memory_or_no_place_in_the_queue_for_is_counted() {
        let limits = FileStoreLimits { memory_bytes: 2, waiting_files: 1, ..FileStoreLimits::default() };
        let (sender, receiver) = bounded(1);
        let intake = FileIntake { sender, room: Arc::new(Room::new(&limits)), waits: false };
        let mut counters = Counters::default();
        for bytes in [&b"abc"[..], b"a", b"b"] {
            intake.put(kept(intake.room(), bytes), &mut counters);
        }
        assert_eq!(counters.value(Counter::FilesRefusedMemory), 1);
        assert_eq!(counters.value(Counter::FilesRefusedQueue), 1);
        assert_eq!(receiver.len(), 1);
    }
}
