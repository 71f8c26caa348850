//! Per job: what its pods add up to, kept up to date in O(1) per pod change, and what stays known of pods
//! that are gone.
//!
//! Law: folding the changes step by step gives the same as folding the pods that remain (and those that went)
//! from nothing, in any order. So the live part only adds and subtracts, and the memory only takes maxima,
//! sums over distinct pods and the smallest hashes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use hashbrown::HashMap;

use super::bag::Bag;
use super::capacity::holds;
use super::ids::{ClusterId, Key, Name, Uid};
use super::indexes::Indexes;
use super::job::JobRow;
use super::moment::Moment;
use super::pod::{Exit, PodPhase, PodRow};
use super::resources::Devices;
use super::slots::Slots;
use super::table::Table;

/// The totals of every job, by the job's key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress(HashMap<Key, Box<JobTotals>>);

/// What the pods of one job add up to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobTotals {
    pub live: Live,
    pub memory: Memory,
    pub indexes: Indexes,
    slots: Slots,
    /// The job itself was deleted.
    orphan: bool,
}

/// Sums over the pods in the table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Live {
    /// Neither terminal nor deleting.
    pub active: u32,
    /// Active and in phase Running.
    pub running: u32,
    /// Active and in another phase (Pending, Unknown).
    pub pending: u32,
    /// Active and Ready.
    pub ready: u32,
    /// Deleting and not terminal.
    pub terminating: u32,
    pub succeeded: u32,
    pub failed: u32,
    /// Active with kubectl's status `CrashLoopBackOff`.
    pub crashing: u32,
    /// Container restarts of pods that are not terminal, and of all.
    pub active_restarts: u32,
    pub restarts: u32,
    /// Held by bound pods that are not terminal.
    pub devices: Devices,
    /// Nodes such pods are on, with their number.
    pub nodes: Bag<Name>,
    /// Start times of running pods, with their number: for the ETA.
    pub starts: Bag<Moment>,
    /// How failed pods ended: (exit code, reason) → pods.
    pub exits: Bag<(i32, Name)>,
}

/// What stays known when pods are garbage-collected. Bounded: a sample of durations, one death, and as many
/// exits as there are different ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    /// Failed pods that are gone.
    pub failed: u32,
    /// How they ended.
    pub exits: Bag<(i32, Name)>,
    /// The newest bad end seen.
    pub last_death: Option<Box<Death>>,
    durations: Sample,
}

/// A pod's bad end.
#[derive(Debug, Clone, PartialEq)]
pub struct Death {
    pub pod: Box<str>,
    pub uid: Uid,
    pub node: Option<Name>,
    pub index: Option<u32>,
    pub exit: Option<Exit>,
    pub disrupted: Option<Name>,
    pub at: Option<DateTime<Utc>>,
}

/// Durations (milliseconds) of the succeeded pods with the smallest uid hashes: a fair sample of all pods ever
/// seen, whatever the order they came in.
#[derive(Debug, Clone, PartialEq, Default)]
struct Sample(BTreeMap<(u64, Uid), i64>);

/// Durations kept per job.
const SAMPLES: usize = 101;

impl Sample {
    fn put(&mut self, uid: Uid, millis: i64) {
        let folded = (uid.0 as u64) ^ ((uid.0 >> 64) as u64);
        let hash = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0.insert((hash ^ (hash >> 32), uid), millis);
        if self.0.len() > SAMPLES {
            self.0.pop_last();
        }
    }
}

impl JobTotals {
    /// Slots of the job's pods in the pod table.
    pub fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        self.slots.iter()
    }

    /// Failed pods seen, gone ones included.
    pub fn failed_seen(&self) -> u32 {
        self.live.failed.saturating_add(self.memory.failed)
    }

    /// Failed pods that are still there.
    pub fn failed_there(&self) -> u32 {
        self.live.failed
    }

    /// Median duration of succeeded pods in milliseconds, from at least three.
    pub fn median_millis(&self) -> Option<i64> {
        let mut all: Vec<i64> = self.memory.durations.0.values().copied().collect();
        if all.len() < 3 {
            return None;
        }
        let middle = all.len() / 2;
        Some(*all.select_nth_unstable(middle).1)
    }

    /// How failed pods ended, most frequent first: (exit code, reason, pods).
    pub fn exits(&self) -> Vec<(i32, Name, u32)> {
        let mut sum = self.live.exits.clone();
        for (kind, n) in self.memory.exits.iter() {
            sum.add_many(kind.clone(), n);
        }
        let each = |((code, reason), n): (&(i32, Name), u32)| (*code, reason.clone(), n);
        let mut list: Vec<_> = sum.iter().map(each).collect();
        list.sort_by_key(|&(_, _, n)| std::cmp::Reverse(n));
        list
    }
}

impl Progress {
    pub fn of(&self, job: Key) -> Option<&JobTotals> {
        self.0.get(&job).map(|totals| &**totals)
    }

    /// A job's row came or changed: indexes its status already tells of need no watching.
    pub fn job(&mut self, job: &JobRow) {
        if let Some(totals) = self.0.get_mut(&job.key) {
            totals.orphan = false;
            totals.indexes.settle(job);
        }
    }

    /// A job was deleted: its memory goes with its last pod.
    pub fn gone(&mut self, job: Key) {
        if let Some(totals) = self.0.get_mut(&job) {
            totals.orphan = true;
            if totals.slots.is_empty() {
                self.0.remove(&job);
            }
        }
    }

