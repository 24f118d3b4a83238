//! Header fields: the block is cut into lines as it comes, and the lines become fields once it is whole.
//!
//! Servers and browsers take more than RFC 9112, section 5, allows, and differ: in responses a bare CR ends a line
//! too. Cutting and joining follow what libhtp takes for the same.

use super::event::Event;
use super::line::Faults;
use super::octets::{find_cr_or_lf, find_lf, first_number, is_blank, is_same, is_space, is_token, trim};
use crate::event::Direction;
use smallvec::SmallVec;

/// The longest line, and the longest run of bytes that may turn out to be one (suricata.yaml, `meta-field-limit`'s
/// default for reading: 18,000).
pub(super) const MAX_LINE: usize = 18_000;
/// The most bytes of one block.
pub(super) const MAX_BLOCK: usize = 256 << 10;
/// The most fields of different names (suricata.yaml, `headers-limit`).
pub(super) const MAX_FIELDS: usize = 1024;
/// The most repetitions that are joined to the fields they repeat, of all fields together.
const MAX_REPETITIONS: u32 = 64;
/// The most bytes of values that were folded or joined, of all fields together.
const MAX_JOINED: usize = 2 * MAX_BLOCK;
/// The most lines that are folded into one field.
const MAX_FOLDS: usize = 128;
/// The most bytes of a line end.
const MAX_LINE_END: usize = 64;

/// A line within a block.
#[derive(Clone, Copy, Debug)]
struct Line {
    start: u32,
    end: u32,
}

/// Why a block is given up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct TooLong;

/// A block of header fields as it comes.
#[derive(Debug, Default)]
pub(super) struct Block {
    raw: Vec<u8>,
    lines: SmallVec<[Line; 24]>,
    /// Bytes of the line that has begun which are known not to end it.
    looked: usize,
    /// The last line ended with LF and CR, in this order.
    ended_lf_cr: bool,
}

/// What became of looking for the end of a block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Cut {
    /// Bytes that are done with.
    pub(super) consumed: usize,
    /// Whether the line that ends the block has come.
    pub(super) whole: bool,
}

impl Block {
    /// Cuts lines off, up to the empty one that ends the block. `bytes` begin where the last call left off; `end`
    /// says that nothing follows them, which makes a line of what is left.
    ///
    /// # Errors
    ///
    /// When a line or the block is too long.
    pub(super) fn cut(&mut self, bytes: &[u8], way: Direction, end: bool) -> Result<Cut, TooLong> {
        let base = self.raw.len();
        let mut at = 0;
        let mut whole = false;
        while !whole {
            let rest = &bytes[at..];
            let Some(step) = self.next_line(rest, way, end) else { break };
            if step.content > MAX_LINE || base + at + step.len > MAX_BLOCK {
                return Err(TooLong);
            }
            whole = step.ends;
            if !step.skip {
                let start = base + at;
                self.lines.push(Line { start: start as u32, end: (start + step.content) as u32 });
            }
            at += step.len;
            self.looked = 0;
        }
        if !whole && bytes.len() - at > MAX_LINE {
            return Err(TooLong);
        }
        self.raw.extend_from_slice(&bytes[..at]);
        if end && !whole && at < bytes.len() {
            let start = self.raw.len();
            self.raw.extend_from_slice(&bytes[at..]);
            self.lines.push(Line { start: start as u32, end: self.raw.len() as u32 });
            at = bytes.len();
        }
        Ok(Cut { consumed: at, whole })
    }

    fn next_line(&mut self, rest: &[u8], way: Direction, end: bool) -> Option<Step> {
        let found = find_line_end(way, &rest[self.looked..]).map(|found| self.looked + found);
        let Some(content) = found else {
            self.looked = rest.len();
            return None;
        };
        self.looked = content;
        if content == 0 {
            return self.empty_line(rest, way, end);
        }
        let (content, len) = match way {
            Direction::ToServer => {
                let without_cr = content - usize::from(rest[content - 1] == b'\r');
                if without_cr == 0 {
                    return Some(Step { content: 0, len: content + 1, ends: true, skip: true });
                }
                let more = if without_cr < content { 0 } else { behind_lf(&rest[content + 1..], end)? };
                (without_cr, content + 1 + more)
            }
            Direction::ToClient => (content, content + response_line_end(&rest[content..], end)?),
        };
        // A line that only folds, ended by a single byte, ends the block where nothing like a fold or an empty line
        // follows.
        let mut ends = false;
        if content == 1 && is_fold(rest[0]) && len == 2 && !self.lines.is_empty() {
            ends = match rest.get(len) {
                Some(&next) => next != b'\n' && !is_fold(next),
                None if end => true,
                None => return None,
            };
        }
        self.ended_lf_cr = rest[..len].ends_with(b"\n\r");
        Some(Step { content, len, ends, skip: ends })
    }

