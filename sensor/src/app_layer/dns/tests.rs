use super::wire::{Message, Section};
use super::{Datagrams, Multicast, Stream, of_datagram, of_stream};
use crate::app_layer::identify::Likeness;
use crate::app_layer::testing::Dialogue;
use crate::app_layer::transaction::MAX_OPEN;
use crate::event::Direction::{self, ToClient, ToServer};
use proptest::prelude::*;

const RESPONSE: u16 = 0x8180;
const QUERY: u16 = 0x0100;
/// A pointer to the name of the first question.
const FIRST_NAME: &[u8] = &[0xc0, 12];

fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').filter(|label| !label.is_empty());
    let mut name: Vec<u8> =
        labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    name.push(0);
    name
}

fn question(text: &str, kind: u16) -> Vec<u8> {
    [name(text), kind.to_be_bytes().to_vec(), vec![0, 1]].concat()
}

fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let fixed = [&kind.to_be_bytes()[..], &[0, 1, 0, 0, 0, 60], &(data.len() as u16).to_be_bytes()].concat();
    [owner, &fixed, data].concat()
}

/// A message of questions, answers, authorities and additionals.
fn message(flags: u16, sections: [&[Vec<u8>]; 4]) -> Vec<u8> {
    let counts = sections.iter().flat_map(|section| (section.len() as u16).to_be_bytes());
    let header = [7, 7].into_iter().chain(flags.to_be_bytes()).chain(counts);
    header.chain(sections.iter().flat_map(|section| section.concat())).collect()
}

fn query(text: &str) -> Vec<u8> {
    message(QUERY, [&[question(text, 1)], &[], &[], &[]])
}

fn over_tcp(messages: &[Vec<u8>]) -> Vec<u8> {
    messages.iter().flat_map(|one| [&(one.len() as u16).to_be_bytes()[..], one].concat()).collect()
}

/// What rules see of one datagram, without the number of its transaction.
fn seen(direction: Direction, bytes: &[u8]) -> Vec<String> {
    let lines = Dialogue::new::<Datagrams>().say(direction, bytes).lines::<Datagrams>();
    lines.iter().map(|line| line.split_once(' ').expect("a number").1.to_owned()).collect()
}

/// The values of a field in such lines.
fn values<'a>(lines: &'a [String], field: &'a str) -> Vec<&'a str> {
    lines.iter().filter_map(|line| line.split_once(field)?.1.strip_prefix(' ')).collect()
}

fn events(lines: &[String]) -> Vec<&'static str> {
    let numbers = values(lines, "app-layer-event");
    let names = super::event::NAMES.iter().filter(|(_, number)| {
        let value = number.to_be_bytes().escape_ascii().to_string();
        numbers.contains(&value.as_str())
    });
    names.map(|&(name, _)| name).collect()
}

#[test]
fn a_query_shows_its_name_and_type() {
    let lines = seen(ToServer, &query("www.Example.com"));
    assert_eq!(values(&lines, "dns.query"), ["www.Example.com"]);
    assert_eq!(values(&lines, "dns.queries.rrname"), ["www.Example.com"]);
    assert_eq!(values(&lines, "dns.rrtype"), [r"\x00\x00\x00\x00\x00\x00\x00\x01"]);
    assert_eq!(values(&lines, "dns.rcode"), [r"\x00\x00\x00\x00\x00\x00\x00\x00"]);
    assert_eq!(events(&lines), [""; 0]);
}

