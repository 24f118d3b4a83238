use super::*;
use crate::app_layer::testing::{Dialogue, events};
use Direction::{ToClient, ToServer};
use frame::{END_HEADERS, END_STREAM, Kind, PADDED, PREFACE, PRIORITISED};
use proptest::prelude::*;
use std::io::Write;

const END: u8 = END_STREAM | END_HEADERS;

fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    raw_frame(kind as u8, flags, stream, payload)
}

fn raw_frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header block of fields that are spelt out.
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127, "{text}");
            block.push(text.len() as u8);
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

fn headers(flags: u8, stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(Kind::Headers, flags, stream, &block(fields))
}

fn get(stream: u32) -> Vec<u8> {
    headers(END, stream, &[(":method", "GET"), (":path", "/"), (":authority", "a")])
}

/// A conversation in turns, behind the client's preface.
fn dialogue(turns: &[(Direction, &[u8])]) -> Dialogue {
    let mut dialogue = Dialogue::new::<Http2>();
    dialogue.say(ToServer, PREFACE);
    for (direction, bytes) in turns {
        dialogue.say(*direction, bytes);
    }
    dialogue
}

/// The values of a field in all transactions, after the transaction's number; numbers in digits.
fn shown(dialogue: &Dialogue, way: Direction, field: &str) -> Vec<(u64, String)> {
    let is_number = |field: &str| {
        [
            "http2.frametype",
            "http2.errorcode",
            "http2.priority",
            "http2.window",
            "http2.size_update",
            "filesize",
        ]
        .contains(&field)
            || field.starts_with("SETTINGS_")
    };
    let row = field_rows::<Http2>().into_iter().find(|row| row.field.name == field).expect("there is one");
    let mut values = Vec::new();
    for transaction in dialogue.conversation.kept() {
        dialogue.conversation.read(transaction, row.reader, way, &mut |_, value| {
            let shown = match is_number(field) {
                true => u64::from_be_bytes(value.try_into().expect("8 bytes")).to_string(),
                false => value.escape_ascii().to_string(),
            };
            values.push((transaction, shown));
            false
        });
    }
    values
}

fn value(dialogue: &Dialogue, way: Direction, field: &str) -> Option<String> {
    let mut values = shown(dialogue, way, field);
    assert!(values.len() < 2, "{field}: {values:?}");
    values.pop().map(|(_, value)| value)
}

fn wrong(dialogue: &Dialogue) -> Vec<(u64, &'static str)> {
    events(&dialogue.all_lines::<Http2>(), event::NAMES)
}

#[test]
fn every_field_of_a_request() {
    let request = headers(
        END_HEADERS,
        1,
        &[
            (":method", "POST"),
            (":path", "/a/../b?x=%31"),
            (":authority", "user@Example.COM:8080"),
            ("user-agent", "curl"),
            ("accept", " */*"),
            ("accept", "text/html"),
            ("cookie", "a=b"),
            ("cookie", "c=d"),
            ("content-type", "text/plain"),
        ],
    );
    let data = frame(Kind::Data, END_STREAM, 1, b"hello");
    let dialogue = dialogue(&[(ToServer, &request), (ToServer, &data)]);
    for (field, expected) in [
        ("http.method", "POST"),
        ("http.uri", "/a/../b?x=%31"),
        ("http.uri.raw", "/a/../b?x=%31"),
        ("http.protocol", "HTTP/2"),
        ("http.request_line", "POST /a/../b?x=%31 HTTP/2\\r\\n"),
        (
            "http.header",
            ":method: POST\\r\\n:path: /a/../b?x=%31\\r\\n:authority: user@Example.COM:8080\\r\\nuser-agent: curl\\r\\n\
             accept: */*\\r\\naccept: text/html\\r\\ncontent-type: text/plain\\r\\n",
        ),
        ("http.cookie", "a=b, c=d"),
        ("http.host", "example.com"),
        ("http.host.raw", "user@Example.COM:8080"),
        ("http.user_agent", "curl"),
        ("http.accept", " */*, text/html"),
        ("http.content_type", "text/plain"),
        ("http.request_body", "hello"),
        ("file.data", "hello"),
        ("file.name", ""),
        ("filesize", "5"),
    ] {
        assert_eq!(value(&dialogue, ToServer, field).as_deref(), Some(expected), "{field}");
    }
    let raw = value(&dialogue, ToServer, "http.header.raw").unwrap();
    assert!(
        raw.contains("accept:  */*\\r\\n") && raw.contains("cookie: a=b\\r\\ncookie: c=d\\r\\n"),
        "{raw}"
    );
    let names = value(&dialogue, ToServer, "http.header_names").unwrap();
    assert!(
        names.starts_with("\\r\\n:method\\r\\n") && names.ends_with("content-type\\r\\n\\r\\n"),
        "{names}"
    );
    assert_eq!(shown(&dialogue, ToServer, "http.request_header").len(), 9);
    assert_eq!(shown(&dialogue, ToServer, "http2.header_name")[3], (0, "user-agent".to_owned()));
    assert_eq!(shown(&dialogue, ToServer, "http2.frametype"), [(0, "1".to_owned()), (0, "0".to_owned())]);
    assert_eq!(wrong(&dialogue), [(0, "userinfo_in_uri")]);
    assert!(!dialogue.conversation.is_complete(0, ToServer), "the stream is open the other way");
}

