//! A job in one sentence: why it failed, waits or retries, or how far it is. The answer above the evidence.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Model;
use super::human;
use super::job::{JobRow, Phase};
use super::pod::PodPhase;
use super::podwhy;
use super::status::{JobStatus, condition};
use super::waiting::waiting;

/// Pods asked for a common reason, at most.
const ASKED: usize = 200;

/// The sentence for a job, with the parts that only its pods and events tell where they are known.
pub fn why(model: &Model, job: &JobRow, now: DateTime<Utc>) -> String {
    let s = model.status(job);
    match s.phase {
        Phase::Failed => gave_up(model, job, &s),
        Phase::Succeeded => succeeded(job, &s),
        Phase::Finishing => {
            let left = job.active.max(job.terminating);
            let outcome = match condition(job, "FailureTarget") {
                Some(c) => format!("failing: {}", c.reason),
                None => "has succeeded".into(),
            };
            format!("{outcome}; waits for {} to end", some(left, "pod"))
        }
        Phase::Terminating => {
            let left = some(s.active.max(job.terminating), "pod");
            match s.reason.as_deref().filter(|_| !job.deleting) {
                Some(reason) => format!("evicted ({reason}); {left} left"),
                None => format!("being deleted; {left} left"),
            }
        }
        Phase::Queued | Phase::Suspended => match waiting(model, job, now) {
            Some(waiting) => waiting.sentence,
            None if s.phase == Phase::Suspended => "held: suspended".into(),
            None => {
                let queue = model.queue(job).map_or("?", |queue| queue);
                format!("waits in queue {queue}")
            }
        },
        Phase::Retrying => retrying(model, job, &s, now),
        Phase::Pending => match waiting(model, job, now) {
            Some(waiting) => waiting.sentence,
            None => waits(model, job),
        },
        Phase::Running => going(model, job, &s, now),
    }
}

fn some(n: u32, what: &str) -> String {
    match (n, what) {
        (1, _) => format!("1 {what}"),
        (n, "index") => format!("{n} indexes"),
        (n, _) => format!("{n} {what}s"),
    }
}

/// `: exit 1` or `: exit 1 ×8, out of memory ×2`, from the pods seen.
fn exits(model: &Model, job: &JobRow) -> String {
    let kinds = model.totals(job.key).map(|t| t.exits()).unwrap_or_default();
    let word = |code: i32, reason: &str| match (code, reason) {
        (_, "OOMKilled") => "out of memory".to_owned(),
        (-1, reason) => podwhy::disruption(reason),
        (0, reason) => reason.to_owned(),
        (code, "" | "Error" | "Completed") => format!("exit {code}"),
        (code, reason) => format!("exit {code} {reason}"),
    };
    match kinds.as_slice() {
        [] => String::new(),
        [(code, reason, _)] => format!(": {}", word(*code, reason)),
        many => {
            let list: Vec<String> = many
                .iter()
                .take(3)
                .map(|(code, reason, n)| format!("{} ×{n}", word(*code, reason)))
                .collect();
            format!(": {}", list.join(", "))
        }
    }
}

/// ` after 2 tries each`, from the failed indexes seen, else from counts that leave no doubt.
pub fn tries(model: &Model, job: &JobRow, s: &JobStatus) -> String {
    let Some(per_index) = job.policy.backoff_limit_per_index else {
        return String::new();
    };
    let grid = model.grid(job);
    let indexes = job.failed_indexes.ranges().iter().flat_map(|&(a, b)| a..=b);
    let seen: Vec<u32> = indexes.take(1000).map(|i| grid.retries(i)).collect();
    let (least, most) = (seen.iter().min(), seen.iter().max());
    // pods that are being cleaned away one by one would tell of ever fewer tries; one that had all is proof enough
    let known = model.totals(job.key).map_or(0, |t| t.failed_there()) >= s.failed;
    let proof = |tries: u32| tries > 0 && (known || tries > per_index);
    let each = match (least, most) {
        (Some(&a), Some(&b)) if a == b && proof(a) => a,
        (Some(&a), Some(&b)) if a != b && proof(a) && proof(b) => {
            return format!(" after {a} to {b} tries");
        }
        // every failed pod belongs to a failed index: all used their tries
        _ if s.lost > 0 && s.failed == s.lost.saturating_mul(per_index.saturating_add(1)) => {
            per_index + 1
        }
        _ => return String::new(),
    };
    match each {
        1 => " at the first try".into(),
        n => format!(" after {n} tries each"),
    }
}

