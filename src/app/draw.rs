//! One frame: header, tabs, what the screen says first, the screen, footer; overlays and the prompt over it.

use chrono::{DateTime, Utc};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::action::{Action, Scope};
use super::screens::Tab;
use super::{App, Link};
use crate::model::health::Health;
use crate::panes::{Level, too_small};
use crate::ui::{Level as Loud, State, text};

/// Below this nothing sensible fits.
pub const SMALLEST: (u16, u16) = (60, 16);

impl App {
    /// Draws the screen as it is now.
    pub fn draw(&mut self, frame: &mut Frame, now: DateTime<Utc>) {
        let area = frame.area();
        let cursor = self.paint(area, frame.buffer_mut(), now);
        if let Some(at) = cursor {
            frame.set_cursor_position(at);
        }
    }

    /// The same into a buffer, without a terminal; answers where the cursor belongs, if it shows.
    pub fn paint(&mut self, area: Rect, buf: &mut Buffer, now: DateTime<Utc>) -> Option<(u16, u16)> {
        self.desk.look.theme.clear(area, buf);
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            too_small::draw(area, buf, &self.desk.look.theme);
            return None;
        }
        let row = |y: u16| Rect { y: area.y + y, height: 1, ..area };
        let last = area.height - 1;
        self.header(row(0), buf, now);
        let cursor = if self.link == Link::Open {
            self.tabs(row(1), buf);
            self.body = Rect { y: area.y + 3, height: area.height - 4, ..area };
            self.screen(row(2), buf, now);
            None
        } else {
            self.body = Rect { y: area.y + 1, height: area.height - 2, ..area };
            let cx = self.desk.cx(now, true);
            crate::panes::Pane::draw(&mut self.start, &cx, self.body, buf);
            None
        };
        if let Some(overlay) = &mut self.overlay {
            let cx = self.desk.cx(now, true);
            overlay.draw(&cx, self.body, buf);
        }
        let cursor = self.footer(row(last), buf, now).or(cursor);
        self.desk.look.glyphs.finish(buf);
        cursor
    }

    fn screen(&mut self, answer: Rect, buf: &mut Buffer, now: DateTime<Utc>) {
        let cx = self.desk.cx(now, self.overlay.is_none());
        let top = self.screens.top_mut();
        let mut line = top.answer(&cx);
        line.spans.insert(0, Span::raw(" "));
        bar(answer, buf, line.spans, Vec::new());
        top.draw(&cx, self.body, buf);
    }

    /// ` jobdeck  context ▸ namespace        62 jobs ● 18 ◌ 9 ✗ 4 ✓ 31    GPUs 61/96    live`
    fn header(&self, area: Rect, buf: &mut Buffer, now: DateTime<Utc>) {
        let (theme, session) = (&self.desk.look.theme, &self.desk.session);
        let mut left = vec![Span::styled(" jobdeck ", theme.title()), Span::styled(" ", theme.text())];
        if self.link == Link::Open {
            left.push(Span::styled(text::clean(&session.context).into_owned(), theme.text()));
            left.push(Span::styled(format!(" {} ", self.desk.look.glyphs.crumb()), theme.faint()));
            let namespace = session.namespace.as_deref().unwrap_or("all namespaces");
            left.push(Span::styled(namespace.to_owned(), theme.accent()));
            let cx = self.desk.cx(now, true);
            for pane in self.screens.path().skip(1) {
                left.push(Span::styled(format!(" {} ", self.desk.look.glyphs.crumb()), theme.faint()));
                left.push(Span::styled(text::clean(&pane.title(&cx)).into_owned(), theme.text()));
            }
            if session.read_only {
                left.push(Span::styled("  read-only", theme.state(State::Held)));
            }
        }
        let mut right = if self.link == Link::Open { self.totals(area.width) } else { Vec::new() };
        right.extend(self.health());
        right.push(Span::raw(" "));
        bar(area, buf, left, right);
    }

    /// Jobs by state and GPUs in use; the less room, the less of it.
    fn totals(&self, width: u16) -> Vec<Span<'static>> {
        let theme = &self.desk.look.theme;
        let totals = self.desk.model.totals_now(&self.desk.session);
        let mut spans = Vec::new();
        if width >= 100 {
            spans.push(Span::styled(format!("{} jobs  ", totals.jobs), theme.dim()));
        }
        for (state, n) in [
            (State::Running, totals.running),
            (State::Waiting, totals.waiting),
            (State::Failed, totals.failed),
            (State::Succeeded, totals.succeeded),
        ] {
            if width >= 76 || n > 0 && width >= 70 {
                let style = if n == 0 { theme.faint() } else { theme.state(state) };
                spans.push(Span::styled(format!("{} ", theme.state_glyph(state)), style));
                let count = if n == 0 { theme.faint() } else { theme.text() };
                spans.push(Span::styled(format!("{n}  "), count));
            }
        }
        if totals.gpus > 0 && width >= 100 {
            spans.push(Span::styled(" GPUs ", theme.dim()));
            spans.push(Span::styled(format!("{}/{}  ", totals.gpus_used, totals.gpus), theme.text()));
        }
        spans
    }

    fn health(&self) -> Vec<Span<'static>> {
        let theme = &self.desk.look.theme;
        let word = |state: State, text: &str| vec![Span::styled(format!(" {text}"), theme.state(state))];
        match (&self.link, self.overall()) {
            (Link::Connecting { .. }, _) => word(State::Waiting, "connecting"),
            (Link::Failed(_), _) => word(State::Failed, "not connected"),
            (Link::Open, None) => word(State::Running, "live"),
            (Link::Open, Some(health)) => match health {
                Health::Connecting => word(State::Waiting, "connecting"),
                Health::Syncing { seen, total: Some(total) } => {
                    word(State::Waiting, &format!("syncing {}/{}", text::count(*seen as u64), text::count(*total as u64)))
                }
                Health::Syncing { seen, total: None } => {
                    word(State::Waiting, &format!("syncing {}", text::count(*seen as u64)))
                }
                Health::Stale { since, .. } => {
                    let local = since.with_timezone(&chrono::Local);
                    word(State::Failed, &format!("stale since {}", local.format("%H:%M:%S")))
                }
                Health::Forbidden { resource, .. } => word(State::Held, &format!("{resource} forbidden")),
                Health::Failing { .. } => word(State::Failed, "failing"),
                Health::Live | Health::Absent => word(State::Running, "live"),
            },
        }
    }

    fn tabs(&mut self, area: Rect, buf: &mut Buffer) {
        let theme = &self.desk.look.theme;
        let mut left = vec![Span::raw(" ")];
        self.tab_columns.clear();
        let mut column = area.x + 1;
        for tab in Tab::ALL {
            let unread = self.desk.notices.unread();
            let label = match tab {
                Tab::Messages if unread > 0 => format!("{} {unread}", tab.label()),
                _ => tab.label().to_owned(),
            };
            let width = text::width(&label) as u16 + 2;
            self.tab_columns.push((column..column + width, tab));
            column += width;
            left.push(Span::styled(format!(" {label} "), theme.tab(tab == self.screens.tab())));
        }
        let key = |action: Action| self.desk.look.key_for(action, &[Scope::Global]);
        let mut right = Vec::new();
        let filter = self.screens.top().filter();
        if filter.is_empty() {
            for (action, word) in [(Action::Filter, "filter"), (Action::Command, "go"), (Action::Help, "keys")] {
                if let Some(keys) = key(action) {
                    right.push(Span::styled(keys, theme.key()));
                    right.push(Span::styled(format!(" {word}  "), theme.hint()));
                }
            }
        } else {
            right.push(Span::styled("filter ", theme.hint()));
            right.push(Span::styled(text::clean(filter).into_owned(), theme.accent()));
            right.push(Span::raw("  "));
        }
        bar(area, buf, left, right);
    }

    /// Which tab is under a cell, if any.
    pub(super) fn tab_at(&self, column: u16, row: u16) -> Option<Tab> {
        if row + 2 != self.body.y {
            return None;
        }
        self.tab_columns.iter().find(|(columns, _)| columns.contains(&column)).map(|(_, tab)| *tab)
    }

    /// The prompt, or a message, or the keys that matter; answers the cursor's place in the prompt.
    fn footer(&mut self, area: Rect, buf: &mut Buffer, now: DateTime<Utc>) -> Option<(u16, u16)> {
        let theme = &self.desk.look.theme;
        if let Some(prompt) = &self.prompt {
            let label = if prompt.label == ":" { " :".to_owned() } else { format!(" {}:", prompt.label) };
            let at = prompt.line.draw(&label, "", area, buf, theme);
            if let Some(error) = prompt.error.as_deref().filter(|e| !e.is_empty()) {
                let words = vec![Span::styled(format!("{error} "), theme.level(Loud::Error))];
                let free = area.right().saturating_sub(at.x + 2);
                let area = Rect { x: area.right() - free, width: free, ..area };
                bar(area, buf, Vec::new(), words);
            }
            return Some((at.x, at.y));
        }
        let right = self.clock(now);
        if let Some(notice) = self.desk.notices.current(now) {
            let level = match notice.level {
                Level::Info => Loud::Info,
                Level::Warning => Loud::Warn,
                Level::Error => Loud::Error,
            };
            let words = format!(" {}", text::clean(&notice.text));
            bar(area, buf, vec![Span::styled(words, theme.level(level))], right);
            return None;
        }
        bar(area, buf, self.hints(now), right);
        None
    }

    fn hints(&self, now: DateTime<Utc>) -> Vec<Span<'static>> {
        let theme = &self.desk.look.theme;
        let pending = self.desk.look.pending();
        if !pending.is_empty() {
            return vec![Span::styled(format!(" {pending} …"), theme.key())];
        }
        let cx = self.desk.cx(now, true);
        let pane: &dyn crate::panes::Pane = match (&self.overlay, &self.link) {
            (Some(overlay), _) => &**overlay,
            (None, Link::Open) => self.screens.top(),
            (None, _) => &self.start,
        };
        let scopes: Vec<Scope> = pane.scopes().iter().copied().chain([Scope::Global]).collect();
        let mut spans = vec![Span::raw(" ")];
        for action in pane.hints(&cx) {
            if let Some(keys) = self.desk.look.key_for(action, &scopes) {
                spans.push(Span::styled(keys, theme.key()));
                spans.push(Span::styled(format!(" {}  ", action.short()), theme.hint()));
            }
        }
        spans
    }

    fn clock(&self, now: DateTime<Utc>) -> Vec<Span<'static>> {
        let theme = &self.desk.look.theme;
        if self.link != Link::Open {
            return Vec::new();
        }
        let position = self.screens.top().position(&self.desk.cx(now, true));
        vec![Span::styled(format!("{position} "), theme.dim())]
    }
}

/// One line: `left` from the left, `right` at the right edge; what does not fit of `left` is cut.
fn bar(area: Rect, buf: &mut Buffer, left: Vec<Span>, right: Vec<Span>) {
    let right_width = (text::spans_width(&right) as u16).min(area.width);
    let room = area.width - right_width;
    buf.set_line(area.x, area.y, &Line::from(left), room.saturating_sub(u16::from(right_width > 0)));
    buf.set_line(area.x + room, area.y, &Line::from(right), right_width);
}
