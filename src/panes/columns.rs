//! The columns of a list, to be chosen with marks: all there are, in the order they stand, each shown or not. The command
//! bar takes the same as words.

mod about;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::arrange::names;
use super::{Command, Cx, Level, Pane, Reply};
use crate::app::action::{Action, Scope};
use crate::model::extra::{Chosen, Extra, List, Pick, check};
use crate::model::want::Want;
use crate::ui::dialog::{place, window};
use crate::ui::scroll::{self, Window};
use crate::ui::text::{self, Shorten};
use crate::ui::{Column, frame};

/// How wide a name may be before what it is begins.
const NAME: usize = 34;
/// The mark and a blank.
const MARK: u16 = 4;

/// One column there is.
#[derive(Debug, Clone, PartialEq)]
struct Offer {
    pick: Pick,
    shown: bool,
    about: String,
}

/// The list of them.
pub struct Chooser {
    list: List,
    offers: Vec<Offer>,
    /// Those that `*` stands for now.
    usual: Vec<&'static str>,
    /// What the list shows while it is open.
    before: Vec<Pick>,
    /// Those of the settings.
    settings: Option<Chosen>,
    /// They are wanted again, and nothing was changed since.
    again: bool,
    at: usize,
    window: Window,
    body: Rect,
}

impl Chooser {
    /// `usual`: shown if none are chosen; `settings`: those that are chosen there.
    pub fn new(list: List, usual: &[Column], settings: Option<Chosen>, cx: &Cx) -> Self {
        let chosen = cx.session.columns.of(list);
        let mut chooser = Self {
            list,
            offers: Vec::new(),
            usual: usual.iter().map(Column::id).collect(),
            before: chosen.map_or_else(|| vec![Pick::Usual], |all| all.to_vec()),
            settings,
            again: false,
            at: 0,
            window: Window::default(),
            body: Rect::default(),
        };
        let before = chooser.before.clone();
        chooser.lay_out(&before, cx);
        chooser
    }

    /// These first, as they are shown, then all others there are.
    fn lay_out(&mut self, shown: &[Pick], cx: &Cx) {
        let is_chosen = |name: &str| shown.iter().any(|pick| pick.text() == name);
        let mut picks: Vec<Pick> = Vec::new();
        for pick in shown {
            match pick {
                Pick::Usual => {
                    let rest = self.usual.iter().filter(|name| !is_chosen(name));
                    picks.extend(rest.map(|name| Pick::Named(name)));
                }
                pick => picks.push(pick.clone()),
            }
        }
        let first = picks.len();
        let named = self.list.columns().iter().map(|name| Pick::Named(name));
        let known = self
            .before
            .iter()
            .chain(self.settings.iter().flat_map(|all| all.iter()));
        let own = known.filter(|pick| matches!(pick, Pick::Own(_))).cloned();
        let labels = names(self.list, "label:", cx);
        let found = labels
            .iter()
            .filter_map(|(text, _)| Extra::parse(text).ok());
        for pick in named.chain(own).chain(found.map(Pick::Own)) {
            if !picks.iter().any(|known| known.text() == pick.text()) {
                picks.push(pick);
            }
        }
        let about = |pick: &Pick| match pick {
            Pick::Own(extra) => {
                let rows = labels.iter().find(|(text, _)| *text == *extra.text);
                let rows = rows.map(|(_, rows)| format!(", {rows} with it"));
                format!("headed {}{}", extra.title, rows.unwrap_or_default())
            }
            pick => about::column(self.list, pick.text()).to_owned(),
        };
        self.offers = (picks.into_iter().enumerate())
            .map(|(at, pick)| Offer {
                about: about(&pick),
                shown: at < first,
                pick,
            })
            .collect();
        self.at = self.at.min(self.offers.len().saturating_sub(1));
    }

