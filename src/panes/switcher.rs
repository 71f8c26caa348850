//! Lists to choose a namespace or a context from.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::palette::{Command, moved};
use super::{Cx, Pane, Reply};
use crate::app::action::{Action, Scope};
use crate::model::fuzzy::{Fuzzy, Hit};
use crate::model::health::Health;
use crate::model::want::{Kind, Selector, Want};
use crate::ui::Input;
use crate::ui::dialog::{Entry, Picker};

/// What is switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Namespace,
    Context,
}

/// The list, narrowed by what is typed.
#[derive(Debug)]
pub struct Switcher {
    what: What,
    typed: String,
    selected: usize,
}

/// The line that stands for all namespaces.
const ALL: &str = "all namespaces";

impl Switcher {
    pub fn new(what: What) -> Self {
        Self {
            what,
            typed: String::new(),
            selected: 0,
        }
    }

    /// All choices in their order, and the one in force.
    fn choices(&self, cx: &Cx) -> (Vec<String>, String) {
        match self.what {
            What::Context => {
                let mut all = cx.session.contexts.clone();
                all.sort();
                (all, cx.session.context.clone())
            }
            What::Namespace => {
                let here = cx.session.cluster;
                let listed = cx
                    .model
                    .namespaces
                    .rows()
                    .filter(|n| n.key.cluster == here)
                    .map(|n| n.name.to_string());
                // where namespaces may not be listed, those of the rows are known all the same
                let seen = cx
                    .model
                    .jobs
                    .rows()
                    .filter(|j| j.key.cluster == here)
                    .map(|j| j.namespace.to_string());
                let mut all: Vec<String> = listed
                    .chain(seen)
                    .chain(cx.session.namespace.as_ref().map(|n| n.to_string()))
                    .collect();
                all.sort();
                all.dedup();
                all.insert(0, ALL.to_owned());
                let current = cx.session.namespace.as_deref().unwrap_or(ALL).to_owned();
                (all, current)
            }
        }
    }

    /// The choices that match what is typed, best first, with the characters that matched.
    fn found(&self, cx: &Cx) -> (Vec<(String, Vec<usize>)>, String) {
        let (choices, current) = self.choices(cx);
        let hits = Fuzzy::default().find(&self.typed, choices.iter().map(String::as_str));
        let marks = |hit: &Hit| hit.marks.iter().map(|m| *m as usize).collect();
        (
            hits.iter()
                .map(|hit| (choices[hit.at].clone(), marks(hit)))
                .collect(),
            current,
        )
    }

    fn detail(&self, choice: &str, cx: &Cx) -> String {
        if self.what == What::Context {
            return String::new();
        }
        let jobs = cx
            .model
            .jobs
            .rows()
            .filter(|j| choice == ALL || *j.namespace == *choice)
            .count();
        if jobs == 0 || cx.session.namespace.is_some() {
            String::new()
        } else {
            format!("{jobs} jobs")
        }
    }
}

impl Pane for Switcher {
    fn title(&self, _cx: &Cx) -> String {
        match self.what {
            What::Namespace => "namespace".into(),
            What::Context => "context".into(),
        }
    }

    fn answer<'a>(&self, _cx: &Cx<'a>) -> Line<'a> {
        Line::default()
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::List]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        vec![Action::Open, Action::Back]
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.draw_over(&Input::new(&self.typed), cx, area, buf);
    }

    fn draw_over(
        &mut self,
        line: &Input,
        cx: &Cx,
        area: Rect,
        buf: &mut Buffer,
    ) -> Option<Position> {
        let (found, current) = self.found(cx);
        self.selected = self.selected.min(found.len().saturating_sub(1));
        let empty = match (self.what, cx.session.contexts.is_empty()) {
            (What::Context, true) => "no context in a kubeconfig",
            (What::Namespace, _) if !self.typed.is_empty() => {
                "enter goes to this namespace, listed or not"
            }
            _ => "nothing matches",
        };
        let about: Vec<String> = found
            .iter()
            .map(|(name, _)| {
                if *name == current {
                    "now".to_owned()
                } else {
                    self.detail(name, cx)
                }
            })
            .collect();
        let title = self.title(cx);
        let picker = Picker {
            title: &title,
            len: found.len(),
            selected: self.selected,
            empty,
        };
        let entry = |n: usize| Entry {
            name: &found[n].0,
            hits: &found[n].1,
            about: &about[n],
            key: "",
        };
        Some(picker.draw(line, area, buf, cx.theme, entry).0)
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        let (found, _) = self.found(cx);
        if let Some(selected) = moved(self.selected, action, found.len()) {
            self.selected = selected;
            return Reply::Done;
        }
        if action != Action::Open {
            return Reply::Ignored;
        }
        let chosen = found.into_iter().nth(self.selected).map(|(name, _)| name);
        match (self.what, chosen) {
            (What::Namespace, Some(name)) if name == ALL => Reply::Run(Command::Namespace(None)),
            (What::Namespace, Some(name)) => Reply::Run(Command::Namespace(Some(name.into()))),
            // who may not list namespaces types the name
            (What::Namespace, None) if !self.typed.is_empty() => {
                Reply::Run(Command::Namespace(Some(self.typed.as_str().into())))
            }
            (What::Context, Some(name)) => Reply::Run(Command::Context(name)),
            _ => Reply::Done,
        }
    }

    fn wants(&self, cx: &Cx) -> Vec<Want> {
        let absent = matches!(cx.session.health(Kind::Namespace), Health::Absent);
        if self.what == What::Namespace && !absent {
            vec![Want::Watch(Kind::Namespace, Selector::All)]
        } else {
            Vec::new()
        }
    }

    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        None
    }

    fn filter(&self) -> &str {
        &self.typed
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) -> Result<(), String> {
        self.typed = text.to_owned();
        self.selected = 0;
        Ok(())
    }
}
