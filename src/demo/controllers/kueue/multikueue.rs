//! MultiKueue: workloads with quota here are offered to worker clusters, run in the first that admits them, and are told
//! of here as they go there. Its admission check and the state of the clusters are seen to here as well.

mod clusters;

use serde_json::{Value, json};

use super::jobs::{self, Kind};
use super::reconcile::{FINALIZER, QUEUE};
use super::seen::{BY, Seen, say, set_condition};
use super::{Controller, Ids};
use crate::api::write::{Cluster, Delete, Writer};
use crate::clock::rfc3339;
use crate::controllers::Hub;
use crate::controllers::operators::kind_id;
use crate::controllers::tasks::Key;
use crate::store::{Event, KindId};

pub use clusters::judge_all;

const NAME: &str = "kueue.x-k8s.io/multikueue";
const ORIGIN: &str = "kueue.x-k8s.io/multikueue-origin";
/// The annotation (before 0.18: the label) by which a job finds the Workload that is there for it already.
pub const PREBUILT: &str = "kueue.x-k8s.io/prebuilt-workload-name";
/// What this cluster calls itself in the others.
const SELF: &str = "multikueue";
const WHO: &str = "kueue-workload-controller";

/// The clusters that work can be sent to.
pub trait Workers {
    /// Does something in the cluster of that name, if there is one.
    fn with(&mut self, name: &str, act: &mut dyn FnMut(&mut Cluster));
}

/// The workload of another cluster that an event here is news of.
pub fn sent_here(event: &Event) -> Option<Key> {
    let object = &event.object;
    object.labels.get(ORIGIN)?;
    let tree = object.tree();
    let name = match tree["kind"].as_str() {
        Some("Workload") => object.name.clone(),
        _ => tree["metadata"]["annotations"][PREBUILT]
            .as_str()?
            .to_owned(),
    };
    Some((object.namespace.clone(), name))
}

