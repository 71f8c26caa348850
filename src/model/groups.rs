//! Workloads that are no object of their own: Kueue's pod groups, and single pods with a queue. Their rows are made
//! from their pods, by sums kept up to date in O(1) per pod.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::ids::{ClusterId, Key, Name, Uid};
use super::job::{Activity, Condition, JobKind, JobRow};
use super::pod::{Member, PodPhase, PodRow};
use super::resources::Devices;

/// The key of what pods belong to by a label that names it: of a pod group, and of a set's pods.
pub fn named(cluster: ClusterId, what: &str, namespace: &str, name: &str) -> Key {
    Key {
        cluster,
        uid: Uid::parse(&format!("{what}/{namespace}/{name}")),
    }
}

/// All groups of the pods there are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Groups(HashMap<Key, Group>);

#[derive(Debug, Clone, PartialEq)]
struct Group {
    kind: JobKind,
    namespace: Name,
    name: Name,
    total: Option<u32>,
    queue: Option<Name>,
    class: Option<Name>,
    pods: u32,
    gated: u32,
    running: u32,
    active: u32,
    ready: u32,
    succeeded: u32,
    failed: u32,
    deleting: u32,
    /// Of pods that are not over.
    devices: Devices,
    /// First creation and start, last finish ever seen.
    created: Option<DateTime<Utc>>,
    started: Option<DateTime<Utc>>,
    finished: Option<DateTime<Utc>>,
}

impl Groups {
    /// One pod changed; the groups whose rows did go into `changed`.
    pub fn pod(&mut self, old: Option<&PodRow>, new: Option<&PodRow>, changed: &mut BTreeSet<Key>) {
        for (pod, add) in [(old, false), (new, true)] {
            let Some(pod) = pod else { continue };
            let Some(member) = pod.member.as_deref().filter(|m| m.kind.is_some()) else {
                continue;
            };
            changed.insert(member.key);
            let Some(kind) = member.kind else { continue };
            let group = self
                .0
                .entry(member.key)
                .or_insert_with(|| Group::new(kind, pod, member));
            group.fold(pod, member, add);
        }
    }

    /// The row of a group; `None` when its last pod is gone.
    pub fn row(&mut self, key: Key) -> Option<JobRow> {
        if self.0.get(&key).is_some_and(|group| group.pods == 0) {
            self.0.remove(&key);
        }
        self.0.get(&key).map(|group| group.row(key))
    }
}

impl Group {
    fn new(kind: JobKind, pod: &PodRow, member: &Member) -> Self {
        Self {
            kind,
            namespace: pod.namespace.clone(),
            name: member.name.clone(),
            total: None,
            queue: None,
            class: None,
            pods: 0,
            gated: 0,
            running: 0,
            active: 0,
            ready: 0,
            succeeded: 0,
            failed: 0,
            deleting: 0,
            devices: Devices::default(),
            created: None,
            started: None,
            finished: None,
        }
    }

    fn fold(&mut self, pod: &PodRow, member: &Member, add: bool) {
        let step = |n: &mut u32, on: bool| match (on, add) {
            (false, _) => {}
            (true, true) => *n += 1,
            (true, false) => *n = n.saturating_sub(1),
        };
        step(&mut self.pods, true);
        step(&mut self.deleting, pod.deleting);
        match pod.phase {
            PodPhase::Succeeded => step(&mut self.succeeded, true),
            PodPhase::Failed => step(&mut self.failed, true),
            phase => {
                let gated = &*pod.status == "SchedulingGated";
                step(&mut self.gated, gated);
                step(&mut self.active, !gated);
                step(&mut self.ready, pod.is_ready);
                step(&mut self.running, phase == PodPhase::Running);
                if add {
                    self.devices.add_all(&pod.shape.devices);
                } else {
                    self.devices.subtract(&pod.shape.devices);
                }
            }
        }
        if add {
            self.total = self.total.max(member.total);
            let keep = |ours: &mut Option<Name>, theirs: &Option<Name>| {
                if theirs.is_some() {
                    ours.clone_from(theirs);
                }
            };
            keep(&mut self.queue, &member.queue);
            keep(&mut self.class, &member.class);
            let first = |ours: Option<DateTime<Utc>>, theirs: Option<DateTime<Utc>>| {
                ours.into_iter().chain(theirs).min()
            };
            self.created = first(self.created, pod.created.get());
            self.started = first(self.started, pod.started.get());
            self.finished = self.finished.max(pod.finished.get());
        }
    }

