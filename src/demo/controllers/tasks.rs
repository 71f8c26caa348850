//! The one work queue: what is due now, and an ordered list of what becomes due later.
//!
//! Every task is a key, never data: running it twice is harmless, and asking for it again while it waits
//! keeps the earlier time (as a Kubernetes work queue does).

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::kueue::Step;

/// Namespace and name.
pub type Key = (String, String);

/// One thing for one controller to look at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Task {
    /// The Job controller compares a Job with its pods.
    Job(Key),
    /// A finished Job's time to live may be over.
    JobTtl(Key),
    /// A pod whose Job is gone or finished still carries the tracking finalizer.
    ReleasePod(Key),
    CronJob(Key),
    DaemonSet(Key),
    /// A pod's claims may have to be made.
    PodClaims(Key),
    /// A claim may have to be released.
    Claim(Key),
    /// The operator of a custom kind compares an object with what it controls.
    Operator(&'static str, Key),
    /// The kubelet of the pod's node looks at it (by UID).
    Pod(String),
    /// The scheduler tries the pods that wait for a node.
    Schedule,
    /// The garbage collector looks at an owner (by UID) and its dependents.
    Collect(String),
    Namespace(String),
    /// Kueue looks at a job, a Workload, or all that wait.
    Kueue(Step),
    /// The node lifecycle controller looks at a node.
    Node(String),
    /// An Event's time to live may be over.
    Expire(Key),
    /// The next entry of the scene's script.
    Scene,
    /// Changes for their own sake are due.
    Churn,
}

/// Tasks ordered by time, then by when they were asked for.
#[derive(Debug, Default)]
pub struct Tasks {
    due: BTreeMap<(DateTime<Utc>, u64), Task>,
    at: HashMap<Task, (DateTime<Utc>, u64)>,
    asked: u64,
}

impl Tasks {
    /// Asks for a task at a moment; an earlier moment already asked for stays.
    pub fn at(&mut self, when: DateTime<Utc>, task: Task) {
        if let Some(old) = self.at.get(&task) {
            if old.0 <= when {
                return;
            }
            self.due.remove(&old.clone());
        }
        self.asked += 1;
        self.at.insert(task.clone(), (when, self.asked));
        self.due.insert((when, self.asked), task);
    }

    /// Takes back a task.
    pub fn cancel(&mut self, task: &Task) {
        if let Some(at) = self.at.remove(task) {
            self.due.remove(&at);
        }
    }

    /// The earliest task that is due at `now`.
    pub fn pop(&mut self, now: DateTime<Utc>) -> Option<Task> {
        let entry = self.due.first_entry()?;
        if entry.key().0 > now {
            return None;
        }
        let task = entry.remove();
        self.at.remove(&task);
        Some(task)
    }

    /// When the earliest task becomes due.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    pub fn len(&self) -> usize {
        self.due.len()
    }

    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn the_earlier_time_wins_and_order_is_by_time_then_by_asking() {
        let t = DateTime::UNIX_EPOCH;
        let s = |n| t + TimeDelta::seconds(n);
        let mut tasks = Tasks::default();
        tasks.at(s(5), Task::Schedule);
        tasks.at(s(9), Task::Schedule);
        tasks.at(s(3), Task::Scene);
        tasks.at(s(3), Task::Pod("a".into()));
        assert_eq!(tasks.len(), 3);
        assert_eq!(tasks.next(), Some(s(3)));
        assert_eq!(tasks.pop(s(2)), None);
        assert_eq!(tasks.pop(s(3)), Some(Task::Scene));
        assert_eq!(tasks.pop(s(3)), Some(Task::Pod("a".into())));
        tasks.at(s(1), Task::Schedule);
        assert_eq!(tasks.next(), Some(s(1)));
        tasks.cancel(&Task::Schedule);
        assert!(tasks.is_empty());
    }
}
