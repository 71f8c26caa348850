//! What jobdeck itself takes, asks for and cannot read: for those who wonder whether it is the program or the cluster
//! that is slow.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::clusters::{Open, worst};
use super::list::walk;
use super::{Cx, Pane, Reply};
use crate::app::action::{Action, Scope};
use crate::model::health::Health;
use crate::model::human;
use crate::model::ids::ClusterId;
use crate::model::vitals::{KindRead, Link, Spread, Vitals};
use crate::model::want::{Kind, Want};
use crate::model::weight::Weight;
use crate::ui::table::TableState;
use crate::ui::{Cell, Column, Row as Drawn, State, Table, text};

/// Objects that could not be read and are named, at most.
const PROBLEMS: usize = 6;

/// The screen.
#[derive(Default)]
pub struct Itself {
    table: TableState,
}

fn columns() -> Vec<Column> {
    let number = |id, title: &'static str, rank, width| {
        Column::new(id, title)
            .rank(rank)
            .width(width, width, 12)
            .right()
    };
    vec![
        Column::new("kind", "KIND").rank(0).width(10, 22, 40),
        number("rows", "ROWS", 0, 7),
        number("memory", "MEMORY", 1, 8),
        number("rate", "EVENTS/S", 0, 8),
        number("events", "EVENTS", 2, 8),
        number("folded", "FOLDED", 4, 7),
        number("lists", "LISTS", 3, 6),
        number("watches", "WATCHES", 2, 7),
        number("failures", "FAILURES", 1, 8),
        number("skipped", "UNREAD", 1, 6),
        Column::new("state", "STATE")
            .rank(0)
            .width(8, 12, 60)
            .grow(),
    ]
}

fn rows(cx: &Cx) -> Vec<(ClusterId, KindRead)> {
    let links = cx.session.vitals.last().map(|last| &last.links);
    let links = links.into_iter().flatten();
    links
        .flat_map(|link| link.kinds.iter().map(|kind| (link.cluster, kind.clone())))
        .collect()
}

/// `0.9 ms`, `210 µs`.
fn short(took: Duration) -> String {
    let micros = took.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..100_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{} ms", micros / 1_000),
    }
}

fn spread(of: Option<Spread>) -> String {
    match of {
        None => "none in the last minute".into(),
        Some(of) => format!(
            "{} in the last minute: p50 {}, p99 {}, longest {}",
            of.count,
            short(of.p50),
            short(of.p99),
            short(of.max)
        ),
    }
}

fn process(vitals: &Vitals, weights: &[Weight]) -> Vec<(&'static str, String)> {
    let process = vitals.last().map(|last| last.process).unwrap_or_default();
    let load = vitals.load();
    let load = load.map_or("–".into(), |load| {
        format!("{:.1} % of a core", load * 100.0)
    });
    let cpu = process
        .cpu
        .map(|cpu| format!("{load}, {:.1} s in all", cpu.as_secs_f64()));
    let unknown = || "not told by this system".to_owned();
    let tables: usize = weights.iter().map(|of| of.bytes).sum();
    let tables = human::bytes(tables as u64);
    let memory = process.rss.map(|rss| {
        let peak = process.peak.map(human::bytes);
        let peak = peak.map_or(String::new(), |peak| format!(", at most {peak}"));
        format!("{}{peak}", human::bytes(rss))
    });
    let memory = memory.unwrap_or_else(unknown);
    let threads = process.threads.map_or_else(unknown, |n| n.to_string());
    vec![
        ("processor", cpu.unwrap_or_else(unknown)),
        ("memory", format!("{memory}; rows about {tables}")),
        ("threads", threads),
    ]
}

fn link(link: &Link, vitals: &Vitals) -> String {
    let flow = vitals.flow(link.cluster);
    let flow = flow.map_or(String::new(), |n| format!(", {}/s", human::bytes(n as u64)));
    format!(
        "{}: {} requests, {} read{flow}, {} of {} reports wait",
        text::clean(&link.name),
        human::count(link.requests),
        human::bytes(link.bytes),
        link.waiting,
        link.room
    )
}

