//! What was asked of the server and is not yet seen to have happened: the row says so until its watch confirms it, or
//! until so much time has passed that it is worth a word.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::plan::{Subject, subject};
use super::{Intent, Step};
use crate::model::Model;
use crate::model::ids::Key;
use crate::model::job::Phase;
use crate::model::kueue::queue::Stop;
use crate::model::status::JobStatus;

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
pub struct All(BTreeMap<Key, Pending>);

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
            self.0.insert(key, pending);
        }
    }

    /// The server answered: what it took stays until it is seen.
    pub fn answered(&mut self, step: &Step, done: bool, model: &Model, now: DateTime<Utc>) {
        let Some(key) = step.object.key else { return };
        let Some(pending) = self
            .0
            .get_mut(&key)
            .filter(|p| p.step.intent == step.intent)
        else {
            return;
        };
        if !done || is_seen(model, key, &pending.step.intent) {
            self.0.remove(&key);
            return;
        }
        pending.taken = true;
        pending.since = now;
    }

    /// What shows in a row.
    pub fn of(&self, key: Key) -> Option<&Intent> {
        self.0.get(&key).map(|pending| &pending.step.intent)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Lets go of what the model shows by now; O(pending).
    pub fn look(&mut self, model: &Model) -> bool {
        let before = self.0.len();
        self.0
            .retain(|key, pending| !(pending.taken && is_seen(model, *key, &pending.step.intent)));
        before != self.0.len()
    }

    /// Takes out what was waited for too long.
    pub fn late(&mut self, now: DateTime<Utc>) -> Vec<Late> {
        let mut late = Vec::new();
        self.0.retain(|_, pending| {
            let keep = !pending.taken || now - pending.since < PATIENCE;
            if !keep {
                late.push(Late {
                    step: pending.step.clone(),
                    since: pending.since,
                });
            }
            keep
        });
        late
    }

    /// When [`All::late`] next has something.
    pub fn wake(&self) -> Option<DateTime<Utc>> {
        let taken = self.0.values().filter(|pending| pending.taken);
        taken.map(|pending| pending.since + PATIENCE).min()
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
