use super::*;
use crate::app_layer::dcerpc::testing::{MAPPER, WHOLE, Writer};
use crate::app_layer::identify::Speech;
use crate::app_layer::testing::Dialogue;
use crate::app_layer::{PROTOCOLS, dcerpc, dns, ftp, http, http2, smb, smtp, speech_of, ssh, tls};
use crate::event::Direction::{self, ToClient, ToServer};

impl FrameWishes {
    /// Of all frames, whichever protocol they are of.
    pub(crate) fn all() -> Self {
        Self { kinds: vec![(AppProtocol::Http, Kinds(u32::MAX))], room: 256 }
    }
}

impl FrameLog {
    /// The frames that rules have not looked at to their end.
    pub(crate) fn waiting(&self) -> &[Frame] {
        self.0.as_ref().map_or(&[], |frames| &frames.waiting)
    }
}

/// The protocol under which [`FrameWishes::all`] asks for all frames of any.
pub(crate) const ANY: Option<AppProtocol> = Some(AppProtocol::Http);

/// What comes of a conversation, whose turns come in any pieces; `stream` left out.
fn told(speech: &Speech, turns: &[(Direction, Vec<u8>)]) -> Vec<String> {
    let in_pieces = |piece: usize| {
        let mut dialogue = Dialogue::of(speech);
        for (direction, bytes) in turns {
            dialogue.say_in_pieces(*direction, bytes, piece);
        }
        assert!(!dialogue.malformed);
        dialogue.frames(speech).into_iter().filter(|line| !line.contains(" stream ")).collect::<Vec<_>>()
    };
    let whole = in_pieces(usize::MAX);
    for piece in 1..=turns.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0) {
        assert_eq!(in_pieces(piece), whole, "pieces of {piece}");
    }
    whole
}

fn text(direction: Direction, bytes: &str) -> (Direction, Vec<u8>) {
    (direction, bytes.as_bytes().to_vec())
}

#[test]
fn messages_of_http() {
    let requests =
        "GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
    let first = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let second = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    let said = [text(ToServer, requests), text(ToClient, &format!("{first}{second}"))];
    let shown = |text: &str| text.as_bytes().escape_ascii().to_string();
    let (get, post) = requests.split_at(requests.find("POST").unwrap());
    assert_eq!(
        told(&http::SPEECH, &said),
        [
            format!("ToServer http1.request {}", shown(get)),
            format!("ToServer http1.request {}", shown(post)),
            format!("ToClient http1.response {}", shown(first)),
            format!("ToClient http1.response {}", shown(second)),
        ]
    );
}

