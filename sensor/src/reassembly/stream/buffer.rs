//! The bytes of one direction that are held: a run in order that grows at its end, runs before gaps that are not yet
//! released, and what came early and waits behind a hole.

use super::super::OverlapPolicy;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

/// What an early piece counts in memory beside its bytes: its record and its share of the map that holds it.
const PIECE_BYTES: usize = 96;
/// What a run counts in memory beside its bytes: its record, and its share of the list of runs. No more than the early
/// piece that it is made of where data is given up.
const RUN_BYTES: usize = PIECE_BYTES;
/// Released bytes at the front of a run, or unused ones among early bytes, are tolerated up to this many.
const SLACK_BYTES: usize = 4096;

/// A run of bytes of a stream without a gap.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Block<'a> {
    /// Where it begins in its stream.
    pub offset: u64,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Bytes in order.
#[derive(Debug, Default)]
struct Run {
    store: Vec<u8>,
    /// Bytes of the store that are released.
    head: usize,
    /// Where the first byte that is held stands in the stream.
    offset: u64,
}

impl Run {
    fn at(offset: u64) -> Self {
        Self { store: Vec::new(), head: 0, offset }
    }

    fn bytes(&self) -> &[u8] {
        &self.store[self.head..]
    }

    fn end(&self) -> u64 {
        self.offset + self.bytes().len() as u64
    }

    fn is_empty(&self) -> bool {
        self.head == self.store.len()
    }

    /// From `from` on, which lies in the run.
    fn block(&self, from: u64) -> Block<'_> {
        let offset = from.max(self.offset);
        Block { offset, bytes: &self.bytes()[(offset - self.offset) as usize..] }
    }

    /// Forgets what stands before `below`. What remains is moved to the front once it is no longer than what was
    /// forgotten, so that each byte forgotten pays for one moved. Tells how much was moved.
    fn release(&mut self, below: u64) -> usize {
        let len = below.saturating_sub(self.offset).min(self.bytes().len() as u64);
        self.head += len as usize;
        self.offset += len;
        if self.is_empty() {
            self.store.clear();
            self.head = 0;
            0
        } else if self.head >= SLACK_BYTES && self.head >= self.store.len() - self.head {
            self.store.copy_within(self.head.., 0);
            self.store.truncate(self.store.len() - self.head);
            self.head = 0;
            self.store.len()
        } else {
            0
        }
    }
}

/// How much the store's capacity can grow when `len` bytes are added.
fn doubling(store: &Vec<u8>, len: usize) -> usize {
    let free = store.capacity() - store.len();
    if len > free { store.capacity().max(len).max(8) } else { 0 }
}

/// A part of a segment that waits behind a hole, filed under where it begins in the stream.
#[derive(Clone, Debug)]
struct Piece {
    end: u64,
    /// Where its bytes begin in the store.
    at: usize,
    /// What its segment spanned, which decides overlaps.
    owner: Range<u64>,
}

/// The bytes held of one direction.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    /// Runs that ended at a gap, oldest first; seldom any.
    older: VecDeque<Run>,
    older_memory: usize,
    current: Run,
    /// Beyond the end of the current run, never touching it; never overlapping.
    early: BTreeMap<u64, Piece>,
    early_store: Vec<u8>,
    /// Bytes of the store that a piece refers to.
    early_bytes: usize,
    /// Bytes copied and pieces looked at, which must grow with the input alone.
    #[cfg(test)]
    pub(super) work: u64,
}

impl Buffer {
    /// An empty one that expects data at `offset`; keeps the memory it has.
    pub(super) fn restart(&mut self, offset: u64) {
        self.older.clear();
        self.older_memory = 0;
        self.current.store.clear();
        self.current.head = 0;
        self.current.offset = offset;
        self.clear_early();
    }

