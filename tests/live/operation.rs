//! Running as a service: signals, sockets, interfaces that come and go, disks that fill up.

use super::{Folder, Sensor, Wire, sessions};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use tempfile::TempDir;

#[test]
fn signals_reload_write_statistics_and_drain() {
    let Some(wire) = Wire::lay("signals_reload_write_statistics_and_drain") else { return };
    let folder = Folder::new();
    let capture = folder.write("sessions.pcap", &sessions(20));
    let mut sensor = wire.sensor(&["-S", &folder.rules(), "--set", "operation.statistics_every_s=0"]);
    sensor.until_seen(wire.send(&capture, 2000));
    let lines = |sensor: &Sensor| sensor.log().matches("seen ").count();
    assert_eq!(lines(&sensor), 0);
    sensor.signal("USR1");
    sensor.until("a line of statistics is written", |sensor| lines(sensor) == 1);
    sensor.signal("USR2");
    sensor.until("rules are loaded", |sensor| sensor.ask("status")["reloads"] == 1);
    fs::rename(sensor.folder.path().join("events.jsonl"), sensor.folder.path().join("moved")).unwrap();
    sensor.signal("HUP");
    sensor.until("all is loaded", |sensor| sensor.ask("status")["reloads"] == 2);
    wire.send(&capture, 2000);
    sensor.until("the file is opened anew", |sensor| sensor.events().len() == 40);
    sensor.signal("INT");
    assert_eq!(sensor.wait(), 0, "{}", sensor.log());
    assert!(sensor.log().contains("events written"), "the summary closes the run: {}", sensor.log());
    assert!(!sensor.folder.path().join("control.sock").exists());
}

/// With an output that takes nothing the end would be waited for, here for an hour.
#[test]
fn a_second_interrupt_stops_at_once() {
    let Some(wire) = Wire::lay("a_second_interrupt_stops_at_once") else { return };
    let folder = Folder::new();
    let pipe = folder.0.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let held = fs::File::options().read(true).write(true).open(&pipe).unwrap();
    let rules = folder.rules();
    let arguments = ["-S", &rules, "-o", pipe.to_str().unwrap(), "--set", "operation.drain_within_s=3600"];
    let mut sensor = wire.sensor(&arguments);
    let capture = folder.write("sessions.pcap", &sessions(400));
    sensor.until_seen(wire.send(&capture, 4000));
    sensor.signal("INT");
    sensor.until("it is stopping", |sensor| {
        sensor.ask("status")["not_ready_because"].to_string().contains("the sensor is stopping")
    });
    sensor.signal("INT");
    assert_eq!(sensor.wait(), 130, "{}", sensor.log());
    drop(held);
}

#[test]
fn an_output_that_takes_nothing_is_waited_for_no_longer_than_configured() {
    let test = "an_output_that_takes_nothing_is_waited_for_no_longer_than_configured";
    let Some(wire) = Wire::lay(test) else { return };
    let folder = Folder::new();
    let pipe = folder.0.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let held = fs::File::options().read(true).write(true).open(&pipe).unwrap();
    let rules = folder.rules();
    let arguments = ["-S", &rules, "-o", pipe.to_str().unwrap(), "--set", "operation.drain_within_s=1"];
    let mut sensor = wire.sensor(&arguments);
    let capture = folder.write("sessions.pcap", &sessions(400));
    let sent = wire.send(&capture, 4000);
    sensor.until_seen(sent);
    // Packets do not wait for events.
    sensor.until_seen(sent + wire.send(&capture, 4000));
    assert_eq!(sensor.stop(), 0);
    assert!(sensor.log().contains("not everything could be done in the time given"), "{}", sensor.log());
    drop(held);
}

#[test]
fn the_counts_add_up_with_records_of_transactions_and_flows() {
    let test = "the_counts_add_up_with_records_of_transactions_and_flows";
    let Some(wire) = Wire::lay(test) else { return };
    let folder = Folder::new();
    let capture = folder.write("sessions.pcap", &sessions(20));
    let records = "events.records=[\"http\", \"flow\"]";
    let mut sensor = wire.sensor(&["-S", &folder.rules(), "--set", records]);
    sensor.until_seen(wire.send(&capture, 2000));
    sensor.until("transactions are told of", |sensor| sensor.count("activity_records") >= 20);
    assert_eq!(sensor.stop(), 0);
    assert!(!sensor.log().contains("do not add up"), "{}", sensor.log());
    // Two alerts, a transaction and a flow for each session.
    assert_eq!(sensor.events().len(), 20 * 4, "{}", sensor.log());
}

