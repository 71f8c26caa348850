//! What we know, as plain data: no I/O, no terminal, no clock of its own.
//!
//! Watch tasks feed [`Model::apply`] with [`delta::Delta`]s and nothing else changes it; every function that
//! needs a time is given `now`. Rows of several clusters live in one table, keyed by [`ids::Key`].

pub mod access;
pub mod arranged;
pub mod bag;
pub mod blocks;
pub mod capacity;
pub mod claimed;
pub mod clusters;
pub mod cron;
pub mod delta;
pub mod dra;
pub mod event;
pub mod extra;
pub mod family;
pub mod few;
pub mod fields;
pub mod filter;
pub mod fuzzy;
pub mod goal;
pub mod gpu_alarms;
pub mod gpu_use;
pub mod groups;
pub mod health;
pub mod human;
pub mod ids;
pub mod inbox;
pub mod indexes;
pub mod indexset;
pub mod job;
pub mod json;
pub mod kind;
pub mod kueue;
pub mod labels;
pub mod listed;
pub mod log;
pub mod moment;
pub mod namespace;
pub mod node;
pub mod past;
pub mod placement;
pub mod pod;
pub mod pod_status;
pub mod podwhy;
pub mod policy;
pub mod progress;
pub mod quantity;
pub mod queued;
pub mod resources;
pub mod roles;
pub mod shape;
pub mod shared;
pub mod slots;
pub mod sort;
pub mod status;
pub mod summary;
pub mod table;
pub mod tally;
pub mod view;
pub mod vitals;
pub mod waiting;
pub mod want;
pub mod weight;
pub mod why;
pub mod workers;
pub mod xid;
pub mod yaml;

use std::collections::BTreeSet;

use capacity::Capacity;
use clusters::Clusters;
use delta::{Change, Delta, Rows, SourceId};
use dra::{ClaimRow, ClassRow, DraRows, SliceRow};
use event::EventRow;
use extra::{Extras, List};
use family::Family;
use gpu_use::GpuUse;
use groups::Groups;
use ids::{Key, Name};
use indexes::Grid;
use job::{Counts, CronJobRow, JobRow};
use kueue::{Kueue, QueueRows};
use namespace::NamespaceRow;
use node::NodeRow;
use pod::PodRow;
use progress::{JobTotals, Progress};
use resources::Devices;
use status::JobStatus;
use table::{Row, Table};
use workers::Workers;

/// Rows made from pods come from no watch.
const GROUPS: SourceId = SourceId(u32::MAX);

/// Everything known about the connected clusters.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub jobs: Table<JobRow>,
    pub cronjobs: Table<CronJobRow>,
    pub pods: Table<PodRow>,
    pub nodes: Table<NodeRow>,
    pub events: Table<EventRow>,
    pub namespaces: Table<NamespaceRow>,
    /// Devices that are claimed, where the cluster has such.
    pub slices: Table<SliceRow>,
    pub claims: Table<ClaimRow>,
    pub classes: Table<ClassRow>,
    /// Per job, from its pods.
    pub progress: Progress,
    /// Which workload made which.
    pub family: Family,
    /// Workloads that are only pods.
    pub groups: Groups,
    /// Per node, from its pods and claims.
    pub capacity: Capacity,
    /// Queues, and what stands in them.
    pub kueue: Kueue,
    /// Clusters that queues hand workloads to.
    pub workers: Workers,
    /// The clusters that are looked at, by name.
    pub clusters: Clusters,
    /// What GPUs of the nodes that are looked at do, where that is read.
    pub gpu_use: GpuUse,
    /// What rows have in columns of the user's own.
    pub extras: Extras,
}

