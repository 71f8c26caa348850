//! The node lifecycle controller: a node that stopped answering is tainted, and its pods are evicted in time.

use serde_json::{Value, json};

use super::hub::Hub;
use super::recorder::{Note, Source};
use super::tasks::{Key, Task};
use crate::api::write::{Delete, Writer};
use crate::clock::rfc3339;
use crate::store::{Change, Event};

const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const NOT_READY: &str = "node.kubernetes.io/not-ready";

fn by() -> Writer {
    Writer::new("kube-controller-manager")
}

fn readiness(node: &Value) -> String {
    let mut all = node["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten();
    let ready = all.find(|c| c["type"] == "Ready");
    ready
        .and_then(|c| c["status"].as_str())
        .unwrap_or("Unknown")
        .to_owned()
}

/// Wakes when a node's readiness may have changed.
pub fn observe(hub: &mut Hub<'_>, event: &Event) {
    if event.change == Change::Deleted {
        return;
    }
    let old = event.previous.as_ref().map(|o| readiness(&o.tree()));
    if old.as_ref() != Some(&readiness(&event.object.tree())) {
        hub.wake(Task::Node(event.object.name.clone()));
    }
}

/// One node, now. True if it is ready.
pub fn sync(hub: &mut Hub<'_>, name: &str) -> bool {
    let key: Key = (String::new(), name.to_owned());
    let Some(node) = hub.get(hub.kinds.nodes, &key) else {
        return false;
    };
    let value = node.tree();
    let state = readiness(&value);
    let taint = match state.as_str() {
        "True" => None,
        "False" => Some(NOT_READY),
        _ => Some(UNREACHABLE),
    };
    let now = rfc3339(hub.now());
    let old = value["spec"]["taints"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let ours = |t: &Value| t["key"] == UNREACHABLE || t["key"] == NOT_READY;
    let have = old
        .iter()
        .any(|t| ours(t) && Some(t["key"].as_str().unwrap_or_default()) == taint);
    if have || (taint.is_none() && !old.iter().any(ours)) {
        if taint.is_some() {
            evict(hub, &key, taint.unwrap_or_default());
        }
        return taint.is_none();
    }
    let mut taints: Vec<Value> = old.into_iter().filter(|t| !ours(t)).collect();
    for effect in ["NoSchedule", "NoExecute"] {
        if let Some(taint) = taint {
            taints.push(json!({"key": taint, "effect": effect, "timeAdded": now}));
        }
    }
    hub.edit(hub.kinds.nodes, &key, &by(), |v| {
        if taints.is_empty() {
            v["spec"].as_object_mut().map(|s| s.remove("taints"));
        } else {
            v["spec"]["taints"] = json!(taints);
        }
    });
    let Some(taint) = taint else {
        return true;
    };
    let text = format!("Node {name} status is now: NodeNotReady");
    say(hub, &node, false, "NodeNotReady", &text, "node-controller");
    for pod in hub.cache.on_node(name) {
        if pod.ready() {
            let by = Writer::status("kube-controller-manager");
            hub.edit(hub.kinds.pods, &pod.key(), &by, |v| {
                for c in v["status"]["conditions"]
                    .as_array_mut()
                    .into_iter()
                    .flatten()
                {
                    if c["type"] == "Ready" {
                        c["status"] = json!("False");
                        c["lastTransitionTime"] = json!(now);
                    }
                }
            });
            say(
                hub,
                &pod.object,
                true,
                "NodeNotReady",
                "Node is not ready",
                "node-controller",
            );
        }
    }
    evict(hub, &key, taint);
    false
}

fn say(
    hub: &mut Hub<'_>,
    about: &crate::store::Object,
    warning: bool,
    reason: &str,
    message: &str,
    from: &str,
) {
    let note = Note {
        from: Source::Controller(from),
        warning,
        reason,
        message,
        field: "",
    };
    hub.event(about, &note);
}

/// Deletes pods that have borne the taint as long as they tolerate it; comes back for the others.
fn evict(hub: &mut Hub<'_>, node: &Key, taint: &str) {
    let Some(value) = hub.get(hub.kinds.nodes, node).map(|n| n.tree()) else {
        return;
    };
    let mut taints = value["spec"]["taints"].as_array().into_iter().flatten();
    let added = taints.find(|t| t["key"] == taint && t["effect"] == "NoExecute");
    let added = added.and_then(|t| {
        t["timeAdded"]
            .as_str()?
            .parse::<chrono::DateTime<chrono::Utc>>()
            .ok()
    });
    let added = added.unwrap_or_else(|| hub.now());
    for pod in hub.cache.on_node(&node.1) {
        if pod.deleting() || pod.terminal() {
            continue;
        }
        let spec = &pod.object.tree()["spec"]["tolerations"];
        let tolerates = |t: &&Value| {
            (t["key"] == taint || t["key"].is_null())
                && (t["effect"].is_null() || t["effect"] == "NoExecute")
        };
        let wait = match spec.as_array().into_iter().flatten().find(tolerates) {
            Some(t) if t["tolerationSeconds"].is_null() => continue,
            Some(t) => t["tolerationSeconds"].as_f64().unwrap_or(0.0),
            None => 0.0,
        };
        let due = added + hub.seconds(wait);
        if due > hub.now() {
            hub.tasks.at(due, Task::Node(node.1.clone()));
            continue;
        }
        let now = rfc3339(hub.now());
        let status = Writer::status("kube-controller-manager");
        hub.edit(hub.kinds.pods, &pod.key(), &status, |v| {
            let mut all = v["status"]["conditions"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            all.push(json!({
                "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager",
                "message": "Taint manager: deleting due to NoExecute taint",
                "lastProbeTime": null, "lastTransitionTime": now,
            }));
            v["status"]["conditions"] = json!(all);
        });
        let text = format!(
            "Marking for deletion Pod {}/{}",
            pod.namespace(),
            pod.name()
        );
        say(
            hub,
            &pod.object,
            false,
            "TaintManagerEviction",
            &text,
            "taint-eviction-controller",
        );
        let _ = hub.delete(hub.kinds.pods, &pod.key(), &Delete::default());
    }
}
