//! Plain pods and groups of them in a queue: held back by a scheduling gate until their Workload is admitted, deleted
//! when it is evicted, for a pod cannot be suspended.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::jobs;
use super::reconcile::{FINALIZER, JOB_UID, LABELS, QUEUE, api_sets, inject, managed_by_other};
use super::seen::{BY, Seen, say};
use super::{Controller, Ids, Step};
use crate::api::write::{Delete, Writer};
use crate::controllers::Hub;
use crate::controllers::kubelet::hash;
use crate::controllers::operators;
use crate::controllers::tasks::{Key, Task};
use crate::store::{Event, Object};

/// Label of the pods that are Kueue's business, and the finalizer on them.
const MANAGED: &str = "kueue.x-k8s.io/managed";
const GATE: &str = "kueue.x-k8s.io/admission";
const GROUP: &str = "kueue.x-k8s.io/pod-group-name";
const TOTAL: &str = "kueue.x-k8s.io/pod-group-total-count";
const IS_GROUP: &str = "kueue.x-k8s.io/is-group-workload";
const WHO: &str = "pod-kueue-controller";

/// The webhook: a pod in a queue is held at a gate.
pub fn admit(value: &mut Value) {
    let queue = value["metadata"]["labels"][QUEUE].as_str();
    if queue.is_none_or(str::is_empty) || managed_by_other(value) {
        return;
    }
    let meta = &mut value["metadata"];
    meta["labels"][MANAGED] = json!("true");
    for (at, item) in [
        ("/metadata/finalizers", json!(MANAGED)),
        ("/spec/schedulingGates", json!({"name": GATE})),
    ] {
        let Some((parent, field)) = at[1..].split_once('/') else {
            continue;
        };
        match value[parent][field].as_array_mut() {
            Some(all) if all.contains(&item) => {}
            Some(all) => all.push(item),
            None => value[parent][field] = json!([item]),
        }
    }
}

/// Whom an event of a pod concerns: the group, or the pod by itself.
pub fn concerned(event: &Event) -> Option<Step> {
    let object = &event.object;
    object.labels.get(MANAGED)?;
    let (group, name) = match object.labels.get(GROUP) {
        Some(group) => (true, group.clone()),
        None => (false, object.name.clone()),
    };
    Some(Step::Pods(group, (object.namespace.clone(), name)))
}

/// Whom an event of a Workload concerns, if pods own it.
pub fn owner(event: &Event) -> Option<Step> {
    let object = &event.object;
    let pod = object.owners.iter().find(|o| o.kind == "Pod")?;
    let (group, name) = if pod.controller {
        (false, pod.name.clone())
    } else {
        (true, object.name.clone())
    };
    Some(Step::Pods(group, (object.namespace.clone(), name)))
}

