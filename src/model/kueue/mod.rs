//! Kueue's objects and what follows from them: who queues where, for how much of what, and who has it.
//!
//! A "workload" here is Kueue's own object of that kind; the rows users call their jobs are [`super::job::JobRow`]s,
//! and most of those have one. Cluster queues and cohorts form a tree over which quota is borrowed and lent.

pub mod capacity;
pub mod eta;
pub mod flavors;
pub mod forest;
pub mod kind;
pub mod look;
pub mod objects;
pub mod order;
pub mod others;
pub mod positions;
pub mod preemptions;
pub mod queue;
pub mod tree;
pub mod workload;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

use super::delta::{Change, SourceId};
use super::ids::{ClusterId, Key, Name, Uid};
use super::quantity::Quantity;
use super::table::Table;

pub use kind::QueueKind;
pub use look::Look;
pub use objects::{
    CheckRow, FlavorRow, PriorityClassRow, ProvisioningRow, TopologyRow, WorkerClusterRow,
    WorkerConfigRow,
};
pub use others::{QuotaRow, VolcanoQueueRow};
pub use positions::{Heard, Line, Positions};
pub use queue::{ClusterQueueRow, CohortRow, LocalQueueRow};
pub use workload::WorkloadRow;

/// An amount of a resource as Kueue counts it: thousandths of `cpu`, whole units of anything else.
pub type Amount = i64;

