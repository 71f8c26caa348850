//! What each step between the wire and the frame costs, and that a change costs as much on a cluster of any size: decoding
//! objects as the demo cluster serves them, folding rows into the model, sorting and filtering, drawing a frame.
//! `cargo bench --bench model` prints the tables.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use jobdeck::app::look::Look;
use jobdeck::app::message::{Message, Opened};
use jobdeck::app::{App, Begin};
use jobdeck::cluster::report::Report;
use jobdeck::cluster::wire::kueue::clusterqueue::ClusterQueue;
use jobdeck::cluster::wire::kueue::workload::Workload;
use jobdeck::cluster::wire::{self, Wire};
use jobdeck::demo::scenario::Options;
use jobdeck::demo::world::World;
use jobdeck::model::Model;
use jobdeck::model::delta::{Change, Delta, SourceId};
use jobdeck::model::ids::{ClusterId, Names};
use jobdeck::model::job::JobRow;
use jobdeck::model::listed::{JobColumn, Listed, PodColumn, Scope};
use jobdeck::model::pod::PodRow;
use jobdeck::model::sort::Sort;
use jobdeck::model::view::View;
use jobdeck::ui::{Depth, Glyphs};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Pods of the clusters that are compared.
const SIZES: [usize; 3] = [1_000, 10_000, 50_000];
/// Changes to one pod each.
const CHANGES: usize = 1_000;

fn main() {
    divan::main();
}

/// The objects of a cluster as JSON, by plural; made once for each size.
struct Cluster {
    pods: Vec<Vec<u8>>,
    jobs: Vec<Vec<u8>>,
    nodes: Vec<Vec<u8>>,
    workloads: Vec<Vec<u8>>,
    queues: Vec<Vec<u8>>,
}

fn cluster(pods: usize) -> &'static Cluster {
    static MADE: OnceLock<Mutex<HashMap<usize, &'static Cluster>>> = OnceLock::new();
    let made = MADE.get_or_init(Mutex::default);
    let mut made = made.lock().expect("no bench panics while it holds this");
    made.entry(pods).or_insert_with(|| {
        let world = World::stepped(&Options::sized(pods), Duration::from_secs(5));
        let all = |group: &str, plural: &str| {
            let store = &world.cluster.store;
            let kind = store.kind_id(group, plural).expect("a kind that is served");
            store.list(kind, None).map(|o| o.json().to_vec()).collect()
        };
        Box::leak(Box::new(Cluster {
            pods: all("", "pods"),
            jobs: all("batch", "jobs"),
            nodes: all("", "nodes"),
            workloads: all("kueue.x-k8s.io", "workloads"),
            queues: all("kueue.x-k8s.io", "clusterqueues"),
        }))
    })
}

/// The lines of a watch that tells of objects.
fn lines(objects: &[Vec<u8>], verb: &str) -> Vec<Vec<u8>> {
    let line = |object: &Vec<u8>| {
        let head = format!("{{\"type\":\"{verb}\",\"object\":");
        [head.as_bytes(), object, b"}"].concat()
    };
    objects.iter().map(line).collect()
}

fn rows<W: Wire>(lines: &[Vec<u8>], names: &mut Names) -> Vec<W::Row> {
    let row = |line: &Vec<u8>| match wire::event::<W>(line) {
        Ok(wire::Event::Applied(object)) => object.row(ClusterId::default(), names),
        other => panic!("not an object: {:?}", other.err()),
    };
    lines.iter().map(row).collect()
}

/// Deltas as watches send them.
fn deltas<W: Wire>(objects: &[Vec<u8>], source: u32, names: &mut Names) -> Vec<Delta> {
    let mut rows = rows::<W>(&lines(objects, "ADDED"), names);
    let mut out = Vec::new();
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(256));
        out.push(delta::<W>(source, std::mem::replace(&mut rows, rest)));
    }
    out
}

fn delta<W: Wire>(source: u32, rows: Vec<W::Row>) -> Delta {
    Delta {
        cluster: ClusterId::default(),
        source: SourceId(source),
        rows: W::rows(Change::Rows(rows)),
    }
}

