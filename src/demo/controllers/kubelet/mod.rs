//! The kubelets of all nodes: each pod bound to a living node runs as a [`run::Run`], and its status is reported.

mod devices;
mod images;
pub mod run;
mod status;

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use self::devices::{Devices, Rejected};
use self::run::{Around, Run};
use super::dra::Claims;
use super::hub::Hub;
use super::recorder::{Note, Source};
use super::tasks::Task;
use super::wire::Pod;
use crate::api::write::{Delete, Writer};
use crate::clock::rfc3339;
use crate::store::{Change, Event, Object, Store};

pub use devices::{Grant, Holder};
pub use images::{hash, mix};

/// Seconds after which a pod that was found running is looked at, unless something happens to it before.
const LATER: f64 = 6.0 * 3600.0;

/// Which pods run where, and which images the nodes hold.
#[derive(Debug, Default)]
pub struct Kubelet {
    runs: HashMap<String, Run>,
    images: HashSet<(String, String)>,
    /// Which device of which node is whose.
    pub devices: Devices,
    /// Pods on nodes whose kubelet does not answer.
    stranded: HashMap<String, HashSet<String>>,
}

impl Kubelet {
    /// Wakes for pods that are new on a node or are to go; its own status writes are no news.
    pub fn observe_pod(&mut self, hub: &mut Hub<'_>, event: &Event) {
        let uid = &event.object.uid;
        if event.change == Change::Deleted {
            self.devices.release(uid);
            self.forget(hub, event);
            return;
        }
        let Some(pod) = hub.cache.pod(uid) else {
            return;
        };
        if pod.terminal() {
            self.devices.release(uid);
        }
        if pod.spec.node_name.is_empty() || (pod.terminal() && !self.runs.contains_key(uid)) {
            // A finished pod that is to go needs no kubelet to stop it, only to let it go.
            if !(pod.terminal() && pod.deleting() && !pod.spec.node_name.is_empty()) {
                return;
            }
        }
        let old = event.previous.as_ref();
        let news = !self.runs.contains_key(uid)
            || old.is_none_or(|o| o.deleting != event.object.deleting)
            || pod.meta.deletion_grace_period_seconds == Some(0);
        if news {
            hub.wake(Task::Pod(uid.clone()));
        }
    }

    /// A device of a node may have fallen ill or become well: those that hold some are told.
    pub fn observe_node(&mut self, hub: &mut Hub<'_>, event: &Event) {
        let allocatable = |o: &Object| o.tree()["status"]["allocatable"].clone();
        let now = allocatable(&event.object);
        let before = event.previous.as_ref();
        if before.is_some_and(|old| allocatable(old) != now) {
            for uid in self.devices.users(&event.object.name) {
                hub.wake(Task::Pod(uid));
            }
        }
    }

    /// A node's kubelet answers again.
    pub fn revive(&mut self, hub: &mut Hub<'_>, node: &str) {
        let mut uids: Vec<String> = self.stranded.remove(node).into_iter().flatten().collect();
        uids.sort();
        for uid in uids {
            hub.wake(Task::Pod(uid));
        }
    }

