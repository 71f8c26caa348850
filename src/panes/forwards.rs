//! Ports of this machine that lead into pods: where they lead, what goes through, and how to stop one.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::centre::Empty;
use super::list::walk;
use super::palette::Command;
use super::words::count;
use super::{Cx, Pane, Reply};
use crate::actions::stream::Traffic;
use crate::app::action::{Action, Scope};
use crate::model::human;
use crate::model::ids::{Key, Name};
use crate::model::want::Want;
use crate::ui::table::TableState;
use crate::ui::{Cell, Column, Row as Drawn, State, Table, text};

/// How one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It is not listened on yet.
    Opening,
    /// On this port.
    Open(u16),
    /// Not any more, and why.
    Ended(String),
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub id: u32,
    pub pod: Key,
    pub name: Name,
    pub namespace: Name,
    /// The pod's port, and what is there where that is known.
    pub remote: u16,
    pub what: String,
    pub how: How,
    pub traffic: Traffic,
    pub since: DateTime<Utc>,
}

impl Row {
    /// Where a browser finds it.
    pub fn url(&self) -> Option<String> {
        match self.how {
            How::Open(port) => Some(format!("http://127.0.0.1:{port}")),
            _ => None,
        }
    }
}

/// The screen.
#[derive(Default)]
pub struct Forwards {
    table: TableState,
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("here", "HERE").rank(0).width(8, 22, 24),
        Column::new("pod", "POD").rank(0).width(12, 24, 60).middle(),
        Column::new("port", "PORT").rank(0).width(5, 22, 30),
        Column::new("open", "OPEN").rank(1).width(4, 4, 6),
        Column::new("all", "ALL").rank(2).width(4, 5, 8),
        Column::new("sent", "TO POD").rank(1).width(6, 8, 10),
        Column::new("received", "FROM POD").rank(1).width(8, 8, 10),
        Column::new("age", "AGE").rank(2).width(4, 5, 6),
        Column::new("trouble", "TROUBLE")
            .rank(1)
            .width(20, 30, 400)
            .grow(),
    ]
}

impl Forwards {
    fn settle(&mut self, rows: usize) {
        let selected = self.table.selected().unwrap_or(0);
        self.table
            .select(rows.checked_sub(1).map(|last| selected.min(last)));
    }

    fn selected<'a>(&self, cx: &Cx<'a>) -> Option<&'a Row> {
        cx.session.forwards.get(self.table.selected()?)
    }
}