/// Reads a quantity of a resource into Kueue's count of it.
pub fn amount(resource: &str, quantity: Quantity) -> Amount {
    let n = match resource {
        "cpu" => quantity.milli(),
        _ => quantity.units(),
    };
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A resource in a flavor: what quota is counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlavorResource {
    pub flavor: Name,
    pub resource: Name,
}

/// A change to one of the tables.
#[derive(Debug, Clone, PartialEq)]
pub enum QueueRows {
    Workloads(Change<WorkloadRow>),
    ClusterQueues(Change<ClusterQueueRow>),
    LocalQueues(Change<LocalQueueRow>),
    Cohorts(Change<CohortRow>),
    Flavors(Change<FlavorRow>),
    PriorityClasses(Change<PriorityClassRow>),
    Checks(Change<CheckRow>),
    Topologies(Change<TopologyRow>),
    WorkerClusters(Change<WorkerClusterRow>),
    WorkerConfigs(Change<WorkerConfigRow>),
    Provisionings(Change<ProvisioningRow>),
    Quotas(Change<QuotaRow>),
    VolcanoQueues(Change<VolcanoQueueRow>),
    /// What Kueue says of one of its lines.
    Line(Line, Heard),
    /// Whether the server has Kueue at all; unknown before it was looked for.
    Served(bool),
}

/// Everything known of Kueue.
#[derive(Debug, Clone, Default)]
pub struct Kueue {
    pub workloads: Table<WorkloadRow>,
    pub cluster_queues: Table<ClusterQueueRow>,
    pub local_queues: Table<LocalQueueRow>,
    pub cohorts: Table<CohortRow>,
    pub flavors: Table<FlavorRow>,
    pub priority_classes: Table<PriorityClassRow>,
    pub checks: Table<CheckRow>,
    pub topologies: Table<TopologyRow>,
    pub worker_clusters: Table<WorkerClusterRow>,
    pub worker_configs: Table<WorkerConfigRow>,
    pub provisionings: Table<ProvisioningRow>,
    pub quotas: Table<QuotaRow>,
    pub volcano_queues: Table<VolcanoQueueRow>,
    /// Workloads by the object they queue for.
    of: HashMap<Key, BTreeSet<Uid>>,
    /// Values of priority classes by name.
    priorities: HashMap<(ClusterId, Name), i32>,
    /// Clusters without Kueue.
    absent: HashSet<ClusterId>,
    /// Who was preempted for whom, as far as it was seen.
    pub preemptions: preemptions::Preemptions,
    /// Places in its lines, as far as Kueue was asked.
    pub positions: Positions,
    /// What follows from all of it; made anew when asked for after a change.
    looks: OnceLock<look::Looks>,
}

impl Kueue {
    /// Folds one change in; the keys of the objects whose Workload changed go into `jobs`.
    pub fn apply(
        &mut self,
        source: SourceId,
        cluster: ClusterId,
        rows: QueueRows,
        jobs: &mut BTreeSet<Key>,
    ) {
        let rows = match rows {
            QueueRows::Line(line, heard) => return self.hear(source, cluster, line, heard),
            QueueRows::Served(true) => {
                self.absent.remove(&cluster);
                return;
            }
            QueueRows::Served(false) => {
                self.absent.insert(cluster);
                return;
            }
            rows => rows,
        };
        self.looks = OnceLock::new();
        match rows {
            QueueRows::Workloads(change) => {
                let of = &mut self.of;
                let mut preempted = Vec::new();
                self.workloads
                    .apply(source, cluster, change, |_, old, new| {
                        for (row, is_new) in [(old, false), (new, true)] {
                            let Some(row) = row else { continue };
                            if is_new && row.condition("Preempted").is_some() {
                                preempted.push(row.key);
                            }
                            for job in row.jobs() {
                                jobs.insert(job);
                                let all = of.entry(job).or_default();
                                if is_new {
                                    all.insert(row.key.uid);
                                } else {
                                    all.remove(&row.key.uid);
                                }
                                if all.is_empty() {
                                    of.remove(&job);
                                }
                            }
                        }
                    });
                for key in preempted {
                    let told = self.workloads.get(key);
                    if let Some(told) = told.and_then(|row| preemptions::of(self, row)) {
                        self.preemptions.add(key, told);
                    }
                }
            }
            QueueRows::ClusterQueues(c) => {
                self.cluster_queues.apply(source, cluster, c, |_, _, _| {})
            }
            QueueRows::LocalQueues(c) => self.local_queues.apply(source, cluster, c, |_, _, _| {}),
            QueueRows::Cohorts(c) => self.cohorts.apply(source, cluster, c, |_, _, _| {}),
            QueueRows::Flavors(c) => self.flavors.apply(source, cluster, c, |_, _, _| {}),
            QueueRows::PriorityClasses(c) => {
                let priorities = &mut self.priorities;
                self.priority_classes
                    .apply(source, cluster, c, |_, old, new| {
                        if let Some(old) = old {
                            priorities.remove(&(cluster, old.name.clone()));
                        }
                        if let Some(new) = new {
                            priorities.insert((cluster, new.name.clone()), new.value);
                        }
                    });
            }
            QueueRows::Checks(c) => self.checks.apply(source, cluster, c, |_, _, _| {}),
            QueueRows::Topologies(c) => self.topologies.apply(source, cluster, c, |_, _, _| {}),
            QueueRows::WorkerClusters(c) => {
                self.worker_clusters.apply(source, cluster, c, |_, _, _| {});
            }
            QueueRows::WorkerConfigs(c) => {
                self.worker_configs.apply(source, cluster, c, |_, _, _| {});
            }
            QueueRows::Provisionings(c) => {
                self.provisionings.apply(source, cluster, c, |_, _, _| {});
            }
            QueueRows::Quotas(c) => self.quotas.apply(source, cluster, c, |_, _, _| {}),
            QueueRows::VolcanoQueues(c) => {
                self.volcano_queues.apply(source, cluster, c, |_, _, _| {});
            }
            QueueRows::Line(..) | QueueRows::Served(_) => {}
        }
    }

    /// Capacities and lines of a cluster, made once for all that ask until something changes.
    pub fn look(&self, cluster: ClusterId) -> &Look {
        self.looks
            .get_or_init(|| look::Looks::of(self))
            .get(cluster)
    }

    /// Takes in what Kueue says of a line; Workloads whose place in it changed are touched.
    fn hear(&mut self, source: SourceId, cluster: ClusterId, line: Line, heard: Heard) {
        let Some(moved) = self.positions.hear(source, cluster, line, heard) else {
            return;
        };
        self.looks = OnceLock::new();
        let rows = self.workloads.rows().filter(|row| {
            row.key.cluster == cluster && moved.contains(&(row.namespace.clone(), row.name.clone()))
        });
        for key in rows.map(|row| row.key).collect::<Vec<_>>() {
            self.workloads.touch(key);
        }
    }

    /// The Workload of an object: the one that is not finished, else the newest. None if it has none (yet).
    pub fn workload_of(&self, job: Key) -> Option<&WorkloadRow> {
        let cluster = job.cluster;
        self.of
            .get(&job)?
            .iter()
            .filter_map(|&uid| self.workloads.get(Key { cluster, uid }))
            .max_by_key(|w| (!w.is_finished(), w.created, w.key.uid))
    }

    /// The cluster is known to have no Kueue: nothing there admits a job.
    pub fn is_absent(&self, cluster: ClusterId) -> bool {
        self.absent.contains(&cluster)
    }

    /// The value of a WorkloadPriorityClass.
    pub fn priority_of(&self, cluster: ClusterId, class: &Name) -> Option<i32> {
        self.priorities.get(&(cluster, class.clone())).copied()
    }

    /// Takes the place of another.
    pub fn succeed(&mut self, other: &Self) {
        self.workloads.succeed(&other.workloads);
        self.cluster_queues.succeed(&other.cluster_queues);
        self.local_queues.succeed(&other.local_queues);
        self.cohorts.succeed(&other.cohorts);
        self.flavors.succeed(&other.flavors);
        self.priority_classes.succeed(&other.priority_classes);
        self.checks.succeed(&other.checks);
        self.topologies.succeed(&other.topologies);
        self.worker_clusters.succeed(&other.worker_clusters);
        self.worker_configs.succeed(&other.worker_configs);
        self.provisionings.succeed(&other.provisionings);
        self.quotas.succeed(&other.quotas);
        self.volcano_queues.succeed(&other.volcano_queues);
    }

    /// Moves with every real change of any of it.
    pub fn version(&self) -> u64 {
        self.workloads.version()
            + self.cluster_queues.version()
            + self.local_queues.version()
            + self.cohorts.version()
            + self.flavors.version()
            + self.priority_classes.version()
            + self.checks.version()
            + self.topologies.version()
            + self.worker_clusters.version()
            + self.worker_configs.version()
            + self.provisionings.version()
            + self.quotas.version()
            + self.volcano_queues.version()
    }

    /// A cluster queue by its name. O(cluster queues).
    pub fn cluster_queue(&self, cluster: ClusterId, name: &str) -> Option<&ClusterQueueRow> {
        self.cluster_queues
            .rows()
            .find(|q| q.key.cluster == cluster && &*q.name == name)
    }

    /// A local queue by its name. O(local queues).
    pub fn local_queue(
        &self,
        cluster: ClusterId,
        namespace: &str,
        name: &str,
    ) -> Option<&LocalQueueRow> {
        self.local_queues
            .rows()
            .find(|q| q.key.cluster == cluster && &*q.namespace == namespace && &*q.name == name)
    }
}

#[cfg(test)]
pub(crate) mod fixture;
