//! Unrest for its own sake: pods that stop being ready and become so again, the counts of their Jobs and the conditions
//! of their Workloads after them, and nodes that say they are alive. So many changes a second, in an order that only
//! the seed decides.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::World;
use crate::api::write::{Cluster, Random};
use crate::clock::rfc3339;
use crate::controllers::tasks::{Key, Task};
use crate::controllers::{Cache, Kinds};
use crate::store::{KindId, Object};

/// How often it acts.
const TICK: TimeDelta = TimeDelta::milliseconds(20);
/// The most changes of one turn: a cluster that cannot keep up owes them to nobody.
const MOST: f64 = 200.0;
/// Pods that are not ready at a time.
const DOWN: usize = 400;

/// What changes, how fast, and what is to be changed back.
#[derive(Debug)]
pub struct Churn {
    rate: u32,
    random: Random,
    last: DateTime<Utc>,
    /// Changes that are due, and the part of one.
    owed: f64,
    turn: u64,
    changes: u64,
    pods: Vec<Key>,
    nodes: Vec<String>,
    node: usize,
    down: VecDeque<Key>,
    /// By Job: how many of its pods are not ready.
    unready: BTreeMap<Key, usize>,
    /// Jobs and Workloads that do not say so yet.
    jobs: BTreeSet<Key>,
    workloads: BTreeSet<Key>,
}

impl Churn {
    pub fn new(seed: u64) -> Self {
        Self {
            rate: 0,
            random: Random::new(seed ^ 0xc42e),
            last: DateTime::UNIX_EPOCH,
            owed: 0.0,
            turn: 0,
            changes: 0,
            pods: Vec::new(),
            nodes: Vec::new(),
            node: 0,
            down: VecDeque::new(),
            unready: BTreeMap::new(),
            jobs: BTreeSet::new(),
            workloads: BTreeSet::new(),
        }
    }

    /// Changes made so far.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Everything that may change: pods of Jobs that run, and nodes that answer.
    fn look(&mut self, cluster: &Cluster, kinds: Kinds, cache: &Cache) {
        let pods = cluster.store.list(kinds.pods, None).filter(|o| {
            let pod = cache.pod(&o.uid);
            o.controller().is_some_and(|c| c.kind == "Job")
                && !o.labels.contains_key(PART)
                && pod.is_some_and(|p| p.status.phase == "Running" && p.active())
        });
        let fleet = |o: &Object| {
            let job = o.controller().and_then(|c| cache.job(&c.uid));
            job.is_some_and(|j| {
                j.object
                    .labels
                    .get(PART)
                    .is_some_and(|part| part == "fleet")
            })
        };
        let pods = pods.filter(|o| fleet(o)).map(|o| key(o));
        self.pods = pods.collect();
        let nodes = cluster.store.list(kinds.nodes, None);
        self.nodes = nodes.map(|o| o.name.clone()).collect();
        self.node = 0;
    }

    /// One change; false if there was nothing to change.
    fn step(&mut self, cluster: &mut Cluster, kinds: Kinds, cache: &Cache) -> bool {
        self.turn += 1;
        match self.turn % 20 {
            0..=4 => self.beat(cluster, kinds),
            9 | 19 => self.tell_job(cluster, kinds) || self.turn_pod(cluster, kinds, cache),
            14 => self.tell_workload(cluster) || self.turn_pod(cluster, kinds, cache),
            _ => self.turn_pod(cluster, kinds, cache),
        }
    }

    /// The next node says that it is alive.
    fn beat(&mut self, cluster: &mut Cluster, kinds: Kinds) -> bool {
        self.node += 1;
        let nth = self.node.checked_rem(self.nodes.len());
        let Some(name) = nth.and_then(|n| self.nodes.get(n)) else {
            return false;
        };
        let now = rfc3339(cluster.clock.now());
        write(
            cluster,
            kinds.nodes,
            &(String::new(), name.clone()),
            |status| {
                let conditions = &mut status["conditions"];
                for condition in conditions.as_array_mut().into_iter().flatten() {
                    if condition["status"] != "Unknown" {
                        condition["lastHeartbeatTime"] = json!(now);
                    }
                }
            },
        )
    }

    /// A pod becomes unready, or the one that has been so for longest becomes ready again.
    fn turn_pod(&mut self, cluster: &mut Cluster, kinds: Kinds, cache: &Cache) -> bool {
        let up = self.down.len() >= DOWN.min(self.pods.len() / 2)
            || (!self.down.is_empty() && self.random.below(2) == 0);
        let key = if up {
            self.down.pop_front()
        } else {
            let nth = self.random.below(self.pods.len().max(1) as u64) as usize;
            self.pods.get(nth).cloned()
        };
        let Some(key) = key else {
            return false;
        };
        let found = cluster.store.get(kinds.pods, &key.0, &key.1).cloned();
        let Some(owner) = found.as_ref().and_then(|o| o.controller()) else {
            return false;
        };
        let running = found.as_ref().and_then(|o| cache.pod(&o.uid));
        if running.is_none_or(|p| !p.active() || p.ready() == up) {
            return false;
        }
        let job = (key.0.clone(), owner.name.clone());
        let now = rfc3339(cluster.clock.now());
        if !write(cluster, kinds.pods, &key, |status| {
            readiness(status, up, &now)
        }) {
            return false;
        }
        let unready = self.unready.entry(job.clone()).or_default();
        if up {
            *unready = unready.saturating_sub(1);
        } else {
            *unready += 1;
            self.down.push_back(key);
        }
        self.jobs.insert(job);
        true
    }

