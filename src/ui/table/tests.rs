//! Tests of the table as drawn: text and styles, selection, marks, narrow screens, many rows.

use proptest::prelude::*;
use ratatui::layout::Rect;

use super::*;
use crate::ui::Glyphs;
use crate::ui::meter::Fill;

fn columns() -> Vec<Column> {
    vec![
        Column::new("state", "STATE").rank(0).width(9, 11, 14),
        Column::new("name", "NAME")
            .rank(0)
            .width(10, 14, 40)
            .middle()
            .grow(),
        Column::new("progress", "PROGRESS")
            .rank(1)
            .width(10, 18, 24),
        Column::new("failed", "F").rank(2).width(2, 3, 6).right(),
        Column::new("age", "AGE").rank(3).width(5, 6, 8).right(),
    ]
}

fn row(n: usize) -> Row<'static> {
    let (state, word, meter) = match n % 3 {
        0 => (
            State::Running,
            "running",
            Meter::progress(n as f64, 40.0, State::Running, format!("{n}/40")),
        ),
        1 => (
            State::Failed,
            "failed",
            Meter::new(10.0)
                .segment(5.0, Fill::State(State::Succeeded))
                .segment(5.0, Fill::State(State::Failed))
                .label("5/10")
                .note("✗5", State::Failed),
        ),
        _ => (
            State::Waiting,
            "queued #4",
            Meter::words("waiting: 6 H100 short"),
        ),
    };
    let name = format!("clip-training-with-a-long-name-{n:05}-rpxw9");
    Row::new(vec![
        Cell::state(state, word),
        name.into(),
        Cell::Bar(meter),
        Cell::Number(n as u64 % 3),
        Cell::styled(
            format!("{n}m"),
            ratatui::style::Style::new().add_modifier(ratatui::style::Modifier::DIM),
        ),
    ])
    .marked(n == 2)
}

fn screen(width: u16, height: u16, state: &mut TableState, rows: usize, theme: &Theme) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    theme.clear(buf.area, &mut buf);
    let columns = columns();
    Table::new(&columns, rows)
        .sort("name", false)
        .draw(buf.area, &mut buf, theme, state, row);
    buf
}

