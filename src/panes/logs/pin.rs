//! What stays on top while lines run by: the first failure of any rank in one sentence, a crash and its last words. Separate because it is no line
//! of the log, and there when its lines are not.

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Logs;
use super::rail::Entry;
use crate::app::action::{Action, Scope};
use crate::model::human;
use crate::panes::words::count;
use crate::panes::{Cx, Level, LogsOf, Reply, Target};
use crate::ui::State;
use crate::ui::text::{Shorten, clean, shorten, width};

/// A crash is news for so long.
const NEWS: TimeDelta = TimeDelta::minutes(10);

impl Logs {
    /// Draws what is pinned, and answers what is left for the text.
    pub(super) fn draw_pins(&self, cx: &Cx, area: Rect, buf: &mut Buffer) -> Rect {
        if area.height < 4 {
            return area;
        }
        let mut area = area;
        let failure = self.pinned(cx).map(|pin| (pin, State::Failed));
        let crash = self.crash(cx).map(|pin| (pin, State::Retrying));
        for ((left, right), state) in failure.into_iter().chain(crash) {
            area = draw_pin(cx, area, buf, &left, &right, state);
        }
        area
    }

    /// A container that was restarted a short while ago, and how to read its last words.
    pub(super) fn crash(&self, cx: &Cx) -> Option<(String, String)> {
        let source = self.crashed(cx)?;
        let crash = source.crash.as_ref()?;
        let who = match self.sources.len() {
            1 => "the container".to_owned(),
            _ => format!("{} ({})", source.label(), source.name),
        };
        let left = format!(
            "{} {who} crashed {} ago: {}",
            cx.glyphs.state(State::Retrying),
            human::duration((cx.now - crash.at).max(TimeDelta::zero())),
            clean(&crash.how)
        );
        let scopes = [Scope::Logs.name(), Scope::Text.name()];
        let keys = cx.keymap.keys_for(Action::TogglePrevious, &scopes);
        let right = keys
            .first()
            .map(|key| format!("{key} shows its last words"));
        Some((left, right.unwrap_or_default()))
    }

    /// The one that crashed last, if that is news.
    fn crashed(&self, cx: &Cx) -> Option<&super::Source> {
        if self.ask.previous {
            return None;
        }
        let at = |source: &super::Source| source.crash.as_ref().map(|crash| crash.at);
        let news = |source: &&super::Source| {
            at(source).is_some_and(|at| cx.now - at < NEWS) && !source.gone
        };
        self.sources
            .iter()
            .filter(news)
            .max_by_key(|source| at(source))
    }

    /// The log of before the restart: of one pod in place of the current one and back, of one of several pods (the one
    /// selected, else the one that crashed last) on a screen of its own.
    pub(super) fn before_the_crash(&mut self, cx: &Cx) -> Reply {
        if self.is_job() {
            let selected = match self.rail_at {
                Entry::Stream(at) => self.sources.get(at).filter(|source| source.crash.is_some()),
                Entry::All | Entry::Out(_) => None,
            };
            let crashed = self.sources.iter().filter(|source| source.crash.is_some());
            let last = crashed.max_by_key(|source| source.crash.as_ref().map(|crash| crash.at));
            let Some(source) = selected.or_else(|| self.crashed(cx)).or(last) else {
                let text = "no container of these pods was restarted";
                return Reply::Say(Level::Info, text.into());
            };
            let container = source.crash.as_ref().map(|crash| crash.container.clone());
            return Reply::Open(Target::Logs(LogsOf::Pod {
                pod: source.pod,
                container,
                previous: true,
            }));
        }
        self.ask_anew(cx, |ask| ask.previous = !ask.previous)
    }

    fn pinned(&self, cx: &Cx) -> Option<(String, String)> {
        let first = self.buffer.first_failure()?;
        let glyph = cx.glyphs.state(State::Failed);
        let mut left = format!("{glyph} ");
        if self.sources.len() > 1 || first.rank.is_some() {
            let who = self.faces.who(&[(first.stream, first.rank)]);
            let said = first.words.contains(&who) && !who.is_empty();
            let who = match &*who {
                "" => self.sources.get(first.stream).map(super::Source::label),
                _ => Some(who).filter(|_| !said),
            };
            left.extend(who.map(|who| format!("{who} · ")));
        }
        left.push_str(&clean(&first.words));
        let mut right = String::new();
        if let Some(nanos) = self.buffer.line(first.anchor).and_then(|line| line.nanos()) {
            let at = DateTime::<Utc>::from_timestamp_nanos(nanos);
            right.push_str(
                &self
                    .clock(at, cx)
                    .unwrap_or_else(|| at.format("%H:%M:%S").to_string()),
            );
        }
        let mut say = |text: String| {
            if !right.is_empty() {
                right.push_str(" · ");
            }
            right.push_str(&text);
        };
        match self.buffer.failures() {
            0 | 1 => {}
            n => say(format!("first of {}", count(n, "failure", "failures"))),
        }
        let scopes = [Scope::Logs.name(), Scope::Text.name()];
        let keys = cx.keymap.keys_for(Action::FirstFailure, &scopes);
        if let Some(key) = keys.first() {
            say(format!("{key} goes there"));
        }
        Some((left, right))
    }
}

fn draw_pin(cx: &Cx, area: Rect, buf: &mut Buffer, left: &str, right: &str, state: State) -> Rect {
    let columns = usize::from(area.width);
    let wide = width(right);
    let room = match columns.checked_sub(wide + 2) {
        Some(room) if room > columns / 2 => {
            let x = area.right() - u16::try_from(wide + 1).unwrap_or(0);
            buf.set_stringn(x, area.y, right, wide, cx.theme.dim());
            room
        }
        _ => columns.saturating_sub(1),
    };
    let left = shorten(left, room, Shorten::End);
    buf.set_stringn(area.x, area.y, left, room, cx.theme.state(state));
    Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    }
}
