//! The picture of a log screen: prefixes, timestamps, coloured text, matches, notes, and what came since.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::layout::Shape;
use super::{Logs, rail};
use crate::logs::{Hue, Line, LineKind, Sgr};
use crate::panes::Cx;
use crate::panes::rows::{rows, skip_columns};
use crate::ui::scroll::{self, Window};
use crate::ui::text::{count, width};
use crate::ui::theme::{Depth, Level, Theme};
use crate::ui::{State, text};

/// `12:03:20.123 `
const TIME: usize = 13;
/// Longest prefix of a line.
const LABEL: usize = 10;

impl Logs {
    pub(super) fn draw_all(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let mut area = area;
        if self.is_job() && (area.width >= 120 || self.rail) && self.sources.len() > 1 {
            area = rail::draw(self, cx, area, buf);
        } else {
            // In line with the answer above.
            area.x += 1;
            area.width = area.width.saturating_sub(1);
        }
        area = self.draw_charts(cx, area, buf);
        let label = self.label_width();
        let used = label + if self.times { TIME } else { 0 } + 1;
        self.shape = Shape {
            columns: usize::from(area.width).saturating_sub(used).max(1),
            height: usize::from(area.height).max(1),
            wrap: self.wrap,
        };
        let counts = self.buffer.counts();
        if counts.shown == 0 && !self.working {
            self.top = None;
            self.empty(cx).draw(area, buf, cx.theme);
            return;
        }
        let bottom = self.shape.bottom(&self.buffer);
        self.top = match self.top.filter(|_| !self.follow) {
            // Down to where it still fills the screen.
            Some(top) => self
                .shape
                .moved(&self.buffer, top, 0)
                .map(|(top, _)| top)
                .or(bottom),
            None => bottom,
        };
        let Some(top) = self.top else { return };
        let seen = self.shape.seen(&self.buffer, top);
        let mut y = area.y;
        for (cursor, first, rows_seen) in &seen {
            if let Some(line) = self.buffer.get(*cursor) {
                self.draw_line(cx, area, buf, y, line, (*first, *rows_seen, label));
            }
            y += u16::try_from(*rows_seen).unwrap_or(u16::MAX);
        }
        let offset = seen.first().map_or(0, |seen| self.buffer.rank(seen.0));
        let window = Window {
            offset,
            page: seen.len(),
            total: counts.shown,
        };
        self.place = (offset + seen.len(), counts.shown);
        let track = Rect {
            x: area.right().saturating_sub(1),
            width: 1,
            ..area
        };
        scroll::bar(track, buf, cx.theme, window);
        self.draw_marker(cx, area, buf);
    }

    /// Columns of the prefix, its space included; 0 if there is but one stream to tell apart.
    fn label_width(&self) -> usize {
        if !self.is_job() || self.sources.len() < 2 {
            return 0;
        }
        let widest = self.sources.iter().map(|s| width(&s.label())).max();
        widest.unwrap_or(0).min(LABEL) + 1
    }

    fn draw_line(
        &self,
        cx: &Cx,
        area: Rect,
        buf: &mut Buffer,
        y: u16,
        line: &Line,
        (first, seen, label): (usize, usize, usize),
    ) {
        let theme = cx.theme;
        let mut x = area.x;
        if label > 0
            && let Some(source) = self.sources.get(line.stream())
        {
            let name = source.label();
            let name = text::shorten(&name, label - 1, text::Shorten::Start);
            let pad = (label - 1).saturating_sub(width(&name));
            let style = self.label_style(line.stream(), theme);
            let at = x + u16::try_from(pad).unwrap_or(0);
            if first == 0 {
                buf.set_stringn(at, y, &name, label - 1, style);
            }
            x += u16::try_from(label).unwrap_or(0);
        }
        if self.times {
            if first == 0
                && let Some(nanos) = line.nanos()
            {
                let at = DateTime::<Utc>::from_timestamp_nanos(nanos);
                let at = at.format("%H:%M:%S%.3f").to_string();
                buf.set_stringn(x, y, at, TIME, theme.dim());
            }
            x += TIME as u16;
        }
        let columns = self.shape.columns;
        if matches!(line.kind(), LineKind::Note | LineKind::Alarm) {
            let style = match line.kind() {
                LineKind::Alarm => theme.level(Level::Warn),
                _ => theme.dim(),
            }
            .add_modifier(Modifier::ITALIC);
            let text = format!("── {} ──", line.text());
            for (row, (a, b)) in rows(&text, columns).skip(first).take(seen).enumerate() {
                buf.set_stringn(x, y + row as u16, &text[a..b], columns, style);
            }
            return;
        }
        let hits = match self.buffer.search() {
            // A line drawn from far inside is highlighted all the same; a bounded number is enough for a screen.
            Some(search) if line.is_hit() => search.ranges(line.text(), 4096),
            _ => Vec::new(),
        };
        let here = self.hit == Some(line.anchor());
        if self.wrap {
            for (row, range) in rows(line.text(), columns)
                .skip(first)
                .take(seen)
                .enumerate()
            {
                let at = (x, y + row as u16);
                put(buf, at, columns, line, range, (&hits, here), theme);
            }
        } else {
            let text = line.text();
            let (start, _) = skip_columns(text, 0, self.column);
            let (end, _) = skip_columns(text, start, columns);
            put(
                buf,
                (x, y),
                columns,
                line,
                (start, end),
                (&hits, here),
                theme,
            );
            // The last column says that there is more.
            if end < text.len() {
                let at = x + u16::try_from(columns).unwrap_or(u16::MAX) - 1;
                buf.set_stringn(at, y, cx.glyphs.ellipsis(), 1, theme.faint());
            }
            if start > 0 {
                buf.set_stringn(x, y, cx.glyphs.ellipsis(), 1, theme.faint());
            }
        }
    }

