//! One connection: its state and its two sides.

use super::super::OverlapPolicy;
use super::segment::Opening;
use super::side::{Marks, Side};
use super::state::State;
use crate::event::Direction;
use crate::flow::Lifecycle;

/// A followed connection.
#[derive(Debug)]
pub struct Session {
    /// The data to the server, the data to the client.
    pub(super) sides: [Side; 2],
    pub(super) state: State,
    /// The state that a reset ended.
    pub(super) before_reset: State,
    /// The way of the first SYN.
    pub(super) opener: Direction,
    /// The direction that alone is seen, where that is so.
    pub(super) only: Option<Direction>,
    pub(super) traits: Traits,
    /// Other SYN, or other SYN/ACK, that may turn out to be the one that is answered.
    pub(super) candidates: Vec<Opening>,
}

/// What a session is like, a bit each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Traits(u16);

impl Traits {
    /// Picked up without its handshake.
    pub(super) const MIDSTREAM: Self = Self(1);
    /// Both sides send timestamps.
    pub(super) const TIMESTAMPS: Self = Self(1 << 1);
    /// SYN was answered with SYN (RFC 9293 §3.5, simultaneous open).
    pub(super) const FOUR_WAY: Self = Self(1 << 2);
    /// SYN carried data (RFC 7413).
    pub(super) const FAST_OPEN: Self = Self(1 << 3);
    /// The handshake's ACK had a wrong number, as one that a host would refuse.
    pub(super) const EVASION: Self = Self(1 << 4);
    /// The responder went on after the handshake, so that it has its last ACK.
    pub(super) const CONFIRMED: Self = Self(1 << 5);
    /// Closed by a reset.
    pub(super) const RESET: Self = Self(1 << 6);
    /// Data was lost: what seems irregular from here on may be regular.
    pub(super) const LOSSY: Self = Self(1 << 7);

    pub(super) fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) fn remove(&mut self, other: Self) {
        self.0 &= !other.0;
    }

    pub(super) fn set(&mut self, other: Self, whether: bool) {
        if whether { self.insert(other) } else { self.remove(other) }
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The place of a direction's side.
pub(super) fn index(direction: Direction) -> usize {
    usize::from(direction == Direction::ToClient)
}

impl Session {
    /// A session whose first packet goes in `direction`; the policies are those of the receivers of each side.
    pub(super) fn new(direction: Direction, policies: [OverlapPolicy; 2], depth: u64) -> Self {
        Self {
            sides: policies.map(|policy| Side::new(policy, depth)),
            state: State::SynSent,
            before_reset: State::SynSent,
            opener: direction,
            only: None,
            traits: Traits::default(),
            candidates: Vec::new(),
        }
    }

    /// The data that goes in `direction`.
    pub fn side(&self, direction: Direction) -> &Side {
        &self.sides[index(direction)]
    }

    pub(super) fn side_mut(&mut self, direction: Direction) -> &mut Side {
        &mut self.sides[index(direction)]
    }

    /// How far it has come.
    pub fn state(&self) -> State {
        self.state
    }

    /// What the flow table makes of it.
    pub fn lifecycle(&self) -> Lifecycle {
        self.state.lifecycle(self.traits.contains(Traits::RESET))
    }

    /// Whether it was picked up without its handshake.
    pub fn is_midstream(&self) -> bool {
        self.traits.contains(Traits::MIDSTREAM)
    }

    /// Whether one direction alone is seen.
    pub fn is_one_sided(&self) -> bool {
        self.only.is_some()
    }

    /// How many bytes of each direction are put together at least; nothing for all.
    pub fn raise_depth(&mut self, depth: Option<u64>) {
        for side in &mut self.sides {
            side.depth = side.depth.max(depth.unwrap_or(u64::MAX));
        }
    }

    /// Keeps no more data of a direction and shows none. Its memory is given back when the session next sees a packet
    /// or ends.
    pub fn disable(&mut self, direction: Direction) {
        self.side_mut(direction).marks.insert(Marks::DISABLED);
    }

    /// Notes what a SYN or SYN/ACK in `direction` says of its sender: where its data begins, and what it can receive.
    pub(super) fn note_opening(&mut self, direction: Direction, opening: &Opening, second: u64) {
        let own = self.side_mut(direction);
        own.start(opening.sequence);
        own.marks.set(Marks::SCALES, opening.scale.is_some());
        own.marks.set(Marks::TIMESTAMPS, opening.timestamp.is_some());
        own.marks.set(Marks::ZERO_TIMESTAMP, opening.timestamp == Some(0));
        own.timestamp = opening.timestamp.unwrap_or(0);
        own.timestamp_s = second;
        let other = self.side_mut(direction.opposite());
        other.scale = opening.scale.unwrap_or(0);
        other.set_window(opening.window);
    }

    /// Both have said what they can: windows are shifted, and timestamps checked, only where both do (RFC 7323 §2.2,
    /// §3.2).
    pub(super) fn agree(&mut self) {
        let [to_server, to_client] = &mut self.sides;
        let both = |mark| to_server.marks.contains(mark) && to_client.marks.contains(mark);
        self.traits.set(Traits::TIMESTAMPS, both(Marks::TIMESTAMPS));
        if !both(Marks::SCALES) {
            to_server.scale = 0;
            to_client.scale = 0;
        }
    }
}
