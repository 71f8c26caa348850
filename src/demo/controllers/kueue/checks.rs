//! Admission checks: the provisioning check asks for nodes by a ProvisioningRequest and reports what came of it; the
//! autoscaler behind that is simulated too, and takes minutes.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::seen::{BY, Seen, say, set_condition};
use super::workload::backoff;
use super::{Ids, Step};
use crate::api::write::{Delete, Writer};
use crate::clock::rfc3339;
use crate::controllers::hub::Hub;
use crate::controllers::operators;
use crate::controllers::tasks::{Key, Task};

const CONTROLLER: &str = "kueue.x-k8s.io/provisioning-request";
const WHO: &str = "kueue-provisioning-request-controller";
/// Parameters of a class that the demo's autoscaler goes by: minutes until there are nodes, and how many
/// attempts fail before.
const MINUTES: &str = "demo.jobdeck.dev/minutes";
const FAILURES: &str = "demo.jobdeck.dev/failures";

/// Sets `Active` of all provisioning checks; the checks of other controllers are theirs.
pub fn judge_all(hub: &mut Hub<'_>, ids: Ids) {
    let all: Vec<Key> = hub
        .cluster
        .store
        .list(ids.checks, None)
        .map(|o| (String::new(), o.name.clone()))
        .collect();
    for key in all {
        let Some(mut check) = Seen::load(hub, ids.checks, &key) else {
            continue;
        };
        if check.spec["controllerName"] != CONTROLLER {
            continue;
        }
        let name = check.spec["parameters"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let known = hub
            .get(ids.configs, &(String::new(), name.clone()))
            .is_some();
        let now = hub.now();
        if known {
            check.set(
                now,
                ("Active", true),
                "Active",
                "The admission check is active",
            );
        } else {
            let text = format!("provisioningrequestconfigs.kueue.x-k8s.io {name:?} not found");
            check.set(now, ("Active", false), "BadParametersRef", &text);
        }
        check.write(hub);
    }
}

/// When the checks that want a retry want it.
pub fn retry_at(wl: &Seen) -> Option<DateTime<Utc>> {
    let times = wl
        .checks()
        .iter()
        .filter(|c| c["state"] == "Retry")
        .filter_map(|c| {
            let from: DateTime<Utc> = c["lastTransitionTime"].as_str()?.parse().ok()?;
            Some(from + TimeDelta::seconds(c["requeueAfterSeconds"].as_i64()?))
        });
    times.max()
}

/// The ProvisioningRequest of an attempt.
fn request_name(wl: &Seen, check: &str, attempt: i64) -> Key {
    let (ns, name) = wl.key();
    (ns, format!("{name}-{check}-{attempt}"))
}

/// Keeps the provisioning checks of a workload and their requests in step.
pub fn sync(hub: &mut Hub<'_>, ids: Ids, wl: &Seen) {
    if wl.checks().is_empty() {
        return;
    }
    let Some(mut wl) = Seen::load(hub, ids.workloads, &wl.key()) else {
        return;
    };
    if wl.evicted() || wl.finished() {
        forget(hub, ids, &wl);
        return;
    }
    if !wl.reserved() {
        return;
    }
    for at in 0..wl.checks().len() {
        let name = wl.checks()[at]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let check = hub.get(ids.checks, &(String::new(), name.clone()));
        let Some(check) = check
            .map(|c| c.tree())
            .filter(|c| c["spec"]["controllerName"] == CONTROLLER)
        else {
            continue;
        };
        let config = check["spec"]["parameters"]["name"]
            .as_str()
            .unwrap_or_default();
        let Some(config) = hub.get(ids.configs, &(String::new(), config.to_owned())) else {
            report(hub, &mut wl, at, "Pending", "the check is not active");
            continue;
        };
        one(hub, ids, &mut wl, at, &name, &config.tree()["spec"]);
    }
    wl.write(hub);
}

fn uses(config: &Value, wl: &Seen) -> bool {
    let managed = config["managedResources"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let sets = wl.spec["podSets"].as_array().into_iter().flatten();
    managed.is_empty()
        || sets.into_iter().any(|s| {
            let all = s["template"]["spec"]["containers"]
                .as_array()
                .into_iter()
                .flatten();
            all.into_iter().any(|c| {
                managed.iter().filter_map(Value::as_str).any(|r| {
                    let wanted = &c["resources"];
                    !wanted["requests"][r].is_null() || !wanted["limits"][r].is_null()
                })
            })
        })
}

fn one(hub: &mut Hub<'_>, ids: Ids, wl: &mut Seen, at: usize, name: &str, config: &Value) {
    if !uses(config, wl) {
        report(
            hub,
            wl,
            at,
            "Ready",
            "the provisioning request is not needed",
        );
        return;
    }
    let state = wl.checks()[at].clone();
    if state["state"] == "Ready" || state["state"] == "Rejected" {
        return;
    }
    let tried = state["retryCount"].as_i64().unwrap_or(0);
    let key = request_name(wl, name, tried + 1);
    let Some(request) = Seen::load(hub, ids.requests, &key) else {
        if state["state"] == "Pending" {
            create(hub, ids, wl, &key, config);
        }
        return;
    };
    let text = |c: &str| request.holds(c).map(|(_, m)| m).unwrap_or_default();
    let number = |f: &str, default| config["retryStrategy"][f].as_i64().unwrap_or(default);
    if request.is("Failed") {
        let attempt = tried + 1;
        if attempt > number("backoffLimitCount", 3) {
            report(hub, wl, at, "Rejected", &text("Failed"));
        } else if state["state"] != "Retry" {
            let wait = backoff(
                number("backoffBaseSeconds", 60),
                number("backoffMaxSeconds", 1800),
                attempt,
            );
            wl.status["admissionChecks"][at]["requeueAfterSeconds"] = json!(wait);
            report(
                hub,
                wl,
                at,
                "Retry",
                &format!("Retrying after failure: {}", text("Failed")),
            );
        }
    } else if request.is("Provisioned") {
        let sets = wl.spec["podSets"].as_array().into_iter().flatten();
        let updates = sets.map(|s| {
            json!({"name": s["name"], "annotations": {
                "autoscaling.x-k8s.io/consume-provisioning-request": request.object.name,
                "autoscaling.x-k8s.io/provisioning-class-name": request.spec["provisioningClassName"],
            }})
        });
        let updates: Vec<Value> = updates.collect();
        wl.status["admissionChecks"][at]["podSetUpdates"] = json!(updates);
        report(hub, wl, at, "Ready", &text("Provisioned"));
    } else if request.is("Accepted") {
        let eta = request
            .condition("Provisioned")
            .and_then(|c| c["message"].as_str());
        let eta = eta.unwrap_or_default().to_owned();
        report(hub, wl, at, "Pending", &eta);
    } else if state["message"] != "" {
        report(hub, wl, at, "Pending", "");
    }
}

fn report(hub: &mut Hub<'_>, wl: &mut Seen, at: usize, state: &str, message: &str) {
    let now = rfc3339(hub.now());
    let check = &mut wl.status["admissionChecks"][at];
    let old = check["state"].as_str().unwrap_or_default().to_owned();
    check["message"] = json!(message);
    if old == state {
        return;
    }
    check["state"] = json!(state);
    check["lastTransitionTime"] = json!(now);
    let name = check["name"].as_str().unwrap_or_default();
    let mut text = format!("Admission check {name} updated state from {old} to {state}");
    if !message.is_empty() {
        text.push_str(&format!(" with message: {message}"));
    }
    let object = wl.object.clone();
    say(hub, &object, WHO, false, "AdmissionCheckUpdated", &text);
    // Its own status is not written yet: what follows from it is seen to after that.
    hub.wake(Task::Kueue(Step::Workload(wl.key())));
}

fn create(hub: &mut Hub<'_>, ids: Ids, wl: &Seen, key: &Key, config: &Value) {
    let by = Writer::new(BY);
    let owner = operators::owner(hub, &wl.object);
    let templates = hub.cluster.store.kind_id("", "podtemplates");
    let mut sets = Vec::new();
    for set in wl.spec["podSets"].as_array().into_iter().flatten() {
        let name = format!("ppt-{}-{}", key.1, set["name"].as_str().unwrap_or_default());
        sets.push(json!({"count": set["count"], "podTemplateRef": {"name": name}}));
        if let Some(kind) = templates {
            let value = json!({
                "metadata": {"name": name, "ownerReferences": [owner], "labels": {"kueue.x-k8s.io/managed": "true"}},
                "template": set["template"],
            });
            let _ = hub.cluster.create(kind, &key.0, value, &by);
        }
    }
    let mut spec =
        json!({"provisioningClassName": config["provisioningClassName"], "podSets": sets});
    if config["parameters"].is_object() {
        spec["parameters"] = config["parameters"].clone();
    }
    let value = json!({
        "metadata": {"name": key.1, "ownerReferences": [owner], "labels": {"kueue.x-k8s.io/managed": "true"}},
        "spec": spec,
    });
    if hub.cluster.create(ids.requests, &key.0, value, &by).is_ok() {
        let text = format!("Created ProvisioningRequest: {:?}", key.1);
        say(
            hub,
            &wl.object,
            WHO,
            false,
            "ProvisioningRequestCreated",
            &text,
        );
    }
}

/// Requests of a workload that has no use for them.
fn forget(hub: &mut Hub<'_>, ids: Ids, wl: &Seen) {
    let places = hub.cache.dependents(&wl.object.uid).into_iter();
    let templates = hub.cluster.store.kind_id("", "podtemplates");
    let ours = places.filter(|(kind, ..)| *kind == ids.requests || Some(*kind) == templates);
    for (kind, namespace, name) in ours.collect::<Vec<_>>() {
        let _ = hub.delete(kind, &(namespace, name), &Delete::default());
    }
}

/// The autoscaler's look at a request.
pub fn provision(hub: &mut Hub<'_>, ids: Ids, key: &Key) {
    let Some(mut request) = Seen::load(hub, ids.requests, key) else {
        return;
    };
    if request.is("Provisioned") || request.is("Failed") || request.object.deleting {
        return;
    }
    let created = request.meta["creationTimestamp"]
        .as_str()
        .and_then(|t| t.parse().ok());
    let created: DateTime<Utc> = created.unwrap_or_else(|| hub.now());
    let number = |name: &str| {
        request.spec["parameters"][name]
            .as_str()?
            .parse::<f64>()
            .ok()
    };
    let (minutes, failures) = (
        number(MINUTES).unwrap_or(4.0),
        number(FAILURES).unwrap_or(0.0),
    );
    let attempt = key.1.rsplit('-').next().and_then(|n| n.parse::<f64>().ok());
    let fails = attempt.unwrap_or(1.0) <= failures;
    let accepted = created + hub.seconds(20.0);
    let done = created + hub.seconds(minutes * 60.0);
    let now = hub.now();
    let generation = request.meta["generation"].clone();
    let mut set = |name: &str, holds: bool, reason: &str, text: &str| {
        set_condition(
            &mut request.status,
            (name, holds),
            (reason, text),
            &generation,
            now,
        );
    };
    let wake = |hub: &mut Hub<'_>, at: DateTime<Utc>| {
        hub.wake_in(at - now, Task::Kueue(Step::Provision(key.clone())));
    };
    if now < accepted {
        wake(hub, accepted);
        return;
    }
    set(
        "Accepted",
        true,
        "Accepted",
        "ProvisioningRequest was accepted and queued",
    );
    if now < done {
        let text = format!(
            "Waiting for nodes to be provisioned. ETA: {}",
            rfc3339(done)
        );
        set("Provisioned", false, "WaitingForCapacity", &text);
        wake(hub, done);
    } else if fails {
        set(
            "Failed",
            true,
            "OutOfCapacity",
            "the zone is out of capacity for p5.48xlarge, no nodes were provisioned",
        );
    } else {
        set(
            "Provisioned",
            true,
            "Provisioned",
            "Provisioning Request was successfully provisioned.",
        );
    }
    request.write(hub);
}
