use super::testing::{FIRST, LAST, MAPPER, WHOLE, Writer};
use super::wire::{Interface, kind};
use super::*;
use crate::app_layer::testing::{Dialogue, values};
use crate::app_layer::transaction::MAX_OPEN;
use Direction::{ToClient, ToServer};
use proptest::prelude::*;

/// An interface that the server refuses.
const OTHER: Interface = Interface { uuid: [0x4b; 16], version: 1 };

/// A call in fragments, and one that fails, after two interfaces were offered.
fn session(writer: Writer) -> Vec<(Direction, Vec<u8>)> {
    vec![
        (ToServer, writer.bind(1, &[OTHER, MAPPER])),
        (ToClient, writer.bind_ack(1, &[2, 0])),
        (ToServer, writer.request(FIRST, 2, 1, 3, b"one ")),
        (ToServer, writer.request(0, 2, 1, 3, b"two ")),
        (ToServer, writer.request(LAST, 2, 1, 3, b"three")),
        (ToClient, writer.response(FIRST, 2, b"yes ")),
        (ToClient, writer.response(LAST, 2, b"indeed")),
        (ToServer, writer.request(WHOLE, 3, 0, 4, b"refused")),
        (ToClient, writer.unit(kind::FAULT, WHOLE, 3, &[0; 16])),
        (ToServer, writer.unit(16, WHOLE, 3, b"auth")),
    ]
}

fn said<P: Parser>(session: &[(Direction, Vec<u8>)], piece: usize) -> Dialogue {
    let mut dialogue = Dialogue::new::<P>();
    for (direction, bytes) in session {
        dialogue.say_in_pieces(*direction, bytes, piece);
    }
    dialogue
}

fn lines(session: &[(Direction, Vec<u8>)]) -> Vec<String> {
    said::<Units>(session, usize::MAX).all_lines::<Units>()
}

fn number(number: u64) -> String {
    number.to_be_bytes().escape_ascii().to_string()
}

fn interface(interface: Interface, begins: u8) -> String {
    let value = [&interface.uuid[..], &interface.version.to_be_bytes(), &[begins]].concat();
    value.escape_ascii().to_string()
}

#[test]
fn calls_are_put_together_in_either_byte_order() {
    for writer in [Writer::LITTLE, Writer::BIG] {
        let dialogue = said::<Units>(&session(writer), usize::MAX);
        let lines = dialogue.all_lines::<Units>();
        let both = |field: &str| {
            assert_eq!(values(&lines, ToServer, field), values(&lines, ToClient, field), "{field}");
            values(&lines, ToServer, field)
        };
        assert_eq!(both("dcerpc.iface"), [(1, interface(MAPPER, 1))]);
        assert_eq!(both("dcerpc.opnum"), [(1, number(3)), (2, number(4))]);
        let asked = [(1, "one two three".to_owned()), (2, "refused".to_owned())];
        assert_eq!(values(&lines, ToServer, "dcerpc.stub_data"), asked);
        let zeros = "\\x00".repeat(8);
        let answered = [(1, format!("{zeros}yes {zeros}indeed"))];
        assert_eq!(values(&lines, ToClient, "dcerpc.stub_data"), answered);
        let complete = [(0, "1".to_owned()), (1, "1".to_owned()), (2, "1".to_owned())];
        assert_eq!(both("progress"), complete);
        assert_eq!(dialogue.conversation.is_big_endian(1, ToServer), writer.big_endian);
        assert_eq!(dialogue.conversation.is_big_endian(1, ToClient), writer.big_endian);
    }
}

#[test]
fn the_middle_of_a_connection_is_read_too() {
    let writer = Writer::LITTLE;
    let lines = lines(&[
        (ToServer, writer.request(LAST, 7, 0, 5, b"end")),
        (ToClient, writer.response(WHOLE, 7, b"")),
        (ToClient, writer.response(WHOLE, 8, b"unasked")),
        (ToClient, writer.request(WHOLE, 9, 0, 1, b"the wrong way")),
        (ToClient, writer.bind_ack(1, &[0])),
    ]);
    assert_eq!(values(&lines, ToServer, "dcerpc.opnum"), [(0, number(5))]);
    assert_eq!(values(&lines, ToServer, "dcerpc.iface"), []);
    let complete = [(0, "1".to_owned()), (1, "1".to_owned())];
    assert_eq!(values(&lines, ToServer, "progress"), complete);
    assert_eq!(values(&lines, ToClient, "progress"), complete);
}

#[test]
fn a_number_that_is_used_again_is_another_call() {
    let writer = Writer::LITTLE;
    let call = |stub: &[u8]| (ToServer, writer.request(WHOLE, 1, 0, 1, stub));
    let lines = lines(&[call(b"one"), call(b"two"), (ToClient, writer.response(WHOLE, 1, b""))]);
    let stubs = [(0, "one".to_owned()), (1, "two".to_owned())];
    assert_eq!(values(&lines, ToServer, "dcerpc.stub_data"), stubs);
    assert_eq!(values(&lines, ToClient, "progress"), [(0, "0".to_owned()), (1, "1".to_owned())]);
}

#[test]
fn what_is_no_unit_ends_it() {
    for bytes in [&b"\x05\x00\x00\x03\x10\x00\x00\x00\x0f\x00\x00\x00\x00\x00\x00\x00"[..], &[0xff; 16]] {
        assert!(said::<Units>(&[(ToServer, bytes.to_vec())], usize::MAX).malformed);
    }
}