    /// The colour of a stream: that of its index, so that retries share it.
    pub(super) fn label_style(&self, stream: usize, theme: &Theme) -> Style {
        let n = match self.sources.get(stream).and_then(|source| source.index) {
            Some(index) => usize::try_from(index).unwrap_or(0),
            None => stream,
        };
        theme.series_at(n)
    }

    /// At the lower right: what came since the reader stopped following.
    fn draw_marker(&self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        if self.follow || area.height == 0 {
            return;
        }
        let glyphs = cx.glyphs;
        let text = match self.unread {
            0 => format!(" {} paused ", glyphs.state(State::Held)),
            n => {
                let down = if glyphs.is_ascii() { "v" } else { "▼" };
                format!(" {down} {} new ", count(n as u64))
            }
        };
        let wide = u16::try_from(width(&text)).unwrap_or(0);
        if area.width <= wide + 1 {
            return;
        }
        let style = match self.unread {
            0 => cx.theme.banner(Level::Info),
            _ => cx.theme.banner(Level::Ok),
        };
        let x = area.right() - wide - 1;
        buf.set_stringn(x, area.bottom() - 1, text, usize::from(wide), style);
    }
}

/// One row of a line: its colours, then the matches over them.
fn put(
    buf: &mut Buffer,
    (x, y): (u16, u16),
    columns: usize,
    line: &Line,
    (start, end): (usize, usize),
    (hits, here): (&[std::ops::Range<usize>], bool),
    theme: &Theme,
) {
    let text = line.text();
    let mut cuts = vec![start, end];
    let inside = |at: usize| at > start && at < end;
    cuts.extend(
        line.runs()
            .iter()
            .map(|run| run.start as usize)
            .filter(|at| inside(*at)),
    );
    cuts.extend(
        hits.iter()
            .flat_map(|hit| [hit.start, hit.end])
            .filter(|at| inside(*at)),
    );
    cuts.sort_unstable();
    cuts.dedup();
    let (mut at, right) = (x, x + u16::try_from(columns).unwrap_or(u16::MAX));
    for piece in cuts.windows(2) {
        let (from, to) = (piece[0], piece[1]);
        let run = line
            .runs()
            .partition_point(|run| run.start as usize <= from);
        let mut style = match run.checked_sub(1).map(|run| line.runs()[run].sgr) {
            Some(sgr) => styled(sgr, theme),
            None => theme.text(),
        };
        if hits.iter().any(|hit| hit.contains(&from)) {
            style = style.patch(theme.matched(here));
        }
        let room = usize::from(right.saturating_sub(at));
        let part = text.get(from..to).unwrap_or_default();
        at = buf.set_stringn(at, y, part, room, style).0;
    }
}

/// A program's colours in the theme's hues: its red is our red, so that it can be read on any background.
fn styled(sgr: Sgr, theme: &Theme) -> Style {
    let mut style = theme.text();
    if theme.depth() != Depth::None {
        if let Some(colour) = colour(sgr.fg, theme) {
            style = style.fg(colour);
        }
        if let Some(colour) = colour(sgr.bg, theme) {
            style = style.bg(colour);
            if sgr.fg == Hue::Default {
                style = style.fg(theme.background());
            }
        }
    }
    for (mark, modifier) in [
        (Sgr::BOLD, Modifier::BOLD),
        (Sgr::DIM, Modifier::DIM),
        (Sgr::ITALIC, Modifier::ITALIC),
        (Sgr::UNDERLINE, Modifier::UNDERLINED),
        (Sgr::REVERSE, Modifier::REVERSED),
        (Sgr::STRIKE, Modifier::CROSSED_OUT),
    ] {
        if sgr.marks & mark != 0 {
            style = style.add_modifier(modifier);
        }
    }
    style
}

fn colour(hue: Hue, theme: &Theme) -> Option<Color> {
    let role = match hue {
        Hue::Default => return None,
        Hue::Ansi(n) => match n % 8 {
            0 if n >= 8 => theme.dim(),
            0 => theme.faint(),
            1 => theme.state(State::Failed),
            2 => theme.state(State::Succeeded),
            3 => theme.state(State::Waiting),
            4 => theme.state(State::Running),
            5 => theme.state(State::Held),
            6 => theme.accent(),
            _ => theme.text(),
        },
        // Below 24 bits the terminal could not show it; a close one of 256 would still be a guess on 16.
        Hue::Indexed(n) if theme.depth() >= Depth::Indexed => return Some(Color::Indexed(n)),
        Hue::Rgb(r, g, b) if theme.depth() == Depth::True => return Some(Color::Rgb(r, g, b)),
        Hue::Indexed(_) | Hue::Rgb(..) => return None,
    };
    role.fg
}