    /// A line with nothing in it ends the block; but a CR alone before the first is what is left of the line before.
    fn empty_line(&self, rest: &[u8], way: Direction, end: bool) -> Option<Step> {
        let step = |len, ends| Some(Step { content: 0, len, ends, skip: true });
        match (rest, way) {
            ([b'\r', b'\n', ..], _) => step(2, true),
            ([b'\n'], Direction::ToClient) if self.ended_lf_cr && !end => None,
            ([b'\n', b'\r', ..], Direction::ToClient) if self.ended_lf_cr => step(2, true),
            ([b'\r'], Direction::ToClient) if !end => None,
            ([b'\r', ..], Direction::ToClient) => step(1, !self.lines.is_empty()),
            _ => step(1, true),
        }
    }

    /// Makes fields of a block that is whole, adds them to `headers` and lets go of it.
    pub(super) fn parse_into(&mut self, headers: &mut Headers, way: Direction) -> Faults {
        let mut faults = Faults::new();
        let base = headers.raw.len() as u32;
        for line in &mut self.lines {
            line.start += base;
            line.end += base;
        }
        if headers.raw.is_empty() {
            headers.raw = std::mem::take(&mut self.raw);
        } else {
            headers.raw.append(&mut self.raw);
        }
        headers.fields.reserve_exact(self.lines.len().min(MAX_FIELDS));
        let mut lines = &self.lines[..];
        while !lines.is_empty() {
            lines = headers.take_field(lines, way, &mut faults);
        }
        *self = Self::default();
        faults
    }
}

/// A line that was cut off.
struct Step {
    /// Bytes before its end.
    content: usize,
    /// Bytes with its end.
    len: usize,
    /// It ends the block.
    ends: bool,
    /// It is no line of the block.
    skip: bool,
}

fn find_line_end(way: Direction, bytes: &[u8]) -> Option<usize> {
    match way {
        Direction::ToServer => find_lf(bytes),
        Direction::ToClient => find_cr_or_lf(bytes),
    }
}

/// What goes on in a field of the line before.
const fn is_fold(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0)
}

/// What belongs to a line end behind a bare LF, in a request: CR, where CR and LF follow.
fn behind_lf(after: &[u8], end: bool) -> Option<usize> {
    match after {
        [b'\r', b'\r', b'\n', ..] => Some(1),
        [] | [b'\r'] | [b'\r', b'\r'] if !end => None,
        _ => Some(0),
    }
}

/// How long the line end is that the bytes begin with, in a response; nothing while that shows only later.
fn response_line_end(bytes: &[u8], end: bool) -> Option<usize> {
    let longer = match bytes {
        [b'\r', b'\n', b'\r', b'\r' | b' ' | b'\t', ..] => {
            let run = bytes[3..].iter().position(|&byte| byte != b'\r' && !is_blank(byte));
            match run {
                Some(run) => {
                    let len = 3 + run + usize::from(bytes[3 + run] == b'\n');
                    let odd = len <= MAX_LINE_END;
                    if odd { no_line_end_follows(&bytes[len..], end)?.then_some(len) } else { None }
                }
                None if end || bytes.len() > MAX_LINE_END => None,
                None => return None,
            }
        }
        [b'\n', b'\r', b'\r', b'\n', after @ ..] => {
            let plain = no_line_end_follows(after, end)?;
            (!plain).then_some(4)
        }
        [b'\r', b'\n']
        | [b'\r', b'\n', b'\r']
        | [b'\r']
        | [b'\n']
        | [b'\n', b'\r']
        | [b'\n', b'\r', b'\r']
            if !end =>
        {
            return None;
        }
        _ => None,
    };
    let regular = if matches!(bytes, [b'\r', b'\n', ..] | [b'\n', b'\r', ..]) { 2 } else { 1 };
    Some(longer.unwrap_or(regular))
}

