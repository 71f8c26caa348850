//! The main screen: all jobs of the scope in one table, and beside it the detail of the one selected.

use std::cell::RefCell;

use chrono::{DateTime, TimeDelta, Utc};
use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::arrange;
use super::beside;
use super::health;
use super::job::Job;
use super::list::List;
use super::sheet::{
    Pointed, all_shown, loading, next_column, order, ordered, pointed, position, scope,
};
use super::{About, Arrival, Cx, LogsOf, Pane, PodsOf, Reply, Target, Worries, clusters, workload};
use crate::actions::Object;
use crate::app::action::{Action, Scope};
use crate::logs::run::Summary;
use crate::model::extra;
use crate::model::human;
use crate::model::ids::{ClusterId, Key, Name};
use crate::model::job::{JobKind, JobRow};
use crate::model::listed::JobColumn;
use crate::model::sort::{Column as _, Sort};
use crate::model::want::{Kind, ObjectWant, Selector, Want};
use crate::ui::{Column, State, Table};
use rows::{Item, Rows};

mod answer;
pub mod columns;
mod rows;
#[cfg(test)]
mod tests;
pub mod why;

/// From this width on the detail fits beside the list.
const BESIDE: u16 = 120;

/// How long the selection rests before streams for its detail are opened: running down a list must not open and
/// close one watch per row.
const REST: TimeDelta = TimeDelta::milliseconds(250);

/// The jobs screen.
pub struct Jobs {
    rows: Rows,
    list: List,
    settled: Option<u64>,
    body: Rect,
    /// The user wants the detail beside the list where it fits.
    side: bool,
    detail: Option<Job>,
    /// Where the detail was drawn last, if it was.
    detail_area: Option<Rect>,
    /// The keyboard is with the detail.
    inside: bool,
    /// When the selection last moved.
    moved: Option<DateTime<Utc>>,
    summary: RefCell<Option<answer::Summary>>,
    /// What was made, until its row is there and under the cursor.
    sought: Option<Object>,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            rows: Rows::default(),
            list: List::default(),
            settled: None,
            body: Rect::default(),
            side: true,
            detail: None,
            detail_area: None,
            inside: false,
            moved: None,
            summary: RefCell::default(),
            sought: None,
        }
    }
}

impl Jobs {
    fn columns(&self, cx: &Cx) -> Vec<Column> {
        let columns = arrange::arrange(extra::List::Jobs, self.usual(cx), columns::more(), cx);
        clusters::with_column(columns, cx)
    }

    /// Finds the cursor again. The states of jobs are not complete, nor their order, before their pods are there.
    fn settle(&mut self, cx: &Cx) {
        let loading = loading(Kind::Job, cx) || loading(Kind::Pod, cx);
        self.list.settle(&self.rows.keys(cx.model), loading);
    }

    fn refresh(&mut self, cx: &Cx) {
        self.rows.refresh(scope(cx), cx.model, cx.now);
        if self.settled != Some(self.rows.revision()) {
            self.settled = Some(self.rows.revision());
            self.settle(cx);
        }
        self.find(cx);
        let selected = self.list.selected();
        if self.detail.as_ref().map(Job::key) != selected {
            self.detail = selected.map(Job::new);
            self.moved = Some(cx.now);
            self.inside &= self.detail.is_some();
        }
    }

    /// The cursor goes to what was sought, once that has a row.
    fn find(&mut self, cx: &Cx) {
        let Some(object) = &self.sought else { return };
        let key = (0..self.rows.len()).find_map(|at| {
            let item = self.rows.at(cx.model, at)?;
            let (kind, namespace, name) = match item {
                Item::Job(job) => (job.kind.object(), &job.namespace, &job.name),
                Item::Cron(cron) => (Some(Kind::CronJob), &cron.namespace, &cron.name),
            };
            let is =
                kind == Some(object.kind) && *namespace == object.namespace && *name == object.name;
            is.then(|| item.key())
        });
        if let Some(key) = key {
            self.sought = None;
            self.inside = false;
            self.list.choose(key);
            self.settle(cx);
        }
    }

