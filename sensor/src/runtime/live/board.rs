//! What each thread of a live capture has counted, to be looked at by others at any moment.
//!
//! Every thread has a slate, which it brings up to date between two bursts. Whoever looks holds all slates at once, so
//! that what one thread handed over never shows as taken before it was given.

use crate::counter::{Counter, Counters};
use crate::runtime::summary::CREATED;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The counts of one thread as others see them.
#[derive(Debug)]
pub(super) struct Slate {
    counters: Mutex<Counters>,
    begun: Instant,
    /// When the counts were brought up to date, in milliseconds since then.
    updated_ms: AtomicU64,
    /// Flows at the moment.
    flows: AtomicUsize,
    /// What protocols keep of them, in bytes.
    app_layer_bytes: AtomicUsize,
    /// The rule set in use, counted from 0.
    generation: AtomicU64,
}

impl Default for Slate {
    fn default() -> Self {
        Self {
            counters: Mutex::default(),
            begun: Instant::now(),
            updated_ms: AtomicU64::new(0),
            flows: AtomicUsize::new(0),
            app_layer_bytes: AtomicUsize::new(0),
            generation: AtomicU64::new(0),
        }
    }
}

impl Slate {
    /// Lets nobody look until the counts are up to date again: what is handed over meanwhile shows together with them.
    pub(super) fn hold(&self) -> Held<'_> {
        let since = self.begun.elapsed().as_millis();
        self.updated_ms.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
        Held(self.lock())
    }

    /// For how long the thread has shown nothing.
    pub(super) fn silent_for(&self) -> Duration {
        let updated = Duration::from_millis(self.updated_ms.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(updated)
    }

    pub(super) fn set_flows(&self, flows: usize, app_layer_bytes: usize) {
        self.flows.store(flows, Ordering::Relaxed);
        self.app_layer_bytes.store(app_layer_bytes, Ordering::Relaxed);
    }

    pub(super) fn set_generation(&self, generation: u64) {
        self.generation.store(generation, Ordering::Release);
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        // Counts are plain numbers: a panic leaves none of them broken.
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slate that is being brought up to date.
#[derive(Debug)]
pub(super) struct Held<'a>(MutexGuard<'a, Counters>);

impl Held<'_> {
    /// Shows the sum of these.
    pub(super) fn show(mut self, counters: &[&Counters]) {
        *self.0 = Counters::default();
        counters.iter().for_each(|some| self.0.merge(some));
    }
}

/// The slates of all threads.
#[derive(Clone, Debug)]
pub(super) struct Board {
    pub(super) workers: Arc<[Arc<Slate>]>,
    pub(super) collector: Arc<Slate>,
}

/// What all threads together have counted at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Counts since the start.
    pub counters: Counters,
    /// Flows at the moment, by worker.
    pub flows: Vec<usize>,
    /// What protocols keep of all flows, in bytes.
    pub app_layer_bytes: usize,
    /// Packets that each worker has worked on.
    pub packets: Vec<u64>,
}

impl Board {
    pub(super) fn new(workers: usize) -> Self {
        let workers = (0..workers).map(|_| Arc::default()).collect();
        Self { workers, collector: Arc::default() }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let workers: Vec<_> = self.workers.iter().map(|slate| slate.lock()).collect();
        let collector = self.collector.lock();
        let mut snapshot = Snapshot::default();
        for worker in &workers {
            snapshot.counters.merge(worker);
            snapshot.packets.push(worker.value(Counter::PacketsRead));
        }
        snapshot.counters.merge(&collector);
        snapshot.flows = self.workers.iter().map(|slate| slate.flows.load(Ordering::Relaxed)).collect();
        let kept = self.workers.iter().map(|slate| slate.app_layer_bytes.load(Ordering::Relaxed));
        snapshot.app_layer_bytes = kept.sum();
        snapshot
    }
}

