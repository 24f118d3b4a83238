//! What libmagic says of files (Suricata documentation: "File Keywords", filemagic).

use crate::app_layer::parser::VisitWindow;
use magic::cookie::{Cookie, Flags, Load};

/// Bytes from which on libmagic is asked before the file has ended, as Suricata does.
const ENOUGH: usize = 512;
/// The most bytes of a file that libmagic is shown.
const MOST: usize = 8 << 10;

thread_local! {
    /// A handle for each thread, opened when a file is to be looked at first: libmagic shares none between threads.
    static HANDLE: Option<Cookie<Load>> = open();
}

fn open() -> Option<Cookie<Load>> {
    Cookie::open(Flags::ERROR).ok()?.load(&Default::default()).ok()
}

/// Whether the system has libmagic's database.
pub fn is_there() -> bool {
    HANDLE.with(Option::is_some)
}

/// What libmagic says of a file that begins with these bytes; nothing where it fails.
fn describe(bytes: &[u8]) -> Option<String> {
    HANDLE.with(|handle| handle.as_ref()?.buffer(bytes).ok())
}

/// What a file is, as far as rules ask for it.
#[derive(Debug, Default)]
pub enum Kind {
    /// Nobody asks, or there is nothing to say.
    #[default]
    None,
    /// The file's first bytes.
    Begins(Vec<u8>),
    /// What libmagic says.
    Known(String),
}

impl Kind {
    /// Of a file that begins.
    pub fn new(wanted: bool) -> Self {
        if wanted { Self::Begins(Vec::new()) } else { Self::None }
    }

    /// Adds what comes next.
    pub fn push(&mut self, bytes: &[u8]) {
        if let Self::Begins(first) = self {
            let room = MOST - first.len();
            first.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// Something of the file was never seen: only what came before tells what it is.
    pub fn miss(&mut self) {
        self.find_out(true);
    }

    /// Rules are about to look: finds out what the file is, once there is enough of it or it has ended.
    pub fn find_out(&mut self, ended: bool) {
        if let Self::Begins(first) = self
            && (first.len() >= ENOUGH || ended)
        {
            let said = Some(&*first).filter(|first| !first.is_empty()).and_then(|first| describe(first));
            *self = said.map_or(Self::None, Self::Known);
        }
    }

    /// Shows what it is, if that is known; says whether that is enough.
    pub fn show(&self, visit: &mut VisitWindow<'_>) -> bool {
        match self {
            Self::Known(said) => visit(0, said.as_bytes()),
            Self::None | Self::Begins(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: &Kind) -> Option<String> {
        let mut said = None;
        kind.show(&mut |_, value| {
            said = Some(String::from_utf8_lossy(value).into_owned());
            true
        });
        said
    }

    #[test]
    fn a_file_is_known_at_its_end() {
        let mut kind = Kind::new(true);
        kind.push(b"%PDF-");
        kind.push(b"1.4\n");
        kind.find_out(false);
        assert_eq!(said(&kind), None, "more may come");
        kind.find_out(true);
        assert_eq!(said(&kind).as_deref(), Some("PDF document, version 1.4"));
        kind.push(b"more");
        kind.find_out(true);
        assert_eq!(said(&kind).as_deref(), Some("PDF document, version 1.4"));
    }

    #[test]
    fn a_file_is_known_once_enough_of_it_came() {
        let mut kind = Kind::new(true);
        kind.push(b"GIF89a\x40\x01\xc8\x00");
        kind.push(&[0; ENOUGH]);
        kind.find_out(false);
        assert_eq!(said(&kind).as_deref(), Some("GIF image data, version 89a, 320 x 200"));
    }

    #[test]
    fn what_comes_behind_a_hole_does_not_tell() {
        let mut kind = Kind::new(true);
        kind.push(b"#!/bin/sh\n");
        kind.miss();
        kind.push(&[0; ENOUGH]);
        kind.find_out(true);
        assert_eq!(said(&kind).as_deref(), Some("POSIX shell script, ASCII text executable"));
    }

    #[test]
    fn what_is_kept_is_bounded_and_nothing_is_where_nobody_asks() {
        let mut kind = Kind::new(true);
        (0..9).for_each(|_| kind.push(&[b'x'; MOST / 4]));
        assert!(matches!(&kind, Kind::Begins(first) if first.len() == MOST));
        let mut kind = Kind::new(false);
        kind.push(&[b'x'; ENOUGH]);
        kind.find_out(true);
        assert_eq!(said(&kind), None);
        let mut empty = Kind::new(true);
        empty.find_out(true);
        assert_eq!(said(&empty), None);
    }
}
