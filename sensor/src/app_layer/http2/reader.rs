//! How each field is read out of a stream (Suricata documentation: "HTTP Keywords", which name what HTTP/2 has of each,
//! and "HTTP2 Keywords").
//!
//! Pseudo-header fields stand among the header fields. The path is shown as it was sent, as Suricata does.

use super::fields::{self, SETTINGS};
use super::stream::{Number, Stream, Way};
use crate::app_layer::dns;
use crate::app_layer::http::fields as http;
use crate::app_layer::parser::{Reader, Visit, VisitWindow};
use crate::event::Direction::{self, ToClient, ToServer};

fn show(value: Option<impl AsRef<[u8]>>, visit: &mut Visit<'_>) {
    if let Some(value) = value {
        visit(value.as_ref());
    }
}

/// The field that carries cookies.
fn cookie(way: Direction) -> &'static [u8] {
    match way {
        ToServer => b"cookie",
        ToClient => b"set-cookie",
    }
}

fn trim_blanks(value: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}

impl Way {
    fn show_each_header(&self, visit: &mut Visit<'_>) {
        let mut text = Vec::new();
        let _ = self.headers.iter().any(|(name, value)| {
            text.clear();
            [name, b": ", value].iter().for_each(|part| text.extend_from_slice(part));
            visit(&text)
        });
    }

    fn show_numbers(&self, wanted: impl Fn(Number) -> Option<u64>, visit: &mut VisitWindow<'_>) {
        let mut numbers = self.numbers.iter().filter_map(|&number| wanted(number));
        let _ = numbers.any(|number| visit(0, &number.to_be_bytes()));
    }

    fn show_body(&self, visit: &mut VisitWindow<'_>) {
        if let Some((offset, window)) = self.body.as_ref().and_then(|body| body.view()) {
            visit(offset, window);
        }
    }
}

impl Stream {
    /// The request's first line as HTTP/1 would have it.
    fn show_request_line(&self, visit: &mut Visit<'_>) {
        let headers = &self.way(ToServer).headers;
        let (method, path) = (headers.first(b":method"), headers.first(b":path"));
        if method.is_some() || path.is_some() {
            visit(&[method.unwrap_or_default(), b" ", path.unwrap_or_default(), b" HTTP/2\r\n"].concat());
        }
    }

    /// The response's first line as HTTP/1 would have it.
    fn show_response_line(&self, visit: &mut Visit<'_>) {
        if let Some(status) = self.way(ToClient).headers.last(b":status") {
            visit(&[b"HTTP/2 ", status, b"\r\n"].concat());
        }
    }
}

/// Shows all values of a header field of one name.
macro_rules! header {
    ($field:ident, $name:literal) => {
        Reader::new(&http::$field, |stream: &Stream, way, visit| {
            show(stream.way(way).headers.all($name), visit);
        })
    };
}

/// Shows the first header field of one name, as a request has it.
macro_rules! request {
    ($field:ident, $name:literal) => {
        Reader::new(&http::$field, |stream: &Stream, _, visit| {
            show(stream.way(ToServer).headers.first($name), visit);
        })
    };
}

/// Shows numbers of one kind.
macro_rules! numbers {
    ($field:ident, $kind:ident) => {
        Reader::streaming(&fields::$field, |stream: &Stream, way, visit| {
            let wanted = |number| if let Number::$kind(number) = number { Some(number.into()) } else { None };
            stream.way(way).show_numbers(wanted, visit);
        })
    };
}

/// Shows the values of a setting, by its identifier.
macro_rules! setting {
    ($identifier:literal) => {
        Reader::streaming(&SETTINGS[$identifier - 1], |stream: &Stream, way, visit| {
            let wanted = |number| match number {
                Number::Setting($identifier, value) => Some(value.into()),
                _ => None,
            };
            stream.way(way).show_numbers(wanted, visit);
        })
    };
}

/// Shows a field of the message of DNS that a stream carries, by its place among those of DNS.
macro_rules! dns {
    ($place:literal) => {
        Reader::streaming(dns::READERS[$place].field, |stream: &Stream, way, visit| {
            if let Some(message) = stream.way(way).dns() {
                dns::READERS[$place].show(message, way, visit);
            }
        })
    };
}

/// All of them stand below.
const _: () = assert!(dns::READERS.len() == 9);

/// How each field is read.
pub(super) const READERS: &[Reader<Stream>] = &[
    numbers!(FRAME_TYPE, FrameType),
    numbers!(ERROR_CODE, ErrorCode),
    numbers!(PRIORITY, Priority),
    numbers!(WINDOW, Window),
    numbers!(SIZE_UPDATE, SizeUpdate),
    setting!(1),
    setting!(2),
    setting!(3),
    setting!(4),
    setting!(5),
    setting!(6),
    Reader::new(&fields::HEADER_NAME, |stream, way, visit| {
        let _ = stream.way(way).headers.iter().any(|(name, _)| visit(name));
    }),
    request!(METHOD, b":method"),
    request!(URI, b":path"),
    request!(URI_RAW, b":path"),
    Reader::new(&http::PROTOCOL, |stream, way, visit| {
        show((stream.way(way).headers.len() > 0).then_some(b"HTTP/2"), visit);
    }),
    Reader::new(&http::REQUEST_LINE_BYTES, |stream, _, visit| stream.show_request_line(visit)),
    Reader::new(&http::RESPONSE_LINE_BYTES, |stream, _, visit| stream.show_response_line(visit)),
    Reader::new(&http::STAT_CODE, |stream, _, visit| {
        show(stream.way(ToClient).headers.last(b":status"), visit)
    }),
    Reader::new(&http::HEADER, |stream, way, visit| {
        let wanted = |name: &[u8]| !name.eq_ignore_ascii_case(cookie(way));
        show(stream.way(way).headers.lines(wanted, trim_blanks), visit);
    }),
    Reader::new(&http::HEADER_RAW, |stream, way, visit| {
        show(stream.way(way).headers.lines(|_| true, |value| value), visit);
    }),
    Reader::new(&http::REQUEST_HEADER, |stream, way, visit| stream.way(way).show_each_header(visit)),
    Reader::new(&http::RESPONSE_HEADER, |stream, way, visit| stream.way(way).show_each_header(visit)),
    Reader::new(&http::HEADER_NAMES, |stream, way, visit| show(stream.way(way).headers.names(), visit)),
    Reader::new(&http::COOKIE, |stream, way, visit| show(stream.way(way).headers.all(cookie(way)), visit)),
    Reader::new(&http::HOST, |stream, _, visit| show(stream.host(), visit)),
    header!(HOST_RAW, b":authority"),
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
    Reader::streaming(&http::REQUEST_BODY, |stream, way, visit| stream.way(way).show_body(visit)),
    Reader::streaming(&http::RESPONSE_BODY, |stream, way, visit| stream.way(way).show_body(visit)),
    dns!(0),
    dns!(1),
    dns!(2),
    dns!(3),
    dns!(4),
    dns!(5),
    dns!(6),
    dns!(7),
    dns!(8),
];
