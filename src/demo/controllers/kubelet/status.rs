//! A pod's status as its kubelet reports it, from the state of its containers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::images;
use super::run::{Container, Ended, Run, State};
use crate::clock::rfc3339;

/// The new status: what the kubelet owns is computed, conditions of others are kept.
pub fn report(run: &Run, pod: &Value, host_ip: &str, now: DateTime<Utc>) -> Value {
    let old = &pod["status"];
    let mut status = old.clone();
    let phase = run.phase();
    status["phase"] = json!(phase);
    status["observedGeneration"] = pod["metadata"]["generation"].clone();
    status["startTime"] = json!(rfc3339(run.started));
    status["hostIP"] = json!(host_ip);
    status["hostIPs"] = json!([{"ip": host_ip}]);
    if run.sandbox <= now {
        status["podIP"] = json!(run.ip());
        status["podIPs"] = json!([{"ip": run.ip()}]);
    }
    if run.expired {
        let text = "Pod was active on the node longer than the specified deadline";
        status["reason"] = json!("DeadlineExceeded");
        status["message"] = json!(text);
    }
    if !status["qosClass"].is_string() {
        status["qosClass"] = json!(qos(pod));
    }
    status["conditions"] = conditions(run, pod, phase, now);
    for (field, init) in [
        ("initContainerStatuses", true),
        ("containerStatuses", false),
    ] {
        let all = run
            .containers
            .iter()
            .enumerate()
            .filter(|(_, c)| c.init == init);
        let all: Vec<Value> = all.map(|(at, c)| container(run, at, c, now)).collect();
        if !all.is_empty() {
            status[field] = json!(all);
        }
    }
    status
}

/// Adds which devices the containers have and how those are. What was told of a container stays after it has ended.
pub fn devices(status: &mut Value, old: &Value, health: &BTreeMap<String, Vec<Value>>) {
    const FIELD: &str = "allocatedResourcesStatus";
    for list in ["initContainerStatuses", "containerStatuses"] {
        for one in status[list].as_array_mut().into_iter().flatten() {
            let name = one["name"].as_str().unwrap_or_default().to_owned();
            let mut before = old[list].as_array().into_iter().flatten();
            let told = before.find(|c| c["name"] == name.as_str());
            let told = told.map(|c| &c[FIELD]).filter(|t| t.is_array());
            let all = health.get(&name).map(|all| json!(all));
            if let Some(all) = all.or_else(|| told.cloned()) {
                one[FIELD] = all;
            }
        }
    }
}

