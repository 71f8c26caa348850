//! One kept job in full: what it was, how it ended, its metrics, its last lines, its manifest.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{hours, state, took};
use crate::app::action::{Action, Scope};
use crate::history::{MASK, Metrics, Record};
use crate::logs::Pattern;
use crate::model::human;
use crate::model::want::Want;
use crate::panes::centre::Empty;
use crate::panes::words::{count, when};
use crate::panes::{Cx, Level, Pane, Reply, yaml};
use crate::ui::scroll::{self, Window};
use crate::ui::text::{self, clean, wrap};
use crate::ui::{Level as Loud, spark};

/// Columns one step sideways.
const SIDE: usize = 16;

/// The screen of one record.
pub struct Kept {
    uid: String,
    window: Window,
    column: usize,
    search: String,
    pattern: Option<Pattern>,
    /// The line the reader is at, among those that match.
    hit: Option<usize>,
    /// Its lines as drawn last, as plain text.
    lines: Vec<String>,
}

impl Kept {
    pub fn new(uid: String) -> Self {
        Self {
            uid,
            window: Window::default(),
            column: 0,
            search: String::new(),
            pattern: None,
            hit: None,
            lines: Vec::new(),
        }
    }

    fn known<'a>(&self, cx: &Cx<'a>) -> Option<&'a Arc<Record>> {
        cx.session.history.get(&self.uid)
    }

    fn hits(&self) -> Vec<usize> {
        let Some(pattern) = &self.pattern else {
            return Vec::new();
        };
        let all = self.lines.iter().enumerate();
        all.filter(|(_, line)| pattern.matches(line))
            .map(|(n, _)| n)
            .collect()
    }

    fn step(&mut self, backward: bool) -> Reply {
        let hits = self.hits();
        let here = self.hit.unwrap_or(self.window.offset);
        let next = match (backward, self.hit) {
            (false, None) => hits.iter().find(|n| **n >= here),
            (false, Some(_)) => hits.iter().find(|n| **n > here),
            (true, _) => hits.iter().rev().find(|n| **n < here),
        };
        let around = if backward { hits.last() } else { hits.first() };
        let Some(line) = next.or(around).copied() else {
            let text = match self.search.as_str() {
                "" => "nothing searched for yet".to_owned(),
                search => format!("no line matches {search:?}"),
            };
            return Reply::Say(Level::Info, text);
        };
        self.hit = Some(line);
        self.window = self.window.reveal(line);
        Reply::Done
    }
}

/// The object as YAML, with a word about what is not in it.
pub fn manifest(record: &Record) -> Option<String> {
    let object = record.manifest()?;
    let mut text = String::new();
    if !record.masked.is_empty() {
        text.push_str(&format!("# {}\n", missing(record)));
    }
    text.push_str(&yaml::plain(object).join("\n"));
    text.push('\n');
    Some(text)
}

/// What has to be filled in before it is submitted again.
pub fn missing(record: &Record) -> String {
    let what = count(record.masked.len(), "value is", "values are");
    let (stand, them) = match record.masked.len() {
        1 => ("stands", "it"),
        _ => ("stand", "them"),
    };
    format!("{what} not kept and {stand} as {MASK}: fill {them} in before it is submitted again")
}

