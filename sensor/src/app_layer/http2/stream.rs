//! The transactions of HTTP/2: a stream with its request and response, or a frame about the whole connection.

use super::doh::{Carried, MAX_MESSAGE};
use super::event::Event;
use super::headers::Headers;
use crate::app_layer::dns::Message;
use crate::app_layer::http::progress::{BODY, COMPLETE, HEADERS, TRAILER};
use crate::app_layer::http::{Body, Decoder, Event as BodyEvent, Faults, is_range};
use crate::app_layer::transaction::Transaction;
use crate::event::{Direction, Http};
use smallvec::SmallVec;

/// The most different numbers in the frames of one way that rules are shown.
const MAX_NUMBERS: usize = 256;
/// Frames of one way of a stream beyond which no more are shown (suricata.yaml, `http2.max-frames`).
const MAX_FRAMES: u32 = 65_536;

/// A number in a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Number {
    FrameType(u8),
    ErrorCode(u32),
    Priority(u8),
    Window(u32),
    SizeUpdate(u64),
    /// A setting, by its identifier.
    Setting(u16, u32),
}

/// One way of a stream.
#[derive(Debug, Default)]
pub(super) struct Way {
    pub(super) headers: Headers,
    pub(super) numbers: SmallVec<[Number; 4]>,
    pub(super) body: Option<Box<Body>>,
    dns: Option<Carried>,
    frames: u32,
    ended: bool,
}

/// A stream, or a frame about the whole connection.
#[derive(Debug, Default)]
pub struct Stream {
    ways: [Way; 2],
}

impl Way {
    /// Whether its content is a message of DNS (RFC 8484, section 6).
    fn is_dns(&self) -> bool {
        self.headers.last(b"content-type") == Some(b"application/dns-message")
    }

    /// The message of DNS that it carries.
    pub(super) fn dns(&self) -> Option<&Message> {
        self.dns.as_ref()?.message()
    }
}

impl Stream {
    /// One way of it.
    pub(super) fn way(&self, way: Direction) -> &Way {
        &self.ways[way.index()]
    }

    /// One way of it.
    pub(super) fn way_mut(&mut self, way: Direction) -> &mut Way {
        &mut self.ways[way.index()]
    }

    /// Whether it carries DNS.
    pub(super) fn carries_dns(&self) -> bool {
        self.ways.iter().any(|way| way.dns.is_some())
    }

    /// What events tell of it; nothing of a frame about the connection.
    pub(super) fn event(&self) -> Option<Http> {
        let [request, response] = &self.ways;
        let own = |value: Option<&[u8]>| value.map(<[u8]>::to_vec);
        if request.headers.len() + response.headers.len() == 0 {
            return None;
        }
        let begun = response.body.as_ref().filter(|body| body.has_begun()).map(|body| body.wire_bytes());
        let content_type = |way: &Way| own(way.headers.first(b"content-type"));
        Some(Http {
            hostname: self.host(),
            url: own(request.headers.first(b":path")),
            user_agent: own(request.headers.first(b"user-agent")),
            content_type: content_type(response).or_else(|| content_type(request)),
            method: own(request.headers.first(b":method")),
            protocol: Some(b"HTTP/2".to_vec()),
            status: response.headers.last(b":status").and_then(|value| u32::try_from(number(value)?).ok()),
            length: begun.or_else(|| number(response.headers.first(b"content-length")?)),
        })
    }

    /// The host, in lower case, without the user before it and the port behind it.
    pub(super) fn host(&self) -> Option<Vec<u8>> {
        let authority = self.way(Direction::ToServer).headers.all(b":authority")?;
        let host = memchr::memchr(b'@', &authority).map_or(&authority[..], |at| &authority[at + 1..]);
        let end = match host {
            [b'[', ..] => memchr::memchr(b']', host).map(|at| at + 1),
            _ => memchr::memchr(b':', host),
        };
        Some(host[..end.unwrap_or(host.len())].to_ascii_lowercase())
    }
}

impl Transaction<Stream> {
    /// Notes a number of a frame; says whether there was room.
    pub(super) fn number(&mut self, way: Direction, number: Number) -> bool {
        let numbers = &mut self.data.way_mut(way).numbers;
        if numbers.contains(&number) {
            return true;
        }
        let fits = numbers.len() < MAX_NUMBERS;
        if fits {
            numbers.push(number);
        }
        fits
    }

    /// Counts a frame; says whether it is one too many.
    pub(super) fn count_frame(&mut self, way: Direction) -> bool {
        let frames = &mut self.data.way_mut(way).frames;
        *frames = frames.saturating_add(1);
        let too_many = *frames > MAX_FRAMES;
        if too_many {
            self.note(Event::TooManyFrames);
        }
        too_many
    }

    /// Notes what is wrong.
    pub(super) fn note(&mut self, event: Event) {
        self.event(event as u8);
    }

