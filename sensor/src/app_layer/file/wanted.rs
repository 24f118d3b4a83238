//! What is worked out of files while they pass.

use super::fields;
use super::hash::Algorithms;
use rules::signature::Signature;

/// What is worked out, as far as rules ask for it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Wanted {
    /// The hashes.
    pub hashes: Algorithms,
    /// What libmagic says.
    pub magic: bool,
}

impl Wanted {
    /// What some rules ask for.
    pub fn by(signatures: &[Signature]) -> Self {
        let magic = signatures.iter().any(|one| one.fields().any(|field| field == &fields::MAGIC));
        Self { hashes: Algorithms::by(signatures), magic }
    }
}
