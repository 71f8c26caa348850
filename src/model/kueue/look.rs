//! What is derived from all of Kueue's objects at once, made when first asked for and kept until one of them
//! changes: screens and sentences ask for it per row.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::capacity::Capacity;
use super::order::Order;
use super::preemptions;
use super::workload::State;
use super::{Amount, ClusterQueueRow, FlavorResource, Kueue, LocalQueueRow};
use crate::model::ids::{ClusterId, Key, Name, Uid};

/// A Workload that has quota.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    pub key: Key,
    /// Cluster queue.
    pub queue: Name,
    pub amount: Amount,
}

/// The derived state of one cluster.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Look {
    pub capacity: Capacity,
    pub order: Order,
    holders: HashMap<FlavorResource, Vec<Holder>>,
    /// Workloads that are going, by the one they make room for.
    victims: HashMap<Uid, Vec<Key>>,
    /// Workloads by the cluster queue that admitted them and did not put them back, with the time, oldest first.
    admissions: HashMap<Name, Vec<(DateTime<Utc>, Key)>>,
    queues: HashMap<Name, Key>,
    /// By namespace, then name.
    local: HashMap<Name, HashMap<Name, Key>>,
}

impl Look {
    /// O(n log n) over the Workloads, O(queues × flavor-resources).
    pub fn of(kueue: &Kueue, cluster: ClusterId) -> Self {
        let mut look = Self {
            capacity: Capacity::of(kueue, cluster),
            order: Order::with(
                kueue,
                cluster,
                |queue| kueue.positions.order(cluster, queue),
                |row| Some(kueue.positions.of(row)?.in_cluster_queue as usize),
            ),
            ..Self::default()
        };
        for row in kueue
            .workloads
            .rows()
            .filter(|r| r.key.cluster == cluster && r.admission.is_some())
        {
            let holding = matches!(row.state(), State::Reserved | State::Admitted);
            if let (true, Some(admission)) = (holding, &row.admission) {
                look.hold(row.key, &admission.cluster_queue, row.holds());
                let going = row.is("Preempted").or(row.is("Evicted"));
                let said = going.and_then(|c| preemptions::Said::parse(&c.message));
                for uid in said.into_iter().flat_map(|s| [s.workload, s.job]).flatten() {
                    look.victims.entry(uid).or_default().push(row.key);
                }
            }
            let admitted = row.is("Admitted").and_then(|c| c.since);
            if let (Some(at), Some(admission), None) = (admitted, &row.admission, row.is("Evicted"))
            {
                let of_queue = look.admissions.entry(admission.cluster_queue.clone());
                of_queue.or_default().push((at, row.key));
            }
        }
        for admissions in look.admissions.values_mut() {
            admissions.sort_unstable_by_key(|(at, key)| (*at, key.uid));
        }
        for holders in look.holders.values_mut() {
            holders.sort_by_key(|h| (Reverse(h.amount), h.key.uid));
        }
        for row in kueue
            .cluster_queues
            .rows()
            .filter(|r| r.key.cluster == cluster)
        {
            look.queues.insert(row.name.clone(), row.key);
        }
        for row in kueue
            .local_queues
            .rows()
            .filter(|r| r.key.cluster == cluster)
        {
            let names = look.local.entry(row.namespace.clone()).or_default();
            names.insert(row.name.clone(), row.key);
        }
        look
    }

    fn hold<'a>(
        &mut self,
        key: Key,
        queue: &Name,
        usage: impl Iterator<Item = (&'a FlavorResource, Amount)>,
    ) {
        let mut all: HashMap<&FlavorResource, Amount> = HashMap::new();
        for (of, amount) in usage {
            let sum = all.entry(of).or_default();
            *sum = sum.saturating_add(amount);
        }
        for (of, amount) in all.into_iter().filter(|(_, amount)| *amount > 0) {
            let holder = Holder {
                key,
                queue: queue.clone(),
                amount,
            };
            self.holders.entry(of.clone()).or_default().push(holder);
        }
    }

    /// Who has how much of a resource in a flavor, most first.
    pub fn holders(&self, of: &FlavorResource) -> &[Holder] {
        self.holders.get(of).map_or(&[], Vec::as_slice)
    }

    /// What a cluster queue admitted and did not put back, and when, oldest first.
    pub fn admissions(&self, queue: &str) -> &[(DateTime<Utc>, Key)] {
        self.admissions.get(queue).map_or(&[], Vec::as_slice)
    }

    /// Who is on the way out for a Workload (or for its job).
    pub fn victims(&self, preemptor: Uid) -> &[Key] {
        self.victims.get(&preemptor).map_or(&[], Vec::as_slice)
    }

    pub fn cluster_queue<'a>(&self, kueue: &'a Kueue, name: &str) -> Option<&'a ClusterQueueRow> {
        kueue.cluster_queues.get(*self.queues.get(name)?)
    }

    pub fn local_queue<'a>(
        &self,
        kueue: &'a Kueue,
        namespace: &str,
        name: &str,
    ) -> Option<&'a LocalQueueRow> {
        kueue
            .local_queues
            .get(*self.local.get(namespace)?.get(name)?)
    }

    /// The local queues of a namespace, in no order.
    pub fn local_queues<'a>(
        &'a self,
        kueue: &'a Kueue,
        namespace: &str,
    ) -> impl Iterator<Item = &'a LocalQueueRow> {
        let names = self.local.get(namespace).into_iter().flatten();
        names.filter_map(|(_, key)| kueue.local_queues.get(*key))
    }
}

/// Of all clusters.
#[derive(Debug, Clone, Default)]
pub(super) struct Looks {
    known: HashMap<ClusterId, Look>,
    /// Of a cluster without queues.
    none: Look,
}

impl Looks {
    pub(super) fn of(kueue: &Kueue) -> Self {
        let workloads = kueue.workloads.rows().map(|r| r.key.cluster);
        let queues = kueue.cluster_queues.rows().map(|r| r.key.cluster);
        let local = kueue.local_queues.rows().map(|r| r.key.cluster);
        let clusters: BTreeSet<ClusterId> = workloads.chain(queues).chain(local).collect();
        Self {
            known: clusters
                .into_iter()
                .map(|c| (c, Look::of(kueue, c)))
                .collect(),
            none: Look::default(),
        }
    }

    pub(super) fn get(&self, cluster: ClusterId) -> &Look {
        self.known.get(&cluster).unwrap_or(&self.none)
    }
}