    fn selected<'a>(&self, cx: &Cx<'a>) -> Option<Item<'a>> {
        let key = self.list.selected()?;
        let job = cx.model.jobs.get(key).map(Item::Job);
        job.or_else(|| cx.model.cronjobs.get(key).map(Item::Cron))
    }

    /// The detail, if it is on screen.
    fn beside(&self) -> Option<&Job> {
        self.detail.as_ref().filter(|_| self.detail_area.is_some())
    }

    fn rested(&self, cx: &Cx) -> bool {
        self.moved.is_none_or(|at| cx.now - at >= REST)
    }

    fn sort_step(&mut self, forward: bool, columns: &[Column]) {
        let now = self.rows.sort().column.name();
        let next = next_column(&self.list.table, columns, now, forward, |id| {
            JobColumn::named(id).is_some()
        });
        if let Some(column) = next.and_then(JobColumn::named) {
            self.rows.set_sort(Sort::by(column));
        }
    }

    fn copy(&self, cx: &Cx) -> Reply {
        let name = |key: Key| -> Option<&str> {
            let job = cx.model.jobs.get(key).map(|job| &*job.name);
            job.or_else(|| cx.model.cronjobs.get(key).map(|cron| &*cron.name))
        };
        let marked: Vec<&str> = self
            .list
            .marks()
            .iter()
            .filter_map(|&key| name(key))
            .collect();
        match (&marked[..], self.list.selected().and_then(name)) {
            ([], None) => Reply::Ignored,
            ([], Some(name)) => Reply::Copy {
                text: name.into(),
                what: format!("job {name}"),
            },
            (all, _) => Reply::Copy {
                text: all.join("\n"),
                what: format!("{} job names", all.len()),
            },
        }
    }

    fn own(&mut self, action: Action, cx: &Cx) -> Reply {
        let columns = self.columns(cx);
        match action {
            Action::SortNext => self.sort_step(true, &columns),
            Action::SortPrevious => self.sort_step(false, &columns),
            Action::SortReverse => self.rows.set_sort(self.rows.sort().reversed()),
            Action::Expand => {
                let shown = self
                    .list
                    .selected()
                    .and_then(|key| self.rows.toggle(key, cx.model));
                let Some(key) = shown else {
                    return Reply::Ignored;
                };
                self.list.choose(key);
            }
            Action::OnlyFailed => self.rows.set_only_failed(!self.rows.only_failed()),
            Action::DetailSide => {
                self.side = !self.side;
                self.inside &= self.side;
            }
            Action::Back if self.rows.only_failed() && self.rows.filter().is_empty() => {
                self.rows.set_only_failed(false);
            }
            Action::Focus if self.beside().is_some() => self.inside = true,
            Action::Copy => return self.copy(cx),
            _ if self.list.act(action, &self.rows.keys(cx.model)) => {}
            _ => {
                return self
                    .selected(cx)
                    .map_or(Reply::Ignored, |item| act(action, item, cx));
            }
        }
        self.refresh(cx);
        Reply::Done
    }
}

/// What can be done with a job or CronJob from any screen that shows one.
fn act(action: Action, item: Item, cx: &Cx) -> Reply {
    let (kind, namespace, name): (_, &Name, &Name) = match item {
        Item::Job(job) => (job.kind, &job.namespace, &job.name),
        Item::Cron(cron) => (JobKind::CRONJOB, &cron.namespace, &cron.name),
    };
    let runs = kind != JobKind::CRONJOB;
    let key = item.key();
    if let (Action::Why, Item::Job(job)) = (action, item) {
        return workload::of_job(job, cx);
    }
    if let (Action::ShowGpus, Item::Job(job)) = (action, item) {
        return super::gpus::of_job(job, cx);
    }
    if let (Action::ShowHardware, Item::Job(job)) = (action, item) {
        return super::hardware::place::open_job(job, cx);
    }
    Reply::Open(match action {
        Action::Open | Action::Zoom => Target::Job(key),
        Action::Logs if runs => Target::Logs(LogsOf::Job {
            job: key,
            index: None,
        }),
        Action::ShowPods if runs => Target::Pods(PodsOf::Job(key)),
        Action::ShowEvents => Target::Events(Some(About {
            key,
            namespace: namespace.clone(),
            title: format!("{}/{name}", kind.singular()),
        })),
        Action::Yaml => match kind.object() {
            Some(kind) => Target::Yaml(ObjectWant {
                kind,
                namespace: namespace.clone(),
                name: name.clone(),
            }),
            None => return Reply::Ignored,
        },
        _ => return Reply::Ignored,
    })
}

impl Pane for Jobs {
    fn title(&self, _cx: &Cx) -> String {
        if self.rows.only_failed() {
            "jobs, failed only".into()
        } else {
            "jobs".into()
        }
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let old = self.summary.borrow_mut().take();
        let summary = answer::summary(old, scope(cx), cx);
        let mut line = match health::unknown(Kind::Job, cx) {
            Some(text) if summary.jobs == 0 => Line::styled(text, cx.theme.dim()),
            _ => summary.line(cx),
        };
        *self.summary.borrow_mut() = Some(summary);
        // a row cannot say it yet
        for object in cx.session.pending.made() {
            let text = format!("{}: created, not seen yet · ", object.words());
            let text = crate::ui::text::clean(&text).into_owned();
            line.spans
                .insert(0, Span::styled(text, cx.theme.state(State::Pending)));
        }
        line
    }

