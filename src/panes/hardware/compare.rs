//! One GPU's data-sheet on a screen of its own, or two to four side by side with bars: dense solid, sparse hatched, what
//! differs standing out. Separate from the list: it is about entries, not about a choice among them.

use chrono::{DateTime, Utc};
use crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::figures;
use super::ofjob::OfJob;
use super::stock::{self, Stock};
use crate::app::action::{Action, Scope};
use crate::hardware::{Gpu, sheet};
use crate::model::ids::Key;
use crate::model::want::{Kind, Selector, Want};
use crate::panes::{Arrival, Cx, Pane, Reply, clusters};
use crate::ui::scroll::{self, Window};
use crate::ui::text;

/// More do not fit side by side.
pub const MOST: usize = 4;
/// Columns of the row names.
const WHAT: usize = 20;

/// The screen.
pub struct Gpus {
    ids: Vec<String>,
    /// The job it was opened from; its GPUs are then those.
    job: Option<OfJob>,
    window: Window,
}

impl Gpus {
    pub fn new(ids: Vec<String>) -> Self {
        Self {
            ids,
            job: None,
            window: Window::default(),
        }
    }

    /// At the GPU of a job.
    pub fn of(job: Key) -> Self {
        Self {
            job: Some(OfJob::new(job)),
            ..Self::new(Vec::new())
        }
    }

    fn gpus<'a>(&self, cx: &Cx<'a>) -> Vec<&'a Gpu> {
        if let Some(job) = &self.job {
            let gpus = job.site(cx).map_or_else(Vec::new, |site| site.gpus);
            return gpus.into_iter().take(MOST).collect();
        }
        let ids = self.ids.iter();
        ids.filter_map(|id| cx.hardware.gpu(id)).collect()
    }
}

fn find<'a>(stocks: &'a [Stock], gpu: &Gpu) -> Option<&'a Stock> {
    stocks.iter().find(|s| s.gpu.as_deref() == Some(&gpu.id))
}

impl Pane for Gpus {
    fn title(&self, cx: &Cx) -> String {
        match self.job.as_ref().map(|job| job.job(cx)) {
            Some(Some(job)) => format!("GPU of {}", job.name),
            Some(None) => "GPU of a job".into(),
            None => self.ids.join(" | "),
        }
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let stocks = stock::all(cx);
        match self.gpus(cx).as_slice() {
            [] if self.job.is_some() => Line::styled("not known which GPU", cx.theme.dim()),
            [] => Line::styled("no such GPU in the reference (any more)", cx.theme.dim()),
            [gpu] => {
                let words = match find(&stocks, gpu) {
                    Some(stock) => figures::here(stock, cx),
                    None if clusters::stand_apart(cx) => "in none of the clusters".to_owned(),
                    None => "not in this cluster".to_owned(),
                };
                Line::from(vec![
                    Span::styled(gpu.name.as_str(), cx.theme.title()),
                    Span::styled(format!("  {words}"), cx.theme.dim()),
                ])
            }
            gpus => {
                let rows = sheet::rows(gpus, cx.hardware);
                let differ = rows.iter().filter(|(_, cells)| differs(cells)).count();
                let words = format!("{differ} of {} rows differ", rows.len());
                let key = "; solid is dense, hatched is sparse";
                Line::from(vec![
                    Span::styled(words, cx.theme.text()),
                    Span::styled(key, cx.theme.dim()),
                ])
            }
        }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Hardware, Scope::List]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        vec![Action::Down, Action::PageDown, Action::Copy, Action::Back]
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let width = usize::from(area.width.saturating_sub(3));
        let stocks = stock::all(cx);
        let gpus = self.gpus(cx);
        let mut area = area;
        let mut lines = match &self.job {
            Some(job) => job.lines(cx, width.min(110)),
            None => Vec::new(),
        };
        if !lines.is_empty() && !gpus.is_empty() {
            lines.push(Line::default());
        }
        match gpus.as_slice() {
            [] => {}
            [gpu] => lines.extend(figures::lines(gpu, find(&stocks, gpu), cx, width.min(110))),
            gpus => {
                let (head, rows) = side_by_side(gpus, &stocks, cx, width);
                if lines.is_empty() {
                    // the names stay in sight
                    buf.set_line(area.x + 1, area.y, &head, area.width.saturating_sub(2));
                    area.y += 1;
                    area.height = area.height.saturating_sub(1);
                } else {
                    lines.push(head);
                }
                lines.extend(rows);
            }
        }
        self.window = Window {
            page: usize::from(area.height),
            total: lines.len(),
            ..self.window
        }
        .settled();
        for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(self.window.offset)) {
            buf.set_line(area.x + 1, y, line, area.width.saturating_sub(2));
        }
        scroll::bar(area, buf, cx.theme, self.window);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        if let Some(window) = super::scrolled(self.window, action) {
            self.window = window;
            return Reply::Done;
        }
        if action != Action::Copy {
            return Reply::Ignored;
        }
        let gpus = self.gpus(cx);
        let names: Vec<&str> = gpus.iter().map(|gpu| gpu.name.as_str()).collect();
        let text = names.join("\n");
        let what = format!("the name {}", names.join(", "));
        Reply::Copy { text, what }
    }

    fn wants(&self, cx: &Cx) -> Vec<Want> {
        let watch = |kind| Want::Watch(kind, Selector::All);
        let mut wants: Vec<Want> = [Kind::Node, Kind::Pod].map(watch).into();
        if let Some(job) = &self.job {
            wants.extend([watch(Kind::Job), Want::Workloads]);
            wants.extend(job.want(cx).map(Want::Object));
        }
        wants
    }

    fn receive(&mut self, arrival: &Arrival, cx: &Cx) {
        if let (Arrival::Object { want, object }, Some(job)) = (arrival, &mut self.job)
            && job.want(cx).as_ref() == Some(*want)
        {
            job.receive(object);
        }
    }

    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        None
    }

    fn position(&self, _cx: &Cx) -> String {
        match self.window.total <= self.window.page {
            true => String::new(),
            false => {
                let end = self.window.offset + self.window.page;
                format!("{}/{}", end.min(self.window.total), self.window.total)
            }
        }
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, _cx: &Cx) -> Reply {
        self.window = match event.kind {
            MouseEventKind::ScrollDown => self.window.step(3),
            MouseEventKind::ScrollUp => self.window.step(-3),
            _ => return Reply::Ignored,
        };
        Reply::Done
    }
}

