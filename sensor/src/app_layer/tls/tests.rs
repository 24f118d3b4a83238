use super::datagram::{Datagrams, of_datagram};
use super::record::Records;
use super::wire::{content, message};
use super::{SPEECH, of_records, of_ssl2};
use crate::app_layer::identify::Likeness;
use crate::app_layer::parser::Requests;
use crate::app_layer::testing::Dialogue;
use crate::event::Direction::{self, ToClient, ToServer};
use proptest::prelude::*;

fn vector8(bytes: &[u8]) -> Vec<u8> {
    [&[bytes.len() as u8], bytes].concat()
}

fn vector16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

fn vector24(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat()
}

fn words(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vector16(data)].concat()
}

fn server_name(name: &[u8]) -> Vec<u8> {
    extension(0, &vector16(&[&[0][..], &vector16(name)].concat()))
}

fn alpn(names: &[&[u8]]) -> Vec<u8> {
    extension(16, &vector16(&names.iter().flat_map(|name| vector8(name)).collect::<Vec<u8>>()))
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &vector24(body)].concat()
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &vector16(body)].concat()
}

/// A record for each piece of at most so many bytes.
fn records(kind: u8, body: &[u8], piece: usize) -> Vec<u8> {
    body.chunks(piece).flat_map(|piece| record(kind, piece)).collect()
}

fn client_hello(extensions: &[Vec<u8>]) -> Vec<u8> {
    let ciphers = vector16(&words(&[0x0a0a, 0x1301, 0xc02f]));
    let random: Vec<u8> = (0..32).collect();
    let head = [&[3, 3][..], &random, &vector8(b"id"), &ciphers, &vector8(&[0])].concat();
    handshake(message::CLIENT_HELLO, &[head, vector16(&extensions.concat())].concat())
}

/// As a browser says it.
fn full_client_hello() -> Vec<u8> {
    client_hello(&[
        extension(0x1a1a, &[]),
        server_name(b"www.example.com"),
        extension(10, &vector16(&words(&[0x2a2a, 29, 23]))),
        extension(11, &vector8(&[0])),
        alpn(&[b"h2", b"http/1.1"]),
        extension(13, &vector16(&words(&[0x0403, 0x0804]))),
        extension(43, &vector8(&words(&[0x3a3a, 0x0304, 0x0303]))),
    ])
}

fn server_hello(extensions: &[Vec<u8>]) -> Vec<u8> {
    let head = [&[3, 3][..], &[7; 32], &vector8(b""), &[0xc0, 0x2f, 0]].concat();
    handshake(message::SERVER_HELLO, &[head, vector16(&extensions.concat())].concat())
}

/// A certificate of example.com, made by `openssl req -x509` with `subjectAltName`.
const CERTIFICATE: &[u8] = include_bytes!("tests/certificate.der");

fn certificates(chain: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> = chain.iter().flat_map(|der| vector24(der)).collect();
    handshake(message::CERTIFICATE, &vector24(&list))
}

fn server_flight() -> Vec<u8> {
    [
        server_hello(&[extension(0xff01, &[0]), alpn(&[b"h2"])]),
        certificates(&[CERTIFICATE, b"another"]),
        handshake(message::SERVER_KEY_EXCHANGE, b"key"),
        handshake(message::SERVER_HELLO_DONE, b""),
    ]
    .concat()
}

fn lines(dialogue: &Dialogue) -> Vec<String> {
    dialogue.lines::<Records>()
}

/// The values of a field one way.
fn values(lines: &[String], way: Direction, field: &str) -> Vec<String> {
    let start = format!("0 {way:?} {field} ");
    lines.iter().filter_map(|line| line.strip_prefix(&start)).map(str::to_owned).collect()
}

fn number(value: u64) -> String {
    value.to_be_bytes().escape_ascii().to_string()
}

fn progress(dialogue: &Dialogue) -> [Option<u8>; 2] {
    Direction::ALL.map(|way| dialogue.conversation.progress(0, way))
}

fn events(dialogue: &Dialogue) -> Vec<&'static str> {
    let numbers = values(&lines(dialogue), ToServer, "app-layer-event");
    let names = super::event::NAMES.iter().filter(|(_, event)| numbers.contains(&number(*event)));
    names.map(|&(name, _)| name).collect()
}

