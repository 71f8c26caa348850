//! GPUs: the cluster as a picture, one line per node and one cell per card in the hue of who holds it, in groups with
//! their totals; beside it the ledger of who holds what. Groups of many nodes fold into blocks, a cell per node.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::health::{self, Rows};
use super::{About, Cx, Level, LogsOf, Pane, PodsOf, Reply, Target};
use crate::app::action::{Action, Scope};
use crate::model::capacity::groups::Dim;
use crate::model::capacity::holders::By;
use crate::model::capacity::{
    self,
    cards::{Card, cards},
};
use crate::model::ids::{Key, Name};
use crate::model::job::JobRow;
use crate::model::node::NodeRow;
use crate::model::pod::PodRow;
use crate::model::progress::job_of;
use crate::model::shape::Taint;
use crate::model::want::{Kind, ObjectWant, Selector, Want};
use crate::ui::text::count;
use ledger::{BYS, Ledger};
use tree::Tree;

pub mod answer;
pub mod cells;
pub mod colours;
mod cursor;
mod ledger;
mod map;
mod side;
#[cfg(test)]
mod tests;
mod tree;

/// From this width on the ledger stands beside the map.
const BESIDE: u16 = 120;
/// A group of more nodes is shown as blocks unless it was opened.
const FOLD: usize = 48;

/// What the cursor is on.
#[derive(Debug, Clone, PartialEq)]
enum Spot {
    Group(Option<Name>),
    Node(Key),
}

/// A line of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    /// Heading of a group.
    Group(usize),
    /// A node of a group, by their places.
    Node(usize, usize),
    /// Nodes of a group as blocks, from and to.
    Blocks(usize, usize, usize),
    Gap,
}

/// Which GPUs a map is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapOf {
    All,
    /// Those of a workload: only nodes where it runs, what it holds stands out.
    Job(Key),
    /// All, the cursor on a node.
    Node(Key),
}

/// The GPUs screen.
pub struct Gpus {
    dim: Dim,
    by: By,
    filter: String,
    /// Only the nodes of this workload, whose devices stand out.
    of: Option<Key>,
    /// Groups folded (true) or opened by hand.
    folded: BTreeMap<Option<Name>, bool>,
    tree: Tree,
    rows: Vec<Row>,
    /// What `rows` were made of.
    made_of: Option<(u64, u16, u64)>,
    /// Moves when a group is folded or opened.
    folds: u64,
    spot: Option<Spot>,
    /// The card the cursor is on, within its node.
    card: usize,
    offset: usize,
    map: Rect,
    ledger: Ledger,
    /// Keys go to the ledger.
    inside: bool,
    /// The map and the ledger are both on screen.
    both: bool,
}

/// The map of a workload's GPUs, or why there is none to show.
pub fn of_job(job: &JobRow, cx: &Cx) -> Reply {
    let holds = |pod: &PodRow| capacity::holds(pod) && !pod.shape.devices.is_empty();
    let holds = cx
        .model
        .pods_of(job.key)
        .any(|pod| holds(pod) || pod.shape.claims > 0);
    match holds {
        true => Reply::Open(Target::GpuMap(MapOf::Job(job.key))),
        false => Reply::Say(Level::Info, format!("{} holds no GPU now", job.name)),
    }
}

impl Gpus {
    pub fn new(of: MapOf) -> Self {
        let (of, spot) = match of {
            MapOf::All => (None, None),
            MapOf::Job(job) => (Some(job), None),
            MapOf::Node(node) => (None, Some(Spot::Node(node))),
        };
        Self {
            dim: Dim::Product,
            by: By::Workload,
            filter: String::new(),
            of,
            spot,
            folded: BTreeMap::new(),
            tree: Tree::default(),
            rows: Vec::new(),
            made_of: None,
            folds: 0,
            card: 0,
            offset: 0,
            map: Rect::default(),
            ledger: Ledger::default(),
            inside: false,
            both: false,
        }
    }

