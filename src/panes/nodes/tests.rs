use super::*;
use crate::model::Model;
use crate::model::delta::{Change, Rows};
use crate::model::dra::{DeviceRow, DraRows, SliceRow};
use crate::panes::fixture;
use crate::panes::stage::Stage;

#[test]
fn looks() {
    fixture::at_all_sizes("nodes", || Box::new(Nodes::new()));
}

#[test]
fn states() {
    fixture::in_all_states("nodes", || Box::new(Nodes::new()));
}

/// Cards that a DRA driver offers are GPUs of their node; shares of a card and chips of others are not.
#[test]
fn what_is_claimed_counts_and_what_is_shared_does_not() {
    let mut model = Model::default();
    let claimed = fixture::node("gpu-dra", Some("NVIDIA-H200"), &[]);
    let mut shared = fixture::node(
        "gpu-shared",
        Some("Tesla-T4-SHARED"),
        &[("nvidia.com/gpu", 8)],
    );
    let facts = std::sync::Arc::make_mut(shared.gpu.get_or_insert_default());
    (facts.count, facts.replicas) = (Some(2), Some(4));
    let tpu = fixture::node("tpu", None, &[("google.com/tpu", 4)]);
    let rows = vec![claimed, shared, tpu];
    fixture::feed(&mut model, 1, Rows::Nodes(Change::Rows(rows)));
    let card = |n: u32| DeviceRow {
        name: format!("gpu-{n}").into(),
        kind: Some("gpu".into()),
        uuid: Some(format!("GPU-{n}").into()),
        product: Some("NVIDIA H200".into()),
        ..DeviceRow::default()
    };
    let slice = SliceRow {
        key: fixture::key("slice"),
        name: "slice".into(),
        driver: "gpu.nvidia.com".into(),
        pool: "gpu-dra".into(),
        generation: 1,
        slices: 1,
        node: Some("gpu-dra".into()),
        devices: (0..4).map(card).collect(),
        counters: [].into(),
    };
    let rows = Rows::Dra(DraRows::Slices(Change::Rows(vec![slice])));
    fixture::feed(&mut model, 2, rows);
    fixture::with_cx(&model, |cx| {
        let mut pane = Nodes::new();
        let screen = fixture::shot(&mut pane, cx, 160, 20);
        let answer = pane.answer(cx).to_string();
        assert!(answer.contains("4 GPUs: 0 requested, 4 free"), "{answer}");
        let of = |name: &str| {
            screen
                .lines()
                .find(|line| line.contains(name))
                .unwrap_or_default()
        };
        for (name, offered) in [("gpu-dra", "0/4"), ("gpu-shared", "0/8"), ("tpu", "0/4")] {
            assert!(
                of(name).contains(offered),
                "{name}: {offered} is not in\n{screen}"
            );
        }
    });
}

/// Rows of the second cluster come later, and some of them stand above the first.
#[test]
fn while_another_cluster_is_still_read_the_list_stays_at_its_top() {
    let mut stage = Stage::two();
    let rows: Vec<_> = stage.model.nodes.rows().cloned().collect();
    let east = |row: &&crate::model::node::NodeRow| row.key.cluster == fixture::EAST;
    let mut late: Vec<_> = rows.iter().filter(east).cloned().collect();
    for (n, row) in late.iter_mut().enumerate() {
        row.name = format!("a-{n}").into();
    }
    let feed = |stage: &mut Stage, change| {
        stage.model.apply(crate::model::delta::Delta {
            cluster: fixture::EAST,
            source: crate::model::delta::SourceId(1),
            rows: crate::model::delta::Rows::Nodes(change),
        });
    };
    feed(&mut stage, crate::model::delta::Change::Dropped);
    let live = std::mem::take(&mut stage.session.peers[0].sources);
    let mut pane = Nodes::default();
    stage.draw(&mut pane, 80, 5);
    feed(&mut stage, crate::model::delta::Change::Rows(late.clone()));
    let screen = stage.draw(&mut pane, 80, 5);
    assert!(screen.contains("a-0"), "{screen}");
    // once all is there, what comes later pushes nothing away
    stage.session.peers[0].sources = live;
    late.truncate(1);
    late[0].key.uid = crate::model::ids::Uid(77);
    late[0].name = "a".into();
    pane.set_filter("!name:nothing", &stage.cx()).unwrap();
    stage.draw(&mut pane, 80, 5);
    feed(&mut stage, crate::model::delta::Change::Rows(late));
    stage.draw(&mut pane, 80, 5);
    let at = pane
        .cursor(&stage.cx())
        .and_then(|key| stage.model.nodes.get(key));
    assert_eq!(&*at.unwrap().name, "a-0");
}
