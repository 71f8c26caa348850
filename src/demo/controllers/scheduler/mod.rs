//! The scheduler: pods without a node, highest priority first, each to the best node that fits.
//!
//! What fits nowhere is parked with the reason and tried again when something is freed or a node changes.

mod berths;
mod fit;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

pub use self::berths::Berths;
use self::fit::{NodeInfo, Wish};
use super::dra::Claims;
use super::hub::Hub;
use super::quantity::{self, Amounts};
use super::recorder::{Note, Source};
use super::tasks::Task;
use super::wire::Pod;
use crate::api::write::Writer;
use crate::clock::rfc3339;
use crate::store::{Change, Event};

/// As many feasible nodes are compared at most (the real one samples large clusters too).
const SAMPLE: usize = 100;
/// Seconds after which a pod that still fits nowhere is complained about again.
const REPEAT: f64 = 300.0;

#[derive(Debug, Clone)]
struct Parked {
    message: String,
    told: DateTime<Utc>,
}

/// Nodes with what is used on them, and the pods that wait.
#[derive(Debug, Default)]
pub struct Scheduler {
    nodes: Vec<NodeInfo>,
    node_at: HashMap<String, usize>,
    /// Pod UID → where it counts, and how much.
    booked: HashMap<String, (String, Arc<Amounts>)>,
    queue: BTreeSet<(Reverse<i64>, u64, String)>,
    parked: HashMap<String, Parked>,
    /// What the waiting pods ask for, read once: they are tried again and again.
    wishes: HashMap<String, Arc<Wish>>,
    /// By kind of wish: why each node takes no such pod, whatever room it has.
    barred: HashMap<String, Arc<Vec<Option<&'static str>>>>,
    /// Where the search for nodes starts next.
    next: usize,
}

impl Scheduler {
    pub fn observe_node(&mut self, hub: &mut Hub<'_>, event: &Event) {
        let name = &event.object.name;
        match (self.node_at.get(name).copied(), event.change) {
            (Some(at), Change::Deleted) => {
                self.nodes.remove(at);
                self.node_at.remove(name);
                for place in self.node_at.values_mut().filter(|p| **p > at) {
                    *place -= 1;
                }
            }
            (Some(at), _) => {
                if !self.nodes[at].refresh(&event.object) {
                    return;
                }
            }
            (None, Change::Deleted) => {}
            (None, _) => {
                let mut node = NodeInfo::new(&event.object);
                for (on, amounts) in self.booked.values().filter(|(on, _)| on == name) {
                    debug_assert_eq!(on, name);
                    node.book(amounts);
                }
                self.node_at.insert(name.clone(), self.nodes.len());
                self.nodes.push(node);
            }
        }
        self.barred.clear();
        self.try_again(hub);
    }

    pub fn observe_pod(&mut self, hub: &mut Hub<'_>, event: &Event) {
        let uid = &event.object.uid;
        let pod = hub.cache.pod(uid).cloned();
        let holds = pod.filter(|p| !p.terminal());
        let bound = holds.as_ref().filter(|p| !p.spec.node_name.is_empty());
        match (self.booked.contains_key(uid), bound) {
            (false, Some(pod)) => self.book(uid, pod),
            (true, None) => {
                if let Some((node, amounts)) = self.booked.remove(uid) {
                    if let Some(at) = self.node_at.get(&node) {
                        self.nodes[*at].free(&amounts);
                    }
                    self.try_again(hub);
                }
            }
            _ => {}
        }
        self.wishes.remove(uid);
        let waits = holds.filter(|p| p.spec.node_name.is_empty() && !p.deleting());
        let ours = |p: &Arc<Pod>| {
            let by = p.spec.scheduler_name.as_str();
            by.is_empty() || by == "default-scheduler"
        };
        match waits.filter(ours) {
            Some(pod) => {
                let changed = event.previous.is_none()
                    || gates(&pod) != event.previous.as_ref().map(|o| gated(&o.tree()));
                if changed {
                    self.parked.remove(uid);
                    let entry = self.entry(&pod);
                    self.queue.insert(entry);
                    hub.wake(Task::Schedule);
                }
            }
            None => self.drop_pod(uid, event),
        }
    }

    fn entry(&mut self, pod: &Pod) -> (Reverse<i64>, u64, String) {
        let priority = self.wish(pod).priority;
        (Reverse(priority), pod.born, pod.uid().to_owned())
    }

    fn wish(&mut self, pod: &Pod) -> Arc<Wish> {
        if let Some(wish) = self.wishes.get(pod.uid()) {
            return wish.clone();
        }
        let wish = Arc::new(Wish::new(pod));
        self.wishes.insert(pod.uid().to_owned(), wish.clone());
        wish
    }