#[test]
fn every_field_of_a_response() {
    let interim = headers(END_HEADERS, 1, &[(":status", "103"), ("link", "x")]);
    let response = headers(
        END_HEADERS,
        1,
        &[
            (":status", "200"),
            ("server", "s"),
            ("location", "/l"),
            ("set-cookie", "c=d"),
            ("content-length", "5"),
        ],
    );
    let data = [frame(Kind::Data, 0, 1, b"hel"), frame(Kind::Data, PADDED | END_STREAM, 1, b"\x03lo\0\0\0")]
        .concat();
    let dialogue =
        dialogue(&[(ToServer, &get(1)), (ToClient, &interim), (ToClient, &response), (ToClient, &data)]);
    for (field, expected) in [
        ("http.protocol", "HTTP/2"),
        ("http.response_line", "HTTP/2 200\\r\\n"),
        ("http.stat_code", "200"),
        ("http.cookie", "c=d"),
        ("http.server", "s"),
        ("http.location", "/l"),
        ("http.content_len", "5"),
        ("http.response_body", "hello"),
        ("file.data", "hello"),
        ("filesize", "5"),
    ] {
        assert_eq!(value(&dialogue, ToClient, field).as_deref(), Some(expected), "{field}");
    }
    assert_eq!(shown(&dialogue, ToClient, "http.response_header").len(), 7);
    assert!(wrong(&dialogue).is_empty());
    assert!(dialogue.conversation.is_complete(0, ToServer) && dialogue.conversation.is_complete(0, ToClient));
    assert_eq!(
        dialogue.conversation.http(0),
        Some(Http {
            hostname: Some(b"a".to_vec()),
            url: Some(b"/".to_vec()),
            user_agent: None,
            content_type: None,
            method: Some(b"GET".to_vec()),
            protocol: Some(b"HTTP/2".to_vec()),
            status: Some(200),
            length: Some(5),
        })
    );
}

#[test]
fn an_interim_response_is_not_looked_at_alone() {
    let interim = headers(END_HEADERS, 1, &[(":status", "103")]);
    let dialogue = dialogue(&[(ToServer, &get(1)), (ToClient, &interim)]);
    assert_eq!(dialogue.conversation.progress(0, ToClient), Some(STARTED));
}

#[test]
fn frames_about_the_connection_are_transactions_of_their_own() {
    let client = [
        frame(Kind::Settings, 0, 0, b"\0\x01\0\0\x20\0\0\x05\0\x01\0\0\0\x77\0\0\0\0"),
        frame(Kind::Settings, 1, 0, b""),
        frame(Kind::WindowUpdate, 0, 0, &0x8000_8742u32.to_be_bytes()),
        frame(Kind::Ping, 0, 0, b"12345678"),
        get(1),
        frame(Kind::WindowUpdate, 0, 1, &7u32.to_be_bytes()),
        frame(Kind::WindowUpdate, 0, 1, &9u32.to_be_bytes()),
        frame(Kind::Priority, 0, 3, b"\0\0\0\0\x0f"),
        frame(Kind::GoAway, 0, 0, b"\0\0\0\x01\0\0\0\x0bdebug"),
    ];
    let dialogue = dialogue(&[(ToServer, &client.concat())]);
    let pairs = |pairs: &[(u64, &str)]| -> Vec<(u64, String)> {
        pairs.iter().map(|&(number, value)| (number, value.to_owned())).collect()
    };
    for (field, expected) in [
        ("http2.frametype", &[(0, "4"), (1, "8"), (2, "6"), (3, "1"), (3, "8"), (4, "2"), (5, "7")][..]),
        ("SETTINGS_HEADER_TABLE_SIZE", &[(0, "8192")]),
        ("SETTINGS_MAX_FRAME_SIZE", &[(0, "65536")]),
        ("http2.window", &[(1, "34626"), (3, "7"), (3, "9")]),
        ("http2.priority", &[(4, "15")]),
        ("http2.errorcode", &[(5, "11")]),
    ] {
        assert_eq!(shown(&dialogue, ToServer, field), pairs(expected), "{field}");
    }
    assert_eq!(dialogue.conversation.progress(0, ToClient), None, "it goes one way");
    assert!(dialogue.conversation.is_complete(0, ToServer) && dialogue.conversation.is_complete(0, ToClient));
    assert_eq!(dialogue.conversation.http(1), None);
    assert!(wrong(&dialogue).is_empty());
}

