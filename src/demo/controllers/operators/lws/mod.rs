//! The LeaderWorkerSet controller: groups of a leader and its workers, made, scaled, renewed and updated as a whole.
//!
//! The StatefulSets between the set and its pods are objects as in a real cluster, but there is no controller for
//! them here: this one looks after the pods of its own.

mod parts;

use std::sync::Arc;

use serde_json::{Value, json};

use super::look::Look;
use crate::clock::rfc3339;
use crate::controllers::hub::Hub;
use crate::controllers::kubelet::{hash, mix};
use crate::controllers::recorder::{Note, Source};
use crate::controllers::tasks::Key;
use crate::controllers::wire::Pod;
use crate::store::Object;

const BY: &str = "leaderworkerset";
/// Every pod and StatefulSet of a set carries its name.
pub const NAME: &str = "leaderworkerset.sigs.k8s.io/name";
const GROUP: &str = "leaderworkerset.sigs.k8s.io/group-index";
const WORKER: &str = "leaderworkerset.sigs.k8s.io/worker-index";
const GROUP_KEY: &str = "leaderworkerset.sigs.k8s.io/group-key";
const REVISION: &str = "leaderworkerset.sigs.k8s.io/template-revision-hash";
const SIZE: &str = "leaderworkerset.sigs.k8s.io/size";
const LEADER: &str = "leaderworkerset.sigs.k8s.io/leader-name";

/// Compares a set with its StatefulSets and pods.
pub fn sync(hub: &mut Hub<'_>, key: &Key) {
    let at = ("leaderworkerset.x-k8s.io", "LeaderWorkerSet");
    let Some(look) = Look::at(hub, at, key, BY) else {
        return;
    };
    let template = &look.spec["leaderWorkerTemplate"];
    let revision = format!("{:010x}", mix(hash(&template.to_string())) >> 24);
    let number = |v: &Value| v.as_u64().unwrap_or(1);
    let mut set = Set {
        size: number(&template["size"]),
        groups: number(&look.spec["replicas"]),
        revision,
        look,
    };
    set.run();
    set.look.close();
}

struct Set<'a, 'h> {
    look: Look<'a, 'h>,
    groups: u64,
    size: u64,
    revision: String,
}

/// A leader with its workers.
struct Group {
    index: u64,
    leader: Arc<Pod>,
    ready: bool,
    updated: bool,
}

fn label<'a>(object: &'a Object, key: &str) -> &'a str {
    object.labels.get(key).map_or("", String::as_str)
}

fn running(pod: &Pod) -> bool {
    pod.status.phase == "Running" && pod.ready() && !pod.deleting()
}

impl Set<'_, '_> {
    fn run(&mut self) {
        let name = self.look.object.name.clone();
        let spec = json!({
            "clusterIP": "None", "publishNotReadyAddresses": true, "selector": {NAME: name},
        });
        self.look.service(&name, Value::Null, spec);
        let Some(leaders) = self.leaders() else {
            return;
        };
        let pods = self.look.hub.cache.owned(&leaders.uid);
        let mut groups = Vec::new();
        for leader in &pods {
            let index = label(&leader.object, GROUP).parse::<u64>();
            let Some(index) = index.ok().filter(|i| *i < self.groups) else {
                self.look.delete(&leader.object, "Background");
                continue;
            };
            let ready = self.group(leader, index);
            groups.push(Group {
                index,
                updated: label(&leader.object, REVISION) == self.revision,
                ready,
                leader: leader.clone(),
            });
        }
        for index in 0..self.groups {
            if !groups.iter().any(|g| g.index == index) {
                let pod = parts::leader(&self.look, &leaders, index, self.size, &self.revision);
                self.make(&leaders, pod);
            }
        }
        self.count(&leaders, &pods, self.groups);
        self.renew(&groups);
        self.report(&groups, pods.len());
    }

