//! Pods: one flat row each, small because there are a hundred thousand of them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use compact_str::CompactString;

use super::ids::{Key, Name, Uid};
use super::kind::JobKind;
use super::moment::Moment;
use super::shape::Shape;

/// `status.phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PodPhase {
    #[default]
    Pending,
    Running,
    Succeeded,
    Failed,
    Unknown,
}

/// The completion index of a pod, or none, in four bytes. A job has at most 100,000.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PodIndex(u32);

impl PodIndex {
    pub const NONE: Self = Self(u32::MAX);

    pub fn get(self) -> Option<u32> {
        (self != Self::NONE).then_some(self.0)
    }
}

impl From<Option<u32>> for PodIndex {
    fn from(index: Option<u32>) -> Self {
        Self(index.unwrap_or(u32::MAX))
    }
}

impl fmt::Debug for PodIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// One pod, flattened from its JSON by the watch task.
#[derive(Debug, Clone, PartialEq)]
pub struct PodRow {
    pub key: Key,
    /// What it shares with the other pods of its workload: read as fields of its own.
    pub common: Arc<Common>,
    pub name: CompactString,
    pub node: Option<Name>,
    /// `batch.kubernetes.io/job-completion-index`.
    pub index: PodIndex,
    /// Last termination seen in any main container (state before lastState).
    pub exit: Option<Box<Exit>>,
    /// Why it does not run: PodScheduled message, waiting reason and message. Pods that wait for the same share it.
    pub why: Option<Name>,
    pub created: Moment,
    /// Since when it holds what it asks for: bound to its node.
    pub bound: Moment,
    /// First container start, and last finish when terminal.
    pub started: Moment,
    pub finished: Moment,
    /// Which replica of which role it is, where its labels tell.
    pub replica: Option<Box<Replica>>,
    /// Which devices it was given, where the kubelet tells.
    pub given: Option<Box<Given>>,
}

/// What is the same in many pods of most workloads: what they are, and how they are. Equal ones are one allocation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Common {
    pub namespace: Name,
    /// Controller owner: kind, name, uid.
    pub owner: Option<(Name, Name, Uid)>,
    /// What it belongs to by a label instead of an owner reference.
    pub member: Option<Box<Member>>,
    /// `spec.priorityClassName`.
    pub priority_class: Option<Name>,
    /// What it asks for, devices first of all, and which nodes it accepts; shared between equal pods.
    pub shape: Arc<Shape>,
    /// Container names in order, init containers and sidecars last.
    pub container_names: Name,
    /// kubectl's STATUS (`Running`, `Init:0/2`, `CrashLoopBackOff`, `OOMKilled`, …).
    pub status: Name,
    pub phase: PodPhase,
    /// Failures of this index before this pod: job-index-failure-count + job-index-ignored-failure-count.
    pub index_failures: u32,
    pub ready: u16,
    pub containers: u16,
    pub restarts: u32,
    /// `deletionTimestamp` is set.
    pub deleting: bool,
    /// The Ready condition is True.
    pub is_ready: bool,
    /// `DisruptionTarget` is True: its reason.
    pub disrupted: Option<Name>,
}

/// Of what tells most apart at little cost: equal ones have equal hashes all the same.
impl Hash for Common {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.namespace.hash(state);
        self.owner.as_ref().map(|(_, _, uid)| *uid).hash(state);
        self.member.as_ref().map(|member| member.key).hash(state);
        self.container_names.hash(state);
        self.status.hash(state);
        (self.phase, self.ready, self.restarts, self.index_failures).hash(state);
    }
}

impl Deref for PodRow {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

/// A pod that is given something of its own shares no more.
impl DerefMut for PodRow {
    fn deref_mut(&mut self) -> &mut Common {
        Arc::make_mut(&mut self.common)
    }
}

/// `allocatedResourcesStatus` of all its containers: the devices by the name their plugin or driver has for them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Given(pub Box<[GivenDevice]>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenDevice {
    /// `nvidia.com/gpu`; of a claim `claim:NAME/REQUEST`.
    pub resource: Name,
    /// `GPU-1f0e…`, `MIG-…`, a replica `GPU-…::3`; of a claim `driver/pool/device`.
    pub id: Box<str>,
    pub health: Health,
}

/// What the kubelet says of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    Healthy,
    Unhealthy,
    #[default]
    Unknown,
}

/// Membership by label: of a Kueue pod group, of a LeaderWorkerSet; or a single pod that queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Of the group or set; the pod's own where it is alone.
    pub key: Key,
    /// What the row made of the pods is; none where an object has a row of its own.
    pub kind: Option<JobKind>,
    pub name: Name,
    /// Pods the group is to have.
    pub total: Option<u32>,
    pub queue: Option<Name>,
    pub class: Option<Name>,
}

/// A place in a workload of several roles.
#[derive(Debug, Clone, PartialEq)]
pub struct Replica {
    /// The role as the label has it: of Kubeflow's kinds in small letters.
    pub role: Name,
    /// Number of the replica; none where replicas are not told apart (workers of Ray).
    pub number: Option<u32>,
    /// Which pod of the replica it is, where one is several.
    pub within: u32,
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Exit {
    pub container: Name,
    pub code: i32,
    pub signal: i32,
    /// `Completed`, `Error`, `OOMKilled`, …
    pub reason: Name,
    pub message: Option<Box<str>>,
    pub finished: Option<DateTime<Utc>>,
    /// It is the previous instance; the container was restarted since.
    pub previous: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_stays_small() {
        // there are a hundred thousand of them
        assert!(size_of::<PodRow>() <= 112, "{}", size_of::<PodRow>());
    }
}
