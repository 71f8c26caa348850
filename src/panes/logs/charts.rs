//! The charts of a log screen: what its lines said in numbers, as curves beside or above the text. Separate because
//! what is looked at (metric, scale, window, cursor) has nothing to do with where the reader of the text is.

mod curves;
mod kept;
mod other;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Logs;
use super::follow::Source;
use crate::app::action::Action;
use crate::logs::run::{Run, Summary, csv};
use crate::model::ids::Key;
use crate::model::progress::job_of;
use crate::panes::centre::Empty;
use crate::panes::{Cx, Level, LogsOf, Reply, run};
use crate::ui::chart::{Chart, Curve, Window};
use crate::ui::text;
use curves::{Drawn, Who};
use kept::Kept;
use other::{Choice, Other};

/// Weights of the past that smoothing goes through.
const SMOOTH: [f64; 4] = [0.0, 0.6, 0.9, 0.98];
/// How often curves are handed out to be kept, at most.
const GIVE: TimeDelta = TimeDelta::seconds(2);
/// How often the time left is told anew.
const TICK: TimeDelta = TimeDelta::seconds(5);
/// From this width on the charts stand beside the text.
const BESIDE: u16 = 120;

/// What the footer offers while they are shown.
pub const HINTS: [Action; 8] = [
    Action::Charts,
    Action::NextMetric,
    Action::Overlay,
    Action::NextRank,
    Action::ChartLog,
    Action::ChartSmooth,
    Action::ChartZoomIn,
    Action::ChartLeft,
];

/// What is looked at.
#[derive(Debug, Default)]
pub struct Charts {
    pub on: bool,
    /// The metric's name; `None`: the most telling one there is.
    metric: Option<String>,
    log: bool,
    smooth: usize,
    window: Window,
    /// Only this one is shown.
    who: Option<Who>,
    /// Another job's run, drawn over this one.
    other: Option<Other>,
    choice: Option<Choice>,
    kept: Vec<Kept>,
    /// What looked wrong when it was told last.
    concern: Option<String>,
    /// Curves were handed out: after so many records, and when.
    given: Option<(u64, DateTime<Utc>)>,
}

impl Charts {
    /// The list of other runs has the keyboard.
    pub fn is_choosing(&self) -> bool {
        self.choice.is_some()
    }
}

impl Logs {
    /// Draws the charts, if they are shown, and answers what is left for the text.
    pub(super) fn draw_charts(&self, cx: &Cx, area: Rect, buf: &mut Buffer) -> Rect {
        if !self.charts.on {
            return area;
        }
        let (chart, rest) = if area.width >= BESIDE {
            let wide = area.width / 2;
            let x = area.x + area.width - wide;
            let rule = if cx.glyphs.is_ascii() { "|" } else { "│" };
            for y in area.y..area.bottom() {
                buf.set_string(x, y, rule, cx.theme.border(false));
            }
            let rest = Rect {
                width: area.width - wide,
                ..area
            };
            let x = x + 2;
            (
                Rect {
                    x,
                    width: wide - 2,
                    ..area
                },
                rest,
            )
        } else {
            let tall = (u32::from(area.height) * 3 / 5) as u16;
            let tall = tall.min(area.height.saturating_sub(3));
            let rule = if cx.glyphs.is_ascii() { "-" } else { "─" };
            if tall > 0 {
                let y = area.y + tall - 1;
                for x in area.x..area.right() {
                    buf.set_string(x, y, rule, cx.theme.border(false));
                }
            }
            let rest = Rect {
                y: area.y + tall,
                height: area.height - tall,
                ..area
            };
            (
                Rect {
                    height: tall.saturating_sub(1),
                    ..area
                },
                rest,
            )
        };
        self.draw_chart(cx, chart, buf);
        rest
    }

    fn draw_chart(&self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let shown = self.shown(cx);
        let told = shown.run;
        let names = told.names();
        let row = |n: u16| Rect {
            y: area.y + n,
            height: 1,
            ..area
        };
        if let Some(mut summary) = told.summary()
            && area.height > 0
        {
            summary.concern.clone_from(&self.charts.concern);
            let line = run::status(&summary, cx);
            buf.set_line(area.x, area.y, &line, area.width);
        }
        if self.charts.is_choosing() {
            let area = Rect {
                y: area.y + 1.min(area.height),
                height: area.height.saturating_sub(1),
                ..area
            };
            self.draw_choice(cx, area, buf);
            return;
        }
        let Some(name) = self.metric(&names) else {
            let area = Rect {
                y: area.y + 1.min(area.height),
                height: area.height.saturating_sub(1),
                ..area
            };
            nothing(cx).draw(area, buf, cx.theme);
            return;
        };
        let drawn = self.drawn(name, cx);
        if area.height > 1 {
            let line = self.head(cx, &names, name, drawn.1);
            buf.set_line(area.x, row(1).y, &line, area.width);
        }
        if area.height < 3 {
            return;
        }
        let plot = Rect {
            y: area.y + 2,
            height: area.height - 2,
            ..area
        };
        let whole = whole(&drawn.0);
        let curves = drawn.0.iter().enumerate().map(|(n, drawn)| Curve {
            points: &drawn.points,
            band: &drawn.band,
            label: drawn.label.clone(),
            style: cx.theme.series_at(n),
        });
        let axis = match self.scales(&shown) {
            Some(_) => "% of the run",
            None => told.axis().word(),
        };
        Chart::new(curves.collect())
            .log(self.charts.log)
            .smooth(SMOOTH[self.charts.smooth])
            .window(whole.and_then(|whole| self.charts.window.of(whole)))
            .cursor(self.charts.window.cursor)
            .x_name(axis)
            .draw(plot, buf, cx.theme);
    }

