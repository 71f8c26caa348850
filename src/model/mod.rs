//! What we know, as plain data: no I/O, no terminal, no clock of its own.
//!
//! Watch tasks feed [`Model::apply`] with [`delta::Delta`]s and nothing else changes it; every function that
//! needs a time is given `now`. Rows of several clusters live in one table, keyed by [`ids::Key`].

pub mod capacity;
pub mod cron;
pub mod delta;
pub mod event;
pub mod filter;
pub mod fuzzy;
pub mod health;
pub mod human;
pub mod ids;
pub mod indexes;
pub mod indexset;
pub mod job;
pub mod json;
pub mod kind;
pub mod listed;
pub mod log;
pub mod namespace;
pub mod node;
pub mod pod;
pub mod pod_status;
pub mod podwhy;
pub mod policy;
pub mod progress;
pub mod quantity;
pub mod resources;
pub mod sort;
pub mod status;
pub mod summary;
pub mod table;
pub mod view;
pub mod want;
pub mod why;

use capacity::Capacity;
use delta::{Change, Delta, Rows};
use event::EventRow;
use ids::{Key, Name};
use indexes::Grid;
use job::{CronJobRow, JobRow};
use namespace::NamespaceRow;
use node::NodeRow;
use pod::PodRow;
use progress::{JobTotals, Progress};
use status::JobStatus;
use table::{Row, Table};

/// Everything known about the connected clusters.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub jobs: Table<JobRow>,
    pub cronjobs: Table<CronJobRow>,
    pub pods: Table<PodRow>,
    pub nodes: Table<NodeRow>,
    pub events: Table<EventRow>,
    pub namespaces: Table<NamespaceRow>,
    /// Per job, from its pods.
    pub progress: Progress,
    /// Per node, from its pods.
    pub capacity: Capacity,
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
            Rows::Jobs(change) => {
                let cancelled = matches!(change, Change::Dropped);
                let progress = &mut self.progress;
                self.jobs
                    .apply(source, cluster, change, |_, old, new| match (old, new) {
                        (_, Some(job)) => progress.job(job),
                        (Some(job), None) if !cancelled => progress.gone(job.key),
                        _ => {}
                    });
            }
            Rows::Pods(change) => {
                let cancelled = matches!(change, Change::Dropped);
                let Self {
                    pods,
                    jobs,
                    nodes,
                    progress,
                    capacity,
                    ..
                } = self;
                pods.apply(source, cluster, change, |slot, old, new| {
                    progress.pod(slot, old, new, cancelled, jobs);
                    capacity.pod(old, new, nodes);
                });
            }
            Rows::Nodes(change) => {
                let capacity = &mut self.capacity;
                self.nodes.apply(source, cluster, change, |_, old, new| {
                    capacity.node(old, new)
                });
            }
            Rows::CronJobs(change) => self.cronjobs.apply(source, cluster, change, |_, _, _| {}),
            Rows::Events(change) => self.events.apply(source, cluster, change, |_, _, _| {}),
            Rows::Namespaces(change) => {
                self.namespaces.apply(source, cluster, change, |_, _, _| {})
            }
        }
    }

    /// What the job's pods add up to; `None` if none was seen.
    pub fn totals(&self, job: Key) -> Option<&JobTotals> {
        self.progress.of(job)
    }

    /// The state of a job as a user thinks of it.
    pub fn status(&self, job: &JobRow) -> JobStatus {
        JobStatus::of(job, self.totals(job.key))
    }

    /// The states of an Indexed job's indexes.
    pub fn grid<'a>(&'a self, job: &'a JobRow) -> Grid<'a> {
        Grid::new(job, self.totals(job.key).map(|t| &t.indexes))
    }

    /// The pods of a job that are in the table, in no order.
    pub fn pods_of(&self, job: Key) -> impl Iterator<Item = &PodRow> {
        self.totals(job)
            .into_iter()
            .flat_map(JobTotals::slots)
            .filter_map(|slot| self.pods.at(slot))
    }

    /// The jobs an object (a CronJob …) controls.
    pub fn jobs_of(&self, owner: Key) -> impl Iterator<Item = &JobRow> {
        self.jobs.rows().filter(move |job| {
            job.key.cluster == owner.cluster
                && job
                    .owner
                    .as_ref()
                    .is_some_and(|(_, _, uid)| *uid == owner.uid)
        })
    }

    /// A node by its name.
    pub fn node(&self, cluster: ids::ClusterId, name: &Name) -> Option<&NodeRow> {
        self.nodes.get(self.capacity.key(cluster, name)?)
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

#[cfg(test)]
pub(crate) mod fixture;
