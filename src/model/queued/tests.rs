//! Phases, queues and priorities of jobs with Workloads, in whatever order the two arrive.

use chrono::TimeDelta;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::model::delta::{Change, Delta, Rows};
use crate::model::fixture::{self, *};
use crate::model::ids::Uid;
use crate::model::job::{Condition, Facts};
use crate::model::json::RowJson;
use crate::model::kueue::workload::{Admission, Assignment};
use crate::model::kueue::{FlavorResource, PriorityClassRow, QueueRows};
use crate::model::listed::{JobColumn, Listed, Scope};
use crate::model::sort::Sort;
use crate::model::view::View;

static SET: Facts = Facts::new("x", &["v1"], "JobSet", "jobsets", "JobSet").of_children();

fn off(kind: &str, reason: &str) -> Condition {
    Condition {
        on: false,
        ..fixture::condition(kind, reason, 30)
    }
}

fn on(kind: &str, reason: &str) -> Condition {
    fixture::condition(kind, reason, 30)
}

/// The Workload of an object, pending.
fn workload(uid: u128, of: u128) -> WorkloadRow {
    let mut row = WorkloadRow::blank(key(uid), "default".into(), format!("w-{uid}").into());
    row.owners = vec![("Job".into(), "a".into(), Uid(of))];
    (row.queue, row.priority) = ("main".into(), 7);
    row
}

fn with(conditions: &[Condition]) -> WorkloadRow {
    let mut row = workload(100, 1);
    row.conditions = conditions.to_vec();
    row
}

fn held(change: impl FnOnce(&mut JobRow)) -> JobRow {
    let mut row = job(1, "a");
    (row.suspend, row.started) = (true, None);
    change(&mut row);
    row
}

fn queues(rows: QueueRows) -> Delta {
    delta(Rows::Queues(rows))
}

fn told(rows: &[WorkloadRow]) -> Delta {
    queues(QueueRows::Workloads(Change::Rows(rows.to_vec())))
}

fn class(name: &str, value: i32) -> Delta {
    queues(QueueRows::PriorityClasses(Change::Rows(vec![
        PriorityClassRow {
            key: key(500),
            name: name.into(),
            value,
            description: "".into(),
        },
    ])))
}

/// Phase and reason, as a word each.
fn look(model: &Model, uid: u128) -> String {
    let s = model.status(model.jobs.get(key(uid)).unwrap());
    let reason = s
        .reason
        .as_deref()
        .map_or(String::new(), |r| format!(" {r}"));
    format!("{}{reason}", s.phase.word())
}

#[rstest]
#[case::fresh(held(|_| ()), with(&[]), "queued")]
#[case::no_quota(held(|_| ()), with(&[off("QuotaReserved", "WaitingForQuota")]), "queued WaitingForQuota")]
#[case::not_admitted(held(|_| ()), with(&[off("QuotaReserved", "Pending"), off("Admitted", "NoReservation")]), "queued Pending")]
#[case::checks(held(|_| ()), with(&[on("QuotaReserved", "QuotaReserved"), off("Admitted", "UnsatisfiedAdmissionChecks")]), "queued UnsatisfiedAdmissionChecks")]
#[case::reserved(held(|_| ()), with(&[on("QuotaReserved", "QuotaReserved")]), "queued")]
#[case::labelled(held(|j| j.queue = Some("main".into())), with(&[]), "queued")]
#[case::not_held_yet(job(1, "a"), with(&[]), "queued")]
#[case::evicted_with_pods(held(|j| j.active = 2), with(&[off("QuotaReserved", "Pending"), on("Evicted", "Preempted")]), "terminating Preempted")]
#[case::evicted(held(|_| ()), with(&[off("QuotaReserved", "Pending"), on("Evicted", "Preempted")]), "queued Pending")]
#[case::deactivated(held(|_| ()), WorkloadRow { active: false, ..with(&[on("Evicted", "Deactivated")]) }, "suspended Deactivated")]
#[case::deactivated_with_pods(held(|j| j.active = 1), WorkloadRow { active: false, ..with(&[on("Evicted", "Deactivated")]) }, "terminating Deactivated")]
#[case::admitted_and_held(held(|j| j.queue = Some("main".into())), with(&[on("Admitted", "Admitted")]), "suspended")]
#[case::admitted(job(1, "a"), with(&[on("Admitted", "Admitted")]), "pending")]
#[case::runs(JobRow { active: 1, ready: 1, ..job(1, "a") }, with(&[on("QuotaReserved", "x"), on("Admitted", "Admitted")]), "running")]
#[case::deleting(held(|j| j.deleting = true), with(&[]), "terminating")]
#[case::over(JobRow { conditions: vec![on("Complete", "CompletionsReached")], ..job(1, "a") }, with(&[]), "succeeded CompletionsReached")]
#[case::over_and_held(held(|j| j.conditions = vec![on("Failed", "BackoffLimitExceeded")]), with(&[on("Evicted", "x")]), "failed BackoffLimitExceeded")]
#[case::workload_over_first(JobRow { active: 1, ready: 1, ..job(1, "a") }, with(&[on("Finished", "Succeeded")]), "running")]
fn phase_with_a_workload(#[case] job: JobRow, #[case] workload: WorkloadRow, #[case] want: &str) {
    let mut m = Model::default();
    m.apply(jobs(std::slice::from_ref(&job)));
    m.apply(told(std::slice::from_ref(&workload)));
    assert_eq!(look(&m, 1), want);
    // the other way round
    let mut other = Model::default();
    other.apply(told(&[workload]));
    other.apply(jobs(&[job]));
    assert_eq!(look(&other, 1), want);
    // and without it as if it had never been
    let without = |m: &Model| {
        let mut bare = Model::default();
        bare.apply(jobs(&m.jobs.rows().cloned().collect::<Vec<_>>()));
        look(&bare, 1)
    };
    m.apply(queues(QueueRows::Workloads(Change::Gone(vec![Uid(100)]))));
    assert_eq!(look(&m, 1), without(&m));
}

