//! A node's labels, small: there are thousands of nodes with forty labels each, and what is asked of them is only whether
//! they have this or that one.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Labels as sorted hashes of `key=value` and of `key` alone, eight bytes each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSet(Box<[u64]>);

impl LabelSet {
    /// From keys and values.
    pub fn new<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut all: Vec<u64> = labels
            .into_iter()
            .flat_map(|(k, v)| [hash(k, v), key_hash(k)])
            .collect();
        all.sort_unstable();
        all.dedup();
        Self(all.into())
    }

    /// What they take beside the set itself.
    pub fn bytes(&self) -> usize {
        self.0.len() * size_of::<u64>()
    }

    /// Whether a label is there with this value.
    pub fn has(&self, key: &str, value: &str) -> bool {
        self.0.binary_search(&hash(key, value)).is_ok()
    }

    /// Whether a label is there, whatever its value.
    pub fn has_key(&self, key: &str) -> bool {
        self.0.binary_search(&key_hash(key)).is_ok()
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
}
