//! A line chart of braille dots: several curves, ticks on both axes, a logarithmic y, smoothing with the raw values faint
//! behind, a window into x, and a cursor. Knows nothing of what it draws; a curve is told by its sign as well as its hue.

mod axis;
mod dots;
mod legend;
mod smooth;
#[cfg(test)]
mod tests;
mod window;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Theme, text};
use dots::Plot;
pub use smooth::ema;
pub use window::Window;

/// One curve: points in order of x.
#[derive(Debug, Clone)]
pub struct Curve<'a> {
    /// x and y; a y that is not finite leaves a gap.
    pub points: &'a [(f64, f64)],
    /// x, least and greatest of the several curves that `points` is the mean of; empty where it is one.
    pub band: &'a [(f64, f64, f64)],
    pub label: String,
    pub style: Style,
}

/// The sign of the n-th curve: stands at its end, at the cursor, and in the legend.
pub fn sign(n: usize, ascii: bool) -> &'static str {
    const SIGNS: [&str; 8] = ["●", "◆", "▲", "■", "○", "◇", "△", "□"];
    const ASCII: [&str; 8] = ["*", "+", "^", "#", "o", "x", "%", "@"];
    if ascii {
        ASCII[n % ASCII.len()]
    } else {
        SIGNS[n % SIGNS.len()]
    }
}

/// A chart about to be drawn.
#[derive(Debug, Clone, Default)]
pub struct Chart<'a> {
    curves: Vec<Curve<'a>>,
    log: bool,
    smooth: f64,
    window: Option<(f64, f64)>,
    cursor: Option<f64>,
    x_name: &'a str,
}

impl<'a> Chart<'a> {
    /// A chart of curves; later ones are drawn over earlier ones.
    pub fn new(curves: Vec<Curve<'a>>) -> Self {
        Self {
            curves,
            ..Self::default()
        }
    }

    /// A logarithmic y axis; values of zero and below leave a gap.
    pub fn log(mut self, log: bool) -> Self {
        self.log = log;
        self
    }

    /// Weight of the past, 0 (none) to below 1.
    pub fn smooth(mut self, smooth: f64) -> Self {
        self.smooth = smooth.clamp(0.0, 0.999);
        self
    }

    /// Only this part of x.
    pub fn window(mut self, window: Option<(f64, f64)>) -> Self {
        self.window = window;
        self
    }

    /// Values at this x are marked, and told in the legend.
    pub fn cursor(mut self, cursor: Option<f64>) -> Self {
        self.cursor = cursor;
        self
    }

    /// What x counts, for the axis.
    pub fn x_name(mut self, name: &'a str) -> Self {
        self.x_name = name;
        self
    }

