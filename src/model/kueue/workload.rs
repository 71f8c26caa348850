//! Kueue's Workload: what one job asks of its queue, and how far it got.

use chrono::{DateTime, Utc};

use super::{Amount, FlavorResource};
use crate::model::ids::{Key, Name, Uid};
use crate::model::job::Condition;

/// How far a Workload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    Pending,
    /// Quota is held; admission checks (or a topology) are missing.
    Reserved,
    Admitted,
    Finished,
}

/// Pods of one shape, and what all of them ask for together.
#[derive(Debug, Clone, PartialEq)]
pub struct PodSet {
    pub name: Name,
    pub count: u32,
    /// Fewest it starts with, where it may be admitted in part.
    pub min_count: Option<u32>,
    /// Of all its pods: as Kueue counted them, else from the template.
    pub requests: Vec<(Name, Amount)>,
}

/// What a pod set was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    pub name: Name,
    pub count: u32,
    /// Total of the set, each resource in its flavor.
    pub usage: Vec<(FlavorResource, Amount)>,
    /// Levels of its topology assignment, and the pods per domain; empty: none.
    pub levels: Vec<Name>,
    pub domains: Vec<(Vec<Name>, u32)>,
}

/// `status.admission`.
#[derive(Debug, Clone, PartialEq)]
pub struct Admission {
    pub cluster_queue: Name,
    pub pod_sets: Vec<Assignment>,
}

/// State of one admission check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckState {
    Pending,
    Ready,
    Retry,
    Rejected,
}

/// One admission check of the Workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub name: Name,
    pub state: CheckState,
    pub message: Box<str>,
    pub retries: u32,
    pub since: Option<DateTime<Utc>>,
}

/// Evictions for one reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Eviction {
    pub reason: Name,
    /// `underlyingCause`; empty: none.
    pub cause: Name,
    pub count: u32,
}

/// A Workload.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkloadRow {
    pub key: Key,
    pub namespace: Name,
    pub name: Name,
    pub created: Option<DateTime<Utc>>,
    pub deleting: bool,
    /// What it queues for: kind, name, uid. Its controller first; of a pod group every pod.
    pub owners: Vec<(Name, Name, Uid)>,
    /// Label `kueue.x-k8s.io/job-uid`.
    pub job: Option<Uid>,
    /// Its local queue; empty: none.
    pub queue: Name,
    pub priority: i32,
    pub priority_class: Option<Name>,
    /// `spec.active`.
    pub active: bool,
    /// `spec.maximumExecutionTimeSeconds`.
    pub most_seconds: Option<u64>,
    pub pod_sets: Vec<PodSet>,
    pub admission: Option<Admission>,
    /// `requeueState`: tries so far, and when the next one may be.
    pub requeues: u32,
    pub requeue_at: Option<DateTime<Utc>>,
    /// Pods of a set that are over: their quota is free again.
    pub reclaimable: Vec<(Name, u32)>,
    pub checks: Vec<Check>,
    pub evictions: Vec<Eviction>,
    /// MultiKueue: the cluster it runs on, and those it is offered to.
    pub cluster: Option<Name>,
    pub nominated: Vec<Name>,
    pub unhealthy_nodes: Vec<Name>,
    pub conditions: Vec<Condition>,
}

impl WorkloadRow {
    /// A Workload of which nothing but the name is known.
    pub fn blank(key: Key, namespace: Name, name: Name) -> Self {
        Self {
            key,
            namespace,
            name,
            created: None,
            deleting: false,
            owners: Vec::new(),
            job: None,
            queue: Name::default(),
            priority: 0,
            priority_class: None,
            active: true,
            most_seconds: None,
            pod_sets: Vec::new(),
            admission: None,
            requeues: 0,
            requeue_at: None,
            reclaimable: Vec::new(),
            checks: Vec::new(),
            evictions: Vec::new(),
            cluster: None,
            nominated: Vec::new(),
            unhealthy_nodes: Vec::new(),
            conditions: Vec::new(),
        }
    }

    /// The objects it stands for: its owners, what its label names, and the pod group of its own name.
    pub fn jobs(&self) -> Vec<Key> {
        let cluster = self.key.cluster;
        // variants of one workload are owned by it: they stand for no job
        if self.owners.iter().any(|(kind, _, _)| &**kind == "Workload") {
            return Vec::new();
        }
        let uids = self.owners.iter().map(|(_, _, uid)| *uid).chain(self.job);
        let mut all: Vec<Key> = uids.map(|uid| Key { cluster, uid }).collect();
        if self.owners.iter().any(|(kind, _, _)| &**kind == "Pod") {
            let group = crate::model::job::JobKind::POD_GROUP;
            all.push(crate::model::groups::named(
                cluster,
                group.plural,
                &self.namespace,
                &self.name,
            ));
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// A condition, be it True or not.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| &*c.kind == kind)
    }

    /// A condition that is True.
    pub fn is(&self, kind: &str) -> Option<&Condition> {
        self.condition(kind).filter(|c| c.on)
    }

    pub fn is_finished(&self) -> bool {
        self.is("Finished").is_some()
    }

    /// Finished → admitted → quota reserved → pending (domain.md C.4).
    pub fn state(&self) -> State {
        if self.is_finished() {
            State::Finished
        } else if self.is("Admitted").is_some() {
            State::Admitted
        } else if self.is("QuotaReserved").is_some() {
            State::Reserved
        } else {
            State::Pending
        }
    }

    /// All it asks for, by resource, sorted by name.
    pub fn requests(&self) -> Vec<(Name, Amount)> {
        let mut all: Vec<(Name, Amount)> = Vec::new();
        for (name, amount) in self.pod_sets.iter().flat_map(|set| &set.requests) {
            match all.iter_mut().find(|(n, _)| n == name) {
                Some((_, sum)) => *sum = sum.saturating_add(*amount),
                None => all.push((name.clone(), *amount)),
            }
        }
        all.sort();
        all
    }

    /// What it holds, by flavor and resource, less what its finished pods gave back; nothing while it is pending or
    /// after its end.
    pub fn holds(&self) -> impl Iterator<Item = (&FlavorResource, Amount)> {
        let holds = matches!(self.state(), State::Reserved | State::Admitted);
        let admission = self.admission.iter().filter(move |_| holds);
        let sets = admission.flat_map(|admission| &admission.pod_sets);
        sets.flat_map(|set| {
            let needed = self.needed(set);
            let usage = set.usage.iter().filter(|(of, _)| !of.flavor.is_empty());
            usage.map(move |(of, total)| {
                let held = match i64::from(set.count) {
                    all if needed < all => total / all * needed,
                    _ => *total,
                };
                (of, held)
            })
        })
    }

    /// Pods of a set that still need their quota. One admitted with fewer pods than asked for gives none back
    /// before that many are left.
    fn needed(&self, set: &Assignment) -> i64 {
        let over = self.reclaimable.iter().find(|(name, _)| *name == set.name);
        let asked = self.pod_sets.iter().find(|asked| asked.name == set.name);
        let asked = asked.map_or(set.count, |asked| asked.count);
        asked.saturating_sub(over.map_or(0, |(_, n)| *n)).into()
    }

    /// Since when it stands in line: its creation, or its last eviction for a check or for pods that did not get
    /// ready (Kueue's default `requeuingStrategy`).
    pub fn queued_since(&self) -> Option<DateTime<Utc>> {
        let evicted = self
            .is("Evicted")
            .filter(|c| matches!(&*c.reason, "AdmissionCheck" | "PodsReadyTimeout"));
        evicted.and_then(|c| c.since).or(self.created)
    }
}
