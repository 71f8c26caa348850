//! The reconciler of queued jobs: gives each a Workload, starts it where the flavors say once that is admitted, and
//! stops it when it is not (any more).

use serde_json::{Value, json};

use super::jobs::{self, Kind, PodSet};
use super::multikueue::PREBUILT;
use super::seen::{BY, Seen, say};
use super::{Controller, Ids, Step};
use crate::api::write::Writer;
use crate::controllers::hub::Hub;
use crate::controllers::kubelet::hash;
use crate::controllers::operators::{self, kind_id};
use crate::controllers::tasks::{Key, Task};
use crate::store::Object;

pub const QUEUE: &str = "kueue.x-k8s.io/queue-name";
const PRIORITY: &str = "kueue.x-k8s.io/priority-class";
const MAX_TIME: &str = "kueue.x-k8s.io/max-exec-time-seconds";
pub const JOB_UID: &str = "kueue.x-k8s.io/job-uid";
pub const FINALIZER: &str = "kueue.x-k8s.io/resource-in-use";
/// What Kueue writes into a template when it starts a job.
pub const LABELS: [&str; 3] = [
    "kueue.x-k8s.io/podset",
    "kueue.x-k8s.io/local-queue-name",
    "kueue.x-k8s.io/cluster-queue-name",
];
const WORKLOAD: &str = "kueue.x-k8s.io/workload";
const PATCHES: &str = "kueue.x-k8s.io/manager";

/// Is the object controlled by a job that could be queued itself?
pub fn managed_by_other(value: &Value) -> bool {
    let owners = value["metadata"]["ownerReferences"].as_array();
    owners.into_iter().flatten().any(|o| {
        let group = o["apiVersion"].as_str().unwrap_or_default();
        let group = group.split_once('/').map_or("", |(g, _)| g);
        o["controller"] == true
            && jobs::find(group, o["kind"].as_str().unwrap_or_default()).is_some()
    })
}

/// A job that is being looked at.
struct Job<'k> {
    kind: &'k Kind,
    object: std::sync::Arc<Object>,
    value: Value,
    who: String,
}

impl Job<'_> {
    fn key(&self) -> Key {
        (self.object.namespace.clone(), self.object.name.clone())
    }

    fn say(&self, hub: &mut Hub<'_>, warning: bool, reason: &str, text: &str) {
        say(hub, &self.object, &self.who, warning, reason, text);
    }
}

impl Controller {
    /// Compares a job with its Workload.
    pub(super) fn sync_job(&mut self, hub: &mut Hub<'_>, ids: Ids, kind: &'static Kind, key: &Key) {
        let id = if kind.group == "batch" {
            Some(hub.kinds.jobs)
        } else {
            kind_id(&hub.cluster.store, kind.group, kind.kind)
        };
        let Some(object) = id.and_then(|id| hub.get(id, key)) else {
            return;
        };
        let value = object.value();
        if object.deleting || managed_by_other(&value) {
            return;
        }
        let group = kind.group.split('.').next().unwrap_or_default();
        let job = Job {
            who: format!("{group}/{}-kueue-controller", kind.kind.to_lowercase()),
            kind,
            object,
            value,
        };
        let workload = self.workload_of(hub, ids, &job);
        let queue = job.object.labels.get(QUEUE);
        if let Some(name) = prebuilt(&job.value).filter(|_| workload.is_none()) {
            return take_over(hub, ids, &job, name);
        }
        let Some(mut wl) = workload else {
            if queue.is_some() && job.kind.finished(&job.value).is_none() {
                self.create_workload(hub, ids, &job);
            }
            return;
        };
        if wl.object.deleting {
            self.stop(hub, &job, &wl, "Workload is deleted");
            drop_finalizer(hub, &wl);
            return;
        }
        if wl.finished() {
            drop_finalizer(hub, &wl);
            return;
        }
        if let Some(end) = kind.finished(&job.value) {
            let reason = if end.success { "Succeeded" } else { "Failed" };
            wl.set(hub.now(), ("Finished", true), reason, &end.message);
            wl.write(hub);
            let text = format!(
                "Workload '{}/{}' is declared finished",
                key.0, wl.object.name
            );
            job.say(hub, false, "FinishedWorkload", &text);
            return;
        }
        let sets = kind
            .pod_sets(hub, &job.object, &job.value)
            .unwrap_or_default();
        if self.tell_progress(hub, &job, &mut wl, &sets) {
            return;
        }
        if let Some((reason, message)) = wl.holds("Evicted") {
            self.stop(hub, &job, &wl, &message);
            let now_active = hub
                .get(job.object.kind, key)
                .is_some_and(|o| kind.active(&o.tree()));
            if wl.reserved() && !now_active {
                let now = hub.now();
                let again = matches!(reason.as_str(), "Preempted" | "NodeFailures");
                wl.set(now, ("Requeued", again), &reason, &message);
                wl.unreserve(now, "PendingEvaluation", &message);
                wl.write(hub);
            }
            return;
        }
        if kind.suspended(&job.value) {
            if wl.admitted() {
                self.start(hub, ids, &job, &wl, &sets);
                hub.wake(Task::Kueue(Step::Dispatch(wl.key())));
            } else if prebuilt(&job.value).is_none() {
                self.follow_changes(hub, &job, &wl, &sets);
            }
        } else if !wl.admitted() {
            self.stop(hub, &job, &wl, "Not admitted by cluster queue");
        }
    }

