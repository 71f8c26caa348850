//! A set of slots of a table. The rows of one workload mostly follow each other there, so it keeps a bit for each.

/// Slots in order, by blocks of 64.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Slots(Vec<Block>);

#[derive(Debug, Clone, PartialEq)]
struct Block {
    at: u32,
    /// Never 0.
    bits: u64,
}

fn split(slot: u32) -> (u32, u64) {
    (slot / 64, 1 << (slot % 64))
}

impl Slots {
    fn find(&self, at: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&at, |block| block.at)
    }

    pub fn insert(&mut self, slot: u32) {
        let (at, bit) = split(slot);
        match self.find(at) {
            Ok(found) => self.0[found].bits |= bit,
            Err(found) => {
                if self.0.len() == self.0.capacity() {
                    // most are a block or two
                    self.0.reserve_exact((self.0.len() / 4).max(1));
                }
                self.0.insert(found, Block { at, bits: bit });
            }
        }
    }

    pub fn remove(&mut self, slot: u32) {
        let (at, bit) = split(slot);
        if let Ok(found) = self.find(at) {
            self.0[found].bits &= !bit;
            if self.0[found].bits == 0 {
                self.0.remove(found);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().flat_map(|block| {
            let mut left = block.bits;
            std::iter::from_fn(move || {
                let bit = (left > 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(block.at * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(
            steps in proptest::collection::vec((any::<bool>(), prop_oneof![0u32..200, any::<u32>()]), 0..300)
        ) {
            let (mut slots, mut set) = (Slots::default(), BTreeSet::new());
            for (put, slot) in steps {
                match put {
                    true => drop((slots.insert(slot), set.insert(slot))),
                    false => drop((slots.remove(slot), set.remove(&slot))),
                }
                prop_assert_eq!(slots.is_empty(), set.is_empty());
            }
            prop_assert!(slots.iter().eq(set.iter().copied()));
            for slot in set {
                slots.remove(slot);
            }
            prop_assert_eq!(slots, Slots::default());
        }
    }
}