/// What comes of bytes of a client.
fn said(bytes: &[u8]) -> Dialogue {
    let mut dialogue = Dialogue::new::<Records>();
    dialogue.say(ToServer, bytes);
    dialogue
}

#[test]
fn a_client_hello_shows_what_it_says() {
    let lines = lines(&said(&record(content::HANDSHAKE, &full_client_hello())));
    let random: Vec<u8> = (0..32).collect();
    for (field, value) in [
        ("tls.sni", "www.example.com".to_owned()),
        ("tls.random", random.escape_ascii().to_string()),
        ("tls.random_time", random[..4].escape_ascii().to_string()),
        ("tls.random_bytes", random[4..].escape_ascii().to_string()),
        ("tls.version", number(0x0304)),
        ("ja3.string", "771,4865-49199,0-10-11-16-13-43,29-23,0".to_owned()),
        ("ja3.hash", "45375bffc36d1158dac85b42a8f8674e".to_owned()),
        ("ja4.hash", "t13d0206h2_c1929292aa6b_fb71836bce29".to_owned()),
    ] {
        assert_eq!(values(&lines, ToServer, field), [value], "{field}");
    }
    assert_eq!(values(&lines, ToServer, "tls.alpn"), ["h2", "http/1.1"]);
}

#[test]
fn a_server_shows_its_hello_and_certificates() {
    let mut dialogue = said(&record(content::HANDSHAKE, &full_client_hello()));
    dialogue.say(ToClient, &record(content::HANDSHAKE, &server_flight()));
    let lines = lines(&dialogue);
    for (field, value) in [
        ("tls.alpn", "h2".to_owned()),
        ("tls.version", number(0x0303)),
        ("ja3s.string", "771,49199,65281-16".to_owned()),
        ("tls.cert_subject", "C=US, O=Example, CN=www.example.com".to_owned()),
        ("tls.cert_issuer", "C=US, O=Example, CN=www.example.com".to_owned()),
        ("tls.cert_serial", "00:C0:FF:EE".to_owned()),
        ("tls.cert_chain_len", number(2)),
        ("tls_cert_valid", number(1)),
    ] {
        assert_eq!(values(&lines, ToClient, field), [value], "{field}");
    }
    assert_eq!(
        values(&lines, ToClient, "tls.subjectaltname"),
        ["www.example.com", "192.0.2.1", "2001:db8::1", "me@example.com", "https://example.com/"]
    );
    assert_eq!(values(&lines, ToClient, "tls.cert_fingerprint").len(), 1);
    assert_eq!(values(&lines, ToClient, "tls.certs").len(), 2);
    assert_eq!(progress(&dialogue), [Some(1), Some(3)]);
    assert_eq!(events(&dialogue), [""; 0]);
}

#[test]
fn application_data_end_the_handshake() {
    let mut dialogue = said(&record(content::HANDSHAKE, &full_client_hello()));
    dialogue.say(ToClient, &record(content::HANDSHAKE, &server_hello(&[])));
    dialogue.requests.clear();
    dialogue.say(ToServer, &record(content::APPLICATION_DATA, b"secret"));
    assert_eq!(dialogue.requests, [Requests { encrypted: true, inspect_raw: true, ..Requests::default() }]);
    dialogue.say(ToClient, &record(content::APPLICATION_DATA, b"secret"));
    assert_eq!(progress(&dialogue), [Some(4), Some(4)]);
    dialogue.end(ToServer).end(ToClient);
    assert_eq!(progress(&dialogue), [Some(5), Some(5)]);
}

#[test]
fn early_data_do_not() {
    let hello = client_hello(&[extension(42, &[]), extension(43, &vector8(&words(&[0x0304])))]);
    let mut dialogue = said(&record(content::HANDSHAKE, &hello));
    dialogue.say(ToServer, &record(content::CHANGE_CIPHER_SPEC, &[1]));
    dialogue.say(ToServer, &record(content::APPLICATION_DATA, b"early"));
    assert!(dialogue.requests.iter().all(|requests| !requests.encrypted));
    dialogue.say(ToClient, &record(content::HANDSHAKE, &server_hello(&[extension(43, &[3, 4])])));
    assert_eq!(values(&lines(&dialogue), ToClient, "tls.version"), [number(0x0304)]);
}