fn no_line_end_follows(after: &[u8], end: bool) -> Option<bool> {
    match after {
        [b'\n', ..] | [b'\r', b'\n', ..] => Some(false),
        [] | [b'\r'] if !end => None,
        _ => Some(true),
    }
}

/// Where bytes of a field are.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    len: u32,
    /// Among those put together, not those that came.
    joined: bool,
}

#[derive(Clone, Copy, Debug)]
struct Field {
    name: Span,
    value: Span,
    /// Of the name.
    hash: u32,
    repeated: bool,
}

/// The header fields of a message, those of the trailer too.
#[derive(Debug, Default)]
pub(super) struct Headers {
    /// The block as it came, with the line that ends it.
    raw: Vec<u8>,
    /// Values that were folded or repeated.
    joined: Vec<u8>,
    fields: Vec<Field>,
    repetitions: u32,
    /// There were more fields than [`MAX_FIELDS`].
    pub(super) too_many: bool,
}

impl Headers {
    /// The block as it came.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Names and values in the order in which the names first came.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| (self.bytes(field.name), self.bytes(field.value)))
    }

    /// The value of the first field of that name, given in lower case.
    pub(super) fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let field = self
            .fields
            .iter()
            .find(|field| field.name.len as usize >= name.len() && is_same(self.bytes(field.name), name))?;
        Some(self.bytes(field.value))
    }

    /// Forgets all of it.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn bytes(&self, span: Span) -> &[u8] {
        let bytes = if span.joined { &self.joined } else { &self.raw };
        &bytes[span.start as usize..(span.start + span.len) as usize]
    }

    /// Takes one field off the lines and returns those behind it.
    fn take_field<'l>(&mut self, lines: &'l [Line], way: Direction, faults: &mut Faults) -> &'l [Line] {
        let (name, value_start, value_line) = match self.colon(lines) {
            Some((line, at)) => {
                let name = lines[0].start..at as u32;
                (Some(name), at as u32 + 1, line)
            }
            None => (None, lines[0].start, 0),
        };
        let name = match name {
            Some(range) => {
                let name = &self.raw[range.start as usize..range.end as usize];
                note_faults_of_name(name, way, faults);
                let trimmed = trim(name);
                let before = trimmed.as_ptr() as usize - name.as_ptr() as usize;
                Span { start: range.start + before as u32, len: trimmed.len() as u32, joined: false }
            }
            None => {
                note(faults, missing_colon(way));
                Span::default()
            }
        };
        let line_end = lines[value_line].end;
        let value = &self.raw[value_start as usize..line_end as usize];
        let folds = self.folds(&lines[value_line + 1..], way);
        let behind = &lines[value_line + 1 + folds..];
        let value = if folds == 0 {
            let trimmed = trim(value);
            let before = trimmed.as_ptr() as usize - value.as_ptr() as usize;
            Span { start: value_start + before as u32, len: trimmed.len() as u32, joined: false }
        } else {
            self.unfold(value_start..line_end, &lines[value_line + 1..value_line + 1 + folds])
        };
        self.add(name, value, way, faults);
        behind
    }

    /// The first colon, with the line on which it stands: on the first, or on one that a space begins.
    fn colon(&self, lines: &[Line]) -> Option<(usize, usize)> {
        for (number, line) in lines.iter().take(MAX_FOLDS).enumerate() {
            let content = &self.raw[line.start as usize..line.end as usize];
            if number > 0 && !content.starts_with(b" ") {
                return None;
            }
            if let Some(at) = memchr::memchr(b':', content) {
                return Some((number, line.start as usize + at));
            }
        }
        None
    }

    /// How many of the lines go on in the value of the line before. In a response those that look like a field of
    /// their own do not.
    fn folds(&self, lines: &[Line], way: Direction) -> usize {
        let folds = |line: &&Line| {
            let content = &self.raw[line.start as usize..line.end as usize];
            content.first().is_some_and(|&byte| is_fold(byte))
                && (way == Direction::ToServer || !looks_like_field(&content[1..]))
        };
        lines.iter().take(MAX_FOLDS).take_while(folds).count()
    }

    fn unfold(&mut self, first: std::ops::Range<u32>, folds: &[Line]) -> Span {
        let start = self.joined.len();
        let Self { raw, joined, .. } = self;
        let first = &raw[first.start as usize..first.end as usize];
        let blank = first.iter().position(|&byte| !is_blank(byte)).unwrap_or(first.len());
        joined.extend_from_slice(&first[blank..]);
        for fold in folds {
            let (separator, content) = raw[fold.start as usize..fold.end as usize].split_at(1);
            if joined.len() > start {
                joined.extend_from_slice(separator);
            }
            joined.extend_from_slice(content);
        }
        let whole = &joined[start..];
        let trimmed = trim(whole);
        let before = trimmed.as_ptr() as usize - whole.as_ptr() as usize;
        Span { start: (start + before) as u32, len: trimmed.len() as u32, joined: true }
    }

    fn add(&mut self, name: Span, value: Span, way: Direction, faults: &mut Faults) {
        let text = self.bytes(name);
        let hash = hash_of_name(text);
        let is_same = |field: &Field| field.hash == hash && self.bytes(field.name).eq_ignore_ascii_case(text);
        let same = self.fields.iter().position(is_same);
        match same {
            Some(at) => self.repeat(at, value, way, faults),
            None if self.fields.len() > MAX_FIELDS => {
                self.too_many = true;
                note(
                    faults,
                    if way == Direction::ToServer {
                        Event::RequestTooManyHeaders
                    } else {
                        Event::ResponseTooManyHeaders
                    },
                );
            }
            None => self.fields.push(Field { name, value, hash, repeated: false }),
        }
    }

    /// Joins a value to those of its field before (RFC 9110, section 5.3). Of the length the first counts.
    fn repeat(&mut self, at: usize, value: Span, way: Direction, faults: &mut Faults) {
        let (repetition, duplicate) = match way {
            Direction::ToServer => {
                (Event::RequestHeaderRepetition, Event::DuplicateContentLengthFieldInRequest)
            }
            Direction::ToClient => {
                (Event::ResponseHeaderRepetition, Event::DuplicateContentLengthFieldInResponse)
            }
        };
        let field = self.fields[at];
        let joined = self.joined.len() + (field.value.len + value.len) as usize;
        if field.repeated {
            if self.repetitions >= MAX_REPETITIONS || joined > MAX_JOINED {
                return;
            }
            self.repetitions += 1;
        } else {
            note(faults, repetition);
        }
        self.fields[at].repeated = true;
        if self.bytes(field.name).eq_ignore_ascii_case(b"content-length") {
            let length = |span| first_number(self.bytes(span)).map(|(_, number, _)| number);
            if length(field.value).is_none() || length(field.value) != length(value) {
                note(faults, duplicate);
            }
            return;
        }
        self.fields[at].value = self.join(field.value, value);
    }

    fn join(&mut self, before: Span, more: Span) -> Span {
        let start = if before.joined && (before.start + before.len) as usize == self.joined.len() {
            before.start
        } else {
            let start = self.joined.len();
            self.append(before);
            start as u32
        };
        self.joined.extend_from_slice(b", ");
        self.append(more);
        Span { start, len: self.joined.len() as u32 - start, joined: true }
    }

    fn append(&mut self, span: Span) {
        let range = span.start as usize..(span.start + span.len) as usize;
        if span.joined {
            self.joined.extend_from_within(range);
        } else {
            self.joined.extend_from_slice(&self.raw[range]);
        }
    }
}