#[test]
fn it_goes_on_behind_a_gap() {
    let writer = Writer::LITTLE;
    let mut dialogue = said::<Units>(&session(writer)[..2], usize::MAX);
    dialogue.conversation.skip(ToServer, 99).expect("gaps are bridged");
    dialogue.say(ToServer, b"the rest of something").say(ToServer, &writer.request(WHOLE, 5, 1, 9, b"on"));
    let lines = dialogue.all_lines::<Units>();
    assert_eq!(values(&lines, ToServer, "dcerpc.opnum"), [(1, number(9))]);
    assert_eq!(values(&lines, ToServer, "dcerpc.iface"), [(1, interface(MAPPER, 1))]);
}

#[test]
fn calls_without_an_end_are_bounded() {
    let writer = Writer::LITTLE;
    let stub = [b'x'; 60_000];
    let mut dialogue = Dialogue::new::<Units>();
    for _ in 0..100 {
        dialogue.say(ToServer, &writer.request(0, 1, 0, 1, &stub));
        for call in 2..6 {
            dialogue.say(ToServer, &writer.request(0, call, 0, 1, &stub));
        }
    }
    assert_eq!(dialogue.conversation.transactions(), 0..5);
    let stubs = values(&dialogue.all_lines::<Units>(), ToServer, "dcerpc.stub_data");
    let held: usize = stubs.iter().map(|(_, stub)| stub.len()).sum();
    assert!(stubs.iter().all(|(_, stub)| stub.len() <= call::MAX_STUB) && held <= 4 << 20, "{held}");
    assert!(dialogue.conversation.take_refused() > 0);

    let mut dialogue = Dialogue::new::<Units>();
    for number in 0..3 * MAX_OPEN as u32 {
        dialogue
            .say(ToServer, &writer.request(FIRST, number, 0, 1, b""))
            .say(ToServer, &writer.bind(1, &[OTHER]));
    }
    assert_eq!(dialogue.conversation.kept().count(), MAX_OPEN);
    assert!(dialogue.conversation.take_refused() > 0);
}

#[test]
fn datagrams_are_calls() {
    let exchange = |writer: Writer| {
        vec![
            (ToServer, writer.datagram(kind::REQUEST, 4, 1, 0, b"one ")),
            (ToServer, writer.datagram(kind::REQUEST, 6, 1, 1, b"two")),
            (ToServer, b"something else".to_vec()),
            (ToClient, writer.datagram(kind::RESPONSE, 0, 1, 0, b"yes")),
            (ToClient, writer.datagram(kind::RESPONSE, 0, 9, 0, b"unasked")),
            (ToServer, writer.datagram(1, 0, 1, 0, b"ping")),
        ]
    };
    for writer in [Writer::LITTLE, Writer::BIG] {
        let lines = said::<Datagrams>(&exchange(writer), usize::MAX).all_lines::<Datagrams>();
        assert_eq!(values(&lines, ToServer, "dcerpc.iface"), [(0, interface(MAPPER, 1))]);
        assert_eq!(values(&lines, ToClient, "dcerpc.opnum"), [(0, number(2))]);
        assert_eq!(values(&lines, ToServer, "dcerpc.stub_data"), [(0, "one two".to_owned())]);
        let answers = [(0, "yes".to_owned()), (1, "unasked".to_owned())];
        assert_eq!(values(&lines, ToClient, "dcerpc.stub_data"), answers);
        assert_eq!(values(&lines, ToClient, "progress"), [(0, "1".to_owned()), (1, "1".to_owned())]);
    }
}

#[test]
fn it_is_told_by_its_header() {
    let unit = Writer::BIG.request(WHOLE, 1, 0, 1, b"");
    assert_eq!(of_stream(&unit), Likeness::Certain);
    assert!((0..HEADER_LEN).all(|len| of_stream(&unit[..len]) == Likeness::Possible));
    assert_eq!(of_stream(b"\x05\x01"), Likeness::None);
    assert_eq!(of_stream(&[&unit[..4], b"\xff"].concat().repeat(4)), Likeness::None);
    let datagram = Writer::LITTLE.datagram(kind::REQUEST, 0, 1, 0, b"");
    assert_eq!(of_datagram(&datagram), Likeness::Certain);
    assert_eq!(of_datagram(&datagram[..79]), Likeness::None);
    assert_eq!(of_datagram(&unit), Likeness::None);
}

proptest! {
    #[test]
    fn any_pieces_make_the_same_transactions(piece in 1usize..80, big_endian: bool) {
        let session = session(Writer { big_endian });
        prop_assert_eq!(said::<Units>(&session, piece).all_lines::<Units>(), lines(&session));
    }

    #[test]
    fn any_bodies_are_read(
        units in proptest::collection::vec(
            (0u8..19, 0u8..4, 0u32..3, proptest::collection::vec(any::<u8>(), 0..60), any::<bool>()),
            0..20,
        ),
        piece in 1usize..9,
    ) {
        let session: Vec<_> = units
            .iter()
            .flat_map(|(kind, flags, call, body, big_endian)| {
                let unit = Writer { big_endian: *big_endian }.unit(*kind, *flags, *call, body);
                Direction::ALL.map(|direction| (direction, unit.clone()))
            })
            .collect();
        prop_assert_eq!(said::<Units>(&session, piece).all_lines::<Units>(), lines(&session));
    }
}