fn conditions(run: &Run, pod: &Value, phase: &str, now: DateTime<Utc>) -> Value {
    let over = phase == "Succeeded" || phase == "Failed";
    let unready = |init: bool| {
        let named = run
            .containers
            .iter()
            .filter(|c| c.init == init || (init && c.sidecar));
        let named = named.filter(|c| {
            if init {
                !(c.completed() || (c.sidecar && c.started()))
            } else {
                !c.ready(now)
            }
        });
        named.map(|c| c.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    let main = unready(false);
    let (ended, init) = (
        if phase == "Succeeded" {
            "PodCompleted"
        } else {
            "PodFailed"
        },
        unready(true),
    );
    let ready: (bool, &str, String) = if over {
        (false, ended, String::new())
    } else if main.is_empty() && run.initialized() {
        (true, "", String::new())
    } else {
        (
            false,
            "ContainersNotReady",
            format!("containers with unready status: [{main}]"),
        )
    };
    let initialized: (bool, &str, String) = if phase == "Succeeded" {
        (true, "PodCompleted", String::new())
    } else if init.is_empty() {
        (true, "", String::new())
    } else {
        (
            false,
            "ContainersNotInitialized",
            format!("containers with incomplete status: [{init}]"),
        )
    };
    let sandbox = run.sandbox <= now && !over;
    let wanted = [
        ("PodReadyToStartContainers", (sandbox, "", String::new())),
        ("Initialized", initialized),
        ("Ready", ready.clone()),
        ("ContainersReady", ready),
    ];
    let old = pod["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let ours = |kind: &str| wanted.iter().any(|(k, _)| *k == kind);
    let mut all = Vec::new();
    for (kind, (holds, reason, message)) in &wanted {
        let status = if *holds { "True" } else { "False" };
        let before = old
            .iter()
            .find(|c| c["type"] == *kind && c["status"] == status);
        let since = before.map(|c| c["lastTransitionTime"].clone());
        let mut condition = json!({
            "type": kind, "status": status, "lastProbeTime": null,
            "observedGeneration": pod["metadata"]["generation"],
            "lastTransitionTime": since.unwrap_or_else(|| json!(rfc3339(now))),
        });
        if !reason.is_empty() {
            condition["reason"] = json!(reason);
        }
        if !message.is_empty() {
            condition["message"] = json!(message);
        }
        all.push(condition);
    }
    all.extend(
        old.into_iter()
            .filter(|c| !ours(c["type"].as_str().unwrap_or_default())),
    );
    json!(all)
}

fn ended(e: &Ended) -> Value {
    json!({"terminated": {
        "exitCode": e.code, "reason": e.reason, "startedAt": rfc3339(e.started),
        "finishedAt": rfc3339(e.finished), "containerID": e.id,
    }})
}

fn container(run: &Run, at: usize, c: &Container, now: DateTime<Utc>) -> Value {
    let waiting = |reason: &str, message: &str| {
        if message.is_empty() {
            json!({"waiting": {"reason": reason}})
        } else {
            json!({"waiting": {"reason": reason, "message": message}})
        }
    };
    let has_init = run.containers.iter().any(|c| c.init);
    let over = run.phase() == "Succeeded" || run.phase() == "Failed";
    let state = match &c.state {
        State::Idle if over && run.stopping => json!({"terminated": {
            "exitCode": 137, "reason": "ContainerStatusUnknown", "startedAt": null, "finishedAt": null,
            "message": "The container could not be located when the pod was terminated",
        }}),
        State::Idle if has_init && !run.initialized() => waiting("PodInitializing", ""),
        State::Idle | State::Pulling { .. } | State::Creating { .. }
            if has_init && c.last.is_none() =>
        {
            waiting("PodInitializing", "")
        }
        State::Idle | State::Pulling { .. } | State::Creating { .. } => match &c.last {
            Some(last) => ended(last),
            None => waiting("ContainerCreating", ""),
        },
        State::NoImage {
            waiting: backing_off,
            ..
        } => {
            let broken = c.broken.clone();
            let why = broken
                .as_ref()
                .map(|b| b.message.as_str())
                .unwrap_or_default();
            match broken.as_ref().map(|b| b.reason) {
                Some("ErrImagePull") if *backing_off => waiting(
                    "ImagePullBackOff",
                    &format!(
                        "Back-off pulling image \"{}\": ErrImagePull: {why}",
                        c.image
                    ),
                ),
                Some(reason) => waiting(reason, why),
                None => waiting("ErrImagePull", ""),
            }
        }
        State::BadConfig { message, .. } => waiting("CreateContainerConfigError", message),
        State::Running { since, .. } => json!({"running": {"startedAt": rfc3339(*since)}}),
        State::BackOff { wait, .. } if wait.as_secs() > 1 => waiting(
            "CrashLoopBackOff",
            &format!(
                "back-off {} restarting failed container={} pod={}({})",
                go_duration(wait.as_secs()),
                c.name,
                run.place,
                run.uid
            ),
        ),
        State::BackOff { .. } => c.last.as_ref().map(ended).unwrap_or(json!({})),
        State::Ended(e) => ended(e),
    };
    let begun = matches!(c.state, State::Running { .. } | State::Ended(_)) || c.last.is_some();
    let last = match (&c.state, &c.last) {
        (State::BackOff { wait, .. }, Some(_)) if wait.as_secs() <= 1 => json!({}),
        (_, Some(last)) => ended(last),
        _ => json!({}),
    };
    let mut status = json!({
        "name": c.name, "state": state, "lastState": last, "ready": c.ready(now),
        "restartCount": c.restarts, "image": c.image, "imageID": "", "started": c.started(),
    });
    if begun || c.has_image() {
        status["imageID"] = json!(images::id(&c.image, images::hash(&c.image)));
    }
    if begun {
        status["containerID"] = json!(run.container_id(at));
    }
    status
}

/// `5m0s`, `40s`: Go's way to print a duration.
fn go_duration(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, s) => format!("{s}s"),
        (m, s) => format!("{m}m{s}s"),
    }
}

/// The quality-of-service class the API server would have set.
fn qos(pod: &Value) -> &'static str {
    let (mut any, mut equal) = (false, true);
    for part in ["initContainers", "containers"] {
        for c in pod["spec"][part].as_array().into_iter().flatten() {
            for r in ["cpu", "memory"] {
                let (limit, request) =
                    (&c["resources"]["limits"][r], &c["resources"]["requests"][r]);
                any |= !limit.is_null() || !request.is_null();
                equal &= !limit.is_null() && (request.is_null() || request == limit);
            }
        }
    }
    match (any, equal) {
        (false, _) => "BestEffort",
        (_, true) => "Guaranteed",
        _ => "Burstable",
    }
}
