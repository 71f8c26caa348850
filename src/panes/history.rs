//! History: what is kept of jobs that were seen, so that one can be read when its TTL took it. A list, and one record in
//! full.

mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::centre::Empty;
use super::list::{Keys, List};
use super::sheet::{Pointed, pointed, position};
use super::words::{count, when};
use super::{Cx, Level, Pane, Reply, Target};
use crate::app::action::{Action, Scope};
use crate::history::{Record, Shelf};
use crate::logs::Pattern;
use crate::model::human;
use crate::model::ids::{Key, Uid};
use crate::model::want::Want;
use crate::ui::{Cell, Column, Row, State, Table, spark, text};

pub use record::{Kept, manifest, missing};

/// What was read of the records on disk.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The newest first.
    pub records: Vec<Arc<Record>>,
    /// They were read, or could not be.
    pub read: bool,
    pub problem: Option<String>,
}

impl History {
    /// Takes over what was read.
    pub fn take(&mut self, shelf: Result<Shelf, String>) -> Vec<String> {
        self.read = true;
        match shelf {
            Ok(shelf) => {
                self.records = shelf.records.into_iter().map(Arc::new).collect();
                self.problem = None;
                shelf.problems
            }
            Err(why) => {
                self.problem = Some(why);
                Vec::new()
            }
        }
    }

    /// A record was written.
    pub fn put(&mut self, record: Record) {
        if !self.read {
            return;
        }
        self.records.retain(|old| old.uid != record.uid);
        self.records.insert(0, Arc::new(record));
        self.records.sort_by_key(|r| std::cmp::Reverse(time(r)));
    }

    pub fn get(&self, uid: &str) -> Option<&Arc<Record>> {
        self.records.iter().find(|record| record.uid == uid)
    }
}

/// When it was last alive, as far as is known.
fn time(record: &Record) -> DateTime<Utc> {
    record.finished.or(record.deleted).unwrap_or(record.updated)
}

/// The sign of how it was seen last.
fn state(record: &Record) -> State {
    match &*record.phase {
        "Succeeded" => State::Succeeded,
        "Failed" => State::Failed,
        "Running" => State::Running,
        "Retrying" => State::Retrying,
        "Suspended" => State::Held,
        "Terminating" => State::Terminating,
        _ => State::Pending,
    }
}

/// The history screen.
#[derive(Default)]
pub struct Screen {
    list: List,
    filter: String,
    pattern: Option<Pattern>,
    body: Rect,
}

struct Shown<'a>(&'a [&'a Arc<Record>]);

fn key(record: &Record) -> Key {
    Key {
        uid: Uid::parse(&record.uid),
        ..Key::default()
    }
}

impl Keys for Shown<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn key(&self, at: usize) -> Option<Key> {
        self.0.get(at).map(|record| key(record))
    }

    fn exists(&self, of: Key) -> bool {
        self.0.iter().any(|record| key(record) == of)
    }
}

impl Screen {
    fn shown<'a>(&self, cx: &Cx<'a>) -> Vec<&'a Arc<Record>> {
        let all = cx.session.history.records.iter();
        let searched = |r: &Record| {
            format!(
                "{} {}/{} {} {} {}",
                r.context,
                r.namespace,
                r.name,
                r.kind,
                r.phase.to_lowercase(),
                r.message
            )
        };
        let pattern = self.pattern.as_ref();
        all.filter(|r| pattern.is_none_or(|p| p.matches(&searched(r))))
            .collect()
    }

    fn selected<'a>(&self, cx: &Cx<'a>) -> Option<&'a Arc<Record>> {
        let chosen = self.list.selected()?;
        let mut all = cx.session.history.records.iter();
        all.find(|record| key(record) == chosen)
    }

    fn columns(several: bool, namespaces: bool) -> Vec<Column> {
        let mut all = vec![
            Column::new("ended", "SEEN").rank(0).width(6, 6, 12).right(),
            Column::new("state", "STATE").rank(0).width(11, 11, 11),
            Column::new("name", "NAME")
                .rank(0)
                .width(14, 24, 60)
                .middle(),
            Column::new("namespace", "NS")
                .rank(2)
                .width(7, 8, 18)
                .middle(),
            Column::new("kind", "KIND").rank(3).width(6, 8, 14),
            Column::new("took", "TOOK").rank(3).width(6, 6, 7).right(),
            Column::new("loss", "LAST").rank(4).width(10, 12, 16),
            Column::new("hours", "GPUh").rank(5).width(5, 5, 8).right(),
            Column::new("message", "HOW IT WAS")
                .rank(1)
                .width(16, 30, 300)
                .grow(),
            Column::new("context", "CONTEXT")
                .rank(4)
                .width(8, 10, 24)
                .middle(),
        ];
        all.retain(|c| match c.id() {
            "context" => several,
            "namespace" => namespaces,
            _ => true,
        });
        all
    }
}

