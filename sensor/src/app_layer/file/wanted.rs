//! What is done with files, and mails, while they pass.

use super::fields;
use super::hash::Algorithms;
use super::kept::Room;
use crate::app_layer::smtp::fields::EMAIL_BODY_MD5;
use rules::effect::Effect;
use rules::signature::Signature;
use rules::vocabulary::Field;
use std::sync::Arc;

/// What is done, as far as rules ask for it.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Hashes are worked out.
    pub hashes: Algorithms,
    /// libmagic is asked.
    pub magic: bool,
    /// The MD5 of mails' bodies is worked out.
    pub body_md5: bool,
    /// They are kept here until it is known whether they are to be stored.
    pub keep: Option<Arc<Room>>,
}

impl Wanted {
    /// What some rules ask for. Files can be stored where there is room for them.
    pub fn by(signatures: &[Signature], room: Option<&Arc<Room>>) -> Self {
        let asked = |wanted: &Field| signatures.iter().any(|one| one.fields().any(|field| field == wanted));
        let stores = |effect: &Effect| matches!(effect, Effect::StoreFile { .. });
        let store = signatures.iter().any(|one| one.effects.iter().any(stores));
        Self {
            hashes: Algorithms::by(signatures),
            magic: asked(&fields::MAGIC),
            body_md5: asked(&EMAIL_BODY_MD5),
            keep: room.filter(|_| store).cloned(),
        }
    }
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Self) -> bool {
        let parts = |wanted: &Self| {
            let Self { hashes, magic, body_md5, keep } = wanted;
            (*hashes, *magic, *body_md5, keep.as_ref().map(Arc::as_ptr))
        };
        parts(self) == parts(other)
    }
}