fn gave_up(model: &Model, job: &JobRow, s: &JobStatus) -> String {
    let reason = s.reason.as_deref().unwrap_or_default();
    let message = condition(job, "Failed").map_or("", |c| &*c.message);
    let of = match s.total {
        Some(n) if s.lost > 0 => format!("{} of {n} indexes failed", s.lost),
        _ => format!("{} failed", some(s.failed, "pod")),
    };
    match reason {
        "FailedIndexes" => {
            format!("{of}{}{}", tries(model, job, s), exits(model, job))
        }
        "MaxFailedIndexesExceeded" => {
            let most = job
                .policy
                .max_failed_indexes
                .map_or(String::new(), |n| format!(", more than the {n} allowed"));
            format!("{of}{most}{}", exits(model, job))
        }
        "BackoffLimitExceeded" => {
            let limit = match job.policy.backoff_limit {
                Some(0) => ", no retry allowed".into(),
                Some(1) => ", its 1 retry used".into(),
                Some(n) => format!(", all {n} retries used"),
                None => String::new(),
            };
            if s.failed == 0 && s.retries > 0 {
                return format!("{}{limit}{}", some(s.retries, "restart"), exits(model, job));
            }
            format!("{of}{limit}{}", exits(model, job))
        }
        "DeadlineExceeded" => match job.policy.active_deadline_seconds {
            Some(n) => {
                let limit = human::duration(TimeDelta::seconds(n.min(1 << 40) as i64));
                format!("ran longer than its deadline of {limit}")
            }
            None => "ran longer than its deadline".into(),
        },
        "PodFailurePolicy" if !message.is_empty() => {
            let text = message.strip_prefix("Container ").unwrap_or(message);
            format!("ended by its failure policy: {text}")
        }
        "" => "failed".into(),
        other if message.is_empty() => format!("failed: {other}"),
        other => format!("failed: {other}: {message}"),
    }
}

fn retries(n: u32) -> String {
    if n == 1 {
        "1 retry".into()
    } else {
        format!("{n} retries")
    }
}

fn succeeded(job: &JobRow, s: &JobStatus) -> String {
    let (what, by) = match s.total {
        Some(n) if s.done < n => (
            format!("{} of {n} {} succeeded", s.done, s.unit.word()),
            ": enough by its success policy",
        ),
        Some(1) => ("succeeded".into(), ""),
        Some(n) => (format!("all {n} {} succeeded", s.unit.word()), ""),
        None => (format!("{} succeeded", some(s.done, "pod")), ""),
    };
    let took = match (job.started, s.finished) {
        (Some(from), Some(to)) => format!(" in {}", human::duration(to - from)),
        _ => String::new(),
    };
    let again = match s.retries {
        0 => String::new(),
        n => format!(", after {}", retries(n)),
    };
    format!("{what}{took}{again}{by}")
}

fn last_end(model: &Model, job: &JobRow) -> Option<(String, Option<DateTime<Utc>>)> {
    let death = model.totals(job.key)?.memory.last_death.as_ref()?;
    let text = match (&death.disrupted, &death.exit) {
        (Some(reason), _) => podwhy::disruption(reason),
        (None, Some(exit)) => podwhy::ended(exit).1,
        (None, None) => return None,
    };
    Some((text, death.at))
}

fn retrying(model: &Model, job: &JobRow, s: &JobStatus, now: DateTime<Utc>) -> String {
    let end = last_end(model, job);
    let last = end
        .as_ref()
        .map_or(String::new(), |(text, _)| format!("; last: {text}"));
    let live = model.totals(job.key).map(|t| &t.live);
    if let Some(live) = live.filter(|l| l.crashing > 0) {
        return format!(
            "crash loop, {}{last}",
            some(live.active_restarts, "restart")
        );
    }
    if !job.kind.is_job() {
        let why = condition(job, "Restarting").map_or("", |c| &*c.message);
        return match why {
            "" => format!("begins again, {}{last}", some(s.retries, "restart")),
            why => format!("begins again: {why}"),
        };
    }
    let limit = match job.policy.backoff_limit {
        Some(n) if n < i32::MAX as u32 => format!(" of {} tries", n.saturating_add(1)),
        _ => String::new(),
    };
    // the controller waits 10 s, doubled per failure, ten minutes at most
    let next = end.and_then(|(_, at)| at).and_then(|at| {
        let wait = 10i64 << s.failed.saturating_sub(1).min(6);
        let left = at + TimeDelta::seconds(wait.min(600)) - now;
        (left > TimeDelta::zero()).then(|| format!(", next in about {}", human::duration(left)))
    });
    format!(
        "backs off after {} failed{limit}{}{last}",
        s.failed,
        next.unwrap_or_default()
    )
}

