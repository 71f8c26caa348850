//! The pods at the left of merged logs: state, index, how much each has written, and which of them is shown.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Logs;
use crate::model::human::short_count;
use crate::panes::{Cx, Level, Reply};
use crate::ui::State;
use crate::ui::text::{Shorten, shorten, width};

const WIDTH: u16 = 30;

/// What can be selected in the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    All,
    /// A stream of the buffer.
    Stream(usize),
    /// A pod that the cap leaves out, by its place among them.
    Out(usize),
}

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

/// The entries from top to bottom: all, then the streams by index and name, then the pods that are not followed.
pub(super) fn order(logs: &Logs) -> Vec<Entry> {
    let mut streams: Vec<usize> = (0..logs.sources.len()).collect();
    streams.sort_by_key(|at| (logs.sources[*at].index, &logs.sources[*at].name));
    std::iter::once(Entry::All)
        .chain(streams.into_iter().map(Entry::Stream))
        .chain((0..logs.out.len()).map(Entry::Out))
        .collect()
}

impl Logs {
    /// `enter` in the rail: all, one stream alone, or a pod in place of the least telling one that is followed.
    pub(super) fn choose(&mut self, cx: &Cx) -> Reply {
        self.rail = false;
        match self.rail_at {
            Entry::All => {
                self.chosen = false;
                self.show_only(&[]);
            }
            Entry::Stream(stream) => {
                let lane = self
                    .lanes
                    .iter()
                    .position(|lane| lane.stream == Some(stream));
                match lane {
                    _ if self.lanes.len() == 1 => {
                        self.chosen = true;
                        self.show_only(&[stream]);
                    }
                    Some(lane) => self.lane = lane,
                    // The column that had the keys shows this one now.
                    None => {
                        let lane = self.lane_mut();
                        (lane.stream, lane.top, lane.at) = (Some(stream), None, None);
                    }
                }
            }
            Entry::Out(at) => {
                let Some((pod, _, name)) = self.out.get(at).cloned() else {
                    return Reply::Done;
                };
                self.picked.retain(|key| *key != pod);
                self.picked.push(pod);
                self.settle(cx);
                let stream = self.sources.iter().position(|source| source.pod == pod);
                self.rail_at = stream.map_or(Entry::All, Entry::Stream);
                self.rail = true;
                let text = format!("{name} is followed now, in place of the least telling one");
                return Reply::Say(Level::Info, text);
            }
        }
        Reply::Done
    }

    /// Some rate on screen changes by itself.
    pub(super) fn rates_move(&self, cx: &Cx) -> bool {
        let now = cx.now.timestamp();
        self.is_job() && self.sources.iter().any(|source| source.rate.now(now) > 0.0)
    }
}

/// Which streams to show side by side: the one chosen, the one that failed first, then from the top of the rail; in its
/// order.
pub(super) fn for_columns(logs: &Logs, room: usize) -> Vec<usize> {
    let shown = |at: &usize| {
        logs.buffer
            .stream(*at)
            .is_some_and(|stream| stream.lines > 0)
    };
    let stream = |entry: Entry| match entry {
        Entry::Stream(at) => Some(at),
        Entry::All | Entry::Out(_) => None,
    };
    let order: Vec<usize> = order(logs).into_iter().filter_map(stream).collect();
    let first = logs.buffer.first_failure().map(|first| first.stream);
    let mut chosen: Vec<usize> = Vec::new();
    let wanted = stream(logs.rail_at).into_iter().chain(first);
    let wanted = wanted.chain(order.iter().copied().filter(shown));
    for at in wanted.chain(order.iter().copied()) {
        if chosen.len() < room && !chosen.contains(&at) {
            chosen.push(at);
        }
    }
    chosen.sort_by_key(|at| order.iter().position(|other| other == at));
    chosen
}

fn row(logs: &Logs, cx: &Cx, area: Rect, buf: &mut Buffer, at: Entry) {
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
    let stream = match at {
        Entry::All => {
            let style = over(theme.text());
            buf.set_stringn(area.x + 2, area.y, "all pods", columns - 2, style);
            return;
        }
        Entry::Out(at) => {
            let Some((_, index, name)) = logs.out.get(at) else {
                return;
            };
            let name = match index {
                Some(index) => {
                    format!("{index:>3} {}", name.rsplit('-').next().unwrap_or_default())
                }
                None => name.to_string(),
            };
            let room = columns.saturating_sub(17);
            let name = shorten(&name, room, Shorten::Middle);
            let text = format!("{name:<room$} not followed");
            buf.set_stringn(area.x + 3, area.y, text, columns - 3, over(theme.faint()));
            return;
        }
        Entry::Stream(stream) => stream,
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
        n => short_count(n),
    };
    let rate = source.rate.now(cx.now.timestamp());
    let rate = match rate {
        rate if rate <= 0.0 => String::new(),
        rate if rate < 9.95 => format!("{rate:.1}/s"),
        rate => format!("{}/s", short_count(rate as u64)),
    };
    let figures = format!("{lines:>5} {rate:>6}");
    let right = area
        .right()
        .saturating_sub(u16::try_from(width(&figures)).unwrap_or(0) + 1);
    buf.set_string(right, area.y, &figures, over(theme.dim()));
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
