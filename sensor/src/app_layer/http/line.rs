//! First lines: `GET / HTTP/1.1` and `HTTP/1.1 200 OK`, and what servers and browsers make of others.

use super::event::Event;
use super::octets::{chomp, find_lf, first_number, is_space, trim, trim_start};
use smallvec::SmallVec;
use std::ops::Range;

/// Methods that are known (the patterns by which Suricata tells HTTP, too).
pub(super) const METHODS: [&str; 28] = [
    "GET",
    "PUT",
    "POST",
    "HEAD",
    "TRACE",
    "OPTIONS",
    "CONNECT",
    "DELETE",
    "PATCH",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "CHECKOUT",
    "UNCHECKOUT",
    "CHECKIN",
    "UPDATE",
    "LABEL",
    "REPORT",
    "MKWORKSPACE",
    "MKACTIVITY",
    "MERGE",
    "INVALID",
    "VERSION-CONTROL",
    "BASELINE-CONTROL",
];

/// What was wrong with a line.
pub(in crate::app_layer) type Faults = SmallVec<[Event; 2]>;

/// What a method does to the message.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Method {
    /// Its response has no body.
    Head,
    /// Its body is a file or a form.
    Post,
    /// Its body is a file.
    Put,
    /// It asks for a tunnel.
    Connect,
    /// Another one that is known.
    Other,
    /// None that is known.
    #[default]
    Unknown,
}

impl Method {
    /// The method of that name.
    pub(super) fn named(name: &[u8]) -> Self {
        match name {
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"CONNECT" => Self::Connect,
            _ if METHODS.iter().any(|method| method.as_bytes() == name) => Self::Other,
            _ => Self::Unknown,
        }
    }
}

/// The version that a message speaks.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Version {
    /// Not known, or none that exists.
    #[default]
    Invalid,
    /// HTTP/0.9.
    V09,
    /// HTTP/1.0.
    V10,
    /// HTTP/1.1.
    V11,
}

impl Version {
    /// Reads `HTTP/1.1`, with blanks around the slash and zeros before the number.
    fn parse(protocol: &[u8]) -> Self {
        let protocol = trim(protocol);
        let Some((name, rest)) = protocol.split_at_checked(4) else { return Self::Invalid };
        let Some(number) = trim_start(rest).strip_prefix(b"/") else { return Self::Invalid };
        if !name.eq_ignore_ascii_case(b"HTTP") {
            return Self::Invalid;
        }
        let start = number.iter().position(|&byte| byte != b'0' && !is_space(byte));
        match start.map(|start| &number[start..]) {
            Some(b".9") => Self::V09,
            Some(b"1.0") => Self::V10,
            Some(b"1.1") => Self::V11,
            _ => Self::Invalid,
        }
    }
}

/// A request's first line.
#[derive(Debug, Default)]
pub(super) struct RequestLine {
    text: Vec<u8>,
    method: Range<usize>,
    uri: Option<Range<usize>>,
    protocol: Option<Range<usize>>,
    /// What the method is.
    pub(super) kind: Method,
    /// Which version it says.
    pub(super) version: Version,
}

impl RequestLine {
    /// Reads a line, its end included or not. Everything can be taken for one. A URI may hold spaces: what follows
    /// the last one is the protocol.
    pub(super) fn parse(line: &[u8]) -> (Self, Faults) {
        let line = chomp(line);
        let mut faults = Faults::new();
        let at = |part: &[u8]| {
            let start = part.as_ptr() as usize - line.as_ptr() as usize;
            start..start + part.len()
        };
        let rest = trim_start(line);
        if rest.len() < line.len() {
            faults.push(Event::RequestLineLeadingWhitespace);
        }
        let (method, rest) = split_word(rest);
        let target = trim_start(rest);
        if rest[..rest.len() - target.len()].iter().any(|&byte| byte != b' ') {
            faults.push(Event::MethodDelimNonCompliant);
        }
        let kind = Method::named(method);
        let target = trim(target);
        let (mut uri, mut protocol) = split_last(target, |byte| byte == b' ');
        if uri.iter().any(|&byte| is_space(byte) && byte != b' ') {
            faults.push(Event::UriDelimNonCompliant);
            if uri.len() == target.len() {
                (uri, protocol) = split_last(target, is_space);
            }
        }
        let version = if protocol.is_empty() { Version::V09 } else { Version::parse(protocol) };
        if kind == Method::Unknown && (protocol.is_empty() || version == Version::Invalid) {
            faults.push(Event::RequestLineInvalid);
        }
        let parsed = Self {
            method: at(method),
            uri: (!target.is_empty()).then(|| at(uri)),
            protocol: (!protocol.is_empty()).then(|| at(protocol)),
            kind,
            version,
            text: Vec::new(),
        };
        (Self { text: line.to_vec(), ..parsed }, faults)
    }