    fn scopes(&self) -> &'static [Scope] {
        if self.inside {
            &[Scope::Job, Scope::List]
        } else {
            &[Scope::Jobs, Scope::List]
        }
    }

    fn hints(&self, cx: &Cx) -> Vec<Action> {
        if self.inside
            && let Some(detail) = self.beside()
        {
            let mut hints = vec![Action::Focus];
            hints.extend(detail.hints(cx).into_iter().filter(|a| *a != Action::Focus));
            hints.truncate(8);
            return hints;
        }
        let mut out = vec![Action::Open];
        match self.selected(cx) {
            Some(Item::Job(job)) => {
                if workload::has_reason(job, cx) {
                    out.push(Action::Why);
                }
                // what is over cannot be held, but tried again
                let next = match cx.model.status(job).phase.is_over() {
                    true => Action::Resubmit,
                    false => Action::Hold,
                };
                out.extend([Action::Logs, Action::Delete, next, Action::ShowPods]);
            }
            Some(Item::Cron(_)) => out.extend([
                Action::Trigger,
                Action::Delete,
                Action::Hold,
                Action::ShowEvents,
            ]),
            None => out.clear(),
        }
        let made = |item: &Item| cx.model.children(item.key()).next().is_some();
        if self.selected(cx).is_some_and(|item| made(&item)) {
            out.push(Action::Expand);
        }
        if self.beside().is_some() {
            out.push(Action::Focus);
        }
        out.extend([
            Action::Filter,
            Action::SortNext,
            Action::OnlyFailed,
            Action::Mark,
        ]);
        out.truncate(8);
        out
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.refresh(cx);
        let wide = if area.width >= BESIDE && self.side && !self.rows.is_empty() {
            let ideal = (area.width * 2 / 5).clamp(50, 84);
            beside::width("jobs", area.width, ideal, cx)
        } else {
            0
        };
        let mut left = area;
        self.detail_area = None;
        if wide > 0
            && let Some(detail) = &mut self.detail
        {
            left.width -= wide + 1;
            let line = Rect {
                x: left.right(),
                width: 1,
                ..area
            };
            for y in line.y..line.bottom() {
                buf.set_string(line.x, y, "│", cx.theme.border(self.inside));
            }
            let place = Rect {
                x: left.right() + 1,
                width: wide,
                ..area
            };
            let cx = Cx {
                focused: cx.focused && self.inside,
                ..*cx
            };
            detail.draw_beside(&cx, place, buf);
            self.detail_area = Some(place);
        }
        self.inside &= self.detail_area.is_some();
        let none = if self.rows.only_failed() && self.rows.scoped() > 0 {
            "nothing failed"
        } else {
            "no jobs"
        };
        let rows = health::Rows {
            kind: Kind::Job,
            all: if self.rows.only_failed() {
                self.rows.len()
            } else {
                self.rows.scoped()
            },
            shown: self.rows.len(),
            filter: self.rows.filter(),
            none,
        };
        let left = health::draw(rows, cx, left, buf);
        let columns = self.columns(cx);
        let sort = self.rows.sort();
        let Self {
            rows,
            list,
            body,
            inside,
            ..
        } = self;
        let marks = list.marks().clone();
        *body = Table::new(&columns, rows.len())
            .sort(sort.column.name(), sort.descending)
            .focused(cx.focused && !*inside)
            .draw(left, buf, cx.theme, &mut list.table, |at| {
                match rows.at(cx.model, at) {
                    Some(item) => columns::row(item, &rows.place(cx.model, at), &columns, cx)
                        .marked(marks.contains(&item.key())),
                    None => crate::ui::Row::default(),
                }
            });
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        self.refresh(cx);
        if self.inside
            && let Some(detail) = &mut self.detail
        {
            match action {
                Action::Focus | Action::Back => {
                    self.inside = false;
                    return Reply::Done;
                }
                Action::Zoom => return Reply::Open(Target::Job(detail.key())),
                _ => {}
            }
            match detail.act(action, cx) {
                Reply::Ignored => {}
                reply => return reply,
            }
        }
        self.own(action, cx)
    }

    fn subjects(&self, cx: &Cx) -> Vec<Key> {
        match self.beside().filter(|_| self.inside) {
            Some(detail) => detail.subjects(cx),
            None => self.list.meant(),
        }
    }

    fn cursor(&self, cx: &Cx) -> Option<Key> {
        match self.beside().filter(|_| self.inside) {
            Some(detail) => detail.cursor(cx),
            None => self.list.selected(),
        }
    }

    fn cluster(&self, cx: &Cx) -> Option<ClusterId> {
        self.cursor(cx).map(|key| key.cluster)
    }

    fn wants(&self, cx: &Cx) -> Vec<Want> {
        let all = [Kind::Job, Kind::CronJob, Kind::Pod, Kind::Node];
        let mut wants: Vec<Want> = all.map(|kind| Want::Watch(kind, Selector::All)).into();
        if let Some(detail) = self.beside().filter(|_| self.rested(cx)) {
            wants.extend(detail.wants(cx));
        }
        wants
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        let rest = self
            .moved
            .map(|at| at + REST)
            .filter(|at| *at > cx.now && self.detail_area.is_some());
        let table = &self.list.table;
        let visible = table.offset()..table.offset() + table.page();
        let ticks = visible.filter(|_| !cx.timestamps).filter_map(|at| {
            let item = self.rows.at(cx.model, at)?;
            let (created, started) = match item {
                Item::Job(job) => {
                    let status = cx.model.status(job);
                    (
                        job.created,
                        job.started.filter(|_| status.finished.is_none()),
                    )
                }
                Item::Cron(cron) => (cron.created, None),
            };
            let own = arrange::wake(extra::List::Jobs, item.key(), cx).map(|at| at - cx.now);
            let ages = [created, started].into_iter().flatten();
            ages.map(|at| human::next_change(cx.now - at))
                .chain(own)
                .min()
        });
        let tick = ticks.min().map(|d| cx.now + d);
        let detail = self.beside().and_then(|detail| detail.wake(cx));
        let summary = self.summary.borrow();
        let recount = summary.as_ref().and_then(|summary| summary.wake(cx));
        [rest, tick, detail, recount].into_iter().flatten().min()
    }

    fn seek(&mut self, object: &Object) {
        self.sought = Some(object.clone());
    }

    fn filter(&self) -> &str {
        self.rows.filter()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) -> Result<(), String> {
        all_shown::<JobRow>(text, cx)?;
        self.rows.set_filter(text)?;
        self.refresh(cx);
        Ok(())
    }

    fn receive(&mut self, arrival: &Arrival, cx: &Cx) {
        if let Some(detail) = &mut self.detail {
            detail.receive(arrival, cx);
        }
    }

    fn told(&mut self, cx: &Cx) -> Option<(Key, Summary)> {
        self.detail.as_mut()?.told(cx)
    }

    fn worries(&mut self, cx: &Cx) -> Option<Worries> {
        self.detail.as_mut()?.worries(cx)
    }

    fn about(&self, cx: &Cx) -> Option<Key> {
        self.beside()?.about(cx)
    }

    fn last_lines(&self, most: usize) -> Vec<String> {
        self.beside()
            .map(|job| job.last_lines(most))
            .unwrap_or_default()
    }

    fn list(&self) -> Option<extra::List> {
        Some(extra::List::Jobs)
    }

    fn usual(&self, cx: &Cx) -> Vec<Column> {
        columns::columns(
            cx.session.namespace.is_none(),
            self.rows.mixed(),
            !cx.session.runs.is_empty(),
        )
    }

    fn order(&self, cx: &Cx) -> Option<String> {
        Some(order(extra::List::Jobs, self.rows.sort(), cx))
    }

    fn set_order(&mut self, text: &str, cx: &Cx) {
        if let Some(sort) = ordered(extra::List::Jobs, text, cx) {
            self.rows.set_sort(sort);
        }
    }

    fn position(&self, _cx: &Cx) -> String {
        position(&self.list, self.rows.len(), self.rows.scoped())
    }

    fn border(&self) -> Option<(&'static str, u16)> {
        self.detail_area.map(|area| ("jobs", area.x - 1))
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, cx: &Cx) -> Reply {
        self.refresh(cx);
        let at = Position::new(event.column, event.row);
        if let Some(area) = self.detail_area.filter(|area| area.contains(at))
            && let Some(detail) = &mut self.detail
        {
            let reply = detail.mouse(event, area, cx);
            self.inside |= reply != Reply::Ignored;
            return reply;
        }
        let columns = self.columns(cx);
        match pointed(event, self.body, &self.list, &columns, self.rows.len(), cx) {
            Pointed::Nothing => return Reply::Ignored,
            Pointed::Row(_, true) => return self.own(Action::Open, cx),
            Pointed::Row(at, _) => {
                self.inside = false;
                self.list.go(at, &self.rows.keys(cx.model));
            }
            Pointed::Heading(id) => {
                if let Some(column) = JobColumn::named(id) {
                    let now = self.rows.sort();
                    self.rows.set_sort(if now.column == column {
                        now.reversed()
                    } else {
                        Sort::by(column)
                    });
                }
            }
            Pointed::Wheel(by) => self.list.wheel(by, &self.rows.keys(cx.model)),
        }
        self.refresh(cx);
        Reply::Done
    }
}
