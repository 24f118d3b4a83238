//! Streams of HTTP/2, header field by header field.

use super::streams::{Peers, conversations};
use super::{ADDRESSES, as_tshark_reads, captures, frames_with, peers, values};
use rules::view::Packet;
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::http2::SPEECH;
use sensor::event::Direction;
use std::collections::HashMap;

/// What tshark shows of each frame of HTTP/2 besides its ends: types, numbers in them, and the header fields.
const COLUMNS: [&str; 8] = [
    "http2.streamid",
    "http2.type",
    "http2.header.name",
    "http2.header.value",
    "http2.window_update.window_size_increment",
    "http2.rst_stream.error",
    "http2.goaway.error",
    "http2.settings.header_table_size",
];

/// The ports on which the fixtures and the shared capture have HTTP/2.
const PORTS: [u16; 4] = [80, 8000, 8080, 3000];

fn is_http2(packet: &Packet<'_>) -> bool {
    packet.protocol == 6
        && PORTS.iter().any(|port| [packet.source_port, packet.destination_port].contains(port))
}

/// Header fields as lines, and numbers, of all transactions going one way.
type Facts = [Vec<String>; 4];

fn as_the_sensor_reads(conversation: &dyn Conversation, direction: Direction) -> Facts {
    let header = ["http.request_header", "http.response_header"][direction.index()];
    let fields = [header, "http2.window", "http2.errorcode", "SETTINGS_HEADER_TABLE_SIZE"];
    fields.map(|field| {
        let read = |transaction| values(&SPEECH, conversation, transaction, direction, field);
        let texts = conversation.kept().flat_map(read).map(|value| match field {
            _ if field == header => String::from_utf8_lossy(&value).into_owned(),
            _ => u64::from_be_bytes(value.try_into().expect("a number has 8 bytes")).to_string(),
        });
        let mut texts: Vec<String> = texts.collect();
        texts.sort();
        texts
    })
}

/// The same from tshark's columns. Numbers are told once for each stream, as the sensor keeps them.
fn as_tshark_shows(lines: &[Vec<String>]) -> HashMap<Peers, Facts> {
    let mut ways: HashMap<Peers, Facts> = HashMap::new();
    for line in lines {
        let facts = ways.entry(peers(&line[1..7])).or_default();
        let column = |at: usize| line[7 + at].split('|').filter(|value| !value.is_empty());
        for (name, value) in column(2).zip(line[7 + 3].split('|')) {
            facts[0].push(format!("{name}: {value}"));
        }
        for (fact, at) in [(1, 4), (2, 5), (2, 6), (3, 7)] {
            facts[fact].extend(column(at).map(str::to_owned));
        }
    }
    for facts in ways.values_mut() {
        facts.iter_mut().for_each(|texts| texts.sort());
    }
    ways
}

/// Whether header fields are the same, and the numbers those that tshark shows: what a server says before its client has
/// spoken tshark does not take for HTTP/2. Numbers are told once for each stream. Where tshark shows no header fields,
/// their blocks come in several frames, which it does not put together.
fn is_same(read: &Facts, shown: &Facts) -> bool {
    let numbers = || read[1..].iter().zip(&shown[1..]);
    (shown[0].is_empty() || read[0] == shown[0])
        && numbers().all(|(read, shown)| shown.iter().all(|number| read.contains(number)))
}

#[test]
fn streams_are_those_that_tshark_reads() {
    let columns = [&ADDRESSES[..], &COLUMNS].concat();
    let (mut found, mut compared, mut with_fields) = (0, 0, 0);
    for capture in captures("http2") {
        let frames = frames_with(&capture, is_http2);
        let Some(lines) = as_tshark_reads(&frames, "http2", &columns) else {
            eprintln!("streams_are_those_that_tshark_reads: skipped, tshark is not installed");
            return;
        };
        let shown = as_tshark_shows(&lines);
        for ((client, server), conversation) in conversations(&frames, &SPEECH) {
            for (direction, way) in
                [(Direction::ToServer, (client, server)), (Direction::ToClient, (server, client))]
            {
                let Some(expected) = shown.get(&way) else { continue };
                let read = as_the_sensor_reads(&*conversation, direction);
                compared += 1;
                with_fields += usize::from(!expected[0].is_empty());
                let same = is_same(&read, expected);
                found += usize::from(same);
                if !same {
                    eprintln!("{}, {way:?}: {read:?}, not {expected:?}", capture.display());
                }
            }
        }
    }
    assert!(
        compared >= 14 && with_fields >= 12 && found == compared,
        "only {found} of {compared}, {with_fields} with fields"
    );
}
