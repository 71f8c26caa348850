//! GPUs: the cluster as a picture, one line per node and one cell per card in the hue of who holds it, in groups with
//! their totals, of several clusters each under its own; beside it the ledger of who holds what. Groups of many nodes fold into blocks, a cell per node.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::beside;
use super::health::{self, Rows};
use super::{Cx, Level, LogsOf, Pane, Reply, Target};
use crate::app::action::{Action, Scope};
use crate::model::capacity::groups::Dim;
use crate::model::capacity::holders::By;
use crate::model::capacity::{
    self,
    cards::{Card, cards},
};
use crate::model::ids::{ClusterId, Key, Name};
use crate::model::job::JobRow;
use crate::model::node::NodeRow;
use crate::model::pod::PodRow;
use crate::model::shape::Taint;
use crate::model::want::{Kind, Selector, Want};
use crate::ui::text::count;
use alarms::Alarms;
pub use alarms::sign as alarm_sign;
use fit::Fit;
use ledger::Ledger;
use tree::Tree;

mod act;
mod alarms;
pub mod answer;
pub mod cells;
pub mod colours;
mod cursor;
mod fit;
mod ledger;
mod map;
mod side;
#[cfg(test)]
mod tests;
mod tree;
mod usage;

/// From this width on the ledger stands beside the map.
const BESIDE: u16 = 120;
/// A group of more nodes is shown as blocks unless it was opened.
const FOLD: usize = 48;
/// So is every group of more than a few, where all together are more than this.
const MANY: usize = 200;
const FEW: usize = 8;

/// A heading of the map.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Head {
    /// One of several clusters.
    Cluster(ClusterId),
    /// A group of nodes of a cluster.
    Group(ClusterId, Option<Name>),
}

/// What the cursor is on.
#[derive(Debug, Clone, PartialEq)]
enum Spot {
    Head(Head),
    Node(Key),
}

/// A line of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    /// Heading of one of several clusters.
    Cluster(ClusterId),
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
    /// All, with where the pods of a workload would fit.
    Fit(Key),
}

/// What stands beside the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Ledger,
    Alarms,
    Fit,
}

/// Which text is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typing {
    Filter,
    Fit,
}

/// The GPUs screen.
pub struct Gpus {
    dim: Dim,
    by: By,
    filter: String,
    /// Only the nodes of this workload, whose devices stand out.
    of: Option<Key>,
    /// Only this cluster, which what it was opened from is in; none: all that are looked at.
    within: Option<ClusterId>,
    /// Groups and clusters folded (true) or opened by hand.
    folded: BTreeMap<Head, bool>,
    tree: Tree,
    /// Nodes of all groups.
    shown: usize,
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
    alarms: Alarms,
    fit: Fit,
    /// A workload whose shape is asked about, once there is a model to read it from.
    fit_of: Option<Key>,
    side: Side,
    typing: Typing,
    /// Colours tell what devices do, where that is read, instead of who has them.
    heat: bool,
    /// The column of the line between map and side, where both are seen.
    rule: Option<u16>,
    /// Keys go to what stands beside the map.
    inside: bool,
    /// The map and the ledger are both on screen.
    both: bool,
}

/// The map of a workload's GPUs; of one that waits for some, where its pods would fit.
pub fn of_job(job: &JobRow, cx: &Cx) -> Reply {
    let holds = |pod: &PodRow| capacity::holds(pod) && !pod.shape.devices.is_empty();
    let holds = cx
        .model
        .pods_of(job.key)
        .any(|pod| holds(pod) || pod.shape.claims > 0);
    if holds {
        return Reply::Open(Target::GpuMap(MapOf::Job(job.key)));
    }
    let asks = crate::model::capacity::ask::Ask::of_job(cx.model, job);
    match asks.is_some_and(|(ask, _)| ask.total() > 0) && !cx.model.status(job).phase.is_over() {
        true => Reply::Open(Target::GpuMap(MapOf::Fit(job.key))),
        false => Reply::Say(Level::Info, format!("{} holds no GPU now", job.name)),
    }
}