#[test]
fn queue_priority_devices_and_start_follow_the_workload() {
    let mut m = Model::default();
    let mut j = job(1, "a");
    (j.started, j.devices) = (None, devices("nvidia.com/gpu", 2));
    (j.queue, j.priority_class, j.priority) =
        (Some("gang".into()), Some("high".into()), Some(1000));
    m.apply(jobs(std::slice::from_ref(&j)));
    let all = |m: &Model| {
        let row = m.jobs.get(key(1)).unwrap();
        let (queue, class) = (m.queue(row).unwrap(), m.priority_class(row).unwrap());
        (
            queue.to_string(),
            class.to_string(),
            m.priority(row),
            m.gpus(row).total(),
        )
    };
    assert_eq!(all(&m), ("gang".into(), "high".into(), Some(1000), 2));
    assert_eq!(m.status(&j).started, None);

    let mut w = with(&[on("Admitted", "Admitted")]);
    w.priority_class = Some("urgent".into());
    let usage = |resource: &str, n| {
        let of = FlavorResource {
            flavor: "a100".into(),
            resource: resource.into(),
        };
        (of, n)
    };
    w.admission = Some(Admission {
        cluster_queue: "team".into(),
        pod_sets: vec![Assignment {
            name: "main".into(),
            count: 1,
            usage: vec![usage("cpu", 4000), usage("nvidia.com/gpu", 8)],
            levels: Vec::new(),
            domains: Vec::new(),
        }],
    });
    m.apply(told(std::slice::from_ref(&w)));
    // its own queue is the gang scheduler's, not Kueue's label
    assert_eq!(all(&m), ("main".into(), "urgent".into(), Some(7), 8));
    assert_eq!(m.status(&j).started, Some(at(30)));
    assert_eq!(m.status(&j).elapsed(at(90)), Some(TimeDelta::seconds(60)));
    let json = RowJson::of(&m, &j, at(90));
    assert_eq!(
        (json.queue.as_deref(), json.priority.as_deref()),
        (Some("main"), Some("urgent"))
    );
    assert_eq!(json.gpus["nvidia.com/gpu"], 8);

    // a label comes first
    j.labels = vec![(QUEUE.into(), "gang".into())];
    m.apply(jobs(std::slice::from_ref(&j)));
    assert_eq!(all(&m).0, "gang");
    // what is not admitted has what its template asks for
    w.conditions.clear();
    m.apply(told(&[w]));
    assert_eq!(all(&m).3, 2);
}

