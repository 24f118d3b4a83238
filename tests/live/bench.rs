//! Two network namespaces with a wire between them, a sensor at one end, and whoever sends at the other.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take on a machine that has other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Two namespaces, joined by a pair of virtual interfaces: `out0` in one, `rx` in the other.
pub(crate) struct Wire {
    near: String,
    far: String,
}

impl Wire {
    /// Lays a wire, or says by name that the test is skipped.
    pub(crate) fn lay(test: &str) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if let Some(missing) = missing() {
            eprintln!("skipped {test}: {missing}");
            return None;
        }
        let name = format!("lv{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let wire = Self { near: format!("{name}n"), far: format!("{name}f") };
        ip(&["netns", "add", &wire.near]);
        ip(&["netns", "add", &wire.far]);
        wire.plug();
        Some(wire)
    }

    /// Makes the pair of interfaces.
    pub(crate) fn plug(&self) {
        for namespace in [&self.near, &self.far] {
            ip(&["-n", namespace, "link", "set", "lo", "up"]);
            // Nothing but what the test sends is on the wire.
            run(self.inside(namespace, "sysctl").args(["-qw", "net.ipv6.conf.default.disable_ipv6=1"]));
        }
        ip(&[
            "-n", &self.near, "link", "add", "out0", "type", "veth", "peer", "name", "rx", "netns", &self.far,
        ]);
        for (namespace, interface) in [(&self.near, "out0"), (&self.far, "rx")] {
            ip(&["-n", namespace, "link", "set", interface, "mtu", "65535", "arp", "off", "up"]);
        }
    }

    /// Takes the pair of interfaces away.
    pub(crate) fn unplug(&self) {
        ip(&["-n", &self.far, "link", "del", "rx"]);
    }

    fn inside(&self, namespace: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, program]).stdin(Stdio::null());
        command
    }

    /// A command where packets are sent from.
    pub(crate) fn near(&self, program: &str) -> Command {
        self.inside(&self.near, program)
    }

    /// A command where the sensor is.
    pub(crate) fn far(&self, program: &str) -> Command {
        self.inside(&self.far, program)
    }

    /// Sends a capture, at so many packets a second, and waits for the end of it; how many packets it sent.
    pub(crate) fn send(&self, capture: &Path, packets_per_second: u32) -> u64 {
        self.send_often(capture, packets_per_second, 1).0
    }

    /// The same so many times in a row, and how many packets it sent a second.
    pub(crate) fn send_often(&self, capture: &Path, packets_per_second: u32, times: u32) -> (u64, f64) {
        self.replay(capture, &["--pps", &packets_per_second.to_string()], times)
    }

    /// As fast as this machine can.
    pub(crate) fn send_at_top_speed(&self, capture: &Path, times: u32) -> (u64, f64) {
        self.replay(capture, &["--topspeed"], times)
    }

    fn replay(&self, capture: &Path, speed: &[&str], times: u32) -> (u64, f64) {
        let begun = Instant::now();
        let output = self
            .near("tcpreplay")
            .args(["-q", "-K", "-i", "out0", "--loop", &times.to_string()])
            .args(speed)
            .arg(capture)
            .output()
            .unwrap();
        let took = begun.elapsed().as_secs_f64();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let after = |label| text.lines().find_map(|line| line.trim().strip_prefix(label));
        let sent = after("Successful packets:").unwrap_or_else(|| panic!("no number of packets in {text}"));
        let sent: u64 = sent.trim().parse().unwrap();
        let rated =
            after("Rated:").and_then(|line| line.split(", ").nth(2)?.strip_suffix(" pps")?.parse().ok());
        (sent, rated.unwrap_or(sent as f64 / took))
    }

    /// Starts a sensor and waits until it is ready.
    pub(crate) fn sensor(&self, arguments: &[&str]) -> Sensor {
        Sensor::start(self, TempDir::new().unwrap(), arguments)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for namespace in [&self.near, &self.far] {
            // One that is gone already is what is wanted.
            let _ = Command::new("ip").args(["netns", "del", namespace]).output();
        }
    }
}

/// What this machine lacks for tests on the wire.
fn missing() -> Option<&'static str> {
    let root = fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t")));
    let has = |program: &str| {
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .any(|directory| directory.join(program).is_file())
    };
    [(root, "it takes root"), (has("ip"), "there is no ip"), (has("tcpreplay"), "there is no tcpreplay")]
        .into_iter()
        .find_map(|(there, what)| (!there).then_some(what))
}

fn ip(arguments: &[&str]) {
    run(Command::new("ip").args(arguments));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A sensor that captures from `rx`, with a directory of its own.
pub(crate) struct Sensor {
    child: Option<Child>,
    pub(crate) folder: TempDir,
}

impl Sensor {
    pub(crate) fn start(wire: &Wire, folder: TempDir, arguments: &[&str]) -> Self {
        let log = fs::OpenOptions::new().create(true).append(true).open(folder.path().join("log")).unwrap();
        let mut command = wire.far(env!("CARGO_BIN_EXE_sensor"));
        command
            .args(["run", "-i", "rx", "--set", "operation.metrics=127.0.0.1:9419", "--state-dir"])
            .arg(folder.path())
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(log)
            .env("NO_COLOR", "1");
        if !arguments.contains(&"-o") {
            command.arg("-o").arg(folder.path().join("events.jsonl"));
        }
        let sensor = Self { child: Some(command.spawn().unwrap()), folder };
        sensor.until("it is ready", |sensor| {
            sensor.try_ask("status").is_some_and(|status| status["ready"] == true)
        });
        sensor
    }

    fn try_ask(&self, command: &str) -> Option<Value> {
        let output = self.ctl(&[command]);
        output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
    }

    /// `sensor ctl`.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_sensor"))
            .args(["ctl", "--state-dir"])
            .arg(self.folder.path())
            .args(arguments)
            .output()
            .unwrap()
    }

    /// What the sensor answers.
    pub(crate) fn ask(&self, command: &str) -> Value {
        self.try_ask(command).unwrap_or_else(|| panic!("no answer to {command}: {}", self.log()))
    }

    /// A count since the start.
    pub(crate) fn count(&self, counter: &str) -> u64 {
        let stats = self.ask("stats");
        assert_eq!(stats["discrepancies"], Value::Array(vec![]), "{stats:#}");
        stats["windows"]["start"]["counters"][counter].as_u64().unwrap_or_else(|| panic!("no {counter}"))
    }

    /// Waits until something holds.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < until, "{what} does not come true: {}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until so many packets were seen and worked on, or dropped.
    pub(crate) fn until_seen(&self, packets: u64) {
        self.until("all packets are worked on", |sensor| {
            let dropped = ["packets_dropped_kernel", "packets_dropped_handover"];
            let lost: u64 = dropped.map(|counter| sensor.count(counter)).iter().sum();
            sensor.count("packets_read") + lost >= packets
        });
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        let status = self.ask("status");
        u32::try_from(status["pid"].as_u64().unwrap()).unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        run(Command::new("kill").args([&format!("-{signal}"), &self.pid().to_string()]));
    }

    /// Sends SIGTERM and waits for the end; the exit code.
    pub(crate) fn stop(&mut self) -> i32 {
        self.signal("TERM");
        self.wait()
    }

    /// Waits for the end; the exit code.
    pub(crate) fn wait(&mut self) -> i32 {
        let mut child = self.child.take().expect("it was not waited for yet");
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < until, "it does not end: {}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it said on standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The events it wrote.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("events.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a line is an event")).collect()
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It has ended if this fails.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
