//! A map that holds so many entries at most: what is used least recently makes room.

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
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
