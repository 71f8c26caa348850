//! What queues refer to, in one list: flavors with the quota promised of them and the hardware there, priority classes,
//! admission checks, topologies, MultiKueue's clusters, requests to the autoscaler.

use chrono::{DateTime, Utc};
use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::list::{Keys, List};
use super::queues::{Pending, QUOTAS, absent};
use super::sheet::{Pointed, pointed};
use super::words::count;
use super::{About, Cx, Pane, Reply, Target};
use crate::app::action::{Action, Scope};
use crate::model::ids::{Key, Name};
use crate::model::kueue::QueueKind;
use crate::model::kueue::flavors::means;
use crate::model::want::{Kind, ObjectWant, Selector, Want};
use crate::ui::{Cell, Column, Row, State, Table, text};

mod items;
#[cfg(test)]
mod tests;

/// One object, ready to be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub key: Key,
    pub kind: QueueKind,
    pub namespace: Name,
    pub name: Name,
    /// Only what is out of the ordinary.
    pub state: Option<(State, String)>,
    /// What it means: labels, a value, a controller.
    pub means: String,
    /// How it is used: `24 gpu promised, 16 there on 2 nodes`.
    pub used: String,
}

/// The screen.
#[derive(Default)]
pub struct QueueObjects {
    items: Vec<Item>,
    all: usize,
    made_of: Option<(u64, u64, String)>,
    filter: String,
    list: List,
    body: Rect,
    /// What waits where there are no queues.
    pending: Pending,
}

struct Shown<'a>(&'a [Item]);

impl Keys for Shown<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn key(&self, at: usize) -> Option<Key> {
        self.0.get(at).map(|item| item.key)
    }

    fn exists(&self, key: Key) -> bool {
        self.0.iter().any(|item| item.key == key)
    }
}

/// What a kind is called in the first column.
fn word(kind: QueueKind) -> &'static str {
    match kind {
        QueueKind::ResourceFlavor => "flavor",
        QueueKind::WorkloadPriorityClass => "priority class",
        QueueKind::AdmissionCheck => "admission check",
        QueueKind::Topology => "topology",
        QueueKind::MultiKueueCluster => "worker cluster",
        QueueKind::MultiKueueConfig => "worker config",
        QueueKind::ProvisioningRequest => "provisioning",
        QueueKind::ResourceQuota => "quota",
        QueueKind::VolcanoQueue => "volcano queue",
        other => other.singular(),
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("kind", "KIND").rank(1).width(8, 14, 16),
        Column::new("name", "NAME")
            .rank(0)
            .width(10, 16, 40)
            .middle(),
        Column::new("state", "STATE").rank(1).width(8, 12, 30),
        Column::new("used", "USED").rank(0).width(16, 30, 60),
        Column::new("means", "MEANS")
            .rank(2)
            .width(16, 30, 400)
            .grow(),
    ]
}

impl QueueObjects {
    fn refresh(&mut self, cx: &Cx) {
        let nodes = cx.model.nodes.version();
        let made_of = (cx.model.kueue.version(), nodes, self.filter.clone());
        if self.made_of.as_ref() != Some(&made_of) {
            self.items = items::items(cx);
            self.all = self.items.len();
            let wanted = self.filter.to_lowercase();
            self.items.retain(|item| {
                let text = format!("{} {} {}", word(item.kind), item.name, item.means);
                text.to_lowercase().contains(&wanted)
            });
            self.made_of = Some(made_of);
        }
        self.list.settle(&Shown(&self.items), false);
    }

    fn selected(&self) -> Option<&Item> {
        let key = self.list.selected()?;
        self.items.iter().find(|item| item.key == key)
    }
}