#[test]
fn a_response_shows_every_name() {
    let soa = [name("ns.example.org"), name("admin.example.org"), vec![0; 20]].concat();
    let response = message(
        RESPONSE | 3,
        [
            &[question("mail.example.com", 15)],
            &[
                record(FIRST_NAME, 15, &[&[0, 10], &name("mx.example.net")[..]].concat()),
                record(FIRST_NAME, 5, b"\x03www\xc0\x11"),
                record(&name("a.test"), 1, &[192, 0, 2, 1]),
                record(&name("txt.test"), 16, b"\x03abc\x01d"),
                record(&name("srv.test"), 33, &[&[0; 6], &name("not.shown")[..]].concat()),
            ],
            &[record(&name("example.org"), 6, &soa)],
            &[record(&[0], 41, &[0, 3, 0, 2, b'h', b'i'])],
        ],
    );
    let lines = seen(ToClient, &response);
    let all = [
        "mail.example.com",
        "mail.example.com",
        "mx.example.net",
        "mail.example.com",
        "www.example.com",
        "a.test",
        "txt.test",
        "srv.test",
        "example.org",
        "ns.example.org",
        "",
    ];
    assert_eq!(values(&lines, "dns.response.rrname"), all);
    assert_eq!(values(&lines, "dns.answers.rrname").len(), 5);
    assert_eq!(values(&lines, "dns.authorities.rrname"), ["example.org"]);
    assert_eq!(values(&lines, "dns.additionals.rrname"), [""]);
    assert_eq!(values(&lines, "dns.rcode"), [r"\x00\x00\x00\x00\x00\x00\x00\x03"]);
    assert_eq!(values(&lines, "dns.rrtype").len(), 5, "answers alone");
    assert_eq!(events(&lines), [""; 0]);
}

#[test]
fn names_are_shown_as_they_are() {
    let odd = message(QUERY, [&[b"\x03a.b\x02\x00\xff\x00\x00\x01\x00\x01".to_vec()], &[], &[], &[]]);
    assert_eq!(values(&seen(ToServer, &odd), "dns.query"), [r"a.b.\x00\xff"]);
}

#[test]
fn pointers_may_point_ahead() {
    let ahead = message(
        QUERY,
        [&[b"\xc0\x12\x00\x01\x00\x01".to_vec()], &[], &[], &[record(&name("x.test"), 1, &[1])]],
    );
    assert_eq!(values(&seen(ToServer, &ahead), "dns.query"), ["x.test"]);
}

#[test]
fn wrong_authorities_and_additionals_are_told_and_left_out() {
    let cut = record(&name("x.test"), 1, &[]);
    let good = record(&name("y.test"), 1, &[1]);
    let asked = [question("a.test", 1)];
    let (cut, good) = (std::slice::from_ref(&cut), std::slice::from_ref(&good));
    let lines = seen(ToClient, &message(RESPONSE, [&asked, &[], cut, good]));
    assert_eq!(events(&lines), ["invalid_authorities"]);
    assert_eq!(values(&lines, "dns.response.rrname"), ["a.test"]);
    let lines = seen(ToClient, &message(RESPONSE, [&asked, &[], good, cut]));
    assert_eq!(events(&lines), ["invalid_additionals"]);
    assert_eq!(values(&lines, "dns.response.rrname"), ["a.test", "y.test"]);
    assert_eq!(of_datagram(&message(RESPONSE, [&asked, cut, &[], &[]])), Likeness::None);
}

#[test]
fn records_of_wrong_contents_are_malformed() {
    for (kind, data) in [
        (1, &b""[..]),
        (2, b"\x05ab"),
        (5, b"\x80"),
        (6, b"\x00\x00short"),
        (15, b"\x00"),
        (16, b"\x04abc"),
        (33, b"\x00\x00\x00"),
        (41, b"\x00\x01\x00\x09x"),
        (44, b"\x01"),
    ] {
        let answer = [record(FIRST_NAME, kind, data)];
        let response = message(RESPONSE, [&[question("a.test", kind)], &answer, &[], &[]]);
        assert!(Message::read(&response).is_err(), "type {kind}");
        let ended = [record(FIRST_NAME, kind, &[data, &[0; 40]].concat())];
        let response = message(RESPONSE, [&[question("a.test", kind)], &ended, &[], &[]]);
        assert_eq!(Message::read(&response).is_ok(), kind != 5, "type {kind}");
    }
}

