//! Uploads in `multipart/form-data` (RFC 7578): the files among the parts of a body.

use super::event::Event;
use super::line::Faults;
use super::octets::{find, is_blank, trim};
use memchr::memmem;

/// The longest boundary (RFC 2046, section 5.1.1, allows 70).
const MAX_BOUNDARY: usize = 200;
/// The longest header of a part.
const MAX_HEADER: usize = 8 << 10;
/// The most parts of a body that are told apart.
const MAX_PARTS: u32 = 1024;

/// What a body turns out to hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Piece<'a> {
    /// A file of that name begins.
    Begin(&'a [u8]),
    /// It goes on with these bytes.
    Data(&'a [u8]),
    /// It is over.
    End,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// Behind a boundary: the rest of its line.
    BoundaryEnd,
    Header,
    /// In a part, perhaps in a file of which some bytes were seen.
    Part {
        file: bool,
        seen: bool,
    },
    Over,
}

/// Takes a body apart as it comes.
#[derive(Debug)]
pub(super) struct Multipart {
    /// The boundary with the line end and the dashes before it.
    delimiter: Vec<u8>,
    state: State,
    parts: u32,
    /// What is left to be looked at.
    held: Vec<u8>,
    /// Bytes of it known to hold no end of a header.
    looked: usize,
}

impl Multipart {
    /// For a body of that `Content-Type`; nothing where it is no form with a boundary.
    pub(super) fn of(content_type: &[u8]) -> Option<Self> {
        let (kind, parameters) =
            content_type.split_at(memchr::memchr(b';', content_type).unwrap_or(content_type.len()));
        if !trim(kind).eq_ignore_ascii_case(b"multipart/form-data") {
            return None;
        }
        let boundary = parameter(parameters, b"boundary")?;
        (1..=MAX_BOUNDARY).contains(&boundary.len()).then(|| Self {
            delimiter: [b"\r\n--", boundary].concat(),
            state: State::Preamble,
            parts: 0,
            // The first boundary need not stand behind a line.
            held: b"\r\n".to_vec(),
            looked: 0,
        })
    }

    /// Takes bytes and shows what they make.
    pub(super) fn feed(&mut self, bytes: &[u8], faults: &mut Faults, show: &mut dyn FnMut(Piece<'_>)) {
        if self.state == State::Over {
            return;
        }
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(taken) = self.step(&held[at..], faults, show) {
            at += taken;
        }
        held.drain(..at);
        self.held = held;
    }

    /// Nothing more comes.
    pub(super) fn finish(&mut self, faults: &mut Faults, show: &mut dyn FnMut(Piece<'_>)) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Part { file: true, seen } => {
                let data = self.held.get(if seen { 0 } else { 2 }..).unwrap_or_default();
                if !data.is_empty() {
                    show(Piece::Data(data));
                } else if !seen {
                    note(faults, Event::MultipartNoFiledata);
                }
                show(Piece::End);
            }
            State::Header if !self.held.is_empty() => note(faults, Event::MultipartGenericError),
            _ => {}
        }
        self.held = Vec::new();
    }

    /// Goes one step and says how many bytes are done with; nothing when there are too few for one.
    fn step(&mut self, held: &[u8], faults: &mut Faults, show: &mut dyn FnMut(Piece<'_>)) -> Option<usize> {
        match self.state {
            State::Over => (!held.is_empty()).then_some(held.len()),
            State::Preamble => self.preamble(held),
            State::BoundaryEnd => self.boundary_end(held),
            State::Header => self.header(held, faults, show),
            State::Part { file, seen } => self.part(held, file, seen, faults, show),
        }
    }

    fn preamble(&mut self, held: &[u8]) -> Option<usize> {
        match memmem::find(held, &self.delimiter) {
            Some(at) => {
                self.state = State::BoundaryEnd;
                Some(at + self.delimiter.len())
            }
            None => self.surely_before(held),
        }
    }

    /// Bytes that no boundary can begin in.
    fn surely_before(&self, held: &[u8]) -> Option<usize> {
        let kept = self.delimiter.len() - 1;
        let tail = &held[held.len().saturating_sub(kept)..];
        let may_begin = memchr::memchr(b'\r', tail).map_or(held.len(), |at| held.len() - tail.len() + at);
        (may_begin > 0).then_some(may_begin)
    }

    fn boundary_end(&mut self, held: &[u8]) -> Option<usize> {
        if held.starts_with(b"--") {
            self.state = State::Over;
            return Some(held.len());
        }
        let Some(end) = memchr::memchr(b'\n', held) else {
            if held.len() > MAX_HEADER {
                self.state = State::Over;
                return Some(held.len());
            }
            return None;
        };
        self.parts += 1;
        self.state = if self.parts > MAX_PARTS { State::Over } else { State::Header };
        self.looked = 0;
        Some(end + 1)
    }

    fn header(&mut self, held: &[u8], faults: &mut Faults, show: &mut dyn FnMut(Piece<'_>)) -> Option<usize> {
        let end = if held.starts_with(b"\r\n") {
            Some((0, 2))
        } else {
            memmem::find(&held[self.looked..], b"\r\n\r\n").map(|at| (self.looked + at, 4))
        };
        let Some((len, end)) = end else {
            self.looked = held.len().saturating_sub(3);
            if held.len() > MAX_HEADER {
                note(faults, Event::MultipartGenericError);
                self.state = State::Over;
                return Some(held.len());
            }
            return None;
        };
        let name = file_name(&held[..len], faults);
        if let Some(name) = name {
            show(Piece::Begin(name));
        }
        self.state = State::Part { file: name.is_some(), seen: false };
        // The line end of the header may begin the next boundary.
        Some(len + end - 2)
    }

    fn part(
        &mut self,
        held: &[u8],
        file: bool,
        seen: bool,
        faults: &mut Faults,
        show: &mut dyn FnMut(Piece<'_>),
    ) -> Option<usize> {
        // The first two bytes are the line end of the header.
        let data_from = if seen { 0 } else { 2 };
        let found = memmem::find(held, &self.delimiter);
        let upto = match found {
            Some(at) => at,
            None => self.surely_before_or_line_end(held, data_from)?,
        };
        let data = held.get(data_from..upto).unwrap_or_default();
        if file && !data.is_empty() {
            show(Piece::Data(data));
        }
        if found.is_some() {
            if file {
                if !seen && data.is_empty() {
                    note(faults, Event::MultipartNoFiledata);
                }
                show(Piece::End);
            }
            self.state = State::BoundaryEnd;
            return Some(upto + self.delimiter.len());
        }
        self.state = State::Part { file, seen: true };
        Some(upto)
    }

    /// Like [`surely_before`](Self::surely_before), once there is more than the line end of the header.
    fn surely_before_or_line_end(&self, held: &[u8], data_from: usize) -> Option<usize> {
        let upto = self.surely_before(held)?;
        (upto > data_from).then_some(upto)
    }
}

/// The name of the file that a part's header announces.
fn file_name<'h>(header: &'h [u8], faults: &mut Faults) -> Option<&'h [u8]> {
    let mut name = None;
    for line in header.split(|&byte| byte == b'\n') {
        let Some(colon) = memchr::memchr(b':', line) else {
            if !trim(line).is_empty() {
                note(faults, Event::MultipartInvalidHeader);
            }
            continue;
        };
        if trim(&line[..colon]).eq_ignore_ascii_case(b"content-disposition") {
            name = parameter(&line[colon + 1..], b"filename").filter(|name| !name.is_empty());
        }
    }
    name
}

/// The value of a parameter, without its quotes, as in `; name="value"`.
pub(super) fn parameter<'p>(parameters: &'p [u8], name: &[u8]) -> Option<&'p [u8]> {
    let mut rest = parameters;
    loop {
        let at = find(rest, name)?;
        let separated = at == 0 || rest[at - 1] == b';' || rest[at - 1].is_ascii_whitespace();
        let after = &rest[at + name.len()..];
        let blanks = after.iter().position(|&byte| !is_blank(byte)).unwrap_or(after.len());
        match after[blanks..].strip_prefix(b"=") {
            Some(value) if separated => return Some(unquoted(value)),
            _ => rest = after,
        }
    }
}