/// The header of a message of DNS without records, and what answers it.
const DNS_QUERY: [u8; 12] = [7, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn messages_of_dns() {
    let over_tcp = [&[0, 12][..], &DNS_QUERY, &[0, 12], &DNS_QUERY].concat();
    let line = format!("ToServer dns.pdu {}", DNS_QUERY.escape_ascii());
    assert_eq!(told(&dns::TCP_SPEECH, &[(ToServer, over_tcp)]), [line.clone(), line.clone()]);
    for (speech, name) in [(&dns::SPEECH, "dns.pdu"), (&dns::MDNS_SPEECH, "mdns.pdu")] {
        let mut dialogue = Dialogue::of(speech);
        let lines = dialogue.say(ToServer, &DNS_QUERY).frames(speech);
        assert!(lines.contains(&line.replace("dns.pdu", name)), "{lines:?}");
    }
}

#[test]
fn records_of_tls() {
    let change = [20, 3, 3, 0, 1, 1];
    let heartbeat = [&[24, 3, 3, 0, 20, 1, 0, 1, b'h'][..], &[0; 16]].concat();
    let alert = [21, 3, 3, 0, 2, 1, 0];
    let data = [&[23, 3, 3, 0, 5][..], b"hello"].concat();
    let said = [(ToServer, [&heartbeat[..], &change, &alert].concat()), (ToClient, data)];
    let heard = heartbeat[5..].escape_ascii();
    assert_eq!(
        told(&tls::SPEECH, &said),
        [
            format!("ToServer tls.pdu {}", heartbeat.escape_ascii()),
            r"ToServer tls.hdr \x18\x03\x03\x00\x14".to_owned(),
            format!("ToServer tls.data {heard}"),
            format!("ToServer tls.heartbeat {heard}"),
            r"ToServer tls.pdu \x14\x03\x03\x00\x01\x01".to_owned(),
            r"ToServer tls.hdr \x14\x03\x03\x00\x01".to_owned(),
            r"ToServer tls.data \x01".to_owned(),
            r"ToServer tls.pdu \x15\x03\x03\x00\x02\x01\x00".to_owned(),
            r"ToServer tls.hdr \x15\x03\x03\x00\x02".to_owned(),
            r"ToServer tls.data \x01\x00".to_owned(),
            r"ToServer tls.alert \x01\x00".to_owned(),
            r"ToClient tls.pdu \x17\x03\x03\x00\x05hello".to_owned(),
            r"ToClient tls.hdr \x17\x03\x03\x00\x05".to_owned(),
            "ToClient tls.data hello".to_owned(),
        ]
    );
    let hello = [0x80, 10, 1, 0, 2, 0, 0, 0, 0, 0, 0, 9];
    assert_eq!(
        told(&tls::SPEECH, &[(ToServer, hello.to_vec())]),
        [
            r"ToServer tls.ssl2.hdr \x80\n".to_owned(),
            format!("ToServer tls.ssl2.pdu {}", hello.escape_ascii()),
        ]
    );
}

#[test]
fn packets_of_ssh() {
    let packet = [0, 0, 0, 5, 0, 30, 1, 2, 3];
    let said = [(ToServer, [&b"SSH-2.0-x\r\n"[..], &packet].concat())];
    assert_eq!(
        told(&ssh::SPEECH, &said),
        [
            r"ToServer ssh.record.hdr \x00\x00\x00\x05\x00\x1e",
            r"ToServer ssh.record.pdu \x00\x00\x00\x05\x00\x1e\x01\x02\x03",
            r"ToServer ssh.record.data \x01\x02\x03",
        ]
    );
}

#[test]
fn lines_and_mails_of_smtp() {
    let said = [
        text(ToClient, "220-hello\r\n220 there\r\n"),
        text(ToServer, "EHLO me\r\nMAIL FROM:<a@b>\nDATA\r\n"),
        text(ToClient, "250 OK\r\n250 OK\r\n354 go on\r\n"),
        text(ToServer, "Subject: x\r\n\r\ntext\r\n.\r\nBDAT 3 LAST\r\nabcQUIT\r\n"),
    ];
    assert_eq!(
        told(&smtp::SPEECH, &said),
        [
            r"ToServer smtp.command_line EHLO me",
            r"ToServer smtp.command_line EHLO me\r\n",
            r"ToServer smtp.command_line MAIL FROM:<a@b>",
            r"ToServer smtp.command_line MAIL FROM:<a@b>\n",
            r"ToServer smtp.command_line DATA",
            r"ToServer smtp.command_line DATA\r\n",
            r"ToServer smtp.data Subject: x\r\n\r\ntext\r\n",
            r"ToServer smtp.command_line BDAT 3 LAST",
            r"ToServer smtp.command_line BDAT 3 LAST\r\n",
            r"ToServer smtp.data abc",
            r"ToServer smtp.command_line QUIT",
            r"ToServer smtp.command_line QUIT\r\n",
            r"ToClient smtp.response_line 220-hello\r\n",
            r"ToClient smtp.response_line 220 there\r\n",
            r"ToClient smtp.response_line 250 OK\r\n",
            r"ToClient smtp.response_line 250 OK\r\n",
            r"ToClient smtp.response_line 354 go on\r\n",
        ]
    );
}

#[test]
fn a_mail_that_is_refused_ends() {
    let said = [
        text(ToServer, "EHLO me\r\nDATA\r\n"),
        text(ToClient, "220 hello\r\n250 OK\r\n554 no\r\n"),
        text(ToServer, "QUIT\r\n"),
    ];
    let lines = told(&smtp::SPEECH, &said);
    assert!(!lines.iter().any(|line| line.contains("smtp.data")), "{lines:?}");
}

#[test]
fn lines_of_ftp() {
    let said = [text(ToServer, "USER a\r\nQUIT\n"), text(ToClient, "230-a\r\n b\r\n230 c\r\n")];
    assert_eq!(
        told(&ftp::SPEECH, &said),
        [
            r"ToServer ftp.command_line USER a\r\n",
            r"ToServer ftp.command_line QUIT\n",
            r"ToClient ftp.response_line 230-a\r\n",
            r"ToClient ftp.response_line  b\r\n",
            r"ToClient ftp.response_line 230 c\r\n",
        ]
    );
}

/// A frame of three kinds: the whole, its header, and what stands behind it.
fn three(way: Direction, name: &str, header: &[u8], rest: &[u8]) -> [String; 3] {
    let line = |kind: &str, bytes: &[u8]| format!("{way:?} {name}.{kind} {}", bytes.escape_ascii());
    [line("pdu", &[header, rest].concat()), line("hdr", header), line("data", rest)]
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn messages_of_every_smb() {
    let echo = [&b"\xfeSMB\x40\0\0\0\0\0\0\0\x0d"[..], &[0; 51]].concat();
    let old = [&b"\xffSMB\x2b"[..], &[0; 27]].concat();
    let sealed = [&b"\xfdSMB"[..], &[0; 48]].concat();
    for (name, header, rest) in
        [("smb2", echo, &b"\x04\0\0\0"[..]), ("smb1", old, &b"\x01\0\0\0\0"[..]), ("smb3", sealed, b"sealed")]
    {
        let netbios = [0, 0, 0, (header.len() + rest.len()) as u8];
        let message = [&header, rest].concat();
        let expected = [
            three(ToServer, "smb.nbss", &netbios, &message),
            three(ToServer, &format!("smb.{name}"), &header, rest),
        ];
        let expected = expected.concat();
        let lines = told(&smb::SPEECH, &[(ToServer, [&netbios[..], &message].concat())]);
        assert_eq!(sorted(lines), sorted(expected));
    }
}

#[test]
fn units_of_dcerpc() {
    let units = [Writer::LITTLE.bind(1, &[MAPPER]), Writer::LITTLE.request(WHOLE, 2, 0, 7, b"stub")];
    let of_unit = |unit: &Vec<u8>| three(ToServer, "dcerpc", &unit[..16], &unit[16..]);
    let expected = units.iter().flat_map(of_unit).collect::<Vec<_>>();
    let lines = told(&dcerpc::SPEECH, &[(ToServer, units.concat())]);
    assert_eq!(sorted(lines), sorted(expected));
    let datagram = Writer::LITTLE.datagram(0, 0, 1, 0, b"stub");
    let mut dialogue = Dialogue::of(&dcerpc::UDP_SPEECH);
    let lines = dialogue.say(ToServer, &datagram).frames(&dcerpc::UDP_SPEECH);
    for line in three(ToServer, "dcerpc", &datagram[..80], &datagram[80..]) {
        assert!(lines.contains(&line), "{line}: {lines:?}");
    }
}

#[test]
fn frames_of_http2() {
    let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0];
    let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0];
    let said = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings, b"\0\x01\0\0\x10\0", &ping, b"12345678"];
    let expected = [
        three(ToServer, "http2", &settings, b"\0\x01\0\0\x10\0"),
        three(ToServer, "http2", &ping, b"12345678"),
    ]
    .concat();
    let lines = told(&http2::SPEECH, &[(ToServer, said.concat())]);
    assert_eq!(sorted(lines), sorted(expected));
}

