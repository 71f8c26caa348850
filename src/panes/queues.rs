//! Queues: the tree of cohorts, cluster queues and local queues with their quota, of several clusters one each, and what stands in the one selected,
//! with the reason. Two lists with a cursor each; the sentence below is about the workload under the second.

use chrono::{DateTime, TimeDelta, Utc};
use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{self as styled, Span};

use super::beside;
use super::list::{Keys, List};
use super::sheet::{Pointed, pointed};
use super::{Cx, Pane, Reply, Target, workload};
use crate::app::action::{Action, Scope};
use crate::model::human;
use crate::model::ids::{ClusterId, Key, Name};
use crate::model::kueue::forest::forest;
use crate::model::kueue::order::Place;
use crate::model::kueue::tree::{Level, Node};
use crate::model::kueue::{Line, QueueKind, WorkloadRow};
use crate::model::waiting;
use crate::model::want::{Kind, ObjectWant, Selector, Want};
use crate::ui::{Table, text};

pub use limits::{Pending, QUOTAS, amounts};

pub mod absent;
mod answer;
mod columns;
mod limits;
mod line;
mod standing;
#[cfg(test)]
mod tests;

/// From this width on the tree and the workloads stand side by side.
const BESIDE: u16 = 170;
/// Rows kept for the sentence about the selected workload.
const SAID: u16 = 3;
/// How long the cursor rests before Kueue is asked who stands there: running down the tree must not ask about all.
const REST: TimeDelta = TimeDelta::milliseconds(250);

/// The queues screen.
#[derive(Default)]
pub struct Queues {
    nodes: Vec<Node>,
    /// What `nodes` were made of.
    made_of: Option<(u64, Option<Name>, Vec<ClusterId>)>,
    resource: Option<Name>,
    filter: String,
    lines: Vec<line::Line>,
    tree: List,
    /// What the cursor was on, and since when it has been there.
    was: Option<Key>,
    moved: Option<DateTime<Utc>>,
    places: Vec<Place>,
    list: List,
    /// What waits where there are no queues.
    pending: limits::Pending,
    /// Keys go to the workloads.
    inside: bool,
    /// The column of the line between the two, where they stand side by side.
    rule: Option<u16>,
    tree_body: Rect,
    list_body: Rect,
    list_area: Rect,
}

/// Keys in a fixed order.
struct Fixed<'a>(&'a [Key]);

impl Keys for Fixed<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn key(&self, at: usize) -> Option<Key> {
        self.0.get(at).copied()
    }

    fn exists(&self, key: Key) -> bool {
        self.0.contains(&key)
    }
}

impl Queues {
    fn refresh(&mut self, cx: &Cx) {
        let kueue = &cx.model.kueue;
        let namespace = cx.session.namespace.clone();
        let made_of = (kueue.version(), namespace.clone(), cx.session.shown());
        if self.made_of.as_ref() != Some(&made_of) {
            let names = &cx.model.clusters;
            self.nodes = forest(kueue, names, &made_of.2, namespace.as_ref());
            self.made_of = Some(made_of);
        }
        let resources = line::resources(&self.nodes);
        if self
            .resource
            .as_ref()
            .is_none_or(|r| !resources.contains(r))
        {
            self.resource = resources.first().cloned();
        }
        let shown = line::matching(&self.nodes, &self.filter, &cx.model.clusters);
        self.lines = line::lines(&self.nodes, self.resource.as_ref(), &shown);
        let keys: Vec<Key> = self.lines.iter().map(|line| line.key).collect();
        self.tree.settle(&Fixed(&keys), false);
        if self.tree.selected() != self.was {
            self.was = self.tree.selected();
            self.moved = Some(cx.now);
        }
        self.places = match self.node_at() {
            Some(at) => standing::of(&self.nodes, at, kueue, namespace.as_ref()),
            None => Vec::new(),
        };
        self.list
            .settle(&Fixed(&standing::keys(&self.places)), false);
    }

    /// The node under the cursor.
    fn node_at(&self) -> Option<usize> {
        let key = self.tree.selected()?;
        self.lines
            .iter()
            .find(|line| line.key == key)
            .map(|l| l.node)
    }

