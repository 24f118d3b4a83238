//! Input that is meant to cost much, and input with holes.

use super::writer::{body, packet, smb2};
use super::*;
use crate::app_layer::transaction::MAX_OPEN;

const WRITE: u16 = 9;
const LEN: usize = 3 << 20;

/// The beginning of a packet with a write of so many bytes, without them.
fn begun_write(len: usize) -> Vec<u8> {
    let fields = [(2, &[112, 0][..]), (4, &u32::try_from(len).unwrap().to_le_bytes()), (16, &[1; 16])];
    let message = smb2(WRITE, false, 0, 1, 5, &body(48, &fields, b""));
    let whole = u32::try_from(message.len() + len).unwrap().to_be_bytes();
    [&[0], &whole[1..], &message].concat()
}

#[test]
fn what_is_written_is_taken_as_it_comes() {
    let mut dialogue = said(&[(ToServer, begun_write(LEN))], usize::MAX);
    for _ in 0..LEN / 1024 {
        dialogue.say(ToServer, &[b'x'; 1024]);
        assert_eq!(dialogue.left(ToServer), 0);
    }
    dialogue.say(ToServer, &version2::negotiate()).end(ToServer);
    let lines = dialogue.all_lines::<Smb>();
    assert_eq!(values(&lines, ToServer, "filesize"), [(0, number(LEN as u64))]);
    assert_eq!(values(&lines, ToServer, "smb.version").len(), 2);
}

#[test]
fn a_message_that_is_too_long_to_be_read_whole_is_passed_over() {
    let message = smb2(3, false, 0, 1, 5, &[0; LEN]);
    let mut dialogue = Dialogue::new::<Smb>();
    let mut most = 0;
    for piece in packet(0, &message).chunks(1000) {
        dialogue.say(ToServer, piece);
        most = most.max(dialogue.left(ToServer));
    }
    dialogue.say(ToServer, &version2::negotiate());
    assert!(most <= PREFIX, "{most}");
    assert_eq!(values(&dialogue.all_lines::<Smb>(), ToServer, "smb.version").len(), 1);
    assert_eq!(dialogue.conversation.take_refused(), 1);
}

#[test]
fn what_is_never_answered_is_bounded() {
    let mut dialogue = Dialogue::new::<Smb>();
    for id in 0..5000u64 {
        let fields = [(2, &[112, 0][..]), (4, &[1]), (8, &[9]), (16, &id.to_le_bytes())];
        let write = smb2(WRITE, false, 0, id, 5, &body(48, &fields, b"x"));
        let read = smb2(8, false, 0, id, 5, &[0; 49]);
        dialogue.say(ToServer, &packet(0, &write)).say(ToServer, &packet(0, &read));
    }
    assert_eq!(dialogue.conversation.kept().count(), MAX_OPEN);
    assert!(dialogue.conversation.take_cut_short() > 4000 && dialogue.conversation.take_refused() > 4000);
    let told = testing::events(&dialogue.all_lines::<Smb>(), event::NAMES);
    assert!(told.iter().all(|&(_, event)| event == "too_many_transactions") && told.len() == MAX_OPEN);
}

#[test]
fn a_compound_of_many_messages_is_read_once() {
    let mut message = smb2(13, false, 0, 1, 5, &[4, 0, 0, 0, 0, 0, 0, 0]);
    message[20] = 72;
    let packet = packet(0, &message.repeat(20_000));
    let mut dialogue = said(&[(ToServer, packet)], usize::MAX);
    assert_eq!(dialogue.conversation.kept().count(), MAX_OPEN);
    assert_eq!(dialogue.conversation.take_cut_short(), 20_000 - MAX_OPEN as u64);
}

#[test]
fn a_gap_within_a_file_is_no_gap_in_the_messages() {
    let mut dialogue = said(&[(ToServer, begun_write(1000))], usize::MAX);
    dialogue.say(ToServer, &[b'x'; 400]);
    dialogue.conversation.skip(ToServer, 500).unwrap();
    dialogue.say(ToServer, &[b'x'; 100]).say(ToServer, &version2::negotiate());
    let lines = dialogue.end(ToServer).all_lines::<Smb>();
    assert_eq!(values(&lines, ToServer, "smb.version").len(), 2);
    assert_eq!(values(&lines, ToServer, "filesize"), [(0, number(400))]);
}

#[test]
fn behind_a_gap_the_next_packet_is_looked_for() {
    for piece in [usize::MAX, 1, 7] {
        let mut dialogue = said(&[(ToServer, version2::negotiate())], usize::MAX);
        dialogue.conversation.skip(ToServer, 77).unwrap();
        let rest = [b"the rest of SMB and \0\0\0\0SMB", &version2::negotiate()[..]].concat();
        dialogue.say_in_pieces(ToServer, &rest, piece);
        assert_eq!(values(&dialogue.all_lines::<Smb>(), ToServer, "smb.version").len(), 2, "{piece}");
        dialogue.conversation.skip(ToServer, 77).unwrap();
        dialogue.say(ToServer, &[b'S'; 100_000]);
        assert!(dialogue.left(ToServer) < 8);
    }
}