/// Everything there is to say, line by line.
fn lines(record: &Record, cx: &Cx, width: usize) -> Vec<Line<'static>> {
    let theme = cx.theme;
    let (dim, plain) = (theme.dim(), theme.text());
    let mut out: Vec<Line<'static>> = Vec::new();
    let say = |out: &mut Vec<Line<'static>>, words: &str, style: Style| {
        for line in wrap(&clean(words), width) {
            out.push(Line::styled(line, style));
        }
    };
    say(&mut out, &record.message, plain);
    let mut facts: Vec<String> = Vec::new();
    if let Some(took) = took(record) {
        facts.push(format!("ran {}", human::duration(took)));
    }
    if let Some(total) = record.total {
        facts.push(format!("{} of {total} {} done", record.done, record.unit));
    }
    if record.retries > 0 {
        facts.push(count(record.retries as usize, "retry", "retries"));
    }
    for (name, n) in &record.gpus {
        facts.push(format!("{n} {}", crate::panes::words::device(name, None)));
    }
    if let Some(h) = record.gpu_hours {
        facts.push(format!("at most {} GPU hours", hours(h)));
    }
    if let Some(queue) = &record.queue {
        facts.push(format!("queue {queue}"));
    }
    say(&mut out, &facts.join(" · "), plain);
    let at = |word: &str, at: Option<DateTime<Utc>>| {
        at.map(|at| match cx.timestamps {
            true => format!("{word} {}", when(Some(at), cx)),
            false => format!("{word} {} ago", when(Some(at), cx)),
        })
    };
    let story = [
        at("created", record.created),
        at("started", record.started),
        at("finished", record.finished),
        at("gone", record.deleted),
        at("recorded", Some(record.updated)),
    ];
    let story: Vec<String> = story.into_iter().flatten().collect();
    say(&mut out, &story.join(" · "), dim);
    if let Some(image) = &record.image {
        say(&mut out, &format!("image {image}"), dim);
    }
    if let Some(metrics) = &record.metrics {
        head(&mut out, "training", "", cx, width);
        out.push(told(metrics, cx, width));
        if let Some(concern) = &metrics.concern {
            say(&mut out, &format!("! {concern}"), theme.level(Loud::Warn));
        }
    }
    if !record.failed_indexes.is_empty() || !record.exits.is_empty() {
        head(&mut out, "failures", "", cx, width);
        if !record.failed_indexes.is_empty() {
            say(
                &mut out,
                &format!("failed indexes {}", record.failed_indexes),
                plain,
            );
        }
        let exits = record.exits.iter().map(|(how, n)| format!("{n} × {how}"));
        let exits: Vec<String> = exits.collect();
        if !exits.is_empty() {
            say(
                &mut out,
                &format!("pods ended: {}", exits.join(", ")),
                plain,
            );
        }
        let end = |end: &crate::history::IndexEnd| {
            let code = end
                .exit_code
                .map_or("?".to_owned(), |code| code.to_string());
            format!("{}: exit {code} {}", end.index, end.reason)
        };
        let ends: Vec<String> = record.ends.iter().take(40).map(end).collect();
        say(&mut out, &ends.join(" · "), dim);
    }
    head(
        &mut out,
        "last lines",
        &record.lines.len().to_string(),
        cx,
        width,
    );
    match record.lines.is_empty() {
        true => say(&mut out, "its log was not read here", dim),
        false => {
            for line in &record.lines {
                out.push(Line::styled(clean(line).into_owned(), plain));
            }
        }
    }
    head(&mut out, "manifest", "", cx, width);
    match record.manifest() {
        None => say(
            &mut out,
            "not known: nobody looked at this job while it was there, and what is above is what its row told",
            dim,
        ),
        Some(object) => {
            if !record.masked.is_empty() {
                say(&mut out, &missing(record), theme.level(Loud::Warn));
            }
            for line in yaml::plain(object) {
                let style = match line.contains(MASK) {
                    true => theme.level(Loud::Warn),
                    false => plain,
                };
                out.push(Line::styled(clean(&line).into_owned(), style));
            }
        }
    }
    out
}

fn head(out: &mut Vec<Line<'static>>, word: &str, more: &str, cx: &Cx, width: usize) {
    let sign = if cx.glyphs.is_ascii() { "-" } else { "─" };
    let title = match more {
        "" => format!(" {word} "),
        more => format!(" {word} {more} "),
    };
    let rest = width.saturating_sub(text::width(&title) + 1);
    out.push(Line::default());
    out.push(Line::from(vec![
        Span::styled(sign, cx.theme.border(false)),
        Span::styled(title, cx.theme.header()),
        Span::styled(sign.repeat(rest), cx.theme.border(false)),
    ]));
}

/// `▇▅▃▂▁ loss 1.93 · best 1.88 at 1100 · step 1200/5000`
fn told(metrics: &Metrics, cx: &Cx, width: usize) -> Line<'static> {
    let theme = cx.theme;
    let mut parts: Vec<String> = Vec::new();
    if let Some((_, last)) = metrics.last {
        let last = last.map_or("NaN".to_owned(), spark::number);
        parts.push(format!("{} {last}", clean(&metrics.name)));
    }
    if let Some((x, best)) = metrics.best {
        parts.push(format!(
            "best {} at {}",
            spark::number(best),
            spark::number(x)
        ));
    }
    let of = |word: &str, at: Option<f64>, of: Option<f64>| {
        at.map(|at| match of {
            Some(of) => format!("{word} {}/{}", spark::number(at), spark::number(of)),
            None => format!("{word} {}", spark::number(at)),
        })
    };
    parts.extend(of("step", metrics.step, metrics.steps));
    parts.extend(of("epoch", metrics.epoch, metrics.epochs));
    let words = format!(" {}", parts.join(" · "));
    // the words come whole; the curve takes what they leave
    let room = width.saturating_sub(text::width(&words)).max(8);
    let each = metrics.curve.len().div_ceil(room).max(1);
    let last = |part: &[Option<f64>]| part.iter().rev().find_map(|y| *y).unwrap_or(f64::NAN);
    let curve: Vec<f64> = metrics.curve.chunks(each).map(last).collect();
    Line::from(vec![
        Span::styled(spark::signs(&curve, cx.glyphs.is_ascii()), theme.accent()),
        Span::styled(words, theme.text()),
    ])
}