/// A hash of a name without case, of eight bytes at once.
fn hash_of_name(name: &[u8]) -> u32 {
    // Letters of either case are the same with this bit set.
    const LOWER: u64 = 0x2020_2020_2020_2020;
    let words = name.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
    let hash = words.chain([last_bytes(name)]).fold(name.len() as u64, |hash, word| {
        (hash ^ (word | LOWER)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    });
    (hash ^ (hash >> 32)) as u32
}

/// The last bytes of a name, up to eight.
fn last_bytes(name: &[u8]) -> u64 {
    if let Some(last) = name.last_chunk() {
        u64::from_le_bytes(*last)
    } else if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
    } else {
        name.iter().fold(0, |bytes, &byte| bytes << 8 | u64::from(byte))
    }
}

/// Blanks, a token, blanks and a colon.
fn looks_like_field(content: &[u8]) -> bool {
    let after_blanks = |bytes: &[u8]| bytes.iter().position(|&byte| !is_blank(byte)).unwrap_or(bytes.len());
    let content = &content[after_blanks(content)..];
    let token = content.iter().position(|&byte| !is_token(byte)).unwrap_or(content.len());
    let content = &content[token..];
    token > 0 && content[after_blanks(content)..].starts_with(b":")
}

fn missing_colon(way: Direction) -> Event {
    match way {
        Direction::ToServer => Event::RequestFieldMissingColon,
        Direction::ToClient => Event::ResponseFieldMissingColon,
    }
}