    fn node(&self) -> Option<&Node> {
        self.nodes.get(self.node_at()?)
    }

    /// The workload under the cursor of the list.
    fn workload<'a>(&self, cx: &Cx<'a>) -> Option<&'a WorkloadRow> {
        cx.model.kueue.workloads.get(self.list.selected()?)
    }

    /// No queue is known in any of the clusters shown.
    fn is_bare(&self) -> bool {
        self.nodes.iter().all(|node| node.level == Level::Cluster)
    }

    /// The cluster under the cursor, where it has no queue: what limits work there instead is shown.
    fn bare(&self) -> Option<ClusterId> {
        let at = self.node_at()?;
        let node = self.nodes.get(at)?;
        let below = self.nodes.get(at + 1).is_some_and(|n| n.depth > node.depth);
        (node.level == Level::Cluster && !below).then_some(node.cluster)
    }

    /// The lines Kueue is asked about: that of the node under the cursor; of a cluster queue that is not ours to read
    /// those of the local queues we see of it.
    fn asked(&self) -> Vec<Line> {
        let Some((at, node)) = self
            .node_at()
            .and_then(|at| Some((at, self.nodes.get(at)?)))
        else {
            return Vec::new();
        };
        let local = |node: &Node| Line::LocalQueue(node.namespace.clone(), node.name.clone());
        match node.level {
            Level::Cluster | Level::Cohort => Vec::new(),
            Level::ClusterQueue if node.key.is_none() => {
                let below = self.nodes.iter().skip(at + 1);
                let below = below.take_while(|n| n.depth > node.depth);
                below.map(local).collect()
            }
            Level::ClusterQueue => vec![Line::ClusterQueue(node.name.clone())],
            Level::LocalQueue => vec![local(node)],
        }
    }

    fn rested(&self, cx: &Cx) -> bool {
        self.moved.is_none_or(|at| cx.now - at >= REST)
    }

    fn step_resource(&mut self, forward: bool) -> Reply {
        let all = line::resources(&self.nodes);
        if all.len() < 2 {
            return Reply::Ignored;
        }
        let at = all.iter().position(|r| Some(r) == self.resource.as_ref());
        let n = all.len();
        let next = match (at, forward) {
            (None, _) => 0,
            (Some(at), true) => (at + 1) % n,
            (Some(at), false) => (at + n - 1) % n,
        };
        self.resource = all.get(next).cloned();
        Reply::Done
    }

    /// What the selected node's object is.
    fn object(&self) -> Option<(QueueKind, &Node)> {
        let node = self.node()?;
        node.key?;
        let kind = match node.level {
            Level::Cluster => return None,
            Level::Cohort => QueueKind::Cohort,
            Level::ClusterQueue => QueueKind::ClusterQueue,
            Level::LocalQueue => QueueKind::LocalQueue,
        };
        Some((kind, node))
    }

    fn own(&mut self, action: Action, cx: &Cx) -> Reply {
        if self.inside {
            let keys = standing::keys(&self.places);
            if self.list.act(action, &Fixed(&keys)) {
                return Reply::Done;
            }
            let Some(row) = self.workload(cx) else {
                return Reply::Ignored;
            };
            return match action {
                Action::Open | Action::Zoom => Reply::Open(Target::Workload(row.key)),
                _ => workload::act(action, row, cx),
            };
        }
        let keys: Vec<Key> = self.lines.iter().map(|line| line.key).collect();
        if self.tree.act(action, &Fixed(&keys)) {
            let at = self.tree.table.selected().unwrap_or_default();
            let down = matches!(action, Action::Down | Action::PageDown);
            self.tree
                .go(line::snap(&self.lines, at, down), &Fixed(&keys));
            return Reply::Done;
        }
        match action {
            Action::Open if !self.places.is_empty() => {
                self.inside = true;
                Reply::Done
            }
            Action::Open => Reply::Say(super::Level::Info, "no workload stands there".into()),
            Action::Yaml => match self.object() {
                Some((kind, node)) => Reply::Open(Target::Yaml(ObjectWant {
                    kind: Kind::Queue(kind),
                    namespace: node.namespace.clone(),
                    name: node.name.clone(),
                })),
                None => {
                    let text = match self.node().map(|node| node.level) {
                        Some(Level::Cluster) => "a cluster has no manifest: its queues have",
                        _ => "no object of it can be read: it is a name that others use",
                    };
                    Reply::Say(super::Level::Info, text.into())
                }
            },
            Action::ShowHardware => match self.node() {
                Some(node) => super::hardware::place::open_queue(node, cx),
                None => Reply::Ignored,
            },
            Action::ShowEvents => match self.node().and_then(|node| Some((node, node.key?))) {
                Some((node, key)) => Reply::Open(Target::Events(Some(super::About {
                    key,
                    namespace: node.namespace.clone(),
                    title: node.name.to_string(),
                }))),
                None => Reply::Ignored,
            },
            Action::Copy => match self.node() {
                Some(node) => Reply::Copy {
                    text: node.name.to_string(),
                    what: format!("the name {}", node.name),
                },
                None => Reply::Ignored,
            },
            _ => Reply::Ignored,
        }
    }

    fn draw_tree(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let columns = columns::columns(self.resource.as_ref(), cx);
        let (lines, nodes) = (&self.lines, &self.nodes);
        self.tree_body = Table::new(&columns, lines.len())
            .focused(cx.focused && !self.inside)
            .draw(area, buf, cx.theme, &mut self.tree.table, |at| {
                let line = lines.get(at);
                let node = line.and_then(|line| nodes.get(line.node));
                match (line, node) {
                    (Some(line), Some(node)) => columns::row(line, node, &columns, cx),
                    _ => crate::ui::Row::default(),
                }
            });
    }

    /// The list's heading, the list, and the sentence about the workload under its cursor.
    fn draw_list(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.list_area = area;
        let heading = match self.node() {
            Some(node) if self.bare().is_some() => {
                let of = [node.cluster];
                let words = absent::words(&self.pending, &of, cx).unwrap_or_default();
                format!("cluster {} · {words}", node.name)
            }
            Some(node) => {
                let asked = self.asked();
                let said = asked.iter().find_map(|line| {
                    let positions = &cx.model.kueue.positions;
                    positions.line(node.cluster, line)
                });
                answer::node(node, self.places.len(), said, cx)
            }
            None => String::new(),
        };
        rule(&heading, self.inside, cx, Rect { height: 1, ..area }, buf);
        if let Some(cluster) = self.bare() {
            let below = Rect {
                y: area.y + 1,
                height: area.height.saturating_sub(1),
                ..area
            };
            return absent::draw(&self.pending, &[cluster], cx, below, buf);
        }
        let said = SAID.min(area.height.saturating_sub(4));
        let table = Rect {
            y: area.y + 1,
            height: area.height.saturating_sub(1 + said),
            ..area
        };
        let paces = standing::Paces::of(&self.places, cx);
        let columns = standing::columns(
            cx.session.namespace.is_none(),
            area.width >= 110,
            paces.any(),
        );
        let places = &self.places;
        if places.is_empty() {
            let text = match self.lines.is_empty() {
                true => format!("no queue is called {}: esc shows all", self.filter),
                false => "no workload stands here".into(),
            };
            let room = usize::from(table.width.saturating_sub(2));
            buf.set_stringn(table.x + 1, table.y, text, room, cx.theme.dim());
        }
        let marks = self.list.marks().clone();
        self.list_body = Table::new(&columns, places.len())
            .header(!places.is_empty())
            .focused(cx.focused && self.inside)
            .draw(table, buf, cx.theme, &mut self.list.table, |at| {
                let place = places.get(at);
                let row = place.and_then(|place| cx.model.kueue.workloads.get(place.key));
                match (place, row) {
                    (Some(place), Some(row)) => standing::row(place, row, &columns, &paces, cx)
                        .marked(marks.contains(&place.key)),
                    _ => crate::ui::Row::default(),
                }
            });
        let place = Rect {
            y: area.bottom() - said,
            height: said,
            ..area
        };
        self.say(cx, place, buf);
    }

    fn say(&self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let Some(row) = self.workload(cx) else {
            return;
        };
        let Some(why) =
            waiting::workload(cx.model, cx.model.kueue.look(row.key.cluster), row, cx.now)
        else {
            return;
        };
        let width = usize::from(area.width.saturating_sub(2));
        let mut lines: Vec<(String, Style)> = Vec::new();
        let wrapped = text::wrap(&text::clean(&why.sentence), width).into_iter();
        lines.extend(wrapped.map(|line| (line, cx.theme.text())));
        if let Some(next) = &why.next {
            let wrapped = text::wrap(&text::clean(next), width).into_iter();
            lines.extend(wrapped.map(|line| (line, cx.theme.dim())));
        }
        for (y, (line, style)) in (area.y..area.bottom()).zip(lines) {
            buf.set_stringn(area.x + 1, y, line, width, style);
        }
    }
}