    /// The StatefulSet of the leaders, brought up to date.
    fn leaders(&mut self) -> Option<Arc<Object>> {
        let name = self.look.object.name.clone();
        let wanted = parts::leader_set(&self.look, self.groups, self.size, &self.revision);
        let Some(there) = self.look.find("apps", "statefulsets", &name) else {
            return match self.look.create("apps", "statefulsets", wanted) {
                Ok(made) => {
                    let text = format!("Created leader statefulset {name}");
                    self.look.event(false, "GroupsProgressing", &text);
                    Some(made)
                }
                Err(why) => {
                    let text = format!(
                        "Failed to create leader statefulset {name}: {}",
                        why.message
                    );
                    self.look.event(true, "FailedCreate", &text);
                    self.look.again_in(30.0);
                    None
                }
            };
        };
        let old = there.tree();
        let replicas = &wanted["spec"]["replicas"];
        if label(&there, REVISION) != self.revision || old["spec"]["replicas"] != *replicas {
            if label(&there, REVISION) != self.revision {
                let text = format!("Updating replicas {name} to revision {}", self.revision);
                self.look.event(false, "GroupsUpdating", &text);
            }
            self.look.edit(&there, |v| {
                v["metadata"]["labels"][REVISION] = wanted["metadata"]["labels"][REVISION].clone();
                v["spec"]["replicas"] = wanted["spec"]["replicas"].clone();
                v["spec"]["template"] = wanted["spec"]["template"].clone();
            });
        }
        Some(there)
    }

    /// Looks after one group; is all of it ready?
    fn group(&mut self, leader: &Arc<Pod>, index: u64) -> bool {
        if leader.deleting() {
            return false;
        }
        let restarts = self.look.spec["leaderWorkerTemplate"]["restartPolicy"].as_str();
        let whole = restarts != Some("None") && restarts != Some("Default");
        if whole && (leader.restarts() > 0 || leader.terminal()) {
            self.recreate(leader, leader, index);
            return false;
        }
        if self.size < 2 {
            return running(leader);
        }
        if self.look.spec["startupPolicy"] == "LeaderReady" && !leader.ready() {
            return false;
        }
        let Some(workers) = self.workers(leader) else {
            return false;
        };
        let pods = self.look.hub.cache.owned(&workers.uid);
        let broken = |p: &&Arc<Pod>| p.restarts() > 0 || p.terminal() || p.deleting();
        if let Some(pod) = pods.iter().find(broken).filter(|_| whole) {
            self.recreate(pod, leader, index);
            return false;
        }
        for i in 1..self.size {
            let name = format!("{}-{i}", leader.name());
            match pods.iter().find(|p| p.name() == name) {
                Some(pod) if pod.terminal() => {
                    self.look.delete(&pod.object, "Background");
                }
                Some(_) => {}
                None => {
                    let pod = parts::worker(&self.look, &workers, leader, i, self.size);
                    self.make(&workers, pod);
                }
            }
        }
        self.count(&workers, &pods, self.size - 1);
        let ready = pods.iter().filter(|p| running(p)).count() as u64;
        running(leader) && ready == self.size - 1
    }

    /// The StatefulSet of a leader's workers.
    fn workers(&mut self, leader: &Pod) -> Option<Arc<Object>> {
        let name = leader.name().to_owned();
        if let Some(there) = self.look.find("apps", "statefulsets", &name) {
            // That of an earlier leader must go first.
            let ours = there.controller().is_some_and(|c| c.uid == leader.uid());
            return (ours && !there.deleting).then_some(there);
        }
        let wanted = parts::worker_set(&self.look, leader, self.size);
        let made = self.look.create("apps", "statefulsets", wanted).ok()?;
        let text = format!("Created worker statefulset for leader pod {name}");
        self.look.event(false, "GroupsProgressing", &text);
        Some(made)
    }

    /// A pod of a StatefulSet.
    fn make(&mut self, of: &Object, pod: Value) {
        match self.look.create("", "pods", pod) {
            Ok(pod) => {
                let text = format!(
                    "create Pod {} in StatefulSet {} successful",
                    pod.name, of.name
                );
                let note = Note {
                    from: Source::Controller("statefulset-controller"),
                    warning: false,
                    reason: "SuccessfulCreate",
                    message: &text,
                    field: "",
                };
                self.look.hub.event(of, &note);
            }
            // The one before it is still going.
            Err(why) if why.code == 409 => {}
            Err(why) => {
                let text = format!("Failed to create pod of {}: {}", of.name, why.message);
                self.look.event(true, "FailedCreate", &text);
                self.look.again_in(30.0);
            }
        }
    }

