//! What a real API server 1.36 served, through the wire layer into the model: the states and sentences a user
//! would have seen.

use chrono::{DateTime, Utc};
use jobdeck::cluster::wire::job::Job;
use jobdeck::cluster::wire::kueue::{
    admissioncheck, clusterqueue, cohort, localqueue, multikueuecluster, multikueueconfig,
    resourceflavor, topology, workload, workloadpriorityclass,
};
use jobdeck::cluster::wire::pod::Pod;
use jobdeck::cluster::wire::{self, Event, Wire};
use jobdeck::model::Model;
use jobdeck::model::delta::{Change, Delta, SourceId};
use jobdeck::model::human;
use jobdeck::model::ids::{ClusterId, Names};
use jobdeck::model::indexes::IndexState;
use jobdeck::model::job::JobRow;
use jobdeck::model::json::RowJson;
use jobdeck::model::kueue::Kueue;
use jobdeck::model::kueue::queue::Use;
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

/// What Kueue's objects of that server say, one line each.
#[test]
fn every_recorded_object_of_queues() {
    let (mut m, mut names) = (Model::default(), Names::default());
    for line in include_str!("../fixtures/recorded/queues.jsonl").lines() {
        let list: serde_json::Value = serde_json::from_str(line).expect("a list");
        let bytes = line.as_bytes();
        match list["kind"].as_str().expect("a kind") {
            "WorkloadList" => list_of::<workload::Workload>(&mut m, &mut names, bytes),
            "ClusterQueueList" => list_of::<clusterqueue::ClusterQueue>(&mut m, &mut names, bytes),
            "LocalQueueList" => list_of::<localqueue::LocalQueue>(&mut m, &mut names, bytes),
            "CohortList" => list_of::<cohort::Cohort>(&mut m, &mut names, bytes),
            "ResourceFlavorList" => {
                list_of::<resourceflavor::ResourceFlavor>(&mut m, &mut names, bytes);
            }
            "WorkloadPriorityClassList" => {
                list_of::<workloadpriorityclass::WorkloadPriorityClass>(&mut m, &mut names, bytes);
            }
            "AdmissionCheckList" => {
                list_of::<admissioncheck::AdmissionCheck>(&mut m, &mut names, bytes);
            }
            "TopologyList" => list_of::<topology::Topology>(&mut m, &mut names, bytes),
            "MultiKueueClusterList" => {
                list_of::<multikueuecluster::MultiKueueCluster>(&mut m, &mut names, bytes);
            }
            "MultiKueueConfigList" => {
                list_of::<multikueueconfig::MultiKueueConfig>(&mut m, &mut names, bytes);
            }
            other => panic!("nothing reads {other}"),
        }
    }
    insta::assert_snapshot!(queue_lines(&m.kueue).join("\n"));
}

fn list_of<W: Wire>(model: &mut Model, names: &mut Names, bytes: &[u8]) {
    let page = wire::page::<W>(bytes).expect("a list");
    assert_eq!(page.skipped, 0);
    put(model, names, page.items);
}

fn joined<T>(all: impl IntoIterator<Item = T>, text: impl Fn(T) -> String) -> String {
    all.into_iter().map(text).collect::<Vec<_>>().join(" ")
}

fn queue_lines(kueue: &Kueue) -> Vec<String> {
    let mut lines = Vec::new();
    let used = |uses: &[Use]| {
        joined(uses, |u| {
            format!(
                "{}/{}={}+{}",
                u.of.flavor, u.of.resource, u.total, u.borrowed
            )
        })
    };
    for q in kueue.cluster_queues.rows() {
        let quotas = q.groups.iter().flat_map(|group| &group.flavors);
        let quotas = joined(quotas, |flavor| {
            joined(&flavor.resources, |r| {
                let limits = (r.borrowing_limit, r.lending_limit);
                format!("{}/{}={}{limits:?}", flavor.flavor, r.resource, r.nominal)
            })
        });
        lines.push(format!(
            "cluster queue {} in {:?} stop {:?} strict {} {:?} quota [{quotas}] reserved [{}] used [{}] {}/{}/{} checks {:?} {:?}",
            q.name,
            q.cohort,
            q.stop,
            q.strict,
            q.namespaces,
            used(&q.reserved),
            used(&q.used),
            q.pending,
            q.reserving,
            q.admitted,
            q.checks,
            q.inactive().map(|c| &*c.reason),
        ));
    }
    for q in kueue.local_queues.rows() {
        lines.push(format!(
            "local queue {}/{} of {} {}/{}/{} used [{}] {:?}",
            q.namespace,
            q.name,
            q.cluster_queue,
            q.pending,
            q.reserving,
            q.admitted,
            used(&q.used),
            q.inactive().map(|c| &*c.reason),
        ));
    }
    for c in kueue.cohorts.rows() {
        lines.push(format!(
            "cohort {} of {:?} weight {:?}",
            c.name, c.parent, c.weight
        ));
    }
    for w in kueue.workloads.rows() {
        let domains = w.admission.iter().flat_map(|a| &a.pod_sets);
        let domains = joined(domains, |set| joined(&set.domains, |d| format!("{d:?}")));
        lines.push(format!(
            "workload {} {:?} of {} in {:?} at {} active {} asks [{}] holds [{}] {} checks [{}] on {:?} or {:?} evicted [{}] requeued {} {:?}",
            w.name,
            w.state(),
            joined(&w.owners, |(kind, name, _)| format!("{kind}/{name}")),
            &*w.queue,
            w.priority,
            w.active,
            joined(w.requests(), |(name, n)| format!("{name}={n}")),
            joined(w.holds(), |(of, n)| format!("{}/{}={n}", of.flavor, of.resource)),
            domains,
            joined(&w.checks, |c| format!("{}={:?}", c.name, c.state)),
            w.cluster,
            w.nominated,
            joined(&w.evictions, |e| format!("{}/{}×{}", e.reason, e.cause, e.count)),
            w.requeues,
            w.requeue_at.map(|at| at.to_rfc3339()),
        ));
    }
    for f in kueue.flavors.rows() {
        lines.push(format!(
            "flavor {} {:?} {:?} {:?} {:?}",
            f.name, f.node_labels, f.node_taints, f.tolerations, f.topology
        ));
    }
    for c in kueue.priority_classes.rows() {
        lines.push(format!("class {} {} {}", c.name, c.value, c.description));
    }
    for c in kueue.checks.rows() {
        lines.push(format!(
            "check {} by {} {:?}",
            c.name, c.controller, c.parameters
        ));
    }
    for t in kueue.topologies.rows() {
        lines.push(format!("topology {} {:?}", t.name, t.levels));
    }
    for c in kueue.worker_clusters.rows() {
        let active = c.conditions.iter().find(|c| &*c.kind == "Active");
        lines.push(format!(
            "worker {} from {} {:?}",
            c.name,
            c.source,
            active.map(|c| (c.on, &*c.reason))
        ));
    }
    for c in kueue.worker_configs.rows() {
        lines.push(format!("workers {} {:?}", c.name, c.clusters));
    }
    lines
}
