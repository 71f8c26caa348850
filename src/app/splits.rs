//! The screen shared by several panes: what splits it, who has the keyboard, what stands beside what, and how it is drawn.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::text::Span;

use super::action::Action;
use super::clusters::addressed;
use super::effect::Effect;
use super::screens::Follow;
use super::{App, Link};
use crate::model::want::Want;
use crate::panes::{Level, Pane};
use crate::ui::frame::{horizontal, vertical};
use crate::ui::layout::{Along, Id, Placed, Way};
use crate::ui::text;

/// From this width on a second pane stands to the right of the first, else below it.
const WIDE: u16 = 120;

impl App {
    /// What splits the screen, or is about its splits; whether it was that.
    pub(super) fn split_first(&mut self, action: Action, now: DateTime<Utc>) -> bool {
        let zooms = action == Action::Zoom && self.screens.is_split();
        let beside = match action {
            Action::OpenBeside => Some(Action::Open),
            Action::LogsBeside => Some(Action::Logs),
            Action::YamlBeside => Some(Action::Yaml),
            _ => None,
        };
        if self.overlay.is_some() || self.link != Link::Open || self.alone {
            return false;
        }
        match action {
            Action::Zoom if zooms => self.screens.zoom(!self.screens.is_zoomed()),
            Action::SplitRight => self.split(Along::Row, now),
            Action::SplitDown => self.split(Along::Column, now),
            Action::CloseSplit => self.close_split(now),
            Action::NextSplit => self.next_split(1),
            Action::PreviousSplit => self.next_split(-1),
            Action::FocusLeft => self.focus_way(Way::Left),
            Action::FocusRight => self.focus_way(Way::Right),
            Action::FocusUp => self.focus_way(Way::Up),
            Action::FocusDown => self.focus_way(Way::Down),
            Action::SwapSplit => self.swap(),
            Action::SplitWider => self.grow(Along::Row, true),
            Action::SplitNarrower => self.grow(Along::Row, false),
            Action::SplitTaller => self.grow(Along::Column, true),
            Action::SplitShorter => self.grow(Along::Column, false),
            Action::SplitEven => self.screens.layout_mut().even(),
            _ => match beside {
                Some(show) => self.beside(show, now),
                None => return false,
            },
        }
        self.remember_layout();
        self.dirty = true;
        true
    }

    fn split(&mut self, along: Along, now: DateTime<Utc>) {
        let id = self.screens.split(along);
        self.screens.focus(id);
        self.no_room(now);
    }

    /// Says that not all panes are on the screen, if so.
    fn no_room(&mut self, now: DateTime<Utc>) {
        let area = self.spots.area;
        if area.width > 0 && self.screens.place(area).panes.len() < self.screens.number().1 {
            let text = "no room here for one more pane: this one has the whole screen until the terminal grows or a pane is closed";
            self.say(Level::Info, text, now);
        }
    }

    fn close_split(&mut self, now: DateTime<Utc>) {
        if !self.screens.is_split() {
            let text = "this is the only pane: nothing to close";
            return self.say(Level::Info, text, now);
        }
        if self.screens.writes_here() {
            let text =
                "a text is being written in this pane: send or leave it before the pane is closed";
            return self.say(Level::Warning, text, now);
        }
        self.screens.close_split();
    }

    pub(super) fn next_split(&mut self, by: isize) {
        let next = self.screens.layout().next(self.screens.focused(), by);
        self.screens.focus(next);
        self.arrived();
    }

    fn focus_way(&mut self, way: Way) {
        let here = self.screens.focused();
        // of a zoomed screen those that are hidden
        let whole = self.screens.layout().place(self.spots.area);
        let placed = whole.unwrap_or_default();
        if let Some(id) = placed.neighbour(here, way) {
            self.screens.focus(id);
            self.arrived();
        }
    }

    fn swap(&mut self) {
        let here = self.screens.focused();
        let other = self.screens.layout().next(here, 1);
        self.screens.layout_mut().swap(here, other);
    }

    fn grow(&mut self, along: Along, gain: bool) {
        let here = self.screens.focused();
        let placed = self.screens.place(self.spots.area);
        let layout = self.screens.layout_mut();
        layout.resize(here, along, gain, &placed);
    }

    /// What is under the cursor, in another pane that follows it from now on.
    pub(super) fn beside(&mut self, show: Action, now: DateTime<Utc>) {
        let here = self.screens.focused();
        let target = {
            let cx = self.desk.cx(now, true);
            self.screens.top().leads_to(show, &cx)
        };
        if target.is_none() {
            let what = match show {
                Action::Logs => "no log",
                Action::Yaml => "no object",
                _ => "nothing",
            };
            let text = format!("{what} under the cursor that could be shown beside");
            return self.say(Level::Info, text, now);
        }
        let id = self.place_beside(here, show);
        let already = self.screens.follows(id);
        if already.is_none_or(|follow| follow.leader != here || follow.show != show) {
            self.screens.follow(id, Follow::new(here, show));
        }
        self.screens.zoom(false);
        self.keep_up(now);
        self.no_room(now);
    }

