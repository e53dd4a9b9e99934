//! A map in a sorted vector, for the kernel's tables: few entries, or keys that mostly grow (ids,
//! descriptors). Looking up halves; inserting in the middle moves what is above.
//!
//! Keys are of any type, and for another the code is some hundred bytes. Where entries are many and
//! come in any order there is `ChunkedMap`, which costs twice that and has numbers as keys.

use alloc::vec::Vec;

/// Entries in key order.
pub struct SortedMap<K, V> {
    entries: Vec<(K, V)>,
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> SortedMap<K, V> {
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|entry| &entry.1)
    }

    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.entries.into_iter().map(|entry| entry.1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|entry| (&entry.0, &entry.1))
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    fn find(&self, key: &K) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.0.cmp(key))
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        let index = self.find(key).ok()?;
        self.entries.get(index).map(|entry| &entry.1)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let index = self.find(key).ok()?;
        self.entries.get_mut(index).map(|entry| &mut entry.1)
    }

    pub fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    /// Puts a value and returns the one it replaces.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(index) => {
                let entry = self.entries.get_mut(index)?;
                Some(core::mem::replace(&mut entry.1, value))
            }
            Err(index) => {
                self.entries.insert(index, (key, value));
                None
            }
        }
    }

    /// Keeps the entries that `is_kept` says.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&K, &V) -> bool) {
        self.entries.retain(|entry| is_kept(&entry.0, &entry.1));
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let index = self.find(key).ok()?;
        Some(self.entries.remove(index).1)
    }

    /// The value of a key, which is made when there is none.
    pub fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let index = self.find(&key).unwrap_or_else(|index| {
            self.entries.insert(index, (key, V::default()));
            index
        });
        &mut self.entries[index].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_a_btree_map_would() {
        let (mut map, mut oracle) = (SortedMap::new(), std::collections::BTreeMap::new());
        let mut seed = 1u32;
        for step in 0..2000u32 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = seed >> 26;
            if step % 3 == 0 {
                assert_eq!(map.remove(&key), oracle.remove(&key));
            } else {
                assert_eq!(map.insert(key, step), oracle.insert(key, step));
            }
            assert_eq!(map.get(&key), oracle.get(&key));
            assert!(map.iter().eq(oracle.iter()));
        }
    }

    #[test]
    fn a_missing_value_is_made_once() {
        let mut map: SortedMap<u8, Vec<u8>> = SortedMap::new();
        map.get_or_default(3).push(1);
        map.get_or_default(3).push(2);
        assert_eq!(map.get(&3), Some(&alloc::vec![1, 2]));
        assert_eq!(map.len(), 1);
    }
}