#[test]
fn blocks_in_several_frames_with_padding_and_priority() {
    let whole = block(&[(":method", "GET"), (":path", "/long"), ("cookie", "c=d")]);
    let (first, rest) = whole.split_at(20);
    let padded = [&[2, 0, 0, 0, 0, 99][..], first, &[0, 0]].concat();
    let request = [
        frame(Kind::Headers, PADDED | PRIORITISED | END_STREAM, 1, &padded),
        frame(Kind::Continuation, 0, 1, &rest[..1]),
        frame(Kind::Continuation, 0, 1, b""),
        frame(Kind::Continuation, END_HEADERS, 1, &rest[1..]),
    ];
    let mut dialogue = dialogue(&[(ToServer, &request[..3].concat())]);
    assert_eq!(dialogue.conversation.progress(0, ToServer), Some(STARTED));
    dialogue.say(ToServer, &request[3]);
    assert_eq!(value(&dialogue, ToServer, "http.uri").as_deref(), Some("/long"));
    assert_eq!(value(&dialogue, ToServer, "http.cookie").as_deref(), Some("c=d"));
    assert_eq!(value(&dialogue, ToServer, "http2.priority").as_deref(), Some("99"));
    dialogue.say(ToClient, &headers(END, 1, &[(":status", "204")]));
    assert!(dialogue.conversation.is_complete(0, ToServer), "the end of the stream counted");
    assert!(wrong(&dialogue).is_empty());
}

#[test]
fn promised_streams() {
    let promise = [&[0, 0, 0, 2][..], &block(&[(":method", "GET"), (":path", "/pushed")])].concat();
    let (first, rest) = promise.split_at(12);
    let server = [
        frame(Kind::PushPromise, 0, 1, first),
        frame(Kind::Continuation, END_HEADERS, 1, rest),
        headers(END_HEADERS, 2, &[(":status", "200")]),
        frame(Kind::Data, END_STREAM, 2, b"body"),
    ];
    let dialogue = dialogue(&[(ToServer, &get(1)), (ToClient, &server.concat())]);
    assert_eq!(shown(&dialogue, ToClient, "http.stat_code"), [(1, "200".to_owned())]);
    assert_eq!(shown(&dialogue, ToClient, "http2.header_name")[1], (1, ":path".to_owned()));
    assert_eq!(shown(&dialogue, ToClient, "file.data"), [(1, "body".to_owned())]);
    assert!(
        dialogue.conversation.is_complete(1, ToClient) && !dialogue.conversation.is_complete(0, ToServer)
    );
}

#[test]
fn what_is_reset_is_complete() {
    let post = headers(END_HEADERS, 1, &[(":method", "POST")]);
    let data = frame(Kind::Data, 0, 1, b"half");
    let reset = frame(Kind::RstStream, 0, 1, &8u32.to_be_bytes());
    let dialogue = dialogue(&[(ToServer, &post), (ToServer, &data), (ToClient, &reset)]);
    assert_eq!(value(&dialogue, ToClient, "http2.errorcode").as_deref(), Some("8"));
    assert_eq!(value(&dialogue, ToServer, "file.data").as_deref(), Some("half"));
    assert!(dialogue.conversation.is_complete(0, ToServer) && dialogue.conversation.is_complete(0, ToClient));
}