    /// The pane that shows it: one that follows already, one beside, or a new one.
    fn place_beside(&mut self, here: Id, show: Action) -> Id {
        let all = self.screens.layout().ids();
        let of_mine = |id: Id| self.screens.follows(id).filter(|f| f.leader == here);
        let same = all
            .iter()
            .find(|id| of_mine(**id).is_some_and(|f| f.show == show));
        if let Some(id) = same {
            return *id;
        }
        let other = all.iter().copied().find(|id| of_mine(*id).is_some());
        let placed = self.screens.place(self.spots.area);
        let near = [Way::Right, Way::Down].map(|way| placed.neighbour(here, way));
        let near = near.into_iter().flatten();
        let mut free = near.filter(|id| {
            let pane = self.screens.front_of(*id);
            self.screens.follows(*id).is_none() && pane.is_some_and(|p| p.editor().is_none())
        });
        if let Some(id) = free.next() {
            return id;
        }
        let of = other.unwrap_or(here);
        let width = placed.area(of).map_or(0, |area| area.width);
        let along = match other {
            None if width >= WIDE => Along::Row,
            _ => Along::Column,
        };
        self.screens.focus(of);
        let id = self.screens.split(along);
        self.screens.focus(here);
        id
    }

    /// Panes that follow another show what it is at.
    pub(super) fn keep_up(&mut self, now: DateTime<Utc>) {
        let cx = self.desk.cx(now, true);
        if self.screens.keep_up(&cx) {
            self.dirty = true;
        }
    }

    /// The screens that are to be seen.
    pub(super) fn shown(&self) -> impl Iterator<Item = &dyn Pane> {
        let drawn = self.spots.splits.panes.iter().map(|(id, _)| *id);
        let here = self.screens.focused();
        let hidden = !self.spots.splits.panes.iter().any(|(id, _)| *id == here);
        let all = drawn.chain(hidden.then_some(here));
        all.filter_map(|id| self.screens.front_of(id))
    }

    /// Which of several panes is the one on screen, where the others are hidden.
    pub(super) fn hidden(&self) -> Option<String> {
        let (n, all) = self.screens.number();
        let why = match self.screens.is_zoomed() {
            true => "zoomed",
            false => "no room for all",
        };
        (all > self.spots.splits.panes.len().max(1)).then(|| format!("pane {n} of {all}, {why}"))
    }

    /// What all splits want, and what of it is read by more than one.
    pub(super) fn wants_of_splits(&mut self, now: DateTime<Utc>) -> (Vec<Want>, BTreeSet<Want>) {
        let (mut all, mut shared) = (Vec::new(), BTreeSet::new());
        for id in self.screens.ids() {
            // each asks the cluster that it is about
            let mut wants = self.with_front_of(id, now, |app| {
                let cx = app.desk.cx(now, true);
                let wants = app.screens.front_of(id).map(|pane| pane.wants(&cx));
                addressed(wants.unwrap_or_default(), cx.session.cluster)
            });
            wants.sort();
            wants.dedup();
            let told_once = |want: &&Want| {
                let want = match want {
                    Want::At { want, .. } => want,
                    want => *want,
                };
                matches!(want, Want::Log(_) | Want::Object(_))
            };
            let again = wants.iter().filter(told_once).filter(|w| all.contains(*w));
            shared.extend(again.cloned());
            all.extend(wants);
        }
        (all, shared)
    }

    /// Does something with the cluster in front that a split is about.
    pub(super) fn with_front_of<T>(
        &mut self,
        id: Id,
        now: DateTime<Utc>,
        what: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.desk.session.cluster;
        if self.desk.session.several() {
            let cx = self.desk.cx(now, true);
            if let Some(mine) = self.screens.cluster_of_split(id, &cx) {
                self.desk.session.put_in_front(mine);
            }
        }
        let done = what(self);
        self.desk.session.put_in_front(before);
        done
    }

    /// A log or an object is told from its beginning to whoever reads it first: who comes later has it told again. The
    /// others know what they know already.
    pub(super) fn ask_again(&mut self, shared: BTreeSet<Want>, namespace: &Option<String>) {
        let new: Vec<&Want> = shared.difference(&self.shared).collect();
        if let Some((scope, wants)) = &self.wanted
            && scope == namespace
            && new.iter().any(|want| wants.contains(want))
        {
            let mut without = wants.clone();
            without.retain(|want| !new.contains(&want));
            self.effects.push(Effect::Wants {
                namespace: namespace.clone(),
                wants: without,
            });
            self.wanted = None;
        }
        self.shared = shared;
    }

