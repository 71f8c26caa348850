//! A repaired order equals one made anew, whatever happens.

use proptest::prelude::*;

use super::*;
use crate::model::delta::{Change, Rows};
use crate::model::fixture::*;
use crate::model::ids::Uid;
use crate::model::job::JobRow;
use crate::model::listed::{JobColumn, Parent, PodColumn};
use crate::model::pod::PodRow;

fn by<R: Listed>(column: R::Column) -> View<R> {
    View::new(Sort::by(column), Scope::default())
}

fn names<R: Listed>(view: &View<R>, model: &Model) -> Vec<String> {
    view.rows(model).map(|r| r.name().to_owned()).collect()
}

fn three_jobs() -> (Model, [JobRow; 3]) {
    let mut rows = [job(1, "b-10"), job(2, "b-9"), job(3, "a")];
    rows[0].namespace = "x".into();
    rows[1].failed = 4;
    rows[2].queue = Some("q".into());
    let mut m = Model::default();
    m.apply(jobs(&rows));
    (m, rows)
}

#[test]
fn sorts_filters_and_scopes() {
    let (m, rows) = three_jobs();
    let mut v = by::<JobRow>(JobColumn::Name);
    v.refresh(&m, at(0));
    assert_eq!(names(&v, &m), ["a", "b-9", "b-10"]);
    v.set_sort(v.sort().reversed());
    v.refresh(&m, at(0));
    assert_eq!(names(&v, &m), ["b-10", "b-9", "a"]);
    v.set_sort(Sort::by(JobColumn::Failed));
    v.set_filter("b-").unwrap();
    v.refresh(&m, at(0));
    assert_eq!(
        (names(&v, &m), v.scoped()),
        (vec!["b-9".into(), "b-10".into()], 3)
    );
    assert!(v.set_filter("(/").is_ok() && v.set_filter("/(/").is_err());
    v.set_filter("").unwrap();
    v.set_scope(Scope {
        namespaces: Some(vec!["x".into()]),
        ..Scope::default()
    });
    v.refresh(&m, at(0));
    assert_eq!((names(&v, &m), v.scoped()), (vec!["b-10".into()], 1));
    assert_eq!(v.position(&m, rows[0].key), Some(0));
    assert_eq!(v.position(&m, rows[1].key), None);
}

#[test]
fn missing_values_are_last_both_ways() {
    let (m, _) = three_jobs();
    let mut v = by::<JobRow>(JobColumn::Queue);
    v.refresh(&m, at(0));
    assert_eq!(names(&v, &m)[0], "a");
    v.set_sort(v.sort().reversed());
    v.refresh(&m, at(0));
    assert_eq!(names(&v, &m)[0], "a");
}

#[test]
fn a_bad_filter_keeps_the_previous() {
    let (m, _) = three_jobs();
    let mut v = by::<JobRow>(JobColumn::Name);
    v.set_filter("b-9").unwrap();
    assert!(v.set_filter("gpu>lots").is_err());
    v.refresh(&m, at(0));
    assert_eq!((v.filter().text(), names(&v, &m).len()), ("b-9", 1));
}

#[test]
fn nothing_new_costs_nothing() {
    let (mut m, rows) = three_jobs();
    let mut v = by::<JobRow>(JobColumn::Name);
    v.refresh(&m, at(0));
    let revision = v.revision();
    v.refresh(&m, at(1000));
    m.apply(jobs(&rows));
    v.refresh(&m, at(2000));
    assert_eq!(v.revision(), revision);
    m.apply(pods(&[pod(10, &rows[0])]));
    v.refresh(&m, at(2000));
    assert_eq!(
        v.revision(),
        revision + 1,
        "a pod changes what its job shows"
    );
}

#[test]
fn time_moves_what_time_can_move() {
    let (m, _) = three_jobs();
    let mut v = by::<JobRow>(JobColumn::Name);
    v.set_filter("age>1m").unwrap();
    assert_eq!(v.refresh(&m, at(59)).len(), 0);
    assert_eq!(v.refresh(&m, at(62)).len(), 3);
}

#[test]
fn pods_of_a_job_and_of_a_node() {
    let (mut m, rows) = three_jobs();
    m.apply(pods(&[
        running(pod(10, &rows[0]), "n1", 0),
        running(pod(11, &rows[1]), "n1", 0),
        running(pod(12, &rows[1]), "n2", 0),
    ]));
    let mut v = View::<PodRow>::new(Sort::by(PodColumn::Name), Scope::of(rows[1].key));
    v.refresh(&m, at(0));
    assert_eq!(names(&v, &m), ["b-9-11", "b-9-12"]);
    m.apply(pods(&[pod(13, &rows[1]), pod(14, &rows[2])]));
    v.refresh(&m, at(0));
    assert_eq!(names(&v, &m), ["b-9-11", "b-9-12", "b-9-13"]);
    v.set_scope(Scope {
        parent: Parent::Node(Default::default(), "n1".into()),
        ..Scope::default()
    });
    v.refresh(&m, at(0));
    assert_eq!(names(&v, &m), ["b-9-11", "b-10-10"]);
}

#[derive(Debug, Clone)]
enum Step {
    Put(u128, u8, u32),
    Gone(u128),
    Pod(u128, u128, u8),
    Look,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..40u128, 0..4u8, 0..5u32).prop_map(|(u, n, f)| Step::Put(u, n, f)),
        2 => (0..40u128).prop_map(Step::Gone),
        2 => (0..20u128, 0..40u128, 0..3u8).prop_map(|(p, j, s)| Step::Pod(p, j, s)),
        2 => Just(Step::Look),
    ]
}

proptest! {
    #[test]
    fn repaired_equals_made_anew(
        steps in prop::collection::vec(any_step(), 0..120),
        column in 0..JobColumn::ALL.len(),
        descending in any::<bool>(),
        filter in prop_oneof![Just(""), Just("state:run,retry"), Just("!n2"), Just("failed>1")],
    ) {
        let sort = Sort { column: JobColumn::ALL[column], descending };
        let make = || {
            let mut v = View::<JobRow>::new(sort, Scope::default());
            v.set_filter(filter).unwrap();
            v
        };
        let (mut m, mut v) = (Model::default(), make());
        // enough rows that few changes are repaired, not made anew
        m.apply(jobs(&(0..40).map(|u| job(u, "n0")).collect::<Vec<_>>()));
        for step in steps {
            match step {
                Step::Put(uid, name, failed) => {
                    let mut j = job(uid, &format!("n{name}"));
                    (j.failed, j.active) = (failed, u32::from(name % 2 == 0));
                    j.queue = (name > 1).then(|| "q".into());
                    m.apply(jobs(&[j]));
                }
                Step::Gone(uid) => m.apply(delta(Rows::Jobs(Change::Gone(vec![Uid(uid)])))),
                Step::Pod(uid, of, state) => {
                    let p = pod(1000 + uid, &job(of, "j"));
                    m.apply(pods(&[match state {
                        0 => p,
                        1 => running(p, "n", 0),
                        _ => ended(running(p, "n", 0), 1, 4),
                    }]));
                }
                Step::Look => {
                    v.refresh(&m, at(10));
                }
            }
        }
        let mut fresh = make();
        prop_assert_eq!(v.refresh(&m, at(10)), fresh.refresh(&m, at(10)));
        prop_assert_eq!(v.scoped(), m.jobs.len());
    }
}
