//! Files that go one way within a transaction, as rules look at them: what they hold in windows, their names, and
//! their sizes and hashes once they have ended.

use super::hash::{Algorithm, Hashes, Wanted};
use super::window::{Window, WindowConfig};
use crate::app_layer::parser::VisitWindow;

/// How much of a file is looked at, and when, in protocols other than HTTP (Suricata documentation: "suricata.yaml",
/// inspected-tracker).
pub const WINDOW: WindowConfig = WindowConfig { limit: 100_000, first: 32_768, step: 4096 };

/// The most files of one transaction; what more come are not looked at.
pub const MAX_FILES: usize = 1024;
/// How many of the latest files show their names and sizes again when rules look once more, besides those that are
/// new: a rule that another field has found may ask for them late.
const SHOWN_AGAIN: usize = 32;

#[derive(Debug)]
struct File {
    name: Vec<u8>,
    window: Window,
    hashes: Hashes,
    size: u64,
    ended: bool,
}

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
    /// None yet; of those that come some hashes are wanted.
    pub fn new(wanted: Wanted) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Begins a file, and ends the one before it. The name is empty where the protocol gives none.
    pub fn begin(&mut self, name: Vec<u8>) {
        self.end();
        if self.files.len() < MAX_FILES {
            let (window, hashes) = (Window::new(WINDOW), Hashes::new(self.wanted));
            self.files.push(File { name, window, hashes, size: 0, ended: false });
            self.open = true;
        }
    }

    /// Adds bytes to the file that is open, if one is.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.open
            && let Some(file) = self.files.last_mut()
        {
            file.size += bytes.len() as u64;
            file.window.push(bytes);
            file.hashes.push(bytes);
        }
    }

    /// Ends the file that is open, if one is.
    pub fn end(&mut self) {
        if std::mem::take(&mut self.open)
            && let Some(file) = self.files.last_mut()
        {
            file.window.end();
            file.hashes.end();
            file.ended = true;
        }
    }

    /// Ends the file that is open, if one is, although something of it was never seen.
    pub fn cut(&mut self) {
        if self.open
            && let Some(file) = self.files.last_mut()
        {
            file.hashes.forget();
        }
        self.end();
    }

    /// Whether a file takes bytes.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Shows what the files hold, as far as it is time to look at it.
    pub fn show_data(&self, visit: &mut VisitWindow<'_>) {
        let _ = self.files.iter().filter_map(|file| file.window.view()).any(|(at, bytes)| visit(at, bytes));
    }

    /// Shows the names, of those that have one.
    pub fn show_names(&self, visit: &mut VisitWindow<'_>) {
        let _ = self.recent().iter().any(|file| !file.name.is_empty() && visit(0, &file.name));
    }

    /// Shows the sizes of those that have ended, in bytes.
    pub fn show_sizes(&self, visit: &mut VisitWindow<'_>) {
        let _ = self.recent().iter().any(|file| file.ended && visit(0, &file.size.to_be_bytes()));
    }

    /// Shows a hash of those that have ended and were seen whole.
    pub fn show_hashes(&self, algorithm: Algorithm, visit: &mut VisitWindow<'_>) {
        let _ = self.recent().iter().any(|file| file.hashes.show(algorithm, visit));
    }

    fn recent(&self) -> &[File] {
        let again = self.files.len().saturating_sub(SHOWN_AGAIN);
        &self.files[again.min(self.looked_at)..]
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

    fn shown(show: impl Fn(&mut VisitWindow<'_>)) -> Vec<Vec<u8>> {
        let mut values = Vec::new();
        show(&mut |_, value| {
            values.push(value.to_vec());
            false
        });
        values
    }

    #[test]
    fn names_are_there_at_once_contents_and_sizes_at_the_end() {
        let mut files = Files::default();
        files.begin(b"one".to_vec());
        files.push(b"first");
        assert_eq!(shown(|visit| files.show_names(visit)), [b"one"]);
        assert!(shown(|visit| files.show_data(visit)).is_empty());
        assert!(shown(|visit| files.show_sizes(visit)).is_empty());
        files.begin(Vec::new());
        files.push(b"second");
        files.end();
        files.push(b"nobody's");
        assert_eq!(shown(|visit| files.show_names(visit)), [b"one"]);
        assert_eq!(shown(|visit| files.show_data(visit)), [&b"first"[..], b"second"]);
        assert_eq!(shown(|visit| files.show_sizes(visit)), [5u64, 6].map(u64::to_be_bytes));
    }

    #[test]
    fn whole_files_have_hashes() {
        let mut files = Files::new(Wanted::of(&[Algorithm::Md5]));
        files.begin(Vec::new());
        files.push(b"abc");
        assert!(shown(|visit| files.show_hashes(Algorithm::Md5, visit)).is_empty());
        files.begin(Vec::new());
        files.push(b"ab");
        files.cut();
        let hashes = shown(|visit| files.show_hashes(Algorithm::Md5, visit));
        assert_eq!(hashes, [0x9001_5098_3cd2_4fb0_d696_3f7d_28e1_7f72u128.to_be_bytes()]);
        assert!(shown(|visit| files.show_hashes(Algorithm::Sha1, visit)).is_empty());
        assert_eq!(shown(|visit| files.show_sizes(visit)), [3u64, 2].map(u64::to_be_bytes));
    }

    #[test]
    fn contents_are_looked_at_once_names_again() {
        let mut files = Files::default();
        files.begin(b"one".to_vec());
        files.push(&[b'x'; 40_000]);
        assert_eq!(shown(|visit| files.show_data(visit))[0].len(), 40_000);
        files.inspected();
        assert!(shown(|visit| files.show_data(visit)).is_empty());
        files.push(b"rest");
        files.end();
        assert_eq!(shown(|visit| files.show_data(visit))[0].len(), 1028);
        files.inspected();
        assert!(shown(|visit| files.show_data(visit)).is_empty());
        assert_eq!(shown(|visit| files.show_names(visit)), [b"one"]);
        assert_eq!(shown(|visit| files.show_sizes(visit)), [40_004u64.to_be_bytes()]);
    }

    #[test]
    fn what_is_shown_again_is_bounded() {
        let mut files = Files::default();
        (0..MAX_FILES + 9).for_each(|_| files.begin(b"name".to_vec()));
        assert!(!files.is_open(), "there is no room for the last");
        assert_eq!(shown(|visit| files.show_names(visit)).len(), MAX_FILES);
        files.inspected();
        assert_eq!(shown(|visit| files.show_names(visit)).len(), SHOWN_AGAIN);
        assert!(shown(|visit| files.show_data(visit)).is_empty());
    }
}