    fn row(&self, key: Key) -> JobRow {
        let total = self.total.unwrap_or(self.pods);
        let over = self.active == 0 && self.gated == 0;
        let condition = |kind: &str, reason: &str, message: String| Condition {
            kind: kind.into(),
            on: true,
            reason: reason.into(),
            message: message.into(),
            since: self.finished,
        };
        let outcome = if self.succeeded >= total && total > 0 {
            Some(condition("Complete", "", String::new()))
        } else if over && self.failed > 0 && self.succeeded + self.failed >= total {
            let message = format!("{} of {total} pods failed", self.failed);
            Some(condition("Failed", "PodsFailed", message))
        } else {
            None
        };
        let selectors = match self.kind == JobKind::POD_GROUP {
            true => vec![format!("kueue.x-k8s.io/pod-group-name={}", self.name).into()],
            false => Vec::new(),
        };
        JobRow {
            kind: self.kind,
            api_version: "v1".into(),
            created: self.created,
            deleting: self.deleting == self.pods,
            selectors,
            activity: match self.running {
                0 => Activity::Waiting,
                _ => Activity::Running,
            },
            completions: Some(total),
            parallelism: total,
            suspend: self.gated > 0 && self.running == 0,
            devices: self.devices.clone(),
            queue: self.queue.clone(),
            priority_class: self.class.clone(),
            active: self.active,
            ready: self.ready,
            succeeded: self.succeeded,
            failed: self.failed,
            started: self.started,
            completed: outcome.as_ref().and(self.finished),
            conditions: outcome.into_iter().collect(),
            ..JobRow::blank(key, self.namespace.clone(), self.name.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::model::fixture::*;
    use crate::model::job::Phase;
    use crate::model::shape::Shape;

    fn member(uid: u128, total: Option<u32>) -> PodRow {
        let mut row = pod(uid, &job(99, "none"));
        row.owner = None;
        row.status = "SchedulingGated".into();
        row.shape = Shape::of(devices("nvidia.com/gpu", 2)).into();
        row.member = Some(Box::new(Member {
            key: named(ClusterId(0), "podgroup", "default", "g"),
            kind: Some(JobKind::POD_GROUP),
            name: "g".into(),
            total,
            queue: Some("main".into()),
            class: None,
        }));
        row
    }

    fn look(m: &Model) -> (String, u32, u32, u32, u32) {
        let row = m.jobs.rows().next().unwrap();
        let s = m.status(row);
        let word = s.phase.word().to_owned();
        (
            word,
            s.done,
            s.total.unwrap(),
            s.active,
            m.gpus(row).total(),
        )
    }

    #[test]
    fn a_group_lives_and_goes_with_its_pods() {
        let mut m = Model::default();
        m.apply(pods(&[member(1, Some(2)), member(2, Some(2))]));
        assert_eq!(m.jobs.len(), 1);
        assert_eq!(look(&m), ("queued".into(), 0, 2, 0, 4));
        let mut bound = member(1, Some(2));
        bound.status = "Running".into();
        m.apply(pods(&[running(bound.clone(), "n", 5)]));
        assert_eq!(look(&m), ("running".into(), 0, 2, 1, 4));
        let key = m.jobs.rows().next().unwrap().key;
        assert_eq!(m.pods_of(key).count(), 2);
        let done = |uid| {
            let mut pod = ended(member(uid, Some(2)), 0, 9);
            pod.status = "Completed".into();
            pod
        };
        m.apply(pods(&[done(1), done(2)]));
        assert_eq!(look(&m), ("succeeded".into(), 2, 2, 0, 0));
        assert_eq!(m.status(m.jobs.get(key).unwrap()).phase, Phase::Succeeded);
        m.apply(pods_gone(&[1, 2]));
        assert!(m.jobs.is_empty() && m.totals(key).is_none());
        assert_eq!(m.groups, Groups::default());
    }

    #[test]
    fn a_group_whose_pods_all_ended_and_one_failed_has_failed() {
        let mut m = Model::default();
        let mut bad = ended(member(1, None), 1, 9);
        bad.status = "Error".into();
        let mut good = ended(member(2, None), 0, 9);
        good.status = "Completed".into();
        m.apply(pods(&[bad, good]));
        assert_eq!(look(&m), ("failed".into(), 1, 2, 0, 0));
    }
}
