//! A node's labels, small: there are thousands of nodes with forty labels each, and what is asked of them is only whether
//! they have this or that one.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::ids::Names;

/// Labels as sorted hashes of `key=value` and of `key` alone, eight bytes each. Nodes of one make and place differ in few
/// labels (their names, serial numbers, times) and share the others.
#[derive(Debug, Clone, Default)]
pub struct LabelSet {
    /// Of keys that differ from node to node.
    own: Box<[u64]>,
    shared: Arc<[u64]>,
    keys: Arc<[u64]>,
}

/// The same labels, however they are shared.
impl PartialEq for LabelSet {
    fn eq(&self, other: &Self) -> bool {
        let same = || {
            let (mut one, mut two) = (self.pairs(), other.pairs());
            one.sort_unstable();
            two.sort_unstable();
            one == two
        };
        self.keys == other.keys && (self.own == other.own && self.shared == other.shared || same())
    }
}

impl Eq for LabelSet {}

impl LabelSet {
    /// From keys and values.
    pub fn new<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::shared(labels, &mut Names::default())
    }

    /// The same, with what others have, too, shared with them.
    pub fn shared<'a>(
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        names: &mut Names,
    ) -> Self {
        let (mut own, mut shared, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for (key, value) in labels {
            let (key, pair) = (key_hash(key), hash(key, value));
            match names.varied.varies(key, pair) {
                true => own.push(pair),
                false => shared.push(pair),
            }
            keys.push(key);
        }
        for hashes in [&mut own, &mut shared, &mut keys] {
            hashes.sort_unstable();
            hashes.dedup();
        }
        Self {
            own: own.into(),
            shared: names.hashes(shared),
            keys: names.hashes(keys),
        }
    }

    fn pairs(&self) -> Vec<u64> {
        self.own.iter().chain(&*self.shared).copied().collect()
    }

    /// What they take beside the set itself and what it shares.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.own)
    }

    /// Whether a label is there with this value.
    pub fn has(&self, key: &str, value: &str) -> bool {
        let pair = hash(key, value);
        self.shared.binary_search(&pair).is_ok() || self.own.binary_search(&pair).is_ok()
    }

    /// Whether a label is there, whatever its value.
    pub fn has_key(&self, key: &str) -> bool {
        self.keys.binary_search(&key_hash(key)).is_ok()
    }
}

/// Which keys of labels have another value on each node, or nearly so. Learnt from the first nodes.
#[derive(Debug, Default)]
pub struct Varied(HashMap<u64, Values>);

#[derive(Debug)]
enum Values {
    /// Objects that have the key, and the values seen.
    Seen(u32, HashSet<u64>),
    Settled(bool),
}

/// Values of a key from which on it is settled: they vary if not even every second object repeated one.
const MANY: usize = 32;

impl Varied {
    fn varies(&mut self, key: u64, pair: u64) -> bool {
        let values = (self.0.entry(key)).or_insert_with(|| Values::Seen(0, HashSet::new()));
        match values {
            Values::Settled(varies) => *varies,
            Values::Seen(objects, pairs) => {
                *objects = objects.saturating_add(1);
                pairs.insert(pair);
                if pairs.len() < MANY {
                    return false;
                }
                let varies = (*objects as usize) < 2 * MANY;
                *values = Values::Settled(varies);
                varies
            }
        }
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
    fn nodes_share_what_they_have_in_common() {
        let mut names = Names::default();
        let mut node = |n: usize| {
            let (host, rack) = (format!("n{n}"), format!("r{}", n / 16));
            let labels = [("zone", "a"), ("host", &*host), ("rack", &*rack)];
            LabelSet::shared(labels, &mut names)
        };
        let all: Vec<LabelSet> = (0..1000).map(&mut node).collect();
        let late = &all[992..];
        for (set, n) in late.iter().zip(992..) {
            assert!(
                Arc::ptr_eq(&set.shared, &late[0].shared) && Arc::ptr_eq(&set.keys, &late[0].keys)
            );
            assert_eq!(set.bytes(), 8);
            assert!(set.has("host", &format!("n{n}")) && !set.has("host", "n0"));
            assert!(set.has("zone", "a") && set.has("rack", "r62") && !set.has("rack", "r61"));
            assert!(set.has_key("host") && set.has_key("rack"));
        }
        // told again, when more is known of what varies, a node is the same
        assert_eq!(all[0].bytes(), 0);
        let again = node(0);
        assert_eq!(again.bytes(), 8);
        assert_eq!(again, all[0]);
        assert_ne!(again, all[1]);
    }

    #[test]
    fn sets_differ_by_any_label() {
        let set = |host| LabelSet::new([("zone", "a"), ("host", host)]);
        assert_eq!(set("n1"), set("n1"));
        assert_ne!(set("n1"), set("n2"));
        assert_ne!(set("n1"), LabelSet::new([("zone", "a")]));
    }
}