    /// Whether both ways have come to their end.
    pub(super) fn is_closed(&self) -> bool {
        self.progress(Direction::ToServer) >= Some(COMPLETE)
    }

    /// A header block of which the fields from `at` on are has ended.
    pub(super) fn block_ended(&mut self, way: Direction, at: usize, end_stream: bool) {
        let headers = &self.data.way(way).headers;
        let faults = faults_of_authority(headers, at);
        let is_interim = !end_stream
            && headers.from(at).any(|(name, value)| name == b":status" && value.starts_with(b"1"));
        for fault in faults {
            self.note(fault);
        }
        if way == Direction::ToServer && self.data.way(way).dns.is_none() {
            let path = self.data.way(way).headers.first(b":path");
            self.data.way_mut(way).dns = path.and_then(Carried::of_path);
        }
        if !is_interim {
            self.advance(way, HEADERS);
        }
        if end_stream {
            self.end(way);
        }
    }

    /// The stream was promised: its request came the other way, and its response is to come.
    pub(super) fn promised(&mut self) {
        self.data.way_mut(Direction::ToServer).ended = true;
    }

    /// DATA begins: makes room for it.
    pub(super) fn open_body(&mut self, way: Direction) {
        self.advance(way, BODY);
        if self.data.way(way).body.is_some() {
            return;
        }
        let headers = &self.data.way(way).headers;
        let mut faults = Faults::new();
        let decoder = headers.last(b"content-encoding").and_then(|field| Decoder::of(field, &mut faults));
        let range = headers.first(b"content-range").filter(|_| way == Direction::ToClient);
        let invalid_range = range.is_some_and(|range| !is_range(range));
        let mut body = Box::new(Body::of_stream(decoder));
        body.set_wanted(self.wanted.clone());
        body.set_file(b"", &mut faults);
        let one = self.data.way_mut(way);
        one.body = Some(body);
        if one.is_dns() {
            one.dns = Some(Carried::Part(Vec::new()));
        }
        if invalid_range {
            self.note(Event::InvalidRange);
        }
    }

    /// Bytes of DATA.
    pub(super) fn take_body(&mut self, way: Direction, bytes: &[u8]) {
        self.with_body(way, |body, faults| body.take(bytes, faults));
        if let Some(carried) = &mut self.data.way_mut(way).dns {
            carried.push(bytes);
        }
    }

    /// Nothing more comes for the body of a way.
    pub(super) fn end_body(&mut self, way: Direction) {
        self.with_body(way, Body::end);
        let one = self.data.way_mut(way);
        one.dns = one.dns.take().and_then(Carried::end);
    }

    fn with_body(&mut self, way: Direction, act: impl FnOnce(&mut Body, &mut Faults)) {
        let Some(body) = &mut self.data.way_mut(way).body else { return };
        let mut faults = Faults::new();
        act(body, &mut faults);
        let failed = body.has_failed();
        let too_long = body.bytes() > MAX_MESSAGE as u64;
        if faults.contains(&BodyEvent::CompressionBomb) {
            self.note(Event::CompressionBomb);
        }
        if failed || faults.contains(&BodyEvent::LzmaMemlimitReached) {
            self.note(Event::FailedDecompression);
        }
        if too_long && self.data.way(way).is_dns() {
            self.note(match way {
                Direction::ToServer => Event::DnsRequestTooLong,
                Direction::ToClient => Event::DnsResponseTooLong,
            });
        }
    }

    /// Nothing more comes this way; the stream is complete when that is so of both.
    pub(super) fn end(&mut self, way: Direction) {
        self.data.way_mut(way).ended = true;
        self.end_body(way);
        self.advance(way, TRAILER);
        if self.data.ways.iter().all(|way| way.ended) {
            self.close();
        }
    }

    /// Neither way goes on.
    pub(super) fn close(&mut self) {
        for way in Direction::ALL {
            self.data.way_mut(way).ended = true;
            self.end_body(way);
            self.advance(way, COMPLETE);
        }
    }
}

/// What is wrong about the authority in the fields from `at` on, which came together.
fn faults_of_authority(headers: &Headers, at: usize) -> SmallVec<[Event; 2]> {
    let mut faults = SmallVec::new();
    let (mut authority, mut host) = (None, None);
    for (name, value) in headers.from(at) {
        if name == b":authority" {
            authority = Some(value);
        } else if name.eq_ignore_ascii_case(b"host") {
            host = Some(value);
        }
    }
    if authority.is_some_and(|authority| authority.contains(&b'@')) {
        faults.push(Event::UserinfoInUri);
    }
    if let (Some(authority), Some(host)) = (authority, host)
        && !authority.eq_ignore_ascii_case(host)
    {
        faults.push(Event::AuthorityHostMismatch);
    }
    faults
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}
