//! Rule files as bytes of any encoding: places in them, their lines, and the rules cut out of the lines.
//!
//! Knows comments, blank lines and continuation lines; must not know what stands inside a rule.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, Range};
use std::sync::{Arc, OnceLock};

use memchr::memchr;

/// A range of byte offsets into a [`Source`], end exclusive.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The span of `start..end`.
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// An empty span at the end of this one, where something is missing.
    pub const fn after(self) -> Self {
        Self::new(self.end, self.end)
    }
}

/// A place for people: line and column, both from 1. Columns count characters; of bytes that are not UTF-8, each
/// faulty sequence counts as one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Location {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A rule file too large for 32-bit offsets.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a rule file must be smaller than 4 GiB, this one has {bytes} bytes")]
pub struct SourceTooLarge {
    /// Its size.
    pub bytes: usize,
}

/// One rule file: its name for messages, its bytes, and an index of its lines.
#[derive(Debug)]
pub struct Source {
    name: String,
    backing: Arc<Backing>,
    line_starts: OnceLock<Vec<u32>>,
}

impl Source {
    /// Takes the contents of a file.
    ///
    /// # Errors
    ///
    /// When the file has 4 GiB or more.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Result<Self, SourceTooLarge> {
        let bytes = bytes.into();
        if u32::try_from(bytes.len()).is_err() {
            return Err(SourceTooLarge { bytes: bytes.len() });
        }
        let backing = Arc::new(Backing { bytes, pieces: Vec::new() });
        Ok(Self { name: name.into(), backing, line_starts: OnceLock::new() })
    }

    /// The name given to it, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.backing.bytes
    }

    /// The whole file as one text.
    pub fn text(&self) -> Text {
        Text { backing: Arc::clone(&self.backing), start: 0, end: offset(self.backing.bytes.len()) }
    }

    /// Line and column of a byte offset; an offset past the end is taken for the end.
    pub fn location(&self, offset: u32) -> Location {
        let bytes = self.bytes();
        let at = (offset as usize).min(bytes.len());
        let line = self.line_of(at);
        let start = self.line_starts()[line] as usize;
        let column = bytes[start..at].utf8_chunks().map(characters).sum::<usize>();
        Location { line: self::offset(line + 1), column: self::offset(column + 1) }
    }

    /// The line, from 1, as a span without its line end; empty past the last line.
    pub fn line_span(&self, line: u32) -> Span {
        let starts = self.line_starts();
        let bytes = self.bytes();
        let Some(&start) = (line as usize).checked_sub(1).and_then(|index| starts.get(index)) else {
            return Span::new(offset(bytes.len()), offset(bytes.len()));
        };
        let end = starts.get(line as usize).map_or(bytes.len(), |&next| next as usize);
        let content = without_line_end(&bytes[start as usize..end]);
        Span::new(start, start + offset(content.len()))
    }

    /// The rules of the file, each joined from its continuation lines and trimmed; comments and blank lines are left
    /// out.
    ///
    /// A line continues on the next when a backslash is its last character (Suricata documentation: "Adding Your Own
    /// Rules" leaves it open; the rule files in circulation show it). A comment is one line, whatever its end.
    pub fn rules(&self) -> LogicalRules<'_> {
        let bom: &[u8] = b"\xef\xbb\xbf";
        LogicalRules { source: self, at: if self.bytes().starts_with(bom) { bom.len() } else { 0 } }
    }

    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let ends = memchr::memchr_iter(b'\n', self.bytes());
            std::iter::once(0).chain(ends.map(|end| offset(end + 1))).collect()
        })
    }

    fn line_of(&self, at: usize) -> usize {
        self.line_starts().partition_point(|&start| start as usize <= at) - 1
    }
}

/// The rules of a file, one after the other: see [`Source::rules`].
#[derive(Debug)]
pub struct LogicalRules<'a> {
    source: &'a Source,
    at: usize,
}

impl LogicalRules<'_> {
    /// The next physical line without its line end, or `None` at the end of the file.
    fn line(&mut self) -> Option<Range<usize>> {
        let bytes = self.source.bytes();
        if self.at >= bytes.len() {
            return None;
        }
        let start = self.at;
        let end = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |length| start + length + 1);
        self.at = end;
        Some(start..start + without_line_end(&bytes[start..end]).len())
    }

    fn join(&mut self, first: Range<usize>) -> Text {
        let source = self.source.bytes();
        let mut joined = Backing { bytes: Vec::new(), pieces: Vec::new() };
        let mut next = Some(first);
        while let Some(line) = next {
            let (content, continues) = match source[line.clone()].split_last() {
                Some((b'\\', head)) => (head, true),
                _ => (&source[line.clone()], false),
            };
            joined.pieces.push(Piece { logical: offset(joined.bytes.len()), file: offset(line.start) });
            joined.bytes.extend_from_slice(content);
            next = if continues { self.line() } else { None };
        }
        let end = offset(joined.bytes.len());
        Text { backing: Arc::new(joined), start: 0, end }
    }
}

impl Iterator for LogicalRules<'_> {
    type Item = Text;

    fn next(&mut self) -> Option<Text> {
        loop {
            let line = self.line()?;
            let bytes = &self.source.bytes()[line.clone()];
            let content = bytes.trim_ascii_start();
            if content.is_empty() || content[0] == b'#' {
                continue;
            }
            let text = if bytes.ends_with(b"\\") {
                self.join(line)
            } else {
                let (start, end) = (offset(line.start), offset(line.end));
                Text { backing: Arc::clone(&self.source.backing), start, end }
            };
            let text = text.trim();
            if !text.is_empty() {
                return Some(text);
            }
        }
    }
}

