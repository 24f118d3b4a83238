use super::writer::{body, packet, smb2, utf16};
use super::*;
use crate::app_layer::smb::ntlmssp;

const NEGOTIATE: u16 = 0;
const SESSION_SETUP: u16 = 1;
const TREE_CONNECT: u16 = 3;
const CREATE: u16 = 5;
const CLOSE: u16 = 6;
const READ: u16 = 8;
const WRITE: u16 = 9;
const IOCTL: u16 = 11;
const QUERY_INFO: u16 = 16;
const SET_INFO: u16 = 17;

const END_OF_FILE: u32 = 0xc000_0011;
const PENDING: u32 = 0x103;

fn request(command: u16, id: u64, body: &[u8]) -> (Direction, Vec<u8>) {
    (ToServer, packet(0, &smb2(command, false, 0, id, 5, body)))
}

fn response(command: u16, id: u64, body: &[u8]) -> (Direction, Vec<u8>) {
    (ToClient, packet(0, &smb2(command, true, 0, id, 5, body)))
}

fn failure(command: u16, id: u64, status: u32) -> (Direction, Vec<u8>) {
    (ToClient, packet(0, &smb2(command, true, status, id, 5, &[9, 0, 0, 0, 0, 0, 0, 0, 0])))
}

/// Its offset and length at a place of the body, and a text that begins behind so many bytes of that.
fn with_text(at: usize, len: usize, text: &[u8]) -> Vec<u8> {
    let offset = u16::try_from(64 + len).unwrap().to_le_bytes();
    let size = u16::try_from(text.len()).unwrap().to_le_bytes();
    body(len, &[(at, &offset), (at + 2, &size)], text)
}

/// A negotiation of one dialect in its packet.
pub(super) fn negotiate() -> Vec<u8> {
    request(NEGOTIATE, 0, &body(36, &[(2, &[1, 0])], &[2, 2])).1
}

fn limits(read: u32, write: u32) -> Vec<u8> {
    body(64, &[(32, &read.to_le_bytes()), (36, &write.to_le_bytes())], b"")
}

fn write(handle: u8, offset: u64, bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    body(48, &[(2, &[112, 0]), (4, &len), (8, &offset.to_le_bytes()), (16, &[handle; 16])], bytes)
}

fn read(handle: u8, offset: u64, len: u32) -> Vec<u8> {
    body(49, &[(4, &len.to_le_bytes()), (8, &offset.to_le_bytes()), (16, &[handle; 16])], b"")
}

fn data(bytes: &[u8]) -> Vec<u8> {
    body(16, &[(2, &[80]), (4, &u32::try_from(bytes.len()).unwrap().to_le_bytes())], bytes)
}

fn opened(handle: u8) -> Vec<u8> {
    body(88, &[(64, &[handle; 16])], b"")
}

fn connect(id: u64, share: &str, kind: u8) -> Session {
    vec![
        request(TREE_CONNECT, id, &with_text(4, 8, &utf16(share))),
        response(TREE_CONNECT, id, &body(16, &[(2, &[kind])], b"")),
    ]
}

fn create(id: u64, name: &str, handle: u8) -> Session {
    vec![
        request(CREATE, id, &with_text(44, 56, &utf16(name))),
        failure(CREATE, id, PENDING),
        response(CREATE, id, &opened(handle)),
    ]
}

