//! Shares, users and files of SMB, and calls of DCE/RPC over it and over TCP.

use super::streams::{Peers, conversations};
use super::{ADDRESSES, as_tshark_reads, captures, frames_with, peers, values};
use fixtures::TimedFrame;
use rules::view::Packet;
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::identify::Speech;
use sensor::app_layer::{dcerpc, smb};
use sensor::event::Direction::{self, ToServer};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::path::{Path, PathBuf};

/// What a line of tshark's tells of a session, read from the columns asked for.
type Tell<T> = fn(&[String]) -> Vec<T>;

/// What tshark tells of the first session between any two peers. Nothing if it is not installed.
fn sessions<T>(
    frames: &[TimedFrame],
    filter: &str,
    own: &[&str],
    tell: Tell<T>,
) -> Option<HashMap<Peers, Vec<T>>> {
    let columns: Vec<&str> = ADDRESSES.into_iter().chain(["tcp.stream"]).chain(own.iter().copied()).collect();
    let filter = format!("({filter}) && !tcp.analysis.retransmission");
    let mut sessions: HashMap<Peers, (String, Vec<T>)> = HashMap::new();
    for line in as_tshark_reads(frames, &filter, &columns)? {
        let stream = &line[7];
        let (first, told) = sessions.entry(peers(&line[1..])).or_insert_with(|| (stream.clone(), Vec::new()));
        if first == stream {
            told.extend(tell(&line[8..]));
        }
    }
    Some(sessions.into_iter().map(|(ends, (_, told))| (ends, told)).collect())
}

/// A capture with the conversations in it.
struct Recorded {
    path: PathBuf,
    frames: Vec<TimedFrame>,
    conversations: HashMap<Peers, Box<dyn Conversation>>,
}

/// What was said on some ports.
fn recorded(speech: &Speech, ports: &[u16]) -> Vec<Recorded> {
    let of = |path: PathBuf| {
        let wanted = |packet: &Packet<'_>| {
            [packet.source_port, packet.destination_port].iter().any(|port| ports.contains(port))
        };
        let frames = frames_with(&path, wanted);
        let conversations = conversations(&frames, speech);
        Recorded { path, frames, conversations }
    };
    captures("smb").into_iter().map(of).collect()
}

/// Compares what tshark tells with what the sensor reads, in order; says how much that was, nothing without tshark.
/// Where something is missing in a capture, the sensor stops.
fn compare<T: Debug + PartialEq>(
    recorded: &[Recorded],
    (filter, own): (&str, &[&str]),
    tell: Tell<T>,
    read: fn(&dyn Conversation, u64) -> Vec<T>,
) -> Option<usize> {
    let mut compared = 0;
    for Recorded { path, frames, conversations } in recorded {
        for (ends, expected) in sessions(frames, filter, own, tell)? {
            let Some(conversation) = conversations.get(&ends) else { continue };
            let kept = conversation.transactions();
            let told: Vec<T> = kept.clone().flat_map(|id| read(&**conversation, id)).collect();
            let all = is_whole(path) && kept.start == 0;
            // Those before are not kept any more.
            let from = if kept.start == 0 { 0 } else { expected.len().saturating_sub(told.len()) };
            let to = if all { expected.len() } else { expected.len().min(from + told.len()) };
            assert_eq!(told, expected[from..to], "{} {ends:?}", path.display());
            compared += told.len();
        }
    }
    Some(compared)
}