#[test]
fn a_body_ends_with_the_connection() {
    let post = headers(END_HEADERS, 1, &[(":method", "POST")]);
    let data = frame(Kind::Data, 0, 1, b"half");
    let mut dialogue = dialogue(&[(ToServer, &post), (ToServer, &data)]);
    assert_eq!(value(&dialogue, ToServer, "file.data"), None, "there is too little to look at");
    dialogue.end(ToServer);
    assert_eq!(value(&dialogue, ToServer, "file.data").as_deref(), Some("half"));
}

#[test]
fn tables_are_shared_by_the_streams_of_a_direction() {
    let first = [0x82, 0x84, 0x41, 3, b'o', b'n', b'e', 0x40, 1, b'x', 1, b'1'];
    let second = [0x3f, 0x21, 0x82, 0x84, 0x01, 3, b't', b'w', b'o', 0xbe];
    let dialogue = dialogue(&[
        (ToServer, &frame(Kind::Headers, END, 1, &first)),
        (ToServer, &frame(Kind::Headers, END, 3, &second)),
    ]);
    assert_eq!(shown(&dialogue, ToServer, "http2.size_update"), [(1, "64".to_owned())]);
    assert_eq!(shown(&dialogue, ToServer, "http.host"), [(0, "one".to_owned()), (1, "two".to_owned())]);
    assert_eq!(shown(&dialogue, ToServer, "http.request_header").last(), Some(&(1, "x: 1".to_owned())));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A response of that content, in frames of 10,000 bytes.
fn coded_response(content: &[u8]) -> Vec<u8> {
    let mut said = headers(END_HEADERS, 1, &[(":status", "200"), ("content-encoding", "gzip")]);
    let mut frames = content.chunks(10_000).peekable();
    while let Some(piece) = frames.next() {
        said.extend(frame(Kind::Data, u8::from(frames.peek().is_none()), 1, piece));
    }
    said
}

#[test]
fn content_is_decoded() {
    let dialogue = dialogue(&[(ToServer, &get(1)), (ToClient, &coded_response(&gzip(b"hello")))]);
    assert_eq!(value(&dialogue, ToClient, "http.response_body").as_deref(), Some("hello"));
    assert_eq!(value(&dialogue, ToClient, "filesize").as_deref(), Some("5"));
    assert!(wrong(&dialogue).is_empty());
}

#[test]
fn content_that_is_not_of_its_coding_is_told() {
    let dialogue =
        dialogue(&[(ToServer, &get(1)), (ToClient, &coded_response(b"plain text that is no gzip"))]);
    assert_eq!(wrong(&dialogue), [(0, "failed_decompression")]);
}

#[test]
fn bombs_are_stopped() {
    let bomb = gzip(&vec![0; 64 << 20]);
    let twice = gzip(&bomb);
    let mut said = headers(END_HEADERS, 1, &[(":status", "200"), ("content-encoding", "gzip, gzip")]);
    said.extend(frame(Kind::Data, END_STREAM, 1, &twice));
    let dialogue = dialogue(&[(ToServer, &get(1)), (ToClient, &said)]);
    assert_eq!(wrong(&dialogue), [(0, "compression_bomb")]);
    let size: u64 = value(&dialogue, ToClient, "filesize").unwrap().parse().unwrap();
    assert!(size < 8 << 20, "{size}");
}

#[test]
fn what_is_wrong_is_told() {
    let open = |flags| headers(flags, 1, &[(":method", "GET")]);
    for (said, expected) in [
        (frame(Kind::RstStream, 0, 1, b"12345"), "invalid_frame_length"),
        (frame(Kind::WindowUpdate, 0, 0, b"123"), "invalid_frame_length"),
        (frame(Kind::Priority, 0, 1, b"1234"), "invalid_frame_length"),
        (frame(Kind::GoAway, 0, 0, b"1234567"), "invalid_frame_length"),
        (frame(Kind::Data, 0, 0, b"x"), "data_stream_zero"),
        (frame(Kind::Headers, END, 0, b"\x82"), "invalid_frame_header"),
        (raw_frame(77, 0, 0, b"x"), "invalid_frame_header"),
        (frame(Kind::Headers, END | PADDED, 1, b"\x09\x82"), "invalid_frame_data"),
        (frame(Kind::Headers, END | PRIORITISED, 1, b"\0\0\0"), "invalid_frame_data"),
        (frame(Kind::PushPromise, END_HEADERS, 1, b"\0\0"), "invalid_frame_data"),
        (frame(Kind::Headers, END, 1, b"\x82\0\x7f"), "invalid_frame_data"),
        (frame(Kind::Headers, END, 1, b"\x80"), "invalid_header"),
        (frame(Kind::Headers, END, 1, &[0xff; 20]), "header_integer_overflow"),
        (frame(Kind::Headers, END, 1, &[0xff; 20]), "extra_header_data"),
        (frame(Kind::Data, 0, 1, &[0; 70_000]), "long_frame_data"),
        (raw_frame(Kind::Settings as u8, 0, 0, &[0; 70_000]), "long_frame_data"),
        (headers(END, 1, &[(":authority", "a"), ("host", "b")]), "authority_host_mismatch"),
        ([open(END_HEADERS), frame(Kind::RstStream, 0, 1, &[0; 4]), open(END)].concat(), "stream_id_reuse"),
    ] {
        let dialogue = dialogue(&[(ToServer, &said)]);
        let found: Vec<_> = wrong(&dialogue).into_iter().map(|(_, event)| event).collect();
        assert!(found.contains(&expected), "{expected}: {found:?}");
        assert!(!dialogue.malformed && dialogue.left(ToServer) == 0, "{expected}");
    }
}

#[test]
fn what_comes_late_reuses_nothing() {
    let late = [
        frame(Kind::RstStream, 0, 1, &[0; 4]),
        frame(Kind::WindowUpdate, 0, 1, &1u32.to_be_bytes()),
        frame(Kind::Priority, 0, 1, &[0; 5]),
    ];
    let dialogue = dialogue(&[(ToServer, &[get(1), late.concat()].concat())]);
    assert_eq!((wrong(&dialogue), dialogue.conversation.transactions()), (vec![], 0..1));
}

#[test]
fn a_range_that_cannot_be_is_told() {
    let response = |range| {
        [
            headers(END_HEADERS, 1, &[(":status", "206"), ("content-range", range)]),
            frame(Kind::Data, END_STREAM, 1, b"x"),
        ]
        .concat()
    };
    for (range, expected) in [("bytes 0-0/9", &[][..]), ("bytes 9-0/9", &[(0, "invalid_range")])] {
        let dialogue = dialogue(&[(ToServer, &get(1)), (ToClient, &response(range))]);
        assert_eq!(wrong(&dialogue), expected, "{range}");
    }
}

#[test]
fn messages_of_dns_are_short() {
    let post = |kind| {
        let mut said = headers(END_HEADERS, 1, &[(":method", "POST"), ("content-type", kind)]);
        said.extend(frame(Kind::Data, 0, 1, &[0; 40_000]));
        said.extend(frame(Kind::Data, END_STREAM, 1, &[0; 40_000]));
        said
    };
    let request = dialogue(&[(ToServer, &post("application/dns-message"))]);
    assert_eq!(wrong(&request), [(0, "dns_request_too_long")]);
    let response = dialogue(&[(ToServer, &get(1)), (ToClient, &post("application/dns-message"))]);
    assert_eq!(wrong(&response), [(0, "dns_response_too_long")]);
    assert!(wrong(&dialogue(&[(ToServer, &post("text/plain"))])).is_empty());
}

#[test]
fn without_a_preface() {
    let mut text = Dialogue::new::<Http2>();
    let filler = raw_frame(b'x', 0, 1, b"text of twenty bytes");
    text.say(ToServer, &filler).say(ToServer, &get(3));
    assert_eq!(wrong(&text), [(0, "invalid_client_magic")]);
    assert_eq!(shown(&text, ToServer, "http.method"), [(1, "GET".to_owned())]);
    let mut noise = Dialogue::new::<Http2>();
    noise.say(ToServer, &[0xff; 24]);
    assert!(noise.malformed);
}

#[test]
fn an_upgrade_takes_the_request_over() {
    let handed = [
        (":method", "GET"),
        (":path", "/up"),
        ("Host", "Example.com:80"),
        ("User-Agent", "curl"),
        ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
    ];
    let handed = handed.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).to_vec();
    let mut dialogue = Dialogue::new::<Http2>();
    dialogue.conversation.take_over(&handed);
    dialogue.say(ToServer, PREFACE);
    dialogue.say(ToClient, &headers(END, 1, &[(":status", "200")]));
    assert_eq!(shown(&dialogue, ToServer, "http.uri"), [(0, "/up".to_owned())]);
    assert_eq!(value(&dialogue, ToServer, "http.host").as_deref(), Some("example.com"));
    assert_eq!(value(&dialogue, ToServer, "http.user_agent"), None, "names of HTTP/2 have no capitals");
    assert_eq!(shown(&dialogue, ToServer, "SETTINGS_MAX_CONCURRENT_STREAMS"), [(1, "100".to_owned())]);
    assert_eq!(value(&dialogue, ToClient, "http.stat_code").as_deref(), Some("200"));
    assert!(dialogue.conversation.is_complete(0, ToServer) && dialogue.conversation.is_complete(0, ToClient));
    assert!(wrong(&dialogue).is_empty());

    for settings in ["!", "AAMAAA"] {
        let mut dialogue = Dialogue::new::<Http2>();
        let handed = [(":method", "GET"), ("HTTP2-Settings", settings)];
        dialogue.conversation.take_over(
            &handed.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).to_vec(),
        );
        assert_eq!(wrong(&dialogue), [(0, "invalid_http1_settings")], "{settings}");
    }
}

