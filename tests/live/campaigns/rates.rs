//! What a sensor holds at which rate, beside `tcpdump -w /dev/null` in alternation.

use crate::live::Wire;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

/// Packets of the capture that is sent.
const PACKETS: u32 = 206_409;
/// How long a rate is held: all of the capture would fit the rings.
const SECONDS: u32 = 5;
/// Packets a second of which the highest that loses nothing is told to this.
const STEP: u32 = 10_000;

/// What is sent, and how fast.
#[derive(Clone, Copy)]
enum Speed {
    PacketsPerSecond(u32),
    /// As fast as the sender can.
    Top,
}

impl Speed {
    /// Sends; how many packets, and how many a second.
    fn send(self, wire: &Wire, capture: &Path) -> (u64, f64) {
        match self {
            Self::PacketsPerSecond(rate) => {
                wire.send_often(capture, rate, (rate * SECONDS).div_ceil(PACKETS))
            }
            Self::Top => wire.send_at_top_speed(capture, 20),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PacketsPerSecond(rate) => f.pad(&rate.to_string()),
            Self::Top => f.pad("top"),
        }
    }
}

/// What a run at one rate came to.
struct Run {
    /// Packets a second, as they were sent.
    reached: f64,
    sent: u64,
    seen: u64,
    kernel: u64,
    hand_over: u64,
    /// Findings and events that were dropped.
    later: u64,
    events: u64,
}

impl Run {
    fn of_sensor(wire: &Wire, capture: &Path, rules: Option<&str>, speed: Speed) -> Self {
        let arguments: Vec<_> = rules.iter().flat_map(|rules| ["-S", rules]).collect();
        let mut sensor = wire.sensor(&arguments);
        let (sent, reached) = speed.send(wire, capture);
        sensor.until_seen(sent);
        let count = |counter| sensor.count(counter);
        let run = Self {
            reached,
            sent,
            seen: count("packets_seen"),
            kernel: count("packets_dropped_kernel"),
            hand_over: count("packets_dropped_handover"),
            later: count("findings_dropped") + count("events_dropped_output"),
            events: count("alerts") + count("dhcp_events"),
        };
        sensor.stop();
        run
    }

    fn is_lossless(&self) -> bool {
        self.kernel + self.hand_over + self.later == 0
    }

    #[allow(clippy::print_stdout, reason = "the table is for whoever runs the campaign")]
    fn say(&self, who: &str, speed: Speed) {
        let Self { reached, sent, seen, kernel, hand_over, later, events } = self;
        println!(
            "{speed:>7} {who:<9} {reached:>9.0} {sent:>9} {seen:>9} {kernel:>9} {hand_over:>9} {later:>7} {events:>8}"
        );
    }
}

/// Packets that `tcpdump -w /dev/null` dropped, and how many a second were sent.
fn tcpdump(wire: &Wire, capture: &Path, speed: Speed) -> Option<(u64, f64)> {
    let mut command = wire.far("tcpdump");
    command.args(["-i", "rx", "-w", "/dev/null", "-B", "65536", "-Z", "root"]).stderr(Stdio::piped());
    let child = command.spawn().ok()?;
    thread::sleep(Duration::from_secs(1));
    let (_, reached) = speed.send(wire, capture);
    thread::sleep(Duration::from_secs(1));
    let pid = child.id().to_string();
    wire.far("kill").args(["-INT", &pid]).output().ok()?;
    let said = String::from_utf8_lossy(&child.wait_with_output().ok()?.stderr).into_owned();
    let dropped =
        said.lines().find_map(|line| line.strip_suffix(" packets dropped by kernel")?.parse().ok())?;
    Some((dropped, reached))
}

/// The capture and the rules of ET Open, where they are at hand.
#[allow(clippy::print_stdout, reason = "that a test skips is said")]
fn material(test: &str) -> Option<(PathBuf, PathBuf)> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let (capture, rules) =
        (shared.join("captures/perf.pcap"), shared.join("rules/et-open/emerging-all.rules"));
    if capture.is_file() {
        return Some((capture, rules));
    }
    println!("skipped {test}: ../shared is not there");
    None
}

const HEADER: &str = "   rate who         reached      sent      seen    kernel hand-over   later   events";

/// Sent, seen, dropped by stage, and events, without rules and with ET Open; `tcpdump` before and after.
#[test]
#[ignore = "takes minutes, and ../shared"]
fn the_table_of_rates() {
    let test = "the_table_of_rates";
    let Some((capture, rules)) = material(test) else { return };
    let Some(wire) = Wire::lay(test) else { return };
    println!("{HEADER}");
    let rates = [50_000, 100_000, 200_000, 400_000].map(Speed::PacketsPerSecond);
    for speed in rates.into_iter().chain([Speed::Top]) {
        let before = tcpdump(&wire, &capture, speed);
        let plain = Run::of_sensor(&wire, &capture, None, speed);
        let after = tcpdump(&wire, &capture, speed);
        for (dropped, reached) in [before, after].into_iter().flatten() {
            println!("{speed:>7} tcpdump   {reached:>9.0} {:>29}", dropped);
        }
        plain.say("no rules", speed);
        Run::of_sensor(&wire, &capture, rules.to_str(), speed).say("ET Open", speed);
        if matches!((before, after), (Some((0, _)), Some((0, _)))) {
            assert!(plain.is_lossless(), "tcpdump loses nothing at this rate");
        }
    }
}

/// Halves the range between a rate without loss and one with until it is a step wide. What is told is what was sent: on
/// the machine of the sensor the sender may be the one that cannot go faster.
#[test]
#[ignore = "takes minutes, and ../shared"]
fn the_highest_rate_without_loss_with_et_open() {
    let test = "the_highest_rate_without_loss_with_et_open";
    let Some((capture, rules)) = material(test) else { return };
    let Some(wire) = Wire::lay(test) else { return };
    println!("{HEADER}");
    let (mut held, mut lost, mut reached) = (0, 400_000, 0.0_f64);
    while lost - held > STEP {
        let rate = (held + lost) / 2;
        let speed = Speed::PacketsPerSecond(rate);
        let run = Run::of_sensor(&wire, &capture, rules.to_str(), speed);
        run.say("ET Open", speed);
        if run.is_lossless() {
            (held, reached) = (rate, reached.max(run.reached));
        } else {
            lost = rate;
        }
    }
    println!("{test}: {reached:.0} packets/s");
    assert!(held > 0, "no rate is held");
}
