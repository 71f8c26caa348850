//! A simulated Kueue that really admits: jobs with a queue label wait, suspended, as Workloads until their cluster
//! queue has quota, give way to others, and come back. Decisions are the [`engine`]'s; this is what reads objects for
//! it and writes what it decided, in Kueue's reasons and words.

mod checks;
pub mod engine;
mod jobs;
mod multikueue;
mod pods;
mod reconcile;
mod schedule;
mod seen;
mod status;
#[cfg(test)]
mod tests;
mod visibility;
mod workload;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use self::engine::Engine;
use super::hub::Hub;
use super::tasks::{Key, Task};
use crate::api::write::{Cluster, Random};
use crate::store::{Change, Event, Kind, KindId, Object, Store};

pub use multikueue::{Workers, sent_here};
pub use reconcile::workload_name;
pub use visibility::{Place, pending};

const GROUP: &str = "kueue.x-k8s.io";

/// One thing for Kueue to look at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// A job of a kind, by its place among [`jobs::KINDS`].
    Job(usize, Key),
    Workload(Key),
    /// A group of pods (true) or one pod by itself.
    Pods(bool, Key),
    /// Everything that waits.
    Cycle,
    /// The statuses of queues and cohorts.
    Status,
    /// A ProvisioningRequest, as the autoscaler sees it.
    Provision(Key),
    /// A Workload whose place may be in another cluster.
    Dispatch(Key),
}

/// The kinds it reads and writes.
#[derive(Debug, Clone, Copy)]
struct Ids {
    workloads: KindId,
    queues: KindId,
    locals: KindId,
    cohorts: KindId,
    flavors: KindId,
    checks: KindId,
    configs: KindId,
    priorities: KindId,
    requests: KindId,
    clusters: KindId,
    pools: KindId,
}

impl Ids {
    fn of(store: &Store) -> Option<Self> {
        let id = |plural| store.kind_id(GROUP, plural);
        Some(Self {
            workloads: id("workloads")?,
            queues: id("clusterqueues")?,
            locals: id("localqueues")?,
            cohorts: id("cohorts")?,
            flavors: id("resourceflavors")?,
            checks: id("admissionchecks")?,
            configs: id("provisioningrequestconfigs")?,
            priorities: id("workloadpriorityclasses")?,
            clusters: id("multikueueclusters")?,
            pools: id("multikueueconfigs")?,
            requests: store.kind_id("autoscaling.x-k8s.io", "provisioningrequests")?,
        })
    }
}

/// A local queue.
#[derive(Debug, Clone, PartialEq)]
struct Local {
    queue: String,
    /// `None`, `Hold` or `HoldAndDrain`.
    stop: String,
}

/// What of a cluster queue the engine need not know.
#[derive(Debug, Clone, PartialEq, Default)]
struct Facts {
    stop: String,
    /// Reason and message of its `Active` condition.
    active: (&'static str, String),
    selector: Value,
    /// Admission checks, each with the flavors it is for (none: all).
    checks: Vec<(String, Vec<String>)>,
}

/// Kueue's controllers and scheduler.
#[derive(Debug)]
pub struct Controller {
    engine: Engine,
    /// Queues, cohorts, flavors or checks have changed.
    stale: bool,
    locals: BTreeMap<Key, Local>,
    facts: BTreeMap<String, Facts>,
    /// Cluster queues whose status may be another one now.
    unsaid: BTreeSet<String>,
    random: Random,
    /// Worker clusters that can be reached.
    workers: BTreeSet<String>,
}

impl Default for Controller {
    fn default() -> Self {
        Self {
            engine: Engine::new(true),
            stale: true,
            locals: BTreeMap::new(),
            facts: BTreeMap::new(),
            unsaid: BTreeSet::new(),
            random: Random::new(0x006b_7565_7565),
            workers: BTreeSet::new(),
        }
    }
}

fn place(group: &str, kind: &str) -> Option<usize> {
    jobs::KINDS
        .iter()
        .position(|k| k.group == group && k.kind == kind)
}

/// The status of a definition may change, what it says does not.
fn reworded(event: &Event) -> bool {
    let Some(old) = &event.previous else {
        return true;
    };
    let generation = |o: &Object| o.tree()["metadata"]["generation"].clone();
    event.change == Change::Deleted
        || generation(old) != generation(&event.object)
        || old.deleting != event.object.deleting
        || old.labels != event.object.labels
}

/// The webhook: a job with a queue label begins suspended.
pub fn admit(cluster: &Cluster, kind: &Kind, value: &mut Value) {
    if kind.kind == "Pod" && kind.group.is_empty() && Ids::of(&cluster.store).is_some() {
        return pods::admit(value);
    }
    let Some(job) = jobs::find(&kind.group, &kind.kind) else {
        return;
    };
    let queue = value["metadata"]["labels"][reconcile::QUEUE].as_str();
    let queued = queue.is_some_and(|q| !q.is_empty());
    if queued && !reconcile::managed_by_other(value) && Ids::of(&cluster.store).is_some() {
        job.suspend(value, true);
        multikueue::admit(cluster, job, value);
    }
}

impl Controller {
    /// Wakes whatever an event concerns.
    pub fn observe(&mut self, hub: &mut Hub<'_>, event: &Event) {
        let object = &event.object;
        let kind = hub.cluster.store.kind(object.kind).clone();
        let key = (object.namespace.clone(), object.name.clone());
        if kind.group == GROUP {
            self.observe_own(hub, event, &kind, &key);
        } else if kind.kind == "ProvisioningRequest" && kind.group == "autoscaling.x-k8s.io" {
            if let Some(owner) = object.controller() {
                let owner = (key.0.clone(), owner.name.clone());
                hub.wake(Task::Kueue(Step::Workload(owner)));
            }
            hub.wake(Task::Kueue(Step::Provision(key)));
        } else if object.kind == hub.kinds.pods {
            pods::observe(hub, event);
        } else if event.change != Change::Deleted {
            if object.labels.contains_key(reconcile::QUEUE)
                && let Some(at) = place(&kind.group, &kind.kind)
            {
                hub.wake(Task::Kueue(Step::Job(at, key.clone())));
            }
            let train = object.controller().filter(|o| o.kind == "TrainJob");
            if let Some(at) = train.and_then(|_| place("trainer.kubeflow.org", "TrainJob")) {
                let owner = train.map(|o| o.name.clone()).unwrap_or_default();
                hub.wake(Task::Kueue(Step::Job(at, (key.0, owner))));
            }
        }
    }

