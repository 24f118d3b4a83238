//! Which shard a partition key belongs to, learned from answers: the published policy allows no listing of shards.
//!
//! Every acknowledged record tells that its hash lies in its shard's range. Ranges grow from such sightings; a
//! sighting of a later shard inside the range of an earlier one means that the stream was resharded and the earlier
//! one is closed. A configured shard count starts the map with the equal ranges that CreateStream makes. Where
//! sightings contradict the map again and again (RecordDistributionStrategy AUTO ignores the key), prediction is
//! given up and all shards share one lane.

use md5::{Digest, Md5};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Names a shard's lane; [`LaneId::POOL`] is the one for whatever cannot be attributed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct LaneId(pub(crate) usize);

impl LaneId {
    pub(crate) const POOL: Self = Self(0);
}

/// Where a partition key lies: its MD5 as a number, as Kinesis computes it.
pub(crate) fn hash(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into())
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Range {
    end: u128,
    lane: LaneId,
    /// Out of the configured shard count, never confirmed.
    assumed: bool,
}

/// Shards told apart; a stream that had more over its life starts the map anew.
const SHARDS: usize = 4_096;
/// Sightings after which the share of contradictions is looked at.
const WINDOW: u32 = 256;
/// Contradictions in a window that end prediction: a resharding makes one or two for each shard.
const CONTRADICTIONS: u32 = WINDOW / 3;

#[derive(Debug)]
pub(crate) struct ShardMap {
    /// By first hash; they do not overlap.
    ranges: BTreeMap<u128, Range>,
    names: Vec<Arc<str>>,
    lanes: HashMap<Arc<str>, LaneId>,
    predicting: bool,
    sightings: u32,
    contradictions: u32,
}

impl ShardMap {
    /// Knows nothing, or the equal ranges of a new stream with so many shards.
    pub(crate) fn new(shard_count: Option<u32>) -> Self {
        let mut map = Self {
            ranges: BTreeMap::new(),
            names: vec![Arc::from("unattributed")],
            lanes: HashMap::new(),
            predicting: true,
            sightings: 0,
            contradictions: 0,
        };
        let count = u128::from(shard_count.unwrap_or(0).min(SHARDS as u32 - 1));
        for shard in 0..count {
            let width = u128::MAX / count;
            let end = if shard + 1 == count { u128::MAX } else { (shard + 1) * width - 1 };
            let lane = map.lane(&format!("shardId-{shard:012}"));
            map.ranges.insert(shard * width, Range { end, lane, assumed: true });
        }
        map
    }

    /// Lanes so far, the pool included.
    pub(crate) fn lane_count(&self) -> usize {
        self.names.len()
    }

    /// Shards that are open as far as known; at least one.
    pub(crate) fn open_shards(&self) -> usize {
        let mut lanes: Vec<_> = self.ranges.values().map(|range| range.lane).collect();
        lanes.sort_unstable();
        lanes.dedup();
        lanes.len().max(1)
    }

    pub(crate) fn name(&self, lane: LaneId) -> &Arc<str> {
        &self.names[lane.0]
    }

    /// Whether keys are attributed to shards at all.
    pub(crate) fn is_predicting(&self) -> bool {
        self.predicting
    }

    /// The lane of a shard by its name, which is made if need be.
    pub(crate) fn lane(&mut self, shard: &str) -> LaneId {
        if let Some(&lane) = self.lanes.get(shard) {
            return lane;
        }
        if self.names.len() >= SHARDS {
            return LaneId::POOL;
        }
        let lane = LaneId(self.names.len());
        let name: Arc<str> = Arc::from(shard);
        self.names.push(Arc::clone(&name));
        self.lanes.insert(name, lane);
        lane
    }

    /// The lane in which the hash most likely lies: its range, else the nearest one.
    pub(crate) fn predict(&self, hash: u128) -> LaneId {
        if !self.predicting {
            return LaneId::POOL;
        }
        let below = self.ranges.range(..=hash).next_back();
        if let Some((_, range)) = below.filter(|(_, range)| hash <= range.end) {
            return range.lane;
        }
        let above = self.ranges.range(hash..).next();
        match (below, above) {
            (Some((_, low)), Some((&start, high))) => {
                if hash - low.end <= start - hash {
                    low.lane
                } else {
                    high.lane
                }
            }
            (Some((_, range)), None) | (None, Some((_, range))) => range.lane,
            (None, None) => LaneId::POOL,
        }
    }

    /// A record with this hash was taken by this shard. Whether keys may now belong elsewhere than before.
    pub(crate) fn observe(&mut self, hash: u128, shard: &str) -> bool {
        let lane = self.lane(shard);
        if lane == LaneId::POOL || !self.predicting {
            return false;
        }
        self.sightings += 1;
        let holder = self.ranges.range(..=hash).next_back().map(|(&start, &range)| (start, range));
        let changed = match holder.filter(|(_, range)| hash <= range.end) {
            Some((start, range)) if range.lane == lane => {
                if range.assumed {
                    self.ranges.insert(start, Range { assumed: false, ..range });
                }
                false
            }
            Some((start, range)) => self.contradict(hash, lane, start, range),
            None => {
                let first = !self.ranges.values().any(|range| range.lane == lane);
                self.extend(hash, lane);
                first
            }
        };
        self.give_up_if_contradicted() || changed
    }

    fn contradict(&mut self, hash: u128, lane: LaneId, start: u128, range: Range) -> bool {
        if range.assumed {
            // The assumption was of equal ranges as a whole.
            self.ranges.retain(|_, range| !range.assumed);
            self.extend(hash, lane);
            return true;
        }
        self.contradictions += 1;
        // Shard ids grow: a later one inside an earlier one's range is its child. An earlier one is an answer that
        // was on its way when the stream was resharded.
        if self.name(lane) < self.name(range.lane) {
            return false;
        }
        self.ranges.remove(&start);
        self.extend(hash, lane);
        true
    }

