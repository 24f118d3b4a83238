use super::wire::message;
use super::{Ssh, of_banner};
use crate::app_layer::identify::Likeness;
use crate::app_layer::parser::Requests;
use crate::app_layer::testing::Dialogue;
use crate::event::Direction::{self, ToClient, ToServer};
use md5::{Digest, Md5};
use proptest::prelude::*;

const CLIENT: &[u8] = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";
const SERVER: &[u8] = b"SSH-1.99-Server\n";

fn packet(message: u8, contents: &[u8]) -> Vec<u8> {
    let len = contents.len() as u32 + 2;
    [&len.to_be_bytes()[..], &[0, message], contents].concat()
}

fn key_exchange() -> Vec<u8> {
    let lists = ["kex", "host-key", "enc-up", "enc-down", "mac-up,mac2", "mac-down", "none", "zlib", "", ""];
    let lists =
        lists.iter().flat_map(|list| [&(list.len() as u32).to_be_bytes()[..], list.as_bytes()].concat());
    packet(message::KEXINIT, &[7; 16].into_iter().chain(lists).chain([0; 5]).collect::<Vec<u8>>())
}

fn values(dialogue: &Dialogue, way: Direction, field: &str) -> Vec<String> {
    let rows = (super::SPEECH.fields)();
    let row = rows.iter().find(|row| row.field.name == field).expect("there is such a field");
    let mut values = Vec::new();
    dialogue.conversation.read(0, row.reader, way, &mut |_, value| {
        values.push(value.escape_ascii().to_string());
        false
    });
    values
}

fn events(dialogue: &Dialogue) -> Vec<&'static str> {
    let numbers = values(dialogue, ToServer, "app-layer-event");
    let names = super::event::NAMES.iter();
    let told = names.filter(|(_, event)| numbers.contains(&event.to_be_bytes().escape_ascii().to_string()));
    told.map(|&(name, _)| name).collect()
}

fn progress(dialogue: &Dialogue) -> [Option<u8>; 2] {
    Direction::ALL.map(|way| dialogue.conversation.progress(0, way))
}

fn said(bytes: &[u8]) -> Dialogue {
    let mut dialogue = Dialogue::new::<Ssh>();
    dialogue.say(ToServer, bytes);
    dialogue
}

#[test]
fn banners_tell_protocol_and_software() {
    let mut dialogue = said(CLIENT);
    dialogue.say(ToClient, SERVER);
    assert_eq!(values(&dialogue, ToServer, "ssh.proto"), ["2.0"]);
    assert_eq!(values(&dialogue, ToServer, "ssh.software"), ["OpenSSH_9.2p1 Debian-2"]);
    assert_eq!(values(&dialogue, ToClient, "ssh.proto"), ["1.99"]);
    assert_eq!(values(&dialogue, ToClient, "ssh.software"), ["Server"]);
    assert_eq!(progress(&dialogue), [Some(2), Some(2)]);
    assert_eq!(values(&said(b"SSH-2.0-\n"), ToServer, "ssh.software"), [""; 0]);
}

#[test]
fn keys_are_exchanged_in_the_clear() {
    let mut dialogue = said(&[CLIENT, &key_exchange()].concat());
    dialogue.say(ToClient, &[SERVER, &key_exchange()].concat());
    let [client, server] = ["kex;enc-up;mac-up,mac2;none", "kex;enc-down;mac-down;zlib"];
    let md5 = |text: &str| crate::app_layer::hex::hex(&Md5::digest(text));
    assert_eq!(values(&dialogue, ToServer, "ssh.hassh.string"), [client]);
    assert_eq!(values(&dialogue, ToServer, "ssh.hassh"), [md5(client)]);
    assert_eq!(values(&dialogue, ToClient, "ssh.hassh.server.string"), [server]);
    assert_eq!(values(&dialogue, ToClient, "ssh.hassh.server"), [md5(server)]);
    let cut = said(&[CLIENT, &packet(message::KEXINIT, &[0; 30])].concat());
    assert_eq!(values(&cut, ToServer, "ssh.hassh"), [""; 0]);
    assert_eq!(events(&cut), [""; 0]);
}

