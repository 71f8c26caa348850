//! Drawing a job's detail: the head, then its parts sharing what height is left; two columns where it is wide.
//! Separate from what the keys do to keep both readable.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::gpus::{self, Gpus};
use super::heights::{Wish, share};
use super::{Cx, Job, Part, cell, head};
use crate::app::action::Action;
use crate::model::job::JobRow;
use crate::model::want::Kind;
use crate::panes::indexes::{Indexes, counts_in_words};
use crate::panes::replicas::Replicas;
use crate::panes::words::index_state;
use crate::panes::{events, health, jobs, pods, worker};
use crate::ui::{Column, Meter, text};

/// From this width on a full screen has two columns.
const TWO: u16 = 132;

/// Something with a heading and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Part(Part),
    Log,
    Gpus,
}

/// The columns of a CronJob's runs.
pub fn run_columns() -> Vec<Column> {
    let mut all = jobs::columns::columns(false, true, false);
    all.retain(|c| !matches!(c.id(), "gpus" | "queue" | "eta"));
    // mostly all are Jobs
    if let Some(kind) = all.iter_mut().find(|c| c.id() == "kind") {
        *kind = kind.clone().rank(9);
    }
    all
}

/// Draws it all. `titled`: with its own title and sentence, else the screen's first line has them.
pub fn draw(pane: &mut Job, cx: &Cx, area: Rect, buf: &mut Buffer, titled: bool) {
    pane.places.clear();
    if area.width < 8 || area.height == 0 {
        return;
    }
    let inner = Rect {
        x: area.x + 1,
        width: area.width - 2,
        ..area
    };
    let used = draw_head(pane, cx, inner, buf, titled);
    let body = Rect {
        y: inner.y + used,
        height: inner.height - used,
        ..inner
    };
    let mut blocks: Vec<Block> = pane.parts(cx).into_iter().map(Block::Part).collect();
    if pane.tail.want().is_some() {
        blocks.insert(1, Block::Log);
    }
    let gpus = gpus::look(pane, cx);
    if gpus.is_some() {
        let at = 1 + usize::from(blocks.contains(&Block::Log));
        blocks.insert(at.min(blocks.len()), Block::Gpus);
    }
    let gpus = gpus.as_ref();
    if !titled && area.width >= TWO {
        let left = Rect {
            width: body.width / 2 - 1,
            ..body
        };
        let right = Rect {
            x: left.right() + 2,
            width: body.width - left.width - 2,
            ..body
        };
        let main = blocks
            .iter()
            .position(|b| !matches!(b, Block::Log | Block::Gpus))
            .map(|_| 1 + usize::from(blocks.contains(&Block::Log)));
        let (a, b) = blocks.split_at(main.unwrap_or(1).min(blocks.len()));
        stack(pane, cx, gpus, a, left, buf);
        stack(pane, cx, gpus, b, right, buf);
    } else {
        stack(pane, cx, gpus, &blocks, body, buf);
    }
}

/// The lines at the top; returns how many rows they took, a blank one after them included.
fn draw_head(pane: &Job, cx: &Cx, area: Rect, buf: &mut Buffer, titled: bool) -> u16 {
    let width = usize::from(area.width);
    let most = usize::from(if area.height < 20 {
        area.height / 3
    } else {
        area.height * 2 / 5
    })
    .max(2);
    let mut y = area.y;
    let (title, lines) = if let Some(job) = pane.job(cx) {
        let status = cx.model.status(job);
        let gone = !cx.model.jobs.contains(pane.key);
        let mut lines = head::job(job, &status, gone, cx, width);
        head::advise(&mut lines, &pane.advice(cx), cx, width);
        if status.total.is_some_and(|n| n > 1) || status.total.is_none() {
            let at = lines.iter().position(|l| l.rank > 1).unwrap_or(lines.len());
            lines.insert(
                at,
                head::Ranked {
                    rank: 1,
                    line: Line::from(head::BAR),
                },
            );
        }
        (head::title(job, &status, cx, width), lines)
    } else if let Some(cron) = pane.cron(cx) {
        (
            head::cron_title(cron, cx),
            head::cron(cron, cx, width, titled),
        )
    } else {
        return 0;
    };
    if titled {
        buf.set_line(area.x, y, &title, area.width);
        y += 1;
    }
    for line in head::fit(lines, most - usize::from(titled)) {
        if y >= area.bottom() {
            break;
        }
        if line.spans.first().is_some_and(|s| s.content == head::BAR) {
            bar(
                pane,
                cx,
                Rect {
                    y,
                    height: 1,
                    ..area
                },
                buf,
            );
        } else {
            buf.set_line(area.x, y, &line, area.width);
        }
        y += 1;
    }
    let blank = u16::from(area.height >= 18);
    (y - area.y + blank).min(area.height)
}

