//! What stands above the plot: for every curve its sign, its name and the value at the cursor or the last one. Separate
//! because it takes as many lines as it needs and there is room for.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Chart, Curve, axis, last_in, sign, under};
use crate::ui::{Theme, spark, text};

impl Chart<'_> {
    /// The lines of the legend, none where the plot needs all the room.
    pub(super) fn legend(
        &self,
        area: Rect,
        theme: &Theme,
        shown: &[Vec<(f64, f64)>],
        cursor: Option<f64>,
        x: (f64, f64),
    ) -> Vec<Line<'static>> {
        let most = match area.height {
            0..5 => return Vec::new(),
            5..9 => 1,
            9..16 => 2,
            _ => 4,
        };
        let width = usize::from(area.width);
        let ascii = theme.glyphs().is_ascii();
        let mut lines = vec![Vec::new()];
        let mut used = 0;
        let mut put = |part: Vec<Span<'static>>| {
            let wide: usize = part.iter().map(|span| text::width(&span.content)).sum();
            let last = lines.len();
            let gap = if used > 0 { 2 } else { 0 };
            if used > 0 && used + gap + wide > width && last < most {
                lines.push(part);
                used = wide;
            } else if let Some(line) = lines.last_mut() {
                line.push(Span::raw(" ".repeat(gap)));
                line.extend(part);
                used += gap + wide;
            }
        };
        if let Some(cursor) = cursor {
            let name = if self.x_name.is_empty() {
                "x"
            } else {
                self.x_name
            };
            let text = format!("{name} {}", axis::label(cursor));
            put(vec![Span::styled(text, theme.text())]);
        }
        for (n, (curve, points)) in self.curves.iter().zip(shown).enumerate() {
            let at = match cursor {
                Some(at) => under(points, at, x),
                None => last_in(points, x),
            };
            let value = match at {
                Some((x, value)) => {
                    let value = spark::number(value);
                    let text = format!("{value}{}", width_at(curve, x));
                    Span::styled(text, theme.text())
                }
                None => Span::styled("no value", theme.dim()),
            };
            put(vec![
                Span::styled(sign(n, ascii), curve.style),
                Span::styled(format!(" {} ", curve.label), theme.text()),
                value,
            ]);
        }
        lines.into_iter().map(Line::from).collect()
    }
}

/// ` (1.92-1.95)`: from the least to the greatest of what the curve is the mean of.
fn width_at(curve: &Curve, x: f64) -> String {
    let mut band = curve.band.iter().rev();
    let at = band.find(|(at, low, _)| *at == x && low.is_finite());
    let Some((_, low, high)) = at else {
        return String::new();
    };
    let (low, high) = (spark::number(*low), spark::number(*high));
    if low == high {
        return String::new();
    }
    format!(" ({low}-{high})")
}