    /// One pod changed. `cancelled`: it went because its watch did, so nothing is remembered of it as gone.
    pub fn pod(
        &mut self,
        slot: u32,
        old: Option<&PodRow>,
        new: Option<&PodRow>,
        cancelled: bool,
        jobs: &mut Table<JobRow>,
    ) {
        let (from, to) = (old.and_then(job_of), new.and_then(job_of));
        if let (Some(job), Some(pod)) = (from, old) {
            if let Some(totals) = self.0.get_mut(&job) {
                totals.live.fold(pod, false);
                if from != to {
                    totals.slots.remove(slot);
                    if !cancelled {
                        totals.memory.went(pod);
                    }
                    let gone = (!cancelled).then_some(pod);
                    totals.indexes.remove(slot, pod, gone, jobs.get(job));
                    // an owner nobody watches leaves nothing behind either
                    let stranger = !is_kind(pod, "Job") && !jobs.contains(job);
                    if (totals.orphan || stranger) && totals.slots.is_empty() {
                        self.0.remove(&job);
                    }
                }
            }
            jobs.touch(job);
        }
        if let (Some(job), Some(pod)) = (to, new) {
            let totals = self.0.entry(job).or_default();
            totals.live.fold(pod, true);
            totals.memory.saw(pod);
            totals.slots.insert(slot);
            totals.indexes.put(slot, pod, jobs.get(job));
            if from != to {
                jobs.touch(job);
            }
        }
    }
}

fn is_kind(pod: &PodRow, kind: &str) -> bool {
    pod.owner.as_ref().is_some_and(|(k, _, _)| &**k == kind)
}

/// The workload a pod belongs to; whatever controls pods may be one, but for the built-in kinds that serve.
pub fn job_of(pod: &PodRow) -> Option<Key> {
    if let Some(member) = &pod.member {
        return Some(member.key);
    }
    let (kind, _, uid) = pod.owner.as_ref()?;
    let cluster: ClusterId = pod.key.cluster;
    may_be_workload(kind).then_some(Key { cluster, uid: *uid })
}

/// Whether a controller of this kind may be a workload.
pub fn may_be_workload(kind: &str) -> bool {
    !matches!(
        kind,
        "ReplicaSet" | "StatefulSet" | "DaemonSet" | "ReplicationController" | "Node"
    )
}

/// Code and reason of a failed pod's end; a pod that failed as a whole has code 0 and no exit.
fn end_of(pod: &PodRow) -> (i32, Name) {
    match (&pod.disrupted, &pod.exit) {
        (Some(reason), _) => (-1, reason.clone()),
        (None, Some(exit)) => (exit.code, exit.reason.clone()),
        (None, None) => (0, pod.status.clone()),
    }
}

impl Live {
    fn fold(&mut self, pod: &PodRow, add: bool) {
        let step = |n: &mut u32, by: u32| {
            *n = if add {
                n.saturating_add(by)
            } else {
                n.saturating_sub(by)
            };
        };
        let terminal = matches!(pod.phase, PodPhase::Succeeded | PodPhase::Failed);
        match pod.phase {
            PodPhase::Succeeded => step(&mut self.succeeded, 1),
            PodPhase::Failed => step(&mut self.failed, 1),
            _ if pod.deleting => step(&mut self.terminating, 1),
            phase => {
                step(&mut self.active, 1);
                step(&mut self.ready, u32::from(pod.is_ready));
                step(
                    &mut self.crashing,
                    u32::from(&*pod.status == "CrashLoopBackOff"),
                );
                if phase == PodPhase::Running {
                    step(&mut self.running, 1);
                    if pod.started.is_some() {
                        count(&mut self.starts, pod.started, add);
                    }
                } else {
                    step(&mut self.pending, 1);
                }
            }
        }
        step(&mut self.restarts, pod.restarts);
        if !terminal {
            step(&mut self.active_restarts, pod.restarts);
        }
        if pod.phase == PodPhase::Failed {
            count(&mut self.exits, end_of(pod), add);
        }
        if let Some(node) = pod.node.as_ref().filter(|_| holds(pod)) {
            count(&mut self.nodes, node.clone(), add);
            if add {
                self.devices.add_all(&pod.shape.devices);
            } else {
                self.devices.subtract(&pod.shape.devices);
            }
        }
    }
}

fn count<K: Ord>(bag: &mut Bag<K>, key: K, add: bool) {
    match add {
        true => bag.add(key),
        false => bag.take(&key),
    }
}

impl Memory {
    fn saw(&mut self, pod: &PodRow) {
        if pod.phase == PodPhase::Succeeded
            && let (Some(from), Some(to)) = (pod.started.get(), pod.finished.get())
        {
            let millis = (to - from).num_milliseconds().max(0);
            self.durations.put(pod.key.uid, millis);
        }
        let bad = pod.exit.as_ref().filter(|exit| exit.code != 0);
        if bad.is_none() && pod.phase != PodPhase::Failed && pod.disrupted.is_none() {
            return;
        }
        let at = bad.and_then(|exit| exit.finished).or(pod.finished.get());
        let death = Death {
            pod: pod.name.as_str().into(),
            uid: pod.key.uid,
            node: pod.node.clone(),
            index: pod.index.get(),
            exit: bad.map(|exit| (**exit).clone()),
            disrupted: pod.disrupted.clone(),
            at,
        };
        let newer = self
            .last_death
            .as_ref()
            .is_none_or(|last| (last.at, last.uid) <= (death.at, death.uid));
        if newer {
            self.last_death = Some(Box::new(death));
        }
    }

    fn went(&mut self, pod: &PodRow) {
        if pod.phase == PodPhase::Failed {
            self.failed = self.failed.saturating_add(1);
            count(&mut self.exits, end_of(pod), true);
        }
    }
}

#[cfg(test)]
mod tests;
