//! A replay: one reader, workers, and the collector with its sinks on the calling thread.
//!
//! Bursts go to every worker, each of which works on its own frames in them; every channel is bounded, so that a slow
//! sink slows the reader, and nothing is lost.

use super::checksum::ChecksumWatch;
use super::output::hand_on;
use crate::capture::{Burst, CaptureError, Filled, PacketSource};
use crate::collect::{Collector, Report};
use crate::counter::Counters;
use crate::decode::{self, ChecksumMode, Decoder};
use crate::detect::{CutShort, Profile};
use crate::sink::{Sink, SinkError};
use crate::worker::{Assignment, Mail, Shard, ShardConfig};
use crossbeam::channel::{Receiver, Sender, bounded, select, unbounded};
use std::sync::Arc;
use std::thread;

/// Bursts that may wait before each worker: one burst is often one flow, so it takes several until all workers have
/// their share. Measured with 3,000 payload rules, two workers give 1.48 times the rate of one; with 4 bursts 1.13.
const QUEUED_BURSTS: usize = 24;

/// Everything a replay needs.
pub struct Replay {
    /// Where packets come from.
    pub source: Box<dyn PacketSource + Send>,
    /// How shards are made; their number is the number of workers.
    pub shards: ShardConfig,
    /// Whether checksums are believed.
    pub checksums: ChecksumMode,
    /// What joins the findings.
    pub collector: Collector,
    /// Where events go.
    pub sink: Box<dyn Sink>,
}

/// How a replay ended.
#[derive(Debug)]
pub struct Replayed {
    /// All counts, of all threads.
    pub counters: Counters,
    /// What was wrong with the input, in order.
    pub faults: Vec<CaptureError>,
    /// Whether checksums were ignored because many were bad.
    pub checksums_ignored: bool,
    /// What rules cost, where that is measured.
    pub profile: Option<Profile>,
    /// Which rules hit the limits on the work of one inspection.
    pub cut_short: CutShort,
    /// What stopped the output before the input ended, if anything did.
    pub stopped: Option<SinkError>,
}

impl Replay {
    /// Runs to the end of the input, or until the sink fails.
    pub fn run(mut self) -> Replayed {
        let workers = self.shards.shards;
        let (assign, assignments): (Vec<_>, Vec<_>) =
            (0..workers).map(|_| bounded::<Assignment>(QUEUED_BURSTS)).unzip();
        // Bounded by the bursts in flight, since each worker posts once a burst.
        let (post, post_boxes): (Vec<_>, Vec<_>) = (0..workers).map(|_| unbounded::<Mail>()).unzip();
        let (report, reports) = bounded::<Report>(workers * QUEUED_BURSTS);
        let decoder = Decoder::new(self.shards.limits.decode.clone(), self.shards.tunnels.clone());
        let watch = ChecksumWatch::new(self.checksums, decoder);
        thread::scope(|scope| {
            let reader = scope.spawn(|| read(&mut *self.source, watch, assign));
            let threads: Vec<_> = assignments
                .into_iter()
                .zip(post_boxes)
                .enumerate()
                .map(|(number, (assignments, mail))| {
                    let worker = WorkerThread {
                        shard: Shard::new(number, self.shards.clone()),
                        assignments,
                        mail,
                        post: post.clone(),
                        report: report.clone(),
                    };
                    scope.spawn(move || worker.run())
                })
                .collect();
            drop((post, report));
            let mut counters = Counters::default();
            let stopped = write(&reports, &mut self.collector, &mut *self.sink, &mut counters).err();
            drop(reports);
            counters.merge(self.collector.counters());
            let mut profile: Option<Profile> = None;
            let mut cut_short = CutShort::default();
            for thread in threads {
                let (counted, measured, cut) = thread.join().expect("a panic of a worker is a fault of ours");
                counters.merge(&counted);
                cut_short.merge(&cut);
                match (&mut profile, measured) {
                    (Some(profile), Some(measured)) => profile.merge(&measured),
                    (none, measured) => *none = none.take().or(measured),
                }
            }
            let (faults, watch) = reader.join().expect("a panic of the reader is a fault of ours");
            let checksums_ignored = watch.found_offload();
            Replayed { counters, faults, checksums_ignored, profile, cut_short, stopped }
        })
    }
}

