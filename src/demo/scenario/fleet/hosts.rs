//! The nodes of a large cluster beyond those of the scene, with what runs on every node.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::nodes::{self, Quirks};
use super::super::{Options, exporters};
use crate::api::defaults;
use crate::world::World;

/// Nodes that join at a time: so many newest objects are at hand as trees, and need not be read again.
const TOGETHER: usize = 400;

/// Puts the nodes in place that the scene does without; answers how many pods they brought with them.
pub fn join(world: &mut World, options: &Options, now: DateTime<Utc>) -> usize {
    let kinds = world.kinds();
    let layout = nodes::layout(options.nodes);
    let mut brought = 0;
    for some in layout.chunks(TOGETHER) {
        let mut new = Vec::new();
        for (family, nth) in some {
            let name = format!("{}-{nth}", family.name);
            if world.cluster.store.get(kinds.nodes, "", &name).is_some() {
                continue;
            }
            let mut node = nodes::node(family, *nth, Quirks::of(family, *nth), now);
            node["kind"] = json!("Node");
            node["apiVersion"] = json!("v1");
            node["metadata"]["uid"] = json!(world.cluster.random.uuid());
            defaults::apply("", "Node", &mut node);
            node["metadata"]["managedFields"] = managed(&node);
            world.cluster.store.put(kinds.nodes, node);
            new.push(name);
        }
        brought += exporters::extend(&mut world.cluster, kinds, options.seed, &new, now);
        world.adopt();
    }
    brought
}

/// Who set which of a node's fields: the kubelet, the discovery of features, the GPU operator, the controllers.
fn managed(node: &Value) -> Value {
    let meta = &node["metadata"];
    let mut labels: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (label, _) in meta["labels"].as_object().into_iter().flatten() {
        let by = match label.split('/').next().unwrap_or_default() {
            "feature.node.kubernetes.io" => "nfd-master",
            "nvidia.com" | "amd.com" => "gpu-operator",
            _ => "kubelet",
        };
        labels.entry(by).or_default().push(label.clone());
    }
    let time = &meta["creationTimestamp"];
    let entry = |by: &str, fields: Value, sub: &str| {
        let mut entry = json!({
            "manager": by, "operation": "Update", "apiVersion": "v1", "time": time, "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        });
        if !sub.is_empty() {
            entry["subresource"] = json!(sub);
        }
        entry
    };
    let mut all = Vec::new();
    for (by, labels) in &labels {
        let mut fields = json!({".": {}});
        for label in labels {
            fields[format!("f:{label}")] = json!({});
        }
        let mut fields = json!({"f:metadata": {"f:labels": fields}});
        if *by == "kubelet" {
            fields["f:metadata"]["f:annotations"] = json!({
                ".": {}, "f:volumes.kubernetes.io/controller-managed-attach-detach": {},
            });
            fields["f:spec"] = json!({"f:providerID": {}});
        }
        all.push(entry(by, fields, ""));
    }
    let spec = json!({
        "f:metadata": {"f:annotations": {"f:node.alpha.kubernetes.io/ttl": {}}},
        "f:spec": {"f:podCIDR": {}, "f:podCIDRs": {".": {}, format!("v:{}", node["spec"]["podCIDR"]): {}}, "f:taints": {}},
    });
    all.push(entry("kube-controller-manager", spec, ""));
    let mut amounts = [json!({".": {}}), json!({".": {}})];
    for (fields, list) in amounts.iter_mut().zip(["allocatable", "capacity"]) {
        for (name, _) in node["status"][list].as_object().into_iter().flatten() {
            fields[format!("f:{name}")] = json!({});
        }
    }
    let mut conditions = json!({".": {}});
    for condition in node["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
    {
        conditions[format!("k:{{\"type\":{}}}", condition["type"])] = json!({
            ".": {}, "f:lastHeartbeatTime": {}, "f:lastTransitionTime": {}, "f:message": {}, "f:reason": {},
            "f:status": {}, "f:type": {},
        });
    }
    let [allocatable, capacity] = amounts;
    let address = |kind: &str| {
        let key = format!("k:{{\"type\":\"{kind}\"}}");
        (key, json!({".": {}, "f:address": {}, "f:type": {}}))
    };
    let mut addresses = json!({".": {}});
    for (key, fields) in [address("Hostname"), address("InternalIP")] {
        addresses[key] = fields;
    }
    let status = json!({"f:status": {
        "f:addresses": addresses, "f:allocatable": allocatable, "f:capacity": capacity, "f:conditions": conditions,
        "f:daemonEndpoints": {"f:kubeletEndpoint": {"f:Port": {}}}, "f:features": {"f:supplementalGroupsPolicy": {}},
        "f:images": {}, "f:runtimeHandlers": {},
    }});
    all.push(entry("kubelet", status, "status"));
    json!(all)
}