    fn refresh(&mut self, cx: &Cx) {
        self.tree.refresh(self.dim, &self.filter, self.of, cx);
        self.ledger.refresh(self.by, cx);
        self.ledger.colours.only = match self.of.and_then(|key| cx.model.jobs.get(key)) {
            Some(job) if self.by == By::Workload => Some((
                job.kind_name().into(),
                job.namespace.clone(),
                job.name.clone(),
            )),
            _ if self.inside => self.ledger.row().map(|row| colours::who(self.by, row)),
            _ => None,
        };
        let made_of = (self.tree.revision, self.map.width, self.folds);
        if self.made_of != Some(made_of) {
            self.made_of = Some(made_of);
            self.lay_out();
        }
        let gone = match &self.spot {
            Some(Spot::Node(key)) => self.tree.find(*key).is_none(),
            Some(Spot::Group(name)) => !self.tree.branches.iter().any(|b| b.name == *name),
            None => true,
        };
        if gone {
            self.spot = self
                .rows
                .get(self.offset)
                .and_then(|row| self.spot_of(*row, 0));
        }
    }

    /// The node under the cursor.
    fn node<'a>(&self, cx: &Cx<'a>) -> Option<&'a NodeRow> {
        match self.spot {
            Some(Spot::Node(key)) => cx.model.nodes.get(key),
            _ => None,
        }
    }

    /// The card under the cursor, its place and of how many; in blocks there is none.
    fn card(&self, cx: &Cx) -> Option<(Card, usize, usize)> {
        let row = self.rows.get(self.row_at()?)?;
        let Row::Node(..) = row else { return None };
        let mut all = cards(cx.model, self.node(cx)?);
        let at = self.card.min(all.len().checked_sub(1)?);
        let n = all.len();
        Some((all.swap_remove(at), at, n))
    }

    /// The pod under the cursor: the first on the card, or in the ledger the row's.
    fn pod<'a>(&self, cx: &Cx<'a>) -> Option<&'a PodRow> {
        if self.inside {
            return cx.model.pods.get(self.ledger.row()?.key?);
        }
        let (card, ..) = self.card(cx)?;
        let pods = cells::pods(&card);
        pods.into_iter().find_map(|key| cx.model.pods.get(key))
    }

    /// Whether the pod that is thought of comes past a taint: one of the workload looked at; else any that asks for
    /// devices, which tolerates what keeps others off them.
    fn tolerates<'a>(&self, cx: &Cx<'a>) -> impl Fn(&Taint) -> bool + Copy + use<'a> {
        let shape = self
            .of
            .and_then(|job| Some(&cx.model.pods_of(job).next()?.shape));
        move |taint: &Taint| match shape {
            Some(shape) => shape.tolerates(taint),
            None => crate::model::capacity::unit::vendor(&taint.key).is_some(),
        }
    }

    /// On the map: from a node, a card, a group.
    fn on_map(&mut self, action: Action, cx: &Cx) -> Reply {
        let page =
            isize::from(i16::try_from(self.map.height.saturating_sub(1).max(1)).unwrap_or(1));
        match action {
            Action::Up => self.step(-1),
            Action::Down => self.step(1),
            Action::PageUp => self.step(-page),
            Action::PageDown => self.step(page),
            Action::Top => self.spot = self.rows.first().and_then(|row| self.spot_of(*row, 0)),
            Action::Bottom => {
                self.spot = self
                    .rows
                    .last()
                    .and_then(|row| self.spot_of(*row, usize::MAX / 2));
            }
            Action::Left => return self.sideways(-1, cx),
            Action::Right => return self.sideways(1, cx),
            Action::Open if matches!(self.spot, Some(Spot::Group(_))) => return self.fold(),
            Action::FoldGroup => return self.fold(),
            _ => return self.node_action(action, cx),
        }
        Reply::Done
    }

    fn node_action(&mut self, action: Action, cx: &Cx) -> Reply {
        let Some(node) = self.node(cx) else {
            return Reply::Ignored;
        };
        match action {
            Action::Open | Action::ShowPods => {
                Reply::Open(Target::Pods(PodsOf::Node(node.name.clone())))
            }
            Action::ShowHardware => super::hardware::stock::open(std::iter::once(node), cx),
            Action::Yaml => Reply::Open(Target::Yaml(ObjectWant {
                kind: Kind::Node,
                namespace: "".into(),
                name: node.name.clone(),
            })),
            Action::ShowEvents => Reply::Open(Target::Events(Some(About {
                key: node.key,
                namespace: "".into(),
                title: format!("node/{}", node.name),
            }))),
            Action::Copy => Reply::Copy {
                text: node.name.to_string(),
                what: format!("the name {}", node.name),
            },
            _ => Reply::Ignored,
        }
    }

    /// In the ledger: to the workload or the pod of a row.
    fn in_ledger(&mut self, action: Action, cx: &Cx) -> Reply {
        if self.ledger.act(action, self.by, cx) {
            return Reply::Done;
        }
        let Some(row) = self.ledger.row() else {
            return Reply::Ignored;
        };
        match action {
            Action::Open => match row.key {
                Some(key) if cx.model.jobs.contains(key) => Reply::Open(Target::Job(key)),
                Some(_) => self.go_job(cx),
                None => Reply::Say(
                    Level::Info,
                    format!("{} {} has no page of its own", row.kind, row.name),
                ),
            },
            Action::Copy => Reply::Copy {
                text: row.name.to_string(),
                what: format!("the name {}", row.name),
            },
            _ => Reply::Ignored,
        }
    }

    fn go_job(&self, cx: &Cx) -> Reply {
        if self.inside
            && let Some(key) = self.ledger.row().and_then(|row| row.key)
            && cx.model.jobs.contains(key)
        {
            return Reply::Open(Target::Job(key));
        }
        let Some(pod) = self.pod(cx) else {
            return Reply::Say(Level::Info, "nobody holds this".into());
        };
        match job_of(pod)
            .map(|job| cx.model.top(job))
            .filter(|job| cx.model.jobs.contains(*job))
        {
            Some(job) => Reply::Open(Target::Job(job)),
            None => Reply::Say(Level::Info, format!("pod {} belongs to no job", pod.name)),
        }
    }

    /// From a card to its holder in the ledger.
    fn point_ledger(&mut self, cx: &Cx) {
        if let Some(pod) = self.pod(cx) {
            let who = colours::of_pod(self.by, pod, cx.model);
            self.ledger.choose(self.by, who);
        }
    }

    fn next_by(&mut self, cx: &Cx) -> Reply {
        let at = BYS.iter().position(|by| *by == self.by).unwrap_or(0);
        self.by = BYS[(at + 1) % BYS.len()];
        self.refresh(cx);
        Reply::Say(
            Level::Info,
            format!("colours and ledger by {}", ledger::word(self.by)),
        )
    }

    fn next_dim(&mut self, cx: &Cx) -> Reply {
        let dims = Dim::ALL;
        let at = dims.iter().position(|dim| *dim == self.dim).unwrap_or(0);
        // those that put all nodes into one nameless group say nothing
        let tells = |dim: &&Dim| {
            let mut groups = cx.model.capacity.groups(cx.session.cluster, **dim);
            **dim == Dim::All || groups.any(|(name, _)| name.is_some())
        };
        let next = dims
            .iter()
            .cycle()
            .skip(at + 1)
            .take(dims.len())
            .find(tells);
        self.dim = next.copied().unwrap_or(self.dim);
        self.refresh(cx);
        Reply::Say(Level::Info, format!("nodes by {}", self.dim.word()))
    }
}

