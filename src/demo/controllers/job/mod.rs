//! The Job controller: wakes on Jobs and their pods, lets [`sync`] decide, and carries it out.

mod backoff;
pub mod indexes;
mod policy;
pub mod sync;
mod template;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use self::backoff::Backoff;
use self::sync::Write;
use super::hub::{Hub, drop_finalizer, drop_owner};
use super::recorder::{Note, Source};
use super::tasks::{Key, Task};
use super::wire::{Job, Pod, TRACKING};
use crate::api::write::{Delete, Writer};
use crate::store::{Change, Event, Object};

const MANAGER: &str = "kube-controller-manager";
/// Pod events wake a Job only after a moment, so that one sync sees many of them.
const BATCH: Duration = Duration::from_secs(1);

/// The controller's own memory: failures in a row, per Job UID.
#[derive(Debug, Default)]
pub struct Controller {
    backoff: HashMap<String, Backoff>,
}

fn note<'a>(warning: bool, reason: &'a str, message: &'a str) -> Note<'a> {
    Note {
        from: Source::Controller("job-controller"),
        warning,
        reason,
        message,
        field: "",
    }
}

impl Controller {
    /// A Job appeared, changed or went.
    pub fn observe_job(&mut self, hub: &mut Hub<'_>, event: &Event) {
        let object = &event.object;
        let key = (object.namespace.clone(), object.name.clone());
        if event.change == Change::Deleted {
            self.backoff.remove(&object.uid);
            release_leftovers(hub, &object.uid);
            return;
        }
        let Some(job) = hub.cache.job(&object.uid).cloned() else {
            return;
        };
        if job.finished().is_some() {
            self.backoff.remove(&object.uid);
            release_leftovers(hub, &object.uid);
            hub.wake(Task::JobTtl(key));
            return;
        }
        let old = event.previous.as_ref();
        let old = old.map(|o| o.tree()["metadata"]["generation"].as_i64().unwrap_or(0));
        if old == Some(job.meta.generation) {
            let delay = hub.cluster.clock.scaled(BATCH);
            hub.wake_in(delay, Task::Job(key));
        } else {
            hub.wake(Task::Job(key));
        }
    }

    /// A pod appeared, changed or went.
    pub fn observe_pod(&mut self, hub: &mut Hub<'_>, event: &Event) {
        let (pod, old) = (&event.object, event.previous.as_ref());
        let owner = |o: &Object| {
            o.controller()
                .filter(|c| c.kind == "Job")
                .map(|c| c.uid.clone())
        };
        let (now, before) = (owner(pod), old.and_then(|o| owner(o)));
        let deleted = event.change == Change::Deleted;
        let delay = hub.cluster.clock.scaled(BATCH);
        for uid in before
            .iter()
            .filter(|b| Some(*b) != now.as_ref())
            .chain(&now)
        {
            if let Some(job) = hub.cache.job(uid).filter(|j| j.finished().is_none()) {
                let at_once = event.change == Change::Added;
                let delay = if at_once {
                    chrono::TimeDelta::zero()
                } else {
                    delay
                };
                let key = job.key();
                hub.wake_in(delay, Task::Job(key));
            }
        }
        let tracked = hub.cache.pod(&pod.uid).is_some_and(|p| p.tracked());
        if !deleted && tracked {
            let job = now.as_ref().map(|uid| hub.cache.job(uid));
            let abandoned = match job {
                Some(Some(job)) => job.finished().is_some(),
                _ => pod.controller().is_none_or(|c| c.kind == "Job"),
            };
            if abandoned {
                hub.wake(Task::ReleasePod((pod.namespace.clone(), pod.name.clone())));
            }
        }
        let labels = old.is_none_or(|o| o.labels != pod.labels || before != now);
        if !deleted && pod.controller().is_none() && labels {
            let jobs = hub.cluster.store.list(hub.kinds.jobs, Some(&pod.namespace));
            let jobs = jobs.filter_map(|o| hub.cache.job(&o.uid));
            let wanting = jobs.filter(|j| j.spec.selector.selects(&pod.labels));
            let keys: Vec<Key> = wanting.map(|j| j.key()).collect();
            for key in keys {
                hub.wake_in(delay, Task::Job(key));
            }
        }
    }

    /// One Job, now.
    pub fn sync(&mut self, hub: &mut Hub<'_>, key: &Key) {
        let Some(object) = hub.get(hub.kinds.jobs, key) else {
            return;
        };
        let Some(job) = hub.cache.job(&object.uid).cloned() else {
            return;
        };
        if job.finished().is_some() || job.managed_elsewhere() {
            return;
        }
        if claim(hub, &job) {
            // The cache does not show the pods' new owner yet; their events bring us back here.
            return;
        }
        let pods = hub.cache.owned(&object.uid);
        let old = self.backoff.get(&object.uid).cloned().unwrap_or_default();
        let outcome = sync::sync(&job, &pods, &old, &hub.cluster.clock);
        self.backoff.insert(object.uid.clone(), outcome.backoff);
        let mut made = 0;
        let mut refused = None;
        for write in outcome.writes {
            match write {
                Write::Create { index, failures } if refused.is_none() => {
                    let pod = template::pod(&job, index, failures);
                    let by = Writer::new(MANAGER);
                    match hub.cluster.create(hub.kinds.pods, &key.0, pod, &by) {
                        Ok(pod) => {
                            made += 1;
                            let text = format!("Created pod: {}", pod.name);
                            hub.event(&object, &note(false, "SuccessfulCreate", &text));
                        }
                        Err(why) => refused = Some(why.message),
                    }
                }
                Write::Create { .. } => {}
                Write::Delete { uid, uncounted } => delete(hub, &object, &uid, uncounted),
                Write::Release { uid } => release(hub, &uid),
                Write::Status(status) => {
                    let by = Writer::status(MANAGER);
                    let status = serde_json::to_value(*status).unwrap_or(Value::Null);
                    hub.edit(hub.kinds.jobs, key, &by, |v| v["status"] = status);
                }
                Write::Event {
                    warning,
                    reason,
                    message,
                } => {
                    let about = hub.get(hub.kinds.jobs, key).unwrap_or(object.clone());
                    hub.event(&about, &note(warning, &reason, &message));
                }
                Write::Again(delay) => hub.wake_in(delay, Task::Job(key.clone())),
            }
        }
        if let Some(why) = refused {
            let text = format!("Error creating: {why}");
            hub.event(&object, &note(true, "FailedCreate", &text));
            let wait = hub.seconds(if made > 0 { 1.0 } else { 10.0 });
            hub.wake_in(wait, Task::Job(key.clone()));
        }
    }

