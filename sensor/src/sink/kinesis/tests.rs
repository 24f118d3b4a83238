//! The engine against a simulated stream, on a simulated clock.

use super::answer::{Answer, Fault, FaultKind, RecordAnswer};
use super::config::{KinesisConfig, PartitionKey, RecordForm};
use super::engine::{Consequences, Engine, Request};
use super::shard_map;
use crate::sink::accounting::{Ledger, Place, ShardAccount};
use crate::sink::testing::{record, sized_record};
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Shares of what goes wrong.
#[derive(Clone, Copy, Default)]
struct Chances {
    record_failure: f64,
    record_throttle: f64,
    lost_answer: f64,
    lost_request: f64,
    short_answer: f64,
}

struct Simulation {
    engine: Engine,
    ledger: Ledger,
    now: Instant,
    random: fastrand::Rng,
    chances: Chances,
    shards: u128,
    /// Answers on their way, by when they come.
    coming: BinaryHeap<std::cmp::Reverse<(Instant, u64)>>,
    answers: HashMap<u64, Answer>,
    /// Event numbers by key, in the order the stream took them, duplicates left out.
    taken: HashMap<u64, Vec<u64>>,
    seen: HashSet<u64>,
    duplicates: u64,
    records: u64,
    largest_request: usize,
    /// What is left of each shard's quotas, where it keeps any.
    quotas: Vec<Quota>,
    /// By how much the writer wakes up too late at the most.
    latest: Duration,
}

/// Records and bytes of a second may be saved up.
#[derive(Clone, Copy)]
struct Quota {
    records: f64,
    bytes: f64,
    since: Instant,
}

impl Quota {
    const RECORDS_PER_S: f64 = 1_000.0;
    const BYTES_PER_S: f64 = 1_000_000.0;

    fn new(now: Instant) -> Self {
        Self { records: Self::RECORDS_PER_S, bytes: Self::BYTES_PER_S, since: now }
    }

    fn takes(&mut self, bytes: usize, now: Instant) -> bool {
        let seconds = (now - self.since).as_secs_f64();
        self.since = now;
        self.records = (self.records + Self::RECORDS_PER_S * seconds).min(Self::RECORDS_PER_S);
        self.bytes = (self.bytes + Self::BYTES_PER_S * seconds).min(Self::BYTES_PER_S);
        let takes = self.records >= 1.0 && self.bytes >= bytes as f64;
        if takes {
            self.records -= 1.0;
            self.bytes -= bytes as f64;
        }
        takes
    }
}

impl Simulation {
    fn new(config: KinesisConfig, chances: Chances) -> Self {
        let ledger = Ledger::new();
        let now = Instant::now();
        Self {
            engine: Engine::new(config, Arc::from("network"), ledger.clone(), now),
            ledger,
            now,
            random: fastrand::Rng::with_seed(11),
            chances,
            shards: 4,
            coming: BinaryHeap::new(),
            answers: HashMap::new(),
            taken: HashMap::new(),
            seen: HashSet::new(),
            duplicates: 0,
            records: 0,
            largest_request: 0,
            quotas: Vec::new(),
            latest: Duration::ZERO,
        }
    }

    fn take(&mut self, request: &Request) -> Answer {
        if self.random.f64() < self.chances.lost_request {
            return Answer::Fault(Fault::new(FaultKind::Unreachable, "reset"));
        }
        self.largest_request = self.largest_request.max(request.entries.len());
        let mut answers = Vec::new();
        for entry in &request.entries {
            let shard = shard_map::hash(&entry.partition_key) / (u128::MAX / self.shards);
            let shard = shard.min(self.shards - 1) as usize;
            let bytes =
                entry.partition_key.len() + entry.events.iter().map(|event| event.len()).sum::<usize>();
            let now = self.now;
            let too_much = self.quotas.get_mut(shard).is_some_and(|quota| !quota.takes(bytes, now));
            let shard = format!("shardId-{shard:012}");
            let luck = self.random.f64();
            answers.push(if luck < self.chances.record_failure {
                RecordAnswer::Failed { reason: "InternalFailure".into() }
            } else if too_much || luck < self.chances.record_failure + self.chances.record_throttle {
                RecordAnswer::Throttled { shard: Some(shard) }
            } else {
                self.records += 1;
                entry.events.iter().for_each(|event| self.note(event));
                RecordAnswer::Delivered { shard, sequence_number: "1".into() }
            });
        }
        if self.random.f64() < self.chances.lost_answer {
            return Answer::Fault(Fault::new(FaultKind::Unreachable, "cut off"));
        }
        if self.random.f64() < self.chances.short_answer {
            answers.pop();
        }
        Answer::Records(answers)
    }

