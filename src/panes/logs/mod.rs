//! Logs: one container or all pods of a job, merged by time. What is kept and searched is `crate::logs`; here is
//! what the reader does with it: follow, pause, scroll, search, choose.

mod arrive;
mod charts;
mod draw;
mod follow;
pub mod goto;
mod layout;
mod output;
mod rail;
mod seek;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Arrival, Cx, Level, LogsOf, Pane, Reply, Worries, worker};
use crate::app::action::{Action, Scope};
use crate::logs::run::{Reading, Run, Summary};
use crate::logs::{Anchor, LogBuffer, Pattern};
use crate::model::ids::{Key, Name};
use crate::model::want::{Kind, LogWant, Selector, Want};
use follow::{Ask, Since, Source};
use layout::{Shape, Top};

/// Bytes of lines a new filter or search is applied to per frame.
const WORK: usize = 4 << 20;
/// Columns one step sideways.
const SIDE: usize = 16;

/// Which text the prompt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typing {
    Search,
    Filter,
}

/// A log screen.
pub struct Logs {
    of: LogsOf,
    /// `job/pi`, as long as the object is known, and after.
    name: String,
    buffer: LogBuffer,
    /// By stream index of the buffer.
    sources: Vec<Source>,
    ask: Ask,
    follow: bool,
    wrap: bool,
    times: bool,
    /// First row on screen.
    top: Option<Top>,
    /// First column on screen, when lines are not wrapped.
    column: usize,
    shape: Shape,
    search: String,
    filter: String,
    typing: Typing,
    /// The match the reader is at.
    hit: Option<Anchor>,
    /// Number of the last line on screen, and of how many.
    place: (usize, usize),
    /// Lines that arrived since the reader stopped following.
    unread: usize,
    /// A filter or search is not applied to all lines yet.
    working: bool,
    /// The first match of a new search is to be shown as soon as one is found.
    seeking: bool,
    /// The pods at the left have the keyboard.
    rail: bool,
    /// The stream selected there; `None`: all pods.
    rail_at: Option<usize>,
    /// The index asked for when it was opened, until its streams are there.
    start_index: Option<u32>,
    /// A pod was chosen in the rail: leaving undoes that first. What was opened narrowed is left at once.
    chosen: bool,
    /// What the lines say in numbers.
    reading: Reading,
    charts: charts::Charts,
    /// The time of the line it was opened at, until that line is there.
    goto: Option<DateTime<Utc>>,
}

impl Logs {
    pub fn new(of: LogsOf) -> Self {
        let (container, previous, start_index) = match &of {
            LogsOf::Job { index, .. } => (None, false, *index),
            LogsOf::Pod {
                container,
                previous,
                ..
            } => (container.clone(), *previous, None),
            LogsOf::File { .. } => (None, false, None),
        };
        let name = match &of {
            LogsOf::File { name } => name.clone(),
            _ => "logs".into(),
        };
        Self {
            of,
            name,
            buffer: LogBuffer::new(LogBuffer::LIMIT),
            sources: Vec::new(),
            ask: Ask {
                container,
                previous,
                since: Since::Tail,
            },
            follow: true,
            wrap: false,
            times: false,
            top: None,
            column: 0,
            shape: Shape::default(),
            search: String::new(),
            filter: String::new(),
            typing: Typing::Search,
            hit: None,
            place: (0, 0),
            unread: 0,
            working: false,
            seeking: false,
            rail: false,
            rail_at: None,
            start_index,
            chosen: false,
            reading: Reading::default(),
            charts: charts::Charts::default(),
            goto: None,
        }
    }

    fn is_job(&self) -> bool {
        matches!(self.of, LogsOf::Job { .. })
    }

    fn is_file(&self) -> bool {
        matches!(self.of, LogsOf::File { .. })
    }

