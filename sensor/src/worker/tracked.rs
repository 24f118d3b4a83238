//! What a worker keeps of a flow besides the flow itself.

use crate::app_layer::application::Application;
use crate::app_layer::transaction::Noted;
use crate::detect::FlowMemory;
use crate::event::Direction;
use crate::reassembly::stream::{Session, Side, State};
use smallvec::SmallVec;

/// Hangs on a flow's record; most flows of a sensor without rules have none.
pub(super) type Extension = Option<Box<Tracked>>;

/// Of a flow that rules look at: what they remember, its streams, and what it says.
#[derive(Debug, Default)]
pub(super) struct Tracked {
    pub(super) memory: Option<Box<FlowMemory>>,
    pub(super) session: Option<Box<Session>>,
    pub(super) application: Application,
    /// How far rules have looked at the raw stream of each way.
    pub(super) raw: [Raw; 2],
    /// How many records were made of it.
    pub(super) records: u32,
    /// Which rule set has looked at it last, counted from 0.
    pub(super) rules: u32,
    /// A fault of the sensor came up in it: it is not inspected any more.
    pub(super) quarantined: bool,
}

/// How far rules have looked at one raw stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Raw {
    /// Bytes from the stream's start.
    progress: u64,
    /// Whether the application layer wants rules to look now.
    triggered: bool,
}

/// Pieces of a stream that are looked at together, more than one where holes are between them.
pub(super) type Pieces<'a> = SmallVec<[&'a [u8]; 4]>;

/// Bytes that have to be acknowledged before rules look at a raw stream (Suricata documentation: "suricata.yaml",
/// stream.reassembly.toserver-chunk-size and toclient-chunk-size).
const CHUNK: u64 = 2560;

impl Raw {
    /// Rules are to look as soon as a packet comes that way.
    pub(super) fn trigger(&mut self) {
        self.triggered = true;
    }

    /// How far rules have looked.
    pub(super) fn progress(&self) -> u64 {
        self.progress
    }

    /// What rules are to look at now, and how far they have looked then; nothing while there is not enough.
    pub(super) fn ready<'a>(&self, side: &'a Side, state: State, ends: bool) -> Option<(Pieces<'a>, u64)> {
        if side.is_disabled() || side.right_edge() <= self.progress {
            return None;
        }
        let closing = matches!(state, State::LastAck | State::CloseWait | State::Closing | State::Closed);
        let enough = side.acked() >= self.progress + CHUNK;
        if !(enough || self.triggered || ends || closing || side.depth_reached()) {
            return None;
        }
        let edge = if ends { side.right_edge() } else { side.acked() };
        let mut pieces = Pieces::new();
        let mut at = self.progress;
        while let Some(block) = side.next_block(at).filter(|block| block.offset < edge) {
            let len = usize::try_from(edge - block.offset).unwrap_or(usize::MAX).min(block.bytes.len());
            pieces.push(&block.bytes[..len]);
            at = block.offset + len as u64;
            if len == 0 {
                break;
            }
        }
        Some((pieces, at.max(edge)))
    }

    /// Rules have looked so far.
    pub(super) fn advance(&mut self, to: u64) {
        self.progress = self.progress.max(to);
        self.triggered = false;
    }
}

impl Tracked {
    /// Of a flow that is not inspected any more.
    pub(super) fn quarantined() -> Self {
        Self { quarantined: true, ..Self::default() }
    }

    /// Lets the rules of another set look at open transactions from their beginning, as Suricata does.
    pub(super) fn look_anew(&mut self, rules: u32) {
        self.rules = rules;
        if let Some(conversation) = self.application.conversation() {
            for transaction in conversation.transactions() {
                for direction in Direction::ALL {
                    if let Some(Noted { finished, .. }) = conversation.take_noted(transaction, direction) {
                        let noted = Noted { finished, ..Noted::default() };
                        conversation.put_noted(transaction, direction, noted);
                    }
                }
            }
        }
    }

    /// Whether something of a way was not looked at yet, so that its end has to be.
    pub(super) fn has_rest(&self, direction: Direction) -> bool {
        let Some(session) = &self.session else { return false };
        let side = session.side(direction);
        let unread = side.right_edge() > self.raw[direction.index()].progress
            || side.right_edge() > self.application.consumed(direction);
        let unshown = side.right_edge() > self.application.kept_for_frames(direction);
        unread || unshown || self.application.has_open(direction)
    }
}
