//! Sets of values: `dataset`, `datarep` (Suricata documentation: "Datasets").
//!
//! Knows values as bytes and how much memory they take. How files are read and written is not known here.

use papaya::HashMap;
use rules::dataset::DatasetKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a value takes up besides its bytes: its place in the table, an allocation each for the entry and the bytes.
const VALUE_OVERHEAD: usize = 80;

/// A set of values that rules ask about or change, shared by all workers without a lock.
#[derive(Debug)]
pub struct Dataset {
    kind: DatasetKind,
    values: HashMap<Box<[u8]>, u16>,
    /// Bytes taken up, and the most that may be.
    used: AtomicUsize,
    capacity: usize,
    /// Whether a rule adds values or takes some out.
    changes: bool,
}

/// What became of a value that was to join a set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Joined {
    /// It joined.
    New,
    /// It was in the set already.
    Known,
    /// It is no value of the set's kind.
    Unfit,
    /// There is no room.
    Refused,
}

impl Dataset {
    /// An empty set that may take up so many bytes.
    pub fn new(kind: DatasetKind, capacity: usize) -> Self {
        Self { kind, values: HashMap::new(), used: AtomicUsize::new(0), capacity, changes: false }
    }

    /// Makes room for so many values, as far as there may be so many.
    pub fn expect(&mut self, values: usize) {
        let values = values.min(self.capacity / VALUE_OVERHEAD);
        self.values.pin().reserve(values);
    }

    /// Says that rules change it.
    pub fn set_changes(&mut self) {
        self.changes = true;
    }

    /// Whether rules change it.
    pub fn changes(&self) -> bool {
        self.changes
    }

    /// What its values are.
    pub fn kind(&self) -> DatasetKind {
        self.kind
    }

    /// How many values it has.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it has a value, as a buffer holds it.
    pub fn contains(&self, value: &[u8]) -> bool {
        self.score(value).is_some()
    }

    /// The score of a value; 0 where the set has no scores.
    pub fn score(&self, value: &[u8]) -> Option<u16> {
        let value = normal(self.kind, value)?;
        self.values.pin().get(&*value).copied()
    }

    /// Adds a value with its score. Of several who add the same at once, it is new to one.
    pub fn insert(&self, value: &[u8], score: u16) -> Joined {
        let Some(value) = normal(self.kind, value) else { return Joined::Unfit };
        let values = self.values.pin();
        if values.contains_key(&*value) {
            return Joined::Known;
        }
        let size = value.len() + VALUE_OVERHEAD;
        if self.used.fetch_add(size, Ordering::Relaxed) + size > self.capacity {
            self.used.fetch_sub(size, Ordering::Relaxed);
            return Joined::Refused;
        }
        match values.try_insert((*value).into(), score) {
            Ok(_) => Joined::New,
            Err(_) => {
                self.used.fetch_sub(size, Ordering::Relaxed);
                Joined::Known
            }
        }
    }

    /// Takes a value out; whether it was there. Of several who take the same out at once, it was for one.
    pub fn remove(&self, value: &[u8]) -> bool {
        let Some(value) = normal(self.kind, value) else { return false };
        let removed = self.values.pin().remove(&*value).is_some();
        if removed {
            self.used.fetch_sub(value.len() + VALUE_OVERHEAD, Ordering::Relaxed);
        }
        removed
    }

    /// The values, ascending.
    pub fn values(&self) -> Vec<Box<[u8]>> {
        let mut values: Vec<_> = self.values.pin().keys().cloned().collect();
        values.sort_unstable();
        values
    }
}

/// A value in the form in which a set holds it.
enum Normal<'a> {
    Same(&'a [u8]),
    Mapped([u8; 16]),
}

impl Deref for Normal<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Same(value) => value,
            Self::Mapped(address) => address,
        }
    }
}

