//! What was asked of the server and is not yet seen to have happened: the row says so until its watch confirms it, or
//! until so much time has passed that it is worth a word.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::plan::{Subject, subject};
use super::{Intent, Object, Step};
use crate::model::Model;
use crate::model::ids::Key;
use crate::model::job::Phase;
use crate::model::kueue::queue::Stop;
use crate::model::status::JobStatus;
use crate::model::want::Kind;

/// How long a change may take to be seen before it is said that it was not.
pub const PATIENCE: TimeDelta = TimeDelta::seconds(30);

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    pub step: Step,
    pub since: DateTime<Utc>,
    /// The server has taken it.
    pub taken: bool,
}

/// All of them, by the row they show in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct All {
    rows: BTreeMap<Key, Pending>,
    /// Made, and without a row yet.
    made: Vec<Pending>,
}

/// One that is no longer pending.
#[derive(Debug, Clone, PartialEq)]
pub struct Late {
    pub step: Step,
    /// Since when it was waited for.
    pub since: DateTime<Utc>,
}

impl All {
    /// A step is under way.
    pub fn begin(&mut self, step: &Step, now: DateTime<Utc>) {
        // what makes something new shows in no row
        if matches!(step.intent, Intent::Trigger | Intent::Create) {
            return;
        }
        if let Some(key) = step.object.key {
            let pending = Pending {
                step: step.clone(),
                since: now,
                taken: false,
            };
            self.rows.insert(key, pending);
        }
    }

    /// The server answered: what it took stays until it is seen.
    pub fn answered(&mut self, step: &Step, done: bool, model: &Model, now: DateTime<Utc>) {
        if step.intent == Intent::Create && done && !is_there(model, step) {
            self.made.push(Pending {
                step: step.clone(),
                since: now,
                taken: true,
            });
        }
        let Some(key) = step.object.key else { return };
        let Some(pending) = self
            .rows
            .get_mut(&key)
            .filter(|p| p.step.intent == step.intent)
        else {
            return;
        };
        if !done || is_seen(model, key, &pending.step.intent) {
            self.rows.remove(&key);
            return;
        }
        pending.taken = true;
        pending.since = now;
    }

    /// What shows in a row.
    pub fn of(&self, key: Key) -> Option<&Intent> {
        self.rows.get(&key).map(|pending| &pending.step.intent)
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.made.is_empty()
    }

    /// What was made and has no row yet.
    pub fn made(&self) -> impl Iterator<Item = &Object> {
        self.made.iter().map(|pending| &pending.step.object)
    }

    pub fn clear(&mut self) {
        self.rows.clear();
        self.made.clear();
    }

    /// Lets go of what the model shows by now; O(pending).
    pub fn look(&mut self, model: &Model) -> bool {
        let before = self.rows.len() + self.made.len();
        self.made.retain(|pending| !is_there(model, &pending.step));
        self.rows
            .retain(|key, pending| !(pending.taken && is_seen(model, *key, &pending.step.intent)));
        before != self.rows.len() + self.made.len()
    }

    /// Takes out what was waited for too long.
    pub fn late(&mut self, now: DateTime<Utc>) -> Vec<Late> {
        let mut late = Vec::new();
        let mut keep = |pending: &Pending| {
            let keep = !pending.taken || now - pending.since < PATIENCE;
            if !keep {
                late.push(Late {
                    step: pending.step.clone(),
                    since: pending.since,
                });
            }
            keep
        };
        self.rows.retain(|_, pending| keep(pending));
        self.made.retain(|pending| keep(pending));
        late
    }

    /// When [`All::late`] next has something.
    pub fn wake(&self) -> Option<DateTime<Utc>> {
        let all = self.rows.values().chain(&self.made);
        let taken = all.filter(|pending| pending.taken);
        taken.map(|pending| pending.since + PATIENCE).min()
    }
}

/// Whether the object of a step has a row, in its cluster.
fn is_there(model: &Model, step: &Step) -> bool {
    let object = &step.object;
    let is = |key: Key, ns: &str, name: &str| {
        key.cluster == step.cluster && ns == &*object.namespace && name == &*object.name
    };
    match object.kind {
        Kind::CronJob => {
            let mut rows = model.cronjobs.rows();
            rows.any(|r| is(r.key, &r.namespace, &r.name))
        }
        Kind::Pod => {
            let mut rows = model.pods.rows();
            rows.any(|r| is(r.key, &r.namespace, &r.name))
        }
        kind @ (Kind::Job | Kind::Workload(_)) => {
            let mut rows = model.jobs.rows();
            rows.any(|r| r.kind.object() == Some(kind) && is(r.key, &r.namespace, &r.name))
        }
        // no list of ours has rows of it: nothing to wait for
        _ => true,
    }
}

/// Whether the model shows that an intent has come true.
pub fn is_seen(model: &Model, key: Key, intent: &Intent) -> bool {
    let Some(found) = subject(model, key) else {
        // gone: a deletion has come true, and nothing else is to be waited for
        return true;
    };
    match (intent, found) {
        // from here on the row says itself that it goes
        (Intent::Delete { .. }, Subject::Job(job)) => job.deleting,
        (Intent::Delete { .. }, Subject::Cron(cron)) => cron.deleting,
        (Intent::Delete { .. } | Intent::Evict, Subject::Pod(pod)) => pod.deleting,
        (Intent::Hold, Subject::Job(job)) => match model.kueue.workload_of(job.key) {
            Some(workload) => !workload.active && calm(&model.status(job)),
            None => job.suspend,
        },
        (Intent::Resume, Subject::Job(job)) => match model.kueue.workload_of(job.key) {
            Some(workload) => workload.active,
            None => !job.suspend,
        },
        (Intent::Hold, Subject::Cron(cron)) => cron.suspend,
        (Intent::Resume, Subject::Cron(cron)) => !cron.suspend,
        (Intent::Hold, Subject::Workload(workload)) => !workload.active,
        (Intent::Resume, Subject::Workload(workload)) => workload.active,
        (Intent::Stop(stop), Subject::ClusterQueue(queue)) => queue.stop == *stop,
        (Intent::Stop(stop), Subject::LocalQueue(queue)) => queue.stop == *stop,
        (Intent::Hold, Subject::ClusterQueue(queue)) => queue.stop != Stop::None,
        (Intent::Hold, Subject::LocalQueue(queue)) => queue.stop != Stop::None,
        (Intent::Scale(n), Subject::Job(job)) => {
            job.parallelism == *n || job.roles.iter().any(|role| role.wanted == *n)
        }
        (Intent::Priority(class), Subject::Job(job)) => model.priority_class(job) == Some(class),
        (Intent::Move(queue), Subject::Job(job)) => model.queue(job) == Some(queue),
        (Intent::Cordon(on), Subject::Node(node)) => node.cordoned == *on,
        _ => true,
    }
}

/// Its pods have ended, or are about to be said to.
fn calm(status: &JobStatus) -> bool {
    !matches!(
        status.phase,
        Phase::Running | Phase::Pending | Phase::Retrying
    )
}
