//! v1 Node. Images, addresses and volumes are skipped.

use serde::Deserialize;

use super::meta::{Condition, Meta, named};
use super::{Object, Wire, lax};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Name, Names};
use crate::model::labels::LabelSet;
use crate::model::node::{NodeRow, PRODUCT};
use crate::model::quantity::Quantity;
use crate::model::resources::{Devices, is_device};

pub type Node = Object<Spec, Status>;

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
    capacity: Vec<(String, String)>,
    #[serde(deserialize_with = "lax::pairs")]
    allocatable: Vec<(String, String)>,
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

fn devices(amounts: &[(String, String)], names: &mut Names) -> Devices {
    let mut all = Devices::default();
    for (name, amount) in amounts.iter().filter(|(name, _)| is_device(name)) {
        let amount = Quantity::parse(amount).unwrap_or_default();
        all.add(names.get(name), amount.count());
    }
    all
}

fn quantity(amounts: &[(String, String)], name: &str) -> Quantity {
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
        let label = |names: &mut Names, keys: &[&str]| -> Option<Name> {
            let value = keys.iter().find_map(|key| metadata.label(key))?;
            named(names, value)
        };
        NodeRow {
            key: metadata.key(cluster),
            name: names.get(&metadata.name),
            created: metadata.creation_timestamp,
            ready: is_ready,
            not_ready_reason: match ready {
                Some(c) if !is_ready => named(names, &c.reason),
                _ => None,
            },
            cordoned: spec.unschedulable,
            taints: spec.taints.iter().map(|t| names.get(&t.text())).collect(),
            capacity: devices(&status.capacity, names),
            allocatable: devices(&status.allocatable, names),
            cpu_milli: quantity(&status.allocatable, "cpu").milli(),
            memory: quantity(&status.allocatable, "memory").units(),
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
            labels: LabelSet::new(
                metadata
                    .labels
                    .iter()
                    .map(|(k, v)| (k.as_str(), v.as_str())),
            ),
            version: names.get(&status.node_info.kubelet_version),
        }
    }

    fn rows(change: Change<NodeRow>) -> Rows {
        Rows::Nodes(change)
    }
}