/// The webhook: a job whose queue is sent elsewhere is left alone by its own controller.
pub fn admit(cluster: &Cluster, kind: &Kind, value: &mut Value) {
    let (field, own) = kind.manager();
    let by = value.pointer(field).and_then(Value::as_str);
    if by.is_some_and(|by| !by.is_empty() && by != own) {
        return;
    }
    let tree = |plural: &str, namespace: &str, name: &str| {
        let id = cluster.store.kind_id(super::GROUP, plural)?;
        cluster.store.get(id, namespace, name).map(|o| o.tree())
    };
    let sent = || {
        let meta = &value["metadata"];
        let local = meta["labels"][QUEUE].as_str()?;
        let local = tree("localqueues", meta["namespace"].as_str()?, local)?;
        let queue = tree("clusterqueues", "", local["spec"]["clusterQueue"].as_str()?)?;
        let checks = queue["spec"]["admissionChecksStrategy"]["admissionChecks"].as_array()?;
        let mut checks = checks.iter().filter_map(|c| c["name"].as_str());
        checks.find(|name| {
            let check = tree("admissionchecks", "", name);
            check.is_some_and(|c| c["spec"]["controllerName"] == NAME)
        })?;
        Some(())
    };
    if sent().is_some() {
        kind.manage(value, Some(NAME));
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn names(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.map(text).collect()
}

/// A copy of a workload in one of the clusters, as its status tells.
struct Remote {
    cluster: String,
    value: Value,
}

impl Remote {
    fn condition(&self, name: &str) -> Option<&Value> {
        let all = self.value["status"]["conditions"].as_array()?;
        all.iter()
            .find(|c| c["type"] == name && c["status"] == "True")
    }
}

/// The copy for which a condition has held longest.
fn first<'r>(remotes: &'r [Remote], condition: &str) -> Option<(&'r Remote, &'r Value)> {
    let all = remotes
        .iter()
        .filter_map(|r| Some((r, r.condition(condition)?)));
    all.min_by_key(|(_, c)| text(&c["lastTransitionTime"]))
}

/// Where a job is, here and there.
struct Owner {
    kind: &'static Kind,
    id: KindId,
    key: Key,
}

impl Owner {
    fn of(hub: &Hub<'_>, wl: &Seen) -> Result<Self, String> {
        let refs = wl.meta["ownerReferences"].as_array().into_iter().flatten();
        let mut refs = refs.into_iter().filter(|r| r["controller"] == true);
        let Some(owner) = refs.next() else {
            return Err("No multikueue adapter found".to_owned());
        };
        let (version, kind) = (text(&owner["apiVersion"]), text(&owner["kind"]));
        let group = version.split_once('/').map_or("", |(g, _)| g);
        let found = jobs::find(group, &kind).and_then(|k| {
            let id = job_kind(hub.cluster, k)?;
            Some((k, id))
        });
        let Some((kind, id)) = found else {
            return Err(format!(
                "No multikueue adapter found for owner kind \"{version}, Kind={kind}\""
            ));
        };
        let key = (wl.object.namespace.clone(), text(&owner["name"]));
        Ok(Self { kind, id, key })
    }
}

fn job_kind(cluster: &Cluster, kind: &Kind) -> Option<KindId> {
    if kind.group == "batch" {
        return cluster.store.kind_id("batch", "jobs");
    }
    kind_id(&cluster.store, kind.group, kind.kind)
}

fn copies(cluster: &Cluster) -> Option<KindId> {
    cluster.store.kind_id(super::GROUP, "workloads")
}

/// Takes a workload and its job away from a cluster.
fn withdraw(workers: &mut dyn Workers, cluster: &str, key: &Key) {
    workers.with(cluster, &mut |there| {
        let Some(kind) = copies(there) else { return };
        let Some(copy) = there.store.get(kind, &key.0, &key.1).cloned() else {
            return;
        };
        if !copy.labels.contains_key(ORIGIN) {
            return;
        }
        let background = Delete {
            propagation: Some("Background".to_owned()),
            ..Delete::default()
        };
        if let Some(owner) = copy.controller() {
            let place = there
                .store
                .by_uid(&owner.uid)
                .map(|o| (o.kind, o.name.clone()));
            if let Some((kind, name)) = place {
                let _ = there.delete(kind, &key.0, &name, &background);
            }
        }
        let mut value = copy.value();
        if crate::controllers::hub::drop_finalizer(&mut value, FINALIZER) {
            let _ = there.update(kind, value, &Writer::new(BY));
        }
        let _ = there.delete(kind, &key.0, &key.1, &background);
    });
}

/// What of an object's metadata goes with a copy of it.
fn meta(of: &Value) -> Value {
    let mut out = json!({"name": of["name"], "namespace": of["namespace"]});
    for field in ["labels", "annotations"] {
        if of[field].is_object() {
            out[field] = of[field].clone();
        }
    }
    out
}

impl Controller {
    /// There is a worker cluster of that name.
    pub fn know(&mut self, worker: &str) {
        self.workers.insert(worker.to_owned());
    }

    /// Brings a workload and its copies in the worker clusters together.
    pub fn dispatch(&mut self, hub: &mut Hub<'_>, workers: &mut dyn Workers, key: &Key) {
        let Some(ids) = Ids::of(&hub.cluster.store) else {
            return;
        };
        let wl = hub.get(ids.workloads, key).filter(|w| !w.deleting);
        let Some(wl) = wl else {
            for cluster in &self.workers {
                withdraw(workers, cluster, key);
            }
            return;
        };
        let checked = wl.tree()["status"]["admissionChecks"].is_array();
        if !checked {
            return;
        }
        drop(wl);
        std::mem::swap(&mut hub.cluster.random, &mut self.random);
        if let Some(mut wl) = Seen::load(hub, ids.workloads, key) {
            let mut group = Group::of(hub, ids, workers, &wl, &self.workers);
            if let Some(group) = &mut group {
                group.reconcile(hub, &mut wl);
                wl.write(hub);
            }
        }
        std::mem::swap(&mut hub.cluster.random, &mut self.random);
    }
}

/// A workload with its check, its job and its copies.
struct Group<'w> {
    /// Which of its checks.
    at: usize,
    owner: Result<Owner, String>,
    /// Clusters that can be reached, in the order of the configuration.
    clusters: Vec<String>,
    remotes: Vec<Remote>,
    workers: &'w mut dyn Workers,
    key: Key,
}

impl<'w> Group<'w> {
    fn of(
        hub: &Hub<'_>,
        ids: Ids,
        workers: &'w mut dyn Workers,
        wl: &Seen,
        known: &std::collections::BTreeSet<String>,
    ) -> Option<Self> {
        let mut checks = wl.checks().iter().enumerate();
        let (at, check) = checks.find_map(|(at, c)| {
            let check = hub
                .get(ids.checks, &(String::new(), text(&c["name"])))?
                .tree();
            (check["spec"]["controllerName"] == NAME).then_some((at, check))
        })?;
        let pool = (String::new(), text(&check["spec"]["parameters"]["name"]));
        let mut clusters = names(&hub.get(ids.pools, &pool)?.tree()["spec"]["clusters"]);
        clusters.retain(|name| {
            let cluster = Seen::load(hub, ids.clusters, &(String::new(), name.clone()));
            known.contains(name) && cluster.is_some_and(|c| c.is("Active"))
        });
        let key = wl.key();
        let mut remotes = Vec::new();
        for cluster in &clusters {
            workers.with(cluster, &mut |there| {
                let kind = copies(there);
                let copy = kind.and_then(|kind| there.store.get(kind, &key.0, &key.1));
                if let Some(copy) = copy.filter(|c| !c.deleting) {
                    let (cluster, value) = (cluster.clone(), copy.value());
                    remotes.push(Remote { cluster, value });
                }
            });
        }
        let owner = Owner::of(hub, wl);
        Some(Self {
            at,
            owner,
            clusters,
            remotes,
            workers,
            key,
        })
    }

