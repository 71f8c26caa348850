//! What a LeaderWorkerSet is made of: StatefulSets for the leaders and for each leader's workers, and their pods
//! with the labels and variables that the project's webhook gives them.

use serde_json::{Value, json};

use super::super::look::{Look, add_env, merge, owner};
use super::{GROUP, GROUP_KEY, LEADER, NAME, REVISION, SIZE, WORKER};
use crate::controllers::kubelet::{hash, mix};
use crate::controllers::wire::Pod;
use crate::store::Object;

fn template(look: &Look<'_, '_>, leads: bool) -> Value {
    let both = &look.spec["leaderWorkerTemplate"];
    let own = &both["leaderTemplate"];
    let chosen = if leads && own.is_object() {
        own
    } else {
        &both["workerTemplate"]
    };
    chosen.clone()
}

/// A StatefulSet with its pods' labels and annotations in the template.
fn set(name: &str, replicas: u64, start: u64, service: &str, pod: Value, select: Value) -> Value {
    let mut spec = json!({
        "replicas": replicas, "serviceName": service, "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": select}, "template": pod,
    });
    if start > 0 {
        spec["ordinals"] = json!({"start": start});
    }
    json!({"metadata": {"name": name}, "spec": spec})
}

pub fn leader_set(look: &Look<'_, '_>, groups: u64, size: u64, revision: &str) -> Value {
    let name = &look.object.name;
    let mut pod = template(look, true);
    let labels = json!({NAME: name, WORKER: "0", REVISION: revision});
    merge(&mut pod["metadata"], "labels", &labels);
    let annotations = json!({SIZE: size.to_string()});
    merge(&mut pod["metadata"], "annotations", &annotations);
    let mut set = set(name, groups, 0, name, pod, json!({NAME: name, WORKER: "0"}));
    set["metadata"]["ownerReferences"] = look.owners();
    set["metadata"]["labels"] = json!({NAME: name, REVISION: revision});
    set["metadata"]["annotations"] =
        json!({"leaderworkerset.sigs.k8s.io/replicas": groups.to_string()});
    set
}

pub fn worker_set(look: &Look<'_, '_>, leader: &Pod, size: u64) -> Value {
    let mut pod = template(look, false);
    let labels = group_labels(leader);
    merge(&mut pod["metadata"], "labels", &labels);
    let annotations = json!({SIZE: size.to_string(), LEADER: leader.name()});
    merge(&mut pod["metadata"], "annotations", &annotations);
    let mut select = labels.clone();
    if let Some(select) = select.as_object_mut() {
        select.remove(REVISION);
    }
    let service = look.object.name.clone();
    let mut set = set(leader.name(), size - 1, 1, &service, pod, select);
    set["metadata"]["ownerReferences"] = json!([owner(look.hub, &leader.object)]);
    set["metadata"]["labels"] = labels;
    set
}

/// What all of a leader's workers share with it.
fn group_labels(leader: &Pod) -> Value {
    let of = |key: &str| leader.object.labels.get(key).cloned().unwrap_or_default();
    json!({NAME: of(NAME), GROUP: of(GROUP), GROUP_KEY: of(GROUP_KEY), REVISION: of(REVISION)})
}

/// A pod as a StatefulSet makes it, with what the webhook adds.
fn pod(look: &Look<'_, '_>, of: &Object, mut template: Value, at: &str, size: u64) -> Value {
    let name = format!("{}-{at}", of.name);
    let group = template["metadata"]["labels"][GROUP].clone();
    let worker = template["metadata"]["labels"][WORKER].clone();
    let labels = json!({
        "statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": at,
        "controller-revision-hash": format!("{}-{:08x}", of.name, hash(&of.name) >> 32),
    });
    merge(&mut template["metadata"], "labels", &labels);
    let set = &look.object.name;
    let group = group.as_str().unwrap_or_default();
    let address = format!("{set}-{group}.{set}.{}", look.object.namespace);
    let variables = [
        ("LWS_LEADER_ADDRESS", json!(address)),
        ("LWS_GROUP_SIZE", json!(size.to_string())),
        ("LWS_WORKER_INDEX", worker),
    ];
    let mut spec = template["spec"].take();
    for part in ["initContainers", "containers"] {
        let all = spec.get_mut(part).and_then(Value::as_array_mut);
        for container in all.into_iter().flatten() {
            add_env(container, &variables);
        }
    }
    spec["hostname"] = json!(name);
    spec["subdomain"] = json!(set);
    let mut meta = template["metadata"].take();
    meta["name"] = json!(name);
    meta["generateName"] = json!(format!("{}-", of.name));
    meta["ownerReferences"] = json!([owner(look.hub, of)]);
    json!({"metadata": meta, "spec": spec})
}

pub fn leader(look: &Look<'_, '_>, of: &Object, index: u64, size: u64, revision: &str) -> Value {
    let name = format!("{}-{index}", of.name);
    // A digest in the place of SHA-1: as long, and as stable.
    let seed = hash(&format!("{}/{name}", look.object.namespace));
    let key: String = (0..3).map(|i| format!("{:016x}", mix(seed ^ i))).collect();
    let key: String = key.chars().take(40).collect();
    let mut wanted = leader_set(look, 1, size, revision)["spec"]["template"].take();
    let labels = json!({GROUP: index.to_string(), GROUP_KEY: key});
    merge(&mut wanted["metadata"], "labels", &labels);
    pod(look, of, wanted, &index.to_string(), size)
}

pub fn worker(look: &Look<'_, '_>, of: &Object, leader: &Pod, index: u64, size: u64) -> Value {
    let mut wanted = worker_set(look, leader, size)["spec"]["template"].take();
    let labels = json!({WORKER: index.to_string()});
    merge(&mut wanted["metadata"], "labels", &labels);
    pod(look, of, wanted, &index.to_string(), size)
}
