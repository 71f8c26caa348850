//! Bars: progress by eighths of a column on a faint track, several segments, ticks for limits, a label to the right.
//! Separate because jobs, queues, GPUs and hardware all draw them and must agree to the pixel.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::text::{self, Shorten};
use super::{State, Theme};

/// Eighths of a column, from the left.
const EIGHTHS: [&str; 8] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// What a segment is painted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// The hue of a state, solid.
    State(State),
    /// The plain fill of bars, solid.
    Plain,
    /// Solid in the n-th hue of the series.
    Series(usize),
    /// Borrowed: the plain fill, dense dots.
    Dense,
    /// Reserved: the plain fill, light dots.
    Light,
}

/// A bar with its label. Amounts are in any unit; `total` says how much is a full bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Meter<'a> {
    segments: Vec<(f64, Fill)>,
    total: f64,
    ticks: Vec<f64>,
    label: Cow<'a, str>,
    note: Option<(Cow<'a, str>, State)>,
}

impl<'a> Meter<'a> {
    /// An empty bar that is full at `total`; a total of zero or nonsense draws the track only.
    pub fn new(total: f64) -> Self {
        Self {
            segments: Vec::new(),
            total,
            ticks: Vec::new(),
            label: Cow::Borrowed(""),
            note: None,
        }
    }

    /// Progress in one state's hue with a label, the usual case.
    pub fn progress(done: f64, total: f64, state: State, label: impl Into<Cow<'a, str>>) -> Self {
        Self::new(total)
            .segment(done, Fill::State(state))
            .label(label)
    }

    /// No bar, only words in its place ("waiting: 6 H100 short").
    pub fn words(label: impl Into<Cow<'a, str>>) -> Self {
        Self::new(0.0).label(label)
    }

    /// Appends a segment; segments follow each other from the left.
    pub fn segment(mut self, amount: f64, fill: Fill) -> Self {
        if amount.is_finite() && amount > 0.0 {
            self.segments.push((amount, fill));
        }
        self
    }

    /// A thin line at an amount: a limit, a nominal quota.
    pub fn tick(mut self, at: f64) -> Self {
        self.ticks.push(at);
        self
    }

    /// Text to the right of the bar.
    pub fn label(mut self, label: impl Into<Cow<'a, str>>) -> Self {
        self.label = label.into();
        self
    }

    /// A second word after the label in a state's hue, such as `✗5`.
    pub fn note(mut self, note: impl Into<Cow<'a, str>>, state: State) -> Self {
        self.note = Some((note.into(), state));
        self
    }

    /// Whether there is a bar at all.
    pub fn has_bar(&self) -> bool {
        self.total > 0.0
    }

    /// Columns the label and note take.
    pub fn label_width(&self) -> usize {
        let note = self
            .note
            .as_ref()
            .map_or(0, |(note, _)| 1 + text::width(note));
        text::width(&self.label) + note
    }