    fn drop_pod(&mut self, uid: &str, event: &Event) {
        self.parked.remove(uid);
        if self.queue.is_empty() {
            return;
        }
        if let Some(old) = &event.previous {
            let priority = old.tree()["spec"]["priority"].as_i64().unwrap_or(0);
            self.queue
                .retain(|(p, _, u)| *p != Reverse(priority) || u != uid);
        }
    }

    fn book(&mut self, uid: &str, pod: &Pod) {
        let amounts = Arc::new(quantity::demand(&pod.spec));
        let node = pod.spec.node_name.clone();
        if let Some(at) = self.node_at.get(&node) {
            self.nodes[*at].book(&amounts);
        }
        self.booked.insert(uid.to_owned(), (node, amounts));
    }

    /// Something was freed: parked pods get another try, in a moment.
    pub fn try_again(&mut self, hub: &mut Hub<'_>) {
        if !self.parked.is_empty() {
            let wait = hub.seconds(1.0);
            hub.wake_in(wait, Task::Schedule);
        }
    }

    /// One pass over everything that waits.
    pub fn run(&mut self, hub: &mut Hub<'_>, claims: &mut Claims) {
        let parked: Vec<String> = self.parked.keys().cloned().collect();
        for uid in parked {
            if let Some(pod) = hub.cache.pod(&uid) {
                let entry = self.entry(pod);
                self.queue.insert(entry);
            }
        }
        // Within a pass room only shrinks: what failed for one pod fails for all of the same shape.
        let mut hopeless: BTreeMap<String, String> = BTreeMap::new();
        while let Some((_, _, uid)) = self.queue.pop_first() {
            let Some(pod) = hub.cache.pod(&uid).cloned() else {
                continue;
            };
            let wish = self.wish(&pod);
            if wish.gated {
                self.hold_at_gates(hub, &pod);
                continue;
            }
            let plan = wish.claims.then(|| claims.plan(hub, &pod));
            if matches!(plan, Some(Ok(None))) {
                // tried again when they are there
                let parked = Parked {
                    message: String::new(),
                    told: hub.now(),
                };
                self.parked.insert(uid, parked);
                continue;
            }
            let plan = plan.map(|p| p.map(Option::unwrap_or_default));
            let found = match (hopeless.get(&wish.shape), &plan) {
                (Some(message), _) => Err(message.clone()),
                (None, Some(Err(why))) => Err(format!(
                    "0/{} nodes are available: {why}.",
                    self.nodes.len()
                )),
                (None, Some(Ok(plan))) => {
                    self.choose(&wish, &|node| claims.fits(plan, node).is_some())
                }
                (None, None) => self.choose(&wish, &|_| true),
            };
            match found {
                Ok(node) => {
                    if let Some(Ok(plan)) = &plan
                        && !claims.reserve(hub, plan, &pod, &node)
                    {
                        continue;
                    }
                    self.parked.remove(&uid);
                    self.wishes.remove(&uid);
                    self.bind(hub, &pod, &node);
                }
                Err(message) => {
                    hopeless.insert(wish.shape.clone(), message.clone());
                    self.park(hub, &pod, message);
                }
            }
        }
    }

    /// `also`: what else must be so of a node, once it has all that is counted there.
    fn choose(&mut self, wish: &Wish, also: &dyn Fn(&str) -> bool) -> Result<String, String> {
        let count = self.nodes.len();
        let barred = self.barred(wish);
        let mut best: Option<(i64, usize)> = None;
        let mut found = 0;
        for step in 0..count {
            let at = (self.next + step) % count;
            if barred[at].is_some() {
                continue;
            }
            let node = &self.nodes[at];
            if node.has_room(wish) && node.room(wish).is_ok() && also(&node.name) {
                let score = node.score(wish);
                if best.is_none_or(|(s, _)| score > s) {
                    best = Some((score, at));
                }
                found += 1;
                if found >= SAMPLE {
                    break;
                }
            }
        }
        if let Some((_, at)) = best {
            self.next = (self.next + 1) % count;
            return Ok(self.nodes[at].name.clone());
        }
        // why each refuses is asked only where all do
        let mut reasons: BTreeMap<Cow<'static, str>, usize> = BTreeMap::new();
        let mut resolvable = 0;
        for (node, barred) in self.nodes.iter().zip(barred.iter()) {
            if let Some(reason) = barred {
                *reasons.entry(Cow::Borrowed(*reason)).or_default() += 1;
                continue;
            }
            let refused = match node.room(wish) {
                Ok(()) => fit::unclaimable(),
                Err(why) => why,
            };
            resolvable += usize::from(refused.resolvable);
            for reason in refused.reasons {
                *reasons.entry(reason).or_default() += 1;
            }
        }
        Err(message(count, &reasons, resolvable))
    }