    /// The line without its end.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The method as sent.
    pub(super) fn method(&self) -> &[u8] {
        &self.text[self.method.clone()]
    }

    /// The URI as sent, if there is one.
    pub(super) fn uri(&self) -> Option<&[u8]> {
        self.uri.clone().map(|uri| &self.text[uri])
    }

    /// The protocol as sent, if there is one.
    pub(super) fn protocol(&self) -> Option<&[u8]> {
        self.protocol.clone().map(|protocol| &self.text[protocol])
    }
}

/// Whether bytes that follow a request can be another one; nothing while more of the line has to be seen.
///
/// Whatever begins with a method that is known can, and else what ends in a protocol.
pub(super) fn looks_like_request(bytes: &[u8], end: bool) -> Option<bool> {
    let line_end = find_lf(bytes);
    let line = line_end.map_or(bytes, |end| &bytes[..end]);
    let (method, rest) = split_word(trim_start(line));
    let whole_word = !rest.is_empty() || line_end.is_some() || end;
    if whole_word && Method::named(method) != Method::Unknown {
        return Some(true);
    }
    if line_end.is_none() && !end {
        return None;
    }
    let (_, protocol) = split_last(trim(rest), |byte| byte == b' ');
    Some(Version::parse(protocol) != Version::Invalid)
}

/// A response's first line.
#[derive(Debug, Default)]
pub(super) struct StatusLine {
    text: Vec<u8>,
    protocol: Option<Range<usize>>,
    status: Option<Range<usize>>,
    message: Option<Range<usize>>,
    /// Which version it says.
    pub(super) version: Version,
    /// The status, where it is one from 100 to 999.
    pub(super) number: Option<u16>,
}

impl StatusLine {
    /// Reads a line, its end included or not, that [`begins_response`].
    pub(super) fn parse(line: &[u8]) -> (Self, Faults) {
        let line = chomp(line);
        let at = |part: &[u8]| {
            let start = part.as_ptr() as usize - line.as_ptr() as usize;
            start..start + part.len()
        };
        let (protocol, rest) = split_word(&line[blank_before_response(line)..]);
        let (status, rest) = split_word(trim_start(rest));
        let message = rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len());
        let number = match first_number(status) {
            Some(([], number @ 100..=999, [])) => u16::try_from(number).ok(),
            _ => None,
        };
        let version = Version::parse(protocol);
        let mut faults = Faults::new();
        if version == Version::Invalid {
            faults.push(Event::ResponseInvalidProtocol);
        }
        if number.is_none() {
            faults.push(Event::ResponseInvalidStatus);
        }
        let parsed = Self {
            protocol: (!protocol.is_empty()).then(|| at(protocol)),
            status: (!status.is_empty()).then(|| at(status)),
            message: (!status.is_empty() && message > 0).then(|| at(&rest[message..])),
            version,
            number,
            text: Vec::new(),
        };
        (Self { text: line.to_vec(), ..parsed }, faults)
    }

    /// The line without its end.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The protocol as sent, if there is one.
    pub(super) fn protocol(&self) -> Option<&[u8]> {
        self.protocol.clone().map(|protocol| &self.text[protocol])
    }

    /// The status as sent, if there is one.
    pub(super) fn status(&self) -> Option<&[u8]> {
        self.status.clone().map(|status| &self.text[status])
    }

    /// The message behind the status, if there is one.
    pub(super) fn message(&self) -> Option<&[u8]> {
        self.message.clone().map(|message| &self.text[message])
    }
}

/// How many bytes may stand before a response's first line: white space and NULs.
pub(super) fn blank_before_response(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|&&byte| byte == 0 || is_space(byte)).count()
}