impl Pane for Forwards {
    fn title(&self, _cx: &Cx) -> String {
        "forwarded ports".into()
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let all = &cx.session.forwards;
        let open = all.iter().filter(|row| row.url().is_some()).count();
        let words = match open {
            0 => "no port of this machine leads into a pod".to_owned(),
            n => format!(
                "{} of this machine, for its own programs only",
                count(n, "port", "ports")
            ),
        };
        Line::from(Span::styled(words, cx.theme.text()))
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::List]
    }

    fn hints(&self, cx: &Cx) -> Vec<Action> {
        match self.selected(cx) {
            Some(_) => vec![Action::Copy, Action::StopForward, Action::Back],
            None => vec![Action::Back],
        }
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let all = &cx.session.forwards;
        self.settle(all.len());
        if all.is_empty() {
            let key = cx.keymap.key_for(Action::PortForward, &["list", "global"]);
            let key = key.map(|key| key.to_string()).unwrap_or_default();
            let words = format!(
                "{key} on a pod or a job leads a port into it: a dashboard, TensorBoard, a notebook"
            );
            let head = "nothing is forwarded";
            Empty::new(head, words, cx.theme).draw(area, buf, cx.theme);
            return;
        }
        let columns = columns();
        Table::new(&columns, all.len()).focused(cx.focused).draw(
            area,
            buf,
            cx.theme,
            &mut self.table,
            |at| {
                let Some(row) = all.get(at) else {
                    return Drawn::default();
                };
                let traffic = &row.traffic;
                let cells = columns.iter().map(|column| match column.id() {
                    "here" => match &row.how {
                        How::Open(_) => Cell::text(row.url().unwrap_or_default()),
                        How::Opening => Cell::state(State::Pending, "opening"),
                        How::Ended(_) => Cell::state(State::Succeeded, "ended"),
                    },
                    "pod" => Cell::text(text::clean(&row.name).into_owned()),
                    "port" => Cell::text(match row.what.as_str() {
                        "" => row.remote.to_string(),
                        what => format!("{} {}", row.remote, text::clean(what)),
                    }),
                    "open" => Cell::text(traffic.open.to_string()),
                    "all" => Cell::text(traffic.all.to_string()),
                    "sent" => Cell::text(human::bytes(traffic.sent)),
                    "received" => Cell::text(human::bytes(traffic.received)),
                    "age" => Cell::text(human::age(Some(row.since), cx.now)),
                    _ => match (&row.how, &traffic.trouble) {
                        (How::Ended(why), _) => {
                            Cell::styled(text::clean(why).into_owned(), cx.theme.dim())
                        }
                        (_, Some(why)) => Cell::state(State::Failed, text::clean(why).into_owned()),
                        _ => Cell::Empty,
                    },
                });
                Drawn::new(cells.collect())
            },
        );
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        let rows = cx.session.forwards.len();
        self.settle(rows);
        match action {
            action if walk(&mut self.table, action, rows) => {}
            Action::Open | Action::Copy => {
                return match self.selected(cx).and_then(Row::url) {
                    Some(url) => Reply::Copy {
                        what: url.clone(),
                        text: url,
                    },
                    None => Reply::Ignored,
                };
            }
            Action::StopForward => {
                return match self.selected(cx) {
                    Some(row) => Reply::Run(Command::StopForward(row.id)),
                    None => Reply::Ignored,
                };
            }
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        Vec::new()
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        let ages = cx.session.forwards.iter().map(|row| {
            let age = cx.now - row.since;
            cx.now + human::next_change(age)
        });
        ages.min()
    }

    fn position(&self, cx: &Cx) -> String {
        self.table.position(cx.session.forwards.len())
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::panes::fixture::{ago, key, model, session, shot, with};

    #[test]
    fn one_that_works_one_that_does_not_and_one_that_has_ended() {
        let row = |id, name: &str, remote, what: &str, how, since| Row {
            id,
            pod: key(name),
            name: name.into(),
            namespace: "research".into(),
            remote,
            what: what.into(),
            how,
            traffic: Traffic::default(),
            since: ago(since).unwrap(),
        };
        let mut session = session();
        let mut works = row(
            1,
            "notebooks-head-x7k2p",
            8265,
            "Ray dashboard",
            How::Open(8265),
            754,
        );
        works.traffic = Traffic {
            open: 2,
            all: 31,
            sent: 48_213,
            received: 7_340_032,
            trouble: None,
        };
        let mut failing = row(
            2,
            "sft-tensorboard",
            6006,
            "TensorBoard",
            How::Open(40_001),
            61,
        );
        failing.traffic.all = 3;
        failing.traffic.trouble = Some("nothing listens on port 6006 in the pod".into());
        let ended = How::Ended("its pod has succeeded".into());
        session.forwards = vec![
            works,
            failing,
            row(3, "eval-\u{1b}[31m0", 9000, "", How::Opening, 1),
            row(4, "lora-jupyter-0", 8888, "Jupyter", ended, 7_300),
        ];
        let model = model();
        let mut pane = Forwards::default();
        with(&model, &session, |cx| {
            for (width, height) in [(160, 10), (80, 10)] {
                let name = format!("forwards_{width}");
                assert_snapshot!(name, shot(&mut pane, cx, width, height));
            }
            assert_eq!(pane.act(Action::Down, cx), Reply::Done);
            assert!(
                matches!(pane.act(Action::Copy, cx), Reply::Copy { text, .. } if text.ends_with(":40001"))
            );
            assert_eq!(pane.act(Action::Bottom, cx), Reply::Done);
            assert_eq!(pane.act(Action::Copy, cx), Reply::Ignored);
            assert_eq!(
                pane.act(Action::StopForward, cx),
                Reply::Run(Command::StopForward(4))
            );
        });
    }
}
