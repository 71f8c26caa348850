use super::*;
use crate::model::Model;
use crate::model::job::JobRow;
use crate::model::pod::PodPhase;
use crate::model::roles::casts;
use crate::panes::fixture;

fn drawn(at: &mut Replicas, model: &Model, job: &JobRow, width: u16, height: u16) -> String {
    let casts = casts(model, job);
    fixture::with_cx(model, |cx| {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        at.settle(&casts);
        at.draw(&casts, cx, buf.area, &mut buf);
        let row = |y| {
            let row = (0..width).map(|x| buf[(x, y)].symbol());
            row.collect::<String>().trim_end().to_owned()
        };
        (0..height).map(row).collect::<Vec<_>>().join("\n")
    })
}

/// The colours of all cells with something on them.
fn hues(
    at: &mut Replicas,
    model: &Model,
    job: &JobRow,
    width: u16,
    height: u16,
) -> Vec<Option<ratatui::style::Color>> {
    let casts = casts(model, job);
    fixture::with_cx(model, |cx| {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        at.draw(&casts, cx, buf.area, &mut buf);
        let cells = buf.content.iter().filter(|cell| cell.symbol() == "✗");
        cells.map(|cell| Some(cell.fg)).collect()
    })
}

#[test]
fn each_role_is_a_line_of_its_replicas() {
    let (model, job) = fixture::torch(12);
    let mut at = Replicas::default();
    assert_eq!(
        drawn(&mut at, &model, &job, 40, 2),
        "Master 1/1   ●\nWorker 9/12  ●●●●●◌●✗●· ●●"
    );
    // the first in trouble
    assert_eq!(at.cursor(), (1, 5));
}

#[test]
fn the_cursor_moves_over_roles_and_jumps_to_trouble() {
    let (model, job) = fixture::torch(12);
    let of = casts(&model, &job);
    let mut at = Replicas::default();
    drawn(&mut at, &model, &job, 40, 2);
    let pod = |at: &Replicas| model.pods.get(at.pod().unwrap()).unwrap().phase;
    assert_eq!(pod(&at), PodPhase::Pending);
    assert!(at.any_trouble());
    assert_eq!(at.counts(), (10, 13));
    for (action, to) in [
        (Action::NextFailed, (1, 7)),
        (Action::NextFailed, (1, 5)),
        (Action::PreviousFailed, (1, 7)),
        (Action::Right, (1, 8)),
        (Action::Up, (0, 0)),
        (Action::Right, (0, 0)),
        (Action::Down, (1, 0)),
        (Action::Left, (1, 0)),
        (Action::Bottom, (1, 11)),
        (Action::Right, (1, 11)),
        (Action::Top, (0, 0)),
    ] {
        assert!(at.act(action, &of), "{action:?}");
        assert_eq!(at.cursor(), to, "{action:?}");
    }
    // out of the replicas: what is above takes the key
    assert!(!at.act(Action::Up, &of));
    at.act(Action::Bottom, &of);
    assert!(!at.act(Action::Down, &of));
    // scaled down under the cursor
    let (model, job) = fixture::torch(2);
    let of = casts(&model, &job);
    at.settle(&of);
    assert_eq!(at.cursor(), (0, 0));
}

#[test]
fn many_replicas_wrap_then_fold_and_every_place_is_reached() {
    let (model, job) = fixture::torch(100);
    let mut at = Replicas::default();
    assert_eq!(
        drawn(&mut at, &model, &job, 60, 6),
        "Master 1/1     ●\n\
         Worker 85/100  ●●●●●◌●✗●· ●●●●●●●●●● ●●●●●◌●✗●· ●●●●●●●●●●\n               \
         ●●●●●◌●✗●· ●●●●●●●●●● ●●●●●◌●✗●· ●●●●●●●●●●\n               \
         ●●●●●◌●✗●· ●●●●●●●●●●\n\n"
    );
    assert_eq!(
        [1, 10, 20, 50, 100, 200].map(coarser),
        [10, 20, 50, 100, 200, 500]
    );
    let (model, job) = fixture::torch(2000);
    let mut at = Replicas::default();
    // ten to a cell: a line stands for three hundred, and any failure shows
    let text = drawn(&mut at, &model, &job, 60, 9);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[1],
        "Worker 1700/2000  ✗●✗●✗●✗●✗● ✗●✗●✗●✗●✗● ✗●✗●✗●✗●✗●"
    );
    assert_eq!(lines[7], "                  ✗●✗●✗●✗●✗● ✗●✗●✗●✗●✗●");
    let failed = fixture::with_cx(&model, |cx| cx.theme.state(State::Failed).fg);
    assert_eq!(
        hues(&mut at, &model, &job, 60, 9)
            .iter()
            .filter(|fg| **fg == failed)
            .count(),
        100
    );
    let of = casts(&model, &job);
    at.act(Action::Bottom, &of);
    assert_eq!(at.cursor(), (1, 1999));
    // a block stands for ten
    at.act(Action::Left, &of);
    assert_eq!(at.cursor(), (1, 1980));
}

#[test]
fn tiny_areas_and_no_roles_are_survived() {
    let (model, mut job) = fixture::torch(30);
    for (width, height) in [(0, 0), (1, 1), (3, 1), (12, 1), (200, 60)] {
        drawn(&mut Replicas::default(), &model, &job, width, height);
    }
    job.roles.clear();
    let mut at = Replicas::default();
    assert_eq!(drawn(&mut at, &model, &job, 20, 1), "");
    assert!(!at.act(Action::Down, &[]));
}
