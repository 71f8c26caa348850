//! v1 Node. Images, addresses and volumes are skipped.

use serde::Deserialize;

use super::meta::{Condition, Meta, named};
use super::{Object, Wire, lax};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Name, Names};
use crate::model::labels::LabelSet;
use crate::model::node::{ConditionText, Make, NodeCondition, NodeRow, PRODUCT};
use crate::model::quantity::Quantity;
use crate::model::resources::{Devices, is_device, is_extra};

mod gpu;

pub type Node = Object<Spec, Status>;

/// Labels that name the pool a node belongs to.
const POOL: &[&str] = &[
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "alpha.eksctl.io/nodegroup-name",
    "karpenter.sh/nodepool",
    "karpenter.sh/provisioner-name",
    "kubernetes.azure.com/agentpool",
    "agentpool",
    "compute.coreweave.com/node-pool",
    "doks.digitalocean.com/node-pool",
    "k8s.scaleway.com/pool-name",
    "ibm-cloud.kubernetes.io/worker-pool-name",
    "nebius.com/node-group-id",
    "node-pool",
    "nodepool",
    "pool",
];

/// Labels of the network block or rack a node stands in: machines under one are close.
const BLOCK: &[&str] = &[
    "cloud.google.com/gce-topology-block",
    "topology.k8s.aws/network-node-layer-3",
    "network.topology.nvidia.com/leaf",
    "network.topology.nvidia.com/block",
    "oci.oraclecloud.com/rdma.local_block_id",
    "ib.coreweave.cloud/leafgroup",
    "cloud.provider.com/topology-block",
    "topology.kubernetes.io/block",
    "topology.kubernetes.io/rack",
    "cloud.provider.com/topology-rack",
    "topology-block",
    "rack",
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Spec {
    #[serde(deserialize_with = "lax::flag")]
    unschedulable: bool,
    #[serde(deserialize_with = "lax::list")]
    taints: Vec<Taint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Taint {
    #[serde(deserialize_with = "lax::text")]
    key: String,
    #[serde(deserialize_with = "lax::text")]
    value: String,
    #[serde(deserialize_with = "lax::text")]
    effect: String,
}

impl Taint {
    /// As kubectl describes it: the value only where there is one.
    fn text(&self) -> String {
        let value = match self.value.as_str() {
            "" => String::new(),
            value => format!("={value}"),
        };
        format!("{}{value}:{}", self.key, self.effect)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::pairs")]
    capacity: Vec<(lax::Text, lax::Text)>,
    #[serde(deserialize_with = "lax::pairs")]
    allocatable: Vec<(lax::Text, lax::Text)>,
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "lax::object")]
    node_info: NodeInfo,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeInfo {
    #[serde(deserialize_with = "lax::text")]
    kubelet_version: String,
}

fn listed(
    amounts: &[(lax::Text, lax::Text)],
    wanted: fn(&str) -> bool,
    names: &mut Names,
) -> Devices {
    let mut all = Devices::default();
    for (name, amount) in amounts.iter().filter(|(name, _)| wanted(name)) {
        let amount = Quantity::parse(amount).unwrap_or_default();
        all.add(names.get(name), amount.count());
    }
    all.0.shrink_to_fit();
    all
}

fn quantity(amounts: &[(lax::Text, lax::Text)], name: &str) -> Quantity {
    amounts
        .iter()
        .find(|(n, _)| n == name)
        .and_then(|(_, amount)| Quantity::parse(amount))
        .unwrap_or_default()
}

impl Wire for Node {
    type Row = NodeRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> NodeRow {
        let Object {
            metadata,
            spec,
            status,
        } = self;
        let ready = status.conditions.iter().find(|c| c.kind == "Ready");
        let is_ready = ready.is_some_and(|c| c.status == "True");
        let labels = gpu::facts(&metadata, names);
        let label = |names: &mut Names, keys: &[&str]| -> Option<Name> {
            let value = keys.iter().find_map(|key| metadata.label(key))?;
            named(names, value)
        };
        let make = Make {
            ready: is_ready,
            not_ready_reason: match ready {
                Some(c) if !is_ready => named(names, &c.reason),
                _ => None,
            },
            cordoned: spec.unschedulable,
            taints: spec.taints.iter().map(|t| names.get(&t.text())).collect(),
            capacity: listed(&status.capacity, is_device, names),
            allocatable: listed(&status.allocatable, is_device, names),
            extra_capacity: listed(&status.capacity, is_extra, names),
            extra: listed(&status.allocatable, is_extra, names),
            cpu_milli: quantity(&status.allocatable, "cpu").milli(),
            pods: quantity(&status.allocatable, "pods").count(),
            product: label(names, PRODUCT),
            machine: label(
                names,
                &[
                    "node.kubernetes.io/instance-type",
                    "beta.kubernetes.io/instance-type",
                ],
            ),
            zone: label(
                names,
                &[
                    "topology.kubernetes.io/zone",
                    "failure-domain.beta.kubernetes.io/zone",
                ],
            ),
            pool: label(names, POOL),
            gpu: labels.gpu,
            version: names.get(&status.node_info.kubelet_version),
        };
        NodeRow {
            make: names.make(make),
            key: metadata.key(cluster),
            name: names.get(&metadata.name),
            created: metadata.creation_timestamp,
            memory: quantity(&status.allocatable, "memory").units(),
            ephemeral: quantity(&status.allocatable, "ephemeral-storage").units(),
            block: label(names, BLOCK),
            clique: labels.clique,
            labelled: labels.labelled,
            conditions: (status.conditions.iter())
                .map(|c| NodeCondition {
                    says: {
                        let says = ConditionText {
                            kind: names.get(&c.kind),
                            status: names.get(&c.status),
                            reason: names.get(&c.reason),
                            message: names.get(&c.message),
                        };
                        names.condition(says)
                    },
                    since: c.last_transition_time,
                })
                .collect(),
            labels: LabelSet::shared(metadata.labels.iter().map(|(k, v)| (&**k, &**v)), names),
        }
    }

    fn rows(change: Change<NodeRow>) -> Rows {
        Rows::Nodes(change)
    }
}