impl Model {
    /// Folds one batch in. A job's (a node's) table version moves too when a pod of it changes.
    pub fn apply(&mut self, delta: Delta) {
        let Delta {
            cluster,
            source,
            rows,
        } = delta;
        match rows {
            Rows::Jobs(change) => self.workloads(source, cluster, change),
            Rows::Pods(change) => {
                let cancelled = matches!(change, Change::Dropped);
                let Self {
                    pods,
                    jobs,
                    nodes,
                    progress,
                    capacity,
                    groups,
                    extras,
                    ..
                } = self;
                let mut changed = BTreeSet::new();
                pods.apply(source, cluster, change, |slot, old, new| {
                    forget(extras, List::Pods, old, new);
                    progress.pod(slot, old, new, cancelled, jobs);
                    capacity.pod(old, new, nodes);
                    groups.pod(old, new, &mut changed);
                });
                for key in changed {
                    let change = match self.groups.row(key) {
                        Some(row) => Change::Rows(vec![row]),
                        None => Change::Gone(vec![key.uid]),
                    };
                    self.workloads(GROUPS, key.cluster, change);
                }
            }
            Rows::Nodes(change) => {
                let Self {
                    nodes,
                    pods,
                    capacity,
                    extras,
                    ..
                } = self;
                nodes.apply(source, cluster, change, |_, old, new| {
                    forget(extras, List::Nodes, old, new);
                    capacity.node(old, new, pods)
                });
            }
            Rows::Dra(rows) => self.dra(source, cluster, rows),
            Rows::CronJobs(change) => {
                let extras = &mut self.extras;
                let each =
                    |_, old: Option<&_>, new: Option<&_>| forget(extras, List::Jobs, old, new);
                self.cronjobs.apply(source, cluster, change, each);
            }
            Rows::Events(change) => {
                let extras = &mut self.extras;
                let each =
                    |_, old: Option<&_>, new: Option<&_>| forget(extras, List::Events, old, new);
                self.events.apply(source, cluster, change, each);
            }
            Rows::Extra(read) => {
                let list = read.list;
                for key in self.extras.apply(cluster, *read) {
                    match list {
                        List::Jobs => {
                            self.jobs.touch(key);
                            self.cronjobs.touch(key);
                        }
                        List::Pods => self.pods.touch(key),
                        List::Nodes => self.nodes.touch(key),
                        List::Events => self.events.touch(key),
                    }
                }
            }
            Rows::Namespaces(change) => {
                self.namespaces.apply(source, cluster, change, |_, _, _| {})
            }
            Rows::GpuUse(of) => self.gpu_use.apply(cluster, *of),
            Rows::Queues(rows) => {
                let absent = self.kueue.is_absent(cluster);
                let classes = matches!(rows, QueueRows::PriorityClasses(_));
                let before = self.kueue.priority_classes.version();
                let mut jobs = BTreeSet::new();
                self.kueue.apply(source, cluster, rows, &mut jobs);
                // what a job, and all it made, shows of its Workload changed with it
                for job in jobs {
                    for row in self.family.tree(job) {
                        self.jobs.touch(row);
                    }
                }
                // there are few classes, and they hardly ever change
                if classes && self.kueue.priority_classes.version() != before {
                    self.touch_jobs(|job| job.priority_class.is_some());
                }
                // Kueue was installed or removed, or it is known by now that there is none
                if self.kueue.is_absent(cluster) != absent {
                    self.touch_jobs(|job| job.suspend && job.queue.is_some());
                }
            }
        }
    }

    fn dra(&mut self, source: SourceId, cluster: ids::ClusterId, rows: DraRows) {
        let Self {
            slices,
            claims,
            classes,
            capacity,
            nodes,
            ..
        } = self;
        match rows {
            DraRows::Slices(change) => {
                slices.apply(source, cluster, change, |_, old, new| {
                    capacity.slice(old, new, nodes)
                });
                let users = self.capacity.dra().users().keys().copied().collect();
                self.touch_users(users);
            }
            DraRows::Claims(change) => {
                let mut users = std::collections::BTreeSet::new();
                claims.apply(source, cluster, change, |_, old, new| {
                    users.extend(old.into_iter().chain(new).filter_map(capacity::dra::user));
                    capacity.claim(old, new, nodes)
                });
                self.touch_users(users);
            }
            DraRows::Classes(change) => classes.apply(source, cluster, change, |_, _, _| {}),
        }
    }

    fn touch_jobs(&mut self, which: impl Fn(&JobRow) -> bool) {
        let rows = self.jobs.rows().filter(|job| which(job));
        for key in rows.map(|job| job.key).collect::<Vec<_>>() {
            self.jobs.touch(key);
        }
    }

