//! Named layouts: where they are found, how one is taken up, and what of the screen makes one.

use chrono::{DateTime, Utc};

use super::App;
use super::action::Action;
use super::effect::Effect;
use super::screens::{Follow, Tab};
use crate::model::arranged::{Arranged, At, Part, Show, shipped};
use crate::panes::{Level, Pane, open};
use crate::ui::layout::{Along, Id};

/// As a setting, it stands for the layout a context was left in.
const LAST: &str = "last";

impl Tab {
    fn shown_by(show: Show) -> Option<Tab> {
        Some(match show {
            Show::Jobs => Tab::Jobs,
            Show::Queues => Tab::Queues,
            Show::Gpus => Tab::Gpus,
            Show::Pods => Tab::Pods,
            Show::Nodes => Tab::Nodes,
            Show::Events => Tab::Events,
            Show::Inbox => Tab::Inbox,
            Show::Hardware => Tab::Hardware,
            Show::Detail | Show::Logs | Show::Yaml => return None,
        })
    }

    fn show(self) -> Show {
        match self {
            Tab::Jobs => Show::Jobs,
            Tab::Queues => Show::Queues,
            Tab::Gpus => Show::Gpus,
            Tab::Pods => Show::Pods,
            Tab::Nodes => Show::Nodes,
            Tab::Events => Show::Events,
            Tab::Inbox => Show::Inbox,
            Tab::Hardware => Show::Hardware,
        }
    }
}

impl App {
    /// All layouts by name: those of the settings, those that were saved, those that come with jobdeck. The first of a
    /// name is the one.
    pub(super) fn layouts(&self) -> Vec<(String, String, Arranged)> {
        let mut all: Vec<(String, String, Arranged)> = Vec::new();
        let own = self.settings.layouts.iter();
        let own = own.map(|(name, of)| (name.clone(), "settings", of.clone()));
        let saved = self.habits.layouts.iter();
        let saved = saved.map(|(name, of)| (name.clone(), "saved", of.clone()));
        let ours = shipped().into_iter();
        let ours = ours.map(|(name, of)| (name.to_owned(), "shipped", of));
        for (name, from, of) in own.chain(saved).chain(ours) {
            if !all.iter().any(|(known, ..)| *known == name) {
                let about = format!("{} ({from})", of.words());
                all.push((name, about, of));
            }
        }
        all
    }

    /// What may be chosen is known to the panes.
    pub(super) fn publish_layouts(&mut self) {
        let all = self.layouts().into_iter();
        self.desk.session.layouts = all.map(|(name, about, _)| (name, about)).collect();
    }

    /// The layout to begin with in the context that was opened: told by a flag once, else by the settings.
    pub(super) fn arrange_first(&mut self, now: DateTime<Utc>) {
        let told = self.layout_wanted.take();
        let wanted = told.or_else(|| Some(self.settings.layout.clone()).filter(|l| !l.is_empty()));
        match wanted.as_deref() {
            Some(LAST) => {
                let context = &self.desk.session.context;
                if let Some(last) = self.habits.last_layouts.get(context).cloned() {
                    self.take_up(&last, now);
                }
            }
            Some(name) => self.arrange(name, false, now),
            None => {}
        }
    }

    /// Takes up a layout by its name.
    pub(super) fn arrange(&mut self, name: &str, say: bool, now: DateTime<Utc>) {
        let all = self.layouts();
        let Some((.., layout)) = all.iter().find(|(known, ..)| known == name) else {
            let names: Vec<&str> = all.iter().map(|(name, ..)| name.as_str()).collect();
            let text = format!("no layout {name}: there are {}", names.join(", "));
            return self.say(Level::Warning, text, now);
        };
        if self.screens.editors().next().is_some() {
            let text =
                "a text is being written: send or leave it before another layout is taken up";
            return self.say(Level::Warning, text, now);
        }
        self.take_up(layout, now);
        if say {
            self.say(Level::Info, format!("layout {name}"), now);
        }
        self.remember_layout();
    }

