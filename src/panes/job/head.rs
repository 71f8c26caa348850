//! The lines at the top of a job's detail: who it is, how it is, its facts, its policies, its story. Separate
//! because they are plain lines, ranked, and the lower ranks go first when the screen is short.

use chrono::{DateTime, Utc};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Cx, sentence, timeline};
use crate::model::cron::CronState;
use crate::model::human;
use crate::model::inbox::{Severity, Source, SubjectId};
use crate::model::job::{CronJobRow, JobRow};
use crate::model::policy;
use crate::model::status::JobStatus;
use crate::panes::jobs::columns::{cron_state, product};
use crate::panes::words::{devices, phase_state, stamp, when};
use crate::panes::{gpu_use, run};
use crate::ui::{Level, text};

/// A line with how soon it is given up: 0 stays longest.
pub struct Ranked {
    pub rank: u8,
    pub line: Line<'static>,
}

/// Keeps the most important lines that fit, in their order.
pub fn fit(mut lines: Vec<Ranked>, rows: usize) -> Vec<Line<'static>> {
    while lines.len() > rows {
        let Some(worst) = (0..lines.len()).max_by_key(|&n| (lines[n].rank, n)) else {
            break;
        };
        lines.remove(worst);
    }
    lines.into_iter().map(|l| l.line).collect()
}

/// `✗ indexed-sweep  team-a  Job`.
pub fn title(job: &JobRow, status: &JobStatus, cx: &Cx, width: usize) -> Line<'static> {
    let state = phase_state(status.phase);
    let end = format!("  {}  {}", job.namespace, job.kind_name());
    let room = width.saturating_sub(2 + text::width(&end)).max(8);
    Line::from(vec![
        Span::styled(
            format!("{} ", cx.theme.state_glyph(state)),
            cx.theme.state(state),
        ),
        Span::styled(
            text::shorten(&job.name, room, text::Shorten::Middle).into_owned(),
            cx.theme.title(),
        ),
        Span::styled(end, cx.theme.dim()),
    ])
}

/// Stands for the line the progress bar is drawn on.
pub const BAR: &str = "\u{0}bar";

/// Everything below the title. `gone`: the job was deleted, this is what was seen last.
pub fn job(job: &JobRow, status: &JobStatus, gone: bool, cx: &Cx, width: usize) -> Vec<Ranked> {
    let mut out = Vec::new();
    let dim = cx.theme.dim();
    if gone {
        add(
            &mut out,
            0,
            "deleted; this is what was seen last",
            cx.theme.level(Level::Warn),
            width,
            1,
        );
    }
    let sentence = text::wrap(&sentence::sentence(job, status, cx), width);
    for (n, line) in sentence.into_iter().take(3).enumerate() {
        out.push(Ranked {
            rank: u8::from(n > 0),
            line: Line::styled(line, cx.theme.text()),
        });
    }
    // what is in the inbox of it and its state does not tell; of the run its own line tells the worst
    let about = cx.session.inbox.about(&SubjectId::Object(job.key));
    let run_tells = run::of(job.key, cx).is_some_and(|run| run.summary.concern.is_some());
    let worth = about.iter().filter(|entry| match entry.finding.source {
        Source::Jobs => false,
        Source::Training => !run_tells,
        _ => true,
    });
    for entry in worth.take(2) {
        let level = match entry.finding.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warn,
            Severity::Note => continue,
        };
        let words = format!("! {}", text::clean(&entry.words(cx.now)));
        add(&mut out, 1, &words, cx.theme.level(level), width, 2);
    }
    let mut facts = Vec::new();
    if let Some(d) = status.elapsed(cx.now) {
        let word = if status.finished.is_some() {
            "took"
        } else {
            "runs"
        };
        facts.push(format!("{word} {}", human::duration(d)));
    }
    if let Some(left) = status.eta(job, cx.model.totals(job.key), cx.now) {
        facts.push(format!("{} left", human::duration(left)));
    }
    if let Some(run) = run::of(job.key, cx) {
        // Above the facts: it is why one looks.
        let line = run::known(run, status.finished, cx);
        out.push(Ranked { rank: 1, line });
    }
    let gpus = cx.model.gpus(job);
    if !gpus.is_empty() {
        facts.push(devices(&gpus, product(job, cx)));
    }
    if let Some(queue) = cx.model.queue(job) {
        facts.push(format!("queue {queue}"));
        if let Some(cluster) = cx.model.worker_of(job) {
            facts.push(format!("runs in worker cluster {cluster}"));
        }
    }
    if let Some(class) = &job.priority_class {
        facts.push(format!("priority {class}"));
    }
    if let Some((kind, name, _)) = &job.owner {
        facts.push(format!("of {kind} {name}"));
    }
    add(&mut out, 2, &facts.join(" · "), cx.theme.text(), width, 2);
    told(&mut out, job, cx, width);
    let terms = policy::summary(job).join(" · ");
    add(&mut out, 4, &terms, dim, width, 3);
    if !gpus.is_empty()
        && !cx.session.gpu_use.on
        && status.finished.is_none()
        && cx.model.totals(job.key).is_some_and(|t| t.live.running > 0)
    {
        add(&mut out, 5, &gpu_use::off(cx), cx.theme.dim(), width, 1);
    }
    if let Some(image) = &job.image {
        let image = text::shorten(image, width.saturating_sub(6), text::Shorten::Start);
        add(&mut out, 5, &format!("image {image}"), dim, width, 1);
    }
    story(&mut out, job, status, cx, width);
    out
}