#[test]
fn what_follows_a_change_of_cipher_is_not_read() {
    let mut dialogue = said(&record(content::HANDSHAKE, &client_hello(&[])));
    dialogue.say(ToClient, &record(content::HANDSHAKE, &server_hello(&[])));
    dialogue.say(ToClient, &record(content::CHANGE_CIPHER_SPEC, &[1]));
    dialogue.say(ToClient, &record(content::HANDSHAKE, b"\xff\x88encrypted"));
    assert!(!dialogue.malformed);
    assert_eq!(events(&dialogue), [""; 0]);
}

#[test]
fn a_fatal_alert_ends_both_sides() {
    let mut dialogue = said(&record(content::HANDSHAKE, &client_hello(&[])));
    dialogue.say(ToClient, &record(content::ALERT, &[2, 40]));
    assert_eq!(progress(&dialogue), [Some(5), Some(5)]);
    dialogue.say(ToClient, &record(content::ALERT, &[2]));
    assert_eq!(events(&dialogue), ["invalid_alert_message"]);
}

#[test]
fn names_of_servers_are_checked() {
    let fault = |extensions: &[Vec<u8>]| {
        let dialogue = said(&record(content::HANDSHAKE, &client_hello(extensions)));
        assert_eq!(dialogue.malformed, !events(&dialogue).contains(&"multiple_sni_extensions"));
        events(&dialogue)
    };
    let bad = |event| vec!["invalid_handshake_message", event];
    assert_eq!(fault(&[server_name(b"a"), server_name(b"b")]), ["multiple_sni_extensions"]);
    assert_eq!(fault(&[server_name(&[b'x'; 256])]), bad("invalid_sni_length"));
    assert_eq!(fault(&[server_name(b"")]), bad("invalid_sni_length"));
    assert_eq!(fault(&[extension(0, &[0, 4, 1, 0, 1, b'x'])]), bad("invalid_sni_type"));
    assert_eq!(fault(&[vec![0, 0, 0]]), ["handshake_invalid_length", "invalid_handshake_message"]);
}

#[test]
fn a_second_hello_tells_nothing_new() {
    let first = record(content::HANDSHAKE, &client_hello(&[server_name(b"first")]));
    let second = record(content::HANDSHAKE, &client_hello(&[server_name(b"second")]));
    let dialogue = said(&[first, second].concat());
    assert_eq!(values(&lines(&dialogue), ToServer, "tls.sni"), ["first"]);
    assert_eq!(events(&dialogue), ["multiple_sni_extensions"]);
}

#[test]
fn certificates_are_checked() {
    for (bytes, event) in [
        (&b"\x30\x06\x30\x84\xff\xff\xff\xfa\x04"[..], "invalid_certificate"),
        (b"\x30\x05\x30\x84\xff\xff\xff\xfa\x04", "certificate_invalid_length"),
    ] {
        let mut dialogue = Dialogue::new::<Records>();
        dialogue.say(ToClient, &record(content::HANDSHAKE, &certificates(&[bytes])));
        let numbers = values(&lines(&dialogue), ToClient, "app-layer-event");
        let wanted = super::event::NAMES
            .iter()
            .filter(|(name, _)| *name == event || *name == "invalid_handshake_message");
        let mut wanted: Vec<String> = wanted.map(|(_, event)| number(*event)).collect();
        wanted.sort();
        assert_eq!(numbers, wanted, "{event}");
        assert!(dialogue.malformed);
    }
}

#[test]
fn none_of_the_certificates_is_none() {
    let mut dialogue = said(&record(content::HANDSHAKE, &certificates(&[])));
    dialogue.say(ToServer, &record(content::HANDSHAKE, &handshake(message::CERTIFICATE, &[])));
    assert_eq!(values(&lines(&dialogue), ToServer, "tls.cert_chain_len"), [""; 0]);
    assert_eq!((events(&dialogue), progress(&dialogue)[0]), (vec![], Some(2)));
}

#[test]
fn a_certificate_has_expired_after_its_last_day() {
    let chain = super::certificate::Chain::read(&certificates(&[CERTIFICATE])[4..], false);
    let chain = chain.expect("it is right").expect("there is one");
    assert_eq!((chain.not_before(), chain.not_after()), (1_577_836_800, 4_102_444_799));
}

