//! The MPI operator (kubeflow.org/v2beta1): workers are pods that wait for connections, the launcher is a Job whose
//! end is the end of all.

mod objects;

use std::sync::Arc;

use serde_json::{Value, json};

use self::objects::{INDEX, Job};
use super::conditions::{self, Condition};
use super::create;
use super::look::place;
use crate::api::write::{Delete, Writer};
use crate::clock::rfc3339;
use crate::controllers::hub::Hub;
use crate::controllers::recorder::{Note, Source};
use crate::controllers::tasks::{Key, Task};
use crate::controllers::wire::Pod;
use crate::store::{KindId, Object};

const MANAGER: &str = "mpi-operator";

/// One MPIJob at one look.
struct Look<'a, 'h> {
    hub: &'a mut Hub<'h>,
    object: Arc<Object>,
    spec: Value,
    status: Value,
    now: String,
}

/// Compares an MPIJob with its launcher and its workers.
pub fn sync(hub: &mut Hub<'_>, key: &Key) {
    let Some(kind) = super::kind_id(&hub.cluster.store, "kubeflow.org", "MPIJob") else {
        return;
    };
    let Some(object) = hub.get(kind, key).filter(|o| !o.deleting) else {
        return;
    };
    let value = object.value();
    let managed = value["spec"]["runPolicy"]["managedBy"].as_str();
    if managed.is_some_and(|m| m != "kubeflow.org/mpi-operator") {
        return;
    }
    let now = rfc3339(hub.now());
    let mut look = Look {
        hub,
        object,
        spec: value["spec"].clone(),
        status: value["status"].clone(),
        now,
    };
    look.run();
    let (status, before) = (look.status, &value["status"]);
    if status != *before {
        hub.edit(kind, key, &Writer::status(MANAGER), |v| {
            v["status"] = status
        });
    }
}

fn holds(job: &Value, kind: &str) -> bool {
    let all = job["status"]["conditions"].as_array();
    let mut all = all.into_iter().flatten();
    all.any(|c| c["type"] == kind && c["status"] == "True")
}

impl Look<'_, '_> {
    fn run(&mut self) {
        let name = format!("MPIJob {}/{}", self.object.namespace, self.object.name);
        if conditions::get(&self.status, "Created").is_none() {
            let text = format!("{name} is created.");
            self.set("Created", true, "MPIJobCreated", &text);
            self.event(false, "MPIJobCreated", &text);
        }
        let ended = self.status["completionTime"].is_string();
        if ended && conditions::finished(&self.status) {
            if matches!(self.job().clean(), "All" | "Running") {
                self.dismiss_workers();
            }
            return;
        }
        let suspended = self.job().suspended();
        if self.status["startTime"].is_null() && !suspended {
            self.status["startTime"] = json!(self.now);
        }
        let mut launcher = self.launcher();
        let done = launcher
            .as_ref()
            .is_some_and(|j| holds(j, "Complete") || holds(j, "Failed"));
        let mut workers = Vec::new();
        if !done {
            self.furnish();
            if !suspended {
                workers = self.workers();
            }
            if launcher.is_none() && self.may_launch(&workers) {
                self.launch();
                launcher = self.launcher();
            }
        }
        self.align(launcher.as_ref());
        if suspended {
            self.dismiss_workers();
        }
        self.report(launcher.as_ref(), &workers, &name);
    }

