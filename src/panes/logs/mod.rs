//! Logs: one container or all pods of a job, merged by time. What is kept and searched is `crate::logs`; here is
//! what the reader does with it: follow, pause, scroll, search, choose.

mod arrive;
mod charts;
mod draw;
mod face;
mod follow;
pub mod goto;
mod lanes;
mod layout;
mod output;
mod pin;
mod planner;
mod rail;
mod seek;
mod settle;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Arrival, Cx, Level, LogsOf, Pane, Reply, Worries, worker};
use crate::app::action::{Action, Scope};
use crate::logs::run::{Reading, Run, Summary};
use crate::logs::{Anchor, LogBuffer, LogFilter, Pattern};
use crate::model::ids::{Key, Name};
use crate::model::want::{Kind, Selector, Want};
use face::Faces;
use follow::{Ask, Since, Source};
use lanes::Lane;
use planner::Planner;
use rail::Entry;

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

/// Which time stands before the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Off,
    /// As the runtime stamped them.
    Server,
    /// On the clock of this machine.
    Local,
    /// How long ago.
    Ago,
}

impl Times {
    fn next(self) -> Self {
        match self {
            Times::Off => Times::Server,
            Times::Server => Times::Local,
            Times::Local => Times::Ago,
            Times::Ago => Times::Off,
        }
    }
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
    times: Times,
    /// All in one, or two to four streams side by side.
    lanes: Vec<Lane>,
    /// The one that keys move.
    lane: usize,
    /// Lanes stand at the same time; else each where it was left.
    linked: bool,
    faces: Faces,
    /// Lines to come back to.
    marks: BTreeSet<Anchor>,
    search: String,
    filter: String,
    /// Where in the filter being typed it is not understood, in characters: from, and how many.
    refused: Option<(usize, usize)>,
    typing: Typing,
    /// The match the reader is at.
    hit: Option<Anchor>,
    /// Lines that arrived since the reader stopped following.
    unread: usize,
    /// A filter or search is not applied to all lines yet.
    working: bool,
    /// The first match of a new search is to be shown as soon as one is found.
    seeking: bool,
    /// The pods at the left have the keyboard.
    rail: bool,
    /// What is selected there.
    rail_at: Entry,
    /// Pods that are not followed by themselves and are to be, the newest last.
    picked: Vec<Key>,
    /// What of all this is followed.
    planner: Planner,
    /// Pods that can be picked: how they are called.
    out: Vec<(Key, Option<u32>, Name)>,
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
                since: Since::Tail(follow::TAIL),
            },
            follow: true,
            wrap: false,
            times: Times::Off,
            lanes: vec![Lane::default()],
            lane: 0,
            linked: true,
            faces: Faces::default(),
            marks: BTreeSet::new(),
            search: String::new(),
            filter: String::new(),
            refused: None,
            typing: Typing::Search,
            hit: None,
            unread: 0,
            working: false,
            seeking: false,
            rail: false,
            rail_at: Entry::All,
            picked: Vec::new(),
            planner: Planner::default(),
            out: Vec::new(),
            start_index,
            chosen: false,
            reading: Reading::default(),
            charts: charts::Charts::default(),
            goto: None,
        }
    }

    /// The pod whose lines are in front: of the lane, of what is selected in the rail, the only one there is.
    fn in_front(&self) -> Option<Key> {
        let stream = match (&self.of, self.lane().stream, self.rail_at) {
            (LogsOf::Pod { pod, .. }, ..) => return Some(*pod),
            (_, Some(stream), _) | (_, None, Entry::Stream(stream)) => stream,
            (_, None, Entry::Out(at)) => return self.out.get(at).map(|(pod, ..)| *pod),
            (_, None, Entry::All) if self.sources.len() == 1 => 0,
            _ => return None,
        };
        self.sources.get(stream).map(|source| source.pod)
    }

    fn is_job(&self) -> bool {
        matches!(self.of, LogsOf::Job { .. })
    }

    fn is_file(&self) -> bool {
        matches!(self.of, LogsOf::File { .. })
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
        self.buffer.set_filter(LogFilter::parse(&self.filter).ok());
        self.buffer.set_search(Pattern::search(&self.search));
        self.sources.clear();
        self.forget_places();
        self.lanes = vec![Lane::default()];
        self.lane = 0;
        (self.unread, self.rail_at) = (0, Entry::All);
        self.follow = true;
        Reply::Done
    }

    /// What points to lines that are no more.
    fn forget_places(&mut self) {
        self.hit = None;
        self.marks.clear();
        self.faces.turned.clear();
        for lane in &mut self.lanes {
            (lane.top, lane.at) = (None, None);
        }
    }

    fn resume(&mut self) {
        self.follow = true;
        self.unread = 0;
        for lane in &mut self.lanes {
            lane.at = None;
        }
    }

    fn scroll_rail(&mut self, by: isize) -> Reply {
        let order = rail::order(self);
        let at = order.iter().position(|at| *at == self.rail_at).unwrap_or(0);
        let at = at.saturating_add_signed(by).min(order.len() - 1);
        self.rail_at = order[at];
        Reply::Done
    }
}