#[test]
fn data_is_not_held() {
    let mut dialogue = dialogue(&[(ToServer, &headers(END_HEADERS, 1, &[(":method", "POST")]))]);
    let long = frame(Kind::Data, 0, 1, &vec![b'x'; 1 << 20]);
    for piece in long.chunks(1000).take(1000) {
        dialogue.say(ToServer, piece);
        assert_eq!(dialogue.left(ToServer), 0);
    }
    assert_eq!(dialogue.conversation.progress(0, ToServer), Some(crate::app_layer::http::progress::BODY));
}

/// Says frames until there were a million, and lets go of what is complete as often as rules look.
fn flood(frames: impl Fn(u32) -> Vec<u8>) -> (Dialogue, u64) {
    use crate::app_layer::transaction::MAX_OPEN;
    let mut dialogue = dialogue(&[]);
    let mut most = 0;
    for round in 0..200 {
        let said: Vec<u8> = (0..100).flat_map(|at| frames(round * 100 + at)).collect();
        dialogue.say(ToServer, &said);
        let kept: Vec<u64> = dialogue.conversation.kept().collect();
        most = most.max(kept.len());
        for number in kept {
            for way in Direction::ALL {
                if dialogue.conversation.is_complete(number, way) {
                    dialogue.conversation.finish(number, way);
                }
            }
        }
        dialogue.conversation.release();
    }
    assert!(most <= MAX_OPEN, "{most}");
    let cut_short = dialogue.conversation.take_cut_short();
    (dialogue, cut_short)
}

