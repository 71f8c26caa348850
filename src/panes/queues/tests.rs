use super::*;
use crate::model::delta::{Change, Rows};
use crate::model::kueue::fixture::workload as stands;
use crate::model::kueue::others::{Groups, Limit};
use crate::model::kueue::{QueueRows, QuotaRow, VolcanoQueueRow};
use crate::panes::fixture;
use crate::panes::stage::Stage;

#[test]
fn looks() {
    fixture::at_sizes("queues", &fixture::queued(), || Box::new(Queues::default()));
}

#[test]
fn without_kueue_the_scheduler_is_the_queue() {
    let mut stage = Stage::new(fixture::model());
    let mut pane = Queues::default();
    assert!(
        stage
            .draw(&mut pane, 100, 12)
            .contains("looking for queues")
    );
    stage.session.served = Some(Vec::new());
    insta::assert_snapshot!(stage.draw(&mut pane, 120, 12));
}

/// Six admissions, ten minutes apart, the last one ten minutes ago.
#[test]
fn a_line_that_moves_tells_when_each_may_start() {
    let mut model = fixture::queued();
    let since = |n: i64| fixture::ago(n * 600);
    let admitted = (1..=6).map(|n| {
        let mut row = stands(&format!("past-{n}"), "main", 96).admitted("hep-atlas", "h100", 0);
        row.namespace = "hep".into();
        for condition in &mut row.conditions {
            condition.since = since(n);
        }
        row
    });
    let rows = QueueRows::Workloads(Change::Rows(admitted.collect()));
    fixture::feed(&mut model, 75, Rows::Queues(rows));
    let stage = Stage::new(model);
    let mut pane = Queues::default();
    stage.type_in(&mut pane, "hep-atlas");
    stage.act(&mut pane, Action::Down);
    stage.act(&mut pane, Action::Down);
    assert_eq!(pane.node().unwrap().name, "hep-atlas".into());
    insta::assert_snapshot!("starts_130x30", stage.draw(&mut pane, 130, 30));
}

#[test]
fn of_a_cluster_queue_that_is_not_ours_the_local_queues_are_asked_about() {
    let mut model = fixture::model();
    let local = |name| crate::model::kueue::fixture::lq(name, "team");
    let rows = QueueRows::LocalQueues(Change::Rows(vec![local("a"), local("b")]));
    fixture::feed(&mut model, 70, Rows::Queues(rows));
    let stage = Stage::new(model);
    let mut pane = Queues::default();
    stage.draw(&mut pane, 100, 20);
    assert_eq!(pane.node().map(|n| n.level), Some(Level::ClusterQueue));
    let line = |name: &str| Line::LocalQueue("default".into(), name.into());
    assert_eq!(pane.asked(), [line("a"), line("b")]);
    stage.act(&mut pane, Action::Down);
    assert_eq!(pane.asked(), [line("a")]);
}

#[test]
fn without_kueue_quotas_and_volcanos_queues_are_shown() {
    let mut model = fixture::model();
    let mut pods: Vec<_> = model.pods.rows().cloned().collect();
    let waits = |pod: &&mut crate::model::pod::PodRow| pod.node.is_none();
    for (n, pod) in pods.iter_mut().filter(waits).enumerate() {
        pod.priority_class = Some(["low", "research-high"][n % 2].into());
    }
    let feed = |model: &mut _, rows| fixture::feed(model, 70, Rows::Queues(rows));
    fixture::feed(&mut model, 2, Rows::Pods(Change::Rows(pods)));
    feed(
        &mut model,
        QueueRows::Quotas(Change::Rows(vec![
            quota(
                "team-a",
                "gpus",
                "",
                &[
                    ("requests.nvidia.com/gpu", 8, 8),
                    ("requests.cpu", 24_000, 96_000),
                ],
            ),
            quota(
                "nlp",
                "low",
                "priority low",
                &[
                    ("requests.nvidia.com/gpu", 3, 16),
                    ("limits.memory", 1 << 39, 1 << 40),
                ],
            ),
        ])),
    );
    fixture::feed(
        &mut model,
        71,
        Rows::Queues(QueueRows::VolcanoQueues(Change::Rows(vec![
            volcano("default", None, "Open"),
            volcano("nlp-batch", Some("root"), "Closing"),
        ]))),
    );
    let mut stage = Stage::new(model);
    stage.session.served = Some(vec![Kind::Queue(QueueKind::ResourceQuota)]);
    let mut pane = Queues::default();
    insta::assert_snapshot!("without_kueue_140x24", stage.draw(&mut pane, 140, 24));
    insta::assert_snapshot!("without_kueue_80x16", stage.draw(&mut pane, 80, 16));
    // of one namespace only its own
    stage.session.namespace = Some("nlp".into());
    let screen = stage.draw(&mut pane, 140, 24);
    assert!(
        !screen.contains("team-a") && screen.contains("priority low"),
        "{screen}"
    );
}

