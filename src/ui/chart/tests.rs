//! Charts as text, and that no input makes one panic.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::ui::Glyphs;

fn text_of(buf: &Buffer) -> String {
    let rows = buf.content.chunks(usize::from(buf.area.width));
    rows.map(|row| {
        let row: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        row.trim_end().to_owned() + "\n"
    })
    .collect()
}

fn curve<'a>(points: &'a [(f64, f64)], label: &str, theme: &Theme, n: usize) -> Curve<'a> {
    Curve {
        points,
        band: &[],
        label: label.to_owned(),
        style: theme.series_at(n),
    }
}

fn draw(chart: &Chart, width: u16, height: u16, theme: &Theme) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    chart.draw(area, &mut buf, theme);
    text_of(&buf)
}

fn falling() -> Vec<(f64, f64)> {
    (0..200)
        .map(|n| {
            let x = f64::from(n) * 10.0;
            let noise = f64::from(n * 7_919 % 13) / 60.0;
            (x, 3.0 * (-x / 500.0).exp() + 0.4 + noise)
        })
        .collect()
}

#[test]
fn train_and_eval_in_one_picture() {
    let theme = Theme::default();
    let train = falling();
    let eval: Vec<(f64, f64)> = (0..10)
        .map(|n| (f64::from(n) * 200.0, 2.8 - f64::from(n) * 0.2))
        .collect();
    let curves = vec![
        curve(&train, "train", &theme, 0),
        curve(&eval, "eval", &theme, 1),
    ];
    let chart = Chart::new(curves).x_name("step");
    insta::assert_snapshot!("overlay", draw(&chart, 72, 14, &theme));
    insta::assert_snapshot!(
        "overlay_log",
        draw(&chart.clone().log(true), 72, 14, &theme)
    );
    insta::assert_snapshot!(
        "overlay_smooth_cursor",
        draw(
            &chart.clone().smooth(0.9).cursor(Some(500.0)),
            72,
            14,
            &theme
        )
    );
    insta::assert_snapshot!(
        "overlay_zoom",
        draw(
            &chart.clone().window(Some((1_000.0, 1_500.0))),
            72,
            10,
            &theme
        )
    );
    let ascii = Theme::default().with_glyphs(Glyphs::Ascii);
    let text = draw(&chart, 60, 10, &ascii);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("overlay_ascii", text);
}

#[rstest]
#[case::one_point(&[(5.0, 2.5)])]
#[case::constant(&[(0.0, 7.0), (10.0, 7.0)])]
#[case::gap(&[(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 3.0), (4.0, f64::INFINITY), (5.0, 1.0)])]
#[case::huge(&[(0.0, -1e300), (1.0, 1e300)])]
#[case::tiny(&[(0.0, 1e-12), (1.0, 3e-12)])]
fn odd_curves(#[case] points: &[(f64, f64)]) {
    let theme = Theme::default();
    let chart = Chart::new(vec![curve(points, "loss", &theme, 0)]);
    let first = points[0].1.abs();
    let name = format!("odd_{}_{first:e}", points.len());
    insta::assert_snapshot!(name, draw(&chart, 40, 8, &theme));
}

#[rstest]
#[case((0.0, 10.0), false, 5, &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0])]
#[case((0.3, 0.9), false, 3, &[0.4, 0.6, 0.8])]
#[case((-3.0, 2.0), true, 6, &[1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0])]
fn ticks_are_round(
    #[case] range: (f64, f64),
    #[case] log: bool,
    #[case] most: usize,
    #[case] want: &[f64],
) {
    let got = axis::ticks(range, log, most);
    assert_eq!(got.len(), want.len(), "{got:?}");
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= want.abs() * 1e-9, "{got} {want}");
    }
}

#[rstest]
#[case(0.5, "0.5")]
#[case(1_200.0, "1200")]
#[case(20_000.0, "20k")]
#[case(1e-5, "1e-5")]
#[case(-2.5, "-2.5")]
#[case(3e20, "3e20")]
fn tick_words_are_short(#[case] value: f64, #[case] want: &str) {
    assert_eq!(axis::label(value), want);
}