impl Gpus {
    pub fn new(of: MapOf) -> Self {
        let (job, spot, fit_of) = match of {
            MapOf::All => (None, None, None),
            MapOf::Job(job) => (Some(job), None, None),
            MapOf::Node(node) => (None, Some(Spot::Node(node)), None),
            MapOf::Fit(job) => (None, None, Some(job)),
        };
        let within = match of {
            MapOf::All => None,
            MapOf::Job(key) | MapOf::Node(key) | MapOf::Fit(key) => Some(key.cluster),
        };
        Self {
            within,
            dim: Dim::Product,
            by: By::Workload,
            filter: String::new(),
            of: job,
            spot,
            folded: BTreeMap::new(),
            tree: Tree::default(),
            shown: 0,
            rows: Vec::new(),
            made_of: None,
            folds: 0,
            card: 0,
            offset: 0,
            map: Rect::default(),
            ledger: Ledger::default(),
            alarms: Alarms::default(),
            fit: Fit::default(),
            fit_of,
            side: Side::Ledger,
            typing: Typing::Filter,
            heat: false,
            rule: None,
            inside: false,
            both: false,
        }
    }

    /// The clusters whose GPUs are on the map.
    fn clusters(&self, cx: &Cx) -> Vec<ClusterId> {
        match self.within {
            Some(cluster) => vec![cluster],
            None => cx.session.shown(),
        }
    }

    /// The cluster under the cursor, else that in front.
    fn here(&self, cx: &Cx) -> ClusterId {
        self.cluster(cx).unwrap_or(cx.session.cluster)
    }