impl Pane for Gpus {
    fn title(&self, cx: &Cx) -> String {
        match self.of.and_then(|key| cx.model.jobs.get(key)) {
            Some(job) => format!("gpus of {}", job.name),
            None => "gpus".into(),
        }
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        answer::line(cx, self.tolerates(cx))
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Gpus, Scope::List]
    }

    fn hints(&self, cx: &Cx) -> Vec<Action> {
        let mut out = vec![Action::Open, Action::Focus];
        if self.inside {
            out.extend([
                Action::SortNext,
                Action::ColourBy,
                Action::GroupBy,
                Action::Back,
            ]);
            return out;
        }
        if self.pod(cx).is_some() {
            out.extend([Action::GoJob, Action::Logs]);
        }
        out.extend([
            Action::GroupBy,
            Action::ColourBy,
            Action::FoldGroup,
            Action::Filter,
        ]);
        if self.node(cx).is_some() {
            out.push(Action::ShowHardware);
        }
        out
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.both = area.width >= BESIDE;
        let side = match self.both {
            true => (area.width * 2 / 5).clamp(48, 84),
            false => 0,
        };
        let map = Rect {
            width: area.width - side,
            ..area
        };
        self.map = map;
        self.refresh(cx);
        let rows = Rows {
            kind: Kind::Node,
            all: self.tree.all,
            shown: self.tree.branches.len(),
            filter: &self.filter,
            none: "no node offers GPUs",
        };
        if self.tree.branches.is_empty() {
            health::draw(rows, cx, area, buf);
            return;
        }
        let left = health::draw(rows, cx, map, buf);
        if !self.both && self.inside {
            self.ledger.draw(self.by, cx.focused, cx, left, buf);
            return;
        }
        if self.both {
            for y in area.y..area.bottom() {
                buf.set_string(map.right(), y, "│", cx.theme.border(self.inside));
            }
            let right = Rect {
                x: map.right() + 1,
                width: side - 1,
                ..area
            };
            self.draw_side(cx, right, buf);
            self.draw_map(cx, left, buf);
            return;
        }
        // without a side, the cursor's words stand below the map
        let said = 2.min(left.height.saturating_sub(6));
        let map = Rect {
            height: left.height - said,
            ..left
        };
        self.draw_map(cx, map, buf);
        let below = Rect {
            y: map.bottom(),
            height: said,
            ..left
        };
        self.draw_said(cx, below, buf);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        self.refresh(cx);
        let reply = match action {
            Action::Focus => {
                if !self.inside {
                    self.point_ledger(cx);
                }
                self.inside = !self.inside;
                Reply::Done
            }
            Action::Back if self.inside => {
                self.inside = false;
                Reply::Done
            }
            Action::ColourBy => self.next_by(cx),
            Action::GroupBy => self.next_dim(cx),
            Action::GoJob => self.go_job(cx),
            Action::Logs => match self.pod(cx) {
                Some(pod) => Reply::Open(Target::Logs(LogsOf::Pod {
                    pod: pod.key,
                    container: None,
                    previous: false,
                })),
                None => Reply::Say(Level::Info, "no pod is under the cursor".into()),
            },
            _ if self.inside => self.in_ledger(action, cx),
            _ => self.on_map(action, cx),
        };
        self.refresh(cx);
        reply
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        let mut wants: Vec<Want> = [Kind::Node, Kind::Pod, Kind::Job]
            .map(|kind| Want::Watch(kind, Selector::All))
            .into();
        wants.push(Want::Workloads);
        wants
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        [self.tree.due(cx), self.ledger.due(cx)]
            .into_iter()
            .flatten()
            .min()
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
        if self.inside {
            return self.ledger.table.position(self.ledger.rows.len());
        }
        let shown: usize = self.tree.branches.iter().map(|b| b.nodes.len()).sum();
        match shown == self.tree.all {
            true => format!("{} nodes", count(shown as u64)),
            false => format!(
                "{} of {} nodes",
                count(shown as u64),
                count(self.tree.all as u64)
            ),
        }
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, cx: &Cx) -> Reply {
        self.refresh(cx);
        let at = Position::new(event.column, event.row);
        let in_map = self.map.contains(at) && (self.both || !self.inside);
        match event.kind {
            MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
                let by = if event.kind == MouseEventKind::ScrollUp {
                    -3
                } else {
                    3
                };
                match in_map {
                    true => self.step(by),
                    false => self.ledger.table.step(by, self.ledger.rows.len()),
                }
            }
            MouseEventKind::Down(MouseButton::Left) if in_map => {
                self.inside = false;
                let line = usize::from(event.row - self.map.y) + self.offset;
                let Some(row) = self.rows.get(line).copied() else {
                    return Reply::Ignored;
                };
                let column = usize::from(event.column - self.map.x);
                let spot = self.spot_of(row, column.saturating_sub(map::INDENT));
                if spot.is_some() && spot == self.spot {
                    return self.on_map(Action::Open, cx);
                }
                self.spot = spot.or_else(|| self.spot.take());
            }
            MouseEventKind::Down(MouseButton::Left) => {
                let line = usize::from(event.row.saturating_sub(self.ledger.body.y));
                let row = self.ledger.table.row_at(line, self.ledger.rows.len());
                let Some(row) = row.filter(|_| self.ledger.body.contains(at)) else {
                    return Reply::Ignored;
                };
                if self.inside && self.ledger.table.selected() == Some(row) {
                    return self.in_ledger(Action::Open, cx);
                }
                self.inside = true;
                self.ledger.go(self.by, row);
            }
            _ => return Reply::Ignored,
        }
        self.refresh(cx);
        Reply::Done
    }
}
