//! Curves: a line chart of braille dots (with a logarithmic scale for losses) and one-row sparklines.
//! Separate because mapping values to dots is the same whatever the curve means.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, text};

/// One curve: points in any order of x, drawn in one style.
#[derive(Debug, Clone)]
pub struct Curve<'a> {
    /// x and y; what is not finite leaves a gap.
    pub points: &'a [(f64, f64)],
    /// Its hue.
    pub style: Style,
}

/// A chart about to be drawn.
#[derive(Debug, Clone)]
pub struct Chart<'a> {
    curves: Vec<Curve<'a>>,
    log: bool,
    axis: bool,
}

impl<'a> Chart<'a> {
    /// A chart of curves; later ones are drawn over earlier ones.
    pub fn new(curves: Vec<Curve<'a>>) -> Self {
        Self {
            curves,
            log: false,
            axis: true,
        }
    }

    /// A logarithmic y axis; values of zero and below leave a gap.
    pub fn log(mut self, log: bool) -> Self {
        self.log = log;
        self
    }

    /// Whether the greatest and least y are written at the left.
    pub fn axis(mut self, axis: bool) -> Self {
        self.axis = axis;
        self
    }

    fn height_of(&self, y: f64) -> Option<f64> {
        let y = if self.log && y > 0.0 {
            y.log10()
        } else if self.log {
            return None;
        } else {
            y
        };
        y.is_finite().then_some(y)
    }

    /// Draws the chart over an area.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buf.area);
        let points = self.curves.iter().flat_map(|curve| curve.points);
        let (mut low, mut high) = (
            (f64::INFINITY, f64::INFINITY),
            (f64::NEG_INFINITY, f64::NEG_INFINITY),
        );
        for (x, y) in points {
            let (true, Some(y)) = (x.is_finite(), self.height_of(*y)) else {
                continue;
            };
            low = (low.0.min(*x), low.1.min(y));
            high = (high.0.max(*x), high.1.max(y));
        }
        if area.is_empty() || low.0 > high.0 {
            return;
        }
        let shown = |y: f64| number(if self.log { 10_f64.powf(y) } else { y });
        let mut plot = area;
        if self.axis && area.height >= 2 {
            let (top, bottom) = (shown(high.1), shown(low.1));
            let wide = u16::try_from(top.len().max(bottom.len())).unwrap_or(0) + 1;
            if area.width > wide + 8 {
                let put = |buf: &mut Buffer, label: &str, y: u16| {
                    let x = area.x + wide - 1 - u16::try_from(label.len()).unwrap_or(0);
                    buf.set_string(x, y, label, theme.dim());
                };
                put(buf, &top, area.y);
                if bottom != top {
                    put(buf, &bottom, area.bottom() - 1);
                }
                plot = Rect {
                    x: area.x + wide,
                    width: area.width - wide,
                    ..area
                };
            }
        }
        let ascii = theme.glyphs().is_ascii();
        for curve in &self.curves {
            let dots = self.dots(curve, plot, low, high);
            for (n, bits) in dots.iter().enumerate().filter(|(_, bits)| **bits != 0) {
                let x = plot.x + u16::try_from(n % usize::from(plot.width)).unwrap_or(0);
                let y = plot.y + u16::try_from(n / usize::from(plot.width)).unwrap_or(0);
                let cell = &mut buf[(x, y)];
                if ascii {
                    cell.set_char(if bits & 0x1b != 0 { '\'' } else { '.' });
                } else {
                    // Curves that cross share the cell; the later one gives it its hue.
                    let before = match cell.symbol().chars().next() {
                        Some(c @ '\u{2800}'..='\u{28ff}') => c as u32 - 0x2800,
                        _ => 0,
                    };
                    cell.set_char(
                        char::from_u32(0x2800 + (before | u32::from(*bits))).unwrap_or(' '),
                    );
                }
                cell.set_style(curve.style);
            }
        }
    }

    /// The braille dots of one curve, a byte for each cell of the plot.
    fn dots(&self, curve: &Curve<'_>, plot: Rect, low: (f64, f64), high: (f64, f64)) -> Vec<u8> {
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        let (columns, rows) = (usize::from(plot.width), usize::from(plot.height));
        let mut cells = vec![0; columns * rows];
        let (wide, tall) = (columns * 2 - 1, rows * 4 - 1);
        let scale = |value: f64, low: f64, high: f64, most: usize| {
            let part = if high > low {
                (value - low) / (high - low)
            } else {
                0.5
            };
            ((part * most as f64).round().max(0.0) as usize).min(most)
        };
        let mut set = |x: usize, y: usize| {
            let y = tall - y;
            cells[y / 4 * columns + x / 2] |= BITS[x % 2][y % 4];
        };
        let mut last: Option<(usize, usize)> = None;
        for (x, y) in curve.points {
            let (true, Some(y)) = (x.is_finite(), self.height_of(*y)) else {
                last = None;
                continue;
            };
            let at = (
                scale(*x, low.0, high.0, wide),
                scale(y, low.1, high.1, tall),
            );
            set(at.0, at.1);
            // Neighbouring points are joined by a straight line of dots.
            if let Some(from) = last {
                let steps = from.0.abs_diff(at.0).max(from.1.abs_diff(at.1));
                for step in 1..steps {
                    let between = |a: usize, b: usize| {
                        let part = step as f64 / steps as f64;
                        (a as f64 + (b as f64 - a as f64) * part).round() as usize
                    };
                    set(between(from.0, at.0), between(from.1, at.1));
                }
            }
            last = Some(at);
        }
        cells
    }
}

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
    fn a_loss_falls_along_a_straight_line_on_a_log_scale() {
        let points: Vec<(f64, f64)> = (0..100)
            .map(|n| (f64::from(n), 10_f64.powf(1.0 - f64::from(n) / 50.0)))
            .collect();
        let theme = Theme::default();
        let mut buf = Buffer::empty(Rect::new(0, 0, 40, 6));
        Chart::new(vec![Curve {
            points: &points,
            style: theme.series_at(0),
        }])
        .log(true)
        .draw(buf.area, &mut buf, &theme);
        insta::assert_snapshot!(text_of(&buf));
    }

    #[test]
    fn gaps_and_single_points_are_drawn_as_such() {
        let theme = Theme::default();
        let points = [(0.0, 1.0), (1.0, f64::NAN), (2.0, 1.0)];
        let mut buf = Buffer::empty(Rect::new(0, 0, 5, 1));
        Chart::new(vec![Curve {
            points: &points,
            style: Style::new(),
        }])
        .axis(false)
        .draw(buf.area, &mut buf, &theme);
        let ends = [buf[(0, 0)].symbol(), buf[(4, 0)].symbol()];
        assert!(ends.iter().all(|sign| *sign != " ") && buf[(2, 0)].symbol() == " ");
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
            points in proptest::collection::vec((any::<f64>(), any::<f64>()), 0..20),
            width in 0u16..30, height in 0u16..6, log in any::<bool>(), ascii in any::<bool>(),
        ) {
            let theme = Theme::default().with_glyphs(if ascii { Glyphs::Ascii } else { Glyphs::Unicode });
            let mut buf = Buffer::empty(Rect::new(0, 0, 32, 8));
            let area = Rect::new(1, 1, width, height);
            let values: Vec<f64> = points.iter().map(|point| point.1).collect();
            Chart::new(vec![Curve { points: &points, style: Style::new() }]).log(log).draw(area, &mut buf, &theme);
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
