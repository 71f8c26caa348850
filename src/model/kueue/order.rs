//! The line at each queue: who is next, who holds a reservation, who runs. Made once per look over all queues.
//!
//! Kueue tells positions only through its visibility API; without its answer the order here is our estimate
//! (domain.md C.5) and says so.

use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::workload::State;
use super::{Kueue, WorkloadRow};
use crate::model::ids::{ClusterId, Key, Name, Uid};

/// What Kueue's visibility API told of a cluster queue: namespace and name of its pending Workloads, first in line
/// first. It may lack the newest ones.
pub type Told<'a> = &'a [(Name, Name)];

/// Namespace and name of a Workload, and where Kueue says it stands.
type Ranks<'a> = HashMap<(&'a str, &'a str), usize>;

/// Place in a line, 1-based.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub at: usize,
    pub of: usize,
    /// By our own sorting, not Kueue's.
    pub estimated: bool,
}

/// One Workload in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub key: Key,
    pub state: State,
    /// 1-based, in the line of its cluster queue. None of one that holds quota, and of a pending one that is not in
    /// line: deactivated, on hold, gated, in a stopped local queue.
    pub position: Option<usize>,
    pub estimated: bool,
}

/// The lines of one cluster. In each: pending ones in order, those aside, reserving ones (oldest first), admitted
/// ones (newest first).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Order {
    queues: HashMap<Name, Vec<Place>>,
    /// By namespace, then name.
    local: HashMap<Name, HashMap<Name, Vec<Place>>>,
    /// Cluster queue and place in it, of those in line.
    places: HashMap<Key, (Name, Position)>,
}

/// What a pending row, one aside, one that holds quota are sorted by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Kueue's place, priority, queue time.
    Pending(usize, Reverse<i32>, DateTime<Utc>, Uid),
    Aside(Uid),
    Reserving(Option<DateTime<Utc>>, Uid),
    Admitted(Reverse<Option<DateTime<Utc>>>, Uid),
}

impl Order {
    /// Our estimate for all queues. O(n log n) over the Workloads.
    pub fn of(kueue: &Kueue, cluster: ClusterId) -> Self {
        Self::with(kueue, cluster, |_| None, |_| None)
    }

    /// The same, with what Kueue told of some cluster queues, and the places (from 0) it told of single Workloads: who
    /// may ask about local queues only gets those.
    pub fn with<'a>(
        kueue: &Kueue,
        cluster: ClusterId,
        told: impl Fn(&str) -> Option<Told<'a>>,
        single: impl Fn(&WorkloadRow) -> Option<usize>,
    ) -> Self {
        let mut targets: HashMap<(&str, &str), (&Name, bool)> = HashMap::new();
        for row in kueue.local_queues.rows() {
            let open = row.stop == super::queue::Stop::None;
            if row.key.cluster == cluster {
                targets.insert((&row.namespace, &row.name), (&row.cluster_queue, open));
            }
        }
        let mut ranks: HashMap<&Name, Option<Ranks<'_>>> = HashMap::new();
        let mut all: Vec<(Option<&Name>, Rank, &WorkloadRow)> = Vec::new();
        for row in kueue.workloads.rows().filter(|r| {
            r.key.cluster == cluster && !r.is_finished() && !is_variant(r) && !r.queue.is_empty()
        }) {
            let target = targets.get(&(&*row.namespace, &*row.queue)).copied();
            let holds = row.admission.as_ref().map(|a| &a.cluster_queue);
            let uid = row.key.uid;
            let since = |kind| row.is(kind).and_then(|c| c.since);
            let (queue, rank) = match (row.state(), target) {
                (State::Pending, Some((queue, true))) if in_line(row) => {
                    let told = ranks
                        .entry(queue)
                        .or_insert_with(|| told(queue).map(by_name));
                    let known = told
                        .as_ref()
                        .and_then(|told| told.get(&(&*row.namespace, &*row.name)));
                    // those Kueue did not name yet are the newest
                    let known = known.copied().unwrap_or(usize::MAX);
                    let since = row.queued_since().unwrap_or(DateTime::<Utc>::MAX_UTC);
                    let rank = Rank::Pending(known, Reverse(row.priority), since, uid);
                    (Some(queue), rank)
                }
                (State::Pending, target) => (target.map(|(queue, _)| queue), Rank::Aside(uid)),
                // what is held is held where it was admitted, be the local queue moved or gone
                (state, target) => {
                    let rank = match state {
                        State::Admitted => Rank::Admitted(Reverse(since("Admitted")), uid),
                        _ => Rank::Reserving(since("QuotaReserved"), uid),
                    };
                    (holds.or(target.map(|(queue, _)| queue)), rank)
                }
            };
            all.push((queue, rank, row));
        }
        all.sort_unstable_by(|a, b| a.1.cmp(&b.1));
        let mut order = Self::default();
        let mut lengths: HashMap<&Name, usize> = HashMap::new();
        for (queue, rank, row) in all {
            let mut place = Place {
                key: row.key,
                state: row.state(),
                position: None,
                estimated: false,
            };
            if let (Rank::Pending(..), Some(queue)) = (rank, queue) {
                let length = lengths.entry(queue).or_default();
                *length += 1;
                let ordered = ranks.get(queue).is_some_and(Option::is_some);
                let single = if ordered { None } else { single(row) };
                let at = single.map_or(*length, |from_0| from_0 + 1);
                place.position = Some(at);
                place.estimated = !ordered && single.is_none();
                let position = Position {
                    at,
                    of: 0,
                    estimated: place.estimated,
                };
                order.places.insert(row.key, (queue.clone(), position));
            }
            if let Some(queue) = queue {
                order.queues.entry(queue.clone()).or_default().push(place);
            }
            let local = order.local.entry(row.namespace.clone()).or_default();
            local.entry(row.queue.clone()).or_default().push(place);
        }
        for (queue, position) in order.places.values_mut() {
            let length = lengths.get(queue).copied().unwrap_or_default();
            position.of = length.max(position.at);
        }
        let lines = order.local.values_mut().flat_map(HashMap::values_mut);
        for line in lines {
            // as far as places were told; the rest keeps its order
            let told = |place: &Place| place.position.is_some() && !place.estimated;
            let n = line.iter().take_while(|place| told(place)).count();
            if let Some(known) = line.get_mut(..n) {
                known.sort_by_key(|place| place.position);
            }
        }
        order
    }

    /// Those of a cluster queue.
    pub fn cluster_queue(&self, name: &str) -> &[Place] {
        self.queues.get(name).map_or(&[], Vec::as_slice)
    }

    /// Those of a local queue.
    pub fn local_queue(&self, namespace: &str, name: &str) -> &[Place] {
        let line = self.local.get(namespace).and_then(|all| all.get(name));
        line.map_or(&[], Vec::as_slice)
    }

    /// The cluster queue a pending Workload stands in line for.
    pub fn queue_of(&self, workload: Key) -> Option<&Name> {
        self.places.get(&workload).map(|(queue, _)| queue)
    }

    /// Its place in the line of its cluster queue; none: it is not in line.
    pub fn position(&self, workload: Key) -> Option<Position> {
        self.places.get(&workload).map(|(_, position)| *position)
    }
}