#[test]
fn the_control_socket_is_its_owners_alone() {
    let Some(wire) = Wire::lay("the_control_socket_is_its_owners_alone") else { return };
    let mut sensor = wire.sensor(&[]);
    let socket = sensor.folder.path().join("control.sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(sensor.ask("flows")["now"], 0);
    assert_eq!(sensor.ask("drain")["draining"], true);
    assert_eq!(sensor.wait(), 0);
    let output = sensor.ctl(&["status"]);
    assert_eq!(output.status.code(), Some(69), "nobody answers any more: {output:?}");
}

fn get(wire: &Wire, path: &str) -> Output {
    let script = format!(
        "exec 3<>/dev/tcp/127.0.0.1/9419; printf 'GET {path} HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n' >&3; cat <&3"
    );
    wire.far("bash").args(["-c", &script]).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn metrics_and_health_are_served() {
    let Some(wire) = Wire::lay("metrics_and_health_are_served") else { return };
    let folder = Folder::new();
    let capture = folder.write("sessions.pcap", &sessions(20));
    let mut sensor = wire.sensor(&["-S", &folder.rules()]);
    let sent = wire.send(&capture, 2000);
    sensor.until_seen(sent);
    let metrics = text(&get(&wire, "/metrics"));
    assert!(metrics.contains(&format!("\nsensor_packets_seen_total {sent}\n")), "{metrics}");
    assert!(metrics.contains("\nsensor_alerts_total 40\n"), "{metrics}");
    assert!(metrics.contains("sensor_sink_events_total{sink=\"file\",state=\"created\"} 40"), "{metrics}");
    assert!(!metrics.contains("203.0.113"), "no address is told apart");
    assert!(text(&get(&wire, "/healthz")).starts_with("HTTP/1.0 200"));
    assert!(text(&get(&wire, "/readyz")).starts_with("HTTP/1.0 200"));
    assert!(text(&get(&wire, "/other")).starts_with("HTTP/1.0 404"));
    super::dashboards::every_metric_that_is_named_exists(&metrics);
    assert_eq!(sensor.stop(), 0);
}

#[test]
fn an_interface_that_goes_away_comes_back() {
    let Some(wire) = Wire::lay("an_interface_that_goes_away_comes_back") else { return };
    let folder = Folder::new();
    let capture = folder.write("sessions.pcap", &sessions(20));
    let mut sensor = wire.sensor(&["-S", &folder.rules(), "--workers", "2"]);
    sensor.until_seen(wire.send(&capture, 2000));
    wire.unplug();
    sensor.until("it is not ready", |sensor| sensor.ask("status")["ready"] == false);
    assert!(sensor.ask("status")["not_ready_because"][0].as_str().unwrap().contains("rx"));
    assert!(text(&get(&wire, "/readyz")).starts_with("HTTP/1.0 503"));
    wire.plug();
    sensor.until("it is ready again", |sensor| sensor.ask("status")["ready"] == true);
    wire.send(&capture, 2000);
    sensor.until("sessions are seen again", |sensor| sensor.count("alerts") == 80);
    assert_eq!(sensor.stop(), 0);
}

#[test]
fn a_killed_sensor_leaves_nothing_that_hinders_the_next() {
    let Some(wire) = Wire::lay("a_killed_sensor_leaves_nothing_that_hinders_the_next") else { return };
    let folder = Folder::new();
    let capture = folder.write("sessions.pcap", &sessions(20));
    let rules = folder.rules();
    let mut killed = wire.sensor(&["-S", &rules]);
    wire.send(&capture, 2000);
    killed.until("events are on disk", |sensor| sensor.events().len() == 40);
    killed.signal("KILL");
    killed.wait();
    let state = std::mem::replace(&mut killed.folder, TempDir::new().unwrap());
    let mut next = Sensor::start(&wire, state, &["-S", &rules]);
    wire.send(&capture, 2000);
    next.until("events go on", |sensor| sensor.events().len() == 80);
    assert_eq!(next.stop(), 0);
}

#[test]
fn two_sensors_do_not_share_a_control_socket() {
    let Some(wire) = Wire::lay("two_sensors_do_not_share_a_control_socket") else { return };
    let sensor = wire.sensor(&[]);
    let output = wire
        .far(env!("CARGO_BIN_EXE_sensor"))
        .args(["run", "-i", "rx", "--set", "operation.metrics=", "--state-dir"])
        .arg(sensor.folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stderr).contains("another sensor serves it"));
}

#[test]
fn a_full_disk_costs_events_and_no_more() {
    let Some(wire) = Wire::lay("a_full_disk_costs_events_and_no_more") else { return };
    let folder = Folder::new();
    let capture = folder.write("sessions.pcap", &sessions(20));
    let mut sensor = wire.sensor(&["-S", &folder.rules(), "-o", "/dev/full"]);
    let sent = wire.send(&capture, 2000);
    sensor.until_seen(sent);
    sensor.until("it says so", |sensor| sensor.log().contains("events are lost"));
    assert!(sensor.log().contains("/dev/full"), "{}", sensor.log());
    wire.send(&capture, 2000);
    sensor.until_seen(2 * sent);
    assert_eq!(sensor.ask("status")["ready"], true);
    assert_eq!(sensor.ask("stats")["sinks"]["file"]["balances"], true);
    assert_eq!(sensor.stop(), 0);
}
