//! The mouse: what stands where it is is what a click does. Tabs, keys in sight and the parts of the path are clicked like
//! anything else; the line between two panes is drawn to and fro.

use chrono::{DateTime, TimeDelta, Utc};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::action::Action;
use super::effect::Effect;
use super::screens::Tab;
use super::update::front;
use super::{App, Link};
use crate::panes::Reply;

/// Two clicks within this time at one place are a double click.
const TWICE: TimeDelta = TimeDelta::milliseconds(400);
/// Rows for a turn of the wheel where a screen has no way of its own.
const WHEEL: usize = 3;

/// What was drawn where around the screen, and what the mouse is about.
#[derive(Debug, Default)]
pub(super) struct Spots {
    pub tabs: Vec<Rect>,
    /// Keys in sight: of the footer, and beside the tabs.
    pub keys: Vec<(Rect, Action)>,
    /// The parts of the path: context, namespace, then the screens.
    pub crumbs: Vec<Rect>,
    clicked: Option<(Position, DateTime<Utc>)>,
    /// The line that is held.
    held: Option<&'static str>,
}

impl App {
    pub(super) fn mouse(&mut self, event: MouseEvent, now: DateTime<Utc>) {
        let at = Position::new(event.column, event.row);
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                self.desk.notices.dismiss();
                if self.clicked_around(at, now) {
                    self.dirty = true;
                    return;
                }
            }
            MouseEventKind::Drag(MouseButton::Left) if self.spots.held.is_some() => {
                return self.drag(at.x);
            }
            MouseEventKind::Up(MouseButton::Left) if self.spots.held.take().is_some() => {
                return self.keep_widths();
            }
            _ => {}
        }
        // the list behind a line being typed is not for the mouse
        if self.prompt.is_some() && self.overlay.is_none() {
            return;
        }
        let last = self.spots.clicked.take();
        if event.kind == MouseEventKind::Down(MouseButton::Left) {
            let near = |then: Position| then.y == at.y && then.x.abs_diff(at.x) <= 1;
            let twice = last.is_some_and(|(then, when)| near(then) && now - when <= TWICE);
            self.desk.session.double_click = twice;
            self.spots.clicked = (!twice).then_some((at, now));
        } else {
            self.spots.clicked = last;
        }
        let area = self.body;
        let reply = {
            let cx = self.desk.cx(now, true);
            front(
                &mut self.overlay,
                &self.link,
                &mut self.start,
                &mut self.screens,
            )
            .mouse(event, area, &cx)
        };
        self.desk.session.double_click = false;
        match (reply, event.kind) {
            (Reply::Ignored, MouseEventKind::ScrollUp) => self.wheel(Action::Up, now),
            (Reply::Ignored, MouseEventKind::ScrollDown) => self.wheel(Action::Down, now),
            (Reply::Ignored, _) => {}
            (reply, _) => {
                self.dirty = true;
                self.reply(reply, now);
            }
        }
    }

    /// The wheel over something that only knows keys.
    fn wheel(&mut self, action: Action, now: DateTime<Utc>) {
        if self.edits() {
            return;
        }
        for _ in 0..WHEEL {
            self.act(action, now);
        }
    }

    /// A click on what surrounds the screen, or on the line between its panes; whether it was one.
    fn clicked_around(&mut self, at: Position, now: DateTime<Utc>) -> bool {
        let key = self.spots.keys.iter().find(|(place, _)| place.contains(at));
        if let Some((_, action)) = key.copied() {
            // as if it had been pressed: an answer to a question, or the end of a line
            self.prompt = self.prompt.take().filter(|_| self.overlay.is_some());
            self.act(action, now);
            return true;
        }
        if self.overlay.is_some() || self.link != Link::Open || self.prompt.is_some() {
            return false;
        }
        let of = |places: &[Rect]| places.iter().position(|place| place.contains(at));
        if let Some(tab) = of(&self.spots.tabs).and_then(|n| Tab::ALL.get(n)) {
            self.act(tab.action(), now);
            return true;
        }
        if let Some(crumb) = of(&self.spots.crumbs) {
            self.crumb(crumb, now);
            return true;
        }
        if let Some((name, column)) = self.screens.top().border()
            && at.x == column
            && self.body.contains(at)
        {
            self.spots.held = Some(name);
            return true;
        }
        false
    }

    /// A part of the path: the context and the namespace are chosen, a screen is gone back to.
    fn crumb(&mut self, n: usize, now: DateTime<Utc>) {
        let before = if self.alone { 0 } else { 2 };
        match n {
            0 if before > 0 => self.act(Action::Contexts, now),
            1 if before > 0 => self.act(Action::Namespaces, now),
            n => {
                // an editor asks before it is left
                let deep = self.screens.path().count();
                let wanted = n - before + 1 + usize::from(before > 0);
                for _ in wanted..deep {
                    if self.edits() {
                        return self.act(Action::Close, now);
                    }
                    self.screens.back();
                }
            }
        }
    }

    /// The line that is held goes where the mouse is.
    fn drag(&mut self, column: u16) {
        let Some(name) = self.spots.held else {
            return;
        };
        let whole = u32::from(self.body.width.max(1));
        let right = u32::from(self.body.right().saturating_sub(column + 1));
        let share = (right * 1000 / whole).clamp(100, 900) as u16;
        self.desk.session.widths.insert(name.to_owned(), share);
        self.dirty = true;
    }

    /// The line between the panes in front goes aside by a step; `wider`: the right one gains.
    pub(super) fn resize(&mut self, wider: bool, now: DateTime<Utc>) {
        let Some((name, column)) = self.screens.top().border() else {
            let text = "no two panes stand side by side here (a wider terminal has room for them)";
            return self.say(crate::panes::Level::Info, text, now);
        };
        self.spots.held = Some(name);
        let step = (self.body.width / 20).max(1);
        self.drag(match wider {
            true => column.saturating_sub(step),
            false => column + step,
        });
        self.spots.held = None;
        self.keep_widths();
    }

    /// The widths of this context are as they are now, and stay so.
    fn keep_widths(&mut self) {
        let session = &self.desk.session;
        let widths = session.widths.clone();
        self.habits.widths.insert(session.context.clone(), widths);
        let habits = Box::new(self.habits.clone());
        self.effects.push(Effect::Remember(habits));
    }
}

#[cfg(test)]
mod tests;
