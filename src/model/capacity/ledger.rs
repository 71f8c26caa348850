//! Who holds what, since when: sums per workload kept up to date in O(1) per pod, from which GPU-hours follow for any
//! moment. Rows of the ledger by pod, workload, queue and namespace are made from them in [`super::holders`].

use std::collections::HashMap;

use super::unit::Kind;
use crate::model::few::Few;
use crate::model::ids::{Key, Name};
use crate::model::pod::PodRow;
use crate::model::progress::job_of;

/// Devices of one kind that pods of a workload hold now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    pub count: u64,
    /// Of those, by pods that are being deleted.
    pub releasing: u64,
    /// Sum of the moments (seconds) each was taken: with `count` it gives device-seconds for any now.
    since: i128,
}

impl Held {
    /// So many, taken at a moment (seconds).
    pub fn of(count: u32, going: bool, since: Option<i64>) -> Self {
        let count = u64::from(count);
        Self {
            count,
            releasing: if going { count } else { 0 },
            since: i128::from(count) * i128::from(since.unwrap_or_default()),
        }
    }

    /// Device-seconds so far.
    pub fn seconds(&self, now: i64) -> f64 {
        (i128::from(self.count) * i128::from(now) - self.since).max(0) as f64
    }

    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.releasing += other.releasing;
        self.since += other.since;
    }
}

/// What the pods of one workload hold and held.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entry {
    /// Pods that hold a device.
    pub pods: u32,
    pub held: Few<Kind, Held>,
    /// Device-seconds of pods that are over and still in the table, by resource.
    pub spent: Few<Name, i128>,
    /// The pods behind it, held or over: that is how its namespace and owner are found.
    pub(super) members: u32,
    pub namespace: Name,
    /// The kind and name of its group or controller, where it has one.
    pub owner: Option<(Name, Name)>,
}

/// Entries by what made the pod: a workload, another controller, or the pod itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ledger(HashMap<Key, Entry>);

/// What a pod is accounted to.
pub fn account(pod: &PodRow) -> Key {
    let own = || match &pod.owner {
        Some((_, _, uid)) => Key {
            cluster: pod.key.cluster,
            uid: *uid,
        },
        None => pod.key,
    };
    job_of(pod).unwrap_or_else(own)
}

/// What made a pod, by kind and name, where no row is known of it; none of one that nobody made.
pub fn maker(pod: &PodRow) -> Option<(Name, Name)> {
    match (&pod.member, &pod.owner) {
        // pods of a group may have controllers each of their own
        (Some(group), _) => Some(("group".into(), group.name.clone())),
        (None, Some((kind, name, _))) => Some((kind.clone(), name.clone())),
        (None, None) => None,
    }
}

/// Since when a pod holds its devices, in seconds.
pub fn since(pod: &PodRow) -> Option<i64> {
    let at = pod
        .bound
        .get()
        .or(pod.started.get())
        .or(pod.created.get())?;
    Some(at.timestamp())
}

impl Ledger {
    pub fn of(&self, account: Key) -> Option<&Entry> {
        self.0.get(&account)
    }

    pub fn entries(&self) -> impl Iterator<Item = (Key, &Entry)> {
        self.0.iter().map(|(key, entry)| (*key, entry))
    }

    /// A pod that holds devices came (or went): how many of what.
    pub fn hold(&mut self, pod: &PodRow, of: &[(Kind, u32)], add: bool) {
        if of.is_empty() {
            return;
        }
        let key = account(pod);
        let entry = self.entry(key, pod, add);
        step(&mut entry.pods, add);
        for (kind, count) in of {
            let held = entry.held.or_insert_with(kind.clone(), Held::default);
            let (n, at) = (u64::from(*count), since(pod));
            // one that tells no time has just begun, for all that is known
            let moments = i128::from(n) * i128::from(at.unwrap_or_default());
            if add {
                held.count += n;
                held.releasing += if pod.deleting { n } else { 0 };
                held.since += moments;
            } else {
                held.count = held.count.saturating_sub(n);
                held.releasing = held
                    .releasing
                    .saturating_sub(if pod.deleting { n } else { 0 });
                held.since -= moments;
            }
            if held.count == 0 {
                entry.held.remove(kind);
            }
        }
        self.prune(key);
    }

    /// A pod that is over came (or went).
    pub fn spend(&mut self, pod: &PodRow, add: bool) {
        let (Some(from), Some(to)) = (since(pod), pod.finished.get()) else {
            return;
        };
        let seconds = i128::from((to.timestamp() - from).max(0));
        if pod.shape.devices.is_empty() || pod.node.is_none() {
            return;
        }
        let key = account(pod);
        let entry = self.entry(key, pod, add);
        for (name, count) in pod.shape.plugged() {
            let spent = entry.spent.or_insert_with(name.clone(), i128::default);
            let by = seconds * i128::from(*count);
            *spent += if add { by } else { -by };
            if *spent == 0 {
                entry.spent.remove(name);
            }
        }
        self.prune(key);
    }

    fn entry(&mut self, key: Key, pod: &PodRow, add: bool) -> &mut Entry {
        let entry = self.0.entry(key).or_default();
        step(&mut entry.members, add);
        if add && entry.members == 1 {
            entry.namespace = pod.namespace.clone();
            entry.owner = maker(pod);
        }
        entry
    }

    fn prune(&mut self, key: Key) {
        if self.0.get(&key).is_some_and(|entry| entry.members == 0) {
            self.0.remove(&key);
        }
    }
}

fn step(n: &mut u32, add: bool) {
    *n = if add {
        n.saturating_add(1)
    } else {
        n.saturating_sub(1)
    };
}