    /// Whether nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.current.is_empty() && self.older.is_empty() && self.early.is_empty()
    }

    /// Memory held, in bytes, with what a gap can add to it: another run, and early bytes moved there.
    pub(super) fn memory(&self) -> usize {
        let runs = self.older.len() + 1 + usize::from(!self.current.is_empty());
        size_of::<Self>()
            + runs * RUN_BYTES
            + self.older_memory
            + self.current.store.capacity()
            + self.early_store.capacity()
            + self.early_bytes
            + self.early.len() * PIECE_BYTES
    }

    /// How much [`memory`](Self::memory) can grow when a segment that spans `span` is added, and by how many pieces.
    pub(super) fn growth(&self, span: &Range<u64>) -> (usize, usize) {
        let len = (span.end - span.start) as usize;
        if span.start <= self.current.end() {
            return (RUN_BYTES + doubling(&self.current.store, len + self.early_bytes), 0);
        }
        // A segment can fill the hole before each piece it meets, the one behind them, and cut a piece at either end.
        let pieces = self.early.range(span.clone()).count() + 3;
        (RUN_BYTES + len + doubling(&self.early_store, len) + pieces * PIECE_BYTES, pieces)
    }

    /// Pieces that wait behind a hole.
    pub(super) fn pieces(&self) -> usize {
        self.early.len()
    }

    /// Where the first piece behind a hole begins.
    pub(super) fn first_early(&self) -> Option<u64> {
        self.early.first_key_value().map(|(&start, _)| start)
    }

    /// Where the current run ends: what comes next in order.
    pub(super) fn settled_end(&self) -> u64 {
        self.current.end()
    }

    /// Where the last byte held ends.
    pub(super) fn right_edge(&self) -> u64 {
        self.early.last_key_value().map_or(self.current.end(), |(_, piece)| piece.end)
    }

    /// The first run of bytes at or after `from`. Of what waits behind a hole, one piece at a time.
    pub(super) fn next_block(&self, from: u64) -> Option<Block<'_>> {
        let older = self.older.partition_point(|run| run.end() <= from);
        let run = self.older.get(older).unwrap_or(&self.current);
        if from < run.end() && !run.is_empty() {
            return Some(run.block(from));
        }
        let within = self.early.range(..=from).next_back().filter(|(_, piece)| piece.end > from);
        let (&start, piece) = within.or_else(|| self.early.range(from..).next())?;
        let offset = from.max(start);
        Some(Block {
            offset,
            bytes: &self.early_store[piece.at + (offset - start) as usize..][..(piece.end - offset) as usize],
        })
    }

    /// Whether bytes that stand at `offset` and are held already say something else.
    pub(super) fn differs(&self, mut offset: u64, mut bytes: &[u8]) -> bool {
        while let Some(block) = self.next_block(offset) {
            let skipped = (block.offset - offset).min(bytes.len() as u64) as usize;
            bytes = &bytes[skipped..];
            let shared = bytes.len().min(block.bytes.len());
            if bytes[..shared] != block.bytes[..shared] {
                return true;
            }
            bytes = &bytes[shared..];
            if bytes.is_empty() {
                return false;
            }
            offset = block.offset + shared as u64;
        }
        false
    }

    /// Forgets what stands before `below`, but nothing that waits behind a hole.
    pub(super) fn release(&mut self, below: u64) {
        while let Some(run) = self.older.front_mut() {
            if run.end() > below {
                let moved = run.release(below);
                self.count_work(moved);
                break;
            }
            self.older_memory -= run.store.capacity();
            self.older.pop_front();
        }
        let moved = self.current.release(below);
        self.count_work(moved);
    }

    /// Begins a new run at `offset`, beyond the end of the current one and at most where the first early piece begins.
    pub(super) fn skip_to(&mut self, offset: u64) {
        if self.current.is_empty() {
            self.current.offset = offset;
            return;
        }
        let run = std::mem::replace(&mut self.current, Run::at(offset));
        self.older_memory += run.store.capacity();
        self.older.push_back(run);
    }

    /// Adds bytes right behind the current run, where nothing waits. The usual case.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        debug_assert!(self.early.is_empty());
        self.count_work(bytes.len());
        self.current.store.extend_from_slice(bytes);
    }

    /// Adds the bytes of a segment that spans `span` from the end of the current run on, which lies within it. What
    /// waited there is settled with it and follows as far as it reaches.
    pub(super) fn fill(&mut self, span: &Range<u64>, bytes: &[u8], policy: OverlapPolicy) {
        let part =
            |from: u64, until: u64| &bytes[(from - span.start) as usize..(until - span.start) as usize];
        loop {
            let end = self.current.end();
            match self.early.first_entry() {
                Some(entry) if *entry.key() == end => {
                    let piece = entry.remove();
                    let until = piece.end.min(span.end).max(end);
                    let shared =
                        if policy.segment_wins(span, &piece.owner) { (until - end) as usize } else { 0 };
                    let len = (piece.end - end) as usize;
                    if shared > 0 {
                        self.current.store.extend_from_slice(part(end, until));
                    }
                    self.current
                        .store
                        .extend_from_slice(&self.early_store[piece.at + shared..piece.at + len]);
                    self.early_bytes -= len;
                    self.count_work(len);
                }
                _ if end >= span.end => break,
                next => {
                    let until = next.map_or(span.end, |entry| span.end.min(*entry.key()));
                    self.current.store.extend_from_slice(part(end, until));
                    self.count_work((until - end) as usize);
                }
            }
        }
        self.tidy_early();
    }

    /// Moves what waits right behind the current run, which is empty, there.
    pub(super) fn settle(&mut self) {
        let start = self.current.end();
        let mut end = start;
        for (&at, piece) in &self.early {
            if at != end {
                break;
            }
            end = piece.end;
        }
        // Not more than what is freed there.
        self.current.store.reserve_exact((end - start) as usize);
        self.fill(&(start..start), &[], OverlapPolicy::First);
    }

    /// Adds a segment that lies wholly behind a hole.
    pub(super) fn insert_early(&mut self, span: &Range<u64>, bytes: &[u8], policy: OverlapPolicy) {
        let mut cursor = span.start;
        while cursor < span.end {
            cursor = match self.piece_at(cursor) {
                Some((start, piece)) => self.overlap(cursor, start, piece, span, bytes, policy),
                None => self.store_early(cursor, span, bytes),
            };
        }
    }

    /// The piece that holds the byte at `cursor`.
    fn piece_at(&self, cursor: u64) -> Option<(u64, Piece)> {
        let (&start, piece) = self.early.range(..=cursor).next_back()?;
        (piece.end > cursor).then(|| (start, piece.clone()))
    }

    /// Settles who keeps the bytes from `cursor` on that a piece and the new segment share; tells where they end.
    fn overlap(
        &mut self,
        cursor: u64,
        start: u64,
        piece: Piece,
        span: &Range<u64>,
        bytes: &[u8],
        policy: OverlapPolicy,
    ) -> u64 {
        let until = piece.end.min(span.end);
        self.count_work((until - cursor) as usize);
        if policy.segment_wins(span, &piece.owner) {
            let at = piece.at + (cursor - start) as usize;
            let from = (cursor - span.start) as usize;
            let len = (until - cursor) as usize;
            self.early_store[at..at + len].copy_from_slice(&bytes[from..from + len]);
            if until < piece.end {
                let rest = Piece { end: piece.end, at: at + len, owner: piece.owner.clone() };
                self.early.insert(until, rest);
            }
            if start < cursor {
                self.early.insert(start, Piece { end: cursor, ..piece });
            }
            self.early.insert(cursor, Piece { end: until, at, owner: span.clone() });
        }
        until
    }

    /// Stores the new segment's bytes from `cursor` to the next piece; tells where that is.
    fn store_early(&mut self, cursor: u64, span: &Range<u64>, bytes: &[u8]) -> u64 {
        let until = self.early.range(cursor..).next().map_or(span.end, |(&next, _)| next.min(span.end));
        let at = self.early_store.len();
        let part = &bytes[(cursor - span.start) as usize..(until - span.start) as usize];
        self.early_store.extend_from_slice(part);
        self.early_bytes += part.len();
        self.count_work(part.len());
        self.early.insert(cursor, Piece { end: until, at, owner: span.clone() });
        until
    }

    /// Gives up the store's unused bytes once they are most of it: each pays for at most one byte moved.
    fn tidy_early(&mut self) {
        if self.early.is_empty() {
            self.clear_early();
        } else if self.early_store.len() > 2 * self.early_bytes + SLACK_BYTES {
            let mut store = Vec::with_capacity(self.early_bytes);
            for (&start, piece) in &mut self.early {
                let at = store.len();
                store.extend_from_slice(&self.early_store[piece.at..piece.at + (piece.end - start) as usize]);
                piece.at = at;
            }
            self.count_work(store.len());
            self.early_store = store;
        }
    }

    fn clear_early(&mut self) {
        self.early.clear();
        self.early_bytes = 0;
        if self.early_store.capacity() > 0 {
            self.early_store = Vec::new();
        }
    }

    #[inline]
    fn count_work(&mut self, _len: usize) {
        #[cfg(test)]
        {
            self.work += _len as u64 + 1;
        }
    }
}