fn note_faults_of_name(name: &[u8], way: Direction, faults: &mut Faults) {
    let (invalid, folding) = match way {
        Direction::ToServer => (Event::RequestHeaderInvalid, Event::InvalidRequestFieldFolding),
        Direction::ToClient => (Event::ResponseHeaderInvalid, Event::InvalidResponseFieldFolding),
    };
    if name.first().is_some_and(|&byte| is_space(byte)) {
        note(faults, folding);
    }
    let sound = !name.is_empty() && name.iter().all(|&byte| is_token(byte));
    if !sound && !trim(name).is_empty() && trim(name).iter().all(|&byte| is_token(byte)) {
        // White space behind it, or before it alone.
        if name.last().is_some_and(|&byte| is_space(byte)) {
            note(faults, invalid);
        }
    } else if !sound {
        note(faults, invalid);
    }
}

fn note(faults: &mut Faults, event: Event) {
    if !faults.contains(&event) {
        faults.push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{ToClient, ToServer};

    /// The fields and what is left, the same from any pieces.
    fn fields(block: &[u8], way: Direction) -> (Vec<String>, usize, Faults) {
        let whole = fields_in_pieces(block, way, block.len().max(1));
        for piece in 1..block.len() {
            assert_eq!(fields_in_pieces(block, way, piece), whole, "pieces of {piece}");
        }
        whole
    }

    fn fields_in_pieces(block: &[u8], way: Direction, piece: usize) -> (Vec<String>, usize, Faults) {
        let (mut cutting, mut at, mut seen) = (Block::default(), 0, 0);
        loop {
            seen = (seen + piece).min(block.len());
            let cut = cutting.cut(&block[at..seen], way, seen == block.len()).unwrap();
            at += cut.consumed;
            if cut.whole || seen == block.len() {
                break;
            }
        }
        let mut headers = Headers::default();
        let faults = cutting.parse_into(&mut headers, way);
        let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let lines = headers.iter().map(|(name, value)| format!("{}={}", shown(name), shown(value)));
        (lines.collect(), block.len() - at, faults)
    }

    fn names_and_values(block: &[u8], way: Direction) -> Vec<String> {
        fields(block, way).0
    }

    #[test]
    fn a_plain_block_ends_with_an_empty_line() {
        for block in [
            &b"Host: a\r\nX:b\r\nEmpty:\r\n\r\nGET"[..],
            b"Host: a\nX:b\nEmpty:\n\nGET",
            b"Host:\ta \r\nX:  b\t\nEmpty: \r\n\nGET",
        ] {
            for way in Direction::ALL {
                let (fields, left, faults) = fields(block, way);
                assert_eq!(fields, ["Host=a", "X=b", "Empty="], "{}", block.escape_ascii());
                assert_eq!((left, faults.len()), (3, 0));
            }
        }
    }

    #[test]
    fn folded_lines_go_on() {
        let block = b"A: 1\r\n 2\r\n\t3\r\nB:\r\n x\r\n\r\n";
        for way in Direction::ALL {
            assert_eq!(names_and_values(block, way), ["A=1 2\\t3", "B=x"]);
        }
        let colon_later = b"Name\r\n :chunked\r\n\r\n";
        assert_eq!(names_and_values(colon_later, ToClient), ["Name=chunked"]);
        let like_a_field = b"A: b\r\n Name: c\r\n\r\n";
        assert_eq!(names_and_values(like_a_field, ToClient), ["A=b", "Name=c"]);
        assert_eq!(names_and_values(like_a_field, ToServer), ["A=b Name: c"]);
    }

    #[test]
    fn responses_end_lines_oddly() {
        for (block, expected, left) in [
            (&b"A: 1\rB: 2\r\n\r\nbody"[..], &["A=1", "B=2"][..], 4),
            (b"A: 1\rB: 2\r\rbody", &["A=1", "B=2"], 4),
            (b"A: 1\n\rB: 2\n\r\nbody", &["A=1", "B=2"], 4),
            (b"A: 1\n\rB: 2\n\r\n\rbody", &["A=1", "B=2"], 4),
            (b"A: 1\n\r\r\nbody", &["A=1"], 4),
            (b"A: 1\n\r\r\n\r\nbody", &["A=1"], 4),
            (b"A: 1\r\n\r\r\nB: 2\r\n\r\nbody", &["A=1", "B=2"], 4),
            (b"A: 1\r\n\r \rB: 2\r\n\r\nbody", &["A=1", "B=2"], 4),
            (b"A: 1\r\n \r\n\r\nbody", &["A=1"], 4),
            (b"A: 1\n \n\nbody", &["A=1"], 4),
            (b"A: 1\n\t\nbody", &["A=1"], 4),
            (b"A:\n\0gzip\r\n\r\nbody", &["A=gzip"], 4),
            (b"\rA: 1\r\n\r\nbody", &["A=1"], 4),
        ] {
            let (fields, rest, _) = fields(block, ToClient);
            assert_eq!(
                (fields.as_slice(), rest),
                (&expected.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..], left),
                "{}",
                block.escape_ascii()
            );
        }
    }

    #[test]
    fn repeated_fields_are_joined_but_not_the_length() {
        let block = b"A: 1\r\nContent-Length: 5\r\na: 2\r\nContent-Length: 6\r\nA: 3\r\n\r\n";
        let (fields, _, faults) = fields(block, ToServer);
        assert_eq!(fields, ["A=1, 2, 3", "Content-Length=5"]);
        assert_eq!(
            faults.as_slice(),
            [Event::RequestHeaderRepetition, Event::DuplicateContentLengthFieldInRequest]
        );
    }

    #[test]
    fn what_is_no_field_is_told() {
        let (shown, _, faults) = fields(b"junk line\r\n: x\r\nb@d: y\r\n\r\n", ToServer);
        assert_eq!(shown, ["=junk line, x", "b@d=y"]);
        assert!(faults.contains(&Event::RequestFieldMissingColon));
        assert!(faults.contains(&Event::RequestHeaderInvalid));
        let (_, _, faults) = fields(b" A: x\r\n\r\n", ToClient);
        assert_eq!(faults.as_slice(), [Event::InvalidResponseFieldFolding]);
    }

    #[test]
    fn names_are_found_without_case_and_nul() {
        let mut block = Block::default();
        let mut headers = Headers::default();
        block.cut(b"Trans\0fer-Encoding\x0b: x\r\n\r\n", ToClient, false).unwrap();
        block.parse_into(&mut headers, ToClient);
        assert_eq!(headers.get(b"transfer-encoding"), Some(&b"x"[..]));
        assert_eq!(headers.get(b"transfer"), None);
    }

    #[test]
    fn lines_blocks_and_fields_are_bounded() {
        assert_eq!(Block::default().cut(&[b'x'; MAX_LINE + 1], ToServer, false), Err(TooLong));
        let mut block = Block::default();
        let line = [&[b'x'; 1000][..], b"\r\n"].concat();
        assert!((0..MAX_BLOCK / 1000 + 1).any(|_| block.cut(&line, ToServer, false) == Err(TooLong)));

        let many: Vec<u8> = (0..MAX_FIELDS + 9).flat_map(|n| format!("n{n}: x\r\n").into_bytes()).collect();
        let mut block = Block::default();
        block.cut(&[&many[..], b"\r\n"].concat(), ToServer, false).unwrap();
        let mut headers = Headers::default();
        let faults = block.parse_into(&mut headers, ToServer);
        assert!(headers.too_many && faults.contains(&Event::RequestTooManyHeaders));
    }

    #[test]
    fn folds_and_repetitions_are_bounded() {
        let block = [&b"A: x\r\n"[..], &b" y\r\n".repeat(1000), b"\r\n"].concat();
        let mut cutting = Block::default();
        cutting.cut(&block, ToServer, false).unwrap();
        let mut headers = Headers::default();
        cutting.parse_into(&mut headers, ToServer);
        assert_eq!(headers.get(b"a").unwrap().len(), 1 + 2 * MAX_FOLDS);
        assert!(headers.joined.len() < 4 * block.len(), "{}", headers.joined.len());
    }
}