/// A user writes a file and reads another.
pub(super) fn session() -> Session {
    let blob = ntlmssp::tests::message("EXAMPLE", "doe");
    let mut session = vec![
        (ToServer, negotiate()),
        response(NEGOTIATE, 0, &limits(1 << 20, 1 << 20)),
        request(SESSION_SETUP, 1, &with_text(12, 24, &blob)),
        response(SESSION_SETUP, 1, &[]),
    ];
    session.extend(connect(2, "\\\\SERVER\\files", 1));
    session.extend(create(3, "dir\\new.txt", 1));
    session.push(request(WRITE, 4, &write(1, 0, b"some ")));
    session.push(response(WRITE, 4, &[0; 16]));
    session.push(request(WRITE, 5, &write(1, 5, b"text")));
    session.push(request(QUERY_INFO, 6, &[0; 40]));
    session.push(request(CLOSE, 7, &body(24, &[(8, &[1; 16])], b"")));
    session.push(response(CLOSE, 7, &[0; 60]));
    session.extend(create(8, "old.txt", 2));
    session.push(request(READ, 9, &read(2, 0, 9)));
    session.push(request(READ, 10, &read(2, 4, 9)));
    session.push(response(READ, 9, &data(b"over")));
    session.push(response(READ, 10, &data(b" there")));
    session.push(request(READ, 11, &read(2, 10, 9)));
    session.push(failure(READ, 11, END_OF_FILE));
    session.push(request(SET_INFO, 12, &body(40, &[(2, &[1, 13])], b"")));
    session
}

/// Calls over a pipe: read and written, then by a control code.
pub(super) fn pipe() -> Session {
    let [bind, accepted, asked, answered] = calls();
    let ioctl = |bytes: &[u8]| {
        let len = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        let transceive = 0x0011_c017u32.to_le_bytes();
        body(56, &[(4, &transceive), (8, &[3; 16]), (24, &[120]), (28, &len)], bytes)
    };
    let returned = |bytes: &[u8]| {
        let len = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        body(48, &[(32, &[112]), (36, &len)], bytes)
    };
    let mut session = connect(1, "\\\\SERVER\\IPC$", 2);
    session.extend(create(2, "svcctl", 3));
    session.push(request(WRITE, 3, &write(3, 0, &bind)));
    session.push(request(READ, 4, &read(3, 0, 1024)));
    session.push(response(READ, 4, &data(&accepted[..20])));
    session.push(request(READ, 5, &read(3, 0, 1024)));
    session.push(response(READ, 5, &data(&accepted[20..])));
    session.push(request(IOCTL, 6, &ioctl(&asked)));
    session.push(response(IOCTL, 6, &returned(&answered)));
    session
}

#[test]
fn requests_are_transactions_with_their_responses() {
    let lines = lines(&session());
    assert_eq!(values(&lines, ToServer, "smb.share"), owned([(2, "\\\\\\\\SERVER\\\\files")]));
    assert_eq!(values(&lines, ToServer, "smb.named_pipe"), []);
    assert_eq!(values(&lines, ToServer, "smb.ntlmssp_user"), owned([(1, "doe")]));
    assert_eq!(values(&lines, ToServer, "smb.ntlmssp_domain"), owned([(1, "EXAMPLE")]));
    let all: Vec<_> = (0..9).map(|id| (id, number(2))).collect();
    assert_eq!(values(&lines, ToClient, "smb.version"), all);
    assert_eq!(values(&lines, ToServer, "file.data"), owned([(4, "some text")]));
    assert_eq!(values(&lines, ToServer, "file.name"), owned([(4, "dir\\\\new.txt")]));
    assert_eq!(values(&lines, ToServer, "filesize"), [(4, number(9))]);
    assert_eq!(values(&lines, ToClient, "file.data"), owned([(7, "over there")]));
    assert_eq!(values(&lines, ToClient, "file.name"), owned([(7, "old.txt")]));
    assert_eq!(values(&lines, ToClient, "filesize"), [(7, number(10))]);
    let unanswered = values(&lines, ToClient, "progress").into_iter().filter(|(_, progress)| progress == "0");
    assert_eq!(unanswered.map(|(id, _)| id).collect::<Vec<_>>(), [8], "the last one");
}

#[test]
fn pipes_carry_calls() {
    let lines = lines(&pipe());
    assert_eq!(values(&lines, ToServer, "smb.share"), []);
    assert_eq!(values(&lines, ToServer, "smb.named_pipe"), owned([(0, "\\\\\\\\SERVER\\\\IPC$")]));
    assert_called(&lines, 3);
    assert_eq!(values(&lines, ToServer, "file.data"), [], "a pipe is no file");
}