    fn withdraw(&mut self, cluster: &str) {
        withdraw(self.workers, cluster, &self.key);
        self.remotes.retain(|r| r.cluster != cluster);
    }

    fn state(&self, wl: &Seen) -> String {
        text(&wl.checks()[self.at]["state"])
    }

    fn report(&self, hub: &Hub<'_>, wl: &mut Seen, state: &str, message: &str) {
        let check = &mut wl.status["admissionChecks"][self.at];
        check["state"] = json!(state);
        check["message"] = json!(message);
        check["lastTransitionTime"] = json!(rfc3339(hub.now()));
    }

    /// The same, with the state before in the message.
    fn turn(&self, hub: &Hub<'_>, wl: &mut Seen, state: &str, message: &str) {
        let before = self.state(wl);
        let message = format!("{message}, Previously: {before:?}");
        self.report(hub, wl, state, &message);
    }

    fn reconcile(&mut self, hub: &mut Hub<'_>, wl: &mut Seen) {
        if self.state(wl) == "Rejected" {
            return;
        }
        let (kind, job) = match &self.owner {
            Err(why) => {
                let why = why.clone();
                return self.turn(hub, wl, "Rejected", &why);
            }
            Ok(owner) => (owner.kind, hub.get(owner.id, &owner.key)),
        };
        if wl.finished() || !wl.reserved() {
            for cluster in self.clusters.clone() {
                self.withdraw(&cluster);
            }
            return;
        }
        let Some(job) = job else { return };
        let by = job
            .tree()
            .pointer(kind.manager().0)
            .map(text)
            .unwrap_or_default();
        if by != NAME {
            let why = format!(
                "The owner is not managed by Kueue: Expecting spec.managedBy to be {NAME:?} not {by:?}"
            );
            return self.turn(hub, wl, "Rejected", &why);
        }
        if let Some((remote, end)) = first(&self.remotes, "Finished") {
            let (cluster, end) = (remote.cluster.clone(), end.clone());
            self.sync_job(hub, wl, &cluster);
            let (reason, message) = (text(&end["reason"]), text(&end["message"]));
            wl.set(hub.now(), ("Finished", true), &reason, &message);
            return;
        }
        if let Some((remote, _)) = first(&self.remotes, "Evicted") {
            let cluster = remote.cluster.clone();
            if wl.evicted() {
                return self.sync_job(hub, wl, &cluster);
            }
            if self.state(wl) == "Ready" {
                let message = format!(
                    "Workload evicted on worker cluster: {cluster:?}, resetting for re-admission. Previously: \"Ready\""
                );
                self.report(hub, wl, "Retry", &message);
                return say(hub, &wl.object, WHO, false, "MultiKueue", &message);
            }
        }
        let strange = self
            .remotes
            .iter()
            .filter(|r| differs(&wl.spec, &r.value["spec"]));
        for cluster in strange.map(|r| r.cluster.clone()).collect::<Vec<_>>() {
            self.withdraw(&cluster);
        }
        if let Some((remote, _)) = first(&self.remotes, "Admitted") {
            let cluster = remote.cluster.clone();
            return self.settle_on(hub, wl, &cluster);
        }
        if self.state(wl) == "Ready" {
            return self.turn(hub, wl, "Retry", "Admitting remote no longer exists");
        }
        if !wl.evicted() && self.state(wl) == "Pending" {
            self.nominate(wl);
        }
    }