    /// Draws the chart: legend, plot, ticks. Parts that do not fit are left out, the plot last.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let shown: Vec<Vec<(f64, f64)>> = self
            .curves
            .iter()
            .map(|c| ema(c.points, self.smooth))
            .collect();
        let Some((x, y)) = self.ranges(&shown) else {
            return;
        };
        let cursor = self.cursor.filter(|at| *at >= x.0 && *at <= x.1);
        let lines = self.legend(area, theme, &shown, cursor, x);
        let legend = u16::try_from(lines.len()).unwrap_or(0);
        let axis = u16::from(area.height >= 4 && area.width >= 16);
        let plot_height = area.height - legend - axis;
        let ticks = axis::ticks(y, self.log, usize::from(plot_height / 3).clamp(3, 8));
        let labels: Vec<(f64, String)> = ticks
            .into_iter()
            .map(|value| (value, axis::label(value)))
            .collect();
        let wide = labels.iter().map(|l| text::width(&l.1)).max().unwrap_or(0);
        let wide = u16::try_from(wide).unwrap_or(0) + 1;
        let gutter = if area.width > wide + 10 && area.height >= 2 {
            wide
        } else {
            0
        };
        let plot = Plot {
            area: Rect {
                x: area.x + gutter,
                y: area.y + legend,
                width: area.width - gutter,
                height: plot_height,
            },
            x,
            y,
            log: self.log,
        };
        if gutter > 0 {
            draw_y(&plot, &labels, buf, theme);
        }
        if axis > 0 {
            self.draw_x(&plot, buf, theme);
        }
        if let Some(column) = cursor.and_then(|at| plot.column(at)) {
            let rule = if theme.glyphs().is_ascii() {
                "|"
            } else {
                "│"
            };
            for y in plot.area.y..plot.area.bottom() {
                buf.set_string(column, y, rule, theme.faint());
            }
        }
        // One curve's signs cannot be told from another's band.
        if self.smooth <= 0.0 && !theme.glyphs().is_ascii() {
            for (n, curve) in self.curves.iter().enumerate() {
                plot.band(curve.band, n, theme.faint(), buf, theme);
            }
        }
        if self.smooth > 0.0 {
            for (n, curve) in self.curves.iter().enumerate() {
                plot.curve(curve.points, n, theme.faint(), buf, theme);
            }
        }
        for (n, (curve, points)) in self.curves.iter().zip(&shown).enumerate() {
            plot.curve(points, n, curve.style, buf, theme);
        }
        for (n, (curve, points)) in self.curves.iter().zip(&shown).enumerate() {
            let at = match cursor {
                Some(at) => under(points, at, x),
                None => last_in(points, x),
            };
            if let Some(cell) = at.and_then(|(x, y)| plot.cell(x, y)) {
                buf.set_string(
                    cell.0,
                    cell.1,
                    sign(n, theme.glyphs().is_ascii()),
                    curve.style,
                );
            }
        }
        for (y, line) in (area.y..area.bottom()).zip(&lines) {
            buf.set_line(area.x, y, line, area.width);
        }
    }

    /// What there is to show in x and y; `None`: nothing at all.
    fn ranges(&self, shown: &[Vec<(f64, f64)>]) -> Option<((f64, f64), (f64, f64))> {
        let inside = |x: f64| self.window.is_none_or(|(low, high)| x >= low && x <= high);
        let mut x = (f64::INFINITY, f64::NEG_INFINITY);
        let mut y = x;
        let raw = self.curves.iter().flat_map(|c| c.points.iter());
        let bands = self.curves.iter().flat_map(|c| c.band);
        let ends = bands.flat_map(|(x, low, high)| [(*x, *low), (*x, *high)]);
        let ends: Vec<(f64, f64)> = ends.collect();
        for (at, value) in raw.chain(shown.iter().flatten()).chain(&ends) {
            if !at.is_finite() || !inside(*at) {
                continue;
            }
            x = (x.0.min(*at), x.1.max(*at));
            if let Some(value) = dots::height(*value, self.log) {
                y = (y.0.min(value), y.1.max(value));
            }
        }
        let x = self.window.unwrap_or(x);
        (x.0 <= x.1 && y.0 <= y.1).then(|| (axis::widened(x), axis::padded(y, self.log)))
    }

    fn draw_x(&self, plot: &Plot, buf: &mut Buffer, theme: &Theme) {
        let y = plot.area.bottom();
        let (mut free, right) = (plot.area.x, plot.area.right());
        let name = if self.x_name.is_empty() {
            String::new()
        } else {
            format!(" {}", self.x_name)
        };
        let most = usize::from(plot.area.width / 12).clamp(2, 10);
        let ticks = axis::ticks(plot.x, false, most);
        let last = ticks.len().saturating_sub(1);
        for (n, tick) in ticks.into_iter().enumerate() {
            let Some(column) = plot.column(tick) else {
                continue;
            };
            let mut label = axis::label(tick);
            if n == last {
                label.push_str(&name);
            }
            let wide = u16::try_from(text::width(&label)).unwrap_or(u16::MAX);
            let mut at = column.saturating_sub(wide / 2).max(free);
            if at.saturating_add(wide) > right {
                at = right.saturating_sub(wide);
            }
            if at < free || at < plot.area.x || wide > plot.area.width {
                // No room for the last one with what is counted behind it: that stands behind the one before.
                let wide = u16::try_from(text::width(&name)).unwrap_or(u16::MAX);
                let behind = free.saturating_sub(2);
                if n == last && free > plot.area.x && behind.saturating_add(wide) <= right {
                    buf.set_string(behind, y, &name, theme.dim());
                }
                continue;
            }
            buf.set_string(at, y, &label, theme.dim());
            free = at + wide + 2;
        }
    }
}

fn draw_y(plot: &Plot, labels: &[(f64, String)], buf: &mut Buffer, theme: &Theme) {
    let mut taken = None;
    for (value, label) in labels {
        let Some(row) = plot.row(*value) else {
            continue;
        };
        if taken == Some(row) {
            continue;
        }
        taken = Some(row);
        let wide = u16::try_from(text::width(label)).unwrap_or(0);
        let x = plot.area.x.saturating_sub(wide + 1);
        buf.set_string(x, row, label, theme.dim());
        let tick = if theme.glyphs().is_ascii() {
            "."
        } else {
            "┈"
        };
        for x in plot.area.x..plot.area.right() {
            buf.set_string(x, row, tick, theme.faint());
        }
    }
}

/// The point nearest to a cursor; none where the curve has not begun or is over, a fiftieth of the picture `x` before it.
fn under(points: &[(f64, f64)], at: f64, x: (f64, f64)) -> Option<(f64, f64)> {
    let slack = (x.1 - x.0) / 50.0;
    near(points, at).filter(|point| (point.0 - at).abs() <= slack || is_inside(points, at))
}

fn is_inside(points: &[(f64, f64)], at: f64) -> bool {
    let xs = || points.iter().map(|p| p.0);
    xs().any(|x| x <= at) && xs().any(|x| x >= at)
}

/// The point nearest to an x.
pub fn near(points: &[(f64, f64)], at: f64) -> Option<(f64, f64)> {
    let said = points.iter().filter(|p| p.0.is_finite() && !p.1.is_nan());
    said.min_by(|a, b| (a.0 - at).abs().total_cmp(&(b.0 - at).abs()))
        .copied()
}

fn last_in(points: &[(f64, f64)], x: (f64, f64)) -> Option<(f64, f64)> {
    let said = points.iter().rev();
    said.copied()
        .find(|p| p.0 >= x.0 && p.0 <= x.1 && p.1.is_finite())
}
