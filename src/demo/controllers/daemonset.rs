//! The DaemonSet controller: one pod of the template on every node that the template selects and whose taints it bears.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::hub::Hub;
use super::tasks::{Key, Task};
use crate::api::write::{Delete, Writer};
use crate::store::{Change, Event, Object};

/// Taints that daemon pods bear whatever their template says.
const BORNE: [(&str, &str); 7] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
    ("node.kubernetes.io/network-unavailable", "NoSchedule"),
];

fn by() -> Writer {
    Writer::new("kube-controller-manager")
}

/// Wakes for the sets themselves, for their pods, and for nodes that came, went or changed their labels or taints.
pub fn observe(hub: &mut Hub<'_>, event: &Event) {
    let (object, kinds) = (&event.object, hub.kinds);
    if object.kind == kinds.daemonsets {
        hub.wake(Task::DaemonSet(key(object)));
    } else if object.kind == kinds.pods {
        let owner = object.controller().filter(|o| o.kind == "DaemonSet");
        if let Some(owner) = owner {
            let key = (object.namespace.clone(), owner.name.clone());
            hub.wake(Task::DaemonSet(key));
        }
    } else if object.kind == kinds.nodes {
        let taints = |o: &Object| o.tree()["spec"]["taints"].clone();
        let same = event.previous.as_ref().is_some_and(|old| {
            event.change != Change::Deleted
                && old.labels == object.labels
                && taints(old) == taints(object)
        });
        if same {
            return;
        }
        let sets = hub.cluster.store.list(kinds.daemonsets, None);
        let sets: Vec<Key> = sets.map(|o| key(o)).collect();
        for set in sets {
            hub.wake(Task::DaemonSet(set));
        }
    }
}

fn key(object: &Object) -> Key {
    (object.namespace.clone(), object.name.clone())
}

/// The tolerations of the pods: the template's and those that all daemon pods have.
pub fn tolerations(template: &Value) -> Vec<Value> {
    let own = template["spec"]["tolerations"].as_array();
    let mut all = own.cloned().unwrap_or_default();
    let borne = BORNE.iter();
    all.extend(
        borne.map(|(key, effect)| json!({"key": key, "operator": "Exists", "effect": effect})),
    );
    all
}

fn bears(tolerations: &[Value], taint: &Value) -> bool {
    tolerations.iter().any(|t| {
        let any = |field: &str| t[field].as_str().unwrap_or_default().is_empty();
        let key = any("key") || t["key"] == taint["key"];
        let value = t["operator"] == "Exists" || t["value"] == taint["value"];
        let effect = any("effect") || t["effect"] == taint["effect"];
        key && value && effect
    })
}

/// Is there to be a pod of the set on the node?
pub fn wants(template: &Value, tolerations: &[Value], node: &Object) -> bool {
    let selector = template["spec"]["nodeSelector"].as_object();
    let selected = selector.into_iter().flatten().all(|(label, value)| {
        let have = node.labels.get(label);
        have.map(String::as_str) == value.as_str()
    });
    if !selected {
        return false;
    }
    let value = node.tree();
    let taints = value["spec"]["taints"].as_array().into_iter().flatten();
    let mut hard = taints.filter(|t| t["effect"] != "PreferNoSchedule");
    hard.all(|taint| bears(tolerations, taint))
}

/// One set, now: pods that lack are made, pods that are too many or over go, and the status tells how many are ready.
pub fn sync(hub: &mut Hub<'_>, key: &Key) {
    let Some(set) = hub.get(hub.kinds.daemonsets, key).filter(|s| !s.deleting) else {
        return;
    };
    let value = set.tree();
    let template = &value["spec"]["template"];
    let tolerations = tolerations(template);
    let nodes = hub.cluster.store.list(hub.kinds.nodes, None);
    let wanted: BTreeSet<String> = nodes
        .filter(|node| wants(template, &tolerations, node))
        .map(|node| node.name.clone())
        .collect();
    let mut on: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    let mut misplaced = 0;
    for pod in hub.cache.owned(&set.uid) {
        let tree = pod.object.tree();
        let host = host(&tree);
        let gone = pod.terminal() && !pod.deleting();
        if gone || (!wanted.contains(host) && !pod.deleting()) {
            let _ = hub.delete(hub.kinds.pods, &pod.key(), &Delete::default());
        }
        if !wanted.contains(host) {
            misplaced += 1;
        } else if !pod.deleting() && !pod.terminal() {
            let current = tree["spec"]["containers"][0]["image"]
                == template["spec"]["containers"][0]["image"];
            on.insert(host.to_owned(), (pod.ready(), current));
        }
    }
    for node in &wanted {
        if !on.contains_key(node) {
            make(hub, &set, template, &tolerations, node);
            on.insert(node.clone(), (false, true));
        }
    }
    let ready = on.values().filter(|(ready, _)| *ready).count();
    let updated = on.values().filter(|(_, current)| *current).count();
    let mut status = json!({
        "currentNumberScheduled": on.len(), "desiredNumberScheduled": wanted.len(),
        "numberMisscheduled": misplaced, "numberReady": ready, "numberAvailable": ready,
        "updatedNumberScheduled": updated, "observedGeneration": value["metadata"]["generation"],
    });
    if wanted.len() > ready {
        status["numberUnavailable"] = json!(wanted.len() - ready);
    }
    if value["status"] != status {
        let by = Writer::status("kube-controller-manager");
        hub.edit(hub.kinds.daemonsets, key, &by, |v| v["status"] = status);
    }
}

/// The node of a daemon pod: where it is, or where it is meant to go.
fn host(pod: &Value) -> &str {
    let bound = pod["spec"]["nodeName"].as_str().filter(|n| !n.is_empty());
    bound.unwrap_or_else(|| {
        let terms = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
            ["nodeSelectorTerms"][0]["matchFields"][0]["values"][0];
        terms.as_str().unwrap_or_default()
    })
}

fn make(hub: &mut Hub<'_>, set: &Object, template: &Value, tolerations: &[Value], node: &str) {
    let mut pod = json!({
        "metadata": template["metadata"].clone(),
        "spec": template["spec"].clone(),
    });
    pod["metadata"]["generateName"] = json!(format!("{}-", set.name));
    pod["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "DaemonSet", "name": set.name, "uid": set.uid,
        "controller": true, "blockOwnerDeletion": true,
    }]);
    pod["spec"]["tolerations"] = json!(tolerations);
    pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = json!({
        "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}],
    });
    let _ = hub
        .cluster
        .create(hub.kinds.pods, &set.namespace, pod, &by());
}
