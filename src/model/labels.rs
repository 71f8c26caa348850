//! A node's labels, small: there are thousands of nodes with forty labels each, and what is asked of them is only whether
//! they have this or that one.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::ids::Names;

/// Labels as sorted hashes of `key=value` and of `key` alone, eight bytes each. Nodes of one make have the same keys, and
/// share those.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSet {
    pairs: Box<[u64]>,
    keys: Arc<[u64]>,
}

impl LabelSet {
    /// From keys and values.
    pub fn new<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::shared(labels, &mut Names::default())
    }

    /// The same, with the keys shared with others.
    pub fn shared<'a>(
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        names: &mut Names,
    ) -> Self {
        let all = labels.into_iter().map(|(k, v)| (hash(k, v), key_hash(k)));
        let (mut pairs, mut keys): (Vec<u64>, Vec<u64>) = all.unzip();
        for hashes in [&mut pairs, &mut keys] {
            hashes.sort_unstable();
            hashes.dedup();
        }
        Self {
            pairs: pairs.into(),
            keys: names.hashes(keys),
        }
    }

    /// What they take beside the set itself and the keys, which it shares.
    pub fn bytes(&self) -> usize {
        self.pairs.len() * size_of::<u64>()
    }

    /// Whether a label is there with this value.
    pub fn has(&self, key: &str, value: &str) -> bool {
        self.pairs.binary_search(&hash(key, value)).is_ok()
    }

    /// Whether a label is there, whatever its value.
    pub fn has_key(&self, key: &str) -> bool {
        self.keys.binary_search(&key_hash(key)).is_ok()
    }
}

fn hash(key: &str, value: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (key, value).hash(&mut hasher);
    hasher.finish()
}

fn key_hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_key_and_value() {
        let set = LabelSet::new([("a", "b"), ("zone", "eu-1")]);
        assert!(set.has("zone", "eu-1") && set.has("a", "b"));
        assert!(!set.has("zone", "eu-2") && !set.has("zone=", "eu-1") && !set.has("ab", ""));
        assert!(!LabelSet::default().has("", ""));
        assert!(set.has_key("zone") && !set.has_key("b"));
    }

    #[test]
    fn sets_of_the_same_keys_share_them() {
        let mut names = Names::default();
        let mut set = |host| LabelSet::shared([("zone", "a"), ("host", host)], &mut names);
        let (one, other) = (set("n1"), set("n2"));
        assert!(Arc::ptr_eq(&one.keys, &other.keys));
        assert!(one.has("host", "n1") && !other.has("host", "n1"));
    }
}
