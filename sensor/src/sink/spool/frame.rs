//! One event on disk, and how to find the next one behind damage.
//!
//! All numbers are little-endian. A frame is
//!
//! | bytes | what |
//! |---|---|
//! | 4 | a mark that no UTF-8 text contains |
//! | 4 | length of the body |
//! | 4 | CRC-32C of the eight bytes before |
//! | 4 | CRC-32C of the body |
//! | 16 | the event's id |
//! | 1, 4 | kind, severity |
//! | 8, 8, 8 | order key, packet time (ns), time of making (ms since 1970) |
//! | rest | the JSON |

use crate::event::ActivityKind;
use crate::sink::{Record, RecordKind};
use crate::time::Timestamp;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

const MARK: [u8; 4] = [0xF5, 0xFE, b'S', 0xFF];
const HEADER_BYTES: usize = 16;
const FIXED_BYTES: usize = 16 + 1 + 4 + 8 + 8 + 8;
/// Above what any stream takes in one record; a longer frame is damage.
const BODY_LIMIT: usize = 16 << 20;

/// Ties the process's steady clock to the calendar, so that an event's age survives a restart.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallClock {
    instant: Instant,
    unix_ms: u64,
}

impl WallClock {
    pub(super) fn now() -> Self {
        Self { instant: Instant::now(), unix_ms: unix_ms() }
    }

    fn to_unix_ms(self, moment: Instant) -> u64 {
        let after = moment.saturating_duration_since(self.instant).as_millis();
        let before = self.instant.saturating_duration_since(moment).as_millis();
        let clamp = |ms: u128| u64::try_from(ms).unwrap_or(u64::MAX);
        self.unix_ms.saturating_add(clamp(after)).saturating_sub(clamp(before))
    }

    fn to_instant(self, moment_ms: u64) -> Instant {
        let before = Duration::from_millis(self.unix_ms.saturating_sub(moment_ms));
        let after = Duration::from_millis(moment_ms.saturating_sub(self.unix_ms).min(MAX_AHEAD_MS));
        // A moment before the machine's start cannot be told; its start is the next best.
        self.instant.checked_sub(before).unwrap_or(self.instant) + after
    }
}

/// A clock that was set back makes events seem to come from the future, but not from further than this.
const MAX_AHEAD_MS: u64 = 86_400_000;

/// Milliseconds since 1970 by the machine's clock.
pub(super) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Appends the record's frame to `out`.
pub(super) fn encode(record: &Record, clock: WallClock, out: &mut Vec<u8>) {
    let body_len = u32::try_from(FIXED_BYTES + record.json.len()).expect("an event is at most 64 KiB");
    let start = out.len();
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&body_len.to_le_bytes());
    let header_crc = crc32c::crc32c(&out[start..]);
    out.extend_from_slice(&header_crc.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    let body = out.len();
    out.extend_from_slice(record.id.as_bytes());
    out.push(kind_code(record.kind));
    out.extend_from_slice(&record.severity.to_le_bytes());
    out.extend_from_slice(&record.order_key.to_le_bytes());
    out.extend_from_slice(&record.time.as_nanos().to_le_bytes());
    out.extend_from_slice(&clock.to_unix_ms(record.created).to_le_bytes());
    out.extend_from_slice(&record.json);
    let body_crc = crc32c::crc32c(&out[body..]);
    out[body - 4..body].copy_from_slice(&body_crc.to_le_bytes());
}

/// The bytes that the record takes on disk.
pub(super) fn encoded_len(record: &Record) -> usize {
    HEADER_BYTES + FIXED_BYTES + record.json.len()
}

/// A frame whose checksums hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    body: &'a [u8],
}

impl Frame<'_> {
    pub(super) fn order_key(&self) -> u64 {
        u64::from_le_bytes(self.array(21))
    }

    pub(super) fn created_ms(&self) -> u64 {
        u64::from_le_bytes(self.array(37))
    }

    /// The record; nothing when a later version wrote a kind that this one does not know.
    pub(super) fn record(&self, clock: WallClock) -> Option<Record> {
        Some(Record {
            id: Uuid::from_bytes(self.array(0)),
            kind: kind_of(self.body[16])?,
            rule: None,
            severity: u32::from_le_bytes(self.array(17)),
            order_key: self.order_key(),
            time: Timestamp::from_nanos(u64::from_le_bytes(self.array(29))),
            created: clock.to_instant(self.created_ms()),
            json: self.body[FIXED_BYTES..].into(),
        })
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.body[at..at + N]
            .try_into()
            .expect("the walk lets no body through that is shorter than its fixed part")
    }
}

/// What lies at a place in a segment.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// A whole frame.
    Frame(Frame<'a>),
    /// Bytes that are none, with frames behind them.
    Damage,
    /// Bytes that are none up to the end: what a write that was cut off leaves.
    Torn,
}

