use super::*;
use crate::app_layer::testing::Dialogue;
use Direction::{ToClient, ToServer};
use proptest::prelude::*;

/// A conversation in turns.
fn dialogue(turns: &[(Direction, &[u8])]) -> Dialogue {
    let mut dialogue = Dialogue::new::<Http1>();
    for (direction, bytes) in turns {
        dialogue.say(*direction, bytes);
    }
    dialogue
}

/// The values of a field of a transaction, as text.
fn values(dialogue: &Dialogue, transaction: u64, way: Direction, field: &str) -> Vec<String> {
    let rows = field_rows::<Http1>();
    let row = rows.iter().find(|row| row.field.name == field).unwrap_or_else(|| panic!("no field {field}"));
    let mut values = Vec::new();
    dialogue.conversation.read(transaction, row.reader, way, &mut |_, value| {
        values.push(match row.field.name {
            "filesize" | "app-layer-event" => u64::from_be_bytes(value.try_into().unwrap()).to_string(),
            _ => value.escape_ascii().to_string(),
        });
        false
    });
    values
}

fn value(dialogue: &Dialogue, transaction: u64, way: Direction, field: &str) -> Option<String> {
    let mut values = values(dialogue, transaction, way, field);
    assert!(values.len() < 2, "{field}: {values:?}");
    values.pop()
}

fn events(dialogue: &Dialogue, transaction: u64) -> Vec<&'static str> {
    let numbers = values(dialogue, transaction, ToServer, "app-layer-event");
    let name =
        |number: &String| event::NAMES.iter().find(|(_, known)| known.to_string() == *number).unwrap().0;
    numbers.iter().map(name).collect()
}

const GET: &[u8] = b"GET /a/../b.html?x=%31 HTTP/1.1\r\nHost: Example.COM:8080\r\nUser-Agent: curl\r\n\
    Cookie: a=b\r\nAccept: */*\r\naccept: text/html\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 All Right\r\nServer: s\r\nSet-Cookie: c=d\r\nContent-Type: text/plain\r\n\
    Content-Length: 5\r\n\r\nhello";

#[test]
fn every_field_of_a_request() {
    let dialogue = dialogue(&[(ToServer, GET)]);
    for (field, expected) in [
        ("http.method", "GET"),
        ("http.uri", "/b.html?x=1"),
        ("http.uri.raw", "/a/../b.html?x=%31"),
        ("http.protocol", "HTTP/1.1"),
        ("http.request_line", "GET /a/../b.html?x=%31 HTTP/1.1"),
        ("http.header", "Host: Example.COM:8080\\r\\nUser-Agent: curl\\r\\nAccept: */*, text/html\\r\\n"),
        (
            "http.header.raw",
            "Host: Example.COM:8080\\r\\nUser-Agent: curl\\r\\nCookie: a=b\\r\\nAccept: */*\\r\\naccept: text/html\\r\\n\\r\\n",
        ),
        ("http.header_names", "\\r\\nHost\\r\\nUser-Agent\\r\\nCookie\\r\\nAccept\\r\\n\\r\\n"),
        (
            "http.start",
            "GET /a/../b.html?x=%31 HTTP/1.1\\r\\nHost: Example.COM:8080\\r\\nUser-Agent: curl\\r\\nCookie: a=b\\r\\nAccept: */*, text/html\\r\\n\\r\\n",
        ),
        ("http.cookie", "a=b"),
        ("http.user_agent", "curl"),
        ("http.host", "example.com"),
        ("http.host.raw", "Example.COM:8080"),
        ("http.accept", "*/*, text/html"),
    ] {
        assert_eq!(value(&dialogue, 0, ToServer, field).as_deref(), Some(expected), "{field}");
    }
    assert_eq!(
        values(&dialogue, 0, ToServer, "http.request_header"),
        ["Host: Example.COM:8080", "User-Agent: curl", "Cookie: a=b", "Accept: */*, text/html"]
    );
    for field in ["http.referer", "http.content_len", "http.request_body", "file.data", "file.name"] {
        assert_eq!(value(&dialogue, 0, ToServer, field), None, "{field}");
    }
    assert_eq!(events(&dialogue, 0), ["request_header_repetition"]);
    assert_eq!(dialogue.conversation.progress(0, ToServer), Some(progress::COMPLETE));
    assert!(dialogue.requests.iter().all(|requests| requests.inspect_raw));
}

