//! What limits work without Kueue: the quota of a namespace, and Volcano's queues. Apart because Kueue knows nothing
//! of them.

use super::{Amount, amount};
use crate::model::ids::{Key, Name};
use crate::model::quantity::Quantity;

/// A ResourceQuota: what all of a namespace may ask for together.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaRow {
    pub key: Key,
    pub namespace: Name,
    pub name: Name,
    /// Priority classes and other scopes it is for, in words; empty: all pods.
    pub scope: Name,
    /// What is limited (`requests.nvidia.com/gpu`, `count/jobs.batch`), sorted by name.
    pub limits: Vec<Limit>,
}

/// One line of a quota, in Kueue's units of the resource behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    pub what: Name,
    pub used: Amount,
    pub hard: Amount,
}

impl Limit {
    pub fn new(what: Name, used: Quantity, hard: Quantity) -> Self {
        let resource = resource(&what);
        Self {
            used: amount(resource, used),
            hard: amount(resource, hard),
            what,
        }
    }

    /// The resource that is counted: `nvidia.com/gpu` of `requests.nvidia.com/gpu`.
    pub fn resource(&self) -> &str {
        resource(&self.what)
    }

    /// Used of what there is; more than all is more than 1. A limit of nothing is used up.
    pub fn ratio(&self) -> f64 {
        match self.hard {
            0 => 1.0,
            hard => self.used as f64 / hard as f64,
        }
    }
}

fn resource(what: &str) -> &str {
    let what = what.strip_prefix("requests.").unwrap_or(what);
    what.strip_prefix("limits.").unwrap_or(what)
}

/// A Queue of Volcano.
#[derive(Debug, Clone, PartialEq)]
pub struct VolcanoQueueRow {
    pub key: Key,
    pub name: Name,
    pub parent: Option<Name>,
    /// `Open`, `Closed`, `Closing`, `Unknown`.
    pub state: Name,
    pub weight: Option<i32>,
    pub reclaimable: bool,
    /// Most it may hold; what is not listed is not limited.
    pub capability: Vec<(Name, Amount)>,
    /// What it is to have when others want theirs.
    pub deserved: Vec<(Name, Amount)>,
    pub allocated: Vec<(Name, Amount)>,
    /// Pod groups by phase, as its status counts them; none where it does not.
    pub groups: Option<Groups>,
}

/// Pod groups of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Groups {
    pub pending: u32,
    pub inqueue: u32,
    pub running: u32,
    pub unknown: u32,
    pub completed: u32,
}