impl Snapshot {
    /// Packets that came and that no worker has taken out of its ring yet.
    pub fn waiting_in_rings(&self) -> u64 {
        self.difference(Counter::PacketsSeen, &[Counter::PacketsDroppedKernel, Counter::PacketsReceived])
    }

    /// Packets on their way from one worker to another.
    pub fn handed_over(&self) -> u64 {
        self.difference(Counter::PacketsHandedOver, &[Counter::PacketsTakenOver])
    }

    /// Findings on their way to the collector.
    pub fn findings_waiting(&self) -> u64 {
        self.difference(Counter::FindingsHandedOver, &[Counter::FindingsTakenOver])
    }

    fn difference(&self, whole: Counter, parts: &[Counter]) -> u64 {
        let parts: u64 = parts.iter().map(|&part| self.counters.value(part)).sum();
        self.counters.value(whole).saturating_sub(parts)
    }

    /// What does not add up, of what must at any moment: seen = dropped + received + waiting, received = read +
    /// dropped on the way to another worker + on that way, read = decoded + refused, and created = written + dropped.
    pub fn discrepancies(&self) -> Vec<String> {
        let value = |counter| self.counters.value(counter);
        let laws = [
            (
                "packets seen",
                value(Counter::PacketsSeen),
                "dropped, received and waiting",
                value(Counter::PacketsDroppedKernel)
                    + value(Counter::PacketsReceived)
                    + self.waiting_in_rings(),
            ),
            (
                "packets received",
                value(Counter::PacketsReceived),
                "read, dropped and on their way between workers",
                value(Counter::PacketsRead) + value(Counter::PacketsDroppedHandover) + self.handed_over(),
            ),
            (
                "packets read",
                value(Counter::PacketsRead),
                "decoded and refused",
                value(Counter::PacketsDecoded)
                    + value(Counter::RefusedLinkType)
                    + value(Counter::RefusedLinkHeader),
            ),
            (
                "findings handed over",
                value(Counter::FindingsHandedOver),
                "taken over and waiting",
                value(Counter::FindingsTakenOver) + self.findings_waiting(),
            ),
            (
                "events created",
                CREATED.iter().map(|&counter| value(counter)).sum(),
                "written and dropped",
                value(Counter::EventsWritten) + value(Counter::EventsDroppedOutput),
            ),
        ];
        let broken = laws.iter().filter(|(_, whole, _, parts)| whole != parts);
        broken.map(|(whole, n, parts, m)| format!("{n} {whole}, but {m} {parts}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(counts: &[(Counter, u64)]) -> Counters {
        let mut counters = Counters::default();
        counts.iter().for_each(|&(counter, n)| counters.add(counter, n));
        counters
    }

    #[test]
    fn a_look_sees_all_threads_and_what_is_between_them() {
        let board = Board::new(2);
        let one = counters(&[
            (Counter::PacketsSeen, 10),
            (Counter::PacketsDroppedKernel, 2),
            (Counter::PacketsReceived, 7),
            (Counter::PacketsRead, 4),
            (Counter::PacketsDecoded, 4),
            (Counter::PacketsHandedOver, 3),
        ]);
        board.workers[0].hold().show(&[&one]);
        let other = counters(&[
            (Counter::PacketsTakenOver, 2),
            (Counter::PacketsRead, 2),
            (Counter::PacketsDecoded, 1),
            (Counter::RefusedLinkType, 1),
        ]);
        board.workers[1].hold().show(&[&other]);
        let snapshot = board.snapshot();
        assert_eq!((snapshot.waiting_in_rings(), snapshot.handed_over()), (1, 1));
        assert_eq!(snapshot.discrepancies(), Vec::<String>::new());
        assert_eq!(snapshot.packets, [4, 2]);
        board.workers[1].hold().show(&[&other, &counters(&[(Counter::PacketsRead, 1)])]);
        assert_eq!(
            board.snapshot().discrepancies(),
            [
                "7 packets received, but 8 read, dropped and on their way between workers",
                "7 packets read, but 6 decoded and refused"
            ]
        );
    }
}
