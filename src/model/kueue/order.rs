//! The line at each queue: who is next, who holds a reservation, who runs. Made once per look over all queues.
//!
//! Kueue tells positions only through its visibility API; without its answer the order here is our estimate
//! (domain.md C.5) and says so.

use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::workload::State;
use super::{Kueue, WorkloadRow};
use crate::model::ids::{ClusterId, Key, Name};

/// What Kueue's visibility API told of a cluster queue: namespace and name of its pending Workloads, first in line
/// first. It may lack the newest ones.
pub type Told<'a> = &'a [(Name, Name)];

/// Place in a line, 1-based.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub at: usize,
    pub of: usize,
    /// By our own sorting, not Kueue's.
    pub estimated: bool,
}

/// The Workloads of one queue.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line {
    /// Next first.
    pub pending: Vec<Key>,
    /// Pending, but not in line: deactivated, on hold, gated, in a stopped queue.
    pub aside: Vec<Key>,
    /// Quota held, not admitted; oldest first.
    pub reserving: Vec<Key>,
    /// Newest first.
    pub admitted: Vec<Key>,
    pub estimated: bool,
}

impl Line {
    /// In the order they are shown: in line, aside, reserving, admitted.
    pub fn all(&self) -> impl Iterator<Item = Key> + '_ {
        let parts = [&self.pending, &self.aside, &self.reserving, &self.admitted];
        parts.into_iter().flatten().copied()
    }
}

/// The lines of one cluster.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Order {
    queues: HashMap<Name, Line>,
    /// By namespace and name of the local queue.
    local: HashMap<(Name, Name), Line>,
    /// Cluster queue and place in it, place in the local queue.
    places: HashMap<Key, (Name, usize, usize)>,
}

impl Order {
    /// Our estimate for all queues. O(n log n) over the Workloads.
    pub fn of(kueue: &Kueue, cluster: ClusterId) -> Self {
        Self::with(kueue, cluster, |_| None)
    }

