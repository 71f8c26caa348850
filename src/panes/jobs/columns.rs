//! The columns of jobs and what stands in them.

use super::rows::{Item, Place};
use super::why;
use crate::logs::run::Summary;
use crate::model::cron::CronState;
use crate::model::extra::List;
use crate::model::human;
use crate::model::inbox;
use crate::model::job::{CronJobRow, JobKind, JobRow, Phase};
use crate::model::status::{JobStatus, telling};
use crate::model::waiting;
use crate::panes::clusters;
use crate::panes::run;
use crate::panes::words::{devices, pending, phase_state, when};
use crate::panes::{Cx, arrange};
use crate::ui::meter::Fill;
use crate::ui::{Cell, Column, Level, Meter, Row, State, text};
use ratatui::text::Span;

/// Columns by rank; namespace and kind only where several are shown. Where both are, the names give way a little, so
/// that 80 columns still have room for the time. `runs`: of some the log was read, and tells of a training.
pub fn columns(namespaces: bool, kinds: bool, runs: bool) -> Vec<Column> {
    let (name, namespace) = if namespaces && kinds {
        (19, 9)
    } else {
        (23, 10)
    };
    let mut all = vec![
        Column::new("state", "STATE").rank(0).width(10, 10, 11),
        Column::new("name", "NAME")
            .rank(0)
            .width(name, 24, 64)
            .middle(),
        Column::new("namespace", "NS")
            .rank(2)
            .width(namespace, 10, 18)
            .middle(),
        Column::new("kind", "KIND").rank(1).width(4, 7, 8),
        Column::new("progress", "PROGRESS")
            .rank(1)
            .width(14, 16, 26),
        Column::new("loss", "LOSS").rank(3).width(14, 14, 20),
        Column::new("active", "A/R/F")
            .rank(4)
            .width(8, 8, 12)
            .right(),
        Column::new("retries", "RETRIES")
            .rank(6)
            .width(7, 7, 7)
            .right(),
        Column::new("gpus", "GPUS").rank(2).width(9, 9, 22),
        Column::new("elapsed", "ELAPSED")
            .rank(2)
            .width(7, 7, 7)
            .right(),
        Column::new("eta", "ETA").rank(3).width(6, 6, 7).right(),
        Column::new("queue", "QUEUE")
            .rank(7)
            .width(8, 8, 20)
            .middle()
            .from_width(140),
        Column::new("age", "AGE").rank(4).width(6, 6, 12).right(),
        Column::new("why", "WHY").rank(8).width(20, 20, 60).grow(),
    ];
    all.retain(|c| match c.id() {
        "namespace" => namespaces,
        "kind" => kinds,
        "loss" => runs,
        _ => true,
    });
    all
}

/// Columns that are shown only if they are chosen.
pub fn more() -> Vec<Column> {
    let mut all = columns(true, true, true);
    all.extend([
        Column::new("priority", "PRIORITY").width(8, 8, 24).middle(),
        Column::new("image", "IMAGE").width(8, 20, 60).middle(),
        Column::new("reason", "REASON").width(8, 12, 40),
    ]);
    all
}

/// One row for these columns.
pub fn row<'a>(item: Item<'a>, place: &Place, columns: &[Column], cx: &Cx<'a>) -> Row<'a> {
    let cells = |cell: &dyn Fn(&str) -> Cell<'a>| {
        let each = columns.iter().map(|c| match c.id() {
            "name" => badged(named(item.name(), place, cx), item, cx),
            "cluster" => clusters::cell(item.key().cluster, cx),
            id => arrange::cell(List::Jobs, item.key(), id, cx).unwrap_or_else(|| cell(id)),
        });
        Row::new(each.collect())
    };
    match item {
        Item::Job(job) => {
            let status = cx.model.status(job);
            cells(&|id| cell(id, job, &status, cx)).dim(status.phase == Phase::Succeeded)
        }
        Item::Cron(cron) => cells(&|id| cron_cell(id, cron, cx)),
    }
}

