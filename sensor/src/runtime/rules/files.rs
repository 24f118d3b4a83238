//! Rule files as bytes.

use ::rules::text::Source;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", path.display())]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Reads a file as bytes.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    fs::read(path).map_err(|source| ReadError { path: path.to_owned(), source })
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Source, ReadError> {
    let fault = |source| ReadError { path: path.to_owned(), source };
    let bytes = bytes(path)?;
    Source::new(path.display().to_string(), bytes)
        .map_err(|error| fault(io::Error::new(io::ErrorKind::FileTooLarge, error.to_string())))
}

/// The files that paths stand for: a directory for the `*.rules` in it, by name.
pub(super) fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ReadError> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let fault = |source| ReadError { path: path.clone(), source };
        let mut within = Vec::new();
        for entry in fs::read_dir(path).map_err(fault)? {
            let file = entry.map_err(fault)?.path();
            if file.extension().is_some_and(|extension| extension == "rules") && file.is_file() {
                within.push(file);
            }
        }
        within.sort();
        files.extend(within);
    }
    Ok(files)
}
