//! What queues refer to: flavors, priority classes, admission checks, topologies, MultiKueue's clusters.

use chrono::{DateTime, Utc};

use crate::model::ids::{Key, Name, Uid};
use crate::model::job::Condition;

/// A ResourceFlavor: a kind of node quota is counted for.
#[derive(Debug, Clone, PartialEq)]
pub struct FlavorRow {
    pub key: Key,
    pub name: Name,
    pub created: Option<DateTime<Utc>>,
    pub node_labels: Vec<(Name, Name)>,
    /// As `key=value:Effect`.
    pub node_taints: Vec<Name>,
    /// Added to admitted pods, in kubectl's words.
    pub tolerations: Vec<Name>,
    pub topology: Option<Name>,
}

/// A WorkloadPriorityClass.
#[derive(Debug, Clone, PartialEq)]
pub struct PriorityClassRow {
    pub key: Key,
    pub name: Name,
    pub value: i32,
    pub description: Box<str>,
}

/// An AdmissionCheck.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckRow {
    pub key: Key,
    pub name: Name,
    pub created: Option<DateTime<Utc>>,
    /// `kueue.x-k8s.io/provisioning-request`, `kueue.x-k8s.io/multikueue` …
    pub controller: Name,
    /// Kind and name of its parameters.
    pub parameters: Option<(Name, Name)>,
    pub conditions: Vec<Condition>,
}

/// A Topology: node labels from the widest level to the narrowest.
#[derive(Debug, Clone, PartialEq)]
pub struct TopologyRow {
    pub key: Key,
    pub name: Name,
    pub levels: Vec<Name>,
}

/// A MultiKueueCluster.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerClusterRow {
    pub key: Key,
    pub name: Name,
    pub created: Option<DateTime<Utc>>,
    /// Where its kubeconfig is, e.g. `Secret/worker-eu`, or its ClusterProfile.
    pub source: Name,
    pub conditions: Vec<Condition>,
}

/// A MultiKueueConfig: clusters in order.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerConfigRow {
    pub key: Key,
    pub name: Name,
    pub clusters: Vec<Name>,
}

/// A ProvisioningRequest of the cluster autoscaler.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvisioningRow {
    pub key: Key,
    pub namespace: Name,
    pub name: Name,
    pub created: Option<DateTime<Utc>>,
    /// The Workload it was made for: name and uid.
    pub owner: Option<(Name, Uid)>,
    pub class: Name,
    pub conditions: Vec<Condition>,
}
