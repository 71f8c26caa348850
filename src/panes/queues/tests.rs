use super::*;
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