/// `── vision · 4 workloads ────`: where one list ends and the next begins.
fn rule(words: &str, focused: bool, cx: &Cx, area: Rect, buf: &mut Buffer) {
    let border = cx.theme.border(focused);
    for x in area.left()..area.right() {
        buf.set_string(x, area.y, "─", border);
    }
    if !words.is_empty() && area.width > 8 {
        let words = text::clean(words);
        let words = text::shorten(&words, usize::from(area.width) - 6, text::Shorten::End);
        let style = match focused {
            true => cx.theme.text(),
            false => cx.theme.dim(),
        };
        buf.set_string(area.x + 2, area.y, format!(" {words} "), style);
    }
}

impl Pane for Queues {
    fn title(&self, _cx: &Cx) -> String {
        "queues".into()
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> styled::Line<'a> {
        match absent::words(&self.pending, &cx.session.shown(), cx) {
            Some(words) => styled::Line::from(Span::styled(words, cx.theme.dim())),
            None => answer::line(&self.nodes, cx),
        }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Queues, Scope::List]
    }

    fn hints(&self, cx: &Cx) -> Vec<Action> {
        if self.is_bare() {
            return vec![Action::GoJobs, Action::GoPods, Action::GoEvents];
        }
        if self.inside {
            let mut out = vec![Action::Open];
            if self
                .workload(cx)
                .is_some_and(|row| workload::job_of(row, cx).is_some())
            {
                out.extend([Action::Why, Action::Logs, Action::ShowPods]);
            }
            out.extend([Action::ShowEvents, Action::Yaml, Action::Focus]);
            return out;
        }
        let mut out = vec![Action::Open, Action::Focus];
        if self.object().is_some() {
            out.extend([Action::Yaml, Action::ShowEvents]);
        }
        if line::resources(&self.nodes).len() > 1 {
            out.push(Action::NextResource);
        }
        out.extend([Action::QueueObjects, Action::Filter, Action::Copy]);
        out
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.refresh(cx);
        self.rule = None;
        if self.is_bare() {
            return absent::draw(&self.pending, &cx.session.shown(), cx, area, buf);
        }
        if area.width >= BESIDE {
            let ideal = area.width - area.width * 11 / 20 - 1;
            let right = beside::width("queues", area.width, ideal, cx);
            let left = Rect {
                width: area.width - right - 1,
                ..area
            };
            self.rule = Some(left.right());
            self.draw_tree(cx, left, buf);
            for y in area.y..area.bottom() {
                buf.set_string(left.right(), y, "│", cx.theme.border(self.inside));
            }
            let right = Rect {
                x: left.right() + 1,
                width: area.width - left.width - 1,
                ..area
            };
            self.draw_list(cx, right, buf);
            return;
        }
        // the tree takes what it needs, up to half; the list the rest
        let wish = u16::try_from(self.lines.len() + 1).unwrap_or(u16::MAX);
        let height = wish.clamp(4, (area.height / 2).max(4)).min(area.height);
        self.draw_tree(cx, Rect { height, ..area }, buf);
        let below = Rect {
            y: area.y + height,
            height: area.height - height,
            ..area
        };
        if below.height >= 3 {
            self.draw_list(cx, below, buf);
        }
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        self.refresh(cx);
        let reply = match action {
            Action::Focus if self.inside || !self.places.is_empty() => {
                self.inside = !self.inside;
                Reply::Done
            }
            Action::Back if self.inside => {
                self.inside = false;
                Reply::Done
            }
            Action::QueueObjects => return Reply::Open(Target::QueueObjects),
            Action::NextResource => self.step_resource(true),
            Action::PreviousResource => self.step_resource(false),
            _ => self.own(action, cx),
        };
        self.refresh(cx);
        reply
    }

    fn subjects(&self, cx: &Cx) -> Vec<Key> {
        if !self.inside {
            return self.node().and_then(|node| node.key).into_iter().collect();
        }
        // what stands in a queue is its job's Workload: it is the job that is meant
        let meant = self.list.meant().into_iter();
        let job = |key: Key| {
            let row = cx.model.kueue.workloads.get(key)?;
            workload::job_of(row, cx).map(|job| job.key)
        };
        meant.map(|key| job(key).unwrap_or(key)).collect()
    }

    fn cluster(&self, _cx: &Cx) -> Option<ClusterId> {
        self.node().map(|node| node.cluster)
    }

    fn wants(&self, cx: &Cx) -> Vec<Want> {
        let mut wants: Vec<Want> = [Kind::Job, Kind::Pod, Kind::Node]
            .map(|kind| Want::Watch(kind, Selector::All))
            .into();
        wants.push(Want::Workloads);
        if cx.session.shown().iter().any(|of| absent::is(&[*of], cx)) {
            wants.push(limits::QUOTAS);
        }
        if let Some(node) = self.node().filter(|_| self.rested(cx)) {
            let asked = self.asked().into_iter().map(Want::Pending);
            wants.extend(asked.map(|want| want.at(node.cluster)));
        }
        wants
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        let rest = self.moved.map(|at| at + REST).filter(|at| *at > cx.now);
        if cx.timestamps {
            return rest;
        }
        let table = &self.list.table;
        let visible = self.places.iter().skip(table.offset()).take(table.page());
        let times = visible.filter_map(|place| {
            let row = cx.model.kueue.workloads.get(place.key)?;
            standing::since(row)
        });
        let ticks = times.map(|at| cx.now + human::next_change(cx.now - at));
        ticks.chain(rest).min()
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) -> Result<(), String> {
        self.filter = text.trim().to_owned();
        self.refresh(cx);
        Ok(())
    }

    fn position(&self, _cx: &Cx) -> String {
        match self.inside {
            true => self.list.table.position(self.places.len()),
            false => self.tree.table.position(self.lines.len()),
        }
    }

    fn border(&self) -> Option<(&'static str, u16)> {
        self.rule.map(|column| ("queues", column))
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, cx: &Cx) -> Reply {
        self.refresh(cx);
        let at = Position::new(event.column, event.row);
        if self.list_area.contains(at) {
            let columns = standing::columns(cx.session.namespace.is_none(), true, true);
            let keys = standing::keys(&self.places);
            match pointed(event, self.list_body, &self.list, &columns, keys.len(), cx) {
                Pointed::Row(_, true) => return self.own(Action::Open, cx),
                Pointed::Row(at, _) => {
                    self.inside = true;
                    self.list.go(at, &Fixed(&keys));
                }
                Pointed::Wheel(by) => self.list.wheel(by, &Fixed(&keys)),
                Pointed::Heading(_) | Pointed::Nothing => return Reply::Ignored,
            }
        } else {
            let columns = columns::columns(self.resource.as_ref(), cx);
            let keys: Vec<Key> = self.lines.iter().map(|line| line.key).collect();
            match pointed(event, self.tree_body, &self.tree, &columns, keys.len(), cx) {
                Pointed::Row(_, true) => return self.own(Action::Open, cx),
                Pointed::Row(at, _) => {
                    self.inside = false;
                    self.tree
                        .go(line::snap(&self.lines, at, false), &Fixed(&keys));
                }
                Pointed::Wheel(by) => self.tree.wheel(by, &Fixed(&keys)),
                Pointed::Heading("quota") => return self.step_resource(true),
                Pointed::Heading(_) | Pointed::Nothing => return Reply::Ignored,
            }
        }
        self.refresh(cx);
        Reply::Done
    }
}
