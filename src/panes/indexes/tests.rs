use super::*;
use crate::panes::fixture;

/// The grid of a job, as text.
fn drawn(name: &str, width: u16, height: u16) -> String {
    let model = fixture::model();
    let job = model.jobs.get(fixture::key(name)).unwrap();
    let grid = model.grid(job);
    fixture::with_cx(&model, |cx| {
        let mut at = Indexes::default();
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        at.settle(&grid);
        at.draw(&grid, cx, buf.area, &mut buf);
        let row = |y| {
            (0..width)
                .map(|x| buf[(x, y)].symbol())
                .collect::<String>()
                .trim_end()
                .to_owned()
        };
        (0..height).map(row).collect::<Vec<_>>().join("\n")
    })
}

#[test]
fn ten_indexes_are_one_row() {
    assert_eq!(drawn("indexed-sweep", 40, 3), "    0\n  0 ✗✓✗✓✗✓✗✓✗✓\n");
}

#[test]
fn a_hundred_wrap_with_row_labels() {
    insta::assert_snapshot!(drawn("resnet-hpo", 40, 6));
}

#[test]
fn many_fold_into_blocks() {
    insta::assert_snapshot!(drawn("huge-scan", 60, 10));
}

#[test]
fn in_blocks_the_cursor_steps_by_block_but_jumps_to_the_very_index() {
    let model = fixture::model();
    let job = model.jobs.get(fixture::key("huge-scan")).unwrap();
    let grid = model.grid(job);
    fixture::with_cx(&model, |cx| {
        let mut at = Indexes::default();
        at.settle(&grid);
        assert_eq!(at.cursor(), 5000);
        let mut buf = Buffer::empty(Rect::new(0, 0, 60, 10));
        at.draw(&grid, cx, buf.area, &mut buf);
        let (from, to) = at.block().unwrap();
        assert!(from <= 5000 && 5000 <= to && to > from);
        assert_eq!(
            counts_in_words(&grid.counts(5000, 5009)),
            "3 failed, 7 done"
        );
        at.act(Action::Right, &grid);
        assert_eq!(at.cursor(), to + 1);
        at.act(Action::PreviousFailed, &grid);
        assert_eq!(at.cursor(), 5002);
        at.act(Action::NextFailed, &grid);
        assert_eq!(at.cursor(), 9017);
        at.act(Action::NextFailed, &grid);
        assert_eq!(at.cursor(), 5000, "round again");
        let click = MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: 6,
            row: 1,
            modifiers: crossterm::event::KeyModifiers::NONE,
        };
        assert!(at.mouse(click, &grid));
        assert_eq!(at.cursor(), 0);
    });
}