    /// Draws bar and label into one row. `label_columns` is the width kept for labels, so that bars of several rows
    /// end in line; the bar takes the rest.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme, label_columns: usize) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let whole = usize::from(area.width);
        let mut x = area.x;
        if self.has_bar() {
            let label = if label_columns == 0 {
                0
            } else {
                label_columns + 1
            };
            // Too narrow for both: the words say more than a stub of a bar.
            let bar = if whole >= label + 3 {
                whole - label
            } else if label_columns == 0 {
                whole
            } else {
                0
            };
            let bar = u16::try_from(bar).unwrap_or(area.width);
            self.bar(
                Rect {
                    width: bar,
                    height: 1,
                    ..area
                },
                buf,
                theme,
            );
            x += bar + u16::from(bar > 0);
        }
        let room = usize::from(area.right().saturating_sub(x));
        if room == 0 {
            return;
        }
        let note = self.note.as_ref().filter(|_| self.label_width() <= room);
        let style = if self.has_bar() {
            theme.text()
        } else {
            theme.dim()
        };
        let label = text::shorten(&self.label, room, Shorten::End);
        let (next, _) = buf.set_stringn(x, area.y, &label, room, style);
        if let Some((note, state)) = note {
            let x = next + u16::from(!self.label.is_empty());
            buf.set_stringn(
                x,
                area.y,
                note,
                usize::from(area.right().saturating_sub(x)),
                theme.state(*state),
            );
        }
    }

    /// Draws only the bar, over the whole width of a row.
    pub fn bar(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let ascii = theme.glyphs().is_ascii();
        let columns = usize::from(area.width);
        // The ends of the segments in eighths of a column.
        let per_unit = if self.total > 0.0 {
            (columns * 8) as f64 / self.total
        } else {
            0.0
        };
        let mut ends: Vec<(usize, Fill)> = Vec::with_capacity(self.segments.len());
        let mut sum = 0.0;
        for (amount, fill) in &self.segments {
            let before = ends.last().map_or(0, |(end, _)| *end);
            sum += amount;
            let exact = sum * per_unit;
            let mut end = (exact.round().max(0.0) as usize).min(columns * 8);
            // Something is never drawn as nothing, and almost everything never as everything.
            end = end.max(before + 1).min(columns * 8);
            if sum < self.total && end == columns * 8 && columns > 1 {
                end -= 1;
            }
            ends.push((end.max(before), *fill));
        }
        let track = theme.bar_track();
        for column in 0..columns {
            let x = area.x + u16::try_from(column).unwrap_or(u16::MAX);
            let Some(cell) = buf.cell_mut((x, area.y)) else {
                continue;
            };
            let (from, to) = (column * 8, column * 8 + 8);
            let (symbol, style) = column_of(&ends, from, to, theme, track, ascii);
            cell.set_symbol(symbol);
            cell.set_style(style);
        }
        for tick in &self.ticks {
            let at = tick * per_unit / 8.0;
            if !at.is_finite() || at < 0.0 {
                continue;
            }
            let column = (at.floor() as usize).min(columns.saturating_sub(1));
            let x = area.x + u16::try_from(column).unwrap_or(u16::MAX);
            if let Some(cell) = buf.cell_mut((x, area.y)) {
                // A tick inside the fill is cut into it, down to what is behind the bar: bright on bright would not be
                // seen. On the track it is a line of its own.
                let below = match cell.symbol() {
                    "█" | "▓" => cell.fg,
                    _ => cell.bg,
                };
                let filled = theme.bar_track().bg != Some(below);
                let style = match theme.background() {
                    Color::Reset => theme.bar_tick(),
                    behind if filled => theme.bar_tick().fg(behind),
                    _ => theme.bar_tick(),
                };
                let style = style.bg(below);
                cell.set_symbol(if ascii { "|" } else { "│" });
                cell.set_style(style);
            }
        }
    }
}

fn style_of(fill: Fill, theme: &Theme) -> (Style, &'static str) {
    match fill {
        Fill::State(state) => (theme.state(state), "█"),
        Fill::Plain => (theme.bar_fill(), "█"),
        Fill::Series(n) => (theme.series_at(n), "█"),
        Fill::Dense => (theme.bar_fill(), "▓"),
        Fill::Light => (theme.bar_fill(), "░"),
    }
}