    fn observe_own(&mut self, hub: &mut Hub<'_>, event: &Event, kind: &Kind, key: &Key) {
        match kind.kind.as_str() {
            "Workload" => {
                hub.wake(Task::Kueue(Step::Workload(key.clone())));
                if !self.workers.is_empty() {
                    hub.wake(Task::Kueue(Step::Dispatch(key.clone())));
                }
                if let Some(step) = pods::owner(event) {
                    hub.wake(Task::Kueue(step));
                }
                let owner = event.object.controller();
                let job = owner.and_then(|o| {
                    let at = jobs::KINDS.iter().position(|k| k.kind == o.kind)?;
                    Some(Step::Job(at, (key.0.clone(), o.name.clone())))
                });
                if let Some(job) = job {
                    hub.wake(Task::Kueue(job));
                }
            }
            "AdmissionCheck" => self.reread(hub),
            "ClusterQueue"
            | "LocalQueue"
            | "Cohort"
            | "ResourceFlavor"
            | "ProvisioningRequestConfig"
            | "MultiKueueCluster"
            | "MultiKueueConfig"
                if reworded(event) =>
            {
                self.reread(hub);
            }
            _ => {}
        }
    }

    fn reread(&mut self, hub: &mut Hub<'_>) {
        self.stale = true;
        hub.wake(Task::Kueue(Step::Cycle));
    }

    /// Says the status of a cluster queue anew, in a moment.
    fn tell_of(&mut self, hub: &mut Hub<'_>, queue: &str) {
        self.unsaid.insert(queue.to_owned());
        let soon = hub.seconds(1.0);
        hub.wake_in(soon, Task::Kueue(Step::Status));
    }

    /// Does one thing.
    pub fn run(&mut self, hub: &mut Hub<'_>, step: &Step) {
        let Some(ids) = Ids::of(&hub.cluster.store) else {
            return;
        };
        if self.stale {
            self.stale = false;
            self.read_configuration(hub, ids);
        }
        // Names and UIDs of a scene do not depend on what is queued beside it.
        std::mem::swap(&mut hub.cluster.random, &mut self.random);
        match step {
            Step::Job(at, key) => self.sync_job(hub, ids, &jobs::KINDS[*at], key),
            Step::Workload(key) => self.sync_workload(hub, ids, key),
            Step::Pods(group, key) => self.sync_pods(hub, ids, *group, key),
            Step::Cycle => self.schedule(hub, ids),
            Step::Status => self.tell(hub, ids),
            Step::Provision(key) => checks::provision(hub, ids, key),
            // that one needs the other clusters too
            Step::Dispatch(_) => {}
        }
        std::mem::swap(&mut hub.cluster.random, &mut self.random);
    }
}

/// A map of texts in a field.
fn texts(value: &Value) -> BTreeMap<String, String> {
    let all = value.as_object().into_iter().flatten();
    let all = all.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())));
    all.collect()
}

/// A quantity in thousandths, written as text or as a number.
fn thousandths(value: &Value) -> Option<i64> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(n) => n.to_string(),
        _ => return None,
    };
    Some(super::quantity::parse(&text))
}

/// An object without its nulls and empty maps, as Go omits them.
fn named(name: &str) -> Value {
    json!({"name": name})
}
