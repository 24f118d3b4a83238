//! One datagram under way: which bytes are there, and which fragment each came from.

use super::{Fragment, OverlapPolicy};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::ops::Range;

/// The longest a datagram's data can be (RFC 791 §3.1: total length has 16 bits).
pub(super) const MAX_BYTES: usize = 65_535;

/// What a datagram and a piece count in memory beside their bytes: the records themselves with their keys and their
/// share of the maps that hold them.
const DATAGRAM_BYTES: usize = 384;
const PIECE_BYTES: usize = 64;

/// What came of adding a fragment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Insertion {
    /// All of it is new.
    Fresh,
    /// Some of it was there already.
    Overlapping,
    /// It contradicts what is known of the datagram's end, or is one too many.
    Refused,
}

/// A run of bytes of one fragment, filed under where it begins in the datagram.
#[derive(Clone, Debug)]
struct Piece {
    end: u32,
    /// Where its bytes begin in the store.
    at: usize,
    /// What its fragment spanned, which decides overlaps.
    owner: Range<u32>,
}

/// A datagram of which fragments were seen.
#[derive(Debug)]
pub(super) struct Datagram {
    policy: OverlapPolicy,
    /// Never overlapping; each byte of the datagram is stored once, so that this is at most [`MAX_BYTES`] long.
    pieces: BTreeMap<u32, Piece>,
    store: Vec<u8>,
    /// The first fragment's header.
    header: Option<Box<[u8]>>,
    /// Where the data ends, once the last fragment told.
    end: Option<u32>,
    fragments: u32,
    /// When a fragment was last added.
    pub(super) touched: Timestamp,
    /// Its place in the order of eviction.
    pub(super) turn: u64,
}

impl Datagram {
    pub(super) fn new(policy: OverlapPolicy) -> Self {
        Self {
            policy,
            pieces: BTreeMap::new(),
            store: Vec::new(),
            header: None,
            end: None,
            fragments: 0,
            touched: Timestamp::ZERO,
            turn: u64::MAX,
        }
    }

    /// Whether no fragment was added yet.
    pub(super) fn is_empty(&self) -> bool {
        self.fragments == 0
    }

    /// Memory held, once there is a fragment.
    pub(super) fn bytes(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        let header_len = self.header.as_ref().map_or(0, |header| header.len());
        DATAGRAM_BYTES + header_len + self.store.capacity() + self.pieces.len() * PIECE_BYTES
    }

    /// Whether every byte up to the end is there.
    pub(super) fn is_complete(&self) -> bool {
        // No piece reaches beyond a known end, and none overlap: nothing is missing when the lengths agree.
        self.header.is_some() && self.end.is_some_and(|end| end as usize == self.store.len())
    }

    /// The first fragment's header, once complete.
    pub(super) fn header(&self) -> &[u8] {
        self.header.as_deref().unwrap_or_default()
    }

    /// How long the data is, once complete.
    pub(super) fn len(&self) -> usize {
        self.store.len()
    }

    /// The data in order.
    pub(super) fn data(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces
            .iter()
            .map(|(&start, piece)| &self.store[piece.at..piece.at + (piece.end - start) as usize])
    }

    /// Adds a fragment that ends within [`MAX_BYTES`].
    pub(super) fn insert(&mut self, fragment: &Fragment<'_>, max_fragments: u32) -> Insertion {
        let span = fragment.offset..fragment.offset + fragment.data.len() as u32;
        if self.fragments >= max_fragments || !self.agrees(&span, fragment.more) {
            return Insertion::Refused;
        }
        self.fragments += 1;
        if !fragment.more {
            self.end = Some(span.end);
        }
        if fragment.offset == 0 && self.header.is_none() {
            self.header = Some(fragment.header.into());
        }
        let mut insertion = Insertion::Fresh;
        let mut cursor = span.start;
        while cursor < span.end {
            cursor = match self.piece_at(cursor) {
                Some((start, piece)) => {
                    insertion = Insertion::Overlapping;
                    self.overlap(cursor, start, piece, &span, fragment.data)
                }
                None => self.fill(cursor, &span, fragment.data),
            };
        }
        insertion
    }

    /// Whether the fragment fits what is known of the end: a second last fragment, data beyond the end, and an end
    /// before data that is there are refused, as Linux does.
    fn agrees(&self, span: &Range<u32>, more: bool) -> bool {
        let reach = self.pieces.last_key_value().map_or(0, |(_, piece)| piece.end);
        match self.end {
            Some(end) if more => span.end <= end,
            Some(end) => span.end == end,
            None => more || span.end >= reach,
        }
    }

    /// The piece that holds the byte at `cursor`.
    fn piece_at(&self, cursor: u32) -> Option<(u32, Piece)> {
        let (&start, piece) = self.pieces.range(..=cursor).next_back()?;
        (piece.end > cursor).then(|| (start, piece.clone()))
    }

    /// Settles who keeps the bytes from `cursor` on that a piece and the new fragment share; tells where they end.
    fn overlap(&mut self, cursor: u32, start: u32, piece: Piece, span: &Range<u32>, data: &[u8]) -> u32 {
        let until = piece.end.min(span.end);
        if self.policy.fragment_wins(span, &piece.owner) {
            let at = piece.at + (cursor - start) as usize;
            let from = (cursor - span.start) as usize;
            let len = (until - cursor) as usize;
            self.store[at..at + len].copy_from_slice(&data[from..from + len]);
            if until < piece.end {
                let rest = Piece { end: piece.end, at: at + len, owner: piece.owner.clone() };
                self.pieces.insert(until, rest);
            }
            if start < cursor {
                self.pieces.insert(start, Piece { end: cursor, ..piece });
            }
            self.pieces.insert(cursor, Piece { end: until, at, owner: span.clone() });
        }
        until
    }

    /// Stores the new fragment's bytes from `cursor` to the next piece; tells where that is.
    fn fill(&mut self, cursor: u32, span: &Range<u32>, data: &[u8]) -> u32 {
        let until = self.pieces.range(cursor..).next().map_or(span.end, |(&next, _)| next.min(span.end));
        let at = self.store.len();
        self.store.extend_from_slice(&data[(cursor - span.start) as usize..(until - span.start) as usize]);
        self.pieces.insert(cursor, Piece { end: until, at, owner: span.clone() });
        until
    }
}
