//! The Workload controller: what a queue's state, time, admission checks and people do to a Workload, and where it stands
//! for the engine.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::engine::spec::{PodSet, Standing, Workload};
use super::reconcile::drop_finalizer;
use super::seen::{Seen, say};
use super::{Controller, Ids, Step, checks, texts, thousandths};
use crate::api::write::Writer;
use crate::clock::rfc3339;
use crate::controllers::hub::Hub;
use crate::controllers::quantity;
use crate::controllers::tasks::{Key, Task};
use crate::controllers::wire;

const WHO: &str = "kueue-workload-controller";
/// Seconds in which all pods of an admitted workload must be ready (`waitForPodsReady.timeout`).
const READY_TIMEOUT: f64 = 1800.0;
/// Its `requeuingStrategy`: back-off, longer than the default so that it is seen, and how often at most.
const BACKOFF: i64 = 600;
const BACKOFF_MOST: i64 = 3600;
const BACKOFF_LIMIT: i64 = 5;

impl Controller {
    /// Looks at one Workload.
    pub(super) fn sync_workload(&mut self, hub: &mut Hub<'_>, ids: Ids, key: &Key) {
        let Some(mut wl) = Seen::load(hub, ids.workloads, key) else {
            let queue = self.engine.get(key).map(|w| w.queue.clone());
            self.engine.remove(key);
            self.after_change(hub, queue.as_deref());
            return;
        };
        let owned = wl.meta["ownerReferences"]
            .as_array()
            .is_some_and(|o| !o.is_empty());
        let owner_there = wl.object.controller().is_some_and(|o| {
            hub.cluster
                .store
                .by_uid(&o.uid)
                .is_some_and(|job| !job.deleting)
        });
        if wl.object.deleting && (!owned || !owner_there || wl.finished()) {
            drop_finalizer(hub, &wl);
        } else if !wl.finished() && !wl.object.deleting {
            self.lead(hub, ids, &mut wl);
            wl.write(hub);
        }
        if !wl.finished() || wl.reserved() {
            checks::sync(hub, ids, &wl);
        }
        let Some(wl) = Seen::load(hub, ids.workloads, key) else {
            return;
        };
        self.enter(hub, &wl);
    }

    fn after_change(&mut self, hub: &mut Hub<'_>, queue: Option<&str>) {
        if let Some(queue) = queue {
            self.tell_of(hub, queue);
        }
        hub.wake(Task::Kueue(Step::Cycle));
    }

    /// Everything that time and its surroundings do to it.
    fn lead(&mut self, hub: &mut Hub<'_>, ids: Ids, wl: &mut Seen) {
        let now = hub.now();
        if !wl.active() {
            self.deactivate(hub, wl);
        } else if wl.is("DeactivationTarget") {
            let by = Writer::new(super::seen::BY);
            hub.edit(wl.object.kind, &wl.key(), &by, |v| {
                v["spec"]["active"] = json!(false)
            });
            return;
        } else {
            if let Some(at) = checks::retry_at(wl).filter(|at| *at > now)
                && wl.requeue_at().is_none_or(|old| old < at)
            {
                wl.status["requeueState"]["requeueAt"] = json!(rfc3339(at));
            }
            if let Some(at) = wl.requeue_at().filter(|_| !wl.reserved()) {
                if at > now {
                    let task = Task::Kueue(Step::Workload(wl.key()));
                    hub.wake_in(at - now, task);
                } else {
                    wl.drop_requeue_at();
                }
            }
            self.requeue(wl, now);
        }
        let local = self.local(wl);
        let queue = local.as_ref().map(|l| l.queue.clone()).unwrap_or_default();
        self.assign_checks(wl, &queue, now);
        if !wl.admitted() {
            if !wl.reserved()
                && let Some((reason, text)) = self.blocker(wl)
            {
                wl.set(now, ("QuotaReserved", false), reason, &text);
            }
            wl.sync_admitted(now);
            if wl.admitted() {
                let waited = wl
                    .since("QuotaReserved")
                    .map_or(0, |at| (now - at).num_seconds());
                let queue = wl.status["admission"]["clusterQueue"]
                    .as_str()
                    .unwrap_or_default();
                let text = format!(
                    "Admitted by ClusterQueue {queue}, wait time since reservation was {waited}s"
                );
                let object = wl.object.clone();
                say(hub, &object, WHO, false, "Admitted", &text);
            }
        }
        if wl.reserved() && wl.active() {
            self.watch_over(hub, ids, wl);
        }
    }