    fn note(&mut self, event: &[u8]) {
        let json: serde_json::Value = serde_json::from_slice(event).expect("events are JSON");
        let (number, key) =
            (json["number"].as_u64().expect("it is one"), json["key"].as_u64().expect("it is one"));
        if self.seen.insert(number) {
            self.taken.entry(key).or_default().push(number);
        } else {
            self.duplicates += 1;
        }
    }

    /// An answer that comes and is looked at now.
    fn answered(&mut self, id: u64, answer: Answer) -> Consequences {
        self.engine.answer(id, answer, self.now, self.now)
    }

    /// One step: answers that are due, requests that may go, then on to the next moment at which something happens.
    fn step(&mut self) {
        while let Some(request) = self.engine.next_request(self.now) {
            let answer = self.take(&request);
            self.answers.insert(request.id, answer);
            let round_trip = Duration::from_millis(self.random.u64(5..40));
            self.coming.push(std::cmp::Reverse((self.now + round_trip, request.id)));
        }
        let answer_at = self.coming.peek().map(|std::cmp::Reverse((at, _))| *at);
        let wake_at = self.engine.wake_at(self.now);
        let next = answer_at.into_iter().chain(wake_at).min().unwrap_or(self.now + Duration::from_millis(10));
        let late = Duration::from_micros(self.random.u64(0..=self.latest.as_micros() as u64));
        self.now = self.now.max(next) + late;
        while let Some(std::cmp::Reverse((at, id))) = self.coming.peek().copied()
            && at <= self.now
        {
            self.coming.pop();
            let answer = self.answers.remove(&id).expect("each is answered once");
            self.engine.answer(id, answer, at, self.now);
        }
        assert!(self.ledger.snapshot().balances());
    }

    fn deliver(&mut self, events: u64, keys: u64) -> Duration {
        let begun = self.now;
        let mut next = 0;
        for _ in 0..2_000_000 {
            while next < events {
                self.ledger.create(1, Place::Queued);
                if self.engine.offer(record(next, next % keys), None, self.now).is_err() {
                    // Memory is full: the writer would spool; here it comes again.
                    self.ledger.transfer(
                        1,
                        Place::Queued,
                        Place::Dropped(crate::sink::accounting::DropReason::QueueFull),
                    );
                    break;
                }
                next += 1;
            }
            if next == events && self.engine.events() == 0 {
                return self.now - begun;
            }
            self.step();
        }
        panic!("{} events are stuck", self.engine.events());
    }

    fn assert_all_in_order(&self, events: u64) {
        assert_eq!(self.seen.len() as u64, events, "none lost, none invented");
        for (key, numbers) in &self.taken {
            assert!(numbers.is_sorted(), "key {key}: {numbers:?}");
        }
        let account = self.ledger.snapshot();
        assert_eq!(account.delivered, events);
        assert_eq!(
            (account.pending(), account.dropped_for(crate::sink::accounting::DropReason::DeadLettered)),
            (0, 0)
        );
    }
}

fn quick() -> KinesisConfig {
    KinesisConfig { shard_count: Some(4), backoff_cap_ms: 500, max_tries: 100, ..KinesisConfig::default() }
}

