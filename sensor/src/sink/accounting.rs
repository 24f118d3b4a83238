//! Where every event of a sink is, exactly, at any moment.
//!
//! An event is in one place at a time, and a move takes it from one place to the next under one lock; so
//! created + recovered = queued + in flight + spooled + delivered + dropped holds for whoever looks, whenever they
//! look. Knows numbers only, neither records nor destinations.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Why an event will not be delivered.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DropReason {
    /// The queue was full and its owner had said not to wait.
    QueueFull,
    /// Its rule had made more alerts than are delivered of one rule.
    Storm,
    /// The spool was full and this was among its oldest.
    Evicted,
    /// It had been in the spool for longer than allowed.
    Expired,
    /// The spool's disk could not take it.
    DiskFull,
    /// It was found damaged in the spool.
    Corrupt,
    /// The destination refused it for what it is; it went to the dead letters.
    DeadLettered,
    /// The integration was deleted while it waited.
    Deleted,
    /// The output was closed, or writing to it failed.
    OutputFailed,
}

impl DropReason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::QueueFull,
        Self::Storm,
        Self::Evicted,
        Self::Expired,
        Self::DiskFull,
        Self::Corrupt,
        Self::DeadLettered,
        Self::Deleted,
        Self::OutputFailed,
    ];

    /// The name in statistics and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Storm => "storm",
            Self::Evicted => "evicted",
            Self::Expired => "expired",
            Self::DiskFull => "disk_full",
            Self::Corrupt => "corrupt",
            Self::DeadLettered => "dead_lettered",
            Self::Deleted => "deleted",
            Self::OutputFailed => "output_failed",
        }
    }
}

/// Where an event can be.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Place {
    /// In memory, waiting.
    Queued,
    /// In a request that has not been answered.
    InFlight,
    /// On disk, waiting.
    Spooled,
    /// Acknowledged by the destination.
    Delivered,
    /// Given up.
    Dropped(DropReason),
}

/// What went to one shard.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct ShardAccount {
    /// Records acknowledged.
    pub records: u64,
    /// Bytes acknowledged, partition keys included.
    pub bytes: u64,
    /// Records refused for the shard's rate.
    pub throttles: u64,
}

/// How long events took from their making to the acknowledgement: counts by powers of two of milliseconds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct LagHistogram {
    /// `counts[i]` holds lags under 2^i ms that are not under 2^(i-1) ms; the last one all that are longer.
    pub counts: [u64; LagHistogram::BUCKETS],
}

impl LagHistogram {
    /// The last bound is 2^22 ms, 70 minutes.
    pub const BUCKETS: usize = 24;

    /// Counts one.
    pub fn record(&mut self, lag: Duration) {
        let ms = u64::try_from(lag.as_millis()).unwrap_or(u64::MAX);
        let bucket = (u64::BITS - ms.leading_zeros()) as usize;
        self.counts[bucket.min(Self::BUCKETS - 1)] += 1;
    }

    /// The upper bound, in milliseconds, of the bucket in which the given share (0 to 1) of all lags is reached.
    pub fn quantile_ms(&self, share: f64) -> Option<u64> {
        let total: u64 = self.counts.iter().sum();
        let wanted = (total as f64 * share).ceil() as u64;
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        (total > 0).then(|| 1_u64 << bucket)
    }

    fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
    }
}

/// The account of one sink in this process.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    /// Events handed to the sink.
    pub created: u64,
    /// Events found in the spool at the start.
    pub recovered: u64,
    /// Events waiting in memory.
    pub queued: u64,
    /// Events in requests that have not been answered.
    pub in_flight: u64,
    /// Events waiting on disk.
    pub spooled: u64,
    /// Events acknowledged.
    pub delivered: u64,
    /// Events given up, by reason, in the order of [`DropReason::ALL`].
    pub dropped: [u64; DropReason::ALL.len()],
    /// Records sent again after a refusal.
    pub retries: u64,
    /// Requests sent.
    pub requests: u64,
    /// Where the acknowledged ones went, by shard.
    pub shards: BTreeMap<Arc<str>, ShardAccount>,
    /// From making to acknowledgement.
    pub lag: LagHistogram,
}

impl Account {
    /// Events given up for the reason.
    pub fn dropped_for(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// Events given up, whatever the reason.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Events that still wait for something.
    pub fn pending(&self) -> u64 {
        self.queued + self.in_flight + self.spooled
    }

    /// Whether every event is somewhere, and nowhere twice.
    pub fn balances(&self) -> bool {
        self.created + self.recovered == self.delivered + self.pending() + self.dropped_total()
    }

    fn place_mut(&mut self, place: Place) -> &mut u64 {
        match place {
            Place::Queued => &mut self.queued,
            Place::InFlight => &mut self.in_flight,
            Place::Spooled => &mut self.spooled,
            Place::Delivered => &mut self.delivered,
            Place::Dropped(reason) => &mut self.dropped[reason as usize],
        }
    }
}

/// The form in which statistics and `siem status --json` show an account.
impl Serialize for Account {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in [
            ("created", self.created),
            ("recovered", self.recovered),
            ("queued", self.queued),
            ("in_flight", self.in_flight),
            ("spooled", self.spooled),
            ("delivered", self.delivered),
            ("retries", self.retries),
            ("requests", self.requests),
        ] {
            map.serialize_entry(name, &value)?;
        }
        let dropped: BTreeMap<_, _> =
            DropReason::ALL.iter().map(|&reason| (reason.name(), self.dropped_for(reason))).collect();
        map.serialize_entry("dropped", &dropped)?;
        let shards: BTreeMap<&str, _> = self.shards.iter().map(|(name, shard)| (&**name, shard)).collect();
        map.serialize_entry("shards", &shards)?;
        map.serialize_entry("lag_ms_log2", &self.lag.counts)?;
        map.end()
    }
}

