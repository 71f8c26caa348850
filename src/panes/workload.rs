//! One of Kueue's workloads, whole: why it waits, what it asks for and was given, its checks, its story. Separate from
//! the job because it is another object, with its own life: a job may have had several.

use chrono::{DateTime, Utc};
use crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{About, Cx, Pane, Reply, Target, worker};
use crate::app::action::{Action, Scope};
use crate::model::human;
use crate::model::ids::Key;
use crate::model::job::{JobRow, Phase};
use crate::model::kueue::workload::State as At;
use crate::model::kueue::{QueueKind, WorkloadRow};
use crate::model::want::{Kind, ObjectWant, Selector, Want};
use crate::model::why::why;
use crate::ui::scroll::{self, Window};
use crate::ui::{State, text};

mod page;
#[cfg(test)]
mod tests;

/// The screen of one workload.
pub struct Workload {
    key: Key,
    /// As it was seen last, for when it is gone.
    last: Option<WorkloadRow>,
    window: Window,
}

impl Workload {
    pub fn new(key: Key) -> Self {
        Self {
            key,
            last: None,
            window: Window::default(),
        }
    }

    fn row<'a>(&'a self, cx: &Cx<'a>) -> Option<&'a WorkloadRow> {
        cx.model
            .kueue
            .workloads
            .get(self.key)
            .or(self.last.as_ref())
    }
}

/// The sign and hue of a workload, and its word.
pub fn state(workload: &WorkloadRow) -> (State, &'static str) {
    match workload.state() {
        At::Finished => match workload.is("Finished").map(|c| &*c.reason) {
            Some("Succeeded") => (State::Succeeded, "finished"),
            Some("Failed" | "FailedToStart") => (State::Failed, "failed"),
            _ => (State::Stale, "over"),
        },
        At::Admitted => (State::Running, "admitted"),
        At::Reserved => (State::Pending, "reserved"),
        At::Pending if !workload.active => (State::Held, "off"),
        At::Pending => (State::Waiting, "pending"),
    }
}

/// The job a workload stands for, where jobdeck knows it.
pub fn job_of<'a>(workload: &WorkloadRow, cx: &Cx<'a>) -> Option<&'a JobRow> {
    let mut jobs = workload.jobs().into_iter();
    jobs.find_map(|key| cx.model.jobs.get(key))
}

/// Whether the way to its workload is worth a place in the footer: it waits, or stands in a queue.
pub fn has_reason(job: &JobRow, cx: &Cx) -> bool {
    let phase = cx.model.status(job).phase;
    matches!(phase, Phase::Queued | Phase::Pending)
        || cx.model.workload_of(job).is_some() && !phase.is_over()
}

/// Leads from a job to its workload; where it has none, says why it waits.
pub fn of_job(job: &JobRow, cx: &Cx) -> Reply {
    match cx.model.workload_of(job) {
        Some(workload) => Reply::Open(Target::Workload(workload.key)),
        None => Reply::Say(super::Level::Info, why(cx.model, job, cx.now)),
    }
}

/// What it is called: the job's name where there is one, else its own.
pub fn name(workload: &WorkloadRow) -> &str {
    match workload.owners.first() {
        Some((kind, name, _)) if &**kind != "Pod" => name,
        _ => &workload.name,
    }
}

/// What can be done with a workload on any screen that shows one.
pub fn act(action: Action, workload: &WorkloadRow, cx: &Cx) -> Reply {
    Reply::Open(match action {
        Action::Why | Action::GoJob => match job_of(workload, cx) {
            Some(job) => Target::Job(job.key),
            None => {
                let text = format!("the job of {} is not among those shown", workload.name);
                return Reply::Say(super::Level::Info, text);
            }
        },
        Action::Logs => match job_of(workload, cx) {
            Some(job) => Target::Logs(super::LogsOf::Job {
                job: job.key,
                index: None,
            }),
            None => return Reply::Ignored,
        },
        Action::ShowGpus => match job_of(workload, cx) {
            Some(job) => return super::gpus::of_job(job, cx),
            None => return Reply::Ignored,
        },
        Action::ShowHardware => match job_of(workload, cx) {
            Some(job) => return super::hardware::place::open_job(job, cx),
            None => return Reply::Ignored,
        },
        Action::ShowPods => match job_of(workload, cx) {
            Some(job) => Target::Pods(super::PodsOf::Job(job.key)),
            None => return Reply::Ignored,
        },
        Action::ShowEvents => Target::Events(Some(About {
            key: workload.key,
            namespace: workload.namespace.clone(),
            title: format!("workload/{}", workload.name),
        })),
        Action::Yaml => Target::Yaml(ObjectWant {
            kind: Kind::Queue(QueueKind::Workload),
            namespace: workload.namespace.clone(),
            name: workload.name.clone(),
        }),
        Action::Copy => {
            return Reply::Copy {
                text: workload.name.to_string(),
                what: format!("workload {}", workload.name),
            };
        }
        _ => return Reply::Ignored,
    })
}