#[test]
fn every_field_of_a_response() {
    let dialogue = dialogue(&[(ToServer, GET), (ToClient, OK)]);
    for (field, expected) in [
        ("http.protocol", "HTTP/1.1"),
        ("http.response_line", "HTTP/1.1 200 All Right"),
        ("http.stat_code", "200"),
        ("http.stat_msg", "All Right"),
        ("http.header", "Server: s\\r\\nContent-Type: text/plain\\r\\nContent-Length: 5\\r\\n"),
        ("http.cookie", "c=d"),
        ("http.server", "s"),
        ("http.content_type", "text/plain"),
        ("http.content_len", "5"),
        ("http.response_body", "hello"),
        ("file.data", "hello"),
        ("file.name", "/b.html"),
        ("filesize", "5"),
    ] {
        assert_eq!(value(&dialogue, 0, ToClient, field).as_deref(), Some(expected), "{field}");
    }
    assert_eq!(values(&dialogue, 0, ToClient, "http.response_header").len(), 4);
    assert_eq!(dialogue.conversation.progress(0, ToClient), Some(progress::COMPLETE));
    assert_eq!(
        dialogue.conversation.http(0),
        Some(Http {
            hostname: Some(b"example.com".to_vec()),
            url: Some(b"/a/../b.html?x=%31".to_vec()),
            user_agent: Some(b"curl".to_vec()),
            content_type: Some(b"text/plain".to_vec()),
            method: Some(b"GET".to_vec()),
            protocol: Some(b"HTTP/1.1".to_vec()),
            status: Some(200),
            length: Some(5),
        })
    );
}

#[test]
fn requests_are_answered_in_their_order() {
    let pipelined = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n";
    let answers = b"HTTP/1.1 200 1\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 2\r\nContent-Length: 9\r\n\r\n\
        HTTP/1.1 304 3\r\n\r\n";
    let dialogue = dialogue(&[(ToServer, pipelined), (ToClient, answers)]);
    assert_eq!(dialogue.conversation.transactions(), 0..3);
    for number in 0..3 {
        let said = (number + 1).to_string();
        assert_eq!(value(&dialogue, number, ToServer, "http.uri"), Some(format!("/{said}")));
        assert_eq!(value(&dialogue, number, ToClient, "http.stat_msg"), Some(said));
        assert!(dialogue.conversation.is_complete(number, ToClient));
        assert_eq!(events(&dialogue, number), [""; 0]);
    }
}

#[test]
fn chunks_with_extensions_and_a_trailer() {
    let request = b"POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
        5;x=y\r\nhello\r\n6 \r\n world\r\n0\r\nX-Trailer: t\r\n\r\n";
    let dialogue = dialogue(&[(ToServer, request)]);
    assert_eq!(value(&dialogue, 0, ToServer, "http.request_body").as_deref(), Some("hello world"));
    assert_eq!(value(&dialogue, 0, ToServer, "file.data").as_deref(), Some("hello world"));
    assert_eq!(value(&dialogue, 0, ToServer, "file.name").as_deref(), Some("/up"));
    assert_eq!(value(&dialogue, 0, ToServer, "filesize").as_deref(), Some("11"));
    let names = value(&dialogue, 0, ToServer, "http.header_names").unwrap();
    assert_eq!(names, "\\r\\nHost\\r\\nTransfer-Encoding\\r\\nX-Trailer\\r\\n\\r\\n");
    assert_eq!(events(&dialogue, 0), ["request_chunk_extension"]);
}

#[test]
fn uploaded_forms_show_their_files() {
    let form =
        b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"one.txt\"\r\n\r\nfirst\r\n--b\r\n\
        Content-Disposition: form-data; name=\"g\"; filename=\"two.txt\"\r\n\r\nsecond\r\n--b--\r\n";
    let head = format!(
        "POST /up HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n",
        form.len()
    );
    let dialogue = dialogue(&[(ToServer, head.as_bytes()), (ToServer, form)]);
    assert_eq!(values(&dialogue, 0, ToServer, "file.name"), ["one.txt", "two.txt"]);
    assert_eq!(values(&dialogue, 0, ToServer, "file.data"), ["first", "second"]);
    assert_eq!(values(&dialogue, 0, ToServer, "filesize"), ["5", "6"]);
    let body = value(&dialogue, 0, ToServer, "http.request_body").unwrap();
    assert_eq!(body, form.escape_ascii().to_string());
}

