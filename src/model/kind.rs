//! Which kind of workload a row is: the fixed facts its decoder states once. Apart from the row so that a new
//! kind is a new set of facts, and no list here grows with it.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Where a row's counts of pods come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Its own status counts pods.
    Own,
    /// Its status counts jobs, or nothing: the pods are those of its children.
    Children,
}

/// What is the same for all objects of a kind.
#[derive(Debug)]
pub struct Facts {
    /// Empty: the core group.
    pub group: &'static str,
    /// Best first; the first the server serves is used.
    pub versions: &'static [&'static str],
    /// As the API names it, e.g. `PyTorchJob`.
    pub kind: &'static str,
    /// As its path has it, e.g. `pytorchjobs`.
    pub plural: &'static str,
    /// For a narrow column, at most 8 cells.
    pub short: &'static str,
    /// For the narrowest, 2 to 4 letters; empty where `short` is no longer than that.
    pub letters: &'static str,
    pub counts: Counts,
    /// Its pods carry its name in a label; their owner references lead elsewhere.
    pub labelled: bool,
    /// It runs until it is stopped (RayCluster …): `done` is what is ready now, and there is no end to estimate.
    pub serves: bool,
}

impl Facts {
    /// A kind that runs to its end and counts its own pods.
    pub const fn new(
        group: &'static str,
        versions: &'static [&'static str],
        kind: &'static str,
        plural: &'static str,
        short: &'static str,
    ) -> Self {
        Self {
            group,
            versions,
            kind,
            plural,
            short,
            letters: "",
            counts: Counts::Own,
            labelled: false,
            serves: false,
        }
    }

    /// Two to four letters for a narrow column, where its short name has more.
    pub const fn letters(mut self, letters: &'static str) -> Self {
        self.letters = letters;
        self
    }

    /// Its pods are its children's.
    pub const fn of_children(mut self) -> Self {
        self.counts = Counts::Children;
        self
    }

    /// Its pods are known by label.
    pub const fn by_label(mut self) -> Self {
        self.labelled = true;
        self
    }

    /// It has no end of its own.
    pub const fn serving(mut self) -> Self {
        self.serves = true;
        self
    }
}

/// A kind of workload, by its facts. Compared by group and kind: versions come and go.
#[derive(Clone, Copy)]
pub struct JobKind(pub &'static Facts);

static JOB: Facts = Facts::new("batch", &["v1"], "Job", "jobs", "Job");
static CRONJOB: Facts = Facts::new("batch", &["v1"], "CronJob", "cronjobs", "CronJob")
    .serving()
    .letters("Cron");

static POD_GROUP: Facts =
    Facts::new("", &["v1"], "PodGroup", "podgroups", "PodGroup").letters("Grp");
static POD: Facts = Facts::new("", &["v1"], "Pod", "pods", "Pod");

impl JobKind {
    /// Pods that Kueue admits together; no object, only a label.
    pub const POD_GROUP: JobKind = JobKind(&POD_GROUP);
    /// A single pod that queues.
    pub const POD: JobKind = JobKind(&POD);
    /// batch/v1 Job, the kind most others end in.
    pub const JOB: JobKind = JobKind(&JOB);
    /// batch/v1 CronJob, where it is a row among the others.
    pub const CRONJOB: JobKind = JobKind(&CRONJOB);

    pub fn is_job(self) -> bool {
        self == Self::JOB
    }

    /// Its name in 2 to 4 letters.
    pub fn letters(self) -> &'static str {
        match self.0.letters {
            "" => self.0.short,
            letters => letters,
        }
    }

    /// `pytorchjob`: as kubectl names one.
    pub fn singular(self) -> String {
        self.0.kind.to_lowercase()
    }

    fn id(self) -> (&'static str, &'static str) {
        (self.0.group, self.0.kind)
    }
}

impl std::ops::Deref for JobKind {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        self.0
    }
}

impl Default for JobKind {
    fn default() -> Self {
        Self::JOB
    }
}

impl fmt::Debug for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind)
    }
}

impl PartialEq for JobKind {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0) || self.id() == other.id()
    }
}

impl Eq for JobKind {}

impl Hash for JobKind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl PartialOrd for JobKind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for JobKind {
    fn cmp(&self, other: &Self) -> Ordering {
        self.id().cmp(&other.id())
    }
}

/// What a server says of a kind that is none of ours.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Other {
    pub group: &'static str,
    pub version: &'static str,
    /// As the API names it, e.g. `ConfigMap`.
    pub kind: &'static str,
    /// As its path has it, e.g. `configmaps`.
    pub plural: &'static str,
    pub namespaced: bool,
}

/// A kind that is none of ours, by what its server says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OtherKind(pub &'static Other);

impl std::ops::Deref for OtherKind {
    type Target = Other;

    fn deref(&self) -> &Other {
        self.0
    }
}