    fn deactivate(&self, hub: &mut Hub<'_>, wl: &mut Seen) {
        if !wl.evicted() {
            let cause = wl.holds("DeactivationTarget").unwrap_or_default();
            let mut text = "The workload is deactivated".to_owned();
            if !cause.0.is_empty() {
                text = format!("{text} due to {}", cause.1);
                if let Some(all) = wl.status["conditions"].as_array_mut() {
                    all.retain(|c| c["type"] != "DeactivationTarget");
                }
            }
            wl.evict(hub, "Deactivated", &text, &cause.0);
        }
        wl.drop_field("requeueState");
    }

    /// Back into the queue after what took it out is over.
    fn requeue(&self, wl: &mut Seen, now: DateTime<Utc>) {
        let Some(c) = wl.condition("Requeued").filter(|c| c["status"] == "False") else {
            return;
        };
        let running = |stop: Option<&str>| stop == Some("None");
        let local = self.local(wl);
        let facts = local.as_ref().and_then(|l| self.facts.get(&l.queue));
        let (reason, text) = match c["reason"].as_str().unwrap_or_default() {
            r if r.starts_with("Deactivated") => ("Reactivated", "The workload was reactivated"),
            "PodsReadyTimeout" | "AdmissionCheck" if wl.requeue_at().is_none() => {
                ("BackoffFinished", "The workload backoff was finished")
            }
            "LocalQueueStopped" if running(local.as_ref().map(|l| l.stop.as_str())) => (
                "LocalQueueRestarted",
                "The LocalQueue was restarted after being stopped",
            ),
            "ClusterQueueStopped" if running(facts.map(|f| f.stop.as_str())) => (
                "ClusterQueueRestarted",
                "The ClusterQueue was restarted after being stopped",
            ),
            _ => return,
        };
        wl.set(now, ("Requeued", true), reason, text);
    }

    fn local(&self, wl: &Seen) -> Option<super::Local> {
        let name = wl.spec["queueName"].as_str()?.to_owned();
        self.locals
            .get(&(wl.object.namespace.clone(), name))
            .cloned()
    }

    /// The checks that its queue, and the flavors it has, ask for.
    fn assign_checks(&self, wl: &mut Seen, queue: &str, now: DateTime<Utc>) {
        let Some(facts) = self.facts.get(queue) else {
            return;
        };
        let parts = wl.status["admission"]["podSetAssignments"].as_array();
        let flavors: Vec<String> = parts
            .into_iter()
            .flatten()
            .flat_map(|p| texts(&p["flavors"]).into_values())
            .collect();
        let wanted = facts
            .checks
            .iter()
            .filter(|(_, on)| on.is_empty() || on.iter().any(|f| flavors.contains(f)));
        let wanted: Vec<&String> = wanted.map(|(name, _)| name).collect();
        let mut all: Vec<Value> = wl
            .checks()
            .iter()
            .filter(|c| wanted.iter().any(|w| c["name"] == **w))
            .cloned()
            .collect();
        for name in wanted {
            if !all.iter().any(|c| c["name"] == **name) {
                all.push(json!({
                    "name": name, "state": "Pending", "message": "", "lastTransitionTime": rfc3339(now),
                }));
            }
        }
        all.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
        if all.is_empty() {
            wl.drop_field("admissionChecks");
        } else {
            wl.status["admissionChecks"] = json!(all);
        }
    }