    /// A Job counts its ready pods anew.
    fn tell_job(&mut self, cluster: &mut Cluster, kinds: Kinds) -> bool {
        while let Some(job) = self.jobs.pop_first() {
            let unready = self.unready.get(&job).copied().unwrap_or(0);
            if unready == 0 {
                self.unready.remove(&job);
            }
            let told = write(cluster, kinds.jobs, &job, |status| {
                let active = status["active"].as_u64().unwrap_or(0);
                if active > 0 {
                    status["ready"] = json!(active.saturating_sub(unready as u64));
                }
            });
            let object = cluster.store.get(kinds.jobs, &job.0, &job.1);
            if object.is_some_and(|o| o.labels.contains_key(QUEUE)) {
                self.workloads.insert(job);
            }
            if told {
                return true;
            }
        }
        false
    }

    /// A Workload says whether all its pods are ready.
    fn tell_workload(&mut self, cluster: &mut Cluster) -> bool {
        let Some(kind) = cluster.store.kind_id("kueue.x-k8s.io", "workloads") else {
            return false;
        };
        while let Some(job) = self.workloads.pop_first() {
            let uid = cluster.store.kind_id("batch", "jobs");
            let uid = uid.and_then(|jobs| cluster.store.get(jobs, &job.0, &job.1));
            let Some(uid) = uid.map(|o| o.uid.clone()) else {
                continue;
            };
            let name = crate::controllers::kueue::workload_name("batch", "Job", &job.1, &uid);
            let ready = !self.unready.contains_key(&job);
            let now = rfc3339(cluster.clock.now());
            let told = write(cluster, kind, &(job.0, name), |status| {
                let all = status["conditions"].as_array_mut();
                for c in all
                    .into_iter()
                    .flatten()
                    .filter(|c| c["type"] == "PodsReady")
                {
                    let (status, reason, text) = if ready {
                        (
                            "True",
                            "Recovered",
                            "All pods reached readiness and the workload is running",
                        )
                    } else {
                        (
                            "False",
                            "WaitForRecovery",
                            "At least one pod has failed, waiting for recovery",
                        )
                    };
                    if c["status"] != status {
                        c["status"] = json!(status);
                        c["reason"] = json!(reason);
                        c["message"] = json!(text);
                        c["lastTransitionTime"] = json!(now);
                    }
                }
            });
            if told {
                return true;
            }
        }
        false
    }
}

const PART: &str = "app.kubernetes.io/part-of";
const QUEUE: &str = "kueue.x-k8s.io/queue-name";

fn key(object: &Object) -> Key {
    (object.namespace.clone(), object.name.clone())
}

/// Writes a status as its controller would; false if that changes nothing, or it is not there.
fn write(cluster: &mut Cluster, kind: KindId, key: &Key, change: impl FnOnce(&mut Value)) -> bool {
    let Some(old) = cluster.store.get(kind, &key.0, &key.1).cloned() else {
        return false;
    };
    cluster.store.put_status(&old, change).is_some()
}

fn readiness(status: &mut Value, ready: bool, now: &str) {
    let all = status["containerStatuses"].as_array_mut();
    let mut name = String::new();
    for c in all.into_iter().flatten() {
        if name.is_empty() {
            name = c["name"].as_str().unwrap_or_default().to_owned();
        }
        c["ready"] = json!(ready);
    }
    for c in status["conditions"].as_array_mut().into_iter().flatten() {
        if c["type"] != "Ready" && c["type"] != "ContainersReady" {
            continue;
        }
        c["lastTransitionTime"] = json!(now);
        c["status"] = json!(if ready { "True" } else { "False" });
        let Some(c) = c.as_object_mut() else { continue };
        if ready {
            c.remove("reason");
            c.remove("message");
        } else {
            let text = format!("containers with unready status: [{name}]");
            c.insert("reason".to_owned(), json!("ContainersNotReady"));
            c.insert("message".to_owned(), json!(text));
        }
    }
}

impl World {
    /// Changes so much a second from now on; 0 ends it.
    pub fn stir(&mut self, rate: u32) {
        let now = self.cluster.clock.now();
        if rate > 0 && self.churn.rate == 0 {
            self.churn.look(&self.cluster, self.kinds, &self.cache);
            self.churn.owed = 0.0;
            self.churn.last = now;
        }
        self.churn.rate = rate;
        if rate > 0 {
            self.tasks.at(now, Task::Churn);
        }
        self.cluster.store.nudge();
    }

    pub(super) fn churn(&mut self) {
        let (now, churn) = (self.cluster.clock.now(), &mut self.churn);
        if churn.rate == 0 {
            return;
        }
        let begun = now;
        let since = (now - churn.last).as_seconds_f64().max(0.0);
        churn.last = now;
        churn.owed = (churn.owed + since * f64::from(churn.rate)).min(MOST);
        let mut idle = 0;
        while churn.owed >= 1.0 && idle < 100 {
            if churn.step(&mut self.cluster, self.kinds, &self.cache) {
                churn.owed -= 1.0;
                churn.changes += 1;
                idle = 0;
            } else {
                idle += 1;
            }
            // What a controller would make of these is what they say already: only the informers hear of them.
            for event in self.cluster.store.take_fresh() {
                self.cache.observe(self.kinds, &event);
            }
        }
        // a machine too slow for the rate must get to other things in between
        let rest = self.cluster.clock.now() + TICK / 4;
        self.tasks.at(rest.max(begun + TICK), Task::Churn);
    }
}
