//! Phases, progress and ETA from the cases of the domain reference.

use chrono::TimeDelta;
use rstest::rstest;

use super::*;
use crate::model::Model;
use crate::model::fixture::{self, *};
use crate::model::indexset::IndexSet;
use crate::model::pod::PodRow;

fn changed(change: impl FnOnce(&mut JobRow)) -> JobRow {
    let mut row = job(1, "a");
    change(&mut row);
    row
}

#[rstest]
#[case(changed(|j| j.conditions = vec![fixture::condition("Complete", "CompletionsReached", 9)]), Phase::Succeeded)]
#[case(changed(|j| { j.deleting = true; j.conditions = vec![fixture::condition("Failed", "x", 9)] }), Phase::Failed)]
#[case(changed(|j| { j.deleting = true; j.suspend = true }), Phase::Terminating)]
#[case(changed(|j| { j.suspend = true; j.queue = Some("main".into()) }), Phase::Queued)]
#[case(changed(|j| j.suspend = true), Phase::Suspended)]
#[case(changed(|j| { j.ready = 1; j.conditions = vec![fixture::condition("FailureTarget", "x", 9)] }), Phase::Finishing)]
#[case(changed(|j| j.conditions = vec![fixture::condition("SuccessCriteriaMet", "x", 9)]), Phase::Finishing)]
#[case(changed(|j| { j.active = 1; j.ready = 1; j.failed = 3 }), Phase::Running)]
#[case(changed(|j| { j.active = 1; j.failed = 3 }), Phase::Pending)]
#[case(changed(|j| j.failed = 1), Phase::Retrying)]
#[case(changed(|j| j.uncounted = (0, 1)), Phase::Retrying)]
#[case(changed(|j| j.active = 1), Phase::Pending)]
#[case(changed(|_| ()), Phase::Pending)]
// a resumed job keeps Suspended=False
#[case(changed(|j| { j.active = 1; j.ready = 1; j.conditions = vec![Condition { on: false, ..fixture::condition("Suspended", "JobResumed", 1) }] }), Phase::Running)]
fn phase_by_precedence(#[case] row: JobRow, #[case] want: Phase) {
    assert_eq!(JobStatus::of(&row, None).phase, want);
}

#[test]
fn the_failed_example() {
    let s = JobStatus::of(&failed_example(1), None);
    assert_eq!(
        (s.phase, s.reason.as_deref()),
        (Phase::Failed, Some("FailedIndexes"))
    );
    assert_eq!((s.done, s.total, s.unit), (5, Some(10), Unit::Indexes));
    assert_eq!((s.failed, s.lost, s.retries), (10, 5, 5));
    assert_eq!(
        s.finished,
        Some(at(64)),
        "no completionTime: from the condition"
    );
    assert_eq!(s.elapsed(at(1000)), Some(TimeDelta::seconds(64)));
    assert_eq!(s.eta(&failed_example(1), None, at(1000)), None);
}

#[test]
fn a_success_policy_lowers_the_target_not_the_total() {
    let mut row = indexed(1, "a", 5, 5);
    row.policy.success_rules = vec![
        (Some(IndexSet::parse("0-3", None)), None),
        (Some(IndexSet::parse("0,2-4", None)), Some(3)),
    ];
    row.completed_indexes = IndexSet::parse("0,2", Some(5));
    let s = JobStatus::of(&row, None);
    assert_eq!((s.done, s.total, s.target), (2, Some(5), Some(3)));
    row.completed_indexes = IndexSet::parse("0,2,4", Some(5));
    row.conditions = vec![fixture::condition("Complete", "SuccessPolicy", 9)];
    let s = JobStatus::of(&row, None);
    assert_eq!((s.phase, s.fraction()), (Phase::Succeeded, Some(1.0)));
}

#[test]
fn a_work_queue_has_no_percentage() {
    let mut row = job(1, "a");
    (row.completions, row.parallelism, row.succeeded) = (None, 3, 2);
    (row.active, row.ready) = (1, 1);
    let s = JobStatus::of(&row, None);
    assert_eq!((s.done, s.total, s.fraction()), (2, None, None));
    assert_eq!(s.eta(&row, None, at(100)), None);
}

#[test]
fn a_crash_loop_shows_only_in_its_pod() {
    let mut m = Model::default();
    let mut j = job(1, "a");
    (j.active, j.policy.restart_on_failure) = (1, true);
    let mut p = running(pod(10, &j), "n", 0);
    (p.restarts, p.is_ready, p.ready) = (4, false, 0);
    p.status = "CrashLoopBackOff".into();
    m.apply(jobs(std::slice::from_ref(&j)));
    m.apply(pods(&[p]));
    let s = m.status(&j);
    assert_eq!((s.phase, s.retries, s.failed), (Phase::Retrying, 4, 0));
}

#[test]
fn backoff_limit_exceeded_means_limit_retries() {
    let mut row = job(1, "pi");
    row.policy.backoff_limit = Some(4);
    row.failed = 5;
    row.conditions = vec![fixture::condition("Failed", "BackoffLimitExceeded", 9)];
    assert_eq!(JobStatus::of(&row, None).retries, 4);
}

/// Domain A.4: eta = (Σ_running max(τ − elapsed, 0) + (remaining − running)·τ) / P.
#[test]
fn eta_from_the_median_of_finished_pods() {
    let mut m = Model::default();
    let mut j = job(1, "a");
    (j.completions, j.parallelism) = (Some(10), 2);
    (j.succeeded, j.active, j.ready) = (4, 2, 2);
    m.apply(jobs(std::slice::from_ref(&j)));
    let mut all: Vec<PodRow> = (10..14)
        .map(|u| ended(running(pod(u, &j), "n", 0), 0, 60))
        .collect();
    all.push(running(pod(20, &j), "n", 60));
    all.push(running(pod(21, &j), "n", 0));
    m.apply(pods(&all));
    let s = m.status(&j);
    // at 80: one has 40 s left, one is overdue; four more of 60 s; on two places
    assert_eq!(
        s.eta(&j, m.totals(j.key), at(80)),
        Some(TimeDelta::seconds((40 + 4 * 60) / 2))
    );
}

#[test]
fn eta_from_the_pace_when_too_few_have_finished() {
    let mut j = job(1, "a");
    (j.completions, j.succeeded, j.active, j.ready) = (Some(4), 1, 1, 1);
    let s = JobStatus::of(&j, None);
    assert_eq!(s.eta(&j, None, at(100)), Some(TimeDelta::seconds(300)));
    j.suspend = true;
    assert_eq!(JobStatus::of(&j, None).eta(&j, None, at(100)), None);
}
