//! One job in full: how it is and why, its story, its indexes, pods, events and last log lines. Used beside the
//! list of jobs and as a screen of its own; CronJobs show their runs instead of indexes and pods.

use chrono::{DateTime, Utc};
use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::indexes::Indexes;
use super::replicas::Replicas;
use super::sheet::{Did, Sheet};
use super::words::phase_state;
use super::{
    About, Arrival, Cx, LogsOf, Pane, PodsOf, Reply, Target, Worries, Worry, events, hardware,
    pods, run, worker, workload,
};
use crate::app::action::{Action, Scope};
use crate::logs::health::Held;
use crate::logs::run::Summary;
use crate::model::event::EventRow;
use crate::model::human;
use crate::model::ids::Key;
use crate::model::job::{CronJobRow, JobRow};
use crate::model::listed::{self, EventColumn, JobColumn, PodColumn};
use crate::model::pod::{PodPhase, PodRow};
use crate::model::roles::{Cast, casts};
use crate::model::status::telling;
use crate::model::want::{Kind, ObjectWant, Selector, Want};
use crate::ui::Column;
use tail::Tail;

mod cell;
mod draw;
mod gpus;
mod head;
mod heights;
mod keys;
mod roles;
mod sentence;
mod tail;
#[cfg(test)]
mod tests;
mod timeline;

/// The parts one can move in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Indexes,
    /// Replicas of the roles of a kind that has some.
    Roles,
    Pods,
    /// Jobs a CronJob made, or what else belongs to a workload.
    Runs,
    Events,
}

/// The detail of one job.
pub struct Job {
    key: Key,
    part: Option<Part>,
    grid: Indexes,
    replicas: Replicas,
    /// It has replicas to show, as of the last look.
    has_roles: bool,
    pods: Sheet<PodRow>,
    runs: Sheet<JobRow>,
    events: Sheet<EventRow>,
    tail: Tail,
    /// Number formats its manifest names; none before it came.
    formats: Option<Vec<hardware::place::Asked>>,
    /// The job as it was last seen: it stays on screen when it is deleted.
    last: Option<JobRow>,
    /// Where each part was drawn, for the mouse.
    places: Vec<(Part, Rect)>,
}

impl Job {
    pub fn new(key: Key) -> Self {
        Self {
            key,
            part: None,
            grid: Indexes::default(),
            replicas: Replicas::default(),
            has_roles: false,
            pods: Sheet::new(PodColumn::Age),
            runs: Sheet::new(JobColumn::Age),
            events: Sheet::new(EventColumn::Last),
            tail: Tail::default(),
            formats: None,
            last: None,
            places: Vec::new(),
        }
    }

    pub fn key(&self) -> Key {
        self.key
    }

    /// Starts with the cursor on an index.
    pub fn at_index(mut self, index: u32) -> Self {
        self.grid.go(index);
        self
    }

    fn job<'a>(&'a self, cx: &Cx<'a>) -> Option<&'a JobRow> {
        cx.model.jobs.get(self.key).or(self.last.as_ref())
    }