    fn workload_of(&self, hub: &Hub<'_>, ids: Ids, job: &Job<'_>) -> Option<Seen> {
        let places = hub.cache.dependents(&job.object.uid).into_iter();
        let mut places = places.filter(|(kind, ..)| *kind == ids.workloads);
        let (kind, namespace, name) = places.next()?;
        Seen::load(hub, kind, &(namespace, name))
    }

    fn create_workload(&mut self, hub: &mut Hub<'_>, ids: Ids, job: &Job<'_>) {
        if !job.kind.suspended(&job.value) {
            // One that was there before it got a queue, or was resumed: first it has to stop.
            suspend(hub, job, true);
        }
        if job.kind.active(&job.value) {
            return;
        }
        let Some(sets) = job.kind.pod_sets(hub, &job.object, &job.value) else {
            return;
        };
        let labels = &job.object.labels;
        let mut spec = json!({
            "active": true, "queueName": labels.get(QUEUE), "podSets": api_sets(&sets),
        });
        let (priority, class) = match self.priority(hub, ids, job, &sets) {
            Ok(found) => found,
            Err(name) => {
                let text = format!("WorkloadPriorityClass {name:?} not found");
                job.say(hub, true, "WorkloadPriorityClassNotFound", &text);
                // It may come yet.
                let again = super::jobs::KINDS
                    .iter()
                    .position(|k| k.kind == job.kind.kind);
                if let Some(at) = again {
                    let wait = hub.seconds(30.0);
                    hub.wake_in(wait, Task::Kueue(Step::Job(at, job.key())));
                }
                return;
            }
        };
        spec["priority"] = json!(priority);
        if class.is_object() {
            spec["priorityClassRef"] = class;
        }
        if let Some(seconds) = labels.get(MAX_TIME).and_then(|t| t.parse::<u32>().ok()) {
            spec["maximumExecutionTimeSeconds"] = json!(seconds);
        }
        let owner = operators::owner(hub, &job.object);
        let (kind, object) = (job.kind, &job.object);
        let name = workload_name(kind.group, kind.kind, &object.name, &object.uid);
        let value = json!({
            "metadata": {
                "name": name, "labels": {JOB_UID: job.object.uid}, "finalizers": [FINALIZER],
                "ownerReferences": [owner],
            },
            "spec": spec,
        });
        let by = Writer::new(BY);
        let namespace = job.object.namespace.clone();
        if hub
            .cluster
            .create(ids.workloads, &namespace, value, &by)
            .is_ok()
        {
            let text = format!("Created Workload: {namespace}/{name}");
            job.say(hub, false, "CreatedWorkload", &text);
        }
    }

    /// Value and reference; the name of a WorkloadPriorityClass that is not there.
    fn priority(
        &self,
        hub: &Hub<'_>,
        ids: Ids,
        job: &Job<'_>,
        sets: &[PodSet],
    ) -> Result<(i64, Value), String> {
        let policy = &job.value["spec"]["runPolicy"]["schedulingPolicy"]["priorityClass"];
        self.priority_of(hub, ids, &job.object, policy, sets)
    }