fn lines(buf: &Buffer) -> String {
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

#[test]
fn a_table_at_three_widths() {
    let theme = Theme::default();
    let mut out = String::new();
    for width in [100, 60, 34] {
        let mut state = TableState::default();
        state.select(Some(1));
        out += &lines(&screen(width, 6, &mut state, 5, &theme));
        out += "\n";
    }
    insta::assert_snapshot!(out);
}

#[test]
fn a_table_in_ascii() {
    let theme = Theme::default().with_glyphs(Glyphs::Ascii);
    let mut state = TableState::default();
    state.select(Some(1));
    let mut buf = screen(70, 6, &mut state, 100_000, &theme);
    Glyphs::Ascii.finish(&mut buf);
    let text = lines(&buf);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn the_selected_row_is_painted_and_marks_stay_visible() {
    let theme = Theme::default();
    let mut state = TableState::default();
    state.select(Some(2));
    let buf = screen(80, 6, &mut state, 5, &theme);
    assert_eq!(buf[(0, 3)].symbol(), "◆");
    assert_eq!(Some(buf[(40, 3)].bg), theme.selection(true).bg);
    assert_eq!(buf[(40, 2)].bg, theme.background());
    state.select(Some(1));
    let buf = screen(80, 6, &mut state, 5, &theme);
    assert_eq!(buf[(0, 2)].symbol(), "▌");
    assert_eq!(
        Some(buf[(1, 2)].fg),
        theme.state(State::Failed).fg,
        "hues stay on the selection"
    );
}

#[test]
fn a_selection_with_a_foreground_covers_hues() {
    let theme = crate::ui::theme::Themes::default()
        .load("ansi16", crate::ui::Depth::Ansi16, Glyphs::Unicode)
        .unwrap();
    let mut state = TableState::default();
    state.select(Some(1));
    let buf = screen(80, 6, &mut state, 5, &theme);
    let row: String = (0..80).map(|x| buf[(x, 2)].symbol()).collect();
    let label = row
        .find("5/10")
        .map(|at| row[..at].chars().count())
        .unwrap();
    for x in [1, label] {
        assert_eq!(Some(buf[(x as u16, 2)].fg), theme.selection(true).fg);
    }
    let bar = row.chars().position(|c| c == '█').unwrap();
    assert_eq!(
        Some(buf[(bar as u16, 2)].fg),
        theme.state(State::Succeeded).fg
    );
}

#[test]
fn only_the_visible_rows_are_asked_for() {
    let theme = Theme::default();
    let mut state = TableState::default();
    state.select(Some(50_000));
    let mut buf = Buffer::empty(Rect::new(0, 0, 80, 20));
    let mut asked = Vec::new();
    let columns = columns();
    Table::new(&columns, 100_000).draw(buf.area, &mut buf, &theme, &mut state, |n| {
        asked.push(n);
        row(n)
    });
    assert_eq!(asked.len(), 19);
    assert!(asked.contains(&50_000));
    assert_eq!(state.position(100_000), "50k/100k");
}

#[test]
fn moving_keeps_within_bounds_and_scrolls_with_a_margin() {
    let mut state = TableState::default();
    state.step(1, 10);
    assert_eq!(state.selected(), Some(0));
    state.settle(100, 10);
    for _ in 0..8 {
        state.step(1, 100);
        state.settle(100, 10);
    }
    assert_eq!((state.selected(), state.offset()), (Some(8), 1));
    state.step_page(1, 100);
    state.settle(100, 10);
    assert_eq!((state.selected(), state.offset()), (Some(17), 10));
    state.last(100);
    state.settle(100, 10);
    assert_eq!((state.selected(), state.offset()), (Some(99), 90));
    state.settle(5, 10);
    assert_eq!((state.selected(), state.offset()), (Some(4), 0));
    state.step(-1, 0);
    assert_eq!(state.selected(), None);
    assert_eq!(state.row_at(3, 5), Some(3));
    assert_eq!(state.row_at(7, 5), None);
}

#[test]
fn clicks_find_their_column() {
    let theme = Theme::default();
    let mut state = TableState::default();
    screen(100, 6, &mut state, 5, &theme);
    assert_eq!(state.column_at(1), Some(0));
    assert_eq!(state.column_at(0), None);
    assert_eq!(state.shown_columns().count(), 5);
}

#[test]
fn columns_do_not_jump_back_when_wide_rows_scroll_away() {
    let theme = Theme::default();
    let columns = vec![
        Column::new("a", "A").width(4, 4, 30),
        Column::new("b", "B").width(4, 4, 30),
    ];
    let mut state = TableState::default();
    let mut buf = Buffer::empty(Rect::new(0, 0, 60, 4));
    let mut draw = |state: &mut TableState| {
        Table::new(&columns, 10).draw(buf.area, &mut buf, &theme, state, |n| {
            Row::new(vec![
                if n == 0 { "a-rather-wide-cell" } else { "x" }.into(),
                "y".into(),
            ])
        });
        state.shown.clone()
    };
    let before = draw(&mut state);
    state.select(Some(9));
    assert_eq!(draw(&mut state), before);
}

proptest! {
    #[test]
    fn hostile_rows_stay_inside_the_table(
        text in any::<String>(), width in 0u16..60, height in 0u16..8,
        rows in 0usize..20, selected in proptest::option::of(0usize..30), ascii in any::<bool>(),
    ) {
        let theme = Theme::default().with_glyphs(if ascii { Glyphs::Ascii } else { Glyphs::Unicode });
        let mut buf = Buffer::empty(Rect::new(0, 0, 80, 12));
        for cell in &mut buf.content {
            cell.set_symbol("¤");
        }
        let area = Rect::new(5, 2, width, height);
        let mut state = TableState::default();
        state.select(selected);
        let columns = columns();
        Table::new(&columns, rows).draw(area, &mut buf, &theme, &mut state, |n| {
            Row::new(vec![
                Cell::state(State::Running, text.clone()),
                text.clone().into(),
                Cell::Bar(Meter::progress(n as f64, 7.0, State::Failed, text.clone())),
                Cell::Spans(vec![text.clone().into(), Span::raw(text.clone())]),
            ])
        });
        for y in 0..12 {
            for x in 0..80 {
                if !area.contains((x, y).into()) {
                    prop_assert_eq!(buf[(x, y)].symbol(), "¤", "{},{}", x, y);
                }
            }
        }
    }
}

#[test]
fn a_word_gives_way_to_its_abbreviation() {
    let theme = Theme::plain(Glyphs::Unicode);
    let drawn = |width: u16| {
        let columns = [Column::new("kind", "KIND").width(4, 4, 8)];
        let area = Rect::new(0, 0, width, 2);
        let mut buf = Buffer::empty(area);
        let mut state = TableState::default();
        Table::new(&columns, 1)
            .header(false)
            .draw(area, &mut buf, &theme, &mut state, |_| {
                Row::new(vec![Cell::either("PyTorch", "PyT", Style::new())])
            });
        let row: String = (0..width).map(|x| buf[(x, 0)].symbol()).collect();
        row
    };
    assert!(drawn(12).contains("PyTorch"), "{}", drawn(12));
    assert!(
        drawn(6).contains("PyT") && !drawn(6).contains("PyTo"),
        "{}",
        drawn(6)
    );
}
