//! What a job's row and its pods' totals mean together: phase, progress, retries, times.

use chrono::{DateTime, TimeDelta, Utc};

use super::ids::Name;
use super::job::{Activity, Condition, JobRow, Phase};
use super::progress::JobTotals;

/// What `done` and `total` count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Unit {
    #[default]
    Pods,
    Indexes,
    /// Child jobs of a JobSet, the one job of a RayJob.
    Jobs,
    /// Groups of pods that stand and fall together.
    Groups,
    Percent,
}

impl Unit {
    pub fn word(self) -> &'static str {
        match self {
            Unit::Pods => "pods",
            Unit::Indexes => "indexes",
            Unit::Jobs => "jobs",
            Unit::Groups => "groups",
            Unit::Percent => "percent",
        }
    }
}

/// The derived state of a job. Cheap: made anew wherever it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct JobStatus {
    pub phase: Phase,
    /// Reason of the deciding condition, e.g. `FailedIndexes`; none while simply running.
    pub reason: Option<Name>,
    /// Successes, uncounted ones included.
    pub done: u32,
    /// Completions; none for a work queue.
    pub total: Option<u32>,
    /// Successes that end the job: fewer than `total` under a success policy.
    pub target: Option<u32>,
    pub unit: Unit,
    pub active: u32,
    pub ready: u32,
    /// Failed pods, uncounted ones included.
    pub failed: u32,
    /// Indexes given up.
    pub lost: u32,
    /// Tries after a failure: replaced pods and container restarts, as far as known.
    pub retries: u32,
    pub terminating: u32,
    /// It serves: `done` counts what is ready, not what is over.
    pub serves: bool,
    pub started: Option<DateTime<Utc>>,
    pub finished: Option<DateTime<Utc>>,
}

/// The first condition of a type that is True.
pub fn condition<'a>(job: &'a JobRow, kind: &str) -> Option<&'a Condition> {
    job.conditions.iter().find(|c| c.on && &*c.kind == kind)
}

/// A reason that says more than the kind and the condition once more (`PyTorchJobRunning` does not).
pub fn telling<'a>(job: &JobRow, reason: &'a str) -> Option<&'a str> {
    let word = reason.strip_prefix(job.kind.kind).unwrap_or("-");
    let again = [
        "",
        "Created",
        "Running",
        "Restarting",
        "Succeeded",
        "Failed",
        "Suspended",
        "Resumed",
    ];
    (!reason.is_empty() && !again.contains(&word)).then_some(reason)
}

impl Phase {
    pub const ALL: [Phase; 9] = [
        Phase::Queued,
        Phase::Suspended,
        Phase::Pending,
        Phase::Running,
        Phase::Retrying,
        Phase::Finishing,
        Phase::Succeeded,
        Phase::Failed,
        Phase::Terminating,
    ];

    /// One word, as the tables and the filter have it.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Queued => "queued",
            Phase::Suspended => "suspended",
            Phase::Pending => "pending",
            Phase::Running => "running",
            Phase::Retrying => "retrying",
            Phase::Finishing => "finishing",
            Phase::Succeeded => "succeeded",
            Phase::Failed => "failed",
            Phase::Terminating => "terminating",
        }
    }

    /// Succeeded or Failed.
    pub fn is_over(self) -> bool {
        matches!(self, Phase::Succeeded | Phase::Failed)
    }
}

