//! Index states by domain A.4, their counts, and what stays known.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::model::Model;
use crate::model::fixture::*;
use crate::model::indexset::IndexSet;

impl Indexes {
    /// What only tells of the order of arrival, brought into one order for comparing.
    pub(crate) fn in_one_order(&mut self) {
        for cell in self.cells.values_mut() {
            let mut live: Vec<LivePod> = cell.live().cloned().collect();
            live.sort_by_key(|p| p.tie);
            live.iter_mut().for_each(|p| p.slot = p.tie);
            if let Some(rest) = &mut cell.rest {
                rest.more.clear();
            }
            cell.first = None;
            live.into_iter().for_each(|p| cell.put(p));
        }
        if let Some(order) = &mut self.order {
            let mut all: Vec<u32> = order.clean.drain(..).chain(order.bad.drain(..)).collect();
            all.sort_unstable();
            order.clean = all.into();
        }
    }
}

fn deleting(mut pod: PodRow) -> PodRow {
    pod.deleting = true;
    pod
}

fn at_index(uid: u128, job: &JobRow, index: u32) -> PodRow {
    let mut p = pod(uid, job);
    p.index = Some(index).into();
    p.created = Some(at(uid as i64)).into();
    p
}

#[rstest]
#[case::completed_beats_all("0", "0", &[], IndexState::Succeeded)]
#[case::pod_succeeded_beats_failed_indexes("", "0", &["succeeded"], IndexState::Succeeded)]
#[case::failed_beats_running("", "0", &["running"], IndexState::Failed)]
#[case::active_beats_failed_pods("", "", &["failed", "running"], IndexState::Running)]
#[case::newest_active("", "", &["running", "pending"], IndexState::Pending)]
#[case::active_beats_deleting("", "", &["deleting", "running"], IndexState::Running)]
#[case::deleting("", "", &["failed", "deleting"], IndexState::Terminating)]
#[case::backoff("", "", &["failed", "failed"], IndexState::Retrying(2))]
#[case::nothing_yet("", "", &[], IndexState::Pending)]
fn states_by_precedence(
    #[case] completed: &str,
    #[case] failed: &str,
    #[case] lives: &[&str],
    #[case] want: IndexState,
) {
    let mut j = indexed(1, "j", 3, 3);
    j.completed_indexes = IndexSet::parse(completed, Some(3));
    j.failed_indexes = IndexSet::parse(failed, Some(3));
    let rows: Vec<PodRow> = (10..)
        .zip(lives)
        .map(|(uid, life)| {
            let p = at_index(uid, &j, 0);
            match *life {
                "running" => running(p, "n", 0),
                "deleting" => deleting(running(p, "n", 0)),
                "failed" => ended(running(p, "n", 0), 1, 1),
                "succeeded" => ended(running(p, "n", 0), 0, 1),
                _ => p,
            }
        })
        .collect();
    // the same whichever arrives first
    for job_first in [true, false] {
        let mut m = Model::default();
        if job_first {
            m.apply(jobs(std::slice::from_ref(&j)));
        }
        m.apply(pods(&rows));
        m.apply(jobs(std::slice::from_ref(&j)));
        assert_eq!(m.grid(&j).state(0), want);
    }
}

#[test]
fn a_finished_job_leaves_indexes_failed_or_not_run() {
    let mut m = Model::default();
    let mut j = indexed(1, "j", 3, 1);
    j.completed_indexes = IndexSet::parse("0", Some(3));
    j.conditions = vec![condition("Failed", "BackoffLimitExceeded", 9)];
    m.apply(jobs(std::slice::from_ref(&j)));
    m.apply(pods(&[ended(running(at_index(10, &j, 1), "n", 0), 1, 5)]));
    let grid = m.grid(&j);
    let states: Vec<IndexState> = (0..3).map(|i| grid.state(i)).collect();
    assert_eq!(
        states,
        [
            IndexState::Succeeded,
            IndexState::Failed,
            IndexState::NotRun
        ]
    );
    assert_eq!(grid.failed(), "1");
    let n = grid.counts(0, 2);
    assert_eq!((n.succeeded, n.failed, n.not_run), (1, 1, 1));
}