#[test]
fn a_body_without_a_length_ends_with_the_connection() {
    let mut dialogue = dialogue(&[
        (ToServer, GET),
        (ToClient, b"HTTP/1.0 200 OK\r\nContent-Disposition: attachment; filename=\"x.exe\"\r\n\r\nMZ"),
        (ToClient, b"more"),
    ]);
    assert_eq!(dialogue.conversation.progress(0, ToClient), Some(progress::BODY));
    assert_eq!(value(&dialogue, 0, ToClient, "http.response_body"), None, "there is too little to look at");
    assert_eq!(value(&dialogue, 0, ToClient, "filesize"), None);
    dialogue.end(ToClient);
    assert_eq!(value(&dialogue, 0, ToClient, "http.response_body").as_deref(), Some("MZmore"));
    assert_eq!(value(&dialogue, 0, ToClient, "file.name").as_deref(), Some("x.exe"));
    assert_eq!(value(&dialogue, 0, ToClient, "filesize").as_deref(), Some("6"));
}

#[test]
fn a_continue_is_not_the_response() {
    let request = b"PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let dialogue = dialogue(&[
        (ToServer, request),
        (ToClient, b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"),
        (ToServer, b"abc"),
        (ToClient, b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
    ]);
    assert_eq!(value(&dialogue, 0, ToClient, "http.stat_code").as_deref(), Some("201"));
    assert_eq!(value(&dialogue, 0, ToClient, "http.header").as_deref(), Some("Content-Length: 0\\r\\n"));
    assert_eq!(value(&dialogue, 0, ToServer, "file.data").as_deref(), Some("abc"));
    assert_eq!(events(&dialogue, 0), [""; 0]);
}

#[test]
fn a_body_that_was_not_wanted_does_not_come() {
    let request = b"PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let dialogue = dialogue(&[
        (ToServer, request),
        (ToClient, b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"),
        (ToServer, GET),
    ]);
    assert_eq!(dialogue.conversation.transactions(), 0..2);
    assert_eq!(value(&dialogue, 1, ToServer, "http.method").as_deref(), Some("GET"));
}

