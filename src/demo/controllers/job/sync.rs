//! What the Job controller decides, as a function of the Job, its pods and the time: no store, no I/O.
//!
//! The order of the writes is the order in which the real controller does them, because watchers see it:
//! pods are deleted or created, the status is written with the UIDs about to be counted, finalizers are
//! taken off, the status is written again with the counters (and the end of the Job).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::backoff::{self, Backoff};
use super::indexes::Indexes;
use super::policy::{self, Verdict};
use crate::clock::{Clock, rfc3339};
use crate::controllers::wire::{Job, JobCondition, JobStatus, Pod, Uncounted};

mod count;
mod manage;

/// How many pods one sync creates or deletes, and how many UIDs one status may list.
const BATCH: usize = 500;

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A pod, for an index if the Job is indexed, with the failures of that index so far (if those are counted).
    Create {
        index: Option<u32>,
        failures: Option<(u32, u32)>,
    },
    /// Delete a pod, first taking off the tracking finalizer if `uncounted`.
    Delete {
        uid: String,
        uncounted: bool,
    },
    /// Take the tracking finalizer off a pod.
    Release {
        uid: String,
    },
    Status(Box<JobStatus>),
    Event {
        warning: bool,
        reason: String,
        message: String,
    },
    /// Look again after this real time.
    Again(TimeDelta),
}

/// What one sync decided.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    pub writes: Vec<Write>,
    pub backoff: Backoff,
}

struct Sync<'a> {
    job: &'a Job,
    pods: Vec<&'a Arc<Pod>>,
    clock: &'a Clock,
    now: DateTime<Utc>,
    completions: Option<u32>,
    parallelism: u32,
    /// `status.uncountedTerminatedPods` as it was.
    old: Uncounted,
    active: Vec<&'a Arc<Pod>>,
    ready: u32,
    terminating: u32,
    succeeded: u32,
    failed: u32,
    prev_indexes: Indexes,
    indexes: Indexes,
    failed_indexes: Option<Indexes>,
    delayed: BTreeMap<u32, &'a Arc<Pod>>,
    finished: Option<JobCondition>,
    status: JobStatus,
    writes: Vec<Write>,
    backoff: Backoff,
}

/// Compares a Job with its pods (all that it owns, oldest first).
pub fn sync(job: &Job, pods: &[Arc<Pod>], backoff: &Backoff, clock: &Clock) -> Outcome {
    if job.finished().is_some() || job.managed_elsewhere() {
        return Outcome::default();
    }
    let mut s = Sync::new(job, pods, clock);
    s.run(backoff);
    Outcome {
        writes: s.writes,
        backoff: s.backoff,
    }
}

/// Does a pod count as failed? A deleted one does, unless the Job replaces only failed ones.
fn is_failed(job: &Job, pod: &Pod) -> bool {
    pod.failed() || (!only_failed_replaced(job) && pod.deleting() && !pod.succeeded())
}

fn only_failed_replaced(job: &Job) -> bool {
    job.spec.pod_replacement_policy.as_deref() == Some("Failed")
        || job.spec.pod_failure_policy.is_some()
}

impl<'a> Sync<'a> {
    fn new(job: &'a Job, pods: &'a [Arc<Pod>], clock: &'a Clock) -> Self {
        let spec = &job.spec;
        let both_unset = spec.parallelism.is_none() && spec.completions.is_none();
        let active: Vec<_> = pods.iter().filter(|p| p.active()).collect();
        let mut status = job.status.clone();
        let uncounted = status.uncounted_terminated_pods.get_or_insert_default();
        Self {
            job,
            pods: pods.iter().collect(),
            clock,
            now: clock.now(),
            completions: if both_unset {
                Some(1)
            } else {
                spec.completions
            },
            parallelism: spec.parallelism.unwrap_or(1),
            old: uncounted.clone(),
            ready: active.iter().filter(|p| p.ready()).count() as u32,
            terminating: pods.iter().filter(|p| p.terminating()).count() as u32,
            active,
            succeeded: 0,
            failed: 0,
            prev_indexes: Indexes::default(),
            indexes: Indexes::default(),
            failed_indexes: None,
            delayed: BTreeMap::new(),
            finished: None,
            status,
            writes: Vec::new(),
            backoff: Backoff::default(),
        }
    }

    fn verdict(&self, pod: &Pod) -> Verdict {
        policy::judge(self.job.spec.pod_failure_policy.as_ref(), pod)
    }

    fn limit(&self) -> u32 {
        self.completions.unwrap_or(u32::MAX)
    }

    /// The index, if it is one of this Job's.
    fn index(&self, pod: &Pod) -> Option<u32> {
        pod.index().filter(|i| *i < self.limit())
    }

