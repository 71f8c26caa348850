//! What keys and the mouse do on the map of GPUs and beside it. Separate from the screen's state and its drawing.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::fit::Fit;
use super::ledger::{self, BYS};
use super::{Gpus, Head, Side, Spot, Typing, alarms, colours, map};
use crate::app::action::Action;
use crate::model::capacity::groups::Dim;
use crate::model::ids::Key;
use crate::model::progress::job_of;
use crate::model::want::{Kind, ObjectWant};
use crate::panes::{About, Cx, Level, PodsOf, Reply, Target, gpu_use, hardware};

impl Gpus {
    /// On the map: from a node, a card, a group.
    pub(super) fn on_map(&mut self, action: Action, cx: &Cx) -> Reply {
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
            Action::Open if matches!(self.spot, Some(Spot::Head(_))) => return self.fold(),
            Action::FoldGroup => return self.fold(),
            _ => return self.node_action(action, cx),
        }
        Reply::Done
    }

    pub(super) fn node_action(&mut self, action: Action, cx: &Cx) -> Reply {
        match self.spot {
            Some(Spot::Node(key)) => self.node_act(action, key, cx),
            _ => Reply::Ignored,
        }
    }

    pub(super) fn node_act(&self, action: Action, key: Key, cx: &Cx) -> Reply {
        let Some(node) = cx.model.nodes.get(key) else {
            return Reply::Ignored;
        };
        match action {
            Action::Open => Reply::Open(Target::Node(node.key)),
            Action::ShowPods => Reply::Open(Target::Pods(PodsOf::Node(node.name.clone()))),
            Action::ShowHardware => hardware::stock::open(std::iter::once(node), cx),
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

    /// In what stands beside the map.
    pub(super) fn in_side(&mut self, action: Action, cx: &Cx) -> Reply {
        match self.side {
            Side::Ledger => self.in_ledger(action, cx),
            Side::Alarms => self.in_alarms(action, cx),
            Side::Fit if self.fit.act(action) => Reply::Done,
            Side::Fit => Reply::Ignored,
        }
    }

    /// In the list of alarms: to the node, or the workload, of a line.
    pub(super) fn in_alarms(&mut self, action: Action, cx: &Cx) -> Reply {
        if self.alarms.act(action, cx) {
            return Reply::Done;
        }
        let Some(alarm) = self.alarms.selected(cx) else {
            return Reply::Ignored;
        };
        match action {
            Action::Open | Action::GoJob => {
                if let Some(job) = alarm.job
                    && (action == Action::GoJob || &*alarm.cause == "gpus/idle")
                {
                    return Reply::Open(Target::Job(job));
                }
                match &alarm.node {
                    Some((key, _)) if self.tree.find(*key).is_some() => self.go_to(*key),
                    Some((key, _)) => return Reply::Open(Target::Node(*key)),
                    None => return Reply::Open(Target::Queues),
                }
                Reply::Done
            }
            Action::Copy => Reply::Copy {
                text: format!("{}: {}", alarm.subject.name, alarm.words(cx.now)),
                what: "the alarm".into(),
            },
            _ => match &alarm.node {
                Some((key, _)) => self.node_act(action, *key, cx),
                None => Reply::Ignored,
            },
        }
    }

    /// Puts the cursor of the map on a node, opening its group.
    pub(super) fn go_to(&mut self, node: Key) {
        if let Some((branch, _)) = self.tree.find(node)
            && let Some(branch) = self.tree.branches.get(branch)
        {
            for head in [branch.head(), Head::Cluster(branch.cluster)] {
                if self.folded.get(&head) == Some(&true) {
                    self.folded.remove(&head);
                    self.folds += 1;
                }
            }
        }
        self.spot = Some(Spot::Node(node));
        (self.card, self.inside) = (0, false);
    }

    /// In the ledger: to the workload or the pod of a row.
    pub(super) fn in_ledger(&mut self, action: Action, cx: &Cx) -> Reply {
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

    pub(super) fn go_job(&self, cx: &Cx) -> Reply {
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
    pub(super) fn point_ledger(&mut self, cx: &Cx) {
        if let Some(pod) = self.pod(cx) {
            let who = colours::of_pod(self.by, pod, cx.model);
            self.ledger.choose(self.by, who);
        }
    }

    pub(super) fn next_by(&mut self, cx: &Cx) -> Reply {
        let at = BYS.iter().position(|by| *by == self.by).unwrap_or(0);
        let last = at + 1 == BYS.len();
        match self.heat {
            true => self.heat = false,
            // the ledger goes on as it began
            false if last => (self.heat, self.by) = (true, BYS[0]),
            false => self.by = BYS[at + 1],
        }
        self.refresh(cx);
        let text = match (self.heat, cx.session.gpu_use.on) {
            (false, _) => format!("colours and ledger by {}", ledger::word(self.by)),
            (true, true) => "colours by what GPUs do".into(),
            (true, false) => format!("colours by what GPUs do: {}", gpu_use::off(cx)),
        };
        Reply::Say(Level::Info, text)
    }

    /// The list of alarms in the place of the ledger, or the ledger again.
    pub(super) fn toggle_alarms(&mut self, cx: &Cx) -> Reply {
        let shown = self.side == Side::Alarms;
        self.side = match (shown, self.fit.is_on()) {
            (false, _) => Side::Alarms,
            (true, true) => Side::Fit,
            (true, false) => Side::Ledger,
        };
        self.inside = !shown;
        self.refresh(cx);
        Reply::Done
    }

    /// Asks for a shape, beginning with that of the workload looked at, or under the cursor.
    pub(super) fn ask_fit(&mut self, cx: &Cx) -> Reply {
        self.typing = Typing::Fit;
        if !self.fit.is_on() {
            let under = self.pod(cx).and_then(job_of).map(|job| cx.model.top(job));
            let in_ledger = self.ledger.row().filter(|_| self.inside);
            let in_ledger = in_ledger.and_then(|row| row.key);
            let job = self.of.or(in_ledger).or(under);
            if let Some(job) = job.and_then(|key| cx.model.jobs.get(key)) {
                self.fit.begin(job, &self.clusters(cx), cx);
            }
        }
        self.side = Side::Fit;
        Reply::Prompt {
            label: "what fits (8 gpu 96 cpu 1Ti x2 H100)".into(),
            text: self.fit.text.clone(),
        }
    }

    pub(super) fn end_fit(&mut self) {
        self.fit = Fit::default();
        self.typing = Typing::Filter;
        if self.side == Side::Fit {
            (self.side, self.inside) = (Side::Ledger, false);
        }
    }

    pub(super) fn next_dim(&mut self, cx: &Cx) -> Reply {
        let dims = Dim::ALL;
        let at = dims.iter().position(|dim| *dim == self.dim).unwrap_or(0);
        // those that put all nodes into one nameless group say nothing
        let clusters = self.clusters(cx);
        let tells = |dim: &&Dim| {
            let all = clusters.iter();
            let mut groups = all.flat_map(|of| cx.model.capacity.groups(*of, **dim));
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

    pub(super) fn point(&mut self, event: MouseEvent, cx: &Cx) -> Reply {
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
                    false => {
                        let action = if by < 0 { Action::Up } else { Action::Down };
                        for _ in 0..by.unsigned_abs() {
                            self.in_side(action, cx);
                        }
                    }
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
                if cx.session.double_click && spot.is_some() && spot == self.spot {
                    return self.on_map(Action::Open, cx);
                }
                self.spot = spot.or_else(|| self.spot.take());
            }
            MouseEventKind::Down(MouseButton::Left) if self.side == Side::Alarms => {
                let line = usize::from(event.row.saturating_sub(self.alarms.body.y));
                let all = alarms::all(cx).len();
                let row = self.alarms.table.row_at(line, all);
                let Some(row) = row.filter(|_| self.alarms.body.contains(at)) else {
                    return Reply::Ignored;
                };
                if cx.session.double_click && self.alarms.table.selected() == Some(row) {
                    return self.in_alarms(Action::Open, cx);
                }
                self.inside = true;
                self.alarms.go(row, cx);
            }
            MouseEventKind::Down(MouseButton::Left) if self.side == Side::Fit => {
                self.inside = true;
            }
            MouseEventKind::Down(MouseButton::Left) => {
                let line = usize::from(event.row.saturating_sub(self.ledger.body.y));
                let row = self.ledger.table.row_at(line, self.ledger.rows.len());
                let Some(row) = row.filter(|_| self.ledger.body.contains(at)) else {
                    return Reply::Ignored;
                };
                if cx.session.double_click && self.ledger.table.selected() == Some(row) {
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
