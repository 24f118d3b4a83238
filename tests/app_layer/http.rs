//! First lines, header fields and bodies of HTTP/1, message by message.
//!
//! Fields of one name are compared together, as rules see them, and without white space, which rules see less of. Bodies
//! are compared where they are plain text, of which tshark shows all, as far as rules look at them.

use super::streams::{Peers, conversations};
use super::{as_tshark_reads, captures, frames_with, values};
use rules::view::Packet;
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::http::SPEECH;
use sensor::event::Direction;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The sensor's fields of each way, with tshark's columns of the same.
const FIELDS: [&[(&str, &str)]; 2] = [
    &[
        ("http.method", "http.request.method"),
        ("http.uri.raw", "http.request.uri"),
        ("http.protocol", "http.request.version"),
        ("http.host.raw", "http.host"),
        ("http.user_agent", "http.user_agent"),
        ("http.referer", "http.referer"),
        ("http.cookie", "http.cookie"),
        ("http.accept", "http.accept"),
        ("http.accept_enc", "http.accept_encoding"),
        ("http.accept_lang", "http.accept_language"),
        ("http.connection", "http.connection"),
        ("http.content_type", "http.content_type"),
        ("http.content_len", "http.content_length_header"),
        ("http.request_header", "http.request.line"),
        ("http.request_body", "http.file_data"),
    ],
    &[
        ("http.protocol", "http.response.version"),
        ("http.stat_code", "http.response.code"),
        ("http.stat_msg", "http.response.phrase"),
        ("http.server", "http.server"),
        ("http.location", "http.location"),
        ("http.cookie", "http.set_cookie"),
        ("http.connection", "http.connection"),
        ("http.content_type", "http.content_type"),
        ("http.content_len", "http.content_length_header"),
        ("http.response_header", "http.response.line"),
        ("http.response_body", "http.file_data"),
    ],
];

/// Where a message comes from and goes to.
const PEERS: [&str; 6] = ["ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport"];

/// A client whose servers try how lenient readers are: what browsers take for a header, tshark often does not.
const EVADING: IpAddr = IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1));

/// The fields of a message.
type Message = Vec<(&'static str, String)>;

/// A body without white space; nothing where it is no plain text.
fn text_of(body: &[u8]) -> String {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t') && *byte != b'\\';
    match body.iter().all(is_plain) {
        true => without_space(&String::from_utf8_lossy(body)),
        false => String::new(),
    }
}

/// Without white space, of which tshark shows some as `\r`, `\n` and `\t`, nor `|`, which stands between two values.
fn without_space(text: &str) -> String {
    let text = ["\\r", "\\n", "\\t"].iter().fold(text.to_owned(), |text, escape| text.replace(escape, ""));
    text.chars().filter(|c| !c.is_whitespace() && *c != '|').collect()
}

/// Header fields, those of one name together.
fn merged<'l>(lines: impl Iterator<Item = &'l str>) -> String {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines.map(without_space).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match fields.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, values)) => *values = format!("{values},{value}"),
            None => fields.push((name.to_owned(), value.to_owned())),
        }
    }
    fields.into_iter().map(|(name, value)| format!("{name}:{value};")).collect()
}

/// Whether both readers tell the same of a message.
fn agree(ours: &Message, theirs: &Message) -> bool {
    ours.iter().zip(theirs).all(|((name, ours), (_, theirs))| match is_body(name) {
        true => theirs.starts_with(ours),
        false => ours == theirs,
    })
}

fn is_body(field: &str) -> bool {
    matches!(field, "http.request_body" | "http.response_body")
}

