//! Maps and sets in the order of their keys, each one sorted vector.
//!
//! The trees of the standard library are compiled anew for each type that they hold, at several
//! kilobytes of a module that every page downloads. What the upload machine keeps is
//! small, or grows at its end, and there a vector is as quick.

/// A map in the order of its keys.
#[derive(Clone, Debug)]
pub struct SortedMap<K, V>(Vec<(K, V)>);

/// A set in order.
#[derive(Clone, Debug)]
pub struct SortedSet<T>(Vec<T>);

impl<K: Ord + Copy, V> SortedMap<K, V> {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether a key has a value.
    #[must_use]
    pub fn contains_key(&self, key: K) -> bool {
        self.place(key).is_ok()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: K) -> Option<&V> {
        self.0.get(self.place(key).ok()?).map(|(_, value)| value)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let place = self.place(key).ok()?;
        self.0.get_mut(place).map(|(_, value)| value)
    }

    /// Gives a key a value; returns the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(key) {
            Ok(place) => self.0.get_mut(place).map(|(_, old)| std::mem::replace(old, value)),
            Err(place) => {
                self.0.insert(place, (key, value));
                None
            }
        }
    }

    /// Takes a key away; returns its value.
    pub fn remove(&mut self, key: K) -> Option<V> {
        self.place(key).ok().map(|place| self.0.remove(place).1)
    }

    /// All in order.
    pub fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    /// All in order, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut V)> {
        self.0.iter_mut().map(|(key, value)| (*key, value))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = K> + '_ {
        self.0.iter().map(|(key, _)| *key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The values in the order of their keys, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// Whether there is nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the key is, or else belongs.
    fn place(&self, key: K) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(&key))
    }
}

impl<T: Ord + Copy> SortedSet<T> {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether this is a member.
    #[must_use]
    pub fn contains(&self, member: T) -> bool {
        self.0.binary_search(&member).is_ok()
    }

    /// Takes a member in.
    pub fn insert(&mut self, member: T) {
        if let Err(place) = self.0.binary_search(&member) {
            self.0.insert(place, member);
        }
    }

    /// Takes a member away.
    pub fn remove(&mut self, member: T) {
        if let Ok(place) = self.0.binary_search(&member) {
            self.0.remove(place);
        }
    }

    /// The first member.
    #[must_use]
    pub fn first(&self) -> Option<T> {
        self.0.first().copied()
    }

    /// Takes the first member away.
    pub fn pop_first(&mut self) -> Option<T> {
        let first = self.first()?;
        self.0.remove(0);
        Some(first)
    }

    /// All in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.0.iter().copied()
    }

    /// All in order, beginning after this one, and at its end from the first again.
    pub fn iter_after(&self, member: T) -> impl Iterator<Item = T> + '_ {
        let (before, after) = self.0.split_at(self.0.partition_point(|&other| other <= member));
        after.iter().chain(before).copied()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Ord + Copy, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<T: Ord + Copy> FromIterator<T> for SortedSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        let mut set = Self::new();
        for member in members {
            set.insert(member);
        }
        set
    }
}

impl<K: Ord + Copy, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Ord + Copy> Default for SortedSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn a_map_is_what_a_tree_is(steps in proptest::collection::vec((0..20_u8, any::<Option<u8>>()), 0..80)) {
            let (mut ours, mut tree) = (SortedMap::new(), BTreeMap::new());
            for (key, value) in steps {
                match value {
                    Some(value) => prop_assert_eq!(ours.insert(key, value), tree.insert(key, value)),
                    None => prop_assert_eq!(ours.remove(key), tree.remove(&key)),
                }
                prop_assert_eq!(ours.get(key), tree.get(&key));
                prop_assert_eq!(ours.contains_key(key), tree.contains_key(&key));
                prop_assert_eq!(ours.is_empty(), tree.is_empty());
                prop_assert_eq!(ours.iter().collect::<Vec<_>>(), tree.iter().map(|(&k, v)| (k, v)).collect::<Vec<_>>());
            }
        }

        #[test]
        fn a_set_is_what_a_tree_is(steps in proptest::collection::vec((0..20_u8, any::<bool>()), 0..80), after in 0..20_u8) {
            let (mut ours, mut tree) = (SortedSet::new(), BTreeSet::new());
            for (member, is_in) in steps {
                if is_in {
                    ours.insert(member);
                    tree.insert(member);
                } else {
                    ours.remove(member);
                    tree.remove(&member);
                }
                prop_assert_eq!(ours.contains(member), is_in);
                prop_assert_eq!(ours.len(), tree.len());
                prop_assert_eq!(ours.first(), tree.first().copied());
                let turn: Vec<_> = tree.range(after + 1..).chain(tree.range(..=after)).copied().collect();
                prop_assert_eq!(ours.iter_after(after).collect::<Vec<_>>(), turn);
            }
            prop_assert_eq!(ours.pop_first(), tree.pop_first());
            prop_assert_eq!(ours.iter().collect::<Vec<_>>(), tree.into_iter().collect::<Vec<_>>());
        }
    }
}