    fn job(&self) -> Job<'_> {
        Job {
            object: &self.object,
            spec: &self.spec,
        }
    }

    fn key(&self, name: String) -> Key {
        (self.object.namespace.clone(), name)
    }

    fn launcher(&self) -> Option<Value> {
        let key = self.key(self.job().launcher_name());
        let found = self.hub.get(self.hub.kinds.jobs, &key)?;
        let ours = found.controller().is_some_and(|o| o.uid == self.object.uid);
        ours.then(|| found.value())
    }

    /// The worker pods that are there, by name.
    fn pods(&self) -> Vec<Arc<Pod>> {
        self.hub.cache.owned(&self.object.uid)
    }

    /// Service, hostfile and secret.
    fn furnish(&mut self) {
        let pods = self.pods();
        let running = pods.iter().filter(|p| p.status.phase == "Running");
        let mut running: Vec<String> = running.map(|p| p.name().to_owned()).collect();
        running.sort();
        let job = self.job();
        let (service, secret, config) = (job.service(), job.secret(), job.config(&running));
        let store = &self.hub.cluster.store;
        let kinds = [store.kind_id("", "services"), store.kind_id("", "secrets")];
        let configmaps = self.hub.kinds.configmaps;
        for (kind, value) in kinds.into_iter().zip([service, secret]) {
            if let Some(kind) = kind {
                self.put(kind, value);
            }
        }
        let made = self.put(configmaps, config.clone());
        if made.is_some_and(|old| old["data"] != config["data"]) {
            let key = self.key(format!("{}-config", self.object.name));
            let by = Writer::new(MANAGER);
            self.hub.edit(configmaps, &key, &by, |v| {
                v["data"] = config["data"].clone();
            });
        }
    }

    /// Creates an object unless it is there; answers what was there.
    fn put(&mut self, kind: KindId, value: Value) -> Option<Value> {
        let name = value["metadata"]["name"].as_str().unwrap_or_default();
        let key = self.key(name.to_owned());
        if let Some(old) = self.hub.get(kind, &key) {
            return Some(old.value());
        }
        let by = Writer::new(MANAGER);
        let _ = create(self.hub, kind, &key.0, value, &by);
        None
    }

    /// Makes the workers that are missing and deletes those too many; the pods in order, none for one just made.
    fn workers(&mut self) -> Vec<Option<Arc<Pod>>> {
        let wanted = self.job().workers();
        let pods = self.pods();
        if pods.len() > wanted {
            for pod in &pods {
                let label = pod.object.labels.get(INDEX);
                let index = label.and_then(|i| i.parse::<usize>().ok());
                if index.is_some_and(|i| i >= wanted) {
                    self.delete(pod);
                }
            }
        }
        let mut out = Vec::with_capacity(wanted);
        for index in 0..wanted {
            let name = self.job().worker_name(index);
            let there = pods.iter().find(|p| p.name() == name).cloned();
            if there.is_none() {
                let (pod, by) = (self.job().worker(index), Writer::new(MANAGER));
                let (kind, namespace) = (self.hub.kinds.pods, self.object.namespace.clone());
                if let Err(why) = create(self.hub, kind, &namespace, pod, &by) {
                    self.refused("worker", &why.message);
                }
            }
            out.push(there);
        }
        out
    }

    fn may_launch(&self, workers: &[Option<Arc<Pod>>]) -> bool {
        let waits = self.spec["launcherCreationPolicy"] == "WaitForWorkersReady";
        let ready = |p: &Option<Arc<Pod>>| p.as_ref().is_some_and(|p| p.ready());
        !waits || workers.iter().all(ready)
    }

    fn launch(&mut self) {
        let restart = &self.spec["mpiReplicaSpecs"]["Launcher"]["template"]["spec"];
        if restart["restartPolicy"].is_string() {
            let text =
                "Restart policy in pod template overridden by restart policy in replica spec";
            self.event(true, "SetPodTemplateRestartPolicy", text);
        }
        let (job, by) = (self.job().launcher(), Writer::new(MANAGER));
        let (kind, namespace) = (self.hub.kinds.jobs, self.object.namespace.clone());
        if let Err(why) = create(self.hub, kind, &namespace, job, &by) {
            self.refused("launcher", &why.message);
        }
    }

    fn refused(&mut self, what: &str, why: &str) {
        let text = format!("{what} pod created failed: {why}");
        self.event(true, "MPIJobFailed", &text);
        let wait = self.hub.seconds(15.0);
        let task = Task::Operator("MPIJob", self.key(self.object.name.clone()));
        self.hub.wake_in(wait, task);
    }

    /// Suspends and resumes the launcher with the MPIJob.
    fn align(&mut self, launcher: Option<&Value>) {
        let Some(launcher) = launcher else { return };
        let suspended = self.job().suspended();
        if (launcher["spec"]["suspend"] == true) == suspended {
            return;
        }
        let (key, by) = (self.key(self.job().launcher_name()), Writer::new(MANAGER));
        let jobs = self.hub.kinds.jobs;
        let pods = self.job().spec["mpiReplicaSpecs"]["Launcher"]["template"].clone();
        self.hub.edit(jobs, &key, &by, |v| {
            if !suspended {
                place(&mut v["spec"]["template"], &pods);
            }
            v["spec"]["suspend"] = json!(suspended);
        });
    }

    fn delete(&mut self, pod: &Pod) {
        let how = Delete {
            propagation: Some("Background".to_owned()),
            uid: Some(pod.uid().to_owned()),
            ..Delete::default()
        };
        if !pod.deleting() {
            let _ = self.hub.delete(self.hub.kinds.pods, &pod.key(), &how);
        }
    }

    fn dismiss_workers(&mut self) {
        let keep = self.job().clean() == "Running";
        for pod in self.pods() {
            if !(keep && pod.terminal()) {
                self.delete(&pod);
            }
        }
        self.status["replicaStatuses"]["Worker"] = json!({});
    }

    fn report(&mut self, launcher: Option<&Value>, workers: &[Option<Arc<Pod>>], name: &str) {
        let suspended = self.job().suspended();
        if suspended {
            if self.set("Suspended", true, "MPIJobSuspended", "MPIJob suspended") {
                self.event(false, "MPIJobSuspended", "MPIJob suspended");
            }
        } else if conditions::get(&self.status, "Suspended").is_some()
            && self.set("Suspended", false, "MPIJobResumed", "MPIJob resumed")
        {
            self.event(false, "MPIJobResumed", "MPIJob resumed");
            self.status["startTime"] = json!(self.now);
        }
        let launching = launcher.map_or(0, |launcher| self.report_launcher(launcher, name));
        let count = |phase: &str| {
            let mut n = 0;
            for pod in workers.iter().flatten() {
                n += u64::from(pod.status.phase == phase);
            }
            n
        };
        let running = count("Running");
        self.status["replicaStatuses"]["Worker"] = counters(&[
            ("active", running),
            ("succeeded", count("Succeeded")),
            ("failed", count("Failed")),
        ]);
        let evicted = workers.iter().flatten().filter(|p| p.failed());
        let evicted = evicted.filter(|p| p.object.value()["status"]["reason"] == "Evicted");
        let evicted = evicted.count();
        if evicted > 0 {
            let text = format!("{evicted}/{} workers are evicted", workers.len());
            if self.set("Failed", true, "MPIJobEvicted", &text) {
                self.event(true, "MPIJobEvicted", &text);
            }
        }
        if suspended {
            let text = format!("{name} is suspended.");
            self.set("Running", false, "MPIJobSuspended", &text);
        } else if conditions::finished(&self.status) {
            if conditions::get(&self.status, "Running").is_none() {
                let text = format!("{name} is finished but Running condition was never set.");
                self.set("Running", false, "MPIJobRunning", &text);
            }
        } else if launching > 0 && running == workers.len() as u64 {
            let text = format!("{name} is running.");
            if self.set("Running", true, "MPIJobRunning", &text) {
                self.event(false, "MPIJobRunning", text.trim_end_matches('.'));
            }
        }
    }

    /// Writes what the launcher Job says; how many of its pods run.
    fn report_launcher(&mut self, launcher: &Value, name: &str) -> u64 {
        let uid = launcher["metadata"]["uid"].as_str().unwrap_or_default();
        let pods = self.hub.cache.owned(uid);
        let running = pods.iter().filter(|p| p.status.phase == "Running").count() as u64;
        let failed = launcher["status"]["failed"].as_u64().unwrap_or(0);
        let (mut active, mut succeeded) = (0, 0);
        if holds(launcher, "Complete") {
            succeeded = 1;
            let text = format!("{name} successfully completed.");
            self.event(false, "MPIJobSucceeded", &text);
            if self.status["completionTime"].is_null() {
                self.status["completionTime"] = launcher["status"]["completionTime"].clone();
            }
            self.set("Succeeded", true, "MPIJobSucceeded", &text);
        } else if holds(launcher, "Failed") {
            self.fail(launcher, &pods, name);
        } else {
            active = running;
        }
        self.status["replicaStatuses"]["Launcher"] = counters(&[
            ("active", active),
            ("succeeded", succeeded),
            ("failed", failed),
        ]);
        running
    }

    /// The launcher's reason is the MPIJob's, with what its last failed pod says.
    fn fail(&mut self, launcher: &Value, pods: &[Arc<Pod>], name: &str) {
        let all = launcher["status"]["conditions"].as_array();
        let failed = all.into_iter().flatten().find(|c| c["type"] == "Failed");
        let text = |field: &str| {
            let text = failed.and_then(|c| c[field].as_str());
            text.unwrap_or_default().to_owned()
        };
        let (mut reason, mut message) = (text("reason"), text("message"));
        if reason.is_empty() {
            reason = "MPIJobFailed".to_owned();
        }
        if message.is_empty() {
            message = format!("{name} has failed");
        }
        if reason == "BackoffLimitExceeded"
            && let Some(last) = pods.iter().rfind(|p| p.failed())
        {
            let status = last.object.value()["status"].clone();
            let said = |field: &str| status[field].as_str().unwrap_or_default().to_owned();
            reason = format!("{reason}/{}", said("reason"));
            message = format!("{message}: {}", said("message"));
        }
        self.event(true, &reason, &message);
        if self.status["completionTime"].is_null() {
            self.status["completionTime"] = json!(self.now);
        }
        self.set("Failed", true, &reason, &message);
    }

    fn set(&mut self, kind: &str, holds: bool, reason: &str, message: &str) -> bool {
        let condition = Condition {
            kind,
            holds,
            reason,
            message,
        };
        conditions::set(&mut self.status, &self.now, condition)
    }

    fn event(&mut self, warning: bool, reason: &str, message: &str) {
        let note = Note {
            from: Source::Operator(MANAGER, "mpi-job-controller"),
            warning,
            reason,
            message,
            field: "",
        };
        self.hub.event(&self.object.clone(), &note);
    }
}

/// `replicaStatuses[]`: zeros are left out.
fn counters(all: &[(&str, u64)]) -> Value {
    let mut out = json!({});
    for (field, n) in all.iter().filter(|(_, n)| *n > 0) {
        out[*field] = json!(n);
    }
    out
}

#[cfg(test)]
mod tests;
