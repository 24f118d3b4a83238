//! Application protocols in the shared captures, as the sensor and as tshark read them.

mod certificates;
mod dns;
mod ftp;
mod http;
mod http2;
mod segmentation;
mod smb;
mod smtp;
mod ssh;
mod streams;
mod tls;

use fixtures::TimedFrame;
use rules::view::Packet;
use sensor::app_layer::conversation::Conversation;
use sensor::app_layer::identify::Speech;
use sensor::capture::{Burst, CaptureFiles, Filled, PacketSource};
use sensor::counter::Counters;
use sensor::decode::Decoder;
use sensor::event::Direction;
use sensor::limits::CaptureLimits;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use streams::Peers;

/// The captures to compare: of one topic of the fixtures, and the shared one, as far as it is here.
fn captures(topic: &str) -> Vec<PathBuf> {
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures/perf.pcap"));
    if !shared.is_file() {
        eprintln!("app_layer: without {}, which is not here", shared.display());
    }
    let fixtures = fixtures::pcaps().into_iter().filter(|path| path.parent().unwrap().ends_with(topic));
    fixtures.chain(shared.is_file().then(|| shared.to_owned())).collect()
}

/// The frames of a capture with the one packet that each holds, as far as the packet is wanted.
fn frames_with(capture: &Path, wanted: impl Fn(&Packet<'_>) -> bool) -> Vec<TimedFrame> {
    let mut source = CaptureFiles::new(&[capture.to_owned()], &CaptureLimits::default());
    let mut burst = Burst::default();
    let mut found = Vec::new();
    while !matches!(source.fill(&mut burst, &|_, _| 0), Ok(Filled::Ended)) {
        for index in 0..burst.len() {
            let frame = burst.frame(index);
            let mut packets = Vec::new();
            Decoder::default().decode(&frame, &mut Counters::default(), &mut packets);
            if matches!(&packets[..], [packet] if wanted(packet)) {
                found.push((frame.time.as_nanos(), frame.bytes.to_vec()));
            }
        }
    }
    found
}

/// What tshark shows of each of the frames that hold a protocol: the columns asked for, several values of one with
/// `|` between them, behind the frame's number. Nothing if tshark is not installed.
fn as_tshark_reads(frames: &[TimedFrame], filter: &str, columns: &[&str]) -> Option<Vec<Vec<String>>> {
    let capture = tempfile::Builder::new().suffix(".pcap").tempfile().unwrap();
    fs::write(capture.path(), fixtures::pcap_file::pcap(frames)).unwrap();
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-r"]).arg(capture.path()).args(["-Y", filter, "-T", "fields", "-E", "aggregator=|"]);
    for column in ["frame.number"].iter().chain(columns) {
        tshark.args(["-e", column]);
    }
    let output = tshark.output().ok()?;
    let lines = String::from_utf8(output.stdout).unwrap();
    Some(lines.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

/// Columns that tell who sent a frame of TCP, and to whom.
const ADDRESSES: [&str; 6] = ["ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport"];

/// The ends of a line's frame, read from the columns of [`ADDRESSES`].
fn peers(columns: &[String]) -> Peers {
    let end = |columns: &[String]| {
        let [v4, v6, port] = columns else { panic!("columns are missing: {columns:?}") };
        let address: IpAddr = [v4, v6].iter().find_map(|address| address.parse().ok()).unwrap();
        SocketAddr::new(address, port.parse().unwrap())
    };
    (end(&columns[..3]), end(&columns[3..6]))
}

/// What rules see of a field of a transaction, one way.
fn values(
    speech: &Speech,
    conversation: &dyn Conversation,
    transaction: u64,
    direction: Direction,
    field: &str,
) -> Vec<Vec<u8>> {
    let rows = (speech.fields)();
    let row = rows.iter().find(|row| row.field.name == field).unwrap_or_else(|| panic!("no {field}"));
    let mut values = Vec::new();
    conversation.read(transaction, row.reader, direction, &mut |_, value| {
        values.push(value.to_vec());
        false
    });
    values
}