#[test]
fn a_share_is_none_until_the_server_says_what_it_is() {
    let lines = lines(&pipe()[..1]);
    assert_eq!(values(&lines, ToServer, "smb.share"), owned([(0, "\\\\\\\\SERVER\\\\IPC$")]));
    assert_eq!(values(&lines, ToServer, "smb.named_pipe"), []);
}

#[test]
fn what_was_opened_before_the_first_packet_is_told_by_its_contents() {
    assert_called(&lines(&pipe()[5..]), 1);
    let lines = lines(&[request(WRITE, 1, &write(9, 0, b"contents"))]);
    assert_eq!(values(&lines, ToServer, "file.data"), [], "it has not ended");
    let mut dialogue = said(&[request(WRITE, 1, &write(9, 0, b"contents"))], usize::MAX);
    let lines = dialogue.end(ToServer).all_lines::<Smb>();
    assert_eq!(values(&lines, ToServer, "file.data"), owned([(0, "contents")]));
    assert_eq!(values(&lines, ToServer, "file.name"), []);
}

#[test]
fn other_pipes_are_left_alone() {
    let mut session = connect(1, "\\\\SERVER\\IPC$", 2);
    session.extend(create(2, "PSEXESVC", 3));
    session.push(request(WRITE, 3, &write(3, 0, b"not a remote procedure call")));
    session.push(request(WRITE, 4, &write(3, 0, &calls()[0])));
    let lines = lines(&session);
    assert_eq!(values(&lines, ToServer, "progress").len(), 2);
}

/// Messages in one packet.
fn compound(direction: Direction, messages: Vec<Vec<u8>>) -> (Direction, Vec<u8>) {
    let last = messages.len() - 1;
    let mut whole = Vec::new();
    for (at, mut message) in messages.into_iter().enumerate() {
        if at < last {
            message.resize(message.len().next_multiple_of(8), 0);
            let next = u32::try_from(message.len()).unwrap();
            message[20..24].copy_from_slice(&next.to_le_bytes());
        }
        whole.extend_from_slice(&message);
    }
    (direction, packet(0, &whole))
}

fn ask(command: u16, id: u64, body: &[u8]) -> Vec<u8> {
    smb2(command, false, 0, id, 5, body)
}

fn answer(command: u16, id: u64, body: &[u8]) -> Vec<u8> {
    smb2(command, true, 0, id, 5, body)
}

#[test]
fn what_is_written_in_the_compound_that_opens_a_file_has_its_name() {
    let name = with_text(44, 56, &utf16("a.txt"));
    let end = ask(CLOSE, 4, &body(24, &[(8, &[0xff; 16])], b""));
    let begin = vec![ask(CREATE, 2, &name), ask(WRITE, 3, &write(0xff, 0, b"te"))];
    let more = |handle| request(WRITE, 5, &write(handle, 2, b"xt"));
    let opens = (ToClient, packet(0, &answer(CREATE, 2, &opened(7))));
    let close = request(CLOSE, 6, &body(24, &[(8, &[7; 16])], b""));
    let whole = [begin.clone(), vec![end]].concat();
    for (rest, expected) in [
        (vec![compound(ToServer, begin), opens.clone(), more(7), close], "text"),
        (vec![compound(ToServer, whole), opens], "te"),
    ] {
        let session = [connect(1, "\\\\SERVER\\files", 1), rest].concat();
        for piece in [usize::MAX, 1, 13] {
            let lines = said(&session, piece).all_lines::<Smb>();
            assert_eq!(values(&lines, ToServer, "file.name"), owned([(2, "a.txt")]));
            assert_eq!(values(&lines, ToServer, "file.data"), owned([(2, expected)]));
            assert_eq!(values(&lines, ToServer, "filesize"), [(2, number(expected.len() as u64))]);
        }
    }
}