    /// What is shown, as it is written: `*` for the usual ones where none of them is left out, so that those that
    /// depend on what there is to show still come and go.
    fn picks(&self) -> Vec<Pick> {
        let shown = self.offers.iter().filter(|offer| offer.shown);
        let picks: Vec<Pick> = shown.map(|offer| offer.pick.clone()).collect();
        let is_shown = |name: &&str| picks.iter().any(|pick| pick.text() == *name);
        if !self.usual.iter().all(is_shown) {
            return picks;
        }
        let place = |pick: &Pick| match pick {
            Pick::Named(name) => self.usual.iter().position(|usual| usual == name),
            _ => None,
        };
        // the longest stretch of them in their usual order
        let (mut from, mut longest) = (0, 0..0);
        for at in 0..picks.len() {
            let goes_on = at > from && place(&picks[at]) > place(&picks[at - 1]);
            if !goes_on || place(&picks[at - 1]).is_none() {
                from = at;
            }
            let len = at + 1 - from;
            if place(&picks[at]).is_some() && len > longest.len() {
                longest = from..at + 1;
            }
        }
        if longest.len() < 2 {
            return picks;
        }
        let mut short = picks;
        short.splice(longest, [Pick::Usual]);
        short
    }

    /// `enter`.
    fn apply(&self) -> Reply {
        if self.again {
            return Reply::Run(Command::Columns(self.list, None));
        }
        let picks = self.picks();
        if picks == self.before {
            return Reply::Run(Command::Close);
        }
        match check(&picks) {
            Err(_) if picks.is_empty() => {
                let name = self.list.name();
                Reply::Say(
                    Level::Warning,
                    format!("{name} need a column to be shown in"),
                )
            }
            Err(why) => Reply::Say(Level::Warning, why),
            Ok(()) => Reply::Run(Command::Columns(self.list, Some(picks.into()))),
        }
    }

    fn toggle(&mut self) {
        if let Some(offer) = self.offers.get_mut(self.at) {
            offer.shown = !offer.shown;
            self.again = false;
        }
    }

    /// The selected one changes places: one that is shown with the next one that is, so that a press is a step on screen.
    fn shift(&mut self, forward: bool) {
        let Some(own) = self.offers.get(self.at).map(|offer| offer.shown) else {
            return;
        };
        let counts = |at: &usize| !own || self.offers[*at].shown;
        let to = match forward {
            true => (0..self.at).rev().find(counts),
            false => (self.at + 1..self.offers.len()).find(counts),
        };
        if let Some(to) = to {
            let offer = self.offers.remove(self.at);
            self.offers.insert(to, offer);
            self.at = to;
            self.again = false;
        }
    }

    fn go(&mut self, at: usize) {
        self.at = at.min(self.offers.len().saturating_sub(1));
        self.window = self.window.reveal(self.at);
    }

    /// The keys, each with what it does, as far as they fit.
    fn keys(&self, room: u16, cx: &Cx) -> Line<'static> {
        let scopes = [Scope::Columns, Scope::List, Scope::Global].map(Scope::name);
        let words = [
            (&[Action::Mark][..], "shows or hides"),
            (&[Action::ColumnUp, Action::ColumnDown], "move"),
            (&[Action::UsualColumns], "as usual"),
            (&[Action::Columns], "as words"),
            (&[Action::Open], "done"),
        ];
        let mut line = Line::default();
        for (actions, what) in words {
            let keys = actions.iter();
            let keys = keys.filter_map(|action| cx.keymap.key_for(*action, &scopes));
            let keys: Vec<String> = keys.map(ToString::to_string).collect();
            let gap = if line.spans.is_empty() { "" } else { "  " };
            let next = [
                Span::raw(gap),
                Span::styled(keys.join(" "), cx.theme.key()),
                Span::styled(format!(" {what}"), cx.theme.dim()),
            ];
            let wide: usize = next.iter().map(Span::width).sum();
            if !keys.is_empty() && line.width() + wide <= usize::from(room) {
                line.spans.extend(next);
            }
        }
        line
    }

    fn draw_offer(&self, at: usize, area: Rect, cx: &Cx, buf: &mut Buffer) {
        let (offer, theme) = (&self.offers[at], cx.theme);
        let selected = at == self.at;
        let chosen = theme.selection(true);
        if selected {
            buf.set_style(area, chosen);
            let bar = theme.glyphs().selection();
            buf.set_string(area.x, area.y, bar, theme.selection_bar(true));
        }
        let (mark, style) = match offer.shown {
            true => ("[x]", theme.text()),
            false => ("[ ]", theme.dim()),
        };
        buf.set_string(area.x + 1, area.y, mark, style);
        let x = area.x + 1 + MARK;
        let room = usize::from(area.right().saturating_sub(x + 1));
        let widest = self
            .offers
            .iter()
            .map(|offer| text::width(offer.pick.text()));
        let wide = widest.max().unwrap_or(0).min(NAME).min(room / 2);
        let name = text::clean(offer.pick.text());
        buf.set_stringn(
            x,
            area.y,
            text::shorten(&name, wide, Shorten::Middle),
            wide,
            style,
        );
        let left = room.saturating_sub(wide + 2);
        if left > 3 {
            let x = x + u16::try_from(wide + 2).unwrap_or(0);
            let about = text::clean(&offer.about);
            let about = text::shorten(&about, left, Shorten::End);
            buf.set_stringn(x, area.y, about, left, theme.dim());
        }
        if let Some(fg) = chosen.fg.filter(|_| selected) {
            buf.set_style(area, Style::new().fg(fg));
        }
    }
}