/// What its GPUs cannot do, after how it is.
pub fn advise(lines: &mut Vec<Ranked>, advice: &[String], cx: &Cx, width: usize) {
    let at = lines.iter().position(|l| l.rank > 1).unwrap_or(lines.len());
    let mut told = Vec::new();
    for words in advice {
        add(&mut told, 1, words, cx.theme.level(Level::Warn), width, 4);
    }
    lines.splice(at..at, told);
}

/// `application RUNNING · dashboard 10.2.0.9:8265`: names step back, what they say does not.
fn told(out: &mut Vec<Ranked>, job: &JobRow, cx: &Cx, width: usize) {
    let mut line: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for (what, said) in &job.told {
        let said = text::clean(said);
        let room = width.saturating_sub(text::width(what) + 1).max(8);
        let said = text::shorten(&said, room, text::Shorten::End).into_owned();
        let wide = text::width(what) + 1 + text::width(&said);
        if used > 0 && used + 3 + wide > width {
            let line = Line::from(std::mem::take(&mut line));
            out.push(Ranked { rank: 2, line });
            used = 0;
        }
        if used > 0 {
            line.push(Span::styled(" · ", cx.theme.faint()));
            used += 3;
        }
        line.push(Span::styled(format!("{what} "), cx.theme.dim()));
        line.push(Span::styled(said, cx.theme.text()));
        used += wide;
    }
    if !line.is_empty() {
        let line = Line::from(line);
        out.push(Ranked { rank: 2, line });
    }
}

/// `11:48:29 created  :31 started  11:49:32 failed FailedIndexes`, broken between moments.
fn story(out: &mut Vec<Ranked>, job: &JobRow, status: &JobStatus, cx: &Cx, width: usize) {
    let moments = timeline::moments(job, status);
    let clocks = timeline::clocks(&moments, cx.now);
    let mut line: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for (clock, moment) in clocks.into_iter().zip(&moments) {
        let wide = text::width(&clock) + 1 + text::width(&moment.text);
        if used > 0 && used + 2 + wide > width {
            out.push(Ranked {
                rank: 3,
                line: Line::from(std::mem::take(&mut line)),
            });
            used = 0;
        }
        if used > 0 {
            line.push(Span::raw("  "));
            used += 2;
        }
        line.push(Span::styled(clock, cx.theme.dim()));
        line.push(Span::raw(" "));
        line.push(Span::styled(
            moment.text.clone(),
            cx.theme.state(moment.state),
        ));
        used += wide;
    }
    if !line.is_empty() {
        out.push(Ranked {
            rank: 3,
            line: Line::from(line),
        });
    }
}

/// A text over at most `most` lines.
fn add(out: &mut Vec<Ranked>, rank: u8, words: &str, style: Style, width: usize, most: usize) {
    if words.is_empty() {
        return;
    }
    for line in text::wrap(words, width).into_iter().take(most) {
        out.push(Ranked {
            rank,
            line: Line::styled(line, style),
        });
    }
}

/// The title of a CronJob's detail.
pub fn cron_title(cron: &CronJobRow, cx: &Cx) -> Line<'static> {
    let (state, _) = cron_state(cron);
    Line::from(vec![
        Span::styled(
            format!("{} ", cx.theme.state_glyph(state)),
            cx.theme.state(state),
        ),
        Span::styled(cron.name.to_string(), cx.theme.title()),
        Span::styled(format!("  {}  CronJob", cron.namespace), cx.theme.dim()),
    ])
}

/// How a CronJob is, in one sentence.
pub fn cron_sentence(cron: &CronJobRow, cx: &Cx) -> String {
    let active = match cron.active.len() {
        0 => String::new(),
        n => format!("{n} running, "),
    };
    format!("{active}{}", CronState::of(cron, cx.now).words(cx.now))
}

/// Everything below the title of a CronJob.
pub fn cron(cron: &CronJobRow, cx: &Cx, width: usize, said: bool) -> Vec<Ranked> {
    let mut out = Vec::new();
    if said {
        add(
            &mut out,
            0,
            &cron_sentence(cron, cx),
            cx.theme.text(),
            width,
            2,
        );
    }
    let zone = cron.time_zone.as_deref().unwrap_or("UTC");
    let schedule = format!(
        "schedule {} ({zone}) · concurrency {}",
        cron.schedule,
        cron.concurrency.to_lowercase()
    );
    add(&mut out, 2, &schedule, cx.theme.dim(), width, 2);
    let at = |what: &str, at: Option<DateTime<Utc>>| match at {
        Some(at) if cx.timestamps => format!("{what} {}", stamp(at, cx.now)),
        Some(_) => format!("{what} {} ago", when(at, cx)),
        None => format!("{what} never"),
    };
    let runs = format!(
        "{} · {}",
        at("last run", cron.last_schedule),
        at("last success", cron.last_success)
    );
    add(&mut out, 3, &runs, cx.theme.dim(), width, 2);
    out
}
