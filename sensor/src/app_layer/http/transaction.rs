//! A request with its response.

use super::body::Body;
use super::event::Event;
use super::headers::Headers;
use super::line::{Faults, Method, RequestLine, StatusLine, Version};
use super::uri::{HostAndPort, Target};
use crate::app_layer::http::fields;
use crate::app_layer::parser::{Reader, Visit, VisitWindow};
use crate::app_layer::transaction::Transaction;
use crate::event::{Direction, Http};

/// A request with its response.
#[derive(Debug, Default)]
pub struct Exchange {
    pub(super) request: Request,
    pub(super) response: Response,
}

/// A request.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// Its first line, once that is there.
    pub(super) line: Option<RequestLine>,
    pub(super) target: Target,
    pub(super) headers: Headers,
    /// The host, in lower case and without the port.
    pub(super) host: Option<Vec<u8>>,
    pub(super) body: Option<Box<Body>>,
    /// There was no protocol in the first line, and nothing behind it so far: HTTP/0.9, unless there is.
    pub(super) may_be_short: bool,
}

impl Request {
    /// Which method it has.
    pub(super) fn method(&self) -> Method {
        self.line.as_ref().map_or(Method::Unknown, |line| line.kind)
    }

    /// Which version it speaks.
    pub(super) fn version(&self) -> Version {
        self.line.as_ref().map_or(Version::Invalid, |line| line.version)
    }

    /// The URI as sent.
    pub(super) fn uri(&self) -> Option<&[u8]> {
        self.line.as_ref()?.uri()
    }

    /// The path, normalised.
    pub(super) fn path(&self) -> Option<&[u8]> {
        self.target.path(self.uri())
    }

    /// The host as it was sent.
    fn host_raw(&self) -> Option<&[u8]> {
        self.target.host_raw.as_deref().or_else(|| self.headers.get(b"host"))
    }

    /// Finds the host, in the target or in `Host`, and says what is wrong about it. Of a `Host` that begins with no host,
    /// such as an empty one, nothing is said unless the target has one.
    pub(super) fn find_host(&mut self) -> Faults {
        let mut faults = Faults::new();
        self.host = self.target.host.clone();
        let Some(said) = self.headers.get(b"host").map(HostAndPort::parse) else {
            faults.extend((self.version() == Version::V11).then_some(Event::MissingHostHeader));
            return faults;
        };
        if said.host.is_some() && !said.valid {
            faults.push(Event::RequestHeaderHostInvalid);
        }
        match &self.host {
            None => self.host = said.host.map(<[u8]>::to_ascii_lowercase),
            Some(host) => {
                let same_host = said.host.is_some_and(|said| said.eq_ignore_ascii_case(host));
                let same_port =
                    said.port.is_none() || self.target.port.is_none() || said.port == self.target.port;
                if !same_host || !same_port {
                    faults.push(Event::HostHeaderAmbiguous);
                }
            }
        }
        faults
    }
}

/// A response.
#[derive(Debug, Default)]
pub(super) struct Response {
    /// Its first line, once that is there.
    pub(super) line: Option<StatusLine>,
    pub(super) headers: Headers,
    /// What its headers say about the length.
    pub(super) length: Option<u64>,
    pub(super) body: Option<Box<Body>>,
    /// A 100 (Continue) came before it.
    pub(super) continued: bool,
}

impl Response {
    /// The status, where it is one.
    pub(super) fn status(&self) -> Option<u16> {
        self.line.as_ref()?.number
    }
}

impl Exchange {
    fn headers(&self, way: Direction) -> &Headers {
        match way {
            Direction::ToServer => &self.request.headers,
            Direction::ToClient => &self.response.headers,
        }
    }

    pub(super) fn body(&self, way: Direction) -> Option<&Body> {
        match way {
            Direction::ToServer => self.request.body.as_deref(),
            Direction::ToClient => self.response.body.as_deref(),
        }
    }

    pub(super) fn body_mut(&mut self, way: Direction) -> Option<&mut Body> {
        match way {
            Direction::ToServer => self.request.body.as_deref_mut(),
            Direction::ToClient => self.response.body.as_deref_mut(),
        }
    }

    fn first_line(&self, way: Direction) -> Option<&[u8]> {
        match way {
            Direction::ToServer => self.request.line.as_ref().map(RequestLine::text),
            Direction::ToClient => self.response.line.as_ref().map(StatusLine::text),
        }
    }

    fn show(value: Option<&[u8]>, visit: &mut Visit<'_>) {
        if let Some(value) = value {
            visit(value);
        }
    }

    fn show_header(&self, way: Direction, name: &[u8], visit: &mut Visit<'_>) {
        Self::show(self.headers(way).get(name), visit);
    }

