//! The CronJob controller: makes a Job at each scheduled time, within the concurrency and history limits.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::hub::Hub;
use super::recorder::{Note, Source};
use super::schedule::Schedule;
use super::tasks::{Key, Task};
use super::wire::Job;
use crate::api::write::{Delete, Writer};
use crate::clock::rfc3339;
use crate::store::{Change, Event, Object};

const MANAGER: &str = "kube-controller-manager";
const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// The real controller wakes a little after the minute, too.
const LATE: TimeDelta = TimeDelta::milliseconds(100);

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    schedule: String,
    time_zone: Option<String>,
    starting_deadline_seconds: Option<i64>,
    concurrency_policy: Option<String>,
    suspend: Option<bool>,
    successful_jobs_history_limit: Option<usize>,
    failed_jobs_history_limit: Option<usize>,
}

/// The CronJob controller keeps nothing of its own.
#[derive(Debug, Default)]
pub struct Controller;

fn time(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}

/// One sync's view of a CronJob; `status` is changed and written back at the end.
struct Sync {
    object: std::sync::Arc<Object>,
    value: Value,
    spec: Spec,
    key: Key,
    dirty: bool,
}

impl Controller {
    pub fn observe(&mut self, hub: &mut Hub<'_>, event: &Event) {
        if event.change != Change::Deleted {
            let object = &event.object;
            hub.wake(Task::CronJob((
                object.namespace.clone(),
                object.name.clone(),
            )));
        }
    }

    /// A Job of a CronJob changed: its owner may have to be told.
    pub fn observe_job(&mut self, hub: &mut Hub<'_>, event: &Event) {
        let job = &event.object;
        if let Some(owner) = job.controller().filter(|o| o.kind == "CronJob") {
            let key = (job.namespace.clone(), owner.name.clone());
            hub.wake(Task::CronJob(key));
        }
    }

    /// One CronJob, now.
    pub fn sync(&mut self, hub: &mut Hub<'_>, key: &Key) {
        let Some(object) = hub.get(hub.kinds.cronjobs, key) else {
            return;
        };
        let value = object.value();
        let mut sync = Sync {
            spec: Spec::deserialize(&value["spec"]).unwrap_or_default(),
            object,
            value,
            key: key.clone(),
            dirty: false,
        };
        let jobs = sync.jobs(hub);
        sync.cleanup(hub, &jobs);
        sync.account(hub, &jobs);
        sync.start(hub);
        if sync.dirty {
            let status = sync.value["status"].clone();
            hub.edit(hub.kinds.cronjobs, key, &Writer::status(MANAGER), |v| {
                v["status"] = status
            });
        }
    }
}

impl Sync {
    fn say(&self, hub: &mut Hub<'_>, warning: bool, reason: &str, message: &str) {
        let note = Note {
            from: Source::Controller("cronjob-controller"),
            warning,
            reason,
            message,
            field: "",
        };
        hub.event(&self.object, &note);
    }

    /// Its Jobs, oldest first.
    fn jobs(&self, hub: &Hub<'_>) -> Vec<std::sync::Arc<Job>> {
        let places = hub.cache.dependents(&self.object.uid).into_iter();
        let places = places.filter(|(kind, _, _)| *kind == hub.kinds.jobs);
        let objects = places.filter_map(|(kind, ns, name)| hub.cluster.store.get(kind, &ns, &name));
        let ours = objects.filter(|o| o.controller().is_some_and(|c| c.uid == self.object.uid));
        let mut jobs: Vec<_> = ours
            .filter_map(|o| hub.cache.job(&o.uid).cloned())
            .collect();
        jobs.sort_by_key(|j| (j.status.start_time.clone(), j.object.name.clone()));
        jobs
    }