    fn metric<'a>(&self, names: &[&'a str]) -> Option<&'a str> {
        let wanted = self.charts.metric.as_deref();
        let found = names.iter().find(|name| Some(**name) == wanted);
        found.or_else(|| names.first()).copied()
    }

    /// The metrics there are, the one shown marked, and how it is shown.
    fn head(&self, cx: &Cx, names: &[&str], name: &str, more: usize) -> Line<'static> {
        let theme = cx.theme;
        let at = names.iter().position(|n| *n == name).unwrap_or(0);
        let mut spans = vec![Span::styled(clean(name), theme.title())];
        if names.len() > 1 {
            let place = format!(" {}/{}", at + 1, names.len());
            spans.push(Span::styled(place, theme.dim()));
        }
        let mut say = |text: String| {
            spans.push(Span::styled(" · ", theme.faint()));
            spans.push(Span::styled(text, theme.dim()));
        };
        if self.charts.log {
            say("log scale".into());
        }
        if self.charts.smooth > 0 {
            say(format!("smoothed {}", SMOOTH[self.charts.smooth]));
        }
        if self.charts.window.is_zoomed() {
            say("zoomed".into());
        }
        let shown = self.shown(cx);
        if let Some(from) = &shown.from {
            say(from.clone());
        }
        if self.charts.who.is_some() {
            say(format!("{} all", key(cx, Action::NextRank)));
        }
        if more > 0 {
            let key = key(cx, Action::NextRank);
            say(format!("{more} more curves: {key} shows one at a time"));
        }
        if let Some(other) = &self.charts.other {
            let run = other.run();
            if run.named(name).is_empty() {
                say(format!("no {} of {} yet", clean(name), clean(&other.name)));
            } else if run.axis() != shown.run.axis() && self.scales(&shown).is_none() {
                say(format!(
                    "{} counts {}s",
                    clean(&other.name),
                    run.axis().word()
                ));
            }
        }
        if names.len() > 1 {
            let next = names[(at + 1) % names.len()];
            let key = key(cx, Action::NextMetric);
            say(format!("{key} {}", clean(next)));
        }
        Line::from(spans)
    }

    /// What an action does to the charts; `None`: it is none of theirs.
    pub(super) fn act_charts(&mut self, action: Action, cx: &Cx) -> Option<Reply> {
        if action == Action::Charts {
            self.charts.on = !self.charts.on;
            return Some(Reply::Done);
        }
        if action == Action::SaveMetrics {
            return Some(self.save_metrics(cx));
        }
        if let Some(reply) = self.act_choice(action, cx) {
            return Some(reply);
        }
        if action == Action::Overlay {
            return Some(self.choose_other(cx));
        }
        let names = self.shown(cx).run.names();
        let name = self.metric(&names).map(str::to_owned);
        let all: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let extent = name
            .as_deref()
            .and_then(|name| whole(&self.drawn(name, cx).0))
            .unwrap_or((0.0, 0.0));
        let everyone = match (action, &name) {
            (Action::NextRank, Some(name)) => self.everyone(name, cx),
            _ => Vec::new(),
        };
        let charts = &mut self.charts;
        match action {
            Action::ChartLog => charts.log = !charts.log,
            Action::ChartSmooth => charts.smooth = (charts.smooth + 1) % SMOOTH.len(),
            Action::ChartZoomIn => charts.window.zoom_in(extent),
            Action::ChartZoomOut => charts.window.zoom_out(extent),
            Action::ChartLeft => charts.window.step(-1.0, extent),
            Action::ChartRight => charts.window.step(1.0, extent),
            Action::NextRank => {
                let at = everyone.iter().position(|who| Some(*who) == charts.who);
                charts.who = everyone.get(at.map_or(0, |at| at + 1)).copied();
                if everyone.len() < 2 {
                    charts.who = None;
                    return Some(Reply::Say(Level::Info, "there is only one".into()));
                }
            }
            Action::NextMetric => {
                let at = all.iter().position(|n| Some(n) == name.as_ref());
                let next = at.map_or(0, |at| (at + 1) % all.len());
                charts.metric = all.get(next).cloned();
            }
            Action::Back
                if charts.on && (charts.window.cursor.is_some() || charts.window.is_zoomed()) =>
            {
                charts.window.reset();
                return Some(Reply::Done);
            }
            _ => return None,
        }
        // Whoever asks for something of the charts wants to see them.
        charts.on = true;
        Some(Reply::Done)
    }

    /// What the lines say of the job's training; of its whole, not of a container or a start of it that is over.
    pub(super) fn told_of(&mut self, cx: &Cx) -> Option<(Key, Summary)> {
        if self.ask.previous || self.reading.records() == 0 {
            return None;
        }
        let job = self.job(cx)?;
        let sources = &self.sources;
        let live = |stream: usize| sources.get(stream).is_some_and(Source::is_live);
        let summary = self.reading.summary(run::seconds(cx.now), &live)?;
        self.charts.concern.clone_from(&summary.concern);
        Some((job, summary))
    }

    /// The outermost workload it is about.
    pub(super) fn job(&self, cx: &Cx) -> Option<Key> {
        let job = match &self.of {
            LogsOf::Job { job, .. } => *job,
            LogsOf::Pod { pod, .. } => job_of(cx.model.pods.get(*pod)?)?,
            LogsOf::File { .. } => return None,
        };
        Some(cx.model.top(job))
    }

    /// The curves to be kept of the job, now and then.
    pub(super) fn curves_told(&mut self, cx: &Cx) -> Option<(Key, Arc<Run>)> {
        if self.ask.previous || self.reading.run().is_empty() || !self.owes_curves() {
            return None;
        }
        if self.charts.given.is_some_and(|(_, at)| cx.now - at < GIVE) {
            return None;
        }
        self.charts.given = Some((self.reading.records(), cx.now));
        Some((self.job(cx)?, Arc::new(self.reading.run().lean())))
    }

    fn owes_curves(&self) -> bool {
        self.charts.given.map(|given| given.0) != Some(self.reading.records())
    }

    /// When the charts, or what is told of them elsewhere, change by time passing alone: something does not come that
    /// should have, or the time left has become less.
    pub(super) fn wake_charts(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        if self.reading.records() == 0 || self.ask.previous {
            return None;
        }
        let live = |stream: usize| self.sources.get(stream).is_some_and(Source::is_live);
        let due = self.reading.due(run::seconds(cx.now), &live);
        let ticks = self.charts.on && (0..self.sources.len()).any(live);
        let tick = ticks.then(|| cx.now + TICK);
        let given = self.charts.given.filter(|_| self.owes_curves());
        let give = given.map(|(_, at)| (at + GIVE).max(cx.now));
        let times = [due.and_then(run::moment), tick, give];
        times.into_iter().flatten().min()
    }

    fn save_metrics(&self, cx: &Cx) -> Reply {
        let shown = self.shown(cx);
        let run = shown.run;
        if run.is_empty() {
            let text = "no metrics in these lines: nothing to save";
            return Reply::Say(Level::Info, text.into());
        }
        let label = |stream: usize| {
            let source = shown.sources.get(stream);
            source.map_or_else(String::new, |source| source.name.to_string())
        };
        let name = self.name.rsplit('/').next().unwrap_or("logs");
        Reply::Save {
            name: format!("{name}-{}.csv", cx.now.format("%Y%m%d-%H%M%S")),
            text: csv(run, &label),
        }
    }
}

