//! Situations and what is said of each: one table, reviewed as a snapshot. The messages are worded as Kueue's.

mod situations;

use super::*;
use crate::model::delta::{Change, Delta, Rows, SourceId};
use crate::model::fixture::{at, key, pod, pods, running};
use crate::model::ids::ClusterId;
use crate::model::job::Condition;
use crate::model::kueue::fixture::*;
use crate::model::kueue::queue::{Namespaces, Stop};
use crate::model::kueue::workload::{CheckState, Eviction, PodSet};
use crate::model::kueue::{CheckRow, ProvisioningRow, QueueRows, WorkerClusterRow, WorkloadRow};
use crate::model::pod::PodRow;

/// Objects, and the job asked about: `job` in queue `main` unless told otherwise.
#[derive(Clone, Default)]
struct Scene {
    world: World,
    jobs: Vec<JobRow>,
    pods: Vec<PodRow>,
}

/// team-a (8, holds 12) and team-b (16, holds 10) in cohort research: 2 h100 free, of 24; `llama` holds 8 of team-a's.
fn scene() -> Scene {
    let mut b = cq("team-b")
        .within("research")
        .quota_of("h100", 16)
        .holds("h100", 10);
    b.cohort = Some("research".into());
    Scene {
        world: World {
            queues: vec![
                cq("team-a")
                    .within("research")
                    .quota_of("h100", 8)
                    .holds("h100", 12),
                b,
            ],
            local: vec![lq("main", "team-a"), lq("vision-main", "team-b")],
            workloads: vec![
                workload("llama", "main", 8).admitted("team-a", "h100", 5),
                workload("bert", "main", 4).admitted("team-a", "h100", 6),
                workload("vit", "vision-main", 10).admitted("team-b", "h100", 7),
            ],
            ..World::default()
        },
        ..Scene::default()
    }
}

/// Asks for 8.
fn asks() -> WorkloadRow {
    workload("job", "main", 8)
}

const SHORT_MESSAGE: &str = "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in flavor h100, 6 more needed";

impl Scene {
    fn with(mut self, row: WorkloadRow) -> Self {
        self.world.workloads.push(row);
        self
    }

    fn job(mut self, job: JobRow) -> Self {
        self.jobs.push(job);
        self
    }

    fn change(mut self, by: impl FnOnce(&mut World)) -> Self {
        by(&mut self.world);
        self
    }

    fn more(self, rows: QueueRows) -> Self {
        self.change(|world| world.more.push(rows))
    }

    fn model(&self) -> Model {
        let mut model = Model::default();
        for (source, rows) in self.world.rows().into_iter().enumerate() {
            model.apply(Delta {
                cluster: ClusterId(0),
                source: SourceId(source as u32 + 10),
                rows: Rows::Queues(rows),
            });
        }
        model.apply(crate::model::fixture::jobs(&self.jobs));
        model.apply(pods(&self.pods));
        model
    }

    /// Of the job, else of the Workload of that name.
    fn told(&self) -> Option<Waiting> {
        let model = self.model();
        let now = at(600);
        if let Some(job) = self.jobs.first() {
            return waiting(&model, job, now);
        }
        let mut rows = model.kueue.workloads.rows();
        let row = rows.find(|w| w.owners.first().is_some_and(|o| &*o.1 == "job"))?;
        let look = model.kueue.look(ClusterId(0));
        workload_(&model, look, row, now)
    }
}

use super::workload as workload_;
use crate::model::kueue::fixture::workload;
use situations::situations;

fn check(name: &str, controller: &str, conditions: Vec<Condition>) -> QueueRows {
    QueueRows::Checks(Change::Rows(vec![CheckRow {
        key: key(uid(name).0),
        name: name.into(),
        created: None,
        controller: controller.into(),
        parameters: None,
        conditions,
    }]))
}

fn worker(name: &str, conditions: Vec<Condition>) -> QueueRows {
    QueueRows::WorkerClusters(Change::Rows(vec![WorkerClusterRow {
        key: key(uid(name).0),
        name: name.into(),
        created: None,
        source: "Secret/x".into(),
        conditions,
    }]))
}

fn machines(conditions: Vec<Condition>) -> QueueRows {
    let row = asks();
    QueueRows::Provisionings(Change::Rows(vec![ProvisioningRow {
        key: key(uid("prov").0),
        namespace: "default".into(),
        name: "job-prov-1".into(),
        created: None,
        owner: Some((row.name.clone(), row.key.uid)),
        class: "queued-provisioning.gke.io".into(),
        conditions,
    }]))
}