#[test]
fn header_bits_are_told() {
    let flags = |flags: u16| events(&seen(ToServer, &message(flags, [&[question("a", 1)], &[], &[], &[]])));
    assert_eq!(flags(0x0040), ["z_flag_set"]);
    assert_eq!(flags(7 << 11), ["invalid_opcode"]);
    assert_eq!(flags(6 << 11), [""; 0]);
    assert_eq!(events(&seen(ToClient, &query("a.test"))), ["not_response"]);
}

#[test]
fn what_is_no_request_is_told_of_the_one_before() {
    let mut dialogue = Dialogue::new::<Datagrams>();
    dialogue.say(ToServer, &query("a.test")).say(ToServer, &message(RESPONSE, [&[], &[], &[], &[]]));
    assert_eq!(events(&dialogue.lines::<Datagrams>()), ["not_request"]);
    assert_eq!(dialogue.conversation.transactions(), 0..1);
    dialogue.say(ToServer, b"\0\0\x01\0\0\x01\0\0\0\0\0\0\xff");
    assert_eq!(events(&dialogue.lines::<Datagrams>()), ["malformed_data", "not_request"]);
    assert!(!dialogue.malformed, "a datagram more may be right");
}

#[test]
fn loops_of_pointers_end() {
    let looped = |owner: &[u8]| {
        let additional = record(owner, 1, &[1]);
        message(RESPONSE, [&[question("a.test", 1)], &[], &[], &[additional]])
    };
    // A pointer to itself, without and behind another one.
    assert_eq!(events(&seen(ToClient, &looped(&[0xc0, 24]))), ["invalid_additionals"]);
    let behind = [&[0xc0, 26 + 10 + 1][..], &[0, 1, 0, 1, 0, 0, 0, 60, 0, 3, 9, 0xc0, 37]].concat();
    let behind = message(RESPONSE, [&[question("a.test", 1)], &[], &[], &[behind]]);
    assert_eq!(events(&seen(ToClient, &behind)), ["infinite_loop"]);
    // Two that point to one another: the steps run out.
    let lines = seen(ToClient, &looped(b"\xc0\x1a\xc0\x18"));
    assert_eq!(events(&lines), ["invalid_additionals", "name_too_long", "too_many_labels"]);
    let lines = seen(ToClient, &looped(b"\x01x\xc0\x18"));
    assert_eq!(events(&lines), ["name_too_long", "too_many_labels"]);
    assert_eq!(values(&lines, "dns.additionals.rrname"), [["x"; 128].join(".")]);
}

#[test]
fn long_names_are_cut() {
    let label = "x".repeat(63);
    let long = vec![label.as_str(); 20].join(".");
    let lines = seen(ToServer, &query(&long));
    assert_eq!(events(&lines), ["name_too_long"]);
    assert_eq!(values(&lines, "dns.query"), [&long[..1025]]);
    assert!(Message::read(&query(&["x"; 255].join("."))).is_ok());
    assert!(Message::read(&query(&["x"; 256].join("."))).is_err());
}

#[test]
fn a_full_message_of_deep_pointers_is_walked_in_bounded_steps() {
    let deep = question(&["x"; 120].join("."), 1);
    let answers: Vec<Vec<u8>> = (0..4_000).map(|_| record(FIRST_NAME, 5, FIRST_NAME)).collect();
    let response = message(RESPONSE, [&[deep], &answers, &[], &[]]);
    let (read, _) = Message::read(&response).expect("it is a message");
    assert_eq!(read.records(Section::Answers).count(), 4_000);
}

#[test]
fn unanswered_queries_are_bounded() {
    let many: Vec<Vec<u8>> = (0..1_000).map(|number| query(&format!("{number}.test"))).collect();
    let mut dialogue = Dialogue::new::<Stream>();
    for _ in 0..100 {
        dialogue.say(ToServer, &over_tcp(&many));
    }
    let kept = dialogue.conversation.transactions();
    assert_eq!((kept.end, kept.end - kept.start), (100_000, MAX_OPEN as u64));
}