/// A value in the form in which a set of that kind holds it; nothing where it is no value of the kind.
fn normal(kind: DatasetKind, value: &[u8]) -> Option<Normal<'_>> {
    let of_len = |len| (value.len() == len).then_some(Normal::Same(value));
    match kind {
        DatasetKind::String => Some(Normal::Same(value)),
        DatasetKind::Md5 => of_len(16),
        DatasetKind::Sha1 => of_len(20),
        DatasetKind::Sha256 => of_len(32),
        DatasetKind::Ipv4 => of_len(4),
        DatasetKind::Ipv6 => of_len(16),
        DatasetKind::Ip => match <[u8; 4]>::try_from(value) {
            Ok(address) => Some(Normal::Mapped(Ipv4Addr::from(address).to_ipv6_mapped().octets())),
            Err(_) => of_len(16),
        },
    }
}

/// The address that a value of a set of addresses is.
pub fn address(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(value).ok()?).into()),
        _ => Some(Ipv6Addr::from(<[u8; 16]>::try_from(value).ok()?).to_canonical()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_join_and_leave_once() {
        let set = Dataset::new(DatasetKind::String, 1000);
        assert!(!set.contains(b"a"));
        assert_eq!([set.insert(b"a", 0), set.insert(b"a", 0)], [Joined::New, Joined::Known]);
        assert!(set.contains(b"a") && !set.contains(b"A"));
        assert_eq!([set.remove(b"a"), set.remove(b"a")], [true, false]);
        assert!(!set.contains(b"a") && set.is_empty());
    }

    #[test]
    fn values_have_the_form_of_their_kind() {
        for (kind, fits, does_not) in [
            (DatasetKind::Md5, &[7; 16][..], &[7; 32][..]),
            (DatasetKind::Sha256, &[7; 32], &[7; 16]),
            (DatasetKind::Ipv4, &[10, 0, 0, 1], &[7; 16]),
            (DatasetKind::Ipv6, &[7; 16], &[10, 0, 0, 1]),
            (DatasetKind::Ip, &[7; 16], &[7; 5]),
        ] {
            let set = Dataset::new(kind, 1000);
            assert_eq!(
                [set.insert(fits, 3), set.insert(does_not, 3)],
                [Joined::New, Joined::Unfit],
                "{kind:?}"
            );
            assert_eq!([set.score(fits), set.score(does_not)], [Some(3), None], "{kind:?}");
            assert!(!set.remove(does_not), "{kind:?}");
        }
    }

    #[test]
    fn an_ipv4_address_is_the_same_in_ipv6_notation() {
        let set = Dataset::new(DatasetKind::Ip, 1000);
        let mapped = Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().octets();
        assert_eq!([set.insert(&[10, 0, 0, 1], 0), set.insert(&mapped, 0)], [Joined::New, Joined::Known]);
        assert_eq!(address(&set.values()[0]), Some(IpAddr::from([10, 0, 0, 1])));
    }

    #[test]
    fn memory_is_bounded_and_given_back() {
        let set = Dataset::new(DatasetKind::String, 2 * (VALUE_OVERHEAD + 1));
        assert_eq!([set.insert(b"a", 0), set.insert(b"b", 0)], [Joined::New; 2]);
        assert_eq!([set.insert(b"c", 0), set.insert(b"a", 0)], [Joined::Refused, Joined::Known]);
        assert!(set.remove(b"a"));
        assert_eq!([set.insert(b"cc", 0), set.insert(b"c", 0)], [Joined::Refused, Joined::New]);
        assert_eq!(set.values(), [Box::from(*b"b"), Box::from(*b"c")]);
    }

    #[test]
    fn one_of_several_who_add_the_same_is_first() {
        let set = Dataset::new(DatasetKind::String, 1 << 20);
        let new: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        (0..500u16).filter(|n| set.insert(&n.to_be_bytes(), 0) == Joined::New).count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((new, set.len()), (500, 500));
        assert!((0..500u16).all(|n| set.remove(&n.to_be_bytes())));
        assert_eq!(set.used.load(Ordering::Relaxed), 0);
    }
}
