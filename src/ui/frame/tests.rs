//! Tests of header, tabs, footer and joined lines.

use proptest::prelude::*;

use super::*;
use crate::ui::Meter;

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

fn header<'a>(theme: &Theme) -> Header<'a> {
    Header {
        brand: "jobdeck",
        crumbs: vec![
            "csc-demo".into(),
            "all namespaces".into(),
            "job/indexed-sweep-with-a-long-name".into(),
        ],
        right: vec![
            vec![Span::styled("live", theme.state(State::Succeeded))],
            counts(
                &[
                    (State::Running, 18),
                    (State::Waiting, 9),
                    (State::Failed, 0),
                    (State::Succeeded, 31_000),
                ],
                theme,
            ),
            vec![Span::raw("GPUs 61/96")],
        ],
    }
}

#[test]
fn header_tabs_and_footer_at_three_widths() {
    let theme = Theme::default();
    let mut out = String::new();
    for width in [120, 80, 40] {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 3));
        let row = |y| Rect::new(0, y, width, 1);
        header(&theme).draw(row(0), &mut buf, &theme);
        let list = [
            ("Jobs", None),
            ("Queues", None),
            ("GPUs", None),
            ("Pods", Some(1200)),
            ("Inbox", Some(3)),
        ];
        let right = [
            ("/".to_owned(), "filter"),
            (":".to_owned(), "go"),
            ("?".to_owned(), "keys"),
        ];
        let (places, keys) = tabs(&list, 1, &right, row(1), &mut buf, &theme);
        assert_eq!(places.len(), 5);
        assert!([0, right.len()].contains(&keys.len()));
        let hints = [
            Hint::new("enter", "open"),
            Hint::new("l", "logs"),
            Hint::new("d", "delete").not("read-only"),
            Hint::new("space", "mark"),
            Hint::new("s", "sort"),
        ];
        footer(&hints, &[Span::raw("62/62")], row(2), &mut buf, &theme);
        out += &text_of(&buf);
        out += "\n";
    }
    insta::assert_snapshot!(out);
}

#[test]
fn lines_join_where_they_meet() {
    let mut buf = Buffer::empty(Rect::new(0, 0, 20, 7));
    let style = Style::new();
    horizontal(Rect::new(0, 1, 20, 1), &mut buf, style);
    horizontal(Rect::new(0, 6, 20, 1), &mut buf, style);
    vertical(Rect::new(8, 2, 1, 4), &mut buf, style);
    horizontal(Rect::new(9, 3, 11, 1), &mut buf, style);
    vertical(Rect::new(14, 4, 1, 2), &mut buf, style);
    assert_eq!(
        text_of(&buf),
        "\n────────┬───────────\n        │\n        ├─────┬─────\n        │     │\n        │     │\n────────┴─────┴─────\n"
    );
}

#[test]
fn lines_drawn_over_each_other_cross() {
    let mut buf = Buffer::empty(Rect::new(0, 0, 5, 3));
    horizontal(Rect::new(0, 1, 5, 1), &mut buf, Style::new());
    vertical(Rect::new(2, 0, 1, 3), &mut buf, Style::new());
    assert_eq!(text_of(&buf), "  │\n──┼──\n  │\n");
    outline(Rect::new(0, 0, 5, 3), &mut buf, Style::new());
    assert_eq!(text_of(&buf), "┌───┐\n│─┼─│\n└───┘\n");
    border_title(&[Span::raw("long")], Rect::new(0, 0, 5, 1), &mut buf);
    assert_eq!(buf[(2, 0)].symbol(), "─", "no room for a title");
}

#[test]
fn a_title_sits_in_its_line() {
    let mut buf = Buffer::empty(Rect::new(0, 0, 22, 1));
    horizontal(buf.area, &mut buf, Style::new());
    border_title(
        &[Span::raw("events "), Span::raw("of indexed-sweep")],
        buf.area,
        &mut buf,
    );
    assert_eq!(text_of(&buf), "─ events of indexed- ─\n");
}

#[test]
fn too_small_says_so() {
    let theme = Theme::default();
    let mut buf = Buffer::empty(Rect::new(0, 0, 50, 3));
    too_small((60, 16), buf.area, &mut buf, &theme);
    assert!(text_of(&buf).contains("50x3 is too small, 60x16 is enough"));
}

proptest! {
    #[test]
    fn nothing_leaves_its_row(name in any::<String>(), width in 0u16..70, x in 0u16..5) {
        let theme = Theme::default();
        let mut buf = Buffer::empty(Rect::new(0, 0, 80, 3));
        let area = Rect::new(x, 1, width, 1);
        let head = Header {
            brand: &name,
            crumbs: vec![name.as_str().into(), name.as_str().into()],
            right: vec![vec![Span::raw(name.clone())], vec![Span::raw("61/96")]],
        };
        head.draw(area, &mut buf, &theme);
        tabs(&[(&name, Some(7)), ("Jobs", None)], 0, &[("?".to_owned(), &name)], area, &mut buf, &theme);
        footer(&[Hint::new("x", name.as_str()).not(name.as_str())], &[Span::raw(name.clone())], area, &mut buf, &theme);
        Meter::words(name.clone()).draw(area, &mut buf, &theme, 4);
        for y in 0..3 {
            for column in 0..80 {
                if !area.contains((column, y).into()) {
                    prop_assert_eq!(buf[(column, y)].symbol(), " ");
                }
            }
        }
    }
}