fn cell<'a>(column: &str, record: &'a Record, cx: &Cx<'a>) -> Cell<'a> {
    let theme = cx.theme;
    match column {
        "ended" => Cell::styled(when(Some(time(record)), cx), theme.dim()),
        "state" => Cell::state(state(record), record.phase.to_lowercase()),
        "name" => Cell::text(text::clean(&record.name)),
        "namespace" => Cell::text(text::clean(&record.namespace)),
        "kind" => Cell::text(&*record.kind),
        "took" => took(record).map_or(Cell::Empty, |d| Cell::from(human::duration(d))),
        "loss" => match &record.metrics {
            Some(metrics) => {
                let curve: Vec<f64> = metrics
                    .curve
                    .iter()
                    .map(|y| y.unwrap_or(f64::NAN))
                    .collect();
                let skip = curve.len().saturating_sub(6);
                let signs = spark::signs(&curve[skip..], cx.glyphs.is_ascii());
                let last = metrics.last.map_or(String::new(), |(_, y)| {
                    format!(" {}", y.map_or("NaN".into(), spark::number))
                });
                Cell::Spans(vec![
                    Span::styled(signs, theme.accent()),
                    Span::styled(last, theme.text()),
                ])
            }
            None => Cell::Empty,
        },
        "hours" => record
            .gpu_hours
            .map_or(Cell::Empty, |h| Cell::from(hours(h))),
        "message" => Cell::styled(text::clean(&record.message), theme.dim()),
        "context" => Cell::styled(text::clean(&record.context), theme.faint()),
        _ => Cell::Empty,
    }
}

/// `0.4`, `12`, `340`.
pub fn hours(h: f64) -> String {
    match h {
        h if h < 10.0 => format!("{h:.1}"),
        h => format!("{h:.0}"),
    }
}

/// How long it ran, as far as it was seen.
fn took(record: &Record) -> Option<TimeDelta> {
    let end = record.finished.or(record.deleted);
    Some(end.unwrap_or(record.updated) - record.started?)
}

impl Pane for Screen {
    fn title(&self, _cx: &Cx) -> String {
        "history".into()
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let all = &cx.session.history.records;
        let failed = all.iter().filter(|r| r.phase == "Failed").count();
        let gone = all.iter().filter(|r| r.deleted.is_some()).count();
        if all.is_empty() {
            return Line::styled("no job is kept yet", cx.theme.dim());
        }
        let kept = count(all.len(), "job", "jobs");
        let words = format!("{kept} kept: {failed} failed, {gone} deleted since");
        Line::styled(words, cx.theme.text())
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::List]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        vec![
            Action::Open,
            Action::Copy,
            Action::Filter,
            Action::ToggleTimes,
            Action::Back,
        ]
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let history = &cx.session.history;
        let shown = self.shown(cx);
        if shown.is_empty() {
            let (head, body) = match (&history.problem, history.read, history.records.len()) {
                (Some(why), ..) => ("the history cannot be read".to_owned(), why.clone()),
                (None, false, _) => ("reading what is kept".to_owned(), String::new()),
                (None, true, 0) => (
                    "no job is kept yet".to_owned(),
                    "A job is kept on this machine when its detail or log is looked at, when it ends and when it is deleted: \
                     what it was, how it ended, its last lines and metrics. No values of environment variables, no secrets."
                        .to_owned(),
                ),
                _ => ("no job matches the filter".to_owned(), String::new()),
            };
            Empty::new(head, body, cx.theme).draw(area, buf, cx.theme);
            self.list.settle(&Shown(&[]), false);
            return;
        }
        self.list.settle(&Shown(&shown), false);
        let several = |of: fn(&Record) -> &str| {
            let first = shown.first().map(|r| of(r));
            shown.iter().any(|r| Some(of(r)) != first)
        };
        let columns = Self::columns(several(|r| &r.context), several(|r| &r.namespace));
        self.body = Table::new(&columns, shown.len()).focused(cx.focused).draw(
            area,
            buf,
            cx.theme,
            &mut self.list.table,
            |at| {
                shown.get(at).map_or(Row::default(), |record| {
                    let cells = columns.iter().map(|c| cell(c.id(), record, cx)).collect();
                    Row::new(cells).dim(record.deleted.is_some())
                })
            },
        );
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        let shown = self.shown(cx);
        if self.list.act(action, &Shown(&shown)) {
            return Reply::Done;
        }
        let Some(record) = self.selected(cx) else {
            return match action {
                Action::Open | Action::Yaml => {
                    Reply::Say(Level::Info, "nothing is kept yet".into())
                }
                _ => Reply::Ignored,
            };
        };
        match action {
            Action::Open | Action::Yaml | Action::Logs => {
                Reply::Open(Target::Kept(record.uid.clone()))
            }
            Action::Copy => Reply::Copy {
                text: record.name.clone(),
                what: format!("job {}", record.name),
            },
            _ => Reply::Ignored,
        }
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        Vec::new()
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        if cx.timestamps {
            return None;
        }
        let ages = self.shown(cx).into_iter().map(|r| cx.now - time(r));
        ages.map(|age| cx.now + human::next_change(age)).min()
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) -> Result<(), String> {
        self.filter = text.to_owned();
        self.pattern = Pattern::filter(text);
        Ok(())
    }

    fn position(&self, cx: &Cx) -> String {
        position(
            &self.list,
            self.shown(cx).len(),
            cx.session.history.records.len(),
        )
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, cx: &Cx) -> Reply {
        let shown = self.shown(cx);
        match pointed(event, self.body, &self.list, &[], shown.len(), cx) {
            Pointed::Row(at, again) => {
                self.list.go(at, &Shown(&shown));
                if again {
                    return self.act(Action::Open, cx);
                }
                Reply::Done
            }
            Pointed::Wheel(by) => {
                self.list.wheel(by, &Shown(&shown));
                Reply::Done
            }
            Pointed::Heading(_) | Pointed::Nothing => Reply::Ignored,
        }
    }
}
