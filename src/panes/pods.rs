//! Pods: all of the scope, of a job, or of a node, each with one line why it waits or died.

use std::cell::RefCell;

use chrono::{DateTime, Utc};
use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::arrange::arrange;
use super::health::{self, Rows};
use super::sheet::{Did, Sheet, scope};
use super::words::count;
use super::{About, Cx, LogsOf, Pane, PodsOf, Reply, Target, clusters, worker};
use crate::app::action::{Action, Scope};
use crate::model::extra::List;
use crate::model::ids::{ClusterId, Key};
use crate::model::listed::{self, Parent, PodColumn};
use crate::model::pod::PodRow;
use crate::model::progress::job_of;
use crate::model::tally::Tally;
use crate::model::want::{Kind, ObjectWant, Selector, Want};
use crate::ui::{Column, State};

pub mod columns;
#[cfg(test)]
mod tests;

/// The pods screen.
pub struct Pods {
    of: PodsOf,
    sheet: Sheet<PodRow>,
    tally: RefCell<Tally<7>>,
}

/// How many pods are how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Summary {
    all: usize,
    running: usize,
    starting: usize,
    waiting: usize,
    trouble: usize,
    failed: usize,
    done: usize,
}

impl Pods {
    pub fn new(of: PodsOf) -> Self {
        let sort = if matches!(of, PodsOf::Job(_)) {
            PodColumn::Index
        } else {
            PodColumn::Age
        };
        Self {
            of,
            sheet: Sheet::new(sort),
            tally: RefCell::default(),
        }
    }

    fn scope(&self, cx: &Cx) -> listed::Scope {
        let parent = match &self.of {
            PodsOf::All => Parent::Any,
            PodsOf::Job(key) => listed::Scope::pods_of(cx.model, *key),
            PodsOf::Node(name) => Parent::Node(cx.session.cluster, name.clone()),
        };
        let scope = scope(cx);
        listed::Scope {
            parent,
            // a dispatched workload's pods are in another cluster
            clusters: scope
                .clusters
                .filter(|_| !matches!(self.of, PodsOf::Job(_))),
            ..scope
        }
    }

    fn columns(&self, cx: &Cx) -> Vec<Column> {
        let more = columns::columns(&PodsOf::All, true);
        let columns = arrange(List::Pods, self.usual(cx), more, cx);
        match self.of {
            PodsOf::All => clusters::with_column(columns, cx),
            _ => columns,
        }
    }

    fn refresh(&mut self, cx: &Cx) {
        let scope = self.scope(cx);
        self.sheet.refresh(scope, Kind::Pod, cx);
    }

    fn summary(&self, cx: &Cx) -> Summary {
        let mut tally = self.tally.borrow_mut();
        let counts =
            tally.refresh(
                cx.model,
                self.scope(cx),
                |pod: &PodRow| match super::words::pod_state(pod) {
                    State::Running => 0,
                    State::Pending => 1,
                    State::Waiting => 2,
                    State::Retrying => 3,
                    State::Failed => 4,
                    State::Succeeded => 5,
                    _ => 6,
                },
            );
        let [running, starting, waiting, trouble, failed, done, _] = *counts;
        Summary {
            all: counts.iter().sum(),
            running,
            starting,
            waiting,
            trouble,
            failed,
            done,
        }
    }

    fn none(&self, cx: &Cx) -> String {
        match &self.of {
            PodsOf::All => "no pods".into(),
            PodsOf::Job(key) => match cx.model.jobs.get(*key) {
                Some(job) => match worker::absent(job, cx) {
                    Some((what, help)) if help.is_empty() => what,
                    Some((what, help)) => format!("{what}; {help}"),
                    None => format!("no pods of job {}", job.name),
                },
                None => "no pods of this job".into(),
            },
            PodsOf::Node(name) => format!("no pods on node {name}"),
        }
    }
}

/// What every list of pods does with the selected one.
pub fn act(action: Action, pod: &PodRow, cx: &Cx) -> Reply {
    let away = |what: &str| worker::elsewhere(pod.key.cluster, what, cx);
    let logs = |previous| {
        Reply::Open(Target::Logs(LogsOf::Pod {
            pod: pod.key,
            container: None,
            previous,
        }))
    };
    match action {
        Action::Open | Action::Logs => logs(false),
        Action::PreviousLogs => logs(true),
        // a set known by label is not found by its key
        Action::GoJob => match (&pod.owner, job_of(pod).filter(|_| !pod.is_labelled())) {
            (_, Some(job)) => Reply::Open(Target::Job(job)),
            (Some((kind, name, _)), None) => Reply::Say(
                super::Level::Info,
                format!("{} belongs to {kind} {name}, not to a job", pod.name),
            ),
            (None, None) => Reply::Say(
                super::Level::Info,
                format!("{} belongs to no job", pod.name),
            ),
        },
        Action::GoNode => match &pod.node {
            Some(node) => Reply::Open(super::nodes::target(node, cx)),
            None => Reply::Say(super::Level::Info, format!("{} has no node yet", pod.name)),
        },
        Action::Yaml | Action::ShowEvents if away("").is_some() => {
            let what = match action {
                Action::Yaml => "the manifest",
                _ => "what happened",
            };
            Reply::Say(super::Level::Info, away(what).unwrap_or_default())
        }
        Action::Yaml => Reply::Open(Target::Yaml(ObjectWant {
            kind: Kind::Pod,
            namespace: pod.namespace.clone(),
            name: (&*pod.name).into(),
        })),
        Action::ShowEvents => Reply::Open(Target::Events(Some(About {
            key: pod.key,
            namespace: pod.namespace.clone(),
            title: format!("pod/{}", pod.name),
        }))),
        _ => Reply::Ignored,
    }
}

