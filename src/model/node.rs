//! Nodes: what they offer and whether they can be used.

use chrono::{DateTime, Utc};

use super::ids::{Key, Name};
use super::labels::LabelSet;
use super::resources::Devices;

/// Labels that name the accelerator, best first.
pub const PRODUCT: &[&str] = &[
    "nvidia.com/gpu.product",
    "amd.com/gpu.product-name",
    "beta.amd.com/gpu.product-name",
    "gpu.intel.com/product",
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-tpu-accelerator",
    "k8s.amazonaws.com/accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
    "karpenter.k8s.aws/instance-accelerator-name",
    "amd.com/gpu.device-id",
    "accelerator",
];

#[derive(Debug, Clone, PartialEq)]
pub struct NodeRow {
    pub key: Key,
    pub name: Name,
    pub created: Option<DateTime<Utc>>,
    pub ready: bool,
    /// Reason of the Ready condition when not ready.
    pub not_ready_reason: Option<Name>,
    /// `spec.unschedulable`.
    pub cordoned: bool,
    /// Taints as `key=value:Effect`.
    pub taints: Vec<Name>,
    pub capacity: Devices,
    pub allocatable: Devices,
    /// Millicores and bytes, allocatable.
    pub cpu_milli: u64,
    pub memory: u64,
    pub pods: u32,
    /// `nvidia.com/gpu.product` or its AMD/Intel/cloud counterparts.
    pub product: Option<Name>,
    /// `node.kubernetes.io/instance-type`.
    pub machine: Option<Name>,
    pub zone: Option<Name>,
    pub labels: LabelSet,
    /// `status.nodeInfo.kubeletVersion`.
    pub version: Name,
}
