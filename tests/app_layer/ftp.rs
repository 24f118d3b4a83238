//! Commands of FTP's control connections, their replies, and the ports of the data connections.

use super::streams::{Peers, conversations};
use super::{ADDRESSES, as_tshark_reads, captures, frames_with, peers, values};
use fixtures::TimedFrame;
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::ftp::SPEECH;
use sensor::event::Direction;
use std::collections::HashMap;

/// What both readers tell of a session.
#[derive(Debug, Default, Eq, PartialEq)]
struct Session {
    /// With their arguments.
    commands: Vec<(String, String)>,
    /// Of replies; of several equal ones in a row the first: tshark does not show that of each line.
    codes: Vec<String>,
    /// What they say, a line each; of tshark's those that came alone, for of several it does not show each, and of a long
    /// one its beginning.
    replies: Vec<String>,
    /// Those that each side named for a data connection.
    ports: Vec<String>,
}

/// The first session between any two peers. Nothing if tshark is not installed.
fn sessions(frames: &[TimedFrame]) -> Option<HashMap<Peers, Session>> {
    let own =
        ["tcp.stream", "ftp.request.command", "ftp.request.arg", "ftp.response.code", "ftp.response.arg"];
    let ports = ["ftp.active.port", "ftp.passive.port", "ftp.eprt.port", "ftp.epsv.port"];
    let columns: Vec<&str> = ADDRESSES.into_iter().chain(own).chain(ports).collect();
    let mut sessions: HashMap<Peers, (String, Session)> = HashMap::new();
    for line in as_tshark_reads(frames, "ftp", &columns)? {
        let [stream, command, argument, codes, replies, ports @ ..] = &line[7..] else {
            panic!("columns are missing: {line:?}");
        };
        let (source, destination) = peers(&line[1..]);
        let ends = if destination.port() == 21 { (source, destination) } else { (destination, source) };
        let (first, session) = sessions.entry(ends).or_insert_with(|| (stream.clone(), Session::default()));
        if first != stream {
            continue;
        }
        if !command.is_empty() {
            session.commands.push((command.to_ascii_uppercase(), argument.clone()));
        }
        session.codes.extend(codes.split('|').filter(|code| !code.is_empty()).map(str::to_owned));
        let alone = !codes.is_empty() && !codes.contains('|') && !replies.contains('|');
        session.replies.extend(alone.then(|| replies.clone()));
        session.ports.extend(ports.iter().filter(|port| !port.is_empty()).cloned());
    }
    Some(sessions.into_iter().map(|(ends, (_, session))| (ends, session)).collect())
}

fn as_the_sensor_reads(conversation: &dyn Conversation) -> Session {
    let read = |transaction, direction, name| {
        let values = values(&SPEECH, conversation, transaction, direction, name);
        values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect::<Vec<_>>()
    };
    let mut session = Session::default();
    for transaction in conversation.transactions() {
        let argument = read(transaction, Direction::ToServer, "ftp.command_data").concat();
        for command in read(transaction, Direction::ToServer, "ftp.command") {
            session.commands.push((command, argument.clone()));
        }
        session.codes.extend(read(transaction, Direction::ToClient, "ftp.completion_code"));
        session.replies.extend(read(transaction, Direction::ToClient, "ftp.reply"));
        let ports = values(&SPEECH, conversation, transaction, Direction::ToServer, "ftp.dynamic_port");
        let number = |port: Vec<u8>| u64::from_be_bytes(port.try_into().unwrap()).to_string();
        session.ports.extend(ports.into_iter().map(number));
    }
    session
}

#[test]
fn sessions_are_those_that_tshark_reads() {
    let mut compared = 0;
    for capture in captures("ftp") {
        let frames =
            frames_with(&capture, |packet| [packet.source_port, packet.destination_port].contains(&21));
        let Some(sessions) = sessions(&frames) else {
            eprintln!("sessions_are_those_that_tshark_reads: skipped, tshark is not installed");
            return;
        };
        let conversations = conversations(&frames, &SPEECH);
        for (ends, mut expected) in sessions {
            let Some(conversation) = conversations.get(&ends) else { continue };
            assert_eq!(conversation.transactions().start, 0, "all transactions are kept");
            let mut read = as_the_sensor_reads(&**conversation);
            read.codes.dedup();
            expected.codes.dedup();
            // What is missing in a capture ends a session for the sensor.
            let is_whole = read.codes.len() >= expected.codes.len();
            let replies = std::mem::take(&mut read.replies);
            let theirs = std::mem::take(&mut expected.replies);
            let is_there = |reply: &String| replies.iter().any(|line| line.starts_with(reply));
            let missing = theirs.iter().find(|reply| is_whole && !is_there(reply));
            assert_eq!(missing, None, "{} {ends:?}: {replies:?}", capture.display());
            expected.commands.truncate(read.commands.len());
            expected.codes.truncate(read.codes.len());
            expected.ports.truncate(read.ports.len());
            assert_eq!(read, expected, "{} {ends:?}", capture.display());
            compared += read.commands.len() + read.codes.len() + read.ports.len() + theirs.len();
        }
    }
    assert!(compared >= 60, "only {compared} values");
}
