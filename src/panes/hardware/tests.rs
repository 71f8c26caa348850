use super::compare::Gpus;
use super::{Hardware, stock};
use crate::app::action::Action;
use crate::hardware::advice;
use crate::model::Model;
use crate::model::delta::{Change, Rows};
use crate::panes::fixture::{self, at_all_sizes, model, with_cx};
use crate::panes::stage::Stage;
use crate::panes::{Pane, Reply, Target};
use crate::ui::glyphs::Glyphs;

#[test]
fn the_matrix_at_every_size() {
    at_all_sizes("matrix", || Box::new(Hardware::default()));
}

#[test]
fn a_data_sheet_at_every_size() {
    at_all_sizes("sheet", || Box::new(Gpus::new(vec!["h100-sxm".into()])));
}

#[test]
fn four_side_by_side_at_every_size() {
    let ids = ["a100-sxm-80", "h100-sxm", "b200", "mi300x"];
    at_all_sizes("compare", || {
        Box::new(Gpus::new(ids.map(str::to_owned).to_vec()))
    });
}

#[test]
fn without_a_cluster_the_reference_is_whole() {
    let empty = Model::default();
    with_cx(&empty, |cx| {
        let mut pane = Hardware::default();
        let shot = fixture::shot(&mut pane, cx, 80, 24);
        assert!(shot.contains("H100 SXM5 80 GB"), "{shot}");
        assert_eq!(pane.items.len(), cx.hardware.gpus.len());
        assert!(stock::all(cx).is_empty());
    });
}

#[test]
fn the_gpus_of_the_cluster_come_first_and_are_counted() {
    let model = model();
    with_cx(&model, |cx| {
        let stocks = stock::all(cx);
        assert!(!stocks.is_empty());
        let sum: u32 = stocks.iter().map(|s| s.all).sum();
        assert!(sum > 0, "{stocks:?}");
        let mut pane = Hardware::default();
        pane.refresh(cx);
        for (item, stock) in pane.items.iter().zip(&stocks) {
            assert_eq!(item.stock.as_ref(), Some(stock));
        }
    });
}

#[test]
fn the_filter_is_the_language_of_the_reference() {
    let stage = Stage::new(Model::default());
    let mut pane = Hardware::default();
    stage.draw(&mut pane, 80, 24);
    pane.set_filter("fp8 tensor mem>=80 arch:hopper", &stage.cx())
        .unwrap();
    let shot = stage.draw(&mut pane, 80, 24);
    assert!(
        shot.contains("H200 SXM") && !shot.contains("A100"),
        "{shot}"
    );
    assert!(pane.set_filter("mem>=x", &stage.cx()).is_err());
    assert!(pane.filter().starts_with("fp8"), "the old one is kept");
    pane.set_filter("arch:hopper mem<1", &stage.cx()).unwrap();
    let shot = stage.draw(&mut pane, 80, 24);
    assert!(shot.contains("no GPU is all of that"), "{shot}");
}

#[test]
fn marked_gpus_open_side_by_side() {
    let stage = Stage::new(Model::default());
    let mut pane = Hardware::default();
    stage.draw(&mut pane, 120, 40);
    assert!(matches!(
        stage.act(&mut pane, Action::Compare),
        Reply::Say(..)
    ));
    stage.act(&mut pane, Action::Mark);
    stage.act(&mut pane, Action::Mark);
    let Reply::Open(Target::Gpus(ids)) = stage.act(&mut pane, Action::Compare) else {
        panic!("no comparison");
    };
    assert_eq!(ids.len(), 2);
    let mut pane = Gpus::new(ids);
    let shot = stage.draw(&mut pane, 80, 24);
    assert!(shot.contains("rows differ") && shot.contains('▸'), "{shot}");
}

#[test]
fn in_ascii_everything_is_told_without_blocks() {
    let mut stage = Stage::new(model());
    stage.glyphs = Glyphs::Ascii;
    for mut pane in [
        Box::new(Hardware::default()) as Box<dyn Pane>,
        Box::new(Gpus::new(vec!["h100-sxm".into(), "t4".into()])),
    ] {
        let buf = stage.buffer(&mut *pane, 80, 24);
        assert!(buf.content.iter().all(|cell| cell.symbol().is_ascii()));
    }
}

/// A job on one T4, with other GPUs free beside it.
fn on_a_t4() -> (Model, crate::model::ids::Key) {
    let mut job = fixture::job("team-a", "sft", 600);
    job.devices = fixture::devices(&[("nvidia.com/gpu", 1)]);
    let pod = fixture::pod(&job, "sft-abc", None, "t4-1", 500);
    let nodes = vec![
        fixture::node("t4-1", Some("Tesla-T4"), &[("nvidia.com/gpu", 2)]),
        fixture::node(
            "a100-1",
            Some("NVIDIA-A100-SXM4-80GB"),
            &[("nvidia.com/gpu", 4)],
        ),
    ];
    let key = job.key;
    let mut model = Model::default();
    let jobs = vec![job];
    fixture::feed(&mut model, 1, Rows::Jobs(Change::Rows(jobs)));
    fixture::feed(&mut model, 2, Rows::Pods(Change::Rows(vec![pod])));
    fixture::feed(&mut model, 3, Rows::Nodes(Change::Rows(nodes)));
    (model, key)
}

#[test]
fn a_job_is_told_what_its_gpus_cannot_do_and_where_it_could() {
    let (model, key) = on_a_t4();
    let manifest = |args: &str| {
        let container = serde_json::json!({"name": "main", "args": [args]});
        advice::read(
            &serde_json::json!({"spec": {"template": {"spec": {"containers": [container]}}}}),
        )
    };
    with_cx(&model, |cx| {
        let job = cx.model.jobs.get(key).unwrap();
        let told = super::advice::sentences(job, &manifest("--bf16"), cx);
        assert_eq!(
            told,
            [
                "bf16 (--bf16) has no tensor-core path on Turing (Tesla-T4): falls back to FP32 on CUDA cores by \
                 emulation, or is refused; 4 A100 are free in this cluster [rule flag]"
            ]
        );
        assert!(super::advice::sentences(job, &manifest("--fp16"), cx).is_empty());
        assert!(super::advice::sentences(job, &manifest("--lr=3"), cx).is_empty());
        // FP8 nobody here can do for sure: no other place is named
        let told = super::advice::sentences(job, &manifest("--fp8"), cx);
        assert!(
            told[0].contains("Turing") && !told[0].contains("free"),
            "{told:?}"
        );
    });
}

#[test]
fn from_a_node_or_a_job_the_reference_opens_at_its_gpu() {
    let (model, key) = on_a_t4();
    with_cx(&model, |cx| {
        let job = cx.model.jobs.get(key).unwrap();
        assert_eq!(
            stock::open_job(job, cx),
            Reply::Open(Target::Gpus(vec!["t4".into()]))
        );
        let node = cx.model.nodes.rows().find(|n| &*n.name == "a100-1");
        assert_eq!(
            stock::open(node.into_iter(), cx),
            Reply::Open(Target::Gpus(vec!["a100-sxm-80".into()]))
        );
        assert!(matches!(
            stock::open(std::iter::empty(), cx),
            Reply::Say(..)
        ));
    });
}
