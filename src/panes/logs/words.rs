//! What a log screen says in words: the answer line, where the reader is, and why there is nothing to read.

use ratatui::text::{Line, Span};

use super::{Logs, Times, follow};
use crate::model::health::Health;
use crate::model::ids::Key;
use crate::model::pod::{PodPhase, PodRow};
use crate::model::want::Kind;
use crate::panes::centre::Empty;
use crate::panes::words::{count as counted, pod_state};
use crate::panes::{Cx, LogsOf, worker};
use crate::ui::State;
use crate::ui::text::{Shorten, clean, count, shorten};
use crate::ui::theme::Level;

impl Logs {
    pub(super) fn answer_line<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let theme = cx.theme;
        let mut spans: Vec<Span<'a>> = Vec::new();
        let states = |wanted: &[State]| {
            let of = |s: &&follow::Source| !s.gone && wanted.contains(&s.state);
            self.sources.iter().filter(of).count()
        };
        let live = states(&[State::Running, State::Retrying, State::Terminating]);
        let (state, word) = match (self.follow, live) {
            (false, _) => (State::Held, "paused"),
            (true, 0) => (State::Succeeded, "all read"),
            (true, _) => (State::Running, "following"),
        };
        if !self.sources.is_empty() {
            let glyph = cx.glyphs.state(state);
            spans.push(Span::styled(format!("{glyph} {word}"), theme.state(state)));
        }
        let dot = || Span::styled(" · ", theme.faint());
        let mut say = |text: String, style| {
            if !spans.is_empty() {
                spans.push(dot());
            }
            spans.push(Span::styled(text, style));
        };
        let counts = self.buffer.counts();
        if !self.filter.is_empty() {
            let filter = quoted(&self.filter);
            let text = format!(
                "only {filter}: {} of {} lines",
                count(counts.shown as u64),
                count(counts.lines as u64)
            );
            say(text, theme.accent());
        }
        if !self.search.is_empty() {
            let search = quoted(&self.search);
            let number = self.hit.and_then(|hit| self.buffer.hit_number(hit));
            let hits = count(counts.hits as u64);
            let text = match number {
                Some(n) => format!("{search}: {n} of {hits}"),
                None if counts.hits == 0 && !self.working => format!("{search}: not found"),
                None => format!("{search}: {hits} lines"),
            };
            say(text, theme.accent());
        }
        if self.is_job() {
            let plan = self.plan(cx);
            let pods = |n: usize| counted(n, "pod", "pods");
            if live > 0 {
                say(format!("{} running", pods(live)), theme.text());
            }
            for (state, word) in [(State::Failed, "failed"), (State::Succeeded, "succeeded")] {
                let n = states(&[state]);
                if n > 0 {
                    let glyph = cx.glyphs.state(state);
                    say(format!("{glyph} {n} {word}"), theme.state(state));
                }
            }
            let gone = self.sources.iter().filter(|s| s.gone).count();
            if gone > 0 {
                say(format!("{gone} gone, text kept"), theme.dim());
            }
            if plan.waiting > 0 {
                let text = format!("{} waiting to start", plan.waiting);
                say(text, theme.state(State::Pending));
            }
            if plan.left_out > 0 {
                let text = format!(
                    "{} more not followed ({} at once)",
                    plan.left_out,
                    follow::CAP
                );
                say(text, theme.level(Level::Warn));
            }
        }
        if self.lanes.len() > 1 {
            let how = match self.linked {
                true => "side by side at one time",
                false => "side by side, each by itself",
            };
            say(how.into(), theme.dim());
        }
        if !self.marks.is_empty() {
            say(counted(self.marks.len(), "mark", "marks"), theme.mark());
        }
        match self.times {
            Times::Off => {}
            Times::Server => say("times UTC".into(), theme.dim()),
            Times::Local => say("times local".into(), theme.dim()),
            Times::Ago => say("times ago".into(), theme.dim()),
        }
        if let Some(container) = &self.ask.container {
            say(format!("container {container}"), theme.dim());
        }
        if self.ask.previous {
            say("before the restart".into(), theme.level(Level::Warn));
        }
        if counts.trimmed > 0 {
            let text = format!(
                "{} older lines trimmed, {} MiB kept",
                count(counts.trimmed),
                counts.bytes >> 20
            );
            say(text, theme.level(Level::Warn));
        }
        if self.is_file() {
            return Line::from(spans);
        }
        let mut since = self.ask.since.words();
        if self.is_job() && matches!(self.ask.since, follow::Since::Tail(_)) {
            since.push_str(" each");
        }
        say(since, theme.dim());
        Line::from(spans)
    }

    pub(super) fn position_words(&self) -> String {
        let (at, of) = self.lane().place;
        if of == 0 {
            return String::new();
        }
        format!("{}/{} lines", count(at as u64), count(of as u64))
    }

    /// Why there is nothing to read.
    pub(super) fn empty(&self, cx: &Cx) -> Empty {
        let theme = cx.theme;
        let counts = self.buffer.counts();
        if counts.lines > 0 && !self.filter.is_empty() {
            return Empty::new(
                format!("no line matches {}", quoted(&self.filter)),
                format!(
                    "{} are hidden by the filter.",
                    counted(counts.lines, "line", "lines")
                ),
                theme,
            );
        }
        if counts.lines > 0 {
            return Empty::new("this pod has written nothing", "", theme);
        }
        if self.is_file() {
            let over = self.sources.iter().all(|source| source.done);
            return match over {
                true => Empty::new("there is nothing in it", "It was read to its end.", theme),
                false => Empty::new(
                    "nothing here yet",
                    "Lines appear as they are written.",
                    theme,
                ),
            };
        }
        let pods = follow::pods(&self.of, cx);
        if pods.is_empty() && self.sources.is_empty() {
            return self.no_pods(cx);
        }
        if pods.is_empty() {
            return Empty::new(
                "gone",
                "The pods were deleted before anything of their logs was read. Logs vanish with their pods.",
                theme,
            );
        }
        let mut waiting: Vec<&&PodRow> = pods
            .iter()
            .filter(|pod| pod.phase == PodPhase::Pending && pod.started.is_none())
            .collect();
        waiting.sort_by_key(|pod| (pod.index.get(), &pod.name));
        if waiting.len() == pods.len() {
            let mut empty = Empty::new(
                match pods.len() {
                    1 => "the pod has not started".to_owned(),
                    n => format!("{n} pods, none has started"),
                },
                "Lines appear here as soon as a container writes.",
                theme,
            );
            empty.detail = waiting
                .iter()
                .take(8)
                .map(|pod| self.waiting_line(cx, pod))
                .collect();
            return empty;
        }
        if self.ask.previous {
            return Empty::new(
                "nothing from before the restart",
                "The container was not restarted, or the node no longer keeps what it wrote before.",
                theme,
            );
        }
        match self.ask.since {
            follow::Since::Seconds(_) => Empty::new(
                "nothing written in that time",
                format!(
                    "Shown is the {}; older lines are there on request.",
                    self.ask.since.words()
                ),
                theme,
            ),
            _ => Empty::new("nothing written yet", "", theme),
        }
    }

    fn waiting_line(&self, cx: &Cx, pod: &PodRow) -> Line<'static> {
        let theme = cx.theme;
        let state = pod_state(pod);
        let name = shorten(&pod.name, 28, Shorten::Middle).into_owned();
        let why = pod.why.as_deref().unwrap_or(&pod.status);
        let why = clean(why);
        Line::from(vec![
            Span::styled(format!("{} ", cx.glyphs.state(state)), theme.state(state)),
            Span::styled(format!("{name:<28}  "), theme.text()),
            Span::styled(shorten(&why, 80, Shorten::End).into_owned(), theme.dim()),
        ])
    }

    fn no_pods(&self, cx: &Cx) -> Empty {
        let theme = cx.theme;
        match cx.session.health(Kind::Pod) {
            Health::Connecting | Health::Syncing { .. } => {
                return Empty::new("looking for pods", "", theme);
            }
            Health::Forbidden { verb, resource, .. } => {
                return Empty::new(
                    "pods: forbidden",
                    format!("Logs need {verb} on {resource} here, and get on pods/log."),
                    theme,
                );
            }
            Health::Failing { why } => {
                return Empty::new("pods cannot be read", clean(why).into_owned(), theme);
            }
            Health::Live | Health::Stale { .. } | Health::Absent => {}
        }
        match &self.of {
            LogsOf::Pod { .. } => Empty::new(
                "this pod is gone",
                "Logs vanish with their pod; nothing of it was read before.",
                theme,
            ),
            LogsOf::Job { job, .. } => self.job_without_pods(cx, *job),
            LogsOf::File { .. } => Empty::new("nothing here yet", "", theme),
        }
    }

    fn job_without_pods(&self, cx: &Cx, job: Key) -> Empty {
        let theme = cx.theme;
        let Some(row) = cx.model.jobs.get(job) else {
            return Empty::new("this job is gone", "And its pods and logs with it.", theme);
        };
        let status = cx.model.status(row);
        if let Some((what, help)) = worker::absent(row, cx) {
            return Empty::new(what, help, theme);
        }
        if row.managed_by.is_some() {
            return Empty::new(
                "no pods here",
                "Another controller runs this job, with MultiKueue on another cluster: its pods and logs are there.",
                theme,
            );
        }
        if row.suspend {
            return match &row.queue {
                Some(queue) => Empty::new(
                    "queued: no pods yet",
                    format!("It waits in queue {queue}; pods are made once it is admitted."),
                    theme,
                ),
                None => Empty::new("held: no pods", "They are made when it is resumed.", theme),
            };
        }
        if status.phase.is_over() {
            return Empty::new(
                "its pods are gone",
                "The job is over and its pods were deleted; logs vanish with them.",
                theme,
            );
        }
        Empty::new("no pods yet", "They appear here by themselves.", theme)
    }
}

fn quoted(text: &str) -> String {
    let text = clean(text);
    format!("‘{}’", shorten(&text, 24, Shorten::End))
}