#[test]
fn floods_are_bounded() {
    let reset = |at: u32| [get(2 * at + 1), frame(Kind::RstStream, 0, 2 * at + 1, &[0; 4])].concat();
    let (dialogue, cut_short) = flood(reset);
    assert_eq!((dialogue.conversation.kept().count(), cut_short), (0, 0), "what is reset is let go of");
    for kind in [Kind::Ping, Kind::Settings] {
        let (dialogue, cut_short) = flood(|_| frame(kind, 0, 0, &[0; 8]));
        assert_eq!((dialogue.conversation.kept().count(), cut_short), (0, 0));
    }
    let (dialogue, cut_short) = flood(|at| headers(END_HEADERS, 2 * at + 1, &[(":method", "GET")]));
    assert_eq!(cut_short, 20_000 - crate::app_layer::transaction::MAX_OPEN as u64);
    assert!(wrong(&dialogue).iter().all(|&(_, event)| event == "too_many_streams"));
    assert!(!dialogue.malformed);
}

#[test]
fn numbers_of_one_stream_are_bounded() {
    let mut dialogue = dialogue(&[(ToServer, &get(1))]);
    for at in 0..70_000u32 {
        dialogue.say(ToServer, &frame(Kind::WindowUpdate, 0, 1, &at.to_be_bytes()));
    }
    assert!(shown(&dialogue, ToServer, "http2.window").len() < 300);
    assert!(dialogue.conversation.take_refused() > 60_000);
    assert_eq!(wrong(&dialogue), [(0, "too_many_frames")]);
}

#[test]
fn a_stream_that_stays_open_holds_up_no_others() {
    let long = headers(END_HEADERS, 1, &[(":method", "POST")]);
    let (mut dialogue, cut_short) = flood(|at| match at {
        0 => long.clone(),
        at => frame(Kind::WindowUpdate, 0, 0, &at.to_be_bytes()),
    });
    assert_eq!((dialogue.conversation.kept().collect::<Vec<_>>(), cut_short), (vec![0], 0));
    dialogue.say(ToServer, &frame(Kind::Data, END_STREAM, 1, b"late"));
    assert_eq!(value(&dialogue, ToServer, "file.data").as_deref(), Some("late"));
}

