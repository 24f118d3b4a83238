//! A live capture: workers that read their own rings, and the collector with its sinks.
//!
//! As in a replay each worker owns a shard of every table. Unlike there nobody waits: where a worker, the collector or
//! a sink falls behind, what comes then is dropped and counted, and packets are taken in the order in which they come.

mod board;
mod exchange;
mod findings;
mod orders;
mod worker;

pub use board::Snapshot;

use super::checksum::ChecksumWatch;
use super::output::hand_on;
use crate::capture::{LinkState, LiveCapture};
use crate::collect::{Collector, ThresholdTable};
use crate::counter::{Counter, Counters};
use crate::decode::{ChecksumMode, Decoder};
use crate::sink::Sink;
use crate::sink::file_store::FileStore;
use crate::worker::{Shard, ShardConfig, SharedRules};
use board::{Board, Slate};
use exchange::exchange;
use findings::{FindingsReceiver, FindingsSender, ToCollector, count, findings};
use orders::Orders;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use worker::LiveWorker;

/// Everything a live capture needs.
pub struct LiveParts {
    /// Where each worker gets its packets.
    pub sources: Vec<LiveCapture>,
    /// How shards are made, one for each source.
    pub shards: ShardConfig,
    /// What stores files, where that is configured.
    pub files: Option<FileStore>,
    /// Whether checksums are believed.
    pub checksums: ChecksumMode,
    /// What joins the findings.
    pub collector: Collector,
    /// Where events go; it must not make the collector wait for long.
    pub sink: Box<dyn Sink>,
    /// Whether each worker keeps to a processor of its own.
    pub pin: bool,
}

/// A worker that shows nothing for so long hangs: one without packets does so four times a second.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);

/// A live capture at work.
#[derive(Debug)]
pub struct Live {
    board: Board,
    orders: Arc<Orders>,
    /// For telling the collector of other thresholds.
    findings: Mutex<Option<FindingsSender>>,
    links: Vec<Arc<LinkState>>,
    workers: Vec<JoinHandle<()>>,
    collector: JoinHandle<()>,
    files: Option<FileStore>,
}

impl Live {
    /// Starts all threads.
    ///
    /// # Errors
    ///
    /// When the system has no room for one more.
    pub fn start(parts: LiveParts) -> io::Result<Self> {
        let LiveParts { sources, shards: config, files, checksums, collector, sink, pin } = parts;
        let shards = u16::try_from(sources.len()).expect("fewer workers than 64 Ki");
        let board = Board::new(sources.len());
        let wakers: Vec<_> = sources.iter().map(LiveCapture::waker).collect();
        let links = sources.iter().flat_map(LiveCapture::links).cloned().collect();
        let (inboxes, peers) = exchange(&wakers, config.limits.capture.handed_over_bursts);
        let orders = Arc::new(Orders::new(wakers));
        let (sender, receiver) = findings(config.limits.collect.findings);
        let processors = if pin { own_processors(shards.into()) } else { Vec::new() };
        let mut workers = Vec::new();
        for (number, ((source, inbox), peers)) in sources.into_iter().zip(inboxes).zip(peers).enumerate() {
            let decoder = Decoder::new(config.limits.decode.clone(), config.tunnels.clone());
            let worker = LiveWorker {
                number,
                shards,
                source,
                shard: Shard::new(number, config.clone()),
                watch: ChecksumWatch::new(checksums, decoder),
                inbox,
                findings: sender.clone(),
                slate: Arc::clone(&board.workers[number]),
                orders: Arc::clone(&orders),
                counters: Counters::default(),
                found: Vec::new(),
                generation: 0,
            };
            let processor = processors.get(number).copied();
            workers.push(thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
                processor.into_iter().for_each(keep_to);
                worker.run(peers);
            })?);
        }
        let slate = Arc::clone(&board.collector);
        let collector = thread::Builder::new()
            .name("collector".to_owned())
            .spawn(move || collect(&receiver, collector, sink, &slate))?;
        let findings = Mutex::new(Some(sender));
        Ok(Self { board, orders, findings, links, workers, collector, files })
    }

    /// What all threads together have counted up to now.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.board.snapshot();
        if let Some(files) = &self.files {
            snapshot.counters.merge(&files.counters());
        }
        snapshot
    }

    /// The state of each interface at each worker.
    pub fn links(&self) -> &[Arc<LinkState>] {
        &self.links
    }

    /// Gives workers other rules and waits, for at most `within`, until each has taken them up between two bursts;
    /// whether all have.
    pub fn adopt(&self, rules: SharedRules, thresholds: ThresholdTable, within: Duration) -> bool {
        if let Some(findings) = &*self.findings.lock().unwrap_or_else(PoisonError::into_inner) {
            findings.adopt(thresholds);
        }
        let number = self.orders.give(rules);
        let until = Instant::now() + within;
        let taken_up = |slate: &Arc<Slate>| slate.generation() >= number;
        while !self.board.workers.iter().all(taken_up) {
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// Lets nothing more in. Workers go on with what the rings hold, and end all flows.
    pub fn stop(&self) {
        self.orders.stop();
    }

    /// The first worker that has shown no sign of life for longer than it may.
    pub fn stuck_worker(&self) -> Option<usize> {
        self.board.workers.iter().position(|slate| slate.silent_for() > LONGEST_SILENCE)
    }

    /// Whether a thread has ended though nobody stopped it.
    pub fn has_failed(&self) -> bool {
        !self.orders.stopping()
            && (self.collector.is_finished() || self.workers.iter().any(JoinHandle::is_finished))
    }

    /// Stops, and waits for the last event to be with the sink, for at most `within`: what was counted, and whether all
    /// was done by then.
    pub fn finish(&self, within: Duration) -> (Snapshot, bool) {
        self.stop();
        self.findings.lock().unwrap_or_else(PoisonError::into_inner).take();
        let until = Instant::now() + within;
        let threads = self.workers.iter().chain([&self.collector]);
        let done = threads.chain(self.files.as_ref().map(FileStore::thread)).all(|thread| {
            while !thread.is_finished() && Instant::now() < until {
                thread::sleep(Duration::from_millis(1));
            }
            thread.is_finished()
        });
        (self.snapshot(), done)
    }
}

/// The processors on which this process may run, one for each worker; none where there are fewer.
fn own_processors(workers: usize) -> Vec<usize> {
    let Ok(allowed) = sched_getaffinity(None) else { return Vec::new() };
    let processors: Vec<_> = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect();
    if workers > processors.len() || workers < 2 { Vec::new() } else { processors }
}

fn keep_to(processor: usize) {
    let mut only = CpuSet::new();
    only.set(processor);
    if let Err(error) = sched_setaffinity(None, &only) {
        tracing::debug!(processor, %error, "the worker keeps to no processor");
    }
}

/// Makes events of what workers find, until all of them are done.
fn collect(receiver: &FindingsReceiver, mut collector: Collector, mut sink: Box<dyn Sink>, slate: &Slate) {
    let mut counters = Counters::default();
    while let Some(next) = receiver.next() {
        match next {
            ToCollector::Thresholds(thresholds) => collector.adopt(*thresholds),
            ToCollector::Found(found) => {
                counters.add(Counter::FindingsTakenOver, count(&found));
                // Sinks tell of their faults themselves; what they do not take is counted.
                let _ = hand_on(collector.take_now(found), &mut *sink, &mut counters);
                slate.hold().show(&[&counters, collector.counters()]);
            }
        }
    }
    let _ = hand_on(collector.finish(), &mut *sink, &mut counters);
    slate.hold().show(&[&counters, collector.counters()]);
}
