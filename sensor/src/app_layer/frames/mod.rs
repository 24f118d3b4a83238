//! Frames: units of a protocol as they stand on the wire, announced by parsers where rules ask for them (Suricata
//! documentation: "Application Layer Frame Support"; observed behaviour where that is silent).
//!
//! A frame is where it begins and how long it is, never its bytes: these stay in the stream until rules have looked.

use super::SPEECHES;
use super::conversation::ReaderPlace;
use crate::reassembly::stream::Block;
use rules::header::protocol::AppProtocol;
use rules::inspect::Part;
use rules::signature::{Kind, Signature};
use smallvec::SmallVec;

/// The kind of the frame that every protocol over TCP has: all that goes one way.
pub const STREAM: u8 = u32::BITS as u8 - 1;

/// Bytes that have to come before rules look at a part of a frame.
const ENOUGH: u64 = 2500;

/// Kinds of frames of one protocol, a bit each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Kinds(u32);

impl Kinds {
    fn contains(self, kind: u8) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    fn insert(&mut self, kind: u8) {
        self.0 |= Self::bit(kind);
    }

    /// Whether it was among them.
    fn remove(&mut self, kind: u8) -> bool {
        let was = self.contains(kind);
        self.0 &= !Self::bit(kind);
        was
    }

    fn bit(kind: u8) -> u32 {
        1u32.checked_shl(u32::from(kind)).unwrap_or(0)
    }
}

/// What rules ask of frames.
#[derive(Clone, Debug, Default)]
pub struct FrameWishes {
    /// Which kinds, of protocols of which there are any.
    kinds: Vec<(AppProtocol, Kinds)>,
    /// The most frames of one way of a flow that wait to be looked at.
    room: usize,
}

impl FrameWishes {
    /// Of these rules.
    pub fn by(signatures: &[Signature], room: usize) -> Self {
        let mut kinds = Vec::new();
        for speech in SPEECHES {
            let asks = |signature: &&Signature| {
                signature.kind == Kind::Frame
                    && signature.app_protocol.is_none_or(|wanted| speech.protocol.is(wanted))
            };
            let rows = (speech.fields)();
            let mut of_speech = Kinds::default();
            for field in signatures.iter().filter(asks).flat_map(Signature::fields) {
                for row in rows.iter().filter(|row| row.field == field) {
                    if let ReaderPlace::Frame(kind) = row.reader {
                        of_speech.insert(kind);
                    }
                }
            }
            if of_speech != Kinds::default() {
                kinds.push((speech.protocol, of_speech));
            }
        }
        Self { kinds, room }
    }

    /// Of a protocol.
    fn of(&self, protocol: Option<AppProtocol>) -> Kinds {
        let known = self.kinds.iter().find(|(known, _)| Some(*known) == protocol);
        known.map_or(Kinds::default(), |&(_, kinds)| kinds)
    }
}

/// One frame that rules have not looked at to its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// Its place among those of its protocol, or [`STREAM`].
    pub kind: u8,
    /// Where it begins: in the stream going its way, or in its datagram.
    pub start: u64,
    /// How long it is, as soon as that is known.
    pub len: Option<u64>,
    /// How many of its bytes were looked at.
    looked: u64,
}

impl Frame {
    fn from(&self) -> u64 {
        self.start + self.looked
    }

    fn end(&self) -> Option<u64> {
        self.len.map(|len| self.start.saturating_add(len))
    }

    /// Up to where rules are to look now.
    fn ready_to(&self, edge: Edge) -> Option<u64> {
        let end = self.end().unwrap_or(u64::MAX);
        // How far a frame reaches that goes on is known as far as it was parsed.
        let there = if self.len.is_some() { edge.there } else { edge.there.min(edge.parsed) };
        let to = there.min(end);
        let enough = to == end || edge.over || to >= self.from() + ENOUGH;
        (enough && to > self.from()).then_some(to)
    }

    fn part<'a>(&self, block: Block<'a>, to: u64) -> Part<'a> {
        let len =
            usize::try_from(to - block.offset).map_or(block.bytes.len(), |len| len.min(block.bytes.len()));
        let ends = Some(block.offset + len as u64) == self.end();
        Part { bytes: &block.bytes[..len], stream_offset: block.offset - self.start, ends }
    }
}

/// How far one way of a flow has come.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Where the bytes end that may be looked at.
    pub there: u64,
    /// Where those end that were parsed.
    pub parsed: u64,
    /// Whether no more will come.
    pub over: bool,
}

/// What rules are to look at of one frame, as far as there is no hole: its bytes, or those that were not looked at
/// before.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Its place among those of its protocol, or [`STREAM`].
    pub kind: u8,
    /// The bytes.
    pub part: Part<'a>,
    /// Whether they belong to the same frame as those before, behind a hole.
    pub goes_on: bool,
}

/// Frames that are looked at together.
pub type ShownFrames<'a> = SmallVec<[Shown<'a>; 4]>;

/// The frames of one way of a flow.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Frames {
    wanted: Kinds,
    room: usize,
    /// Where the bytes begin that the parser was given, and where it stands among them.
    base: u64,
    here: u64,
    /// The parser has stood at what lies below before, and told what it knows there.
    told: u64,
    telling: u64,
    /// Whether [`STREAM`] has begun.
    streams: bool,
    /// Kinds of which one was begun whose end was not told yet.
    open: Kinds,
    waiting: Vec<Frame>,
    refused: u64,
}

