//! Laws of the past: any time shown is what the changes up to it make, and memory has an end.

use proptest::prelude::*;

use super::*;
use crate::model::fixture::{at, event, job, pod};
use crate::model::ids::Uid;

fn delta(source: u32, rows: Rows) -> Delta {
    Delta {
        cluster: ClusterId(0),
        source: SourceId(source),
        rows,
    }
}

/// Everything in the tables, in order, without whose it is.
fn all(
    model: &Model,
) -> (
    Vec<JobRow>,
    Vec<crate::model::pod::PodRow>,
    Vec<crate::model::event::EventRow>,
) {
    let mut jobs: Vec<_> = model.jobs.rows().cloned().collect();
    let mut pods: Vec<_> = model.pods.rows().cloned().collect();
    let mut events: Vec<_> = model.events.rows().cloned().collect();
    jobs.sort_by_key(|row| row.key);
    pods.sort_by_key(|row| row.key);
    events.sort_by_key(|row| row.key);
    (jobs, pods, events)
}

/// What follows from them, as far as it is not in the tables.
fn derived(model: &Model) -> Vec<String> {
    let (jobs, ..) = all(model);
    let of = |job: &JobRow| {
        format!(
            "{:?} {:?} {:?}",
            model.status(job),
            model.gpus(job),
            model.pods_of(job.key).count()
        )
    };
    jobs.iter().map(of).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Job(u128, u32),
    Pod(u128, u128, u32),
    Event(u128),
    JobGone(u128),
    PodGone(u128),
    /// A relist of the pods in which only these are.
    Relist(Vec<u128>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u128..4, 0u32..3).prop_map(|(uid, n)| Step::Job(uid, n)),
        (10u128..16, 0u128..4, 0u32..4).prop_map(|(uid, job, n)| Step::Pod(uid, job, n)),
        (20u128..24).prop_map(Step::Event),
        (0u128..4).prop_map(Step::JobGone),
        (10u128..16).prop_map(Step::PodGone),
        proptest::collection::vec(10u128..16, 0..3).prop_map(Step::Relist),
    ]
}

fn deltas(step: &Step) -> Vec<Delta> {
    let gone = |uid: &u128| vec![Uid(*uid)];
    let a_pod = |uid: u128, of: u128, n: u32| {
        let mut pod = pod(uid, &job(of, "j"));
        pod.restarts = n as _;
        pod
    };
    match step {
        Step::Job(uid, n) => {
            let mut row = job(*uid, "j");
            row.active = *n;
            vec![delta(1, Rows::Jobs(Change::Rows(vec![row])))]
        }
        Step::Pod(uid, of, n) => vec![delta(
            2,
            Rows::Pods(Change::Rows(vec![a_pod(*uid, *of, *n)])),
        )],
        Step::Event(uid) => vec![delta(
            3,
            Rows::Events(Change::Rows(vec![event(
                *uid,
                ("Job", "j", 1),
                "Reason",
                "text",
            )])),
        )],
        Step::JobGone(uid) => vec![delta(1, Rows::Jobs(Change::Gone(gone(uid))))],
        Step::PodGone(uid) => vec![delta(2, Rows::Pods(Change::Gone(gone(uid))))],
        Step::Relist(uids) => {
            let rows = uids.iter().map(|uid| a_pod(*uid, 1, 9)).collect();
            vec![
                delta(2, Rows::Pods(Change::Restart)),
                delta(2, Rows::Pods(Change::Rows(rows))),
                delta(2, Rows::Pods(Change::Synced)),
            ]
        }
    }
}

/// First lists, all empty.
fn begun(past: &mut Past) -> Model {
    let mut model = Model::default();
    for rows in [
        Rows::Jobs(Change::Synced),
        Rows::Pods(Change::Synced),
        Rows::Nodes(Change::Synced),
        Rows::Events(Change::Synced),
    ] {
        let source = match rows {
            Rows::Jobs(_) => 1,
            Rows::Pods(_) => 2,
            Rows::Events(_) => 3,
            _ => 4,
        };
        let delta = delta(source, rows);
        past.note(&model, &delta, at(0));
        model.apply(delta);
    }
    model
}

