//! DHCP messages of the shared captures, as the sensor and as tshark read them.

use crate::schema;
use sensor::app_layer::dhcp::{self, TransactionTable};
use sensor::capture::{Burst, CaptureFiles, Filled, PacketSource};
use sensor::counter::Counters;
use sensor::decode::Decoder;
use sensor::event::cloudevents::Encoder;
use sensor::event::{Dhcp, DhcpKind, EncoderConfig, Event};
use sensor::limits::{CaptureLimits, DhcpLimits};
use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/captures/dhcp");

/// What both readers tell of a message.
#[derive(Debug, Eq, PartialEq)]
struct Fields {
    kind: DhcpKind,
    transaction_id: u32,
    client_mac: Option<[u8; 6]>,
    relay_ip: Option<Ipv4Addr>,
    vlan_id: Option<u16>,
    /// Where the message itself tells it.
    client_ip: Option<Ipv4Addr>,
}

/// By frame number, counted from 1 as tshark does. No shared capture has two messages in one frame.
type Messages = BTreeMap<u64, Fields>;

fn captures() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(SHARED) else {
        eprintln!("dhcp: skipped, {SHARED} is not here");
        return Vec::new();
    };
    let mut captures: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    captures.retain(|path| path.extension().is_some_and(|extension| extension != "tsv"));
    captures.sort();
    captures
}

/// Every message, with the event of it.
fn replay(capture: &Path, mut each: impl FnMut(u64, &dhcp::Message, Dhcp)) {
    let mut source = CaptureFiles::new(&[capture.to_owned()], &CaptureLimits::default());
    let decoder = Decoder::default();
    let mut table = TransactionTable::new(&DhcpLimits::default());
    let mut counters = Counters::default();
    let mut burst = Burst::default();
    while !matches!(source.fill(&mut burst, &|_, _| 0), Ok(Filled::Ended)) {
        for index in 0..burst.len() {
            let frame = burst.frame(index);
            let mut packets = Vec::new();
            decoder.decode(&frame, &mut counters, &mut packets);
            let datagrams = packets.iter().filter(|packet| {
                packet.protocol == 17 && dhcp::is_dhcp(packet.source_port, packet.destination_port)
            });
            for packet in datagrams {
                if let Ok(message) = dhcp::parse(packet.payload) {
                    let vlan = packet.vlans.innermost();
                    let event = table.observe(&message, frame.time, vlan, &mut counters);
                    each(frame.ordinal + 1, &message, event);
                }
            }
        }
    }
}

fn as_the_sensor_reads(capture: &Path) -> Messages {
    let mut messages = Messages::new();
    replay(capture, |number, message, event| {
        if let Some(told) = message.client_ip() {
            assert_eq!(event.client_ip, Some(told), "{} frame {number}", capture.display());
        }
        let fields = Fields {
            kind: event.kind,
            transaction_id: event.transaction_id,
            client_mac: event.client.mac(),
            relay_ip: event.relay_ip,
            vlan_id: event.vlan_id,
            client_ip: message.client_ip(),
        };
        assert_eq!(messages.insert(number, fields), None);
    });
    messages
}

const COLUMNS: [&str; 12] = [
    "frame.number",
    "dhcp.option.dhcp",
    "dhcp.id",
    "dhcp.hw.len",
    "dhcp.hw.mac_addr",
    "dhcp.ip.relay",
    "ieee8021ad.id",
    "vlan.id",
    "dhcp.ip.client",
    "dhcp.ip.your",
    "dhcp.option.requested_ip_address",
    "dhcp.type",
];

/// Nothing if tshark is not installed.
fn as_tshark_reads(capture: &Path) -> Option<Messages> {
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-r"]).arg(capture).args(["-Y", "dhcp", "-T", "fields", "-E", "aggregator=|"]);
    for column in COLUMNS {
        tshark.args(["-e", column]);
    }
    let output = tshark.output().ok()?;
    let lines = String::from_utf8(output.stdout).unwrap();
    Some(lines.lines().map(fields).collect())
}

/// One line of tshark's, its addresses put together as the contract says.
fn fields(line: &str) -> (u64, Fields) {
    let columns: Vec<&str> = line.split('\t').collect();
    let [number, kind, id, hlen, mac, relay, outer, inner, client, your, requested, operation] = columns[..]
    else {
        panic!("columns are missing: {line}");
    };
    let kind = first(kind).parse().map_or(DhcpKind::Unspecified, DhcpKind::from_message_type);
    let [relay_ip, client, your, requested] = [relay, client, your, requested].map(address);
    let client_ip = match kind {
        DhcpKind::Nack => None,
        DhcpKind::Offer | DhcpKind::Ack => your.or(client),
        DhcpKind::Discover | DhcpKind::Request | DhcpKind::Decline => requested.or(client),
        DhcpKind::Release | DhcpKind::Inform => client,
        DhcpKind::Unspecified if first(operation) == "2" => your.or(client),
        DhcpKind::Unspecified => requested.or(client),
    };
    let octets: Vec<u8> =
        first(mac).split(':').filter_map(|octet| u8::from_str_radix(octet, 16).ok()).collect();
    let fields = Fields {
        kind,
        transaction_id: u32::from_str_radix(first(id).trim_start_matches("0x"), 16).unwrap(),
        client_mac: octets.try_into().ok().filter(|_| first(hlen) == "6"),
        relay_ip,
        // Service tags (802.1ad) stand outside customer tags (802.1Q).
        vlan_id: inner.rsplit('|').chain(outer.rsplit('|')).find_map(|id| id.parse().ok()),
        client_ip,
    };
    (number.parse().unwrap(), fields)
}

/// The first of several values in a column.
fn first(column: &str) -> &str {
    column.split('|').next().unwrap()
}

fn address(column: &str) -> Option<Ipv4Addr> {
    first(column).parse().ok().filter(|address: &Ipv4Addr| !address.is_unspecified())
}

#[test]
fn messages_are_those_that_tshark_reads() {
    let captures = captures();
    let mut compared = 0;
    for capture in &captures {
        let Some(expected) = as_tshark_reads(capture) else {
            eprintln!("messages_are_those_that_tshark_reads: skipped, tshark is not installed");
            return;
        };
        let messages = as_the_sensor_reads(capture);
        for (number, fields) in &expected {
            assert_eq!(messages.get(number), Some(fields), "{} frame {number}", capture.display());
        }
        assert_eq!(messages.len(), expected.len(), "{} has other messages too", capture.display());
        compared += messages.len();
    }
    assert!(captures.is_empty() || compared > 900, "only {compared} messages");
}

#[test]
fn each_message_is_an_event_with_an_id_of_its_own() {
    for capture in captures() {
        let mut encoder = Encoder::new(EncoderConfig::default()).unwrap();
        let mut output = Vec::new();
        let mut messages = 0;
        replay(&capture, |_, _, event| {
            encoder.encode(&Event::Dhcp(Box::new(event)), &mut output, &mut Counters::default());
            output.push(b'\n');
            messages += 1;
        });
        let output = String::from_utf8(output).unwrap();
        schema::check_lines(&output);
        assert_eq!(output.lines().count(), messages);
    }
}