/// Progress over the width, but not wider than one can compare at a glance.
fn bar(pane: &Job, cx: &Cx, area: Rect, buf: &mut Buffer) {
    let Some(job) = pane.job(cx) else { return };
    let status = cx.model.status(job);
    if let crate::ui::Cell::Bar(meter) = jobs::columns::progress(job, &status, cx) {
        let meter: Meter = meter;
        let width = area.width.min(64);
        meter.draw(Rect { width, ..area }, buf, cx.theme, meter.label_width());
    }
}

/// Blocks one under the other, heights by need and focus.
fn stack(
    pane: &mut Job,
    cx: &Cx,
    gpus: Option<&Gpus>,
    blocks: &[Block],
    area: Rect,
    buf: &mut Buffer,
) {
    let focus = pane.part(cx);
    let focused = blocks
        .iter()
        .position(|b| *b == Block::Part(focus))
        .unwrap_or(0);
    let wishes: Vec<Wish> = blocks
        .iter()
        .map(|b| wish(pane, cx, gpus, *b, area))
        .collect();
    let mut y = area.y;
    for (block, rows) in blocks.iter().zip(share(area.height, &wishes, focused)) {
        if rows == 0 {
            continue;
        }
        let place = Rect {
            y,
            height: rows,
            ..area
        };
        y += rows;
        let on = cx.focused && *block == Block::Part(focus);
        let cx = Cx { focused: on, ..*cx };
        heading(pane, &cx, gpus, *block, place, buf);
        let body = Rect {
            y: place.y + 1,
            height: place.height - 1,
            ..place
        };
        match block {
            Block::Part(part) => {
                pane.places.push((*part, place));
                draw_part(pane, &cx, *part, body, buf);
            }
            Block::Gpus => {
                if let Some(gpus) = gpus {
                    gpus.draw(&cx, body, buf);
                }
            }
            Block::Log => {
                let lines = pane.tail.draw(&cx, body.height.into(), body.width.into());
                for (y, line) in (body.y..body.bottom()).zip(&lines) {
                    buf.set_line(body.x, y, line, body.width);
                }
            }
        }
    }
}

fn wish(pane: &Job, cx: &Cx, gpus: Option<&Gpus>, block: Block, area: Rect) -> Wish {
    // an empty list is its heading and one line that says so
    let list = |rows: usize| Wish {
        min: if rows == 0 { 2 } else { 3 },
        most: if rows == 0 {
            3
        } else {
            (rows as u16).saturating_add(3)
        },
    };
    match block {
        Block::Gpus => {
            let rows = gpus.map_or(0, Gpus::rows).clamp(1, 40) as u16;
            Wish {
                min: (rows + 1).min(4),
                most: rows + 2,
            }
        }
        Block::Log => Wish {
            min: 2,
            most: (pane.tail.len().clamp(1, 14) as u16) + 2,
        },
        Block::Part(Part::Indexes) => {
            let n = pane
                .job(cx)
                .and_then(|job| job.completions)
                .unwrap_or_default();
            let rows = Indexes::rows_wanted(n, area.width, area.height.max(8) / 2);
            Wish {
                min: 5.min(rows + 4),
                most: rows + 5,
            }
        }
        Block::Part(Part::Roles) => {
            let most = area.height.max(8) / 3;
            let rows = Replicas::rows_wanted(&pane.casts(cx), area.width, most);
            Wish {
                min: 3.min(rows + 2),
                most: rows + 3,
            }
        }
        Block::Part(Part::Pods) => list(pane.pods.view.order().len()),
        Block::Part(Part::Runs) => list(pane.runs.view.order().len()),
        Block::Part(Part::Events) => list(pane.events.view.order().len()),
    }
}