impl Pane for Kept {
    fn title(&self, cx: &Cx) -> String {
        match self.known(cx) {
            Some(record) => format!("history {}", record.title()),
            None => "history".into(),
        }
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let Some(record) = self.known(cx) else {
            return Line::styled("this record is not kept any more", cx.theme.dim());
        };
        let state = state(record);
        let mut word = record.phase.to_lowercase();
        if let Some(reason) = &record.reason {
            word = format!("{word}: {}", clean(reason));
        }
        Line::from(vec![
            Span::styled(
                format!("{} {word}", cx.theme.state_glyph(state)),
                cx.theme.state(state),
            ),
            Span::styled(format!("  {}", clean(&record.name)), cx.theme.title()),
            Span::styled(
                format!(
                    "  {}  {}  {}",
                    record.namespace, record.kind, record.context
                ),
                cx.theme.dim(),
            ),
        ])
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Text]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        let mut hints = vec![Action::Filter];
        if !self.search.is_empty() {
            hints.extend([Action::SearchNext, Action::SearchPrevious]);
        }
        hints.extend([
            Action::Resubmit,
            Action::Copy,
            Action::Save,
            Action::ToggleTimes,
            Action::Back,
        ]);
        hints
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let inner = Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(3),
            ..area
        };
        let Some(record) = self.known(cx) else {
            let text = "Older records make room for newer ones; max-records under [history] in the settings keeps more.";
            Empty::new("not kept any more", text, cx.theme).draw(area, buf, cx.theme);
            return;
        };
        let lines = lines(record, cx, inner.width.into());
        self.lines = lines.iter().map(ToString::to_string).collect();
        self.window = Window {
            page: usize::from(area.height),
            total: lines.len(),
            ..self.window
        }
        .settled();
        let visible = lines.iter().enumerate().skip(self.window.offset);
        for (y, (n, line)) in (area.y..area.bottom()).zip(visible) {
            let cut = text::slice(&line.spans, self.column, inner.width.into());
            let cut = Line::from(cut).style(line.style);
            buf.set_line(inner.x, y, &cut, inner.width);
            let found = self.pattern.as_ref();
            if found.is_some_and(|p| p.matches(&self.lines[n])) {
                let row = Rect {
                    y,
                    height: 1,
                    ..inner
                };
                buf.set_style(row, cx.theme.matched(self.hit == Some(n)));
            }
        }
        let track = Rect {
            x: area.right().saturating_sub(1),
            width: 1,
            ..area
        };
        scroll::bar(track, buf, cx.theme, self.window);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        match action {
            Action::Up => self.window = self.window.step(-1),
            Action::Down => self.window = self.window.step(1),
            Action::PageUp => self.window = self.window.step_page(-1),
            Action::PageDown => self.window = self.window.step_page(1),
            Action::Top => self.window.offset = 0,
            Action::Bottom => self.window.offset = self.window.last_offset(),
            Action::Left => self.column = self.column.saturating_sub(SIDE),
            Action::Right => self.column += SIDE,
            Action::SearchNext => return self.step(false),
            Action::SearchPrevious => return self.step(true),
            Action::Copy | Action::Save => {
                let record = self.known(cx);
                let Some((record, text)) = record.and_then(|r| Some((r, manifest(r)?))) else {
                    let text = "its manifest is not known: nobody looked at it while it was there";
                    return Reply::Say(Level::Info, text.into());
                };
                return match action {
                    Action::Copy => Reply::Copy {
                        text,
                        what: "the manifest".into(),
                    },
                    _ => Reply::Save {
                        name: format!("{}.yaml", record.name),
                        text,
                    },
                };
            }
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        Vec::new()
    }

    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        None
    }

    fn record(&self) -> Option<String> {
        Some(self.uid.clone())
    }

    fn filter(&self) -> &str {
        &self.search
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) -> Result<(), String> {
        self.search = text.to_owned();
        self.pattern = Pattern::search(text);
        self.hit = None;
        if !text.is_empty() {
            self.step(false);
        }
        Ok(())
    }

    fn position(&self, _cx: &Cx) -> String {
        match self.window.total {
            0 => String::new(),
            total => {
                let last = (self.window.offset + self.window.page).min(total);
                format!("{last}/{total} lines")
            }
        }
    }
}