#[test]
fn streams_are_told_by_their_first_message() {
    let whole = over_tcp(&[query("www.example.com")]);
    assert_eq!(of_stream(&whole), Likeness::Certain);
    assert_eq!(of_stream(&whole[..20]), Likeness::Certain, "its header is there");
    assert_eq!(of_stream(&whole[..13]), Likeness::Possible);
    assert_eq!(of_stream(b"GET / HTTP/1.1\r\n\r\n"), Likeness::None);
    let mut cut = whole;
    cut[1] -= 3;
    assert_eq!(of_stream(&cut), Likeness::None);
    assert_eq!(of_datagram(&query("a.test")), Likeness::Certain);
    assert_eq!(of_datagram(&query("a.test")[..20]), Likeness::None);
    assert_eq!(of_datagram(b"short"), Likeness::None);
}

#[test]
fn what_is_no_message_ends_a_stream() {
    let mut dialogue = Dialogue::new::<Stream>();
    dialogue.say(ToServer, &over_tcp(&[query("a.test"), b"nonsense, long enough".to_vec()]));
    assert!(dialogue.malformed);
}

#[test]
fn a_stream_goes_on_at_the_next_message_after_a_gap() {
    let mut dialogue = Dialogue::new::<Stream>();
    dialogue.say(ToServer, &over_tcp(&[query("a.test")]));
    dialogue.conversation.skip(ToServer, 1_000).expect("gaps are bridged");
    dialogue.say(ToServer, b"the end of a message that was lost");
    dialogue.say(ToServer, &over_tcp(&[query("b.test")]));
    assert!(!dialogue.malformed);
    assert_eq!(values(&dialogue.lines::<Stream>(), "dns.query"), ["a.test", "b.test"]);
}

#[test]
fn multicast_goes_one_way() {
    let response = message(0x8400, [&[], &[record(&name("tv.local"), 12, &name("x.tv.local"))], &[], &[]]);
    let mut dialogue = Dialogue::new::<Multicast>();
    dialogue.say(ToServer, &query("printer.local")).say(ToServer, &response);
    let lines = dialogue.lines::<Multicast>();
    assert_eq!(values(&lines, "mdns.queries.rrname"), ["printer.local"]);
    assert_eq!(values(&lines, "mdns.answers.rrname"), ["tv.local"]);
    assert_eq!(values(&lines, "mdns.response.rrname"), ["tv.local", "x.tv.local"]);
}

proptest! {
    #[test]
    fn any_segmentation_makes_the_same_transactions(
        names in prop::collection::vec("[a-z]{1,20}(\\.[a-z]{1,9}){0,3}", 1..6),
        piece in 1usize..40,
    ) {
        let queries: Vec<Vec<u8>> = names.iter().map(|name| query(name)).collect();
        let responses: Vec<Vec<u8>> = names.iter().map(|name| {
            message(RESPONSE, [&[question(name, 1)], &[record(FIRST_NAME, 1, &[1, 2, 3, 4])], &[], &[]])
        }).collect();
        let whole = |piece| {
            let mut dialogue = Dialogue::new::<Stream>();
            dialogue.say_in_pieces(ToServer, &over_tcp(&queries), piece);
            dialogue.say_in_pieces(ToClient, &over_tcp(&responses), piece).lines::<Stream>()
        };
        let at_once = whole(usize::MAX);
        prop_assert_eq!(values(&at_once, "dns.queries.rrname").len(), 2 * names.len());
        prop_assert_eq!(&whole(piece), &at_once);
        prop_assert_eq!(&whole(1), &at_once);
    }

    #[test]
    fn any_bytes_are_walked_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok((message, _)) = Message::read(&bytes) {
            for section in [Section::Questions].into_iter().chain(Section::RECORDS) {
                for record in message.records(section) {
                    message.show_owner(&record, &mut |_| false);
                    message.show_target(&record, &mut |_| false);
                }
            }
        }
    }
}
