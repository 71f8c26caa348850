//! The one container for rows: stable slots, relist generations and a log of what changed, so that totals
//! follow in O(1) per change and views repair themselves instead of sorting anew.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::delta::{Change, SourceId};
use super::ids::{ClusterId, Key};

/// What a [`Table`] can hold.
pub trait Row: Clone + PartialEq {
    fn key(&self) -> Key;
}

/// Rows by [`Key`], each in a slot that stays its own while the row exists (a freed slot is used again).
///
/// A row belongs to the source that last told of it: only that source's `Gone`, `Synced` or `Dropped` removes
/// it. So two overlapping watches may feed one table, and an old one can be dropped after its successor synced.
#[derive(Debug, Clone)]
pub struct Table<R> {
    slots: Vec<Option<Slot<R>>>,
    free: Vec<u32>,
    /// Slots by the keys of their rows: the keys themselves are in the rows.
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
    generations: HashMap<(ClusterId, SourceId), u32>,
    version: u64,
    /// Slots touched by the latest versions, newest last: entry `i` from the end is version `version - i`.
    log: VecDeque<u32>,
}

#[derive(Debug, Clone)]
struct Slot<R> {
    row: R,
    source: SourceId,
    generation: u32,
}

/// Changes remembered for views; a view further behind starts anew.
const LOG: usize = 16_384;

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            places: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            generations: HashMap::new(),
            version: 0,
            log: VecDeque::new(),
        }
    }
}

impl<R: Row> Table<R> {
    /// Folds one change in. `each(slot, old, new)` hears of every row that appeared (`old` is `None`), changed or
    /// went (`new` is `None`); rows told again unchanged are no change. `cluster` must be that of the rows.
    pub fn apply(
        &mut self,
        source: SourceId,
        cluster: ClusterId,
        change: Change<R>,
        mut each: impl FnMut(u32, Option<&R>, Option<&R>),
    ) {
        match change {
            Change::Restart => *self.generations.entry((cluster, source)).or_default() += 1,
            Change::Rows(rows) => {
                let generation = self.generation(cluster, source);
                for row in rows {
                    self.put(row, source, generation, &mut each);
                }
            }
            Change::Gone(uids) => {
                for uid in uids {
                    let key = Key { cluster, uid };
                    let Some(at) = self.slot_of(key) else {
                        continue;
                    };
                    if self.slot(at).is_some_and(|slot| slot.source == source) {
                        self.remove(at, &mut each);
                    }
                }
            }
            Change::Synced => {
                let generation = self.generation(cluster, source);
                self.sweep(cluster, source, &mut each, |slot| {
                    slot.generation != generation
                });
            }
            Change::Dropped => {
                self.sweep(cluster, source, &mut each, |_| true);
                self.generations.remove(&(cluster, source));
            }
        }
    }

    /// Marks a row as changed though its own fields are not: something derived from other tables is.
    pub fn touch(&mut self, key: Key) {
        if let Some(at) = self.slot_of(key) {
            self.changed(at);
        }
    }

    /// Takes the place of another table that was read in the place of this one: whoever follows it starts anew.
    pub fn succeed(&mut self, other: &Self) {
        self.version = self.version.max(other.version) + 1;
        self.log.clear();
    }

    /// Rows of a source that its list under way has not told of: those that go when it is complete.
    pub fn unseen(&self, source: SourceId, cluster: ClusterId) -> impl Iterator<Item = &R> {
        let generation = self.generation(cluster, source);
        let slots = self.slots.iter().flatten();
        let goes = move |slot: &&Slot<R>| {
            slot.source == source
                && slot.generation != generation
                && slot.row.key().cluster == cluster
        };
        slots.filter(goes).map(|slot| &slot.row)
    }

