mod jobs;

use super::compare::Gpus;
use super::{Hardware, stock};
use crate::app::action::Action;
use crate::model::Model;
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

#[test]
fn the_data_sheet_beside_scrolls_by_keys_and_wheel() {
    let stage = Stage::new(Model::default());
    let mut pane = Hardware::default();
    let top = stage.draw(&mut pane, 180, 24);
    assert!(
        top.contains("CUDA cores") && !top.contains("FORMAT, FOR THE ADVICE"),
        "{top}"
    );
    stage.act(&mut pane, Action::Focus);
    stage.act(&mut pane, Action::Bottom);
    let end = stage.draw(&mut pane, 180, 24);
    // the list stands still; the end of the sheet is in sight
    assert!(end.contains("naming habit of model images"), "{end}");
    assert!(end.contains("1/"), "{end}");
    stage.act(&mut pane, Action::Back);
    stage.act(&mut pane, Action::Down);
    let next = stage.draw(&mut pane, 180, 24);
    assert!(next.contains("2/") && next.contains("CUDA cores"), "{next}");
    let wheel = crossterm::event::MouseEvent {
        kind: crossterm::event::MouseEventKind::ScrollDown,
        column: 150,
        row: 10,
        modifiers: crossterm::event::KeyModifiers::NONE,
    };
    let area = ratatui::layout::Rect::new(0, 0, 180, 24);
    assert_eq!(pane.mouse(wheel, area, &stage.cx()), Reply::Done);
    let moved = stage.draw(&mut pane, 180, 24);
    assert!(moved.contains("2/") && moved != next, "{moved}");
    // where there is no room for it, the keys are the list's again
    stage.act(&mut pane, Action::Focus);
    stage.draw(&mut pane, 80, 24);
    stage.act(&mut pane, Action::Down);
    assert!(stage.draw(&mut pane, 80, 24).contains("3/"));
}

#[test]
fn of_several_clusters_the_counts_are_sums_and_say_which_has_how_many() {
    let mut stage = Stage::two();
    let sum = |stage: &Stage| {
        let stocks = stock::all(&stage.cx());
        let h100 = stocks
            .into_iter()
            .find(|s| s.gpu.as_deref() == Some("h100-sxm"));
        h100.expect("there are some")
    };
    let both = sum(&stage);
    assert_eq!(both.places.len(), 2);
    assert_eq!(both.all, both.places.values().map(|p| p.all).sum::<u32>());
    assert_eq!(both.free, both.places.values().map(|p| p.free).sum::<u32>());
    let mut pane = Hardware::default();
    for (width, height) in [(80, 24), (160, 44)] {
        let shot = stage.draw(&mut pane, width, height);
        insta::assert_snapshot!(format!("two_{width}x{height}"), shot);
    }
    let mut sheet = Gpus::new(vec!["h100-sxm".into()]);
    let shot = stage.draw(&mut sheet, 100, 20);
    assert!(
        shot.contains("in 2 clusters: ") && shot.contains("csc-east "),
        "{shot}"
    );
    // the lines stay the same, whichever cluster is in front
    let before = pane.selected().map(|item| item.key);
    stage.session.put_in_front(fixture::EAST);
    stage.draw(&mut pane, 160, 44);
    assert_eq!(pane.selected().map(|item| item.key), before);
    stage.session.only = Some(fixture::EAST);
    assert_eq!(sum(&stage).all * 2, both.all, "as many are in each");
    let shot = stage.draw(&mut pane, 160, 44);
    assert!(!shot.contains("csc-"), "{shot}");
}
