mod limits;
mod version1;
mod version2;
mod writer;

use super::*;
use crate::app_layer::dcerpc::testing::{MAPPER, WHOLE, Writer};
use crate::app_layer::identify::Likeness;
use crate::app_layer::testing::{self, Dialogue};
use Direction::{ToClient, ToServer};
use proptest::prelude::*;
use writer::{packet, smb2};

/// What both say, message by message.
type Session = Vec<(Direction, Vec<u8>)>;

fn said(session: &[(Direction, Vec<u8>)], piece: usize) -> Dialogue {
    let mut dialogue = Dialogue::new::<Smb>();
    for (direction, bytes) in session {
        dialogue.say_in_pieces(*direction, bytes, piece);
    }
    dialogue
}

fn lines(session: &[(Direction, Vec<u8>)]) -> Vec<String> {
    said(session, usize::MAX).all_lines::<Smb>()
}

/// The values of a field by transaction, numbers in digits.
fn values(lines: &[String], direction: Direction, field: &str) -> Vec<(u64, String)> {
    testing::values(lines, direction, field)
}

fn owned<'a>(values: impl IntoIterator<Item = (u64, &'a str)>) -> Vec<(u64, String)> {
    values.into_iter().map(|(transaction, value)| (transaction, value.to_owned())).collect()
}

fn number(number: u64) -> String {
    number.to_be_bytes().escape_ascii().to_string()
}

fn events(session: &[(Direction, Vec<u8>)]) -> Vec<(u64, &'static str)> {
    testing::events(&lines(session), event::NAMES)
}

/// A bind with its answer, and a call, as a pipe carries them.
fn calls() -> [Vec<u8>; 4] {
    let writer = Writer::LITTLE;
    [
        writer.bind(1, &[MAPPER]),
        writer.bind_ack(1, &[0]),
        writer.request(WHOLE, 2, 0, 7, b"question"),
        writer.response(WHOLE, 2, b"answer"),
    ]
}

/// What rules see of these calls, the call being that transaction.
fn assert_called(lines: &[String], transaction: u64) {
    let interface = [&MAPPER.uuid[..], &MAPPER.version.to_be_bytes(), &[1]].concat();
    for direction in Direction::ALL {
        let of = |field| values(lines, direction, field);
        assert_eq!(of("dcerpc.iface"), [(transaction, interface.escape_ascii().to_string())]);
        assert_eq!(of("dcerpc.opnum"), [(transaction, number(7))]);
        let stub = if direction == ToServer { "question" } else { "answer" };
        assert_eq!(of("dcerpc.stub_data"), owned([(transaction, stub)]));
        assert!(of("progress").iter().all(|(_, progress)| progress == "1"), "all are answered");
    }
}

#[test]
fn it_is_told_by_its_messages() {
    let message = packet(0, b"\xffSMBr");
    assert_eq!(message_likeness(&message, ToServer), Likeness::Certain);
    assert!((0..8).all(|len| message_likeness(&message[..len], ToClient) == Likeness::Possible));
    assert_eq!(message_likeness(&packet(0, b"\xfeSMB"), ToServer), Likeness::Certain);
    assert_eq!(message_likeness(&packet(0, b"\xfeSMC"), ToServer), Likeness::None);
    assert_eq!(message_likeness(&packet(1, b"\xfeSMB"), ToServer), Likeness::None);
    assert_eq!(message_likeness(&packet(0, b"SMB\xfe"), ToServer), Likeness::None);
    let request = packet(0x81, &[b'x'; 68]);
    assert_eq!(session_likeness(&request, ToServer), Likeness::Possible);
    assert_eq!(session_likeness(&[&request[..], &message].concat(), ToServer), Likeness::Certain);
    assert_eq!(session_likeness(&[&packet(0x82, b"")[..], b"HTTP"].concat(), ToClient), Likeness::None);
    assert_eq!(session_likeness(b"GET / HTTP", ToServer), Likeness::None);
}

#[test]
fn what_is_no_message_ends_it() {
    let negotiation = (ToServer, version2::negotiate());
    for bytes in [packet(0, b"none of these is one"), packet(0, b"\xffSMBcut"), packet(0, b"\xfe")] {
        let session = [negotiation.clone(), (ToServer, bytes)];
        assert!(said(&session, usize::MAX).malformed);
        assert_eq!(events(&session), [(0, "malformed_data")]);
    }
    let sealed = packet(0, &[&b"\xfdSMB"[..], &[7; 90]].concat());
    let kept_alive = packet(0x85, b"");
    let session = [(ToServer, sealed), (ToServer, kept_alive), negotiation];
    assert_eq!(values(&lines(&session), ToServer, "smb.version"), [(0, number(2))]);
}

proptest! {
    #[test]
    fn any_pieces_make_the_same_transactions(piece in 1usize..200) {
        for session in [version1::session(), version1::pipe(), version2::session(), version2::pipe()] {
            prop_assert_eq!(said(&session, piece).all_lines::<Smb>(), lines(&session));
        }
    }

    #[test]
    fn any_bodies_are_read(
        messages in proptest::collection::vec(
            (any::<bool>(), 0u8..20, any::<bool>(), any::<bool>(), 0u8..3, proptest::collection::vec(0u8..130, 0..99)),
            0..20,
        ),
        piece in 1usize..9,
    ) {
        let session: Session = messages
            .iter()
            .map(|&(is_old, command, response, to_server, id, ref body)| {
                let id = u16::from(id);
                let message = if is_old {
                    let commands = [0x24, 0x25, 0x2d, 0x2e, 0x2f, 0x32, 0x72, 0x73, 0x75, 0xa2, 0x0b, 0x2c, 0x04];
                    let command = commands[usize::from(command) % commands.len()];
                    writer::smb1_header(command, response, 0, id, id).into_iter().chain(body.iter().copied()).collect()
                } else {
                    smb2(command.into(), response, 0, id.into(), id.into(), body)
                };
                (if to_server { ToServer } else { ToClient }, packet(0, &message))
            })
            .collect();
        prop_assert_eq!(said(&session, piece).all_lines::<Smb>(), lines(&session));
    }
}
