//! Fields of HTTP, version 1 and 2 (Suricata documentation: "HTTP Keywords").

use super::progress::{BODY, HEADERS, LINE};
use rules::diagnostic::Diagnostic;
use rules::draft::Draft;
use rules::field::{LengthStep, ask, ask_content};
use rules::header::protocol::AppProtocol;
use rules::integer::IntegerMatch;
use rules::keyword::Argument;
use rules::vocabulary::{Field, LentKeyword, Reach};

const HTTP: &[AppProtocol] = &[AppProtocol::Http1, AppProtocol::Http2];
const REQUEST_LINE: Reach = Reach::to_server(LINE);
const REQUEST_HEADERS: Reach = Reach::to_server(HEADERS);
const RESPONSE_LINE: Reach = Reach::to_client(LINE);
const RESPONSE_HEADERS: Reach = Reach::to_client(HEADERS);
const ANY_LINE: Reach = Reach::both(LINE, LINE);
const ANY_HEADERS: Reach = Reach::both(HEADERS, HEADERS);

fields! {
    /// The request's method.
    METHOD = Field::bytes("http.method", HTTP, REQUEST_LINE).modifier("http_method");
    /// The request's URI, normalised.
    URI = Field::bytes("http.uri", HTTP, REQUEST_LINE).modifier("http_uri");
    /// The request's URI as it was sent.
    URI_RAW = Field::bytes("http.uri.raw", HTTP, REQUEST_LINE).modifier("http_raw_uri");
    /// The protocol's name and version from the first line.
    PROTOCOL = Field::bytes("http.protocol", HTTP, ANY_LINE).alias(&["http_protocol"]);
    /// The request's first line.
    REQUEST_LINE_BYTES = Field::bytes("http.request_line", HTTP, REQUEST_LINE).alias(&["http_request_line"]);
    /// The response's first line.
    RESPONSE_LINE_BYTES = Field::bytes("http.response_line", HTTP, RESPONSE_LINE).alias(&["http_response_line"]);
    /// The status code.
    STAT_CODE = Field::bytes("http.stat_code", HTTP, RESPONSE_LINE).modifier("http_stat_code");
    /// The status message.
    STAT_MSG = Field::bytes("http.stat_msg", HTTP, RESPONSE_LINE).modifier("http_stat_msg");
    /// The header fields, normalised, cookies left out.
    HEADER = Field::bytes("http.header", HTTP, ANY_HEADERS).modifier("http_header");
    /// The header fields as they were sent.
    HEADER_RAW = Field::bytes("http.header.raw", HTTP, ANY_HEADERS).modifier("http_raw_header");
    /// Each header field of the request, name and value.
    REQUEST_HEADER = Field::many_bytes("http.request_header", HTTP, REQUEST_HEADERS);
    /// Each header field of the response, name and value.
    RESPONSE_HEADER = Field::many_bytes("http.response_header", HTTP, RESPONSE_HEADERS);
    /// The names of the header fields, in their order.
    HEADER_NAMES = Field::bytes("http.header_names", HTTP, ANY_HEADERS).alias(&["http_header_names"]);
    /// The first line and the header fields.
    START = Field::bytes("http.start", HTTP, ANY_HEADERS).alias(&["http_start"]);
    /// `Cookie` of the request, `Set-Cookie` of the response.
    COOKIE = Field::bytes("http.cookie", HTTP, ANY_HEADERS).modifier("http_cookie");
    /// `User-Agent`.
    USER_AGENT = Field::bytes("http.user_agent", HTTP, REQUEST_HEADERS).modifier("http_user_agent");
    /// The host name, in lower case.
    HOST = Field::bytes("http.host", HTTP, REQUEST_HEADERS).modifier("http_host");
    /// The host name as it was sent.
    HOST_RAW = Field::bytes("http.host.raw", HTTP, REQUEST_HEADERS).modifier("http_raw_host");
    /// `Accept`.
    ACCEPT = Field::bytes("http.accept", HTTP, REQUEST_HEADERS).alias(&["http_accept"]);
    /// `Accept-Encoding`.
    ACCEPT_ENC = Field::bytes("http.accept_enc", HTTP, REQUEST_HEADERS).alias(&["http_accept_enc"]);
    /// `Accept-Language`.
    ACCEPT_LANG = Field::bytes("http.accept_lang", HTTP, REQUEST_HEADERS).alias(&["http_accept_lang"]);
    /// `Referer`.
    REFERER = Field::bytes("http.referer", HTTP, REQUEST_HEADERS).alias(&["http_referer"]);
    /// `Connection`.
    CONNECTION = Field::bytes("http.connection", HTTP, ANY_HEADERS).alias(&["http_connection"]);
    /// `Content-Type`.
    CONTENT_TYPE = Field::bytes("http.content_type", HTTP, ANY_HEADERS).alias(&["http_content_type"]);
    /// `Content-Length`.
    CONTENT_LEN = Field::bytes("http.content_len", HTTP, ANY_HEADERS).alias(&["http_content_len"]);
    /// `Server`.
    SERVER = Field::bytes("http.server", HTTP, RESPONSE_HEADERS);
    /// `Location`.
    LOCATION = Field::bytes("http.location", HTTP, RESPONSE_HEADERS);
    /// The request's body.
    REQUEST_BODY = Field::bytes("http.request_body", HTTP, Reach::to_server(BODY)).modifier("http_client_body");
    /// The response's body, decoded.
    RESPONSE_BODY = Field::bytes("http.response_body", HTTP, Reach::to_client(BODY)).modifier("http_server_body");
}

/// Older keywords about these fields.
pub static KEYWORDS: &[LentKeyword] = &[
    LentKeyword {
        name: "uricontent",
        aliases: &[],
        doc: "Bytes that the normalised URI holds: `http.uri; content:` in one word.",
        read: |argument, draft| ask_content(&URI, argument, draft, |_| {}),
    },
    LentKeyword {
        name: "urilen",
        aliases: &[],
        doc: "The length of the URI in bytes, normalised or with `raw` after a comma as sent.",
        read: urilen,
    },
];

fn urilen(argument: &Argument<'_>, draft: &mut Draft<'_>) -> Result<(), Diagnostic> {
    let parts = argument.parts()?;
    let field = match parts.get(1).map(|kind| kind.to_str_lossy().to_ascii_lowercase()).as_deref() {
        None | Some("norm") => &URI,
        Some("raw") => &URI_RAW,
        Some(other) => {
            let message = format!("`urilen` has no `{other}`");
            return Err(argument.error("unknown-word", message).with_help("write `norm` or `raw`"));
        }
    };
    let form = IntegerMatch::parse(&parts[0].to_str_lossy(), u64::from(u16::MAX))
        .map_err(|error| argument.error("bad-number", error.to_string()))?;
    ask(field, Box::new(LengthStep { form }), argument, draft)
}