#[test]
fn the_example_lists_its_failed_indexes() {
    let j = failed_example(1);
    let m = Model::default();
    assert_eq!(m.grid(&j).failed(), "0,2,4,6,8");
    let n = m.grid(&j).counts(0, 9);
    assert_eq!((n.succeeded, n.failed), (5, 5));
}

#[test]
fn what_was_seen_outlives_the_pods() {
    let mut m = Model::default();
    let j = failed_example(1);
    m.apply(jobs(std::slice::from_ref(&j)));
    let mut first = ended(running(at_index(10, &j, 2), "gpu-a", 0), 1, 3);
    first.index_failures = 0;
    let mut second = ended(running(at_index(11, &j, 2), "gpu-b", 10), 7, 13);
    second.index_failures = 1;
    m.apply(pods(&[first, second]));
    let seen = |m: &Model| m.totals(j.key).unwrap().indexes.clone();
    assert_eq!(m.pod_of_index(j.key, 2).unwrap().key.uid, Uid(11));
    m.apply(pods_gone(&[11, 10]));
    let seen = seen(&m);
    assert_eq!((seen.newest(2), seen.retries(2)), (None, 2));
    let last = seen.remembered(2).unwrap();
    assert_eq!(
        (last.node.as_deref(), last.exit.as_ref().map(|e| e.code)),
        (Some("gpu-b"), Some(7))
    );
}

#[test]
fn memory_is_bounded_and_keeps_failures_longest() {
    let j = indexed(1, "j", 20_000, 100);
    let mut seen = Indexes::default();
    for i in 0..20_000u32 {
        let code = i32::from(i % 100 == 0);
        let p = ended(
            running(at_index(u128::from(i) + 10, &j, i), "n", 0),
            code,
            1,
        );
        seen.put(0, &p, Some(&j));
        seen.remove(0, &p, Some(&p), Some(&j));
    }
    let kept = (0..20_000)
        .filter(|&i| seen.remembered(i).is_some())
        .count();
    assert_eq!(kept, REMEMBERED);
    let failures = (0..20_000).step_by(100);
    assert!(failures.clone().all(|i| seen.remembered(i).is_some()));
    assert!(failures.clone().all(|i| seen.retries(i) == 1));
    assert_eq!(
        seen.cells.count(),
        REMEMBERED,
        "clean ends leave nothing behind"
    );
}

proptest! {
    #[test]
    fn counts_are_the_states_counted(
        completed in prop::collection::btree_set(0..60u32, 0..30),
        lives in prop::collection::vec((0..60u32, 0..5u8), 0..40),
        over in any::<bool>(),
        from in 0..70u32,
        len in 0..70u32,
    ) {
        let list = |set: Vec<u32>| set.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let mut j = indexed(1, "j", 60, 3);
        j.failed_indexes = IndexSet::parse(&list((0..60).filter(|i| i % 7 == 0 && !completed.contains(i)).collect()), Some(60));
        j.completed_indexes = IndexSet::parse(&list(completed.into_iter().collect()), Some(60));
        if over {
            j.conditions = vec![condition("Failed", "FailedIndexes", 1)];
        }
        let rows: Vec<PodRow> = (10..).zip(&lives).map(|(uid, &(index, life))| {
            let p = at_index(uid, &j, index);
            match life {
                0 => p,
                1 => running(p, "n", 0),
                2 => deleting(running(p, "n", 0)),
                3 => ended(running(p, "n", 0), 1, 1),
                _ => ended(running(p, "n", 0), 0, 1),
            }
        }).collect();
        let mut m = Model::default();
        m.apply(pods(&rows));
        m.apply(jobs(std::slice::from_ref(&j)));
        let grid = m.grid(&j);
        let mut want = Counts::default();
        for i in from..=(from + len).min(59) {
            *(match grid.state(i) {
                IndexState::Succeeded => &mut want.succeeded,
                IndexState::Failed => &mut want.failed,
                IndexState::Running => &mut want.running,
                IndexState::Pending => &mut want.pending,
                IndexState::Retrying(_) => &mut want.retrying,
                IndexState::Terminating => &mut want.terminating,
                IndexState::NotRun => &mut want.not_run,
            }) += 1;
        }
        prop_assert_eq!(grid.counts(from, from + len), want);
    }
}
