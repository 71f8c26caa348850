//! Cluster queues, local queues and cohorts: the tree that quota is given to, as its objects tell it.

use chrono::{DateTime, Utc};

use super::{Amount, FlavorResource};
use crate::model::ids::{Key, Name};
use crate::model::job::Condition;

/// `stopPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stop {
    #[default]
    None,
    /// Admits nothing new.
    Hold,
    /// And evicts what it has.
    HoldAndDrain,
}

/// Quota of one resource in one flavor.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    pub resource: Name,
    pub nominal: Amount,
    /// How much above nominal may be used; none: as much as the cohort has.
    pub borrowing_limit: Option<Amount>,
    /// How much of the unused nominal others may have; none: all of it.
    pub lending_limit: Option<Amount>,
}

/// A flavor of a group, with its quotas in the object's order.
#[derive(Debug, Clone, PartialEq)]
pub struct FlavorQuotas {
    pub flavor: Name,
    pub resources: Vec<Quota>,
}

/// Resources that are taken from the same flavor; flavors are tried in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceGroup {
    pub covers: Vec<Name>,
    pub flavors: Vec<FlavorQuotas>,
}

/// A count of `flavorsReservation` or `flavorsUsage`.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    pub of: FlavorResource,
    pub total: Amount,
    /// Above nominal; not told by local queues.
    pub borrowed: Amount,
}

/// `preemption`: whom a new workload may push out, in Kueue's words (`Never`, `LowerPriority`, `Any` …).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Preemption {
    pub within_cluster_queue: Name,
    pub reclaim_within_cohort: Name,
    pub borrow_within_cohort: Name,
    /// `borrowWithinCohort.maxPriorityThreshold`.
    pub borrow_max_priority: Option<i32>,
}

/// Whose workloads a cluster queue takes.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Namespaces {
    /// No selector: nobody's.
    #[default]
    Nobody,
    All,
    /// The selector in kubectl's notation, e.g. `team=vision,tier in (a,b)`.
    Selected(Name),
}

/// A ClusterQueue.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterQueueRow {
    pub key: Key,
    pub name: Name,
    pub created: Option<DateTime<Utc>>,
    pub deleting: bool,
    pub cohort: Option<Name>,
    pub groups: Vec<ResourceGroup>,
    /// `StrictFIFO`: nothing passes its head.
    pub strict: bool,
    pub stop: Stop,
    pub preemption: Preemption,
    /// `flavorFungibility` `whenCanBorrow`, `whenCanPreempt`; empty where unset.
    pub fungibility: (Name, Name),
    pub namespaces: Namespaces,
    /// Admission checks and the flavors they are for; no flavors: all.
    pub checks: Vec<(Name, Vec<Name>)>,
    /// `fairSharing.weight` in thousandths; none: 1000.
    pub weight: Option<u64>,
    /// `status.fairSharing.weightedShare`, per mille; `i64::MAX`: weight 0 and borrowing.
    pub share: Option<i64>,
    /// Held by all workloads with a reservation.
    pub reserved: Vec<Use>,
    /// Of those, by the admitted ones.
    pub used: Vec<Use>,
    /// The inadmissible ones included.
    pub pending: u32,
    pub reserving: u32,
    pub admitted: u32,
    pub conditions: Vec<Condition>,
}

/// A LocalQueue.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalQueueRow {
    pub key: Key,
    pub namespace: Name,
    pub name: Name,
    pub created: Option<DateTime<Utc>>,
    pub deleting: bool,
    pub cluster_queue: Name,
    pub stop: Stop,
    pub reserved: Vec<Use>,
    pub used: Vec<Use>,
    pub pending: u32,
    pub reserving: u32,
    pub admitted: u32,
    pub conditions: Vec<Condition>,
}

/// A Cohort. One may exist by name only: then there is no row.
#[derive(Debug, Clone, PartialEq)]
pub struct CohortRow {
    pub key: Key,
    pub name: Name,
    pub created: Option<DateTime<Utc>>,
    pub deleting: bool,
    pub parent: Option<Name>,
    /// Quota of its own, beside that of its members.
    pub groups: Vec<ResourceGroup>,
    pub weight: Option<u64>,
    pub share: Option<i64>,
}

/// The `Active` condition that says it is not; none while it is, or while nothing was said.
fn inactive(conditions: &[Condition]) -> Option<&Condition> {
    conditions.iter().find(|c| &*c.kind == "Active" && !c.on)
}

impl ClusterQueueRow {
    /// Why it admits nothing, by its own status.
    pub fn inactive(&self) -> Option<&Condition> {
        inactive(&self.conditions)
    }

    /// The quota of a resource in a flavor; none: it does not offer it.
    pub fn quota(&self, of: &FlavorResource) -> Option<&Quota> {
        quota(&self.groups, of)
    }
}

impl CohortRow {
    /// The quota of its own of a resource in a flavor.
    pub fn quota(&self, of: &FlavorResource) -> Option<&Quota> {
        quota(&self.groups, of)
    }
}

impl LocalQueueRow {
    /// Why it admits nothing, by its own status.
    pub fn inactive(&self) -> Option<&Condition> {
        inactive(&self.conditions)
    }
}

fn quota<'a>(groups: &'a [ResourceGroup], of: &FlavorResource) -> Option<&'a Quota> {
    groups
        .iter()
        .flat_map(|group| &group.flavors)
        .filter(|flavor| flavor.flavor == of.flavor)
        .flat_map(|flavor| &flavor.resources)
        .find(|quota| quota.resource == of.resource)
}