/// Whether nothing is missing in a capture: in those made for it.
fn is_whole(capture: &Path) -> bool {
    capture.starts_with(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures"))
}

fn texts(conversation: &dyn Conversation, id: u64, field: &str) -> Vec<String> {
    let values = values(&smb::SPEECH, conversation, id, ToServer, field);
    values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

/// The shares that are connected to.
fn shares(recorded: &[Recorded]) -> Option<usize> {
    let filter =
        "(smb2.cmd == 3 && smb2.flags.response == 0) || (smb.cmd == 0x75 && smb.flags.response == 0)";
    let tell: Tell<String> = |columns| {
        // Chained behind a session setup, a path is shown twice.
        let shown: BTreeSet<&str> = columns.iter().flat_map(|column| column.split('|')).collect();
        shown.into_iter().filter(|path| !path.is_empty()).map(str::to_owned).collect()
    };
    compare(recorded, (filter, &["smb2.tree", "smb.path"]), tell, |conversation, id| {
        [texts(conversation, id, "smb.share"), texts(conversation, id, "smb.named_pipe")].concat()
    })
}

/// The users that set up sessions, and their domains.
fn users(recorded: &[Recorded]) -> Option<usize> {
    let filter = "ntlmssp.auth.username && (smb2.cmd == 1 || smb.cmd == 0x73)";
    let tell: Tell<[String; 2]> = |columns| {
        let shown = |column: &String| if column == "NULL" { String::new() } else { column.clone() };
        vec![[shown(&columns[0]), shown(&columns[1])]]
    };
    let own: &[&str] = &["ntlmssp.auth.username", "ntlmssp.auth.domain"];
    compare(recorded, (filter, own), tell, |conversation, id| {
        let domains = texts(conversation, id, "smb.ntlmssp_domain");
        texts(conversation, id, "smb.ntlmssp_user")
            .into_iter()
            .zip(domains)
            .map(<[String; 2]>::from)
            .collect()
    })
}

/// The operations called and the lengths of what requests carry, of those in one fragment.
fn calls(
    recorded: &[Recorded],
    over: &str,
    read: fn(&dyn Conversation, u64) -> Vec<(u64, usize)>,
) -> Option<usize> {
    let filter = format!("dcerpc.pkt_type == 0 && {over}");
    let tell: Tell<(u64, usize)> = |columns| {
        let numbers = |column: &str| column.split('|').filter_map(|n| n.parse().ok()).collect::<Vec<u64>>();
        let (operations, lengths) = (numbers(&columns[0]), numbers(&columns[1]));
        operations.into_iter().zip(lengths).map(|(operation, len)| (operation, len as usize - 24)).collect()
    };
    compare(recorded, (&filter, &["dcerpc.opnum", "dcerpc.cn_frag_len"]), tell, read)
}

fn call(speech: &Speech, conversation: &dyn Conversation, id: u64) -> Vec<(u64, usize)> {
    let operations = values(speech, conversation, id, ToServer, "dcerpc.opnum");
    let stub = values(speech, conversation, id, ToServer, "dcerpc.stub_data").concat().len();
    operations.iter().map(|number| (u64::from_be_bytes(number[..].try_into().unwrap()), stub)).collect()
}

/// Whether what the sensor reads is among what tshark tells of a session; says how much that was.
fn compare_unordered(
    recorded: &[Recorded],
    (filter, own): (&str, &[&str]),
    tell: Tell<String>,
    read: impl Fn(&dyn Conversation, u64) -> Vec<String>,
) -> Option<usize> {
    let mut compared = 0;
    for Recorded { path, frames, conversations } in recorded {
        for (ends, told) in sessions(frames, filter, own, tell)? {
            let Some(conversation) = conversations.get(&ends) else { continue };
            for value in conversation.kept().flat_map(|id| read(&**conversation, id)) {
                assert!(told.contains(&value), "{} {ends:?}: {value} of {told:?}", path.display());
                compared += 1;
            }
        }
    }
    Some(compared)
}

/// The interfaces of calls, among those that were bound.
fn interfaces(recorded: &[Recorded], over: &str, speech: &Speech) -> Option<usize> {
    let filter = format!("dcerpc.cn_bind_to_uuid && dcerpc.pkt_type in {{11, 14}} && {over}");
    let tell: Tell<String> = |columns| columns[0].split('|').map(|uuid| uuid.replace('-', "")).collect();
    compare_unordered(recorded, (&filter, &["dcerpc.cn_bind_to_uuid"]), tell, |conversation, id| {
        let hex = |interface: &Vec<u8>| interface[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        values(speech, conversation, id, ToServer, "dcerpc.iface").iter().map(hex).collect()
    })
}

/// The names of files of which something is read or written, among those that were opened.
fn files(recorded: &[Recorded]) -> Option<usize> {
    let tell: Tell<String> = |columns| {
        let names = columns.iter().flat_map(|column| column.split('|'));
        names.map(|name| name.trim_start_matches('\\').to_owned()).collect()
    };
    let filter = ("smb2.filename || smb.file", &["smb2.filename", "smb.file"][..]);
    compare_unordered(recorded, filter, tell, |conversation, id| {
        let names =
            Direction::ALL.map(|way| values(&smb::SPEECH, conversation, id, way, "file.name")).concat();
        let names = names.iter().map(|name| String::from_utf8_lossy(name).into_owned());
        names.map(|name| name.trim_start_matches('\\').to_owned()).collect()
    })
}

#[test]
fn sessions_are_those_that_tshark_reads() {
    let recorded = recorded(&smb::SPEECH, &[139, 445]);
    let read = |conversation: &dyn Conversation, id| call(&smb::SPEECH, conversation, id);
    let (Some(shares), Some(users), Some(calls), Some(interfaces), Some(files)) = (
        shares(&recorded),
        users(&recorded),
        calls(&recorded, "(smb || smb2)", read),
        interfaces(&recorded, "(smb || smb2)", &smb::SPEECH),
        files(&recorded),
    ) else {
        eprintln!("smb::sessions_are_those_that_tshark_reads: skipped, tshark is not installed");
        return;
    };
    assert!(shares >= 6 && users >= 4 && calls >= 2, "only {shares} shares, {users} users, {calls} calls");
    assert!(interfaces >= 2 && files >= 3, "only {interfaces} calls of interfaces, {files} files");
}

#[test]
fn calls_are_those_that_tshark_reads() {
    let recorded = recorded(&dcerpc::SPEECH, &[135]);
    let read = |conversation: &dyn Conversation, id| call(&dcerpc::SPEECH, conversation, id);
    let over_tcp = "!smb && !smb2";
    match (calls(&recorded, over_tcp, read), interfaces(&recorded, over_tcp, &dcerpc::SPEECH)) {
        (Some(calls), Some(interfaces)) => assert!(calls > 0 && interfaces > 0),
        _ => eprintln!("smb::calls_are_those_that_tshark_reads: skipped, tshark is not installed"),
    }
}