    fn workloads(&mut self, source: SourceId, cluster: ids::ClusterId, change: Change<JobRow>) {
        let cancelled = matches!(change, Change::Dropped);
        let Self {
            jobs,
            progress,
            family,
            workers,
            extras,
            ..
        } = self;
        let mut owners: Vec<Key> = Vec::new();
        jobs.apply(source, cluster, change, |_, old, new| {
            forget(extras, List::Jobs, old, new);
            match (old, new) {
                (_, Some(job)) => progress.job(job),
                (Some(job), None) if !cancelled => progress.gone(job.key),
                _ => {}
            }
            // of one that goes, or changes hands, while its line is whole
            if let Some(job) = old.filter(|job| job.owner.is_some()) {
                owners.extend(family.line(job.key));
            }
            family.row(old, new);
            workers.row(old, new);
            if let (None, Some(job)) = (old, new) {
                owners.extend(family.line(job.key));
            }
            // what it made may have another line of owners now, with another Workload in it
            let owner = |row: Option<&JobRow>| row?.owner.as_ref().map(|(_, _, uid)| *uid);
            if owner(old) != owner(new)
                && let Some(row) = new.or(old)
            {
                owners.extend(family.tree(row.key).into_iter().skip(1));
            }
        });
        // what an owner shows of its children changed with them
        owners.sort_unstable();
        owners.dedup();
        for owner in owners {
            jobs.touch(owner);
        }
    }

    /// Takes the place of another model: what was remembered by its versions is made anew.
    pub fn succeed(&mut self, other: &Self) {
        self.jobs.succeed(&other.jobs);
        self.cronjobs.succeed(&other.cronjobs);
        self.pods.succeed(&other.pods);
        self.nodes.succeed(&other.nodes);
        self.events.succeed(&other.events);
        self.namespaces.succeed(&other.namespaces);
        self.slices.succeed(&other.slices);
        self.claims.succeed(&other.claims);
        self.classes.succeed(&other.classes);
        self.capacity.succeed(&other.capacity);
        self.kueue.succeed(&other.kueue);
        self.gpu_use.succeed(&other.gpu_use);
    }

    /// What the job's pods add up to, be they in a worker cluster; `None` if none was seen.
    pub fn totals(&self, job: Key) -> Option<&JobTotals> {
        let own = self.progress.of(job);
        own.or_else(|| self.progress.of(self.twin(job)?))
    }

    /// The state of a job as a user thinks of it.
    pub fn status(&self, job: &JobRow) -> JobStatus {
        let mut status = JobStatus::of(job, self.totals(job.key));
        if job.kind.counts == Counts::Children {
            let sum = self.family.sum(job.key);
            let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
            status.active = status.active.max(count(sum.active));
            status.ready = status.ready.max(count(sum.ready));
            status.failed = status.failed.max(count(sum.failed));
        } else if !job.kind.is_job() {
            // counted as active by its own status, but the pods of a Job: an MPIJob's launcher
            let below = u32::try_from(self.family.sum(job.key).ready).unwrap_or(u32::MAX);
            let ready = status.ready.saturating_add(below).min(status.active);
            status.ready = status.ready.max(ready);
        }
        if let Some(workload) = self.workload_of(job) {
            status.queue(job, workload);
        } else if status.phase == job::Phase::Queued && self.kueue.is_absent(job.key.cluster) {
            // it names a queue, but nobody is there to admit it
            status.phase = job::Phase::Suspended;
        }
        status
    }

    /// Devices of all pods of a workload that run at a time. One that becomes another (a TrainJob its JobSet) has
    /// the other's. What it was admitted with comes first; where nothing is asked for by count, what its pods claim.
    pub fn gpus(&self, job: &JobRow) -> Devices {
        let mut all = self.admitted_devices(job);
        if !all.is_empty() {
            return all;
        }
        if job.kind.counts == Counts::Children {
            for child in self.children(job.key) {
                if child.kind.counts == Counts::Children {
                    all.add_all(&child.gpus());
                }
            }
        }
        if all.is_empty() {
            all = job.gpus();
        }
        match all.is_empty() {
            true => self.claimed(job),
            false => all,
        }
    }