#[test]
fn blocks_without_end_are_bounded() {
    let mut dialogue = dialogue(&[(ToServer, &frame(Kind::Headers, 0, 1, &block(&[(":method", "GET")])))]);
    let more = frame(Kind::Continuation, 0, 1, &block(&[("name", &"x".repeat(100))]).repeat(150));
    for _ in 0..1000 {
        dialogue.say(ToServer, &more);
    }
    assert!(dialogue.conversation.take_refused() > 900);
    dialogue.say(ToServer, &frame(Kind::Continuation, END_HEADERS, 1, b""));
    let found: Vec<_> = wrong(&dialogue).into_iter().map(|(_, event)| event).collect();
    assert!(found.contains(&"reassembly_limit_reached"), "{found:?}");
    assert!(shown(&dialogue, ToServer, "http.request_header").len() < 1000);
    assert_eq!(value(&dialogue, ToServer, "http.method").as_deref(), Some("GET"));
}

#[test]
fn header_bombs_are_stopped() {
    // One large field, repeated by its index of one byte.
    let name = [&[0x40, 1, b'x', 0x7f, 0xa1, 0x1e][..], &[b'y'; 4000]].concat();
    let first = frame(Kind::Headers, END, 1, &name);
    let mut within = dialogue(&[(ToServer, &first), (ToServer, &frame(Kind::Headers, END, 3, &[0xbe; 100]))]);
    assert!(within.malformed, "more than a stream may have");
    assert_eq!(wrong(&within), [(1, "compression_bomb")]);
    within.say(ToServer, &get(5));
    assert_eq!(within.conversation.transactions(), 0..2);

    let mut across = dialogue(&[(ToServer, &first)]);
    let streams = (1..10_000u32).map(|at| frame(Kind::Headers, END, 2 * at + 1, &[0xbe; 60]));
    let before_the_end = streams.take_while(|said| !across.say(ToServer, said).malformed).count();
    assert!((4..20).contains(&before_the_end), "{before_the_end} streams of 240,000 bytes in 69");

    let repeated = [0x82, 0x84, 0xbe];
    let mut usual = dialogue(&[(ToServer, &first)]);
    for at in 1..5000 {
        usual.say(ToServer, &frame(Kind::Headers, END, 2 * at + 1, &repeated));
    }
    assert!(!usual.malformed, "as large a field as fits the table of the default size, in each request");
}

/// Frames of either way, sound or not.
fn turn() -> impl Strategy<Value = Vec<u8>> {
    let said = prop::sample::select(vec![
        get(1),
        get(3),
        headers(END_HEADERS, 1, &[(":method", "POST"), ("content-encoding", "gzip"), ("content-range", "x")]),
        headers(END_HEADERS, 3, &[(":status", "200")]),
        headers(0, 1, &[(":status", "100")]),
        frame(Kind::Continuation, END_HEADERS, 1, &block(&[("a", "b")])),
        frame(Kind::Continuation, 0, 3, b"\x82"),
        frame(Kind::Headers, END | PADDED, 5, b"\x01\x82\x3f\0"),
        frame(Kind::Headers, END, 7, b"\xbe\x40\x01a\x01b\xbe\x80"),
        frame(Kind::Data, 0, 1, b"some data"),
        frame(Kind::Data, END_STREAM, 1, &gzip(b"coded")),
        frame(Kind::Data, END_STREAM | PADDED, 3, b"\x02data\0\0"),
        frame(Kind::Data, PADDED, 3, b"\x09data"),
        frame(Kind::Data, PADDED, 3, b""),
        frame(Kind::Data, 0, 0, b"x"),
        frame(Kind::Settings, 0, 0, b"\0\x01\0\0\0\x40"),
        frame(Kind::Settings, 1, 0, b""),
        frame(Kind::Settings, 0, 0, &[1; 70_000]),
        frame(Kind::Headers, END, 9, &[0x82; 66_000]),
        frame(Kind::PushPromise, END_HEADERS, 1, b"\0\0\0\x02\x82"),
        frame(Kind::GoAway, 0, 0, b"\0\0\0\x01\0\0\0\x02more"),
        frame(Kind::RstStream, 0, 3, &[0; 4]),
        frame(Kind::RstStream, 0, 3, &[0; 5]),
        frame(Kind::Priority, 0, 3, &[0; 5]),
        frame(Kind::WindowUpdate, 0, 1, &[0; 4]),
        frame(Kind::Ping, 0, 0, &[0; 8]),
        raw_frame(99, 0xff, 3, b"whatever"),
        b"\0\0".to_vec(),
    ]);
    prop::collection::vec(said, 0..10).prop_map(|frames| frames.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..Default::default() })]

    #[test]
    fn any_pieces_make_the_same_transactions(
        request in turn(), response in turn(), more in turn(), piece in 1usize..40, cut in 1usize..4000,
    ) {
        let said = |piece: usize, cut: usize| {
            let mut dialogue = dialogue(&[]);
            dialogue
                .say_in_pieces(ToServer, &request, piece)
                .say_in_pieces(ToClient, &response, cut)
                .say_in_pieces(ToServer, &more, cut)
                .end(ToServer)
                .end(ToClient);
            (dialogue.all_lines::<Http2>(), dialogue.malformed)
        };
        prop_assert_eq!(said(piece, cut), said(usize::MAX, usize::MAX));
    }

    #[test]
    fn any_bytes_are_taken(turns in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..8)) {
        let mut dialogue = dialogue(&[]);
        for (client, bytes) in &turns {
            dialogue.say(if *client { ToServer } else { ToClient }, bytes);
        }
        dialogue.end(ToServer).end(ToClient);
        dialogue.all_lines::<Http2>();
    }
}