    /// Names and values, a line each, but for cookies, which have a field of their own.
    fn show_headers(&self, way: Direction, visit: &mut Visit<'_>) {
        let cookie = cookie(way);
        let headers = self.headers(way);
        let mut text = Vec::with_capacity(headers.raw().len());
        for (name, value) in headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(cookie)) {
            append_line(&mut text, name, value);
        }
        if !text.is_empty() {
            visit(&text);
        }
    }

    fn show_each_header(&self, way: Direction, visit: &mut Visit<'_>) {
        let mut text = Vec::new();
        for (name, value) in self.headers(way).iter() {
            text.clear();
            text.extend_from_slice(name);
            text.extend_from_slice(b": ");
            text.extend_from_slice(value);
            if visit(&text) {
                return;
            }
        }
    }

    fn show_header_names(&self, way: Direction, visit: &mut Visit<'_>) {
        let headers = self.headers(way);
        if headers.iter().len() == 0 {
            return;
        }
        let mut text = b"\r\n".to_vec();
        for (name, _) in headers.iter() {
            text.extend_from_slice(name);
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"\r\n");
        visit(&text);
    }

    /// The first line and the headers, with an empty line behind them.
    fn show_start(&self, way: Direction, visit: &mut Visit<'_>) {
        let Some(line) = self.first_line(way) else { return };
        let headers = self.headers(way);
        let mut text = Vec::with_capacity(line.len() + headers.raw().len() + 4);
        text.extend_from_slice(line);
        text.extend_from_slice(b"\r\n");
        for (name, value) in headers.iter() {
            append_line(&mut text, name, value);
        }
        if headers.iter().len() > 0 {
            text.extend_from_slice(b"\r\n");
        }
        visit(&text);
    }

    fn show_raw_headers(&self, way: Direction, visit: &mut Visit<'_>) {
        let raw = self.headers(way).raw();
        Self::show((!raw.is_empty()).then_some(raw), visit);
    }

    fn show_body(&self, way: Direction, visit: &mut VisitWindow<'_>) {
        if let Some((offset, window)) = self.body(way).and_then(Body::view) {
            visit(offset, window);
        }
    }

    /// What events tell of it.
    pub(super) fn event(&self) -> Http {
        let own = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let Self { request, response } = self;
        let line = request.line.as_ref();
        let content_type =
            response.headers.get(b"content-type").or_else(|| request.headers.get(b"content-type"));
        let begun = response.body.as_ref().filter(|body| body.has_begun()).map(|body| body.wire_bytes());
        Http {
            hostname: request.host.clone(),
            url: own(request.uri()),
            user_agent: own(request.headers.get(b"user-agent")),
            content_type: own(content_type),
            method: own(line.map(RequestLine::method)),
            protocol: own(line.and_then(RequestLine::protocol)),
            status: response.status().map(u32::from),
            length: begun.or(response.length),
        }
    }
}

/// The field that carries cookies.
fn cookie(way: Direction) -> &'static [u8] {
    match way {
        Direction::ToServer => b"cookie",
        Direction::ToClient => b"set-cookie",
    }
}

fn append_line(text: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    text.extend_from_slice(name);
    text.extend_from_slice(b": ");
    text.extend_from_slice(value);
    text.extend_from_slice(b"\r\n");
}

/// Notes what is wrong with a transaction.
pub(super) fn note(transaction: &mut Transaction<Exchange>, faults: impl IntoIterator<Item = Event>) {
    for fault in faults {
        transaction.event(fault as u8);
    }
}

/// Shows the value of a header field by its name.
macro_rules! header {
    ($field:ident, $name:literal) => {
        Reader::new(&fields::$field, |exchange: &Exchange, way, visit| {
            exchange.show_header(way, $name, visit);
        })
    };
}

/// Shows a part of a first line.
macro_rules! part {
    ($field:ident, $side:ident, $part:expr) => {
        Reader::new(&fields::$field, |exchange: &Exchange, _, visit| {
            Exchange::show(exchange.$side.line.as_ref().and_then($part), visit);
        })
    };
}

/// How each field is read.
pub(super) const READERS: &[Reader<Exchange>] = &[
    part!(METHOD, request, |line| Some(line.method())),
    Reader::new(&fields::URI, |exchange, _, visit| {
        Exchange::show(exchange.request.target.normalized(exchange.request.uri()), visit);
    }),
    part!(URI_RAW, request, RequestLine::uri),
    Reader::new(&fields::PROTOCOL, |exchange, way, visit| {
        let protocol = match way {
            Direction::ToServer => exchange.request.line.as_ref().and_then(RequestLine::protocol),
            Direction::ToClient => exchange.response.line.as_ref().and_then(StatusLine::protocol),
        };
        Exchange::show(protocol, visit);
    }),
    part!(REQUEST_LINE_BYTES, request, |line| Some(line.text())),
    part!(RESPONSE_LINE_BYTES, response, |line| Some(line.text())),
    part!(STAT_CODE, response, StatusLine::status),
    part!(STAT_MSG, response, StatusLine::message),
    Reader::new(&fields::HEADER, Exchange::show_headers),
    Reader::new(&fields::HEADER_RAW, Exchange::show_raw_headers),
    Reader::new(&fields::REQUEST_HEADER, Exchange::show_each_header),
    Reader::new(&fields::RESPONSE_HEADER, Exchange::show_each_header),
    Reader::new(&fields::HEADER_NAMES, Exchange::show_header_names),
    Reader::new(&fields::START, Exchange::show_start),
    Reader::new(&fields::COOKIE, |exchange, way, visit| exchange.show_header(way, cookie(way), visit)),
    Reader::new(&fields::HOST, |exchange, _, visit| {
        Exchange::show(exchange.request.host.as_deref(), visit);
    }),
    Reader::new(&fields::HOST_RAW, |exchange, _, visit| {
        Exchange::show(exchange.request.host_raw(), visit);
    }),
    header!(USER_AGENT, b"user-agent"),
    header!(ACCEPT, b"accept"),
    header!(ACCEPT_ENC, b"accept-encoding"),
    header!(ACCEPT_LANG, b"accept-language"),
    header!(REFERER, b"referer"),
    header!(CONNECTION, b"connection"),
    header!(CONTENT_TYPE, b"content-type"),
    header!(CONTENT_LEN, b"content-length"),
    header!(SERVER, b"server"),
    header!(LOCATION, b"location"),
    Reader::streaming(&fields::REQUEST_BODY, Exchange::show_body),
    Reader::streaming(&fields::RESPONSE_BODY, Exchange::show_body),
];