#[test]
fn odd_records_are_told() {
    let fault = |bytes: &[u8]| {
        let dialogue = said(bytes);
        (events(&dialogue), dialogue.malformed)
    };
    assert_eq!(fault(&[22, 3, 9, 0, 1, 0]), (vec!["invalid_record_version"], true));
    assert_eq!(fault(&record(content::HANDSHAKE, &[1])), (vec!["invalid_ssl_record"], true));
    assert_eq!(fault(&record(31, b"x")), (vec!["invalid_record_type"], true));
    assert_eq!(fault(&[22, 3, 3, 0x50, 0]), (vec![], true), "too long");
    assert_eq!(fault(&[0x80, 0]), (vec!["invalid_sslv2_header"], true));
    let unknown = handshake(99, b"x");
    let wanted = vec!["invalid_handshake_message", "invalid_ssl_record"];
    assert_eq!(fault(&record(content::HANDSHAKE, &unknown)), (wanted, true));
    let old = [&[22, 3, 1][..], &vector16(&handshake(message::FINISHED, b"x")), b"\x40unknown"].concat();
    assert!(!fault(&old).1, "of SSL 2");
    let old = [&[22, 3, 1][..], &vector16(&handshake(message::FINISHED, b"x")), b"\x1funknown"].concat();
    assert_eq!(fault(&old), (vec!["invalid_record_type"], false));
}

#[test]
fn hellos_of_ssl_2_are_read() {
    let hello = b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10";
    let dialogue = said(&[&hello[..], &[0; 37]].concat());
    assert_eq!(values(&lines(&dialogue), ToServer, "tls.version"), [number(2)]);
    assert_eq!(progress(&dialogue), [Some(1), None]);
    assert_eq!(said(b"\x80\x02\x00\x01").conversation.transactions(), 0..1);
    assert_eq!(events(&said(b"\x80\x02\x00\x01")), ["error_message_encountered"]);
}

#[test]
fn heartbeats_that_ask_for_more_are_told() {
    let heartbeat = |kind: u8, payload: u16, len: usize| {
        record(content::HEARTBEAT, &[&[kind][..], &payload.to_be_bytes(), &vec![0; len]].concat())
    };
    let fault = |bytes: &[u8]| events(&said(bytes));
    assert_eq!(fault(&heartbeat(1, 4, 20)), [""; 0]);
    assert_eq!(fault(&heartbeat(1, 16_384, 0)), ["overflow_heartbeat_message"]);
    assert_eq!(fault(&heartbeat(1, 4, 19)), ["invalid_heartbeat_message"]);
    assert_eq!(fault(&heartbeat(3, 4, 20)), ["invalid_heartbeat_message"]);
    assert_eq!(fault(&[heartbeat(1, 4, 20), heartbeat(1, 4, 20)].concat()), ["invalid_heartbeat_message"]);
    let mut encrypted = said(&record(content::CHANGE_CIPHER_SPEC, &[1]));
    encrypted.say(ToServer, &record(content::HEARTBEAT, &[0; 40]));
    encrypted.say(ToClient, &record(content::HEARTBEAT, &[0; 41]));
    assert_eq!(events(&encrypted), ["dataleak_heartbeat_mismatch"]);
}

#[test]
fn flows_are_told_by_their_first_bytes() {
    assert_eq!(of_records(b"\x16\x03\x01", ToServer), Likeness::Certain);
    assert_eq!(of_records(b"\x16\x03", ToServer), Likeness::Possible);
    assert_eq!(of_records(b"\x16\x03\x04", ToServer), Likeness::None);
    assert_eq!(of_records(b"\x15\x03\x03", ToServer), Likeness::None);
    assert_eq!(of_records(b"\x15\x03\x03", ToClient), Likeness::Certain);
    assert_eq!(of_records(b"\x80\x2e\x01\x00\x02", ToServer), Likeness::Certain);
    assert_eq!(of_records(b"GET", ToServer), Likeness::None);
    assert_eq!(of_ssl2(b"\x80\x2e\x01\x03\x01", ToServer), Likeness::Certain);
    assert_eq!(of_ssl2(b"\x16\x03\x01", ToServer), Likeness::None);
    assert_eq!(SPEECH.probes.len(), 2);
}