#[test]
fn kinds_are_rows_with_full_names_that_a_parser_fills() {
    for lexicon in PROTOCOLS {
        let Some(speech) = lexicon.protocols.iter().find_map(|&protocol| speech_of(protocol)) else {
            continue;
        };
        let rows = (speech.fields)();
        assert!(lexicon.frames.len() < usize::from(STREAM));
        for (kind, frame) in (0..).zip(lexicon.frames) {
            let of = frame.protocols[0].name();
            assert!(frame.name.starts_with(&format!("{of}.")) && frame.doc.ends_with('.'), "{}", frame.name);
            let row = rows.iter().find(|row| row.field == frame);
            assert_eq!(row.map(|row| row.reader), Some(ReaderPlace::Frame(kind)), "{}", frame.name);
        }
    }
}

#[test]
fn a_length_beyond_all_bounds_is_none() {
    let mut log = of_one(5, Some(usize::MAX));
    let long = vec![b'x'; 3000];
    assert_eq!(shown(&mut log, &[(5, &long)], edge(100)), []);
    assert_eq!(shown(&mut log, &[(5, &long)], edge(3005)), [(0, long.clone(), false, false)]);
}

/// A log of one frame at that place, whose bytes begin the stream.
fn of_one(start: usize, len: Option<usize>) -> FrameLog {
    let mut log = FrameLog::default();
    log.begin(&FrameWishes::all(), ANY, 0);
    log.0.as_mut().unwrap().waiting.clear();
    match len {
        Some(len) => log.add(0, start, len),
        None => log.open(0, start),
    }
    log
}