impl Pane for QueueObjects {
    fn title(&self, _cx: &Cx) -> String {
        "flavors and checks".into()
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        if self.all == 0 {
            let words =
                absent::words(&self.pending, &[cx.session.cluster], cx).unwrap_or_else(|| {
                    "no flavors, checks or classes here that this user may read".into()
                });
            return Line::styled(words, cx.theme.dim());
        }
        let of = |kind| self.items.iter().filter(|item| item.kind == kind).count();
        let mut parts = vec![count(of(QueueKind::ResourceFlavor), "flavor", "flavors")];
        let checks = of(QueueKind::AdmissionCheck);
        if checks > 0 {
            parts.push(count(checks, "admission check", "admission checks"));
        }
        let clusters = of(QueueKind::MultiKueueCluster);
        if clusters > 0 {
            parts.push(count(clusters, "worker cluster", "worker clusters"));
        }
        let mut line = Line::from(Span::styled(parts.join(", "), cx.theme.text()));
        let bad = self.items.iter().filter_map(|item| item.state.as_ref());
        let bad = bad.filter(|(state, _)| *state == State::Failed).count();
        if bad > 0 {
            let words = format!("; {bad} need a look");
            line.push_span(Span::styled(words, cx.theme.state(State::Failed)));
        }
        line
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Queues, Scope::List]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        vec![
            Action::Yaml,
            Action::ShowEvents,
            Action::ShowHardware,
            Action::Filter,
            Action::Copy,
            Action::Back,
        ]
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.refresh(cx);
        let columns = columns();
        let items = &self.items;
        let dim = cx.theme.dim();
        self.body = Table::new(&columns, items.len()).focused(cx.focused).draw(
            area,
            buf,
            cx.theme,
            &mut self.list.table,
            |at| {
                let Some(item) = items.get(at) else {
                    return Row::default();
                };
                let cells = columns.iter().map(|column| match column.id() {
                    "kind" => Cell::styled(word(item.kind), dim),
                    "name" => Cell::text(text::clean(&item.name).into_owned()),
                    "state" => match &item.state {
                        Some((state, words)) => {
                            Cell::state(*state, text::clean(words).into_owned())
                        }
                        None => Cell::Empty,
                    },
                    "used" => Cell::text(item.used.clone()),
                    _ => Cell::styled(text::clean(&item.means).into_owned(), dim),
                });
                Row::new(cells.collect())
            },
        );
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        self.refresh(cx);
        if self.list.act(action, &Shown(&self.items)) {
            return Reply::Done;
        }
        let Some(item) = self.selected() else {
            return Reply::Ignored;
        };
        match action {
            Action::Open | Action::Yaml => Reply::Open(Target::Yaml(ObjectWant {
                kind: Kind::Queue(item.kind),
                namespace: item.namespace.clone(),
                name: item.name.clone(),
            })),
            Action::ShowHardware if item.kind == QueueKind::ResourceFlavor => {
                let flavors = cx.model.kueue.flavors.rows();
                let mut flavors = flavors.filter(|row| row.key == item.key);
                let Some(row) = flavors.next() else {
                    return Reply::Ignored;
                };
                let nodes = cx.model.nodes.rows();
                super::hardware::stock::open(nodes.filter(|node| means(row, node)), cx)
            }
            Action::ShowEvents => Reply::Open(Target::Events(Some(About {
                key: item.key,
                namespace: item.namespace.clone(),
                title: format!("{}/{}", item.kind.singular(), item.name),
            }))),
            Action::Copy => Reply::Copy {
                text: item.name.to_string(),
                what: format!("the name {}", item.name),
            },
            _ => Reply::Ignored,
        }
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        vec![
            Want::Watch(Kind::Node, Selector::All),
            Want::Workloads,
            QUOTAS,
        ]
    }

    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        None
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
        super::sheet::position(&self.list, self.items.len(), self.all)
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, cx: &Cx) -> Reply {
        self.refresh(cx);
        let columns = columns();
        match pointed(event, self.body, &self.list, &columns, self.items.len(), cx) {
            Pointed::Row(_, true) => return self.act(Action::Open, cx),
            Pointed::Row(at, _) => self.list.go(at, &Shown(&self.items)),
            Pointed::Wheel(by) => self.list.wheel(by, &Shown(&self.items)),
            Pointed::Heading(_) | Pointed::Nothing => return Reply::Ignored,
        }
        Reply::Done
    }
}