/// The sign and style of one column of a bar, given where the segments end (in eighths).
fn column_of(
    ends: &[(usize, Fill)],
    from: usize,
    to: usize,
    theme: &Theme,
    track: Style,
    ascii: bool,
) -> (&'static str, Style) {
    // Two columns of different hues may meet inside one cell: the left as foreground, the right as background.
    let left = ends.iter().position(|(end, _)| *end > from);
    let Some(left) = left else {
        // Without a colour for the track, dots show where the bar would go.
        let empty = match (ascii, track.bg) {
            (true, _) => "-",
            (false, None | Some(Color::Reset)) => "░",
            _ => " ",
        };
        return (empty, track);
    };
    let (end, fill) = ends[left];
    let (style, solid) = style_of(fill, theme);
    if ascii {
        let sign = match fill {
            Fill::State(State::Failed) => "x",
            Fill::State(State::Retrying) => "~",
            Fill::Dense => "+",
            Fill::Light => ".",
            _ => "#",
        };
        let most = end.min(to) - from >= 4;
        return if most { (sign, style) } else { ("-", track) };
    }
    let background = |style: Style| match (style.bg, style.fg) {
        (_, Some(fg)) => fg,
        (Some(bg), None) => bg,
        _ => Color::Reset,
    };
    if end >= to {
        let bg = track.bg.unwrap_or(Color::Reset);
        return (
            solid,
            Style {
                bg: Some(bg),
                ..style
            },
        );
    }
    let next = ends.get(left + 1).filter(|(next_end, _)| *next_end > end);
    let under = match next {
        Some((_, fill)) if solid == "█" => background(style_of(*fill, theme).0),
        _ => track.bg.unwrap_or(Color::Reset),
    };
    let sign = if solid == "█" {
        EIGHTHS[(end - from).min(7)]
    } else {
        solid
    };
    (sign, style.bg(under))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ui::Glyphs;

    fn drawn(meter: &Meter<'_>, width: u16, label: usize, theme: &Theme) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
        meter.draw(buf.area, &mut buf, theme, label);
        buf.content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect()
    }

    #[test]
    fn progress_is_drawn_in_eighths() {
        let theme = Theme::default();
        let meter = |done| Meter::progress(done, 100.0, State::Running, "");
        assert_eq!(drawn(&meter(0.0), 10, 0, &theme), "          ");
        assert_eq!(drawn(&meter(50.0), 10, 0, &theme), "█████     ");
        assert_eq!(drawn(&meter(56.0), 10, 0, &theme), "█████▋    ");
        assert_eq!(drawn(&meter(100.0), 10, 0, &theme), "██████████");
        assert_eq!(drawn(&meter(0.01), 10, 0, &theme), "▏         ");
        assert_eq!(drawn(&meter(99.99), 10, 0, &theme), "█████████▉");
    }

    #[test]
    fn labels_stand_in_line_and_win_when_it_is_narrow() {
        let theme = Theme::default();
        let meter = Meter::progress(31.0, 98.0, State::Running, "31/98").note("✗2", State::Failed);
        assert_eq!(drawn(&meter, 20, 8, &theme), "███▌        31/98 ✗2");
        assert_eq!(drawn(&meter, 9, 8, &theme), "31/98 ✗2 ");
        assert_eq!(drawn(&meter, 6, 8, &theme), "31/98 ");
        assert_eq!(
            drawn(&Meter::words("waiting: quota"), 10, 8, &theme),
            "waiting: …"
        );
    }

    #[test]
    fn segments_share_a_column() {
        let theme = Theme::default();
        let meter = Meter::new(4.0)
            .segment(1.5, Fill::State(State::Succeeded))
            .segment(1.0, Fill::State(State::Failed));
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        meter.bar(buf.area, &mut buf, &theme);
        assert_eq!(buf[(1, 0)].symbol(), "▌");
        assert_eq!(Some(buf[(1, 0)].fg), theme.state(State::Succeeded).fg);
        assert_eq!(Some(buf[(1, 0)].bg), theme.state(State::Failed).fg);
        assert_eq!(Some(buf[(2, 0)].bg), theme.bar_track().bg);
    }

    #[test]
    fn ascii_bars_are_ascii() {
        let theme = Theme::default().with_glyphs(Glyphs::Ascii);
        let meter = Meter::new(10.0)
            .segment(5.0, Fill::Plain)
            .segment(2.0, Fill::Dense)
            .tick(8.0);
        assert_eq!(drawn(&meter, 10, 0, &theme), "#####++-|-");
    }

    proptest! {
        #[test]
        fn no_amount_overflows(
            amounts in proptest::collection::vec(any::<f64>(), 0..5),
            total in any::<f64>(), tick in any::<f64>(), width in 0u16..30, label in 0usize..12,
        ) {
            let theme = Theme::default();
            let mut meter = Meter::new(total).tick(tick).label("12/34");
            for amount in amounts {
                meter = meter.segment(amount, Fill::Plain);
            }
            let mut buf = Buffer::empty(Rect::new(0, 0, 40, 3));
            meter.draw(Rect::new(3, 1, width, 1), &mut buf, &theme, label);
            for y in 0..3 {
                for x in 0..40 {
                    if y != 1 || x < 3 || x >= 3 + width {
                        prop_assert_eq!(buf[(x, y)].symbol(), " ");
                    }
                }
            }
        }
    }
}
