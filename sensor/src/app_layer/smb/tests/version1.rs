use super::writer::{block, body, packet, smb1, smb1_header, utf16};
use super::*;
use crate::app_layer::smb::ntlmssp;

const CLOSE: u8 = 0x04;
const LOCKING_ANDX: u8 = 0x24;
const TRANSACTION: u8 = 0x25;
const READ_ANDX: u8 = 0x2e;
const WRITE_ANDX: u8 = 0x2f;
const WRITE_AND_CLOSE: u8 = 0x2c;
const TRANSACTION2: u8 = 0x32;
const NEGOTIATE: u8 = 0x72;
const SESSION_SETUP_ANDX: u8 = 0x73;
const TREE_CONNECT_ANDX: u8 = 0x75;
const NT_CREATE_ANDX: u8 = 0xa2;
/// Nothing is chained behind.
const LAST: &[u8] = &[0xff, 0, 0, 0];

fn request(command: u8, id: u16, words: &[u8], data: &[u8]) -> (Direction, Vec<u8>) {
    (ToServer, smb1(&smb1_header(command, false, 0, 9, id), words, data))
}

fn response(command: u8, id: u16, words: &[u8], data: &[u8]) -> (Direction, Vec<u8>) {
    (ToClient, smb1(&smb1_header(command, true, 0, 9, id), words, data))
}

/// A negotiation of two dialects in its packet.
pub(super) fn negotiate() -> Vec<u8> {
    request(NEGOTIATE, 0, b"", b"\x02NT LM 0.12\0\x02SMB 2.002\0").1
}

fn connect(id: u16, share: &str, service: &[u8]) -> Session {
    // A password of one byte puts the path at an even place.
    let path = [&[0][..], &utf16(share), b"\0\0?????\0"].concat();
    vec![
        request(TREE_CONNECT_ANDX, id, &body(8, &[(0, LAST), (6, &[1])], b""), &path),
        response(TREE_CONNECT_ANDX, id, &body(6, &[(0, LAST)], b""), service),
    ]
}

fn create(id: u16, name: &str, handle: u8) -> Session {
    let name = [&[0][..], &utf16(name), &[0, 0]].concat();
    vec![
        request(NT_CREATE_ANDX, id, &body(48, &[(0, LAST)], b""), &name),
        response(NT_CREATE_ANDX, id, &body(68, &[(0, LAST), (5, &[handle])], b""), b""),
    ]
}

/// The words of a WRITE_ANDX whose data stand at a place.
fn write_words(handle: u8, offset: u32, len: usize, at: u8) -> Vec<u8> {
    let len = u16::try_from(len).unwrap().to_le_bytes();
    body(28, &[(0, LAST), (4, &[handle]), (6, &offset.to_le_bytes()), (20, &len), (22, &[at])], b"")
}

fn write(id: u16, handle: u8, offset: u32, bytes: &[u8]) -> (Direction, Vec<u8>) {
    request(WRITE_ANDX, id, &write_words(handle, offset, bytes.len(), 63), bytes)
}

fn read(id: u16, handle: u8, offset: u32) -> (Direction, Vec<u8>) {
    request(READ_ANDX, id, &body(24, &[(0, LAST), (4, &[handle]), (6, &offset.to_le_bytes())], b""), b"")
}

fn data(id: u16, bytes: &[u8]) -> (Direction, Vec<u8>) {
    let len = u16::try_from(bytes.len()).unwrap().to_le_bytes();
    response(READ_ANDX, id, &body(24, &[(0, LAST), (10, &len), (12, &[59])], b""), bytes)
}

fn close(id: u16, handle: u8) -> (Direction, Vec<u8>) {
    request(CLOSE, id, &[handle, 0, 0, 0, 0, 0], b"")
}

/// A user writes a file and reads another.
pub(super) fn session() -> Session {
    let blob = ntlmssp::tests::message("EXAMPLE", "doe");
    let len = u16::try_from(blob.len()).unwrap().to_le_bytes();
    let mut session = vec![
        (ToServer, negotiate()),
        response(NEGOTIATE, 0, &[0; 34], b""),
        request(SESSION_SETUP_ANDX, 1, &body(24, &[(0, LAST), (14, &len)], b""), &blob),
        response(SESSION_SETUP_ANDX, 1, &body(8, &[(0, LAST)], b""), b""),
    ];
    session.extend(connect(2, "\\\\SERVER\\FILES", b"A:\0"));
    session.extend(create(3, "\\new.txt", 1));
    session.push(write(4, 1, 0, b"some "));
    session.push(response(WRITE_ANDX, 4, &body(12, &[(0, LAST)], b""), b""));
    session.push(write(5, 1, 5, b"text"));
    session.push(close(6, 1));
    session.push(response(CLOSE, 6, b"", b""));
    session.extend(create(7, "\\old.txt", 2));
    session.push(read(8, 2, 0));
    session.push(data(8, b"over there"));
    session.push(close(9, 2));
    session
}

/// Calls over a pipe: read and written, then in a transaction.
pub(super) fn pipe() -> Session {
    let [bind, accepted, asked, answered] = calls();
    let asked_len = u16::try_from(asked.len()).unwrap().to_le_bytes();
    let answered_len = u16::try_from(answered.len()).unwrap().to_le_bytes();
    let mut session = connect(1, "\\\\SERVER\\IPC$", b"IPC\0");
    session.extend(create(2, "\\srvsvc", 3));
    session.push(write(3, 3, 0, &bind));
    session.push(read(4, 3, 0));
    session.push(data(4, &accepted));
    let words = body(32, &[(22, &asked_len), (24, &[67]), (26, &[2]), (28, &[0x26]), (30, &[3])], b"");
    session.push(request(TRANSACTION, 5, &words, &asked));
    let words = body(20, &[(12, &answered_len), (14, &[55])], b"");
    session.push(response(TRANSACTION, 5, &words, &answered));
    session
}

