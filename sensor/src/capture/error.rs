//! What can be wrong with a capture, each fault with its place.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::compressed::Compression;
use super::filter::FilterError;
use super::live::HandleError;

/// Why a capture could not be read, or not to its end. The other captures can still be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// There is nothing at this path.
    #[error("{}: no such file or directory", .path.display())]
    NotFound {
        /// As it was given.
        path: PathBuf,
    },
    /// The path may not be read.
    #[error("{}: permission denied", .path.display())]
    PermissionDenied {
        /// As it was given or found in a directory.
        path: PathBuf,
    },
    /// The path could not be opened or listed for another reason.
    #[error("{}: cannot be opened: {source}", .path.display())]
    Open {
        /// As it was given or found in a directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Directories lie deeper than the limit; what is in this one was not read.
    #[error("{}: more than {limit} directories deep, not read", .path.display())]
    DirectoryDepth {
        /// The directory left unread.
        path: PathBuf,
        /// The limit, in directories.
        limit: u32,
    },
    /// The contents are in no format that the sensor reads.
    #[error("{}: not a capture file: {}", .path.display(), Beginning::of(.beginning, .hint))]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// Its first bytes, 24 at most; unpacked, if it is compressed.
        beginning: Vec<u8>,
        /// What it seems to be instead.
        hint: Option<&'static str>,
    },
    /// The system failed while the file was read.
    #[error("{position}: cannot be read: {source}")]
    Read {
        /// Where.
        position: Position,
        /// What the system said.
        source: io::Error,
    },
    /// The compressed data are damaged or cut.
    #[error("{position}: {compression} data are damaged or cut: {source}")]
    Decompress {
        /// Where, in decompressed bytes.
        position: Position,
        /// How the file is compressed.
        compression: Compression,
        /// What the decompressor said.
        source: io::Error,
    },
    /// The capture breaks its format.
    #[error("{position}: {fault}")]
    Corrupt {
        /// Where the broken record or block begins.
        position: Position,
        /// What is wrong there.
        fault: FormatFault,
    },
    /// An interface cannot be opened, or went away.
    #[error("interface {interface}: {fault}")]
    Interface {
        /// Its name.
        interface: String,
        /// What is wrong.
        fault: HandleError,
    },
    /// The filter expression means nothing for frames of this link type.
    #[error("{position}: {fault}")]
    Filter {
        /// The first frame of that link type.
        position: Position,
        /// What libpcap said.
        fault: FilterError,
    },
}

impl CaptureError {
    /// Whether the input was missing or closed to us, rather than damaged.
    pub fn is_missing_input(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. }
                | Self::PermissionDenied { .. }
                | Self::Open { .. }
                | Self::Interface { .. }
        )
    }

    /// The error of opening `path`.
    pub(super) fn open(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { path },
            _ => Self::Open { path, source },
        }
    }
}

/// A place in a capture file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Position {
    /// The file, or `standard input`.
    pub file: PathBuf,
    /// Bytes before the place.
    pub offset: u64,
    /// Whether `offset` counts decompressed bytes.
    pub decompressed: bool,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = if self.decompressed { " of the decompressed data" } else { "" };
        write!(f, "{}: byte {}{of}", self.file.display(), self.offset)
    }
}

/// How a capture breaks its format.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatFault {
    /// The file ends inside a header, record or block.
    #[error("cut short: expected {expected} bytes, found {found}")]
    Truncated {
        /// Bytes known to be needed from there on.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// A frame is longer than any network's.
    #[error("expected a frame of at most {limit} bytes, found a length of {len}")]
    FrameTooLong {
        /// What the record claims, in bytes.
        len: u32,
        /// The limit, in bytes.
        limit: u32,
    },
    /// A version of the format that is not read.
    #[error("expected version {expected} of {format}, found {major}.{minor}")]
    Version {
        /// `pcap` or `pcapng`.
        format: &'static str,
        /// What is read.
        expected: &'static str,
        /// Major version in the file.
        major: u16,
        /// Minor version in the file.
        minor: u16,
    },
    /// A section header of pcapng without its byte-order magic.
    #[error("expected the byte-order magic 0x1a2b3c4d in either order, found 0x{found:08x}")]
    ByteOrderMagic {
        /// Read as big-endian.
        found: u32,
    },
    /// A block of pcapng with an impossible length.
    #[error("expected a block length of at least {least} bytes, in fours, found {len}")]
    BlockLength {
        /// What the block claims, in bytes.
        len: u32,
        /// The least that its type allows, in bytes.
        least: u32,
    },
    /// A block that must be held whole is too long for it.
    #[error("expected a block of at most {limit} bytes, found a length of {len}")]
    BlockTooLong {
        /// What the block claims, in bytes.
        len: u32,
        /// The limit, in bytes.
        limit: u32,
    },
    /// The length behind a block of pcapng differs from the one before it.
    #[error("expected the block to end with its length {expected}, found {found}")]
    BlockTrailer {
        /// The length at its beginning.
        expected: u32,
        /// The length at its end.
        found: u32,
    },
    /// A packet claims more bytes than its block holds.
    #[error("expected at most {room} captured bytes in the block, found a length of {len}")]
    CapturedLength {
        /// What the packet claims, in bytes.
        len: u32,
        /// What the block can hold, in bytes.
        room: u32,
    },
    /// An option of an interface runs over the end of its block.
    #[error("expected option {code} within its block, found a length of {len}")]
    OptionLength {
        /// The option's code.
        code: u16,
        /// What it claims, in bytes.
        len: u16,
    },
    /// A packet names an interface that the section has not described.
    #[error("expected one of the {count} interfaces described so far, found number {id}")]
    UnknownInterface {
        /// The number it names.
        id: u32,
        /// How many there are.
        count: u32,
    },
    /// More interfaces than the limit.
    #[error("expected at most {limit} interfaces in a section")]
    TooManyInterfaces {
        /// The limit.
        limit: u32,
    },
}

/// The first bytes of what is no capture, for a reader's eye.
struct Beginning<'a> {
    bytes: &'a [u8],
    hint: Option<&'static str>,
}

impl<'a> Beginning<'a> {
    fn of(bytes: &'a [u8], hint: &Option<&'static str>) -> Self {
        Self { bytes, hint: *hint }
    }
}

impl fmt::Display for Beginning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bytes.is_empty() {
            return write!(f, "it is empty");
        }
        write!(f, "begins with")?;
        for byte in self.bytes.iter().take(8) {
            write!(f, " {byte:02x}")?;
        }
        match self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}