    fn cron<'a>(&self, cx: &Cx<'a>) -> Option<&'a CronJobRow> {
        cx.model.cronjobs.get(self.key)
    }

    /// Other workloads belong to it: runs of a CronJob, Jobs of a JobSet.
    fn made_others(&self, cx: &Cx) -> bool {
        self.cron(cx).is_some() || cx.model.children(self.key).next().is_some()
    }

    /// The parts there are, in the order they are gone through.
    fn parts(&self, cx: &Cx) -> Vec<Part> {
        match (self.job(cx), self.cron(cx)) {
            (Some(job), _) if job.indexed && job.completions.is_some_and(|n| n > 0) => {
                vec![Part::Indexes, Part::Pods, Part::Events]
            }
            (None, Some(_)) => vec![Part::Runs, Part::Events],
            _ => {
                let all = [
                    (Part::Roles, self.has_roles),
                    (Part::Runs, self.made_others(cx)),
                    (Part::Pods, true),
                    (Part::Events, true),
                ];
                let there = all.into_iter().filter(|(_, there)| *there);
                there.map(|(part, _)| part).collect()
            }
        }
    }

    /// The replicas of its roles.
    fn casts<'a>(&self, cx: &Cx<'a>) -> Vec<Cast<'a>> {
        self.job(cx)
            .map(|job| casts(cx.model, job))
            .unwrap_or_default()
    }

    /// The part with the cursor.
    fn part(&self, cx: &Cx) -> Part {
        let parts = self.parts(cx);
        self.part.filter(|p| parts.contains(p)).unwrap_or(parts[0])
    }

    fn step(&mut self, forward: bool, cx: &Cx) {
        let parts = self.parts(cx);
        let now = self.part(cx);
        let at = parts.iter().position(|p| *p == now).unwrap_or(0);
        let n = parts.len();
        self.part = parts
            .get((at + if forward { 1 } else { n - 1 }) % n)
            .copied();
    }

    fn refresh(&mut self, cx: &Cx) {
        if let Some(job) = cx.model.jobs.get(self.key)
            && self.last.as_ref() != Some(job)
        {
            self.last = Some(job.clone());
        }
        let scope = listed::Scope::of(self.key);
        let pods = listed::Scope {
            parent: listed::Scope::pods_of(cx.model, self.key),
            ..listed::Scope::default()
        };
        self.pods.refresh(pods, Kind::Pod, cx);
        self.events.refresh(scope.clone(), Kind::Event, cx);
        if self.made_others(cx) {
            self.runs.refresh(scope, Kind::Job, cx);
        }
        if let Some(job) = cx.model.jobs.get(self.key).or(self.last.as_ref())
            && job.indexed
        {
            self.grid.settle(&cx.model.grid(job));
        }
        let casts = self.casts(cx);
        self.has_roles = !casts.is_empty();
        self.replicas.settle(&casts);
        let want = self.log_want(cx);
        self.tail.look(want);
    }

    fn pod_columns() -> Vec<Column> {
        pods::columns::columns(&PodsOf::Job(Key::default()), false)
    }

    fn event_columns() -> Vec<Column> {
        events::columns::columns(true, false)
    }

    fn about(&self, cx: &Cx) -> Option<About> {
        if let Some(job) = self.job(cx) {
            let title = format!("{}/{}", job.kind.singular(), job.name);
            return Some(About {
                key: self.key,
                namespace: job.namespace.clone(),
                title,
            });
        }
        let cron = self.cron(cx)?;
        let title = format!("cronjob/{}", cron.name);
        Some(About {
            key: self.key,
            namespace: cron.namespace.clone(),
            title,
        })
    }

    fn object(&self, cx: &Cx) -> Option<ObjectWant> {
        if let Some(job) = self.job(cx) {
            return Some(ObjectWant {
                kind: job.kind.object()?,
                namespace: job.namespace.clone(),
                name: job.name.clone(),
            });
        }
        let cron = self.cron(cx)?;
        Some(ObjectWant {
            kind: Kind::CronJob,
            namespace: cron.namespace.clone(),
            name: cron.name.clone(),
        })
    }

    /// Its manifest, while it is not known which formats that names, and it matters: it has GPUs and is not over.
    fn manifest(&self, cx: &Cx) -> Option<ObjectWant> {
        let job = self.job(cx).filter(|_| self.formats.is_none())?;
        let over = cx.model.status(job).finished.is_some();
        match over || cx.model.gpus(job).is_empty() {
            true => None,
            false => self.object(cx),
        }
    }

    /// What its GPUs cannot do of what its manifest names.
    fn advice(&self, cx: &Cx) -> Vec<String> {
        match (self.job(cx), &self.formats) {
            (Some(job), Some(found)) if cx.model.status(job).finished.is_none() => {
                let told = hardware::advice::told(job, found, cx);
                let key = cx.keymap.key_for(Action::ShowHardware, &["list"]);
                let more = key.map_or(String::new(), |key| format!(" ({key}: by which rule)"));
                told.into_iter()
                    .map(|told| format!("{}{more}", told.text))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// Draws it beside a list: with its own title.
    pub fn draw_beside(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.refresh(cx);
        draw::draw(self, cx, area, buf, true);
    }
}

impl Job {
    /// Whether something is to be expected of the log under the grid.
    fn tail_lives(&self, cx: &Cx) -> bool {
        self.tail.want().is_some_and(|want| {
            let mut pods = cx.model.pods_of(self.key);
            let pod = pods.find(|pod| pod.key.uid == want.uid);
            want.follow && pod.is_some_and(|pod| pod.phase == PodPhase::Running)
        })
    }
}

impl Pane for Job {
    fn title(&self, cx: &Cx) -> String {
        match (self.job(cx), self.cron(cx)) {
            (Some(job), _) => format!("{}/{}", job.kind.singular(), job.name),
            (None, Some(cron)) => format!("cronjob/{}", cron.name),
            (None, None) => "job".into(),
        }
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        if let Some(job) = self.job(cx) {
            let status = cx.model.status(job);
            let state = phase_state(status.phase);
            let reason = status.reason.as_deref();
            let word = match reason.and_then(|reason| telling(job, reason)) {
                Some(reason) if status.phase == crate::model::job::Phase::Failed => {
                    format!(
                        "{} {}: {reason}",
                        cx.theme.state_glyph(state),
                        status.phase.word()
                    )
                }
                _ => format!("{} {}", cx.theme.state_glyph(state), status.phase.word()),
            };
            return Line::from(vec![
                Span::styled(word, cx.theme.state(state)),
                Span::styled(format!("  {}", job.name), cx.theme.title()),
                Span::styled(
                    format!("  {}  {}", job.namespace, job.kind_name()),
                    cx.theme.dim(),
                ),
            ]);
        }
        match self.cron(cx) {
            Some(cron) => Line::styled(head::cron_sentence(cron, cx), cx.theme.text()),
            None => Line::styled("this job is not there (yet)", cx.theme.dim()),
        }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Job, Scope::List]
    }

    fn hints(&self, cx: &Cx) -> Vec<Action> {
        let mut out = vec![Action::Open, Action::NextSection];
        match self.part(cx) {
            Part::Indexes => {
                let failed = self
                    .job(cx)
                    .is_some_and(|job| !cx.model.grid(job).failed().is_empty());
                if failed {
                    out.extend([Action::NextFailed, Action::CopyFailed]);
                }
            }
            Part::Roles => {
                if self.replicas.any_trouble() {
                    out.push(Action::NextFailed);
                }
                if self.replica_pod(cx).is_some_and(|pod| pod.node.is_some()) {
                    out.push(Action::GoNode);
                }
            }
            Part::Pods if self.pods.selected(cx.model).is_some() => out.push(Action::GoNode),
            _ => {}
        }
        if self.job(cx).is_some() {
            out.extend([Action::Logs, Action::ShowPods]);
        }
        out.extend([
            Action::Delete,
            Action::ShowEvents,
            Action::Yaml,
            Action::Back,
        ]);
        out.truncate(8);
        out
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.refresh(cx);
        draw::draw(self, cx, area, buf, false);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        self.refresh(cx);
        match action {
            Action::NextSection | Action::Focus => self.step(true, cx),
            Action::PreviousSection => self.step(false, cx),
            Action::NextFailed | Action::PreviousFailed
                if self.parts(cx).contains(&Part::Indexes) =>
            {
                self.part = Some(Part::Indexes);
                self.act_in_part(action, cx);
            }
            Action::NextFailed | Action::PreviousFailed
                if self.parts(cx).contains(&Part::Roles) =>
            {
                self.part = Some(Part::Roles);
                self.act_in_part(action, cx);
            }
            Action::CopyFailed => return self.copy_failed(cx),
            Action::Open => return self.open(cx),
            Action::Copy => return self.copy(cx),
            Action::Yaml => {
                return self
                    .object(cx)
                    .map_or(Reply::Ignored, |o| Reply::Open(Target::Yaml(o)));
            }
            Action::ShowEvents => {
                return self
                    .about(cx)
                    .map_or(Reply::Ignored, |a| Reply::Open(Target::Events(Some(a))));
            }
            Action::Why => {
                let job = self.job(cx);
                return job.map_or(Reply::Ignored, |job| workload::of_job(job, cx));
            }
            Action::ShowGpus => {
                let job = self.job(cx);
                return job.map_or(Reply::Ignored, |job| super::gpus::of_job(job, cx));
            }
            Action::ShowHardware => {
                let job = self.job(cx);
                return job.map_or(Reply::Ignored, |job| hardware::place::open_job(job, cx));
            }
            Action::ShowPods if self.job(cx).is_some() => {
                return Reply::Open(Target::Pods(PodsOf::Job(self.key)));
            }
            Action::Logs => {
                let index = (self.part(cx) == Part::Indexes).then(|| self.grid.cursor());
                let pod = match self.part(cx) {
                    Part::Roles => self.replica_pod(cx),
                    _ => self.pods.selected(cx.model),
                };
                return match (self.part(cx), pod) {
                    (Part::Pods | Part::Roles, Some(pod)) => pods::act(Action::Logs, pod, cx),
                    (Part::Runs, _) if self.job(cx).is_none() => Reply::Ignored,
                    _ => Reply::Open(Target::Logs(LogsOf::Job {
                        job: self.key,
                        index,
                    })),
                };
            }
            Action::GoNode | Action::PreviousLogs => {
                let pod = self.log_pod(cx).or_else(|| self.pods.selected(cx.model));
                return pod.map_or(Reply::Ignored, |pod| pods::act(action, pod, cx));
            }
            _ => return self.act_in_part(action, cx).unwrap_or(Reply::Ignored),
        }
        self.refresh(cx);
        Reply::Done
    }

    fn subjects(&self, cx: &Cx) -> Vec<Key> {
        match self.part(cx) {
            Part::Pods if self.pods.selected(cx.model).is_some() => self.pods.list.meant(),
            Part::Roles => match self.replica_pod(cx) {
                Some(pod) => vec![pod.key],
                None => vec![self.key],
            },
            Part::Runs if self.runs.selected(cx.model).is_some() => self.runs.list.meant(),
            _ => vec![self.key],
        }
    }

    fn within(&self, cx: &Cx) -> Option<Key> {
        self.log_pod(cx).map(|pod| pod.key)
    }

    fn wants(&self, cx: &Cx) -> Vec<Want> {
        let all = [Kind::Job, Kind::CronJob, Kind::Pod, Kind::Node];
        let mut wants: Vec<Want> = all.map(|kind| Want::Watch(kind, Selector::All)).into();
        if let Some(about) = self.about(cx) {
            wants.push(Want::Watch(
                Kind::Event,
                Selector::About {
                    namespace: about.namespace,
                    uid: about.key.uid,
                },
            ));
        }
        wants.extend(gpus::wants(self, cx));
        if let Some(want) = self.tail.want() {
            let mut pods = cx.model.pods_of(self.key);
            let pod = pods.find(|pod| pod.key.uid == want.uid);
            let cluster = pod.map_or(cx.session.cluster, |pod| pod.key.cluster);
            let log = Want::Log(want.clone());
            wants.push(worker::at(cluster, &want.namespace, log, cx));
        }
        wants.extend(worker::wants(self.key, cx));
        wants.extend(self.manifest(cx).map(Want::Object));
        wants
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        let job = self.job(cx);
        let running = job
            .filter(|job| cx.model.status(job).finished.is_none())
            .and_then(|job| job.started);
        let cron = self.cron(cx).and_then(|cron| cron.last_schedule);
        let head = running
            .or(cron)
            .map(|at| cx.now + human::next_change(cx.now - at));
        let pods = self.pods.wake(cx, pods::since);
        let events = self.events.wake(cx, EventRow::when);
        let due = self.tail.due(run::seconds(cx.now), self.tail_lives(cx));
        let due = due.and_then(run::moment);
        [head, pods, events, due].into_iter().flatten().min()
    }

    fn receive(&mut self, arrival: &Arrival, cx: &Cx) {
        if let Arrival::Object { want, object } = arrival
            && self.manifest(cx).as_ref() == Some(*want)
        {
            // only the formats are kept: the rest may hold secrets
            self.formats = Some(
                object
                    .as_ref()
                    .map(hardware::place::read)
                    .unwrap_or_default(),
            );
        }
        self.tail.receive(arrival, &cx.session.thresholds, cx.now);
    }

    fn told(&mut self, cx: &Cx) -> Option<(Key, Summary)> {
        let live = self.tail_lives(cx);
        let told = self.tail.told(run::seconds(cx.now), live)?;
        Some((cx.model.top(self.key), told))
    }

    fn worries(&mut self, cx: &Cx) -> Option<Worries> {
        let want = self.tail.want()?;
        let mut pods = cx.model.pods_of(self.key);
        let pod = pods.find(|pod| pod.key.uid == want.uid)?.key;
        let (open, over) = self.tail.worries();
        let who = |held: Held| Worry {
            pod,
            who: String::new(),
            held,
        };
        Some(Worries {
            job: cx.model.top(self.key),
            open: open.into_iter().map(who).collect(),
            over: over.into_iter().map(who).collect(),
        })
    }

    fn about(&self, cx: &Cx) -> Option<Key> {
        self.job(cx).map(|job| cx.model.top(job.key))
    }

    fn last_lines(&self, _most: usize) -> Vec<String> {
        self.tail.lines()
    }

    fn position(&self, cx: &Cx) -> String {
        match self.part(cx) {
            Part::Indexes => {
                let n = self
                    .job(cx)
                    .and_then(|job| job.completions)
                    .unwrap_or_default();
                format!("index {} of {}", self.grid.cursor(), human::count(n.into()))
            }
            Part::Roles => {
                let (role, at) = self.replicas.cursor();
                let casts = self.casts(cx);
                casts.get(role).map_or(String::new(), |cast| {
                    format!("{} {at} of {}", cast.role.name, cast.places.len())
                })
            }
            Part::Pods => self.pods.position(),
            Part::Runs => self.runs.position(),
            Part::Events => self.events.position(),
        }
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, cx: &Cx) -> Reply {
        let at = ratatui::layout::Position::new(event.column, event.row);
        let Some((part, _)) = self
            .places
            .iter()
            .find(|(_, area)| area.contains(at))
            .copied()
        else {
            return Reply::Ignored;
        };
        let was = self.part(cx);
        self.part = Some(part);
        let did = match part {
            Part::Indexes => match cx.model.jobs.get(self.key).or(self.last.as_ref()) {
                Some(job) if self.grid.mouse(event, &cx.model.grid(job)) => Did::Moved,
                _ => Did::Nothing,
            },
            Part::Roles => {
                let casts = self.casts(cx);
                match self.replicas.mouse(event, &casts) {
                    true => Did::Moved,
                    false => Did::Nothing,
                }
            }
            Part::Pods => self.pods.mouse(event, &Self::pod_columns(), cx),
            Part::Runs => self.runs.mouse(event, &draw::run_columns(), cx),
            Part::Events => self.events.mouse(event, &Self::event_columns(), cx),
        };
        match did {
            Did::Again if was == part => self.open(cx),
            Did::Nothing if was == part => Reply::Ignored,
            _ => {
                self.refresh(cx);
                Reply::Done
            }
        }
    }
}