    /// All splits that have room, each with its title; answers where the cursor of a text stands.
    pub(super) fn draw_splits(
        &mut self,
        area: Rect,
        buf: &mut Buffer,
        now: DateTime<Utc>,
    ) -> Option<Position> {
        let placed = self.screens.place(area);
        let titled = placed.panes.len() > 1;
        let mut cursor = None;
        self.spots.area = area;
        self.spots.bodies.clear();
        for (id, area) in &placed.panes {
            let mut rest = *area;
            if titled {
                rest.y += 1;
                rest.height -= 1;
            }
            // a title holds it on a compact screen
            let answer = (!titled || !self.compact).then_some(Rect { height: 1, ..rest });
            let taken = u16::from(answer.is_some());
            let body = Rect {
                y: rest.y + taken,
                height: rest.height.saturating_sub(taken),
                ..rest
            };
            self.spots.bodies.push((*id, body));
            let at = self.with_front_of(*id, now, |app| app.screen(*id, answer, body, buf, now));
            cursor = cursor.or(at);
        }
        if titled {
            self.draw_lines(&placed, buf, now);
        }
        self.spots.splits = placed;
        cursor
    }

    /// The lines between panes, and their titles. Around the one that has the keyboard they are heavy, and a sign stands
    /// before its title: it is found without colours as well.
    fn draw_lines(&self, placed: &Placed, buf: &mut Buffer, now: DateTime<Utc>) {
        let theme = &self.desk.look.theme;
        let focused = self.screens.focused();
        for (_, area) in &placed.panes {
            horizontal(Rect { height: 1, ..*area }, buf, theme.border(false));
        }
        for line in placed.lines.iter().filter(|line| line.along == Along::Row) {
            vertical(line.area, buf, theme.border(false));
        }
        if let Some(own) = placed.area(focused) {
            let style = theme.border(true);
            for x in own.left()..own.right() {
                buf[(x, own.y)].set_symbol("━").set_style(style);
            }
            let sides = placed.lines.iter().filter(|l| l.along == Along::Row);
            let sides = sides.map(|line| line.area.x);
            for x in sides.filter(|x| *x + 1 == own.left() || *x == own.right()) {
                for y in own.top()..own.bottom() {
                    buf[(x, y)].set_symbol("┃").set_style(style);
                }
            }
        }
        for (id, area) in &placed.panes {
            self.draw_title(*id, *id == focused, Rect { height: 1, ..*area }, buf, now);
        }
    }

    fn draw_title(&self, id: Id, own: bool, area: Rect, buf: &mut Buffer, now: DateTime<Utc>) {
        let theme = &self.desk.look.theme;
        let cx = self.desk.cx(now, own);
        let (Some(pane), Some(tab)) = (self.screens.front_of(id), self.screens.tab_of(id)) else {
            return;
        };
        let style = match own {
            true => theme.accent().add_modifier(Modifier::BOLD),
            false => theme.dim(),
        };
        let mut title = match own {
            true => vec![Span::styled("▶ ", style)],
            false => Vec::new(),
        };
        // a root is known by its tab
        let deep = self.screens.path_of(id).count() > 1;
        let name = match deep {
            true => text::clean(&pane.title(&cx)).into_owned(),
            false => tab.label().to_owned(),
        };
        title.push(Span::styled(name, style));
        if let Some(follow) = self.screens.follows(id).filter(|_| deep) {
            let leader = self.screens.tab_of(follow.leader);
            let words = leader.map_or(String::new(), |tab| format!("  follows {}", tab.label()));
            title.push(Span::styled(words, theme.dim()));
        }
        let filter = text::clean(pane.filter()).into_owned();
        if !own && !filter.is_empty() {
            title.push(Span::styled(format!("  / {filter}"), theme.dim()));
        }
        if self.compact {
            title.push(Span::raw("  "));
            title.extend(pane.answer(&cx).spans);
        }
        let position = pane.position(&cx);
        let wide = text::spans_width(&title) + text::width(&position) + 8;
        crate::ui::frame::border_title(&title, area, buf);
        if !own && !position.is_empty() && wide <= usize::from(area.width) {
            let words = format!(" {position} ");
            let x = area.right() - text::width(&words) as u16 - 1;
            buf.set_string(x, area.y, words, theme.dim());
        }
    }
}

#[cfg(test)]
mod tests;