/// `── pods 15 ─────────`
fn heading(pane: &Job, cx: &Cx, gpus: Option<&Gpus>, block: Block, area: Rect, buf: &mut Buffer) {
    let line = cx.theme.border(cx.focused);
    for x in area.x..area.right() {
        buf.set_string(x, area.y, "─", line);
    }
    let (word, more) = match block {
        Block::Gpus => (
            "gpus",
            gpus.map(|gpus| gpus.summary(cx)).unwrap_or_default(),
        ),
        Block::Log => (
            "log",
            pane.log_pod(cx)
                .map(|pod| pod.name.to_string())
                .unwrap_or_default(),
        ),
        Block::Part(Part::Indexes) => {
            let words = pane.job(cx).map(|job| {
                let grid = cx.model.grid(job);
                counts_in_words(&grid.counts(0, grid.len().saturating_sub(1)))
            });
            ("indexes", words.unwrap_or_default())
        }
        Block::Part(Part::Roles) => {
            let (well, all) = pane.replicas.counts();
            ("replicas", format!("{well} of {all}"))
        }
        Block::Part(Part::Pods) => ("pods", pane.pods.view.order().len().to_string()),
        Block::Part(Part::Runs) => {
            let word = match pane.cron(cx) {
                Some(_) => "runs",
                None => "made of",
            };
            (word, pane.runs.view.order().len().to_string())
        }
        Block::Part(Part::Events) => ("events", pane.events.view.order().len().to_string()),
    };
    let style = if cx.focused {
        cx.theme.accent()
    } else {
        cx.theme.header()
    };
    let room = usize::from(area.width).saturating_sub(word.len() + 8);
    let title = Line::from(vec![
        Span::styled(format!(" {word} "), style),
        Span::styled(
            format!("{} ", text::shorten(&more, room, text::Shorten::Middle)),
            cx.theme.dim(),
        ),
    ]);
    buf.set_line(area.x + 1, area.y, &title, area.width.saturating_sub(2));
}

fn draw_part(pane: &mut Job, cx: &Cx, part: Part, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    match part {
        Part::Indexes => draw_indexes(pane, cx, area, buf),
        Part::Roles => super::roles::draw(pane, cx, area, buf),
        Part::Pods => {
            let away = pane.job(cx).and_then(|job| worker::absent(job, cx));
            let away = away.map(|(what, help)| match help.is_empty() {
                true => what,
                false => format!("{what}; {help}"),
            });
            let rows = health::Rows {
                kind: Kind::Pod,
                all: pane.pods.view.scoped(),
                shown: pane.pods.view.order().len(),
                filter: "",
                none: away
                    .as_deref()
                    .unwrap_or("no pods: none made yet, or cleaned up"),
            };
            let area = health::draw(rows, cx, area, buf);
            pane.pods.draw(
                cx,
                area,
                buf,
                &Job::pod_columns(),
                cx.focused,
                pods::columns::row,
            );
        }
        Part::Runs => {
            let rows = health::Rows {
                kind: Kind::Job,
                all: pane.runs.view.scoped(),
                shown: pane.runs.view.order().len(),
                filter: "",
                none: "no runs kept",
            };
            let area = health::draw(rows, cx, area, buf);
            pane.runs.draw(
                cx,
                area,
                buf,
                &run_columns(),
                cx.focused,
                |job, columns, cx| jobs::columns::job_row(job, columns, cx),
            );
        }
        Part::Events => {
            let rows = health::Rows {
                kind: Kind::Event,
                all: pane.events.view.scoped(),
                shown: pane.events.view.order().len(),
                filter: "",
                none: "no events kept",
            };
            let area = health::draw(rows, cx, area, buf);
            pane.events.draw(
                cx,
                area,
                buf,
                &Job::event_columns(),
                cx.focused,
                events::columns::row,
            );
        }
    }
}