impl Pane for Chooser {
    fn title(&self, _cx: &Cx) -> String {
        format!("columns of {}", self.list.name())
    }

    fn answer<'a>(&self, _cx: &Cx<'a>) -> Line<'a> {
        Line::default()
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Columns, Scope::List]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        vec![
            Action::Open,
            Action::Back,
            Action::ColumnUp,
            Action::ColumnDown,
            Action::UsualColumns,
        ]
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let theme = cx.theme;
        let width = (area.width * 9 / 10).clamp(40, 92);
        let rows = u16::try_from(self.offers.len()).unwrap_or(u16::MAX);
        let height = rows.saturating_add(4).min(area.height.saturating_sub(2));
        let at = place(area, width, height);
        let shown = self.offers.iter().filter(|offer| offer.shown).count();
        let heading = [
            Span::styled(self.title(cx), theme.title()),
            Span::styled(
                format!(" · {shown} of {} shown", self.offers.len()),
                theme.dim(),
            ),
        ];
        let inner = window(&heading, at, None, buf, theme);
        if inner.height < 3 {
            return;
        }
        let rule = Rect {
            x: at.x + 1,
            y: inner.bottom() - 2,
            width: at.width - 2,
            height: 1,
        };
        frame::horizontal(rule, buf, theme.popup().patch(theme.border(false)));
        buf.set_line(
            inner.x,
            inner.bottom() - 1,
            &self.keys(inner.width, cx),
            inner.width,
        );
        self.body = Rect {
            x: inner.x.saturating_sub(1),
            width: inner.width + 2,
            height: inner.height - 2,
            ..inner
        };
        self.window = Window {
            page: usize::from(self.body.height),
            total: self.offers.len(),
            ..self.window
        }
        .reveal(self.at);
        let last = self.offers.len().min(self.window.offset + self.window.page);
        for (y, at) in (self.body.y..).zip(self.window.offset..last) {
            let row = Rect {
                y,
                height: 1,
                ..self.body
            };
            self.draw_offer(at, row, cx, buf);
        }
        let bar = Rect {
            x: at.right() - 2,
            width: 1,
            ..self.body
        };
        scroll::bar(bar, buf, theme, self.window);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        let last = self.offers.len().saturating_sub(1);
        let page = self.window.page.max(1);
        match action {
            Action::Up => self.go(self.at.saturating_sub(1)),
            Action::Down => self.go(self.at + 1),
            Action::PageUp => self.go(self.at.saturating_sub(page)),
            Action::PageDown => self.go(self.at + page),
            Action::Top => self.go(0),
            Action::Bottom => self.go(last),
            Action::Mark => self.toggle(),
            Action::ColumnUp => self.shift(true),
            Action::ColumnDown => self.shift(false),
            Action::UsualColumns => {
                let usual: Chosen = [Pick::Usual].into();
                let again = self.settings.clone().unwrap_or(usual);
                self.lay_out(&again, cx);
                self.go(0);
                self.again = true;
            }
            // whoever knows a column that is not here types it
            Action::Columns => {
                let words: Vec<String> =
                    self.picks().iter().map(|pick| pick.text().into()).collect();
                return Reply::Run(Command::Type(format!("columns {} ", words.join(" "))));
            }
            Action::Open => return self.apply(),
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        Vec::new()
    }

    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        None
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, _cx: &Cx) -> Reply {
        let at = Position::new(event.column, event.row);
        let is_press = event.kind == MouseEventKind::Down(MouseButton::Left);
        let line = self.window.offset + usize::from(at.y.saturating_sub(self.body.y));
        if !is_press || !self.body.contains(at) || line >= self.offers.len() {
            return Reply::Ignored;
        }
        self.go(line);
        if at.x < self.body.x + 1 + MARK {
            self.toggle();
        }
        Reply::Done
    }
}
