//! Banners and fingerprints of SSH.

use super::streams::{Peers, conversations};
use super::{as_tshark_reads, captures, frames_with, values};
use rules::view::Packet;
use sensor::app_layer::ssh::SPEECH;
use sensor::event::Direction;
use std::collections::HashMap;
use std::net::SocketAddr;

const COLUMNS: [&str; 9] = [
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "ip.dst",
    "ipv6.dst",
    "tcp.dstport",
    "ssh.protocol",
    "ssh.kex.hassh",
    "ssh.kex.hasshserver",
];

fn is_ssh(packet: &Packet<'_>) -> bool {
    packet.protocol == 6 && (packet.source_port == 22 || packet.destination_port == 22)
}

/// The first value of each column of either side, by client and server.
fn sides(lines: &[Vec<String>]) -> HashMap<(Peers, Direction, &'static str), String> {
    let mut sides = HashMap::new();
    for line in lines {
        let columns = &line[1..];
        let peer = |v4: usize| {
            let address = if columns[v4].is_empty() { &columns[v4 + 1] } else { &columns[v4] };
            SocketAddr::new(address.parse().unwrap(), columns[v4 + 2].parse().unwrap())
        };
        let (source, destination) = (peer(0), peer(3));
        let (peers, direction) = match destination.port() {
            22 => ((source, destination), Direction::ToServer),
            _ => ((destination, source), Direction::ToClient),
        };
        for (at, name) in COLUMNS.iter().enumerate().skip(6).filter(|(at, _)| !columns[*at].is_empty()) {
            sides.entry((peers, direction, *name)).or_insert_with(|| columns[at].clone());
        }
    }
    sides
}

#[test]
fn banners_and_fingerprints_are_those_that_tshark_reads() {
    let mut compared = 0;
    for capture in captures("ssh") {
        let frames = frames_with(&capture, is_ssh);
        let filter = "ssh.protocol || ssh.kex.hassh || ssh.kex.hasshserver";
        let Some(lines) = as_tshark_reads(&frames, filter, &COLUMNS) else {
            eprintln!(
                "banners_and_fingerprints_are_those_that_tshark_reads: skipped, tshark is not installed"
            );
            return;
        };
        let conversations = conversations(&frames, &SPEECH);
        for ((peers, direction, column), expected) in sides(&lines) {
            let Some(conversation) = conversations.get(&peers) else { continue };
            let read = |field| {
                let values = values(&SPEECH, &**conversation, 0, direction, field);
                // tshark shows text up to a null.
                let text = values.concat().into_iter().take_while(|&byte| byte != 0).collect();
                String::from_utf8(text).unwrap()
            };
            let read = match column {
                "ssh.protocol" => format!("SSH-{}-{}", read("ssh.proto"), read("ssh.software")),
                "ssh.kex.hassh" => read("ssh.hassh"),
                _ => read("ssh.hassh.server"),
            };
            assert_eq!(read, expected, "{} {peers:?} {direction:?} {column}", capture.display());
            compared += 1;
        }
    }
    assert!(compared >= 8, "only {compared} values");
}