fn waits(model: &Model, job: &JobRow) -> String {
    if let Some(by) = &job.managed_by
        && &**by != "kubernetes.io/job-controller"
    {
        return format!("managed by {by}: its pods may run in another cluster");
    }
    if job.parallelism == 0 && job.kind.is_job() {
        return "paused: parallelism is 0".into();
    }
    if let Some(text) = common_wait(model, job) {
        return format!("waiting: {text}");
    }
    let about = |event: &&super::event::EventRow| {
        event.key.cluster == job.key.cluster
            && event.about.2 == job.key.uid
            && &*event.reason == "FailedCreate"
    };
    let refused = model
        .events
        .rows()
        .filter(about)
        .max_by_key(|e| (e.when(), e.key));
    match refused {
        Some(event) => format!("cannot make its pod: {}", event.message),
        None => match model.status(job).active {
            0 => "no pod yet".into(),
            n => format!("{} starting", some(n, "pod")),
        },
    }
}

/// What most of the waiting pods wait for, with how many of how many where they differ.
fn common_wait(model: &Model, job: &JobRow) -> Option<String> {
    let mut reasons: BTreeMap<String, u32> = BTreeMap::new();
    let mut waiting = 0;
    let stuck = model
        .pods_of(job.key)
        .filter(|p| matches!(p.phase, PodPhase::Pending | PodPhase::Unknown) && !p.deleting);
    for pod in stuck.take(ASKED) {
        if let Some(why) = podwhy::why(pod) {
            *reasons.entry(why.text).or_default() += 1;
            waiting += 1;
        }
    }
    let (text, n) = reasons.into_iter().max_by_key(|(_, n)| *n)?;
    Some(if n < waiting {
        format!("{text} ({n} of {waiting} pods)")
    } else {
        text
    })
}