    /// It runs in this one; nowhere else, then.
    fn settle_on(&mut self, hub: &mut Hub<'_>, wl: &mut Seen, cluster: &str) {
        for other in self.clusters.clone() {
            if other != cluster {
                self.withdraw(&other);
            }
        }
        if let Some((_, why)) = wl.holds("Evicted") {
            let (key, now) = (self.key.clone(), hub.now());
            let text = format!("Evicted on manager: {why}");
            return self.workers.with(cluster, &mut |there| {
                let Some(kind) = copies(there) else { return };
                let Some(copy) = there.store.get(kind, &key.0, &key.1) else {
                    return;
                };
                let mut value = copy.value();
                let generation = value["metadata"]["generation"].clone();
                let what = ("EvictedOnManagerCluster", text.as_str());
                let new = ("DeactivationTarget", true);
                if set_condition(&mut value["status"], new, what, &generation, now) {
                    let _ = there.update(kind, value, &Writer::status(BY));
                }
            });
        }
        self.sync_job(hub, wl, cluster);
        if matches!(self.state(wl).as_str(), "Retry" | "Rejected" | "Ready") {
            return;
        }
        let message = format!("The workload was admitted on {cluster:?}");
        self.report(hub, wl, "Ready", &message);
        wl.status["clusterName"] = json!(cluster);
        wl.drop_field("nominatedClusterNames");
        say(hub, &wl.object, WHO, false, "MultiKueue", &message);
    }

    /// Offers it to all clusters at once.
    fn nominate(&mut self, wl: &mut Seen) {
        let others = wl
            .checks()
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != self.at);
        if others.into_iter().any(|(_, c)| c["state"] != "Ready") || self.clusters.is_empty() {
            return;
        }
        wl.status["nominatedClusterNames"] = json!(self.clusters);
        let mut copy = json!({"metadata": meta(&wl.meta), "spec": wl.spec});
        copy["metadata"]["finalizers"] = json!([FINALIZER]);
        let labels = &mut copy["metadata"]["labels"];
        if let Some(labels) = labels.as_object_mut() {
            labels.remove("kueue.x-k8s.io/job-uid");
        }
        labels[ORIGIN] = json!(SELF);
        for cluster in &self.clusters {
            if self.remotes.iter().any(|r| r.cluster == *cluster) {
                continue;
            }
            self.workers.with(cluster, &mut |there| {
                if let Some(kind) = copies(there) {
                    let made = there.create(kind, &self.key.0, copy.clone(), &Writer::new(BY));
                    if let Err(why) = made {
                        tracing::debug!(cluster, why = why.message, "no copy of a workload");
                    }
                }
            });
        }
    }

    /// Makes the job there, or tells here how it is.
    fn sync_job(&mut self, hub: &mut Hub<'_>, wl: &Seen, cluster: &str) {
        let Ok(Owner { kind, id, key }) = &self.owner else {
            return;
        };
        let Some(here) = hub.get(*id, key).map(|o| o.value()) else {
            return;
        };
        let mut found = None;
        self.workers.with(cluster, &mut |there| {
            let Some(id) = job_kind(there, kind) else {
                return;
            };
            if let Some(job) = there.store.get(id, &key.0, &key.1) {
                found = job.labels.contains_key(ORIGIN).then(|| job.value());
                return;
            }
            let mut job = json!({"metadata": meta(&here["metadata"]), "spec": here["spec"]});
            kind.manage(&mut job, None);
            if kind.group == "batch" {
                if let Some(spec) = job["spec"].as_object_mut() {
                    spec.remove("selector");
                }
                job["spec"]["template"] = jobs::clean(job["spec"]["template"].take());
            }
            job["metadata"]["annotations"][PREBUILT] = json!(wl.object.name);
            job["metadata"]["labels"][ORIGIN] = json!(SELF);
            if let Err(why) = there.create(id, &key.0, job, &Writer::new(BY)) {
                tracing::warn!(cluster, why = why.message, "no copy of a job");
            }
        });
        let Some(there) = found else { return };
        let mut status = there["status"].clone();
        let waits = kind.suspended(&here) && !kind.suspended(&there);
        if kind.group == "batch" && waits && kind.finished(&there).is_none() {
            // With a start time its template could not be changed any more.
            let all = here["status"]["conditions"]
                .as_array()
                .into_iter()
                .flatten();
            if all
                .into_iter()
                .any(|c| c["type"] == "Suspended" && c["status"] == "True")
            {
                return;
            }
            let now = rfc3339(hub.now());
            status = here["status"].clone();
            let new = json!({
                "type": "Suspended", "status": "True", "reason": "MultiKueueAdapter",
                "message": "Set by MultiKueue adapter", "lastTransitionTime": now, "lastProbeTime": now,
            });
            match status["conditions"].as_array_mut() {
                Some(all) => all.push(new),
                None => status["conditions"] = json!([new]),
            }
        }
        if here["status"] != status {
            let by = Writer::status(BY);
            hub.edit(*id, key, &by, |v| v["status"] = status);
        }
    }
}

/// Whether a copy's spec is another one; what the two clusters fill in by themselves does not count.
fn differs(here: &Value, there: &Value) -> bool {
    ["podSets", "queueName", "priority", "active"]
        .iter()
        .any(|f| here[*f] != there[*f])
}