impl JobStatus {
    /// Phase by domain E, progress by A.4; `totals` are of the job's pods, if any was seen.
    pub fn of(job: &JobRow, totals: Option<&JobTotals>) -> Self {
        let live = totals.map(|t| &t.live);
        let failed = job.failed.saturating_add(job.uncounted.1);
        let active = job.active;
        let ready = match (job.kind.is_job(), live) {
            // kubeflow's counters know nothing of readiness
            (false, Some(live)) => job.ready.max(live.ready),
            _ => job.ready,
        };
        let crashing = live.map_or(0, |l| l.crashing);
        let seen_ready = live.map_or(0, |l| l.ready);

        let (phase, deciding) = if let Some(c) = condition(job, "Complete") {
            (Phase::Succeeded, Some(c))
        } else if let Some(c) = condition(job, "Failed") {
            (Phase::Failed, Some(c))
        } else if job.deleting {
            (Phase::Terminating, None)
        } else if job.suspend && job.queue.is_some() {
            (Phase::Queued, None)
        } else if job.suspend {
            (Phase::Suspended, condition(job, "Suspended"))
        } else if let Some(c) =
            condition(job, "FailureTarget").or_else(|| condition(job, "SuccessCriteriaMet"))
        {
            (Phase::Finishing, Some(c))
        } else if job.activity != Activity::Counts {
            going(job)
        } else if ready > 0 || seen_ready > 0 {
            (Phase::Running, None)
        } else if crashing > 0 || (active == 0 && failed > 0) {
            (Phase::Retrying, None)
        } else {
            (Phase::Pending, None)
        };

        let total = job.completions;
        let lost = job.failed_indexes.len();
        let restarts = live.map_or(0, |l| {
            if job.policy.restart_on_failure {
                l.restarts
            } else {
                0
            }
        });
        // per index the status alone says which failures were last ones; pods run ahead of it
        let tried = match job.policy.backoff_limit_per_index {
            Some(_) => failed,
            None => failed.max(totals.map_or(0, JobTotals::failed_seen)),
        };
        let given_up = match phase {
            Phase::Failed if lost == 0 => 1,
            _ => lost,
        };
        let mut replaced = match job.kind.is_job() {
            true => tried.saturating_sub(given_up),
            false => job.restarts.saturating_add(live.map_or(0, |l| l.restarts)),
        };
        if phase == Phase::Failed
            && let Some(limit) = job.policy.backoff_limit
        {
            replaced = replaced.min(limit);
        }
        Self {
            phase,
            reason: deciding
                .map(|c| c.reason.clone())
                .filter(|reason| !reason.is_empty()),
            done: if job.indexed {
                job.completed_indexes.len()
            } else {
                job.succeeded.saturating_add(job.uncounted.0)
            },
            total,
            target: total.map(|n| target(job, n)),
            unit: if job.indexed { Unit::Indexes } else { job.unit },
            active,
            ready,
            failed,
            lost,
            retries: replaced.saturating_add(restarts),
            terminating: job.terminating,
            serves: job.kind.serves,
            started: job.started,
            finished: phase
                .is_over()
                .then(|| job.completed.or_else(|| deciding.and_then(|c| c.since)))
                .flatten(),
        }
    }

    /// Part done, 0 to 1; none for a work queue that is not over.
    pub fn fraction(&self) -> Option<f64> {
        match (self.phase, self.target) {
            (Phase::Succeeded, _) => Some(1.0),
            (_, Some(0)) => Some(0.0),
            (_, Some(target)) => Some((f64::from(self.done) / f64::from(target)).min(1.0)),
            (_, None) => None,
        }
    }

    /// Time since the start, until the finish or `now`; none if it did not start.
    pub fn elapsed(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let span = self.finished.unwrap_or(now) - self.started?;
        Some(span.max(TimeDelta::zero()))
    }

    /// Time left (domain A.4): from the median duration of finished pods, else from the pace so far. None when
    /// nothing is done yet or the job is held, queued, over or ending.
    pub fn eta(
        &self,
        job: &JobRow,
        totals: Option<&JobTotals>,
        now: DateTime<Utc>,
    ) -> Option<TimeDelta> {
        let going = !job.kind.serves
            && matches!(
                self.phase,
                Phase::Pending | Phase::Running | Phase::Retrying
            );
        if let Some(seconds) = job.seconds_left.filter(|_| going) {
            return Some(TimeDelta::seconds(seconds.into()));
        }
        let remaining = self.target?.saturating_sub(self.done);
        if !going || self.done == 0 || remaining == 0 {
            return None;
        }
        let millis = match totals.and_then(|t| Some((t, t.median_millis()?))) {
            Some((totals, tau)) => {
                let starts = &totals.live.starts;
                let (mut left, mut running) = (0i128, 0u32);
                for (start, n) in starts.iter() {
                    let spent = now
                        .timestamp_millis()
                        .saturating_sub(i64::from(start.seconds()) * 1000);
                    left += i128::from(tau.saturating_sub(spent).max(0)) * i128::from(n);
                    running = running.saturating_add(n);
                }
                let waiting = remaining.saturating_sub(running);
                let places = job.parallelism.min(remaining).max(1);
                (left + i128::from(waiting) * i128::from(tau)) / i128::from(places)
            }
            None => {
                let spent = i128::from(self.elapsed(now)?.num_milliseconds());
                spent * i128::from(remaining) / i128::from(self.done)
            }
        };
        TimeDelta::try_milliseconds(i64::try_from(millis).ok()?)
    }
}

/// The phase of a kind whose status says whether it runs.
fn going(job: &JobRow) -> (Phase, Option<&Condition>) {
    match job.activity {
        Activity::Running => (Phase::Running, None),
        Activity::Restarting => (Phase::Retrying, condition(job, "Restarting")),
        Activity::Counts | Activity::Waiting => (Phase::Pending, None),
    }
}

/// Fewest successes that end the job: by its success policy, else all.
fn target(job: &JobRow, completions: u32) -> u32 {
    job.policy
        .success_rules
        .iter()
        .filter_map(|(indexes, count)| {
            let of_set = indexes.as_ref().map(super::indexset::IndexSet::len);
            count.or(of_set)
        })
        .min()
        .map_or(completions, |n| n.min(completions))
}

#[cfg(test)]
mod tests;