    /// Why each node takes no pod of this kind: asked once until a node changes, as there may be thousands.
    fn barred(&mut self, wish: &Wish) -> Arc<Vec<Option<&'static str>>> {
        if let Some(known) = self.barred.get(&wish.kind) {
            return known.clone();
        }
        let all: Arc<Vec<_>> = Arc::new(self.nodes.iter().map(|n| n.bars(wish)).collect());
        self.barred.insert(wish.kind.clone(), all.clone());
        all
    }

    fn bind(&mut self, hub: &mut Hub<'_>, pod: &Arc<Pod>, node: &str) {
        let key = pod.key();
        let at = self.node_at.get(node).copied();
        let topology = at.map(|at| self.nodes[at].topology()).unwrap_or_default();
        let now = rfc3339(hub.now());
        let by = Writer::new("kube-scheduler");
        let done = hub.edit(hub.kinds.pods, &key, &by, |v| {
            v["spec"]["nodeName"] = json!(node);
            for (label, value) in topology {
                v["metadata"]["labels"][label] = json!(value);
            }
            fit::set_scheduled(v, &now, None);
        });
        let Some(done) = done else { return };
        // Booked at once: the next pod of this pass must see it.
        self.book(pod.uid(), &Pod::new(&done, Some(pod.born)));
        let text = format!("Successfully assigned {}/{} to {node}", key.0, key.1);
        hub.event(&pod.object, &note(false, "Scheduled", &text));
    }

    fn park(&mut self, hub: &mut Hub<'_>, pod: &Arc<Pod>, message: String) {
        let now = hub.now();
        let repeat = hub.seconds(REPEAT);
        let old = self.parked.get(pod.uid());
        let same = old.is_some_and(|o| o.message == message);
        if same && old.is_some_and(|o| now - o.told < repeat) {
            return;
        }
        let parked = Parked {
            message: message.clone(),
            told: now,
        };
        self.parked.insert(pod.uid().to_owned(), parked);
        hub.wake_in(repeat, Task::Schedule);
        if !same {
            let (at, by) = (rfc3339(now), Writer::status("kube-scheduler"));
            hub.edit(hub.kinds.pods, &pod.key(), &by, |v| {
                fit::set_scheduled(v, &at, Some(("Unschedulable", &message)));
            });
        }
        hub.event(&pod.object, &note(true, "FailedScheduling", &message));
    }

    fn hold_at_gates(&mut self, hub: &mut Hub<'_>, pod: &Arc<Pod>) {
        let held = pod.condition("PodScheduled").is_some();
        if !held {
            let text = "Scheduling is blocked due to non-empty scheduling gates";
            let (at, by) = (rfc3339(hub.now()), Writer::status("kube-scheduler"));
            hub.edit(hub.kinds.pods, &pod.key(), &by, |v| {
                fit::set_scheduled(v, &at, Some(("SchedulingGated", text)));
            });
        }
    }

    /// Is the node there and its kubelet alive?
    pub fn alive(&self, node: &str) -> bool {
        let at = self.node_at.get(node);
        at.is_some_and(|at| self.nodes[*at].ready)
    }

    /// UIDs of the pods that wait for room, for tests and for the scene.
    pub fn waiting(&self) -> usize {
        self.parked.len()
    }
}

fn gated(value: &serde_json::Value) -> usize {
    let gates = value["spec"]["schedulingGates"].as_array();
    gates.map_or(0, Vec::len)
}

fn gates(pod: &Pod) -> Option<usize> {
    Some(gated(&pod.object.tree()))
}

fn note<'a>(warning: bool, reason: &'a str, message: &'a str) -> Note<'a> {
    Note {
        from: Source::Scheduler,
        warning,
        reason,
        message,
        field: "",
    }
}

/// The text of the condition and of the event, in the real one's form.
fn message(
    nodes: usize,
    reasons: &BTreeMap<Cow<'static, str>, usize>,
    resolvable: usize,
) -> String {
    if nodes == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    let mut parts: Vec<String> = reasons.iter().map(|(r, n)| format!("{n} {r}")).collect();
    parts.sort();
    let mut after = Vec::new();
    if nodes > resolvable {
        after.push(format!(
            "{} Preemption is not helpful for scheduling",
            nodes - resolvable
        ));
    }
    if resolvable > 0 {
        after.push(format!(
            "{resolvable} No preemption victims found for incoming pod"
        ));
    }
    after.sort();
    format!(
        "0/{nodes} nodes are available: {}. no new claims to deallocate, preemption: 0/{nodes} nodes are available: {}.",
        parts.join(", "),
        after.join(", "),
    )
}