/// Reads bursts and hands each to all workers, until the input ends or a worker is gone.
fn read(
    source: &mut dyn PacketSource,
    mut watch: ChecksumWatch,
    assign: Vec<Sender<Assignment>>,
) -> (Vec<CaptureError>, ChecksumWatch) {
    let shards = u16::try_from(assign.len()).expect("fewer workers than 64 Ki");
    let shard_of = move |link, bytes: &[u8]| decode::owner(decode::shard(bytes, link), shards);
    // By the time a place in the ring comes round again, every worker has taken up a later burst.
    let mut ring: Vec<Arc<Burst>> = (0..QUEUED_BURSTS + 3).map(|_| Arc::default()).collect();
    let mut faults = Vec::new();
    for number in 0u64.. {
        let place = usize::try_from(number % ring.len() as u64).expect("less than the ring's length");
        if Arc::get_mut(&mut ring[place]).is_none() {
            ring[place] = Arc::default();
        }
        let burst = Arc::get_mut(&mut ring[place]).expect("made anew where it was shared");
        loop {
            match source.fill(burst, &shard_of) {
                Ok(Filled::Frames) => break,
                Ok(Filled::Idle) => {}
                Ok(Filled::Ended) => return (faults, watch),
                Err(fault) => faults.push(fault),
            }
        }
        let verify_before = watch.verify_before(&ring[place]);
        let assignment = Assignment { number, burst: Arc::clone(&ring[place]), verify_before };
        if assign.iter().any(|worker| worker.send(assignment.clone()).is_err()) {
            break;
        }
    }
    (faults, watch)
}

struct WorkerThread {
    shard: Shard,
    assignments: Receiver<Assignment>,
    mail: Receiver<Mail>,
    post: Vec<Sender<Mail>>,
    report: Sender<Report>,
}

/// The output is gone: there is nobody to report to.
struct Gone;

impl WorkerThread {
    /// Works until the bursts end and all mail is read; gives what was counted and measured.
    fn run(mut self) -> (Counters, Option<Profile>, CutShort) {
        // Where the output is gone, what is left to do is to stop.
        let _ = self.work();
        (self.shard.counters().clone(), self.shard.profile().cloned(), self.shard.cut_short())
    }

    fn work(&mut self) -> Result<(), Gone> {
        let (mut next, mut end_ordinal) = (0, 0);
        loop {
            select! {
                recv(self.assignments) -> assignment => match assignment {
                    Ok(assignment) => {
                        next = assignment.number + 1;
                        end_ordinal = assignment.burst.end_ordinal();
                        self.run_burst(&assignment)?;
                    }
                    Err(_) => break,
                },
                recv(self.mail) -> mail => if let Ok(mail) = mail {
                    self.shard.receive(mail);
                },
            }
            self.read_mail()?;
        }
        let report = self.shard.finish(next, end_ordinal);
        self.hand_over(next, report)?;
        self.post.clear();
        while let Ok(mail) = self.mail.recv() {
            self.shard.receive(mail);
            self.read_mail()?;
        }
        Ok(())
    }

    fn run_burst(&mut self, assignment: &Assignment) -> Result<(), Gone> {
        let report = self.shard.run(assignment);
        self.hand_over(assignment.number, report)
    }

    /// Reports on a burst, and posts what it has for other shards.
    fn hand_over(&mut self, burst: u64, report: Report) -> Result<(), Gone> {
        for (mail, to) in self.shard.outgoing(burst).zip(&self.post) {
            to.send(mail).map_err(|_| Gone)?;
        }
        self.report.send(report).map_err(|_| Gone)
    }

    fn read_mail(&mut self) -> Result<(), Gone> {
        while let Some(report) = self.shard.read_mail() {
            self.report.send(report).map_err(|_| Gone)?;
        }
        Ok(())
    }
}

/// Collects reports and writes events, until all workers are done or the sink fails.
fn write(
    reports: &Receiver<Report>,
    collector: &mut Collector,
    sink: &mut dyn Sink,
    counters: &mut Counters,
) -> Result<(), SinkError> {
    for report in reports {
        hand_on(collector.take(report), sink, counters)?;
    }
    hand_on(collector.finish(), sink, counters)?;
    sink.flush()
}