    /// The same, with what Kueue told of some cluster queues.
    pub fn with<'a>(
        kueue: &Kueue,
        cluster: ClusterId,
        told: impl Fn(&str) -> Option<Told<'a>>,
    ) -> Self {
        let mut order = Self::default();
        let mut targets: HashMap<(&str, &str), (&Name, bool)> = HashMap::new();
        for row in kueue
            .local_queues
            .rows()
            .filter(|r| r.key.cluster == cluster)
        {
            let open = row.stop == super::queue::Stop::None;
            targets.insert((&row.namespace, &row.name), (&row.cluster_queue, open));
        }
        let mut lines: HashMap<&Name, Vec<&WorkloadRow>> = HashMap::new();
        let mut rest: Vec<&WorkloadRow> = Vec::new();
        for row in kueue.workloads.rows().filter(|r| {
            r.key.cluster == cluster && !r.is_finished() && !is_variant(r) && !r.queue.is_empty()
        }) {
            let target = targets.get(&(&*row.namespace, &*row.queue)).copied();
            let holds = row.admission.as_ref().map(|a| &a.cluster_queue);
            let state = row.state();
            match (state, target) {
                (State::Pending, Some((queue, true))) if in_line(row) => {
                    lines.entry(queue).or_default().push(row);
                }
                (State::Pending, Some((queue, _))) => {
                    order.line(row, Some(queue), |line| &mut line.aside);
                }
                (State::Pending, None) => order.line(row, None, |line| &mut line.aside),
                (..) => {
                    // what is held is held where it was admitted, be the local queue moved or gone
                    let queue = holds.or(target.map(|(queue, _)| queue));
                    order.line(row, queue, |line| match state {
                        State::Admitted => &mut line.admitted,
                        _ => &mut line.reserving,
                    });
                    rest.push(row);
                }
            }
        }
        for (queue, mut rows) in lines {
            let told = told(queue);
            let ranks: HashMap<(&str, &str), usize> = told
                .unwrap_or_default()
                .iter()
                .enumerate()
                .map(|(i, (namespace, name))| ((&**namespace, &**name), i))
                .collect();
            rows.sort_by_cached_key(|row| {
                let rank = ranks.get(&(&*row.namespace, &*row.name)).copied();
                (
                    rank.unwrap_or(usize::MAX),
                    Reverse(row.priority),
                    row.queued_since().unwrap_or(DateTime::<Utc>::MAX_UTC),
                    row.key.uid,
                )
            });
            for (i, row) in rows.into_iter().enumerate() {
                let name = (row.namespace.clone(), row.queue.clone());
                let local = order.local.entry(name).or_default();
                local.pending.push(row.key);
                local.estimated = told.is_none();
                let places = (queue.clone(), i + 1, local.pending.len());
                order.places.insert(row.key, places);
                let line = order.queues.entry(queue.clone()).or_default();
                line.pending.push(row.key);
                line.estimated = told.is_none();
            }
        }
        order.sort_holders(&rest);
        order
    }

    fn line(
        &mut self,
        row: &WorkloadRow,
        queue: Option<&Name>,
        part: impl Fn(&mut Line) -> &mut Vec<Key>,
    ) {
        let name = (row.namespace.clone(), row.queue.clone());
        part(self.local.entry(name).or_default()).push(row.key);
        if let Some(queue) = queue {
            part(self.queues.entry(queue.clone()).or_default()).push(row.key);
        }
    }

    fn sort_holders(&mut self, rows: &[&WorkloadRow]) {
        let since: HashMap<Key, Option<DateTime<Utc>>> = rows
            .iter()
            .map(|row| {
                let kind = match row.state() {
                    State::Admitted => "Admitted",
                    _ => "QuotaReserved",
                };
                (row.key, row.is(kind).and_then(|c| c.since))
            })
            .collect();
        let at = |key: &Key| since.get(key).copied().flatten();
        for line in self.queues.values_mut().chain(self.local.values_mut()) {
            line.admitted
                .sort_by_cached_key(|key| (Reverse(at(key)), key.uid));
            line.reserving.sort_by_cached_key(|key| (at(key), key.uid));
            line.aside.sort_unstable_by_key(|key| key.uid);
        }
    }

    /// The line of a cluster queue; none: nobody is there.
    pub fn queue(&self, name: &str) -> Option<&Line> {
        self.queues.get(name)
    }

    /// The line of a local queue, in the order of its cluster queue.
    pub fn local(&self, namespace: &Name, name: &Name) -> Option<&Line> {
        self.local.get(&(namespace.clone(), name.clone()))
    }

    /// The cluster queue a pending Workload stands in line for.
    pub fn queue_of(&self, workload: Key) -> Option<&Name> {
        self.places.get(&workload).map(|(queue, ..)| queue)
    }

    /// Its place in the line of its cluster queue; none: it is not in line.
    pub fn position(&self, workload: Key) -> Option<Position> {
        let (queue, at, _) = self.places.get(&workload)?;
        let line = self.queues.get(queue)?;
        Some(Position {
            at: *at,
            of: line.pending.len(),
            estimated: line.estimated,
        })
    }

    /// Its place among those of its local queue.
    pub fn local_position(&self, row: &WorkloadRow) -> Option<Position> {
        let (_, _, at) = self.places.get(&row.key)?;
        let line = self.local(&row.namespace, &row.queue)?;
        Some(Position {
            at: *at,
            of: line.pending.len(),
            estimated: line.estimated,
        })
    }
}

/// One of several that stand for one job: owned by the Workload that does.
fn is_variant(row: &WorkloadRow) -> bool {
    row.owners.iter().any(|(kind, _, _)| &**kind == "Workload")
}

