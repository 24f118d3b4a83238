//! Steps over one buffer with a cursor.
//!
//! The steps of a buffer hold in their order. Each begins where the rule says: at a fixed place, or relative to
//! where the step before it ended. A step that can hold in several places (a content, a pcre) is tried again further
//! on, when a later step relative to it fails (Suricata documentation: "Payload Keywords"). How often steps may be
//! tried in one inspection is bounded, so that hostile payload costs bounded time.

use crate::content::Content;
use crate::keyword::MatchMemory;
use crate::view::View;
use std::fmt;
use std::sync::Arc;

/// What one step over a buffer found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It does not hold, and would for an earlier step's other place perhaps.
    Fails,
    /// It does not hold, wherever earlier steps were found.
    FailsForGood,
    /// It holds, and only so.
    Holds,
    /// It holds, and may hold elsewhere: `Resume` says where to go on looking.
    HoldsHere(Resume),
}

/// Where a step that held goes on looking, in bytes from the buffer's start.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Resume(pub usize);

/// One condition on a buffer.
pub trait Step: fmt::Debug + Send + Sync {
    /// Whether the step holds; moves `cursor.at` to where it ended. With `resume`, looks from there on.
    fn check(&self, cursor: &mut Cursor<'_>, resume: Option<Resume>) -> Outcome;

    /// Whether it begins where the step before it ended.
    fn relative(&self) -> bool {
        false
    }

    /// Whether it can hold in several places, so that a relative step after it makes it look further.
    fn repeats(&self) -> bool {
        false
    }

    /// The content it looks for, if it is a `content`.
    fn content(&self) -> Option<&Content> {
        None
    }

    /// The least and the greatest length that it lets the buffer have, if it is about that.
    fn buffer_len(&self) -> Option<(u64, u64)> {
        None
    }

    /// How many bytes it needs after where the step before it ended, if it is about that and moves nothing.
    fn bytes_after(&self) -> Option<u64> {
        None
    }

    /// Takes what the rule asks of decoded bytes, if this is a step that decodes some.
    fn attach(&mut self, _decoded: &Arc<Steps>) {}

    /// What it does, in words, for `rules explain`.
    fn explain(&self) -> String;
}

/// How many numbers `byte_extract` and `byte_math` of one rule may bind.
pub const MAX_VARIABLES: usize = 16;

/// A part of a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// What there is.
    pub bytes: &'a [u8],
    /// Where that begins in the buffer, in bytes.
    pub stream_offset: u64,
    /// Whether the buffer ends with it.
    pub ends: bool,
}

/// Bytes under inspection, and how far the steps have come.
pub struct Cursor<'a> {
    /// The buffer.
    pub bytes: &'a [u8],
    /// Where the last step that moves ended.
    pub at: usize,
    /// Where the buffer begins in its stream, in bytes; 0 for what is no stream.
    pub stream_offset: u64,
    /// Whether nothing follows the buffer in its stream.
    pub ends: bool,
    /// The packet beside the buffer.
    pub view: &'a View<'a>,
    /// Memory that steps may use, and what they want remembered.
    pub scratch: &'a mut Scratch,
}

/// The most values that `pcre` may capture for one packet, and the most bytes they may have together.
const MAX_CAPTURES: usize = 64;
const MAX_CAPTURED_BYTES: usize = 16 << 10;

/// What `pcre` captured. The memory is used again for every packet.
#[derive(Debug, Default)]
pub struct Captures {
    /// Variable, and the end of its value in `bytes`.
    entries: Vec<(u32, usize)>,
    bytes: Vec<u8>,
    /// Values left out for lack of room.
    pub refused: u64,
}

impl Captures {
    /// Adds a value, as long as there is room.
    pub fn push(&mut self, variable: u32, value: &[u8]) {
        if self.entries.len() == MAX_CAPTURES || self.bytes.len() + value.len() > MAX_CAPTURED_BYTES {
            self.refused += 1;
            return;
        }
        self.bytes.extend_from_slice(value);
        self.entries.push((variable, self.bytes.len()));
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets all values but the first `len`: those of a rule that did not match after all.
    pub fn truncate(&mut self, len: usize) {
        self.entries.truncate(len);
        self.bytes.truncate(self.entries.last().map_or(0, |&(_, end)| end));
    }

    /// Variables with their values, in the order they were captured.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let starts = std::iter::once(0).chain(self.entries.iter().map(|&(_, end)| end));
        self.entries.iter().zip(starts).map(|(&(variable, end), start)| (variable, &self.bytes[start..end]))
    }
}

