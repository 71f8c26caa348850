//! Curves in one row, and values in few characters. Separate from charts, as rows of tables need no axes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, text};

/// The newest values as bars of one row, from zero to the greatest; the last value stands at the right.
pub fn sparkline(values: &[f64], area: Rect, buf: &mut Buffer, style: Style, theme: &Theme) {
    const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    const ASCII: [&str; 8] = ["_", "_", ".", ".", "-", "-", "=", "#"];
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return;
    }
    let shown = &values[values.len().saturating_sub(usize::from(area.width))..];
    let most = shown
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .fold(0.0_f64, f64::max);
    let start = area.right() - u16::try_from(shown.len()).unwrap_or(area.width);
    let signs = if theme.glyphs().is_ascii() {
        &ASCII
    } else {
        &BARS
    };
    for (n, value) in shown.iter().enumerate() {
        let x = start + u16::try_from(n).unwrap_or(0);
        let part = if most > 0.0 && value.is_finite() {
            (value / most).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let level = ((part * 7.0).round() as usize).min(7);
        let style = if *value > 0.0 { style } else { theme.faint() };
        buf.set_string(x, area.y, signs[level], style);
    }
}

/// Values as signs of one row, from the least to the greatest of them; a blank where there is none.
pub fn signs(values: &[f64], ascii: bool) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 4] = ['_', '.', '-', '^'];
    let said = || values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = (
        said().fold(f64::INFINITY, f64::min),
        said().fold(f64::NEG_INFINITY, f64::max),
    );
    // Halves, as the difference of two huge numbers may be none any more.
    let span = high / 2.0 - low / 2.0;
    let most = if ascii { ASCII.len() } else { BARS.len() } - 1;
    let level = |v: f64| match span > 0.0 {
        true => (((v / 2.0 - low / 2.0) / span * most as f64).round() as usize).min(most),
        false => most / 2,
    };
    values
        .iter()
        .map(|v| match (v.is_finite(), ascii) {
            (false, _) => ' ',
            (true, true) => ASCII[level(*v)],
            (true, false) => BARS[level(*v)],
        })
        .collect()
}

/// Parts of one as signs of one row, from nothing to the whole, whatever the others are; a blank where there is none.
/// What is something is never drawn as nothing.
pub fn parts(values: &[f64], ascii: bool) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 5] = ['_', '.', '-', '=', '#'];
    let signs: &[char] = if ascii { &ASCII } else { &BARS };
    let most = signs.len() - 1;
    let sign = |v: &f64| match v.is_finite() {
        false => ' ',
        true if *v <= 0.0 => signs[0],
        true => signs[((v * most as f64).ceil() as usize).clamp(1, most)],
    };
    values.iter().map(sign).collect()
}

/// A value in few characters: `2.31`, `0.0042`, `1.2k`, `3e-5`.
pub fn number(value: f64) -> String {
    let size = value.abs();
    let sign = if value < 0.0 { "-" } else { "" };
    if !value.is_finite() {
        return if value.is_nan() {
            "nan".to_owned()
        } else {
            format!("{sign}inf")
        };
    }
    if size == 0.0 {
        "0".to_owned()
    } else if size >= 10_000.0 {
        if size >= 1e15 {
            format!("{value:.0e}")
        } else {
            format!("{sign}{}", text::count(size as u64))
        }
    } else if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 0.1 {
        format!("{value:.2}")
    } else if size >= 0.001 {
        format!("{value:.4}")
    } else {
        format!("{value:.0e}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::ui::Glyphs;

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

    #[test]
    fn parts_of_one_are_drawn_against_the_whole() {
        let values = [0.0, 0.001, 0.5, 0.99, 1.0, f64::NAN, 7.0, -1.0];
        assert_eq!(parts(&values, false), "▁▂▅██ █▁");
        assert_eq!(parts(&values, true), "_.-## #_");
    }

    #[test]
    fn sparklines_end_with_the_newest() {
        let theme = Theme::default();
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 1));
        sparkline(
            &[9.0, 0.0, 1.0, 2.0, 4.0],
            Rect::new(0, 0, 4, 1),
            &mut buf,
            Style::new(),
            &theme,
        );
        assert_eq!(text_of(&buf), "▁▃▅█\n");
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 1));
        sparkline(
            &[4.0, 2.0],
            buf.area,
            &mut buf,
            Style::new(),
            &theme.with_glyphs(Glyphs::Ascii),
        );
        assert_eq!(text_of(&buf), "    #-\n");
    }

    #[test]
    fn signs_go_from_least_to_greatest() {
        assert_eq!(signs(&[9.0, f64::NAN, 5.5, 2.0], false), "█ ▅▁");
        assert_eq!(signs(&[9.0, f64::NAN, 5.5, 2.0], true), "^ -_");
        assert_eq!(signs(&[3.0, 3.0], false), "▄▄");
    }

    #[rstest]
    #[case(0.0, "0")]
    #[case(2.3149, "2.31")]
    #[case(0.0042, "0.0042")]
    #[case(0.00003, "3e-5")]
    #[case(12_345.0, "12.3k")]
    #[case(-250.4, "-250")]
    #[case(f64::NAN, "nan")]
    fn numbers_are_short(#[case] value: f64, #[case] want: &str) {
        assert_eq!(number(value), want);
    }

    proptest! {
        #[test]
        fn any_values_are_drawn_inside(
            values in proptest::collection::vec(any::<f64>(), 0..20),
            width in 0u16..30, height in 0u16..6, ascii in any::<bool>(),
        ) {
            let theme = Theme::default().with_glyphs(if ascii { Glyphs::Ascii } else { Glyphs::Unicode });
            let mut buf = Buffer::empty(Rect::new(0, 0, 32, 8));
            let area = Rect::new(1, 1, width, height);
            sparkline(&values, area, &mut buf, Style::new(), &theme);
            for y in 0..8 {
                for x in 0..32 {
                    if !area.contains((x, y).into()) {
                        prop_assert_eq!(buf[(x, y)].symbol(), " ");
                    }
                }
            }
        }
    }
}