fn unquoted(value: &[u8]) -> &[u8] {
    let value = trim(value);
    match value.strip_prefix(b"\"") {
        Some(quoted) => {
            let mut escaped = false;
            let end = quoted.iter().position(|&byte| {
                let closes = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                closes
            });
            &quoted[..end.unwrap_or(quoted.len())]
        }
        None => trim(&value[..memchr::memchr(b';', value).unwrap_or(value.len())]),
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

    const TYPE: &[u8] = b"multipart/form-data; charset=x; boundary=\"-b0\"";

    fn parts(body: &[u8], piece: usize) -> (Vec<String>, Faults) {
        let mut multipart = Multipart::of(TYPE).unwrap();
        let (mut faults, mut shown) = (Faults::new(), Vec::new());
        let mut show = |piece: Piece<'_>| match piece {
            Piece::Begin(name) => shown.push(format!("{}:", name.escape_ascii())),
            Piece::Data(data) => shown.last_mut().unwrap().push_str(&data.escape_ascii().to_string()),
            Piece::End => shown.last_mut().unwrap().push('.'),
        };
        for bytes in body.chunks(piece) {
            multipart.feed(bytes, &mut faults, &mut show);
        }
        multipart.finish(&mut faults, &mut show);
        assert!(multipart.held.capacity() == 0);
        (shown, faults)
    }

    fn parts_of_any_pieces(body: &[u8]) -> (Vec<String>, Faults) {
        let whole = parts(body, body.len());
        for piece in 1..body.len() {
            assert_eq!(parts(body, piece), whole, "pieces of {piece}");
        }
        whole
    }

    #[test]
    fn files_among_fields() {
        let body = b"--\r\n---b0\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n---b0 \r\n\
            content-disposition: form-data; name=\"f\"; filename=\"x \\\"y.bin\"\r\nContent-Type: a/b\r\n\r\n\
            one\r\n--two\r\r\n---b0\r\nContent-Disposition: form-data; filename=z\r\n\r\n\r\n---b0--\r\nrest";
        let (shown, faults) = parts_of_any_pieces(body);
        assert_eq!(shown, ["x \\\\\\\"y.bin:one\\r\\n--two\\r.", "z:."]);
        assert_eq!(faults.as_slice(), [Event::MultipartNoFiledata]);
    }

    #[test]
    fn a_body_that_is_cut_off() {
        let body = b"---b0\r\nContent-Disposition: form-data; filename=z\r\nno colon\r\n\r\nabc\r\n--";
        let (shown, faults) = parts_of_any_pieces(body);
        assert_eq!(shown, ["z:abc\\r\\n--."]);
        assert_eq!(faults.as_slice(), [Event::MultipartInvalidHeader]);
    }

    #[test]
    fn what_is_no_form() {
        assert!(Multipart::of(b"multipart/form-data").is_none());
        assert!(Multipart::of(b"multipart/mixed; boundary=x").is_none());
        assert!(Multipart::of(&[b"multipart/form-data; boundary=", &[b'x'; 300][..]].concat()).is_none());
        assert_eq!(parameter(b"a; xfilename=1; filename*=2; FileName = 3 ; b", b"filename"), Some(&b"3"[..]));
        assert_eq!(parameter(b"attachment", b"filename"), None);
    }

    #[test]
    fn headers_and_parts_are_bounded() {
        let mut body = b"---b0\r\n".to_vec();
        body.extend(std::iter::repeat_n(b'x', 2 * MAX_HEADER));
        let (shown, faults) = parts(&body, 100);
        assert!(shown.is_empty());
        assert_eq!(faults.as_slice(), [Event::MultipartGenericError]);
        let many =
            b"---b0\r\nContent-Disposition: f; filename=a\r\n\r\nx\r\n".repeat(MAX_PARTS as usize + 10);
        assert_eq!(parts(&many, 4096).0.len(), MAX_PARTS as usize);
    }
}
