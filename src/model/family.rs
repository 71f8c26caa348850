//! Who belongs to whom among workloads, by owner references: what a JobSet, an MPIJob or a CronJob made is folded
//! under it, and counted there. Kept up to date in O(depth) per changed row.
//!
//! Law: the sums of an owner are those of its children, whatever the order the rows came in, and an owner that
//! counts its children passes them on to its own owner.

use std::collections::{BTreeSet, HashMap};

use super::ids::Key;
use super::job::{Counts, JobRow};

/// No chain of owners is longer in earnest; rings exist only by mistake.
const DEEPEST: usize = 6;

/// Pods of all children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    pub active: u64,
    pub ready: u64,
    pub failed: u64,
}

impl Sum {
    fn of(row: &JobRow) -> Self {
        Self {
            active: row.active.into(),
            ready: row.ready.into(),
            failed: u64::from(row.failed) + u64::from(row.uncounted.1),
        }
    }

    /// `self − old + new`; wraps, so that it comes out right in any order.
    fn replace(&mut self, old: Self, new: Self) {
        let one = |n: &mut u64, old: u64, new: u64| *n = n.wrapping_sub(old).wrapping_add(new);
        one(&mut self.active, old.active, new.active);
        one(&mut self.ready, old.ready, new.ready);
        one(&mut self.failed, old.failed, new.failed);
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Kin {
    children: BTreeSet<Key>,
    sum: Sum,
    /// The row is here and counts its children: its own owner counts them too.
    passes: bool,
}

/// Parents and children of all rows there are. An owner need not be a row itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Family {
    parents: HashMap<Key, Key>,
    kin: HashMap<Key, Kin>,
}

/// The key of a row's controlling owner, whatever that is.
fn owner(row: &JobRow) -> Option<Key> {
    let (_, _, uid) = row.owner.as_ref()?;
    Some(Key {
        cluster: row.key.cluster,
        uid: *uid,
    })
}

impl Family {
    /// The owner of a row, whether or not that is a row.
    pub fn parent(&self, key: Key) -> Option<Key> {
        self.parents.get(&key).copied()
    }

    pub fn children(&self, key: Key) -> impl Iterator<Item = Key> + '_ {
        self.kin
            .get(&key)
            .into_iter()
            .flat_map(|k| k.children.iter().copied())
    }

    pub fn sum(&self, key: Key) -> Sum {
        self.kin.get(&key).map(|kin| kin.sum).unwrap_or_default()
    }

    /// The object and all below it, itself first.
    pub fn tree(&self, key: Key) -> Vec<Key> {
        let mut all = vec![key];
        let mut level = 0..1;
        for _ in 0..DEEPEST {
            for at in level.clone() {
                let children: Vec<Key> = self.children(all[at]).collect();
                all.extend(children.into_iter().filter(|child| *child != key));
            }
            level = level.end..all.len();
            if level.is_empty() {
                break;
            }
        }
        all
    }

    /// A row came, changed or went.
    pub fn row(&mut self, old: Option<&JobRow>, new: Option<&JobRow>) {
        let Some(key) = new.or(old).map(|row| row.key) else {
            return;
        };
        let passes = |row: &JobRow| row.kind.counts == Counts::Children;
        let part = |family: &Self, row: Option<&JobRow>| match row {
            Some(row) if passes(row) => family.sum(key),
            Some(row) => Sum::of(row),
            None => Sum::default(),
        };
        let (before, after) = (part(self, old), part(self, new));
        let (from, to) = (old.and_then(owner), new.and_then(owner));
        if from == to {
            if let Some(owner) = to.filter(|_| before != after) {
                self.change(owner, before, after);
            }
        } else {
            if let Some(from) = from {
                self.change(from, before, Sum::default());
                self.parents.remove(&key);
                if let Some(kin) = self.kin.get_mut(&from) {
                    kin.children.remove(&key);
                }
                self.prune(from);
            }
            if let Some(to) = to {
                self.kin.entry(to).or_default().children.insert(key);
                self.parents.insert(key, to);
                self.change(to, Sum::default(), after);
            }
        }
        if let Some(kin) = self.kin.get_mut(&key) {
            kin.passes = new.is_some_and(passes);
            self.prune(key);
        } else if new.is_some_and(passes) {
            self.kin.entry(key).or_default().passes = true;
        }
    }