fn going(model: &Model, job: &JobRow, s: &JobStatus, now: DateTime<Utc>) -> String {
    let mut parts = Vec::new();
    match (s.total, s.done) {
        (Some(1), _) => {}
        (Some(n), done) => {
            let word = if s.serves { "ready" } else { "done" };
            parts.push(format!("{done} of {n} {} {word}", s.unit.word()));
        }
        (None, 0) => {}
        (None, done) => parts.push(format!("{done} done")),
    }
    // kinds that do not tell who is ready run with all that is active
    let up = if s.ready == 0 && !job.kind.is_job() {
        s.active
    } else {
        s.ready
    };
    parts.push(format!("{} running", up.max(1)));
    let waiting = s.active.saturating_sub(up);
    if waiting > 0 {
        parts.push(match common_wait(model, job) {
            Some(text) => format!("{waiting} waiting ({text})"),
            None => format!("{waiting} starting"),
        });
    }
    if s.lost > 0 {
        parts.push(format!("{} failed", some(s.lost, "index")));
    }
    if s.retries > 0 {
        let last = last_end(model, job).map_or(String::new(), |(text, _)| format!(" ({text})"));
        parts.push(format!("{}{last}", retries(s.retries)));
    }
    if let Some(eta) = s.eta(job, model.totals(job.key), now) {
        parts.push(format!("about {} left", human::duration(eta)));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::{self, *};
    use crate::model::job::Condition;
    use crate::model::pod::PodRow;

    fn say(job: &JobRow, all: &[PodRow]) -> String {
        let mut m = Model::default();
        m.apply(jobs(std::slice::from_ref(job)));
        m.apply(pods(all));
        why(&m, job, at(100))
    }

    fn failed_by(reason: &str, message: &str) -> JobRow {
        let mut j = job(1, "a");
        j.conditions = vec![Condition {
            message: message.into(),
            ..fixture::condition("Failed", reason, 64)
        }];
        j.failed = 5;
        j
    }

    #[test]
    fn the_failed_example_in_a_sentence() {
        let j = failed_example(1);
        assert_eq!(say(&j, &[]), "5 of 10 indexes failed after 2 tries each");
        let all: Vec<PodRow> = (0..10u32)
            .map(|i| {
                let mut p = ended(running(pod(u128::from(i) + 10, &j), "n", 0), 1, 3);
                (p.index, p.index_failures) = (Some(i / 2 * 2).into(), i % 2);
                p
            })
            .collect();
        assert_eq!(
            say(&j, &all),
            "5 of 10 indexes failed after 2 tries each: exit 1"
        );
    }

    #[test]
    fn tries_are_not_counted_from_what_a_clean_up_left() {
        let mut j = failed_example(1);
        j.failed = 15;
        j.policy.backoff_limit_per_index = Some(2);
        let whose = j.clone();
        let pods = |of: u32| -> Vec<PodRow> {
            let all = (0..10u32)
                .filter(|i| i % 2 == 0)
                .flat_map(|i| (0..of).map(move |n| (i, n)));
            all.map(|(i, n)| {
                let dead = pod(u128::from(i * 3 + n) + 10, &whose);
                let mut p = ended(running(dead, "n", 0), 1, 3);
                (p.index, p.index_failures) = (Some(i).into(), n);
                p
            })
            .collect()
        };
        let all = say(&j, &pods(3));
        assert_eq!(all, "5 of 10 indexes failed after 3 tries each: exit 1");
        // the last pod of each is gone already, and the second: nothing is said of tries but what the counts prove
        j.failed = 14;
        for left in [1, 2] {
            let some = say(&j, &pods(left));
            assert_eq!(some, "5 of 10 indexes failed: exit 1", "{left} left");
        }
    }

    #[test]
    fn why_failed() {
        let mut j = failed_by("BackoffLimitExceeded", "");
        j.policy.backoff_limit = Some(4);
        let dead = |u, code| ended(running(pod(u, &j), "n", 0), code, 3);
        assert_eq!(
            say(&j, &[dead(10, 1), dead(11, 1), dead(12, 137)]),
            "5 pods failed, all 4 retries used: exit 1 ×2, out of memory ×1"
        );
        let mut j = failed_by("DeadlineExceeded", "");
        j.policy.active_deadline_seconds = Some(600);
        assert_eq!(say(&j, &[]), "ran longer than its deadline of 10m00s");
        let text =
            "Container main for pod a/b failed with exit code 42 matching FailJob rule at index 0";
        assert_eq!(
            say(&failed_by("PodFailurePolicy", text), &[]),
            "ended by its failure policy: main for pod a/b failed with exit code 42 matching FailJob rule at index 0"
        );
        let mut j = failed_by("MaxFailedIndexesExceeded", "");
        (j.indexed, j.completions) = (true, Some(10));
        j.policy.max_failed_indexes = Some(2);
        j.failed_indexes = crate::model::indexset::IndexSet::parse("0-3", None);
        assert_eq!(
            say(&j, &[]),
            "4 of 10 indexes failed, more than the 2 allowed"
        );
    }

    #[test]
    fn why_it_waits() {
        let mut j = job(1, "a");
        assert_eq!(say(&j, &[]), "no pod yet");
        j.active = 2;
        let mut p = pod(10, &j);
        p.why = Some("Unschedulable: 0/24 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: none".into());
        assert_eq!(
            say(&j, std::slice::from_ref(&p)),
            "waiting: 0/24 nodes: 3 Insufficient nvidia.com/gpu"
        );
        let mut other = pod(11, &j);
        (other.status, other.why) = ("ContainerCreating".into(), None);
        let mut third = p.clone();
        third.key = key(12);
        assert!(say(&j, &[p, other, third]).ends_with("(2 of 3 pods)"));
        j.parallelism = 0;
        assert_eq!(say(&j, &[]), "paused: parallelism is 0");
        j.managed_by = Some("kueue.x-k8s.io/multikueue".into());
        assert!(say(&j, &[]).starts_with("managed by kueue"));
    }

    #[test]
    fn a_refused_pod_is_told_by_the_event() {
        let mut m = Model::default();
        let j = job(1, "a");
        m.apply(jobs(std::slice::from_ref(&j)));
        m.apply(delta(crate::model::delta::Rows::Events(
            crate::model::delta::Change::Rows(vec![event(
                90,
                ("Job", "a", 1),
                "FailedCreate",
                "pods \"a-x\" is forbidden: exceeded quota",
            )]),
        )));
        assert_eq!(
            why(&m, &j, at(1)),
            "cannot make its pod: pods \"a-x\" is forbidden: exceeded quota"
        );
    }

    #[test]
    fn why_it_retries() {
        let mut j = job(1, "a");
        j.failed = 2;
        let dead = ended(running(pod(10, &j), "n", 0), 1, 95);
        assert_eq!(
            say(&j, &[dead]),
            "backs off after 2 failed of 7 tries, next in about 15s; last: exit 1"
        );
        (j.failed, j.active, j.policy.restart_on_failure) = (0, 1, true);
        let mut p = ended(running(pod(10, &j), "n", 0), 3, 95);
        (p.phase, p.status, p.restarts) = (PodPhase::Running, "CrashLoopBackOff".into(), 4);
        assert_eq!(say(&j, &[p]), "crash loop, 4 restarts; last: exit 3");
    }

    #[test]
    fn how_it_goes_and_went() {
        let mut j = job(1, "a");
        (j.completions, j.parallelism, j.succeeded) = (Some(10), 3, 5);
        (j.active, j.ready, j.failed) = (3, 2, 1);
        assert_eq!(
            say(&j, &[]),
            "5 of 10 pods done, 2 running, 1 starting, 1 retry, about 1m40s left"
        );
        (j.succeeded, j.active, j.ready) = (10, 0, 0);
        j.conditions = vec![fixture::condition("Complete", "CompletionsReached", 80)];
        assert_eq!(
            say(&j, &[]),
            "all 10 pods succeeded in 1m20s, after 1 retry"
        );
        j.succeeded = 3;
        assert_eq!(
            say(&j, &[]),
            "3 of 10 pods succeeded in 1m20s, after 1 retry: enough by its success policy"
        );
    }
}
