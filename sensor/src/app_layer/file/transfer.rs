//! Files that go one way within a transaction, as rules look at them: what they hold in windows, their names, and
//! their sizes and hashes once they have ended.

use super::Wanted;
use super::fields;
use super::hash::{Algorithm, Hashes};
use super::kept::Kept;
use super::magic::Kind;
use super::window::{Window, WindowConfig};
use crate::app_layer::parser::{VisitFile, VisitWindow};
use rules::vocabulary::Field;

/// How much of a file is looked at, and when, in protocols other than HTTP (Suricata documentation: "suricata.yaml",
/// inspected-tracker).
pub const WINDOW: WindowConfig = WindowConfig { limit: 100_000, first: 32_768, step: 4096 };

/// The most files of one transaction; what more come are not looked at.
pub const MAX_FILES: usize = 1024;
/// How many of the latest files show their names and sizes again when rules look once more, besides those that are
/// new: a rule that another field has found may ask for them late.
const SHOWN_AGAIN: usize = 32;

/// A file as far as it was seen.
#[derive(Debug)]
pub struct File {
    /// Nothing where the protocol gives none.
    name: Option<Vec<u8>>,
    window: Window,
    kind: Kind,
    hashes: Hashes,
    /// What it holds, as long as it may have to be stored.
    kept: Option<Kept>,
    /// It is to be stored.
    store: bool,
    size: u64,
    ended: bool,
}

impl File {
    /// What is to be looked at of its contents, with its offset in there.
    pub fn view(&self) -> Option<(u64, &[u8])> {
        self.window.view()
    }
}

