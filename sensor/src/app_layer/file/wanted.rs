//! What is done with files while they pass.

use super::fields;
use super::hash::Algorithms;
use super::kept::Room;
use rules::effect::Effect;
use rules::signature::Signature;
use std::sync::Arc;

/// What is done, as far as rules ask for it.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Hashes are worked out.
    pub hashes: Algorithms,
    /// libmagic is asked.
    pub magic: bool,
    /// They are kept here until it is known whether they are to be stored.
    pub keep: Option<Arc<Room>>,
}

impl Wanted {
    /// What some rules ask for. Files can be stored where there is room for them.
    pub fn by(signatures: &[Signature], room: Option<&Arc<Room>>) -> Self {
        let magic = signatures.iter().any(|one| one.fields().any(|field| field == &fields::MAGIC));
        let stores = |effect: &Effect| matches!(effect, Effect::StoreFile { .. });
        let store = signatures.iter().any(|one| one.effects.iter().any(stores));
        Self { hashes: Algorithms::by(signatures), magic, keep: room.filter(|_| store).cloned() }
    }
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Self) -> bool {
        let room = |wanted: &Self| wanted.keep.as_ref().map(Arc::as_ptr);
        (self.hashes, self.magic, room(self)) == (other.hashes, other.magic, room(other))
    }
}