impl Pane for Workload {
    fn title(&self, cx: &Cx) -> String {
        match self.row(cx) {
            Some(row) => format!("workload/{}", name(row)),
            None => "workload".into(),
        }
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let Some(row) = self.row(cx) else {
            return Line::styled("workload: not known (any more)", cx.theme.dim());
        };
        let (state, word) = state(row);
        let mut spans = vec![
            Span::styled(
                format!("{} {word}", cx.theme.state_glyph(state)),
                cx.theme.state(state),
            ),
            Span::styled(format!("  {}", name(row)), cx.theme.title()),
        ];
        let rest = format!("  {}  Workload in queue {}", row.namespace, queue(row));
        spans.push(Span::styled(rest, cx.theme.dim()));
        Line::from(spans)
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Queues, Scope::Pods, Scope::List]
    }

    fn hints(&self, cx: &Cx) -> Vec<Action> {
        let mut out = Vec::new();
        if self.row(cx).is_some_and(|row| job_of(row, cx).is_some()) {
            out.extend([Action::Why, Action::Logs, Action::ShowPods]);
        }
        out.extend([Action::ShowEvents, Action::Yaml, Action::Copy, Action::Back]);
        out
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        if let Some(row) = cx.model.kueue.workloads.get(self.key) {
            self.last = Some(row.clone());
        }
        let Some(row) = self.row(cx) else {
            return;
        };
        let gone = !cx.model.kueue.workloads.contains(self.key);
        let width = usize::from(area.width.saturating_sub(2)).min(140);
        let lines = page::lines(row, gone, cx, width);
        self.window = Window {
            page: usize::from(area.height),
            total: lines.len(),
            ..self.window
        }
        .settled();
        let shown = lines.iter().skip(self.window.offset);
        for (y, line) in (area.y..area.bottom()).zip(shown) {
            buf.set_line(area.x + 1, y, line, area.width.saturating_sub(2));
        }
        scroll::bar(area, buf, cx.theme, self.window);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        self.window = match action {
            Action::Up => self.window.step(-1),
            Action::Down => self.window.step(1),
            Action::PageUp => self.window.step_page(-1),
            Action::PageDown => self.window.step_page(1),
            Action::Top => self.window.step(isize::MIN),
            Action::Bottom => self.window.step(isize::MAX),
            Action::Open => return self.act(Action::Why, cx),
            _ => {
                let row = self.row(cx);
                return row.map_or(Reply::Ignored, |row| act(action, row, cx));
            }
        };
        Reply::Done
    }

    fn subjects(&self, _cx: &Cx) -> Vec<Key> {
        vec![self.key]
    }

    fn wants(&self, cx: &Cx) -> Vec<Want> {
        let mut wants: Vec<Want> = [Kind::Job, Kind::Pod, Kind::Node]
            .map(|kind| Want::Watch(kind, Selector::All))
            .into();
        wants.push(Want::Workloads);
        if let Some(row) = self.row(cx) {
            let about = Selector::About {
                namespace: row.namespace.clone(),
                uid: row.key.uid,
            };
            wants.push(Want::Watch(Kind::Event, about));
            let clusters = row.cluster.iter().chain(&row.nominated);
            let there = clusters.flat_map(|name| worker::on(name, &row.namespace, cx));
            wants.extend(there);
        }
        wants
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        let row = self.row(cx).filter(|_| !cx.timestamps)?;
        let times = [row.created, row.requeue_at];
        let spans = times.into_iter().flatten().map(|at| (cx.now - at).abs());
        spans.map(|span| cx.now + human::next_change(span)).min()
    }

    fn position(&self, _cx: &Cx) -> String {
        match self.window.total <= self.window.page {
            true => String::new(),
            false => {
                let end = self.window.offset + self.window.page;
                format!("{}/{}", end.min(self.window.total), self.window.total)
            }
        }
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, _cx: &Cx) -> Reply {
        self.window = match event.kind {
            MouseEventKind::ScrollDown => self.window.step(3),
            MouseEventKind::ScrollUp => self.window.step(-3),
            _ => return Reply::Ignored,
        };
        Reply::Done
    }
}

/// `ml/main`, with its cluster queue where it was given one.
fn queue(row: &WorkloadRow) -> String {
    let queue = text::clean(&row.queue);
    match &row.admission {
        Some(admission) => format!("{queue} ▸ {}", admission.cluster_queue),
        None => queue.into_owned(),
    }
}