impl Frames {
    fn announce(&mut self, kind: u8, offset: usize, len: Option<u64>) {
        if self.here >= self.told {
            self.telling = self.here + 1;
            self.push(Frame { kind, start: self.here + offset as u64, len, looked: 0 });
        }
    }

    fn push(&mut self, frame: Frame) {
        if !self.wanted.contains(frame.kind) || frame.len == Some(0) {
            return;
        }
        if self.waiting.len() < self.room {
            if frame.len.is_none() {
                self.open.insert(frame.kind);
            }
            self.waiting.push(frame);
        } else {
            self.refused += 1;
        }
    }

    fn close(&mut self, kind: u8, offset: usize) {
        if !self.open.remove(kind) {
            return;
        }
        let open = self.waiting.iter().rposition(|frame| frame.kind == kind && frame.len.is_none());
        let Some(at) = open else { return };
        let frame = &mut self.waiting[at];
        let len = (self.here + offset as u64).saturating_sub(frame.start);
        frame.len = Some(len);
        if len <= frame.looked {
            self.waiting.remove(at);
        }
    }
}

/// The frames of one way of a flow, if rules ask for any: what parsers tell of them goes here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FrameLog(Option<Box<Frames>>);

impl FrameLog {
    /// Gets ready for what a parser tells of bytes that begin at `base`.
    pub(super) fn begin(&mut self, wishes: &FrameWishes, protocol: Option<AppProtocol>, base: u64) {
        let wanted = wishes.of(protocol);
        if wanted == Kinds::default() {
            self.0 = None;
            return;
        }
        let frames = self.0.get_or_insert_default();
        (frames.wanted, frames.room) = (wanted, wishes.room);
        if !std::mem::replace(&mut frames.streams, true) {
            frames.push(Frame { kind: STREAM, start: base, len: None, looked: 0 });
        }
        (frames.base, frames.here, frames.told) = (base, base, frames.telling);
    }

    /// Gets ready for a datagram.
    pub(super) fn begin_datagram(&mut self, wishes: &FrameWishes, protocol: Option<AppProtocol>) {
        self.begin(wishes, protocol, 0);
        if let Some(frames) = &mut self.0 {
            frames.waiting.clear();
            (frames.told, frames.telling) = (0, 0);
        }
    }

    /// Whether rules ask for none.
    pub fn is_idle(&self) -> bool {
        self.0.is_none()
    }

    /// The parser stands so many bytes behind the beginning of its input. What it told there before, it may tell again.
    pub fn stand_at(&mut self, taken: usize) {
        if let Some(frames) = &mut self.0 {
            frames.here = frames.base + taken as u64;
        }
    }

    /// There is a frame, of so many bytes, from so many bytes behind where the parser stands.
    pub fn add(&mut self, kind: u8, offset: usize, len: usize) {
        if let Some(frames) = &mut self.0 {
            frames.announce(kind, offset, Some(len as u64));
        }
    }

    /// A frame begins so many bytes behind where the parser stands; where it ends will be told.
    pub fn open(&mut self, kind: u8, offset: usize) {
        if let Some(frames) = &mut self.0 {
            frames.announce(kind, offset, None);
        }
    }

    /// The frame that was begun ends so many bytes behind where the parser stands.
    pub fn close(&mut self, kind: u8, offset: usize) {
        if let Some(frames) = &mut self.0 {
            frames.close(kind, offset);
        }
    }

    /// How many frames were not kept for lack of room since this was last asked.
    pub(super) fn take_refused(&mut self) -> u64 {
        self.0.as_mut().map_or(0, |frames| std::mem::take(&mut frames.refused))
    }

    /// From where on bytes have to be kept for rules to look at.
    pub fn kept_from(&self) -> u64 {
        let waiting = self.0.iter().flat_map(|frames| &frames.waiting);
        waiting.map(Frame::from).min().unwrap_or(u64::MAX)
    }

    /// What rules are to look at now, out of blocks of bytes; counts as looked at.
    pub fn take_ready<'a>(
        &mut self,
        edge: Edge,
        next_block: impl Fn(u64) -> Option<Block<'a>>,
    ) -> ShownFrames<'a> {
        let mut shown = ShownFrames::new();
        let Some(frames) = &mut self.0 else { return shown };
        if edge.over {
            frames.open = Kinds::default();
        }
        frames.waiting.retain_mut(|frame| {
            if let Some(to) = frame.ready_to(edge) {
                let (mut at, mut goes_on) = (frame.from(), false);
                while let Some(block) =
                    next_block(at).filter(|block| block.offset < to && !block.bytes.is_empty())
                {
                    let part = frame.part(block, to);
                    at = block.offset + part.bytes.len() as u64;
                    shown.push(Shown { kind: frame.kind, part, goes_on });
                    goes_on = true;
                }
                frame.looked = to - frame.start;
            }
            !edge.over && frame.end().is_none_or(|end| frame.from() < end)
        });
        shown
    }
}

#[cfg(test)]
pub(crate) mod tests;
