//! What a real API server 1.36 served, through the wire layer into the model: the states and sentences a user
//! would have seen.

use chrono::{DateTime, Utc};
use jobdeck::cluster::wire::job::Job;
use jobdeck::cluster::wire::pod::Pod;
use jobdeck::cluster::wire::{self, Event, Wire};
use jobdeck::model::Model;
use jobdeck::model::delta::{Change, Delta, SourceId};
use jobdeck::model::human;
use jobdeck::model::ids::{ClusterId, Names};
use jobdeck::model::indexes::IndexState;
use jobdeck::model::job::JobRow;
use jobdeck::model::json::RowJson;
use jobdeck::model::listed::{JobColumn, Listed, Scope};
use jobdeck::model::podwhy;
use jobdeck::model::sort::Sort;
use jobdeck::model::view::View;
use jobdeck::model::why::why;

const CLUSTER: ClusterId = ClusterId(0);

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("RFC 3339")
}

fn put<W: Wire>(model: &mut Model, names: &mut Names, objects: Vec<W>) {
    let rows = objects.into_iter().map(|o| o.row(CLUSTER, names)).collect();
    model.apply(Delta {
        cluster: CLUSTER,
        source: SourceId(0),
        rows: W::rows(Change::Rows(rows)),
    });
}

fn put_line<W: Wire>(model: &mut Model, names: &mut Names, line: &str) {
    match wire::event::<W>(line.as_bytes()).expect("whole JSON") {
        Event::Applied(object) => put(model, names, vec![object]),
        _ => panic!("only objects in this recording: {line}"),
    }
}

fn cell(state: IndexState) -> char {
    match state {
        IndexState::Succeeded => 's',
        IndexState::Failed => 'F',
        IndexState::Running => 'r',
        IndexState::Pending => '.',
        IndexState::Retrying(_) => '~',
        IndexState::Terminating => 't',
        IndexState::NotRun => 'n',
    }
}

/// One line per change a user would notice: phase, progress, the index grid, the sentence.
#[test]
fn an_indexed_job_from_creation_to_failed_indexes() {
    let (mut m, mut names) = (Model::default(), Names::default());
    let now = time("2026-11-23T11:58:00Z");
    let mut trace: Vec<String> = Vec::new();
    for line in include_str!("../fixtures/recorded/indexed-job.watch.jsonl").lines() {
        if line.contains(r#""kind":"Job","metadata""#) {
            put_line::<Job>(&mut m, &mut names, line);
        } else {
            put_line::<Pod>(&mut m, &mut names, line);
        }
        let Some(job) = m.jobs.rows().next() else {
            continue;
        };
        let (s, grid) = (m.status(job), m.grid(job));
        let cells: String = (0..grid.len()).map(|i| cell(grid.state(i))).collect();
        let row = format!(
            "{:<9} {}/{} {cells} failed {} retries {}",
            s.phase.word(),
            s.done,
            grid.len(),
            s.failed,
            s.retries
        );
        if trace.last() != Some(&row) {
            trace.push(row);
        }
    }
    insta::assert_snapshot!(trace.join("\n"));

    let job = m.jobs.rows().next().expect("one job");
    assert_eq!(
        why(&m, job, now),
        "5 of 10 indexes failed after 2 tries each: exit 1"
    );
    let json = RowJson::of(&m, job, now);
    assert_eq!(json.failed_indexes.as_deref(), Some("0,2,4,6,8"));
    assert_eq!(json.completed_indexes.as_deref(), Some("1,3,5,7,9"));
    assert_eq!(
        (json.phase, json.reason.as_deref()),
        ("Failed", Some("FailedIndexes"))
    );
    let grid = m.grid(job);
    assert!((0..10).all(|i| grid.retries(i) == if i % 2 == 0 { 2 } else { 0 }));
}

fn recorded_cluster() -> Model {
    let (mut m, mut names) = (Model::default(), Names::default());
    let pods = include_bytes!("../fixtures/recorded/pods.json");
    let jobs = include_bytes!("../fixtures/recorded/jobs.json");
    put(
        &mut m,
        &mut names,
        wire::page::<Pod>(pods).expect("a list").items,
    );
    put(
        &mut m,
        &mut names,
        wire::page::<Job>(jobs).expect("a list").items,
    );
    m
}

#[test]
fn every_recorded_job_in_a_sentence() {
    let m = recorded_cluster();
    let now = time("2026-11-23T12:10:00Z");
    let mut view = View::<JobRow>::new(Sort::by(JobColumn::State), Scope::default());
    view.refresh(&m, now);
    let list: Vec<String> = view
        .rows(&m)
        .map(|job| {
            let s = m.status(job);
            let elapsed = s.elapsed(now).map(human::duration).unwrap_or_default();
            format!(
                "{:<10} {:<30} {elapsed:<7} {}",
                s.phase.word(),
                job.name(),
                why(&m, job, now)
            )
        })
        .collect();
    insta::assert_snapshot!(list.join("\n"));
}

#[test]
fn every_recorded_pod_in_trouble_says_why() {
    let m = recorded_cluster();
    let mut list: Vec<String> = m
        .pods
        .rows()
        .filter_map(|pod| {
            let why = podwhy::why(pod)?;
            let job = pod.job().map_or("", |name| name);
            Some(format!(
                "{job:<26} {:<28} {:?}: {}",
                pod.status, why.trouble, why.text
            ))
        })
        .collect();
    list.sort();
    list.dedup();
    insta::assert_snapshot!(list.join("\n"));
}