    /// Why it is not even considered.
    fn blocker(&self, wl: &Seen) -> Option<(&'static str, String)> {
        let name = wl.spec["queueName"].as_str().unwrap_or_default();
        if !wl.active() {
            return Some(("Deactivated", "The workload is deactivated".to_owned()));
        }
        let Some(local) = self.local(wl) else {
            return Some(("Misconfigured", format!("LocalQueue {name} doesn't exist")));
        };
        if local.stop != "None" {
            return Some(("Suspended", format!("LocalQueue {name} is inactive")));
        }
        let queue = &local.queue;
        match self.facts.get(queue) {
            None => Some((
                "Misconfigured",
                format!("ClusterQueue {queue} doesn't exist"),
            )),
            Some(facts) if facts.active.0 != "Ready" => {
                Some(("Suspended", format!("ClusterQueue {queue} is inactive")))
            }
            Some(_) => {
                // What said so before no longer holds.
                let stale = wl.condition("QuotaReserved").is_some_and(|c| {
                    c["status"] == "False"
                        && matches!(
                            c["reason"].as_str(),
                            Some("Suspended" | "Misconfigured" | "Deactivated")
                        )
                        && !c["message"]
                            .as_str()
                            .is_some_and(|m| m.starts_with("workload namespace"))
                });
                let text = "Workload is pending evaluation in the scheduling queue";
                stale.then(|| ("PendingEvaluation", text.to_owned()))
            }
        }
    }

    /// What can take the quota from a workload that holds it.
    fn watch_over(&mut self, hub: &mut Hub<'_>, _: Ids, wl: &mut Seen) {
        let now = hub.now();
        if wl.evicted() {
            return;
        }
        let in_state = |state: &str| {
            let all = wl.checks().iter().filter(|c| c["state"] == state);
            let all: Vec<String> = all
                .map(|c| {
                    let name = c["name"].as_str().unwrap_or_default();
                    match c["message"].as_str().unwrap_or_default() {
                        "" => format!("{name:?}"),
                        text => format!("{name:?} ({text})"),
                    }
                })
                .collect();
            let noun = if all.len() > 1 {
                "AdmissionChecks"
            } else {
                "AdmissionCheck"
            };
            (!all.is_empty()).then(|| format!("{noun} in {state} state: {}", all.join("; ")))
        };
        if let Some(text) = in_state("Rejected") {
            wl.set(now, ("DeactivationTarget", true), "AdmissionCheck", &text);
            let object = wl.object.clone();
            say(
                hub,
                &object,
                WHO,
                true,
                "AdmissionCheckRejected",
                &format!("Deactivated due to {text}"),
            );
            hub.wake(Task::Kueue(Step::Workload(wl.key())));
            return;
        }
        if let Some(text) = in_state("Retry") {
            wl.evict(hub, "AdmissionCheck", &format!("Evicted due to {text}"), "");
            return;
        }
        let name = wl.spec["queueName"].as_str().unwrap_or_default().to_owned();
        let (local, held) = (
            self.local(wl),
            wl.status["admission"]["clusterQueue"].clone(),
        );
        let facts = self.facts.get(held.as_str().unwrap_or_default());
        let stops = [
            ("LocalQueue", name, local.map(|l| l.stop)),
            (
                "ClusterQueue",
                held.as_str().unwrap_or_default().to_owned(),
                facts.map(|f| f.stop.clone()),
            ),
        ];
        for (kind, name, stop) in stops {
            match stop.as_deref() {
                Some("HoldAndDrain") if wl.admitted() => {
                    let reason = format!("{kind}Stopped");
                    wl.evict(hub, &reason, &format!("The {kind} is stopped"), "");
                    return;
                }
                None if !wl.admitted() => {
                    let text = format!("{kind} {name} is terminating or missing");
                    return wl.unreserve(now, "Misconfigured", &text);
                }
                Some("Hold" | "HoldAndDrain") if !wl.admitted() => {
                    return wl.unreserve(now, "Suspended", &format!("{kind} {name} is stopped"));
                }
                _ => {}
            }
        }
        self.watch_time(hub, wl, now);
    }

