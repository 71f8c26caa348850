//! A sorted map from small numbers that mostly follow each other. Neighbours share one list of exactly their number (a
//! tree filled in order leaves half of its room empty), and no list grows beyond [`BLOCK`]: putting one in moves few.

use std::ops::RangeInclusive;

/// Keys in one list.
const BLOCK: u32 = 64;

/// Values by key, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocks<T>(Vec<Block<T>>);

#[derive(Debug, Clone, PartialEq)]
struct Block<T> {
    /// Its keys are `at * BLOCK` and the bits that are set.
    at: u32,
    keys: u64,
    /// One for each bit, in order; never empty.
    all: Vec<T>,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

fn split(key: u32) -> (u32, u32) {
    (key / BLOCK, key % BLOCK)
}

/// Room for one more: a list that grows does so by an eighth, where of its own accord it would double.
fn make_room<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 8).max(1));
    }
}

impl<T> Block<T> {
    /// Where the value of a key is, or would be.
    fn find(&self, bit: u32) -> Result<usize, usize> {
        let place = (self.keys & ((1 << bit) - 1)).count_ones() as usize;
        match self.keys & 1 << bit {
            0 => Err(place),
            _ => Ok(place),
        }
    }

    fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let mut left = self.keys;
        self.all.iter().map(move |value| {
            let key = self.at * BLOCK + left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (key, value)
        })
    }
}

impl<T> Blocks<T> {
    fn find(&self, at: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&at, |block| block.at)
    }

    pub fn get(&self, key: u32) -> Option<&T> {
        let (at, bit) = split(key);
        let block = &self.0[self.find(at).ok()?];
        block.all.get(block.find(bit).ok()?)
    }

    pub fn get_mut(&mut self, key: u32) -> Option<&mut T> {
        let (at, bit) = split(key);
        let found = self.find(at).ok()?;
        let block = &mut self.0[found];
        let place = block.find(bit).ok()?;
        block.all.get_mut(place)
    }

    /// The value of a key, made if it is not there.
    pub fn or_default(&mut self, key: u32) -> &mut T
    where
        T: Default,
    {
        let (at, bit) = split(key);
        let found = self.find(at).unwrap_or_else(|found| {
            let (keys, all) = (0, Vec::new());
            make_room(&mut self.0);
            self.0.insert(found, Block { at, keys, all });
            found
        });
        let block = &mut self.0[found];
        let place = block.find(bit).unwrap_or_else(|place| {
            make_room(&mut block.all);
            block.keys |= 1 << bit;
            block.all.insert(place, T::default());
            place
        });
        &mut block.all[place]
    }

    pub fn remove(&mut self, key: u32) {
        let (at, bit) = split(key);
        let Ok(found) = self.find(at) else { return };
        let block = &mut self.0[found];
        if let Ok(place) = block.find(bit) {
            block.keys &= !(1 << bit);
            block.all.remove(place);
        }
        if block.all.is_empty() {
            self.0.remove(found);
        }
    }

    pub fn retain(&mut self, mut keep: impl FnMut(u32, &T) -> bool) {
        self.0.retain_mut(|block| {
            let (mut left, mut kept) = (block.keys, block.keys);
            block.all.retain(|value| {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                let stays = keep(block.at * BLOCK + bit, value);
                if !stays {
                    kept &= !(1 << bit);
                }
                stays
            });
            block.keys = kept;
            !block.all.is_empty()
        });
    }

    /// In the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.0.iter().flat_map(Block::iter)
    }

    /// Those with a key in the range; costs their number.
    pub fn range(&self, keys: RangeInclusive<u32>) -> impl Iterator<Item = (u32, &T)> {
        let (from, to) = keys.into_inner();
        let first = self.0.partition_point(|block| block.at < from / BLOCK);
        let blocks = self.0[first..].iter();
        let inside = blocks.take_while(move |block| block.at <= to / BLOCK);
        let all = inside.flat_map(Block::iter);
        all.filter(move |(key, _)| (from..=to).contains(key))
    }
}

#[cfg(test)]
impl<T> Blocks<T> {
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().flat_map(|block| &mut block.all)
    }

    pub fn count(&self) -> usize {
        self.0.iter().map(|block| block.all.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn keys() -> impl Strategy<Value = u32> {
        prop_oneof![0u32..200, 0u32..5_000, u32::MAX - 70..=u32::MAX]
    }

    proptest! {
        #[test]
        fn it_is_a_map(
            steps in proptest::collection::vec((0u8..8, keys(), any::<u16>()), 0..300),
            (from, to) in (keys(), keys()),
        ) {
            let (mut blocks, mut map) = (Blocks::default(), BTreeMap::new());
            for (what, key, value) in steps {
                match what {
                    0..5 => {
                        *blocks.or_default(key) = value;
                        map.insert(key, value);
                    }
                    5 => {
                        blocks.retain(|k, v| (k ^ u32::from(*v)) % 3 > 0);
                        map.retain(|k, v| (k ^ u32::from(*v)) % 3 > 0);
                    }
                    _ => {
                        blocks.remove(key);
                        map.remove(&key);
                    }
                }
                prop_assert_eq!(blocks.get(key), map.get(&key));
                prop_assert_eq!(blocks.get_mut(key), map.get_mut(&key));
            }
            prop_assert!(blocks.iter().eq(map.iter().map(|(k, v)| (*k, v))));
            let (from, to) = (from.min(to), from.max(to));
            prop_assert!(blocks.range(from..=to).eq(map.range(from..=to).map(|(k, v)| (*k, v))));
            // the same in whatever order it was filled
            let mut again = Blocks::default();
            for (key, value) in map.iter().rev() {
                *again.or_default(*key) = *value;
            }
            prop_assert!(blocks == again);
        }
    }
}
