//! Lines of protocols that are made of them, however their bytes come.

use memchr::memchr;

/// One line, or as much of a long one as comes at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Line<'a> {
    /// Without its end.
    pub text: &'a [u8],
    /// What ends it: CR LF or LF; nothing where it goes on.
    pub ending: &'a [u8],
    /// Whether it begins here; it does not where it is the rest of a long one.
    pub begins: bool,
}

/// Cuts what comes one way into lines. Of what was looked at once, nothing is looked at again.
#[derive(Debug, Default)]
pub struct Lines {
    /// Bytes from the start known to hold no line end.
    looked: usize,
    /// Whether a line goes on that was too long to come at once.
    within: bool,
}

impl Lines {
    /// The first line of `bytes`, which are all that was not taken yet, with the number of bytes that it takes; of a
    /// line longer than `limit` the next `limit` bytes. Nothing until the line has ended.
    pub fn next<'a>(&mut self, bytes: &'a [u8], limit: usize) -> Option<(Line<'a>, usize)> {
        let window = &bytes[..bytes.len().min(limit)];
        let begins = !self.within;
        let Some(at) = memchr(b'\n', &window[self.looked..]) else {
            if window.len() < limit {
                self.looked = window.len();
                return None;
            }
            *self = Self { looked: 0, within: true };
            return Some((Line { text: window, ending: b"", begins }, limit));
        };
        let end = self.looked + at;
        *self = Self::default();
        let text_end = end - usize::from(window[..end].ends_with(b"\r"));
        Some((Line { text: &window[..text_end], ending: &window[text_end..=end], begins }, end + 1))
    }

    /// What is left when nothing more comes: a line without an end. Nothing if that would be empty.
    pub fn last<'a>(&mut self, bytes: &'a [u8]) -> Option<Line<'a>> {
        let Self { within, .. } = std::mem::take(self);
        (!bytes.is_empty()).then_some(Line { text: bytes, ending: b"", begins: !within })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines with whether they begin and end, fed in pieces of `piece` bytes.
    fn cut(said: &[u8], piece: usize, limit: usize) -> Vec<(Vec<u8>, bool, usize)> {
        let (mut lines, mut found, mut taken) = (Lines::default(), Vec::new(), 0);
        for end in (piece..said.len()).step_by(piece).chain([said.len()]) {
            while let Some((line, len)) = lines.next(&said[taken..end], limit) {
                found.push((line.text.to_vec(), line.begins, line.ending.len()));
                taken += len;
            }
        }
        found.extend(lines.last(&said[taken..]).map(|line| (line.text.to_vec(), line.begins, 0)));
        found
    }

    #[test]
    fn lines_end_in_lf_with_or_without_cr() {
        let expected = [(&b"one"[..], true, 2), (b"", true, 1), (b"t\rw\ro", true, 1), (b"last", true, 0)]
            .map(|(text, begins, ending)| (text.to_vec(), begins, ending));
        for piece in 1..20 {
            assert_eq!(cut(b"one\r\n\nt\rw\ro\nlast", piece, 10), expected, "{piece}");
        }
    }

    #[test]
    fn long_lines_come_in_pieces() {
        let expected = [(&b"12345"[..], true, 0), (b"6789\r", false, 0), (b"", false, 1), (b"ab", true, 2)]
            .map(|(text, begins, ending)| (text.to_vec(), begins, ending));
        for piece in 1..20 {
            assert_eq!(cut(b"123456789\r\nab\r\n", piece, 5), expected, "{piece}");
        }
    }
}
