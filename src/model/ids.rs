//! Identity: which cluster, which object. Small and `Copy`, so rows, selections and marks can hold it.

use std::fmt;
use std::sync::Arc;

use hashbrown::HashSet;

use super::job::Policy;
use super::labels::Varied;
use super::node::{ConditionText, GpuFacts, Make};
use super::pod::Common;
use super::shape::Shape;
use super::shared::Shared;

/// A connected cluster; `ClusterId(0)` is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ClusterId(pub u16);

/// `metadata.uid` as 128 bits. Packed, since a [`Key`] would else be a third larger, and there are many.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(Rust, packed(4))]
pub struct Uid(pub u128);

impl Uid {
    /// A UUID's own bits; any other text (a hand-made uid) is hashed, and then no longer prints as it was.
    pub fn parse(text: &str) -> Self {
        let (mut bits, mut digits) = (0u128, 0);
        for c in text.bytes() {
            match (c as char).to_digit(16) {
                Some(d) => {
                    bits = bits << 4 | u128::from(d);
                    digits += 1;
                }
                None if c == b'-' => {}
                None => {
                    digits = 0;
                    break;
                }
            }
        }
        if digits == 32 {
            return Self(bits);
        }
        // FNV-1a, 128 bit
        let hash = text
            .bytes()
            .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |h, b| {
                (h ^ u128::from(b)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
            });
        Self(hash)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let b = self.0;
        let part = |shift: u32, bits: u32| (b >> shift) & ((1 << bits) - 1);
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            part(96, 32),
            part(80, 16),
            part(64, 16),
            part(48, 16),
            part(0, 48)
        )
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One object in one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Key {
    pub cluster: ClusterId,
    pub uid: Uid,
}

/// A shared piece of text (namespace, node, job name…), one pointer wide.
pub type Name = arcstr::ArcStr;

/// Makes equal texts share one allocation. Each watch task has its own.
#[derive(Debug, Default)]
pub struct Names {
    texts: HashSet<Name>,
    shapes: HashSet<Arc<Shape>>,
    common: HashSet<Arc<Common>>,
    makes: HashSet<Arc<Make>>,
    policies: HashSet<Shared<Policy>>,
    hashes: HashSet<Arc<[u64]>>,
    conditions: HashSet<Arc<ConditionText>>,
    gpus: HashSet<Arc<GpuFacts>>,
    /// Labels that differ from object to object.
    pub(super) varied: Varied,
}

/// Kept before those no row has any more are let go: whenever their number has doubled.
const KEPT: usize = 4096;

fn is_full<T>(all: &HashSet<T>) -> bool {
    all.len() >= KEPT && all.len().is_power_of_two()
}

fn prune<T: ?Sized + Eq + std::hash::Hash>(all: &mut HashSet<Arc<T>>) {
    if is_full(all) {
        all.retain(|one| Arc::strong_count(one) > 1);
    }
}

/// The one allocation of it.
fn one<T: Eq + std::hash::Hash>(all: &mut HashSet<Arc<T>>, of: T) -> Arc<T> {
    if let Some(known) = all.get(&of) {
        return known.clone();
    }
    prune(all);
    let of = Arc::new(of);
    all.insert(of.clone());
    of
}

impl Names {
    pub fn get(&mut self, text: &str) -> Name {
        if let Some(name) = self.texts.get(text) {
            return name.clone();
        }
        if is_full(&self.texts) {
            self.texts
                .retain(|one| Name::strong_count(one).is_none_or(|held| held > 1));
        }
        let name: Name = text.into();
        self.texts.insert(name.clone());
        name
    }

    /// The same for the shapes of pods.
    pub fn shape(&mut self, shape: Shape) -> Arc<Shape> {
        one(&mut self.shapes, shape)
    }

    /// The same for what conditions of nodes say.
    pub fn condition(&mut self, says: ConditionText) -> Arc<ConditionText> {
        one(&mut self.conditions, says)
    }

    /// The same for what labels tell of a node's GPUs.
    pub fn gpu(&mut self, facts: GpuFacts) -> Arc<GpuFacts> {
        one(&mut self.gpus, facts)
    }

    /// The same for what the pods of one workload have in common.
    pub fn common(&mut self, common: Common) -> Arc<Common> {
        one(&mut self.common, common)
    }

    /// The same for what the nodes of one make have in common.
    pub fn make(&mut self, make: Make) -> Arc<Make> {
        one(&mut self.makes, make)
    }

    /// The same for the limits and policies of jobs.
    pub fn policy(&mut self, policy: Shared<Policy>) -> Shared<Policy> {
        if let Some(known) = self.policies.get(&policy) {
            return known.clone();
        }
        if is_full(&self.policies) {
            self.policies.retain(|one| one.strong_count() > 1);
        }
        self.policies.insert(policy.clone());
        policy
    }

    /// The same for lists of hashes.
    pub fn hashes(&mut self, hashes: Vec<u64>) -> Arc<[u64]> {
        if let Some(known) = self.hashes.get(hashes.as_slice()) {
            return known.clone();
        }
        prune(&mut self.hashes);
        let hashes: Arc<[u64]> = hashes.into();
        self.hashes.insert(hashes.clone());
        hashes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_prints_as_it_was() {
        let text = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
        assert_eq!(Uid::parse(text).to_string(), text);
    }

    #[test]
    fn texts_nobody_has_any_more_are_let_go() {
        let mut names = Names::default();
        let kept = names.get("kept");
        for n in 0..100_000 {
            names.get(&n.to_string());
        }
        assert!(names.texts.len() <= KEPT, "{}", names.texts.len());
        assert!(Name::ptr_eq(&kept, &names.get("kept")));
    }

    #[test]
    fn other_uids_stay_distinct() {
        assert_ne!(Uid::parse("given"), Uid::parse("Given"));
        assert_ne!(Uid::parse(""), Uid::parse("-"));
    }
}