/// A record of DTLS that holds a piece of a message.
fn dtls(kind: u8, body: &[u8], piece: std::ops::Range<usize>, epoch: u8) -> Vec<u8> {
    let piece_len = piece.len() as u32;
    let head = [&[kind][..], &(body.len() as u32).to_be_bytes()[1..], &[0, 0]].concat();
    let place = [&(piece.start as u32).to_be_bytes()[1..], &piece_len.to_be_bytes()[1..]].concat();
    let fragment = [head, place, body[piece].to_vec()].concat();
    [&[22, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0][..], &vector16(&fragment)].concat()
}

#[test]
fn hellos_in_datagrams_are_read() {
    let random: Vec<u8> = (0..32).collect();
    let rest = [vector16(&words(&[0xc02b])), vector8(&[0]), vector16(&server_name(b"peer"))].concat();
    let body = [&[0xfe, 0xfd][..], &random, &vector8(b""), &vector8(b"cookie"), &rest].concat();
    let whole = dtls(message::CLIENT_HELLO, &body, 0..body.len(), 0);
    assert_eq!(of_datagram(&whole, ToServer), Likeness::Certain);
    assert_eq!(of_datagram(&dtls(message::FINISHED, &body, 0..9, 0), ToServer), Likeness::None);
    let read = |datagrams: &[Vec<u8>]| {
        let mut dialogue = Dialogue::new::<Datagrams>();
        for datagram in datagrams {
            dialogue.say(ToServer, datagram);
        }
        dialogue
    };
    let at_once = read(std::slice::from_ref(&whole));
    let names = values(&at_once.lines::<Datagrams>(), ToServer, "tls.sni");
    assert_eq!(names, ["peer"]);
    assert!(values(&at_once.lines::<Datagrams>(), ToServer, "ja4.hash")[0].starts_with("dd2d0101"));
    let pieces = [0..10, 10..50, 50..body.len()].map(|piece| dtls(message::CLIENT_HELLO, &body, piece, 0));
    assert_eq!(read(&pieces).lines::<Datagrams>(), at_once.lines::<Datagrams>());
    let again = read(&[whole, dtls(message::FINISHED, &body, 0..9, 1)]);
    assert_eq!((progress(&again), events(&again)), ([Some(4), None], vec![]));
}

#[test]
fn a_chain_of_ten_megabytes_is_not_kept() {
    let chain: Vec<&[u8]> = std::iter::repeat_n(CERTIFICATE, 10_000_000 / CERTIFICATE.len()).collect();
    let sent = records(content::HANDSHAKE, &certificates(&chain), 1 << 14);
    let mut dialogue = Dialogue::new::<Records>();
    dialogue.say_in_pieces(ToClient, &sent, 1460);
    let kept = values(&lines(&dialogue), ToClient, "tls.certs");
    assert_eq!(kept.len(), ((1 << 17) - 7) / (CERTIFICATE.len() + 3));
    assert!(!dialogue.malformed);
    let event = number(super::event::Event::CertificateInvalidLength as u64);
    assert_eq!(values(&lines(&dialogue), ToClient, "app-layer-event"), [event]);
    dialogue.say(ToClient, &record(content::HANDSHAKE, &handshake(message::SERVER_HELLO_DONE, b"")));
    assert_eq!(progress(&dialogue)[1], Some(3), "what follows is read");
}

proptest! {
    #[test]
    fn any_segmentation_makes_the_same_session(piece in 1usize..300, fragment in 4usize..200) {
        let hello = records(content::HANDSHAKE, &full_client_hello(), fragment);
        let flight = records(content::HANDSHAKE, &server_flight(), fragment);
        let data = record(content::APPLICATION_DATA, &[9; 700]);
        let whole = |piece| {
            let mut dialogue = Dialogue::new::<Records>();
            dialogue.say_in_pieces(ToServer, &hello, piece).say_in_pieces(ToClient, &flight, piece);
            dialogue.say_in_pieces(ToServer, &data, piece).say_in_pieces(ToClient, &data, piece);
            assert!(!dialogue.malformed);
            lines(&dialogue)
        };
        let at_once = whole(usize::MAX);
        prop_assert_eq!(values(&at_once, ToClient, "tls.certs").len(), 2);
        prop_assert_eq!(&whole(piece), &at_once);
        prop_assert_eq!(&whole(1), &at_once);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let sent = record(content::HANDSHAKE, &handshake(bytes.len() as u8 % 23, &bytes));
        let mut dialogue = said(&sent);
        dialogue.say(ToClient, &sent).say(ToClient, &bytes);
        lines(&dialogue);
    }
}