/// Some bytes of a rule file, shared with it, that know where they stand.
///
/// Equality compares the bytes alone, never the place.
#[derive(Clone)]
pub struct Text {
    backing: Arc<Backing>,
    start: u32,
    end: u32,
}

impl Text {
    /// Bytes that stand in no file, such as the value of a variable; their spans count from their own start.
    ///
    /// # Errors
    ///
    /// When there are 4 GiB or more.
    pub fn detached(bytes: impl Into<Vec<u8>>) -> Result<Self, SourceTooLarge> {
        Source::new("", bytes).map(|source| source.text())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.backing.bytes[self.start as usize..self.end as usize]
    }

    /// The bytes as characters, with U+FFFD for what is not UTF-8.
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// Where all of it stands in the file.
    pub fn span(&self) -> Span {
        self.span_of(0..self.len())
    }

    /// Where a range of its bytes stands in the file. A range that runs over a continuation line covers the line
    /// break; offsets past the end are taken for the end.
    pub fn span_of(&self, range: Range<usize>) -> Span {
        let start = self.start as usize + range.start.min(self.len());
        let end = self.start as usize + range.end.min(self.len());
        if start >= end {
            let at = self.backing.file_offset(offset(start));
            return Span::new(at, at);
        }
        let last = self.backing.file_offset(offset(end - 1));
        Span::new(self.backing.file_offset(offset(start)), last + 1)
    }

    /// A part of it, by range; offsets past the end are taken for the end.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        Self {
            backing: Arc::clone(&self.backing),
            start: self.start + offset(start),
            end: self.start + offset(end),
        }
    }

    /// Without ASCII blanks at either end.
    #[must_use]
    pub fn trim(&self) -> Self {
        let bytes = self.as_bytes();
        let start = bytes.len() - bytes.trim_ascii_start().len();
        self.slice(start..start + bytes[start..].trim_ascii_end().len())
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Text {}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_str_lossy())
    }
}

/// The bytes that texts share: a whole file, or one rule joined from several lines.
#[derive(Debug)]
struct Backing {
    bytes: Vec<u8>,
    /// Where each joined line stands in the file, ascending; none for a whole file.
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    logical: u32,
    file: u32,
}

impl Backing {
    fn file_offset(&self, at: u32) -> u32 {
        let after = self.pieces.partition_point(|piece| piece.logical <= at);
        match after.checked_sub(1).and_then(|index| self.pieces.get(index)) {
            Some(piece) => piece.file + (at - piece.logical),
            None => at,
        }
    }
}

fn offset(value: usize) -> u32 {
    u32::try_from(value).expect("a source is smaller than 4 GiB")
}

fn characters(chunk: std::str::Utf8Chunk<'_>) -> usize {
    chunk.valid().chars().count() + usize::from(!chunk.invalid().is_empty())
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bytes: &[u8]) -> Source {
        Source::new("test.rules", bytes).unwrap()
    }

    fn rules(bytes: &[u8]) -> Vec<Vec<u8>> {
        source(bytes).rules().map(|text| text.to_vec()).collect()
    }

    #[test]
    fn comments_and_blank_lines_are_left_out() {
        assert_eq!(rules(b"# one\n\n  \t\n\t # two\nrule\r\n#three"), [b"rule"]);
        assert_eq!(rules(b"\xef\xbb\xbf# marked\nrule"), [b"rule"]);
        assert_eq!(rules(b"# a path C:\\\nrule"), [b"rule"], "a comment does not continue");
        assert!(rules(b"").is_empty());
        assert!(rules(b"\\\n").is_empty());
    }

    #[test]
    fn continuation_lines_are_joined_with_an_exact_map() {
        let file = source(b"# head\nab\\\r\n  cd\\\n#e\nnext\n");
        let rules: Vec<Text> = file.rules().collect();
        assert_eq!(rules[0].as_bytes(), b"ab  cd#e", "within a rule, # is text");
        assert_eq!(rules[1].as_bytes(), b"next");
        for (index, &byte) in rules[0].iter().enumerate() {
            let span = rules[0].span_of(index..index + 1);
            assert_eq!(file.bytes()[span.start as usize], byte);
            assert_eq!(span.end, span.start + 1);
        }
        assert_eq!(rules[0].slice(4..6).span(), Span::new(14, 16));
        assert_eq!(file.location(14), Location { line: 3, column: 3 });
        assert_eq!(rules[0].span_of(1..5), Span::new(8, 15), "over the line break");
    }

    #[test]
    fn a_backslash_before_the_end_of_the_file_joins_nothing() {
        assert_eq!(rules(b"ab\\"), [b"ab"]);
    }

    #[test]
    fn columns_count_characters() {
        let file = source("aé漢x\n\tb\n".as_bytes());
        assert_eq!(file.location(6), Location { line: 1, column: 4 });
        assert_eq!(file.location(9), Location { line: 2, column: 2 });
        let faulty = source(b"\xff\xfex");
        assert_eq!(faulty.location(2), Location { line: 1, column: 3 });
        assert_eq!(faulty.location(99), Location { line: 1, column: 4 });
    }

    #[test]
    fn lines_have_spans_without_their_ends() {
        let file = source(b"ab\r\ncd\n\nef");
        let lines: Vec<Span> = (1..=5).map(|line| file.line_span(line)).collect();
        let expected = [(0, 2), (4, 6), (7, 7), (8, 10), (10, 10)];
        assert_eq!(lines, expected.map(|(start, end)| Span::new(start, end)));
    }

    #[test]
    fn equality_is_of_bytes() {
        let (one, two) = (source(b"x a"), source(b"a"));
        assert_eq!(one.text().slice(2..3), two.text());
        assert_eq!(one.text().slice(2..99).as_bytes(), b"a");
    }
}