/// `! resnet-hpo`: something about it is in the inbox that its state does not tell.
fn badged<'a>(name: Cell<'a>, item: Item<'a>, cx: &Cx<'a>) -> Cell<'a> {
    let Some(entry) = cx.session.inbox.badge(item.key()) else {
        return name;
    };
    let level = match entry.finding.severity {
        inbox::Severity::Error => Level::Error,
        _ => Level::Warn,
    };
    let mut spans = vec![Span::styled("! ", cx.theme.level(level))];
    match name {
        Cell::Spans(rest) => spans.extend(rest),
        Cell::Text(text) => spans.push(Span::raw(text)),
        Cell::Styled(text, style) => spans.push(Span::styled(text, style)),
        other => return other,
    }
    Cell::Spans(spans)
}

/// One job's row in a list of its own.
pub fn job_row<'a>(job: &'a JobRow, columns: &[Column], cx: &Cx<'a>) -> Row<'a> {
    row(Item::Job(job), &Place::default(), columns, cx)
}

/// The name at its place in the tree: `├ name`, and after it how many are folded under it.
fn named<'a>(name: &'a str, place: &Place, cx: &Cx<'a>) -> Cell<'a> {
    if place.depth == 0 && place.folded == 0 {
        return Cell::text(name);
    }
    let mut text = String::new();
    if place.depth > 0 {
        text.push_str(&"  ".repeat(usize::from(place.depth) - 1));
        text.push_str(if place.last {
            cx.glyphs.last_branch()
        } else {
            cx.glyphs.branch()
        });
        text.push(' ');
    }
    text.push_str(name);
    if place.folded > 0 {
        text.push_str(&format!(" +{}", place.folded));
    }
    Cell::text(text)
}

fn cell<'a>(column: &str, job: &'a JobRow, status: &JobStatus, cx: &Cx<'a>) -> Cell<'a> {
    let dim = cx.theme.dim();
    if column == "state"
        && let Some((state, word)) = pending(job.key, cx)
    {
        return Cell::state(state, word);
    }
    match column {
        "state" => match (status.phase, status.retries) {
            (Phase::Retrying, n) if n > 0 => Cell::state(State::Retrying, format!("retry {n}")),
            (phase, _) => Cell::state(phase_state(phase), state_word(phase)),
        },
        "namespace" => Cell::text(&*job.namespace),
        "kind" => kind(job.kind, cx),
        "progress" => progress(job, status, cx),
        "loss" => run::cell(job.key, status.finished, cx),
        "active" => counts(status, cx),
        "retries" if status.retries > 0 => {
            Cell::styled(status.retries.to_string(), cx.theme.state(State::Retrying))
        }
        "retries" => Cell::Number(0),
        "gpus" => {
            let gpus = cx.model.gpus(job);
            if gpus.is_empty() {
                Cell::Number(0)
            } else {
                Cell::from(devices(&gpus, product(job, cx)))
            }
        }
        "elapsed" => status
            .elapsed(cx.now)
            .map_or(Cell::Empty, |d| Cell::from(human::duration(d))),
        "eta" => {
            // As its log says; of what the pods say, when the log says nothing or there are many runs in it.
            let run = trains(job, status, cx).filter(|_| status.done == 0);
            if let Some(left) = run.and_then(|run| run::left(&run.progress, cx)) {
                return Cell::from(left);
            }
            let left = status.eta(job, cx.model.totals(job.key), cx.now);
            left.map_or(Cell::Empty, |d| Cell::from(human::duration(d)))
        }
        "queue" => job
            .queue
            .as_deref()
            .map_or(Cell::Empty, |q| Cell::styled(q, dim)),
        "age" => Cell::styled(when(job.created, cx), dim),
        "priority" => {
            (cx.model.priority_class(job)).map_or(Cell::Empty, |class| Cell::styled(&**class, dim))
        }
        "image" => (job.image.as_deref()).map_or(Cell::Empty, |image| Cell::styled(image, dim)),
        "reason" => match &status.reason {
            Some(reason) => Cell::styled(reason.to_string(), dim),
            None => Cell::Empty,
        },
        "why" => reason(job, status, cx).map_or(Cell::Empty, |text| Cell::styled(text, dim)),
        _ => Cell::Empty,
    }
}

