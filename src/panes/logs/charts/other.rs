//! Another job's run beside this one: which there are, and its streams, read for their metrics alone. Separate because it
//! is a second, smaller log screen without text.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::Logs;
use super::super::follow::{self, Ask, CAP, Source};
use super::super::planner::Planner;
use crate::app::action::Action;
use crate::logs::run::{Reading, Run, Said};
use crate::model::ids::Key;
use crate::model::pod::PodPhase;
use crate::model::want::{LogWant, Want};
use crate::panes::{Cx, Level, LogsOf, Reply, run};
use crate::ui::text::{Shorten, clean, shorten};

/// Jobs offered.
const OFFERED: usize = 200;

/// The run drawn over this one.
#[derive(Debug)]
pub struct Other {
    pub name: String,
    of: LogsOf,
    sources: Vec<Source>,
    planner: Planner,
    reading: Reading,
    /// What was known of it when it was chosen.
    known: Option<Arc<Run>>,
}

/// The list to choose it from.
#[derive(Debug, Default)]
pub struct Choice {
    /// None: no other run.
    items: Vec<(Option<Key>, String)>,
    /// Only those with this in their name.
    filter: String,
    at: usize,
}

impl Other {
    fn new(job: Key, cx: &Cx) -> Option<Self> {
        let row = cx.model.jobs.get(job)?;
        Some(Self {
            name: row.name.to_string(),
            of: LogsOf::Job { job, index: None },
            sources: Vec::new(),
            planner: Planner::default(),
            reading: Reading::default(),
            known: run::of(job, cx).and_then(|known| known.curves.clone()),
        })
    }

    /// The fuller one of what was known and what is read now.
    pub fn run(&self) -> &Run {
        let now = self.reading.run();
        match &self.known {
            Some(known) if known.reports() > now.reports() => known,
            _ => now,
        }
    }

    /// Its streams, as many as the cap leaves.
    fn plan<'a>(&'a self, room: usize, cx: &Cx<'a>) -> follow::Plan<'a> {
        let mut plan = self.planner.plan(&self.of, &self.sources, &[], cx);
        plan.pods.truncate(room);
        plan
    }

    fn settle(&mut self, ask: &Ask, room: usize, cx: &Cx) {
        let plan = self.plan(room, cx);
        let pods = plan.pods.iter();
        let new = pods.filter(|pod| !self.sources.iter().any(|s| s.pod == pod.key));
        let new: Vec<Source> = new
            .map(|pod| Source::new(pod, ask.want(pod).follow))
            .collect();
        let kept: Vec<Key> = plan.pods.iter().map(|pod| pod.key).collect();
        self.sources.extend(new);
        for source in &mut self.sources {
            source.update(cx.model.pods.get(source.pod));
            source.done |= !kept.contains(&source.pod);
        }
    }

    fn wants(&self, ask: &Ask, room: usize, cx: &Cx) -> Vec<Want> {
        follow::wants(&self.plan(room, cx), &self.sources, ask, cx)
    }
}

impl Choice {
    fn new(own: Option<Key>, has_other: bool, cx: &Cx) -> Self {
        let own_row = own.and_then(|own| cx.model.jobs.get(own));
        // Runs whose curves are known first, then what is called alike and can be read.
        let alike = |name: &str| {
            let own = own_row.map_or("", |row| &*row.name).chars();
            own.zip(name.chars()).take_while(|(a, b)| a == b).count()
        };
        let jobs = cx.model.jobs.rows().filter(|job| Some(job.key) != own);
        let mut found = Vec::new();
        for job in jobs.filter(|job| !cx.model.is_part(job)) {
            let known = run::of(job.key, cx).is_some_and(|known| known.curves.is_some());
            let begun = |phase| phase != PodPhase::Pending;
            if known || cx.model.pods_of(job.key).any(|pod| begun(pod.phase)) {
                let here = own_row.is_some_and(|row| row.namespace == job.namespace);
                let order = (!known, !here, usize::MAX - alike(&job.name));
                found.push((order, job));
            }
        }
        found.sort_by_key(|(order, job)| (*order, job.name.clone(), job.key));
        found.truncate(OFFERED);
        let mut items: Vec<(Option<Key>, String)> = Vec::new();
        if has_other {
            items.push((None, "no other run".into()));
        }
        for ((unread, elsewhere, _), job) in found {
            let mut text = clean(&job.name).into_owned();
            if elsewhere {
                text = format!("{}/{text}", job.namespace);
            }
            let known = run::of(job.key, cx).filter(|_| !unread);
            if let Some((_, last)) = known.and_then(|known| known.summary.last) {
                text.push_str(&format!("  {}", crate::ui::spark::number(last)));
            }
            items.push((Some(job.key), text));
        }
        Self {
            items,
            filter: String::new(),
            at: 0,
        }
    }

    fn shown(&self) -> Vec<&(Option<Key>, String)> {
        let wanted = self.filter.to_lowercase();
        let items = self.items.iter();
        items
            .filter(|item| item.1.to_lowercase().contains(&wanted))
            .collect()
    }
}

