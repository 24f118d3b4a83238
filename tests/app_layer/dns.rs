//! Names, types, kinds of operation and results of DNS, over UDP and TCP.

use super::streams::conversations;
use super::{ADDRESSES, as_tshark_reads, captures, frames_with, peers, values};
use fixtures::TimedFrame;
use rules::view::Packet;
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::dns::{SPEECH, TCP_SPEECH};
use sensor::app_layer::identify::Speech;
use sensor::app_layer::parser::{Input, Requests};
use sensor::capture::{Frame, LinkType};
use sensor::counter::Counters;
use sensor::decode::Decoder;
use sensor::event::Direction;
use sensor::time::Timestamp;

/// What both readers tell of a message.
#[derive(Debug, Default, Eq, PartialEq)]
struct Fields {
    asked: Vec<String>,
    /// Owners of answers, authorities and additionals, sorted: tshark keeps those of SRV apart, in pieces.
    owners: Vec<String>,
    /// Of responses all names, sorted: those asked for, owners, and what records point to.
    names: Vec<String>,
    opcode: u64,
    /// Of responses.
    rcode: Option<u64>,
    /// Of the question in queries, of the answers in responses.
    types: Vec<u64>,
}

fn is_dns(packet: &Packet<'_>, protocol: u8) -> bool {
    packet.protocol == protocol && (packet.source_port == 53 || packet.destination_port == 53)
}

/// Nothing if the datagram is no message.
fn as_the_sensor_reads(frame: &TimedFrame) -> Option<Fields> {
    let frame = Frame {
        ordinal: 0,
        time: Timestamp::ZERO,
        wire_len: frame.1.len() as u32,
        link: LinkType::ETHERNET,
        bytes: &frame.1,
    };
    let mut packets = Vec::new();
    Decoder::default().decode(&frame, &mut Counters::default(), &mut packets);
    let bytes = packets[0].payload;
    let direction = if bytes.get(2)? & 0x80 != 0 { Direction::ToClient } else { Direction::ToServer };
    let mut conversation = (SPEECH.begin)();
    let input = Input { direction, bytes, end: false, time: Timestamp::ZERO };
    conversation.parse(&input, &mut Requests::default()).unwrap();
    let transaction = conversation.following(0)?;
    Some(message(&SPEECH, &*conversation, transaction, direction))
}

fn message(speech: &Speech, conversation: &dyn Conversation, transaction: u64, way: Direction) -> Fields {
    let read = |field| values(speech, conversation, transaction, way, field);
    let names = |field| read(field).iter().map(|name| shown(name)).collect::<Vec<_>>();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let numbers = |field| read(field).into_iter().map(|value| u64::from_be_bytes(value.try_into().unwrap()));
    let is_response = way == Direction::ToClient;
    let sections = ["dns.answers.rrname", "dns.authorities.rrname", "dns.additionals.rrname"];
    Fields {
        asked: names("dns.queries.rrname"),
        owners: sorted(sections.into_iter().flat_map(names).collect()),
        names: if is_response { sorted(names("dns.response.rrname")) } else { Vec::new() },
        opcode: numbers("dns.opcode").next().unwrap(),
        rcode: numbers("dns.rcode").next().filter(|_| is_response),
        types: numbers("dns.rrtype").collect(),
    }
}

/// A name as tshark shows it: control characters in octal.
fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let escape = |c: char| if c.is_control() { format!("\\{:03o}", c as u32) } else { c.to_string() };
    if name.is_empty() { "<Root>".to_owned() } else { text.chars().map(escape).collect() }
}

/// Inverse queries (RFC 3425: obsolete) have records that say nothing; Suricata reads no such message, nor do we.
const FILTER: &str = "dns && !icmp && !_ws.malformed && dns.flags.opcode != 1";

const COLUMNS: [&str; 16] = [
    "dns.flags.response",
    "dns.qry.name",
    "dns.resp.name",
    "dns.srv.service",
    "dns.srv.proto",
    "dns.srv.name",
    "dns.flags.opcode",
    "dns.flags.rcode",
    "dns.qry.type",
    "dns.resp.type",
    "dns.count.answers",
    "dns.cname",
    "dns.ns",
    "dns.ptr.domain_name",
    "dns.mx.mail_exchange",
    "dns.soa.mname",
];