fn differs(cells: &[Option<sheet::Line>]) -> bool {
    let text = |cell: &Option<sheet::Line>| cell.as_ref().map(|line| line.text.clone());
    cells.iter().any(|cell| text(cell) != text(&cells[0]))
}

fn side_by_side(
    gpus: &[&Gpu],
    stocks: &[Stock],
    cx: &Cx,
    width: usize,
) -> (Line<'static>, Vec<Line<'static>>) {
    let column = width.saturating_sub(WHAT) / gpus.len();
    let fit = |words: &str| {
        let room = column.saturating_sub(1);
        let words = text::shorten(words, room, text::Shorten::Middle).into_owned();
        let pad = column.saturating_sub(text::width(&words));
        format!("{words}{:pad$}", "")
    };
    let mut head = vec![Span::raw(format!("{:WHAT$}", ""))];
    head.extend(
        gpus.iter()
            .map(|gpu| Span::styled(fit(&gpu.name), cx.theme.title())),
    );
    let mut out = Vec::new();
    if gpus.iter().any(|gpu| find(stocks, gpu).is_some()) {
        let mut row = vec![Span::styled(format!("{:<WHAT$}", "  here"), cx.theme.dim())];
        for gpu in gpus {
            let words = find(stocks, gpu).map_or("-".to_owned(), |stock| {
                format!("{} free of {}", stock.free, stock.all)
            });
            row.push(Span::styled(fit(&words), cx.theme.text()));
        }
        out.push(Line::from(row));
    }
    for (what, cells) in sheet::rows(gpus, cx.hardware) {
        let differ = differs(&cells);
        let (mark, style) = match differ {
            true => ("▸ ", cx.theme.accent()),
            false => ("  ", cx.theme.dim()),
        };
        let what = text::shorten(what, WHAT - 3, text::Shorten::End).into_owned();
        let mut row = vec![Span::styled(format!("{mark}{what:<0$}", WHAT - 2), style)];
        for cell in &cells {
            let (words, style) = match cell {
                Some(line) if differ => (line.text.as_str(), cx.theme.text()),
                Some(line) => (line.text.as_str(), cx.theme.dim()),
                None => ("?", cx.theme.faint()),
            };
            let room = column.saturating_sub(1);
            let short = match text::width(words) > room {
                true => words.replace(" TFLOPS", "").replace(" TOPS", ""),
                false => words.to_owned(),
            };
            row.push(Span::styled(fit(&short), style));
        }
        out.push(Line::from(row));
        let sizes: Vec<Option<(f64, f64)>> = cells.iter().map(|cell| size(cell.as_ref())).collect();
        let most = sizes
            .iter()
            .flatten()
            .fold(0.0_f64, |most, (dense, sparse)| most.max(dense + sparse));
        if most > 0.0 && sizes.iter().flatten().count() > 1 {
            out.push(bars(&sizes, most, column, cx));
        }
    }
    (Line::from(head), out)
}

/// How long the dense part is, and how much longer the sparse one.
fn size(line: Option<&sheet::Line>) -> Option<(f64, f64)> {
    let line = line?;
    match (line.rate, line.number) {
        (Some((dense, sparse)), _) => Some((
            dense,
            sparse.map_or(0.0, |sparse| (sparse - dense).max(0.0)),
        )),
        (None, Some(n)) => Some((n, 0.0)),
        (None, None) => None,
    }
}

fn bars(sizes: &[Option<(f64, f64)>], most: f64, column: usize, cx: &Cx) -> Line<'static> {
    let full = column.saturating_sub(2);
    let mut row = vec![Span::raw(format!("{:WHAT$}", ""))];
    for (n, size) in sizes.iter().enumerate() {
        let (dense, sparse) = size.unwrap_or_default();
        let cells = |amount: f64| (amount / most * full as f64).round() as usize;
        let mut solid = cells(dense);
        if dense > 0.0 {
            solid = solid.max(1);
        }
        let hatched = cells(dense + sparse).saturating_sub(solid);
        let rest = column.saturating_sub(solid + hatched);
        let style = cx.theme.series_at(n);
        row.push(Span::styled("█".repeat(solid), style));
        row.push(Span::styled("▒".repeat(hatched), style));
        row.push(Span::raw(" ".repeat(rest)));
    }
    Line::from(row)
}