#[test]
fn smoothing_begins_at_the_first_value_and_forgets_at_gaps() {
    let points = [(0.0, 4.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 9.0)];
    let smooth = ema(&points, 0.5);
    assert_eq!(smooth[0].1, 4.0);
    assert!((smooth[1].1 - 8.0 / 3.0).abs() < 1e-9);
    assert!(smooth[2].1.is_nan());
    assert_eq!(smooth[3].1, 9.0);
}

#[test]
fn a_zoomed_window_follows_the_end_until_it_is_moved() {
    let mut window = Window::default();
    window.zoom_in((0.0, 100.0));
    assert_eq!(window.of((0.0, 100.0)), Some((50.0, 100.0)));
    assert_eq!(window.of((0.0, 200.0)), Some((150.0, 200.0)));
    // The cursor walks out at the left and takes the window along.
    for _ in 0..200 {
        window.step(-1.0, (0.0, 200.0));
    }
    let (low, high) = window.of((0.0, 200.0)).unwrap();
    let at = window.cursor.unwrap();
    assert!(low <= at && at <= high && high < 150.0, "{low} {at} {high}");
    window.zoom_out((0.0, 200.0));
    window.zoom_out((0.0, 200.0));
    assert_eq!(window.of((0.0, 200.0)), None);
}

proptest! {
    #[test]
    fn nothing_panics_and_nothing_is_drawn_outside(
        points in proptest::collection::vec((any::<f64>(), any::<f64>()), 0..40),
        tame in proptest::collection::vec((0f64..100.0, -5f64..5.0), 0..40),
        (x, y, width, height) in (0u16..10, 0u16..10, 0u16..60, 0u16..20),
        (log, smooth, ascii) in (any::<bool>(), 0f64..1.2, any::<bool>()),
        window in proptest::option::of((any::<f64>(), any::<f64>())),
        cursor in proptest::option::of(any::<f64>()),
    ) {
        let theme = Theme::default().with_glyphs(if ascii { Glyphs::Ascii } else { Glyphs::Unicode });
        let area = Rect::new(x, y, width, height);
        let mut buf = Buffer::empty(Rect::new(0, 0, 40, 20));
        let curves = vec![curve(&points, "wild", &theme, 0), curve(&tame, "tame", &theme, 1)];
        Chart::new(curves).log(log).smooth(smooth).window(window).cursor(cursor).x_name("step")
            .draw(area, &mut buf, &theme);
        for at in 0..buf.content.len() {
            let (cx, cy) = buf.pos_of(at);
            let inside = cx >= x && cx < x + width && cy >= y && cy < y + height;
            prop_assert!(inside || buf.content[at].symbol() == " ");
        }
        let mut view = Window::default();
        view.cursor = cursor;
        if let Some(whole) = window {
            view.zoom_in(whole);
            view.step(-3.0, whole);
            view.zoom_out(whole);
            let _ = view.of(whole);
        }
    }
}

/// Two curves in one place: both hues are there.
#[test]
fn curves_that_run_over_each_other_are_both_seen() {
    let theme = Theme::default();
    let points = falling();
    let curves = vec![
        curve(&points, "train", &theme, 0),
        curve(&points, "eval", &theme, 1),
    ];
    let area = Rect::new(0, 0, 72, 14);
    let mut buf = Buffer::empty(area);
    Chart::new(curves).draw(area, &mut buf, &theme);
    let of = |n: usize| {
        let dots = |cell: &&ratatui::buffer::Cell| {
            let dots = |c: char| ('\u{2801}'..='\u{28ff}').contains(&c);
            cell.symbol().contains(dots) && Some(cell.fg) == theme.series_at(n).fg
        };
        buf.content.iter().filter(dots).count()
    };
    assert!(of(0) > 20 && of(1) > 20, "{} {}", of(0), of(1));
}
