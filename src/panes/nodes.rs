//! Nodes: what they offer, what is asked of them, and what keeps pods away.

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
use super::{About, Cx, Pane, PodsOf, Reply, Target, clusters, gpu_use};
use crate::app::action::{Action, Scope};
use crate::model::extra::List;
use crate::model::ids::{ClusterId, Key, Name};
use crate::model::listed::{self, NodeColumn};
use crate::model::node::NodeRow;
use crate::model::tally::Tally;
use crate::model::want::{Kind, ObjectWant, Selector, Want};
use crate::ui::{Column, State};

pub mod columns;
#[cfg(test)]
mod tests;

/// The nodes screen.
pub struct Nodes {
    sheet: Sheet<NodeRow>,
    tally: RefCell<Tally<3>>,
}

/// Whole GPUs of all nodes: there, offered by nodes that take pods, asked for, sick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gpus {
    pub all: u64,
    pub used: u64,
    pub free: u64,
    pub away: u64,
    pub sick: u64,
}

/// Counts whole GPUs of plugins and claims (slices, shares and other accelerators are not added in).
pub fn gpus(cx: &Cx) -> Gpus {
    let mut sum = Gpus::default();
    let clusters = cx.session.shown().into_iter();
    for all in clusters.filter_map(|cluster| cx.model.capacity.all(cluster)) {
        // whoever keeps pods off with a taint means it for some
        let whole = all.gpus(|_| true);
        sum.all += whole.sums.capacity;
        sum.used += whole.sums.used;
        sum.free += whole.open + whole.stranded;
        sum.away += whole.away;
        sum.sick += whole.sums.sick;
    }
    sum
}

/// The columns as the clusters and the use of GPUs ask for them.
fn columns_of(cx: &Cx) -> Vec<Column> {
    let usual = columns::columns(cx.session.gpu_use.on);
    let columns = arrange(List::Nodes, usual, columns::columns(true), cx);
    clusters::with_column(columns, cx)
}

/// Where a node is shown, by its name: where its row is not known, the pods on it.
pub fn target(name: &Name, cx: &Cx) -> Target {
    match cx.model.capacity.key(cx.session.cluster, name) {
        Some(key) => Target::Node(key),
        None => Target::Pods(PodsOf::Node(name.clone())),
    }
}

impl Nodes {
    pub fn new() -> Self {
        Self {
            sheet: Sheet::new(NodeColumn::Name),
            tally: RefCell::default(),
        }
    }

    fn refresh(&mut self, cx: &Cx) {
        self.sheet.refresh(scope(cx), Kind::Node, cx);
    }
}

impl Default for Nodes {
    fn default() -> Self {
        Self::new()
    }
}

impl Pane for Nodes {
    fn title(&self, _cx: &Cx) -> String {
        "nodes".into()
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let scope = listed::Scope {
            clusters: Some(cx.session.shown()),
            ..listed::Scope::default()
        };
        let mut tally = self.tally.borrow_mut();
        let class = |node: &NodeRow| match (node.ready, node.cordoned) {
            (false, _) => 1,
            (true, true) => 2,
            (true, false) => 0,
        };
        let [well, lost, cordoned] = *tally.refresh(cx.model, scope, class);
        let all = well + lost + cordoned;
        let g = gpus(cx);
        if all == 0
            && let Some(text) = health::unknown(Kind::Node, cx)
        {
            return Line::styled(text, cx.theme.dim());
        }
        let text = cx.theme.text();
        let mut parts = vec![Span::styled(count(all, "node", "nodes"), text)];
        let say = |parts: &mut Vec<Span<'a>>, n: usize, state: State, words: String| {
            if n > 0 {
                parts.push(Span::styled(", ", cx.theme.dim()));
                parts.push(Span::styled(words, cx.theme.state(state)));
            }
        };
        say(&mut parts, lost, State::Failed, format!("{lost} not ready"));
        say(
            &mut parts,
            cordoned,
            State::Held,
            format!("{cordoned} cordoned"),
        );
        if g.all > 0 {
            parts.push(Span::styled("; ", cx.theme.dim()));
            parts.push(Span::styled(
                format!("{} GPUs: {} requested, {} free", g.all, g.used, g.free),
                text,
            ));
            say(
                &mut parts,
                g.away as usize,
                State::Held,
                format!("{} out of use", g.away),
            );
            say(
                &mut parts,
                g.sick as usize,
                State::Failed,
                format!("{} sick", g.sick),
            );
        }
        Line::from(parts)
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Nodes, Scope::List]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        vec![
            Action::Open,
            Action::Hold,
            Action::ShowEvents,
            Action::Yaml,
            Action::ShowHardware,
            Action::Filter,
            Action::SortNext,
            Action::Copy,
        ]
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.refresh(cx);
        let rows = Rows {
            kind: Kind::Node,
            all: self.sheet.view.scoped(),
            shown: self.sheet.view.order().len(),
            filter: self.sheet.view.filter().text(),
            none: "no nodes",
        };
        let area = health::draw(rows, cx, area, buf);
        self.sheet
            .draw(cx, area, buf, &columns_of(cx), cx.focused, columns::row);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        self.refresh(cx);
        if action == Action::Copy {
            return self.sheet.copy(cx.model, "node", "node names");
        }
        if let Some(reply) = self.sheet.act(action, &columns_of(cx), cx) {
            return reply;
        }
        let Some(node) = self.sheet.selected(cx.model) else {
            return Reply::Ignored;
        };
        match action {
            Action::Open => Reply::Open(Target::Node(node.key)),
            Action::ShowPods => Reply::Open(Target::Pods(PodsOf::Node(node.name.clone()))),
            Action::ShowGpus => Reply::Open(Target::GpuMap(super::gpus::MapOf::Node(node.key))),
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
            _ => Reply::Ignored,
        }
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
        let watches = [Kind::Node, Kind::Pod].map(|kind| Want::Watch(kind, Selector::All));
        let with_gpus = |node: &&NodeRow| gpu_use::has_gpus(node, cx);
        let shown = self.sheet.visible(cx.model).filter(with_gpus);
        let none = Name::default();
        let shown = shown.map(|node| gpu_use::want(node.key.cluster, &node.name, &none, cx));
        watches.into_iter().chain(shown).collect()
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        self.sheet.wake(cx, |node| node.created)
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
        Some(List::Nodes)
    }

    fn usual(&self, cx: &Cx) -> Vec<Column> {
        columns::columns(cx.session.gpu_use.on)
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
        match self.sheet.mouse(event, &columns_of(cx), cx) {
            Did::Nothing => Reply::Ignored,
            Did::Moved => Reply::Done,
            Did::Again => self.act(Action::Open, cx),
        }
    }
}
