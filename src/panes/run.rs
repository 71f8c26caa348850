//! A training run in words and in the cells of a table: what its log lines said, told elsewhere than in its charts.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::text::{Line, Span};

use super::Cx;
use crate::logs::run::{Progress, Run, Summary};
use crate::model::human;
use crate::model::ids::Key;
use crate::ui::{Cell, spark, text, theme};

/// Signs of the curve in a table.
const SIGNS: usize = 6;

/// From when on what is known of a log that is not followed any more is called old.
const OLD: TimeDelta = TimeDelta::seconds(60);

/// What is known of a job's training, and when it was read last.
#[derive(Debug, Clone)]
pub struct Known {
    pub summary: Summary,
    pub at: DateTime<Utc>,
    /// Its leading curves, of the jobs read last.
    pub curves: Option<Arc<Run>>,
}

impl Known {
    /// How long ago it was true: of a job that is over for `finished` it is true for good, if it was read after that.
    pub fn age(&self, finished: Option<DateTime<Utc>>, cx: &Cx) -> Option<TimeDelta> {
        let age = cx.now - self.at;
        let last = finished.is_some_and(|at| self.at >= at);
        (age >= OLD && !last).then_some(age)
    }
}

/// A time as records have it: seconds since 1970.
pub fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1e3
}

/// The time of so many seconds since 1970, not before it.
pub fn moment(seconds: f64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis((seconds * 1e3).ceil() as i64 + 1)
}

/// What was read of a job's log, if any of it was.
pub fn of<'a>(job: Key, cx: &Cx<'a>) -> Option<&'a Known> {
    cx.session.runs.get(&job)
}

/// `▇▅▃▂▁▁ 1.93`, with a sign before it if something is wrong; which it is stands in words elsewhere. What is old steps
/// back and has its age behind it.
pub fn cell(job: Key, finished: Option<DateTime<Utc>>, cx: &Cx) -> Cell<'static> {
    let Some(known) = of(job, cx) else {
        return Cell::Empty;
    };
    let summary = &known.summary;
    let Some((_, last)) = summary.last else {
        return Cell::Empty;
    };
    let age = known.age(finished, cx);
    let fresh = |style| match age {
        Some(_) => cx.theme.dim(),
        None => style,
    };
    let warn = fresh(cx.theme.level(theme::Level::Warn));
    let mut spans = Vec::new();
    if summary.concern.is_some() {
        spans.push(Span::styled("! ", warn));
    }
    let all = &summary.spark;
    let most = if age.is_some() { SIGNS / 2 } else { SIGNS };
    let signs = most.min(all.len());
    let few: Vec<f64> = (1..=signs)
        .map(|n| all[(n * all.len() / signs).saturating_sub(1)])
        .collect();
    let signs = spark::signs(&few, cx.glyphs.is_ascii());
    spans.push(Span::styled(signs, fresh(cx.theme.accent())));
    let value = if last.is_finite() {
        fresh(cx.theme.text())
    } else {
        warn
    };
    spans.push(Span::styled(format!(" {}", spark::number(last)), value));
    if let Some(age) = age {
        let text = format!(" {}", whole_units(age));
        spans.push(Span::styled(text, cx.theme.faint()));
    }
    Cell::Spans(spans)
}

/// `5m`, `3h`, `2d`.
fn whole_units(age: TimeDelta) -> String {
    match (age.num_days(), age.num_hours(), age.num_minutes()) {
        (0, 0, minutes) => format!("{minutes}m"),
        (0 | 1, hours, _) => format!("{hours}h"),
        (days, _, _) => format!("{days}d"),
    }
}

/// The same as [`status`] of what was read of a job's log, and how old that is.
pub fn known(known: &Known, finished: Option<DateTime<Utc>>, cx: &Cx) -> Line<'static> {
    let mut line = status(&known.summary, cx);
    if let Some(age) = known.age(finished, cx) {
        line = line.style(cx.theme.dim());
        let text = format!(" · log read {} ago", whole_units(age));
        line.push_span(Span::styled(text, cx.theme.dim()));
    }
    line
}

/// `step 1200/5000 · 24 % · loss 1.93 (best 1.88 @1100) · ETA 2h10m`
pub fn status(summary: &Summary, cx: &Cx) -> Line<'static> {
    let theme = cx.theme;
    let mut spans = Vec::new();
    let mut say = |text: String, style| {
        if !spans.is_empty() {
            spans.push(Span::styled(" · ", theme.faint()));
        }
        spans.push(Span::styled(text, style));
    };
    let progress = &summary.progress;
    if let Some(place) = place(progress) {
        say(place, theme.text());
    }
    if let Some(fraction) = progress.fraction {
        say(format!("{:.0} %", (fraction * 100.0).floor()), theme.text());
    }
    if let Some((_, last)) = summary.last {
        let mut text = format!("{} {}", name(&summary.name), spark::number(last));
        if let Some((x, best)) = summary.best {
            let at = spark::number(x);
            text.push_str(&format!(" (best {} @{at})", spark::number(best)));
        }
        say(text, theme.text());
    }
    if progress.done {
        say("done".into(), theme.dim());
    } else if let Some(left) = left(progress, cx) {
        say(format!("ETA {left}"), theme.text());
    }
    if progress.restarts > 0 {
        let text = super::words::count(progress.restarts as usize, "restart", "restarts");
        say(text, theme.level(theme::Level::Warn));
    }
    if let Some(concern) = &summary.concern {
        let text = format!("! {}", text::clean(concern));
        say(text, theme.level(theme::Level::Warn));
    }
    Line::from(spans)
}

/// `step 1200/5000`, `epoch 3/10`.
fn place(progress: &Progress) -> Option<String> {
    let of = |word: &str, at: f64, of: Option<f64>| match of {
        Some(of) => format!("{word} {}/{}", whole_number(at), whole_number(of)),
        None => format!("{word} {}", whole_number(at)),
    };
    match (progress.step, progress.epoch) {
        (Some(step), _) => Some(of("step", step, progress.steps)),
        (None, Some(epoch)) => Some(of("epoch", epoch, progress.epochs)),
        _ => None,
    }
}

fn whole_number(n: f64) -> String {
    if n.fract() == 0.0 && n.abs() < 1e15 {
        format!("{n:.0}")
    } else {
        spark::number(n)
    }
}

/// What is left as of now: the time since it was told has passed.
pub fn left(progress: &Progress, cx: &Cx) -> Option<String> {
    let left = progress.left?;
    let since = progress.at.map_or(0.0, |at| {
        (cx.now.timestamp_millis() as f64 / 1e3 - at).max(0.0)
    });
    let rest = (left - since).clamp(0.0, 1e10);
    // Overdue is not done.
    (rest > 0.0).then(|| human::duration(TimeDelta::milliseconds((rest * 1e3) as i64)))
}

/// A metric's name, which is whatever a program prints.
fn name(name: &str) -> String {
    text::shorten(&text::clean(name), 24, text::Shorten::Middle).into_owned()
}