/// How one of several clusters is: its version, its state, and why that.
fn how(of: &Open) -> String {
    let version = of.version.map_or(String::new(), |v| format!(" {v}"));
    let why = of.lost().map_or(String::new(), |why| format!(": {why}"));
    let closed = match of.read_only {
        true => ", read-only",
        false => "",
    };
    let words = format!("{}{version}, {}{closed}{why}", of.context, of.state().1);
    text::clean(&words).into_owned()
}

impl Itself {
    fn settle(&mut self, rows: usize) {
        let selected = self.table.selected().unwrap_or(0);
        self.table
            .select(rows.checked_sub(1).map(|last| selected.min(last)));
    }

    fn kinds(
        &mut self,
        cx: &Cx,
        rows: &[(ClusterId, KindRead)],
        weights: &[Weight],
        area: Rect,
        buf: &mut Buffer,
    ) {
        self.settle(rows.len());
        let columns = columns();
        let vitals = &cx.session.vitals;
        Table::new(&columns, rows.len()).focused(cx.focused).draw(
            area,
            buf,
            cx.theme,
            &mut self.table,
            |at| {
                let Some((cluster, read)) = rows.get(at) else {
                    return Drawn::default();
                };
                // rows of worker clusters stand in the same tables
                let own = *cluster == cx.session.cluster && !cx.session.several();
                let weight = weights.iter().find(|of| own && of.kind == read.kind);
                let cells = columns
                    .iter()
                    .map(|column| cell(column.id(), (*cluster, read), weight, vitals, cx));
                Drawn::new(cells.collect())
            },
        );
    }
}

fn cell<'a>(
    column: &str,
    (cluster, read): (ClusterId, &KindRead),
    weight: Option<&Weight>,
    vitals: &Vitals,
    cx: &Cx,
) -> Cell<'a> {
    match column {
        "kind" => Cell::text(match cx.model.clusters.name(cluster) {
            _ if cluster == cx.session.cluster && !cx.session.several() => {
                read.kind.plural().to_owned()
            }
            Some(name) => format!("{} of {}", read.kind.plural(), text::clean(name)),
            None => format!("{} of worker {}", read.kind.plural(), cluster.0),
        }),
        "rows" => weight.map_or(Cell::Empty, |of| Cell::text(human::count(of.rows as u64))),
        "memory" => weight.map_or(Cell::Empty, |of| Cell::text(human::bytes(of.bytes as u64))),
        "rate" => match vitals.rate(cluster, read.kind) {
            Some(rate) if rate >= 0.05 => Cell::text(format!("{rate:.1}")),
            Some(_) => Cell::Number(0),
            None => Cell::Empty,
        },
        "events" => Cell::Number(read.events),
        "folded" => Cell::Number(read.folded),
        "lists" => Cell::Number(read.lists),
        "watches" => Cell::Number(read.watches),
        "failures" => Cell::Number(read.failures),
        "skipped" => match read.skipped {
            0 => Cell::Number(0),
            n => Cell::state(State::Failed, n.to_string()),
        },
        _ => state(cluster, read.kind, cx),
    }
}

/// How the watches of a kind are in a cluster that is looked at.
fn state(cluster: ClusterId, kind: Kind, cx: &Cx) -> Cell<'static> {
    let Some(open) = cx.session.open(cluster) else {
        return Cell::Empty;
    };
    if !open.sources.iter().any(|(of, _)| *of == kind) {
        // it was, for a screen that was left
        return Cell::styled("not watched", cx.theme.dim());
    }
    match worst(open.sources, kind) {
        Health::Live => Cell::state(State::Running, "live"),
        Health::Connecting => Cell::state(State::Pending, "connecting"),
        Health::Syncing { seen, .. } => {
            let words = format!("syncing {}", human::count(*seen as u64));
            Cell::state(State::Pending, words)
        }
        Health::Absent => Cell::styled("not served", cx.theme.dim()),
        Health::Forbidden { verb, .. } => {
            Cell::state(State::Held, format!("{} forbidden", text::clean(verb)))
        }
        Health::Stale { why, .. } | Health::Failing { why } => {
            Cell::state(State::Failed, text::clean(why).into_owned())
        }
    }
}