/// When the age of a pod counts from.
pub fn since(pod: &PodRow) -> Option<DateTime<Utc>> {
    pod.created.get()
}

impl Pane for Pods {
    fn title(&self, cx: &Cx) -> String {
        match &self.of {
            PodsOf::All => "pods".into(),
            PodsOf::Job(key) => match cx.model.jobs.get(*key) {
                Some(job) => format!("pods of {}", job.name),
                None => "pods".into(),
            },
            PodsOf::Node(name) => format!("pods on {name}"),
        }
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let s = self.summary(cx);
        if s.all == 0
            && let Some(text) = health::unknown(Kind::Pod, cx)
        {
            return Line::styled(text, cx.theme.dim());
        }
        let of = match &self.of {
            PodsOf::All => String::new(),
            PodsOf::Job(key) => cx
                .model
                .jobs
                .get(*key)
                .map_or_else(String::new, |job| format!(" of {}", job.name)),
            PodsOf::Node(name) => format!(" on {name}"),
        };
        let mut parts = vec![Span::styled(
            format!("{}{of}", count(s.all, "pod", "pods")),
            cx.theme.text(),
        )];
        let mut first = true;
        for (n, state, word) in [
            (s.waiting, State::Waiting, "unscheduled"),
            (s.trouble, State::Retrying, "in trouble"),
            (s.failed, State::Failed, "failed"),
            (s.starting, State::Pending, "starting"),
            (s.running, State::Running, "running"),
            (s.done, State::Succeeded, "done"),
        ] {
            if n == 0 {
                continue;
            }
            parts.push(Span::styled(
                if first { ": " } else { ", " },
                cx.theme.dim(),
            ));
            first = false;
            let loud = matches!(state, State::Waiting | State::Retrying | State::Failed);
            let style = if loud {
                cx.theme.state(state)
            } else {
                cx.theme.text()
            };
            parts.push(Span::styled(format!("{n} {word}"), style));
        }
        Line::from(parts)
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Pods, Scope::List]
    }

    fn hints(&self, cx: &Cx) -> Vec<Action> {
        let mut out = vec![Action::Logs];
        if let Some(pod) = self.sheet.selected(cx.model) {
            if pod.restarts > 0 {
                out.push(Action::PreviousLogs);
            }
            if pod.job().is_some() && !matches!(self.of, PodsOf::Job(_)) {
                out.push(Action::GoJob);
            }
            if pod.node.is_some() && !matches!(self.of, PodsOf::Node(_)) {
                out.push(Action::GoNode);
            }
        }
        if self.sheet.selected(cx.model).is_some() {
            out.push(Action::Shell);
        }
        out.extend([
            Action::Delete,
            Action::ShowEvents,
            Action::Yaml,
            Action::Filter,
            Action::SortNext,
        ]);
        out.truncate(8);
        out
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.refresh(cx);
        let columns = self.columns(cx);
        let rows = Rows {
            kind: Kind::Pod,
            all: self.sheet.view.scoped(),
            shown: self.sheet.view.order().len(),
            filter: self.sheet.view.filter().text(),
            none: &self.none(cx),
        };
        let area = health::draw(rows, cx, area, buf);
        self.sheet
            .draw(cx, area, buf, &columns, cx.focused, columns::row);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        self.refresh(cx);
        if action == Action::Copy {
            return self.sheet.copy(cx.model, "pod", "pod names");
        }
        let columns = self.columns(cx);
        if let Some(reply) = self.sheet.act(action, &columns, cx) {
            return reply;
        }
        self.sheet
            .selected(cx.model)
            .map_or(Reply::Ignored, |pod| act(action, pod, cx))
    }

    fn subjects(&self, _cx: &Cx) -> Vec<Key> {
        self.sheet.list.meant()
    }

    fn cursor(&self, _cx: &Cx) -> Option<Key> {
        self.sheet.list.selected()
    }

    fn cluster(&self, cx: &Cx) -> Option<ClusterId> {
        self.cursor(cx).map(|key| key.cluster)
    }

    fn wants(&self, cx: &Cx) -> Vec<Want> {
        let mut wants: Vec<Want> = [Kind::Pod, Kind::Node, Kind::Job]
            .map(|kind| Want::Watch(kind, Selector::All))
            .into();
        if let PodsOf::Job(job) = self.of {
            wants.extend(worker::wants(job, cx));
        }
        wants
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        self.sheet.wake(cx, since)
    }

    fn filter(&self) -> &str {
        self.sheet.view.filter().text()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) -> Result<(), String> {
        self.sheet.set_filter(text, cx)?;
        self.refresh(cx);
        Ok(())
    }

    fn list(&self) -> Option<List> {
        (self.of == PodsOf::All).then_some(List::Pods)
    }

    fn usual(&self, cx: &Cx) -> Vec<Column> {
        columns::columns(&self.of, cx.session.namespace.is_none())
    }

    fn order(&self, cx: &Cx) -> Option<String> {
        self.sheet.order(cx)
    }

    fn set_order(&mut self, text: &str, cx: &Cx) {
        self.sheet.set_order(text, cx);
    }

    fn position(&self, _cx: &Cx) -> String {
        self.sheet.position()
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, cx: &Cx) -> Reply {
        match self.sheet.mouse(event, &self.columns(cx), cx) {
            Did::Nothing => Reply::Ignored,
            Did::Moved => Reply::Done,
            Did::Again => self.act(Action::Open, cx),
        }
    }
}