    /// A pod that is not counted yet and may be.
    fn countable(&self, pod: &Pod, counted: &[String]) -> bool {
        pod.tracked()
            && !counted.iter().any(|uid| uid == pod.uid())
            && (!self.job.indexed() || self.index(pod).is_some())
    }

    fn condition(&self, kind: &str, reason: &str, message: &str) -> JobCondition {
        let now = rfc3339(self.now);
        JobCondition {
            kind: kind.to_owned(),
            status: "True".to_owned(),
            last_probe_time: Some(now.clone()),
            last_transition_time: Some(now),
            reason: reason.to_owned(),
            message: message.to_owned(),
        }
    }

    fn old_condition(&self, kind: &str) -> Option<&JobCondition> {
        let mut all = self.status.conditions.iter();
        all.find(|c| c.kind == kind && c.status == "True")
    }

    fn run(&mut self, old_backoff: &Backoff) {
        let fresh = |s: &Self, counted: &[String], ended: &dyn Fn(&Pod) -> bool| {
            let all = s.pods.iter().copied();
            all.filter(|p| s.countable(p, counted) && ended(p))
                .collect::<Vec<_>>()
        };
        let won = fresh(self, &self.old.succeeded, &|p| p.succeeded());
        let lost = fresh(self, &self.old.failed, &|p| is_failed(self.job, p));
        let counted = lost.iter().filter(|p| self.verdict(p) != Verdict::Ignore);
        self.failed = self.status.failed + (counted.count() + self.old.failed.len()) as u32;
        self.succeeded = self.status.succeeded + (won.len() + self.old.succeeded.len()) as u32;
        self.backoff = old_backoff.after(&won, &lost);
        if self.status.start_time.is_none() && !self.job.suspended() {
            self.status.start_time = Some(rfc3339(self.now));
        }

        self.decided_before();
        self.limits_exceeded();
        if self.job.indexed() {
            self.look_at_indexes();
        }

        let mut dirty = false;
        let active = if self.finished.is_some() {
            self.delete_active();
            0
        } else {
            let (active, changed) = self.manage_and_conditions();
            dirty |= changed;
            active
        };
        let (ready, terminating) = (Some(self.ready), Some(self.terminating));
        dirty |= active != self.status.active;
        dirty |= ready != self.status.ready || terminating != self.status.terminating;
        self.status.active = active;
        self.status.ready = ready;
        self.status.terminating = terminating;
        if !self.count(dirty) {
            self.backoff = old_backoff.clone();
        }
    }

    /// What an earlier sync decided stays decided; a pod that fails the whole Job decides now.
    fn decided_before(&mut self) {
        self.finished = self.old_condition("SuccessCriteriaMet").cloned();
        if self.finished.is_some() {
            return;
        }
        if let Some(target) = self.old_condition("FailureTarget") {
            self.finished = Some(self.condition("Failed", &target.reason, &target.message));
            return;
        }
        self.finished = self.pods.iter().find_map(|p| match self.verdict(p) {
            Verdict::FailJob(why) if is_failed(self.job, p) => {
                Some(self.condition("FailureTarget", "PodFailurePolicy", &why))
            }
            _ => None,
        });
    }

    fn limits_exceeded(&mut self) {
        if self.finished.is_some() {
            return;
        }
        let per_index = self.job.spec.backoff_limit_per_index.is_some();
        let unset = if per_index { i64::from(i32::MAX) } else { 6 };
        let limit = self.job.spec.backoff_limit.unwrap_or(unset);
        if i64::from(self.failed) > limit || self.restarted_too_often(limit) {
            let text = "Job has reached the specified backoff limit";
            self.finished = Some(self.condition("FailureTarget", "BackoffLimitExceeded", text));
            return;
        }
        let Some(seconds) = self.job.spec.active_deadline_seconds else {
            return;
        };
        let start = self.status.start_time.as_deref().unwrap_or_default();
        let Ok(start) = start.parse::<DateTime<Utc>>() else {
            return;
        };
        if self.job.suspended() {
            return;
        }
        let left = self.clock.scaled(Duration::from_secs(seconds)) - (self.now - start);
        if left <= TimeDelta::zero() {
            let text = "Job was active longer than specified deadline";
            self.finished = Some(self.condition("FailureTarget", "DeadlineExceeded", text));
        } else {
            self.writes.push(Write::Again(left));
        }
    }

    /// With `OnFailure` the containers' restarts count, as long as their pods live.
    fn restarted_too_often(&self, limit: i64) -> bool {
        if self.job.restart_policy() != "OnFailure" {
            return false;
        }
        let living = self.pods.iter().filter(|p| !p.terminal());
        let restarts: i64 = living.map(|p| p.restarts()).sum();
        restarts >= limit.max(1)
    }