impl Pane for Itself {
    fn title(&self, _cx: &Cx) -> String {
        "jobdeck itself".into()
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let vitals = &cx.session.vitals;
        let memory = vitals.last().and_then(|last| last.process.rss);
        let mut parts = Vec::new();
        parts.extend(
            vitals
                .load()
                .map(|n| format!("{:.1} % of a core", n * 100.0)),
        );
        parts.extend(memory.map(human::bytes));
        let requests: u64 = vitals
            .last()
            .map_or(0, |last| last.links.iter().map(|link| link.requests).sum());
        parts.push(format!("{} requests so far", human::count(requests)));
        Line::from(Span::styled(parts.join(" · "), cx.theme.text()))
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::List]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        vec![Action::Retry, Action::Back]
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let vitals = &cx.session.vitals;
        let (all, weights) = (rows(cx), cx.model.weights());
        let mut lines = process(vitals, &weights);
        lines.push(("frames", spread(vitals.frames.spread(cx.now))));
        let turns = spread(vitals.turns.spread(cx.now));
        let most = vitals.queue.most(cx.now);
        let room = vitals.room;
        let queue = match room {
            0 => String::new(),
            _ => format!("; at most {most} of {room} waited"),
        };
        lines.push(("turns", format!("{turns}{queue}")));
        if cx.session.several() {
            lines.extend(cx.session.clusters().iter().map(|of| ("context", how(of))));
        }
        let links = vitals.last().map(|last| &last.links).into_iter().flatten();
        lines.extend(links.map(|of| ("cluster", link(of, vitals))));
        let mut y = area.y;
        let put = |spans: Vec<Span>, y: u16, buf: &mut Buffer| {
            if y < area.bottom() {
                let spans = text::shorten_spans(&spans, usize::from(area.width.saturating_sub(2)));
                buf.set_line(
                    area.x + 1,
                    y,
                    &Line::from(spans),
                    area.width.saturating_sub(1),
                );
            }
        };
        for (label, words) in lines {
            let label = Span::styled(format!("{label:<11}"), cx.theme.dim());
            put(vec![label, Span::styled(words, cx.theme.text())], y, buf);
            y += 1;
        }
        let problems: Vec<_> = all
            .iter()
            .flat_map(|(_, read)| read.problems.iter().map(|problem| (read.kind, problem)))
            .collect();
        let problems = &problems[problems.len().saturating_sub(PROBLEMS)..];
        let below = match problems.len() {
            0 => 0,
            n => n as u16 + 2,
        };
        y += 1;
        let left = area.bottom().saturating_sub(y);
        let height = left.saturating_sub(below).max(left.min(4));
        let height = height.min(all.len() as u16 + 1);
        let place = Rect { y, height, ..area };
        if height > 0 {
            self.kinds(cx, &all, &weights, place, buf);
        }
        y += height + 1;
        if problems.is_empty() {
            return;
        }
        let head = Span::styled("could not be read, at least in part", cx.theme.dim());
        put(vec![head], y, buf);
        for (kind, problem) in problems {
            y += 1;
            let at = super::words::stamp(problem.at, cx.now);
            let of = format!(
                "{at}  {} {}  ",
                kind.singular(),
                text::clean(&problem.object)
            );
            let why = text::clean(&problem.why).into_owned();
            put(
                vec![
                    Span::styled(of, cx.theme.text()),
                    Span::styled(why, cx.theme.dim()),
                ],
                y,
                buf,
            );
        }
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        let rows = rows(cx).len();
        self.settle(rows);
        match walk(&mut self.table, action, rows) {
            true => Reply::Done,
            false => Reply::Ignored,
        }
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        Vec::new()
    }

    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        None
    }

    fn shows_vitals(&self) -> bool {
        true
    }

    fn position(&self, cx: &Cx) -> String {
        self.table.position(rows(cx).len())
    }
}

#[cfg(test)]
mod tests;