/// What is shown of blocks of a stream: where in the frame each part begins, its bytes, whether it is the last, and
/// whether it goes on behind a hole.
fn shown(log: &mut FrameLog, blocks: &[(u64, &[u8])], edge: Edge) -> Vec<(u64, Vec<u8>, bool, bool)> {
    let next = |from: u64| {
        let block = blocks.iter().find(|(offset, bytes)| from < offset + bytes.len() as u64)?;
        let within = from.saturating_sub(block.0) as usize;
        Some(Block { offset: block.0.max(from), bytes: &block.1[within..] })
    };
    let frames = log.take_ready(edge, next);
    frames
        .iter()
        .map(|one| (one.part.stream_offset, one.part.bytes.to_vec(), one.part.ends, one.goes_on))
        .collect()
}

fn edge(there: u64) -> Edge {
    Edge { there, parsed: there, over: false }
}

#[test]
fn a_short_frame_is_shown_once_it_is_whole() {
    let mut log = of_one(2, Some(3));
    let said: &[(u64, &[u8])] = &[(0, b"xxabcyy")];
    assert_eq!(shown(&mut log, said, edge(4)), []);
    assert_eq!(log.kept_from(), 2);
    assert_eq!(shown(&mut log, said, edge(6)), [(0, b"abc".to_vec(), true, false)]);
    assert_eq!((log.kept_from(), log.waiting().len()), (u64::MAX, 0));
}

#[test]
fn a_frame_is_shown_on_both_sides_of_a_hole() {
    let mut log = of_one(1, Some(6));
    let said: &[(u64, &[u8])] = &[(0, b"xab"), (5, b"cdyy")];
    assert_eq!(
        shown(&mut log, said, edge(9)),
        [(0, b"ab".to_vec(), false, false), (4, b"cd".to_vec(), true, true)]
    );
}

#[test]
fn what_does_not_end_is_shown_when_enough_has_come_and_at_the_end() {
    let bytes = vec![b'x'; 4000];
    let mut log = of_one(0, None);
    let parsed = |parsed, over| Edge { there: 4000, parsed, over };
    assert_eq!(shown(&mut log, &[(0, &bytes)], parsed(2499, false)), []);
    let parts = shown(&mut log, &[(0, &bytes)], parsed(2600, false));
    assert_eq!(parts, [(0, bytes[..2600].to_vec(), false, false)]);
    assert_eq!(shown(&mut log, &[(0, &bytes)], parsed(4000, false)), []);
    let parts = shown(&mut log, &[(0, &bytes)], parsed(4000, true));
    assert_eq!(parts, [(2600, bytes[..1400].to_vec(), false, false)]);
    assert_eq!(log.waiting().len(), 0, "nothing follows");
}

#[test]
fn a_frame_ends_where_it_is_told_to() {
    let mut log = of_one(0, None);
    log.stand_at(3);
    log.close(0, 1);
    log.close(0, 1);
    assert_eq!(shown(&mut log, &[(0, b"abcdef")], edge(6)), [(0, b"abcd".to_vec(), true, false)]);
    let mut empty = of_one(3, None);
    empty.close(0, 3);
    assert_eq!(empty.waiting().len(), 0);
}

#[test]
fn what_is_told_again_is_told_once() {
    let mut log = FrameLog::default();
    for _ in 0..3 {
        log.begin(&FrameWishes::all(), ANY, 10);
        log.add(0, 0, 5);
        log.add(1, 0, 9);
    }
    let told: Vec<_> = log.waiting().iter().map(|frame| (frame.kind, frame.start)).collect();
    assert_eq!(told, [(STREAM, 10), (0, 10), (1, 10)]);
}

#[test]
fn frames_that_wait_are_bounded() {
    let mut log = FrameLog::default();
    log.begin(&FrameWishes { room: 4, ..FrameWishes::all() }, ANY, 0);
    for at in 0..9 {
        log.stand_at(at);
        log.add(0, 0, 1);
    }
    assert_eq!((log.waiting().len(), log.take_refused(), log.take_refused()), (4, 6, 0));
}

#[test]
fn nobody_keeps_frames_that_no_rule_asks_for() {
    let mut log = FrameLog::default();
    log.begin(&FrameWishes::default(), ANY, 0);
    log.add(0, 0, 5);
    assert!(log.is_idle() && log.waiting().is_empty());
}
