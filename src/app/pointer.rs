//! The mouse: what stands where it is is what a click does. Tabs, keys in sight and the parts of the path are clicked like
//! anything else; the line between two panes is drawn to and fro.

use chrono::{DateTime, TimeDelta, Utc};
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::action::{Action, Scope};
use super::effect::Effect;
use super::screens::Tab;
use super::update::front;
use super::{App, Link};
use crate::panes::{Level, Reply};
use crate::ui::layout::{Id, Placed};

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
    /// The area that splits share, where each was drawn last, and the screen in it.
    pub area: Rect,
    pub splits: Placed,
    pub bodies: Vec<(Id, Rect)>,
    /// The track of the slider.
    pub slider: Rect,
    clicked: Option<(Position, DateTime<Utc>)>,
    /// The line that is held.
    held: Option<Held>,
}

/// A line that follows the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// Between two panes of a screen, by what its width is remembered by.
    Border(&'static str),
    /// Between splits, by its number.
    Split(usize),
}

impl App {
    /// Clicks and the wheel are reported from now on, or left to the terminal.
    pub(super) fn use_mouse(&mut self, on: bool, now: DateTime<Utc>) {
        self.mouse_on = on;
        self.effects.push(Effect::Mouse(on));
        let key = self
            .desk
            .look
            .key_for(Action::ToggleMouse, &[Scope::Global]);
        let key = key.unwrap_or_else(|| ":toggle-mouse".into());
        let text = match on {
            true => {
                "the mouse clicks, scrolls and draws lines; with shift the terminal selects text"
                    .into()
            }
            false => format!(
                "the mouse is the terminal's: it selects text as everywhere; {key} takes it back"
            ),
        };
        self.say(Level::Info, text, now);
    }

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
                return self.drag(at);
            }
            MouseEventKind::Up(MouseButton::Left) if self.spots.held.is_some() => {
                match self.spots.held.take() {
                    Some(Held::Border(_)) => self.keep_widths(),
                    _ => self.remember_layout(),
                }
                return;
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
        // the wheel turns what it is over, and the keyboard stays where it is
        let here = self.screens.focused();
        let over = self.spots.splits.pane_at(at);
        if self.overlay.is_none()
            && self.link == Link::Open
            && let Some(over) = over
        {
            self.screens.focus(over);
        }
        self.pointed(event, at, now);
        if !matches!(event.kind, MouseEventKind::Down(_)) {
            self.screens.focus(here);
        }
    }

    /// An event of the mouse for what it is over.
    fn pointed(&mut self, event: MouseEvent, at: Position, now: DateTime<Utc>) {
        let area = match self.overlay.is_none() && self.link == Link::Open {
            true => self.body_here(),
            false => self.body,
        };
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
        // with a modifier: beside it
        let asks = KeyModifiers::ALT | KeyModifiers::CONTROL;
        let press = event.kind == MouseEventKind::Down(MouseButton::Left);
        if press && event.modifiers.intersects(asks) && area.contains(at) && !self.alone {
            self.act(Action::OpenBeside, now);
        }
    }

    /// Where the screen of the split that has the keyboard was drawn last.
    fn body_here(&self) -> Rect {
        let here = self.screens.focused();
        let found = self.spots.bodies.iter().find(|(id, _)| *id == here);
        found.map_or(self.body, |(_, area)| *area)
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
        if self.in_the_past() && self.spots.slider.contains(at) {
            self.click_in_time(at.x, now);
            return true;
        }
        if let Some(crumb) = of(&self.spots.crumbs) {
            self.crumb(crumb, now);
            return true;
        }
        let pane = self.spots.splits.pane_at(at);
        if let Some(pane) = pane.filter(|pane| *pane != self.screens.focused()) {
            self.dirty = true;
            self.screens.focus(pane);
            self.arrived();
        }
        if let Some(line) = self.spots.splits.line_at(at) {
            self.spots.held = Some(Held::Split(line));
            return true;
        }
        if let Some((name, column)) = self.screens.top().border()
            && at.x == column
            && self.body_here().contains(at)
        {
            self.spots.held = Some(Held::Border(name));
            return true;
        }
        // a title
        pane.is_some() && !self.body_here().contains(at) && self.spots.splits.panes.len() > 1
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
    fn drag(&mut self, to: Position) {
        self.dirty = true;
        let name = match self.spots.held {
            Some(Held::Border(name)) => name,
            Some(Held::Split(line)) => {
                let layout = self.screens.layout_mut();
                return layout.drag(line, &self.spots.splits, to);
            }
            None => return,
        };
        let body = self.body_here();
        let whole = u32::from(body.width.max(1));
        let right = u32::from(body.right().saturating_sub(to.x + 1));
        let share = (right * 1000 / whole).clamp(100, 900) as u16;
        self.desk.session.widths.insert(name.to_owned(), share);
    }

    /// The line between the panes in front goes aside by a step; `wider`: the right one gains.
    pub(super) fn resize(&mut self, wider: bool, now: DateTime<Utc>) {
        let Some((name, column)) = self.screens.top().border() else {
            if self.screens.is_split() {
                let action = match wider {
                    true => Action::SplitWider,
                    false => Action::SplitNarrower,
                };
                return self.act(action, now);
            }
            let text = "no two panes stand side by side here (a wider terminal has room for them)";
            return self.say(Level::Info, text, now);
        };
        self.spots.held = Some(Held::Border(name));
        let step = (self.body_here().width / 20).max(1);
        let x = match wider {
            true => column.saturating_sub(step),
            false => column + step,
        };
        self.drag(Position::new(x, 0));
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
