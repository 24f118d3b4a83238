//! A process of its own that delivers, for what shows only from outside: its memory, and its end at any moment.

use super::{Rig, accept, origin};
use sensor::sink::Sink;
use sensor::sink::kinesis::integration::Store;
use sensor::sink::kinesis::{DeliveryConfig, KinesisSink};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const DIRECTORY: &str = "SENSOR_TEST_CHILD_DIRECTORY";

/// What the process is to do.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Plan {
    /// The number of its first event.
    pub(super) first: u64,
    pub(super) events: u64,
    /// Events handed over at a time.
    pub(super) step: u64,
    pub(super) keys: u64,
    /// Bytes added to each event.
    pub(super) padding: usize,
    /// Events a second; 0 for as many as are taken.
    pub(super) rate: u64,
    /// Whether it waits after each step until everything is on disk or in the stream, and says so.
    pub(super) flush: bool,
    pub(super) close_within_s: u64,
}

/// What it says.
#[derive(Debug, Deserialize, Serialize)]
pub(super) enum Said {
    /// All events before this one are on disk or in the stream.
    Acknowledged(u64),
    /// All events were handed over.
    Fed,
    /// The delivery is over.
    Closed { account: serde_json::Value, peak_bytes: u64 },
}

impl Said {
    #[allow(clippy::print_stdout, reason = "its output is read by whoever started it")]
    fn say(&self) {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", serde_json::to_string(self).unwrap()).unwrap();
        out.flush().unwrap();
    }
}

#[test]
#[ignore = "run by other tests as a process of its own"]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let directory = Path::new(&directory);
    let read = |name: &str| std::fs::read(directory.join(name)).unwrap();
    let config: DeliveryConfig = serde_json::from_slice(&read("delivery.json")).unwrap();
    let plan: Plan = serde_json::from_slice(&read("plan.json")).unwrap();
    let mut sink = KinesisSink::start(&config, &Store::new(directory), &origin()).unwrap();
    let (begun, end) = (Instant::now(), plan.first + plan.events);
    for from in (plan.first..end).step_by(plan.step as usize) {
        let upto = end.min(from + plan.step);
        accept(&mut sink, from..upto, plan.keys, plan.padding);
        if plan.flush {
            sink.flush().unwrap();
            Said::Acknowledged(upto).say();
        }
        if let Some(due_ms) = ((upto - plan.first) * 1_000).checked_div(plan.rate) {
            std::thread::sleep(Duration::from_millis(due_ms).saturating_sub(begun.elapsed()));
        }
    }
    Said::Fed.say();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let account = sink.close(Duration::from_secs(plan.close_within_s), true);
    Said::Closed { account: serde_json::to_value(account).unwrap(), peak_bytes: peak_bytes() }.say();
}

/// The most memory that this process ever had resident (proc(5), `VmHWM`).
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1_024
}

/// The process as its parent sees it; it ends with the test.
pub(super) struct Deliverer {
    process: Child,
    orders: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Deliverer {
    /// Starts it with the rig's configuration and state.
    pub(super) fn start(rig: &Rig, plan: Plan) -> Self {
        let write =
            |name: &str, json: Vec<u8>| std::fs::write(rig.directory.path().join(name), json).unwrap();
        write("delivery.json", serde_json::to_vec(&rig.config).unwrap());
        write("plan.json", serde_json::to_vec(&plan).unwrap());
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "delivery::child::child", "--ignored", "--nocapture"])
            .env(DIRECTORY, rig.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let orders = process.stdin.take().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, orders, lines }
    }

    /// What it says next; nothing when it ended. The test harness around it says other things, too.
    pub(super) fn next(&mut self) -> Option<Said> {
        self.lines.by_ref().map_while(Result::ok).find_map(|line| serde_json::from_str(&line).ok())
    }

    pub(super) fn await_fed(&mut self) {
        while !matches!(self.next().expect("it feeds to the end"), Said::Fed) {}
    }

    /// Lets it end; its account, and the most memory that it had.
    pub(super) fn close(mut self) -> (serde_json::Value, u64) {
        self.orders.write_all(b"close\n").unwrap();
        loop {
            if let Said::Closed { account, peak_bytes } = self.next().expect("it says how it ended") {
                return (account, peak_bytes);
            }
        }
    }

    /// Has it killed (kill -9) after a time, while it is listened to.
    pub(super) fn kill_after(&self, moment: Duration) -> JoinHandle<()> {
        let process = self.process.id().to_string();
        std::thread::spawn(move || {
            std::thread::sleep(moment);
            assert!(Command::new("kill").args(["-9", &process]).status().unwrap().success());
        })
    }
}

impl Drop for Deliverer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