    fn watch_time(&self, hub: &mut Hub<'_>, wl: &mut Seen, now: DateTime<Utc>) {
        let Some(admitted) = wl.since("Admitted").filter(|_| wl.admitted()) else {
            return;
        };
        let task = Task::Kueue(Step::Workload(wl.key()));
        if let Some(limit) = wl.spec["maximumExecutionTimeSeconds"].as_i64() {
            let past = wl.status["accumulatedPastExecutionTimeSeconds"]
                .as_i64()
                .unwrap_or(0);
            let end = admitted + hub.seconds((limit - past).max(0) as f64);
            if end <= now {
                let text = "exceeding the maximum execution time";
                wl.set(
                    now,
                    ("DeactivationTarget", true),
                    "MaximumExecutionTimeExceeded",
                    text,
                );
                wl.drop_field("accumulatedPastExecutionTimeSeconds");
                let text = format!("The maximum execution time ({limit}s) exceeded");
                let object = wl.object.clone();
                say(
                    hub,
                    &object,
                    WHO,
                    true,
                    "MaximumExecutionTimeExceeded",
                    &text,
                );
                hub.wake(task);
                return;
            }
            hub.wake_in(end - now, task.clone());
        }
        let Some(ready) = wl.condition("PodsReady") else {
            return;
        };
        if ready["status"] == "True" || ready["reason"] != "WaitForStart" {
            return;
        }
        let from = wl
            .since("PodsReady")
            .map_or(admitted, |at| at.max(admitted));
        let end = from + hub.seconds(READY_TIMEOUT);
        if end > now {
            hub.wake_in(end - now, task);
            return;
        }
        let count = wl.status["requeueState"]["count"].as_i64().unwrap_or(0) + 1;
        if count > BACKOFF_LIMIT {
            let text = "exceeding the maximum number of re-queuing retries";
            wl.set(
                now,
                ("DeactivationTarget", true),
                "RequeuingLimitExceeded",
                text,
            );
            hub.wake(task);
            return;
        }
        let wait = backoff(BACKOFF, BACKOFF_MOST, count);
        let at = now + hub.seconds(wait as f64);
        wl.status["requeueState"] = json!({"count": count, "requeueAt": rfc3339(at)});
        let (ns, name) = wl.key();
        let text = format!("Exceeded the PodsReady timeout {ns}/{name}");
        wl.evict(hub, "PodsReadyTimeout", &text, "WaitForStart");
    }

    /// Tells the engine where it stands now.
    fn enter(&mut self, hub: &mut Hub<'_>, wl: &Seen) {
        let entry = self.entry(hub, wl);
        let old = self.engine.get(&entry.key);
        let places = |w: &Workload| match &w.standing {
            Standing::Holding { queue, .. } => queue.clone(),
            _ => w.queue.clone(),
        };
        let mut touched = vec![places(&entry)];
        touched.extend(old.map(places));
        if self.engine.upsert(entry) {
            for queue in touched {
                self.after_change(hub, Some(&queue));
            }
        }
    }

