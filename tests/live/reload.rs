//! Rules change without a gap.

use super::{Folder, Sensor, Wire, sessions};
use fixtures::pcap_file::pcap;
use fixtures::tcp::Session;
use std::fs;
use std::thread;

/// Reloads so many times while sessions come, every tenth time with rules that are wrong.
pub(super) fn reload_under_traffic(test: &str, reloads: u64, count: u64, packets_per_second: u32) {
    let Some(wire) = Wire::lay(test) else { return };
    let folder = Folder::new();
    let capture = folder.write("sessions.pcap", &sessions(count));
    let rules = folder.rules();
    let sound = fs::read_to_string(&rules).unwrap();
    let mut sensor = wire.sensor(&["-S", &rules, "--workers", "2"]);
    let sent = thread::scope(|scope| {
        let sending = scope.spawn(|| wire.send(&capture, packets_per_second));
        for number in 1..=reloads {
            let broken = number % 10 == 0;
            let more =
                format!("alert ip any any -> any any (content:\"none {number}\"; sid:{};)\n", 100 + number);
            let wrong = if broken { "alert tcp any any -> any any (contnet:\"x\"; sid:9;)\n" } else { "" };
            fs::write(&rules, format!("{more}{sound}{wrong}")).unwrap();
            let output = sensor.ctl(&["reload", "--rules"]);
            assert_eq!(output.status.code(), Some(i32::from(broken)), "reload {number}: {output:?}");
            if broken {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(said.contains("contnet"), "{said}");
            }
        }
        sending.join().unwrap()
    });
    sensor.until_seen(sent);
    assert_eq!(sensor.count("packets_seen"), sent);
    assert_eq!(sensor.count("packets_dropped_kernel"), 0, "{}", sensor.ask("stats"));
    let status = sensor.ask("status");
    assert_eq!(status["reloads"], reloads - reloads / 10);
    assert_eq!(status["reloads_refused"], reloads / 10);
    assert_eq!(sensor.count("flows_created"), count, "no flow is begun twice");
    assert_eq!(sensor.stop(), 0);
    assert_eq!(sensor.events().len() as u64, 2 * count, "each session alerts twice: {}", sensor.log());
}

#[test]
fn reloads_lose_no_packet_and_no_flow() {
    reload_under_traffic("reloads_lose_no_packet_and_no_flow", 20, 400, 1000);
}

/// What a flow has behind it counts for rules that come later: a bit set before a reload is there after it.
#[test]
fn what_rules_remember_of_a_flow_outlives_a_reload() {
    let Some(wire) = Wire::lay("what_rules_remember_of_a_flow_outlives_a_reload") else { return };
    let folder = Folder::new();
    let request = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let session = Session::v4("10.0.0.1:4242", "203.0.113.80:80").handshake();
    let session = session.client(request).server(answer).client(request).server(answer).close();
    let whole = pcap(&session.frames());
    let rules = folder.write(
        "bits.rules",
        b"alert tcp any any -> any 80 (content:\"GET /\"; flowbits:set,asked; noalert; sid:1;)\n",
    );
    let mut sensor = wire.sensor(&["-S", rules.to_str().unwrap(), "--workers", "1"]);
    // Rules look at the first request once it is acknowledged, with the client's next packets.
    let (asked, answered) = cut(&whole, 8);
    sensor.until_seen(wire.send(&folder.write("asked.pcap", &asked), 100));
    fs::write(
        &rules,
        "alert tcp any any -> any any (content:\"other\"; flowbits:set,first; sid:7;)\n\
         alert tcp any 80 -> any any (content:\"200 OK\"; flowbits:isset,asked; sid:2;)\n",
    )
    .unwrap();
    assert!(sensor.ctl(&["reload"]).status.success());
    wire.send(&folder.write("answered.pcap", &answered), 100);
    sensor.until("an answer alerts", |sensor| sensor.count("alerts") >= 1);
    assert_eq!(sensor.count("flows_created"), 1);
    assert_eq!(sensor.stop(), 0);
}

/// A capture in two, the first of so many packets.
fn cut(capture: &[u8], packets: usize) -> (Vec<u8>, Vec<u8>) {
    const FILE_HEADER: usize = 24;
    let mut at = FILE_HEADER;
    for _ in 0..packets {
        let len = u32::from_le_bytes(capture[at + 8..at + 12].try_into().unwrap());
        at += 16 + len as usize;
    }
    (capture[..at].to_vec(), [&capture[..FILE_HEADER], &capture[at..]].concat())
}

fn refused(sensor: &Sensor, because: &str) {
    let output = sensor.ctl(&["reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(because), "{said}");
    assert_eq!(sensor.ask("status")["rules"]["loaded"], 2, "those in use stay");
}

#[test]
fn rules_that_are_gone_or_empty_are_refused() {
    let Some(wire) = Wire::lay("rules_that_are_gone_or_empty_are_refused") else { return };
    let folder = Folder::new();
    let rules = folder.rules();
    let mut sensor = wire.sensor(&["-S", &rules]);
    fs::write(&rules, "# nothing\n").unwrap();
    refused(&sensor, "no rule would be left");
    fs::remove_file(&rules).unwrap();
    refused(&sensor, "No such file");
    fs::create_dir(&rules).unwrap();
    refused(&sensor, "no rule would be left");
    assert_eq!(sensor.stop(), 0);
}
