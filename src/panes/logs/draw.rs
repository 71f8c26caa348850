//! The picture of a log screen: prefixes, timestamps, coloured text, matches, notes, and what came since.

use chrono::{DateTime, Local, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::face::{Face, Tint};
use super::layout::Shape;
use super::{Logs, Times, rail};
use crate::logs::{Hue, Lens, Line, Severity, Sgr};
use crate::model::human;
use crate::panes::Cx;
use crate::panes::rows::skip_columns;
use crate::ui::scroll::{self, Window};
use crate::ui::text::{count, width};
use crate::ui::theme::{Depth, Level, Theme};
use crate::ui::{State, text};

/// `12:03:20.123 `
const TIME: usize = 13;
/// `  2h04m `
const AGO: usize = 8;
/// A lane beside others is not drawn narrower.
const NARROWEST: u16 = 24;
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
        area = self.draw_pins(cx, area, buf);
        let counts = self.buffer.counts();
        if counts.visible == 0 && !self.working {
            for lane in &mut self.lanes {
                (lane.top, lane.area) = (None, area);
            }
            self.empty(cx).draw(area, buf, cx.theme);
            return;
        }
        let lanes = self.lanes.len();
        if lanes == 1 {
            self.draw_lane(cx, 0, area, buf);
        } else {
            // Beside a chart not all may fit: those around the one with the keys do.
            let fit = usize::from(area.width / NARROWEST).clamp(1, lanes);
            let first = (self.lane + 1).saturating_sub(fit);
            for lane in &mut self.lanes {
                lane.area = Rect::default();
            }
            // The one with the keys first: the others stand where it does.
            let shown = first..first + fit;
            let order = std::iter::once(self.lane).chain(shown.filter(|n| *n != self.lane));
            for n in order.collect::<Vec<_>>() {
                self.draw_column(cx, n, (n - first, fit), area, buf);
            }
        }
        self.draw_marker(cx, area, buf);
    }

    /// One of several lanes: its name, then its lines.
    fn draw_column(
        &mut self,
        cx: &Cx,
        n: usize,
        (at, of): (usize, usize),
        area: Rect,
        buf: &mut Buffer,
    ) {
        let lanes = u16::try_from(of).unwrap_or(1);
        let at = u16::try_from(at).unwrap_or(0);
        let (from, to) = (area.width * at / lanes, area.width * (at + 1) / lanes);
        let column = Rect {
            x: area.x + from,
            width: (to - from).saturating_sub(if at + 1 < lanes { 2 } else { 0 }),
            ..area
        };
        if column.is_empty() {
            return;
        }
        let theme = cx.theme;
        if at + 1 < lanes {
            let rule = if cx.glyphs.is_ascii() { "|" } else { "│" };
            for y in column.y..column.bottom() {
                buf.set_string(column.right(), y, rule, theme.border(false));
            }
        }
        let focused = n == self.lane && !self.rail;
        if let Some(stream) = self.lanes[n].stream
            && let Some(source) = self.sources.get(stream)
        {
            let state = if source.gone {
                State::Stale
            } else {
                source.state
            };
            let room = usize::from(column.width);
            let glyph = cx.glyphs.state(state);
            buf.set_stringn(column.x, column.y, glyph, room, theme.state(state));
            let name = match source.index {
                Some(index) => format!("{index} {}", source.name),
                None => source.name.to_string(),
            };
            let name = text::shorten(&name, room.saturating_sub(3), text::Shorten::Middle);
            let mut style = self.label_style(stream, theme);
            if focused {
                style = style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
            }
            buf.set_stringn(column.x + 2, column.y, name, room.saturating_sub(3), style);
        }
        let rest = Rect {
            y: column.y + 1,
            height: column.height.saturating_sub(1),
            ..column
        };
        self.draw_lane(cx, n, rest, buf);
    }

    fn draw_lane(&mut self, cx: &Cx, n: usize, area: Rect, buf: &mut Buffer) {
        let label = match self.lanes[n].stream {
            Some(_) => 0,
            None => self.label_width(),
        };
        let times = match self.times {
            Times::Off => 0,
            Times::Server | Times::Local => TIME,
            Times::Ago => AGO,
        };
        self.lanes[n].area = area;
        self.lanes[n].shape = Shape {
            columns: usize::from(area.width)
                .saturating_sub(label + times + 1)
                .max(1),
            height: usize::from(area.height).max(1),
            wrap: self.wrap,
        };
        self.place_lane(n);
        let Some(top) = self.lanes[n].top else { return };
        let sheet = self.sheet(n);
        let seen = self.lanes[n].shape.seen(sheet, top);
        let mut y = area.y;
        for (cursor, first, rows_seen) in &seen {
            if let Some(line) = self.buffer.get(*cursor) {
                self.draw_line(cx, n, area, buf, y, line, (*first, *rows_seen, label));
            }
            y += u16::try_from(*rows_seen).unwrap_or(u16::MAX);
        }
        if sheet.lens != Lens::VISIBLE {
            return;
        }
        let total = self.buffer.counts().visible;
        let offset = seen.first().map_or(0, |seen| self.buffer.rank(seen.0));
        let window = Window {
            offset,
            page: seen.len(),
            total,
        };
        self.lanes[n].place = (offset + seen.len(), total);
        let track = Rect {
            x: area.right().saturating_sub(1),
            width: 1,
            ..area
        };
        scroll::bar(track, buf, cx.theme, window);
    }

    /// A moment as it is shown now; none while none is shown.
    pub(super) fn clock(&self, at: DateTime<Utc>, cx: &Cx) -> Option<String> {
        Some(match self.times {
            Times::Off => return None,
            Times::Server => at.format("%H:%M:%S%.3f").to_string(),
            Times::Local => at.with_timezone(&Local).format("%H:%M:%S%.3f").to_string(),
            Times::Ago => human::duration((cx.now - at).max(chrono::TimeDelta::zero())),
        })
    }

    /// Columns of the prefix, its space included; 0 if there is but one stream to tell apart.
    fn label_width(&self) -> usize {
        if !self.is_job() || self.sources.len() < 2 {
            return 0;
        }
        let widest = self.sources.iter().map(|s| width(&s.label())).max();
        widest.unwrap_or(0).min(LABEL) + 1
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "a line, where it is drawn, and how much of it"
    )]
    fn draw_line(
        &self,
        cx: &Cx,
        lane: usize,
        area: Rect,
        buf: &mut Buffer,
        y: u16,
        line: &Line,
        (first, seen, label): (usize, usize, usize),
    ) {
        let theme = cx.theme;
        self.draw_gutter(cx, lane, area, buf, y, line, (first, seen));
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
        let clock = line
            .nanos()
            .and_then(|nanos| self.clock(DateTime::from_timestamp_nanos(nanos), cx));
        if let Some(clock) = clock.filter(|_| first == 0) {
            let pad = match self.times {
                Times::Ago => (AGO - 1).saturating_sub(width(&clock)),
                _ => 0,
            };
            let at = x + u16::try_from(pad).unwrap_or(0);
            buf.set_stringn(at, y, clock, TIME, theme.dim());
        }
        x += match self.times {
            Times::Off => 0,
            Times::Server | Times::Local => TIME as u16,
            Times::Ago => AGO as u16,
        };
        let shape = self.lanes[lane].shape;
        let columns = shape.columns;
        let face = self.faces.face(&self.buffer, line);
        let hits = match self.buffer.search() {
            // A line drawn from far inside is highlighted all the same; a bounded number is enough for a screen.
            Some(search) if line.is_hit() => search.ranges(&face.text, 4096),
            _ => Vec::new(),
        };
        let here = self.hit == Some(line.anchor());
        let rows = face.rows(columns, self.wrap);
        for (row, range) in rows.into_iter().skip(first).take(seen).enumerate() {
            let at = (x, y + u16::try_from(row).unwrap_or(u16::MAX));
            if self.wrap {
                put(buf, at, columns, &face, range, (&hits, here), theme);
                continue;
            }
            let text = &face.text[..range.1];
            let (start, _) = skip_columns(text, range.0, self.lanes[lane].column);
            let (end, _) = skip_columns(text, start, columns);
            put(buf, at, columns, &face, (start, end), (&hits, here), theme);
            // The last column says that there is more.
            let more = cx.glyphs.ellipsis();
            if end < text.len() {
                let x = x + u16::try_from(columns).unwrap_or(u16::MAX) - 1;
                buf.set_stringn(x, at.1, more, 1, theme.faint());
            }
            if start > range.0 {
                buf.set_stringn(x, at.1, more, 1, theme.faint());
            }
        }
    }

    /// Left of a line: the cursor, a mark, an open fold.
    #[allow(
        clippy::too_many_arguments,
        reason = "a line, where it is drawn, and how much of it"
    )]
    fn draw_gutter(
        &self,
        cx: &Cx,
        lane: usize,
        area: Rect,
        buf: &mut Buffer,
        y: u16,
        line: &Line,
        (first, seen): (usize, usize),
    ) {
        let Some(x) = area.x.checked_sub(1) else {
            return;
        };
        let theme = cx.theme;
        let focused = lane == self.lane && !self.rail;
        let under = self.lanes[lane].at == Some(line.anchor()) && !self.follow;
        if under && (focused || self.linked) {
            for y in (y..).take(seen) {
                let style = theme.selection_bar(focused);
                buf.set_string(x, y, cx.glyphs.selection(), style);
            }
        }
        if first > 0 {
            return;
        }
        if self.marks.contains(&line.anchor()) {
            buf.set_string(x, y, cx.glyphs.mark(), theme.mark());
        } else if !under && self.buffer.told(line).is_some_and(|folded| folded.open) {
            buf.set_string(x, y, "▾", theme.dim());
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
    face: &Face,
    (start, end): (usize, usize),
    (hits, here): (&[std::ops::Range<usize>], bool),
    theme: &Theme,
) {
    let mut cuts = vec![start, end];
    let inside = |at: &usize| *at > start && *at < end;
    cuts.extend(face.tints.iter().map(|(at, _)| *at).filter(inside));
    cuts.extend(
        hits.iter()
            .flat_map(|hit| [hit.start, hit.end])
            .filter(inside),
    );
    cuts.sort_unstable();
    cuts.dedup();
    let (mut at, right) = (x, x + u16::try_from(columns).unwrap_or(u16::MAX));
    for piece in cuts.windows(2) {
        let (from, to) = (piece[0], piece[1]);
        let mut style = tinted(face.tint(from), theme);
        if hits.iter().any(|hit| hit.contains(&from)) {
            style = style.patch(theme.matched(here));
        }
        let room = usize::from(right.saturating_sub(at));
        let part = face.text.get(from..to).unwrap_or_default();
        at = buf.set_stringn(at, y, part, room, style).0;
    }
}

fn tinted(tint: Tint, theme: &Theme) -> Style {
    match tint {
        Tint::Text => theme.text(),
        Tint::Sgr(sgr) => styled(sgr, theme),
        Tint::Level(level) => match level {
            Severity::Trace | Severity::Debug => theme.faint(),
            Severity::Info => theme.accent(),
            Severity::Warning => theme.level(Level::Warn),
            Severity::Error | Severity::Fatal => {
                theme.level(Level::Error).add_modifier(Modifier::BOLD)
            }
        },
        Tint::Dim => theme.dim(),
        Tint::Faint => theme.faint(),
        Tint::Failure => theme.level(Level::Error),
        Tint::Accent => theme.accent(),
        Tint::Note => theme.dim().add_modifier(Modifier::ITALIC),
        Tint::Alarm => theme.level(Level::Warn).add_modifier(Modifier::ITALIC),
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