/// The kind's short name, or its letters where that does not fit.
fn kind(kind: JobKind, cx: &Cx) -> Cell<'static> {
    Cell::either(kind.short, kind.letters(), cx.theme.dim())
}

/// Shorter than the phase's own word where a column is all there is.
fn state_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Suspended => "held",
        Phase::Terminating => "deleting",
        Phase::Succeeded => "done",
        phase => phase.word(),
    }
}

/// The reason column: what the progress column does not say already.
fn reason(job: &JobRow, status: &JobStatus, cx: &Cx) -> Option<String> {
    match status.phase {
        Phase::Failed | Phase::Finishing => {
            let reason = status.reason.as_deref()?;
            telling(job, reason).map(str::to_owned)
        }
        Phase::Running if trains(job, status, cx).is_some_and(|run| run.concern.is_some()) => {
            trains(job, status, cx)?.concern.clone()
        }
        Phase::Running if status.retries > 0 || status.failed > 0 => {
            let exits = cx.model.totals(job.key)?.exits();
            let (code, reason, _) = exits.first()?;
            Some(match (&**reason, *code) {
                (reason, -1) => reason.to_owned(),
                ("Error", code) => format!("exit {code}"),
                (reason, _) => reason.to_owned(),
            })
        }
        _ => None,
    }
}

/// A bar and a number, or why there is nothing to measure.
pub fn progress<'a>(job: &'a JobRow, status: &JobStatus, cx: &Cx<'a>) -> Cell<'a> {
    if status.phase == Phase::Queued
        && let Some((_, short)) = waiting::brief(cx.model, job, cx.now)
    {
        return Cell::Bar(Meter::words(text::clean(&short).into_owned()));
    }
    if let Some(waits) = why::waits(job, status, cx.model)
        && (status.done == 0 || status.phase == Phase::Queued)
    {
        return Cell::Bar(Meter::words(why::brief(&waits)));
    }
    // How far the training is, as its log says: the pods only say that it runs.
    if status.done == 0
        && let Some(part) = trains(job, status, cx).and_then(|run| run.progress.fraction)
    {
        let label = format!("{:.0} %", (part * 100.0).floor());
        return Cell::Bar(Meter::progress(part, 1.0, phase_state(status.phase), label));
    }
    let Some(total) = status.total else {
        let words = match status.phase {
            Phase::Succeeded => format!("{} done", status.done),
            _ => format!("{} done, {} run", status.done, status.active),
        };
        return Cell::Bar(Meter::words(words));
    };
    if status.phase == Phase::Suspended && status.done == 0 {
        return Cell::Bar(Meter::words(format!("held, 0/{total}")));
    }
    // a bar that can only be empty or full says no more than its label, and a wall of full ones nothing
    if status.phase == Phase::Succeeded || total <= 1 {
        return Cell::Bar(Meter::words(amount(status.done, total)));
    }
    let done = f64::from(status.done);
    let state = match status.phase {
        Phase::Failed => State::Succeeded,
        phase => phase_state(phase),
    };
    let mut meter = Meter::new(f64::from(total.max(1)))
        .segment(done, Fill::State(state))
        .segment(f64::from(status.lost), Fill::State(State::Failed))
        .label(amount(status.done, total));
    if let Some(target) = status.target.filter(|&t| t < total) {
        meter = meter.tick(f64::from(target));
    }
    if status.lost > 0 {
        meter = meter.note(
            format!("{}{}", cx.theme.state_glyph(State::Failed), status.lost),
            State::Failed,
        );
    }
    Cell::Bar(meter)
}