fn quota(namespace: &str, name: &str, scope: &str, limits: &[(&str, i64, i64)]) -> QuotaRow {
    let limit = |(what, used, hard): &(&str, i64, i64)| Limit {
        what: (*what).into(),
        used: *used,
        hard: *hard,
    };
    QuotaRow {
        key: fixture::key(&format!("{namespace}/{name}")),
        namespace: namespace.into(),
        name: name.into(),
        scope: scope.into(),
        limits: limits.iter().map(limit).collect(),
    }
}

fn volcano(name: &str, parent: Option<&str>, state: &str) -> VolcanoQueueRow {
    VolcanoQueueRow {
        key: fixture::key(&format!("volcano/{name}")),
        name: name.into(),
        parent: parent.map(Into::into),
        state: state.into(),
        weight: Some(2),
        reclaimable: true,
        capability: vec![("cpu".into(), 64_000), ("nvidia.com/gpu".into(), 16)],
        deserved: Vec::new(),
        allocated: vec![("cpu".into(), 24_000), ("nvidia.com/gpu".into(), 6)],
        groups: Some(Groups {
            pending: 3,
            inqueue: 1,
            running: 2,
            ..Groups::default()
        }),
    }
}

#[test]
fn two_cursors_and_the_way_between_them() {
    let stage = Stage::new(fixture::queued());
    let mut pane = Queues::default();
    stage.draw(&mut pane, 120, 36);
    let at = |pane: &Queues| pane.node().unwrap().name.to_string();
    assert_eq!(at(&pane), "research");
    stage.type_in(&mut pane, "atlas");
    assert_eq!(pane.lines.iter().filter(|l| l.first).count(), 5);
    stage.type_in(&mut pane, "main");
    pane.set_filter("", &stage.cx()).unwrap();
    for _ in 0..2 {
        stage.act(&mut pane, Action::Down);
    }
    assert_eq!(at(&pane), "hep-atlas");
    assert_eq!(stage.act(&mut pane, Action::Open), Reply::Done);
    assert!(pane.inside);
    let first = pane.workload(&stage.cx()).unwrap();
    assert_eq!(workload::name(first), "gnn-hgcal-v2");
    let key = first.key;
    assert_eq!(
        stage.act(&mut pane, Action::Open),
        Reply::Open(Target::Workload(key))
    );
    // its job is not among those shown
    assert!(matches!(stage.act(&mut pane, Action::Why), Reply::Say(..)));
    assert_eq!(stage.act(&mut pane, Action::Back), Reply::Done);
    assert!(!pane.inside);
    assert!(
        matches!(stage.act(&mut pane, Action::Yaml), Reply::Open(Target::Yaml(want))
        if want.kind == Kind::Queue(QueueKind::ClusterQueue) && &*want.name == "hep-atlas")
    );
}

#[test]
fn the_resource_is_stepped_through() {
    let stage = Stage::new(fixture::queued());
    let mut pane = Queues::default();
    stage.draw(&mut pane, 120, 36);
    assert_eq!(pane.resource.as_deref(), Some("nvidia.com/gpu"));
    assert_eq!(stage.act(&mut pane, Action::NextResource), Reply::Done);
    assert_eq!(pane.resource.as_deref(), Some("cpu"));
    let drawn = stage.draw(&mut pane, 120, 36);
    assert!(drawn.contains("352 / 512"), "{drawn}");
    stage.act(&mut pane, Action::PreviousResource);
    assert_eq!(pane.resource.as_deref(), Some("nvidia.com/gpu"));
}

#[test]
fn a_namespace_sees_its_own_workloads() {
    let mut stage = Stage::new(fixture::queued());
    stage.session.namespace = Some("vision".into());
    let mut pane = Queues::default();
    let drawn = stage.draw(&mut pane, 120, 36);
    assert!(
        drawn.contains("vision-main") && !drawn.contains("shared-with"),
        "{drawn}"
    );
    assert!(pane.places.iter().all(|place| {
        let row = stage.model.kueue.workloads.get(place.key).unwrap();
        &*row.namespace == "vision"
    }));
}
