//! A shard's rate: token buckets for records and bytes, lowered by the share that the shard throttles, at most by
//! half, and raised again bit by bit (other writers may share the shard).

use std::time::{Duration, Instant};

/// What a shard takes (Kinesis quotas): 1,000 records and 1 MB a second, partition keys included.
const RECORDS_PER_S: f64 = 1_000.0;
const BYTES_PER_S: f64 = 1_000_000.0;
/// The share of it that is used: clocks differ, and a throttled record costs a round trip.
const SHARE: f64 = 0.98;
/// How much may be saved up while there is nothing to send.
const IDLE_BURST: Duration = Duration::from_millis(200);
/// How much may be saved up while something waits and the writer is late: quotas are by the second.
const LATE_BURST: Duration = Duration::from_secs(1);
/// The least that is worth a request while the shard is the limit.
const QUANTUM: Duration = Duration::from_millis(50);
/// Throttles within this time are one signal: they are answers to what was sent at once.
const SIGNAL: Duration = Duration::from_millis(500);
const MOST_DECREASE: f64 = 0.5;
/// Of the full rate, in a second.
const INCREASE_PER_S: f64 = 0.1;
const LEAST: f64 = 0.01;

#[derive(Debug)]
pub(crate) struct Pace {
    /// Shards that share this pace.
    shards: f64,
    /// The share of the full rate that the shard takes at the moment.
    factor: f64,
    records: f64,
    bytes: f64,
    refilled: Instant,
    throttled: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        let mut pace =
            Self { shards: 1.0, factor: 1.0, records: 0.0, bytes: 0.0, refilled: now, throttled: None };
        (pace.records, pace.bytes) = pace.over(IDLE_BURST);
        pace
    }

    /// How many shards share this pace.
    pub(crate) fn set_shards(&mut self, shards: usize) {
        self.shards = shards as f64;
    }

    fn over(&self, span: Duration) -> (f64, f64) {
        let scale = self.shards * self.factor * SHARE * span.as_secs_f64();
        (RECORDS_PER_S * scale, BYTES_PER_S * scale)
    }

    /// Adds what has become free since the last time; `waited` when something was to be sent all the while.
    pub(crate) fn refill(&mut self, now: Instant, waited: bool) {
        let elapsed = now.saturating_duration_since(self.refilled);
        if elapsed.is_zero() {
            return;
        }
        self.refilled = now;
        self.factor = (self.factor + INCREASE_PER_S * elapsed.as_secs_f64()).min(1.0);
        let (records, bytes) = self.over(elapsed);
        let (most_records, most_bytes) = self.over(if waited { LATE_BURST } else { IDLE_BURST });
        self.records = (self.records + records).min(most_records.max(1.0));
        self.bytes = (self.bytes + bytes).min(most_bytes.max(1.0));
    }

    /// Whether there is enough for `records` and `bytes`, or for what is worth a request if they are more.
    pub(crate) fn is_open(&self, records: usize, bytes: usize) -> bool {
        let (worth_records, worth_bytes) = self.over(QUANTUM);
        self.records >= worth_records.clamp(1.0, 1.0_f64.max(records as f64))
            && self.bytes >= worth_bytes.min(bytes as f64)
    }

    /// Whether one more record may go. The last one may overdraw the bytes: it may be larger than the bucket.
    pub(crate) fn admits(&self) -> bool {
        self.records >= 1.0 && self.bytes > 0.0
    }

    pub(crate) fn take(&mut self, bytes: usize) {
        self.records -= 1.0;
        self.bytes -= bytes as f64;
    }

    /// When [`Pace::is_open`] will say yes.
    pub(crate) fn opens_at(&self, records: usize, bytes: usize) -> Instant {
        let (records_per_s, bytes_per_s) = self.over(Duration::from_secs(1));
        let (worth_records, worth_bytes) = self.over(QUANTUM);
        let records_short = worth_records.clamp(1.0, 1.0_f64.max(records as f64)) - self.records;
        let bytes_short = worth_bytes.min(bytes as f64) - self.bytes;
        let wait = (records_short / records_per_s).max(bytes_short / bytes_per_s).clamp(0.0, 3_600.0);
        // A little more, so that rounding does not wake the writer in vain.
        self.refilled + Duration::from_secs_f64(wait) + Duration::from_micros(50)
    }

    /// The shard said that this share (0 to 1) of what it was given was too much.
    pub(crate) fn throttle(&mut self, share: f64, now: Instant) {
        if self.throttled.is_none_or(|at| now.saturating_duration_since(at) > SIGNAL) {
            let decrease = (1.0 - share).max(MOST_DECREASE);
            self.factor = (self.factor * decrease).max(LEAST);
            self.throttled = Some(now);
            self.records = self.records.min(self.records * decrease);
            self.bytes = self.bytes.min(self.bytes * decrease);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: usize = 1_300;

    /// Records sent in the time, a request a step of a millisecond.
    fn send(pace: &mut Pace, start: Instant, span: Duration) -> usize {
        send_every(pace, 1, start, span)
    }

    fn send_every(pace: &mut Pace, step_ms: usize, start: Instant, span: Duration) -> usize {
        let mut sent = 0;
        for at_ms in (0..span.as_millis() as u64).step_by(step_ms) {
            pace.refill(start + Duration::from_millis(at_ms), true);
            if pace.is_open(500, 500 * RECORD) {
                while pace.admits() {
                    pace.take(RECORD);
                    sent += 1;
                }
            }
        }
        sent
    }

    #[test]
    fn keeps_within_five_percent_under_the_limit() {
        let start = Instant::now();
        let sent = send(&mut Pace::new(start), start, Duration::from_secs(20));
        let share = (sent * RECORD) as f64 / (20.0 * BYTES_PER_S);
        assert!((0.95..1.0).contains(&share), "{share}");
    }

    #[test]
    fn a_writer_that_is_late_by_most_of_a_second_loses_nothing_of_the_rate() {
        let start = Instant::now();
        let sent = send_every(&mut Pace::new(start), 700, start, Duration::from_secs(70));
        let share = (sent * RECORD) as f64 / (70.0 * BYTES_PER_S);
        assert!((0.95..1.0).contains(&share), "{share}");
    }

    #[test]
    fn little_is_saved_up_while_there_is_nothing_to_send() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let later = start + Duration::from_secs(60);
        pace.refill(later, false);
        let at_once = send(&mut pace, later, Duration::from_millis(1));
        assert!((at_once * RECORD) as f64 <= 0.2 * BYTES_PER_S, "{at_once}");
    }

    #[test]
    fn throttling_halves_once_and_the_rate_comes_back() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.throttle(0.9, start);
        pace.throttle(0.9, start + Duration::from_millis(10));
        let sent = send(&mut pace, start, Duration::from_secs(1));
        let half = BYTES_PER_S / 2.0 / RECORD as f64;
        assert!((sent as f64) < half * 1.3 && (sent as f64) > half * 0.8, "{sent}");
        pace.refill(start + Duration::from_secs(10), false);
        assert!(send(&mut pace, start + Duration::from_secs(10), Duration::from_secs(1)) > 700);
    }

    #[test]
    fn a_few_throttles_hardly_slow_a_shard_down_however_often_they_come() {
        let start = Instant::now();
        for every_ms in [1_000, 50] {
            let mut pace = Pace::new(start);
            let mut sent = 0;
            for turn in 0..20_000 / every_ms {
                let now = start + Duration::from_millis(turn * every_ms);
                pace.throttle(0.05, now);
                sent += send(&mut pace, now, Duration::from_millis(every_ms));
            }
            assert!((sent * RECORD) as f64 > 0.8 * 20.0 * BYTES_PER_S, "{sent} at one in {every_ms} ms");
        }
    }

    #[test]
    fn opens_when_it_says() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        while pace.admits() {
            pace.take(RECORD);
        }
        let at = pace.opens_at(100, 100 * RECORD);
        pace.refill(at - Duration::from_millis(1), true);
        assert!(!pace.is_open(100, 100 * RECORD));
        pace.refill(at, true);
        assert!(pace.is_open(100, 100 * RECORD));
    }

    #[test]
    fn a_record_larger_than_the_bucket_goes_and_is_paid_for_after() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert!(pace.is_open(1, 1_000_000));
        pace.take(1_000_000);
        assert!(!pace.admits());
        pace.refill(start + Duration::from_millis(700), true);
        assert!(!pace.admits());
        pace.refill(start + Duration::from_millis(900), true);
        assert!(pace.admits());
    }
}
