//! The pods and services of one role: those missing are made, those too many or to be tried again go, the rest are
//! counted.

use std::sync::Arc;

use serde_json::json;

use super::super::create;
use super::team::{INDEX, ROLE};
use super::{Look, MANAGER};
use crate::api::write::{Delete, Writer};
use crate::controllers::tasks::Task;
use crate::controllers::wire::Pod;

/// How the pods of a role fare.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    pub wanted: u64,
    pub active: u64,
    pub succeeded: u64,
    pub failed: u64,
}

/// Stands for the exit code of a container that has none yet.
const UNKNOWN: i64 = 0xbeef;

/// The pods of a role.
pub fn of_role<'a>(pods: &'a [Arc<Pod>], role: &str) -> impl Iterator<Item = &'a Arc<Pod>> {
    let role = role.to_lowercase();
    let ours = move |p: &&Arc<Pod>| p.object.labels.get(ROLE) == Some(&role);
    pods.iter().filter(ours)
}

/// A pod's place in its role.
pub fn index(pod: &Pod) -> Option<usize> {
    pod.object.labels.get(INDEX)?.parse().ok()
}

impl Look<'_, '_> {
    /// Brings a role's pods to the wanted number and writes its `replicaStatuses`.
    pub fn reconcile(&mut self, role: &'static str, pods: &[Arc<Pod>]) -> Count {
        let wanted = self.team().replicas(role);
        let mut count = Count {
            wanted,
            ..Count::default()
        };
        let mut there = vec![false; usize::try_from(wanted).unwrap_or_default()];
        for pod in of_role(pods, role) {
            match index(pod).and_then(|i| there.get_mut(i)) {
                Some(place) => *place = true,
                None => self.delete(pod),
            }
            self.look_at_end(role, pod);
            match pod.status.phase.as_str() {
                // One on a lost node never gets to say that it failed.
                "Running" if pod.deleting() => count.failed += 1,
                "Running" => count.active += 1,
                "Succeeded" => count.succeeded += 1,
                "Failed" => count.failed += 1,
                _ => {}
            }
        }
        for (index, there) in there.into_iter().enumerate() {
            if !there {
                self.create(role, index);
            }
            self.serve(role, index);
        }
        self.report(role, count);
        count
    }

    /// A container that has ended is told of; a failed pod may be tried again.
    fn look_at_end(&mut self, role: &str, pod: &Pod) {
        let mut containers = pod.status.container_statuses.iter();
        let counts = containers.find(|c| c.name == self.framework.container);
        let ended = counts.and_then(|c| c.state.terminated.as_ref());
        let code = ended.map_or(UNKNOWN, |t| t.exit_code);
        if pod.deleting() {
            return;
        }
        if ended.is_some() {
            let (namespace, name) = (pod.namespace(), pod.name());
            let text = format!("Pod: {namespace}.{name} exited with code {code}");
            self.event(false, "ExitedWithCode", &text);
        }
        if !pod.failed() {
            return;
        }
        let (kind, name) = (self.framework.kind, self.object.name.clone());
        match self.team().policy(role) {
            "ExitCode" if code < 128 => {
                let text = format!("job {name:?} is failing because {role:?} replica(s) failed.");
                self.event(true, &format!("{kind}Failed"), &text);
                self.set("Failed", true, "Failed", &text);
            }
            "ExitCode" | "OnFailure" | "Always" => {
                self.delete(pod);
                let text = format!("job {name} is restarting because {role} replica(s) failed.");
                self.event(true, &format!("{kind}Restarting"), &text);
                self.set("Restarting", true, "Restarting", &text);
            }
            _ => {}
        }
    }

    fn report(&mut self, role: &str, count: Count) {
        let mut status = json!({});
        if self.framework.selects {
            status["selector"] = json!(self.team().selector(role));
        }
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

    fn create(&mut self, role: &str, index: usize) {
        let team = self.team();
        let made = team.pod(role, index);
        let template = team.role(role).map(|s| &s["template"]["spec"]);
        if template.is_some_and(|t| t["restartPolicy"].is_string()) {
            let text = "Restart policy in pod template will be overwritten by restart policy in replica spec";
            self.event(true, "SettedPodTemplateRestartPolicy", text);
        }
        let (namespace, by) = (self.object.namespace.clone(), Writer::new(MANAGER));
        let pods = self.hub.kinds.pods;
        match create(self.hub, pods, &namespace, made, &by) {
            Ok(pod) => {
                let text = format!("Created pod: {}", pod.name);
                self.event(false, "SuccessfulCreatePod", &text);
            }
            Err(why) => {
                let text = format!("Error creating: {}", why.message);
                self.event(true, "FailedCreatePod", &text);
                let wait = self.hub.seconds(15.0);
                let task = Task::Operator(self.framework.kind, self.key());
                self.hub.wake_in(wait, task);
            }
        }
    }

    fn serve(&mut self, role: &str, index: usize) {
        let Some(services) = self.hub.cluster.store.kind_id("", "services") else {
            return;
        };
        let key = (self.object.namespace.clone(), self.team().host(role, index));
        if self.hub.get(services, &key).is_some() {
            return;
        }
        let service = self.team().service(role, index);
        let by = Writer::new(MANAGER);
        if create(self.hub, services, &key.0, service, &by).is_ok() {
            let text = format!("Created service: {}", key.1);
            self.event(false, "SuccessfulCreateService", &text);
        }
    }

    /// Deletes a pod and the service of the same name.
    pub fn delete(&mut self, pod: &Pod) {
        if pod.deleting() {
            return;
        }
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

    /// Deletes a pod for good: its service goes too.
    pub fn dismiss(&mut self, pod: &Pod) {
        self.delete(pod);
        let Some(services) = self.hub.cluster.store.kind_id("", "services") else {
            return;
        };
        let key = pod.key();
        if self.hub.delete(services, &key, &Delete::default()).is_ok() {
            let text = format!("Deleted service: {}", key.1);
            self.event(false, "SuccessfulDeleteService", &text);
        }
    }
}
