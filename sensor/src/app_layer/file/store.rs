//! What a rule that matched asks to be stored (Suricata documentation: "File Keywords", filestore).

use crate::event::Direction;
use rules::effect::{Effect, StoreScope};
use rules::signature::Signature;

/// Which files of a flow a rule asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Store {
    /// The file, or all of the transaction or the flow.
    pub scope: StoreScope,
    /// Which ways they go.
    pub ways: [bool; 2],
    /// The file that the rule has matched on.
    pub file: usize,
}

impl Store {
    /// What a rule asks for that has matched on a file that goes that way, if it does: files that go its own way unless
    /// it says otherwise.
    pub fn by(signature: &Signature, direction: Direction, file: usize) -> Option<Self> {
        signature.effects.iter().find_map(|effect| match *effect {
            Effect::StoreFile { scope, way } => {
                let goes = |one: Direction| match way {
                    None => one == direction,
                    Some(way) => way.goes(one == Direction::ToServer),
                };
                Some(Self { scope, ways: Direction::ALL.map(goes), file })
            }
            _ => None,
        })
    }
}
