//! More packets than the sensor can hold: what is lost is counted, memory stays, and afterwards all is well.

use super::memory;
use crate::live::{Folder, RULES, Sensor, Wire, sessions};
use std::thread;
use std::time::{Duration, Instant};

/// As [`sessions`] makes them: handshake, request, answer, end, and what acknowledges them.
const PACKETS_OF_A_SESSION: u32 = 10;
/// Memory that comes and goes with what is in hand.
const FLUCTUATION: u64 = 32 << 20;

/// Rules that take their time.
fn heavy_rules(folder: &Folder) -> String {
    let slow = |sid: u64| {
        format!(
            "alert tcp any any -> any any (content:\"GET\"; pcre:\"/G.*E.*T.*(a+)+{sid}$/\"; sid:{sid};)\n"
        )
    };
    let text: String = (100..200).map(slow).collect();
    folder.write("heavy.rules", (text + RULES).as_bytes()).display().to_string()
}

/// Packets a second of which the sensor drops half or more: twice what it holds. And how many were sent to find out.
fn twice_what_it_holds(sensor: &Sensor, send: impl Fn(u32, u32) -> u64) -> (u32, u64) {
    let dropped = || sensor.count("packets_dropped_kernel");
    let (mut rate, mut sent) = (10_000, 0);
    loop {
        let before = dropped();
        let more = send(rate, 2);
        sent += more;
        sensor.until_seen(sent);
        if 2 * (dropped() - before) >= more {
            return (rate, sent);
        }
        rate += rate / 2;
        assert!(rate < 2_000_000, "no rate overloads it");
    }
}

/// Sends at twice the rate that the sensor can hold, through a ring of 1 MiB; how long it then took to be through with
/// everything.
fn overload(test: &str, seconds: u32) -> Option<Duration> {
    let wire = Wire::lay(test)?;
    let folder = Folder::new();
    let rules = heavy_rules(&folder);
    let capture = folder.write("sessions.pcap", &sessions(2000));
    let packets = PACKETS_OF_A_SESSION * 2000;
    let mut sensor =
        wire.sensor(&["-S", &rules, "--workers", "1", "--set", "capture.live.ring_bytes=1048576"]);
    let send =
        |rate: u32, seconds: u32| wire.send_often(&capture, rate, (rate * seconds).div_ceil(packets)).0;
    let (rate, mut sent) = twice_what_it_holds(&sensor, send);
    let dropped_before = sensor.count("packets_dropped_kernel");
    // Asking for a count checks that all add up at this moment.
    let (more, memory_of) = thread::scope(|scope| {
        let sending = scope.spawn(|| send(rate, seconds));
        let mut memory_of = Vec::new();
        while !sending.is_finished() {
            sensor.count("packets_seen");
            memory_of.push(memory(&sensor));
            thread::sleep(Duration::from_millis(200));
        }
        (sending.join().unwrap(), memory_of)
    });
    let ended = Instant::now();
    sent += more;
    sensor.until_seen(sent);
    let recovered = ended.elapsed();
    let count = |counter| sensor.count(counter);
    assert_eq!(count("packets_seen"), sent);
    assert_eq!(count("packets_dropped_kernel") + count("packets_received"), sent);
    assert_eq!(count("packets_read"), count("packets_received"));
    let dropped = count("packets_dropped_kernel");
    assert!(dropped > dropped_before, "it is overloaded");
    // What the first half has filled is not outgrown in the second.
    let (first, second) = memory_of.split_at(memory_of.len() / 2);
    let most = |some: &[u64]| some.iter().copied().max().unwrap_or_default();
    eprintln!(
        "{test}: {more} packets sent at {rate} a second, {} dropped, memory at most {} MiB in the first \
         half and {} in the second, all worked on {} ms after the end",
        dropped - dropped_before,
        most(first) >> 20,
        most(second) >> 20,
        recovered.as_millis()
    );
    assert!(most(second) <= most(first) + FLUCTUATION, "{}", sensor.log());
    let alerts = count("alerts");
    let calm = folder.write("calm.pcap", &sessions(20));
    sensor.until_seen(sent + wire.send(&calm, 500));
    assert_eq!(sensor.count("packets_dropped_kernel"), dropped, "it has recovered");
    assert!(sensor.count("alerts") > alerts, "it alerts again");
    assert_eq!(sensor.stop(), 0);
    assert!(!sensor.log().contains("do not add up"), "{}", sensor.log());
    Some(recovered)
}

#[test]
fn what_overload_costs_is_counted_exactly() {
    overload("what_overload_costs_is_counted_exactly", 3);
}

#[test]
#[ignore = "takes ten minutes"]
fn ten_minutes_of_overload() {
    if let Some(recovered) = overload("ten_minutes_of_overload", 600) {
        assert!(recovered < Duration::from_secs(1), "{recovered:?}");
    }
}