    fn look_at_indexes(&mut self) {
        let limit = self.limit();
        self.prev_indexes = Indexes::parse(&self.status.completed_indexes, limit);
        let won = self.pods.iter().filter(|p| p.succeeded() && p.tracked());
        self.indexes = self.prev_indexes.with(won.filter_map(|p| self.index(p)));
        self.succeeded = self.indexes.total() as u32;
        if let Some(per_index) = self.job.spec.backoff_limit_per_index {
            let old = self.status.failed_indexes.as_deref().unwrap_or_default();
            let lost = self.pods.iter().filter(|p| {
                p.tracked() && is_failed(self.job, p) && {
                    let verdict = self.verdict(p);
                    verdict == Verdict::FailIndex
                        || (verdict != Verdict::Ignore && p.index_failures() >= per_index)
                }
            });
            let lost = Indexes::parse(old, limit).with(lost.filter_map(|p| self.index(p)));
            let max = self.job.spec.max_failed_indexes;
            if self.finished.is_some() {
            } else if max.is_some_and(|max| lost.total() > max) {
                let text = "Job has exceeded the specified maximal number of failed indexes";
                self.finished =
                    Some(self.condition("FailureTarget", "MaxFailedIndexesExceeded", text));
            } else if !lost.is_empty() && lost.total() + self.indexes.total() >= limit as usize {
                let text = "Job has failed indexes";
                self.finished = Some(self.condition("FailureTarget", "FailedIndexes", text));
            }
            self.failed_indexes = Some(lost);
            self.delayed = self.keep_for_their_successors();
        }
        if self.finished.is_none() {
            let policy = self.job.spec.success_policy.as_ref();
            let met = policy::success(policy, limit, &self.indexes);
            self.finished = met.map(|m| self.condition("SuccessCriteriaMet", "SuccessPolicy", &m));
        }
    }

    /// Per index the failed pod that must stay until its successor has taken over its failure count.
    fn keep_for_their_successors(&self) -> BTreeMap<u32, &'a Arc<Pod>> {
        let busy: BTreeSet<u32> = self.active.iter().filter_map(|p| p.index()).collect();
        let lost = self.failed_indexes.as_ref();
        let mut kept: BTreeMap<u32, &'a Arc<Pod>> = BTreeMap::new();
        for pod in self.pods.iter().copied() {
            let Some(index) = self.index(pod).filter(|_| self.countable(pod, &[])) else {
                continue;
            };
            let settled = self.indexes.has(index)
                || busy.contains(&index)
                || lost.is_some_and(|l| l.has(index));
            if settled || !is_failed(self.job, pod) {
                continue;
            }
            let rank = |p: &Pod| p.index_failures() + p.index_ignored();
            let newer = kept
                .get(&index)
                .is_none_or(|old| rank(old) <= rank(pod) && pod.finished_at() >= old.finished_at());
            if newer {
                kept.insert(index, pod);
            }
        }
        kept
    }

    fn delete_active(&mut self) {
        for pod in &self.active {
            self.writes.push(Write::Delete {
                uid: pod.uid().to_owned(),
                uncounted: false,
            });
        }
        self.ready = 0;
        self.terminating += self.active.len() as u32;
    }

    /// Creates and deletes pods, then sees whether the Job is complete, suspended or resumed.
    fn manage_and_conditions(&mut self) -> (u32, bool) {
        let living = self.job.meta.deletion_timestamp.is_none();
        let active = if living {
            self.manage()
        } else {
            self.active.len() as u32
        };
        let complete = match self.completions {
            None => self.succeeded > 0 && active == 0,
            Some(n) => self.succeeded >= n && active == 0,
        };
        if complete {
            let text = "Reached expected number of succeeded pods";
            self.finished = Some(self.condition("SuccessCriteriaMet", "CompletionsReached", text));
            return (active, false);
        }
        (active, living && self.suspend_or_resume())
    }

    fn suspend_or_resume(&mut self) -> bool {
        let suspend = self.job.suspended();
        let (reason, event, text) = if suspend {
            ("JobSuspended", "Suspended", "Job suspended")
        } else {
            ("JobResumed", "Resumed", "Job resumed")
        };
        let mut wanted = self.condition("Suspended", reason, text);
        let status = if suspend { "True" } else { "False" };
        wanted.status = status.to_owned();
        let mut all = self.status.conditions.iter_mut();
        match all.find(|c| c.kind == "Suspended") {
            Some(old) if old.status == wanted.status => return false,
            Some(old) => *old = wanted,
            None if suspend => self.status.conditions.push(wanted),
            None => return false,
        }
        self.status.start_time = (!suspend).then(|| rfc3339(self.now));
        self.event(false, event, text);
        true
    }

    fn event(&mut self, warning: bool, reason: &str, message: &str) {
        self.writes.push(Write::Event {
            warning,
            reason: reason.to_owned(),
            message: message.to_owned(),
        });
    }
}