    fn refresh(&mut self, cx: &Cx) {
        let clusters = self.clusters(cx);
        self.tree
            .refresh(&clusters, self.dim, &self.filter, self.of, cx);
        self.shown = self.tree.branches.iter().map(|b| b.nodes.len()).sum();
        self.ledger.refresh(&clusters, self.by, cx);
        self.alarms.refresh(cx);
        if let Some(job) = self.fit_of.and_then(|key| cx.model.jobs.get(key)) {
            self.fit.begin(job, &clusters, cx);
            (self.fit_of, self.side) = (None, Side::Fit);
        }
        self.fit.refresh(&clusters, cx);
        self.ledger.colours.only = match self.of.and_then(|key| cx.model.jobs.get(key)) {
            Some(job) if self.by == By::Workload => Some((
                job.key.cluster,
                job.kind_name().into(),
                job.namespace.clone(),
                job.name.clone(),
            )),
            _ if self.inside && self.side == Side::Ledger => {
                self.ledger.row().map(|row| colours::who(self.by, row))
            }
            _ => None,
        };
        let made_of = (self.tree.revision, self.map.width, self.folds);
        if self.made_of != Some(made_of) {
            self.made_of = Some(made_of);
            self.lay_out();
        }
        if self.row_at().is_none() {
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
        if self.inside && self.side == Side::Ledger {
            return cx.model.pods.get(self.ledger.row()?.key?);
        }
        if self.inside {
            return None;
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
}

impl Pane for Gpus {
    fn title(&self, cx: &Cx) -> String {
        match self.of.and_then(|key| cx.model.jobs.get(key)) {
            Some(job) => format!("gpus of {}", job.name),
            None => "gpus".into(),
        }
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let fit = self.fit.line(self.here(cx), cx);
        fit.unwrap_or_else(|| answer::line(&self.clusters(cx), cx, self.tolerates(cx)))
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Gpus, Scope::List]
    }

    fn hints(&self, cx: &Cx) -> Vec<Action> {
        let mut out = vec![Action::Open, Action::Focus];
        if self.inside {
            if self.side == Side::Ledger {
                out.extend([Action::SortNext, Action::ColourBy]);
            }
            out.extend([Action::GpuFit, Action::GpuAlarms, Action::Back]);
            return out;
        }
        if self.pod(cx).is_some() {
            out.push(Action::GoJob);
        }
        out.extend([
            Action::GpuFit,
            Action::GpuAlarms,
            Action::GroupBy,
            Action::ColourBy,
            Action::FoldGroup,
            Action::Filter,
        ]);
        out.truncate(8);
        out
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.both = area.width >= BESIDE;
        let side = match self.both {
            true => {
                let ideal = (area.width * 2 / 5).clamp(48, 84);
                beside::width("gpus", area.width, ideal, cx)
            }
            false => 0,
        };
        let map = Rect {
            width: area.width - side,
            ..area
        };
        self.map = map;
        self.rule = self.both.then(|| map.right());
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
            self.draw_lower(cx, left, buf);
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
        // without a side, the cursor's words stand below the map, under a rule
        let wanted = if cx.session.gpu_use.on { 7 } else { 3 };
        let said = wanted.min(left.height / 3);
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
                if !self.inside && self.side == Side::Ledger {
                    self.point_ledger(cx);
                }
                self.inside = !self.inside;
                Reply::Done
            }
            Action::Back if self.inside => {
                self.inside = false;
                Reply::Done
            }
            Action::Back if self.fit.is_on() => {
                self.end_fit();
                Reply::Done
            }
            Action::Back => {
                self.typing = Typing::Filter;
                Reply::Ignored
            }
            Action::GpuAlarms => self.toggle_alarms(cx),
            Action::GpuFit => self.ask_fit(cx),
            Action::Filter => {
                self.typing = Typing::Filter;
                Reply::Ignored
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
            _ if self.inside => self.in_side(action, cx),
            _ => self.on_map(action, cx),
        };
        self.refresh(cx);
        reply
    }

    fn cluster(&self, cx: &Cx) -> Option<ClusterId> {
        match (self.inside, self.side, &self.spot) {
            (true, Side::Ledger, _) => self.ledger.row().map(|row| row.cluster),
            (true, Side::Alarms, _) => self.alarms.selected(cx).map(|alarm| alarm.cluster),
            (_, _, Some(Spot::Node(key))) => Some(key.cluster),
            (_, _, Some(Spot::Head(Head::Cluster(cluster) | Head::Group(cluster, _)))) => {
                Some(*cluster)
            }
            (_, _, None) => None,
        }
    }

    fn wants(&self, cx: &Cx) -> Vec<Want> {
        let mut wants: Vec<Want> = [Kind::Node, Kind::Pod, Kind::Job]
            .map(|kind| Want::Watch(kind, Selector::All))
            .into();
        wants.push(Want::Workloads);
        wants.extend(self.asked(cx));
        wants
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        [self.tree.due(cx), self.ledger.due(cx), self.fit.due(cx)]
            .into_iter()
            .flatten()
            .min()
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) -> Result<(), String> {
        if self.typing == Typing::Fit {
            self.fit.set(text, &self.clusters(cx), cx)?;
            self.side = match self.fit.is_on() {
                true => Side::Fit,
                false => Side::Ledger,
            };
        } else {
            self.filter = text.trim().to_owned();
        }
        self.refresh(cx);
        Ok(())
    }

    fn refused_at(&self) -> Option<(usize, usize)> {
        let refused = self.fit.refused.as_ref()?;
        Some((refused.at, refused.len))
    }

    fn position(&self, cx: &Cx) -> String {
        match self.side {
            Side::Ledger if self.inside => {
                return self.ledger.table.position(self.ledger.rows.len());
            }
            Side::Alarms if self.inside => {
                return self.alarms.table.position(alarms::all(cx).len());
            }
            _ => {}
        }
        match self.shown == self.tree.all {
            true => format!("{} nodes", count(self.shown as u64)),
            false => format!(
                "{} of {} nodes",
                count(self.shown as u64),
                count(self.tree.all as u64)
            ),
        }
    }

    fn border(&self) -> Option<(&'static str, u16)> {
        self.rule.map(|column| ("gpus", column))
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, cx: &Cx) -> Reply {
        self.point(event, cx)
    }
}
