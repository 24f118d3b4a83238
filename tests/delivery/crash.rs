//! kill -9 at random moments: what was acknowledged to the spool or to the stream arrives, and nothing else.

use super::{Rig, accept, eventually};
use sensor::dev::fake_aws::{FakeConfig, Fault, FaultKind, Script};
use sensor::sink::kinesis::integration::Store;
use sensor::sink::kinesis::{DeliveryConfig, KinesisSink};
use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

const ROLE: &str = "SENSOR_TEST_CRASH_DIRECTORY";
const EVENTS: u64 = 4_000;

/// The process that is killed: it delivers through a failing stand-in and says what is on disk or acknowledged.
#[test]
#[ignore = "run by kill_9_loses_nothing_that_was_acknowledged as a process of its own"]
fn victim() {
    let Ok(directory) = std::env::var(ROLE) else { return };
    let directory = std::path::Path::new(&directory);
    let config = std::fs::read(directory.join("delivery.json")).unwrap();
    let config: DeliveryConfig = serde_json::from_slice(&config).unwrap();
    let first: u64 = std::fs::read_to_string(directory.join("first")).unwrap().parse().unwrap();
    let mut sink = KinesisSink::start(&config, &Store::new(directory), &super::origin()).unwrap();
    for from in (first..first + EVENTS).step_by(50) {
        accept(&mut sink, from..from + 50, 100, 100);
        // Everything before this point was waited for, so it is on disk or in the stream.
        sensor::sink::Sink::flush(&mut sink).unwrap();
        println!("acknowledged {}", from + 50);
    }
    println!("acknowledged all");
    std::thread::sleep(Duration::from_secs(60));
}

fn kill_at_random(rounds: u64) {
    let script = Script::of([
        Fault::share(FaultKind::RecordFailure, 0.2),
        Fault::share(FaultKind::ServerError, 0.2),
        Fault::share(FaultKind::HalfAnswer, 0.05),
    ]);
    let mut rig = Rig::new(FakeConfig { shard_limits: false, script, ..FakeConfig::default() });
    rig.config.kinesis.max_tries = 1_000;
    rig.config.kinesis.spool_after_ms = 0;
    rig.config.kinesis.backoff_base_ms = 20;
    std::fs::write(rig.directory.path().join("delivery.json"), serde_json::to_vec(&rig.config).unwrap())
        .unwrap();
    let mut random = fastrand::Rng::with_seed(5);
    let mut acknowledged = HashSet::new();
    for round in 0..rounds {
        let first = round * EVENTS;
        std::fs::write(rig.directory.path().join("first"), first.to_string()).unwrap();
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "delivery::crash::victim", "--ignored", "--nocapture"])
            .env(ROLE, rig.directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
        let moment = Duration::from_millis(random.u64(200..1_200));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(moment);
            victim.kill().unwrap();
            victim.wait().unwrap();
        });
        for line in lines.map_while(Result::ok) {
            if let Some(upto) = line.strip_prefix("acknowledged ").and_then(|upto| upto.parse::<u64>().ok()) {
                acknowledged.extend(first..upto);
            }
        }
        killer.join().unwrap();
    }
    rig.aws.play(Script::default());
    let sink = rig.sink();
    let recovered = sink.recovery().events;
    sink.close(Duration::from_secs(60), true);
    let taken = rig.taken();
    let arrived: HashSet<u64> = taken.numbers().collect();
    let missing: Vec<_> = acknowledged.difference(&arrived).take(5).collect();
    assert!(missing.is_empty(), "lost although acknowledged: {missing:?}");
    assert!(arrived.iter().all(|&number| number < rounds * EVENTS), "something arrived that was not made");
    eprintln!(
        "{} acknowledged, {} arrived, {recovered} recovered at the end",
        acknowledged.len(),
        taken.unique()
    );
    assert!(!acknowledged.is_empty());
    drop(taken);
    eventually("an empty spool", Duration::from_secs(1), || rig.sink().recovery().events == 0);
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    kill_at_random(5);
}

#[test]
#[ignore = "takes minutes; the short form runs by default"]
fn kill_9_a_hundred_times_loses_nothing_that_was_acknowledged() {
    kill_at_random(100);
}
