//! How often each thing is there, of few things or many. Most workloads run on a handful of nodes and fail in one or two
//! ways: a sorted list takes what that takes, where a tree reserves room for eleven at once. Beyond that it is a tree.

use std::collections::BTreeMap;

/// Entries from which on a list becomes a tree; it stays one.
const MANY: usize = 48;

/// Keys in order, each with its number.
#[derive(Debug, Clone)]
pub enum Bag<K> {
    Few(Vec<(K, u32)>),
    Many(Box<BTreeMap<K, u32>>),
}

impl<K> Default for Bag<K> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl<K: Ord> Bag<K> {
    /// One more of it.
    pub fn add(&mut self, key: K) {
        self.add_many(key, 1);
    }

    /// So many more of it.
    pub fn add_many(&mut self, key: K, n: u32) {
        if n == 0 {
            return;
        }
        match self {
            Self::Few(list) => match list.binary_search_by(|(k, _)| k.cmp(&key)) {
                Ok(at) => list[at].1 = list[at].1.saturating_add(n),
                Err(at) if list.len() < MANY => {
                    list.reserve_exact(1);
                    list.insert(at, (key, n));
                }
                Err(_) => {
                    let mut tree: BTreeMap<K, u32> = std::mem::take(list).into_iter().collect();
                    tree.insert(key, n);
                    *self = Self::Many(Box::new(tree));
                }
            },
            Self::Many(tree) => {
                let all = tree.entry(key).or_default();
                *all = all.saturating_add(n);
            }
        }
    }

    /// One less of it, if there is any.
    pub fn take(&mut self, key: &K) {
        match self {
            Self::Few(list) => {
                let Ok(at) = list.binary_search_by(|(k, _)| k.cmp(key)) else {
                    return;
                };
                list[at].1 -= 1;
                if list[at].1 == 0 {
                    list.remove(at);
                }
            }
            Self::Many(tree) => {
                if let Some(n) = tree.get_mut(key) {
                    *n -= 1;
                    if *n == 0 {
                        tree.remove(key);
                    }
                }
            }
        }
    }

    /// In the order of the keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, u32)> {
        let (few, many) = match self {
            Self::Few(list) => (Some(list.iter().map(|(k, n)| (k, *n))), None),
            Self::Many(tree) => (None, Some(tree.iter().map(|(k, n)| (k, *n)))),
        };
        few.into_iter().flatten().chain(many.into_iter().flatten())
    }

    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// How many different ones.
    pub fn len(&self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many(tree) => tree.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The same things as often, whichever way they are kept.
impl<K: Ord> PartialEq for Bag<K> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_counts_as_a_tree_does(steps in proptest::collection::vec((any::<bool>(), 0u8..90), 0..400)) {
            let (mut bag, mut tree) = (Bag::default(), BTreeMap::<u8, u32>::new());
            for (add, key) in steps {
                if add {
                    bag.add(key);
                    *tree.entry(key).or_default() += 1;
                } else {
                    bag.take(&key);
                    if let Some(n) = tree.get_mut(&key) {
                        *n -= 1;
                    }
                    tree.retain(|_, n| *n > 0);
                }
                prop_assert!(bag.iter().eq(tree.iter().map(|(k, n)| (k, *n))));
                prop_assert_eq!(bag.len(), tree.len());
            }
            // one that was filled in another order, and never was large
            let mut again = Bag::default();
            for (key, n) in tree.iter().rev() {
                again.add_many(*key, *n);
            }
            prop_assert!(bag == again);
        }
    }
}