    /// Takes over what the model says of the pods: new ones join, gone ones stay with their text.
    fn settle(&mut self, cx: &Cx) {
        match &self.of {
            LogsOf::Job { job, .. } => {
                if let Some(job) = cx.model.jobs.get(*job) {
                    self.name = format!("job/{}", job.name);
                }
            }
            LogsOf::Pod { pod, .. } => {
                if let Some(pod) = cx.model.pods.get(*pod) {
                    self.name = format!("pod/{}", pod.name);
                }
            }
            LogsOf::File { name } => {
                if self.sources.is_empty() {
                    self.sources.push(Source::file(name));
                    self.buffer.add_stream();
                }
                return;
            }
        }
        self.settle_other(cx);
        let plan = follow::plan(&self.of, &self.sources, cx);
        for pod in &plan.pods {
            if !self.sources.iter().any(|source| source.pod == pod.key) {
                let want = self.ask.want(pod);
                self.sources.push(Source::new(pod, want.follow));
                self.buffer.add_stream();
            }
        }
        let kept: Vec<_> = plan.pods.iter().map(|pod| pod.key).collect();
        for source in &mut self.sources {
            source.update(cx.model.pods.get(source.pod));
            source.done |= !kept.contains(&source.pod);
        }
        if let Some(index) = self.start_index {
            let streams: Vec<usize> = (0..self.sources.len())
                .filter(|at| self.sources[*at].index == Some(index))
                .collect();
            if let Some(last) = streams.last() {
                self.rail_at = Some(*last);
                self.show_only(&streams);
                self.start_index = None;
            }
        }
    }

    fn stream_of(&self, want: &LogWant) -> Option<usize> {
        if !self.ask.covers(want) {
            return None;
        }
        self.sources
            .iter()
            .position(|source| source.pod.uid == want.uid)
    }

    fn show_only(&mut self, streams: &[usize]) {
        self.buffer.set_only(streams);
        self.rejudged();
    }

    fn rejudged(&mut self) {
        self.working = true;
        self.work();
    }

    fn work(&mut self) {
        if self.working {
            self.working = self.buffer.work(WORK);
        }
    }

    /// Other lines are asked of the server: what is there makes room.
    fn ask_anew(&mut self, cx: &Cx, change: impl FnOnce(&mut Ask)) -> Reply {
        self.keep_curves(cx);
        change(&mut self.ask);
        self.buffer = LogBuffer::new(LogBuffer::LIMIT);
        self.buffer.set_filter(Pattern::filter(&self.filter));
        self.buffer.set_search(Pattern::search(&self.search));
        self.sources.clear();
        (self.top, self.hit, self.unread, self.rail_at) = (None, None, 0, None);
        self.follow = true;
        Reply::Done
    }

    fn resume(&mut self) {
        self.follow = true;
        self.unread = 0;
    }

    fn scroll(&mut self, by: isize) -> Reply {
        if self.rail {
            let order = rail::order(self);
            let at = order.iter().position(|at| *at == self.rail_at).unwrap_or(0);
            let at = at.saturating_add_signed(by).min(order.len() - 1);
            self.rail_at = order[at];
            return Reply::Done;
        }
        let Some(top) = self.top else {
            return Reply::Done;
        };
        if let Some((top, end)) = self.shape.moved(&self.buffer, top, by) {
            self.top = Some(top);
            if by < 0 {
                self.follow = false;
            } else if end {
                self.resume();
            }
        }
        Reply::Done
    }

    fn containers(&self, cx: &Cx) -> Vec<Name> {
        let mut names: Vec<Name> = Vec::new();
        for pod in follow::pods(&self.of, cx) {
            for name in pod
                .container_names
                .split([',', ' '])
                .filter(|name| !name.is_empty())
            {
                if !names.iter().any(|known| &**known == name) {
                    names.push(name.into());
                }
            }
        }
        names
    }