#[test]
fn nothing_is_read_once_both_sides_encrypt() {
    let keys = packet(message::NEWKEYS, b"padding");
    let mut dialogue = said(&[CLIENT, &keys, b"\0\0\0\0encrypted"].concat());
    assert!(dialogue.requests.iter().all(|requests| !requests.encrypted));
    dialogue.requests.clear();
    dialogue.say(ToClient, &[SERVER, &keys].concat());
    let end = Requests { encrypted: true, finished: true, inspect_raw: true, ..Requests::default() };
    assert_eq!(dialogue.requests, [end]);
    assert_eq!(progress(&dialogue), [Some(3), Some(3)]);
    assert_eq!(events(&dialogue), [""; 0]);
}

#[test]
fn odd_banners_and_packets_are_told() {
    let fault = |bytes: &[u8]| {
        let dialogue = said(bytes);
        (events(&dialogue), dialogue.malformed)
    };
    assert_eq!(fault(b"SSH-2.0\n"), (vec!["invalid_banner"], true));
    assert_eq!(fault(b"SSH--x\n"), (vec!["invalid_banner"], true));
    assert_eq!(fault(b"Welcome\n"), (vec!["invalid_banner"], true));
    assert_eq!(fault(&[CLIENT, &[0, 0, 0, 1, 0, 0]].concat()), (vec!["invalid_record"], true));
    let line = |len: usize| [b"SSH-2.0-", &b"x".repeat(len - 8)[..], b"\r\n"].concat();
    assert_eq!(fault(&line(255)), (vec![], false));
    assert_eq!(fault(&line(256)), (vec!["long_banner"], false));
}

#[test]
fn an_endless_banner_is_not_kept() {
    let mut dialogue = said(b"SSH-2.0-");
    for _ in 0..10_000 {
        dialogue.say(ToServer, &[b'x'; 100]);
    }
    assert_eq!(values(&dialogue, ToServer, "ssh.software"), ["x".repeat(248)]);
    assert_eq!((events(&dialogue), progress(&dialogue)[0]), (vec!["long_banner"], Some(1)));
    dialogue.say(ToServer, b"\n").say(ToServer, &key_exchange());
    assert_eq!((values(&dialogue, ToServer, "ssh.hassh").len(), progress(&dialogue)[0]), (1, Some(2)));
}

#[test]
fn an_endless_packet_is_not_kept() {
    let mut dialogue = said(CLIENT);
    dialogue.say(ToServer, &[0x7f, 0xff, 0xff, 0xff, 0, message::KEXINIT]);
    for _ in 0..1_000 {
        dialogue.say(ToServer, &[0; 1_000]);
    }
    assert_eq!(values(&dialogue, ToServer, "ssh.hassh"), [""; 0]);
    assert!(!dialogue.malformed);
}

#[test]
fn flows_are_told_by_their_banner() {
    assert_eq!(of_banner(b"SSH-2.0", ToClient), Likeness::Certain);
    assert_eq!(of_banner(b"SS", ToServer), Likeness::Possible);
    assert_eq!(of_banner(b"GET", ToServer), Likeness::None);
}

proptest! {
    #[test]
    fn any_segmentation_makes_the_same_session(piece in 1usize..100, padding in 0usize..300) {
        let banner = [b"SSH-2.0-", &b"y".repeat(padding)[..], b"\r\n"].concat();
        let client = [banner, key_exchange(), packet(30, &[9; 90]), packet(message::NEWKEYS, b"")].concat();
        let server = [SERVER, &key_exchange(), &packet(31, &[9; 90])].concat();
        let whole = |piece| {
            let mut dialogue = Dialogue::new::<Ssh>();
            dialogue.say_in_pieces(ToServer, &client, piece).say_in_pieces(ToClient, &server, piece);
            (dialogue.lines::<Ssh>(), values(&dialogue, ToServer, "ssh.hassh"))
        };
        let at_once = whole(usize::MAX);
        prop_assert_eq!(at_once.1.len(), 1);
        prop_assert_eq!(&whole(piece), &at_once);
        prop_assert_eq!(&whole(1), &at_once);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let dialogue = said(&[CLIENT, &packet(message::KEXINIT, &bytes), &bytes].concat());
        values(&dialogue, ToServer, "ssh.hassh.string");
    }
}