fn by_name(told: Told<'_>) -> HashMap<(&str, &str), usize> {
    let names = told.iter().enumerate();
    names
        .map(|(i, (namespace, name))| ((&**namespace, &**name), i))
        .collect()
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

    fn names(kueue: &Kueue, places: &[Place]) -> String {
        let name = |place: &Place| {
            let name = &kueue.workloads.get(place.key).unwrap().owners[0].1;
            match (place.state, place.position) {
                (State::Pending, Some(at)) => format!("{at} {name}"),
                (State::Pending, None) => format!("- {name}"),
                (State::Reserved, _) => format!("reserved {name}"),
                _ => format!("admitted {name}"),
            }
        };
        let all: Vec<String> = places.iter().map(name).collect();
        all.join(", ")
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
        let main = names(&kueue, order.cluster_queue("main"));
        let (line, rest) = main.split_once(", -").unwrap();
        assert_eq!(line, "1 urgent, 2 preempted, 3 early, 4 late, 5 retried");
        for aside in ["- gated", "- shut", "asleep"] {
            assert!(rest.contains(aside.trim_start_matches("- ")), "{main}");
        }
        assert!(rest.ends_with("reserved holds, admitted new, admitted moved, admitted old"));
        assert_eq!(
            names(&kueue, order.local_queue("default", "b")),
            "2 preempted, 3 early, 5 retried, admitted new"
        );
        let row = kueue
            .workloads
            .rows()
            .find(|w| &*w.owners[0].1 == "early")
            .unwrap();
        let third = Position {
            at: 3,
            of: 5,
            estimated: true,
        };
        assert_eq!(order.position(row.key), Some(third));
        assert_eq!(order.queue_of(row.key).map(|n| &**n), Some("main"));
        // of another queue, and of none
        assert_eq!(names(&kueue, order.cluster_queue("other")), "1 else");
        assert_eq!(
            names(&kueue, order.local_queue("default", "nowhere")),
            "- lost"
        );
        assert_eq!(order.cluster_queue("nowhere"), []);
    }

    #[test]
    fn what_kueue_tells_goes_before_our_sorting() {
        let kueue = world().kueue();
        let told: Vec<(Name, Name)> = ["retried", "late", "unknown"]
            .map(|name| ("default".into(), format!("job-{name}-1a2b3").into()))
            .to_vec();
        let queue = |queue: &str| (queue == "main").then_some(&*told);
        let order = Order::with(&kueue, ClusterId(0), queue, |_| None);
        // those it does not name are newer: behind
        assert!(
            names(&kueue, order.cluster_queue("main"))
                .starts_with("1 retried, 2 late, 3 urgent, 4 preempted, 5 early, ")
        );
        assert!(!order.cluster_queue("main")[0].estimated);
        assert!(order.cluster_queue("other")[0].estimated);
    }

    #[test]
    fn places_told_of_one_local_queue_are_no_estimates() {
        let kueue = world().kueue();
        // 90 others stand there whom this user may not see
        let single = |row: &WorkloadRow| match &*row.owners[0].1 {
            "preempted" => Some(92),
            "early" => Some(7),
            "retried" => Some(93),
            _ => None,
        };
        let order = Order::with(&kueue, ClusterId(0), |_| None, single);
        assert_eq!(
            names(&kueue, order.local_queue("default", "b")),
            "8 early, 93 preempted, 94 retried, admitted new"
        );
        let place = order.local_queue("default", "b")[0];
        assert!(!place.estimated);
        let position = order.position(place.key).unwrap();
        assert_eq!((position.at, position.of), (8, 8));
        // those of other local queues still are
        assert!(order.local_queue("default", "a")[0].estimated);
    }
}