impl Pane for Logs {
    fn title(&self, cx: &Cx) -> String {
        // the head is drawn before the pane has settled
        match self.named(cx) {
            Some(name) => format!("logs {name}"),
            None => format!("logs {}", self.name),
        }
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
        if self.buffer.first_failure().is_some() {
            hints.extend([Action::FirstFailure, Action::OpenLine]);
        }
        if self.is_job() {
            hints.extend([Action::Focus, Action::SideBySide]);
        }
        if self.lanes.len() > 1 {
            hints.push(Action::Align);
        }
        hints.extend([Action::Wrap, Action::Timestamps, Action::Save]);
        if !self.is_job() && !self.is_file() {
            hints.push(Action::TogglePrevious);
        }
        hints
    }

    fn within(&self, _cx: &Cx) -> Option<Key> {
        self.in_front()
    }

    fn enters(&self, _cx: &Cx) -> Option<Key> {
        self.in_front().or(match &self.of {
            LogsOf::Job { job, .. } => Some(*job),
            _ => None,
        })
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
        if self.rail {
            let page = isize::try_from(self.lane().shape.height)
                .unwrap_or(1)
                .max(1);
            let by = match action {
                Action::Up => -1,
                Action::Down => 1,
                Action::PageUp => -page,
                Action::PageDown => page,
                Action::Top => isize::MIN / 2,
                Action::Bottom => isize::MAX / 2,
                _ => 0,
            };
            if by != 0 {
                return self.scroll_rail(by);
            }
        }
        match action {
            Action::Up => self.step_line(-1),
            Action::Down => self.step_line(1),
            Action::PageUp => self.page(-1),
            Action::PageDown => self.page(1),
            Action::Top => self.go_top(),
            Action::Bottom => self.resume(),
            Action::Follow if self.follow => self.pause(),
            Action::Follow => self.resume(),
            Action::Left => {
                let lane = self.lane_mut();
                lane.column = lane.column.saturating_sub(SIDE);
            }
            Action::Right if !self.wrap => self.lane_mut().column += SIDE,
            Action::Wrap => {
                self.wrap = !self.wrap;
                for lane in &mut self.lanes {
                    lane.column = 0;
                    if let Some(top) = &mut lane.top {
                        top.skip = 0;
                    }
                }
            }
            Action::Timestamps => self.times = self.times.next(),
            Action::Focus if self.is_job() => self.next_focus(),
            Action::SideBySide => return self.side_by_side(),
            Action::Align if self.lanes.len() > 1 => self.linked = !self.linked,
            Action::Open if self.rail => {
                return self.choose(cx);
            }
            Action::Back if self.rail => self.rail = false,
            Action::Back if self.filter().is_empty() && self.chosen => {
                self.chosen = false;
                self.rail_at = Entry::All;
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
            Action::TogglePrevious => return self.before_the_crash(cx),
            Action::SinceAll => return self.ask_anew(cx, |ask| ask.since = Since::All),
            Action::SinceTail => return self.ask_anew(cx, |ask| ask.since = ask.since.tail()),
            Action::SinceMinute => return self.ask_anew(cx, |ask| ask.since = Since::Seconds(60)),
            Action::SinceFive => return self.ask_anew(cx, |ask| ask.since = Since::Seconds(300)),
            Action::SinceQuarter => {
                return self.ask_anew(cx, |ask| ask.since = Since::Seconds(900));
            }
            Action::SinceHour => return self.ask_anew(cx, |ask| ask.since = Since::Seconds(3600)),
            Action::ClearLogs => {
                self.buffer.clear();
                self.forget_places();
                self.resume();
            }
            Action::MarkLine => self.mark(),
            Action::Unmark => self.marks.clear(),
            Action::NextMark => return self.go_mark(false),
            Action::PreviousMark => return self.go_mark(true),
            Action::OpenLine => return self.open_line(),
            Action::FoldAll => self.fold_all(),
            Action::JsonLines => return self.turn_json(),
            Action::FirstFailure => return self.first_failure(),
            Action::NextFailure => return self.go_failure(false),
            Action::PreviousFailure => return self.go_failure(true),
            Action::Pager => return self.pager(cx),
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
        let plan = self.plan(cx);
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
        let second = cx.now + chrono::TimeDelta::seconds(1);
        let charts = self.wake_charts(cx);
        let ticks = self.times == Times::Ago || self.rates_move(cx) || self.crash(cx).is_some();
        charts.into_iter().chain(ticks.then_some(second)).min()
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
                self.refused = None;
                let filter = LogFilter::parse(text).map_err(|error| {
                    self.refused = Some((error.at, error.len));
                    error.to_string()
                })?;
                self.filter = text.to_owned();
                self.buffer.set_filter(Some(filter));
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

    fn refused_at(&self) -> Option<(usize, usize)> {
        self.refused
    }

    fn mouse(&mut self, event: crossterm::event::MouseEvent, _area: Rect, _cx: &Cx) -> Reply {
        use crossterm::event::{MouseButton, MouseEventKind};
        match event.kind {
            MouseEventKind::ScrollUp if self.rail => self.scroll_rail(-3),
            MouseEventKind::ScrollDown if self.rail => self.scroll_rail(3),
            MouseEventKind::ScrollUp => {
                self.scroll(-3);
                Reply::Done
            }
            MouseEventKind::ScrollDown => {
                self.scroll(3);
                Reply::Done
            }
            MouseEventKind::Down(MouseButton::Left) => self.click(event.column, event.row),
            _ => Reply::Ignored,
        }
    }
}