#[test]
fn a_class_gives_a_priority_before_there_is_a_workload() {
    let mut m = Model::default();
    let mut j = held(|j| j.priority_class = Some("low".into()));
    let mut plain = job(2, "pods-own-class");
    plain.priority_class = Some("low".into());
    plain.priority = Some(5);
    j.labels = vec![(CLASS.into(), "low".into())];
    m.apply(jobs(&[j.clone(), plain.clone()]));
    assert_eq!(m.priority(&j), None);
    let mut view = View::<JobRow>::new(Sort::by(JobColumn::Priority), Scope::default());
    let mut order = |m: &Model| {
        view.refresh(m, at(0));
        view.rows(m)
            .map(|row| row.name().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(order(&m), ["pods-own-class", "a"]);
    m.apply(class("low", 10));
    assert_eq!((m.priority(&j), m.priority(&plain)), (Some(10), Some(5)));
    assert_eq!(order(&m), ["a", "pods-own-class"], "the view hears of it");
    m.apply(queues(QueueRows::PriorityClasses(Change::Gone(vec![Uid(
        500,
    )]))));
    assert_eq!(m.priority(&j), None);
}

/// A JobSet, its Job, and the JobSet's Workload.
fn family() -> (JobRow, JobRow, WorkloadRow) {
    let mut set = held(|_| ());
    set.kind = JobKind(&SET);
    let mut child = job(2, "child");
    child.suspend = true;
    child.owner = Some(("JobSet".into(), "a".into(), Uid(1)));
    (set, child, workload(100, 1))
}

#[test]
fn children_queue_with_their_owner_and_views_hear_of_it() {
    let mut m = Model::default();
    let (set, child, mut w) = family();
    m.apply(jobs(&[set, child.clone()]));
    let mut view = View::<JobRow>::new(Sort::by(JobColumn::Name), Scope::default());
    view.set_filter("queue:main state:queued").unwrap();
    let mut shown = |m: &Model| view.refresh(m, at(0)).len();
    assert_eq!(shown(&m), 0);
    m.apply(told(std::slice::from_ref(&w)));
    assert_eq!(shown(&m), 2);
    assert_eq!(m.gpus(&child), child.gpus(), "not what its owner was given");
    w.conditions = vec![on("Admitted", "Admitted")];
    m.apply(told(&[w]));
    assert_eq!(shown(&m), 0);
}

#[test]
fn pods_of_children_keep_an_evicted_owner_terminating() {
    let mut m = Model::default();
    let (set, mut child, mut w) = family();
    w.conditions = vec![on("Evicted", "Preempted")];
    child.active = 3;
    m.apply(told(&[w]));
    m.apply(jobs(&[set, child.clone()]));
    assert_eq!(look(&m, 1), "terminating Preempted");
    child.active = 0;
    m.apply(jobs(&[child]));
    assert_eq!(look(&m, 1), "queued");
}

proptest! {
    /// Any order of arrivals, changes and departures gives what the rows that remain give.
    #[test]
    fn the_order_does_not_matter(steps in proptest::collection::vec((0usize..4, 0usize..3), 1..40)) {
        let (set, child, w) = family();
        let mut grandchild = job(3, "grandchild");
        grandchild.owner = Some(("Job".into(), "child".into(), Uid(2)));
        let rows = [set, child, grandchild];
        let states: [&[Condition]; 2] = [&[], &[on("Admitted", "Admitted")]];
        let mut m = Model::default();
        let mut view = View::<JobRow>::new(Sort::by(JobColumn::State), Scope::default());
        view.set_filter("queue:main").unwrap();
        let (mut there, mut state) = ([false; 3], None);
        for (what, how) in steps {
            match (rows.get(what), how) {
                (Some(row), 0) => {
                    there[what] = false;
                    m.apply(delta(Rows::Jobs(Change::Gone(vec![row.key.uid]))));
                }
                (Some(row), _) => {
                    there[what] = true;
                    m.apply(jobs(std::slice::from_ref(row)));
                }
                (None, 0) => {
                    state = None;
                    m.apply(queues(QueueRows::Workloads(Change::Gone(vec![Uid(100)]))));
                }
                (None, how) => {
                    state = Some(how - 1);
                    let conditions = states[how - 1].to_vec();
                    m.apply(told(&[WorkloadRow { conditions, ..w.clone() }]));
                }
            }
            view.refresh(&m, at(0));
        }
        let mut again = Model::default();
        if let Some(at) = state {
            again.apply(told(&[WorkloadRow { conditions: states[at].to_vec(), ..w }]));
        }
        for (row, _) in rows.iter().zip(there).filter(|(_, there)| *there) {
            again.apply(jobs(std::slice::from_ref(row)));
        }
        let all = |m: &Model| {
            let mut all: Vec<_> = m.jobs.rows().map(|j| {
                (j.key, look(m, j.key.uid.0), m.queue(j).cloned(), m.priority(j), m.status(j).started)
            }).collect();
            all.sort_by_key(|row| row.0);
            all
        };
        prop_assert_eq!(all(&m), all(&again));
        // the view was repaired step by step, the other is made at once
        let mut fresh = View::<JobRow>::new(Sort::by(JobColumn::State), Scope::default());
        fresh.set_filter("queue:main").unwrap();
        fresh.refresh(&again, at(0));
        let names = |view: &View<JobRow>, m: &Model| {
            view.rows(m).map(|row| row.name.to_string()).collect::<Vec<_>>()
        };
        prop_assert_eq!(names(&view, &m), names(&fresh, &again));
    }
}