    /// Lets the lane's range reach the hash, which no range holds.
    fn extend(&mut self, hash: u128, lane: LaneId) {
        let own =
            self.ranges.iter().find(|(_, range)| range.lane == lane).map(|(&start, &range)| (start, range));
        let Some((start, range)) = own else {
            self.ranges.insert(hash, Range { end: hash, lane, assumed: false });
            return;
        };
        let (from, to) = (start.min(hash), range.end.max(hash));
        let between: Vec<_> = self
            .ranges
            .range(from..=to)
            .filter(|&(&at, _)| at != start)
            .map(|(&at, r)| (at, r.lane))
            .collect();
        if between.iter().any(|&(_, other)| self.name(other) > self.name(lane)) {
            // A late answer of a closed shard must not swallow its children.
            return;
        }
        for (at, _) in &between {
            self.ranges.remove(at);
        }
        self.ranges.remove(&start);
        self.ranges.insert(from, Range { end: to, lane, assumed: false });
    }

    fn give_up_if_contradicted(&mut self) -> bool {
        if self.contradictions >= CONTRADICTIONS {
            tracing::info!(
                "the stream spreads records without regard to their keys; its shards share one rate"
            );
            self.predicting = false;
            return true;
        }
        if self.sightings >= WINDOW {
            self.sightings = 0;
            self.contradictions = 0;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard_of(hash: u128, shards: u128) -> String {
        format!("shardId-{:012}", (hash / (u128::MAX / shards)).min(shards - 1))
    }

    fn hashes(count: u32) -> impl Iterator<Item = u128> {
        (0..count).map(|number| hash(&number.to_string()))
    }

    fn wrong(map: &ShardMap, shard_of: impl Fn(u128) -> String) -> usize {
        let right = |hash: &u128| **map.name(map.predict(*hash)) == *shard_of(*hash);
        hashes(20_000).skip(10_000).filter(|hash| !right(hash)).count()
    }

    #[test]
    fn the_hash_is_the_one_that_kinesis_documents() {
        assert_eq!(hash("a"), 0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661);
    }

    #[test]
    fn a_configured_count_is_right_from_the_start() {
        let map = ShardMap::new(Some(64));
        assert_eq!(wrong(&map, |hash| shard_of(hash, 64)), 0);
        assert_eq!(map.open_shards(), 64);
    }

    #[test]
    fn answers_alone_teach_the_map() {
        let mut map = ShardMap::new(None);
        assert_eq!(map.predict(5), LaneId::POOL);
        for hash in hashes(5_000) {
            map.observe(hash, &shard_of(hash, 16));
        }
        assert!(map.is_predicting());
        assert_eq!(map.open_shards(), 16);
        let wrong = wrong(&map, |hash| shard_of(hash, 16));
        assert!(wrong < 100, "{wrong} of 10,000 predicted wrongly");
    }

    #[test]
    fn a_wrong_count_is_given_up_at_the_first_contradiction() {
        let mut map = ShardMap::new(Some(2));
        for hash in hashes(5_000) {
            map.observe(hash, &shard_of(hash, 7));
        }
        assert_eq!(map.open_shards(), 7);
        assert!(wrong(&map, |hash| shard_of(hash, 7)) < 100);
    }

    #[test]
    fn splitting_and_merging_are_followed() {
        let mut map = ShardMap::new(Some(4));
        for hash in hashes(2_000) {
            map.observe(hash, &shard_of(hash, 4));
        }
        let split = |hash: u128| format!("shardId-{:012}", 4 + (hash / (u128::MAX / 8)).min(7));
        let changes = hashes(4_000).filter(|&hash| map.observe(hash, &split(hash))).count();
        assert!(changes > 0);
        assert_eq!(map.open_shards(), 8);
        assert!(wrong(&map, split) < 100);
        let merged = |_: u128| "shardId-000000000012".to_owned();
        for hash in hashes(500) {
            map.observe(hash, &merged(hash));
        }
        assert!(map.is_predicting());
        assert_eq!(wrong(&map, merged), 0);
        assert_eq!(map.open_shards(), 1);
    }

    #[test]
    fn late_answers_of_a_closed_shard_change_nothing() {
        let mut map = ShardMap::new(Some(1));
        map.observe(10, "shardId-000000000000");
        map.observe(20, "shardId-000000000001");
        map.observe(u128::MAX - 5, "shardId-000000000002");
        map.observe(30, "shardId-000000000000");
        assert_eq!(&**map.name(map.predict(20)), "shardId-000000000001");
        assert_eq!(&**map.name(map.predict(u128::MAX)), "shardId-000000000002");
    }

    #[test]
    fn a_stream_that_ignores_keys_ends_prediction() {
        let mut map = ShardMap::new(None);
        let mut random = fastrand::Rng::with_seed(7);
        for hash in hashes(2_000) {
            map.observe(hash, &format!("shardId-{:012}", random.u8(0..4)));
        }
        assert!(!map.is_predicting());
        assert_eq!(map.predict(77), LaneId::POOL);
    }

    #[test]
    fn shards_have_a_limit() {
        let mut map = ShardMap::new(None);
        for shard in 0..SHARDS + 100 {
            map.lane(&format!("shardId-{shard:012}"));
        }
        assert_eq!(map.lane_count(), SHARDS);
        assert_eq!(map.lane("shardId-999999999999"), LaneId::POOL);
    }
}
