//! The pods at the left of merged logs: state, index, how much each has written, and which of them is shown.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Logs;
use crate::panes::Cx;
use crate::ui::State;
use crate::ui::text::{Shorten, count, shorten, width};

const WIDTH: u16 = 26;

/// Draws the rail and returns what is left for the text.
pub(super) fn draw(logs: &Logs, cx: &Cx, area: Rect, buf: &mut Buffer) -> Rect {
    let theme = cx.theme;
    let wide = WIDTH.min(area.width / 2);
    let rail = Rect {
        width: wide,
        ..area
    };
    let edge = area.x + wide;
    for y in area.y..area.bottom() {
        let line = if cx.glyphs.is_ascii() { "|" } else { "│" };
        buf.set_string(edge, y, line, theme.border(logs.rail));
    }
    let order = order(logs);
    let height = usize::from(rail.height);
    let at = order.iter().position(|at| *at == logs.rail_at);
    let offset = (at.unwrap_or(0) + 1).saturating_sub(height);
    for (y, at) in (rail.y..rail.bottom()).zip(&order[offset..]) {
        let area = Rect {
            y,
            height: 1,
            ..rail
        };
        row(logs, cx, area, buf, *at);
    }
    Rect {
        x: edge + 2,
        width: area.width.saturating_sub(wide + 2),
        ..area
    }
}

/// The entries from top to bottom: all, then the streams by index and name.
pub(super) fn order(logs: &Logs) -> Vec<Option<usize>> {
    let mut streams: Vec<usize> = (0..logs.sources.len()).collect();
    streams.sort_by_key(|at| (logs.sources[*at].index, &logs.sources[*at].name));
    std::iter::once(None)
        .chain(streams.into_iter().map(Some))
        .collect()
}

fn row(logs: &Logs, cx: &Cx, area: Rect, buf: &mut Buffer, at: Option<usize>) {
    let theme = cx.theme;
    let selected = at == logs.rail_at;
    if selected {
        let style = theme.selection(logs.rail);
        buf.set_style(area, style);
        let bar = theme.selection_bar(logs.rail);
        buf.set_string(area.x, area.y, cx.glyphs.selection(), bar);
    }
    // The selection's own foreground, where it has one, replaces the hues.
    let over = |style: Style| match theme.selection(logs.rail).fg {
        Some(_) if selected => theme.selection(logs.rail),
        _ => style,
    };
    let columns = usize::from(area.width);
    let Some(stream) = at else {
        buf.set_stringn(
            area.x + 2,
            area.y,
            "all pods",
            columns - 2,
            over(theme.text()),
        );
        return;
    };
    let (Some(source), Some(lines)) = (logs.sources.get(stream), logs.buffer.stream(stream)) else {
        return;
    };
    let shown = logs.buffer.is_shown(stream);
    let state = if source.gone {
        State::Stale
    } else {
        source.state
    };
    let hue = over(theme.state(state));
    buf.set_string(area.x + 1, area.y, cx.glyphs.state(state), hue);
    let lines = match lines.lines {
        0 => cx.glyphs.zero().to_owned(),
        n => count(n),
    };
    let right = area
        .right()
        .saturating_sub(u16::try_from(width(&lines)).unwrap_or(0) + 1);
    buf.set_string(right, area.y, &lines, over(theme.dim()));
    let (name, style) = match source.index {
        Some(index) => {
            let tail = source.name.rsplit('-').next().unwrap_or_default();
            (
                format!("{index:>3} {tail}"),
                logs.label_style(stream, theme),
            )
        }
        None => (source.name.to_string(), logs.label_style(stream, theme)),
    };
    let style = over(if shown { style } else { theme.faint() });
    let room = usize::from(right.saturating_sub(area.x + 4));
    let name = shorten(&name, room, Shorten::Middle);
    buf.set_stringn(area.x + 3, area.y, name, room, style);
}
