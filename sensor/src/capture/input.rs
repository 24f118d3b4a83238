//! Which inputs the paths of a command line mean, and how each is opened.
//!
//! A path is a file, a pipe, or a directory; `-` is standard input. A directory means every regular file in it and
//! in the directories below, each level in the order of its names (by bytes), links to files followed and links to
//! directories not. What in a directory is not a capture is passed over; what is named outright must be one.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::CaptureError;
use super::progress::Progress;
use super::reader::Source;

/// One input, in its turn.
#[derive(Debug)]
pub(super) enum Input {
    Stdin,
    File {
        path: PathBuf,
        /// None for a pipe or device.
        bytes: Option<u64>,
        /// Whether it was found in a directory.
        found: bool,
    },
    /// What was wrong with a path.
    Fault(CaptureError),
}

/// All inputs that `paths` mean, in order.
pub(super) fn list(paths: &[PathBuf], directory_depth: u32) -> VecDeque<Input> {
    let mut inputs = VecDeque::new();
    for path in paths {
        if path.as_os_str() == "-" {
            inputs.push_back(Input::Stdin);
            continue;
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => walk(path, directory_depth, directory_depth, &mut inputs),
            Ok(metadata) => {
                let bytes = metadata.is_file().then_some(metadata.len());
                inputs.push_back(Input::File { path: path.clone(), bytes, found: false });
            }
            Err(error) => inputs.push_back(Input::Fault(CaptureError::open(path, error))),
        }
    }
    inputs
}

/// The bytes of all inputs; none if a pipe is among them.
pub(super) fn total_bytes(inputs: &VecDeque<Input>) -> Option<u64> {
    inputs.iter().map(Input::bytes).sum()
}

fn walk(directory: &Path, levels_left: u32, limit: u32, inputs: &mut VecDeque<Input>) {
    if levels_left == 0 {
        let path = directory.to_path_buf();
        inputs.push_back(Input::Fault(CaptureError::DirectoryDepth { path, limit }));
        return;
    }
    let entries = fs::read_dir(directory).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            inputs.push_back(Input::Fault(CaptureError::open(directory, error)));
            return;
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, levels_left - 1, limit, inputs);
            continue;
        }
        // Follows a link; one that leads nowhere is no capture.
        if let Ok(metadata) = fs::metadata(&path)
            && metadata.is_file()
        {
            inputs.push_back(Input::File { path, bytes: Some(metadata.len()), found: true });
        }
    }
}

impl Input {
    /// Its size; none for a pipe, nothing for a fault.
    pub(super) fn bytes(&self) -> Option<u64> {
        match self {
            Self::Stdin => None,
            Self::File { bytes, .. } => *bytes,
            Self::Fault(_) => Some(0),
        }
    }

    /// Whether it was found in a directory rather than named.
    pub(super) fn found(&self) -> bool {
        matches!(self, Self::File { found: true, .. })
    }

    /// Opens it; every byte read from it counts as progress.
    pub(super) fn open(self, progress: &Arc<Progress>) -> Result<Source, CaptureError> {
        let (name, file) = match self {
            Self::Fault(error) => return Err(error),
            Self::Stdin => {
                let name = PathBuf::from("standard input");
                let file = io::stdin().as_fd().try_clone_to_owned().map(File::from);
                (name, file)
            }
            Self::File { path, .. } => {
                let file = File::open(&path);
                (path, file)
            }
        };
        let opened = file.and_then(|file| Ok((file.metadata()?.is_file(), file)));
        let (regular, file) = opened.map_err(|error| CaptureError::open(&name, error))?;
        progress.begin(&name);
        let bytes = Box::new(Metered { file, progress: Arc::clone(progress) });
        Ok(Source { name, bytes, waits: !regular })
    }
}

/// A file whose reading is counted.
#[derive(Debug)]
struct Metered {
    file: File,
    progress: Arc<Progress>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read(buffer)?;
        self.progress.add(len as u64);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(inputs: &VecDeque<Input>, root: &Path) -> Vec<String> {
        let name = |input: &Input| match input {
            Input::Stdin => "-".to_owned(),
            Input::File { path, .. } => {
                path.strip_prefix(root).expect("under the root").display().to_string()
            }
            Input::Fault(error) => format!("{error}").replace(&root.display().to_string(), ""),
        };
        inputs.iter().map(name).collect()
    }

    #[test]
    fn directories_are_walked_in_the_order_of_names() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path();
        for directory in ["b", "b/deep", "empty"] {
            fs::create_dir(root.join(directory)).unwrap();
        }
        for file in ["c.pcap", "a.pcap", "b/z", "b/deep/y", "B"] {
            fs::write(root.join(file), "x").unwrap();
        }
        std::os::unix::fs::symlink(root, root.join("b/loop")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("b/broken")).unwrap();
        std::os::unix::fs::symlink("../a.pcap", root.join("b/linked")).unwrap();
        let inputs = list(&[root.to_path_buf(), root.join("c.pcap")], 16);
        assert_eq!(names(&inputs, root), ["B", "a.pcap", "b/deep/y", "b/linked", "b/z", "c.pcap", "c.pcap"]);
        assert_eq!(total_bytes(&inputs), Some(7));
        assert_eq!(inputs.iter().map(Input::found).filter(|found| !found).count(), 1);
    }

    #[test]
    fn faults_and_pipes_take_their_turn() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path();
        fs::create_dir_all(root.join("1/2/3")).unwrap();
        let paths = [root.join("missing"), PathBuf::from("-"), root.to_path_buf()];
        let inputs = list(&paths, 3);
        assert_eq!(
            names(&inputs, root),
            ["/missing: no such file or directory", "-", "/1/2/3: more than 3 directories deep, not read"]
        );
        assert_eq!(total_bytes(&inputs), None);
    }
}