#[test]
fn all_arrive_once_and_in_order_through_partial_failures_and_throttles() {
    let chances =
        Chances { record_failure: 0.15, record_throttle: 0.05, short_answer: 0.05, ..Chances::default() };
    let mut simulation = Simulation::new(quick(), chances);
    simulation.deliver(10_000, 500);
    simulation.assert_all_in_order(10_000);
    let account = simulation.ledger.snapshot();
    assert!(account.retries > 1_500);
    assert!(account.shards.values().map(|shard| shard.throttles).sum::<u64>() > 300);
}

#[test]
fn lost_answers_cost_duplicates_but_neither_events_nor_order() {
    let chances = Chances { lost_answer: 0.1, lost_request: 0.1, record_failure: 0.1, ..Chances::default() };
    let mut simulation = Simulation::new(quick(), chances);
    simulation.deliver(10_000, 1_000);
    simulation.assert_all_in_order(10_000);
    assert!(simulation.duplicates > 0);
}

#[test]
fn batches_keep_order_and_a_hot_flow_fills_its_records() {
    let config =
        KinesisConfig { records: RecordForm::Batch, partition_key: PartitionKey::Network, ..quick() };
    let mut simulation = Simulation::new(config, Chances { record_failure: 0.2, ..Chances::default() });
    let took = simulation.deliver(20_000, 50);
    simulation.assert_all_in_order(20_000);
    assert!(simulation.records < 200, "{} records", simulation.records);
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn the_shards_rate_is_used_and_not_exceeded() {
    for shards in [1, 4, 64] {
        let config = KinesisConfig {
            shard_count: Some(shards),
            partition_key: PartitionKey::Event,
            memory_bytes: 1 << 30,
            ..quick()
        };
        let mut simulation = Simulation::new(config, Chances::default());
        simulation.shards = u128::from(shards);
        let events = u64::from(shards) * 4_000;
        // Small events: records are what limits, a thousand a second and shard.
        let took = simulation.deliver(events, events).as_secs_f64();
        let share = events as f64 / (took * 1_000.0 * f64::from(shards));
        // The fullest of many shards is what takes longest.
        let low = if shards == 64 { 0.88 } else { 0.93 };
        assert!((low..1.06).contains(&share), "{shards} shards: {share}");
    }
}

/// Offers events of 1.3 kB for so many seconds, as many as memory has room for; the share of the shards' rate that was
/// used, and the share that was throttled.
fn steady(shards: u32, latest: Duration, seconds: u64) -> (f64, f64) {
    let config = KinesisConfig { shard_count: Some(shards), ..KinesisConfig::default() };
    let mut simulation = Simulation::new(config, Chances::default());
    simulation.shards = u128::from(shards);
    simulation.quotas = vec![Quota::new(simulation.now); shards as usize];
    simulation.latest = latest;
    let (begun, until) = (simulation.now, simulation.now + Duration::from_secs(seconds));
    let mut next = 0;
    while simulation.now < until {
        // The first that finds no room makes the others wait.
        while simulation.engine.offer(sized_record(next, next, 1_280), None, simulation.now).is_ok() {
            simulation.ledger.create(1, Place::Queued);
            next += 1;
        }
        simulation.step();
    }
    let shards_of = simulation.ledger.snapshot().shards;
    let sum = |of: fn(&ShardAccount) -> u64| shards_of.values().map(of).sum::<u64>() as f64;
    let (bytes, records, throttles) =
        (sum(|shard| shard.bytes), sum(|shard| shard.records), sum(|shard| shard.throttles));
    let took = (simulation.now - begun).as_secs_f64();
    (bytes / (took * f64::from(shards) * Quota::BYTES_PER_S), throttles / (records + throttles))
}

#[test]
fn a_writer_that_is_late_uses_the_rate_of_any_number_of_shards_within_its_memory() {
    for (shards, latest_ms, seconds) in [(1, 0, 20), (1, 400, 20), (4, 400, 10), (64, 0, 5), (64, 100, 5)] {
        let (used, throttled) = steady(shards, Duration::from_millis(latest_ms), seconds);
        let case = format!("{shards} shards, up to {latest_ms} ms late: {used} used, {throttled} throttled");
        assert!((0.95..1.05).contains(&used) && throttled <= 0.02, "{case}");
    }
}

#[test]
fn a_dead_shard_holds_up_its_own_events_alone() {
    let mut simulation = Simulation::new(quick(), Chances::default());
    let dead = |key: u64| shard_map::hash(&key.to_string()) / (u128::MAX / 4) == 0;
    for number in 0..2_000 {
        simulation.ledger.create(1, Place::Queued);
        simulation.engine.offer(record(number, number), None, simulation.now).expect("memory has room");
    }
    let doomed = (0..2_000).filter(|&key| dead(key)).count();
    // Answers of the dead shard are all throttles.
    let until = simulation.now + Duration::from_secs(5);
    while simulation.now < until {
        while let Some(request) = simulation.engine.next_request(simulation.now) {
            let answers = request.entries.iter().map(|entry| {
                let key: u64 = entry.partition_key.parse().expect("keys are numbers");
                let shard = shard_map::hash(&entry.partition_key) / (u128::MAX / 4);
                let shard = format!("shardId-{:012}", shard.min(3));
                if dead(key) {
                    RecordAnswer::Throttled { shard: Some(shard) }
                } else {
                    RecordAnswer::Delivered { shard, sequence_number: "1".into() }
                }
            });
            let answers = answers.collect();
            simulation.answered(request.id, Answer::Records(answers));
        }
        simulation.now += Duration::from_millis(5);
    }
    assert_eq!(simulation.engine.events(), doomed);
    assert_eq!(simulation.ledger.snapshot().delivered, 2_000 - doomed as u64);
}

#[test]
fn poison_is_found_by_halving_and_costs_nobody_else() {
    let mut simulation = Simulation::new(quick(), Chances::default());
    for number in 0..500 {
        simulation.ledger.create(1, Place::Queued);
        simulation.engine.offer(record(number, number), None, simulation.now).expect("memory has room");
    }
    let mut dead = Vec::new();
    for _ in 0..1_000 {
        simulation.now += Duration::from_millis(20);
        while let Some(request) = simulation.engine.next_request(simulation.now) {
            let poisonous = request.entries.iter().any(|entry| entry.partition_key.as_ref() == "77");
            let answer = if poisonous {
                Answer::Poison("InvalidArgumentException".into())
            } else {
                simulation.take(&request)
            };
            dead.extend(simulation.answered(request.id, answer).dead);
        }
    }
    assert_eq!(dead.iter().map(|letter| letter.record.order_key).collect::<Vec<_>>(), [77]);
    assert_eq!(simulation.seen.len(), 499);
    assert!(simulation.ledger.snapshot().balances());
    assert_eq!(simulation.engine.events(), 0);
}

#[test]
fn a_record_that_alone_fails_becomes_a_dead_letter_but_an_outage_makes_none() {
    let config = KinesisConfig { max_tries: 5, ..quick() };
    let mut simulation = Simulation::new(config, Chances::default());
    for number in 0..10 {
        simulation.ledger.create(1, Place::Queued);
        simulation.engine.offer(record(number, number), None, simulation.now).expect("memory has room");
    }
    let failed = || RecordAnswer::Failed { reason: "InternalFailure".into() };
    let delivered =
        || RecordAnswer::Delivered { shard: "shardId-000000000000".into(), sequence_number: "1".into() };
    let play = |simulation: &mut Simulation, outage: bool, turns: u32| {
        let mut dead = 0;
        for _ in 0..turns {
            simulation.now += Duration::from_millis(600);
            while let Some(request) = simulation.engine.next_request(simulation.now) {
                let answer = |key: &str| if outage || key == "3" { failed() } else { delivered() };
                let answers = request.entries.iter().map(|entry| answer(&entry.partition_key)).collect();
                dead += simulation.answered(request.id, Answer::Records(answers)).dead.len();
            }
        }
        dead
    };
    assert_eq!(play(&mut simulation, true, 50), 0);
    assert_eq!(simulation.engine.events(), 10);
    // Alone in its request it is not told from an outage; in company it is.
    let mut dead = 0;
    for number in 10..40 {
        simulation.ledger.create(1, Place::Queued);
        simulation.engine.offer(record(number, number), None, simulation.now).expect("memory has room");
        dead += play(&mut simulation, false, 1);
    }
    assert_eq!(dead, 1);
    assert_eq!(simulation.engine.events(), 0);
}

#[test]
fn a_refusal_holds_everything_until_one_request_goes_through() {
    let mut simulation = Simulation::new(quick(), Chances::default());
    for number in 0..3_000 {
        simulation.ledger.create(1, Place::Queued);
        simulation
            .engine
            .offer(sized_record(number, number, 500), None, simulation.now)
            .expect("memory has room");
    }
    let request = simulation.engine.next_request(simulation.now).expect("there is plenty");
    let fault = Fault::new(FaultKind::PutRefused, "denied");
    let told = simulation.answered(request.id, Answer::Fault(fault.clone()));
    assert_eq!(told.fault, Some(fault));
    assert_eq!(simulation.engine.events(), 3_000);
    simulation.now += Duration::from_secs(20);
    assert_eq!(simulation.engine.held_for(simulation.now), Some(Duration::from_secs(20)));
    assert!(simulation.engine.next_request(simulation.now).is_some());
    assert!(simulation.engine.next_request(simulation.now).is_none(), "one try at a time");
}

#[test]
fn a_severe_event_does_not_wait_for_others_and_takes_them_along() {
    let mut simulation = Simulation::new(quick(), Chances::default());
    let offer = |simulation: &mut Simulation, number, severity| {
        simulation.ledger.create(1, Place::Queued);
        let event = crate::sink::Record { severity, ..record(number, number) };
        simulation.engine.offer(event, None, simulation.now).expect("memory has room");
    };
    offer(&mut simulation, 1, 2);
    assert!(simulation.engine.next_request(simulation.now).is_none());
    let ripe = simulation.engine.wake_at(simulation.now).expect("it will go");
    assert_eq!(ripe - simulation.now, KinesisConfig::default().linger());
    offer(&mut simulation, 2, 1);
    let request = simulation.engine.next_request(simulation.now).expect("it goes at once");
    assert_eq!(request.entries.len(), 2);
}

#[test]
fn what_is_larger_than_a_record_is_a_dead_letter_at_once() {
    let config = KinesisConfig { max_record_kib: 128, ..quick() };
    let mut simulation = Simulation::new(config, Chances::default());
    simulation.ledger.create(1, Place::Queued);
    let letter = simulation.engine.offer(sized_record(1, 1, 130 << 10), None, simulation.now);
    assert!(letter.expect("it is not refused").is_some());
    assert_eq!(simulation.ledger.snapshot().pending(), 0);
}

#[test]
fn everything_taken_out_is_in_order_by_key() {
    let mut simulation = Simulation::new(quick(), Chances::default());
    for number in 0..1_000 {
        simulation.ledger.create(1, Place::Queued);
        simulation.engine.offer(record(number, number % 10), None, simulation.now).expect("memory has room");
    }
    simulation.now += Duration::from_millis(200);
    assert!(simulation.engine.next_request(simulation.now).is_some());
    simulation.engine.abandon_flights();
    let events = simulation.engine.take_all();
    assert_eq!(events.len(), 1_000);
    for key in 0..10 {
        let numbers =
            events.iter().filter(|event| event.record.order_key == key).map(|event| event.record.time);
        assert!(numbers.is_sorted());
    }
    assert_eq!((simulation.engine.events(), simulation.engine.held_bytes()), (0, 0));
    assert!(simulation.ledger.snapshot().balances());
}