    fn next_container(&mut self, cx: &Cx) -> Reply {
        let names = self.containers(cx);
        if names.len() < 2 {
            return Reply::Say(Level::Info, "there is only one container".into());
        }
        let at = self
            .ask
            .container
            .as_ref()
            .and_then(|now| names.iter().position(|name| name == now))
            .unwrap_or(0);
        let next = names[(at + 1) % names.len()].clone();
        self.ask_anew(cx, |ask| ask.container = Some(next))
    }
}

impl Pane for Logs {
    fn title(&self, _cx: &Cx) -> String {
        format!("logs {}", self.name)
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        self.answer_line(cx)
    }

    fn scopes(&self) -> &'static [Scope] {
        // With the keyboard in the rail it is a list: `enter` chooses.
        if self.rail || self.charts.is_choosing() {
            &[Scope::List]
        } else {
            &[Scope::Logs, Scope::Text]
        }
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        if self.rail {
            return vec![Action::Open, Action::Focus, Action::Back];
        }
        if self.charts.is_choosing() {
            return vec![Action::Open, Action::Filter, Action::Back];
        }
        if self.charts.on {
            return charts::HINTS.to_vec();
        }
        let mut hints = vec![
            Action::Follow,
            Action::Charts,
            Action::Filter,
            Action::LogFilter,
        ];
        if !self.search.is_empty() {
            hints.extend([Action::SearchNext, Action::SearchPrevious]);
        }
        if self.is_job() {
            hints.push(Action::Focus);
        }
        hints.extend([Action::Wrap, Action::Timestamps, Action::Save]);
        if !self.is_job() && !self.is_file() {
            hints.push(Action::TogglePrevious);
        }
        hints
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.settle(cx);
        self.work();
        self.seek();
        self.go_to();
        self.draw_all(cx, area, buf);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        if !self.rail
            && let Some(reply) = self.act_charts(action, cx)
        {
            return reply;
        }
        if self.is_file()
            && let Some(reply) = arrive::not_of_a_file(action)
        {
            return reply;
        }
        let page = isize::try_from(self.shape.height.saturating_sub(1).max(1)).unwrap_or(1);
        match action {
            Action::Up => return self.scroll(-1),
            Action::Down => return self.scroll(1),
            Action::PageUp => return self.scroll(-page),
            Action::PageDown => return self.scroll(page),
            Action::Top => return self.scroll(isize::MIN / 2),
            Action::Bottom if self.rail => return self.scroll(isize::MAX / 2),
            Action::Bottom => self.resume(),
            Action::Follow if self.follow => self.follow = false,
            Action::Follow => self.resume(),
            Action::Left => self.column = self.column.saturating_sub(SIDE),
            Action::Right if !self.wrap => self.column += SIDE,
            Action::Wrap => {
                self.wrap = !self.wrap;
                self.column = 0;
                if let Some(top) = &mut self.top {
                    top.skip = 0;
                }
            }
            Action::Timestamps => self.times = !self.times,
            Action::Focus if self.is_job() => self.rail = !self.rail,
            Action::Open if self.rail => {
                let only: Vec<usize> = self.rail_at.into_iter().collect();
                self.chosen = !only.is_empty();
                self.show_only(&only);
                self.rail = false;
            }
            Action::Back if self.rail => self.rail = false,
            Action::Back if self.filter().is_empty() && self.chosen => {
                self.chosen = false;
                self.rail_at = None;
                self.show_only(&[]);
            }
            Action::Filter => {
                self.typing = Typing::Search;
                return Reply::Prompt {
                    label: "search".into(),
                    text: self.search.clone(),
                };
            }
            Action::LogFilter => {
                self.typing = Typing::Filter;
                return Reply::Prompt {
                    label: "only lines with".into(),
                    text: self.filter.clone(),
                };
            }
            Action::SearchNext => return self.step(false),
            Action::SearchPrevious => return self.step(true),
            Action::NextContainer => return self.next_container(cx),
            Action::TogglePrevious => return self.ask_anew(cx, |ask| ask.previous = !ask.previous),
            Action::SinceAll => return self.ask_anew(cx, |ask| ask.since = Since::All),
            Action::SinceTail => return self.ask_anew(cx, |ask| ask.since = Since::Tail),
            Action::SinceMinute => return self.ask_anew(cx, |ask| ask.since = Since::Seconds(60)),
            Action::SinceFive => return self.ask_anew(cx, |ask| ask.since = Since::Seconds(300)),
            Action::SinceQuarter => {
                return self.ask_anew(cx, |ask| ask.since = Since::Seconds(900));
            }
            Action::SinceHour => return self.ask_anew(cx, |ask| ask.since = Since::Seconds(3600)),
            Action::ClearLogs => {
                self.buffer.clear();
                (self.top, self.hit) = (None, None);
                self.resume();
            }
            Action::Copy => return self.copy(),
            Action::Save => return self.save(cx),
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn wants(&self, cx: &Cx) -> Vec<Want> {
        if self.is_file() {
            return Vec::new();
        }
        let plan = follow::plan(&self.of, &self.sources, cx);
        let mut wants = follow::wants(&plan, &self.sources, &self.ask, cx);
        wants.extend(self.other_wants(cx));
        wants.push(Want::Watch(Kind::Pod, Selector::All));
        if self.is_job() {
            wants.push(Want::Watch(Kind::Job, Selector::All));
        }
        if let LogsOf::Job { job, .. } = &self.of {
            wants.extend(worker::wants(*job, cx));
        }
        wants
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        if self.working {
            return Some(cx.now);
        }
        self.wake_charts(cx)
    }

    fn filter(&self) -> &str {
        if let Some(text) = self.choice_filter() {
            return text;
        }
        let (first, second) = match self.typing {
            Typing::Search => (&self.search, &self.filter),
            Typing::Filter => (&self.filter, &self.search),
        };
        if first.is_empty() { second } else { first }
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) -> Result<(), String> {
        if self.narrow_choice(text) {
            return Ok(());
        }
        if text.is_empty() && self.filter().is_empty() {
            return Ok(());
        }
        // `esc` clears one after the other.
        let other = match self.typing {
            Typing::Search if text.is_empty() && self.search.is_empty() => Typing::Filter,
            Typing::Filter if text.is_empty() && self.filter.is_empty() => Typing::Search,
            same => same,
        };
        match other {
            Typing::Search => {
                self.search = text.to_owned();
                self.buffer.set_search(Pattern::search(text));
                self.hit = None;
                self.seeking = !text.is_empty();
            }
            Typing::Filter => {
                self.filter = text.to_owned();
                self.buffer.set_filter(Pattern::filter(text));
            }
        }
        self.rejudged();
        self.seek();
        Ok(())
    }

    fn receive(&mut self, arrival: &Arrival, cx: &Cx) {
        self.take_in(arrival, cx);
    }

    fn told(&mut self, cx: &Cx) -> Option<(Key, Summary)> {
        self.told_of(cx)
    }

    fn worries(&mut self, cx: &Cx) -> Option<Worries> {
        self.worried(cx)
    }

    fn about(&self, cx: &Cx) -> Option<Key> {
        self.about_job(cx)
    }

    fn last_lines(&self, most: usize) -> Vec<String> {
        self.ends_with(most)
    }

    fn curves(&mut self, cx: &Cx) -> Option<(Key, Arc<Run>)> {
        self.curves_told(cx)
    }

    fn position(&self, _cx: &Cx) -> String {
        self.position_words()
    }

    fn mouse(&mut self, event: crossterm::event::MouseEvent, _area: Rect, _cx: &Cx) -> Reply {
        use crossterm::event::MouseEventKind;
        match event.kind {
            MouseEventKind::ScrollUp => self.scroll(-3),
            MouseEventKind::ScrollDown => self.scroll(3),
            _ => Reply::Ignored,
        }
    }
}