/// The key of an action here, for a sentence.
fn key(cx: &Cx, action: Action) -> String {
    let key = cx.keymap.key_for(action, &["logs"]);
    key.map_or_else(|| format!(":{}", action.name()), ToString::to_string)
}

fn clean(name: &str) -> String {
    text::shorten(&text::clean(name), 24, text::Shorten::Middle).into_owned()
}

/// From the least to the greatest x of several curves.
fn whole(drawn: &[Drawn]) -> Option<(f64, f64)> {
    let xs = || drawn.iter().flat_map(|d| &d.points).map(|p| p.0);
    let (low, high) = (
        xs().fold(f64::INFINITY, f64::min),
        xs().fold(f64::NEG_INFINITY, f64::max),
    );
    (low <= high).then_some((low, high))
}

fn nothing(cx: &Cx) -> Empty {
    let mut empty = Empty::new(
        "no metrics in these lines yet",
        "Lines that say how a training goes become curves here: loss, accuracy, learning rate, throughput, eval values; \
         as ‘step 120/5000 loss 1.93’, as JSON, as tables or behind a progress bar.",
        cx.theme,
    );
    let key = key(cx, Action::Charts);
    empty.detail = vec![Line::from(Span::styled(
        format!("{key} hides the charts"),
        cx.theme.dim(),
    ))];
    empty
}