/// Whether bytes can be taken for a response's first line, as browsers do: `http` in any case, behind what may stand
/// [before](blank_before_response). Nothing while more of them have to be seen.
pub(super) fn begins_response(bytes: &[u8]) -> Option<bool> {
    let word = &bytes[blank_before_response(bytes)..];
    let seen = word.len().min(4);
    if !word[..seen].eq_ignore_ascii_case(&b"http"[..seen]) {
        return Some(false);
    }
    (seen == 4).then_some(true)
}

/// Up to the first white space, and the rest from there.
fn split_word(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().position(|&byte| is_space(byte)).unwrap_or(bytes.len()))
}

/// Before and behind the last byte that separates, trimmed; all of it before where none does.
fn split_last(bytes: &[u8], separates: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    match bytes.iter().rposition(|&byte| separates(byte)) {
        Some(at) => (trim(&bytes[..at]), trim(&bytes[at + 1..])),
        None => (bytes, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> (String, Option<String>, Option<String>, Vec<Event>) {
        let (line, faults) = RequestLine::parse(line.as_bytes());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(line.method()), line.uri().map(text), line.protocol().map(text), faults.to_vec())
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn requests() {
        assert_eq!(request("GET /a HTTP/1.1\r\n"), ("GET".into(), some("/a"), some("HTTP/1.1"), vec![]));
        assert_eq!(
            request("GET /uri afterspace HTTP/1.0"),
            ("GET".into(), some("/uri afterspace"), some("HTTP/1.0"), vec![])
        );
        assert_eq!(request("GET /a\r\n"), ("GET".into(), some("/a"), None, vec![]));
        assert_eq!(request("GET"), ("GET".into(), None, None, vec![]));
        assert_eq!(request("x\r\n"), ("x".into(), None, None, vec![Event::RequestLineInvalid]));
        assert_eq!(
            request(" GET\t/a\tHTTP/1.1"),
            (
                "GET".into(),
                some("/a"),
                some("HTTP/1.1"),
                vec![
                    Event::RequestLineLeadingWhitespace,
                    Event::MethodDelimNonCompliant,
                    Event::UriDelimNonCompliant
                ]
            )
        );
    }

    #[test]
    fn versions() {
        for (said, version) in [
            ("HTTP/1.1", Version::V11),
            ("http / 1.0", Version::V10),
            ("HTTP/0.9", Version::V09),
            ("HTTP/01.1", Version::V11),
            ("HTTP/1.10", Version::Invalid),
            ("HTTP/2.0", Version::Invalid),
            ("HTTP/", Version::Invalid),
            ("", Version::Invalid),
        ] {
            assert_eq!(Version::parse(said.as_bytes()), version, "{said}");
        }
    }

    #[test]
    fn statuses() {
        let status = |line: &str| {
            let (line, faults) = StatusLine::parse(line.as_bytes());
            (line.number, line.message().map(|text| text.escape_ascii().to_string()), faults.len())
        };
        assert_eq!(status("HTTP/1.1 200 OK\r\n"), (Some(200), some("OK"), 0));
        assert_eq!(status("HTTP/1.1 404 Not Found"), (Some(404), some("Not Found"), 0));
        assert_eq!(status("\0 HTTP/1.1\t 0204 ok"), (Some(204), some("ok"), 0));
        assert_eq!(status("HTTP/1.1 200"), (Some(200), None, 0));
        assert_eq!(status("HTTP/1.1"), (None, None, 1));
        assert_eq!(status("HTTP/1.1 2xx ok"), (None, some("ok"), 1));
        assert_eq!(status("HTTP/1.1 2000 ok"), (None, some("ok"), 1));
        assert_eq!(status("HTTP/1.1foobar"), (None, None, 2));
    }

    #[test]
    fn what_looks_like_another_message() {
        assert_eq!(begins_response(b" \r\n\0HtTp"), Some(true));
        assert_eq!((begins_response(b"ht"), begins_response(b"")), (None, None));
        assert_eq!(begins_response(b"hx"), Some(false));
        assert_eq!(looks_like_request(b"GET /", false), Some(true));
        assert_eq!(looks_like_request(b"GE", false), None);
        assert_eq!(looks_like_request(b"a=b&c=d", true), Some(false));
        assert_eq!(looks_like_request(b"FOO / HTTP/1.1\r\n", false), Some(true));
        assert_eq!(looks_like_request(b"FOO / HTTP/9\n", false), Some(false));
    }
}
