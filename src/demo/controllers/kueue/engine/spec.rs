//! What the engine is told: queues, cohorts, flavors and workloads, free of how the API writes them.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use serde_json::Value;

use super::tree::{Quota, Quotas};

/// Namespace and name.
pub type Key = (String, String);

/// One flavor of a resource group, with its quotas by resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupFlavor {
    pub name: String,
    pub quotas: BTreeMap<String, Quota>,
}

/// Resources that get their flavor together, and the flavors in order of preference.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    pub covered: Vec<String>,
    pub flavors: Vec<GroupFlavor>,
}

/// Whom a queue may preempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    #[default]
    Never,
    LowerPriority,
    LowerOrNewerEqualPriority,
    Any,
}

impl Policy {
    pub fn parse(text: Option<&str>) -> Self {
        match text {
            Some("LowerPriority") => Self::LowerPriority,
            Some("LowerOrNewerEqualPriority") => Self::LowerOrNewerEqualPriority,
            Some("Any") => Self::Any,
            _ => Self::Never,
        }
    }
}

/// A cluster queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueSpec {
    pub name: String,
    pub cohort: Option<String>,
    pub groups: Vec<Group>,
    pub strict: bool,
    pub within: Policy,
    pub reclaim: Policy,
    /// `borrowWithinCohort`: allowed, and up to which priority of the victims.
    pub borrow: Option<Option<i64>>,
    /// `flavorFungibility`: go on to the next flavor rather than borrow, or preempt, in this one.
    pub next_before_borrowing: bool,
    pub next_before_preempting: bool,
    pub preempt_before_borrowing: bool,
    pub weight: f64,
    /// It admits: not stopped, and nothing it refers to is missing.
    pub active: bool,
}

impl Default for QueueSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            cohort: None,
            groups: Vec::new(),
            strict: false,
            within: Policy::Never,
            reclaim: Policy::Never,
            borrow: None,
            next_before_borrowing: false,
            next_before_preempting: true,
            preempt_before_borrowing: false,
            weight: 1.0,
            active: true,
        }
    }
}

impl QueueSpec {
    pub fn group(&self, resource: &str) -> Option<&Group> {
        self.groups
            .iter()
            .find(|g| g.covered.iter().any(|c| c == resource))
    }
}

/// A cohort that exists as an object; others exist by name only.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CohortSpec {
    pub name: String,
    pub parent: Option<String>,
    pub groups: Vec<Group>,
    pub weight: f64,
}

/// Quotas of all groups.
pub fn quotas(groups: &[Group]) -> Quotas {
    let flavors = groups.iter().flat_map(|g| &g.flavors);
    let all = flavors.flat_map(|f| {
        f.quotas
            .iter()
            .map(|(r, q)| ((f.name.clone(), r.clone()), *q))
    });
    all.collect()
}

/// A resource flavor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FlavorSpec {
    pub labels: BTreeMap<String, String>,
    pub taints: Vec<Value>,
    pub tolerations: Vec<Value>,
}

/// The pods of one kind in a workload.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PodSet {
    pub name: String,
    pub count: i64,
    /// Thousandths of each resource for all pods together.
    pub requests: BTreeMap<String, i64>,
    pub selector: BTreeMap<String, String>,
    /// `nodeSelectorTerms` of the required node affinity; null if there are none.
    pub terms: Value,
    pub tolerations: Vec<Value>,
}

/// Where a workload stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It waits for quota.
    Waiting,
    /// It holds quota in a cluster queue, since then (milliseconds): usage by flavor and resource.
    Holding {
        queue: String,
        usage: BTreeMap<(String, String), i64>,
        since: i64,
    },
    /// It is neither considered nor does it hold anything.
    Out,
}

/// A workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    pub key: Key,
    pub uid: String,
    pub job_uid: String,
    /// The cluster queue behind its local queue.
    pub queue: String,
    pub local_queue: String,
    pub priority: i64,
    /// When it was queued, in milliseconds.
    pub queued: i64,
    pub sets: Vec<PodSet>,
    pub standing: Standing,
    /// It holds quota, and its checks agree.
    pub admitted: bool,
    /// It is to give its quota back.
    pub evicted: bool,
    /// Why it cannot be admitted whatever the quota; the queue is told nothing else.
    pub refused: Option<String>,
}

impl Workload {
    /// Equal for workloads that are treated alike.
    pub fn shape(&self) -> u64 {
        let mut hash = std::hash::DefaultHasher::new();
        (self.priority, &self.refused).hash(&mut hash);
        for set in &self.sets {
            (set.count, &set.requests, &set.selector).hash(&mut hash);
            set.terms.to_string().hash(&mut hash);
            for toleration in &set.tolerations {
                toleration.to_string().hash(&mut hash);
            }
        }
        hash.finish()
    }
}
