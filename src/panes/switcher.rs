//! Lists to choose a namespace or a context from.

use std::collections::BTreeSet;

use super::palette::Command;
use super::pick::{Found, Pick, Typed, matching};
use super::{Cx, Reply};
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
    typed: Typed,
    /// Contexts to open together.
    marked: BTreeSet<String>,
}

/// The contexts of a choice: those of a group, or itself.
fn contexts_of(name: &str, cx: &Cx) -> Vec<String> {
    let group = name.strip_prefix('@');
    let group = group.and_then(|name| cx.session.groups.get(name));
    group.cloned().unwrap_or_else(|| vec![name.to_owned()])
}

/// The line that stands for all namespaces.
const ALL: &str = "all namespaces";

impl Switcher {
    pub fn new(what: What) -> Self {
        Self {
            what,
            typed: Typed::default(),
            marked: BTreeSet::new(),
        }
    }

    /// All choices in their order, and the one in force.
    fn choices(&self, cx: &Cx) -> (Vec<String>, String) {
        match self.what {
            What::Context => {
                let mut all = cx.session.contexts.clone();
                all.sort();
                // a group is one choice, and several contexts
                all.extend(cx.session.groups.keys().map(|name| format!("@{name}")));
                (all, cx.session.context.clone())
            }
            What::Namespace => {
                let shown = cx.session.shown();
                let listed = cx
                    .model
                    .namespaces
                    .rows()
                    .filter(|n| shown.contains(&n.key.cluster))
                    .map(|n| n.name.to_string());
                // where namespaces may not be listed, those of the rows are known all the same
                let seen = cx
                    .model
                    .jobs
                    .rows()
                    .filter(|j| shown.contains(&j.key.cluster))
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

    fn detail(&self, choice: &str, cx: &Cx) -> String {
        if self.what == What::Context {
            let group = choice.strip_prefix('@');
            let group = group.and_then(|name| cx.session.groups.get(name));
            return match group {
                Some(contexts) => contexts.join(", "),
                None if self.marked.contains(choice) => "with others".into(),
                None => String::new(),
            };
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

impl Pick for Switcher {
    fn typed(&self) -> &Typed {
        &self.typed
    }

    fn typed_mut(&mut self) -> &mut Typed {
        &mut self.typed
    }

    fn name(&self, _cx: &Cx) -> String {
        match self.what {
            What::Namespace => "namespace".into(),
            What::Context => "context".into(),
        }
    }

    fn heading(&self, cx: &Cx) -> String {
        match (self.what, self.marked.len()) {
            (What::Namespace, _) => self.name(cx),
            (What::Context, 0) => "context (tab marks several)".into(),
            (What::Context, n) => format!("{n} contexts to be opened together"),
        }
    }

    fn found(&self, cx: &Cx) -> Vec<Found> {
        let (choices, current) = self.choices(cx);
        let all = choices.into_iter().map(|name| (name, String::new()));
        let mut found = matching(&self.typed.text, all.collect());
        for one in &mut found {
            let open = cx.session.clusters();
            let now = match self.what {
                What::Namespace => one.name == current,
                What::Context => open.iter().any(|open| open.context == one.name),
            };
            one.about = match now && !self.marked.contains(&one.name) {
                true => "now".to_owned(),
                false => self.detail(&one.name, cx),
            };
        }
        found
    }

    fn none(&self, cx: &Cx) -> String {
        let words = match (self.what, cx.session.contexts.is_empty()) {
            (What::Context, true) => "no context in a kubeconfig",
            (What::Namespace, _) if !self.typed.text.is_empty() => {
                "enter goes to this namespace, listed or not"
            }
            _ => "nothing matches",
        };
        words.into()
    }

    fn choose(&mut self, at: Option<usize>, cx: &Cx) -> Reply {
        let chosen = at.and_then(|at| self.choices(cx).0.into_iter().nth(at));
        match (self.what, chosen) {
            (What::Namespace, Some(name)) if name == ALL => Reply::Run(Command::Namespace(None)),
            (What::Namespace, Some(name)) => Reply::Run(Command::Namespace(Some(name.into()))),
            // who may not list namespaces types the name
            (What::Namespace, None) if !self.typed.text.is_empty() => {
                let typed = self.typed.text.as_str();
                Reply::Run(Command::Namespace(Some(typed.into())))
            }
            (What::Context, _) if !self.marked.is_empty() => {
                let marked = self.marked.iter();
                let each = marked.flat_map(|name| contexts_of(name, cx));
                Reply::Run(Command::Contexts(each.collect()))
            }
            (What::Context, Some(name)) => Reply::Run(Command::Contexts(contexts_of(&name, cx))),
            _ => Reply::Done,
        }
    }

    fn look(&mut self, at: Option<usize>, cx: &Cx) -> Reply {
        let chosen = at.and_then(|at| self.choices(cx).0.into_iter().nth(at));
        let Some(name) = chosen.filter(|_| self.what == What::Context) else {
            return Reply::Ignored;
        };
        if !self.marked.remove(&name) {
            self.marked.insert(name);
        }
        self.typed.selected += 1;
        Reply::Done
    }

    fn watched(&self, cx: &Cx) -> Vec<Want> {
        let absent = matches!(cx.session.health(Kind::Namespace), Health::Absent);
        if self.what == What::Namespace && !absent {
            vec![Want::Watch(Kind::Namespace, Selector::All)]
        } else {
            Vec::new()
        }
    }
}