    /// The owners of a row, nearest first.
    pub fn line(&self, key: Key) -> impl Iterator<Item = Key> + '_ {
        std::iter::successors(self.parent(key), |key| self.parent(*key)).take(DEEPEST)
    }

    fn change(&mut self, owner: Key, old: Sum, new: Sum) {
        let mut at = Some(owner);
        for _ in 0..DEEPEST {
            let Some(owner) = at else { return };
            let kin = self.kin.entry(owner).or_default();
            kin.sum.replace(old, new);
            at = kin
                .passes
                .then(|| self.parents.get(&owner).copied())
                .flatten();
        }
    }

    fn prune(&mut self, key: Key) {
        if self
            .kin
            .get(&key)
            .is_some_and(|kin| kin.children.is_empty() && !kin.passes)
        {
            self.kin.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Model;
    use crate::model::fixture::{job, jobs, key, pod, pods, running};
    use crate::model::job::{Facts, JobKind};

    static SET: Facts = Facts::new("x", &["v1"], "Set", "sets", "Set").of_children();

    fn owned(uid: u128, by: Option<u128>, active: u32, set: bool) -> JobRow {
        let mut row = job(uid, "a");
        row.active = active;
        row.owner = by.map(|uid| ("Set".into(), "s".into(), key(uid).uid));
        if set {
            row.kind = JobKind(&SET);
        }
        row
    }

    #[test]
    fn a_set_of_a_set_counts_the_jobs_below() {
        let mut f = Family::default();
        // the jobs are told of before their owners
        f.row(None, Some(&owned(3, Some(2), 4, false)));
        f.row(None, Some(&owned(4, Some(2), 1, false)));
        f.row(None, Some(&owned(2, Some(1), 0, true)));
        assert_eq!((f.sum(key(2)).active, f.sum(key(1)).active), (5, 5));
        let (old, new) = (owned(3, Some(2), 4, false), owned(3, Some(2), 7, false));
        f.row(Some(&old), Some(&new));
        assert_eq!((f.sum(key(2)).active, f.sum(key(1)).active), (8, 8));
        assert_eq!(f.tree(key(1)), [1, 2, 3, 4].map(key));
        assert_eq!(f.line(key(3)).collect::<Vec<_>>(), [2, 1].map(key));
        // the one between goes: its own owner has nobody left to count
        f.row(Some(&owned(2, Some(1), 0, true)), None);
        assert_eq!((f.sum(key(2)).active, f.sum(key(1)).active), (8, 0));
        f.row(Some(&new), None);
        f.row(Some(&owned(4, Some(2), 1, false)), None);
        assert_eq!(f, Family::default());
    }

    #[test]
    fn a_launcher_that_is_a_job_of_its_own_is_ready_with_its_workers() {
        static MPI: Facts = Facts::new("x", &["v1"], "MPIJob", "mpijobs", "MPI");
        let mut mpi = job(1, "mpi");
        (mpi.kind, mpi.active) = (JobKind(&MPI), 3);
        let mut launcher = owned(2, Some(1), 1, false);
        launcher.ready = 1;
        let mut workers = [pod(3, &mpi), pod(4, &mpi)];
        for worker in &mut workers {
            worker.owner = Some(("MPIJob".into(), "mpi".into(), mpi.key.uid));
            *worker = running(worker.clone(), "n", 1);
        }
        let mut model = Model::default();
        for delta in [jobs(&[mpi.clone(), launcher.clone()]), pods(&workers)] {
            model.apply(delta);
        }
        assert_eq!(model.status(&mpi).ready, 3);
        // its counts say that one of them is gone already
        mpi.active = 2;
        model.apply(jobs(&[mpi.clone()]));
        assert_eq!(model.status(&mpi).ready, 2);
    }

    #[test]
    fn a_ring_of_owners_ends() {
        let mut f = Family::default();
        f.row(None, Some(&owned(1, Some(2), 1, true)));
        f.row(None, Some(&owned(2, Some(1), 1, true)));
        f.row(None, Some(&owned(3, Some(3), 1, true)));
        assert!(f.tree(key(1)).len() < 20 && f.tree(key(3)).len() < 20);
        assert!(f.line(key(1)).count() <= DEEPEST);
    }

    proptest! {
        /// Any order of arrivals and changes gives the sums of the rows that remain.
        #[test]
        fn the_order_does_not_matter(steps in proptest::collection::vec((0u128..12, 0u32..5, any::<bool>()), 1..60)) {
            // 0..2 are sets of 2, 3..11 jobs of one of the first three
            let row = |uid: u128, n: u32| match uid {
                0 | 1 => owned(uid, Some(2), 0, true),
                2 => owned(2, None, 0, true),
                uid => owned(uid, Some(uid % 3), n, false),
            };
            let mut now: HashMap<u128, JobRow> = HashMap::new();
            let mut f = Family::default();
            for (uid, n, there) in steps {
                let new = there.then(|| row(uid, n));
                let old = now.remove(&uid);
                f.row(old.as_ref(), new.as_ref());
                now.extend(new.map(|row| (uid, row)));
            }
            let mut again = Family::default();
            for row in now.values() {
                again.row(None, Some(row));
            }
            prop_assert_eq!(f, again);
        }
    }
}
