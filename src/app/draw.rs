//! One frame: header, tabs, what the screen says first, the screen, footer; overlays and the prompt over it.

use chrono::{DateTime, Utc};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::text::Span;

use super::action::{Action, Scope};
use super::screens::Tab;
use super::{App, Link};
use crate::model::health::Health;
use crate::model::job::Phase;
use crate::model::listed::Scope as Scoped;
use crate::panes::{Level, Pane};
use crate::ui::frame::{Header, Hint, counts, footer, tabs, too_small};
use crate::ui::layout::Id;
use crate::ui::{Level as Loud, State, text, toast};

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
    pub fn paint(&mut self, area: Rect, buf: &mut Buffer, now: DateTime<Utc>) -> Option<Position> {
        self.desk.look.theme.clear(area, buf);
        let mut written = None;
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            too_small(SMALLEST, area, buf, &self.desk.look.theme);
            return None;
        }
        let row = |y: u16| Rect {
            y: area.y + y,
            height: 1,
            ..area
        };
        self.spots.keys.clear();
        self.tipped = false;
        self.compact = self.is_compact(area) && self.link == Link::Open && !self.alone;
        // rows above what splits share
        let above = if self.compact { 1 } else { 2 };
        match self.compact {
            true => self.compact_header(row(0), buf, now),
            false => self.header(row(0), buf, now),
        }
        if self.alone {
            self.body = Rect {
                y: area.y + 2,
                height: area.height - 3,
                ..area
            };
            let all = Rect {
                y: area.y + 1,
                height: area.height - 2,
                ..area
            };
            written = self.draw_splits(all, buf, now);
        } else if self.link == Link::Open {
            if !self.compact {
                self.tabs(row(1), buf);
            }
            let (tour, slider) = (self.tour_rows(area), self.slider_rows());
            self.body = Rect {
                y: area.y + above + 1,
                height: area.height - above - 2 - tour - slider,
                ..area
            };
            let all = Rect {
                y: area.y + above,
                height: area.height - above - 1 - tour - slider,
                ..area
            };
            written = self.draw_splits(all, buf, now);
            self.draw_tour(
                Rect {
                    y: self.body.bottom(),
                    height: tour,
                    ..area
                },
                buf,
            );
            self.draw_slider(row(area.height - 1 - slider), buf, now);
        } else {
            self.body = Rect {
                y: area.y + 1,
                height: area.height - 2,
                ..area
            };
            let cx = self.desk.cx(now, true);
            self.start.draw(&cx, self.body, buf);
        }
        let cursor = self.footer(row(area.height - 1), buf, now);
        let over = self.over(buf, now);
        self.desk.look.glyphs.finish(buf);
        let written = written.filter(|_| self.overlay.is_none());
        over.or(cursor).or(written)
    }

    /// The overlay with the line typed into it; answers where the cursor stands.
    fn over(&mut self, buf: &mut Buffer, now: DateTime<Utc>) -> Option<Position> {
        let overlay = self.overlay.as_mut()?;
        let cx = self.desk.cx(now, true);
        match &self.prompt {
            Some(prompt) => overlay.draw_over(&prompt.line, &cx, self.body, buf),
            None => {
                overlay.draw(&cx, self.body, buf);
                None
            }
        }
    }

    /// The screen in front of a split; answers where the cursor of a text in it stands.
    pub(super) fn screen(
        &mut self,
        id: Id,
        answer: Option<Rect>,
        body: Rect,
        buf: &mut Buffer,
        now: DateTime<Utc>,
    ) -> Option<Position> {
        let own = id == self.screens.focused();
        let cx = self.desk.cx(now, own && self.overlay.is_none());
        let top = self.screens.front_of_mut(id)?;
        let mut used = 0;
        if let Some(answer) = answer {
            let mut line = top.answer(&cx);
            line.spans.insert(0, Span::raw(" "));
            line.spans = text::shorten_spans(&line.spans, usize::from(answer.width));
            buf.set_line(answer.x, answer.y, &line, answer.width);
            used = text::spans_width(&line.spans);
        }
        top.draw(&cx, body, buf);
        let cursor = top.editor().and_then(|editor| editor.cursor());
        if let (true, Some(answer)) = (own, answer) {
            let taken = (used as u16 + 3).min(answer.width);
            let free = Rect {
                x: answer.x + taken,
                width: (answer.width - taken).saturating_sub(1),
                ..answer
            };
            self.tipped = self.draw_tip(free, buf, now);
        }
        cursor.filter(|_| own)
    }

    /// ` jobdeck  context ▸ namespace ▸ job/pi        ● 18  ◌ 9  ✗ 4  ✓ 31    GPUs 61/96    live`
    fn header(&mut self, area: Rect, buf: &mut Buffer, now: DateTime<Utc>) {
        let scope = Scoped {
            clusters: Some(self.desk.session.shown()),
            namespaces: self.desk.session.namespace.clone().map(|n| vec![n]),
            ..Scoped::default()
        };
        let totals = self.summary.refresh(&self.desk.model, &scope).clone();
        let (theme, session) = (&self.desk.look.theme, &self.desk.session);
        let mut header = Header {
            brand: "jobdeck",
            crumbs: Vec::new(),
            right: Vec::new(),
        };
        if self.alone {
            let cx = self.desk.cx(now, true);
            for pane in self.screens.path() {
                let title = text::clean(&pane.title(&cx)).into_owned();
                header.crumbs.push(title.into());
            }
            self.spots.crumbs = header.draw(area, buf, theme);
            return;
        }
        let mut health = self
            .health_then(now)
            .unwrap_or_else(|| self.health(area.width));
        if self.recording {
            health.insert(0, Span::styled("● rec ", theme.state(State::Failed)));
        }
        if let Some(sign) = self.spinner(now) {
            health.insert(
                0,
                Span::styled(format!("{sign} "), theme.state(State::Waiting)),
            );
        }
        header.right.push(health);
        let trouble = match self.overall() {
            Some(Health::Stale { why, .. } | Health::Failing { why }) => Some(why),
            _ => None,
        };
        if let (Some(why), Link::Open, false) = (trouble, &self.link, session.several()) {
            let why = text::clean(why);
            let why = text::shorten(&why, 40, text::Shorten::End).into_owned();
            header.right.push(vec![Span::styled(why, theme.dim())]);
        }
        if self.link == Link::Open {
            header.crumbs.push(self.context_crumb());
            header.crumbs.push(
                session
                    .namespace
                    .as_deref()
                    .unwrap_or("all namespaces")
                    .into(),
            );
            let cx = self.desk.cx(now, true);
            for pane in self.screens.path().skip(1) {
                header
                    .crumbs
                    .push(text::clean(&pane.title(&cx)).into_owned().into());
            }
            let states = [
                (
                    State::Running,
                    totals.phase(Phase::Running) + totals.phase(Phase::Finishing),
                ),
                (State::Waiting, totals.waiting()),
                (State::Retrying, totals.phase(Phase::Retrying)),
                (State::Failed, totals.phase(Phase::Failed)),
                (State::Succeeded, totals.phase(Phase::Succeeded)),
            ]
            .map(|(state, n)| (state, u64::from(n)));
            header.right.push(counts(&states, theme));
            if let Some(gpus) = totals.gpus {
                header.right.push(vec![
                    Span::styled("GPUs ", theme.dim()),
                    Span::styled(format!("{}/{}", gpus.used, gpus.allocatable), theme.text()),
                ]);
            }
            if let Some(words) = self
                .read_only_words()
                .filter(|_| self.desk.playhead.is_none())
            {
                header
                    .right
                    .push(vec![Span::styled(words, theme.state(State::Held))]);
            }
        }
        self.spots.crumbs = header.draw(area, buf, theme);
    }

    pub(super) fn health(&self, width: u16) -> Vec<Span<'static>> {
        let theme = &self.desk.look.theme;
        if self.link == Link::Open && self.desk.session.several() {
            return self.health_of_all(usize::from(width) / 2);
        }
        let word =
            |state: State, text: &str| vec![Span::styled(text.to_owned(), theme.state(state))];
        match (&self.link, self.overall()) {
            (Link::Connecting { .. }, _) => word(State::Waiting, "connecting"),
            (Link::Failed(_), _) => word(State::Failed, "not connected"),
            (Link::Open, None) => word(State::Running, "live"),
            (Link::Open, Some(health)) => match health {
                Health::Connecting => word(State::Waiting, "connecting"),
                Health::Syncing {
                    seen,
                    total: Some(total),
                } => word(
                    State::Waiting,
                    &format!(
                        "syncing {}/{}",
                        text::count(*seen as u64),
                        text::count(*total as u64)
                    ),
                ),
                Health::Syncing { seen, total: None } => word(
                    State::Waiting,
                    &format!("syncing {}", text::count(*seen as u64)),
                ),
                Health::Stale { since, .. } => {
                    let local = since.with_timezone(&chrono::Local);
                    word(
                        State::Failed,
                        &format!("stale since {}", local.format("%H:%M:%S")),
                    )
                }
                Health::Forbidden { resource, .. } => {
                    word(State::Held, &format!("{resource} forbidden"))
                }
                Health::Failing { .. } => word(State::Failed, "failing"),
                Health::Live | Health::Absent => word(State::Running, "live"),
            },
        }
    }

    fn tabs(&mut self, area: Rect, buf: &mut Buffer) {
        let theme = &self.desk.look.theme;
        let unread = (self.desk.notices.unread() + self.desk.session.inbox.unread()) as u64;
        let labels = Tab::ALL.map(|tab| {
            (
                tab.label(),
                (tab == Tab::Inbox && unread > 0).then_some(unread),
            )
        });
        let filter = self.screens.top().filter();
        let (right, actions): (Vec<(String, &str)>, Vec<Action>) = if filter.is_empty() {
            [
                (Action::Filter, "filter"),
                (Action::Command, "go"),
                (Action::Help, "keys"),
            ]
            .into_iter()
            .filter_map(|(action, word)| {
                let key = self.desk.look.key_for(action, &[Scope::Global])?;
                Some(((key, word), action))
            })
            .unzip()
        } else {
            let filter = text::clean(filter).into_owned();
            (vec![(filter, "(esc clears)")], vec![Action::Back])
        };
        let (places, keys) = tabs(
            &labels,
            self.screens.tab() as usize,
            &right,
            area,
            buf,
            theme,
        );
        self.spots.tabs = places;
        self.spots.keys.extend(keys.into_iter().zip(actions));
    }

    /// The prompt, or a message, or the keys that matter; answers the cursor's place in the prompt.
    fn footer(&mut self, area: Rect, buf: &mut Buffer, now: DateTime<Utc>) -> Option<Position> {
        let theme = &self.desk.look.theme;
        if let Some(prompt) = self.prompt.as_ref().filter(|_| self.overlay.is_none()) {
            let label = format!(" {}:", prompt.label);
            let at = prompt.line.draw(&label, "", area, buf, theme);
            if let Some(error) = prompt.error.as_deref().filter(|e| !e.is_empty()) {
                let free = area.right().saturating_sub(at.x + 3);
                let words = text::shorten(error, free.into(), text::Shorten::End);
                let x = area.right().saturating_sub(text::width(&words) as u16 + 1);
                buf.set_stringn(x, area.y, &words, free.into(), theme.level(Loud::Error));
            }
            if let Some((from, len)) = prompt.error_at {
                // Counted back from the cursor, wherever the text is scrolled to.
                let style = theme.level(Loud::Error).add_modifier(Modifier::UNDERLINED);
                for x in prompt.line.columns_of(from, len, at.x) {
                    if (area.x..area.right()).contains(&x) {
                        buf[(x, area.y)].set_style(style);
                    }
                }
            }
            return Some(at);
        }
        if let Some(notice) = self.desk.notices.current(now) {
            let level = match notice.level {
                Level::Info => Loud::Info,
                Level::Warning => Loud::Warn,
                Level::Error => Loud::Error,
            };
            // long ones grow upward over the body
            let room = Rect {
                y: area.y.saturating_sub(2),
                height: 3,
                ..area
            };
            toast::draw(&notice.text, level, room, buf, theme);
            return None;
        }
        let hints = self.hints(now);
        let right = match &self.link {
            Link::Open => self.screens.top().position(&self.desk.cx(now, true)),
            _ => String::new(),
        };
        let right = match self.hidden() {
            Some(words) if right.is_empty() => words,
            Some(words) => format!("{words}  {right}"),
            None => right,
        };
        let (actions, hints): (Vec<_>, Vec<_>) = hints.into_iter().unzip();
        let end = area.right().saturating_sub(text::width(&right) as u16 + 4);
        let right = [Span::styled(right, theme.dim())];
        let places = footer(&hints, &right, area, buf, theme);
        // no key gave way for want of room
        if !self.tipped && places.len() == hints.len() {
            let from = places.last().map_or(area.x, |place| place.right()) + 3;
            let free = Rect {
                x: from,
                width: end.saturating_sub(from),
                ..area
            };
            self.draw_tip(free, buf, now);
        }
        let keys = places.into_iter().zip(actions);
        let keys = keys.filter_map(|(place, action)| Some((place, action?)));
        self.spots.keys.extend(keys);
        None
    }

    /// The keys that matter, each with what it does; none of an unfinished sequence.
    fn hints(&self, now: DateTime<Utc>) -> Vec<(Option<Action>, Hint<'static>)> {
        let pending = self.desk.look.pending();
        let cx = self.desk.cx(now, true);
        let pane: &dyn Pane = match (&self.overlay, &self.link) {
            (Some(overlay), _) => &**overlay,
            (None, Link::Open) => self.screens.top(),
            (None, _) => &self.start,
        };
        let mut scopes: Vec<Scope> = pane.scopes().to_vec();
        if pane.editor().is_none() {
            scopes.push(Scope::Global);
        }
        if !pending.is_empty() {
            // what has begun, and how it may go on
            let begun = std::iter::once((None, Hint::new(pending.to_string(), "…")));
            let next = self.desk.look.continuations(&scopes).into_iter();
            let next = next.map(|(keys, action)| (None, Hint::new(keys, action.short())));
            return begun.chain(next).collect();
        }
        let keys = match self.link {
            Link::Open => pane.subjects(&cx),
            _ => Vec::new(),
        };
        let hint = |action: Action| {
            let hint = Hint::new(self.desk.look.key_for(action, &scopes)?, action.short());
            Some(match self.denied(action, &keys) {
                Some(why) => (None, hint.not(text::clean(&why).into_owned())),
                None => (Some(action), hint),
            })
        };
        // keys that are the slider's now
        let taken = |hint: &Hint| self.in_the_past() && self.desk.look.is_slider_key(&hint.key);
        let hints = pane.hints(&cx).into_iter().filter_map(hint);
        hints.filter(|(_, hint)| !taken(hint)).collect()
    }
}