/// Everything of a cluster, ready to be folded in.
fn everything(of: &Cluster, names: &mut Names) -> Vec<Delta> {
    let mut all = deltas::<wire::node::Node>(&of.nodes, 1, names);
    all.extend(deltas::<wire::job::Job>(&of.jobs, 2, names));
    all.extend(deltas::<ClusterQueue>(&of.queues, 3, names));
    all.extend(deltas::<Workload>(&of.workloads, 4, names));
    all.extend(deltas::<wire::pod::Pod>(&of.pods, 5, names));
    all
}

fn model(pods: usize, names: &mut Names) -> Model {
    let mut model = Model::default();
    for delta in everything(cluster(pods), names) {
        model.apply(delta);
    }
    model
}

/// Pods that became something else, spread over the cluster: `round` tells one change from the next.
fn changed(pods: usize, round: usize, names: &mut Names) -> Vec<PodRow> {
    let all = &cluster(pods).pods;
    let step = (all.len() / CHANGES).max(1);
    let some: Vec<Vec<u8>> = all.iter().step_by(step).take(CHANGES).cloned().collect();
    let mut rows = rows::<wire::pod::Pod>(&lines(&some, "MODIFIED"), names);
    for row in &mut rows {
        row.restarts += round as u32;
        row.is_ready = round.is_multiple_of(2);
    }
    rows
}

fn decode<W: Wire>(bencher: Bencher<'_, '_>, objects: &[Vec<u8>]) {
    let lines = lines(objects, "ADDED");
    let bytes: usize = lines.iter().map(Vec::len).sum();
    bencher
        .counter(BytesCount::new(bytes))
        .counter(ItemsCount::new(lines.len()))
        .bench_local(|| {
            let mut names = Names::default();
            rows::<W>(black_box(&lines), &mut names).len()
        });
}

#[divan::bench(sample_count = 20)]
fn decode_pods(bencher: Bencher<'_, '_>) {
    decode::<wire::pod::Pod>(bencher, &cluster(1_000).pods);
}

#[divan::bench(sample_count = 20)]
fn decode_nodes(bencher: Bencher<'_, '_>) {
    decode::<wire::node::Node>(bencher, &cluster(10_000).nodes);
}

#[divan::bench(sample_count = 20)]
fn decode_jobs(bencher: Bencher<'_, '_>) {
    decode::<wire::job::Job>(bencher, &cluster(10_000).jobs);
}

#[divan::bench(sample_count = 20)]
fn decode_workloads(bencher: Bencher<'_, '_>) {
    decode::<Workload>(bencher, &cluster(10_000).workloads);
}

/// All of a cluster into an empty model.
#[divan::bench(args = SIZES, sample_count = 5)]
fn fill(bencher: Bencher<'_, '_>, pods: usize) {
    let mut names = Names::default();
    let all = everything(cluster(pods), &mut names);
    bencher
        .counter(ItemsCount::new(cluster(pods).pods.len()))
        .with_inputs(|| all.clone())
        .bench_local_values(|all| {
            let mut model = Model::default();
            for delta in all {
                model.apply(delta);
            }
            model
        });
}

/// A thousand pods change: as dear on a cluster of any size.
#[divan::bench(args = SIZES, sample_count = 20)]
fn change_1000_pods(bencher: Bencher<'_, '_>, pods: usize) {
    let mut names = Names::default();
    let mut model = model(pods, &mut names);
    let rounds = [changed(pods, 1, &mut names), changed(pods, 2, &mut names)];
    let mut round = 0;
    bencher
        .counter(ItemsCount::new(rounds[0].len()))
        .bench_local(|| {
            round += 1;
            model.apply(delta::<wire::pod::Pod>(5, rounds[round % 2].clone()));
        });
}

fn sort<C>(column: C) -> Sort<C> {
    Sort {
        column,
        descending: false,
    }
}

