//! Envelopes and header fields of mail, and the names of what is attached.

use super::streams::{Peers, conversations};
use super::{ADDRESSES, as_tshark_reads, captures, frames_with, peers, values};
use fixtures::TimedFrame;
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::smtp::SPEECH;
use sensor::event::Direction;
use std::collections::{BTreeMap, HashMap};

/// Values of one session's fields, by the names that rules have for them, in order. White space is left out: folded
/// header fields differ in it.
type Fields = BTreeMap<&'static str, Vec<String>>;

fn add(fields: &mut Fields, name: &'static str, value: &str) {
    let value: String = value.chars().filter(|c| !c.is_whitespace()).collect();
    if !value.is_empty() {
        fields.entry(name).or_default().push(value);
    }
}

const HEADER: [(&str, &str); 9] = [
    ("imf.from", "email.from"),
    ("imf.to", "email.to"),
    ("imf.cc", "email.cc"),
    ("imf.subject", "email.subject"),
    ("imf.date", "email.date"),
    ("imf.message_id", "email.message_id"),
    ("imf.ext.mailer", "email.x_mailer"),
    ("imf.received", "email.received"),
    ("mime_multipart.header.content-disposition", "file.name"),
];

/// What clients say in the first session between any two peers. Nothing if tshark is not installed.
fn sessions(frames: &[TimedFrame]) -> Option<HashMap<Peers, Fields>> {
    let own = ["tcp.stream", "smtp.req.command", "smtp.req.parameter"];
    let columns: Vec<&str> =
        ADDRESSES.into_iter().chain(own).chain(HEADER.map(|(column, _)| column)).collect();
    let mut sessions: HashMap<Peers, (String, Fields)> = HashMap::new();
    for line in as_tshark_reads(frames, "smtp.req || imf", &columns)? {
        let [stream, commands, parameters, header @ ..] = &line[7..] else {
            panic!("columns are missing: {line:?}");
        };
        let session = sessions.entry(peers(&line[1..]));
        let (first, fields) = session.or_insert_with(|| (stream.clone(), Fields::new()));
        if first == stream {
            add_commands(fields, commands, parameters);
            add_header(fields, header);
        }
    }
    // tshark does not read chunks (RFC 3030).
    for line in as_tshark_reads(frames, "tcp.payload contains \"BDAT \"", &ADDRESSES)? {
        sessions.remove(&peers(&line[1..]));
    }
    Some(sessions.into_iter().map(|(peers, (_, fields))| (peers, fields)).collect())
}

fn add_commands(fields: &mut Fields, commands: &str, parameters: &str) {
    for (command, parameter) in commands.split('|').zip(parameters.split('|')) {
        let path = parameter.split_once(':').map_or("", |(_, path)| path.trim());
        let path = path.split(' ').next().unwrap_or_default();
        match command.to_ascii_uppercase().as_str() {
            "HELO" | "EHLO" => add(fields, "smtp.helo", parameter),
            "MAIL" => add(fields, "smtp.mail_from", path),
            "RCPT" => add(fields, "smtp.rcpt_to", path),
            _ => {}
        }
    }
}

fn add_header(fields: &mut Fields, header: &[String]) {
    for (value, (_, name)) in header.iter().zip(HEADER) {
        // tshark shows where a field was folded.
        let unfolded = value.replace("\\r\\n", "").replace("\\t", "");
        unfolded
            .split('|')
            .filter_map(|value| file_name(name, value))
            .for_each(|value| add(fields, name, value));
    }
}

/// Of where a part belongs, the name of its file.
fn file_name<'v>(name: &str, value: &'v str) -> Option<&'v str> {
    match name {
        "file.name" => Some(value.split_once("filename=")?.1.trim_matches('"')),
        _ => Some(value),
    }
}

/// Nothing if something is irregular about the session, or a mail not whole: readers differ in how they go on.
fn as_the_sensor_reads(conversation: &dyn Conversation) -> Option<Fields> {
    let read = |transaction, name| values(&SPEECH, conversation, transaction, Direction::ToServer, name);
    let sound = |transaction| {
        let whole = conversation.is_complete(transaction, Direction::ToServer);
        read(transaction, "app-layer-event").is_empty()
            && (whole || read(transaction, "smtp.rcpt_to").is_empty())
    };
    if !conversation.transactions().all(sound) {
        return None;
    }
    let mut fields = Fields::new();
    let envelope = ["smtp.helo", "smtp.mail_from", "smtp.rcpt_to"];
    for name in envelope.into_iter().chain(HEADER.map(|(_, name)| name)) {
        for transaction in conversation.transactions() {
            read(transaction, name)
                .iter()
                .for_each(|value| add(&mut fields, name, &String::from_utf8_lossy(value)));
        }
    }
    // The greeting is the session's, and shown with each of its transactions.
    fields.entry("smtp.helo").and_modify(|greetings| greetings.truncate(1));
    Some(fields)
}

#[test]
fn mail_is_what_tshark_reads() {
    let (mut compared, mut attached) = (0, 0);
    for capture in captures("smtp") {
        let frames = frames_with(&capture, |packet| {
            [packet.source_port, packet.destination_port].iter().any(|port| [25, 587].contains(port))
        });
        let Some(sessions) = sessions(&frames) else {
            eprintln!("mail_is_what_tshark_reads: skipped, tshark is not installed");
            return;
        };
        let conversations = conversations(&frames, &SPEECH);
        for (peers, expected) in &sessions {
            let conversation = conversations.get(peers);
            let Some(read) = conversation.and_then(|heard| as_the_sensor_reads(&**heard)) else { continue };
            for (name, values) in expected {
                let read = read.get(name).map_or(&[][..], Vec::as_slice);
                // Of a header field that stands there twice, rules see the first.
                let values = &values[..read.len().clamp(1, values.len())];
                assert_eq!(read, values, "{} {peers:?} {name}", capture.display());
                compared += values.len();
                attached += if *name == "file.name" { values.len() } else { 0 };
            }
        }
    }
    assert!(compared >= 20 && attached >= 1, "only {compared} values, {attached} names of files");
}
