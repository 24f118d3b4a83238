//! The stream: shards with hash ranges and limits, and the records in them.

use super::{FakeConfig, Tap};
use md5::{Digest, Md5};
use std::collections::VecDeque;
use std::time::Instant;

/// A record that was taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredRecord {
    /// Its place in the shard.
    pub sequence_number: String,
    /// As it was put.
    pub partition_key: String,
    /// As it was put.
    pub data: Vec<u8>,
}

/// Kinesis quotas of a shard.
const RECORDS_PER_S: f64 = 1_000.0;
const BYTES_PER_S: f64 = 1_000_000.0;

pub(super) struct Shard {
    pub(super) number: u64,
    pub(super) start: u128,
    pub(super) end: u128,
    pub(super) open: bool,
    records_left: f64,
    bytes_left: f64,
    refilled: Instant,
    kept: VecDeque<StoredRecord>,
    kept_bytes: usize,
    /// Records that were let go.
    pub(super) trimmed: usize,
}

impl Shard {
    fn new(number: u64, start: u128, end: u128) -> Self {
        Self {
            number,
            start,
            end,
            open: true,
            records_left: RECORDS_PER_S,
            bytes_left: BYTES_PER_S,
            refilled: Instant::now(),
            kept: VecDeque::new(),
            kept_bytes: 0,
            trimmed: 0,
        }
    }

    pub(super) fn id(&self) -> String {
        format!("shardId-{:012}", self.number)
    }

    /// A second's worth may be saved up.
    fn takes(&mut self, bytes: usize) -> bool {
        let now = Instant::now();
        let elapsed = now.duration_since(self.refilled).as_secs_f64();
        self.refilled = now;
        self.records_left = (self.records_left + RECORDS_PER_S * elapsed).min(RECORDS_PER_S);
        self.bytes_left = (self.bytes_left + BYTES_PER_S * elapsed).min(BYTES_PER_S);
        let takes = self.records_left >= 1.0 && self.bytes_left >= (bytes as f64).min(BYTES_PER_S);
        if takes {
            self.records_left -= 1.0;
            self.bytes_left -= bytes as f64;
        }
        takes
    }

    /// Records from the position on, at most so many.
    pub(super) fn read(&self, position: usize, most: usize) -> impl Iterator<Item = &StoredRecord> {
        self.kept.iter().skip(position.saturating_sub(self.trimmed)).take(most)
    }

    pub(super) fn len(&self) -> usize {
        self.trimmed + self.kept.len()
    }
}

pub(super) struct Stream {
    pub(super) shards: Vec<Shard>,
    limits: bool,
    ignore_keys: bool,
    keep_bytes: usize,
    tap: Option<Tap>,
    serial: u64,
}

/// What became of a record.
pub(super) enum Put {
    Taken { sequence_number: String },
    Throttled,
}

impl Stream {
    pub(super) fn new(config: &FakeConfig) -> Self {
        let count = u128::from(config.shards.max(1));
        let width = u128::MAX / count;
        let shards = (0..count)
            .map(|index| {
                let end = if index + 1 == count { u128::MAX } else { (index + 1) * width - 1 };
                Shard::new(index as u64, index * width, end)
            })
            .collect();
        Self {
            shards,
            limits: config.shard_limits,
            ignore_keys: config.ignore_keys,
            keep_bytes: config.keep_bytes,
            tap: config.tap.clone(),
            serial: 0,
        }
    }

    /// The index of the shard that a record goes to.
    pub(super) fn route(&mut self, partition_key: &str, explicit_hash: Option<u128>) -> usize {
        let open = || self.shards.iter().enumerate().filter(|(_, shard)| shard.open);
        if self.ignore_keys {
            let nth = self.serial as usize % open().count().max(1);
            return open().nth(nth).map_or(0, |(index, _)| index);
        }
        let hash = explicit_hash
            .unwrap_or_else(|| u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into()));
        open().find(|(_, shard)| (shard.start..=shard.end).contains(&hash)).map_or(0, |(index, _)| index)
    }

    pub(super) fn put(&mut self, shard: usize, partition_key: &str, data: Vec<u8>) -> Put {
        self.serial += 1;
        let shard = &mut self.shards[shard];
        let bytes = data.len() + partition_key.len();
        if self.limits && !shard.takes(bytes) {
            return Put::Throttled;
        }
        if let Some(tap) = &self.tap {
            tap(&shard.id(), partition_key, &data);
        }
        let sequence_number = format!("496{:053}", self.serial);
        shard.kept_bytes += bytes;
        let (partition_key, kept) = (partition_key.to_owned(), sequence_number.clone());
        shard.kept.push_back(StoredRecord { sequence_number: kept, partition_key, data });
        while shard.kept_bytes > self.keep_bytes
            && let Some(oldest) = shard.kept.pop_front()
        {
            shard.kept_bytes -= oldest.data.len() + oldest.partition_key.len();
            shard.trimmed += 1;
        }
        Put::Taken { sequence_number }
    }

    pub(super) fn split(&mut self) {
        let mut next = self.shards.iter().map(|shard| shard.number + 1).max().unwrap_or(0);
        let parents: Vec<_> = self.shards.iter_mut().filter(|shard| shard.open).collect();
        let mut children = Vec::new();
        for parent in parents {
            parent.open = false;
            let middle = parent.start + (parent.end - parent.start) / 2;
            children.push(Shard::new(next, parent.start, middle));
            children.push(Shard::new(next + 1, middle + 1, parent.end));
            next += 2;
        }
        self.shards.extend(children);
    }

    pub(super) fn records(&self) -> Vec<(String, Vec<StoredRecord>)> {
        self.shards.iter().map(|shard| (shard.id(), shard.kept.iter().cloned().collect())).collect()
    }
}