/// What its log said of its training, while that is going on.
fn trains<'a>(job: &JobRow, status: &JobStatus, cx: &Cx<'a>) -> Option<&'a Summary> {
    matches!(status.phase, Phase::Running | Phase::Retrying)
        .then(|| run::of(job.key, cx))
        .flatten()
        .map(|known| &known.summary)
}

/// `31/98` while that is short, then `60 %`.
fn amount(done: u32, total: u32) -> String {
    if total < 1_000 {
        return format!("{done}/{total}");
    }
    let percent = u64::from(done) * 100 / u64::from(total.max(1));
    format!("{percent} %")
}

/// Active, ready and failed pods; zeros step back.
fn counts<'a>(status: &JobStatus, cx: &Cx<'a>) -> Cell<'a> {
    let zero = cx.theme.glyphs().zero();
    let part = |n: u32, style| match n {
        0 => Span::styled(zero, cx.theme.faint()),
        n => Span::styled(n.to_string(), style),
    };
    let slash = || Span::styled("/", cx.theme.faint());
    if status.active == 0 && status.failed == 0 {
        return Cell::Number(0);
    }
    Cell::Spans(vec![
        part(status.active, cx.theme.text()),
        slash(),
        part(status.ready, cx.theme.text()),
        slash(),
        part(status.failed, cx.theme.state(State::Failed)),
    ])
}

/// Nodes of a job that are looked at in every frame.
const NODES: usize = 256;

/// The product a job's pods run on, if it is one; of more nodes than these, evenly chosen ones are asked.
pub fn product<'a>(job: &JobRow, cx: &Cx<'a>) -> Option<&'a str> {
    let nodes = &cx.model.totals(job.key)?.live.nodes;
    let mut products = nodes
        .keys()
        .step_by(nodes.len().div_ceil(NODES).max(1))
        .filter_map(|name| cx.model.node(job.key.cluster, name)?.product.as_deref());
    let first = products.next()?;
    products.all(|p| p == first).then_some(first)
}

fn cron_cell<'a>(column: &str, cron: &'a CronJobRow, cx: &Cx<'a>) -> Cell<'a> {
    let dim = cx.theme.dim();
    match column {
        "state" => match pending(cron.key, cx) {
            Some((state, word)) => Cell::state(state, word),
            None => {
                let (state, word) = cron_state(cron);
                Cell::state(state, word)
            }
        },
        "namespace" => Cell::text(&*cron.namespace),
        "kind" => kind(JobKind::CRONJOB, cx),
        "progress" => match CronState::of(cron, cx.now) {
            CronState::Held => Cell::Bar(Meter::words(&*cron.schedule)),
            state => Cell::Bar(Meter::words(state.words(cx.now))),
        },
        "active" if !cron.active.is_empty() => Cell::from(cron.active.len().to_string()),
        "active" | "retries" => Cell::Number(0),
        "gpus" if cron.devices.is_empty() => Cell::Number(0),
        "gpus" => Cell::from(devices(&cron.devices, None)),
        "queue" => cron
            .queue
            .as_deref()
            .map_or(Cell::Empty, |q| Cell::styled(q, dim)),
        "age" => Cell::styled(when(cron.created, cx), dim),
        "image" => (cron.image.as_deref()).map_or(Cell::Empty, |image| Cell::styled(image, dim)),
        "why" => {
            let last = when(cron.last_schedule, cx);
            if last.is_empty() {
                Cell::Empty
            } else {
                Cell::styled(format!("last ran {last} ago"), dim)
            }
        }
        _ => Cell::Empty,
    }
}

/// The sign and word of a CronJob.
pub fn cron_state(cron: &CronJobRow) -> (State, &'static str) {
    if cron.deleting {
        (State::Terminating, "deleting")
    } else if cron.suspend {
        (State::Held, "held")
    } else if cron.active.is_empty() {
        (State::Waiting, "idle")
    } else {
        (State::Running, "running")
    }
}
