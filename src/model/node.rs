//! Nodes: what they offer and whether they can be used.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::ids::{Key, Name};
use super::labels::LabelSet;
use super::resources::Devices;
use super::shape::Taint;

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
    /// What it shares with the other nodes of its make: read as fields of its own.
    pub make: Arc<Make>,
    pub created: Option<DateTime<Utc>>,
    /// Bytes, allocatable.
    pub memory: u64,
    pub ephemeral: u64,
    /// The narrowest topology block or rack above the node that a label names.
    pub block: Option<Name>,
    /// `<cluster uuid>.<clique>`: the NVLink domain that spans nodes.
    pub clique: Option<Name>,
    /// `gfd.timestamp`: when GPU feature discovery started, not when it labelled last.
    pub labelled: Option<DateTime<Utc>>,
    pub conditions: Vec<NodeCondition>,
    pub labels: LabelSet,
}

/// What is the same for most nodes of one make in one state. Equal ones are one allocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Make {
    pub ready: bool,
    /// Reason of the Ready condition when not ready.
    pub not_ready_reason: Option<Name>,
    /// `spec.unschedulable`.
    pub cordoned: bool,
    /// Taints as `key=value:Effect`.
    pub taints: Vec<Name>,
    pub capacity: Devices,
    pub allocatable: Devices,
    /// The same of extended resources that are no accelerators.
    pub extra_capacity: Devices,
    pub extra: Devices,
    /// Millicores, allocatable.
    pub cpu_milli: u64,
    pub pods: u32,
    /// `nvidia.com/gpu.product` or its AMD/Intel/cloud counterparts.
    pub product: Option<Name>,
    /// `node.kubernetes.io/instance-type`.
    pub machine: Option<Name>,
    pub zone: Option<Name>,
    /// The node pool of its cloud or autoscaler.
    pub pool: Option<Name>,
    /// What labels tell of its GPUs; none where no label does.
    pub gpu: Option<Arc<GpuFacts>>,
    /// `status.nodeInfo.kubeletVersion`.
    pub version: Name,
}

impl Deref for NodeRow {
    type Target = Make;

    fn deref(&self) -> &Make {
        &self.make
    }
}

/// A node that is given something of its own shares no more.
impl DerefMut for NodeRow {
    fn deref_mut(&mut self) -> &mut Make {
        Arc::make_mut(&mut self.make)
    }
}

/// A condition: what it says, and since when. Read as fields of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeCondition {
    pub says: Arc<ConditionText>,
    pub since: Option<DateTime<Utc>>,
}

/// `status` is `True`, `False` or `Unknown`. Most nodes say the same: equal ones are one allocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConditionText {
    pub kind: Name,
    pub status: Name,
    pub reason: Name,
    pub message: Name,
}

impl Deref for NodeCondition {
    type Target = ConditionText;

    fn deref(&self) -> &ConditionText {
        &self.says
    }
}

impl NodeCondition {
    /// Ready and not True, or another and not False.
    pub fn is_trouble(&self) -> bool {
        match &*self.kind {
            "Ready" => &*self.status != "True",
            _ => &*self.status != "False",
        }
    }
}

/// Labels that GPU feature discovery, the GPU operator and AMD's labeller write (gpu reference, section 2), but for those
/// that differ from node to node: equal ones are one allocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct GpuFacts {
    /// `gpu.count`: physical GPUs; under MIG strategy `single` MIG devices.
    pub count: Option<u32>,
    /// `gpu.replicas`: shares per device; 0 where no card of the model is whole.
    pub replicas: Option<u32>,
    /// `none`, `time-slicing`, `mps`.
    pub sharing: Option<Name>,
    /// MiB of a GPU; under `single` of a slice.
    pub memory_mib: Option<u32>,
    /// `hopper`.
    pub family: Option<Name>,
    /// Compute capability, `9.0`.
    pub compute: Option<Name>,
    /// The server as its firmware calls it.
    pub machine: Option<Name>,
    /// `single`, `mixed`; absent with `none`.
    pub mig_strategy: Option<Name>,
    /// The layout that is wanted and how far its manager is: `all-1g.10gb`, `pending`.
    pub mig_config: Option<Name>,
    pub mig_state: Option<Name>,
    /// `570.124.06`, `12.8`.
    pub driver: Option<Name>,
    pub cuda: Option<Name>,
    /// Devices by MIG profile, strategy `mixed`.
    pub mig: Vec<MigFacts>,
    /// AMD: `cpx_nps4`.
    pub partition: Option<Name>,
}

/// `mig-<profile>.*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct MigFacts {
    pub profile: Name,
    pub count: Option<u32>,
    pub replicas: Option<u32>,
    pub memory_mib: Option<u32>,
}

impl NodeRow {
    /// Its taints, taken apart.
    pub fn taint_list(&self) -> impl Iterator<Item = Taint> + '_ {
        self.taints.iter().filter_map(|text| Taint::parse(text))
    }
}