proptest! {
    #[test]
    fn any_time_is_what_the_changes_up_to_it_make(
        steps in proptest::collection::vec((step(), 0i64..3), 1..40),
        visits in proptest::collection::vec(0i64..100, 1..8),
    ) {
        let mut past = Past::new(1 << 20, TimeDelta::hours(1));
        let mut live = begun(&mut past);
        let (mut now, mut told) = (0, Vec::new());
        for (step, wait) in &steps {
            now += wait;
            for delta in deltas(step) {
                past.note(&live, &delta, at(now));
                live.apply(delta.clone());
                told.push((now, delta));
            }
        }
        let (mut copy, mut from) = (live.clone(), None);
        for visit in visits {
            let to = visit * (now + 1) / 100;
            past.show(&mut copy, &live, from, at(to));
            from = Some(at(to));
            let mut fresh = begun(&mut Past::default());
            for (_, delta) in told.iter().filter(|(when, _)| *when <= to) {
                fresh.apply(delta.clone());
            }
            prop_assert_eq!(all(&copy), all(&fresh));
            prop_assert_eq!(derived(&copy), derived(&fresh));
        }
        past.show(&mut copy, &live, from, at(now));
        prop_assert_eq!(all(&copy), all(&live));
    }
}

/// The live model goes on while a copy shows the past, and the copy follows to any later time.
#[test]
fn what_comes_meanwhile_is_there_on_the_way_back() {
    let mut past = Past::new(1 << 20, TimeDelta::hours(1));
    let mut live = begun(&mut past);
    let tell = |past: &mut Past, live: &mut Model, uid, active, when| {
        let mut row = job(uid, "a");
        row.active = active;
        let delta = delta(1, Rows::Jobs(Change::Rows(vec![row])));
        past.note(live, &delta, at(when));
        live.apply(delta);
    };
    tell(&mut past, &mut live, 1, 1, 10);
    tell(&mut past, &mut live, 1, 2, 20);
    let mut copy = live.clone();
    past.show(&mut copy, &live, None, at(15));
    let active = |model: &Model| model.jobs.rows().map(|job| job.active).collect::<Vec<_>>();
    assert_eq!(active(&copy), [1]);
    tell(&mut past, &mut live, 1, 3, 30);
    tell(&mut past, &mut live, 2, 7, 40);
    past.show(&mut copy, &live, Some(at(15)), at(25));
    assert_eq!(active(&copy), [2]);
    past.show(&mut copy, &live, Some(at(25)), at(5));
    assert_eq!(active(&copy), [0u32; 0]);
    past.show(&mut copy, &live, Some(at(5)), at(50));
    assert_eq!(all(&copy), all(&live));
    assert_eq!(
        (past.next(at(15)), past.previous(at(15))),
        (Some(at(20)), Some(at(10)))
    );
}

#[test]
fn memory_and_time_have_an_end_and_the_start_follows() {
    let mut past = Past::new(64 << 10, TimeDelta::minutes(1));
    let mut live = begun(&mut past);
    assert_eq!(past.start(at(5)), Some(at(0)));
    let mut tell = |past: &mut Past, n: u32, when: i64| {
        let mut row = pod(10, &job(1, "a"));
        row.restarts = n as _;
        let delta = delta(2, Rows::Pods(Change::Rows(vec![row])));
        past.note(&live, &delta, at(when));
        live.apply(delta);
    };
    for n in 0..1000 {
        tell(&mut past, n, i64::from(n) / 100);
    }
    assert!(past.bytes() <= 64 << 10, "{}", past.bytes());
    let each = past.bytes() / past.len();
    assert!(each < 400, "a change of a pod takes {each} bytes");
    assert!(past.start(at(10)) > Some(at(0)));
    tell(&mut past, 5000, 200);
    assert_eq!(past.len(), 1, "older than a minute");
    // switched off nothing is noted
    let mut off = Past::new(0, TimeDelta::hours(1));
    begun(&mut off);
    assert_eq!((off.len(), off.start(at(0))), (0, None));
}