/// Walks the frames of a segment.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    /// From the offset `at`.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at: at.min(bytes.len()) }
    }

    /// The offset of what comes next.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    fn header(&self, at: usize) -> Option<usize> {
        let header = self.bytes.get(at..at + HEADER_BYTES)?;
        let (length, crc) = (word(header, 4), word(header, 8));
        let sound = header.starts_with(&MARK) && crc32c::crc32c(&header[..8]) == crc;
        let length = usize::try_from(length).ok()?;
        (sound && (FIXED_BYTES..=BODY_LIMIT).contains(&length)).then_some(length)
    }

    /// The next header that is sound, from `at` on. Each byte is looked at a bounded number of times, since a mark
    /// costs one checksum of eight bytes.
    fn resynchronise(&self, at: usize) -> Option<usize> {
        memchr::memmem::find_iter(&self.bytes[at..], &MARK)
            .map(|found| at + found)
            .find(|&candidate| self.header(candidate).is_some())
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        if self.at == self.bytes.len() {
            return None;
        }
        let Some(length) = self.header(self.at) else {
            let next = self.resynchronise(self.at + 1);
            self.at = next.unwrap_or(self.bytes.len());
            return Some(if next.is_some() { Found::Damage } else { Found::Torn });
        };
        let body_at = self.at + HEADER_BYTES;
        let Some(body) = self.bytes.get(body_at..body_at + length) else {
            self.at = self.bytes.len();
            return Some(Found::Torn);
        };
        let expected = word(self.bytes, self.at + 12);
        self.at = body_at + length;
        Some(if crc32c::crc32c(body) == expected { Found::Frame(Frame { body }) } else { Found::Damage })
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("the caller looked at sixteen bytes"))
}

fn kind_code(kind: RecordKind) -> u8 {
    match kind {
        RecordKind::Alert => 0,
        RecordKind::Dhcp => 1,
        RecordKind::Test => 2,
        RecordKind::Summary => 3,
        RecordKind::Activity(kind) => FIRST_ACTIVITY + kind as u8,
    }
}

/// The code of the first kind of activity; the others follow.
const FIRST_ACTIVITY: u8 = 4;

fn kind_of(code: u8) -> Option<RecordKind> {
    let activity = || ActivityKind::ALL.get(usize::from(code.checked_sub(FIRST_ACTIVITY)?)).copied();
    [RecordKind::Alert, RecordKind::Dhcp, RecordKind::Test, RecordKind::Summary]
        .get(usize::from(code))
        .copied()
        .or_else(|| activity().map(RecordKind::Activity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::testing::record;
    use proptest::prelude::*;

    #[test]
    fn every_kind_has_a_code() {
        let activities = ActivityKind::ALL.iter().copied().map(RecordKind::Activity);
        let plain = [RecordKind::Alert, RecordKind::Dhcp, RecordKind::Test, RecordKind::Summary];
        for (code, kind) in (0..).zip(plain.into_iter().chain(activities)) {
            assert_eq!((kind_code(kind), kind_of(code)), (code, Some(kind)));
        }
        assert_eq!(kind_of(u8::MAX), None);
    }

    fn frames(count: u64) -> (Vec<u8>, Vec<usize>) {
        let clock = WallClock::now();
        let mut bytes = Vec::new();
        let ends = (0..count)
            .map(|number| {
                encode(&record(number, number), clock, &mut bytes);
                bytes.len()
            })
            .collect();
        (bytes, ends)
    }

    fn keys(bytes: &[u8]) -> Vec<u64> {
        Walk::new(bytes, 0)
            .filter_map(|found| if let Found::Frame(frame) = found { Some(frame.order_key()) } else { None })
            .collect()
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let clock = WallClock::now();
        let sent = record(7, 42);
        let mut bytes = Vec::new();
        encode(&sent, clock, &mut bytes);
        assert_eq!(bytes.len(), encoded_len(&sent));
        let Some(Found::Frame(frame)) = Walk::new(&bytes, 0).next() else { panic!("the frame is whole") };
        let back = frame.record(clock).expect("the kind is known");
        assert_eq!((back.id, back.kind, back.severity), (sent.id, sent.kind, sent.severity));
        assert_eq!((back.order_key, back.time), (sent.order_key, sent.time));
        assert_eq!(back.json, sent.json);
        let drift = sent.created.max(back.created) - sent.created.min(back.created);
        assert!(drift < Duration::from_millis(5), "{drift:?}");
    }

    proptest! {
        #[test]
        fn one_flipped_bit_costs_at_most_its_own_record(victim in 0_usize..10, place in 0.0_f64..1.0, bit in 0_u8..8) {
            let (mut bytes, ends) = frames(10);
            let start = if victim == 0 { 0 } else { ends[victim - 1] };
            let at = start + ((ends[victim] - start - 1) as f64 * place) as usize;
            bytes[at] ^= 1 << bit;
            let expected: Vec<u64> = (0..10).filter(|&key| key != victim as u64).collect();
            prop_assert_eq!(keys(&bytes), expected);
        }

        #[test]
        fn a_cut_costs_the_record_it_went_through(share in 0.0_f64..1.0) {
            let (bytes, ends) = frames(10);
            let cut = (bytes.len() as f64 * share) as usize;
            let whole = ends.iter().filter(|&&end| end <= cut).count() as u64;
            prop_assert_eq!(keys(&bytes[..cut]), (0..whole).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_walked_to_the_end(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let mut walk = Walk::new(&bytes, 0);
            while walk.next().is_some() {}
            prop_assert_eq!(walk.offset(), bytes.len());
        }
    }
}
