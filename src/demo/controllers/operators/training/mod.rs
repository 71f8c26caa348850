//! The training operator (kubeflow.org/v1): a pod and a service for each replica, conditions that tell how the whole
//! job fares. Its kinds differ in the table of [`frameworks`] only.

mod frameworks;
mod replicas;
mod team;
mod verdict;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use self::frameworks::Framework;
pub use self::frameworks::{JAX, PADDLE, PYTORCH, TENSORFLOW, XGBOOST};
use self::replicas::Count;
use self::team::Team;
use super::conditions::{self, Condition};
use crate::api::write::{Delete, Writer};
use crate::clock::rfc3339;
use crate::controllers::hub::Hub;
use crate::controllers::recorder::{Note, Source};
use crate::controllers::tasks::{Key, Task};
use crate::controllers::wire::Pod;
use crate::store::Object;

const MANAGER: &str = "manager";

/// One job at one look.
struct Look<'a, 'h> {
    hub: &'a mut Hub<'h>,
    framework: &'static Framework,
    object: Arc<Object>,
    spec: Value,
    status: Value,
    now: String,
}

/// Compares a job with its pods.
pub fn sync(hub: &mut Hub<'_>, key: &Key, framework: &'static Framework) {
    let Some(kind) = super::kind_id(&hub.cluster.store, "kubeflow.org", framework.kind) else {
        return;
    };
    let Some(object) = hub.get(kind, key).filter(|o| !o.deleting) else {
        return;
    };
    let value = object.value();
    let managed = value["spec"]["runPolicy"]["managedBy"].as_str();
    if managed.is_some_and(|m| m != "kubeflow.org/training-operator") {
        return;
    }
    let now = rfc3339(hub.now());
    let mut look = Look {
        hub,
        framework,
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

impl Look<'_, '_> {
    fn run(&mut self) {
        if conditions::finished(&self.status) {
            self.clean();
            self.expire();
            return;
        }
        let (kind, name) = (self.framework.kind, self.object.name.clone());
        self.set(
            "Created",
            true,
            "Created",
            &format!("{kind} {name} is created."),
        );
        if self.spec["runPolicy"]["suspend"] == true {
            self.suspend();
            return;
        }
        if conditions::is(&self.status, "Suspended") {
            let text = format!("{kind} {name} is resumed.");
            self.set("Suspended", false, "Resumed", &text);
            self.status["startTime"] = json!(self.now);
            self.event(false, &format!("{kind}Resumed"), &text);
        }
        let pods = self.pods();
        self.tell_of_waiting(&pods);
        if let Some(why) = self.exceeded(&pods) {
            self.give_up(&why);
            return;
        }
        let team = self.team();
        let roles: Vec<&'static str> = team.roles().collect();
        let restarting = conditions::get(&self.status, "Restarting").cloned();
        let counts: Vec<(&'static str, Count)> = roles
            .into_iter()
            .map(|role| (role, self.reconcile(role, &pods)))
            .collect();
        if self.status["startTime"].is_null() {
            self.status["startTime"] = json!(self.now);
        }
        self.judge(&counts, &pods, restarting.as_ref());
        if conditions::finished(&self.status) {
            self.clean();
            self.expire();
        } else {
            self.wake_at_deadline();
        }
    }

    fn team(&self) -> Team<'_> {
        Team {
            framework: self.framework,
            job: &self.object,
            spec: &self.spec,
        }
    }

    fn pods(&self) -> Vec<Arc<Pod>> {
        self.hub.cache.owned(&self.object.uid)
    }

    /// What keeps a pod from running is said of the job too.
    fn tell_of_waiting(&mut self, pods: &[Arc<Pod>]) {
        for pod in pods.iter().filter(|p| p.active()) {
            let status = &pod.status;
            if !status.container_statuses.is_empty() || !status.init_container_statuses.is_empty() {
                let value = pod.object.value();
                let all = ["containerStatuses", "initContainerStatuses"];
                let mut all = all.iter().filter_map(|f| value["status"][*f].as_array());
                for c in all.next().into_iter().flatten() {
                    self.tell_of_container(pod.name(), c);
                }
                continue;
            }
            let newest = status
                .conditions
                .iter()
                .rev()
                .max_by_key(|c| c.last_transition_time);
            if let Some(c) = newest.filter(|c| c.status != "True") {
                let value = pod.object.value();
                let all = value["status"]["conditions"]
                    .as_array()
                    .into_iter()
                    .flatten();
                let mut all = all.filter(|v| v["type"] == c.kind.as_str());
                let (name, why) = (pod.name(), all.next());
                let text = |f: &str| {
                    why.and_then(|v| v[f].as_str())
                        .unwrap_or_default()
                        .to_owned()
                };
                let message = format!("Error pod {name} condition message: {}", text("message"));
                self.event(true, &text("reason"), &message);
            }
        }
    }

    fn tell_of_container(&mut self, pod: &str, status: &Value) {
        let name = status["name"].as_str().unwrap_or_default();
        let ended = &status["state"]["terminated"];
        if let Some(code) = ended["exitCode"].as_i64().filter(|code| *code != 0) {
            let message = ended["message"].as_str().unwrap_or_default();
            let text = format!(
                "Error pod {pod} container {name} exitCode: {code} terminated message: {message}"
            );
            self.event(true, ended["reason"].as_str().unwrap_or_default(), &text);
        }
        let waits = &status["state"]["waiting"];
        if let Some(message) = waits["message"].as_str() {
            let text = format!("Error pod {pod} container {name} waiting message: {message}");
            self.event(true, waits["reason"].as_str().unwrap_or_default(), &text);
        }
    }

    /// Too many failures, or too much time.
    fn exceeded(&mut self, pods: &[Arc<Pod>]) -> Option<String> {
        let name = &self.object.name;
        let policy = &self.spec["runPolicy"];
        if let Some(limit) = policy["backoffLimit"].as_i64() {
            let team = self.team();
            let role = |p: &Pod| {
                let label = p.object.labels.get(team::ROLE)?;
                team.roles().find(|role| role.to_lowercase() == *label)
            };
            let running = pods.iter().filter(|p| p.status.phase == "Running");
            let counted = running.filter(|p| role(p).is_some_and(|r| team.policy(r) != "Never"));
            let restarts: i64 = counted.map(|p| p.restarts()).sum();
            let failed = pods.iter().filter(|p| p.failed()).count() as u64;
            let active = pods.iter().filter(|p| p.active()).count() as u64;
            let known = self.status["replicaStatuses"]
                .as_object()
                .into_iter()
                .flatten();
            let known: u64 = known.filter_map(|(_, s)| s["failed"].as_u64()).sum();
            let fresh = failed > known && active != team.total() && limit < 1;
            if fresh || restarts >= limit.max(1) {
                return Some(format!(
                    "Job {name} has failed because it has reached the specified backoff limit"
                ));
            }
        }
        let end = self.deadline()?;
        (self.hub.now() >= end).then(|| {
            format!("Job {name} has failed because it was active longer than specified deadline")
        })
    }

    /// When `activeDeadlineSeconds` are over.
    fn deadline(&self) -> Option<DateTime<Utc>> {
        let limit = self.spec["runPolicy"]["activeDeadlineSeconds"].as_f64()?;
        Some(self.time("startTime")? + self.hub.seconds(limit))
    }

    fn wake_at_deadline(&mut self) {
        if let Some(end) = self.deadline() {
            self.again_at(end);
        }
    }

    /// A limit is exceeded: all pods go, whatever the clean policy says.
    fn give_up(&mut self, why: &str) {
        self.status["completionTime"] = json!(self.now);
        for pod in self.pods() {
            self.dismiss(&pod);
        }
        self.event(false, &format!("{}Failed", self.framework.kind), why);
        self.set("Failed", true, "Failed", why);
        self.expire();
    }

    fn suspend(&mut self) {
        for pod in self.pods() {
            self.dismiss(&pod);
        }
        let roles = self.status["replicaStatuses"].as_object_mut();
        for (_, role) in roles.into_iter().flatten() {
            if let Some(fields) = role.as_object_mut() {
                fields.remove("active");
            }
        }
        let kind = self.framework.kind;
        let text = format!("{kind} {} is suspended.", self.object.name);
        if conditions::is(&self.status, "Running") {
            self.set("Running", false, "Suspended", &text);
        }
        if !conditions::is(&self.status, "Suspended") {
            self.set("Suspended", true, "Suspended", &text);
            self.event(false, &format!("{kind}Suspended"), &text);
        }
    }

    /// After the end, the pods that the policy names go with their services.
    fn clean(&mut self) {
        let policy = self.spec["runPolicy"]["cleanPodPolicy"].as_str();
        let policy = policy.unwrap_or("None").to_owned();
        for pod in self.pods() {
            if policy == "All" || (policy == "Running" && !pod.terminal()) {
                self.dismiss(&pod);
            }
        }
        if conditions::is(&self.status, "Succeeded") {
            // Whoever still ran has nothing to do any more.
            let roles = self.status["replicaStatuses"].as_object_mut();
            for (_, status) in roles.into_iter().flatten() {
                if let Some(active) = status["active"].as_u64() {
                    let succeeded = status["succeeded"].as_u64().unwrap_or_default();
                    status["succeeded"] = json!(succeeded + active);
                }
                if let Some(fields) = status.as_object_mut() {
                    fields.remove("active");
                }
            }
        }
    }

    fn expire(&mut self) {
        let ttl = self.spec["runPolicy"]["ttlSecondsAfterFinished"].as_f64();
        let (Some(ttl), Some(end)) = (ttl, self.time("completionTime")) else {
            return;
        };
        let at = end + self.hub.seconds(ttl);
        if self.hub.now() < at {
            self.again_at(at);
            return;
        }
        let how = Delete {
            propagation: Some("Background".to_owned()),
            ..Delete::default()
        };
        let _ = self.hub.delete(self.object.kind, &self.key(), &how);
    }

    fn key(&self) -> Key {
        (self.object.namespace.clone(), self.object.name.clone())
    }

    fn again_at(&mut self, at: DateTime<Utc>) {
        let wait = at - self.hub.now();
        let task = Task::Operator(self.framework.kind, self.key());
        self.hub.wake_in(wait, task);
    }

    fn time(&self, field: &str) -> Option<DateTime<Utc>> {
        self.status[field].as_str()?.parse().ok()
    }

    /// Sets a condition; a failed job's conditions stay as they are. `word` is the reason without the kind.
    fn set(&mut self, kind: &str, holds: bool, word: &str, message: &str) {
        if conditions::is(&self.status, "Failed") {
            return;
        }
        let condition = Condition {
            kind,
            holds,
            reason: &format!("{}{word}", self.framework.kind),
            message,
        };
        conditions::set(&mut self.status, &self.now, condition);
    }

    fn event(&mut self, warning: bool, reason: &str, message: &str) {
        let note = Note {
            from: Source::Operator(MANAGER, self.framework.controller),
            warning,
            reason,
            message,
            field: "",
        };
        self.hub.event(&self.object.clone(), &note);
    }
}

#[cfg(test)]
mod tests;