fn as_the_sensor_reads(conversation: &dyn Conversation, direction: Direction) -> Vec<Message> {
    let read = |transaction, field| {
        let values = values(&SPEECH, conversation, transaction, direction, field);
        match field {
            _ if is_body(field) => text_of(&values.concat()),
            "http.request_header" | "http.response_header" => {
                let lines: Vec<_> = values.iter().map(|line| String::from_utf8_lossy(line)).collect();
                merged(lines.iter().map(|line| &**line))
            }
            _ => String::from_utf8_lossy(&values.concat()).replace('|', ", "),
        }
    };
    let first = ["http.method", "http.protocol"][direction.index()];
    conversation
        .transactions()
        .filter(|&transaction| !read(transaction, first).is_empty())
        .map(|transaction| {
            FIELDS[direction.index()].iter().map(|&(field, _)| (field, read(transaction, field))).collect()
        })
        .collect()
}

/// The messages of each connection, each way in their order. Lines with several messages are left out, for they do not
/// tell which value is whose, and so is what precedes a response.
fn as_tshark_shows(lines: &[Vec<String>], columns: &[&str]) -> HashMap<Peers, [Vec<Message>; 2]> {
    let mut connections: HashMap<Peers, [Vec<Message>; 2]> = HashMap::new();
    for line in lines {
        let column = |name: &str| {
            let place = columns.iter().position(|column| *column == name).expect("it was asked for");
            line[place + 1].as_str()
        };
        let peer = |v4, v6, port| {
            let address = if column(v4).is_empty() { column(v6) } else { column(v4) };
            SocketAddr::new(address.parse().unwrap(), column(port).parse().unwrap())
        };
        let several = ["http.request.method", "http.response.code"].map(column).concat().contains('|');
        if several || column("http.response.code") == "100" {
            continue;
        }
        let source = peer("ip.src", "ipv6.src", "tcp.srcport");
        let destination = peer("ip.dst", "ipv6.dst", "tcp.dstport");
        let (peers, direction) = match column("http.request.method").is_empty() {
            false => ((source, destination), Direction::ToServer),
            true => ((destination, source), Direction::ToClient),
        };
        let fields = FIELDS[direction.index()].iter();
        let shown = |name| match name {
            "http.file_data" => without_space(column(name)),
            "http.request.line" | "http.response.line" => merged(column(name).split("\\n|")),
            _ => column(name).replace('|', ", "),
        };
        let message = fields.map(|&(field, name)| (field, shown(name))).collect();
        connections.entry(peers).or_default()[direction.index()].push(message);
    }
    connections
}

fn is_http(packet: &Packet<'_>) -> bool {
    packet.protocol == 6 && (packet.source_port == 80 || packet.destination_port == 80)
}

#[test]
fn messages_are_those_that_tshark_reads() {
    let mut columns = PEERS.to_vec();
    for (_, column) in FIELDS.iter().copied().flatten() {
        if !columns.contains(column) {
            columns.push(column);
        }
    }
    let (mut found, mut compared, mut bodies) = (0, 0, 0);
    for capture in captures("http") {
        let frames = frames_with(&capture, is_http);
        let filter = "http.request.method || http.response.code";
        let Some(lines) = as_tshark_reads(&frames, filter, &columns) else {
            eprintln!("messages_are_those_that_tshark_reads: skipped, tshark is not installed");
            return;
        };
        let conversations = conversations(&frames, &SPEECH);
        for (peers, expected) in as_tshark_shows(&lines, &columns) {
            let Some(conversation) = conversations.get(&peers).filter(|_| peers.0.ip() != EVADING) else {
                continue;
            };
            for direction in Direction::ALL {
                let read = as_the_sensor_reads(&**conversation, direction);
                let expected = &expected[direction.index()];
                if read.len() != expected.len() {
                    continue;
                }
                compared += expected.len();
                for ours in expected.iter().filter_map(|theirs| read.iter().find(|ours| agree(ours, theirs)))
                {
                    found += 1;
                    bodies +=
                        usize::from(ours.iter().any(|(name, value)| is_body(name) && !value.is_empty()));
                }
            }
        }
    }
    // A connection with another before or behind it between the same ports differs, and a name in UTF-8.
    assert!(compared >= 20 && found * 1000 >= compared * 995, "only {found} of {compared} messages");
    assert!(bodies >= 10, "only {bodies} bodies");
}