impl Logs {
    /// How many streams another run may have.
    fn room(&self, cx: &Cx) -> usize {
        let own = self.plan(cx).pods.len();
        CAP.saturating_sub(own).max(1)
    }

    /// What another run is asked for: its own default container, as far back as here.
    fn ask_other(&self) -> Ask {
        Ask {
            container: None,
            previous: false,
            ..self.ask.clone()
        }
    }

    pub(in super::super) fn settle_other(&mut self, cx: &Cx) {
        let (room, ask) = match self.charts.other {
            Some(_) => (self.room(cx), self.ask_other()),
            None => return,
        };
        if let Some(other) = &mut self.charts.other {
            other.settle(&ask, room, cx);
        }
    }

    pub(in super::super) fn other_wants(&self, cx: &Cx) -> Vec<Want> {
        let other = self.charts.other.as_ref();
        other.map_or(Vec::new(), |other| {
            other.wants(&self.ask_other(), self.room(cx), cx)
        })
    }

    /// Lines of the other run; false: they are none of its.
    pub(in super::super) fn receive_other(&mut self, want: &LogWant, said: &[Said]) -> bool {
        let ask = self.ask_other();
        let Some(other) = self.charts.other.as_mut() else {
            return false;
        };
        let mut sources = other.sources.iter();
        let stream = sources.position(|source| source.pod.uid == want.uid);
        match stream {
            Some(stream) if ask.covers(want) => {
                other.reading.push(stream, said);
                true
            }
            _ => false,
        }
    }

    /// Opens the list of other runs.
    pub(super) fn choose_other(&mut self, cx: &Cx) -> Reply {
        let choice = Choice::new(self.job(cx), self.charts.other.is_some(), cx);
        if choice.items.is_empty() {
            let text = "no other job has a log to read, and of none one was read before";
            return Reply::Say(Level::Info, text.into());
        }
        self.charts.on = true;
        self.charts.choice = Some(choice);
        Reply::Done
    }

    /// The keyboard while the list is open.
    pub(super) fn act_choice(&mut self, action: Action, cx: &Cx) -> Option<Reply> {
        let choice = self.charts.choice.as_mut()?;
        let last = choice.shown().len().saturating_sub(1);
        match action {
            Action::Up => choice.at = choice.at.saturating_sub(1),
            Action::Down => choice.at = (choice.at + 1).min(last),
            Action::PageUp => choice.at = choice.at.saturating_sub(10),
            Action::PageDown => choice.at = (choice.at + 10).min(last),
            Action::Top => choice.at = 0,
            Action::Bottom => choice.at = last,
            Action::Open => {
                let shown = choice.shown();
                let Some(job) = shown.get(choice.at).map(|item| item.0) else {
                    return Some(Reply::Done);
                };
                self.charts.choice = None;
                self.charts.other = job.and_then(|job| Other::new(job, cx));
                self.settle_other(cx);
            }
            Action::Filter => {
                return Some(Reply::Prompt {
                    label: "job".into(),
                    text: choice.filter.clone(),
                });
            }
            Action::Back | Action::Overlay => self.charts.choice = None,
            _ => return None,
        }
        Some(Reply::Done)
    }

    /// The text that narrows the list; `None`: it is not open.
    pub(in super::super) fn choice_filter(&self) -> Option<&str> {
        Some(&self.charts.choice.as_ref()?.filter)
    }

    /// Narrows the list; false: it is not open.
    pub(in super::super) fn narrow_choice(&mut self, text: &str) -> bool {
        let Some(choice) = &mut self.charts.choice else {
            return false;
        };
        text.clone_into(&mut choice.filter);
        choice.at = 0;
        true
    }

    /// The list, over the picture.
    pub(super) fn draw_choice(&self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let Some(choice) = &self.charts.choice else {
            return;
        };
        let theme = cx.theme;
        let title = "draw over it the run of:";
        buf.set_stringn(area.x, area.y, title, area.width.into(), theme.title());
        let rows = usize::from(area.height.saturating_sub(1));
        let offset = (choice.at + 1).saturating_sub(rows);
        let shown = choice.shown();
        if shown.is_empty() && area.height > 1 {
            let text = format!("no job with {:?} in its name has a log", choice.filter);
            let room = usize::from(area.width);
            buf.set_stringn(area.x, area.y + 1, text, room, theme.dim());
        }
        let items = shown.into_iter().enumerate().skip(offset);
        for (y, (at, (_, text))) in (area.y + 1..area.bottom()).zip(items) {
            let row = Rect {
                y,
                height: 1,
                ..area
            };
            let style = if at == choice.at {
                buf.set_style(row, theme.selection(true));
                buf.set_string(area.x, y, cx.glyphs.selection(), theme.selection_bar(true));
                match theme.selection(true).fg {
                    Some(_) => theme.selection(true),
                    None => theme.text(),
                }
            } else {
                theme.text()
            };
            let room = usize::from(area.width.saturating_sub(2));
            let text = shorten(text, room, Shorten::End);
            buf.set_stringn(area.x + 2, y, text, room, style);
        }
    }
}