#[test]
fn messages_come_in_compounds() {
    let mut session = connect(1, "\\\\SERVER\\files", 1);
    let name = with_text(44, 56, &utf16("a.txt"));
    // The handle of what the compound opens is all ones.
    session.push(compound(
        ToServer,
        vec![
            ask(CREATE, 2, &name),
            ask(READ, 3, &read(0xff, 0, 4)),
            ask(CLOSE, 4, &body(24, &[(8, &[0xff; 16])], b"")),
        ],
    ));
    session.push(compound(
        ToClient,
        vec![answer(CREATE, 2, &opened(7)), answer(READ, 3, &data(b"text")), answer(CLOSE, 4, &[0; 60])],
    ));
    for piece in [usize::MAX, 1, 13] {
        let mut dialogue = said(&session, piece);
        let lines = dialogue.end(ToClient).all_lines::<Smb>();
        assert_eq!(values(&lines, ToClient, "file.data"), owned([(3, "text")]));
        assert_eq!(values(&lines, ToClient, "file.name"), owned([(3, "a.txt")]));
    }
}

#[test]
fn a_client_of_both_versions_is_answered_in_the_second() {
    let session = [
        (ToServer, version1::negotiate()),
        response(NEGOTIATE, 0, &limits(0, 0)),
        (ToServer, negotiate()),
        response(NEGOTIATE, 0, &limits(0, 0)),
    ];
    let lines = lines(&session);
    assert_eq!(values(&lines, ToClient, "smb.version"), [(0, number(1)), (1, number(2))]);
    assert_eq!(values(&lines, ToClient, "progress"), owned([(0, "1"), (1, "1")]));
}

#[test]
fn what_is_irregular_is_told() {
    let negotiation =
        |read, write| vec![(ToServer, negotiate()), response(NEGOTIATE, 0, &limits(read, write))];
    let then = |mut session: Session, more: Vec<(Direction, Vec<u8>)>| {
        session.extend(more);
        session
    };
    let small = || negotiation(1024, 1024);
    let ntlmssp = with_text(12, 24, b"NTLMSSP\0\x03\0\0\0cut");
    let cases: Vec<(Session, Vec<(u64, &str)>)> = vec![
        (negotiation(1 << 24, 1 << 24), vec![]),
        (negotiation(1 << 25, 1), vec![(0, "negotiate_max_read_size_too_large")]),
        (negotiation(1, 1 << 25), vec![(0, "negotiate_max_write_size_too_large")]),
        (then(small(), vec![request(READ, 1, &read(1, 0, 1024))]), vec![]),
        (then(small(), vec![request(READ, 1, &read(1, 0, 1025))]), vec![(0, "read_request_too_large")]),
        (
            then(small(), vec![request(READ, 1, &read(1, 0, 1)), response(READ, 1, &data(&[0; 1025]))]),
            vec![(0, "read_response_too_large")],
        ),
        (
            then(small(), vec![request(WRITE, 1, &write(1, 0, &[0; 1025]))]),
            vec![(0, "write_request_too_large")],
        ),
        (
            vec![request(WRITE, 1, &write(1, 0, b"12345")), request(WRITE, 2, &write(1, 2, b"345"))],
            vec![(0, "file_overlap")],
        ),
        (vec![request(SESSION_SETUP, 1, &ntlmssp)], vec![(0, "malformed_ntlmssp_request")]),
        (vec![request(TREE_CONNECT, 1, b"\x09")], vec![(0, "malformed_data")]),
        (then(small(), vec![response(READ, 1, b""), request(READ, 2, b"")]), vec![(0, "malformed_data")]),
        (then(small(), vec![(ToServer, response(CLOSE, 1, b"").1)]), vec![(0, "response_to_server")]),
        (then(small(), vec![(ToClient, request(CLOSE, 1, b"").1)]), vec![(0, "request_to_client")]),
    ];
    for (session, expected) in cases {
        assert_eq!(events(&session), expected, "{session:02x?}");
    }
    assert_eq!(events(&session()), []);
    assert_eq!(events(&pipe()), []);
}