    fn forget(&mut self, hub: &mut Hub<'_>, event: &Event) {
        let uid = &event.object.uid;
        hub.tasks.cancel(&Task::Pod(uid.clone()));
        let Some(mut run) = self.runs.remove(uid) else {
            return;
        };
        // Deleted by force: the node learns of it only now.
        if !run.stopping && !run.done() {
            run.said.clear();
            run.stop(&hub.cluster.clock, 0);
            let value = event.object.tree();
            let node = value["spec"]["nodeName"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            speak(hub, &event.object, &node, &mut run);
        }
    }

    /// Looks at one pod; `alive` tells whether its node answers.
    pub fn sync(
        &mut self,
        hub: &mut Hub<'_>,
        claims: &Claims,
        uid: &str,
        alive: &dyn Fn(&str) -> bool,
    ) {
        let Some(pod) = hub.cache.pod(uid).cloned() else {
            return;
        };
        let node = pod.spec.node_name.clone();
        if !alive(&node) {
            self.stranded
                .entry(node)
                .or_default()
                .insert(uid.to_owned());
            return;
        }
        let key = pod.key();
        if pod.terminal() && !self.runs.contains_key(uid) {
            if pod.deleting() {
                let _ = hub.delete(hub.kinds.pods, &key, &last_delete(uid));
            }
            return;
        }
        let value = pod.object.tree();
        let clock = hub.cluster.clock.clone();
        let host = hub.get(hub.kinds.nodes, &(String::new(), node.clone()));
        if !self.runs.contains_key(uid)
            && let Some(host) = &host
            && let Err(why) = self.devices.admit(host, &pod)
        {
            reject(hub, &pod, &node, &why);
            return;
        }
        if !self.runs.contains_key(uid) {
            let adopted = (pod.status.phase == "Running").then(|| Run::adopt(&value, &clock));
            // A running pod that nothing happens to costs no memory here.
            let quiet = adopted.as_ref().filter(|_| !pod.deleting());
            if let Some(next) = quiet.map(|run| run.next(clock.now()))
                && next.is_none_or(|next| next > clock.now())
            {
                if let Some(next) = next {
                    hub.tasks.at(next, Task::Pod(uid.to_owned()));
                }
                return;
            }
            let run = adopted.unwrap_or_else(|| Run::new(&value, &clock));
            self.runs.insert(uid.to_owned(), run);
        }
        let Some(run) = self.runs.get_mut(uid) else {
            return;
        };
        if pod.deleting() && !run.stopping {
            run.stopping = true;
            let grace = pod.meta.deletion_grace_period_seconds.unwrap_or(30);
            run.stop(&clock, grace.max(0) as u64);
        }
        let (images, store) = (&self.images, &hub.cluster.store);
        let around = Around {
            clock: &clock,
            cached: &|image| images.contains(&(node.clone(), image.to_owned())),
            missing: &|spec| missing(store, &key.0, spec),
        };
        let next = run.step(&around);
        for image in run.pulled.drain(..) {
            self.images.insert((node.clone(), image));
        }
        let mut status = status::report(run, &value, &host_ip(&node), clock.now());
        if let Some(host) = &host {
            let mut health = self.devices.health(uid, host);
            for (container, entries) in claims.health(hub, &pod) {
                let all = health.entry(container).or_default();
                all.extend(entries);
            }
            status::devices(&mut status, &value["status"], &health);
        }
        let done = run.done();
        let (stopping, mut spoken) = (run.stopping, std::mem::take(&mut run.said));
        if status != value["status"] {
            let by = Writer::status("kubelet");
            hub.set_status(hub.kinds.pods, &key, &by, status);
        }
        say(hub, &pod.object, &node, &mut spoken);
        if let Some(next) = next {
            hub.tasks.at(next, Task::Pod(uid.to_owned()));
        }
        if done {
            self.runs.remove(uid);
            if stopping {
                let _ = hub.delete(hub.kinds.pods, &key, &last_delete(uid));
            }
        }
    }

    /// Takes over a pod that is found running, with the devices it has; it is looked at when something may happen to it.
    pub fn find(&mut self, hub: &mut Hub<'_>, pod: &Pod, grants: Vec<Grant>) {
        if pod.terminal() {
            return;
        }
        if !grants.is_empty() {
            self.devices.hold(&pod.spec.node_name, pod, grants);
        }
        let uid = pod.uid().to_owned();
        hub.wake_in(hub.seconds(LATER), Task::Pod(uid));
    }

    /// Marks an image as present on a node, so that a scene need not begin with pulls everywhere.
    pub fn preload(&mut self, node: &str, image: &str) {
        self.images.insert((node.to_owned(), image.to_owned()));
    }
}

/// A pod that the node cannot serve fails for good, as the real kubelet lets it.
fn reject(hub: &mut Hub<'_>, pod: &Pod, node: &str, why: &Rejected) {
    let by = Writer::status("kubelet");
    let now = rfc3339(hub.now());
    hub.edit(hub.kinds.pods, &pod.key(), &by, |v| {
        v["status"]["phase"] = json!("Failed");
        v["status"]["reason"] = json!(why.reason);
        v["status"]["message"] = json!(why.message);
        v["status"]["startTime"] = json!(now);
        v["status"]["observedGeneration"] = v["metadata"]["generation"].clone();
    });
    let note = Note {
        from: Source::Kubelet(node),
        warning: true,
        reason: &why.reason,
        message: why.message.trim_start_matches("Pod was rejected: "),
        field: "",
    };
    hub.event(&pod.object, &note);
}

fn last_delete(uid: &str) -> Delete {
    Delete {
        grace_seconds: Some(0),
        uid: Some(uid.to_owned()),
        ..Delete::default()
    }
}

fn speak(hub: &mut Hub<'_>, about: &crate::store::Object, node: &str, run: &mut Run) {
    let mut said = std::mem::take(&mut run.said);
    say(hub, about, node, &mut said);
}

fn say(hub: &mut Hub<'_>, about: &crate::store::Object, node: &str, said: &mut Vec<run::Said>) {
    for s in said.drain(..) {
        let note = Note {
            from: Source::Kubelet(node),
            warning: s.warning,
            reason: s.reason,
            message: &s.message,
            field: &s.field,
        };
        hub.event(about, &note);
    }
}

/// A node's address, from its name.
pub fn host_ip(node: &str) -> String {
    let bits = hash(node);
    format!("10.128.{}.{}", bits % 64, 2 + (bits >> 8) % 250)
}

/// The first Secret or ConfigMap that the container's environment needs and the namespace lacks.
fn missing(store: &Store, namespace: &str, container: &Value) -> Option<String> {
    let lacks = |plural: &str, reference: &Value| {
        let name = reference["name"].as_str()?;
        if reference["optional"] == true {
            return None;
        }
        let word = plural.trim_end_matches('s');
        let kind = store.kind_id("", plural)?;
        let Some(found) = store.get(kind, namespace, name) else {
            return Some(format!("{word} \"{name}\" not found"));
        };
        let key = reference["key"].as_str()?;
        let value = found.tree();
        let there = ["data", "binaryData", "stringData"]
            .iter()
            .any(|d| !value[*d][key].is_null());
        let title = if plural == "secrets" {
            "Secret"
        } else {
            "ConfigMap"
        };
        (!there).then(|| format!("couldn't find key {key} in {title} {namespace}/{name}"))
    };
    let mut from = container["envFrom"].as_array().into_iter().flatten();
    let from = from.find_map(|e| {
        lacks("configmaps", &e["configMapRef"]).or_else(|| lacks("secrets", &e["secretRef"]))
    });
    let env = container["env"].as_array().into_iter().flatten();
    let mut env = env.map(|e| &e["valueFrom"]);
    from.or_else(|| {
        env.find_map(|v| {
            lacks("configmaps", &v["configMapKeyRef"])
                .or_else(|| lacks("secrets", &v["secretKeyRef"]))
        })
    })
}