/// A question for `example.com`, and its answer.
const QUESTION: &[u8] = b"\0\0\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";
const ANSWER: &[u8] = b"\0\0\x81\x80\0\x01\0\x01\0\0\0\0\x07example\x03com\0\0\x01\0\x01\
\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";

#[test]
fn messages_of_dns_are_read() {
    let kind = ("content-type", "application/dns-message");
    let post = headers(END_HEADERS, 1, &[(":method", "POST"), (":path", "/dns-query"), kind]);
    let answer = headers(END_HEADERS, 1, &[(":status", "200"), kind]);
    let (question, data) =
        (frame(Kind::Data, END_STREAM, 1, QUESTION), frame(Kind::Data, END_STREAM, 1, ANSWER));
    let mut posted = dialogue(&[(ToServer, &post), (ToServer, &question[..20])]);
    assert_eq!(value(&posted, ToServer, "dns.query"), None, "it is not whole");
    posted.say(ToServer, &question[20..]).say(ToClient, &answer).say(ToClient, &data);
    assert_eq!(value(&posted, ToServer, "dns.query").as_deref(), Some("example.com"));
    assert_eq!(value(&posted, ToClient, "dns.answers.rrname").as_deref(), Some("example.com"));
    assert_eq!(value(&posted, ToServer, "http.method").as_deref(), Some("POST"));
    let doh =
        |dialogue: &Dialogue| dialogue.requests.iter().any(|one| one.becomes == Some(AppProtocol::Doh2));
    assert!(doh(&posted));
    // RFC 8484, section 4.1.1, with another question.
    let path = "/dns-query?x=1&dns=AAABAAABAAAAAAAAB2V4YW1wbGUDY29tAAABAAE";
    let got = dialogue(&[(ToServer, &headers(END, 1, &[(":method", "GET"), (":path", path)]))]);
    assert_eq!(value(&got, ToServer, "dns.query").as_deref(), Some("example.com"));
    assert!(doh(&got));
    for path in ["/dns-query?dns=AAAB", "/dns-query?dns=%%%", "/dns-query", "/?dn"] {
        let other = dialogue(&[(ToServer, &headers(END, 1, &[(":method", "GET"), (":path", path)]))]);
        assert!(value(&other, ToServer, "dns.query").is_none() && !doh(&other), "{path}");
    }
}

#[test]
fn a_message_of_dns_is_bounded() {
    let kind = ("content-type", "application/dns-message");
    let post = headers(END_HEADERS, 1, &[(":method", "POST"), kind]);
    let mut long = dialogue(&[(ToServer, &post)]);
    for _ in 0..9 {
        long.say(ToServer, &frame(Kind::Data, 0, 1, &[0; 16_000]));
    }
    long.say(ToServer, &frame(Kind::Data, END_STREAM, 1, b""));
    assert_eq!(value(&long, ToServer, "dns.query"), None);
    assert_eq!(wrong(&long), [(0, "dns_request_too_long")]);
}