    /// The same of any object; `policy` names a class that goes before those of the pods.
    pub(super) fn priority_of(
        &self,
        hub: &Hub<'_>,
        ids: Ids,
        object: &Object,
        policy: &Value,
        sets: &[PodSet],
    ) -> Result<(i64, Value), String> {
        if let Some(name) = object.labels.get(PRIORITY) {
            let class = hub.get(ids.priorities, &(String::new(), name.clone()));
            let class = class.ok_or_else(|| name.clone())?;
            let value = class.tree()["value"].as_i64().unwrap_or(0);
            let group = "kueue.x-k8s.io";
            return Ok((
                value,
                json!({"group": group, "kind": "WorkloadPriorityClass", "name": name}),
            ));
        }
        let names = sets
            .iter()
            .map(|s| &s.template["spec"]["priorityClassName"]);
        let mut names = std::iter::once(policy)
            .chain(names)
            .filter_map(Value::as_str);
        let name = names.find(|n| !n.is_empty()).unwrap_or_default();
        let store = &hub.cluster.store;
        let kind = store.kind_id("scheduling.k8s.io", "priorityclasses");
        let class = kind.and_then(|k| store.get(k, "", name));
        let Some(class) = class else {
            return Ok((0, Value::Null));
        };
        let value = class.tree()["value"].as_i64().unwrap_or(0);
        let group = "scheduling.k8s.io";
        Ok((
            value,
            json!({"group": group, "kind": "PriorityClass", "name": name}),
        ))
    }

    /// Pods that are ready, pods that are not needed any more. True if that was written.
    fn tell_progress(
        &mut self,
        hub: &mut Hub<'_>,
        job: &Job<'_>,
        wl: &mut Seen,
        sets: &[PodSet],
    ) -> bool {
        let reclaimable = job.kind.reclaimable(&job.value);
        let list = match sets.first() {
            Some(first) if reclaimable > 0 => {
                json!([{"name": first.name, "count": reclaimable.min(first.count)}])
            }
            _ => Value::Null,
        };
        if wl.status["reclaimablePods"] != list {
            if list.is_null() {
                wl.drop_field("reclaimablePods");
            } else {
                wl.status["reclaimablePods"] = list;
            }
        }
        let ready =
            wl.admitted() && job.kind.ready(&job.value, sets) && !job.kind.suspended(&job.value);
        let before = wl.condition("PodsReady").cloned().unwrap_or_default();
        let recovering = matches!(
            before["reason"].as_str(),
            Some("WaitForRecovery" | "Recovered")
        );
        let (holds, reason, text) = if ready {
            let reason = if recovering { "Recovered" } else { "Started" };
            (
                true,
                reason,
                "All pods reached readiness and the workload is running",
            )
        } else if wl.admitted() && (before["status"] == "True" || recovering) {
            (
                false,
                "WaitForRecovery",
                "At least one pod has failed, waiting for recovery",
            )
        } else {
            (false, "WaitForStart", "Not all pods are ready or succeeded")
        };
        let word = if holds { "True" } else { "False" };
        // A workload that never ran is not told that its pods are not there.
        let news = before["status"] != word || before["reason"] != reason;
        if news && (wl.admitted() || before.is_object()) {
            wl.set(hub.now(), ("PodsReady", holds), reason, text);
        }
        let changed = wl.changed();
        wl.write(hub);
        changed
    }

    /// Another queue, or other pods, as long as it waits.
    fn follow_changes(&self, hub: &mut Hub<'_>, job: &Job<'_>, wl: &Seen, sets: &[PodSet]) {
        let queue = job.object.labels.get(QUEUE);
        let by = Writer::new(BY);
        let (kind, key) = (wl.object.kind, wl.key());
        if let Some(queue) = queue.filter(|q| wl.spec["queueName"] != **q) {
            hub.edit(kind, &key, &by, |v| v["spec"]["queueName"] = json!(queue));
            return;
        }
        let wanted = api_sets(sets);
        if !wl.reserved() && !sets.is_empty() && wl.spec["podSets"] != wanted {
            let done = hub.edit(kind, &key, &by, |v| v["spec"]["podSets"] = wanted);
            if done.is_some_and(|o| o.rv != wl.object.rv) {
                let text = format!(
                    "Updated not matching Workload for suspended job: {}/{}",
                    key.0, key.1
                );
                job.say(hub, false, "UpdatedWorkload", &text);
            }
        }
    }