/// The grid, the failed indexes as ranges, and the cell under the cursor in words.
fn draw_indexes(pane: &mut Job, cx: &Cx, area: Rect, buf: &mut Buffer) {
    let Some(job) = cx.model.jobs.get(pane.key).or(pane.last.as_ref()) else {
        return;
    };
    let grid = cx.model.grid(job);
    let width = usize::from(area.width);
    // four lines say what is under the cursor and what failed
    pane.grid
        .arrange(grid.len(), area.width, area.height.saturating_sub(4).max(2));
    let below = below(&pane.grid, job, cx, width);
    let keep = (below.len() as u16).min(area.height.saturating_sub(2));
    let cells = Rect {
        height: area.height - keep,
        ..area
    };
    let wanted = Indexes::rows_wanted(grid.len(), area.width, cells.height);
    let cells = Rect {
        height: wanted.min(cells.height),
        ..cells
    };
    pane.grid.draw(&grid, cx, cells, buf);
    for (y, line) in (cells.bottom()..area.bottom()).zip(&below) {
        buf.set_line(area.x, y, line, area.width);
    }
}

/// The lines under a grid, the most telling first.
fn below(at: &Indexes, job: &JobRow, cx: &Cx, width: usize) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    let grid = cx.model.grid(job);
    let dim = cx.theme.dim();
    let known = cell::known(cx.model, job, at.cursor());
    let state = index_state(known.state);
    let block = at.block();
    if let Some((from, to)) = block {
        let words = format!("{from}–{to}: {}", counts_in_words(&grid.counts(from, to)));
        out.push(Line::styled(
            text::shorten(&words, width, text::Shorten::End).into_owned(),
            cx.theme.text(),
        ));
    }
    let mut spans = vec![
        Span::styled(format!("index {} ", known.index), cx.theme.text()),
        Span::styled(
            format!(
                "{} {}",
                cx.theme.state_glyph(state),
                cell::word(known.state)
            ),
            cx.theme.state(state),
        ),
    ];
    for fact in known.facts(cx) {
        spans.push(Span::styled(" · ", cx.theme.faint()));
        spans.push(Span::styled(fact, cx.theme.text()));
    }
    out.push(Line::from(text::slice(&spans, 0, width)));
    if let Some(seen) = &known.seen {
        let why = known
            .pod
            .and_then(crate::model::podwhy::why)
            .map(|w| format!("  {}", w.text))
            .unwrap_or_default();
        let line = format!("{}{}", seen.name, text::clean(&why));
        out.push(Line::styled(
            text::shorten(&line, width, text::Shorten::End).into_owned(),
            dim,
        ));
    }
    let failed = grid.failed();
    if !failed.is_empty() {
        let scopes = [
            crate::app::action::Scope::Job,
            crate::app::action::Scope::List,
        ]
        .map(|s| s.name());
        let key = cx
            .keymap
            .key_for(Action::CopyFailed, &scopes)
            .map(|k| format!("  ({k} copies)"));
        let key = key.unwrap_or_default();
        let room = width.saturating_sub(7 + text::width(&key));
        let ranges = text::shorten(&failed, room, text::Shorten::End).into_owned();
        out.push(Line::from(vec![
            Span::styled("failed ", cx.theme.state(crate::ui::State::Failed)),
            Span::styled(ranges, cx.theme.text()),
            Span::styled(key, dim),
        ]));
    }
    out
}
