//! The flat row of every kind of workload as its object tells it, and that of a CronJob. What follows from it
//! (phase, progress, ETA) is computed from the row, its pods' totals, its children and `now`, never stored here.

use chrono::{DateTime, Utc};

use super::ids::{Key, Name, Uid};
use super::indexset::IndexSet;
use super::resources::Devices;
use super::shape::Beside;
use super::shared::Shared;

pub use super::kind::{Counts, Facts, JobKind};
use super::status::Unit;

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

/// What an object's own status says about whether it runs, where that is not told by counts of pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Activity {
    /// Not told: the counts decide (batch/v1 Job).
    #[default]
    Counts,
    /// It does not run yet.
    Waiting,
    Running,
    /// It was running and begins again.
    Restarting,
}

/// One role of a workload: a replica type, a replicated job, a worker group.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleRow {
    pub name: Name,
    /// Replicas asked for.
    pub wanted: u32,
    /// Pods of one replica: more than one where a replica is a Job or a group.
    pub each: u32,
    /// The role it is made after: it has no pods before.
    pub after: Option<Name>,
    pub active: u32,
    pub ready: u32,
    pub succeeded: u32,
    pub failed: u32,
    /// Device requests of one replica.
    pub devices: Devices,
    /// What one pod asks for beside them.
    pub beside: Beside,
}

impl Default for RoleRow {
    fn default() -> Self {
        Self {
            name: Name::default(),
            wanted: 0,
            each: 1,
            after: None,
            active: 0,
            ready: 0,
            succeeded: 0,
            failed: 0,
            devices: Devices::default(),
            beside: Beside::default(),
        }
    }
}

impl RoleRow {
    /// Pods of all its replicas.
    pub fn pods(&self) -> u32 {
        self.wanted.saturating_mul(self.each)
    }
}

/// One workload of any kind, flattened from its JSON by the watch task. Counters absent in `status` are 0.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    pub key: Key,
    pub kind: JobKind,
    /// `kubeflow.org/v1`: as the object itself says.
    pub api_version: Name,
    pub namespace: Name,
    pub name: Name,
    pub created: Option<DateTime<Utc>>,
    /// `deletionTimestamp` is set.
    pub deleting: bool,
    /// Controller owner (CronJob, JobSet, …): kind, name, uid.
    pub owner: Option<(Name, Name, Uid)>,
    /// All labels, for `label:k=v`.
    pub labels: Vec<(Name, Name)>,
    /// Label selectors that find its pods, one or the other; empty for a Job, whose uid finds them.
    pub selectors: Vec<Box<str>>,
    /// Replica types, replicated jobs, worker groups in the object's order; none for a Job.
    pub roles: Vec<RoleRow>,
    /// What `succeeded` and `completions` count.
    pub unit: Unit,
    pub activity: Activity,
    /// Restarts the status itself counts.
    pub restarts: u32,
    /// Time left as the workload itself reports it.
    pub seconds_left: Option<u32>,
    /// What it is made from, e.g. `ClusterTrainingRuntime/torch-distributed`.
    pub runtime: Option<Name>,
    /// What else its status tells and no other field has, in the kind's own words: `dashboard` and its address.
    pub told: Vec<(Name, Box<str>)>,

    pub parallelism: u32,
    /// How much there is to do. `None`: a work-queue job (or parallelism unset too: then 1).
    pub completions: Option<u32>,
    pub indexed: bool,
    pub suspend: bool,
    pub managed_by: Option<Name>,
    pub policy: Shared<Policy>,
    /// Device requests of one pod of a Job's template; of all pods of a pod group. Other kinds have theirs in `roles`.
    pub devices: Devices,
    /// What one pod asks for beside them; of a workload with roles each of those tells.
    pub beside: Beside,
    /// `kueue.x-k8s.io/queue-name`, else the scheduling policy's queue.
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
    /// In the words of batch/v1: what other kinds call Succeeded or Completed is `Complete`.
    pub conditions: Vec<Condition>,
}

/// Labels people name an owner with, best first.
const OWNER_LABELS: [&str; 5] = [
    "owner",
    "user",
    "created-by",
    "app.kubernetes.io/created-by",
    "team",
];

impl JobRow {
    /// A Job of which nothing but the name is known.
    pub fn blank(key: Key, namespace: Name, name: Name) -> Self {
        Self {
            key,
            kind: JobKind::JOB,
            api_version: Name::default(),
            namespace,
            name,
            created: None,
            deleting: false,
            owner: None,
            labels: Vec::new(),
            selectors: Vec::new(),
            roles: Vec::new(),
            unit: Unit::Pods,
            activity: Activity::Counts,
            restarts: 0,
            seconds_left: None,
            runtime: None,
            told: Vec::new(),
            parallelism: 0,
            completions: None,
            indexed: false,
            suspend: false,
            managed_by: None,
            policy: Shared::default(),
            devices: Devices::default(),
            beside: Beside::default(),
            queue: None,
            priority_class: None,
            priority: None,
            image: None,
            active: 0,
            ready: 0,
            terminating: 0,
            succeeded: 0,
            failed: 0,
            uncounted: (0, 0),
            completed_indexes: IndexSet::default(),
            failed_indexes: IndexSet::default(),
            started: None,
            completed: None,
            conditions: Vec::new(),
        }
    }

    /// The label selectors that find its pods.
    pub fn pod_selectors(&self) -> Vec<String> {
        if self.kind.is_job() {
            let uid = self.key.uid;
            return vec![format!("batch.kubernetes.io/controller-uid={uid}")];
        }
        self.selectors.iter().map(|s| s.to_string()).collect()
    }

    /// Who it may belong to: Kubernetes stores no creator, so a label that says so, else the namespace.
    pub fn owner_hint(&self) -> &Name {
        let named = OWNER_LABELS.iter().find_map(|key| {
            self.labels
                .iter()
                .find(|(k, v)| &**k == *key && !v.is_empty())
        });
        named.map_or(&self.namespace, |(_, value)| value)
    }
}

/// The limits and policies of a Job, for the summary and for deriving targets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Policy {
    pub backoff_limit: Option<u32>,
    pub backoff_limit_per_index: Option<u32>,
    pub max_failed_indexes: Option<u32>,
    pub active_deadline_seconds: Option<u64>,
    pub ttl_seconds: Option<u64>,
    /// `podReplacementPolicy: Failed`.
    pub replace_failed_only: bool,
    pub restart_on_failure: bool,
    /// What only this kind can be told, a phrase each: `keeps no running pods after its end`.
    pub terms: Vec<Box<str>>,
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