/// What one answered request changes, applied in one step.
#[derive(Debug, Default)]
pub struct Settlement {
    /// Events acknowledged.
    pub delivered: u64,
    /// Events that wait in memory again.
    pub requeued: u64,
    /// Events given to the dead letters.
    pub dead_lettered: u64,
    /// Records to be sent again.
    pub retries: u64,
    /// By shard.
    pub shards: Vec<(Arc<str>, ShardAccount)>,
    /// Of the acknowledged ones.
    pub lag: LagHistogram,
}

/// Shards told apart; what goes to any further one is summed under the name `other`.
const SHARDS_TOLD_APART: usize = 4096;

/// A sink's account, shared by whoever moves events and whoever looks.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Account>>);

impl Ledger {
    /// An empty account.
    pub fn new() -> Self {
        Self::default()
    }

    /// The account as it is now.
    pub fn snapshot(&self) -> Account {
        self.lock().clone()
    }

    /// `count` new events were handed in and went to `place`.
    pub fn create(&self, count: u64, place: Place) {
        let mut account = self.lock();
        account.created += count;
        *account.place_mut(place) += count;
    }

    /// `count` events of an earlier process were found in the spool.
    pub fn recover(&self, count: u64) {
        let mut account = self.lock();
        account.recovered += count;
        account.spooled += count;
    }

    /// `count` events go from one place to another.
    pub fn transfer(&self, count: u64, from: Place, to: Place) {
        let mut account = self.lock();
        let source = account.place_mut(from);
        debug_assert!(*source >= count, "{count} events cannot leave {from:?}, which holds {source}");
        *source -= count;
        *account.place_mut(to) += count;
    }

    /// A request with `count` events of the queue is on its way.
    pub fn depart(&self, count: u64) {
        let mut account = self.lock();
        debug_assert!(account.queued >= count, "{count} events depart from a queue of {}", account.queued);
        account.queued -= count;
        account.in_flight += count;
        account.requests += 1;
    }

    /// A request was answered.
    pub fn settle(&self, settlement: &Settlement) {
        let mut account = self.lock();
        let count = settlement.delivered + settlement.requeued + settlement.dead_lettered;
        debug_assert!(account.in_flight >= count, "{count} events settle of {} in flight", account.in_flight);
        account.in_flight -= count;
        account.delivered += settlement.delivered;
        account.queued += settlement.requeued;
        account.dropped[DropReason::DeadLettered as usize] += settlement.dead_lettered;
        account.retries += settlement.retries;
        account.lag.merge(&settlement.lag);
        for (shard, change) in &settlement.shards {
            let known = account.shards.contains_key(shard) || account.shards.len() < SHARDS_TOLD_APART;
            let name = if known { Arc::clone(shard) } else { Arc::from("other") };
            let sum = account.shards.entry(name).or_default();
            sum.records += change.records;
            sum.bytes += change.bytes;
            sum.throttles += change.throttles;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        // Every change is complete before anything can panic, so a poisoned account is still a true one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_move_keeps_the_balance() {
        let ledger = Ledger::new();
        ledger.create(10, Place::Queued);
        ledger.recover(5);
        ledger.transfer(4, Place::Queued, Place::Spooled);
        ledger.transfer(2, Place::Spooled, Place::Dropped(DropReason::Evicted));
        ledger.depart(6);
        assert!(ledger.snapshot().balances());
        ledger.settle(&Settlement {
            delivered: 3,
            requeued: 2,
            dead_lettered: 1,
            retries: 2,
            ..Settlement::default()
        });
        let account = ledger.snapshot();
        assert!(account.balances());
        assert_eq!(account.pending(), 2 + 7);
        assert_eq!(account.dropped_for(DropReason::Evicted), 2);
        assert_eq!(account.dropped_for(DropReason::DeadLettered), 1);
    }

    #[test]
    fn a_look_from_another_thread_never_sees_an_event_twice_or_nowhere() {
        let ledger = Ledger::new();
        let looker = ledger.clone();
        let moving = std::thread::spawn(move || {
            for _ in 0..20_000 {
                ledger.create(3, Place::Queued);
                ledger.depart(3);
                ledger.settle(&Settlement { delivered: 2, dead_lettered: 1, ..Settlement::default() });
            }
        });
        while !moving.is_finished() {
            assert!(looker.snapshot().balances());
        }
        moving.join().expect("the moving thread does not panic");
        assert_eq!(looker.snapshot().delivered, 40_000);
    }

    #[test]
    fn lags_fall_into_powers_of_two() {
        let mut lag = LagHistogram::default();
        assert_eq!(lag.quantile_ms(0.5), None);
        for ms in [0, 1, 3, 100, 100] {
            lag.record(Duration::from_millis(ms));
        }
        lag.record(Duration::MAX);
        assert_eq!(lag.counts[0], 1);
        assert_eq!(lag.counts[7], 2);
        assert_eq!(lag.counts[LagHistogram::BUCKETS - 1], 1);
        assert_eq!(lag.quantile_ms(0.5), Some(4));
    }

    #[test]
    fn shards_beyond_the_limit_are_summed() {
        let ledger = Ledger::new();
        for shard in 0..SHARDS_TOLD_APART + 10 {
            let change = ShardAccount { records: 1, bytes: 1, throttles: 0 };
            let shards = vec![(Arc::from(format!("shard-{shard}")), change)];
            ledger.settle(&Settlement { shards, ..Settlement::default() });
        }
        let account = ledger.snapshot();
        assert_eq!(account.shards.len(), SHARDS_TOLD_APART + 1);
        assert_eq!(account.shards["other"].records, 10);
    }
}
