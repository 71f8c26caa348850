//! The training operator's PyTorchJob controller: a pod for each replica, told where the master is, and the
//! conditions that tell how the whole job fares.

mod pods;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::demo::api::write::{Delete, Writer};
use crate::demo::clock::rfc3339;
use crate::demo::controllers::hub::Hub;
use crate::demo::controllers::recorder::{Note, Source};
use crate::demo::controllers::tasks::{Key, Task};
use crate::demo::controllers::wire::Pod;
use crate::demo::store::Object;

const MANAGER: &str = "manager";
/// Roles in the order in which they are looked after.
const ROLES: [&str; 2] = ["Master", "Worker"];

/// One job at one look.
struct Look<'a, 'h> {
    hub: &'a mut Hub<'h>,
    object: std::sync::Arc<Object>,
    spec: Value,
    status: Value,
    now: String,
}

/// How the pods of a role fare.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    wanted: u64,
    active: u64,
    succeeded: u64,
    failed: u64,
    restarts: i64,
}

/// Compares a job with its pods.
pub fn sync(hub: &mut Hub<'_>, key: &Key) {
    let Some(kind) = hub.cluster.store.kind_id("kubeflow.org", "pytorchjobs") else {
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
        let name = self.object.name.clone();
        if self.finished() {
            self.clean();
            self.expire();
            return;
        }
        if self.condition("Created").is_none() {
            self.set(
                "Created",
                "PyTorchJobCreated",
                &format!("PyTorchJob {name} is created."),
            );
        }
        if self.spec["runPolicy"]["suspend"] == true {
            self.suspend();
            return;
        }
        if self.is("Suspended") {
            let text = format!("PyTorchJob {name} is resumed.");
            self.turn("Suspended", "False", "PyTorchJobResumed", &text);
            self.status["startTime"] = json!(self.now);
        }
        if self.status["startTime"].is_null() {
            self.status["startTime"] = json!(self.now);
        }
        let mut restarts = 0;
        for role in ROLES {
            if self.spec["pytorchReplicaSpecs"][role].is_object() {
                let count = self.reconcile(role);
                restarts += count.restarts;
                self.report(role, count);
                self.judge(role, count);
            }
        }
        self.limits(restarts);
        if self.finished() {
            self.clean();
        }
    }

    fn replicas(&self, role: &str) -> u64 {
        let spec = &self.spec["pytorchReplicaSpecs"][role];
        if spec.is_object() {
            spec["replicas"].as_u64().unwrap_or(1)
        } else {
            0
        }
    }

    fn policy(&self, role: &str) -> &str {
        let policy = &self.spec["pytorchReplicaSpecs"][role]["restartPolicy"];
        policy
            .as_str()
            .filter(|p| !p.is_empty())
            .unwrap_or("OnFailure")
    }

    fn pods(&self) -> Vec<std::sync::Arc<Pod>> {
        self.hub.cache.owned(&self.object.uid)
    }

    /// Makes the pods that are missing, deletes those that are too many or may be tried again, counts the rest.
    fn reconcile(&mut self, role: &str) -> Count {
        let wanted = self.replicas(role);
        let mut count = Count {
            wanted,
            ..Count::default()
        };
        let mut there = vec![false; usize::try_from(wanted).unwrap_or_default()];
        for pod in self.pods() {
            let labels = &pod.object.labels;
            if labels.get(pods::ROLE).map(String::as_str) != Some(&role.to_lowercase()) {
                continue;
            }
            let index = labels
                .get(pods::INDEX)
                .and_then(|i| i.parse::<usize>().ok());
            let place = index.and_then(|i| there.get_mut(i));
            let Some(place) = place else {
                self.delete(&pod);
                continue;
            };
            *place = true;
            let retry = self.policy(role) == "ExitCode" && pod.failed() && exit_code(&pod) >= 128;
            if retry && !pod.deleting() {
                self.delete(&pod);
            }
            count.restarts += pod.restarts();
            count.succeeded += u64::from(pod.succeeded());
            count.failed += u64::from(pod.failed() && !pod.deleting());
            count.active += u64::from(!pod.terminal());
        }
        for (index, _) in there.iter().enumerate().filter(|(_, there)| !**there) {
            self.create(role, index);
        }
        count
    }

    fn create(&mut self, role: &str, index: usize) {
        let world = self.replicas("Master") + self.replicas("Worker");
        let master = self.replicas("Master") > 0;
        let restart = match self.policy(role) {
            "ExitCode" => "Never",
            other => other,
        };
        let made = pods::pod(
            &self.object,
            &self.spec,
            role,
            index,
            &pods::Group {
                world,
                master,
                restart,
            },
        );
        let (namespace, by) = (self.object.namespace.clone(), Writer::new(MANAGER));
        let pods = self.hub.kinds.pods;
        match self.hub.cluster.create(pods, &namespace, made, &by) {
            Ok(pod) => {
                let text = format!("Created pod: {}", pod.name);
                self.event(false, "SuccessfulCreatePod", &text);
            }
            // It is there already: the cache will show it.
            Err(why) if why.code == 409 => {}
            Err(why) => {
                let text = format!("Error creating: {}", why.message);
                self.event(true, "FailedCreatePod", &text);
                let key = (self.object.namespace.clone(), self.object.name.clone());
                let wait = self.hub.seconds(15.0);
                self.hub.wake_in(wait, Task::Operator("PyTorchJob", key));
            }
        }
        if role == "Master" {
            let service = pods::service(&self.object);
            if let Some(services) = self.hub.cluster.store.kind_id("", "services") {
                let _ = self.hub.cluster.create(services, &namespace, service, &by);
            }
        }
    }

    fn delete(&mut self, pod: &Pod) {
        let how = Delete {
            propagation: Some("Background".to_owned()),
            uid: Some(pod.uid().to_owned()),
            ..Delete::default()
        };
        let pods = self.hub.kinds.pods;
        if self.hub.delete(pods, &pod.key(), &how).is_ok() {
            let text = format!("Deleted pod: {}", pod.name());
            self.event(false, "SuccessfulDeletePod", &text);
        }
    }

    fn report(&mut self, role: &str, count: Count) {
        let mut status = json!({"selector": pods::selector(&self.object.name, role)});
        for (field, n) in [
            ("active", count.active),
            ("succeeded", count.succeeded),
            ("failed", count.failed),
        ] {
            if n > 0 {
                status[field] = json!(n);
            }
        }
        self.status["replicaStatuses"][role] = status;
    }

    /// What one role's pods say of the job: the master decides where there is one.
    fn judge(&mut self, role: &str, count: Count) {
        if self.finished() {
            return;
        }
        let name = self.object.name.clone();
        let leads = role == "Master" || self.replicas("Master") == 0;
        let elastic = self.spec["elasticPolicy"].is_object();
        if leads
            && (count.succeeded == count.wanted
                || (role == "Worker" && elastic && count.succeeded > 0))
        {
            let text = format!("PyTorchJob {name} is successfully completed.");
            self.finish("Succeeded", "PyTorchJobSucceeded", &text, false);
            return;
        }
        if count.failed > 0 {
            let n = count.failed;
            if self.policy(role) == "ExitCode" && self.retries(role) {
                let text = format!(
                    "PyTorchJob {name} is restarting because {n} {role} replica(s) failed."
                );
                self.turn("Running", "False", "PyTorchJobRestarting", &text);
                self.set("Restarting", "PyTorchJobRestarting", &text);
            } else {
                let text =
                    format!("PyTorchJob {name} is failed because {n} {role} replica(s) failed.");
                self.finish("Failed", "PyTorchJobFailed", &text, true);
            }
        } else if leads && count.active > 0 && self.running(role) && !self.is("Running") {
            let text = format!("PyTorchJob {}/{name} is running.", self.object.namespace);
            self.drop("Restarting");
            self.set("Running", "PyTorchJobRunning", &text);
            self.event(false, "PyTorchJobRunning", &text);
        }
    }

    /// Is a failed pod of this role being replaced?
    fn retries(&self, role: &str) -> bool {
        let role = role.to_lowercase();
        let ours = |p: &&std::sync::Arc<Pod>| p.object.labels.get(pods::ROLE) == Some(&role);
        let all = self.pods();
        let mut failed = all.iter().filter(ours).filter(|p| p.failed());
        failed.all(|p| exit_code(p) >= 128)
    }

    fn running(&self, role: &str) -> bool {
        let role = role.to_lowercase();
        let mut all = self.pods().into_iter();
        all.any(|p| p.object.labels.get(pods::ROLE) == Some(&role) && p.status.phase == "Running")
    }

    /// Too many restarts, too much time.
    fn limits(&mut self, restarts: i64) {
        if self.finished() {
            return;
        }
        let (name, policy) = (self.object.name.clone(), self.spec["runPolicy"].clone());
        if policy["backoffLimit"]
            .as_i64()
            .is_some_and(|limit| restarts > 0 && restarts >= limit)
        {
            let text = format!(
                "PyTorchJob {name} has failed because it has reached the specified backoff limit"
            );
            self.finish("Failed", "PyTorchJobFailed", &text, true);
        } else if let (Some(limit), Some(start)) = (
            policy["activeDeadlineSeconds"].as_f64(),
            self.time("startTime"),
        ) {
            let end = start + self.hub.seconds(limit);
            if self.hub.now() >= end {
                let text = format!(
                    "PyTorchJob {name} has failed because it was active longer than specified deadline"
                );
                self.finish("Failed", "PyTorchJobFailed", &text, true);
            } else {
                self.again_at(end);
            }
        }
    }

    fn again_at(&mut self, at: DateTime<Utc>) {
        let key = (self.object.namespace.clone(), self.object.name.clone());
        let wait = at - self.hub.now();
        self.hub.wake_in(wait, Task::Operator("PyTorchJob", key));
    }

    fn finish(&mut self, condition: &str, reason: &str, text: &str, warning: bool) {
        self.turn("Running", "False", reason, text);
        self.set(condition, reason, text);
        self.status["completionTime"] = json!(self.now);
        self.event(warning, reason, text);
    }

    fn suspend(&mut self) {
        for pod in self.pods().iter().filter(|p| !p.deleting()) {
            self.delete(pod);
        }
        let text = format!("PyTorchJob {} is suspended.", self.object.name);
        self.turn("Running", "False", "PyTorchJobSuspended", &text);
        if !self.is("Suspended") {
            self.set("Suspended", "PyTorchJobSuspended", &text);
        }
        for role in ROLES {
            if self.spec["pytorchReplicaSpecs"][role].is_object() {
                self.report(role, Count::default());
            }
        }
        if let Some(status) = self.status.as_object_mut() {
            status.remove("startTime");
        }
    }

    /// After the end, the pods that the policy names go.
    fn clean(&mut self) {
        let policy = self.spec["runPolicy"]["cleanPodPolicy"]
            .as_str()
            .unwrap_or("None")
            .to_owned();
        for pod in self.pods().iter().filter(|p| !p.deleting()) {
            if policy == "All" || (policy == "Running" && !pod.terminal()) {
                self.delete(pod);
            }
        }
        if self.is("Succeeded") {
            // Whoever still ran has nothing to do any more.
            for role in ROLES
                .iter()
                .filter(|r| self.spec["pytorchReplicaSpecs"][**r].is_object())
                .copied()
                .collect::<Vec<_>>()
            {
                let status = &mut self.status["replicaStatuses"][role];
                let active = status["active"].as_u64().unwrap_or_default();
                if active > 0 {
                    status["succeeded"] =
                        json!(status["succeeded"].as_u64().unwrap_or_default() + active);
                    if let Some(fields) = status.as_object_mut() {
                        fields.remove("active");
                    }
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
        let key = (self.object.namespace.clone(), self.object.name.clone());
        let _ = self.hub.delete(self.object.kind, &key, &how);
    }

    fn time(&self, field: &str) -> Option<DateTime<Utc>> {
        self.status[field].as_str()?.parse().ok()
    }

    fn condition(&self, name: &str) -> Option<&Value> {
        let all = self.status["conditions"].as_array()?;
        all.iter().find(|c| c["type"] == name)
    }

    fn is(&self, name: &str) -> bool {
        self.condition(name).is_some_and(|c| c["status"] == "True")
    }

    fn finished(&self) -> bool {
        self.is("Succeeded") || self.is("Failed")
    }

    /// Sets a condition that is true now; it moves behind the others.
    fn set(&mut self, name: &str, reason: &str, text: &str) {
        if self.is(name) {
            return;
        }
        self.drop(name);
        let condition = json!({
            "type": name, "status": "True", "reason": reason, "message": text,
            "lastUpdateTime": self.now, "lastTransitionTime": self.now,
        });
        match self.status["conditions"].as_array_mut() {
            Some(all) => all.push(condition),
            None => self.status["conditions"] = json!([condition]),
        }
    }

    /// Changes a condition that is there.
    fn turn(&mut self, name: &str, status: &str, reason: &str, text: &str) {
        let now = self.now.clone();
        let all = self.status["conditions"]
            .as_array_mut()
            .into_iter()
            .flatten();
        for c in all.filter(|c| c["type"] == name && c["status"] != status) {
            *c = json!({
                "type": name, "status": status, "reason": reason, "message": text,
                "lastUpdateTime": now, "lastTransitionTime": now,
            });
        }
    }

    fn drop(&mut self, name: &str) {
        if let Some(all) = self.status["conditions"].as_array_mut() {
            all.retain(|c| c["type"] != name);
        }
    }

    fn event(&mut self, warning: bool, reason: &str, message: &str) {
        let note = Note {
            from: Source::Controller("pytorchjob-controller"),
            warning,
            reason,
            message,
            field: "",
        };
        self.hub.event(&self.object.clone(), &note);
    }
}

fn exit_code(pod: &Pod) -> i64 {
    let all = pod.status.container_statuses.iter();
    let codes = all
        .filter_map(|c| c.state.terminated.as_ref())
        .map(|t| t.exit_code);
    codes.max().unwrap_or_default()
}

#[cfg(test)]
mod tests;
