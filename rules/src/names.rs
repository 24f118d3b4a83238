//! Names that rules share, such as those of flowbits, and the numbers that stand for them at run time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What a name is for; each kind counts by itself.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum NameKind {
    /// `flowbits`.
    Flowbit,
    /// `flowint`.
    Flowint,
    /// `flowvar` and `pktvar`, captured by `pcre`.
    Capture,
    /// `xbits` and `hostbits`.
    AddressBit,
    /// A category of `iprep`.
    Reputation,
    /// A `dataset` or `datarep`.
    Dataset,
}

/// The names of one rule set. Rules are compiled on several threads, hence the lock; matching never asks here.
#[derive(Debug, Default)]
pub struct Names {
    known: Mutex<HashMap<NameKind, HashMap<String, u32>>>,
}

impl Names {
    /// The number of a name, a new one when it is not known yet.
    pub fn id(&self, kind: NameKind, name: &str) -> u32 {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let names = known.entry(kind).or_default();
        if let Some(&id) = names.get(name) {
            return id;
        }
        let id = u32::try_from(names.len()).expect("fewer names than bytes of rules, which are under 4 G");
        names.insert(name.to_owned(), id);
        id
    }

    /// How many names of a kind there are.
    pub fn count(&self, kind: NameKind) -> usize {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&kind).map_or(0, HashMap::len)
    }
}