#[test]
fn requests_are_transactions_with_their_responses() {
    let lines = lines(&session());
    assert_eq!(values(&lines, ToServer, "smb.share"), owned([(2, "\\\\\\\\SERVER\\\\FILES")]));
    assert_eq!(values(&lines, ToServer, "smb.ntlmssp_user"), owned([(1, "doe")]));
    assert_eq!(values(&lines, ToServer, "smb.ntlmssp_domain"), owned([(1, "EXAMPLE")]));
    let all: Vec<_> = (0..9).map(|id| (id, number(1))).collect();
    assert_eq!(values(&lines, ToServer, "smb.version"), all);
    assert_eq!(values(&lines, ToServer, "file.data"), owned([(4, "some text")]));
    assert_eq!(values(&lines, ToServer, "file.name"), owned([(4, "\\\\new.txt")]));
    assert_eq!(values(&lines, ToClient, "file.data"), owned([(7, "over there")]));
    assert_eq!(values(&lines, ToClient, "file.name"), owned([(7, "\\\\old.txt")]));
    assert_eq!(values(&lines, ToClient, "filesize"), [(7, number(10))]);
    assert_eq!(events(&session()), []);
}

#[test]
fn pipes_carry_calls() {
    let lines = lines(&pipe());
    assert_eq!(values(&lines, ToServer, "smb.named_pipe"), owned([(0, "\\\\\\\\SERVER\\\\IPC$")]));
    assert_called(&lines, 3);
    assert_eq!(events(&pipe()), []);
}

#[test]
fn commands_are_chained() {
    let header = smb1_header(LOCKING_ANDX, false, 0, 9, 5);
    // The chain goes on at 51, then at 82 with the data behind it.
    let locking = block(&body(16, &[(0, &[WRITE_ANDX, 0, 51])], b""), b"");
    let mut words = write_words(1, 0, 4, 91);
    words[..3].copy_from_slice(&[CLOSE, 0, 82]);
    let write = block(&words, b"");
    let close = block(&[1, 0, 0, 0, 0, 0], b"");
    let chain = packet(0, &[&header, &locking, &write, &close, &b"text"[..]].concat());
    let mut session = connect(2, "\\\\SERVER\\FILES", b"A:\0");
    session.extend(create(3, "\\new.txt", 1));
    session.push((ToServer, chain));
    for piece in [usize::MAX, 1, 7] {
        let lines = said(&session, piece).all_lines::<Smb>();
        assert_eq!(values(&lines, ToServer, "progress").len(), 5);
        assert_eq!(values(&lines, ToServer, "file.data"), owned([(3, "text")]));
        assert_eq!(values(&lines, ToServer, "filesize"), [(3, number(4))]);
    }
    // One that leads back to itself ends.
    let again = block(&body(16, &[(0, &[LOCKING_ANDX, 0, 32])], b""), b"");
    let looped = packet(0, &[&header[..], &again].concat());
    assert_eq!(values(&lines(&[(ToServer, looped)]), ToServer, "progress").len(), 1);
}

#[test]
fn files_are_written_in_older_ways() {
    let mut session = create(3, "\\new.txt", 1);
    session.push(request(WRITE_AND_CLOSE, 4, &body(12, &[(0, &[1]), (2, &[4])], b""), b"\0text"));
    let lines = lines(&session);
    assert_eq!(values(&lines, ToServer, "file.data"), owned([(1, "text")]));
    assert_eq!(values(&lines, ToServer, "progress"), owned([(0, "1"), (1, "1")]));
}

#[test]
fn files_that_are_renamed_or_deleted_are_transactions() {
    let set = |id, subcommand, at: usize, level: u16| {
        let words = body(30, &[(20, &[65]), (26, &[1]), (28, &[subcommand])], b"");
        request(TRANSACTION2, id, &words, &body(6, &[(at, &level.to_le_bytes())], b""))
    };
    let session = vec![
        set(1, 6, 0, 1010),
        response(TRANSACTION2, 1, &[0; 20], b""),
        set(2, 8, 2, 1013),
        response(TRANSACTION2, 2, &[0; 20], b""),
        set(3, 8, 2, 1004),
        set(4, 5, 0, 1010),
        request(TRANSACTION2, 5, &[0; 30], b""),
        request(TRANSACTION2, 6, b"", b""),
    ];
    let lines = lines(&session);
    assert_eq!(values(&lines, ToClient, "progress"), owned([(0, "1"), (1, "1")]));
    assert_eq!(events(&session), []);
}

#[test]
fn what_is_irregular_is_told() {
    let cases: [(Session, &str); 4] = [
        (vec![request(NEGOTIATE, 0, b"", b"\x02NT LM 0.12")], "negotiate_malformed_dialects"),
        (vec![request(NEGOTIATE, 0, b"", b"NT LM 0.12\0")], "negotiate_malformed_dialects"),
        (vec![request(TREE_CONNECT_ANDX, 0, b"", b"")], "malformed_data"),
        (
            vec![(ToServer, negotiate()), (ToServer, packet(0, &smb1_header(NEGOTIATE, true, 0, 0, 0)))],
            "response_to_server",
        ),
    ];
    for (session, event) in cases {
        assert_eq!(events(&session), [(0, event)], "{session:02x?}");
    }
}