    fn entry(&self, hub: &Hub<'_>, wl: &Seen) -> Workload {
        let local = self.local(wl);
        let queue = local.as_ref().map(|l| l.queue.clone()).unwrap_or_default();
        let now = hub.now();
        let requeued = wl.condition("Requeued");
        let out = wl.finished()
            || !wl.active()
            || wl.object.deleting
            || wl.evicted() && !wl.reserved() && requeued.is_some_and(|c| c["status"] == "False")
            || requeued.is_some_and(|c| c["status"] == "False")
            || wl.requeue_at().is_some_and(|at| at > now)
            || local.as_ref().is_none_or(|l| l.stop != "None");
        let admission = &wl.status["admission"];
        let standing = if wl.reserved() && admission.is_object() && !wl.finished() {
            Standing::Holding {
                queue: admission["clusterQueue"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                usage: usage(wl),
                since: wl
                    .since("QuotaReserved")
                    .map_or(0, |at| at.timestamp_millis()),
            }
        } else if out {
            Standing::Out
        } else {
            Standing::Waiting
        };
        let created = wl.meta["creationTimestamp"]
            .as_str()
            .and_then(|t| t.parse().ok());
        let queued: Option<DateTime<Utc>> = match wl.holds("Evicted") {
            Some((reason, _)) if reason == "AdmissionCheck" || reason == "PodsReadyTimeout" => {
                wl.since("Evicted")
            }
            _ => created,
        };
        let selector = self.facts.get(&queue).map(|f| &f.selector);
        let fits = selector.is_none_or(|s| selects(hub, s, &wl.object.namespace));
        let label = "kueue.x-k8s.io/job-uid";
        Workload {
            key: wl.key(),
            uid: wl.object.uid.clone(),
            job_uid: wl.object.labels.get(label).cloned().unwrap_or_default(),
            local_queue: wl.spec["queueName"].as_str().unwrap_or_default().to_owned(),
            priority: wl.spec["priority"].as_i64().unwrap_or(0),
            queued: queued.map_or(0, |at| at.timestamp_millis()),
            sets: sets(&wl.spec),
            admitted: wl.admitted(),
            evicted: wl.evicted(),
            refused: (!fits)
                .then(|| "workload namespace doesn't match ClusterQueue selector".to_owned()),
            queue,
            standing,
        }
    }
}

/// Seconds to wait before the nth try.
pub fn backoff(base: i64, most: i64, n: i64) -> i64 {
    let factor = 1i64
        .checked_shl(u32::try_from(n - 1).unwrap_or(0))
        .unwrap_or(i64::MAX);
    base.saturating_mul(factor).min(most)
}

/// Do a namespace's labels match?
fn selects(hub: &Hub<'_>, selector: &Value, namespace: &str) -> bool {
    let key = (String::new(), namespace.to_owned());
    let Some(ns) = hub
        .get(hub.kinds.namespaces, &key)
        .filter(|_| selector.is_object())
    else {
        return false;
    };
    let labels = &ns.labels;
    let plain = texts(&selector["matchLabels"]).into_iter();
    let mut plain = plain.map(|(k, v)| labels.get(&k) == Some(&v));
    let rules = selector["matchExpressions"]
        .as_array()
        .into_iter()
        .flatten();
    let mut rules = rules.map(|e| {
        let label = labels.get(e["key"].as_str().unwrap_or_default());
        let among = || {
            let values = e["values"].as_array().into_iter().flatten();
            values.into_iter().any(|v| label.is_some_and(|l| v == l))
        };
        match e["operator"].as_str() {
            Some("In") => among(),
            Some("NotIn") => !among(),
            Some("Exists") => label.is_some(),
            Some("DoesNotExist") => label.is_none(),
            _ => false,
        }
    });
    plain.all(|m| m) && rules.all(|m| m)
}

/// What it asks for, by pod set.
fn sets(spec: &Value) -> Vec<PodSet> {
    let all = spec["podSets"].as_array().into_iter().flatten();
    all.map(|set| {
        let count = set["count"].as_i64().unwrap_or(1);
        let pod = &set["template"]["spec"];
        let wire: wire::PodSpec = serde_json::from_value(pod.clone()).unwrap_or_default();
        let one = quantity::demand(&wire).into_iter();
        let terms =
            &pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
        PodSet {
            name: set["name"].as_str().unwrap_or("main").to_owned(),
            requests: one.map(|(r, n)| (r, n.saturating_mul(count))).collect(),
            count,
            selector: texts(&pod["nodeSelector"]),
            terms: terms["nodeSelectorTerms"].clone(),
            tolerations: pod["tolerations"].as_array().cloned().unwrap_or_default(),
        }
    })
    .collect()
}

/// What it holds, less what it has given back.
fn usage(wl: &Seen) -> BTreeMap<(String, String), i64> {
    let mut out = BTreeMap::new();
    let parts = wl.status["admission"]["podSetAssignments"].as_array();
    let given: &[Value] = wl.status["reclaimablePods"]
        .as_array()
        .map_or(&[], Vec::as_slice);
    for part in parts.into_iter().flatten() {
        let count = part["count"].as_i64().unwrap_or(1).max(1);
        let back = given.iter().find(|g| g["name"] == part["name"]);
        let back = back
            .and_then(|g| g["count"].as_i64())
            .unwrap_or(0)
            .min(count);
        for (resource, flavor) in texts(&part["flavors"]) {
            let all = thousandths(&part["resourceUsage"][&resource]).unwrap_or(0);
            let held = all / count * (count - back);
            *out.entry((flavor, resource)).or_insert(0) += held;
        }
    }
    out
}