    /// Resumes it where its flavors are.
    fn start(&mut self, hub: &mut Hub<'_>, ids: Ids, job: &Job<'_>, wl: &Seen, sets: &[PodSet]) {
        let admission = wl.status["admission"].clone();
        let assigned = admission["podSetAssignments"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let mut infos = Vec::new();
        for (set, part) in sets.iter().zip(&assigned) {
            infos.push((set, self.placement(hub, ids, wl, part)));
        }
        let by = Writer::new(BY);
        let kind = job.kind;
        let change = |v: &mut Value| {
            for (set, info) in &infos {
                if let Some(template) = v.pointer_mut(&set.at).filter(|_| !set.at.is_empty()) {
                    inject(template, info);
                }
            }
            if kind.patched() {
                let parts = infos.iter().map(|(set, info)| {
                    let mut template = json!({"spec": {}});
                    inject(&mut template, info);
                    json!({"name": set.name, "template": {"spec": {"template": template}}})
                });
                let parts: Vec<Value> = parts.collect();
                patch_runtime(v, &json!({"replicatedJobs": parts}));
            }
            kind.suspend(v, false);
        };
        if hub.edit(job.object.kind, &job.key(), &by, change).is_some() {
            let queue = admission["clusterQueue"].as_str().unwrap_or_default();
            job.say(
                hub,
                false,
                "Started",
                &format!("Admitted by clusterQueue {queue}"),
            );
        }
    }

    /// What goes into the template of a pod set: labels, annotations, node selector, tolerations.
    pub(super) fn placement(&self, hub: &Hub<'_>, ids: Ids, wl: &Seen, part: &Value) -> Value {
        let mut info = json!({"labels": {}, "annotations": {WORKLOAD: wl.object.name}, "selector": {}, "tolerations": []});
        let queue = &wl.status["admission"]["clusterQueue"];
        for (label, value) in LABELS
            .iter()
            .zip([&part["name"], &wl.spec["queueName"], queue])
        {
            info["labels"][*label] = value.clone();
        }
        let flavors = part["flavors"].as_object().into_iter().flatten();
        for (_, flavor) in flavors {
            let name = flavor.as_str().unwrap_or_default().to_owned();
            let Some(flavor) = hub.get(ids.flavors, &(String::new(), name)) else {
                continue;
            };
            let spec = &flavor.tree()["spec"];
            for (k, v) in spec["nodeLabels"].as_object().into_iter().flatten() {
                info["selector"][k.as_str()] = v.clone();
            }
            let more = spec["tolerations"].as_array().into_iter().flatten();
            if let Some(all) = info["tolerations"].as_array_mut() {
                for toleration in more {
                    if !all.contains(toleration) {
                        all.push(toleration.clone());
                    }
                }
            }
        }
        for check in wl.checks() {
            let updates = check["podSetUpdates"].as_array().into_iter().flatten();
            for update in updates.filter(|u| u["name"] == part["name"]) {
                for (k, v) in update["annotations"].as_object().into_iter().flatten() {
                    info["annotations"][k.as_str()] = v.clone();
                }
            }
        }
        info
    }

    /// Suspends it and gives its templates back as they were.
    fn stop(&mut self, hub: &mut Hub<'_>, job: &Job<'_>, wl: &Seen, message: &str) {
        let kind = job.kind;
        if !kind.suspended(&job.value) && suspend(hub, job, true) {
            job.say(hub, false, "Stopped", message);
        }
        let Some(now) = hub.get(job.object.kind, &job.key()) else {
            return;
        };
        let value = now.tree();
        if kind.active(&value) {
            return;
        }
        let sets = kind.pod_sets(hub, &now, &value).unwrap_or_default();
        let old = wl.spec["podSets"].as_array().cloned().unwrap_or_default();
        let mut restored = (*value).clone();
        for (set, old) in sets.iter().zip(&old) {
            if let Some(template) = restored.pointer_mut(&set.at).filter(|_| !set.at.is_empty()) {
                restore(template, &old["template"]);
            }
        }
        if kind.patched() {
            patch_runtime(&mut restored, &Value::Null);
        }
        if restored == *value {
            return;
        }
        // A template changes only before a start.
        if kind.group == "batch" && !value["status"]["startTime"].is_null() {
            let by = Writer::status(BY);
            hub.edit(job.object.kind, &job.key(), &by, |v| {
                if let Some(status) = v["status"].as_object_mut() {
                    status.remove("startTime");
                }
            });
        }
        let by = Writer::new(BY);
        let spec = restored["spec"].take();
        hub.edit(job.object.kind, &job.key(), &by, |v| v["spec"] = spec);
    }
}

/// The Workload that was there before the job.
fn prebuilt(job: &Value) -> Option<&str> {
    let meta = &job["metadata"];
    let named = |field: &str| meta[field][PREBUILT].as_str();
    named("annotations").or_else(|| named("labels"))
}

/// Makes a job the owner of the Workload that was there before it.
fn take_over(hub: &mut Hub<'_>, ids: Ids, job: &Job<'_>, name: &str) {
    let key = (job.object.namespace.clone(), name.to_owned());
    let free = hub.get(ids.workloads, &key);
    if free.is_none_or(|w| w.deleting || w.controller().is_some()) {
        return;
    }
    let owner = operators::owner(hub, &job.object);
    hub.edit(ids.workloads, &key, &Writer::new(BY), |v| {
        v["metadata"]["ownerReferences"] = json!([owner]);
        v["metadata"]["labels"][JOB_UID] = json!(job.object.uid);
    });
}

fn suspend(hub: &mut Hub<'_>, job: &Job<'_>, suspend: bool) -> bool {
    let by = Writer::new(BY);
    let change = |v: &mut Value| job.kind.suspend(v, suspend);
    hub.edit(job.object.kind, &job.key(), &by, change).is_some()
}

pub fn drop_finalizer(hub: &mut Hub<'_>, wl: &Seen) {
    let mut held = wl.meta["finalizers"].as_array().into_iter().flatten();
    if held.any(|f| f == FINALIZER) {
        let by = Writer::new(BY);
        hub.edit(wl.object.kind, &wl.key(), &by, |v| {
            crate::controllers::hub::drop_finalizer(v, FINALIZER);
        });
    }
}

pub fn api_sets(sets: &[PodSet]) -> Value {
    let sets = sets.iter().map(|s| {
        let mut template = s.template.clone();
        jobs::typed(&mut template);
        if template["metadata"].is_null() {
            template["metadata"] = json!({});
        }
        json!({"name": s.name, "count": s.count, "template": template})
    });
    sets.collect()
}

fn merge(parent: &mut Value, field: &str, from: &Value) {
    for (key, value) in from.as_object().into_iter().flatten() {
        parent[field][key.as_str()] = value.clone();
    }
}

pub fn inject(template: &mut Value, info: &Value) {
    merge(&mut template["metadata"], "labels", &info["labels"]);
    merge(
        &mut template["metadata"],
        "annotations",
        &info["annotations"],
    );
    merge(&mut template["spec"], "nodeSelector", &info["selector"]);
    let more = info["tolerations"].as_array().into_iter().flatten();
    for toleration in more {
        match template["spec"]["tolerations"].as_array_mut() {
            Some(all) if all.contains(toleration) => {}
            Some(all) => all.push(toleration.clone()),
            None => template["spec"]["tolerations"] = json!([toleration]),
        }
    }
}

/// Gives a template its selector, tolerations, labels and annotations back; the server's own labels stay.
fn restore(template: &mut Value, old: &Value) {
    for field in ["nodeSelector", "tolerations"] {
        put(&mut template["spec"], field, &old["spec"][field]);
    }
    for (field, ours) in [("labels", &LABELS[..]), ("annotations", &[WORKLOAD][..])] {
        if let Some(all) = template["metadata"][field].as_object_mut() {
            all.retain(|k, _| {
                !ours.contains(&k.as_str()) && !k.starts_with("autoscaling.x-k8s.io/")
            });
        }
        if template["metadata"][field] == json!({}) {
            put(&mut template["metadata"], field, &old["metadata"][field]);
        }
    }
}

fn put(parent: &mut Value, field: &str, value: &Value) {
    if let Some(fields) = parent.as_object_mut() {
        if value.is_null() {
            fields.remove(field);
        } else {
            fields.insert(field.to_owned(), value.clone());
        }
    }
}

/// Kueue's own patch of a TrainJob's runtime; null empties it.
fn patch_runtime(job: &mut Value, spec: &Value) {
    let mut all = job["spec"]["runtimePatches"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    all.retain(|p| p["manager"] != PATCHES);
    if spec.is_object() {
        all.push(json!({"manager": PATCHES, "trainingRuntimeSpec": {"template": {"spec": spec}}}));
    }
    let all = if all.is_empty() {
        Value::Null
    } else {
        json!(all)
    };
    put(&mut job["spec"], "runtimePatches", &all);
}

/// `<kind>-<name>-<hash>`, at most 63 characters.
pub fn workload_name(group: &str, kind: &str, name: &str, uid: &str) -> String {
    let seed = format!("{kind}\n{group}\n{name}\n{uid}");
    let hash = &format!("{:016x}", hash(&seed))[..5];
    let mut prefix = format!("{}-{name}", kind.to_lowercase());
    prefix.truncate(57);
    format!("{prefix}-{hash}")
}
