//! Lists to choose a namespace or a context from.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::palette::Command;
use super::popup::{Item, Popup};
use super::{Cx, Pane, Reply};
use crate::app::action::{Action, Scope};
use crate::model::fuzzy::Fuzzy;
use crate::model::health::Health;
use crate::model::want::{Kind, Selector, Want};

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
    popup: Popup,
}

/// The line that stands for all namespaces.
const ALL: &str = "all namespaces";

impl Switcher {
    pub fn new(what: What) -> Self {
        Self { what, typed: String::new(), popup: Popup::default() }
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
                let listed = cx.model.namespaces.rows().filter(|n| n.key.cluster == here).map(|n| n.name.to_string());
                // where namespaces may not be listed, those of the rows are known all the same
                let seen = cx.model.jobs.rows().filter(|j| j.key.cluster == here).map(|j| j.namespace.to_string());
                let mut all: Vec<String> = listed.chain(seen).chain(cx.session.namespace.as_ref().map(|n| n.to_string())).collect();
                all.sort();
                all.dedup();
                all.insert(0, ALL.to_owned());
                let current = cx.session.namespace.as_deref().unwrap_or(ALL).to_owned();
                (all, current)
            }
        }
    }

    fn items(&self, cx: &Cx) -> Vec<Item> {
        let (choices, current) = self.choices(cx);
        let hits = Fuzzy::default().find(&self.typed, choices.iter().map(String::as_str));
        let item = |hit: crate::model::fuzzy::Hit| Item {
            text: choices[hit.at].clone(),
            detail: if choices[hit.at] == current { "now".to_owned() } else { self.detail(&choices[hit.at], cx) },
            current: choices[hit.at] == current,
            marks: hit.marks,
            keys: String::new(),
        };
        hits.into_iter().map(item).collect()
    }

    fn detail(&self, choice: &str, cx: &Cx) -> String {
        if self.what == What::Context {
            return String::new();
        }
        let jobs = cx.model.jobs.rows().filter(|j| choice == ALL || *j.namespace == *choice).count();
        if jobs == 0 || cx.session.namespace.is_some() { String::new() } else { format!("{jobs} jobs") }
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
        let items = self.items(cx);
        let title = self.title(cx);
        let empty = match (self.what, cx.session.contexts.is_empty()) {
            (What::Context, true) => "no context in a kubeconfig",
            (What::Namespace, _) if !self.typed.is_empty() => "enter goes to this namespace, listed or not",
            _ => "nothing matches",
        };
        self.popup.draw(&title, empty, &items, area, buf, cx.theme);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        let items = self.items(cx);
        if self.popup.act(action, items.len()) {
            return Reply::Done;
        }
        if action != Action::Open {
            return Reply::Ignored;
        }
        match (self.what, items.get(self.popup.selected)) {
            (What::Namespace, Some(item)) if item.text == ALL => Reply::Run(Command::Namespace(None)),
            (What::Namespace, Some(item)) => Reply::Run(Command::Namespace(Some(item.text.as_str().into()))),
            // who may not list namespaces types the name
            (What::Namespace, None) if !self.typed.is_empty() => {
                Reply::Run(Command::Namespace(Some(self.typed.as_str().into())))
            }
            (What::Context, Some(item)) => Reply::Run(Command::Context(item.text.clone())),
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
        self.popup.reset();
        Ok(())
    }
}