#[test]
fn tunnels_and_upgrades_change_the_protocol() {
    use super::super::parser::Change;
    let changes = |request: &[u8], response: &[u8]| {
        let dialogue = dialogue(&[(ToServer, request), (ToClient, response)]);
        let last = dialogue.requests.last().unwrap().clone();
        (last.change, last.finished)
    };
    let connect = b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n\x16\x03";
    assert_eq!(changes(connect, b"HTTP/1.1 200 OK\r\n\r\n"), (Some(Change::Unknown), false));
    assert_eq!(changes(connect, b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"), (None, false));
    let to = |protocol| (Some(Change::To(protocol)), false);
    let h2c = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\0\0";
    assert_eq!(changes(GET, h2c), to(AppProtocol::Http2));
    let websocket = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\r\n";
    assert_eq!(changes(GET, websocket), to(AppProtocol::Websocket));
    assert_eq!(changes(GET, b"HTTP/1.1 101 x\r\nUpgrade: y\r\n\r\n"), (None, true));
}

#[test]
fn what_follows_a_tunnel_is_left_to_others() {
    let dialogue = dialogue(&[
        (ToServer, b"CONNECT example.com:443 HTTP/1.1\r\n\r\n"),
        (ToServer, b"\x16\x03\x01"),
        (ToClient, b"HTTP/1.1 200 OK\r\n\r\n"),
    ]);
    assert_eq!(value(&dialogue, 0, ToServer, "http.host").as_deref(), Some("example.com"));
    assert_eq!(value(&dialogue, 0, ToServer, "http.uri"), None);
    assert_eq!(value(&dialogue, 0, ToServer, "http.uri.raw").as_deref(), Some("example.com:443"));
    assert!(dialogue.conversation.is_complete(0, ToServer) && dialogue.conversation.is_complete(0, ToClient));
    assert_eq!(events(&dialogue, 0), ["missing_host_header"]);
}

#[test]
fn a_request_without_a_protocol() {
    let mut short = dialogue(&[(ToServer, b"GET /old\r\n"), (ToClient, b"HTTP/1.0 is only text here\n")]);
    assert!(short.conversation.is_complete(0, ToServer));
    short.end(ToClient);
    assert_eq!(value(&short, 0, ToClient, "http.stat_code"), None);
    assert_eq!(
        value(&short, 0, ToClient, "http.response_body").as_deref(),
        Some("HTTP/1.0 is only text here\\n")
    );

    let forgotten = dialogue(&[(ToServer, b"GET /new\r\nHost: a\r\n\r\n"), (ToClient, OK)]);
    assert_eq!(value(&forgotten, 0, ToServer, "http.host").as_deref(), Some("a"));
    assert_eq!(value(&forgotten, 0, ToClient, "http.stat_code").as_deref(), Some("200"));
    assert_eq!(events(&forgotten, 0), ["request_line_missing_protocol"]);
}

#[test]
fn a_response_that_nobody_asked_for() {
    let dialogue = dialogue(&[(ToClient, OK), (ToServer, GET)]);
    assert_eq!(dialogue.conversation.transactions(), 0..2);
    assert_eq!(value(&dialogue, 0, ToServer, "http.uri").as_deref(), Some("/libhtp::request_uri_not_seen"));
    assert_eq!(events(&dialogue, 0), ["unable_to_match_response_to_request"]);
    assert_eq!(value(&dialogue, 1, ToServer, "http.method").as_deref(), Some("GET"));
}

#[test]
fn what_does_not_belong_there_is_body() {
    let post = b"POST /x HTTP/1.1\r\nHost: a\r\n\r\nname=value";
    let mut unannounced = dialogue(&[(ToServer, post)]);
    unannounced.end(ToServer);
    assert_eq!(value(&unannounced, 0, ToServer, "http.request_body").as_deref(), Some("name=value"));
    assert_eq!(events(&unannounced, 0), ["request_body_unexpected"]);

    let longer = [OK, b" and more"].concat();
    let dialogue = dialogue(&[(ToServer, GET), (ToClient, &longer)]);
    assert_eq!(value(&dialogue, 0, ToClient, "http.response_body").as_deref(), Some("hello and more"));
}

#[test]
fn lengths_that_are_none_end_parsing() {
    for (request, event) in [
        ("Content-Length: x", "invalid_content_length_field_in_request"),
        ("Transfer-Encoding: gzip", "invalid_transfer_encoding_value_in_request"),
    ] {
        let said = format!("POST / HTTP/1.1\r\nHost: a\r\n{request}\r\n\r\n");
        let dialogue = dialogue(&[(ToServer, said.as_bytes())]);
        assert!(dialogue.malformed);
        assert_eq!(events(&dialogue, 0), [event]);
    }
    let dialogue = dialogue(&[
        (ToServer, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
        (ToClient, b"HTTP/1.1 200 OK\r\nContent-Length: none\r\n\r\n"),
    ]);
    assert!(dialogue.malformed);
    let expected = [
        "duplicate_content_length_field_in_request",
        "invalid_content_length_field_in_response",
        "request_header_repetition",
    ];
    assert_eq!(events(&dialogue, 0), expected);
    assert_eq!(value(&dialogue, 0, ToServer, "http.request_body").as_deref(), Some("abc"));
}

#[test]
fn hosts_are_judged() {
    let judged = |request: &str| events(&dialogue(&[(ToServer, request.as_bytes())]), 0);
    assert_eq!(judged("GET / HTTP/1.1\r\n\r\n"), ["missing_host_header"]);
    assert_eq!(judged("GET / HTTP/1.0\r\n\r\n"), [""; 0]);
    assert_eq!(judged("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), ["request_header_host_invalid"]);
    assert_eq!(judged("GET http://a/ HTTP/1.1\r\nHost: A\r\n\r\n"), [""; 0]);
    assert_eq!(judged("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"), ["host_header_ambiguous"]);
    assert_eq!(judged("GET http://a:x/ HTTP/1.1\r\nHost: a\r\n\r\n"), ["request_uri_host_invalid"]);
    let both = ["host_header_ambiguous", "request_header_host_invalid"];
    assert_eq!(judged("GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n"), both);
    assert_eq!(judged("GET http://a/ HTTP/1.1\r\nHost: a:x\r\n\r\n"), ["request_header_host_invalid"]);
    assert_eq!(judged("GET / HTTP/1.1\r\nHost: \r\n\r\n"), [""; 0]);
    assert_eq!(judged("GET / HTTP/1.1\r\nHost: :80\r\n\r\n"), [""; 0]);
    assert_eq!(judged("GET http://a/ HTTP/1.1\r\nHost: \r\n\r\n"), ["host_header_ambiguous"]);
    assert_eq!(judged("GET / HTTP/1.1\r\nHost: \u{4f8b}\r\n\r\n"), ["request_header_host_invalid"]);
}

#[test]
fn gaps_within_a_body_are_passed_over() {
    let mut dialogue = dialogue(&[
        (ToServer, GET),
        (ToServer, GET),
        (ToClient, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
    ]);
    dialogue.conversation.skip(ToClient, 5).unwrap();
    dialogue.say(ToClient, b"xy").say(ToClient, OK);
    assert_eq!(value(&dialogue, 0, ToClient, "http.response_body").as_deref(), Some("abcxy"));
    assert_eq!(value(&dialogue, 1, ToClient, "http.response_body").as_deref(), Some("hello"));
    assert_eq!(dialogue.conversation.http(0).unwrap().length, Some(10));
}

#[test]
fn gaps_elsewhere_are_recovered_from() {
    let mut dialogue =
        dialogue(&[(ToServer, b"GET /1 HTTP/1.1\r\nHos"), (ToClient, b"HTTP/1.1 200 OK\r\nSer")]);
    dialogue.conversation.skip(ToServer, 100).unwrap();
    dialogue.conversation.skip(ToClient, 100).unwrap();
    dialogue.say(ToServer, b"ost: a\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
    dialogue.say(ToClient, b"ver: a\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(value(&dialogue, 1, ToServer, "http.uri").as_deref(), Some("/2"));
    assert_eq!(value(&dialogue, 1, ToClient, "http.stat_code").as_deref(), Some("404"));
    assert!(!dialogue.malformed);
}

/// What rules are shown of a growing field that comes in pieces, and how much of it.
fn watch(dialogue: &mut Dialogue, bytes: &[u8], field: &str) -> usize {
    let rows = field_rows::<Http1>();
    let row = rows.iter().find(|row| row.field.name == field).expect("there is one");
    let mut shown = 0;
    for segment in bytes.chunks(1448) {
        dialogue.say(ToClient, segment);
        for transaction in dialogue.conversation.transactions() {
            dialogue.conversation.read(transaction, row.reader, ToClient, &mut |_, window| {
                shown += window.len();
                false
            });
            dialogue.conversation.inspected(transaction, ToClient);
        }
    }
    shown
}

/// A gzip member that becomes that many MiB of zeros.
fn bomb(mib: usize) -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    let mut compress = Compress::new(Compression::best(), false);
    let mut block = Vec::with_capacity(64 << 10);
    compress.compress_vec(&vec![0; 1 << 20], &mut block, FlushCompress::Full).unwrap();
    let mut member = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    (0..mib).for_each(|_| member.extend_from_slice(&block));
    member.extend_from_slice(&[3, 0]);
    member
}

fn coded_response(coding: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn a_bomb_is_stopped_and_little_of_it_is_shown() {
    let body = bomb(1024);
    assert!(body.len() < 2 << 20, "{}", body.len());
    let mut dialogue = dialogue(&[(ToServer, GET)]);
    let shown = watch(&mut dialogue, &coded_response("gzip", &body), "file.data");
    assert!((100 << 10..200 << 10).contains(&shown), "{shown}");
    let size: usize = value(&dialogue, 0, ToClient, "filesize").unwrap().parse().unwrap();
    assert!(size < 8 << 20, "{size}");
    assert_eq!(events(&dialogue, 0), ["compression_bomb", "request_header_repetition"]);
    assert!(dialogue.conversation.is_complete(0, ToClient));
}

#[test]
fn ten_codings_are_two() {
    let ten = ["gzip"; 10].join(", ");
    let dialogue = dialogue(&[(ToServer, GET), (ToClient, &coded_response(&ten, &bomb(1)))]);
    assert_eq!(events(&dialogue, 0), ["request_header_repetition", "too_many_encoding_layers"]);
}

#[test]
fn a_hundred_bombs_in_a_flow() {
    let response = coded_response("gzip", &bomb(64));
    let mut dialogue = dialogue(&[(ToServer, &b"GET / HTTP/1.0\r\n\r\n".repeat(100))]);
    for number in 0..100 {
        let shown = watch(&mut dialogue, &response, "http.response_body");
        assert!(shown <= 1 << 20, "{shown} of the bomb {number}");
        assert_eq!(events(&dialogue, number), ["compression_bomb"]);
        for way in Direction::ALL {
            dialogue.conversation.finish(number, way);
        }
        dialogue.conversation.release();
    }
    assert_eq!(dialogue.conversation.transactions(), 100..100, "nothing is left of them");
}

#[test]
fn requests_without_a_reply_are_let_go() {
    use crate::app_layer::transaction::MAX_OPEN;
    const REQUESTS: u64 = 1_000_000;
    let some = b"GET / HTTP/1.0\r\n\r\n".repeat(1000);
    let mut dialogue = Dialogue::new::<Http1>();
    for _ in 0..REQUESTS / 1000 {
        dialogue.say(ToServer, &some);
    }
    assert_eq!(dialogue.conversation.transactions(), REQUESTS - MAX_OPEN as u64..REQUESTS);
    assert_eq!(dialogue.conversation.take_cut_short(), REQUESTS - MAX_OPEN as u64);
}

/// Bytes searched for each that came in pieces of one byte.
fn effort_for(direction: Direction, bytes: &[u8]) -> usize {
    let before = octets::effort();
    let mut dialogue = dialogue(&[(ToServer, &b"GET / HTTP/1.1\r\n"[..[16, 0][direction.index()]])]);
    if direction == ToClient {
        dialogue.say(ToServer, GET).say(ToClient, b"HTTP/1.1 200 OK\r\n");
    }
    dialogue.say_in_pieces(direction, bytes, 1).end(direction);
    (octets::effort() - before) / bytes.len()
}

#[test]
fn single_bytes_cost_no_more_than_lines() {
    let long_line = [&b"Name: "[..], &[b'x'; 60_000], b"\r\n\r\n"].concat();
    let lines = [&b"Name: value of a field\r\n".repeat(2500)[..], b"\r\n"].concat();
    let folded = [&b"Name: value\r\n"[..], &b" x\r\n".repeat(200_000), b"\r\n"].concat();
    let blank = [&b"Name:\n"[..], &b" \n".repeat(60_000), b"\n"].concat();
    for direction in Direction::ALL {
        for bytes in [&long_line, &lines, &folded, &blank] {
            let effort = effort_for(direction, bytes);
            assert!(effort <= 3, "{direction:?} {}: {effort}", bytes[..12].escape_ascii());
        }
    }
}

#[test]
fn what_is_too_long_is_told() {
    let long = |line: &str| format!("{line}{}", "x".repeat(60_000)).into_bytes();
    for request in [
        long("GET /"),
        long("GET / HTTP/1.1\r\nName: "),
        b"GET / HTTP/1.1\r\n".iter().copied().chain(b"a: b\r\n".repeat(60_000)).collect(),
    ] {
        let dialogue = dialogue(&[(ToServer, &request)]);
        assert!(dialogue.malformed);
        assert!(events(&dialogue, 0).contains(&"request_field_too_long"), "{}", request[..20].escape_ascii());
    }
    let dialogue = dialogue(&[(ToServer, GET), (ToClient, &long("HTTP/1.1 200 OK\r\nName: "))]);
    assert!(dialogue.malformed && events(&dialogue, 0).contains(&"response_field_too_long"));
}

/// A message or two of either way, sound or not.
fn turn() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "GET /a?b HTTP/1.1\r\n",
        "POST /x HTTP/1.1\r\n",
        "HEAD http://h/ HTTP/1.0\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 404 No\n\r",
        "HTTP/1.1 100 Continue\r\n",
        " junk\r\n",
        "\r\n",
        "\n",
        "\r",
        "Host: a\r\n",
        "Content-Length: 7\r\n",
        "Content-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Content-Encoding: gzip\r\n",
        "Name: value\n",
        "Name:\r\n folded\r\n",
        "\t: x\r",
        "no colon\r\n",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
        "abcdefg",
        "7;e\r\n1234567\r\n",
        "Expect: 100-continue\r\n",
        "\n\r\r\n",
        "\0",
    ]);
    prop::collection::vec(line, 1..14).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..Default::default() })]

    #[test]
    fn any_pieces_make_the_same_transactions(
        request in turn(), response in turn(), more in turn(), piece in 1usize..40, cut in 1usize..40,
    ) {
        let said = |piece: usize, cut: usize| {
            let mut dialogue = Dialogue::new::<Http1>();
            dialogue
                .say_in_pieces(ToServer, request.as_bytes(), piece)
                .say_in_pieces(ToClient, response.as_bytes(), cut)
                .say_in_pieces(ToServer, more.as_bytes(), cut)
                .end(ToServer)
                .end(ToClient);
            (dialogue.lines::<Http1>(), dialogue.malformed)
        };
        prop_assert_eq!(said(piece, cut), said(usize::MAX, usize::MAX));
    }

    #[test]
    fn any_bytes_are_taken(turns in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..8)) {
        let mut dialogue = Dialogue::new::<Http1>();
        for (client, bytes) in &turns {
            dialogue.say(if *client { ToServer } else { ToClient }, bytes);
        }
        dialogue.end(ToServer).end(ToClient);
        dialogue.lines::<Http1>();
    }
}
