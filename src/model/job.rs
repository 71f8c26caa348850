//! Jobs: the flat row of a batch/v1 Job or CronJob as its object tells it. What follows from it (phase,
//! progress, ETA) is computed from the row, its pods' totals and `now`, never stored here.

use chrono::{DateTime, Utc};

use super::ids::{Key, Name, Uid};
use super::indexset::IndexSet;
use super::resources::Devices;

/// Which kind of job a row is. More follow (Kubeflow, JobSet, Ray …); all share the one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum JobKind {
    #[default]
    Job,
}

/// The state a user thinks in (domain.md E).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    Queued,
    Suspended,
    Pending,
    Running,
    Retrying,
    Finishing,
    Succeeded,
    Failed,
    Terminating,
}

/// A status condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub kind: Name,
    /// `status` is `True`.
    pub on: bool,
    pub reason: Name,
    pub message: Box<str>,
    pub since: Option<DateTime<Utc>>,
}

/// One job, flattened from its JSON by the watch task. Counters absent in `status` are 0.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    pub key: Key,
    pub kind: JobKind,
    pub namespace: Name,
    pub name: Name,
    pub created: Option<DateTime<Utc>>,
    /// `deletionTimestamp` is set.
    pub deleting: bool,
    /// Controller owner (CronJob, JobSet, …): kind, name, uid.
    pub owner: Option<(Name, Name, Uid)>,
    /// All labels, for `label:k=v`.
    pub labels: Vec<(Name, Name)>,

    pub parallelism: u32,
    /// `None`: a work-queue job (or parallelism unset too: then 1).
    pub completions: Option<u32>,
    pub indexed: bool,
    pub suspend: bool,
    pub managed_by: Option<Name>,
    pub policy: Policy,
    /// Device requests of one pod of the template.
    pub devices: Devices,
    /// `kueue.x-k8s.io/queue-name`.
    pub queue: Option<Name>,
    /// `kueue.x-k8s.io/priority-class` label, else the template's priorityClassName.
    pub priority_class: Option<Name>,
    /// The template's priority, when resolved.
    pub priority: Option<i32>,
    /// First container's image.
    pub image: Option<Name>,

    pub active: u32,
    pub ready: u32,
    pub terminating: u32,
    pub succeeded: u32,
    pub failed: u32,
    /// `uncountedTerminatedPods`: how many succeeded and failed pods are not in the counters yet.
    pub uncounted: (u32, u32),
    pub completed_indexes: IndexSet,
    pub failed_indexes: IndexSet,
    pub started: Option<DateTime<Utc>>,
    pub completed: Option<DateTime<Utc>>,
    pub conditions: Vec<Condition>,
}

/// The limits and policies of a Job, for the summary and for deriving targets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy {
    pub backoff_limit: Option<u32>,
    pub backoff_limit_per_index: Option<u32>,
    pub max_failed_indexes: Option<u32>,
    pub active_deadline_seconds: Option<u64>,
    pub ttl_seconds: Option<u64>,
    /// `podReplacementPolicy: Failed`.
    pub replace_failed_only: bool,
    pub restart_on_failure: bool,
    /// One sentence per podFailurePolicy rule, e.g. `FailJob on exit 42`.
    pub failure_rules: Vec<Box<str>>,
    /// successPolicy rules: succeededIndexes and succeededCount.
    pub success_rules: Vec<(Option<IndexSet>, Option<u32>)>,
}

/// A CronJob.
#[derive(Debug, Clone, PartialEq)]
pub struct CronJobRow {
    pub key: Key,
    pub namespace: Name,
    pub name: Name,
    pub created: Option<DateTime<Utc>>,
    pub deleting: bool,
    pub labels: Vec<(Name, Name)>,
    pub schedule: Name,
    pub time_zone: Option<Name>,
    pub suspend: bool,
    /// `Allow`, `Forbid`, `Replace`.
    pub concurrency: Name,
    /// UIDs of running jobs.
    pub active: Vec<Uid>,
    pub last_schedule: Option<DateTime<Utc>>,
    pub last_success: Option<DateTime<Utc>>,
    pub devices: Devices,
    pub queue: Option<Name>,
    pub image: Option<Name>,
}