fn over(pod: &Object) -> bool {
    let phase = pod.tree()["status"]["phase"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    matches!(phase.as_str(), "Succeeded" | "Failed")
}

fn gated(pod: &Value) -> bool {
    let gates = pod["spec"]["schedulingGates"].as_array();
    gates.is_some_and(|all| all.iter().any(|g| g["name"] == GATE))
}

/// Pods of one sort within a group.
struct Role {
    name: String,
    pods: Vec<std::sync::Arc<Object>>,
    template: Value,
}

/// The template of a pod, without what the server and the queue put there.
fn template(pod: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    if let Some(fields) = spec.as_object_mut() {
        for field in ["nodeName", "schedulingGates", "hostname", "subdomain"] {
            fields.remove(field);
        }
    }
    let mut labels = pod["metadata"]["labels"].clone();
    if let Some(labels) = labels.as_object_mut() {
        labels.retain(|k, _| !LABELS.contains(&k.as_str()));
    }
    json!({"metadata": {"labels": labels}, "spec": spec})
}

/// What tells roles apart: images and what they ask for, and where they may run.
fn role(pod: &Value) -> String {
    let spec = &pod["spec"];
    let containers = spec["containers"].as_array().into_iter().flatten();
    let containers: Vec<String> = containers
        .map(|c| format!("{}{}", c["image"], c["resources"]))
        .collect();
    let shape = format!("{containers:?}{}", spec["affinity"]);
    format!("{:016x}", hash(&shape))[..8].to_owned()
}

impl Controller {
    /// Compares a pod, or a group of them, with its Workload.
    pub(super) fn sync_pods(&mut self, hub: &mut Hub<'_>, ids: Ids, group: bool, key: &Key) {
        let kind = hub.kinds.pods;
        let pods: Vec<_> = if group {
            let all = hub.cluster.store.list(kind, Some(&key.0));
            let all = all.filter(|p| p.labels.get(GROUP) == Some(&key.1));
            all.filter(|p| p.labels.contains_key(MANAGED))
                .cloned()
                .collect()
        } else {
            hub.get(kind, key).into_iter().collect()
        };
        let Some(lead) = pods.first() else { return };
        let name = if group {
            key.1.clone()
        } else {
            let seed = format!("Pod\n\n{}\n{}", key.1, lead.uid);
            let hash = &format!("{:016x}", hash(&seed))[..5];
            let mut prefix = format!("pod-{}", key.1);
            prefix.truncate(57);
            format!("{prefix}-{hash}")
        };
        let Some(mut wl) = Seen::load(hub, ids.workloads, &(key.0.clone(), name.clone())) else {
            let total = lead.tree()["metadata"]["annotations"][TOTAL]
                .as_str()
                .and_then(|t| t.parse().ok())
                .unwrap_or(1);
            let live = pods.iter().filter(|p| !p.deleting && !over(p)).count();
            if live > 0 && (!group || live >= total) {
                self.create_for_pods(hub, ids, group, &name, &pods);
            }
            for pod in pods.iter().filter(|p| p.deleting || over(p)) {
                release(hub, pod);
            }
            return;
        };
        if wl.finished() || wl.object.deleting {
            for pod in &pods {
                release(hub, pod);
            }
            super::reconcile::drop_finalizer(hub, &wl);
            return;
        }
        let total: i64 = wl.spec["podSets"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|s| s["count"].as_i64().unwrap_or(1))
            .sum();
        let won = pods
            .iter()
            .filter(|p| p.tree()["status"]["phase"] == "Succeeded")
            .count();
        let active = pods.iter().any(|p| !over(p) && !p.deleting);
        let end = if group {
            (won as i64 == total).then(|| (true, format!("Pods succeeded: {won}/{total}.")))
        } else {
            over(lead).then(|| {
                let message = lead.tree()["status"]["message"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                (won == 1, message)
            })
        };
        if let Some((success, message)) = end {
            let reason = if success { "Succeeded" } else { "Failed" };
            wl.set(hub.now(), ("Finished", true), reason, &message);
            return wl.write(hub);
        }
        for pod in pods.iter().filter(|p| p.deleting) {
            release(hub, pod);
        }
        if let Some((reason, message)) = wl.holds("Evicted") {
            for pod in pods
                .iter()
                .filter(|p| !over(p) && !p.deleting && !gated(&p.tree()))
            {
                say(hub, pod, WHO, false, "Stopped", &message);
                let _ = hub.delete(
                    kind,
                    &(pod.namespace.clone(), pod.name.clone()),
                    &Delete::default(),
                );
            }
            let held = pods.iter().all(|p| over(p) || gated(&p.tree()));
            if wl.reserved() && (held || !active) {
                let again = matches!(reason.as_str(), "Preempted" | "NodeFailures");
                wl.set(hub.now(), ("Requeued", again), &reason, &message);
                wl.unreserve(hub.now(), "PendingEvaluation", &message);
                wl.write(hub);
            }
            return;
        }
        if wl.admitted() {
            self.ungate(hub, ids, &wl, &pods);
        }
    }

    fn create_for_pods(
        &self,
        hub: &mut Hub<'_>,
        ids: Ids,
        group: bool,
        name: &str,
        pods: &[std::sync::Arc<Object>],
    ) {
        let Some(lead) = pods.first() else { return };
        let sets: Vec<jobs::PodSet> = roles(group, pods)
            .into_iter()
            .map(|role| jobs::PodSet {
                name: role.name,
                count: role.pods.len() as i64,
                template: role.template,
                at: String::new(),
            })
            .collect();
        let (priority, class) = match self.priority_of(hub, ids, lead, &Value::Null, &sets) {
            Ok(found) => found,
            Err(name) => {
                let text = format!("WorkloadPriorityClass {name:?} not found");
                return say(hub, lead, WHO, true, "WorkloadPriorityClassNotFound", &text);
            }
        };
        let mut spec = json!({
            "active": true, "queueName": lead.labels.get(QUEUE), "podSets": api_sets(&sets), "priority": priority,
        });
        if class.is_object() {
            spec["priorityClassRef"] = class;
        }
        let mut meta = json!({"name": name, "finalizers": [FINALIZER]});
        if group {
            let owners = pods
                .iter()
                .map(|p| json!({"apiVersion": "v1", "kind": "Pod", "name": p.name, "uid": p.uid}));
            meta["ownerReferences"] = owners.collect();
            meta["annotations"] = json!({IS_GROUP: "true"});
        } else {
            meta["ownerReferences"] = json!([operators::owner(hub, lead)]);
            meta["labels"] = json!({JOB_UID: lead.uid});
        }
        let value = json!({"metadata": meta, "spec": spec});
        let by = Writer::new(BY);
        let space = lead.namespace.clone();
        if hub
            .cluster
            .create(ids.workloads, &space, value, &by)
            .is_ok()
        {
            let text = format!("Created Workload: {space}/{name}");
            say(hub, lead, WHO, false, "CreatedWorkload", &text);
        }
    }

    /// Lets them be scheduled, where their flavors are.
    fn ungate(&mut self, hub: &mut Hub<'_>, ids: Ids, wl: &Seen, pods: &[std::sync::Arc<Object>]) {
        let parts = wl.status["admission"]["podSetAssignments"].clone();
        let queue = wl.status["admission"]["clusterQueue"].clone();
        let parts: Vec<Value> = parts.as_array().cloned().unwrap_or_default();
        for pod in pods.iter().filter(|p| !p.deleting && gated(&p.tree())) {
            let name = role(&pod.tree());
            let part = parts.iter().find(|p| p["name"] == *name).or(parts.first());
            let Some(part) = part else { continue };
            let info = self.placement(hub, ids, wl, part);
            let by = Writer::new(BY);
            let key = (pod.namespace.clone(), pod.name.clone());
            let done = hub.edit(pod.kind, &key, &by, |v| {
                let mut template =
                    json!({"metadata": v["metadata"].take(), "spec": v["spec"].take()});
                inject(&mut template, &info);
                v["metadata"] = template["metadata"].take();
                v["spec"] = template["spec"].take();
                if let Some(gates) = v["spec"]["schedulingGates"].as_array_mut() {
                    gates.retain(|g| g["name"] != GATE);
                    if gates.is_empty()
                        && let Some(spec) = v["spec"].as_object_mut()
                    {
                        spec.remove("schedulingGates");
                    }
                }
            });
            if done.is_some() {
                let text = format!(
                    "Admitted by clusterQueue {}",
                    queue.as_str().unwrap_or_default()
                );
                say(hub, pod, WHO, false, "Started", &text);
            }
        }
    }
}

fn roles(group: bool, pods: &[std::sync::Arc<Object>]) -> Vec<Role> {
    let mut out: BTreeMap<String, Role> = BTreeMap::new();
    for pod in pods.iter().filter(|p| !p.deleting) {
        let tree = pod.tree();
        let name = if group {
            role(&tree)
        } else {
            "main".to_owned()
        };
        let role = out.entry(name.clone()).or_insert_with(|| Role {
            name,
            pods: Vec::new(),
            template: template(&tree),
        });
        role.pods.push(pod.clone());
    }
    out.into_values().collect()
}

/// Lets a pod go that is over or being deleted.
fn release(hub: &mut Hub<'_>, pod: &Object) {
    let tree = pod.tree();
    let mut held = tree["metadata"]["finalizers"]
        .as_array()
        .into_iter()
        .flatten();
    if held.any(|f| f == MANAGED) {
        let key = (pod.namespace.clone(), pod.name.clone());
        hub.edit(pod.kind, &key, &Writer::new(BY), |v| {
            crate::controllers::hub::drop_finalizer(v, MANAGED);
        });
    }
}

/// Wakes whom a pod's event concerns.
pub fn observe(hub: &mut Hub<'_>, event: &Event) {
    if let Some(step) = concerned(event) {
        hub.wake(Task::Kueue(step));
    }
}