/// An admitted job of `n` pods, of which `up` run; the others wait like this.
fn gang(n: u32, up: u32, status: &str, why: &str) -> Scene {
    let mut row = workload("job", "main", i64::from(n)).admitted("team-a", "h100", 300);
    if let Some(set) = row.admission.as_mut().and_then(|a| a.pod_sets.first_mut()) {
        set.count = n;
    }
    let mut job = job_of("job", "main");
    job.suspend = false;
    job.started = Some(at(300));
    (job.parallelism, job.completions) = (n, Some(n));
    (job.active, job.ready) = (n, up);
    let mut scene = scene().with(row);
    for i in 0..n {
        let mut p = pod(u128::from(1000 + i), &job);
        if i < up {
            p = running(p, "node-1", 310);
        } else {
            (p.status, p.why) = (status.into(), (!why.is_empty()).then(|| why.into()));
        }
        scene.pods.push(p);
    }
    scene.job(job)
}

#[test]
fn every_situation() {
    let mut text = String::new();
    let all = situations();
    assert!(all.len() >= 60);
    for (name, scene) in all {
        text.push_str(&format!("{name}\n"));
        let Some(told) = scene.told() else {
            text.push_str("  (does not wait)\n\n");
            continue;
        };
        assert!(
            told.short.chars().count() <= SHORT,
            "{name}: {}",
            told.short
        );
        assert!(!told.sentence.is_empty(), "{name}");
        text.push_str(&format!(
            "  {}  [{:?}]\n  {}\n",
            told.short, told.reason, told.sentence
        ));
        if let Some(next) = told.next {
            text.push_str(&format!("  → {next}\n"));
        }
        text.push('\n');
    }
    insta::assert_snapshot!(text);
}

#[test]
fn evidence_of_a_shortage() {
    let mut row = asks()
        .waits("WaitingForQuota", SHORT_MESSAGE)
        .at_priority(5);
    row.priority_class = Some("high".into());
    row.pod_sets.push(PodSet {
        name: "ps".into(),
        count: 1,
        min_count: None,
        requests: vec![("cpu".into(), 1500), ("memory".into(), 64 << 30)],
    });
    let told = scene().with(row).told().unwrap();
    let lines: Vec<String> = told
        .evidence
        .iter()
        .map(|e| format!("{}: {}", e.label, e.text))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_preemptor_heard_of_later_gets_its_name() {
    let late = workload("late", "vision-main", 2).at_priority(7);
    let text = format!(
        "Preempted to accommodate a workload (UID: {}, JobUID: UNKNOWN) due to reclamation within the cohort; preemptor path: /research/team-b; preemptee path: /research/team-a",
        late.key.uid
    );
    let row = asks().waits("WaitingForQuota", SHORT_MESSAGE).with(on(
        "Preempted",
        "InCohortReclamation",
        &text,
    ));
    let mut model = scene().with(row.clone()).model();
    let evidence = |model: &Model| {
        let look = model.kueue.look(ClusterId(0));
        let told = workload_(model, look, &row, at(600)).unwrap();
        let told = told.evidence.into_iter().find(|e| e.label == "preempted");
        told.unwrap().text
    };
    let told = evidence(&model);
    assert!(
        told.contains("for a workload of /research/team-b: "),
        "{told}"
    );
    model.apply(Delta {
        cluster: ClusterId(0),
        source: SourceId(99),
        rows: Rows::Queues(QueueRows::Workloads(Change::Rows(vec![late]))),
    });
    let told = evidence(&model);
    assert!(told.contains("for late (queue team-b): "), "{told}");
}

#[test]
fn without_kueue_a_suspended_job_is_held_and_not_queued() {
    let mut model = Scene::default().job(job_of("job", "main")).model();
    let phase = |model: &Model| model.status(model.jobs.rows().next().unwrap()).phase;
    assert_eq!(phase(&model), Phase::Queued);
    let version = model.jobs.version();
    let served = |served| Delta {
        cluster: ClusterId(0),
        source: SourceId(99),
        rows: Rows::Queues(QueueRows::Served(served)),
    };
    model.apply(served(false));
    assert_eq!(phase(&model), Phase::Suspended);
    assert!(model.jobs.version() > version);
    model.apply(served(true));
    assert_eq!(phase(&model), Phase::Queued);
}

#[test]
fn a_table_gets_the_same_short_answer() {
    for (name, scene) in situations() {
        let Some(job) = scene.jobs.first() else {
            continue;
        };
        let model = scene.model();
        let full = waiting(&model, job, at(600));
        let brief = brief(&model, job, at(600));
        assert_eq!(brief, full.map(|w| (w.reason, w.short)), "{name}");
    }
}

#[test]
fn a_part_of_the_line_gives_no_place() {
    let mut scene = scene().with(asks().waits("Pending", SHORT_MESSAGE));
    let short = |scene: &Scene| scene.told().unwrap().short;
    assert_eq!(short(&scene), "#1 of 1, 6 h100 short in cohort research");
    // eight more stand there that are not ours to see
    scene.world.queues[0].pending = 9;
    assert_eq!(short(&scene), "6 h100 short in cohort research");
}