    fn recreate(&mut self, pod: &Pod, leader: &Pod, index: u64) {
        if self.look.delete(&leader.object, "Foreground") {
            let text = format!(
                "Worker pod {} failed, deleted leader pod {} to recreate group {index}",
                pod.name(),
                leader.name()
            );
            self.look.event(false, "RecreateGroup", &text);
        }
    }

    /// `status` of a StatefulSet.
    fn count(&mut self, set: &Object, pods: &[Arc<Pod>], wanted: u64) {
        let Some(set) = self.look.find("apps", "statefulsets", &set.name) else {
            return;
        };
        let ready = pods.iter().filter(|p| running(p)).count();
        let there = pods.iter().filter(|p| !p.deleting()).count();
        let mut status = json!({
            "replicas": there, "observedGeneration": set.value()["metadata"]["generation"],
            "currentReplicas": wanted.min(there as u64), "updatedReplicas": there,
            "availableReplicas": ready, "collisionCount": 0,
        });
        if ready > 0 {
            status["readyReplicas"] = json!(ready);
        }
        if set.tree()["status"] != status {
            self.look.edit_status(&set, status);
        }
    }

    /// Groups of an older template go one by one, the last first, while the others are ready.
    fn renew(&mut self, groups: &[Group]) {
        let old = groups.iter().filter(|g| !g.updated);
        let Some(last) = old.max_by_key(|g| g.index) else {
            return;
        };
        let others = groups.iter().filter(|g| g.index != last.index);
        let whole = groups.len() as u64 == self.groups && others.clone().all(|g| g.ready);
        if (whole || !last.ready) && !last.leader.deleting() {
            self.look.delete(&last.leader.object, "Background");
        }
    }

    fn report(&mut self, groups: &[Group], leaders: usize) {
        let number = |n: usize| if n == 0 { Value::Null } else { json!(n) };
        let ready = groups.iter().filter(|g| g.ready).count();
        let updated = groups.iter().filter(|g| g.updated).count();
        self.look.report("replicas", number(leaders));
        self.look.report("readyReplicas", number(ready));
        self.look.report("updatedReplicas", number(updated));
        let selector = format!("{NAME}={},{WORKER}=0", self.look.object.name);
        self.look.report("hpaPodSelector", json!(selector));
        let generation = self.look.object.value()["metadata"]["generation"].clone();
        self.look.report("observedGeneration", generation.clone());
        let all = self.groups as usize;
        let progressing = (
            "Progressing",
            "GroupsProgressing",
            "Replicas are progressing",
        );
        let said = if updated < groups.len() {
            let text = "Rolling Upgrade is in progress";
            vec![("UpdateInProgress", "GroupsUpdating", text), progressing]
        } else if ready == all {
            vec![("Available", "AllGroupsReady", "All replicas are ready")]
        } else {
            vec![progressing]
        };
        let mut changed = false;
        for (name, reason, text) in &said {
            changed |= self.condition(name, reason, text, &generation);
        }
        if changed && let Some((_, reason, text)) = said.first() {
            let text = format!("{text}, with {ready} groups ready of total {all} groups");
            self.look.event(false, reason, &text);
        }
    }

    /// Makes a condition true; those that cannot hold with it become false. True if it was not.
    fn condition(&mut self, name: &str, reason: &str, text: &str, generation: &Value) -> bool {
        let now = rfc3339(self.look.now());
        let before = self.look.is(name);
        let against = |other: &str| match name {
            "Available" => other != "Available",
            _ => other == "Available",
        };
        let all = self.look.status["conditions"].as_array_mut();
        for c in all.into_iter().flatten() {
            c["observedGeneration"] = generation.clone();
            let other = c["type"].as_str().unwrap_or_default();
            if c["status"] == "True" && against(other) {
                c["status"] = json!("False");
                c["lastTransitionTime"] = json!(now);
            }
        }
        if !before {
            self.look.set(name, true, reason, text);
            let all = self.look.status["conditions"].as_array_mut();
            for c in all.into_iter().flatten() {
                c["observedGeneration"] = generation.clone();
            }
        }
        !before
    }
}

#[cfg(test)]
mod tests;