    /// Moves with every real change, by one per row.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Slots changed after `version` (repeats possible, removed rows included), or `None` if that is too long ago.
    pub fn changed_since(&self, version: u64) -> Option<impl Iterator<Item = u32> + '_> {
        let behind = usize::try_from(self.version.checked_sub(version)?).ok()?;
        let skip = self.log.len().checked_sub(behind)?;
        Some(self.log.iter().skip(skip).copied())
    }

    pub fn get(&self, key: Key) -> Option<&R> {
        self.at(self.slot_of(key)?)
    }

    /// The row in a slot, if the slot is in use.
    pub fn at(&self, slot: u32) -> Option<&R> {
        self.slot(slot).map(|slot| &slot.row)
    }

    pub fn slot_of(&self, key: Key) -> Option<u32> {
        let is = |at: &u32| self.at(*at).is_some_and(|row| row.key() == key);
        self.places.find(self.hasher.hash_one(key), is).copied()
    }

    pub fn contains(&self, key: Key) -> bool {
        self.slot_of(key).is_some()
    }

    /// All rows with their slots, in slot order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &R)> {
        (0u32..)
            .zip(&self.slots)
            .filter_map(|(at, slot)| Some((at, &slot.as_ref()?.row)))
    }

    pub fn rows(&self) -> impl Iterator<Item = &R> {
        self.iter().map(|(_, row)| row)
    }

    /// What the table itself takes, without what its rows point to.
    pub fn bytes(&self) -> usize {
        let slot = size_of::<Option<Slot<R>>>();
        // it keeps one byte beside each entry, and an eighth of its places free
        let entry = size_of::<u32>() + 1;
        self.slots.len() * slot
            + self.free.capacity() * size_of::<u32>()
            + self.places.capacity() * entry * 8 / 7
            + self.log.capacity() * size_of::<u32>()
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// One more than the highest slot ever used.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    fn slot(&self, at: u32) -> Option<&Slot<R>> {
        self.slots.get(at as usize)?.as_ref()
    }

    fn generation(&self, cluster: ClusterId, source: SourceId) -> u32 {
        self.generations
            .get(&(cluster, source))
            .copied()
            .unwrap_or_default()
    }

    fn changed(&mut self, at: u32) {
        self.version += 1;
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log.push_back(at);
    }

    fn put(
        &mut self,
        row: R,
        source: SourceId,
        generation: u32,
        each: &mut impl FnMut(u32, Option<&R>, Option<&R>),
    ) {
        let key = row.key();
        let new = Slot {
            row,
            source,
            generation,
        };
        if let Some(at) = self.slot_of(key) {
            if let Some(Some(slot)) = self.slots.get_mut(at as usize) {
                if slot.row == new.row {
                    (slot.source, slot.generation) = (source, generation);
                    return;
                }
                let old = std::mem::replace(slot, new);
                each(at, Some(&old.row), Some(&slot.row));
            }
            self.changed(at);
            return;
        }
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        let slot = self.slots[at as usize].insert(new);
        each(at, None, Some(&slot.row));
        let Self {
            places,
            slots,
            hasher,
            ..
        } = self;
        let hash_of = |at: &u32| {
            let slot = slots.get(*at as usize).and_then(Option::as_ref);
            slot.map_or(0, |slot| hasher.hash_one(slot.row.key()))
        };
        places.insert_unique(hasher.hash_one(key), at, hash_of);
        self.changed(at);
    }

    fn remove(&mut self, at: u32, each: &mut impl FnMut(u32, Option<&R>, Option<&R>)) {
        let Some(old) = self.slots.get_mut(at as usize).and_then(Option::take) else {
            return;
        };
        let hash = self.hasher.hash_one(old.row.key());
        if let Ok(place) = self.places.find_entry(hash, |of| *of == at) {
            place.remove();
        }
        self.free.push(at);
        self.changed(at);
        each(at, Some(&old.row), None);
    }

    fn sweep(
        &mut self,
        cluster: ClusterId,
        source: SourceId,
        each: &mut impl FnMut(u32, Option<&R>, Option<&R>),
        goes: impl Fn(&Slot<R>) -> bool,
    ) {
        for at in 0..self.slots.len() {
            let swept = self.slots[at].as_ref().is_some_and(|slot| {
                slot.source == source && slot.row.key().cluster == cluster && goes(slot)
            });
            if swept {
                self.remove(at as u32, each);
            }
        }
    }
}

#[cfg(test)]
mod tests;
