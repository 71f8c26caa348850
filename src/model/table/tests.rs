//! The table against a plain map, and the promises its users build on.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::ids::Uid;

#[derive(Debug, Clone, PartialEq)]
struct Cell(Key, u8);

impl Row for Cell {
    fn key(&self) -> Key {
        self.0
    }
}

fn key(cluster: u16, uid: u8) -> Key {
    Key {
        cluster: ClusterId(cluster),
        uid: Uid(u128::from(uid)),
    }
}

fn rows(list: &[(u8, u8)]) -> Change<Cell> {
    Change::Rows(list.iter().map(|&(u, v)| Cell(key(0, u), v)).collect())
}

const C: ClusterId = ClusterId(0);
const A: SourceId = SourceId(1);
const B: SourceId = SourceId(2);

fn put(table: &mut Table<Cell>, source: SourceId, change: Change<Cell>) -> usize {
    let mut steps = 0;
    table.apply(source, C, change, |_, _, _| steps += 1);
    steps
}

fn values(table: &Table<Cell>) -> Vec<(u128, u8)> {
    let mut all: Vec<_> = table.rows().map(|c| (c.0.uid.0, c.1)).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_relist_empties_nothing_until_it_is_complete() {
    let mut t = Table::default();
    put(&mut t, A, rows(&[(1, 1), (2, 1), (3, 1)]));
    put(&mut t, A, Change::Restart);
    assert_eq!(t.len(), 3);
    assert_eq!(put(&mut t, A, rows(&[(1, 1), (2, 2)])), 1);
    assert_eq!(t.len(), 3);
    assert_eq!(put(&mut t, A, Change::Synced), 1);
    assert_eq!(values(&t), [(1, 1), (2, 2)]);
}

#[test]
fn telling_the_same_again_is_no_change() {
    let mut t = Table::default();
    put(&mut t, A, rows(&[(1, 1)]));
    let version = t.version();
    assert_eq!(put(&mut t, A, rows(&[(1, 1)])), 0);
    assert_eq!(t.version(), version);
}

#[test]
fn a_row_moves_to_the_source_that_last_told_of_it() {
    let mut t = Table::default();
    put(&mut t, A, rows(&[(1, 1), (2, 1)]));
    put(&mut t, B, rows(&[(2, 1)]));
    put(&mut t, A, Change::Gone(vec![Uid(2)]));
    assert_eq!(t.len(), 2, "A no longer speaks for row 2");
    put(&mut t, A, Change::Dropped);
    assert_eq!(values(&t), [(2, 1)]);
}

#[test]
fn slots_are_stable_and_used_again() {
    let mut t = Table::default();
    put(&mut t, A, rows(&[(1, 1), (2, 1)]));
    let two = t.slot_of(key(0, 2));
    put(&mut t, A, Change::Gone(vec![Uid(1)]));
    put(&mut t, A, rows(&[(3, 1), (2, 9)]));
    assert_eq!((t.slot_of(key(0, 2)), t.slots()), (two, 2));
    assert_eq!(t.slot_of(key(0, 3)), Some(0));
}

#[test]
fn changed_since_names_each_touched_slot_or_gives_up() {
    let mut t = Table::default();
    put(&mut t, A, rows(&[(1, 1), (2, 1)]));
    let version = t.version();
    put(&mut t, A, rows(&[(2, 2)]));
    t.touch(key(0, 1));
    let slots: Vec<u32> = t.changed_since(version).into_iter().flatten().collect();
    assert_eq!(slots, [1, 0]);
    for v in 0..=LOG {
        put(&mut t, A, rows(&[(2, (v % 250) as u8 + 3)]));
    }
    assert!(t.changed_since(version).is_none());
    assert_eq!(t.changed_since(t.version()).map(Iterator::count), Some(0));
}

/// The obvious table: a map of (value, source, stamp).
#[derive(Default)]
struct Reference {
    rows: BTreeMap<Key, (u8, SourceId, u32)>,
    stamp: BTreeMap<(ClusterId, SourceId), u32>,
}

impl Reference {
    fn apply(&mut self, source: SourceId, cluster: ClusterId, change: Change<Cell>) {
        let stamp = self.stamp.entry((cluster, source)).or_default();
        match change {
            Change::Restart => *stamp += 1,
            Change::Rows(rows) => {
                for row in rows {
                    self.rows.insert(row.0, (row.1, source, *stamp));
                }
            }
            Change::Gone(uids) => self.rows.retain(|key, (_, s, _)| {
                !(*s == source && key.cluster == cluster && uids.contains(&key.uid))
            }),
            Change::Synced => {
                let stamp = *stamp;
                self.rows.retain(|key, (_, s, at)| {
                    !(*s == source && key.cluster == cluster && *at != stamp)
                });
            }
            Change::Dropped => {
                *stamp = 0;
                self.rows
                    .retain(|key, (_, s, _)| !(*s == source && key.cluster == cluster));
            }
        }
    }
}

fn any_change() -> impl Strategy<Value = (SourceId, ClusterId, Change<Cell>)> {
    (0..3u32, 0..2u16).prop_flat_map(|(source, cluster)| {
        let row = (0..12u8, 0..3u8).prop_map(move |(u, v)| Cell(key(cluster, u), v));
        prop_oneof![
            5 => prop::collection::vec(row, 0..6).prop_map(Change::Rows),
            2 => prop::collection::vec((0..12u128).prop_map(Uid), 0..4).prop_map(Change::Gone),
            1 => Just(Change::Restart),
            1 => Just(Change::Synced),
            1 => Just(Change::Dropped),
        ]
        .prop_map(move |change| (SourceId(source), ClusterId(cluster), change))
    })
}

proptest! {
    #[test]
    fn behaves_as_a_map(changes in prop::collection::vec(any_change(), 0..60)) {
        let mut table = Table::default();
        let mut reference = Reference::default();
        // what a listener would hold, from the callbacks alone
        let mut heard: BTreeMap<u32, Cell> = BTreeMap::new();
        for (source, cluster, change) in changes {
            let (before, mut steps) = (table.version(), 0);
            table.apply(source, cluster, change.clone(), |slot, old, new| {
                steps += 1;
                assert_ne!(old, new);
                assert_eq!(heard.get(&slot), old);
                match new {
                    Some(new) => heard.insert(slot, new.clone()),
                    None => heard.remove(&slot),
                };
            });
            reference.apply(source, cluster, change);
            prop_assert_eq!(table.version(), before + steps);
            let want: BTreeMap<Key, u8> = reference.rows.iter().map(|(k, v)| (*k, v.0)).collect();
            let have: BTreeMap<Key, u8> = table.rows().map(|c| (c.0, c.1)).collect();
            prop_assert_eq!(&have, &want);
            prop_assert_eq!(table.len(), want.len());
            prop_assert!(want.keys().all(|k| table.get(*k).is_some_and(|c| c.0 == *k)));
            let slots: BTreeMap<u32, Cell> = table.iter().map(|(s, c)| (s, c.clone())).collect();
            prop_assert_eq!(&slots, &heard);
        }
    }
}
