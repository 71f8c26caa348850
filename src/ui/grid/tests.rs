//! Tests of folding, cursor and drawing of grids.

use proptest::prelude::*;

use super::*;

fn text_of(buf: &Buffer) -> String {
    let rows = buf.content.chunks(usize::from(buf.area.width));
    rows.map(|row| {
        row.iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect::<String>()
            .trim_end()
            .to_owned()
            + "\n"
    })
    .collect()
}

fn example(item: u64) -> State {
    match item % 7 {
        0 => State::Failed,
        1 | 2 => State::Succeeded,
        3 => State::Running,
        4 => State::Retrying,
        5 => State::Pending,
        _ => State::NotRun,
    }
}

fn drawn(items: u64, width: u16, height: u16, cursor: Option<u64>) -> Buffer {
    let theme = Theme::default();
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    let grid = Grid::new(Fold::new(items, buf.area), cursor);
    grid.draw(buf.area, &mut buf, &theme, example, |from, to| {
        (from..to)
            .map(|item| {
                if item < items / 2 {
                    State::Succeeded
                } else {
                    example(item)
                }
            })
            .collect()
    });
    buf
}

#[test]
fn ten_indexes_are_ten_cells() {
    let theme = Theme::default();
    let mut buf = Buffer::empty(Rect::new(0, 0, 30, 4));
    let even = |item: u64| {
        if item.is_multiple_of(2) {
            State::Failed
        } else {
            State::Succeeded
        }
    };
    Grid::new(Fold::new(10, buf.area), Some(2))
        .draw(buf.area, &mut buf, &theme, even, |_, _| Tally::default());
    assert_eq!(text_of(&buf), "    0\n  0 ✗✓✗✓✗✓✗✓✗✓\n\n\n");
    assert!(buf[(6, 1)].modifier.contains(Modifier::REVERSED));
    assert_eq!(Some(buf[(6, 1)].fg), theme.state(State::Failed).fg);
}

#[test]
fn grids_from_ten_to_a_hundred_thousand() {
    let mut out = String::new();
    for (items, width, height) in [
        (25, 60, 5),
        (95, 60, 5),
        (1000, 60, 8),
        (100_000, 60, 12),
        (40, 9, 8),
    ] {
        out += &format!(
            "{items} in {width}x{height}\n{}",
            text_of(&drawn(items, width, height, None))
        );
    }
    insta::assert_snapshot!(out);
}

#[test]
fn the_cursor_moves_by_cells_and_stays_inside() {
    let fold = Fold::new(25, Rect::new(0, 0, 16, 10));
    assert_eq!((fold.columns, fold.per_cell, fold.rows), (10, 1, 3));
    assert_eq!(fold.step(0, 1, 0), 1);
    assert_eq!(fold.step(0, -1, 0), 0);
    assert_eq!(fold.step(3, 0, 1), 13);
    assert_eq!(fold.step(13, 0, 1), 23);
    assert_eq!(fold.step(16, 0, 1), 24, "the last row is shorter");
    assert_eq!(fold.step(24, 0, 1), 24);
    assert_eq!(fold.step(3, 0, 9), 24);
    assert_eq!(fold.step(3, 0, -1), 3);
    assert_eq!(fold.step(24, 1, 0), 24);
    let fold = Fold::new(100_000, Rect::new(0, 0, 60, 12));
    assert_eq!(fold.step(0, 1, 0), fold.per_cell);
    assert_eq!(fold.step(0, 0, 1), fold.per_row());
}

#[test]
fn one_failure_in_a_block_is_seen() {
    let tally: Tally = (0..1000)
        .map(|n| {
            if n == 500 {
                State::Failed
            } else {
                State::Succeeded
            }
        })
        .collect();
    assert_eq!(tally.shown(), State::Failed);
    let (sign, style) = heat(&tally, &Theme::default());
    assert_eq!(sign, State::Failed.glyph());
    assert_eq!(style.fg, Theme::default().state(State::Failed).fg);
    assert!(style.add_modifier.contains(Modifier::BOLD));
    let mixed: Tally = (0..9)
        .map(|n| [State::Running, State::Pending, State::NotRun][n % 3])
        .collect();
    assert_eq!(mixed.shown(), State::Running);
    let (sign, style) = heat(&mixed, &Theme::default());
    assert_eq!(sign, State::Running.glyph());
    assert!(!style.add_modifier.contains(Modifier::BOLD));
    assert_eq!(Tally::default().shown(), State::NotRun);
}

#[test]
fn clicks_find_their_item() {
    let area = Rect::new(5, 3, 40, 10);
    let fold = Fold::new(95, area);
    assert_eq!(fold.columns, 20);
    let x = area.x + fold.column_x(12);
    assert_eq!(fold.item_at(area, None, x, area.y + 2), Some(32));
    assert_eq!(fold.item_at(area, None, x, area.y), None);
    assert_eq!(
        fold.item_at(area, None, area.x + fold.column_x(19), area.y + 5),
        None,
        "only 95 items"
    );
}

proptest! {
    #[test]
    fn every_item_has_its_cell_on_screen(
        items in 0u64..2_000_000, width in 0u16..130, height in 0u16..40, at in any::<u64>(), right in -3i64..4, down in -3i64..4,
    ) {
        let area = Rect::new(0, 0, width, height);
        let fold = Fold::new(items, area);
        if items > 0 {
            let item = at % items;
            let (from, to) = fold.block(fold.cell_of(item));
            prop_assert!(from <= item && item < to && to <= items);
            prop_assert!(fold.step(item, right, down) < items);
        }
        if height > 1 {
            prop_assert!(fold.rows < u64::from(height) || fold.columns == 1 || items == 0);
        }
        let mut buf = Buffer::empty(Rect::new(0, 0, width.saturating_add(2), height));
        let cursor = at.checked_rem(items.max(1));
        Grid::new(fold, cursor).draw(area, &mut buf, &Theme::default(), example, |from, to| {
            [example(from), example(to)].into_iter().collect()
        });
        for y in 0..height {
            for x in width..width + 2 {
                prop_assert_eq!(buf[(x, y)].symbol(), " ");
            }
        }
    }
}