    fn take_up(&mut self, layout: &Arranged, now: DateTime<Utc>) {
        let mut ids: Vec<Id> = Vec::new();
        for (n, part) in layout.panes().iter().enumerate() {
            let of = part.of.unwrap_or(n.max(1)) - 1;
            let id = match ids.get(of) {
                None => self.screens.only(),
                Some(of) => {
                    let along = match part.at.unwrap_or(At::Right) {
                        At::Right => Along::Row,
                        At::Below => Along::Column,
                    };
                    let own = part.share.unwrap_or(50) * 10;
                    self.screens.split_off(*of, along, 1000 - own)
                }
            };
            ids.push(id);
            self.screens.focus(id);
            self.screens
                .go(Tab::shown_by(part.show).unwrap_or(Tab::Jobs));
            if !part.filter.is_empty() {
                let cx = self.desk.cx(now, true);
                let refused = self.screens.top_mut().set_filter(&part.filter, &cx).err();
                if let Some(why) = refused {
                    let text = format!("pane {} of the layout: {}: {why}", n + 1, part.filter);
                    self.say(Level::Warning, text, now);
                }
            }
            if !part.sort.is_empty() {
                let cx = self.desk.cx(now, true);
                let pane = self.screens.top_mut();
                let before = pane.order(&cx);
                pane.set_order(&part.sort, &cx);
                let after = pane.order(&cx);
                if after == before && after.as_deref() != Some(&part.sort) {
                    let text = format!(
                        "pane {} of the layout: no column {} is shown to sort by",
                        n + 1,
                        part.sort
                    );
                    self.say(Level::Warning, text, now);
                }
            }
        }
        for (n, part) in layout.panes().iter().enumerate() {
            let show = match part.show {
                Show::Detail => Action::Open,
                Show::Logs => Action::Logs,
                Show::Yaml => Action::Yaml,
                _ => continue,
            };
            let leader = ids.get(part.follows.unwrap_or(1) - 1);
            if let (Some(id), Some(leader)) = (ids.get(n), leader) {
                self.screens.follow(*id, Follow::new(*leader, show));
            }
        }
        if let Some(first) = ids.first() {
            self.screens.focus(*first);
        }
        self.dirty = true;
    }

    /// The screen as it is, as a layout. Objects that were opened are not part of it, but what follows a cursor is.
    pub(super) fn arranged(&self) -> Result<Arranged, String> {
        // no order depends on the time
        let cx = self.desk.cx(DateTime::default(), false);
        let (first, steps) = self.screens.layout().steps();
        let ids: Vec<Id> = std::iter::once(first)
            .chain(steps.iter().map(|step| step.new))
            .collect();
        let number = |id: Id| ids.iter().position(|of| *of == id).map(|n| n + 1);
        let part = |id: Id| {
            let tab = self.screens.tab_of(id).unwrap_or(Tab::Jobs);
            let follow = self.screens.follows(id);
            let show = follow.map_or(tab.show(), |follow| match follow.show {
                Action::Logs => Show::Logs,
                Action::Yaml => Show::Yaml,
                _ => Show::Detail,
            });
            let root = self.screens.path_of(id).next();
            let root = root.filter(|_| follow.is_none());
            let order = |pane: &dyn Pane| pane.order(&cx).unwrap_or_default();
            // what it would be anyway is not worth a word
            let sort = root.filter(|_| show.list().is_some()).map(order);
            let usual = || order(&*open(&tab.target()));
            Part {
                filter: root.map_or("", |pane| pane.filter()).to_owned(),
                sort: sort.filter(|sort| *sort != usual()).unwrap_or_default(),
                follows: follow.and_then(|follow| number(follow.leader)),
                ..Part::new(show)
            }
        };
        let others = steps.iter().map(|step| {
            let percent = (1000 - step.share + 5) / 10;
            Part {
                at: Some(match step.along {
                    Along::Row => At::Right,
                    Along::Column => At::Below,
                }),
                of: number(step.of),
                share: Some(percent.clamp(10, 90)),
                ..part(step.new)
            }
        });
        Arranged::new(std::iter::once(part(first)).chain(others).collect())
    }

    /// Keeps the screen as a layout of this name.
    pub(super) fn save_layout(&mut self, name: &str, now: DateTime<Utc>) {
        let name = name.trim();
        let odd =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, '.' | '"' | '[' | ']');
        if name.is_empty() || name.chars().any(odd) || name == LAST {
            let text = "a layout has a name of one word (and not `last`): nothing was saved";
            return self.say(Level::Warning, text, now);
        }
        if self.settings.layouts.contains_key(name) {
            let text = format!(
                "layout {name} is one of the settings file: change it there, or take another name"
            );
            return self.say(Level::Warning, text, now);
        }
        match self.arranged() {
            Ok(layout) => {
                let words = layout.words();
                self.habits.layouts.insert(name.to_owned(), layout);
                self.publish_layouts();
                let habits = Box::new(self.habits.clone());
                self.effects.push(Effect::Remember(habits));
                let text =
                    format!("layout {name} saved: {words}; `:layout {name}` takes it up again");
                self.say(Level::Info, text, now);
            }
            Err(why) => self.say(Level::Warning, format!("not saved: {why}"), now),
        }
    }

    /// Keeps how the screen of this context is split, if the settings want it as it was left.
    pub(super) fn remember_layout(&mut self) {
        if self.settings.layout != LAST {
            return;
        }
        let context = self.desk.session.context.clone();
        if let Ok(layout) = self.arranged()
            && self.habits.last_layouts.get(&context) != Some(&layout)
        {
            self.habits.last_layouts.insert(context, layout);
            let habits = Box::new(self.habits.clone());
            self.effects.push(Effect::Remember(habits));
        }
    }
}

#[cfg(test)]
mod tests;