/// Shows the values of a field of one file; says whether that is enough.
type Show = fn(&File, &mut VisitWindow<'_>) -> bool;

/// How each field is read.
pub(in crate::app_layer) const READERS: &[(&Field, Show)] = &[
    (&fields::DATA, |file, visit| file.view().is_some_and(|(at, bytes)| visit(at, bytes))),
    (&fields::NAME, |file, visit| file.name.as_ref().is_some_and(|name| visit(0, name))),
    (&fields::MAGIC, |file, visit| file.kind.show(visit)),
    (&fields::SIZE, |file, visit| file.ended && visit(0, &file.size.to_be_bytes())),
    (&fields::MD5, |file, visit| file.hashes.show(Algorithm::Md5, visit)),
    (&fields::SHA1, |file, visit| file.hashes.show(Algorithm::Sha1, visit)),
    (&fields::SHA256, |file, visit| file.hashes.show(Algorithm::Sha256, visit)),
    (&fields::STORE, |_, visit| visit(0, &[])),
];

/// The files of a transaction, one after the other.
#[derive(Debug, Default)]
pub struct Files {
    files: Vec<File>,
    wanted: Wanted,
    /// Whether the last of them takes bytes.
    open: bool,
    /// How many of them rules have looked at.
    looked_at: usize,
}

impl Files {
    /// None yet; of those that come this is wanted.
    pub fn new(wanted: Wanted) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Of files that come from now on this is wanted.
    pub fn set_wanted(&mut self, wanted: Wanted) {
        self.wanted = wanted;
    }

    /// Begins a file, and ends the one before it. The name is empty where the protocol gives none.
    pub fn begin(&mut self, name: Vec<u8>) {
        self.begin_in(Some(name).filter(|name| !name.is_empty()), Window::new(WINDOW));
    }

    /// Begins a file that is looked at in this window, and ends the one before it.
    pub fn begin_in(&mut self, name: Option<Vec<u8>>, window: Window) {
        self.end();
        if self.files.len() < MAX_FILES {
            let (kind, hashes) = (Kind::new(self.wanted.magic), Hashes::new(self.wanted.hashes));
            let kept = self.wanted.keep.clone().map(Kept::new);
            self.files.push(File { name, window, kind, hashes, kept, store: false, size: 0, ended: false });
            self.open = true;
        }
    }

    /// Adds bytes to the file that is open, if one is.
    pub fn push(&mut self, bytes: &[u8]) {
        self.push_partly(bytes, bytes.len());
    }

    /// The same, of which rules are shown no more than the first.
    pub fn push_partly(&mut self, bytes: &[u8], shown: usize) {
        if let Some(file) = self.open_file() {
            file.size += bytes.len() as u64;
            file.window.push(&bytes[..shown]);
            file.kind.push(bytes);
            file.hashes.push(bytes);
            if let Some(kept) = &mut file.kept {
                kept.push(bytes);
            }
        }
    }

    fn open_file(&mut self) -> Option<&mut File> {
        self.files.last_mut().filter(|_| self.open)
    }

    /// Ends the file that is open, if one is.
    pub fn end(&mut self) {
        if let Some(file) = self.open_file() {
            file.window.end();
            file.hashes.end();
            file.ended = true;
        }
        self.open = false;
    }

    /// Something of the file that is open was never seen.
    pub fn miss(&mut self) {
        if let Some(file) = self.open_file() {
            file.kind.miss();
            file.hashes.forget();
            if let Some(kept) = &mut file.kept {
                kept.cut();
            }
        }
    }

    /// Ends the file that is open, if one is, although something of it was never seen.
    pub fn cut(&mut self) {
        self.miss();
        self.end();
    }

    /// Whether a file takes bytes.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// How many have begun.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether none has begun.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The first of them.
    pub fn first(&self) -> Option<&File> {
        self.files.first()
    }

    /// Shows each value of a field, by its reader's place, after the number of its file; of files from `from` on.
    pub fn show(&self, reader: usize, from: usize, visit: &mut VisitFile<'_>) {
        let Some((_, show)) = READERS.get(reader) else { return };
        let recent = self.files.len().saturating_sub(SHOWN_AGAIN).min(self.looked_at.saturating_sub(1));
        let mut files = self.files.iter().enumerate().skip(recent.max(from));
        let _ = files.any(|(number, file)| show(file, &mut |offset, value| visit(number, offset, value)));
    }

    /// The values of a field, as they are shown.
    #[cfg(test)]
    pub(in crate::app_layer) fn values(&self, field: &Field) -> Vec<Vec<u8>> {
        self.values_from(field, 0).into_iter().map(|(_, value)| value).collect()
    }

    #[cfg(test)]
    fn values_from(&self, field: &Field, from: usize) -> Vec<(usize, Vec<u8>)> {
        let reader = READERS.iter().position(|&(known, _)| known == field).expect("a field of files");
        let mut values = Vec::new();
        self.show(reader, from, &mut |number, _, value| {
            values.push((number, value.to_vec()));
            false
        });
        values
    }

    /// A file is to be stored.
    pub fn store(&mut self, number: usize) {
        if let Some(file) = self.files.get_mut(number) {
            file.store = true;
        }
    }

    /// Hands on what is to be stored of files that have ended; with `over` none of them goes on, with `all` every file
    /// is to be stored.
    pub fn take_stored(&mut self, all: bool, over: bool, take: &mut dyn FnMut(Kept)) {
        for file in self.files.iter_mut().filter(|file| (all || file.store) && (over || file.ended)) {
            if let Some(mut kept) = file.kept.take() {
                if !file.ended {
                    kept.cut();
                }
                take(kept);
            }
        }
    }

    /// Rules are about to look.
    pub fn prepare(&mut self) {
        if self.wanted.magic {
            let unended = self.looked_at.saturating_sub(1);
            self.files[unended..].iter_mut().for_each(|file| file.kind.find_out(file.ended));
        }
    }

    /// Rules have looked.
    pub fn inspected(&mut self) {
        let unended = self.looked_at.saturating_sub(1);
        self.files[unended..].iter_mut().for_each(|file| file.window.inspected());
        self.looked_at = self.files.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_layer::file::hash::Algorithms;

    #[test]
    fn names_are_there_at_once_contents_and_sizes_at_the_end() {
        let mut files = Files::default();
        files.begin(b"one".to_vec());
        files.push(b"first");
        assert_eq!(files.values(&fields::NAME), [b"one"]);
        assert!(files.values(&fields::DATA).is_empty());
        assert!(files.values(&fields::SIZE).is_empty());
        files.begin(Vec::new());
        files.push(b"second");
        files.end();
        files.push(b"nobody's");
        assert_eq!(files.values(&fields::NAME), [b"one"]);
        assert_eq!(files.values(&fields::DATA), [&b"first"[..], b"second"]);
        assert_eq!(files.values(&fields::SIZE), [5u64, 6].map(u64::to_be_bytes));
    }

    #[test]
    fn whole_files_have_hashes() {
        let mut files = Files::new(Wanted {
            hashes: Algorithms::of(&[Algorithm::Md5]),
            magic: true,
            ..Wanted::default()
        });
        files.begin(Vec::new());
        files.push(b"abc");
        assert!(files.values(&fields::MD5).is_empty());
        files.begin(Vec::new());
        files.push(b"ab");
        files.cut();
        let hashes = files.values(&fields::MD5);
        assert_eq!(hashes, [0x9001_5098_3cd2_4fb0_d696_3f7d_28e1_7f72u128.to_be_bytes()]);
        assert!(files.values(&fields::SHA1).is_empty());
        assert_eq!(files.values(&fields::SIZE), [3u64, 2].map(u64::to_be_bytes));
    }

    #[test]
    fn contents_are_looked_at_once_names_again() {
        let mut files = Files::default();
        files.begin(b"one".to_vec());
        files.push(&[b'x'; 40_000]);
        assert_eq!(files.values(&fields::DATA)[0].len(), 40_000);
        files.inspected();
        assert!(files.values(&fields::DATA).is_empty());
        files.push(b"rest");
        files.end();
        assert_eq!(files.values(&fields::DATA)[0].len(), 1028);
        files.inspected();
        assert!(files.values(&fields::DATA).is_empty());
        assert_eq!(files.values(&fields::NAME), [b"one"]);
        assert_eq!(files.values(&fields::SIZE), [40_004u64.to_be_bytes()]);
    }

    #[test]
    fn values_say_which_file_they_are_of() {
        let mut files = Files::default();
        [&b"one"[..], b"", b"three"].iter().for_each(|name| files.begin(name.to_vec()));
        assert_eq!(files.values_from(&fields::NAME, 0), [(0, b"one".to_vec()), (2, b"three".to_vec())]);
        assert_eq!(files.values_from(&fields::NAME, 1), [(2, b"three".to_vec())]);
        assert_eq!(files.values_from(&fields::STORE, 1), [(1, Vec::new()), (2, Vec::new())]);
        assert!(files.values_from(&fields::NAME, 3).is_empty());
    }

    #[test]
    fn what_is_shown_again_is_bounded() {
        let mut files = Files::default();
        (0..MAX_FILES + 9).for_each(|_| files.begin(b"name".to_vec()));
        assert!(!files.is_open(), "there is no room for the last");
        assert_eq!(files.values(&fields::NAME).len(), MAX_FILES);
        files.inspected();
        assert_eq!(files.values(&fields::NAME).len(), SHOWN_AGAIN);
        assert!(files.values(&fields::DATA).is_empty());
    }
}