/// One line of tshark's, without the number of its frame.
fn fields(columns: &[String]) -> Fields {
    let [
        response,
        asked,
        owners,
        service,
        transport,
        domain,
        opcode,
        rcode,
        asked_types,
        types,
        answers,
        targets @ ..,
    ] = columns
    else {
        panic!("columns are missing: {columns:?}");
    };
    let list = |column: &str| {
        column.split('|').filter(|value| !value.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut owners = list(owners);
    for ((service, transport), domain) in list(service).iter().zip(list(transport)).zip(list(domain)) {
        owners.push(format!("{service}.{transport}.{domain}"));
    }
    owners.sort();
    let numbers =
        |column: &str| column.split('|').filter_map(|value| value.parse().ok()).collect::<Vec<u64>>();
    let answers = numbers(answers).first().map_or(0, |&count| count as usize);
    let types = match response.as_str() {
        "1" => numbers(types).into_iter().take(answers).collect(),
        _ => numbers(asked_types),
    };
    let mut names = Vec::new();
    if response == "1" {
        names =
            [list(asked), owners.clone(), targets.iter().flat_map(|column| list(column)).collect()].concat();
        names.sort();
    }
    let (opcode, rcode) = (opcode.parse().unwrap(), rcode.parse().ok());
    Fields { asked: list(asked), owners, names, opcode, rcode, types }
}

#[test]
fn messages_are_those_that_tshark_reads() {
    let mut compared = 0;
    for capture in captures("dns") {
        let frames = frames_with(&capture, |packet| is_dns(packet, 17));
        let Some(expected) = as_tshark_reads(&frames, FILTER, &COLUMNS) else {
            eprintln!("messages_are_those_that_tshark_reads: skipped, tshark is not installed");
            return;
        };
        // Where a name leads nowhere, tshark says so in its place and reads on.
        let readable = expected.iter().filter(|line| !line.iter().any(|column| column.contains("<Name ")));
        for line in readable {
            let number: usize = line[0].parse().unwrap();
            let read = as_the_sensor_reads(&frames[number - 1]);
            assert_eq!(read, Some(fields(&line[1..])), "{} frame {number}", capture.display());
            compared += 1;
        }
    }
    assert!(compared >= 24, "only {compared} messages");
}

#[test]
fn messages_over_tcp_are_those_that_tshark_reads() {
    let mut compared = 0;
    for capture in captures("dns") {
        let frames = frames_with(&capture, |packet| is_dns(packet, 6));
        let columns: Vec<&str> = ADDRESSES.into_iter().chain(COLUMNS).collect();
        let filter = format!("{FILTER} && !tcp.analysis.retransmission");
        let Some(lines) = as_tshark_reads(&frames, &filter, &columns) else {
            eprintln!("messages_over_tcp_are_those_that_tshark_reads: skipped, tshark is not installed");
            return;
        };
        // Of several messages in a frame the columns do not tell which value is whose.
        let single = lines.iter().filter(|line| !line[7].contains('|'));
        let conversations = conversations(&frames, &TCP_SPEECH);
        for line in single.filter(|line| !line.iter().any(|column| column.contains("<Name "))) {
            let (source, destination) = peers(&line[1..]);
            let (ends, way) = match line[7].as_str() {
                "1" => ((destination, source), Direction::ToClient),
                _ => ((source, destination), Direction::ToServer),
            };
            let Some(conversation) = conversations.get(&ends) else { continue };
            let expected = fields(&line[7..]);
            let mut told = conversation.kept().filter(|&number| conversation.progress(number, way).is_some());
            let found = told.any(|number| message(&TCP_SPEECH, &**conversation, number, way) == expected);
            assert!(found, "{} frame {}: {expected:?}", capture.display(), line[0]);
            compared += 1;
        }
    }
    assert!(compared >= 4, "only {compared} messages");
}