    /// The workloads an object (a CronJob, a JobSet …) made, in no order.
    pub fn children(&self, owner: Key) -> impl Iterator<Item = &JobRow> {
        self.family
            .children(owner)
            .filter_map(|key| self.jobs.get(key))
    }

    /// The workload that made this one and stands for it, be it a CronJob.
    pub fn parent(&self, job: &JobRow) -> Option<Key> {
        // most have no owner: nothing is looked up for them
        job.owner.as_ref()?;
        let owner = self.family.parent(job.key)?;
        let known =
            owner != job.key && (self.jobs.contains(owner) || self.cronjobs.contains(owner));
        known.then_some(owner)
    }

    /// The workload that stands for another in tables: the outermost one that made it; itself, if none did. Of a copy
    /// in a worker cluster it is the one here.
    pub fn top(&self, job: Key) -> Key {
        let mut top = job;
        // no chain of owners is longer in earnest
        for _ in 0..6 {
            let owner = self.family.parent(top).filter(|owner| *owner != top);
            match owner.filter(|owner| self.jobs.contains(*owner)) {
                Some(owner) => top = owner,
                None => break,
            }
        }
        self.origin(top).unwrap_or(top)
    }

    /// Counted with another workload: part of a JobSet, an MPIJob … A CronJob is none itself, so its runs are not.
    pub fn is_part(&self, job: &JobRow) -> bool {
        self.parent(job)
            .is_some_and(|owner| self.jobs.contains(owner))
    }

    /// The states of an Indexed job's indexes.
    pub fn grid<'a>(&'a self, job: &'a JobRow) -> Grid<'a> {
        Grid::new(job, self.totals(job.key).map(|t| &t.indexes))
    }

    /// What pods of a workload may belong to: itself, what it made, its name, and the same in a worker cluster.
    pub fn pod_owners(&self, job: Key) -> Vec<Key> {
        let mut all = self.owners_in(job);
        all.extend(self.twin(job).into_iter().flat_map(|t| self.owners_in(t)));
        all
    }

    fn owners_in(&self, job: Key) -> Vec<Key> {
        let mut all = self.family.tree(job);
        let labelled = self.jobs.get(job).filter(|job| job.kind.labelled);
        all.extend(
            labelled.map(|job| {
                groups::named(job.key.cluster, job.kind.plural, &job.namespace, &job.name)
            }),
        );
        all
    }

    /// The pods of a workload, and of what it made, that are in the table, in no order.
    pub fn pods_of(&self, job: Key) -> impl Iterator<Item = &PodRow> {
        self.pod_owners(job)
            .into_iter()
            .filter_map(|key| self.progress.of(key))
            .flat_map(JobTotals::slots)
            .filter_map(|slot| self.pods.at(slot))
    }

    /// A node by its name.
    pub fn node(&self, cluster: ids::ClusterId, name: &Name) -> Option<&NodeRow> {
        self.nodes.get(self.capacity.key(cluster, name)?)
    }
}

/// What a row had in columns of the user's own goes with it.
fn forget<R: Row>(extras: &mut Extras, list: List, old: Option<&R>, new: Option<&R>) {
    if let (Some(old), None) = (old, new) {
        extras.forget(list, old.key());
    }
}

macro_rules! rows {
    ($($row:ty),*) => { $(impl Row for $row {
        fn key(&self) -> Key {
            self.key
        }
    })* };
}
rows!(JobRow, CronJobRow, PodRow, NodeRow, EventRow, NamespaceRow);
rows!(SliceRow, ClaimRow, ClassRow);
rows!(
    kueue::WorkloadRow,
    kueue::ClusterQueueRow,
    kueue::LocalQueueRow,
    kueue::CohortRow,
    kueue::FlavorRow,
    kueue::PriorityClassRow,
    kueue::CheckRow,
    kueue::TopologyRow,
    kueue::WorkerClusterRow,
    kueue::WorkerConfigRow,
    kueue::ProvisioningRow,
    kueue::QuotaRow,
    kueue::VolcanoQueueRow
);

#[cfg(test)]
pub(crate) mod fixture;