    /// Deletes a finished Job whose time is over.
    pub fn ttl(&mut self, hub: &mut Hub<'_>, key: &Key) {
        let Some(object) = hub.get(hub.kinds.jobs, key) else {
            return;
        };
        let Some(job) = hub.cache.job(&object.uid).cloned() else {
            return;
        };
        let ttl = job.spec.ttl_seconds_after_finished;
        let end = job.finished().and_then(|c| c.last_transition_time.clone());
        let (Some(ttl), Some(end), false) = (ttl, end, object.deleting) else {
            return;
        };
        let Ok(end) = end.parse::<DateTime<Utc>>() else {
            return;
        };
        let due = end + hub.cluster.clock.scaled(Duration::from_secs(ttl));
        if due > hub.now() {
            hub.tasks.at(due, Task::JobTtl(key.clone()));
            return;
        }
        let how = Delete {
            propagation: Some("Foreground".to_owned()),
            uid: Some(object.uid.clone()),
            ..Delete::default()
        };
        let _ = hub.delete(hub.kinds.jobs, key, &how);
    }

    /// Takes the tracking finalizer off a pod whose Job is gone or over.
    pub fn release_pod(&mut self, hub: &mut Hub<'_>, key: &Key) {
        let Some(object) = hub.get(hub.kinds.pods, key) else {
            return;
        };
        if let Some(owner) = object.controller() {
            let job = hub.cache.job(&owner.uid);
            let kept = |j: &Arc<Job>| j.managed_elsewhere() || j.finished().is_none();
            if owner.kind != "Job" || job.is_some_and(kept) {
                return;
            }
        }
        release(hub, &object.uid);
    }
}

fn release_leftovers(hub: &mut Hub<'_>, job: &str) {
    for pod in hub.cache.owned(job) {
        if pod.tracked() {
            hub.wake(Task::ReleasePod(pod.key()));
        }
    }
}

fn release(hub: &mut Hub<'_>, uid: &str) {
    let Some(key) = hub.cache.pod(uid).map(|p| p.key()) else {
        return;
    };
    if hub.get(hub.kinds.pods, &key).is_some_and(|o| o.uid == uid) {
        let by = Writer::new(MANAGER);
        hub.edit(hub.kinds.pods, &key, &by, |v| {
            drop_finalizer(v, TRACKING);
        });
    }
}

fn delete(hub: &mut Hub<'_>, job: &Object, uid: &str, uncounted: bool) {
    let Some(pod) = hub.cache.pod(uid).cloned() else {
        return;
    };
    if uncounted {
        release(hub, uid);
    }
    let how = Delete {
        uid: Some(uid.to_owned()),
        ..Delete::default()
    };
    match hub.delete(hub.kinds.pods, &pod.key(), &how) {
        Ok(()) => {
            let text = format!("Deleted pod: {}", pod.name());
            hub.event(job, &note(false, "SuccessfulDelete", &text));
        }
        Err(why) if why.code == 404 => {}
        Err(why) => {
            let text = format!("Error deleting: {}", why.message);
            hub.event(job, &note(true, "FailedDelete", &text));
        }
    }
}

/// Adopts pods that match the selector and lets go of owned ones that do not. True if any was written.
fn claim(hub: &mut Hub<'_>, job: &Arc<Job>) -> bool {
    let selector = &job.spec.selector;
    let matches = |p: &Pod| selector.selects(&p.object.labels);
    if selector.match_labels.is_empty() && selector.match_expressions.is_empty() {
        return false;
    }
    let by = Writer::new(MANAGER);
    let mut wrote = false;
    for pod in hub.cache.owned(&job.object.uid) {
        if !matches(&pod) {
            let uid = job.object.uid.clone();
            let done = hub.edit(hub.kinds.pods, &pod.key(), &by, |v| {
                drop_owner(v, &uid);
                drop_finalizer(v, TRACKING);
            });
            wrote |= done.is_some();
        }
    }
    if job.meta.deletion_timestamp.is_some() {
        return wrote;
    }
    for pod in hub.cache.strays(&job.object.namespace) {
        if matches(&pod) && !pod.deleting() {
            let done = hub.edit(hub.kinds.pods, &pod.key(), &by, |v| {
                let meta = &mut v["metadata"];
                let mut owners = meta["ownerReferences"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                owners.push(template::owner(job));
                meta["ownerReferences"] = json!(owners);
                let mut finalizers = meta["finalizers"].as_array().cloned().unwrap_or_default();
                finalizers.push(json!(TRACKING));
                meta["finalizers"] = json!(finalizers);
            });
            wrote |= done.is_some();
        }
    }
    wrote
}