    fn active(&self) -> Vec<Value> {
        self.value["status"]["active"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    fn set_active(&mut self, active: Vec<Value>) {
        if active.is_empty() {
            self.value["status"]
                .as_object_mut()
                .map(|s| s.remove("active"));
        } else {
            self.value["status"]["active"] = json!(active);
        }
        self.dirty = true;
    }

    fn deactivate(&mut self, uid: &str) {
        let left = self
            .active()
            .into_iter()
            .filter(|a| a["uid"] != uid)
            .collect();
        self.set_active(left);
    }

    fn delete_job(&mut self, hub: &mut Hub<'_>, job: &Object) {
        let how = Delete {
            propagation: Some("Background".to_owned()),
            ..Delete::default()
        };
        let key = (job.namespace.clone(), job.name.clone());
        match hub.delete(hub.kinds.jobs, &key, &how) {
            Ok(()) => {
                self.deactivate(&job.uid);
                self.say(
                    hub,
                    false,
                    "SuccessfulDelete",
                    &format!("Deleted job {}", job.name),
                );
            }
            Err(why) => self.say(
                hub,
                true,
                "FailedDelete",
                &format!("Deleted job: {}", why.message),
            ),
        }
    }

    /// Deletes the oldest finished Jobs beyond the history limits.
    fn cleanup(&mut self, hub: &mut Hub<'_>, jobs: &[std::sync::Arc<Job>]) {
        let limits = [
            ("Complete", self.spec.successful_jobs_history_limit),
            ("Failed", self.spec.failed_jobs_history_limit),
        ];
        for (end, limit) in limits {
            let over: Vec<_> = jobs
                .iter()
                .filter(|j| j.finished().is_some_and(|c| c.kind == end))
                .collect();
            let extra = limit.map_or(0, |limit| over.len().saturating_sub(limit));
            for job in over.into_iter().take(extra) {
                if !job.object.deleting {
                    self.delete_job(hub, &job.object);
                }
            }
        }
    }

    /// Brings the list of active Jobs and the time of the last success up to date.
    fn account(&mut self, hub: &mut Hub<'_>, jobs: &[std::sync::Arc<Job>]) {
        for job in jobs {
            let (uid, name) = (job.object.uid.as_str(), job.object.name.as_str());
            let listed = self.active().iter().any(|a| a["uid"] == uid);
            let Some(end) = job.finished() else {
                if !listed {
                    let text =
                        format!("Saw a job that the controller did not create or forgot: {name}");
                    self.say(hub, true, "UnexpectedJob", &text);
                }
                continue;
            };
            if listed {
                let text = format!("Saw completed job: {name}, condition: {}", end.kind);
                self.deactivate(uid);
                self.say(hub, false, "SawCompletedJob", &text);
            }
            let done = job
                .status
                .completion_time
                .clone()
                .filter(|_| end.kind == "Complete");
            let before = time(&self.value["status"]["lastSuccessfulTime"]);
            if let Some(done) = done.filter(|d| d.parse::<DateTime<Utc>>().ok() > before) {
                self.value["status"]["lastSuccessfulTime"] = json!(done);
                self.dirty = true;
            }
        }
        for active in self.active() {
            let uid = active["uid"].as_str().unwrap_or_default();
            if hub.cluster.store.by_uid(uid).is_none() {
                let name = active["name"].as_str().unwrap_or_default();
                self.say(
                    hub,
                    false,
                    "MissingJob",
                    &format!("Active job went missing: {name}"),
                );
                self.deactivate(uid);
            }
        }
    }

    /// Starts a Job if its time has come, and asks to be woken for the next one.
    fn start(&mut self, hub: &mut Hub<'_>) {
        if self.object.deleting {
            return;
        }
        if let Some(zone) = self
            .spec
            .time_zone
            .clone()
            .filter(|z| !["UTC", "Etc/UTC", "GMT", ""].contains(&z.as_str()))
        {
            // Other zones are read as UTC: this process carries no time zone data.
            tracing::debug!(zone, "the demo cluster knows UTC only");
        }
        if self.spec.suspend == Some(true) {
            return;
        }
        let schedule = match Schedule::parse(&self.spec.schedule) {
            Ok(schedule) => schedule,
            Err(why) => {
                let text = format!("unparseable schedule: {:?} : {why}", self.spec.schedule);
                return self.say(hub, true, "UnparseableSchedule", &text);
            }
        };
        let now = hub.now();
        if let Some(next) = schedule.after(now) {
            hub.tasks.at(next + LATE, Task::CronJob(self.key.clone()));
        }
        let last = time(&self.value["status"]["lastScheduleTime"]);
        let mut from = last
            .or_else(|| time(&self.value["metadata"]["creationTimestamp"]))
            .unwrap_or(now);
        let deadline = self.spec.starting_deadline_seconds;
        if let Some(seconds) = deadline {
            from = from.max(now - TimeDelta::seconds(seconds));
        }
        let Some((due, missed)) = schedule.last_between(from, now) else {
            return;
        };
        if missed > 100 {
            let text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
            self.say(hub, true, "TooManyMissedTimes", text);
        }
        if deadline.is_some_and(|s| due + TimeDelta::seconds(s) < now) {
            let when = due.format("%a, %d %b %Y %H:%M:%S +0000");
            return self.say(
                hub,
                true,
                "MissSchedule",
                &format!("Missed scheduled time to start a job: {when}"),
            );
        }
        let name = format!("{}-{}", self.object.name, due.timestamp() / 60);
        if last == Some(due) || self.active().iter().any(|a| a["name"] == name.as_str()) {
            return;
        }
        match self.spec.concurrency_policy.as_deref() {
            Some("Forbid") if !self.active().is_empty() => {
                let text = "Not starting job because prior execution is running and concurrency policy is Forbid";
                return self.say(hub, false, "JobAlreadyActive", text);
            }
            Some("Replace") => {
                for active in self.active() {
                    let uid = active["uid"].as_str().unwrap_or_default();
                    if let Some(job) = hub.cluster.store.by_uid(uid).cloned() {
                        self.delete_job(hub, &job);
                    }
                }
            }
            _ => {}
        }
        self.create(hub, &name, due);
    }

    fn create(&mut self, hub: &mut Hub<'_>, name: &str, due: DateTime<Utc>) {
        let template = &self.value["spec"]["jobTemplate"];
        let mut meta = json!({
            "name": name,
            "annotations": template["metadata"]["annotations"],
            "ownerReferences": [{
                "apiVersion": "batch/v1", "kind": "CronJob", "name": self.object.name,
                "uid": self.object.uid, "controller": true, "blockOwnerDeletion": true,
            }],
        });
        meta["annotations"][SCHEDULED] = json!(rfc3339(due));
        if template["metadata"]["labels"].is_object() {
            meta["labels"] = template["metadata"]["labels"].clone();
        }
        let job = json!({"metadata": meta, "spec": template["spec"]});
        let made = hub
            .cluster
            .create(hub.kinds.jobs, &self.key.0, job, &Writer::new(MANAGER));
        let job = match made {
            Ok(job) => job,
            Err(why) if why.reason == "AlreadyExists" => return,
            Err(why) => {
                return self.say(
                    hub,
                    true,
                    "FailedCreate",
                    &format!("Error creating job: {}", why.message),
                );
            }
        };
        self.say(
            hub,
            false,
            "SuccessfulCreate",
            &format!("Created job {name}"),
        );
        let mut active = self.active();
        active.push(json!({
            "apiVersion": "batch/v1", "kind": "Job", "name": name, "namespace": self.key.0,
            "uid": job.uid, "resourceVersion": job.rv.to_string(),
        }));
        self.set_active(active);
        self.value["status"]["lastScheduleTime"] = json!(rfc3339(due));
    }
}