/// A pending one that may be tried.
fn in_line(row: &WorkloadRow) -> bool {
    let held = row
        .condition("QuotaReserved")
        .is_some_and(|c| matches!(&*c.reason, "OnHold" | "AdmissionGated"));
    row.active && !row.deleting && !held
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kueue::fixture::*;
    use crate::model::kueue::queue::Stop;

    fn names(kueue: &Kueue, keys: &[Key]) -> Vec<String> {
        let name = |key: &Key| kueue.workloads.get(*key).unwrap().owners[0].1.to_string();
        keys.iter().map(name).collect()
    }

    fn world() -> World {
        let mut stopped = lq("closed", "main");
        stopped.stop = Stop::Hold;
        let mut asleep = workload("asleep", "a", 1);
        asleep.active = false;
        let evicted = |reason: &str| crate::model::job::Condition {
            since: Some(crate::model::fixture::at(500)),
            ..on("Evicted", reason, "")
        };
        World {
            local: vec![lq("a", "main"), lq("b", "main"), lq("c", "other"), stopped],
            workloads: vec![
                workload("late", "a", 1).made(20),
                workload("early", "b", 1).made(10),
                workload("urgent", "a", 1).made(30).at_priority(100),
                workload("retried", "b", 1)
                    .made(0)
                    .with(evicted("PodsReadyTimeout")),
                workload("preempted", "b", 1)
                    .made(5)
                    .with(evicted("Preempted")),
                asleep,
                workload("gated", "a", 1).waits("AdmissionGated", "Admission is gated by: x"),
                workload("shut", "closed", 1),
                workload("lost", "nowhere", 1),
                workload("else", "c", 1),
                workload("over", "a", 1).with(on("Finished", "Succeeded", "")),
                workload("holds", "a", 2).reserves("main", "h100"),
                workload("old", "a", 2).admitted("main", "h100", 50),
                workload("new", "b", 2).admitted("main", "h100", 90),
                // its local queue was pointed elsewhere since
                workload("moved", "c", 2).admitted("main", "h100", 70),
            ],
            ..World::default()
        }
    }

    #[test]
    fn by_priority_then_queue_time() {
        let kueue = world().kueue();
        let order = Order::of(&kueue, ClusterId(0));
        let main = order.queue("main").unwrap();
        assert_eq!(
            names(&kueue, &main.pending),
            ["urgent", "preempted", "early", "late", "retried"]
        );
        assert!(main.estimated);
        assert_eq!(names(&kueue, &main.admitted), ["new", "moved", "old"]);
        assert_eq!(names(&kueue, &main.reserving), ["holds"]);
        let mut aside = names(&kueue, &main.aside);
        aside.sort();
        assert_eq!(aside, ["asleep", "gated", "shut"]);
        let b = order.local(&"default".into(), &"b".into()).unwrap();
        assert_eq!(names(&kueue, &b.pending), ["preempted", "early", "retried"]);
        let row = kueue
            .workloads
            .rows()
            .find(|w| &*w.owners[0].1 == "early")
            .unwrap();
        let place = |at, of| Position {
            at,
            of,
            estimated: true,
        };
        assert_eq!(order.position(row.key), Some(place(3, 5)));
        assert_eq!(order.local_position(row), Some(place(2, 3)));
        assert_eq!(order.queue_of(row.key).map(|n| &**n), Some("main"));
        // of another queue, and of none
        assert_eq!(
            names(&kueue, &order.queue("other").unwrap().pending),
            ["else"]
        );
        let lost = order.local(&"default".into(), &"nowhere".into()).unwrap();
        assert_eq!(names(&kueue, &lost.aside), ["lost"]);
    }

    #[test]
    fn what_kueue_tells_goes_before_our_sorting() {
        let kueue = world().kueue();
        let told: Vec<(Name, Name)> = ["retried", "late", "unknown"]
            .map(|name| ("default".into(), format!("job-{name}-1a2b3").into()))
            .to_vec();
        let order = Order::with(&kueue, ClusterId(0), |queue| {
            (queue == "main").then_some(&*told)
        });
        let main = order.queue("main").unwrap();
        // those it does not name are newer: behind
        assert_eq!(
            names(&kueue, &main.pending),
            ["retried", "late", "urgent", "preempted", "early"]
        );
        assert!(!main.estimated);
        assert!(order.queue("other").unwrap().estimated);
    }
}
