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
    assert_eq!(pane.node().unwrap().name, "hep-atlas");
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

const HERE: ClusterId = ClusterId(0);

/// The cursor goes to a node of a cluster.
fn to(pane: &mut Queues, cluster: ClusterId, name: &str, stage: &Stage) {
    stage.act(pane, Action::Top);
    for _ in 0..pane.lines.len() {
        let is = |node: &Node| node.cluster == cluster && &*node.name == name;
        if pane.node().is_some_and(is) {
            return;
        }
        stage.act(pane, Action::Down);
    }
    panic!("no {name} there");
}

#[test]
fn two_clusters_look() {
    let stage = Stage::two();
    for (width, height) in [(80, 24), (160, 44), (200, 50)] {
        let mut pane = Queues::default();
        let shot = stage.draw(&mut pane, width, height);
        insta::assert_snapshot!(format!("two_{width}x{height}"), shot);
    }
}

#[test]
fn what_stands_in_a_queue_is_of_its_own_cluster() {
    let stage = Stage::two();
    let mut pane = Queues::default();
    stage.draw(&mut pane, 160, 44);
    for (cluster, name, count) in [(HERE, "csc-demo", 7), (fixture::EAST, "csc-east", 2)] {
        to(&mut pane, cluster, "hep-atlas", &stage);
        let heading = format!("cluster queue hep-atlas · in {name} · {count} workloads");
        assert!(stage.draw(&mut pane, 160, 44).contains(&heading));
        let places = pane.places.iter().map(|place| place.key.cluster);
        assert_eq!(places.collect::<Vec<_>>(), vec![cluster; count]);
        assert_eq!(pane.cluster(&stage.cx()), Some(cluster));
        let subjects = pane.subjects(&stage.cx());
        assert!(subjects.iter().all(|key| key.cluster == cluster) && !subjects.is_empty());
        // its quota is its own too: what the namesake holds is not in it
        let node = pane.node().unwrap();
        let total: i64 = node.cells.iter().map(|(_, cell)| cell.nominal).sum();
        assert_eq!(total, if cluster == HERE { 512_024 } else { 2_048_096 });
        // and Kueue is asked where it stands
        let asked = Want::Pending(Line::ClusterQueue("hep-atlas".into())).at(cluster);
        pane.moved = None;
        assert!(pane.wants(&stage.cx()).contains(&asked));
    }
    // the workload opened is that of the cluster, not its namesake of the same uid
    assert_eq!(stage.act(&mut pane, Action::Open), Reply::Done);
    assert!(
        matches!(stage.act(&mut pane, Action::Open), Reply::Open(Target::Workload(key))
        if key.cluster == fixture::EAST)
    );
}

#[test]
fn a_cluster_has_the_workloads_of_all_its_queues_and_no_manifest() {
    let stage = Stage::two();
    let mut pane = Queues::default();
    stage.draw(&mut pane, 160, 44);
    to(&mut pane, fixture::EAST, "csc-east", &stage);
    assert_eq!(pane.places.len(), 2);
    assert!(matches!(stage.act(&mut pane, Action::Yaml), Reply::Say(..)));
    assert!(pane.subjects(&stage.cx()).is_empty());
    assert!(matches!(
        stage.act(&mut pane, Action::ShowHardware),
        Reply::Open(Target::Gpus(_))
    ));
}

#[test]
fn a_cluster_alone_or_by_a_filter() {
    let mut stage = Stage::two();
    let mut pane = Queues::default();
    stage.draw(&mut pane, 160, 44);
    to(&mut pane, fixture::EAST, "hep-atlas", &stage);
    let shown = |pane: &Queues| {
        let lines = pane.lines.iter().filter(|line| line.first);
        let nodes = lines.map(|line| &pane.nodes[line.node]);
        nodes
            .map(|node| format!("{} {}", node.cluster.0, node.name))
            .collect::<Vec<_>>()
    };
    let cx = stage.cx();
    pane.set_filter("cluster:=csc-east hep-atlas", &cx).unwrap();
    let east = ["1 csc-east", "1 research", "1 hep", "1 hep-atlas", "1 main"];
    assert_eq!(shown(&pane), east);
    pane.set_filter("cluster:demo notebooks", &cx).unwrap();
    let demo = ["0 csc-demo", "0 interactive", "0 notebooks"];
    assert_eq!(shown(&pane), demo);
    pane.set_filter("east", &cx).unwrap();
    assert!(shown(&pane).iter().all(|line| line.starts_with('1')));
    pane.set_filter("", &cx).unwrap();
    // looked at alone it has no line of its own, and the cursor stays where it was
    to(&mut pane, fixture::EAST, "hep-atlas", &stage);
    stage.session.only = Some(fixture::EAST);
    let screen = stage.draw(&mut pane, 160, 44);
    assert!(screen.contains("COHORT / QUEUE") && !screen.contains("csc-east"));
    assert_eq!(shown(&pane)[0], "1 research");
    assert_eq!(&*pane.node().unwrap().name, "hep-atlas");
    assert!(screen.contains("1 workload waits"), "{screen}");
}

#[test]
fn a_cluster_without_queues_says_what_limits_work_there_instead() {
    let mut stage = Stage::two();
    let gone = [
        QueueRows::ClusterQueues(Change::Dropped),
        QueueRows::LocalQueues(Change::Dropped),
        QueueRows::Cohorts(Change::Dropped),
    ];
    for (source, rows) in [5, 6, 4].into_iter().zip(gone) {
        stage.model.apply(crate::model::delta::Delta {
            cluster: fixture::EAST,
            source: crate::model::delta::SourceId(source),
            rows: Rows::Queues(rows),
        });
    }
    stage.session.peers[0].served = Some(Vec::new());
    let mut pane = Queues::default();
    stage.draw(&mut pane, 160, 44);
    to(&mut pane, fixture::EAST, "csc-east", &stage);
    let screen = stage.draw(&mut pane, 160, 44);
    assert!(
        screen.contains("no Kueue") && screen.contains("cluster csc-east · Kueue is not installed"),
        "{screen}"
    );
    assert!(screen.contains("WAIT FOR"), "{screen}");
    assert!(pane.wants(&stage.cx()).contains(&limits::QUOTAS));
}

#[test]
fn without_kueue_anywhere_rows_say_whose_they_are() {
    let mut stage = Stage::two();
    let kueue = &mut stage.model.kueue;
    *kueue = crate::model::kueue::Kueue::default();
    stage.session.served = Some(Vec::new());
    stage.session.peers[0].served = Some(Vec::new());
    let mut pane = Queues::default();
    let screen = stage.draw(&mut pane, 160, 24);
    assert!(
        screen.contains("CLUSTER") && screen.contains("csc-east"),
        "{screen}"
    );
}

#[test]
fn a_cluster_that_is_lost_says_so_at_its_line_and_keeps_its_rows() {
    let mut stage = Stage::two();
    stage.session.peers[0].link = crate::panes::worker::Link::Failed("no route".into());
    let mut pane = Queues::default();
    pane.set_filter("cluster:east", &stage.cx()).unwrap();
    let screen = stage.draw(&mut pane, 160, 44);
    let own = screen.lines().find(|line| line.contains("✗ csc-east"));
    assert!(
        own.is_some_and(|line| line.contains("does not answer")),
        "{screen}"
    );
    assert!(screen.contains("hep/main"), "{screen}");
}
