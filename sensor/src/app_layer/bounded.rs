//! What has a bound: a map of which the entry used least recently makes room, and room for bytes.

use lru::LruCache;
use std::hash::Hash;

/// Entries by key, `N` at most.
#[derive(Debug)]
pub struct Bounded<K: Hash + Eq, V, const N: usize>(LruCache<K, V>);

impl<K: Hash + Eq, V, const N: usize> Default for Bounded<K, V, N> {
    fn default() -> Self {
        // Memory is taken as entries come, not for all of them at once.
        Self(LruCache::unbounded())
    }
}

impl<K: Hash + Eq, V, const N: usize> Bounded<K, V, N> {
    /// The entry of a key, which is used by that.
    pub fn get(&mut self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    /// The entry of a key, which is used by that.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key)
    }

    /// Puts an entry in; gives back the one that had to go for lack of room.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let full = self.0.len() >= N && !self.0.contains(&key);
        let gone = if full { self.0.pop_lru().map(|(_, gone)| gone) } else { None };
        self.0.put(key, value);
        gone
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.0.pop(key)
    }

    /// All entries.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// All entries.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

/// Room for `N` bytes at most. What was given back is told by counting again once there seems to be no room left.
#[derive(Debug, Default)]
pub struct Room<const N: usize>(usize);

impl<const N: usize> Room<N> {
    /// Takes room; says whether there was enough.
    pub fn take(&mut self, bytes: usize, count: impl FnOnce() -> usize) -> bool {
        if self.0 + bytes > N {
            self.0 = count();
        }
        let fits = self.0 + bytes <= N;
        self.0 += if fits { bytes } else { 0 };
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_back_by_counting() {
        let mut room = Room::<100>::default();
        assert!(room.take(100, || unreachable!("there is room")));
        assert!(!room.take(1, || 100));
        assert!(room.take(100, || 0), "what was held is over");
    }

    #[test]
    fn what_is_used_least_recently_makes_room() {
        let mut map = Bounded::<u8, &str, 2>::default();
        assert_eq!(map.insert(1, "one"), None);
        assert_eq!(map.insert(2, "two"), None);
        assert_eq!(map.insert(1, "first"), None, "it was there");
        assert_eq!(map.get(&2), Some(&"two"));
        assert_eq!(map.insert(3, "three"), Some("first"));
        assert_eq!(map.get(&1), None);
        assert_eq!(map.remove(&2), Some("two"));
        assert_eq!(map.values_mut().count(), 1);
    }
}