/// Memory of one worker, used again for every inspection.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Steps left to try in this inspection.
    budget: u32,
    /// What `byte_extract` and `byte_math` bound, over all buffers of the rule under inspection.
    pub variables: [u64; MAX_VARIABLES],
    /// Decoded bytes of `base64_decode`, for `base64_data`.
    pub base64: Vec<u8>,
    /// A transform reads from one and writes to the other.
    pub transformed: [Vec<u8>; 2],
    /// What `pcre` captured. Whoever inspects takes back what a rule captured that did not match.
    pub captures: Captures,
    /// Where `pcre` notes what it found.
    pub matches: MatchMemory,
    /// Inspections given up because they took too many steps.
    pub exhausted: u64,
    /// Calls of `pcre` that hit its match limit.
    pub pcre_limit_hits: u64,
}

/// How many steps one inspection of one buffer may try (Suricata: `detect.inspection-recursion-limit`).
pub const STEP_LIMIT: u32 = 3000;

/// The steps of one buffer, in order.
#[derive(Debug, Default)]
pub struct Steps {
    links: Vec<Link>,
}

#[derive(Debug)]
struct Link {
    step: Box<dyn Step>,
    /// A relative step follows before the next one that repeats: this one must try its other places for it.
    backtracks: bool,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Verdict {
    Holds,
    Fails,
    FailsForGood,
}

impl Steps {
    /// Chains steps in the order they stand in the rule.
    pub fn new(steps: Vec<Box<dyn Step>>) -> Self {
        let mut links: Vec<Link> = Vec::with_capacity(steps.len());
        let mut relative_follows = false;
        for step in steps.into_iter().rev() {
            let backtracks = step.repeats() && relative_follows;
            relative_follows = step.relative() || (relative_follows && !step.repeats());
            links.push(Link { step, backtracks });
        }
        links.reverse();
        Self { links }
    }

    /// Whether there is nothing to check.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// The steps, in order.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Step> {
        self.links.iter().map(|link| &*link.step)
    }

    /// Whether all steps hold on a part of a buffer.
    pub fn hold(&self, part: Part<'_>, view: &View<'_>, scratch: &mut Scratch) -> bool {
        scratch.budget = STEP_LIMIT;
        let Part { bytes, stream_offset, ends } = part;
        let mut cursor = Cursor { bytes, at: 0, stream_offset, ends, view, scratch };
        run(&self.links, &mut cursor) == Verdict::Holds
    }

    /// Whether all steps hold on bytes that a step of another buffer made; counts as part of that inspection.
    pub fn hold_within(&self, bytes: &[u8], view: &View<'_>, scratch: &mut Scratch) -> bool {
        let mut cursor = Cursor { bytes, at: 0, stream_offset: 0, ends: true, view, scratch };
        run(&self.links, &mut cursor) == Verdict::Holds
    }
}

/// Recursion is as deep as the rule has steps, which `compile` bounds.
fn run(links: &[Link], cursor: &mut Cursor<'_>) -> Verdict {
    let Some((link, rest)) = links.split_first() else { return Verdict::Holds };
    let start = cursor.at;
    let mut resume = None;
    loop {
        if cursor.scratch.budget == 0 {
            cursor.scratch.exhausted += 1;
            return Verdict::FailsForGood;
        }
        cursor.scratch.budget -= 1;
        match link.step.check(cursor, resume) {
            Outcome::Fails => return Verdict::Fails,
            Outcome::FailsForGood if resume.is_none() => return Verdict::FailsForGood,
            Outcome::FailsForGood => return Verdict::Fails,
            Outcome::Holds => return run(rest, cursor),
            Outcome::HoldsHere(_) if !link.backtracks => return run(rest, cursor),
            Outcome::HoldsHere(further) => match run(rest, cursor) {
                Verdict::Fails => {
                    cursor.at = start;
                    resume = Some(further);
                }
                verdict => return verdict,
            },
        }
    }
}
