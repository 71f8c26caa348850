//! What a pod asks for and where it may go: requests of all resources, tolerations, node selector and affinity, as
//! one shape that equal pods share.

use serde::Deserialize;

use super::lax::{self, Text};
use super::template::{Container, Resources, devices, listed};
use crate::model::ids::{Name, Names};
use crate::model::pod_status::effective_amount;
use crate::model::quantity::Quantity;
use crate::model::resources::is_extra;
use crate::model::shape::{self, Effect, Op, Requirement, Shape};

/// What of a pod's spec decides what it asks for and where it may go.
#[derive(Debug, Clone, Copy)]
pub struct Placement<'a> {
    /// Pod level: cpu, memory and hugepages only.
    pub resources: &'a Resources,
    pub overhead: &'a [(Text, Text)],
    pub tolerations: &'a [Toleration],
    pub selector: &'a [(Text, Text)],
    pub affinity: &'a Affinity,
    /// How many resource claims it names.
    pub claims: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Toleration {
    #[serde(deserialize_with = "lax::text")]
    key: Text,
    #[serde(deserialize_with = "lax::text")]
    operator: Text,
    #[serde(deserialize_with = "lax::text")]
    value: Text,
    #[serde(deserialize_with = "lax::text")]
    effect: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Affinity {
    #[serde(deserialize_with = "lax::object")]
    node_affinity: NodeAffinity,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeAffinity {
    #[serde(
        rename = "requiredDuringSchedulingIgnoredDuringExecution",
        deserialize_with = "lax::object"
    )]
    required: Terms,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Terms {
    #[serde(deserialize_with = "lax::list")]
    node_selector_terms: Vec<Term>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Term {
    #[serde(deserialize_with = "lax::list")]
    match_expressions: Vec<Expression>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Expression {
    #[serde(deserialize_with = "lax::text")]
    key: Text,
    #[serde(deserialize_with = "lax::text")]
    operator: Text,
    #[serde(deserialize_with = "lax::texts")]
    values: Vec<String>,
}

impl Placement<'_> {
    /// The pod's shape; `by_claim`: resources that a claim serves.
    pub fn shape<'a>(
        self,
        main: impl Iterator<Item = &'a Resources> + Clone,
        init: &[Container],
        by_claim: &[Text],
        names: &mut Names,
    ) -> Shape {
        let plain = |resource: &str, pod_level: bool| {
            let of = |r: &Resources| r.of(resource).unwrap_or_default().milli();
            let each = init
                .iter()
                .map(|c| (true, c.is_sidecar(), of(&c.resources)))
                .chain(main.clone().map(|r| (false, false, of(r))));
            let summed = || effective_amount(each);
            let whole = self.resources.of(resource).filter(|_| pod_level);
            let overhead = self.overhead.iter().find(|(name, _)| name == resource);
            let overhead = overhead.and_then(|(_, amount)| Quantity::parse(amount));
            whole
                .map_or_else(summed, Quantity::milli)
                .saturating_add(overhead.unwrap_or_default().milli())
        };
        let mut by_claim: Vec<Name> = by_claim.iter().map(|name| names.get(name)).collect();
        by_claim.sort_unstable();
        by_claim.dedup();
        Shape {
            devices: devices(main.clone(), init, names),
            extra: listed(main.clone(), init, is_extra, names),
            cpu_milli: plain("cpu", true),
            memory: plain("memory", true).div_ceil(1000),
            ephemeral: plain("ephemeral-storage", false).div_ceil(1000),
            claims: u16::try_from(self.claims).unwrap_or(u16::MAX),
            by_claim: by_claim.into(),
            tolerations: self.tolerations.iter().map(|t| t.row(names)).collect(),
            selector: (self.selector.iter())
                .map(|(k, v)| (names.get(k), names.get(v)))
                .collect(),
            affinity: (self
                .affinity
                .node_affinity
                .required
                .node_selector_terms
                .iter())
            .map(|term| {
                term.match_expressions
                    .iter()
                    .map(|e| e.row(names))
                    .collect()
            })
            .collect(),
        }
    }
}

impl Toleration {
    fn row(&self, names: &mut Names) -> shape::Toleration {
        shape::Toleration {
            key: names.get(&self.key),
            exists: self.operator == "Exists",
            value: names.get(&self.value),
            effect: Effect::parse(&self.effect),
        }
    }
}

impl Expression {
    fn row(&self, names: &mut Names) -> Requirement {
        Requirement {
            key: names.get(&self.key),
            op: match self.operator.as_str() {
                "In" => Op::In,
                "NotIn" => Op::NotIn,
                "Exists" => Op::Exists,
                "DoesNotExist" => Op::DoesNotExist,
                _ => Op::Other,
            },
            values: self.values.iter().map(|v| names.get(v)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Wire, page, pod::Pod};
    use super::*;
    use crate::model::ids::ClusterId;
    use crate::model::pod::{Health, PodRow};

    fn row(spec: &serde_json::Value, status: &serde_json::Value) -> PodRow {
        let item = json!({"metadata": {"name": "p", "uid": "u"}, "spec": spec, "status": status});
        let list = json!({"items": [item]}).to_string();
        let mut items = page::<Pod>(list.as_bytes()).unwrap().items;
        items.remove(0).row(ClusterId(0), &mut Names::default())
    }

    #[test]
    fn requests_are_effective_over_all_containers() {
        let asks = |cpu: &str, memory: &str| json!({"requests": {"cpu": cpu, "memory": memory}});
        let spec = json!({
            "initContainers": [
                {"name": "side", "restartPolicy": "Always", "resources": asks("500m", "1Gi")},
                {"name": "init", "resources": asks("8", "1Gi")},
            ],
            "containers": [
                {"name": "main", "resources": {
                    "requests": {"cpu": "4", "nvidia.com/gpu": 2, "ephemeral-storage": "10Gi"},
                    "limits": {"memory": "16Gi", "nvidia.com/gpu": 2, "rdma/hca": 1, "hugepages-2Mi": "4Mi"},
                }},
                {"name": "logs", "resources": asks("250m", "1Gi")},
            ],
            "overhead": {"cpu": "100m", "memory": "64Mi"},
        });
        let shape = row(&spec, &json!({})).shape.clone();
        // the init container beside the sidecar asks for more than all that run later
        assert_eq!(shape.cpu_milli, 8_500 + 100);
        assert_eq!(shape.memory, (18 << 30) + (64 << 20));
        assert_eq!(shape.ephemeral, 10 << 30);
        assert_eq!(shape.devices.get("nvidia.com/gpu"), 2);
        assert_eq!(
            (
                shape.extra.get("rdma/hca"),
                shape.extra.get("hugepages-2Mi")
            ),
            (1, 4 << 20)
        );
        // what the pod says as a whole replaces cpu and memory, and nothing else
        let mut whole = spec;
        whole["resources"] = json!({"requests": {"cpu": "6"}, "limits": {"memory": "20Gi"}});
        let shape = row(&whole, &json!({})).shape.clone();
        assert_eq!(
            (shape.cpu_milli, shape.memory),
            (6_100, (20 << 30) + (64 << 20))
        );
        assert_eq!(shape.devices.get("nvidia.com/gpu"), 2);
    }

    #[test]
    fn where_it_may_go_and_what_it_was_given() {
        let spec = json!({
            "containers": [{"name": "main"}],
            "nodeSelector": {"pool": "a"},
            "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}, {"operator": "Exists"}],
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["z"]}]},
            ]}}},
            "resourceClaims": [{"name": "gpu", "resourceClaimName": "c"}],
        });
        let given = json!([{"name": "nvidia.com/gpu", "resources": [
            {"resourceID": "GPU-1", "health": "Healthy"}, {"resourceID": "GPU-2", "health": "Unhealthy"},
        ]}]);
        let status = json!({
            "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-02T03:04:05Z"}],
            "containerStatuses": [
                {"name": "main", "allocatedResourcesStatus": given},
                {"name": "other", "allocatedResourcesStatus": given},
            ],
            "extendedResourceClaimStatus": {"requestMappings": [
                {"containerName": "main", "resourceName": "nvidia.com/gpu", "requestName": "r"},
            ]},
        });
        let row = row(&spec, &status);
        assert_eq!(
            (
                row.shape.tolerations.len(),
                row.shape.affinity.len(),
                row.shape.claims
            ),
            (2, 1, 1)
        );
        assert_eq!(*row.shape.selector, [("pool".into(), "a".into())]);
        assert_eq!(*row.shape.by_claim, [Name::from("nvidia.com/gpu")]);
        assert_eq!(row.bound.get().map(|t| t.timestamp()), Some(1_767_323_045));
        let given: Vec<(&str, Health)> = row
            .given
            .iter()
            .flat_map(|g| &g.0)
            .map(|d| (&*d.id, d.health))
            .collect();
        assert_eq!(
            given,
            [("GPU-1", Health::Healthy), ("GPU-2", Health::Unhealthy)]
        );
    }
}