/// All rows of a kind brought into an order, or only those that pass a filter.
fn order<R: Listed>(bencher: Bencher<'_, '_>, pods: usize, column: R::Column, filter: &str) {
    let model = model(pods, &mut Names::default());
    let all = R::table(&model).len();
    bencher.counter(ItemsCount::new(all)).bench_local(|| {
        let mut view: View<R> = View::new(sort(column), Scope::default());
        view.set_filter(filter).expect("a filter");
        let shown = view.refresh(&model, now()).len();
        assert!(shown > 0, "nothing passes {filter}");
        shown
    });
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn sort_pods_by_name(bencher: Bencher<'_, '_>, pods: usize) {
    order::<PodRow>(bencher, pods, PodColumn::Name, "");
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn sort_jobs_by_state(bencher: Bencher<'_, '_>, pods: usize) {
    order::<JobRow>(bencher, pods, JobColumn::State, "");
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn filter_pods(bencher: Bencher<'_, '_>, pods: usize) {
    order::<PodRow>(bencher, pods, PodColumn::Name, "gpu>0 sweep");
}

/// A view that stands is repaired after a thousand changes.
#[divan::bench(args = SIZES, sample_count = 20)]
fn repair_after_1000(bencher: Bencher<'_, '_>, pods: usize) {
    let mut names = Names::default();
    let mut model = model(pods, &mut names);
    let rounds = [changed(pods, 1, &mut names), changed(pods, 2, &mut names)];
    let mut view: View<PodRow> = View::new(sort(PodColumn::Name), Scope::default());
    view.refresh(&model, now());
    let mut round = 0;
    bencher.bench_local(move || {
        round += 1;
        model.apply(delta::<wire::pod::Pod>(5, rounds[round % 2].clone()));
        view.refresh(&model, now()).len()
    });
}

fn now() -> DateTime<Utc> {
    jobdeck::demo::scenario::epoch()
}

/// The app on a cluster, on its jobs, and the number of its connection.
fn app(pods: usize, names: &mut Names) -> (App, u32) {
    let (look, _) = Look::load(
        None,
        jobdeck::ui::theme::DEFAULT,
        jobdeck::ui::keymap::DEFAULT,
        Depth::True,
        Glyphs::Unicode,
    );
    let mut app = App::new(Begin {
        settings: jobdeck::settings::Settings::default(),
        look,
        contexts: vec!["bench".into()],
        namespace: Some(None),
        read_only: false,
        view: None,
        told_theme: false,
        demo: false,
        demo_offered: false,
        file: None,
        replay: None,
        settings_file: None,
        layout: None,
    });
    let connection = app
        .take_effects(now())
        .iter()
        .find_map(|effect| match effect {
            jobdeck::app::effect::Effect::Connect { connection, .. } => Some(*connection),
            _ => None,
        })
        .expect("it connects");
    let opened = Box::new(Opened {
        cluster: None,
        demo: None,
        context: "bench".into(),
        namespace: String::new(),
        server_version: None,
        contexts: Vec::new(),
        workers: Vec::new(),
    });
    app.receive(Message::Opened { connection, opened }, now());
    for delta in everything(cluster(pods), names) {
        tell(&mut app, connection, delta);
    }
    // what comes of another connection is not taken
    let all = cluster(pods).pods.len();
    assert_eq!(app.desk.model.pods.len(), all, "rows were not taken");
    (app, connection)
}

fn tell(app: &mut App, connection: u32, delta: Delta) {
    let message = Message::From {
        connection,
        report: Report::Delta(delta),
        said: Vec::new(),
        failed: Vec::new(),
    };
    app.receive(message, now());
}

/// A frame while nothing changes, and one after a thousand changes of pods.
fn frame(bencher: Bencher<'_, '_>, pods: usize, changes: bool) {
    let mut names = Names::default();
    let (mut app, connection) = app(pods, &mut names);
    let rounds = [changed(pods, 1, &mut names), changed(pods, 2, &mut names)];
    let area = Rect::new(0, 0, 200, 60);
    let mut buffer = Buffer::empty(area);
    app.paint(area, &mut buffer, now());
    let mut round = 0;
    bencher.bench_local(move || {
        if changes {
            round += 1;
            tell(
                &mut app,
                connection,
                delta::<wire::pod::Pod>(5, rounds[round % 2].clone()),
            );
        }
        app.paint(area, &mut buffer, now())
    });
}

#[divan::bench(args = SIZES, sample_count = 30)]
fn frame_of_jobs(bencher: Bencher<'_, '_>, pods: usize) {
    frame(bencher, pods, false);
}

#[divan::bench(args = SIZES, sample_count = 30)]
fn frame_of_jobs_after_1000_changes(bencher: Bencher<'_, '_>, pods: usize) {
    frame(bencher, pods, true);
}
